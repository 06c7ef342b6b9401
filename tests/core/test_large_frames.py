# SPDX-License-Identifier: MIT
"""Messages in one large frame: they are received into the bytes object that the program gets, which must show in nothing else."""

import gc
import sys

import pytest
from _frame_model import comparable, feed_pieces, frame, make
from hypothesis import example, given
from hypothesis import strategies as st

from autobahn_fast._core.engine import CallbackSink, MessageSink, ProtocolViolation, Sink

KEY = b"\x11\x22\x33\x44"
LARGE = 64 * 1024
MIB = 1 << 20
ways = st.sampled_from(["feed", "get_buffer"])


def octets_of(n):
    return bytes(range(251)) * (n // 251) + b"x" * (n % 251)


def receive(engine, octets):
    """As a loop does it: as much as there is room for. Returns the rooms there were."""
    rooms = []
    while octets:
        room = memoryview(engine.get_buffer(-1))  # some loops let go of it only behind buffer_updated
        n = min(len(octets), len(room))
        room[:n] = octets[:n]
        rooms.append(len(room))
        engine.buffer_updated(n)
        octets = octets[n:]
    return rooms


@pytest.mark.parametrize("is_server", [False, True])
@pytest.mark.parametrize("n", [LARGE - 1, LARGE, LARGE + 1, 3 * LARGE + 7, 2 * MIB + 1])
def test_whole_messages(is_server, n):
    engine, recorder, _ = make(is_server)
    key = KEY if is_server else None
    payload = octets_of(n)
    receive(engine, (frame(2, payload, mask=key) + frame(1, b"small", mask=key)) * 3)
    assert recorder.events == [("message", payload, True), ("message", b"small", False)] * 3
    assert engine.allocated == 0
    assert engine.messages_in == engine.frames_in == 6
    assert engine.payload_in == 3 * (n + 5)


@given(
    st.booleans(),
    ways,
    st.lists(st.sampled_from([0, 5, LARGE - 1, LARGE, LARGE + 1, 200_000]), min_size=1, max_size=4),
    st.lists(st.integers(0, 800_000), max_size=6),
    st.sampled_from([1, 2]),
)
@example(False, "get_buffer", [200_000, LARGE], [1, 9, 10, 11, 200_009, 200_010, 200_011], 1)
def test_any_cuts_give_the_same_messages(is_server, how, sizes, cuts, opcode):
    engine, recorder, _ = make(is_server)
    payloads = [("é" * (size // 2) + "x" * (size % 2)).encode() for size in sizes]
    feed_pieces(engine, b"".join(frame(opcode, p, mask=KEY if is_server else None) for p in payloads), cuts, how)
    assert recorder.events == [("message", payload, opcode == 2) for payload in payloads]
    assert engine.allocated == 0


def test_octets_come_by_both_ways():
    engine, recorder, _ = make(False)
    payload = octets_of(MIB)
    octets = frame(2, payload)
    for i in range(0, len(octets), 100_000):
        feed_pieces(engine, octets[i : i + 100_000], [], "feed" if i % 200_000 else "get_buffer")
    assert recorder.events == [("message", payload, True)]


def test_what_is_announced_is_not_believed():
    engine, _, _ = make(False)
    head = b"\x82\x7f" + (1 << 62).to_bytes(8)
    receive(engine, head)
    came = 0
    for _ in range(60):
        came += sum(min(room, 30_000) for room in receive(engine, b"x" * 30_000)[:1])
        assert engine.allocated <= 2 * came + LARGE
    assert came >= MIB
    engine.detach()
    assert engine.allocated == 0


def test_room_ends_with_the_frame():
    engine, _, _ = make(False)
    receive(engine, frame(2, b"x" * 100_000)[:-3])
    assert len(engine.get_buffer(-1)) == 3
    with pytest.raises(ValueError, match="4 octets were not asked for"):
        engine.buffer_updated(4)
    with pytest.raises(ValueError, match="not asked for"):
        engine.buffer_updated(-1)


def test_the_object_is_the_program_s_alone():
    engine, recorder, _ = make(False)
    receive(engine, frame(2, b"x" * 300_000))
    payload = recorder.events.pop()[1]
    assert sys.getrefcount(payload) == 2
    assert hash(payload) == hash(b"x" * 300_000)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(300):
        receive(engine, frame(2, b"y" * 70_000))
        recorder.events.clear()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_bad_text_fails_at_once():
    engine, recorder, _ = make(False)
    octets = frame(1, b"x" * 100_000 + b"\xff" + b"x" * 100_000)
    receive(engine, octets[:100_011])
    assert comparable(recorder.events) == [("violation", 1007)]
    assert engine.allocated == 0
    receive(engine, octets[100_011:])
    assert len(recorder.events) == 1


def test_text_that_ends_inside_of_a_character():
    engine, recorder, _ = make(False)
    receive(engine, frame(1, b"x" * 100_000 + b"\xe2\x82") + frame(1, b"y"))
    assert comparable(recorder.events) == [("violation", 1007)]


@pytest.mark.parametrize("end", ["detach", "stop_reading"])
def test_an_end_in_the_middle_gives_the_memory_back(end):
    engine, recorder, _ = make(False)
    octets = frame(2, b"x" * 300_000)
    receive(engine, octets[:200_000])
    room = engine.get_buffer(-1)
    getattr(engine, end)()
    room[:10] = b"late octet"
    engine.buffer_updated(10)
    receive(engine, octets[200_010:])
    assert engine.allocated == 0
    assert recorder.events == []


@pytest.mark.parametrize("failure", [ValueError("x"), ProtocolViolation(1009, "too much")])
def test_a_sink_that_raises(failure):
    engine, recorder, _ = make(False)
    recorder.raises["message"] = failure
    receive(engine, frame(2, b"x" * 100_000) + frame(2, b"y" * 100_000))
    names = [event[0] for event in recorder.events]
    assert names == (["message", "sink_error"] * 2 if isinstance(failure, ValueError) else ["message", "violation"])
    assert engine.allocated == 0


def test_a_sink_that_ends_the_connection():
    engine, recorder, _ = make(False)
    engine.set_sink(CallbackSink(lambda payload, binary: (recorder.message(payload, binary), engine.detach())))
    receive(engine, frame(2, b"x" * 100_000) + frame(2, b"y"))
    assert recorder.events == [("message", b"x" * 100_000, True)]


def test_the_sink_at_the_end_gets_the_message():
    engine, recorder, _ = make(False)
    octets = frame(2, b"x" * 100_000)
    takes_bytes = CallbackSink(recorder.message)
    for begins, ends, got in ((takes_bytes, None, 0), (takes_bytes, Sink(), 0), (None, takes_bytes, 1)):
        engine.set_sink(begins)
        receive(engine, octets[:50_000])
        engine.set_sink(ends)
        receive(engine, octets[50_000:])
        assert recorder.events == [("message", b"x" * 100_000, True)] * got


def test_connections_get_the_object_itself():
    class Owner:
        _listeners = None
        after: list = []
        got: list = []

        def onMessage(self, payload, is_binary):
            self.got.append((payload, is_binary))
            return 1

        def _after_message(self, payload, is_binary, result):
            self.after.append((payload is self.got[-1][0], is_binary, result))

    engine, _, _ = make(True)
    owner = Owner()
    engine.set_sink(MessageSink(owner))
    receive(engine, frame(1, b"x" * 100_000, mask=KEY) + frame(2, b"y", mask=KEY))
    assert owner.got == [(b"x" * 100_000, False), (b"y", True)]
    assert owner.after == [(True, False, 1), (True, True, 1)]


def test_limits_are_those_of_the_header():
    engine, recorder, _ = make(False, max_message=100_000)
    receive(engine, frame(2, b"x" * 100_000))
    receive(engine, frame(2, b"x" * 100_001)[:10])
    assert comparable(recorder.events) == [("message", b"x" * 100_000, True), ("violation", 1009)]
