# SPDX-License-Identifier: MIT
"""Frames out: what is sent is RFC 6455 as the model reads it, and what must not be sent is refused."""

import pytest
from _frame_model import Recorder, Wire, frame, make, model
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge
from autobahn_fast._core.frames import WebSocketEngine

BOUNDARIES = [0, 1, 2, 125, 126, 127, 65535, 65536, 65537, 81910, 81920, 200_000]


def parts(octets):
    """(first octet, masked, payload octets) of each frame in a row of frames."""
    out = []
    while octets:
        b1 = octets[1]
        n = b1 & 127
        head = 2 if n < 126 else 4 if n == 126 else 10
        if n > 125:
            n = int.from_bytes(octets[2:head])
        head += 4 * (b1 >> 7)
        out.append((octets[0], bool(b1 >> 7), n))
        octets = octets[head + n :]
    return out


@pytest.mark.parametrize("is_server", [False, True])
@pytest.mark.parametrize("n", BOUNDARIES)
def test_one_message(is_server, n):
    # After one of the same size and one of another, so that every guess of the head room is seen.
    payload = bytes(i * 7 & 0xFF for i in range(n))
    engine, _, wire = make(is_server)
    for binary in (True, True):
        engine.send(payload, binary)
    engine.send(b"other", True)
    engine.send(bytearray(payload), True)
    wire.end_turn()
    expected = [("message", p, True) for p in (payload, payload, b"other", payload)]
    assert model(wire.octets, not is_server) == expected
    assert all(masked != is_server for _, masked, _ in parts(wire.octets))
    assert engine.messages_out == 4
    assert engine.octets_out == len(wire.octets)
    assert engine.allocated == 0


def test_exact_octets():
    engine, _, wire = make(True)
    engine.send(b"Hello")
    engine.ping(b"p")
    engine.close(1000, "bye")
    wire.end_turn()
    assert wire.octets == b"\x81\x05Hello\x89\x01p\x88\x05\x03\xe8bye"


def test_mask_keys_differ():
    engine, _, wire = make(False)
    for _ in range(3000):
        engine.send(bytes(4), True)
    wire.end_turn()
    octets = wire.octets
    keys = {octets[i + 2 : i + 6] for i in range(0, len(octets), 10)}
    assert len(keys) > 2990
    assert octets[2:6] == octets[6:10]  # zeros show the key


def test_masking_options():
    engine, _, wire = make(False, mask_outgoing=False)
    engine.send(b"x")
    assert wire.octets == frame(1, b"x")
    engine, _, wire = make(True, mask_outgoing=True)
    engine.send(b"abc")
    assert wire.octets[1] == 0x83
    assert len(wire.octets) == 9
    engine, _, wire = make(False, apply_mask=False)
    engine.send(b"abc")
    assert wire.octets[1] == 0x83
    assert wire.octets[6:] == b"abc"
    server, recorder, _ = make(True, apply_mask=False)
    server.feed(wire.octets)
    assert recorder.events == [("message", b"abc", False)]


@pytest.mark.parametrize("size", [1, 2, 3, 125, 126, 65535, 65536])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 375, 376, 65535, 65536, 131072, 131073])
@pytest.mark.parametrize("is_server", [False, True])
def test_auto_fragment(is_server, n, size):
    if n // size > 2000:
        n = size * 2000 + 1
    payload = bytes(i * 7 & 0xFF for i in range(n))
    for before in (b"", b"y" * 70_000):
        engine, _, wire = make(is_server, auto_fragment=size)
        if before:
            engine.auto_fragment = 0
            engine.send(before, True)
            engine.auto_fragment = size
        engine.send(payload, True)
        wire.end_turn()
        shapes = parts(wire.octets)[bool(before) :]
        assert [shape[2] for shape in shapes] == [size] * (n // size) + [n % size] * (n % size > 0)
        assert [first for first, _, _ in shapes] == [
            (2 if i == 0 else 0) | (0x80 if i == len(shapes) - 1 else 0) for i in range(len(shapes))
        ]
        assert model(wire.octets, not is_server)[-1] == ("message", payload, True)


def test_fragment_size_for_one_message():
    engine, _, wire = make(True)
    engine.send_message(b"abc", True, 2)
    engine.send_message(b"abc", True)
    wire.end_turn()
    assert wire.octets == frame(2, b"ab", fin=False) + frame(0, b"c") + frame(2, b"abc")


def test_too_large_sends_nothing():
    engine, _, wire = make(False, max_send=10)
    with pytest.raises(PayloadTooLarge) as info:
        engine.send(b"x" * 11)
    assert (info.value.size, info.value.limit) == (11, 10)
    assert wire == []
    assert engine.allocated == 0
    engine.send(b"x" * 10)
    assert model(wire.octets, True) == [("message", b"x" * 10, False)]


def test_wrong_argument_sends_nothing():
    engine, _, wire = make(False)
    for payload in ("text", 3, None):
        with pytest.raises(TypeError):
            engine.send(payload)
    engine.send(b"x")
    assert model(wire.octets, True) == [("message", b"x", False)]


def test_after_close():
    engine, _, wire = make(True)
    assert engine.close() is True
    assert engine.is_closing
    assert not engine.writable
    assert engine.reading
    assert wire.octets == b"\x88\x00"
    for call in (
        lambda: engine.send(b"x"),
        engine.begin_message,
        lambda: engine.send_frame(1),
        lambda: engine.write_raw(b""),
    ):
        with pytest.raises(EngineClosed):
            call()
    assert engine.close(1000) is False
    assert engine.ping() is False
    assert engine.pong() is False
    wire.end_turn()
    assert wire.octets == b"\x88\x00"


def test_after_detach():
    engine, _, wire = make(True)
    engine.send(b"a")
    engine.send(b"b")
    engine.detach()
    wire.end_turn()
    assert wire.octets == frame(1, b"a")
    assert engine.handler is None
    assert engine.allocated == 0
    with pytest.raises(EngineClosed):
        engine.send(b"c")
    assert engine.ping() is False
    assert engine.close() is False


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((None, "x"), "needs a close code"),
        ((999,), "1000 to 4999"),
        ((5000,), "1000 to 4999"),
        ((1000, b"x" * 124), "at most 123"),
    ],
)
def test_close_arguments(args, text):
    engine, _, wire = make(True)
    with pytest.raises(ValueError, match=text):
        engine.close(*args)
    assert wire == []
    assert engine.writable


def test_control_payload_is_limited():
    engine, _, wire = make(True)
    for call in (engine.ping, engine.pong):
        with pytest.raises(ValueError, match="125"):
            call(b"x" * 126)
    assert wire == []


@pytest.mark.parametrize("is_server", [False, True])
def test_message_frame_by_frame(is_server):
    engine, _, wire = make(is_server)
    engine.begin_message(True)
    engine.begin_frame(5)
    assert engine.frame_data(b"ab") == 3
    assert engine.frame_data(b"") == 3
    assert engine.frame_data(memoryview(b"cdeXY")) == -2
    engine.begin_frame(0)
    engine.begin_frame(1)
    assert engine.frame_data(b"f") == 0
    engine.end_message()
    engine.send(b"next")
    engine.begin_message()
    engine.end_message()
    wire.end_turn()
    assert model(wire.octets, not is_server) == [
        ("message", b"abcdef", True),
        ("message", b"next", False),
        ("message", b"", False),
    ]
    assert [shape[0] for shape in parts(wire.octets)] == [2, 0, 0, 0x80, 0x81, 0x81]
    assert engine.messages_out == 3


def test_control_frames_wait_for_the_end_of_the_frame():
    engine, _, wire = make(True)
    engine.begin_message()
    engine.begin_frame(2)
    engine.frame_data(b"a")
    assert engine.pong(b"1")
    assert engine.pong(b"2")
    assert engine.ping(b"3")
    engine.frame_data(b"b")
    engine.end_message()
    wire.end_turn()
    assert wire.octets == frame(1, b"ab", fin=False) + frame(10, b"2") + frame(9, b"3") + frame(0)


def test_close_waits_for_the_end_of_the_frame():
    engine, _, wire = make(True)
    engine.begin_message()
    engine.begin_frame(2)
    assert engine.close(1000) is True
    assert engine.close(1000) is False
    assert engine.frame_data(b"ab") == 0
    for call in (lambda: engine.frame_data(b"x"), engine.end_message, lambda: engine.begin_frame(1)):
        with pytest.raises(EngineClosed):
            call()
    wire.end_turn()
    assert wire.octets == frame(1, b"ab", fin=False) + frame(8, b"\x03\xe8")


def test_order_of_calls_is_checked():
    engine, _, wire = make(True)
    for call in (lambda: engine.begin_frame(1), lambda: engine.frame_data(b"x"), engine.end_message):
        with pytest.raises(RuntimeError, match="begin_"):
            call()
    engine.begin_message()
    for call in (engine.begin_message, lambda: engine.send(b"x")):
        with pytest.raises(RuntimeError, match="end it before"):
            call()
    with pytest.raises(RuntimeError, match="begin_frame"):
        engine.frame_data(b"x")
    for length in (-1, 1 << 63):
        with pytest.raises(ValueError, match="2\\^63-1"):
            engine.begin_frame(length)
    engine.begin_frame(3)
    for call in (lambda: engine.begin_frame(1), engine.end_message, lambda: engine.write_raw(b"x")):
        with pytest.raises(RuntimeError, match="still needs 3"):
            call()
    engine.frame_data(b"abc")
    engine.end_message()
    wire.end_turn()
    assert model(wire.octets, False) == [("message", b"abc", False)]


def test_single_frames():
    engine, _, wire = make(True)
    engine.send_frame(1, b"a", fin=False, rsv=4)
    engine.send_frame(15)
    engine.send_frame(2, b"abc", mask=b"\x01\x02\x03\x04")
    wire.end_turn()
    assert wire.octets == (frame(1, b"a", fin=False, rsv=4) + frame(15) + frame(2, b"abc", mask=b"\x01\x02\x03\x04"))
    assert engine.encode_frame(2, b"x" * 70_000) == frame(2, b"x" * 70_000)
    client, _, _ = make(False)
    assert model(client.encode_frame(1, b"prepared"), True) == [("message", b"prepared", False)]
    for args in ((16,), (-1,), (1, b"", True, 8), (1, b"", True, 0, b"abc")):
        with pytest.raises(ValueError, match="0 to 15"):
            engine.encode_frame(*args)


def test_prepared_frames():
    engine, _, wire = make(True)
    prepared = engine.encode_frame(1, b"same for all")
    engine.write_raw(prepared, messages=1)
    assert wire.octets == prepared
    assert engine.messages_out == 1


@given(
    st.lists(st.tuples(st.binary(max_size=400), st.booleans()), max_size=10),
    st.integers(0, 200),
    st.booleans(),
    st.lists(st.integers(1, 4000)),
)
def test_round_trip(messages, fragment, client_sends, cuts):
    from _frame_model import feed_pieces

    messages = [(p if binary else p.hex().encode(), binary) for p, binary in messages]
    sender, _, wire = make(not client_sends, auto_fragment=fragment)
    receiver, recorder, _ = make(client_sends)
    for payload, binary in messages:
        sender.send(payload, binary)
    wire.end_turn()
    feed_pieces(receiver, wire.octets, cuts)
    assert recorder.events == [("message", payload, binary) for payload, binary in messages]
    assert receiver.octets_in == sender.octets_out
    assert receiver.messages_in == sender.messages_out == len(messages)


def test_without_transport_nothing_is_lost_before_attach():
    engine = WebSocketEngine(Recorder(), True)
    engine.send(b"early")
    wire = Wire()
    wire.attach(engine)
    engine.flush()
    assert wire.octets == frame(1, b"early")
