# SPDX-License-Identifier: MIT
"""The websockets package, its asyncio client."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.client import connect
from ws_coroutines import CoroutineClient


class Connection:
    """Sends octets as text when told to, and takes text as it comes, decoded, which is the default."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.get = connection.recv

    async def put(self, payload: bytes, binary: bool) -> None:
        """Send a message."""
        if binary:
            await self.connection.send(payload)
        else:
            await self.connection.send(payload, text=True)


class Client(CoroutineClient):
    """Without limits and keepalive."""

    def __init__(self, _option: str, _loop: str) -> None:
        pass

    async def connect(self, url: str, _path: str, context: Any, deflate: bool) -> Connection:
        """An open connection."""
        compression: Any = "deflate" if deflate else None
        options: dict[str, Any] = {} if context is None else {"ssl": context}
        made = await connect(url, compression=compression, max_size=None, ping_interval=None, proxy=None, **options)
        return Connection(made)

    async def close(self, connection: Connection) -> None:
        """End a connection."""
        await connection.connection.close()
