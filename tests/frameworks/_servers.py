# SPDX-License-Identifier: MIT
"""Small servers for tests on an asyncio loop: an HTTP CONNECT proxy, a WebSocket echo, one that answers with given octets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from autobahn_fast.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol


@asynccontextmanager
async def listening(serve: Any, tls: Any = None) -> AsyncIterator[int]:
    """Serve connections with ``serve(reader, writer)``; yields the port. Waits for the connections to end."""
    tasks: set[Any] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
        if tasks:
            await asyncio.wait(tasks, timeout=5)
    finally:
        server.close()


async def until_closed(reader: asyncio.StreamReader, _writer: Any = None) -> None:
    """Read until the peer ends."""
    while await reader.read(65536):
        pass


def silent_server() -> Any:
    """Serve, but never say anything; gives the port."""
    return listening(until_closed)


class ConnectProxy:
    """A proxy that knows where hosts are (nobody else may resolve them), and perhaps asks who is there."""

    def __init__(
        self, hosts: Mapping[str, tuple[str, int]], credentials: str | None = None, answer: bytes | None = None
    ) -> None:
        """
        :param hosts: address of each ``host:port``. :param credentials: ``username:password`` it asks for.
        :param answer: said to everybody instead of connecting; empty: the connection is closed.
        """
        self.hosts = hosts
        self.credentials = credentials
        self.answer = answer
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.port = 0

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[ConnectProxy]:
        """Serve."""
        async with listening(self._answer) as self.port:
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.requests.append((first, headers))
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
            return
        if self.credentials is not None:
            expected = "Basic " + base64.b64encode(self.credentials.encode()).decode()
            if headers.get("proxy-authorization") != expected:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
                return
        method, target, _ = first.split(" ")
        if method != "CONNECT" or target not in self.hosts:
            writer.write(b"HTTP/1.1 403 Not from here\r\n\r\n")
            return
        there_reader, there_writer = await asyncio.open_connection(*self.hosts[target])
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class EchoServer:
    """A WebSocket server that answers with what it gets and remembers what it was asked for."""

    def __init__(self, tls: Any = None, **options: Any) -> None:
        """:param tls: ``ssl.SSLContext``. :param options: of ``setProtocolOptions``."""
        self.tls = tls
        self.options = options
        self.requests: list[Any] = []
        self.names: list[str | None] = []
        self.connections: list[Any] = []
        self.port = 0
        if tls is not None:
            tls.sni_callback = lambda _object, name, _context: self.names.append(name)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.port

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[EchoServer]:
        """Serve."""
        owner = self

        class Echo(WebSocketServerProtocol):
            def onConnect(self, request: Any) -> None:
                owner.requests.append(request)
                owner.connections.append(self)

            def onMessage(self, payload: bytes, isBinary: bool) -> None:
                self.sendMessage(payload, isBinary)

        factory = WebSocketServerFactory()
        factory.protocol = Echo
        factory.setProtocolOptions(**self.options)
        server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        await asyncio.sleep(0)


class Redirector:
    """An HTTP server that answers every path with the octets given for it, and remembers requests."""

    def __init__(self, tls: Any = None) -> None:
        """:param tls: ``ssl.SSLContext``."""
        self.tls = tls
        self.to: dict[str, str] = {}
        """Location for a path; others get 404."""
        self.status = 302
        self.requests: list[dict[str, str]] = []
        self.port = 0

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Redirector]:
        """Serve."""
        async with listening(self._serve, self.tls) as self.port:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.requests.append(headers)
        location = self.to.get(first.split(" ")[1])
        if location is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            head = f"HTTP/1.1 {self.status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 16\r\n\r\n"
            writer.write(head.encode() + b"<p>elsewhere</p>")
        await writer.drain()
        await until_closed(reader)
