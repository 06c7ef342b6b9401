# SPDX-License-Identifier: MIT
"""Servers and clients of ours, of ``websockets`` and of ``aiohttp`` with one interface, for tests that pair them.

A server echoes messages, chooses the subprotocol ``echo``, and closes with the code in the text ``close 4000``. A client is an
async context manager with ``send``, ``receive``, ``ping``, ``close(code)``, ``closed() -> code``, ``subprotocol`` and ``deflate``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import aiohttp.web
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.exceptions
from _echo import accept_deflate, echo_class, take_deflate

from autobahn_fast.asyncio import websocket as ours
from autobahn_fast.websocket.compress import PerMessageDeflateOffer

LIMIT = 1 << 26


# --- servers: each yields its port ---


@asynccontextmanager
async def our_server(tls: Any) -> AsyncIterator[int]:
    factory = ours.WebSocketServerFactory(protocols=["echo"])
    factory.protocol = echo_class(ours.WebSocketServerProtocol)
    factory.setProtocolOptions(perMessageCompressionAccept=accept_deflate)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=tls)
    try:  # uvloop's close() waits forever for a server that a failing test leaves open
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def websockets_server(tls: Any) -> AsyncIterator[int]:
    async def echo(connection: Any) -> None:
        async for message in connection:
            if isinstance(message, str) and message.startswith("close "):
                await connection.close(int(message[6:]), "as you wish")
            else:
                await connection.send(message)

    async with websockets.asyncio.server.serve(
        echo, "127.0.0.1", 0, ssl=tls, max_size=LIMIT, subprotocols=["echo"]
    ) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def aiohttp_server(tls: Any) -> AsyncIterator[int]:
    async def echo(request: Any) -> Any:
        socket = aiohttp.web.WebSocketResponse(max_msg_size=LIMIT, protocols=["echo"], compress=True)
        await socket.prepare(request)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
            elif message.data.startswith("close "):
                await socket.close(code=int(message.data[6:]), message=b"as you wish")
            else:
                await socket.send_str(message.data)
        return socket

    application = aiohttp.web.Application()
    application.router.add_get("/", echo)
    runner = aiohttp.web.AppRunner(application)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    await runner.cleanup()


# --- clients ---


class OurClient:
    """A client of ours."""

    def __init__(self, url: str, tls: Any) -> None:
        self._url, self._tls = url, tls

    async def __aenter__(self) -> Self:
        self._messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._pongs: asyncio.Queue[bytes] = asyncio.Queue()
        owner = self

        class Client(ours.WebSocketClientProtocol):
            def onMessage(self, payload: bytes, isBinary: bool) -> None:
                owner._messages.put_nowait(payload if isBinary else payload.decode())

            def onPong(self, payload: bytes) -> None:
                owner._pongs.put_nowait(payload)

        factory = ours.WebSocketClientFactory(self._url, protocols=["other", "echo"])
        factory.protocol = Client
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()], perMessageCompressionAccept=take_deflate
        )
        tls = {"ssl": self._tls, "server_hostname": factory.host} if self._tls is not None else {}
        connect = asyncio.get_running_loop().create_connection(factory, factory.host, factory.port, **tls)
        self._connection = (await connect)[1]
        await self._connection.is_open
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._connection.dropConnection(abort=True)
        await self._connection.is_closed

    @property
    def subprotocol(self) -> str | None:
        return self._connection.websocket_protocol_in_use

    @property
    def deflate(self) -> bool:
        return "deflate" in str([e.EXTENSION_NAME for e in self._connection.websocket_extensions_in_use])

    async def send(self, message: str | bytes) -> None:
        binary = isinstance(message, bytes)
        self._connection.sendMessage(message if isinstance(message, bytes) else message.encode(), binary)

    async def receive(self) -> str | bytes:
        return await self._messages.get()

    async def ping(self) -> None:
        self._connection.sendPing(b"are you there")
        assert await self._pongs.get() == b"are you there"

    async def close(self, code: int) -> None:
        self._connection.sendClose(code, "over")
        await self._connection.is_closed
        assert self._connection.wasClean

    async def closed(self) -> tuple[int | None, str | None]:
        await self._connection.is_closed
        return self._connection.remoteCloseCode, self._connection.remoteCloseReason


class WebsocketsClient:
    """A client of ``websockets``."""

    def __init__(self, url: str, tls: Any) -> None:
        self._connect = websockets.asyncio.client.connect(
            url,
            ssl=tls,
            max_size=LIMIT,
            subprotocols=["other", "echo"],
            proxy=None,  # type: ignore[list-item]
        )

    async def __aenter__(self) -> Self:
        self._connection = await self._connect.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._connect.__aexit__(*exc)

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    @property
    def deflate(self) -> bool:
        return "deflate" in str([e.name for e in self._connection.protocol.extensions])

    async def send(self, message: str | bytes) -> None:
        await self._connection.send(message)

    async def receive(self) -> Any:
        return await self._connection.recv()

    async def ping(self) -> None:
        await (await self._connection.ping(b"are you there"))

    async def close(self, code: int) -> None:
        await self._connection.close(code, "over")
        assert self._connection.close_code in (code, 1000)

    async def closed(self) -> tuple[int | None, str | None]:
        try:
            await self._connection.recv()
        except websockets.exceptions.ConnectionClosed:
            pass
        return self._connection.close_code, self._connection.close_reason


class AiohttpClient:
    """A client of ``aiohttp``."""

    def __init__(self, url: str, tls: Any) -> None:
        self._url, self._tls = url, tls

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(
                self._url, ssl=self._tls or True, max_msg_size=LIMIT, protocols=["other", "echo"], compress=15,
                autoping=False,
            )  # fmt: skip
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._socket.close()
        await self._session.close()

    @property
    def subprotocol(self) -> str | None:
        return self._socket.protocol

    @property
    def deflate(self) -> bool:
        return bool(self._socket.compress)

    async def send(self, message: str | bytes) -> None:
        await (self._socket.send_str(message) if isinstance(message, str) else self._socket.send_bytes(message))

    async def receive(self) -> Any:
        return (await self._socket.receive()).data

    async def ping(self) -> None:
        await self._socket.ping(b"are you there")
        message = await self._socket.receive()
        assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, b"are you there")

    async def close(self, code: int) -> None:
        await self._socket.close(code=code, message=b"over")
        assert self._socket.close_code in (code, 1000)

    async def closed(self) -> tuple[int | None, str | None]:
        message = await self._socket.receive()
        return message.data, message.extra


SERVERS: dict[str, Any] = {"ours": our_server, "websockets": websockets_server, "aiohttp": aiohttp_server}
CLIENTS: dict[str, Any] = {"ours": OurClient, "websockets": WebsocketsClient, "aiohttp": AiohttpClient}
