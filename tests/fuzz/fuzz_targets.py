# SPDX-License-Identifier: MIT
"""What is fuzzed: functions that take any octets and raise only when the software is wrong. ``run.py`` hands them octets that
are chosen for the code they reach; ``test_fuzz_targets.py`` a few made-up ones.

The first octets choose options and where the rest is split; what comes after them is what a peer would send.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import Codec
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.ubjson import UbjsonCodec
from autobahn_fast.wamp.exception import ProtocolError
from autobahn_fast.wamp.serializer import create_transport_serializer

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "core")]
from _codec_checks import check_any
from _frame_model import comparable, feed_pieces, make, model
from test_fuzz_packets import model as packet_model
from test_fuzz_packets import run as run_packets

JSON: list[Codec] = [
    JsonCodec(),
    JsonCodec(use_binary_hex_encoding=True, use_decimal_from_str=True, use_decimal_from_float=True),
]
BINARY: list[Codec] = [MsgPackCodec(), CborCodec(), UbjsonCodec()]
SERIALIZERS = [create_transport_serializer(name) for name in ("json", "msgpack", "cbor", "ubjson", "flatbuffers")]
SETTINGS = 4
"""Octets at the beginning that choose, instead of being sent."""


def _choices(data: bytes) -> tuple[int, list[int], bytes]:
    """What the first octets say: flags, where to split, and the rest."""
    chosen, rest = data[:SETTINGS].ljust(SETTINGS, b"\0"), data[SETTINGS:]
    return chosen[0], [octet % (len(rest) + 1) for octet in chosen[1:]], rest


def frames(data: bytes) -> None:
    """WebSocket frames: whatever the split, the events are those of a plain model of RFC 6455."""
    flags, cuts, octets = _choices(data)
    is_server, limit = bool(flags & 1), (0, 100, 70_000, 0)[flags >> 1 & 3]
    engine, recorder, _ = make(is_server, max_frame=limit)
    feed_pieces(engine, octets, cuts, "get_buffer" if flags & 8 else "feed")
    expected, events = model(octets, is_server, limit), comparable(recorder.events)
    if events != expected:
        raise AssertionError(f"{events} instead of {expected}")


def rawsocket(data: bytes) -> None:
    """RawSocket packets: the same, with a model of the specification."""
    flags, cuts, octets = _choices(data)
    is_server = bool(flags & 1)
    events = run_packets(octets, is_server, cuts, "get_buffer" if flags & 8 else "feed")
    if events != packet_model(octets, is_server):
        raise AssertionError(f"{events} instead of {packet_model(octets, is_server)}")


def json(data: bytes) -> None:
    """JSON: a value or ``DecodeError``; reading element by element gives what reading the whole gives."""
    check_any(JSON[data[0] & 1 if data else 0], data[1:])


def codecs(data: bytes) -> None:
    """MessagePack, CBOR and UBJSON: the same."""
    check_any(BINARY[data[0] % len(BINARY) if data else 0], data[1:])


def messages(data: bytes) -> None:
    """Messages: ``ProtocolError``, or messages that are written and read again as the same messages."""
    serializer = SERIALIZERS[data[0] % len(SERIALIZERS) if data else 0]
    try:
        found = serializer.unserialize(data[1:])
    except ProtocolError:
        return
    for message in found:
        octets, _ = serializer.serialize(message)
        again = serializer.unserialize(octets)
        if len(again) != 1 or repr(again[0]) != repr(message):
            raise AssertionError(f"{message} became {again}")


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (frames, rawsocket, json, codecs, messages)
}
