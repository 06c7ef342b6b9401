# SPDX-License-Identifier: MIT
"""Clients whose connections send and receive by ``await``: what `ws.Handler` asks of a peer. A peer adds ``connect`` and ``close``.

A connection has ``put(payload, binary)`` and ``get()``, both coroutine functions.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

clock = time.perf_counter


class CoroutineClient:
    """The paths, for connections with ``put`` and ``get``."""

    async def _trips(
        self, connection: Any, payload: bytes, binary: bool, count: int, stamps: list[float] | None
    ) -> None:
        put, get = connection.put, connection.get
        for _ in range(count):
            await put(payload, binary)
            await get()
            if stamps is not None:
                stamps.append(clock())

    async def echo(
        self, connections: list[Any], payload: bytes, binary: bool, count: int, stamps: list[float] | None
    ) -> None:
        """``count`` round trips over all connections."""
        each, more = divmod(count, len(connections))
        if len(connections) == 1:
            await self._trips(connections[0], payload, binary, count, stamps)
            return
        await asyncio.gather(
            *(self._trips(c, payload, binary, each + (n < more), stamps) for n, c in enumerate(connections))
        )

    async def send(self, connection: Any, payload: bytes, binary: bool, count: int) -> str:
        """``count`` messages, then the question how many have come; returns the answer."""
        put = connection.put
        for _ in range(count):
            await put(payload, binary)
        await put(b"count", False)
        answer = await connection.get()
        return answer if isinstance(answer, str) else bytes(answer).decode()

    async def receive(self, connection: Any, size: int, binary: bool, count: int) -> None:
        """Have the far end send ``count`` messages and take them."""
        await connection.put(f"flood {count} {size}{'' if binary else ' text'}".encode(), False)
        get = connection.get
        for _ in range(count):
            await get()
