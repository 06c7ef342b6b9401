# SPDX-License-Identifier: MIT
"""The Twisted side of the interop tests, a process of its own.

``server PEM``: an echo server, a ``WebSocketResource`` of a twisted.web site; prints its ports, plain and with TLS, and runs until
its input is closed. ``client CA PORT``: talks to
an echo server and ends with code 1 when that is not as it should be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react

from autobahn_fast.twisted import websocket as ours

sys.path.insert(0, str(Path(__file__).parent))
from _echo import accept_deflate, echo_class, take_deflate

reactor: Any = _reactor


def server(pem: str) -> None:
    """Echo until standard input is closed."""
    from twisted.internet.ssl import PrivateCertificate
    from twisted.web.resource import Resource
    from twisted.web.server import Site

    from autobahn_fast.twisted.resource import WebSocketResource

    factory = ours.WebSocketServerFactory(protocols=["echo"])
    factory.protocol = echo_class(ours.WebSocketServerProtocol)
    factory.setProtocolOptions(perMessageCompressionAccept=accept_deflate)
    options = PrivateCertificate.loadPEM(Path(pem).read_bytes()).options()
    factory.startFactory()
    root = Resource()
    root.putChild(b"", WebSocketResource(factory))
    site = Site(root)
    plain = reactor.listenTCP(0, site, interface="127.0.0.1")
    secure = reactor.listenSSL(0, site, options, interface="127.0.0.1")

    class UntilClosed(Protocol):
        def connectionLost(self, reason: Any = None) -> None:
            reactor.stop()

    StandardIO(UntilClosed())
    print(plain.getHost().port, secure.getHost().port, flush=True)
    reactor.run()


def client(ca: str, port: str) -> None:
    """Talk to a server of another library."""
    from autobahn_fast.twisted._connecting import client_tls
    from autobahn_fast.websocket.compress import PerMessageDeflateOffer

    large = "Grüße 𝄞 ".encode() * 750_000
    messages = [(b"", False), ("Grüße 𝄞".encode(), False), (bytes(65536), True), (large, False), (large, True)]
    done: Any = Deferred()

    class Client(ours.WebSocketClientProtocol):
        def onOpen(self) -> None:
            self.got: list[tuple[bytes, bool]] = []
            self.pongs: list[bytes] = []
            assert self.websocket_protocol_in_use == "echo"
            assert self.websocket_extensions_in_use
            self.sendPing(b"there?")
            for payload, binary in messages:
                self.sendMessage(payload, binary)

        def onPong(self, payload: bytes) -> None:
            self.pongs.append(payload)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.got.append((payload, isBinary))
            if len(self.got) == len(messages):
                self.sendMessage(b"close 4711", False)

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            done.callback((self, wasClean, code, reason))

    async def main() -> None:
        factory = ours.WebSocketClientFactory(f"wss://127.0.0.1:{port}/", protocols=["echo"])
        factory.protocol = Client
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()], perMessageCompressionAccept=take_deflate
        )
        ours.connectWS(factory, client_tls({"trust_root": ca}, "127.0.0.1"))
        connection, *end = await done
        assert end == [True, 4711, "as you wish"], end
        assert connection.got == messages
        assert connection.pongs == [b"there?"]

    react(lambda reactor: Deferred.fromCoroutine(main()))


if __name__ == "__main__":
    {"server": server, "client": client}[sys.argv[1]](*sys.argv[2:])
