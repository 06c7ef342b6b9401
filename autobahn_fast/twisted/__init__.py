# SPDX-License-Identifier: MIT
"""WebSocket and WAMP on Twisted. The names below are imported from their modules when first used.

Importing it tells txaio, which programs written for Autobahn|Python use, that Twisted is the framework. Nothing here uses txaio.
No module of this package installs a reactor when imported: the reactor is looked up when it is needed.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from autobahn_fast import __version__
from autobahn_fast._names import when_used

try:
    # A mere "import twisted" succeeds without Twisted: where its plugins are installed is a namespace package of that name
    from twisted import __version__ as _twisted_version
except ImportError as e:
    raise ImportError("autobahn_fast.twisted needs Twisted: pip install 'autobahn_fast[twisted]'") from e

if TYPE_CHECKING:
    from autobahn_fast.twisted.choosereactor import install_reactor
    from autobahn_fast.twisted.util import sleep
    from autobahn_fast.twisted.wamp import ApplicationSession
    from autobahn_fast.twisted.websocket import (
        WebSocketClientFactory,
        WebSocketClientProtocol,
        WebSocketServerFactory,
        WebSocketServerProtocol,
        WrappingWebSocketClientFactory,
        WrappingWebSocketServerFactory,
    )
    from autobahn_fast.websocket import USES_NVX as USES_NVX

__all__ = (
    "ApplicationSession",
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
    "WrappingWebSocketClientFactory",
    "WrappingWebSocketServerFactory",
    "install_reactor",
    "sleep",
)

__ident__ = (
    f"autobahn_fast/{__version__}-Twisted/{_twisted_version}"
    f"-{platform.python_implementation()}/{platform.python_version()}"
)
"""What this is and what it runs on."""

__getattr__, __dir__ = when_used(
    __name__,
    {
        "ApplicationSession": "twisted.wamp",
        "USES_NVX": "websocket",
        "WebSocketClientFactory": "twisted.websocket",
        "WebSocketClientProtocol": "twisted.websocket",
        "WebSocketServerFactory": "twisted.websocket",
        "WebSocketServerProtocol": "twisted.websocket",
        "WrappingWebSocketClientFactory": "twisted.websocket",
        "WrappingWebSocketServerFactory": "twisted.websocket",
        "install_reactor": "twisted.choosereactor",
        "sleep": "twisted.util",
    },
)


def _choose_backend() -> None:
    try:
        import txaio
    except ImportError:
        return
    if not txaio.using_asyncio:  # type: ignore[attr-defined]
        txaio.use_twisted()


_choose_backend()
