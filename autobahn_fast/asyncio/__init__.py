# SPDX-License-Identifier: MIT
"""WebSocket and WAMP on asyncio. The names below are imported from their modules when first used.

Importing it tells txaio, which programs written for Autobahn|Python use, that asyncio is the framework, once they import it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autobahn_fast import __version__
from autobahn_fast.asyncio._backend import choose_asyncio

if TYPE_CHECKING:
    from autobahn_fast.asyncio.wamp import ApplicationSession
    from autobahn_fast.asyncio.websocket import (
        WebSocketClientFactory,
        WebSocketClientProtocol,
        WebSocketServerFactory,
        WebSocketServerProtocol,
    )
    from autobahn_fast.websocket import USES_NVX as USES_NVX

__all__ = (
    "ApplicationSession",
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
)

__ident__: str
"""What this is and what it runs on."""

_HOME = {
    "ApplicationSession": "autobahn_fast.asyncio.wamp",
    "USES_NVX": "autobahn_fast.websocket",
    "WebSocketClientFactory": "autobahn_fast.asyncio.websocket",
    "WebSocketClientProtocol": "autobahn_fast.asyncio.websocket",
    "WebSocketServerFactory": "autobahn_fast.asyncio.websocket",
    "WebSocketServerProtocol": "autobahn_fast.asyncio.websocket",
}


def _ident() -> str:
    import platform

    return f"autobahn_fast/{__version__}-asyncio-{platform.python_implementation()}/{platform.python_version()}"


def __getattr__(name: str) -> Any:
    if name == "__ident__":
        value: Any = _ident()
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, "__ident__"})


choose_asyncio()
