# SPDX-License-Identifier: MIT
"""WebSocket on asyncio and uvloop when things go wrong: slow handlers, resets, dead peers, callbacks that close, leaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import struct
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from _live import LOOPS, Carrier, run
from test_asyncio_websocket import Client, Echo, client_factory, server_factory

from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast.asyncio.websocket import WebSocketServerProtocol
from autobahn_fast.exception import Disconnected

both_loops = pytest.mark.parametrize("loop", LOOPS)
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(opcode: int, payload: bytes = b"") -> bytes:
    return WebSocketEngine(None, False).encode_frame(opcode, payload)


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class Recorder(WebSocketServerProtocol):
    """A server connection that notes its end."""

    made: list[Any]

    def onOpen(self) -> None:
        self.made.append(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.closed = (wasClean, code, reason)


def recorder(base: Any = Recorder) -> Any:
    return type(base.__name__, (base,), {"made": [], "closed": None})


# --- row 20: slow handlers here ---


@both_loops
@pytest.mark.parametrize("kind", ["tcp", "tls"])
@pytest.mark.parametrize("ordered", [False, True])
def test_slow_handlers_stop_the_sender(loop, kind, ordered, tmp_path):
    class Slow(WebSocketServerProtocol):
        most = 0
        handled: list[int] = []  # noqa: RUF012

        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.most = max(self.most, self._reading_gate.handlers)
            await go.wait()
            self.handled.append(int.from_bytes(payload[:4], "big"))

    class Sender(Client):
        full = 0

        def pause_writing(self) -> None:
            self.full += 1

    go: Any = None
    Slow.handled = []

    async def main():
        nonlocal go
        go = asyncio.Event()
        carrier = Carrier(kind, tmp_path)
        servers = []
        factory = server_factory(Slow, maxPendingMessages=20, orderedMessages=ordered)

        def make():
            servers.append(factory())
            return servers[-1]

        async with carrier.listen(make):
            client = await carrier.connect(client_factory(Sender))
            assert await client.got.get() == "open"
            sent = 0
            while not client.full:
                client.sendMessage(sent.to_bytes(4, "big") + bytes(100_000), True)
                sent += 1
                await asyncio.sleep(0)
            (server,) = servers
            await until(lambda: server._reading_gate.paused)
            under_way = server._reading_gate.handlers
            assert 20 <= under_way <= 30
            assert sent > 40
            go.set()
            await until(lambda: len(Slow.handled) == sent)
            assert sorted(Slow.handled) == list(range(sent))
            assert not ordered or Slow.handled == list(range(sent))
            assert not server._reading_gate.paused
            client.sendClose(1000)
            await client.is_closed

    run(loop, main())


@both_loops
def test_handlers_that_wait_for_what_the_peer_still_sends(loop, tmp_path):
    class Waits(WebSocketServerProtocol):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if payload == b"go":
                released.set()
            await released.wait()
            self.sendMessage(payload)

    released: Any = None

    async def main():
        nonlocal released
        released = asyncio.Event()
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory(Waits, maxPendingMessages=2)):
            client = await carrier.connect(client_factory())
            assert await client.got.get() == "open"
            for payload in (b"1", b"2", b"3", b"go"):
                client.sendMessage(payload)
                await asyncio.sleep(0.02)
            assert sorted([(await client.got.get())[0] for _ in range(4)]) == [b"1", b"2", b"3", b"go"]
            client.sendClose()
            await client.is_closed

    run(loop, main())


@both_loops
def test_a_slow_on_connect_costs_no_more_than_its_limit(loop, tmp_path):
    class Asks(recorder()):
        size = 0

        async def onConnect(self, request: Any) -> None:
            asked.append(self)
            await go.wait()

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.size += len(payload)

    asked: list[Any] = []
    go: Any = None

    async def main():
        nonlocal go
        go = asyncio.Event()
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory(Asks)):
            reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
            total = 400 * 65536
            writer.write(REQUEST + frame(2, bytes(65536)) * 400)
            await until(lambda: asked and asked[0]._early_paused)
            await asyncio.sleep(0.05)
            assert len(asked[0].data) < 2 << 20
            go.set()
            await until(lambda: asked[0].size == total)
            writer.write(frame(8, b"\x03\xe8"))
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await until(lambda: asked[0].closed)
            assert asked[0].closed[:2] == (True, 1000)

    run(loop, main())


# --- row 21: callbacks ---


@both_loops
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (lambda c: c.sendClose(3001, "enough"), (True, 3001)),
        (lambda c: c.dropConnection(abort=False), (False, 1006)),
        (lambda c: c.dropConnection(abort=True), (False, 1006)),
        (lambda c: c.transport.abort(), (False, 1006)),
    ],
)
@pytest.mark.parametrize("where", ["onOpen", "onMessage", "onPing"])
def test_a_callback_that_closes_its_connection(loop, end, expected, where, tmp_path):
    def callback(self: Any, *args: Any) -> None:
        end(self)

    async def main():
        carrier = Carrier("tcp", tmp_path)
        own = type("Own", (Echo,), {where: callback})
        async with carrier.listen(server_factory(own)):
            client = await carrier.connect(client_factory())
            assert await client.got.get() == "open"
            with contextlib.suppress(Disconnected):  # it may be closed already
                client.sendMessage(b"1")
                client.sendPing(b"2")
                client.sendMessage(b"3")
            while (event := await client.got.get())[0] != "close":
                pass
            assert event[1:] == expected
            await client.is_closed
            # others are served
            other = await carrier.connect(client_factory())
            assert await other.got.get() == "open"
            other.dropConnection(abort=True)
            await other.is_closed

    run(loop, main())


@both_loops
def test_a_handler_that_is_cancelled_costs_nobody_else_anything(loop, tmp_path):
    class Tasks(WebSocketServerProtocol):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if payload == b"forever":
                tasks.append(asyncio.current_task())
                await asyncio.Event().wait()
            self.sendMessage(payload)

    tasks: list[Any] = []

    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory(Tasks)):
            client = await carrier.connect(client_factory())
            assert await client.got.get() == "open"
            client.sendMessage(b"forever")
            await until(lambda: tasks)
            tasks[0].cancel()
            client.sendMessage(b"next")
            assert await client.got.get() == (b"next", False)
            client.sendClose()
            await client.is_closed

    run(loop, main())


# --- row 22: the network ---


def reset(sock: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


async def raw_client(port: int) -> socket.socket:
    """A connection after its opening handshake, without anything behind it."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, REQUEST)
    head = b""
    while b"\r\n\r\n" not in head:
        head += await loop.sock_recv(sock, 4096)
    return sock


@both_loops
@pytest.mark.parametrize("octets", [b"", frame(2, bytes(1000))[:500], frame(2, bytes(1000))[:1], frame(1, b"x")[:3]])
def test_a_reset_in_the_middle_of_a_frame(loop, octets, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        cls = recorder()
        factory = server_factory(cls)
        async with carrier.listen(factory):
            sock = await raw_client(carrier.port)
            await asyncio.get_running_loop().sock_sendall(sock, octets)
            await until(lambda: cls.made and cls.made[0].engine.unread + cls.made[0].engine.octets_in >= len(octets))
            reset(sock)
            await until(lambda: cls.made[0].closed)
            was_clean, code, reason = cls.made[0].closed
            assert (was_clean, code) == (False, 1006)
            assert "without a closing handshake" in reason or "TCP" in reason
            assert factory.getConnectionCount() == 0
            assert cls.made[0].engine.allocated == 0

    run(loop, main())


@both_loops
def test_a_peer_that_vanished_is_noticed(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        cls = recorder()
        async with carrier.listen(server_factory(cls, autoPingInterval=0.05, autoPingTimeout=0.05)):
            sock = await raw_client(carrier.port)  # it never answers
            await until(lambda: cls.made and cls.made[0].closed)
            was_clean, code, reason = cls.made[0].closed
            assert (was_clean, code) == (False, 1006)
            assert "ping timeout" in reason
            sock.close()

    run(loop, main())


@both_loops
def test_one_octet_at_a_time(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory(Echo)):
            reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in REQUEST + frame(1, "Grüße".encode()) + frame(8, b"\x03\xe8"):
                writer.write(bytes([octet]))
                await asyncio.sleep(0)
            answer = await asyncio.wait_for(reader.read(), 10)
            assert answer.endswith(b"\x81\x07" + "Grüße".encode() + b"\x88\x02\x03\xe8")
            writer.close()

    run(loop, main())


# --- row 22: leaks ---


ENDS: list[Callable[[Any], None]] = [
    lambda c: c.sendClose(1000),
    lambda c: c.dropConnection(abort=True),
    lambda c: c.transport.abort(),
]


async def connect_and_end(carrier: Carrier, factory: Any, number: int) -> Any:
    client = await carrier.connect(factory)
    assert await client.got.get() == "open"
    client.sendMessage(b"hello")
    assert await client.got.get() == (b"hello", False)
    ENDS[number % len(ENDS)](client)
    await client.is_closed
    return weakref.ref(client)


@both_loops
def test_a_thousand_connections_leave_nothing_behind(loop, tmp_path):
    made: list[Any] = []

    async def main():
        carrier = Carrier("unix", tmp_path)
        options = {"autoPingInterval": 60, "autoPingTimeout": 60}
        servers, clients = server_factory(Echo, **options), client_factory(**options)

        def make() -> Any:
            connection = servers()
            made.append(weakref.ref(connection))
            return connection

        async def round_of(count: int) -> None:
            made.extend([await connect_and_end(carrier, clients, i) for i in range(count)])
            await until(lambda: servers.getConnectionCount() == 0)
            for _ in range(5):
                await asyncio.sleep(0)

        async with carrier.listen(make):
            await round_of(30)
            gc.collect()
            made.clear()
            descriptors, tasks = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
            gc.disable()
            tracemalloc.start()
            try:
                before = tracemalloc.get_traced_memory()[0]
                await round_of(1000)
                alive = [ref for ref in made if ref() is not None]
                assert alive == []  # and that without the garbage collector: there are no cycles
                made.clear()
                gc.collect()  # asyncio itself leaves cycles behind
                grown = tracemalloc.get_traced_memory()[0] - before
            finally:
                tracemalloc.stop()
                gc.enable()
            assert len(os.listdir("/proc/self/fd")) == descriptors
            assert len(asyncio.all_tasks()) == tasks
            assert grown < 300_000
            running = asyncio.get_running_loop()
            scheduled = [h for h in getattr(running, "_scheduled", ()) if not h.cancelled()]
            assert len(scheduled) <= 2  # the test's own time limit

    run(loop, main(), 60)
