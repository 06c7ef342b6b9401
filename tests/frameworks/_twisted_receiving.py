# SPDX-License-Identifier: MIT
"""Programs on Twisted about transports that receive into an engine: the order of what comes, pausing, how a connection ends.

``python _twisted_receiving.py NAME REACTOR WAY``; the way is ``direct``, or ``usual``: a connection whose ``dataReceived`` is
overridden, so that Twisted's own method reads. What a program sees is the same.
"""

from __future__ import annotations

import select
import socket
import struct
from typing import Any

from _twisted_base import start
from _twisted_faults import REQUEST, frame, listen, push, raw, run, until

COUNT, SIZE = 12_000, 256


def server_class(way: str) -> Any:
    """Connections that remember what came, and why they ended."""
    from autobahn_fast.twisted.websocket import WebSocketServerProtocol

    class Server(WebSocketServerProtocol):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[bytes] = []
            self.reason: type | None = None
            self.act: Any = None

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.seen.append(payload)
            if self.act is not None:
                self.act()

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.reason = reason.type

    class Usual(Server):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)

    return Usual if way == "usual" else Server


async def connected(reactor: Any, way: str, cls: Any = None) -> tuple[Any, Any, socket.socket]:
    """A listening port, its connection, and the peer's socket."""
    port, made, number = await listen(reactor, cls or server_class(way))
    sock = raw(number)
    sock.send(REQUEST)
    await until(lambda: made and made[0].state == made[0].STATE_OPEN)
    await until(lambda: readable(sock))
    assert sock.recv(4096).startswith(b"HTTP/1.1 101 ")  # what is not read when it closes makes the end a reset
    assert ("doRead" in vars(made[0].transport)) == (way == "direct")
    return port, made[0], sock


def readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0)[0])


def message(i: int) -> bytes:
    return b"%08d" % i + bytes([i % 251]) * (SIZE - 8)


def flood(way: str) -> None:
    """Every octet of a flood comes in order; a paused connection reads no more than it has begun to."""

    async def main(reactor: Any) -> None:
        port, server, sock = await connected(reactor, way)
        octets = b"".join(frame(2, message(i)) for i in range(COUNT))
        before = server.trafficStats.incomingOctetsWireLevel
        sent = 0
        while sent < len(octets):
            sent += await push(sock, octets[sent : sent + 1_000_003])
        await until(lambda: len(server.seen) == COUNT)
        assert server.seen == [message(i) for i in range(COUNT)]
        assert server.trafficStats.incomingOctetsWireLevel - before == len(octets)
        assert server._engine.allocated == 0, "an idle connection holds no buffer"

        server.seen.clear()
        server.act = server.transport.pauseProducing
        sent = await push(sock, octets)
        rest = octets[sent:]
        await until(lambda: server.seen)
        paused = len(server.seen)
        await until(lambda: True)
        assert len(server.seen) == paused <= 600 * 1024 // SIZE
        server.act = None
        server.transport.resumeProducing()
        while rest:
            rest = rest[await push(sock, rest) :]
        await until(lambda: len(server.seen) == COUNT)
        assert server.seen == [message(i) for i in range(COUNT)]

        # an event without octets, as a reactor may have one
        assert server.transport.doRead() is None
        assert server._engine.allocated == 0
        sock.close()
        await until(lambda: server.reason)
        await port.stopListening()

    run(main)


def large(way: str) -> None:
    """Messages around what a read takes, in pieces."""

    async def main(reactor: Any) -> None:
        port, server, sock = await connected(reactor, way)
        sizes = [1, 65_535, 65_536, 131_072, 0, 1 << 20, 125, 600_000]
        octets = b"".join(frame(2, bytes([i]) * n) for i, n in enumerate(sizes))
        sent = 0
        while sent < len(octets):
            sent += await push(sock, octets[sent : sent + 99_991])
        await until(lambda: len(server.seen) == len(sizes))
        assert server.seen == [bytes([i]) * n for i, n in enumerate(sizes)]
        sock.close()
        await until(lambda: server.reason)
        await port.stopListening()

    run(main)


def endings(way: str) -> None:
    """The reason of every end is Twisted's; nothing is delivered behind an abort that the next read would bring."""
    from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
    from twisted.internet.interfaces import IHalfCloseableProtocol
    from zope.interface import implementer

    def reset(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    @implementer(IHalfCloseableProtocol)
    class HalfCloseable(server_class(way)):  # type: ignore[misc]
        half = False

        def readConnectionLost(self) -> None:
            self.half = True

        def writeConnectionLost(self) -> None:
            pass

    async def main(reactor: Any) -> None:
        for end, reason in ((socket.socket.close, ConnectionDone), (reset, ConnectionLost)):
            port, server, sock = await connected(reactor, way)
            sock.send(frame(2, b"one"))
            await until(lambda: server.seen)  # noqa: B023
            end(sock)
            await until(lambda: server.reason)  # noqa: B023
            assert server.reason is reason, server.reason
            await port.stopListening()
        for name, reason in (("loseConnection", ConnectionDone), ("abortConnection", ConnectionAborted)):
            port, server, sock = await connected(reactor, way)
            transport = server.transport
            server.act = getattr(transport, name)
            sock.send(frame(2, b"one") + frame(2, b"two"))
            await until(lambda: server.reason)  # noqa: B023
            assert server.reason is reason, server.reason
            assert server.seen[0] == b"one"
            assert ("doRead" in vars(transport)) == (name == "abortConnection")  # Twisted's own there
            sock.close()
            await port.stopListening()

        port, server, sock = await connected(reactor, way, HalfCloseable)
        sock.send(frame(2, b"one"))
        sock.shutdown(socket.SHUT_WR)
        await until(lambda: server.half)
        assert server.seen == [b"one"]
        assert server.reason is None
        server.sendMessage(b"still there", True)
        server.transport.loseConnection()
        await until(lambda: server.reason and readable(sock))
        assert sock.recv(4096) == b"\x82\x0bstill there"
        sock.close()
        await port.stopListening()

    run(main)


def others(way: str) -> None:
    """Whoever is put in the place of the connection, or of its ``dataReceived``, gets the octets."""
    from twisted.internet.protocol import Protocol

    class Taker(Protocol):
        octets = b""

        def dataReceived(self, data: bytes) -> None:
            self.octets += data

    async def main(reactor: Any) -> None:
        port, server, sock = await connected(reactor, way)
        taken: list[bytes] = []
        own = vars(server).pop("dataReceived", None)
        server.dataReceived = taken.append
        sock.send(b"not a frame")
        await until(lambda: taken)
        assert taken == [b"not a frame"]
        if own is None:
            del server.dataReceived
        else:
            server.dataReceived = own
        sock.send(frame(2, b"one"))
        await until(lambda: server.seen == [b"one"])
        taker = Taker()
        server.transport.protocol = taker  # as startTLS does it
        sock.send(b"not a frame")
        await until(lambda: taker.octets)
        assert taker.octets == b"not a frame"
        server.transport.protocol = server
        sock.send(frame(2, b"two"))
        await until(lambda: server.seen == [b"one", b"two"])

        server.dropConnection(abort=True)
        await until(lambda: server.reason)
        sock.close()
        await port.stopListening()

    run(main)


def client(way: str) -> None:
    """Clients of endpoints and of ``connectTCP`` receive the same way; so does WAMP over RawSocket."""
    from twisted.internet.endpoints import TCP4ClientEndpoint

    from autobahn_fast.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol

    messages = [message(i) for i in range(4000)]

    class Client(WebSocketClientProtocol):
        def onOpen(self) -> None:
            self.factory.opened.append(self)
            self.seen: list[bytes] = []

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.seen.append(payload)

    class Usual(Client):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)

    async def main(reactor: Any) -> None:
        port, made, number = await listen(reactor, server_class("direct"))
        factory: Any = WebSocketClientFactory(f"ws://127.0.0.1:{number}")
        factory.protocol = Usual if way == "usual" else Client
        factory.opened = []
        await TCP4ClientEndpoint(reactor, "127.0.0.1", number).connect(factory)
        reactor.connectTCP("127.0.0.1", number, factory)
        await until(lambda: len(factory.opened) == 2)
        for server in made:
            for payload in messages:
                server.sendMessage(payload, True)
        for connection in factory.opened:
            await until(lambda: len(connection.seen) == len(messages))  # noqa: B023
            assert connection.seen == messages
            transport = connection.transport
            assert ("doRead" in vars(transport)) == (way == "direct")
            connection.sendClose(1000)
            await connection.is_closed
            assert "doRead" not in vars(transport)
        await port.stopListening()

    run(main)


if __name__ == "__main__":
    start(flood, large, endings, others, client)
