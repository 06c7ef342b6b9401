# SPDX-License-Identifier: MIT
"""Sending over the transport's socket, past the transport: when it is done, and that no octet is lost, doubled or out of order."""

import socket

import pytest
from _frame_model import Recorder, frame

from autobahn_fast._core.engine import CallbackSink
from autobahn_fast._core.frames import WebSocketEngine


class Transport:
    """A socket pair, and what was written the usual way; ``drain`` sends that, as a transport does later."""

    def __init__(self, joins=False, views=False):
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.far.setblocking(False)
        self.written = bytearray()
        self.deferred = []
        self.closing = False
        self.engine = WebSocketEngine(Recorder(), True, require_masked=False)
        busy = (lambda: len(self.written), lambda: self.closing)
        self.types = set()
        self.engine.attach(self.write, self.deferred.append, self.near.fileno(), busy, joins, views)

    def write(self, octets):
        self.types.add(type(octets))
        self.written += octets

    def end_turn(self):
        while self.deferred:
            self.deferred.pop(0)()

    def drain(self):
        if self.written:
            try:
                del self.written[: self.near.send(self.written)]
            except BlockingIOError:
                pass

    def received(self):
        octets = bytearray()
        while True:
            try:
                octets += self.far.recv(1 << 20)
            except BlockingIOError:
                return bytes(octets)


@pytest.fixture
def transport():
    transport = Transport()
    yield transport
    transport.near.close()
    transport.far.close()


@pytest.fixture
def joining():
    transport = Transport(joins=True)
    yield transport
    transport.near.close()
    transport.far.close()


def test_octets_go_over_the_socket_at_once(transport):
    transport.engine.send(b"a")
    assert transport.received() == frame(1, b"a")
    transport.engine.send(b"b")
    transport.engine.send(b"c")
    assert transport.received() == b""
    transport.end_turn()
    assert transport.received() == frame(1, b"b") + frame(1, b"c")
    assert transport.written == b""
    assert transport.engine.octets_out == 9
    assert transport.engine.allocated == 0


def test_a_transport_that_joins_gets_the_first_of_a_turn(joining):
    joining.engine.send(b"a")
    assert joining.written == frame(1, b"a")
    joining.engine.send(b"b")
    joining.end_turn()  # something is before it
    assert joining.written == frame(1, b"a") + frame(1, b"b")
    joining.drain()
    joining.engine.set_sink(CallbackSink(lambda payload, binary: joining.engine.send(payload)))
    joining.engine.feed(frame(1, b"c") + frame(1, b"d"))
    assert joining.written == b""
    assert joining.received() == b"".join(frame(1, octets) for octets in (b"a", b"b", b"c", b"d"))


def test_answers_to_one_read_go_out_together(transport):
    transport.engine.set_sink(CallbackSink(lambda payload, binary: transport.engine.send(payload)))
    room = transport.engine.get_buffer(-1)
    octets = frame(1, b"x") * 5
    room[: len(octets)] = octets
    transport.engine.buffer_updated(len(octets))
    assert transport.received() == octets
    assert transport.deferred == []


def test_octets_wait_behind_those_of_the_transport(transport):
    transport.written += b"before"
    transport.engine.send(b"a")
    assert transport.received() == b""
    assert transport.written == b"before" + frame(1, b"a")
    assert transport.engine.octets_out == 3


def test_what_the_socket_does_not_take_is_written(transport):
    sent = bytearray()
    received = bytearray()
    for i in range(100):
        payload = bytes([i]) * 30_000
        sent += frame(2, payload)
        transport.engine.send(payload, True)
        transport.end_turn()
        if i % 10 == 9:
            received += transport.received()
        if i % 3 == 2:
            transport.drain()
    assert transport.written
    assert transport.engine.octets_out == len(sent)
    while transport.written:
        received += transport.received()
        transport.drain()
    received += transport.received()
    assert received == sent


def test_one_message_larger_than_the_socket_takes(transport):
    payload = bytes(range(256)) * 20_000
    transport.engine.send(payload, True)
    received = transport.received()
    assert 0 < len(received) < len(payload)
    assert received + transport.written == frame(2, payload)


def test_what_is_left_of_a_message_is_not_copied_for_transports_that_take_views():
    transport = Transport(views=True)
    payload = bytes(range(256)) * 20_000
    transport.engine.send(payload, True)
    received = transport.received()
    assert received + transport.written == frame(2, payload)
    assert transport.types == {memoryview}
    transport.engine.send(b"behind it")
    assert transport.types == {memoryview, bytes}
    transport.near.close()
    transport.far.close()


def test_a_small_rest_is_copied_for_transports_that_take_views_too():
    transport = Transport(views=True)
    takes = transport.near.send(bytes(5_000_000))
    transport.received()
    payload = bytes(range(256)) * (takes // 256) + b"rest" * 5000
    transport.engine.send(payload, True)
    assert transport.types == {bytes}
    assert len(transport.written) < 128 * 1024
    assert transport.received() + transport.written == frame(2, payload)
    transport.near.close()
    transport.far.close()


def test_a_transport_that_closes_gets_the_octets(transport):
    transport.closing = True
    transport.engine.send(b"a")
    assert transport.received() == b""
    assert transport.written == frame(1, b"a")


def test_an_error_is_left_to_the_transport(transport):
    transport.far.close()
    transport.engine.send(b"a")
    assert transport.written == frame(1, b"a")


def test_the_descriptor_is_forgotten_with_the_transport(transport):
    transport.engine.send(b"a")
    transport.engine.send(b"b")
    transport.engine.detach()
    transport.end_turn()
    assert transport.received() == frame(1, b"a")


def test_what_busy_does_counts():
    """It may send, too, or be the end of the connection."""
    near, far = socket.socketpair()
    far.setblocking(False)
    with near, far:
        engine = WebSocketEngine(Recorder(), True)
        written = []
        sent = []

        def busy():
            if not sent:
                sent.append(1)
                engine.send(b"b")

        engine.attach(written.append, None, near.fileno(), (busy,))
        engine.send(b"a")
        assert far.recv(100) == frame(1, b"a") + frame(1, b"b")
        engine.attach(written.append, None, near.fileno(), (engine.detach,))
        engine.send(b"c")
        with pytest.raises(BlockingIOError):
            far.recv(100)
        assert written == []


def test_what_busy_raises_comes_out(transport):
    def busy():
        raise OSError("gone")

    transport.engine.attach(transport.written.extend, transport.deferred.append, transport.near.fileno(), (busy,))
    with pytest.raises(OSError, match="gone"):
        transport.engine.send(b"a")
    assert transport.received() == b""
    assert transport.engine.unsent == 3


def test_a_loop_that_calls_is_not_asked_whether_it_is_closed():
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        asked, written, deferred = [], [], []

        def closed():
            asked.append(1)
            return len(asked) > 2

        engine = WebSocketEngine(Recorder(), True, require_masked=False)
        engine.attach(written.append, deferred.append, near.fileno(), (), closed=closed)
        engine.set_sink(CallbackSink(engine.send))
        engine.get_buffer(-1)[: len(frame(1, b"a"))] = frame(1, b"a")
        engine.buffer_updated(len(frame(1, b"a")))
        assert (far.recv(100), asked) == (frame(1, b"a"), [])
        engine.feed(frame(1, b"b"))  # whoever that is
        assert (far.recv(100), asked) == (frame(1, b"b"), [1])
        engine.send(b"c")
        assert (far.recv(100), asked) == (frame(1, b"c"), [1, 1])
        engine.send(b"d")
        deferred.pop(0)()
        assert (far.recv(100), asked) == (frame(1, b"d"), [1, 1])
        engine.send(b"e")
        engine.flush()
        with pytest.raises(BlockingIOError):
            far.recv(100)
        assert written == [frame(1, b"e")]
        engine.feed(frame(1, b"f"))
        assert written == [frame(1, b"e"), frame(1, b"f")]


def test_what_fails_inside_a_loop_does_not_hide_that_it_is_closed():
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        written = []

        def busy():
            if not written:
                written.append(b"")
                raise OSError("gone")

        engine = WebSocketEngine(Recorder(), True, require_masked=False)
        engine.attach(written.append, None, near.fileno(), (busy,), closed=lambda: True)
        engine.set_sink(CallbackSink(engine.send))
        engine.get_buffer(-1)[: len(frame(1, b"a"))] = frame(1, b"a")
        with pytest.raises(OSError, match="gone"):
            engine.buffer_updated(len(frame(1, b"a")))
        engine.flush()
        with pytest.raises(BlockingIOError):
            far.recv(100)
        assert written == [b"", frame(1, b"a")]
