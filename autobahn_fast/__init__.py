# SPDX-License-Identifier: MIT
"""A fast WebSocket (RFC 6455) and WAMP library for Python: client, server and a small embedded router.

Importing this package loads nothing else. What you use lives in the same places as in Autobahn|Python:
``autobahn_fast.asyncio.component``, ``autobahn_fast.asyncio.wamp``, ``autobahn_fast.asyncio.websocket``, ``autobahn_fast.wamp``.
The router is ``autobahn_fast.router``.
"""

__all__ = ("__version__", "version")

__version__: str = "26.10.2.dev0"
"""Version of this package; the numbers say which release of Autobahn|Python its interface follows."""

version: str = __version__
"""The same, under the name that Autobahn|Python uses."""
