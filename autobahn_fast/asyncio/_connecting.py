# SPDX-License-Identifier: MIT
"""How client connections are opened: TLS over the transports of the package ``aiofastnet`` when that is installed.

Knows which loops can use them. A round trip of 256 octets over TLS takes an eighth less time so; without TLS nothing is
gained, as engines send over the socket themselves (``_receiver``).
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ("create_connection",)


def create_connection(loop: Any, factory: Any, host: Any, port: Any, **options: Any) -> Any:
    """Return an awaitable of ``(transport, protocol)``: as ``loop.create_connection``.

    :param loop: an asyncio loop. :param options: ``ssl``, ``server_hostname``, ``family`` and so on.
    """
    if options.get("ssl") and _can_use(loop):
        try:
            import aiofastnet
        except ImportError:
            pass
        else:
            return aiofastnet.create_connection(loop, factory, host, port, **options)
    return loop.create_connection(factory, host, port, **options)


def _can_use(loop: Any) -> bool:
    """Whether the loop watches descriptors, and its own way to connect was not replaced."""
    kind = type(loop)
    own = (asyncio.SelectorEventLoop.create_connection, getattr(_uvloop_class(), "create_connection", None))
    return getattr(kind, "create_connection", None) in own and "create_connection" not in getattr(loop, "__dict__", {})


def _uvloop_class() -> Any:
    import sys

    return getattr(sys.modules.get("uvloop"), "Loop", None)
