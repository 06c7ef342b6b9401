# SPDX-License-Identifier: MIT
"""Methods that are written out as source and compiled when one of them is first asked for: a program uses few of them.

Knows how such a method stands in its class meanwhile. Does not know what it is compiled from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ("compile_later",)


class Later:
    """Stands in a class for a method that is not compiled yet. Asking for it, even for its signature, compiles it."""

    __slots__ = ("_cls", "_compile", "_name")

    def __init__(self, cls: Any, name: str, compile_all: Callable[[Any], None]) -> None:
        self._cls = cls
        self._name = name
        self._compile = compile_all

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # Two threads may do this at the same time: what they make is the same.
        self._compile(self._cls)
        return vars(self._cls)[self._name].__get__(instance, owner)


def compile_later(cls: Any, names: Iterable[str], compile_all: Callable[[Any], None]) -> None:
    """Have methods of a class compiled when one of them is first asked for.

    :param compile_all: called with the class then; puts all of ``names`` into it.
    """
    for name in names:
        setattr(cls, name, Later(cls, name, compile_all))
