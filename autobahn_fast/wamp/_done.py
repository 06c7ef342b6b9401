# SPDX-License-Identifier: MIT
"""Futures that have their result from the start, for functions that could take time but do not.

Knows no loop. Only when a program has chosen Twisted with txaio is the result a Twisted ``Deferred``, because code written
for Twisted yields it from generators or adds callbacks to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from typing import Any

__all__ = ("Done", "succeeded")


class Done:
    """A future with its result: ``await`` gives it at once, on any loop or without one."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._value
        yield  # makes this a generator function, as __await__ must return an iterator

    def __repr__(self) -> str:
        return "<Done>"  # without the result, which may be a signature

    def result(self) -> Any:
        """Return the result."""
        return self._value

    def exception(self) -> None:
        """Return None: it never failed."""

    def done(self) -> bool:
        """Return True."""
        return True

    def cancelled(self) -> bool:
        """Return False."""
        return False

    def cancel(self, msg: Any = None) -> bool:
        """Return False: too late."""
        return False

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Any = None) -> None:
        """Call ``callback(self)`` now."""
        callback(self)


def succeeded(value: Any) -> Any:
    """Return a future whose result is ``value``."""
    txaio = sys.modules.get("txaio")
    if txaio is not None and getattr(txaio, "using_twisted", False):
        return txaio.create_future_success(value)
    return Done(value)
