# SPDX-License-Identifier: MIT
"""autobahn and autobahn_fast: the same program over either, on asyncio, uvloop and Twisted.

The option names the package; with ``+aiofastnet`` connections are opened by ``aiofastnet.create_connection`` in place of the loop's.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from typing import Any
from urllib.parse import urlsplit

from ws_turns import CallbackClient, Turns


class Client(CallbackClient):
    """Connections are protocols of the package."""

    def __init__(self, package: str, loop: str) -> None:
        package, _, self.transports = package.partition("+")
        self.package = package or "autobahn_fast"
        self.twisted = loop == "twisted"
        self.module = importlib.import_module(f"{self.package}.{'twisted' if self.twisted else 'asyncio'}.websocket")
        self.protocols = make_protocols(self.module.WebSocketClientProtocol, self.twisted)

    def new_future(self) -> Any:
        if not self.twisted:
            return super().new_future()
        from twisted.internet.defer import Deferred

        return Deferred()

    async def turn(self) -> None:
        if not self.twisted:
            await asyncio.sleep(0)
            return
        from twisted.internet import reactor, task

        await task.deferLater(reactor, 0)

    async def connect(self, url: str, path: str, context: Any, deflate: bool) -> Any:
        """An open connection."""
        factory = self.module.WebSocketClientFactory(url)
        factory.setProtocolOptions(openHandshakeTimeout=20, closeHandshakeTimeout=2)
        if deflate:
            compress = importlib.import_module(f"{self.package}.websocket.compress")
            factory.setProtocolOptions(
                perMessageCompressionOffers=[compress.PerMessageDeflateOffer()],
                perMessageCompressionAccept=lambda response: compress.PerMessageDeflateResponseAccept(response),
            )
        factory.protocol = self.protocols["echo" if path == "echo" else "count"]
        factory.bench_opened = self.new_future()
        where = urlsplit(url)
        if self.twisted:
            from twisted.internet import endpoints, reactor, ssl

            endpoint: Any = endpoints.TCP4ClientEndpoint(reactor, where.hostname, where.port)
            if context is not None:
                endpoint = endpoints.wrapClientTLS(ssl.CertificateOptions(verify=False), endpoint)
            protocol = await endpoint.connect(factory)
        else:
            loop = asyncio.get_running_loop()
            create: Any = loop.create_connection
            if self.transports:
                create = functools.partial(importlib.import_module(self.transports).create_connection, loop)
            _, protocol = await create(factory, where.hostname, where.port, ssl=context)
        await factory.bench_opened
        return protocol

    async def close(self, connection: Any) -> None:
        """End a connection."""
        connection.sendClose()
        await self.turn()


def make_protocols(base: type, twisted: bool) -> dict[str, type]:
    """The classes of an echo client, and of one that counts."""

    class Protocol(Turns, base):  # type: ignore[misc]
        def onOpen(self) -> None:
            self.emit = self.sendMessage
            complete(self.factory.bench_opened)

        def finish(self) -> None:
            complete(self.done)

    def complete(future: Any) -> None:
        if twisted:
            future.callback(None)
        else:
            future.set_result(None)

    class Echo(Protocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.step()

    class Count(Protocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.missing -= 1
            if self.missing <= 0:
                self.last = payload
                self.finish()

    return {"echo": Echo, "count": Count}
