# SPDX-License-Identifier: MIT
"""Endpoint descriptions that begin with ``autobahn:``: a stream over WebSocket, over any other endpoint.

``autobahn:tcp\\:9000:url=ws\\://localhost\\:9000`` with the options ``compression`` and ``debug`` (true or false), ``autofrag`` (octets)
and ``subprotocol``. Knows how they are written; the stream itself is in ``_wrapping``. Twisted finds it through ``twisted/plugins``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import (
    IStreamClientEndpoint,
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpoint,
    IStreamServerEndpointStringParser,
)
from twisted.plugin import IPlugin
from zope.interface import implementer

from autobahn_fast.twisted._logging import make_logger

__all__ = ("ClientEndpoint", "ClientParser", "ServerEndpoint", "ServerParser")

_log = make_logger("autobahn_fast.twisted.endpoints")


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _size(text: str) -> int:
    size = int(text)
    if size < 0:
        raise ValueError("negative")
    return size


# option: argument of the wrapping factories (None: taken, but there is nothing to switch), and how it is read
_OPTIONS: dict[str, tuple[str | None, Callable[[str], Any]]] = {
    "url": ("url", str),
    "compression": ("enableCompression", _boolean),
    "autofrag": ("autoFragmentSize", _size),
    "subprotocol": ("subprotocol", str),
    "debug": (None, _boolean),
}


def read_options(options: dict[str, str]) -> dict[str, Any]:
    """Return the arguments of a wrapping factory that options of a description stand for.

    :raises ValueError: no URL, or a value that cannot be read. Unknown options are logged and left out.
    """
    if "url" not in options:
        raise ValueError("an autobahn: endpoint needs the option url, for example url=ws\\://localhost\\:9000")
    arguments = {}
    for key, text in options.items():
        if key not in _OPTIONS:
            _log.warn("autobahn: endpoint: unknown option {key} (known: {known})", key=key, known=", ".join(_OPTIONS))
            continue
        name, read = _OPTIONS[key]
        try:
            value = read(text)
        except (ValueError, KeyError):
            raise ValueError(f"autobahn: endpoint: invalid value {text!r} for {key}") from None
        if name is not None:
            arguments[name] = value
    return arguments


class _Endpoint:
    def __init__(self, reactor: Any, endpoint: Any, options: dict[str, Any]) -> None:
        """
        :param reactor: what connections run on. :param endpoint: what carries them.
        :param options: arguments of the wrapping factory.
        """
        self._reactor = reactor
        self._endpoint = endpoint
        self._options = options


@implementer(IStreamServerEndpoint)
class ServerEndpoint(_Endpoint):
    """Listens for WebSocket connections."""

    def listen(self, protocolFactory: Any) -> Any:
        """Twisted: begin to listen. :returns: a Deferred of the port."""
        from autobahn_fast.twisted.websocket import WrappingWebSocketServerFactory

        return self._endpoint.listen(
            WrappingWebSocketServerFactory(protocolFactory, reactor=self._reactor, **self._options)
        )


@implementer(IStreamClientEndpoint)
class ClientEndpoint(_Endpoint):
    """Makes WebSocket connections."""

    def connect(self, protocolFactory: Any) -> Any:
        """Twisted: connect. :returns: a Deferred of the WebSocket connection, in which the factory's protocol is."""
        from autobahn_fast.twisted.websocket import WrappingWebSocketClientFactory

        return self._endpoint.connect(
            WrappingWebSocketClientFactory(protocolFactory, reactor=self._reactor, **self._options)
        )


@implementer(IPlugin, IStreamServerEndpointStringParser)
class ServerParser:
    """Makes server endpoints of descriptions."""

    def __init__(self, prefix: str) -> None:
        """:param prefix: what descriptions begin with."""
        self.prefix = prefix

    def parseStreamServer(self, reactor: Any, description: str = "", **options: str) -> ServerEndpoint:
        """Twisted: return the endpoint.

        :param description: of the endpoint below. :raises ValueError: what is wrong.
        """
        from twisted.internet.endpoints import serverFromString

        if not description:
            raise ValueError("an autobahn: endpoint needs another one first, for example autobahn:tcp\\:9000:url=...")
        arguments = read_options(options)
        return ServerEndpoint(reactor, serverFromString(reactor, description), arguments)


@implementer(IPlugin, IStreamClientEndpointStringParserWithReactor)
class ClientParser:
    """Makes client endpoints of descriptions."""

    def __init__(self, prefix: str) -> None:
        """:param prefix: what descriptions begin with."""
        self.prefix = prefix

    def parseStreamClient(self, reactor: Any, description: str = "", **options: str) -> ClientEndpoint:
        """Twisted: return the endpoint.

        :param description: of the endpoint below. :raises ValueError: what is wrong.
        """
        from twisted.internet.endpoints import clientFromString

        if not description:
            raise ValueError(
                "an autobahn: endpoint needs another one first, for example autobahn:tcp\\:host\\:9000:url=..."
            )
        arguments = read_options(options)
        return ClientEndpoint(reactor, clientFromString(reactor, description), arguments)
