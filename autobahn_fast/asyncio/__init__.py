# SPDX-License-Identifier: MIT
"""WebSocket and WAMP on asyncio. The names below are imported from their modules when first used.

Importing it tells txaio, which programs written for Autobahn|Python use, that asyncio is the framework, once they import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobahn_fast import __version__
from autobahn_fast._names import when_used
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


def _ident() -> str:
    import platform

    return f"autobahn_fast/{__version__}-asyncio-{platform.python_implementation()}/{platform.python_version()}"


__getattr__, __dir__ = when_used(
    __name__,
    {
        "ApplicationSession": "asyncio.wamp",
        "USES_NVX": "websocket",
        "WebSocketClientFactory": "asyncio.websocket",
        "WebSocketClientProtocol": "asyncio.websocket",
        "WebSocketServerFactory": "asyncio.websocket",
        "WebSocketServerProtocol": "asyncio.websocket",
    },
    __ident__=_ident,
)

choose_asyncio()
