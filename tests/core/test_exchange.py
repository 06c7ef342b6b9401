# SPDX-License-Identifier: MIT
"""What goes out to many connections in one loop turn: one call of the loop for all, one write for each."""

import pytest
from _frame_model import Recorder

from autobahn_fast._core.codec import MsgPackCodec
from autobahn_fast._core.exchange import Exchange
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.packets import RawSocketEngine
from autobahn_fast._core.relay import Payload, RouterWire, fan_out

CODEC = MsgPackCodec()


class Session:
    def __getattr__(self, name):
        return lambda *args: None


class Handler(Recorder):
    def __init__(self):
        super().__init__()
        self.errors = []

    def on_sink_error(self, exc):
        self.errors.append(exc)

    def on_handshake(self, serializer, max_send):
        pass


class Client:
    """A wire whose transport remembers what it is given."""

    def __init__(self, exchange, defer, write=None, kind="websocket"):
        self.written = []
        self.handler = Handler()
        if kind == "websocket":
            self.engine = WebSocketEngine(self.handler, True)
        else:
            self.engine = RawSocketEngine(self.handler, True, serializers=[2])
        self.engine.attach(write or self.written.append, defer)
        if kind == "rawsocket":
            self.engine.feed(b"\x7f\xf2\0\0")
            self.written.clear()
        self.wire = RouterWire(self.engine, CODEC, Session(), None, None, None, exchange)

    def expect(self, *numbers):
        """The events of these publications, each in a frame, were written at once, and nothing else."""
        head = 4 if isinstance(self.engine, RawSocketEngine) else 2
        (octets,) = self.written
        found = []
        while octets:
            n = octets[head - 1]
            found.append(CODEC.loads(octets[head : head + n])[2])
            octets = octets[head + n :]
        assert found == list(numbers)
        self.written.clear()


class Loop:
    def __init__(self):
        self.deferred = []

    def defer(self, f):
        self.deferred.append(f)

    def end_turn(self):
        deferred, self.deferred = self.deferred, []
        for f in deferred:
            f()


def publish(clients, *numbers):
    for number in numbers:
        fan_out(tuple(client.wire for client in clients), None, 1, number, None, Payload(CODEC, [[number]]))


@pytest.mark.parametrize("kind", ["websocket", "rawsocket"])
def test_one_call_of_the_loop_and_one_write_for_each(kind):
    loop, exchange = Loop(), Exchange()
    clients = [Client(exchange, loop.defer, kind=kind) for _ in range(20)]
    loop.deferred.clear()
    for numbers in ((1,), (2, 3, 4)):
        publish(clients, *numbers)
        assert len(loop.deferred) == 1
        assert not any(client.written for client in clients)
        loop.end_turn()
        for client in clients:
            client.expect(*numbers)
    assert loop.deferred == []


def test_messages_of_all_kinds_keep_their_order():
    loop, exchange = Loop(), Exchange()
    clients = [Client(exchange, loop.defer) for _ in range(2)]
    publish(clients, 1)
    clients[0].wire.result(2, None, Payload(CODEC, [[]]))
    publish(clients, 3)
    assert len(loop.deferred) == 1
    loop.end_turn()
    (octets,) = clients[0].written
    found = []
    while octets:
        found.append(CODEC.loads(octets[2 : 2 + octets[1]])[0])
        octets = octets[2 + octets[1] :]
    assert found == [36, 50, 36]
    clients[1].expect(1, 3)


def test_without_a_loop_nothing_is_held():
    exchange = Exchange()
    client = Client(exchange, None)
    publish([client, client], 1)
    assert len(client.written) == 2


def test_answers_to_one_read_of_the_same_client_go_out_behind_it():
    loop, exchange = Loop(), Exchange()
    client = Client(exchange, loop.defer)
    client.handler.on_pong = lambda payload: publish([client, client], 7)
    client.engine.feed(b"\x8a\x80\0\0\0\0")
    client.expect(7, 7)
    assert loop.deferred == []


def test_more_than_64_kib_does_not_wait():
    loop, exchange = Loop(), Exchange()
    client = Client(exchange, loop.defer)
    fan_out((client.wire,), None, 1, 2, None, Payload(CODEC, [["x" * 65536]]))
    assert len(client.written) == 1
    loop.end_turn()
    assert len(client.written) == 1


def test_a_transport_that_fails_is_that_of_one_connection():
    def fail(octets):
        raise ConnectionResetError("gone")

    loop, exchange = Loop(), Exchange()
    bad, good = Client(exchange, loop.defer, fail), Client(exchange, loop.defer)
    publish([bad, good], 1)
    loop.end_turn()
    assert [type(exc) for exc in bad.handler.errors] == [ConnectionResetError]
    good.expect(1)


def test_a_connection_that_is_lost_before_the_turn_ends():
    loop, exchange = Loop(), Exchange()
    lost, good = Client(exchange, loop.defer), Client(exchange, loop.defer)
    publish([lost, good], 1)
    lost.engine.detach()
    loop.end_turn()
    assert lost.written == []
    assert lost.engine.unsent == lost.engine.allocated == 0
    good.expect(1)


def test_what_a_transport_causes_belongs_to_the_next_turn():
    loop, exchange = Loop(), Exchange()
    second = Client(exchange, loop.defer)
    first = Client(exchange, loop.defer, lambda octets: publish([second, second], 2))
    publish([first], 1)
    loop.end_turn()
    assert second.written == []
    assert len(loop.deferred) == 1
    loop.end_turn()
    second.expect(2, 2)
