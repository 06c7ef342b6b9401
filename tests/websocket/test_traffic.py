# SPDX-License-Identifier: MIT
"""TrafficStats: what each count counts, as autobahn's do, both ways and with and without compression."""

from __future__ import annotations

from typing import Any

import pytest
from _ws_helpers import Client, Server, make

from autobahn_fast.websocket.compress_deflate import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponseAccept,
)

COUNTS = ("OctetsWireLevel", "OctetsWebSocketLevel", "OctetsAppLevel", "WebSocketFrames", "WebSocketMessages")


def connect(compress: bool) -> tuple[Any, Any]:
    client_options: dict[str, Any] = {}
    server_options: dict[str, Any] = {}
    if compress:
        client_options = {
            "perMessageCompressionOffers": [PerMessageDeflateOffer()],
            "perMessageCompressionAccept": PerMessageDeflateResponseAccept,
        }
        server_options = {"perMessageCompressionAccept": lambda offers: PerMessageDeflateOfferAccept(offers[0])}
    client, client_transport = make(Client, **client_options)
    server, server_transport = make(Server, **server_options)
    server._dataReceived(client_transport.take())
    client._dataReceived(server_transport.take())
    return client, server


def counts(connection: Any, way: str) -> tuple[int, ...]:
    return tuple(getattr(connection.trafficStats, way + name) for name in COUNTS)


def streamed(client: Any) -> None:
    client.beginMessage()
    client.sendMessageFrame(b"abc")
    client.sendMessageFrame(b"de")
    client.endMessage()


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda c: c.sendMessage(b"a" * 100), (106, 100, 100, 1, 1)),
        (lambda c: c.sendMessage(b"a" * 100, fragmentSize=30), (124, 100, 100, 4, 1)),
        (lambda c: c.sendMessage(b"a" * 70_000, True), (70_014, 70_000, 70_000, 1, 1)),
        (streamed, (23, 5, 5, 3, 1)),
        (lambda c: c.sendPing(b"xy"), (8, 0, 0, 0, 0)),
        (lambda c: c.sendPreparedMessage(c.factory.prepareMessage(b"hello")), (11, 5, 5, 1, 1)),
        (lambda c: c.sendClose(1000, "bye"), (11, 0, 0, 0, 0)),
    ],
)
def test_plain(act, expected):
    client, server = connect(False)
    assert counts(client, "outgoing") == counts(server, "incoming") == (0, 0, 0, 0, 0)
    act(client)
    assert counts(client, "outgoing") == expected
    server._dataReceived(client.transport.take())
    assert counts(server, "incoming") == expected


def test_a_single_frame_is_no_message_of_its_sender():
    client, server = connect(False)
    client.sendFrame(opcode=1, payload=b"zz")
    client.sendFrame(opcode=9, payload=b"zz")
    assert counts(client, "outgoing") == (16, 2, 2, 1, 0)
    server._dataReceived(client.transport.take())
    assert counts(server, "incoming") == (16, 2, 2, 1, 1)


@pytest.mark.parametrize("in_frames", [False, True])
def test_compressed(in_frames):
    client, server = connect(True)
    server.engine.frame_mode = in_frames
    if in_frames:
        server.onMessageBegin(False)
    for act, app, messages in [(lambda c: c.sendMessage(b"a" * 1000), 1000, 1), (streamed, 1005, 2)]:
        act(client)
        octets = client.transport.take()
        wire, frames_payload, unpacked, frames, sent = counts(client, "outgoing")
        assert (unpacked, sent) == (app, messages)
        assert frames_payload < wire < unpacked
        assert frames == messages
        server._dataReceived(octets)
        assert counts(server, "incoming") == (wire, frames_payload, unpacked, frames, sent)


def test_reset_and_text():
    client, server = connect(False)
    stats = client.trafficStats
    assert stats.preopenOutgoingOctetsWireLevel > 0
    assert stats.preopenIncomingOctetsWireLevel > 0
    client.sendMessage(b"hi")
    assert stats.outgoingWebSocketMessages == 1
    stats.reset()
    assert counts(client, "outgoing") == (0, 0, 0, 0, 0)
    assert stats.preopenOutgoingOctetsWireLevel == 0
    client.sendMessage(b"hello")
    assert counts(client, "outgoing") == (11, 5, 5, 1, 1)
    said = stats.__json__()
    assert (said["outgoingCompressionRatio"], said["outgoingWebSocketOverhead"]) == (1, 6 / 5)
    assert '"outgoingWebSocketMessages": 1' in str(stats)
    server._connectionLost(None)
    client._connectionLost(None)
    assert counts(client, "outgoing") == (11, 5, 5, 1, 1)
    with pytest.raises(AttributeError, match="anything"):
        _ = stats.anything
