# SPDX-License-Identifier: MIT
"""Tells txaio, which programs written for Autobahn|Python use, that asyncio is the framework: as soon as it is imported.

Nothing here uses txaio; importing it for nobody would take as long as a tenth of this package.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = ("choose_asyncio",)


def _choose(txaio: Any) -> None:
    if not getattr(txaio, "using_twisted", False):
        txaio.use_asyncio()


class _WhenImported:
    """Waits in ``sys.meta_path`` for the import of txaio, and leaves the import itself to the others."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> Any:
        """Import system: None for everything but txaio."""
        if name != "txaio":
            return None
        from importlib.util import find_spec

        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = find_spec(name)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            run = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _choose(module)

            loader.exec_module = exec_module
        return spec


def choose_asyncio() -> None:
    """Have txaio use asyncio, now or when the program imports it, unless it uses Twisted then."""
    txaio = sys.modules.get("txaio")
    if txaio is not None:
        _choose(txaio)
    else:
        sys.meta_path.insert(0, _WhenImported())
