# SPDX-License-Identifier: MIT
"""The input of a progressive call, as its endpoint reads it: piece by piece (WAMP, "Progressive Call Invocations").

Knows how pieces wait to be read and how reading ends; knows no messages and no session. The futures are those of the
framework it is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Self

__all__ = ("Chunk", "Chunks")


class Chunk(NamedTuple):
    """One piece of the input: its positional and its keyword values."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Chunks(AsyncIterator[Chunk]):
    """The pieces of a call's input, in order: ``async for chunk in details.chunks``, or ``get()`` one by one.

    A plain call is one piece. A last piece without values only marks the end, and is not seen.
    """

    __slots__ = ("_ended", "_error", "_framework", "_waiters", "_waiting")

    MAX_WAITING = 65536
    """Most pieces that wait to be read: a call that sends faster than its endpoint reads is ended then."""

    def __init__(self, framework: Any) -> None:
        """:param framework: makes the futures."""
        self._framework = framework
        self._waiting: deque[Chunk] = deque()
        self._waiters: deque[Any] = deque()
        self._ended = False
        self._error: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Whether the last piece has come in. Some may still wait to be read."""
        return self._ended

    def get(self) -> Any:
        """Read one piece.

        :returns: a future of a :class:`Chunk`, or of None when there are no more.
        :raises ApplicationError: by the future: the call was ended before its last piece came.
        """
        future = self._framework.create_future()
        if self._waiting:
            self._framework.resolve(future, self._waiting.popleft())
        elif self._error is not None:
            self._framework.reject(future, self._error)
        elif self._ended:
            self._framework.resolve(future, None)
        else:
            self._waiters.append(future)
        return future

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        chunk: Chunk | None = await self.get()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def put(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None, last: bool) -> bool:
        """Take a piece that came in. For sessions. :returns: False when too many wait already."""
        if not last or args or kwargs:
            chunk = Chunk(args, kwargs or {})
            waiter = self._next_waiter()
            if waiter is not None:
                self._framework.resolve(waiter, chunk)
            elif len(self._waiting) >= self.MAX_WAITING:
                return False
            else:
                self._waiting.append(chunk)
        if last:
            self._ended = True
            while (waiter := self._next_waiter()) is not None:
                self._framework.resolve(waiter, None)
        return True

    def fail(self, error: BaseException) -> None:
        """Nothing more will come. For sessions. What waits can still be read; then ``error`` is raised."""
        if self._ended:
            return
        self._error = error
        while (waiter := self._next_waiter()) is not None:
            self._framework.reject(waiter, error)

    def _next_waiter(self) -> Any:
        """Return the reader that has waited longest and still does; None when there is none."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not self._framework.is_done(waiter):
                return waiter
        return None
