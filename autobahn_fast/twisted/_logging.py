# SPDX-License-Identifier: MIT
"""The logger of Twisted programs: ``twisted.logger``, called the way all of this package calls its loggers."""

from __future__ import annotations

import logging
import sys
from typing import Any, cast

from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from autobahn_fast._framework import TRACE
from autobahn_fast._framework import Logger as StandardLogger
from autobahn_fast._logging import LEVELS

__all__ = ("TwistedLogger", "make_logger", "start_logging")

_LEVELS = {
    logging.CRITICAL: LogLevel.critical,
    logging.ERROR: LogLevel.error,
    logging.WARNING: LogLevel.warn,
    logging.INFO: LogLevel.info,
    logging.DEBUG: LogLevel.debug,
    TRACE: LogLevel.debug,
}
_threshold = logging.INFO


class TwistedLogger(StandardLogger):
    """A logger that emits to ``twisted.logger``. Levels below that of ``start_logging`` cost nothing but the question."""

    __slots__ = ("_emit", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._emit = Logger(namespace=name).emit
        self._enabled = self.is_enabled

    def __repr__(self) -> str:
        return f"<TwistedLogger {self._name}>"

    @property
    def name(self) -> str:
        """The namespace."""
        return self._name

    def is_enabled(self, level: int) -> bool:
        """Whether messages of that ``logging`` level are emitted: since ``start_logging``, ours or that of txaio."""
        return level >= _threshold or level >= _level_of_txaio()

    def emit(self, level: int, text: str, values: dict[str, Any]) -> None:
        """Emit one event. For callers one level above: the public methods of the base class."""
        exc = values.pop("log_failure", None)
        if isinstance(exc, BaseException):
            exc = Failure(exc, type(exc), exc.__traceback__)
        if exc is not None:
            values["log_failure"] = exc
        self._emit(_LEVELS[level], text, **values)


def _level_of_txaio() -> int:
    """The level that a program has set with ``txaio.start_logging`` or ``txaio.set_global_log_level``."""
    txaio: Any = sys.modules.get("txaio")
    if txaio is None or not txaio.using_twisted:
        return _threshold
    return LEVELS.get(txaio.get_global_log_level(), _threshold)


def make_logger(name: str = "autobahn_fast") -> TwistedLogger:
    """Return the logger of that name."""
    return TwistedLogger(name)


def start_logging(level: str = "info") -> None:
    """Emit this package's messages from that level on, and write to stderr unless the program has begun to log elsewhere.

    :raises ValueError: unknown level.
    """
    global _threshold
    if level not in LEVELS:
        raise ValueError(f"unknown log level {level!r} (one of: {', '.join(LEVELS)})")
    _threshold = LEVELS[level]
    # beginLoggingTo may be called once; whether it was, Twisted only keeps here
    if getattr(globalLogBeginner, "_temporaryObserver", None) is None:
        return
    predicate: Any = LogLevelFilterPredicate(defaultLogLevel=_LEVELS[_threshold])
    observer: Any = FilteringLogObserver(cast(Any, textFileLogObserver(sys.stderr)), [predicate])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
