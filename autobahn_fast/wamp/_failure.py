# SPDX-License-Identifier: MIT
"""Failure: an exception on its way to ``onUserError``, with what programs read from txaio's failures."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

__all__ = ("Failure",)


class Failure:
    """An exception together with its traceback.

    Has the attributes of a Twisted ``Failure`` that error handlers use, and those that ``txaio.failure_message`` and
    ``txaio.failure_format_traceback`` read.
    """

    __slots__ = ("tb", "type", "value")

    def __init__(self, exc: BaseException) -> None:
        """:param exc: the exception; its ``__traceback__`` is kept."""
        self.value = exc
        self.type = type(exc)
        self.tb: TracebackType | None = exc.__traceback__

    @property
    def _value(self) -> BaseException:
        return self.value

    @property
    def _type(self) -> type[BaseException]:
        return self.type

    @property
    def _traceback(self) -> TracebackType | None:
        return self.tb

    def getErrorMessage(self) -> str:
        """Return the exception as text."""
        return str(self.value)

    def getTraceback(self) -> str:
        """Return the traceback as Python prints it."""
        return "".join(traceback.format_exception(self.type, self.value, self.tb))

    def printTraceback(self, file: Any = None) -> None:
        """Print the traceback, to stderr unless a file is given."""
        traceback.print_exception(self.type, self.value, self.tb, file=file)

    def check(self, *types: type[BaseException]) -> type[BaseException] | None:
        """Return the first of these classes that the exception is an instance of, or None."""
        for candidate in types:
            if isinstance(self.value, candidate):
                return candidate
        return None

    def raiseException(self) -> None:
        """Raise the exception with its own traceback."""
        raise self.value.with_traceback(self.tb)

    def __str__(self) -> str:
        return f"{self.type.__name__}: {self.value}"

    def __repr__(self) -> str:
        return f"<Failure {self}>"
