# SPDX-License-Identifier: MIT
"""Programs about stream protocols in WebSocket messages, on Twisted. See ``_twisted_base.py``."""

from __future__ import annotations

import os
from typing import Any

from _twisted_base import react, start


def stream(compression: str, subprotocol: str) -> None:
    """A stream protocol of a megabyte in WebSocket messages, both ways, over endpoints that are described by strings."""
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import clientFromString, serverFromString
    from twisted.internet.error import ConnectionDone
    from twisted.internet.protocol import Factory, Protocol

    from autobahn_fast.twisted.websocket import WrappingWebSocketClientFactory

    sent = os.urandom(1000) * 1000
    lost: Any = Deferred()

    class Upper(Protocol):
        def dataReceived(self, data: bytes) -> None:
            assert self.transport is not None
            self.transport.write(data)

        def connectionLost(self, reason: Any = None) -> None:
            lost.callback(reason.check(ConnectionDone))

    class Sender(Protocol):
        def __init__(self) -> None:
            self.got = b""
            self.done: Any = Deferred()
            self.lost: Any = Deferred()

        def connectionMade(self) -> None:
            assert self.transport is not None
            assert self.transport.getPeer().host == "127.0.0.1"
            self.transport.writeSequence([sent[:10], sent[10:500_000]])
            self.transport.write(sent[500_000:])

        def dataReceived(self, data: bytes) -> None:
            self.got += data
            if len(self.got) == len(sent):
                self.done.callback(None)

        def connectionLost(self, reason: Any = None) -> None:
            self.lost.callback(reason.check(ConnectionDone))

    async def main(reactor: Any) -> None:
        options = f"url=ws\\://localhost:compression={compression}:autofrag=10000:debug=false"
        port = await serverFromString(reactor, f"autobahn:tcp\\:0\\:interface\\=127.0.0.1:{options}").listen(
            Factory.forProtocol(Upper)
        )
        sender = Sender()
        number = port.getHost().port
        if subprotocol == "base64":
            factory = WrappingWebSocketClientFactory(
                Factory.forProtocol(lambda: sender), "ws://localhost", enableCompression=compression == "true"
            )
            factory.setSessionParameters("ws://localhost", protocols=["base64"])
            connection = await clientFromString(reactor, f"tcp:127.0.0.1:{number}").connect(factory)
        else:
            description = f"autobahn:tcp\\:127.0.0.1\\:{number}:{options}"
            connection = await clientFromString(reactor, description).connect(Factory.forProtocol(lambda: sender))
        await sender.done
        assert sender.got == sent
        used = bool(connection.websocket_extensions_in_use)
        assert used == (compression == "true")
        assert connection.websocket_protocol_in_use == subprotocol
        octets = connection.trafficStats.outgoingOctetsWireLevel
        assert (octets < 600_000) == used, octets
        connection.loseConnection()
        assert await sender.lost
        assert await lost
        await port.stopListening()

    react(main)


def stream_faults(offered: str, first: str, is_binary: str, reason: str) -> None:
    """A client that offers a subprotocol and sends a message; the server wraps a stream and has to refuse one of them."""
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import TCP4ClientEndpoint
    from twisted.internet.protocol import Factory, Protocol

    from autobahn_fast.twisted import websocket as tx

    closed: Any = Deferred()
    told: list[Any] = []

    class Client(tx.WebSocketClientProtocol):
        def onOpen(self) -> None:
            self.sendMessage(first.encode(), isBinary=is_binary == "binary")

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            closed.callback((code, reason))

    class Stream(Protocol):
        def dataReceived(self, data: bytes) -> None:
            told.append(data)

        def connectionLost(self, reason: Any = None) -> None:
            told.append(reason.type.__name__)

    async def main(reactor: Any) -> None:
        server = tx.WrappingWebSocketServerFactory(Factory.forProtocol(Stream), "ws://127.0.0.1")
        port = reactor.listenTCP(0, server, interface="127.0.0.1")
        factory = tx.WebSocketClientFactory("ws://127.0.0.1", protocols=[offered])
        factory.protocol = Client
        await TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port).connect(factory)
        code, text = await closed
        await port.stopListening()
        assert reason in text, text
        if offered == "base64" or offered == "binary":
            assert code == 1003, code
            assert told == ["ConnectionLost"], told
        else:  # no connection came about: the stream does not hear of it
            assert told == [], told

    react(main)


def stream_transport() -> None:
    """What a wrapped protocol can do with its transport, and what its factory is told."""
    from twisted.internet.defer import Deferred
    from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
    from twisted.internet.protocol import ClientFactory, Factory, Protocol

    from autobahn_fast.twisted import websocket as tx

    class Stream(Protocol):
        def __init__(self) -> None:
            self.got = b""
            self.made: Any = Deferred()
            self.waiting: Any = None
            self.lost: Any = Deferred()

        def connectionMade(self) -> None:
            self.made.callback(None)

        def dataReceived(self, data: bytes) -> None:
            self.got += data
            if self.waiting is not None:
                self.waiting.callback(None)

        def connectionLost(self, reason: Any = None) -> None:
            self.lost.callback(reason.type)

    class Streams(ClientFactory):
        noisy = False

        def __init__(self) -> None:
            self.heard: Any = Deferred()

        def buildProtocol(self, addr: Any) -> Any:
            return Stream()

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            self.heard.callback(("failed", reason.type))

        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            self.heard.callback(("lost", reason.type))

    class Nobody(Factory):
        noisy = False

        def buildProtocol(self, addr: Any) -> None:
            return None

    servers: list[Stream] = []

    class Listening(Factory):
        noisy = False

        def buildProtocol(self, addr: Any) -> Any:
            servers.append(Stream())
            return servers[-1]

    async def main(reactor: Any) -> None:
        port = reactor.listenTCP(
            0, tx.WrappingWebSocketServerFactory(Listening(), "ws://127.0.0.1"), interface="127.0.0.1"
        )
        number = port.getHost().port

        async def connected() -> tuple[Any, Any, Any]:
            streams = Streams()
            factory = tx.WrappingWebSocketClientFactory(streams, "ws://127.0.0.1")
            connector = reactor.connectTCP("127.0.0.1", number, factory)
            while not servers:
                await later(reactor)
            server = servers.pop()
            await server.made
            while connector.transport.protocol is None:
                await later(reactor)
            client = connector.transport.protocol._proto
            await client.made
            return server, client, streams

        server, client, streams = await connected()
        transport = client.transport
        assert transport.getPeer().port == number
        assert server.transport.getHost().port == number
        assert server.transport.getPeer().port == transport.getHost().port
        try:
            transport.write("text")
        except TypeError as e:
            assert str(e) == "a transport takes bytes, not str", e
        else:
            raise AssertionError("text was taken")
        server.transport.pauseProducing()
        transport.write(b"while paused")
        for _ in range(20):
            await later(reactor)
        assert server.got == b"", server.got
        server.waiting = Deferred()
        server.transport.resumeProducing()
        await server.waiting
        assert server.got == b"while paused", server.got
        transport.stopProducing()
        transport.write(b"too late: nothing is sent")
        assert await client.lost is ConnectionDone
        assert await server.lost is ConnectionDone
        assert (await streams.heard)[0] == "lost"
        assert server.got == b"while paused", server.got

        server, client, streams = await connected()
        client.transport.abortConnection()
        assert await client.lost is ConnectionLost
        assert await server.lost is ConnectionLost
        await streams.heard
        await port.stopListening()

        streams = Streams()
        reactor.connectTCP("127.0.0.1", number, tx.WrappingWebSocketClientFactory(streams, "ws://127.0.0.1"))
        assert await streams.heard == ("failed", ConnectionRefusedError)

        port = reactor.listenTCP(
            0, tx.WrappingWebSocketServerFactory(Nobody(), "ws://127.0.0.1"), interface="127.0.0.1"
        )
        streams = Streams()
        factory = tx.WrappingWebSocketClientFactory(streams, "ws://127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
        assert (await streams.heard)[0] == "lost"
        await port.stopListening()

    react(main)


def later(reactor: Any) -> Any:
    """A Deferred that fires in a moment."""
    from twisted.internet.task import deferLater

    return deferLater(reactor, 0.005)


if __name__ == "__main__":
    start(stream, stream_faults, stream_transport)
