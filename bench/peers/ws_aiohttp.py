# SPDX-License-Identifier: MIT
"""aiohttp's WebSocket client."""

from __future__ import annotations

from typing import Any

import aiohttp
from ws_coroutines import CoroutineClient


class Connection:
    """A connection with a session of its own."""

    def __init__(self, session: aiohttp.ClientSession, connection: Any) -> None:
        self.session, self.connection = session, connection
        self._receive = connection.receive

    async def put(self, payload: bytes, binary: bool) -> None:
        """Send a message; aiohttp takes text as a string."""
        if binary:
            await self.connection.send_bytes(payload)
        else:
            await self.connection.send_str(payload.decode())

    async def get(self) -> Any:
        """The next message."""
        return (await self._receive()).data


class Client(CoroutineClient):
    """Without limits and keepalive."""

    def __init__(self, _option: str, _loop: str) -> None:
        pass

    async def connect(self, url: str, _path: str, context: Any, deflate: bool) -> Connection:
        """An open connection."""
        session = aiohttp.ClientSession()
        options: dict[str, Any] = {"compress": 15} if deflate else {}
        if context is not None:
            options["ssl"] = context
        return Connection(session, await session.ws_connect(url, max_msg_size=0, autoping=True, **options))

    async def close(self, connection: Connection) -> None:
        """End a connection."""
        await connection.connection.close()
        await connection.session.close()
