# SPDX-License-Identifier: MIT
"""Clients that are called back for each message: how they take turns. A peer adds ``emit`` and calls ``step`` or ``take``."""

from __future__ import annotations

import asyncio
import time
from typing import Any

clock = time.perf_counter
BATCH = 100
"""Messages that are sent before the loop gets its turn."""


class Turns:
    """State of one connection; ``emit(payload, binary)`` sends."""

    missing = 0
    payload = b""
    binary = True
    last: Any = b""
    done: Any = None
    stamps: list[float] | None = None

    def emit(self, payload: bytes, binary: bool) -> None:
        """Send a message."""
        raise TypeError(f"{type(self).__name__} does not send")

    def step(self) -> None:
        """An echo came back: send the next, or be through."""
        if self.stamps is not None:
            self.stamps.append(clock())
        self.missing -= 1
        if self.missing > 0:
            self.emit(self.payload, self.binary)
        else:
            self.finish()

    def take(self, payload: Any) -> None:
        """A message came in that is only counted."""
        self.missing -= 1
        if self.missing <= 0:
            self.last = payload
            self.finish()

    def finish(self) -> None:
        """All messages are there."""
        self.done.set_result(None)


class CallbackClient:
    """What `ws.Handler` asks of a peer, for peers whose connections are `Turns`."""

    def new_future(self) -> Any:
        """What a connection's ``finish`` completes."""
        return asyncio.get_running_loop().create_future()

    async def turn(self) -> None:
        """Let the loop write."""
        await asyncio.sleep(0)

    async def echo(
        self, connections: list[Any], payload: bytes, binary: bool, count: int, stamps: list[float] | None
    ) -> None:
        """``count`` round trips over all connections."""
        each, more = divmod(count, len(connections))
        waiting = []
        for number, connection in enumerate(connections):
            connection.missing = each + (number < more)
            if connection.missing:
                connection.payload, connection.binary, connection.stamps = payload, binary, stamps
                connection.done = self.new_future()
                waiting.append(connection.done)
                connection.emit(payload, binary)
        for done in waiting:
            await done

    async def send(self, connection: Any, payload: bytes, binary: bool, count: int) -> str:
        """``count`` messages, then the question how many have come; returns the answer."""
        emit = connection.emit
        while count:
            now = min(count, BATCH)
            for _ in range(now):
                emit(payload, binary)
            count -= now
            await self.turn()
        await self._ask(connection, b"count", 1)
        last = connection.last
        return last if isinstance(last, str) else bytes(last).decode()

    async def receive(self, connection: Any, size: int, binary: bool, count: int) -> None:
        """Have the far end send ``count`` messages and take them."""
        await self._ask(connection, f"flood {count} {size}{'' if binary else ' text'}".encode(), count)

    async def _ask(self, connection: Any, command: bytes, answers: int) -> None:
        connection.missing, connection.done = answers, self.new_future()
        connection.emit(command, False)
        await connection.done
