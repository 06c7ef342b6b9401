# SPDX-License-Identifier: MIT
"""WebSocket and WAMP on Twisted. The names below are imported from their modules when first used.

Importing it tells txaio, which programs written for Autobahn|Python use, that Twisted is the framework. Nothing here uses txaio.
No module of this package installs a reactor when imported: the reactor is looked up when it is needed.
"""

from __future__ import annotations

import platform
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autobahn_fast import __version__

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

_HOME = {
    "ApplicationSession": "autobahn_fast.twisted.wamp",
    "USES_NVX": "autobahn_fast.websocket",
    "WebSocketClientFactory": "autobahn_fast.twisted.websocket",
    "WebSocketClientProtocol": "autobahn_fast.twisted.websocket",
    "WebSocketServerFactory": "autobahn_fast.twisted.websocket",
    "WebSocketServerProtocol": "autobahn_fast.twisted.websocket",
    "WrappingWebSocketClientFactory": "autobahn_fast.twisted.websocket",
    "WrappingWebSocketServerFactory": "autobahn_fast.twisted.websocket",
    "install_reactor": "autobahn_fast.twisted.choosereactor",
    "sleep": "autobahn_fast.twisted.util",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


def _choose_backend() -> None:
    try:
        import txaio
    except ImportError:
        return
    if not txaio.using_asyncio:  # type: ignore[attr-defined]
        txaio.use_twisted()


_choose_backend()
