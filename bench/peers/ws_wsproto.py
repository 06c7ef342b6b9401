# SPDX-License-Identifier: MIT
"""wsproto, which is a parser without a transport: put into an asyncio Protocol in the shortest way."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from ws_turns import CallbackClient, Turns
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Request, TextMessage
from wsproto.extensions import PerMessageDeflate


class Protocol(Turns, asyncio.Protocol):
    """One connection."""

    def __init__(self, url: str, echo: bool, deflate: bool) -> None:
        self.url, self.echo, self.deflate = urlsplit(url), echo, deflate
        self.parser = WSConnection(ConnectionType.CLIENT)
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        extensions = [PerMessageDeflate()] if self.deflate else []
        request = Request(host=str(self.url.netloc), target=self.url.path, extensions=extensions)
        transport.write(self.parser.send(request))

    def emit(self, payload: bytes, binary: bool) -> None:
        event: Any = BytesMessage(data=payload) if binary else TextMessage(data=payload.decode())
        self.transport.write(self.parser.send(event))

    def data_received(self, data: bytes) -> None:
        self.parser.receive_data(data)
        for event in self.parser.events():
            if isinstance(event, (BytesMessage, TextMessage)):
                if not event.message_finished:
                    continue
                if self.echo:
                    self.step()
                else:
                    self.take(event.data)
            elif isinstance(event, AcceptConnection):
                self.opened.set_result(None)


class Client(CallbackClient):
    """Connections are protocols."""

    def __init__(self, _option: str, _loop: str) -> None:
        pass

    async def connect(self, url: str, path: str, context: Any, deflate: bool) -> Protocol:
        """An open connection."""
        where, loop = urlsplit(url), asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: Protocol(url, path == "echo", deflate), where.hostname, where.port, ssl=context
        )
        await protocol.opened
        return protocol

    async def close(self, connection: Protocol) -> None:
        """End a connection."""
        connection.transport.close()
