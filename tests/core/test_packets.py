# SPDX-License-Identifier: MIT
"""WAMP RawSocket: handshake and packets, octets in, outcome out."""

from typing import Any

import pytest
from _frame_model import Recorder, Wire, feed_pieces
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.engine import CallbackSink, EngineClosed, PayloadTooLarge
from autobahn_fast._core.packets import HANDSHAKE_ERRORS, RawSocketEngine, length_exponent


def make(is_server: bool, serializers: Any = (2,), **options: Any) -> tuple[RawSocketEngine, Recorder, Wire]:
    recorder, wire = Recorder(), Wire()
    engine = RawSocketEngine(recorder, is_server, serializers=serializers, **options)
    engine.set_sink(CallbackSink(recorder.message))
    wire.attach(engine)
    engine.start()
    return engine, recorder, wire


def opened(is_server: bool, exponent: int = 24, **options: Any) -> tuple[RawSocketEngine, Recorder, Wire]:
    engine, recorder, wire = make(is_server, **options)
    engine.feed(bytes([0x7F, (exponent - 9) << 4 | 2, 0, 0]))
    assert recorder.events == [("handshake", 2, 1 << exponent)]
    wire.end_turn()
    recorder.events.clear()
    wire.clear()
    return engine, recorder, wire


def packet(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + len(payload).to_bytes(3) + payload


@pytest.mark.parametrize(
    ("size", "exponent"),
    [
        (1, 9),
        (512, 9),
        (513, 10),
        (1000, 10),
        (1024, 10),
        (4096, 12),
        (1 << 20, 20),
        ((1 << 24) - 1, 24),
        (1 << 24, 24),
    ],
)
def test_length_exponent(size, exponent):
    assert length_exponent(size) == exponent
    engine, _, wire = make(False, max_receive=size)
    assert engine.max_receive == 1 << exponent
    assert wire.octets == bytes([0x7F, (exponent - 9) << 4 | 2, 0, 0])


@pytest.mark.parametrize("size", [0, -1, (1 << 24) + 1])
def test_length_out_of_range(size):
    with pytest.raises(ValueError, match="2\\^24"):
        make(False, max_receive=size)


@pytest.mark.parametrize("serializers", [(), (0,), (16,), (1, 99)])
def test_serializers_are_checked(serializers):
    with pytest.raises(ValueError, match="from 1 to 15"):
        make(True, serializers)


@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3]])
def test_server_handshake(cuts):
    engine, recorder, wire = make(True, {1, 2, 3})
    assert not engine.writable
    feed_pieces(engine, b"\x7f\xf1\x00\x00", cuts)
    assert wire.octets == b"\x7f\xf1\x00\x00"
    assert recorder.events == [("handshake", 1, 1 << 24)]
    assert engine.writable
    assert engine.is_open
    assert engine.serializer == 1


def test_client_handshake():
    engine, recorder, wire = make(False, [3, 2], max_receive=1 << 20)
    assert wire.octets == b"\x7f\xb3\x00\x00"
    engine.start()
    assert wire.octets == b"\x7f\xb3\x00\x00"
    engine.feed(b"\x7f\x33\x00\x00")
    assert recorder.events == [("handshake", 3, 1 << 12)]
    assert engine.max_send == 1 << 12


@pytest.mark.parametrize(
    ("octets", "code", "reply"),
    [
        (b"\x7f\xf4\x00\x00", 1, b"\x7f\x10\x00\x00"),
        (b"\x7f\xf0\x00\x00", 1, b"\x7f\x10\x00\x00"),
        (b"\x7f\xf2\x01\x00", 3, b"\x7f\x30\x00\x00"),
        (b"\x7f\xf2\x00\x80", 3, b"\x7f\x30\x00\x00"),
        (b"\x7e\xf2\x00\x00", 0, b""),
        (b"GET / HTTP/1.1\r\n", 0, b""),
        (b"\x00", 0, b""),
    ],
)
def test_server_refuses(octets, code, reply):
    for cuts in ([], [1], [2], [3]):
        engine, recorder, wire = make(True)
        feed_pieces(engine, octets + packet(0, b"late"), cuts)
        assert [event[:2] for event in recorder.events] == [("handshake_error", code)]
        assert recorder.events[0][2]
        assert wire.octets == reply
        assert not engine.reading
        with pytest.raises(EngineClosed):
            engine.send(b"x")


def test_the_reply_is_out_before_the_owner_is_told():
    engine, _recorder, wire = make(True)
    seen = []
    engine.handler.__dict__["on_handshake_error"] = lambda code, reason: seen.append(wire.octets)
    engine.feed(b"\x7f\xf4\x00\x00")
    assert seen == [b"\x7f\x10\x00\x00"]


@pytest.mark.parametrize("code", HANDSHAKE_ERRORS)
def test_server_refuses_by_order(code):
    engine, recorder, wire = make(True)
    engine.refuse(code)
    engine.feed(b"\x7f\xf2\x00\x00")
    assert wire.octets == bytes([0x7F, code << 4, 0, 0])
    assert recorder.events[0][:2] == ("handshake_error", code)


def test_refuse_checks_its_code():
    engine, _, _ = make(True)
    for code in (0, 5):
        with pytest.raises(ValueError, match="error codes"):
            engine.refuse(code)


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        *((bytes([0x7F, code << 4, 0, 0]), code) for code in range(16)),
        (b"\x7f\xf1\x00\x00", 1),
        (b"\x7f\xf2\x01\x00", 3),
        (b"HTTP/1.1 400", 0),
    ],
)
def test_client_is_refused(octets, code):
    engine, recorder, _wire = make(False)
    engine.feed(octets)
    assert [event[:2] for event in recorder.events] == [("handshake_error", code)]
    assert not engine.reading
    assert not engine.writable


def test_no_message_before_the_handshake():
    engine, _, wire = make(True)
    with pytest.raises(EngineClosed, match="handshake"):
        engine.send(b"x")
    assert engine.ping() is False
    assert wire == []


@pytest.mark.parametrize("how", ["feed", "get_buffer"])
@pytest.mark.parametrize("is_server", [False, True])
def test_packets_in(is_server, how):
    octets = packet(0, b"abc") + packet(1, b"ping") + packet(2, b"") + packet(0, b"") + packet(0, b"x" * 70_000)
    expected = [
        ("message", b"abc", True),
        ("ping", b"ping"),
        ("pong", b""),
        ("message", b"", True),
        ("message", b"x" * 70_000, True),
    ]
    for cuts in ([], list(range(40)), [5, 60_000]):
        engine, recorder, _ = opened(is_server)
        feed_pieces(engine, octets, cuts, how)
        assert recorder.events == expected
        assert engine.messages_in == 3
        assert engine.octets_in == len(octets) + 4
        assert engine.allocated == 0


def test_json_messages_are_text():
    engine, recorder, _ = make(True, {1})
    engine.feed(b"\x7f\xf1\x00\x00" + packet(0, b"[]"))
    assert recorder.events[-1] == ("message", b"[]", False)


@pytest.mark.parametrize(
    "octets",
    [
        packet(3, b"x"),
        packet(7, b""),
        b"\x10\x00\x00\x01x",
        b"\x80",
        b"\x00\x00\x02\x01",
        b"\x01\x00\x02\x01",
        b"\x08\x00\x00\x00",
        b"\x08\x00\x00\x01",
        b"\x07",
    ],
)
def test_violations(octets):
    for cuts in ([], [1, 2, 3]):
        engine, recorder, _ = opened(True, max_receive=512)
        feed_pieces(engine, octets + packet(0, b"late"), cuts)
        assert [event[:2] for event in recorder.events] == [("violation", 0)]
        assert not engine.reading


def test_the_25th_length_bit():
    engine, recorder, _ = opened(True)
    payload = bytes(1 << 24)
    engine.feed(b"\x08\x00\x00\x00" + payload)
    assert recorder.events == [("message", payload, True)]
    engine.feed(b"\x08\x00\x00\x01")
    assert recorder.events[1][:2] == ("violation", 0)
    client, _, wire = opened(False)
    client.send(payload)
    assert wire.octets == b"\x08\x00\x00\x00" + payload


def test_packets_out():
    engine, _, wire = opened(False, exponent=9)
    engine.send(b"abc", True)
    assert engine.ping(b"p") is True
    assert engine.pong(memoryview(b"q")) is True
    engine.send(b"x" * 512)
    wire.end_turn()
    assert wire.octets == packet(0, b"abc") + packet(1, b"p") + packet(2, b"q") + packet(0, b"x" * 512)
    assert engine.messages_out == 2
    for call in (engine.send, engine.ping):
        with pytest.raises(PayloadTooLarge) as info:
            call(b"x" * 513)
        assert (info.value.size, info.value.limit) == (513, 512)
    engine.close()
    with pytest.raises(EngineClosed):
        engine.send(b"x")
    wire.end_turn()
    assert len(wire.octets) == 4 * 4 + 3 + 1 + 1 + 512


def test_closing_inside_on_handshake():
    engine, recorder, _wire = make(True)
    engine.handler.__dict__["on_handshake"] = lambda *args: engine.detach()
    engine.feed(b"\x7f\xf2\x00\x00" + packet(0, b"x"))
    assert recorder.events == []


@pytest.mark.parametrize("name", ["handshake", "ping", "message"])
def test_a_callback_that_raises(name):
    engine, recorder, _ = make(True)
    error = ValueError("boom")
    recorder.raises[name] = error
    engine.feed(b"\x7f\xf2\x00\x00" + packet(1, b"") + packet(0, b"a") + packet(2, b""))
    assert recorder.events.count(("sink_error", error)) == 1
    assert recorder.events[-1] == ("pong", b"")


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=600)), max_size=8), st.lists(st.integers(0, 5000)))
def test_round_trip(packets, cuts):
    sender, _, wire = opened(False)
    receiver, recorder, _ = opened(True)
    for kind, payload in packets:
        (sender.send, sender.ping, sender.pong)[kind](payload)
    wire.end_turn()
    for how in ("feed", "get_buffer"):
        recorder.events.clear()
        feed_pieces(receiver, wire.octets, cuts, how)
        expected = [(("message", p, True), ("ping", p), ("pong", p))[kind] for kind, p in packets]
        assert recorder.events == expected
