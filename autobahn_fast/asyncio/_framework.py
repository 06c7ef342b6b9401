# SPDX-License-Identifier: MIT
"""The framework over asyncio and every loop that speaks its interface (uvloop).

Knows which loop to use: the running one or, outside of any, the one the program has set; for timers the one that it has
set with txaio, if any. Keeps no loop of its own.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import CoroutineType
from typing import Any

from autobahn_fast._framework import Framework

__all__ = ("AsyncioFramework", "current_loop")

_tasks: set[asyncio.Task[Any]] = set()
"""Tasks that are running: the loop itself only keeps weak references to them."""


def current_loop() -> asyncio.AbstractEventLoop:
    """Return the running loop; else ``txaio.config.loop``; else the loop set for this thread; else a new one, set for it."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    loop = _loop_of_txaio()
    if loop is not None:
        return loop  # type: ignore[no-any-return]
    with warnings.catch_warnings():
        # 3.12 and 3.13 warn when they have to make a loop, 3.14 raises
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:
            pass
    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop  # type: ignore[no-any-return]


def _loop_of_txaio() -> Any:
    """The loop, or the clock of a test, that a program has put into ``txaio.config.loop``; None when there is none."""
    txaio: Any = sys.modules.get("txaio")
    if txaio is None or not txaio.using_asyncio:
        return None
    loop = txaio.config.loop
    is_closed = getattr(loop, "is_closed", None)
    return None if is_closed is not None and is_closed() else loop


def _timer_loop() -> Any:
    """The loop that timers are set on: ``txaio.config.loop`` or, where that is not set, the current one."""
    loop = _loop_of_txaio()
    return current_loop() if loop is None else loop


class AsyncioFramework(Framework):
    """asyncio, plain or uvloop."""

    name = "asyncio"
    cancelled_errors = (asyncio.CancelledError,)

    @staticmethod
    def create_future() -> asyncio.Future[Any]:
        """Return a pending future of the current loop."""
        return current_loop().create_future()

    @staticmethod
    def resolve(future: asyncio.Future[Any], value: Any = None) -> None:
        """Set the result unless the future is done."""
        if not future.done():
            future.set_result(value)

    @staticmethod
    def reject(future: asyncio.Future[Any], exc: BaseException) -> None:
        """Set the exception unless the future is done."""
        if not future.done():
            future.set_exception(exc)

    @staticmethod
    def is_done(future: asyncio.Future[Any]) -> bool:
        """Whether the future has a result, has an exception or was cancelled."""
        return future.done()

    @staticmethod
    def spawn(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run the coroutine as a task, held until it ends."""
        task = current_loop().create_task(coroutine)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        return task

    @staticmethod
    def is_awaitable(value: Any) -> bool:
        """Whether ``await value`` means something: a coroutine, a future, an object with ``__await__``."""
        return type(value) is CoroutineType or hasattr(type(value), "__await__")

    @staticmethod
    def as_awaitable(value: Any) -> Awaitable[Any]:
        """Return an awaitable as it is; a plain value as a coroutine that returns it."""
        if hasattr(type(value), "__await__"):
            return value  # type: ignore[no-any-return]
        return _return(value)

    @staticmethod
    def call_later(seconds: float, function: Callable[[], Any]) -> asyncio.TimerHandle:
        """Call ``function()`` after so many seconds."""
        handle: asyncio.TimerHandle = _timer_loop().call_later(seconds, function)
        return handle

    @staticmethod
    def call_soon(function: Callable[[], Any]) -> asyncio.Handle:
        """Call ``function()`` in the next iteration of the loop, which comes before it waits."""
        return current_loop().call_soon(function)

    @staticmethod
    def sleep(seconds: float) -> Awaitable[None]:
        """Return an awaitable that ends after so many seconds."""
        clock = _loop_of_txaio()
        return asyncio.sleep(seconds) if clock is None else _sleep_on(clock, seconds)

    @staticmethod
    def gather(awaitables: Iterable[Any], return_exceptions: bool = False) -> Awaitable[list[Any]]:
        """Wait for all at the same time."""
        return asyncio.gather(*awaitables, return_exceptions=return_exceptions)


async def _sleep_on(clock: Any, seconds: float) -> None:
    done = current_loop().create_future()
    timer = clock.call_later(seconds, AsyncioFramework.resolve, done)
    try:
        await done
    finally:
        timer.cancel()


async def _return(value: Any) -> Any:
    return value
