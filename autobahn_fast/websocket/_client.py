# SPDX-License-Identifier: MIT
"""The client's side of a WebSocket connection: its opening handshake (RFC 6455, section 4.1), through a proxy if need be.

Knows what a client sends and what it accepts. The syntax of HTTP is in ``_http``, everything after the handshake in ``_base``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from autobahn_fast import __version__
from autobahn_fast.websocket import _http, _options, _redirect
from autobahn_fast.websocket._base import WebSocketProtocol
from autobahn_fast.websocket._extensions import take_response
from autobahn_fast.websocket._factory import WebSocketFactory
from autobahn_fast.websocket._proxy import check_proxy
from autobahn_fast.websocket.types import ConnectingRequest, ConnectionResponse
from autobahn_fast.websocket.util import parse_url

__all__ = ("WebSocketClientFactory", "WebSocketClientProtocol")

AGENT = f"autobahn_fast/{__version__}"


class WebSocketClientProtocol(WebSocketProtocol):
    """A client's connection."""

    CONFIG_ATTRS: ClassVar[list[str]] = WebSocketProtocol.CONFIG_ATTRS_COMMON + WebSocketProtocol.CONFIG_ATTRS_CLIENT

    http_status_line = ""
    http_headers: Mapping[str, str] = {}
    websocket_key = b""
    _proxy: Any = None
    _request: Any = None
    _visited: Sequence[_redirect.Target] = ()
    """Where the handshake was tried, in order: more than one place when it was redirected."""
    _redirected = False
    _reconnecting = False
    _reconnect: Any = None

    @property
    def _wskey(self) -> bytes:
        return self.websocket_key

    def onConnecting(self, transport_details: Any) -> Any:
        """The transport is there, the handshake about to begin. For subclasses; may be a coroutine.

        :param transport_details: TransportDetails.
        :returns: a ConnectingRequest to ask for that instead of what the factory says, or None.
        """

    def onConnect(self, response: ConnectionResponse) -> Any:
        """The server accepted. For subclasses; may be a coroutine; what it raises ends the connection.

        :param response: the server's answer.
        """

    def _connectionMade(self) -> None:
        if self._reconnecting:  # behind a redirect: the same connection goes on, and its time runs on
            self._reconnecting = False
            self._reconnect = None
            self.data = b""
            self._head = _http.HeadReader(self._head.limits if self._head is not None else _http.DEFAULT_LIMITS)
        else:
            super()._connectionMade()
            factory = self.factory
            self._visited = [_redirect.Target(factory.isSecure, factory.host, factory.port, factory.resource)]
        self._open_on_transport()

    def _forget_handshake(self) -> None:
        super()._forget_handshake()
        self._request, self._visited = None, ()

    def _connectionLost(self, reason: Any = None) -> None:
        if self._redirected and self.state == self.STATE_CONNECTING:
            self._redirected = False
            self._reconnecting = True
            self._reconnect = self.framework.spawn(self._connect_again(self._visited[-1]))
        else:
            super()._connectionLost(reason)

    def _closeConnection(self, abort: bool = False) -> None:
        if not self._reconnecting:
            super()._closeConnection(abort)
            return
        self._reconnecting = False
        self._reconnect.cancel()
        self._reconnect = None
        self.framework.call_soon(self._connectionLost)

    def _open_on_transport(self) -> None:
        proxy = check_proxy(self.factory.proxy)
        if proxy is not None:
            self._proxy = proxy
            self.state = self.STATE_PROXY_CONNECTING
            self.startProxyConnect()
        else:
            self.startHandshake()

    # --- proxy: HTTP CONNECT (RFC 9110, section 9.3.6) ---

    def _tunnel_end(self) -> tuple[str, int]:
        """Where a proxy has to connect to."""
        if len(self._visited) == 1 and self.factory.connect_to is not None:
            return self.factory.connect_to  # type: ignore[no-any-return]
        return self._visited[-1].host, self._visited[-1].port  # type: ignore[return-value]

    def startProxyConnect(self) -> None:
        """Ask the proxy for a connection to the server."""
        octets = self._proxy.request(_host_header(*self._tunnel_end()))
        self.trafficStats.preopenOutgoingOctetsWireLevel += len(octets)
        self.transport.write(octets)  # not by sendData, which logs octets: here may be a password among them

    def processProxyConnect(self) -> None:
        """Read the proxy's answer."""
        try:
            head = self._read_head()
            if head is None:
                return
            self._proxy.check_answer(head, _host_header(*self._tunnel_end()))
        except _http.HttpError as e:
            reason = e.reason if e.reason.startswith("the proxy") else f"the proxy {self._proxy!r} answered badly: {e}"
            self.failProxyConnect(reason)
            return
        if self.data:
            self.failProxyConnect(f"the proxy {self._proxy!r} sent more than its answer")
            return
        self.state = self.STATE_CONNECTING
        if self._visited[-1].secure:
            self.startTLS()
        else:
            self.startHandshake()

    def startTLS(self) -> None:
        """Go on over TLS, then call ``startHandshake``. The framework's class knows how."""
        raise RuntimeError("TLS through a proxy needs the client class of a framework")

    def failProxyConnect(self, reason: str) -> None:
        """The proxy did not connect: the connection is dropped."""
        self.failHandshake(reason)

    # --- redirects: where followRedirects allows them ---

    def _follow(self, head: _http.Head) -> None:
        """The server answered with a redirect: close this transport and connect to where it says.

        :raises HttpError: it must not be followed.
        """
        here = self._visited[-1]
        target = _redirect.next_target(head, self._visited, self.followRedirects)
        self._request = _redirect.next_request(self._request, here, target)
        self._visited = [*self._visited, target]
        self._redirected = True
        self.log.info("WebSocket {peer}: redirected to {place}", peer=self.peer, place=target.place)
        self._closeConnection(abort=True)

    async def _connect_again(self, target: _redirect.Target) -> None:
        try:
            await self._open_transport(target)
        except Exception as e:  # noqa: BLE001 - whatever a loop raises
            if self._reconnecting:
                self._reconnecting = False
                text = str(e) or type(e).__name__
                self.wasNotCleanReason = f"redirected to {target.place}, which cannot be connected to: {text}"
                self._connectionLost(e)

    async def _open_transport(self, target: _redirect.Target) -> None:
        """Connect to the target, or to the proxy, and have this connection told. The framework's class knows how."""
        raise RuntimeError("following redirects needs the client class of a framework")

    # --- opening handshake ---

    def startHandshake(self) -> None:
        """Ask ``onConnecting`` what to ask for, and send the request."""
        self.websocket_key = _http.make_key().encode("ascii")
        if len(self._visited) > 1:  # the same as before the redirect, at another place
            self._actuallyStartHandshake(self._request)
            return
        self._ask(self.onConnecting, self.transport_details, self._request_known, self._connecting_failed)

    def _connecting_failed(self, exc: Exception) -> None:
        self.log.error("WebSocket {peer}: onConnecting raised {exc!r}", peer=self.peer, exc=exc, log_failure=exc)
        self.failHandshake(f"onConnecting raised {exc!r}")

    def _request_known(self, request: ConnectingRequest | None) -> None:
        factory = self.factory
        if request is None:
            request = ConnectingRequest(
                host=factory.host,
                port=factory.port,
                resource=factory.resource,
                headers=factory.headers,
                useragent=factory.useragent,
                origin=factory.origin,
                protocols=factory.protocols,
            )
        if not isinstance(request, ConnectingRequest):
            self._connecting_failed(
                TypeError(f"it may return a ConnectingRequest or None, not {type(request).__name__}")
            )
            return
        self._actuallyStartHandshake(request)

    def _actuallyStartHandshake(self, request_options: ConnectingRequest) -> None:
        """Send the request."""
        request = self._request = request_options
        self.websocket_version = self.version
        headers: list[tuple[str, Any]] = []
        if request.useragent:
            headers.append(("User-Agent", request.useragent))
        headers += [
            ("Host", _host_header(request.host, request.port)),
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Pragma", "no-cache"),
            ("Cache-Control", "no-cache"),
            *request.headers.items(),
            ("Sec-WebSocket-Key", self.websocket_key.decode("ascii")),
        ]
        number = self.SPEC_TO_PROTOCOL_VERSION[self.version]
        if request.origin:
            headers.append(("Origin" if number >= 13 else "Sec-WebSocket-Origin", request.origin))
        if request.protocols:
            headers.append(("Sec-WebSocket-Protocol", ",".join(request.protocols)))
        offers = self.perMessageCompressionOffers
        if offers:
            headers.append(("Sec-WebSocket-Extensions", ", ".join(offer.get_extension_string() for offer in offers)))
        headers.append(("Sec-WebSocket-Version", number))
        try:
            octets = _http.build_request(request.resource, headers)
        except ValueError as e:
            self.log.error("WebSocket {peer}: the handshake cannot be sent: {error}", peer=self.peer, error=e)
            self.failHandshake(str(e))
            return
        self._transport_details.http_headers_sent = {name: value for name, value in headers}
        self.sendData(octets)

    def processHandshake(self) -> None:
        """Read the server's answer."""
        if self.http_status_line:
            return  # onConnect is not through yet: the octets wait
        if self._redirected:
            self.data = b""  # what is behind a redirect, until the transport is closed
            return
        try:
            head = self._read_head()
            if head is None:
                return
            if self.followRedirects and _redirect.is_redirect(head):
                self._follow(head)
                return
            self.http_status_line = head.start_line
            self.http_headers = head.headers
            self._transport_details.http_headers_received = head.headers
            offered = self._request.protocols if self._request is not None else ()
            response = _http.read_response(head, self.websocket_key.decode("ascii"), offered)
            self._accept_extensions(response.extensions)
        except _http.HttpError as e:
            self.failHandshake(str(e))
            return
        except Exception as e:  # noqa: BLE001 - perMessageCompressionAccept is the user's
            self._connect_failed(e, "perMessageCompressionAccept")
            return
        if response.protocol is not None:
            self.websocket_protocol_in_use = response.protocol
        details = self._transport_details
        details.websocket_protocol = response.protocol
        details.websocket_extensions_in_use = self.websocket_extensions_in_use
        answer = ConnectionResponse(
            self.peer, head.headers, self.websocket_version, response.protocol, self.websocket_extensions_in_use
        )
        self._ask(self._onConnect, answer, lambda _: self._opened(), self._connect_failed)

    def _accept_extensions(self, extensions: list[tuple[str, dict[str, Any]]]) -> None:
        """Take what the server chose of what was offered.

        :raises HttpError: it chose something else.
        """
        pmce = take_response(extensions, self.perMessageCompressionOffers, self.perMessageCompressionAccept)
        self._perMessageCompress = pmce
        self.websocket_extensions_in_use = [] if pmce is None else [pmce]

    def _onConnect(self, response: ConnectionResponse) -> Any:
        return self.onConnect(response)

    def _connect_failed(self, exc: Exception, callback: str = "onConnect") -> None:
        self.log.error(
            "WebSocket {peer}: {what} raised {exc!r}", peer=self.peer, what=callback, exc=exc, log_failure=exc
        )
        self.failHandshake(f"{callback} raised {exc!r}")

    def failHandshake(self, reason: str) -> None:
        """The opening handshake failed: the connection is dropped.

        :param reason: what was wrong; it goes to the log and to ``onClose``.
        """
        self.wasNotCleanReason = reason
        self.log.info("WebSocket {peer}: the opening handshake failed: {reason}", peer=self.peer, reason=reason)
        self.dropConnection(abort=True)


def _host_header(host: str, port: int | str) -> str:
    if host == "unix":
        return "localhost"  # a path is not a host
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


class WebSocketClientFactory(WebSocketFactory):
    """Makes client connections."""

    isServer = False
    protocol: Any = WebSocketClientProtocol
    _option_table = _options.client_options
    connect_to: tuple[str, int] | None = None
    """Where a proxy has to connect to when that is not the URL's host and port."""

    def __init__(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: list[str] | None = None,
        useragent: str | None = AGENT,
        headers: dict[str, Any] | None = None,
        proxy: dict[str, Any] | str | None = None,
    ) -> None:
        """
        :param url: WebSocket URL of the server; default ``ws://localhost``.
        :param origin: value of the Origin header. :param protocols: subprotocols to offer, best first.
        :param useragent: value of the User-Agent header. :param headers: more HTTP headers.
        :param proxy: an HTTP proxy to connect through: a dict with ``host`` and ``port`` and, if it asks for them, ``username``,
            ``password`` and more ``headers``; or ``http://username:password@host:port``.
        :raises ValueError: the URL or the proxy is not valid.
        """
        self.logOctets = False
        self.logFrames = False
        self.trackTimings = False
        self.setSessionParameters(url, origin, protocols, useragent, headers, proxy)
        self.resetProtocolOptions()

    def setSessionParameters(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: list[str] | None = None,
        useragent: str | None = None,
        headers: dict[str, Any] | None = None,
        proxy: dict[str, Any] | str | None = None,
    ) -> None:
        """Set all that the constructor takes; None means none (for ``url`` the default)."""
        secure, host, port, resource, path, params = parse_url(url or "ws://localhost")
        if check_proxy(proxy) is not None and host == "unix":
            raise ValueError("a proxy connects to no Unix domain socket: leave out 'proxy'")
        self.url = url or "ws://localhost"
        self.isSecure = secure
        self.host = host
        self.port = port
        self.resource = resource
        self.path = path
        self.params = params
        self.origin = origin
        self.protocols = protocols or []
        self.useragent = useragent
        self.headers = headers or {}
        self.proxy = proxy

    def resetProtocolOptions(self) -> None:
        """Set all options to their defaults."""
        self._reset_options()

    def setProtocolOptions(
        self,
        version: int | None = None,
        utf8validateIncoming: bool | None = None,
        acceptMaskedServerFrames: bool | None = None,
        maskClientFrames: bool | None = None,
        applyMask: bool | None = None,
        maxFramePayloadSize: int | None = None,
        maxMessagePayloadSize: int | None = None,
        autoFragmentSize: int | None = None,
        failByDrop: bool | None = None,
        echoCloseCodeReason: bool | None = None,
        serverConnectionDropTimeout: float | None = None,
        openHandshakeTimeout: float | None = None,
        closeHandshakeTimeout: float | None = None,
        tcpNoDelay: bool | None = None,
        perMessageCompressionOffers: Any = None,
        perMessageCompressionAccept: Any = None,
        autoPingInterval: float | None = None,
        autoPingTimeout: float | None = None,
        autoPingSize: int | None = None,
        autoPingRestartOnAnyTraffic: bool | None = None,
        orderedMessages: bool | None = None,
        maxPendingMessages: int | None = None,
        maxPendingOctets: int | None = None,
        maxHandshakeLine: int | None = None,
        maxHandshakeHeaders: int | None = None,
        maxHandshakeSize: int | None = None,
        followRedirects: int | None = None,
    ) -> None:
        """Set options for connections made from now on; None leaves one as it is.

        Options that autobahn does not have:

        :param orderedMessages: coroutines of ``onMessage`` run one after the other, in order, and ``onClose`` behind them.
        :param maxPendingMessages: coroutines of callbacks at which reading pauses until more than half are through; 0: never.
        :param maxPendingOctets: octets in the messages that they were given, the same.
        :param maxHandshakeLine: octets of a line in the peer's part of the opening handshake.
        :param maxHandshakeHeaders: number of its headers. :param maxHandshakeSize: its octets.
        :param followRedirects: how many redirects (HTTP 301, 302, 303, 307, 308) the opening handshake follows; 0, the default: none.
            Never from ``wss`` to ``ws``; another host or port gets none of ``headers``. All of it has ``openHandshakeTimeout``.
        :raises TypeError: a value of the wrong type. :raises ValueError: a value out of range. Nothing is changed then.
        """
        values = locals()
        del values["self"]
        self._set_options(values)
