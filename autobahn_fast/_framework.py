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

__all__ = ("Framework", "Logger", "TimerHandle", "TRACE", "make_logger")

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

    __slots__ = ("_logger", "_enabled")

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
        except Exception as e:
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
