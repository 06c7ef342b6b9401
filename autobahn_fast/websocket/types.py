# SPDX-License-Identifier: MIT
"""What WebSocket callbacks are given and may return: opening handshakes, messages and pings as plain values.

Knows no connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.exception import InvalidArgument

__all__ = (
    "ConnectingRequest",
    "ConnectionAccept",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
    "IncomingMessage",
    "Message",
    "OutgoingMessage",
    "Ping",
)


def _check(value: Any, kinds: type | tuple[type, ...], what: str) -> None:
    """Refuse an argument of another type.

    :raises InvalidArgument: with the name of the argument.
    """
    if not isinstance(value, kinds):
        expected = " or ".join(k.__name__ for k in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise InvalidArgument(f"{what} is {expected}, not {type(value).__name__}")


class _Record:
    """Something with a fixed set of fields that shows and serializes them."""

    __slots__: tuple[str, ...] = ()

    def __json__(self) -> dict[str, Any]:
        """Return the fields as a dict."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        import pprint

        return pprint.pformat(self.__json__())


class ConnectionRequest(_Record):
    """What a client asked for; given to a server's ``onConnect``."""

    __slots__ = ("extensions", "headers", "host", "origin", "params", "path", "peer", "protocols", "version")

    def __init__(
        self,
        peer: str,
        headers: Mapping[str, str],
        host: str,
        path: str,
        params: Mapping[str, list[str]],
        version: int,
        origin: str | None,
        protocols: Sequence[str],
        extensions: Sequence[Any],
    ) -> None:
        """
        :param peer: the client's address, for instance ``tcp4:127.0.0.1:52914``.
        :param headers: HTTP headers; names in lower case, repeated ones joined by commas.
        :param host: host part of the Host header.
        :param path: path of the request, still percent-encoded.
        :param params: query parameters.
        :param version: version of the WebSocket protocol (8 or 13).
        :param origin: what the Origin header says; empty if there is none.
        :param protocols: subprotocols offered, in the client's order.
        :param extensions: extensions offered, as (name, parameters).
        """
        self.peer = peer
        self.headers = headers
        self.host = host
        self.path = path
        self.params = params
        self.version = version
        self.origin = origin
        self.protocols = protocols
        self.extensions = extensions


class ConnectingRequest(_Record):
    """What a client is about to ask for; its ``onConnecting`` may return one to change the opening handshake."""

    __slots__ = ("headers", "host", "origin", "port", "protocols", "resource", "useragent")

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        resource: str | None = None,
        headers: Mapping[str, Any] | None = None,
        useragent: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
    ) -> None:
        """
        :param host: host of the Host header; default ``localhost``.
        :param port: port of the Host header; default 80.
        :param resource: path and query of the request; default ``/``.
        :param headers: more HTTP headers.
        :param useragent: value of the User-Agent header; None leaves it out.
        :param origin: value of the Origin header; None leaves it out.
        :param protocols: subprotocols to offer.
        """
        self.host = host if host is not None else "localhost"
        self.port = port if port is not None else 80
        self.resource = resource if resource is not None else "/"
        self.headers = headers if headers is not None else {}
        self.useragent = useragent
        self.origin = origin
        self.protocols = protocols if protocols is not None else []


class ConnectionResponse(_Record):
    """What a server answered; given to a client's ``onConnect``."""

    __slots__ = ("extensions", "headers", "peer", "protocol", "version")

    def __init__(
        self,
        peer: str,
        headers: Mapping[str, str],
        version: int,
        protocol: str | None,
        extensions: Sequence[Any],
    ) -> None:
        """
        :param peer: the server's address.
        :param headers: HTTP headers; names in lower case, repeated ones joined by commas.
        :param version: version of the WebSocket specification that was used (18 is RFC 6455).
        :param protocol: the subprotocol in use, or None.
        :param extensions: the extensions in use.
        """
        self.peer = peer
        self.headers = headers
        self.version = version
        self.protocol = protocol
        self.extensions = extensions


class ConnectionAccept:
    """A server's ``onConnect`` may return this to accept a connection."""

    __slots__ = ("headers", "subprotocol")

    def __init__(self, subprotocol: str | None = None, headers: Mapping[str, Any] | None = None) -> None:
        """
        :param subprotocol: one of the subprotocols the client offered, or None.
        :param headers: more HTTP headers for the response; a list of values repeats the header.
        """
        if subprotocol is not None:
            _check(subprotocol, str, "subprotocol")
        if headers is not None:
            _check(headers, Mapping, "headers")
        self.subprotocol = subprotocol
        self.headers = headers


class ConnectionDeny(Exception):
    """Raised by a server's ``onConnect`` to refuse a connection with an HTTP status."""

    BAD_REQUEST = 400
    FORBIDDEN = 403
    NOT_FOUND = 404
    NOT_ACCEPTABLE = 406
    REQUEST_TIMEOUT = 408
    INTERNAL_SERVER_ERROR = 500
    NOT_IMPLEMENTED = 501
    SERVICE_UNAVAILABLE = 503

    __slots__ = ("code", "reason")

    def __init__(self, code: int, reason: str | None = None) -> None:
        """
        :param code: HTTP status code (400 to 599).
        :param reason: what the client is told.
        """
        _check(code, int, "code")
        if reason is not None:
            _check(reason, str, "reason")
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Message:
    """A WebSocket message, either way."""

    __slots__ = ()


class IncomingMessage(Message):
    """A message that was received."""

    __slots__ = ("is_binary", "payload")

    def __init__(self, payload: bytes, is_binary: bool = False) -> None:
        """
        :param payload: the octets; UTF-8 when not binary.
        :param is_binary: binary or text.
        """
        _check(payload, bytes, "payload")
        _check(is_binary, bool, "is_binary")
        self.payload = payload
        self.is_binary = is_binary


class OutgoingMessage(Message):
    """A message to send."""

    __slots__ = ("is_binary", "payload", "skip_compress")

    def __init__(self, payload: bytes, is_binary: bool = False, skip_compress: bool = False) -> None:
        """
        :param payload: the octets; UTF-8 when not binary.
        :param is_binary: binary or text.
        :param skip_compress: send it uncompressed even when compression was negotiated.
        """
        _check(payload, bytes, "payload")
        _check(is_binary, bool, "is_binary")
        _check(skip_compress, bool, "skip_compress")
        self.payload = payload
        self.is_binary = is_binary
        self.skip_compress = skip_compress


class Ping:
    """A ping, either way."""

    __slots__ = ("payload",)

    def __init__(self, payload: bytes | None = None) -> None:
        """
        :param payload: up to 125 octets, or None.
        """
        if payload is not None:
            _check(payload, bytes, "the payload of a ping")
            if len(payload) > 125:
                raise InvalidArgument(f"the payload of a ping has at most 125 octets, not {len(payload)}")
        self.payload = payload


also_from(__name__, "util")
