# SPDX-License-Identifier: MIT
"""Engines used against the grain: callbacks that come back, fail or detach; wrong arguments; failures half way."""

import os
import threading

import pytest

from autobahn_fast._core import frames
from autobahn_fast._core.buffer import ReadBuffer
from autobahn_fast._core.engine import CallbackSink, EngineClosed
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.packets import RawSocketEngine


class Handler:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, *args))


def read(octets):
    """The frames in octets, as a client's peer sees them: (first octet, payload)."""
    frames, at = [], 0
    while at < len(octets):
        length = octets[at + 1]
        assert length < 126
        frames.append((octets[at], octets[at + 2 : at + 2 + length]))
        at += 2 + length
    return frames


def make(is_server=True, write=None, defer=None, **options):
    engine = WebSocketEngine(Handler(), is_server, **options)
    written = []
    engine.attach(write or written.append, defer)
    return engine, written


def test_wrong_arguments_are_refused():
    engine, written = make()
    with pytest.raises(TypeError):
        engine.write_raw(None)

    class FourLong:
        def __len__(self):
            return 4

        def __bytes__(self):
            return b""

    with pytest.raises(ValueError):
        engine.encode_frame(1, b"abcd", mask=FourLong())
    assert engine.encode_frame(1, b"abcd", mask=bytearray(b"\x01\x02\x03\x04")) == b"\x81\x84\x01\x02\x03\x04````"
    assert written == []


def test_an_engine_is_made_once():
    octets = bytes([0x89, 0, 0x82, 0x80 | 5, 1, 2, 3, 4]) + b"hello"
    before = bytes(bytearray(octets))
    engine, _ = make(is_server=False)
    engine.handler.on_ping = lambda payload: engine.__init__(engine.handler, True)
    engine.feed(octets)
    assert octets == before
    assert [call[0] for call in engine.handler.calls] == ["on_sink_error", "on_violation"]


def test_a_frame_length_that_is_no_integer_leaves_no_frame_open():
    engine, written = make()
    engine.begin_message(True)
    with pytest.raises(TypeError):
        engine.begin_frame(1.5)
    engine.begin_frame(3)
    assert engine.frame_data(b"abc") == 0
    engine.end_message()
    assert read(b"".join(written)) == [(0x02, b"abc"), (0x80, b"")]


def test_held_control_frames_go_out_together_whatever_write_does():
    written = []

    def write(octets):
        written.append(octets)
        if b"pong" in octets and len(written) < 10:  # comes back while control frames are being sent
            engine.begin_frame(2)
            engine.frame_data(b"xy")

    engine, _ = make(write=write)
    engine.begin_message(True)
    engine.begin_frame(2)
    engine.pong(b"pong")
    engine.ping(b"ping")
    engine.frame_data(b"ab")
    engine.end_message()
    assert read(b"".join(written)) == [(0x02, b"ab"), (0x8A, b"pong"), (0x89, b"ping"), (0x00, b"xy"), (0x80, b"")]


def test_an_empty_frame_begun_by_write_in_the_middle_of_another_beginning():
    written = []

    def write(octets):
        written.append(octets)
        if len(written) == 1:
            engine.begin_frame(2)

    engine, _ = make(write=write)
    engine.begin_message(True)
    engine.begin_frame(0)
    assert engine.frame_data(b"ab") == 0
    engine.end_message()
    assert read(b"".join(written)) == [(0x02, b""), (0x00, b"ab"), (0x80, b"")]


def test_sending_while_the_key_of_a_control_frame_is_made(monkeypatch):
    # Where other threads may run: os.urandom lets go of the interpreter.
    engine, written = make(is_server=False, apply_mask=False)
    urandom, inside = os.urandom, []

    def slow(n):
        if not inside:
            inside.append(n)
            engine.send(b"x" * 70_000, True)
            engine.flush()
        return urandom(n)

    monkeypatch.setattr(os, "urandom", slow)
    for _ in range(1100):  # uses up the keys in stock
        engine.ping(b"p")
        engine.flush()
    peer = WebSocketEngine(Handler(), True, apply_mask=False)
    got = []
    peer.set_sink(CallbackSink(lambda payload, binary: got.append(payload)))
    peer.feed(b"".join(written))
    assert inside and got == [b"x" * 70_000]
    assert peer.handler.calls == [("on_ping", b"p")] * 1100


def test_keys_come_from_something_that_gives_enough(monkeypatch):
    engine, _ = make(is_server=False)
    monkeypatch.setattr(os, "urandom", lambda n: b"short")
    with pytest.raises(RuntimeError, match="urandom"):
        for _ in range(1100):
            engine.send(b"x", True)
    monkeypatch.undo()
    engine.send(b"x", True)


@pytest.mark.parametrize("end", ["detach", "stop_reading", "violation"])
@pytest.mark.parametrize("corked", [False, True])
def test_fragments_of_a_message_that_will_never_end_are_given_back(end, corked):
    engine, _ = make(is_server=False)
    engine.feed(b"\x02\x7e\xff\xff" + bytes(65535))
    assert engine.allocated > 60_000
    if end == "violation":
        engine.feed(b"\x8f\x00")
    elif corked:
        engine.handler.on_ping = lambda payload: getattr(engine, end)()
        engine.feed(b"\x89\x00")
    else:
        getattr(engine, end)()
    assert engine.allocated == 0


def test_memory_with_a_view_of_it_is_not_lent_to_another_connection():
    first, _ = make()
    view = first.get_buffer(-1)
    first.detach()
    second, _ = make()
    other = second.get_buffer(-1)
    other[:4] = b"\0\0\0\0"
    view[:4] = b"late"  # a read that was under way
    assert bytes(other[:4]) == b"\0\0\0\0"


def test_pooled_memory_is_used_again_when_nobody_looks():
    engine, _ = make()
    for _ in range(100):
        view = engine.get_buffer(-1)
        engine.buffer_updated(0)
        del view
    assert engine.allocated == 0
    assert ReadBuffer().allocated == 0


@pytest.mark.parametrize("fault", ["raises", "detaches"])
def test_refusing_a_rawsocket_handshake_over_a_failing_transport(fault):
    handler = Handler()
    engine = RawSocketEngine(handler, True, serializers=[2])

    def write(octets):
        written.append(octets)
        if fault == "detaches":
            engine.detach()
        else:
            raise ConnectionResetError

    written = []
    engine.attach(write, None)
    engine.feed(b"\x7f\xf1\x00\x00" * 3)  # a serializer that is not there
    assert len(written) == 1
    assert [call[0] for call in handler.calls] == (["on_sink_error"] if fault == "raises" else [])
    assert not engine.reading


def test_feeding_from_several_threads_is_refused_or_done_one_after_the_other():
    engine, _ = make(is_server=False)
    seen, refused = [], []
    engine.set_sink(CallbackSink(lambda payload, binary: (sum(range(2000)), seen.append(payload))))

    def feed():
        for _ in range(300):
            try:
                engine.feed(b"\x82\x01a\x82\x01b")
            except RuntimeError:
                refused.append(1)
            try:
                engine.send(b"out" * 50, True)
            except (RuntimeError, EngineClosed):
                pass

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 2 * (4 * 300 - len(refused))
    assert not engine.handler.calls


def test_parsing_that_gets_nowhere_ends(monkeypatch):
    # As when there is no memory left for the text of a violation.
    def no_memory(*args):
        raise MemoryError

    engine, _ = make(is_server=False)
    monkeypatch.setattr(frames, "ProtocolViolation", no_memory)
    with pytest.raises(MemoryError):
        engine.feed(b"\x8f\x00")
    monkeypatch.undo()
    assert 0 < len(engine.handler.calls) < 10
    engine.feed(b"x")  # the octets are still there
    assert engine.handler.calls[-1][:2] == ("on_violation", 1002)
