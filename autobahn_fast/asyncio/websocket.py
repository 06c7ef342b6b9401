# SPDX-License-Identifier: MIT
"""WebSocket connections as asyncio protocols, and factories for ``loop.create_connection`` and ``loop.create_server``.

Knows asyncio transports and nothing of WebSocket: everything else is in ``autobahn_fast.websocket`` and
``autobahn_fast.wamp.websocket``. Works on every loop with asyncio's interface (uvloop).
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Callable
from typing import Any

from autobahn_fast._framework import make_logger
from autobahn_fast._names import also_from
from autobahn_fast._overriding import is_own
from autobahn_fast.asyncio._connecting import create_connection
from autobahn_fast.asyncio._framework import AsyncioFramework
from autobahn_fast.asyncio._receiver import direct_socket, receive_directly, set_reading
from autobahn_fast.asyncio.util import create_transport_details, peer2str
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
)

_log = make_logger("autobahn_fast.asyncio.websocket")


def yields(value: Any) -> bool:
    """Whether a callback's result is to be awaited."""
    return inspect.isawaitable(value)


class WebSocketAdapterProtocol(asyncio.Protocol):
    """A WebSocket connection on an asyncio transport."""

    framework = AsyncioFramework
    log: Any = _log
    peer: Any = None
    is_server: bool | None = None
    transport: Any = None
    _fast_path = False

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there."""
        self.transport = transport
        self.peer = peer2str(transport)
        self._transport_details = create_transport_details(transport, bool(self.is_server))
        self._set_no_delay(transport)
        self._connectionMade()  # type: ignore[attr-defined]

    def _set_no_delay(self, transport: Any) -> None:
        # Loops switch Nagle's algorithm off by themselves: only the other wish has to be carried out.
        if getattr(self, "tcpNoDelay", getattr(getattr(self, "factory", None), "tcpNoDelay", True)):
            return
        sock = transport.get_extra_info("socket")
        if sock is not None and getattr(sock, "family", None) in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    def data_received(self, data: bytes) -> None:
        """asyncio: octets came in."""
        try:
            self._dataReceived(data)  # type: ignore[attr-defined]
        except Exception as e:  # noqa: BLE001 - one connection's failure stays its own
            self.log.error("WebSocket {peer}: dropping the connection: {exc!r}", peer=self.peer, exc=e, log_failure=e)
            self.transport.abort()

    def eof_received(self) -> bool | None:
        """asyncio: the peer has sent its last octet. The transport is closed."""
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the transport is gone."""
        self._connectionLost(exc)  # type: ignore[attr-defined]
        self.transport = None

    def pause_writing(self) -> None:
        """asyncio: the transport has more to write than its limit."""
        self._transport_writable(False)

    def resume_writing(self) -> None:
        """asyncio: the transport has room again."""
        self._transport_writable(True)

    def _transport_writable(self, writable: bool) -> None:
        """Who wants to know whether there is room overrides this."""

    # --- what the connection asks of its adapter ---

    def _transport_defer(self) -> Callable[..., Any] | None:
        try:
            return asyncio.get_running_loop().call_soon
        except RuntimeError:
            return None  # driven by hand: nothing is joined

    def _transport_socket(self) -> tuple[Any, ...]:
        return direct_socket(self.transport)

    def _set_reading(self, reading: bool) -> bool:
        return set_reading(self.transport, reading)

    def _write_backlog(self) -> int:
        try:
            return self.transport.get_write_buffer_size()  # type: ignore[no-any-return]
        except (AttributeError, NotImplementedError):
            return 0

    def _attach_engine(self) -> None:
        super()._attach_engine()  # type: ignore[misc]
        plain = (
            is_own(self, "data_received", WebSocketAdapterProtocol.data_received)
            and is_own(self, "_dataReceived", protocol.WebSocketProtocol._dataReceived)
            and not self.logOctets  # type: ignore[attr-defined]
        )
        if plain and self.transport is not None:
            self._fast_path = receive_directly(self.transport, self, self._engine)  # type: ignore[attr-defined]

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> bool:
        self._receive_here()  # the engine reads no more; what still comes in is looked at here
        return super()._fail_connection(code, reason)  # type: ignore[misc, no-any-return]

    def _closeConnection(self, abort: bool = False) -> None:
        # Closing a TLS transport may read from it once more, inside this call and maybe inside one of the engine's.
        self._receive_here()
        super()._closeConnection(abort)  # type: ignore[misc]

    def _receive_here(self) -> None:
        if self._fast_path and self.transport is not None:
            self._fast_path = False
            self.transport.set_protocol(self)

    # --- Twisted's names, for programs that stream ---

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Not on asyncio: use ``pause_writing`` and ``resume_writing``.

        :raises NotImplementedError: always, as in autobahn.
        """
        raise NotImplementedError("asyncio has no producers: override pause_writing and resume_writing")

    def unregisterProducer(self) -> None:
        """Nothing is registered: nothing is done."""


class WebSocketServerProtocol(WebSocketAdapterProtocol, protocol.WebSocketServerProtocol):
    """Base of server connections on asyncio."""

    is_server = True
    log = _log


class WebSocketClientProtocol(WebSocketAdapterProtocol, protocol.WebSocketClientProtocol):
    """Base of client connections on asyncio."""

    is_server = False
    log = _log

    _ssl_context: Any = None
    _tls_start: Any = None

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there."""
        context = transport.get_extra_info("sslcontext")
        if context is not None:
            self._ssl_context = context  # for where the server may send us
        super().connection_made(transport)

    def _tls_arguments(self, host: str) -> dict[str, Any]:
        """Return the arguments of ``create_connection`` or ``start_tls`` for TLS to a host."""
        import ssl

        factory = self.factory
        context = factory.ssl_context or self._ssl_context
        if context is None or context is True:
            context = ssl.create_default_context()
        own = factory.server_hostname if len(self._visited) == 1 else None
        return {"server_hostname": own or host, "sslcontext" if self._proxy is not None else "ssl": context}

    def startTLS(self) -> None:
        """(Through a proxy) Go on over TLS, then begin the opening handshake."""
        self._tls_start = AsyncioFramework.spawn(self._start_tls())

    async def _start_tls(self) -> None:
        import ssl

        host = self._tunnel_end()[0]
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(self.transport, self, **self._tls_arguments(host))
            if transport is None:
                raise ConnectionResetError("the connection was lost")
        except (OSError, ssl.SSLError, ssl.CertificateError) as e:
            self._tls_start = None
            self.failHandshake(f"the TLS handshake with {host} through the proxy failed: {e}")
            self.connection_lost(e)  # a transport that was to become TLS tells nobody
            return
        self._tls_start = None
        self.transport = transport
        self._transport_details = create_transport_details(transport, False)
        self.startHandshake()

    def _closeConnection(self, abort: bool = False) -> None:
        begun, self._tls_start = self._tls_start, None
        if begun is None:
            super()._closeConnection(abort)
            return
        begun.cancel()
        self.transport.abort()
        AsyncioFramework.call_soon(lambda: self.connection_lost(None))

    async def _open_transport(self, target: Any) -> None:
        loop, proxy = asyncio.get_running_loop(), self._proxy
        if proxy is not None:
            await loop.create_connection(lambda: self, proxy.host, proxy.port)
            return
        tls = self._tls_arguments(target.host) if target.secure else {}
        await create_connection(loop, lambda: self, target.host, target.port, **tls)


class WebSocketAdapterFactory:
    """Makes connections when called, as loops do."""

    log: Any = _log
    framework = AsyncioFramework
    loop: Any = None
    protocol: Any

    def __call__(self) -> Any:
        """Return a new connection."""
        connection = self.protocol()
        connection.factory = self
        return connection


class WebSocketServerFactory(WebSocketAdapterFactory, protocol.WebSocketServerFactory):
    """Makes server connections: ``await loop.create_server(factory, host, port)``."""

    log = _log
    protocol = WebSocketServerProtocol

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As ``websocket.protocol.WebSocketServerFactory``.

        :param loop: kept as an attribute; connections use the loop that they run on.
        """
        self.loop = kwargs.pop("loop", None)
        protocol.WebSocketServerFactory.__init__(self, *args, **kwargs)


class WebSocketClientFactory(WebSocketAdapterFactory, protocol.WebSocketClientFactory):
    """Makes client connections: ``await loop.create_connection(factory, host, port)``.

    With ``proxy``, connect to the proxy's host and port, and without ``ssl``: TLS to the server begins inside the tunnel.
    """

    log = _log
    protocol = WebSocketClientProtocol
    ssl_context: Any = None
    """``ssl.SSLContext`` for TLS through a proxy, and to where the server redirects; default: certificates are verified."""
    server_hostname: str | None = None
    """Whom the certificate must be for, when that is not the URL's host."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As ``websocket.protocol.WebSocketClientFactory``.

        :param loop: kept as an attribute; connections use the loop that they run on.
        """
        self.loop = kwargs.pop("loop", None)
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


also_from(__name__, "asyncio.util", "util")
