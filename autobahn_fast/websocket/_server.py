# SPDX-License-Identifier: MIT
"""The server's side of a WebSocket connection: its opening handshake (RFC 6455, section 4.2), and plain HTTP answers.

Knows what a server accepts, who may connect and what others are told. The syntax of HTTP is in ``_http``, everything after
the handshake in ``_base``.
"""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from autobahn_fast import __version__
from autobahn_fast.websocket import _http, _options
from autobahn_fast.websocket._base import WebSocketProtocol
from autobahn_fast.websocket._extensions import choose_offer
from autobahn_fast.websocket._factory import WebSocketFactory
from autobahn_fast.websocket.types import ConnectionAccept, ConnectionDeny, ConnectionRequest
from autobahn_fast.websocket.util import parse_url

__all__ = ("WebSocketServerFactory", "WebSocketServerProtocol")

SERVER = f"autobahn_fast/{__version__}"

_SERVER_STATUS_TEMPLATE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{}<title>WebSocket endpoint</title>
<style>body {{ font-family: sans-serif; margin: 4em; }}</style>
</head>
<body>
<h1>{}</h1>
<p>This is a WebSocket endpoint. A browser page or a program connects to it with the WebSocket protocol; there is nothing
to see here over plain HTTP.</p>
</body>
</html>
"""

FLASH_REQUEST = b"<policy-file-request/>\x00"

NO_REQUEST = _http.Request("", "", {}, "", None, 0, "", "", [], [], _http.Head("", {}, {}))


def _asked(name: str) -> Any:
    """An attribute that is one of the request's.

    Python gives an object a dict of its own, which takes 1.5 KiB and more time for each attribute, when it has about thirty
    attributes; programs want some, too.
    """

    def set_(self: Any, value: Any) -> None:
        self._http_request = self._http_request._replace(**{name: value})

    return property(lambda self: getattr(self._http_request, name), set_)


class WebSocketServerProtocol(WebSocketProtocol):
    """A server's connection."""

    CONFIG_ATTRS: ClassVar[list[str]] = WebSocketProtocol.CONFIG_ATTRS_COMMON + WebSocketProtocol.CONFIG_ATTRS_SERVER

    http_status_line = ""
    http_headers: Mapping[str, str] = {}
    http_headers_cnt: Mapping[str, int] = {}
    http_request_uri: str = _asked("resource")
    http_request_path: str = _asked("path")
    http_request_params: Mapping[str, list[str]] = _asked("params")
    http_request_host: str = _asked("host")
    websocket_version: int = _asked("version")
    websocket_protocols: list[str] = _asked("protocols")
    websocket_extensions: list[Any] = _asked("extensions")
    websocket_origin: str = _asked("origin")
    websocket_key: str = _asked("key")
    _http_request = NO_REQUEST
    _counted = False

    def onConnect(self, request: ConnectionRequest) -> Any:
        """A client wants to connect. For subclasses; may be a coroutine.

        :param request: what it asks for.
        :returns: None; or the subprotocol to use, out of those it offers; or (subprotocol or None, dict of HTTP headers); or a
            ConnectionAccept.
        :raises ConnectionDeny: it is refused.
        """

    def _connectionMade(self) -> None:
        super()._connectionMade()
        self.factory.countConnections += 1
        self._counted = True

    def _connectionLost(self, reason: Any = None) -> None:
        if self._counted:
            self._counted = False
            self.factory.countConnections -= 1
        super()._connectionLost(reason)

    def processProxyConnect(self) -> None:
        """Servers connect through no proxy."""
        raise RuntimeError("only clients connect through a proxy")

    def processHandshake(self) -> None:
        """Read the client's request."""
        if self.http_status_line:
            return  # onConnect has not answered yet: the octets wait
        if self.serveFlashSocketPolicy and self.data[: len(FLASH_REQUEST)] == FLASH_REQUEST:
            self.wasServingFlashSocketPolicyFile = True
            self.wasNotCleanReason = "served the Flash socket policy"
            self.sendData(self.flashSocketPolicy.encode("utf-8"))
            self.dropConnection(abort=False)
            return
        try:
            head = self._read_head()
            if head is None:
                return
            self._take_head(head)
            if "upgrade" not in head.headers and self.webStatus:
                self._serve_status(head)
                return
            request = _http.read_request(head, self.versions)
            self._take_request(request)
        except _http.HttpError as e:
            self.failHandshake(str(e), e.status, dict(e.headers))
            return
        if 0 < self.maxConnections < self.factory.countConnections:
            self.failHandshake(
                f"{self.maxConnections} connections are open already", ConnectionDeny.SERVICE_UNAVAILABLE
            )
            return
        self._onConnect(
            ConnectionRequest(
                self.peer,
                head.headers,
                request.host,
                request.path,
                request.params,
                request.version,
                request.origin,
                request.protocols,
                request.extensions,
            )
        )

    def _take_head(self, head: _http.Head) -> None:
        self.http_status_line = head.start_line
        self.http_headers = head.headers
        self.http_headers_cnt = head.counts
        self._transport_details.http_headers_received = head.headers
        if self.trustXForwardedFor and head.headers.get("x-forwarded-for"):
            # The last proxy added the last address, and so on: only the trusted ones are believed.
            addresses = [a.strip() for a in head.headers["x-forwarded-for"].split(",")]
            self.peer = addresses[max(0, len(addresses) - self.trustXForwardedFor)]

    def _take_request(self, request: _http.Request) -> None:
        self._http_request = request
        external = self.factory.externalPort
        if external is not None and request.port not in (None, external):
            raise _http.HttpError(
                400, f"port {request.port} in the HTTP header Host is not {external}, the external port"
            )
        if request.origin and not _http.check_origin(
            request.origin.lower(), self.allowedOriginsPatterns, self.allowNullOrigin
        ):
            raise _http.HttpError(403, f"the origin {request.origin[:80]!r} is not allowed to connect")

    def _onConnect(self, request: ConnectionRequest) -> None:
        self._ask(self.onConnect, request, self.succeedHandshake, self._connect_failed)

    def _connect_failed(self, exc: Exception) -> None:
        if isinstance(exc, ConnectionDeny):
            self.failHandshake(exc.reason or "connection denied", exc.code)
            return
        self.log.error("WebSocket {peer}: onConnect raised {exc!r}", peer=self.peer, exc=exc, log_failure=exc)
        self.failHandshake("internal error", ConnectionDeny.INTERNAL_SERVER_ERROR)

    def succeedHandshake(self, res: Any) -> None:
        """Accept the client: send the response and open the connection.

        :param res: what ``onConnect`` returned.
        """
        try:
            protocol, more = _accepted(res, self.websocket_protocols)
            if protocol is not None and protocol not in self.websocket_protocols:
                raise ValueError(f"the subprotocol {protocol!r} was not offered, but {self.websocket_protocols}")
            headers: list[tuple[str, Any]] = []
            if self.factory.server:
                headers.append(("Server", self.factory.server))
            headers += [
                ("Upgrade", "WebSocket"),
                ("Connection", "Upgrade"),
                *self.factory.headers.items(),
                *more.items(),
            ]
            if protocol is not None:
                headers.append(("Sec-WebSocket-Protocol", protocol))
            chosen = None
            if self.websocket_extensions:
                chosen = choose_offer(self.websocket_extensions, self.perMessageCompressionAccept)
            if chosen is not None:
                headers.append(("Sec-WebSocket-Extensions", chosen[1]))
            self.websocket_extensions_in_use = [] if chosen is None else [chosen[0]]
            headers.append(("Sec-WebSocket-Accept", _http.accept_key(self.websocket_key)))
            response = _http.build_response(101, "Switching Protocols", headers)
        except Exception as e:  # noqa: BLE001 - perMessageCompressionAccept is the user's
            self._connect_failed(e)
            return
        self._perMessageCompress = None if chosen is None else chosen[0]
        if protocol is not None:
            self.websocket_protocol_in_use = protocol
        details = self._transport_details
        details.websocket_protocol = protocol
        details.websocket_extensions_in_use = self.websocket_extensions_in_use
        details.http_headers_sent = {name: value for name, value in headers}
        self.sendData(response)
        self._opened()

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: dict[str, str] | None = None) -> None:
        """Refuse the client.

        :param reason: what it is told. :param code: HTTP status. :param responseHeaders: more headers of the answer.
        """
        self.wasNotCleanReason = reason
        self.log.info(
            "WebSocket {peer}: the opening handshake was refused: {reason} (HTTP {code})",
            peer=self.peer,
            reason=reason,
            code=code,
        )
        self.sendHttpErrorResponse(code, reason, responseHeaders)
        self.dropConnection(abort=False)

    # --- plain HTTP ---

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: dict[str, str] | None = None) -> None:
        """Answer with an HTTP status and without a body.

        :param code: HTTP status. :param reason: text behind it. :param responseHeaders: more headers.
        """
        headers = [*(responseHeaders or {}).items(), ("Content-Length", "0"), ("Connection", "close")]
        self.sendData(_http.build_response(code, reason, headers))

    def sendHtml(self, html: str) -> None:
        """Answer with an HTML page."""
        body = html.encode("utf-8")
        headers = [("Content-Type", "text/html; charset=UTF-8"), ("Content-Length", len(body)), ("Connection", "close")]
        if self.factory.server:
            headers.insert(0, ("Server", self.factory.server))
        self.sendData(_http.build_response(200, "OK", headers, body))

    def sendRedirect(self, url: str) -> None:
        """Answer with a redirection (303) to a URL."""
        headers = [("Location", url), ("Content-Length", "0"), ("Connection", "close")]
        if self.factory.server:
            headers.insert(0, ("Server", self.factory.server))
        self.sendData(_http.build_response(303, "See Other", headers))

    def sendServerStatus(self, redirectUrl: str | None = None, redirectAfter: int = 0) -> None:
        """Answer with a page that says what this is.

        :param redirectUrl: where the browser goes next. :param redirectAfter: after so many seconds.
        """
        redirect = ""
        if redirectUrl:
            target = html_module.escape(redirectUrl, quote=True)
            redirect = f'<meta http-equiv="refresh" content="{int(redirectAfter)};URL=\'{target}\'">\n'
        server = html_module.escape(self.factory.server or "WebSocket server")
        self.sendHtml(_SERVER_STATUS_TEMPLATE.format(redirect, server))

    def _serve_status(self, head: _http.Head) -> None:
        """A browser came: show the status page. ``?redirect=/path&after=seconds`` sends it on, on this server only."""
        params = _http.split_request_line(head)[2]
        url = params.get("redirect", [""])[0]
        after = params.get("after", [""])[0]
        if url and not re.fullmatch(r"/(?![/\\])[!#-;=?-~]*", url):
            url = ""
        self.wasNotCleanReason = "served the status page"
        if url and not after:
            self.sendRedirect(url)
        else:
            self.sendServerStatus(url or None, int(after) if re.fullmatch(r"[0-9]{1,5}", after) else 0)
        self.dropConnection(abort=False)


def _accepted(res: Any, offered: Sequence[str]) -> tuple[str | None, Mapping[str, Any]]:
    """Return (subprotocol, headers) out of what ``onConnect`` may return.

    :raises TypeError: it is something else.
    """
    protocol, headers = res, None
    if isinstance(res, ConnectionAccept):
        protocol, headers = res.subprotocol, res.headers
    elif isinstance(res, tuple) and len(res) == 2:
        protocol, headers = res
    fits = protocol is None or isinstance(protocol, str) or protocol in offered
    if not fits or not (headers is None or isinstance(headers, Mapping)):
        raise TypeError(
            f"onConnect may return None, a subprotocol, (subprotocol, headers) or ConnectionAccept, not {res!r}"
        )
    return protocol, headers or {}


class WebSocketServerFactory(WebSocketFactory):
    """Makes server connections."""

    isServer = True
    protocol: Any = WebSocketServerProtocol
    _option_table = _options.server_options

    def __init__(
        self,
        url: str | None = None,
        protocols: list[str] | None = None,
        server: str | None = SERVER,
        headers: dict[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> None:
        """
        :param url: WebSocket URL of this server; default ``ws://localhost``. :param protocols: subprotocols it speaks.
        :param server: value of the Server header. :param headers: more HTTP headers of responses.
        :param externalPort: port that clients see, where that is another: they must say so, or none, in the header Host.
        :raises ValueError: the URL is not valid, or has query parameters.
        """
        self.logOctets = False
        self.logFrames = False
        self.trackTimings = False
        self.countConnections = 0
        self.setSessionParameters(url, protocols, server, headers, externalPort)
        self.resetProtocolOptions()

    def setSessionParameters(
        self,
        url: str | None = None,
        protocols: list[str] | None = None,
        server: str | None = None,
        headers: dict[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> None:
        """Set all that the constructor takes; None means none (for ``url`` the default)."""
        secure, host, port, resource, path, params = parse_url(url or "ws://localhost")
        if params:
            raise ValueError(f"the URL of a server has no query parameters: {url!r}")
        self.url = url or "ws://localhost"
        self.isSecure = secure
        self.host = host
        self.port = port
        self.resource = resource
        self.path = path
        self.params = params
        self.protocols = protocols or []
        self.server = server
        self.headers = headers or {}
        self.externalPort = externalPort

    def getConnectionCount(self) -> int:
        """Return how many connections are open now."""
        return self.countConnections

    def resetProtocolOptions(self) -> None:
        """Set all options to their defaults."""
        self._reset_options()
        self.allowedOriginsPatterns = _options.origin_patterns(self.allowedOrigins)

    def setProtocolOptions(
        self,
        versions: list[int] | None = None,
        webStatus: bool | None = None,
        utf8validateIncoming: bool | None = None,
        maskServerFrames: bool | None = None,
        requireMaskedClientFrames: bool | None = None,
        applyMask: bool | None = None,
        maxFramePayloadSize: int | None = None,
        maxMessagePayloadSize: int | None = None,
        autoFragmentSize: int | None = None,
        failByDrop: bool | None = None,
        echoCloseCodeReason: bool | None = None,
        openHandshakeTimeout: float | None = None,
        closeHandshakeTimeout: float | None = None,
        tcpNoDelay: bool | None = None,
        perMessageCompressionAccept: Any = None,
        autoPingInterval: float | None = None,
        autoPingTimeout: float | None = None,
        autoPingSize: int | None = None,
        autoPingRestartOnAnyTraffic: bool | None = None,
        serveFlashSocketPolicy: bool | None = None,
        flashSocketPolicy: str | None = None,
        allowedOrigins: list[str] | None = None,
        allowNullOrigin: bool = False,
        maxConnections: int | None = None,
        trustXForwardedFor: int | None = None,
        orderedMessages: bool | None = None,
        maxPendingMessages: int | None = None,
        maxPendingOctets: int | None = None,
        maxHandshakeLine: int | None = None,
        maxHandshakeHeaders: int | None = None,
        maxHandshakeSize: int | None = None,
    ) -> None:
        """Set options for connections made from now on; None leaves one as it is. ``allowNullOrigin`` is always set.

        Options that autobahn does not have:

        :param orderedMessages: coroutines of ``onMessage`` run one after the other, in order, and ``onClose`` behind them.
        :param maxPendingMessages: coroutines of callbacks at which reading pauses until more than half are through; 0: never.
        :param maxPendingOctets: octets in the messages that they were given, the same.
        :param maxHandshakeLine: octets of a line in the peer's part of the opening handshake.
        :param maxHandshakeHeaders: number of its headers. :param maxHandshakeSize: its octets.
        :raises TypeError: a value of the wrong type. :raises ValueError: a value out of range. Nothing is changed then.
        """
        values = locals()
        del values["self"]
        self._set_options(values)
        self.allowedOriginsPatterns = _options.origin_patterns(self.allowedOrigins)
