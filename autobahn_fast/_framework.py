# SPDX-License-Identifier: MIT
"""What sessions and protocols ask of an event loop, as one abstract class, and the logger they write to.

Knows no loop: ``asyncio/_framework.py`` and ``twisted/_framework.py`` implement it. A session or protocol class carries its
framework as a class attribute (``framework = AsyncioFramework``); the class itself is used, it is never instantiated.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol

__all__ = ("TRACE", "Framework", "Logger", "NoLoop", "TimerHandle", "make_logger", "why_lost")

TRACE = 5
"""Number of the level below ``logging.DEBUG``."""

if logging.getLevelName(TRACE).startswith("Level"):
    logging.addLevelName(TRACE, "TRACE")


class TimerHandle(Protocol):
    """What ``Framework.call_later`` and ``call_soon`` return."""

    def cancel(self) -> object:
        """Do not make the call. Harmless when it was made or cancelled already, on asyncio."""


class Framework(ABC):
    """An event loop as this package uses it. All methods are static and must be called in the loop's thread."""

    name: str = ""
    """``"asyncio"`` or ``"twisted"``."""

    cancelled_errors: tuple[type[BaseException], ...] = ()
    """What a coroutine that was cancelled raises."""

    @staticmethod
    @abstractmethod
    def create_future() -> Any:
        """Return a pending future (asyncio ``Future``, Twisted ``Deferred``)."""

    @staticmethod
    @abstractmethod
    def resolve(future: Any, value: Any = None) -> None:
        """Complete a future with a value. Does nothing when it is done (for instance cancelled) already."""

    @staticmethod
    @abstractmethod
    def reject(future: Any, exc: BaseException) -> None:
        """Complete a future with an exception. Does nothing when it is done already."""

    @staticmethod
    @abstractmethod
    def is_done(future: Any) -> bool:
        """Whether a future has a result, has an exception or was cancelled."""

    @staticmethod
    @abstractmethod
    def spawn(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine beside the caller and return a future of its result; it is kept alive until it ends."""

    @staticmethod
    @abstractmethod
    def is_awaitable(value: Any) -> bool:
        """Whether a user's callback returned something that is still to be waited for."""

    @staticmethod
    @abstractmethod
    def as_awaitable(value: Any) -> Awaitable[Any]:
        """Return something a coroutine can ``await``: an awaitable as it is, anything else as its result."""

    @staticmethod
    @abstractmethod
    def call_later(seconds: float, function: Callable[[], Any]) -> TimerHandle:
        """Call ``function()`` after so many seconds; the handle returned has ``cancel()``."""

    @staticmethod
    @abstractmethod
    def call_soon(function: Callable[[], Any]) -> Any:
        """Call ``function()`` at the end of this loop turn, before waiting for the next octets."""

    @staticmethod
    @abstractmethod
    def sleep(seconds: float) -> Awaitable[None]:
        """Return an awaitable that ends after so many seconds."""

    @staticmethod
    @abstractmethod
    def gather(awaitables: Iterable[Any], return_exceptions: bool = False) -> Awaitable[list[Any]]:
        """Wait for all; the results in order. The first exception is raised unless they are asked for as results."""

    @staticmethod
    def make_logger(name: str = "autobahn_fast") -> Logger:
        """Return the logger of that name."""
        return make_logger(name)


class Logger:
    """A standard library logger called the way txaio's are: ``log.info("{n} messages", n=3)``.

    The text is formatted (``str.format``) only when the level is enabled. Every method takes ``log_failure=exc`` to add a
    traceback. A text that does not fit its values is written as it stands, never raised into the caller.
    """

    __slots__ = ("_enabled", "_logger")

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._enabled = logger.isEnabledFor

    def __repr__(self) -> str:
        return f"<Logger {self._logger.name}>"

    @property
    def name(self) -> str:
        """Name of the standard library logger behind it."""
        return self._logger.name

    def is_enabled(self, level: int) -> bool:
        """Whether messages of that ``logging`` level are written."""
        return self._enabled(level)

    def emit(self, level: int, text: str, values: dict[str, Any]) -> None:
        """Format and write one record. For callers one level above: the public methods of this class."""
        exc = values.pop("log_failure", None)
        if exc is not None:
            exc = getattr(exc, "value", exc)  # a Twisted Failure holds the exception
        try:
            message = text.format(**values) if values else text
        except Exception as e:  # noqa: BLE001 - a log call never raises
            message = f"{text} {sorted(values)!r} (not formatted: {e!r})"
        info = (type(exc), exc, exc.__traceback__) if isinstance(exc, BaseException) else None
        # "%s" keeps per cent signs in the message from being taken for a format
        self._logger.log(level, "%s", message, exc_info=info, stacklevel=3)

    def critical(self, text: str = "", **values: Any) -> None:
        """Write at level CRITICAL."""
        if self._enabled(logging.CRITICAL):
            self.emit(logging.CRITICAL, text, values)

    def error(self, text: str = "", **values: Any) -> None:
        """Write at level ERROR."""
        if self._enabled(logging.ERROR):
            self.emit(logging.ERROR, text, values)

    def warn(self, text: str = "", **values: Any) -> None:
        """Write at level WARNING."""
        if self._enabled(logging.WARNING):
            self.emit(logging.WARNING, text, values)

    def warning(self, text: str = "", **values: Any) -> None:
        """Write at level WARNING."""
        if self._enabled(logging.WARNING):
            self.emit(logging.WARNING, text, values)

    def info(self, text: str = "", **values: Any) -> None:
        """Write at level INFO."""
        if self._enabled(logging.INFO):
            self.emit(logging.INFO, text, values)

    def debug(self, text: str = "", **values: Any) -> None:
        """Write at level DEBUG."""
        if self._enabled(logging.DEBUG):
            self.emit(logging.DEBUG, text, values)

    def trace(self, text: str = "", **values: Any) -> None:
        """Write at the level below DEBUG."""
        if self._enabled(TRACE):
            self.emit(TRACE, text, values)

    def failure(self, text: str = "", *, log_failure: Any = None, failure: Any = None, **values: Any) -> None:
        """Write an exception with its traceback at level ERROR: the one given, or the one being handled."""
        if self._enabled(logging.ERROR):
            import sys

            exc = log_failure if log_failure is not None else failure
            values["log_failure"] = exc if exc is not None else sys.exc_info()[1]
            self.emit(logging.ERROR, text or "unexpected exception", values)


def make_logger(name: str = "autobahn_fast") -> Logger:
    """Return a :class:`Logger` over ``logging.getLogger(name)``."""
    return Logger(logging.getLogger(name))


def why_lost(reason: Any) -> str:
    """Return what a loop says about a lost transport, as text: ``": ConnectionResetError: ..."``; empty when it was just closed.

    :param reason: an exception, a Twisted Failure, or None.
    """
    error = getattr(reason, "value", reason)
    if not isinstance(error, BaseException) or type(error).__name__ == "ConnectionDone":
        return ""
    first = error.args[0] if error.args else None
    if isinstance(first, list):  # OpenSSL's errors: tuples whose last entry is the text
        text = "; ".join(str(entry[-1] if isinstance(entry, tuple) else entry) for entry in first if entry)
    else:
        text = str(error)
    return f": {type(error).__name__}: {text}" if text else f": {type(error).__name__}"


class _PlainFuture:
    """A future of :class:`NoLoop`: a result, an exception, and callbacks that run at once."""

    __slots__ = ("_callbacks", "_done", "_exception", "_result")

    def __init__(self) -> None:
        self._done = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._callbacks: list[Callable[[Any], Any]] = []

    def done(self) -> bool:
        """Whether there is a result or an exception."""
        return self._done

    def result(self) -> Any:
        """Return the result or raise the exception."""
        if not self._done:
            raise RuntimeError("the future is not done")
        if self._exception is not None:
            raise self._exception
        return self._result

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call ``callback(future)`` when it is done, or now."""
        if self._done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def finish(self, result: Any, exception: BaseException | None) -> None:
        """Complete it once."""
        if not self._done:
            self._done, self._result, self._exception = True, result, exception
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback(self)

    def __await__(self) -> Any:
        while not self._done:
            yield self
        return self.result()


class _NoTimer:
    """A call that is never made."""

    def cancel(self) -> None:
        """Nothing to do."""


class NoLoop(Framework):
    """A framework without a loop, for protocol objects that are driven by hand.

    Timers never fire. A coroutine is run up to its first real wait and goes on when that future is done.
    """

    name = "none"

    @staticmethod
    def create_future() -> Any:
        """Return a pending future."""
        return _PlainFuture()

    @staticmethod
    def resolve(future: Any, value: Any = None) -> None:
        """Complete a future with a value, once."""
        future.finish(value, None)

    @staticmethod
    def reject(future: Any, exc: BaseException) -> None:
        """Complete a future with an exception, once."""
        future.finish(None, exc)

    @staticmethod
    def is_done(future: Any) -> bool:
        """Whether a future has a result or an exception."""
        return future.done()  # type: ignore[no-any-return]

    @staticmethod
    def spawn(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run the coroutine now, as far as it goes."""
        future = _PlainFuture()

        def step(_: Any = None) -> None:
            try:
                waits_for = coroutine.send(None)
            except StopIteration as e:
                future.finish(e.value, None)
            except Exception as e:  # noqa: BLE001 - it is the future's exception now
                future.finish(None, e)
            else:
                waits_for.add_done_callback(step)

        step()
        return future

    @staticmethod
    def is_awaitable(value: Any) -> bool:
        """Whether ``await value`` means something."""
        return hasattr(type(value), "__await__")

    @staticmethod
    def as_awaitable(value: Any) -> Awaitable[Any]:
        """Return an awaitable as it is, a plain value as a future that has it."""
        if hasattr(type(value), "__await__"):
            return value  # type: ignore[no-any-return]
        future = _PlainFuture()
        future.finish(value, None)
        return future

    @staticmethod
    def call_later(seconds: float, function: Callable[[], Any]) -> TimerHandle:
        """Return a handle; the call is never made."""
        return _NoTimer()

    @staticmethod
    def call_soon(function: Callable[[], Any]) -> Any:
        """Make the call at once."""
        function()

    @staticmethod
    def sleep(seconds: float) -> Awaitable[None]:
        """Return an awaitable that is done: there is no time here."""
        return NoLoop.as_awaitable(None)

    @staticmethod
    def gather(awaitables: Iterable[Any], return_exceptions: bool = False) -> Awaitable[list[Any]]:
        """Wait for one after the other."""

        async def wait() -> list[Any]:
            results = []
            for awaitable in awaitables:
                try:
                    results.append(await awaitable)
                except Exception as e:
                    if not return_exceptions:
                        raise
                    results.append(e)
            return results

        return wait()
