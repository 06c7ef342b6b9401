# SPDX-License-Identifier: MIT
"""Programs on Twisted about slow handlers, dead peers and leaks, each run in a process of its own.

``python _twisted_faults.py NAME REACTOR``; a program that fails prints why and ends with code 1.
"""

from __future__ import annotations

import gc
import os
import socket
import ssl
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _live import make_certificate
from _twisted_base import start

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(opcode: int, payload: bytes = b"") -> bytes:
    from autobahn_fast._core.frames import WebSocketEngine

    return WebSocketEngine(None, False).encode_frame(opcode, payload)


def run(main: Callable[[Any], Any]) -> None:
    """Run a coroutine function to its end on the reactor."""
    from twisted.internet.defer import ensureDeferred
    from twisted.internet.task import react

    react(lambda reactor: ensureDeferred(main(reactor)))


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    from twisted.internet import reactor

    from autobahn_fast.twisted.util import sleep

    end = reactor.seconds() + seconds  # type: ignore[attr-defined]
    while not condition():
        if reactor.seconds() > end:  # type: ignore[attr-defined]
            raise TimeoutError
        await sleep(0.005)


async def listen(reactor: Any, cls: Any, pem: bytes | None = None, **options: Any) -> tuple[Any, list[Any], int]:
    """A server on a free port; its connections are in the list. :param pem: key and certificate: over TLS."""
    from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint

    from autobahn_fast.twisted.websocket import WebSocketServerFactory

    made: list[Any] = []

    class Factory(WebSocketServerFactory):
        def buildProtocol(self, addr: Any) -> Any:
            made.append(super().buildProtocol(addr))
            return made[-1]

    factory = Factory()
    factory.protocol = cls
    factory.setProtocolOptions(**options)
    endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    if pem is not None:
        from twisted.internet.ssl import PrivateCertificate

        endpoint = SSL4ServerEndpoint(reactor, 0, PrivateCertificate.loadPEM(pem).options(), interface="127.0.0.1")
    port = await endpoint.listen(factory)
    return port, made, port.getHost().port


def raw(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


async def over_tls(sock: socket.socket, pem: Path) -> ssl.SSLSocket:
    """TLS on a raw socket; it still does not block."""
    from autobahn_fast.twisted.util import sleep

    context = ssl.create_default_context(cafile=pem)
    secure = context.wrap_socket(sock, server_hostname="localhost", do_handshake_on_connect=False)
    while True:
        try:
            secure.do_handshake()
            return secure
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            await sleep(0.002)


async def push(sock: socket.socket, data: bytes) -> int:
    """Send as much as the other side takes for a while; return how much that was."""
    from autobahn_fast.twisted.util import sleep

    sent = quiet = 0
    while sent < len(data) and quiet < 20:
        try:
            sent += sock.send(data[sent : sent + 65536])
            quiet = 0
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            quiet += 1
        await sleep(0.002)
    return sent


def slow_handlers(over: str = "tcp") -> None:
    """Coroutines of onMessage that do not end stop the sender; all messages are handled in the end."""
    from twisted.internet.defer import Deferred

    from autobahn_fast.twisted.websocket import WebSocketServerProtocol

    waiting: list[Any] = []
    handled: list[int] = []

    class Slow(WebSocketServerProtocol):
        slow = True

        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if self.slow:
                waiting.append(Deferred())
                await waiting[-1]
            handled.append(len(payload))

    async def main(reactor: Any) -> None:
        folder = tempfile.TemporaryDirectory()
        pem = make_certificate(Path(folder.name)) if over == "tls" else None
        octets = pem.read_bytes() if pem is not None else None
        port, made, number = await listen(reactor, Slow, octets, maxPendingMessages=20)
        sock = raw(number)
        if pem is not None:
            sock = await over_tls(sock, pem)
        folder.cleanup()
        messages = frame(2, bytes(60_000)) * 300
        data = REQUEST + messages
        sent = await push(sock, data)
        assert sent < len(data), "the sender was not stopped"
        (server,) = made
        assert server._reading_gate.paused
        assert 20 <= server._reading_gate.handlers < 40
        server.slow = False
        for deferred in waiting[:]:
            deferred.callback(None)
        while sent < len(data):
            sent += await push(sock, data[sent:])
        await until(lambda: len(handled) == 300)
        assert not server._reading_gate.paused
        sock.close()
        await server.is_closed
        await port.stopListening()

    run(main)


def slow_on_connect() -> None:
    """While onConnect is pending, no more than a bounded number of octets is read."""
    from twisted.internet.defer import Deferred

    from autobahn_fast.twisted.websocket import WebSocketServerProtocol

    class Asks(WebSocketServerProtocol):
        size = 0

        async def onConnect(self, request: Any) -> None:
            self.answer: Any = Deferred()
            await self.answer

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.size += len(payload)

    async def main(reactor: Any) -> None:
        port, made, number = await listen(reactor, Asks)
        sock = raw(number)
        data = REQUEST + frame(2, bytes(60_000)) * 300
        sent = await push(sock, data)
        assert sent < len(data), "the sender was not stopped"
        (server,) = made
        assert len(server.data) < 1 << 20
        server.answer.callback(None)
        while sent < len(data):
            sent += await push(sock, data[sent:])
        await until(lambda: server.size == 300 * 60_000)
        sock.close()
        await server.is_closed
        await port.stopListening()

    run(main)


def dead_peer() -> None:
    """A peer that never answers pings is dropped; one that resets in the middle of a frame ends the connection."""
    from autobahn_fast.twisted.websocket import WebSocketServerProtocol

    closed: list[Any] = []

    class Notes(WebSocketServerProtocol):
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            closed.append((wasClean, code, reason))

    async def main(reactor: Any) -> None:
        port, made, number = await listen(reactor, Notes, autoPingInterval=0.2, autoPingTimeout=0.2)
        silent = raw(number)
        await push(silent, REQUEST)
        await until(lambda: closed)
        assert closed[0][:2] == (False, 1006)
        assert "ping timeout" in closed[0][2]
        resets = raw(number)
        await push(resets, REQUEST + frame(2, bytes(1000))[:500])
        await until(lambda: len(made) == 2 and made[1].state == 3)
        resets.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        resets.close()
        await until(lambda: len(closed) == 2)
        assert closed[1][:2] == (False, 1006)
        assert made[1].engine.allocated == 0
        silent.close()
        await port.stopListening()

    run(main)


def leaks() -> None:
    """Connections that ended are gone without the garbage collector, with their timers and descriptors."""
    from twisted.internet.endpoints import TCP4ClientEndpoint

    from autobahn_fast.twisted.websocket import (
        WebSocketClientFactory,
        WebSocketClientProtocol,
        WebSocketServerProtocol,
    )

    class Echo(WebSocketServerProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    class Ends(WebSocketClientProtocol):
        number = 0

        def onOpen(self) -> None:
            self.sendMessage(b"hello")

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if self.number % 2:
                self.sendClose(1000)
            else:
                self.dropConnection(abort=True)

    async def main(reactor: Any) -> None:
        options = {"autoPingInterval": 60, "autoPingTimeout": 60}
        port, made, number = await listen(reactor, Echo, **options)
        clients = WebSocketClientFactory()
        clients.protocol = Ends
        clients.setProtocolOptions(**options)
        clients.noisy = False

        async def one(i: int) -> Any:
            client: Any = await TCP4ClientEndpoint(reactor, "127.0.0.1", number).connect(clients)
            client.number = i
            await client.is_closed
            return weakref.ref(client)

        async def round_of(count: int) -> list[Any]:
            refs = [await one(i) for i in range(count)]
            await until(lambda: all(connection.state == 0 and connection._over for connection in made))
            refs += [weakref.ref(connection) for connection in made]
            made.clear()
            await until(lambda: True)
            return refs

        await round_of(10)
        gc.collect()
        timers, descriptors = len(reactor.getDelayedCalls()), len(os.listdir("/proc/self/fd"))
        gc.disable()
        refs = await round_of(300)
        await until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
        assert len(reactor.getDelayedCalls()) <= timers
        alive = [ref() for ref in refs if ref() is not None]
        assert len(alive) <= 1, len(alive)  # the last one: its Deferred is on the stack here
        gc.enable()
        await port.stopListening()

    run(main)


def end_of_turn() -> None:
    """What is to be called at the end of a turn is called once, behind one that raises and behind a cancelled call, too."""
    from twisted.internet import asyncioreactor
    from twisted.python import log

    from autobahn_fast.twisted import _framework

    async def main(reactor: Any) -> None:
        await until(lambda: reactor.running)
        defer: Any = _framework.end_of_turn(reactor)
        seen: list[int] = []
        failures: list[Any] = []
        log.addObserver(lambda event: failures.append(event["failure"].type) if event.get("isError") else None)

        def fail() -> None:
            raise ZeroDivisionError

        def again(n: int) -> None:
            seen.append(n)
            if n:
                defer(lambda: again(n - 1))

        before = len(reactor.getDelayedCalls())
        for function in (lambda: seen.append(1), fail, lambda: seen.append(2), fail, lambda: seen.append(3)):
            defer(function)
        assert not seen
        own_call = not isinstance(reactor, asyncioreactor.AsyncioSelectorReactor)
        if own_call:
            assert len(reactor.getDelayedCalls()) == before + 1, "connections share one"
        await until(lambda: len(seen) == 3)
        assert seen == [1, 2, 3]
        assert failures == [ZeroDivisionError] * 2
        seen.clear()
        defer(lambda: again(3))
        await until(lambda: len(seen) == 4)
        await until(lambda: True)
        assert seen == [3, 2, 1, 0]

        seen.clear()
        if own_call:
            defer(lambda: seen.append(1))
            for call in reactor.getDelayedCalls():
                if not call.getTime():
                    call.cancel()
            defer(lambda: seen.append(2))
            await until(lambda: seen == [1, 2])
        clock: Any = _framework.end_of_turn(type("Stopped", (), {"running": False})())
        assert clock is None

    run(main)


if __name__ == "__main__":
    start(slow_handlers, slow_on_connect, dead_peer, leaks, end_of_turn)
