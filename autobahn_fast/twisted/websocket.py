# SPDX-License-Identifier: MIT
"""WebSocket connections as Twisted protocols, factories for endpoints and reactors, and streams wrapped into WebSocket.

Knows Twisted transports and nothing of WebSocket: everything else is in ``autobahn_fast.websocket`` and
``autobahn_fast.wamp.websocket``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import ClientFactory, Factory, Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from autobahn_fast._framework import why_lost
from autobahn_fast._overriding import is_own
from autobahn_fast.twisted._framework import TwistedFramework, current_reactor, end_of_turn, on_reactor
from autobahn_fast.twisted._logging import make_logger
from autobahn_fast.twisted._transport import TransportMixin
from autobahn_fast.twisted.util import create_transport_details, peer2str
from autobahn_fast.wamp import websocket
from autobahn_fast.websocket import protocol

__all__ = (
    "WampWebSocketClientFactory",
    "WampWebSocketClientProtocol",
    "WampWebSocketServerFactory",
    "WampWebSocketServerProtocol",
    "WebSocketAdapterFactory",
    "WebSocketAdapterProtocol",
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
    "WrappingWebSocketAdapter",
    "WrappingWebSocketClientFactory",
    "WrappingWebSocketClientProtocol",
    "WrappingWebSocketServerFactory",
    "WrappingWebSocketServerProtocol",
    "check_client_options",
    "check_transport_config",
    "connectWS",
    "create_client_agent",
    "listenWS",
)

_log = make_logger("autobahn_fast.twisted.websocket")


class WebSocketAdapterProtocol(TransportMixin, Protocol):
    """A WebSocket connection on a Twisted transport."""

    framework: Any = TwistedFramework
    log: Any = _log
    peer: Any = None
    is_server: bool | None = None
    _tls_pending = False

    def connectionMade(self) -> None:
        """Twisted: the transport is there."""
        self.peer = peer2str(self.transport)
        self._transport_details = create_transport_details(self.transport, bool(self.is_server))
        # Set only where the class says otherwise: with more than 30 attributes an object needs a dict, and is slower.
        for name, value in (
            ("framework", getattr(self.factory, "framework", self.framework)),
            ("_tls_pending", bool(self._transport_details.is_secure)),
        ):
            if getattr(self, name) is not value:
                setattr(self, name, value)
        self._set_no_delay()
        self._watch_transport()
        self._connectionMade()  # type: ignore[attr-defined]

    def _set_no_delay(self) -> None:
        wanted = getattr(self, "tcpNoDelay", getattr(self.factory, "tcpNoDelay", True))
        switch = getattr(self.transport, "setTcpNoDelay", None)
        if switch is not None:
            try:
                switch(wanted)
            except (OSError, AttributeError, TypeError):
                pass  # not TCP

    def dataReceived(self, data: bytes) -> None:
        """Twisted: octets came in."""
        if self._tls_pending:
            self._tls_done()
        self._dataReceived(data)  # type: ignore[attr-defined]

    def _tls_done(self) -> None:
        """The first octets are here, so the TLS handshake is through: now it is known who the peer is."""
        self._tls_pending = False
        known = create_transport_details(self.transport, bool(self.is_server))
        self._transport_details.channel_id = known.channel_id
        self._transport_details.peer_cert = known.peer_cert

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the transport is gone."""
        self._registered = False
        self._receive_as_before()
        self._connectionLost(reason)  # type: ignore[attr-defined]

    # --- what the connection asks of its adapter ---

    def _closeConnection(self, abort: bool = False) -> None:
        self._lose_transport(abort)

    def _transport_defer(self) -> Callable[..., Any] | None:
        return end_of_turn(self.framework.reactor())

    def _write_backlog(self) -> int:
        transport = self.transport
        try:
            return len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # type: ignore[no-any-return]
        except (AttributeError, TypeError):
            return 0

    def _attach_engine(self) -> None:
        super()._attach_engine()  # type: ignore[misc]
        plain = (
            is_own(self, "dataReceived", WebSocketAdapterProtocol.dataReceived)
            and is_own(self, "_dataReceived", protocol.WebSocketProtocol._dataReceived)
            and not self.logOctets  # type: ignore[attr-defined]
        )
        if plain:
            self._receive_into(self._engine)  # type: ignore[attr-defined]

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> bool:
        self._receive_as_before()  # the engine reads no more; what still comes in is looked at here
        return super()._fail_connection(code, reason)  # type: ignore[misc, no-any-return]


class WebSocketServerProtocol(WebSocketAdapterProtocol, protocol.WebSocketServerProtocol):
    """Base of server connections on Twisted."""

    is_server = True
    log = _log


class WebSocketClientProtocol(WebSocketAdapterProtocol, protocol.WebSocketClientProtocol):
    """Base of client connections on Twisted."""

    is_server = False
    log = _log

    def startTLS(self) -> None:
        """(Through a proxy) Go on over TLS, then begin the opening handshake."""
        self.transport.startTLS(self._tls_options(self._tunnel_end()[0]))
        self._transport_details = create_transport_details(self.transport, False)
        self._tls_pending = True
        self.startHandshake()

    def _tls_options(self, host: str) -> Any:
        """Return the TLS options for a host. What was made for the first host is not used for another one."""
        setting = self.factory.contextFactory
        if len(self._visited) > 1:
            if isinstance(setting, dict):
                setting = {name: value for name, value in setting.items() if name != "hostname"}
            elif host != self._visited[0].host:
                setting = True
        return client_tls(True if setting is None else setting, host)

    async def _open_transport(self, target: Any) -> None:
        reactor, proxy = self.framework.reactor(), self._proxy
        if proxy is not None:
            endpoint = tcp_endpoint(reactor, proxy.host, proxy.port)
        else:
            endpoint = tcp_endpoint(reactor, target.host, target.port)
            if target.secure:
                endpoint = wrapped_in_tls(self._tls_options(target.host), endpoint)
        await endpoint.connect(_Again(self))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the transport is gone."""
        if self._tls_pending and self.wasNotCleanReason is None:
            text = why_lost(reason)
            if text:
                self.wasNotCleanReason = f"the TLS handshake failed{text}"
        super().connectionLost(reason)


class _Again(Factory):
    """Makes no connection: it is the one that a redirect sends elsewhere."""

    noisy = False

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def buildProtocol(self, addr: Any) -> Any:
        return self._connection


class WebSocketAdapterFactory:
    """What server and client factories share on Twisted."""

    log: Any = _log
    framework: Any = TwistedFramework
    reactor: Any = None
    noisy = False

    def _use_reactor(self, reactor: Any) -> None:
        """Remember the reactor; timers of the connections are set on it."""
        self.reactor = current_reactor() if reactor is None else reactor
        if reactor is not None and reactor is not current_reactor():
            self.framework = on_reactor(reactor)


class WebSocketServerFactory(WebSocketAdapterFactory, protocol.WebSocketServerFactory, ServerFactory):
    """Makes server connections, for ``listenWS``, server endpoints and ``reactor.listenTCP``."""

    log = _log
    protocol: Any = WebSocketServerProtocol

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As ``websocket.protocol.WebSocketServerFactory``.

        :param reactor: keyword; the installed one when None.
        """
        self._use_reactor(kwargs.pop("reactor", None))
        protocol.WebSocketServerFactory.__init__(self, *args, **kwargs)


class WebSocketClientFactory(WebSocketAdapterFactory, protocol.WebSocketClientFactory, ClientFactory):
    """Makes client connections, for ``connectWS``, client endpoints and ``reactor.connectTCP``.

    ``clientConnectionLost`` is called for every TCP connection, also for one whose server redirects.
    """

    log = _log
    protocol: Any = WebSocketClientProtocol
    contextFactory: Any = None
    """TLS options through a proxy, and to where the server redirects: what ``connectWS`` takes, True, or a dict with ``hostname``
    and ``trust_root``; default: certificates are verified as browsers do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As ``websocket.protocol.WebSocketClientFactory``.

        :param reactor: keyword; the installed one when None.
        """
        self._use_reactor(kwargs.pop("reactor", None))
        protocol.WebSocketClientFactory.__init__(self, *args, **kwargs)


class WampWebSocketServerProtocol(websocket.WampWebSocketServerProtocol, WebSocketServerProtocol):
    """A WAMP server connection."""

    log = _log


class WampWebSocketServerFactory(websocket.WampWebSocketServerFactory, WebSocketServerFactory):
    """Makes WAMP server connections."""

    log = _log
    protocol = WampWebSocketServerProtocol

    def __init__(self, factory: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """
        :param factory: makes the sessions. :param serializers: keyword; what to speak, best first; default: everything there is.
        The other arguments are those of ``WebSocketServerFactory``.
        """
        websocket.WampWebSocketServerFactory.__init__(self, factory, kwargs.pop("serializers", None))
        kwargs["protocols"] = self._protocols
        WebSocketServerFactory.__init__(self, *args, **kwargs)


class WampWebSocketClientProtocol(websocket.WampWebSocketClientProtocol, WebSocketClientProtocol):
    """A WAMP client connection."""

    log = _log


class WampWebSocketClientFactory(websocket.WampWebSocketClientFactory, WebSocketClientFactory):
    """Makes WAMP client connections."""

    log = _log
    protocol = WampWebSocketClientProtocol

    def __init__(self, factory: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """
        :param factory: makes the sessions. :param serializers: keyword; what to offer, best first; default: everything there is.
        The other arguments are those of ``WebSocketClientFactory``.
        """
        websocket.WampWebSocketClientFactory.__init__(self, factory, kwargs.pop("serializers", None))
        kwargs["protocols"] = self._protocols
        WebSocketClientFactory.__init__(self, *args, **kwargs)


# These stand on the classes above and are part of this module's interface.
from autobahn_fast._names import also_from
from autobahn_fast.twisted._connecting import (
    check_client_options,
    check_transport_config,
    client_tls,
    connectWS,
    create_client_agent,
    listenWS,
    tcp_endpoint,
    wrapped_in_tls,
)
from autobahn_fast.twisted._wrapping import (
    WrappingWebSocketAdapter,
    WrappingWebSocketClientFactory,
    WrappingWebSocketClientProtocol,
    WrappingWebSocketServerFactory,
    WrappingWebSocketServerProtocol,
)

also_from(
    __name__,
    "websocket.types",
    "websocket.interfaces",
    "websocket.compress_deflate",
    "wamp.types",
    "twisted.util",
    "util",
)
