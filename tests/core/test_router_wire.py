# SPDX-License-Identifier: MIT
"""RouterWire and Payload used against the grain: foreign spelling, deep payloads, failing receivers, wrong arguments."""

import json

import pytest

from autobahn_fast._core.codec import CborCodec, JsonCodec, MsgPackCodec
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.relay import Payload, RouterWire, fan_out
from autobahn_fast._core.wire import Wire

ALL = [MsgPackCodec(), CborCodec(), JsonCodec()]
by_name = pytest.mark.parametrize("codec", ALL, ids=lambda codec: codec.name)


class Session:
    """Writes down what the wire calls."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args: self.calls.append((name, *args))


def make(codec, write=None):
    session = Session()
    engine = WebSocketEngine(session, True)
    engine.attach(write or (lambda octets: None))
    wire = RouterWire(engine, codec, session, lambda raw: raw)
    wire.joined = True
    return wire, session


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_json_with_white_space_everywhere():
    wire, session = make(JsonCodec())
    message = [16, 1, {}, "com.topic", [1, "two"], {"three": 3}]
    wire.receive(json.dumps(message).encode(), False)
    wire.receive(json.dumps(message, indent=1).encode(), False)
    wire.receive(b' [ 16 , 1 , {} , "com.topic" , [1, "two"] , {"three": 3} ] ', False)
    assert [call[0] for call in session.calls] == ["_on_publish"] * 3
    for call in session.calls:
        assert call[1:4] == (1, None, "com.topic")
        assert call[4].values() == [[1, "two"], {"three": 3}]


def test_json_with_a_comma_too_many_is_no_message():
    wire, session = make(JsonCodec())
    wire.receive(b'[16, 1, {}, "com.topic", [1], ]', False)
    wire.receive(b'[16, 1, {}, "com.topic", ', False)
    assert [call[0] for call in session.calls] == ["_on_failure"] * 2


@by_name
def test_a_payload_that_is_passed_on_can_be_read_inside_of_a_message(codec):
    # As deep as the codec reads, and one deeper: what is taken must not end the session of a receiver.
    deepest = next(n for n in range(600, 0, -1) if readable(codec, nested(n)))
    for depth, taken in ((deepest - 1, True), (deepest, False)):
        wire, session = make(codec)
        payload = raw(codec, depth)
        message = {
            "json": b'[16,1,{},"t",' + payload + b"]",
            "msgpack": b"\x95\x10\x01\x80\xa1t" + payload,
            "cbor": b"\x85\x10\x01\xa0\x61t" + payload,
        }[codec.name]
        wire.receive(message, codec.binary)
        assert [call[0] for call in session.calls] == ["_on_publish" if taken else "_on_failure"]
        if taken:
            codec.loads(message)


def raw(codec, depth):
    begin, end = {"json": (b"[", b"]"), "msgpack": (b"\x91", b""), "cbor": (b"\x81", b"")}[codec.name]
    return begin * depth + (b"1" if codec.name == "json" else b"\x01") + end * depth


def readable(codec, value):
    try:
        codec.loads(codec.dumps(value))
        return True
    except ValueError:
        return False


@pytest.mark.parametrize("others", [0, 2])
def test_one_failing_receiver_does_not_cost_the_others_their_event(others):
    def fail(octets):
        raise ConnectionResetError("gone")

    written = []
    failing, told = make(MsgPackCodec(), fail)
    good = [make(MsgPackCodec(), written.append)[0] for _ in range(others)]
    payload = Payload(MsgPackCodec(), [[1]])
    assert fan_out((failing, *good), None, 5, 6, None, payload) == others
    assert len(written) == others
    assert [(name, type(exc), subscription) for name, exc, subscription in told.calls] == [
        ("_on_dropped", ConnectionResetError, 5)
    ]


def test_none_in_place_of_an_object_is_refused():
    wire, session = make(MsgPackCodec())
    payload = Payload(MsgPackCodec(), [[1]])
    for call in (
        lambda: RouterWire.__new__(RouterWire),
        lambda: Wire.__new__(Wire),
        lambda: Payload(None, [[1]]),
        lambda: payload.octets_in(None),
        lambda: wire.invocation(1, 2, None, None),
        lambda: wire.result(1, None, None),
        lambda: wire.receive(None, True),
        lambda: fan_out((wire,), None, 1, 2, None, None),
    ):
        with pytest.raises(TypeError):
            call()
    assert fan_out((None, wire), wire, 1, 2, None, payload) == 0
    assert Payload.__new__(Payload).values() == []
    assert session.calls == []


def test_octets_that_do_not_lie_in_one_piece_are_refused():
    wire, session = make(MsgPackCodec())
    with pytest.raises(BufferError):
        wire.receive(memoryview(bytes(5000) + b"\x95\x01\x02\x03\x04\x05")[::-1], True)
    assert session.calls == []
