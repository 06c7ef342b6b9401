# SPDX-License-Identifier: MIT
"""Names that programs import from a module of autobahn which only uses them: found where they are defined.

``from autobahn.twisted.websocket import ConnectionDeny`` is common though the class lives in ``websocket.types``. Knows how a
module looks a name up; what is found where is said at the end of each module.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ("also_from",)

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
