# SPDX-License-Identifier: MIT
"""Coroutines as callbacks: order, exceptions, cancellation, and what pauses reading; driven by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _ws_helpers import Client, Server, client_peer, make, make_clock, open_server, request, response, server_peer

from autobahn_fast._framework import NoLoop


class Pausing:
    """Mix-in: a connection whose transport can stop reading."""

    def __init__(self) -> None:
        super().__init__()
        self.reading: list[bool] = []

    def _set_reading(self, reading: bool) -> bool:
        self.reading.append(reading)
        return True


class Slow(Pausing, Server):
    """Handles a message when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.futures: list[Any] = []
        self.handled: list[bytes] = []

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        future = NoLoop.create_future()
        self.futures.append(future)
        await future
        self.handled.append(payload)


def feed(connection: Any, *payloads: bytes) -> None:
    connection._dataReceived(b"".join(client_peer().frame(1, payload) for payload in payloads))


def step(connection: Any, index: int = 0) -> None:
    connection.futures[index].finish(None, None)


# --- order ---


def test_without_being_asked_handlers_run_side_by_side():
    connection, _ = open_server(Slow)
    feed(connection, b"a", b"b", b"c")
    assert len(connection.futures) == 3
    for index in (2, 0, 1):
        step(connection, index)
    assert connection.handled == [b"c", b"a", b"b"]


def test_in_order():
    connection, _ = open_server(Slow, orderedMessages=True)
    heard: list[bytes] = []
    connection.on("message", lambda _, payload, is_binary: heard.append(payload))
    feed(connection, b"a", b"b")
    feed(connection, b"c")
    for index, so_far in enumerate([[b"a"], [b"a", b"b"], [b"a", b"b", b"c"]]):
        assert len(connection.futures) == index + 1
        step(connection, index)
        assert connection.handled == so_far
    assert heard == [b"a", b"b", b"c"]
    feed(connection, b"d")
    step(connection, 3)
    assert connection.handled[-1] == b"d"
    assert connection._reading_gate.handlers == connection._reading_gate.octets == 0


def test_in_order_with_the_frame_api():
    class Framed(Slow):
        def onMessageFrameEnd(self) -> None:
            super().onMessageFrameEnd()

    connection, _ = open_server(Framed, orderedMessages=True)
    assert connection.engine.frame_mode
    feed(connection, b"a", b"b")
    assert len(connection.futures) == 1
    step(connection, 0)
    step(connection, 1)
    assert connection.handled == [b"a", b"b"]


def test_in_order_with_plain_functions_among_them():
    class Mixed(Slow):
        def onMessage(self, payload: bytes, isBinary: bool) -> Any:
            if payload == b"slow":
                return super().onMessage(payload, isBinary)
            self.handled.append(payload)
            return None

    connection, _ = open_server(Mixed, orderedMessages=True)
    feed(connection, b"1", b"slow", b"2", b"3", b"slow", b"4")
    assert connection.handled == [b"1"]
    step(connection, 0)
    assert connection.handled == [b"1", b"slow", b"2", b"3"]
    step(connection, 1)
    assert connection.handled == [b"1", b"slow", b"2", b"3", b"slow", b"4"]


def test_on_close_comes_behind_the_messages():
    connection, _ = open_server(Slow, orderedMessages=True)
    feed(connection, b"a", b"b")
    connection._dataReceived(client_peer().frame(8, b"\x03\xe8"))
    connection._connectionLost(None)
    assert connection.seen == ["open"]
    step(connection, 0)
    assert connection.seen == ["open"]
    step(connection, 1)
    assert connection.handled == [b"a", b"b"]
    assert connection.seen == ["open", ("close", True, 1000)]


def test_what_fails_in_order_drops_what_is_behind_it(caplog):
    connection, transport = open_server(Slow, orderedMessages=True)
    feed(connection, b"a", b"b", b"c")
    connection.futures[0].finish(None, ValueError("on purpose"))
    assert client_peer().read(transport.take()) == [("close", 1011, "internal error")]
    feed(connection, b"d")
    assert connection.handled == []
    assert "2 messages" in caplog.text
    assert "on purpose" in caplog.text
    connection._connectionLost(None)
    assert connection.seen[-1][0] == "close"


# --- exceptions and cancellation ---


@pytest.mark.parametrize("ordered", [False, True])
def test_a_coroutine_that_raises(caplog, ordered):
    connection, transport = open_server(Slow, orderedMessages=ordered)
    feed(connection, b"a")
    connection.futures[0].finish(None, ValueError("on purpose"))
    assert client_peer().read(transport.take()) == [("close", 1011, "internal error")]
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert record.exc_info is not None
    assert "on purpose" in str(record.exc_info[1])
    assert connection._reading_gate.handlers == 0


class Cancellable(NoLoop):
    cancelled_errors = (asyncio.CancelledError,)


@pytest.mark.parametrize("ordered", [False, True])
def test_a_coroutine_that_is_cancelled(ordered):
    connection, transport = open_server(Slow, Cancellable, orderedMessages=ordered)
    feed(connection, b"a", b"b")
    connection.futures[0].finish(None, asyncio.CancelledError())
    if ordered:
        assert client_peer().read(transport.take()) == [("close", 1011, "internal error")]
    else:
        assert transport.take() == b""
        step(connection, 1)
        assert connection.handled == [b"b"]
        connection.sendMessage(b"still here")
        assert client_peer().read(transport.take()) == [("message", b"still here", False)]
    assert connection._reading_gate.handlers == 0


# --- reading pauses ---


@pytest.mark.parametrize("ordered", [False, True])
def test_many_handlers_pause_reading(ordered):
    connection, _ = open_server(Slow, orderedMessages=ordered, maxPendingMessages=4)
    feed(connection, b"a", b"b", b"c")
    assert connection.reading == []
    feed(connection, b"d")
    assert connection.reading == [False]
    step(connection, 0)
    assert connection.reading == [False]
    step(connection, 1)
    step(connection, 2)
    assert connection.reading == [False, True]


def test_large_messages_pause_reading():
    connection, _ = open_server(Slow, maxPendingOctets=1000)
    feed(connection, bytes(600), bytes(400))
    assert connection.reading == [False]
    step(connection, 0)
    assert connection.reading == [False, True]


def test_zero_is_no_limit():
    connection, _ = open_server(Slow, maxPendingMessages=0, maxPendingOctets=0)
    feed(connection, *[b"x"] * 20_000)
    assert connection.reading == []


def test_plain_functions_pause_nothing():
    class Plain(Pausing, Server):
        pass

    connection, _ = open_server(Plain, maxPendingMessages=1, maxPendingOctets=1)
    feed(connection, *[b"x" * 100] * 1000)
    assert connection.reading == []


def test_closing_reads_on():
    connection, transport = open_server(Slow, maxPendingMessages=1)
    feed(connection, b"a")
    connection.sendClose(1000)
    assert connection.reading == [False, True]
    connection._dataReceived(client_peer().frame(8, b"\x03\xe8"))
    assert connection.wasClean
    assert transport.closed == "close"


def test_keepalive_does_not_blame_the_peer_while_this_side_does_not_read():
    clock = make_clock()
    connection, transport = open_server(Slow, clock, maxPendingMessages=1, autoPingInterval=1, autoPingTimeout=1)
    feed(connection, b"a")
    connection._reading_gate._call_later = lambda *_: None  # the gate's own clock stands still
    for _ in range(20):
        connection._reading_gate.paused = True
        clock.advance(1)
    assert transport.closed is None
    connection._reading_gate.paused = False
    clock.advance(5)
    assert transport.closed == "abort"


# --- octets before onConnect is through ---


class AskedServer(Pausing, Server):
    def __init__(self) -> None:
        super().__init__()
        self.answer = NoLoop.create_future()

    async def onConnect(self, request: Any) -> Any:
        return await self.answer


class AskedClient(Pausing, Client):
    def __init__(self) -> None:
        super().__init__()
        self.answer = NoLoop.create_future()

    async def onConnect(self, response: Any) -> Any:
        return await self.answer


@pytest.mark.parametrize("octet_by_octet", [False, True])
def test_octets_wait_for_on_connect(octet_by_octet):
    server, _ = make(AskedServer)
    client, _ = make(AskedClient)
    cases = [
        (server, request(), client_peer()),
        (client, response(client.websocket_key), server_peer()),
    ]
    for connection, handshake, peer in cases:
        connection._dataReceived(handshake)
        frames = peer.frame(2, b"\r\n\n" * 10_000) * 3
        if octet_by_octet:
            for i in range(len(frames)):
                connection._dataReceived(frames[i : i + 1])
        else:
            connection._dataReceived(frames)
        assert connection.reading == [False]
        assert connection.transport.closed is None
        connection.answer.finish(None, None)
        assert connection.reading == [False, True]
        assert connection.seen == ["open", *[("message", b"\r\n\n" * 10_000, True)] * 3]


def test_few_octets_pause_nothing():
    connection, _ = make(AskedServer)
    connection._dataReceived(request())
    connection._dataReceived(client_peer().frame(1, b"early"))
    connection.answer.finish(None, None)
    assert connection.reading == []
    assert connection.seen == ["open", ("message", b"early", False)]


def test_refusing_while_reading_is_paused():
    connection, transport = make(AskedServer)
    connection._dataReceived(request() + bytes(100_000))
    assert connection.reading == [False]
    connection.answer.finish(None, ValueError("no"))
    assert b"500" in transport.take().split(b"\r\n")[0]
    assert connection.reading == [False, True]
    assert transport.closed == "close"
