# SPDX-License-Identifier: MIT
"""When octets go to the transport: the one policy, seen through a transport and a loop that only remember."""

import gc
import weakref

import pytest
from _frame_model import Recorder, frame, make

from autobahn_fast._core.engine import CallbackSink, EngineClosed
from autobahn_fast._core.frames import WebSocketEngine


def test_a_lone_message_goes_out_at_once():
    engine, _, wire = make(True)
    engine.send(b"a")
    assert wire == [frame(1, b"a")]
    assert len(wire.deferred) == 1
    wire.end_turn()
    assert wire == [frame(1, b"a")]
    engine.send(b"b")
    assert wire == [frame(1, b"a"), frame(1, b"b")]


def test_what_follows_in_the_same_turn_is_joined():
    engine, _, wire = make(True)
    for i in range(5):
        engine.send(b"%d" % i)
    engine.ping(b"p")
    assert wire == [frame(1, b"0")]
    assert len(wire.deferred) == 1
    assert engine.unsent == 4 * 3 + 3
    wire.end_turn()
    assert wire[1:] == [b"".join(frame(1, b"%d" % i) for i in range(1, 5)) + frame(9, b"p")]
    assert engine.unsent == 0


def test_a_turn_after_one_with_several_messages_is_joined_from_its_first():
    engine, _, wire = make(True)
    engine.send(b"0")
    engine.send(b"1")
    wire.end_turn()
    for turn in range(3):
        before = len(wire)
        for i in range(4):
            engine.send(b"%d" % i)
        assert len(wire) == before, turn
        assert len(wire.deferred) == 1
        wire.end_turn()
        assert wire[before:] == [b"".join(frame(1, b"%d" % i) for i in range(4))]
        assert engine.unsent == 0


def test_a_lone_message_after_a_burst_goes_with_the_end_of_its_turn_and_the_next_at_once():
    engine, _, wire = make(True)
    engine.send(b"0")
    engine.send(b"1")
    wire.end_turn()
    before = len(wire)
    engine.send(b"lone")
    assert len(wire) == before
    wire.end_turn()
    assert wire[before:] == [frame(1, b"lone")]
    engine.send(b"again")
    assert wire[before + 1 :] == [frame(1, b"again")]


def test_a_turn_that_was_flushed_at_64_kib_was_a_burst():
    engine, _, wire = make(True)
    engine.send(b"0")
    engine.send(b"1")
    engine.send(b"x" * 65536)
    assert engine.unsent == 0
    wire.end_turn()
    before = len(wire)
    engine.send(b"2")
    assert len(wire) == before
    engine.send(b"x" * 65536)
    assert len(wire) == before + 1
    wire.end_turn()
    engine.send(b"3")
    assert engine.unsent == 3


def test_lone_large_messages_are_no_burst():
    engine, _, wire = make(True)
    for i in range(3):
        engine.send(b"x" * 65536)
        wire.end_turn()
        engine.send(b"%d" % i)
        assert wire[-1] == frame(1, b"%d" % i)
        wire.end_turn()


def test_a_burst_that_is_flushed_by_hand_leaves_nothing_behind():
    engine, _, wire = make(True)
    engine.send(b"0")
    engine.send(b"1")
    wire.end_turn()
    engine.send(b"2")
    engine.flush()
    assert wire[-1] == frame(1, b"2")
    wire.end_turn()
    engine.send(b"3")
    assert wire[-1] == frame(1, b"3")
    wire.end_turn()
    assert wire.octets == b"".join(frame(1, b"%d" % i) for i in range(4))


def test_64_kib_flush():
    engine, _, wire = make(True)
    for _ in range(1000):
        engine.send(b"x" * 256)
    sizes = [len(octets) for octets in wire]
    assert sizes == [260, 65780, 65780, 65780]
    assert engine.unsent == 260 * 1000 - sum(sizes)
    wire.end_turn()
    assert engine.octets_out == len(wire.octets) == 260 * 1000


def test_a_large_message_goes_out_at_once_even_when_joined():
    engine, _, wire = make(True)
    engine.send(b"a")
    engine.send(b"b")
    engine.send(b"x" * 65536)
    assert wire == [frame(1, b"a"), frame(1, b"b") + frame(1, b"x" * 65536)]


def test_flush():
    engine, _, wire = make(True)
    engine.send(b"a")
    engine.send(b"b")
    engine.flush()
    engine.flush()
    assert wire == [frame(1, b"a"), frame(1, b"b")]


def test_without_defer_nothing_is_joined():
    engine = WebSocketEngine(Recorder(), True)
    written = []
    engine.attach(written.append)
    engine.send(b"a")
    engine.send(b"b")
    assert written == [frame(1, b"a"), frame(1, b"b")]


@pytest.mark.parametrize("how", ["feed", "get_buffer"])
def test_answers_to_one_read_cost_one_write(how):
    engine, _, wire = make(False, mask_outgoing=False)
    engine.set_sink(CallbackSink(lambda payload, binary: engine.send(payload)))
    octets = b"".join(frame(1, b"%d" % i) for i in range(10))
    if how == "feed":
        engine.feed(octets)
    else:
        engine.get_buffer(-1)[: len(octets)] = octets
        engine.buffer_updated(len(octets))
    assert wire == [octets]
    assert wire.deferred == []
    engine.send(b"quiet")
    assert wire == [octets, frame(1, b"quiet")]


def test_a_read_flushes_what_the_turn_joined():
    engine, _, wire = make(True, require_masked=False)
    engine.send(b"a")
    engine.send(b"b")
    engine.feed(frame(10))
    assert wire == [frame(1, b"a"), frame(1, b"b")]
    wire.end_turn()
    assert len(wire) == 2


def test_write_may_send():
    # As a transport that calls pause_writing, whose handler sends.
    engine, _, wire = make(True)
    first = []

    def write(octets):
        wire.append(octets)
        if not first:
            first.append(1)
            engine.send(b"from inside")

    engine.attach(write, wire.deferred.append)
    engine.send(b"a")
    wire.end_turn()
    assert wire == [frame(1, b"a"), frame(1, b"from inside")]


def test_write_may_detach():
    engine, _, wire = make(True)
    engine.attach(lambda octets: engine.detach(), wire.deferred.append)
    engine.send(b"a")
    with pytest.raises(EngineClosed):
        engine.send(b"b")
    wire.end_turn()
    assert engine.unsent == 0


def test_write_that_raises():
    engine, _, wire = make(True)

    def write(octets):
        raise OSError("gone")

    engine.attach(write, wire.deferred.append)
    with pytest.raises(OSError, match="gone"):
        engine.send(b"a")
    assert engine.unsent == 0
    wire.attach(engine)
    engine.send(b"b")
    wire.end_turn()
    assert wire == [frame(1, b"b")]


def test_defer_that_raises():
    engine, _, wire = make(True)

    def defer(f):
        raise RuntimeError("loop is closed")

    engine.attach(wire.append, defer)
    with pytest.raises(RuntimeError, match="loop is closed"):
        engine.send(b"a")
    wire.attach(engine)
    engine.send(b"b")
    wire.end_turn()
    assert wire.octets == frame(1, b"a") + frame(1, b"b")


def test_an_idle_engine_holds_no_buffers():
    engines = [make(True)[0] for _ in range(3)]
    for engine in engines:
        assert engine.allocated == 0
        engine.send(b"x" * 1000)
        engine.feed(frame(1, b"y" * 1000, mask=b"1234"))
        assert engine.allocated == 0
        engine.feed(frame(1, b"y" * 1000, mask=b"1234")[:-1])
        assert engine.allocated <= 2048


def receive(engine, octets):
    """A read of so many octets, or of as many as there is room for; returns how many, and how much room there was."""
    room = engine.get_buffer(-1)
    n = min(len(octets), len(room))
    room[:n] = octets[:n]
    engine.buffer_updated(n)
    return n, len(room)


def test_reads_that_fill_their_room_get_more_of_it():
    engine, recorder, _ = make(False)
    octets = frame(2, b"x" * 10_000) * 200
    rooms = []
    while octets:
        n, room = receive(engine, octets)
        octets = octets[n:]
        rooms.append(room)
        assert engine.allocated <= 10_004  # what is behind the last message has memory of its own size
    assert rooms[0] == 128 * 1024
    assert min(rooms[1:-1]) > 500 * 1024  # what is left of 512 KiB
    assert engine.allocated == 0
    receive(engine, frame(2, b"y"))
    assert len(engine.get_buffer(-1)) == 128 * 1024  # one small read, and it is as before
    assert recorder.events == [("message", b"x" * 10_000, True)] * 200 + [("message", b"y", True)]


def test_a_detached_engine_keeps_nobody_alive():
    gc.disable()
    try:
        engine, recorder, wire = make(True)
        engine.send(b"a")
        wire.end_turn()
        gone = weakref.ref(recorder)
        recorder.engine = engine
        engine.detach()
        del recorder, engine
        assert gone() is None
    finally:
        gc.enable()


def test_reading_leaks_no_views():
    engine, _, _ = make(False)
    octets = frame(2, b"x" * 5000)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(1000):
        engine.get_buffer(-1)[: len(octets)] = octets
        engine.buffer_updated(len(octets))
        engine.handler.events.clear()
    gc.collect()
    assert len(gc.get_objects()) - before < 100
    assert engine.allocated == 0
