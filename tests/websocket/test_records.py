# SPDX-License-Identifier: MIT
"""Small objects that programs make or read: messages, pings, prepared messages, moments of a connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autobahn_fast.exception import InvalidArgument
from autobahn_fast.websocket import _records
from autobahn_fast.websocket._records import Timings, TrafficStats
from autobahn_fast.websocket.protocol import PreparedMessage
from autobahn_fast.websocket.types import IncomingMessage, OutgoingMessage, Ping


def test_messages() -> None:
    incoming, outgoing = IncomingMessage(b"text"), OutgoingMessage(b"\0", True, True)
    assert (incoming.payload, incoming.is_binary) == (b"text", False)
    assert (outgoing.payload, outgoing.is_binary, outgoing.skip_compress) == (b"\0", True, True)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (IncomingMessage, ("text",), "payload is bytes, not str"),
        (IncomingMessage, (b"", 1), "is_binary is bool, not int"),
        (OutgoingMessage, (None,), "payload is bytes, not NoneType"),
        (OutgoingMessage, (b"", False, 1), "skip_compress is bool, not int"),
        (Ping, ("ping",), "the payload of a ping is bytes, not str"),
        (Ping, (bytes(126),), "the payload of a ping has at most 125 octets, not 126"),
    ],
)
def test_wrong_arguments_are_refused(kind: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        kind(*arguments)


def test_pings() -> None:
    assert Ping().payload is None
    assert Ping(bytes(125)).payload == bytes(125)


def test_prepared_messages_hold_their_frame() -> None:
    message = PreparedMessage(b"hello", False, False, False)
    assert message.payloadHybi == b"\x81\x05hello"
    assert len(PreparedMessage(b"hello", True, True, False).payloadHybi) == 2 + 4 + 5
    with pytest.raises(TypeError, match="the payload of a message is bytes, not str"):
        PreparedMessage("hello", False, False, False)  # type: ignore[arg-type]


def test_moments_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 100.25, 102.75, 102.7505, 102.7505 + 2e-6, 102.7505 + 2e-6 + 3e-9])
    monkeypatch.setattr(_records.time, "perf_counter", lambda: next(moments))
    timings = Timings()
    for name in "abcde":
        timings.track(name)
    assert timings["a"] == 0.25
    assert timings["z"] is None
    assert list(timings) == list("abcde")
    assert timings.diff("a", "b", formatted=False) == 2.5
    assert timings.diff("a", "b") == "     2 s"
    assert timings.diff("b", "c") == "  500 us"
    assert timings.diff("c", "d") == "    2 us"
    assert timings.diff("d", "e") == "    3 ns"
    assert timings.diff("a", "z") == "    n.a."
    assert timings.diff("a", "z", formatted=False) is None
    assert str(timings).startswith("{'a': 0.25")


def test_traffic_of_a_connection_that_is_not_open_yet() -> None:
    stats = TrafficStats()
    values = json.loads(str(stats))
    assert values["outgoingOctetsWireLevel"] == values["incomingWebSocketMessages"] == 0
    assert values["incomingCompressionRatio"] is None
    with pytest.raises(AttributeError, match="no attribute 'octets'"):
        _ = stats.octets
