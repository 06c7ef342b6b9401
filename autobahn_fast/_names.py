# SPDX-License-Identifier: MIT
"""Names that are found where they are defined: those of packages, when first used, and those that programs import from a module
of autobahn which only uses them.

``from autobahn.twisted.websocket import ConnectionDeny`` is common though the class lives in ``websocket.types``. Knows how a
module looks a name up; what is found where is said in each module.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ("also_from", "when_used")

PACKAGE = __name__.rpartition(".")[0]


def also_from(module: str, *homes: str, **others: str) -> None:
    """Give a module a ``__getattr__``: what it does not have itself is taken from other modules, when asked for.

    Type checkers do not see it: they want names from where they are defined.

    :param module: the module's ``__name__``.
    :param homes: modules of this package, without its name; what is in their ``__all__`` is found, in this order.
    :param others: names that are called otherwise where they come from: ``parse_ws_url="websocket.util:parse_url"``.
    """

    def find(name: str) -> Any:
        if not name.startswith("_"):
            if name in others:
                home, _, there = others[name].partition(":")
                return getattr(importlib.import_module(f"{PACKAGE}.{home}"), there)
            for home in homes:
                found = importlib.import_module(f"{PACKAGE}.{home}")
                if name in found.__all__:
                    value = getattr(found, name)
                    setattr(sys.modules[module], name, value)
                    return value
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    vars(sys.modules[module])["__getattr__"] = find


def when_used(
    module: str, homes: Mapping[str, str], **made: Callable[[], Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``: names are imported from the modules that have them when first used.

    :param module: the package's ``__name__``. :param homes: name -> the module of this package, without its name.
    :param made: names that are no module's, and functions that return what they stand for.
    """
    own = vars(sys.modules[module])

    def find(name: str) -> Any:
        if name in homes:
            value = getattr(importlib.import_module(f"{PACKAGE}.{homes[name]}"), name)
        elif name in made:
            value = made[name]()
        else:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        own[name] = value
        return value

    return find, lambda: sorted({*own, *homes, *made})
