# SPDX-License-Identifier: MIT
"""The opening handshake of WebSocket (RFC 6455, section 4) as HTTP/1.1 messages, for both roles: octets to fields and back.

Knows the syntax of HTTP messages, the headers of the handshake and their rules. Does not know sockets, options,
callbacks or what a subprotocol means. Strict on purpose: lines end in CRLF, a line never continues the one before it, a
header line has a name and a colon, and line length, number of headers and total size are limited.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

__all__ = (
    "DEFAULT_LIMITS",
    "Head",
    "HeadReader",
    "HttpError",
    "Limits",
    "Request",
    "Response",
    "accept_key",
    "build_request",
    "build_response",
    "check_origin",
    "make_key",
    "parse_extensions",
    "parse_head",
    "read_request",
    "read_response",
)

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Limits(NamedTuple):
    """What the head of an HTTP message may be at most."""

    line: int = 8192
    """Octets of a line."""
    headers: int = 128
    """Number of header lines."""
    total: int = 65536
    """Octets in all."""


DEFAULT_LIMITS = Limits()


class HttpError(Exception):
    """The peer's part of the handshake is refused.

    :param status: HTTP status for the answer.
    :param reason: what was wrong.
    :param headers: more headers for the answer.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


class Head(NamedTuple):
    """Start line and headers of an HTTP message."""

    start_line: str
    headers: dict[str, str]
    """Names in lower case; values of repeated headers joined by ", "."""
    counts: dict[str, int]
    """How often each header appeared."""


_KNOWN = {
    text: text
    for text in ("upgrade", "connection", "server", "date", "host", "user-agent", "pragma", "cache-control", "origin")
    + ("sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-key")
    + ("sec-websocket-version", "Upgrade", "upgrade", "WebSocket", "websocket", "no-cache", "13")
}
"""Names and values that most handshakes have: one object for all connections."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class HeadReader:
    """Collects octets until the head of an HTTP message is complete, in time linear in their number."""

    __slots__ = ("_data", "_line", "_scanned", "limits")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._data = bytearray()
        self._scanned = 0
        self._line = 0  # where the last line begins

    def feed(self, data: bytes | bytearray) -> tuple[bytes, bytes] | None:
        """Take more octets.

        :returns: None while the head is not complete; then the head without the empty line, and what came behind it.
        :raises HttpError: a limit is exceeded, or a line does not end in CRLF.
        """
        buffer = self._data
        buffer += data
        # Only octets not looked at before are searched, and the three before them that may begin the CRLF CRLF.
        start = max(0, self._scanned - 3)
        end = buffer.find(b"\r\n\r\n", start)
        stop = end if end >= 0 else len(buffer)
        if stop > self.limits.total:
            raise HttpError(431, f"the head of the HTTP message has more than {self.limits.total} octets")
        lf = buffer.find(b"\n", self._scanned, stop)
        while lf >= 0:
            if lf == 0 or buffer[lf - 1] != 13:
                raise HttpError(400, "a line of the HTTP message ends in LF alone, not in CRLF")
            self._line = lf + 1
            lf = buffer.find(b"\n", lf + 1, stop)
        if stop - self._line > self.limits.line:
            raise HttpError(431, f"a line of the HTTP message has more than {self.limits.line} octets")
        if end < 0:
            self._scanned = len(buffer)
            return None
        head, rest = bytes(buffer[:end]), bytes(buffer[end + 4 :])
        self._data = bytearray()
        self._scanned = self._line = 0
        return head, rest


def parse_head(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Head:
    """Parse the head of an HTTP message (RFC 9112, sections 2 to 5).

    :param data: everything before the empty line.
    :raises HttpError: it is not well formed, or a limit is exceeded.
    """
    lines = data.split(b"\r\n")
    if lines and not lines[-1]:
        lines.pop()
    if not lines or not lines[0]:
        raise HttpError(400, "the HTTP message is empty, or begins with an empty line")
    if len(lines) - 1 > limits.headers:
        raise HttpError(431, f"the HTTP message has more than {limits.headers} headers")
    start_line = lines[0].decode("latin-1")
    if len(start_line) > limits.line:
        raise HttpError(431, f"a line of the HTTP message has more than {limits.line} octets")
    if _BAD_IN_VALUE.search(start_line):
        raise HttpError(400, "a control character in the first line of the HTTP message")
    headers: dict[str, str] = {}
    counts: dict[str, int] = {}
    for raw in lines[1:]:
        if len(raw) > limits.line:
            raise HttpError(431, f"a line of the HTTP message has more than {limits.line} octets")
        name, colon, value = raw.decode("latin-1").partition(":")
        if not colon:
            raise HttpError(400, "a header line without a colon in the HTTP message")
        if not _TOKEN.fullmatch(name):
            raise HttpError(400, "a header with an invalid name, or a continued header line, in the HTTP message")
        if _BAD_IN_VALUE.search(value):
            raise HttpError(400, f"a control character in the HTTP header {name}")
        name = name.lower()
        name = _KNOWN.get(name, name)
        value = value.strip(" \t")
        value = _KNOWN.get(value, value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
        counts[name] = counts.get(name, 0) + 1
    return Head(start_line, headers, counts)


def make_key() -> str:
    """Return a fresh Sec-WebSocket-Key (section 4.1)."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a key (section 4.2.2)."""
    digest = hashlib.sha1(key.encode("latin-1") + MAGIC, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _items(value: str) -> list[str]:
    return [item.strip(" \t") for item in value.split(",")]


def _once(head: Head, name: str, status: int = 400) -> str | None:
    if head.counts.get(name, 0) > 1:
        raise HttpError(status, f"the HTTP header {name} appears more than once")
    return head.headers.get(name)


def _check_upgrade(head: Head, missing: int) -> None:
    upgrade = head.headers.get("upgrade")
    if upgrade is None:
        raise HttpError(missing, "the HTTP header Upgrade is missing")
    if "websocket" not in [item.lower() for item in _items(upgrade)]:
        raise HttpError(400, f"the HTTP header Upgrade does not name websocket: {upgrade!r}")
    connection = head.headers.get("connection")
    if connection is None:
        raise HttpError(400, "the HTTP header Connection is missing")
    if "upgrade" not in [item.lower() for item in _items(connection)]:
        raise HttpError(400, f"the HTTP header Connection does not name upgrade: {connection!r}")


def parse_extensions(value: str | None) -> list[tuple[str, dict[str, list[str | bool]]]]:
    """Parse a Sec-WebSocket-Extensions header (section 9.1) to (name, parameters); a parameter without a value is True."""
    extensions: list[tuple[str, dict[str, list[str | bool]]]] = []
    for item in _split_quoted(value or "", ","):
        name, *rest = _split_quoted(item, ";")
        if not name:
            continue
        params: dict[str, list[str | bool]] = {}
        for part in rest:
            key, equals, text = part.partition("=")
            text = text.strip(" \t")
            if len(text) >= 2 and text[0] == text[-1] == '"':
                text = text[1:-1].replace("\\", "")
            params.setdefault(key.strip(" \t").lower(), []).append(text if equals else True)
        extensions.append((name.lower(), params))
    return extensions


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def _split_quoted(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return [part.strip(" \t") for part in text.split(separator)]
    parts, start, at = [], 0, 0
    while at < len(text):
        quoted = _QUOTED.match(text, at) if text[at] == '"' else None
        if quoted:
            at = quoted.end()
            continue
        if text[at] == separator:
            parts.append(text[start:at].strip(" \t"))
            start = at + 1
        at += 1
    parts.append(text[start:].strip(" \t"))
    return parts


# ------------------------------------------------------------------------------------------------------ server: requests


class Request(NamedTuple):
    """A client's opening handshake, checked."""

    resource: str
    path: str
    params: dict[str, list[str]]
    host: str
    port: int | None
    version: int
    key: str
    origin: str
    """Empty when the request has none."""
    protocols: list[str]
    extensions: list[tuple[str, dict[str, list[str | bool]]]]
    head: Head


def split_request_line(head: Head) -> tuple[str, str, dict[str, list[str]]]:
    """Check the request line of a GET and return (resource, path, query parameters).

    :raises HttpError: another method or version, or no valid target.
    """
    parts = head.start_line.split(" ")
    if len(parts) != 3 or not parts[1]:
        raise HttpError(400, f"not an HTTP request: {head.start_line[:80]!r}")
    method, target, version = parts
    if version != "HTTP/1.1":
        raise HttpError(505, f"HTTP/1.1 is needed, not {version[:20]!r}")
    if method != "GET":
        raise HttpError(405, f"the method GET is needed, not {method[:20]!r}", {"Allow": "GET"})
    try:
        url = urlsplit(target)
    except ValueError as e:
        raise HttpError(400, f"the target of the request is not valid: {e}") from None
    if url.fragment or "#" in target:
        raise HttpError(400, "the target of the request has a fragment")
    path = url.path or "/"
    resource = f"{path}?{url.query}" if url.query else path
    return resource, path, parse_qs(url.query)


def split_host(value: str) -> tuple[str, int | None]:
    """Split a Host header into host and port; None without a port.

    :raises HttpError: not a host, or not a port.
    """
    host, colon, port = value.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = value, ""
        colon = ""
    if not host or "@" in host or "/" in host or " " in host:
        raise HttpError(400, f"not a host in the HTTP header Host: {value[:80]!r}")
    if not colon:
        return host, None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise HttpError(400, f"not a port in the HTTP header Host: {value[:80]!r}")
    return host, int(port)


def read_request(head: Head, versions: Iterable[int]) -> Request:
    """Check a client's opening handshake (section 4.2.1).

    :param head: the request's head.
    :param versions: WebSocket versions accepted.
    :raises HttpError: it is refused; status 426 when it does not ask for an upgrade at all.
    """
    resource, path, params = split_request_line(head)
    host_header = _once(head, "host")
    if host_header is None:
        raise HttpError(400, "the HTTP header Host is missing")
    host, port = split_host(host_header)
    _check_upgrade(head, missing=426)
    if head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers:
        raise HttpError(400, "an opening handshake has no body")
    number = _once(head, "sec-websocket-version")
    supported = ",".join(str(v) for v in sorted(versions, reverse=True))
    if number is None:
        raise HttpError(400, "the HTTP header Sec-WebSocket-Version is missing", {"Sec-WebSocket-Version": supported})
    if not (number.isascii() and number.isdigit() and len(number) <= 3):
        raise HttpError(400, f"not a number in the HTTP header Sec-WebSocket-Version: {number[:20]!r}")
    version = int(number)
    if version not in versions:
        raise HttpError(
            400, f"WebSocket version {version} is not supported, but {supported}", {"Sec-WebSocket-Version": supported}
        )
    key = _once(head, "sec-websocket-key")
    if key is None:
        raise HttpError(400, "the HTTP header Sec-WebSocket-Key is missing")
    if not re.fullmatch(r"[A-Za-z0-9+/]{22}==", key):
        raise HttpError(400, "the HTTP header Sec-WebSocket-Key is not 16 octets in base64")
    protocols: list[str] = []
    if head.headers.get("sec-websocket-protocol"):
        protocols = _items(head.headers["sec-websocket-protocol"])
        for protocol in protocols:
            if not _TOKEN.fullmatch(protocol):
                raise HttpError(400, f"not a token in the HTTP header Sec-WebSocket-Protocol: {protocol[:40]!r}")
        if len(set(protocols)) != len(protocols):
            raise HttpError(400, "a subprotocol is named twice in the HTTP header Sec-WebSocket-Protocol")
    origin = _once(head, "sec-websocket-origin" if version < 13 else "origin") or ""
    # Section 9.1 allows the header to be repeated.
    extensions = parse_extensions(head.headers.get("sec-websocket-extensions"))
    return Request(resource, path, params, host, port, version, key, origin, protocols, extensions, head)


_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def check_origin(origin: str, patterns: Iterable[re.Pattern[str]], allow_null: bool) -> bool:
    """Whether a request's origin may connect.

    :param origin: value of the Origin header.
    :param patterns: see ``_options.origin_patterns``; matched against ``scheme://host:port`` with the port written out, and
        against the same without the port where it is the scheme's default.
    :param allow_null: what holds for ``null`` and ``file:`` origins.
    :raises HttpError: the header's value is not an origin.
    """
    if origin.lower() == "null" or origin.lower().startswith("file:"):
        return allow_null
    try:
        url = urlsplit(origin)
        port = url.port
    except ValueError:
        raise HttpError(400, f"the HTTP header Origin is not valid: {origin[:80]!r}") from None
    if (
        not url.scheme
        or not url.hostname
        or url.path not in ("", "/")
        or url.query
        or url.fragment
        or "@" in url.netloc
    ):
        raise HttpError(400, f"the HTTP header Origin is not valid: {origin[:80]!r}")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    default = _DEFAULT_PORTS.get(url.scheme)
    port = default if port is None else port
    forms = [f"{url.scheme}://{host}" + (f":{port}" if port is not None else "")]
    if port == default:
        forms.append(f"{url.scheme}://{host}")
    return any(pattern.fullmatch(form) for pattern in patterns for form in forms)


# ----------------------------------------------------------------------------------------------------- client: responses


class Response(NamedTuple):
    """A server's answer to an opening handshake, checked."""

    status: int
    protocol: str | None
    extensions: list[tuple[str, dict[str, list[str | bool]]]]
    head: Head


def read_response(head: Head, key: str, protocols: Iterable[str]) -> Response:
    """Check a server's answer (section 4.1). Whether its extensions were asked for is the caller's to check.

    :param head: the response's head.
    :param key: the Sec-WebSocket-Key that was sent.
    :param protocols: subprotocols that were offered.
    :raises HttpError: it is refused; ``status`` is the server's when that was another than 101.
    """
    parts = head.start_line.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/"):
        raise HttpError(400, f"not an HTTP response: {head.start_line[:80]!r}")
    if parts[0] != "HTTP/1.1":
        raise HttpError(505, f"HTTP/1.1 is needed, not {parts[0][:20]!r}")
    if not re.fullmatch(r"[1-9][0-9][0-9]", parts[1]):
        raise HttpError(400, f"not an HTTP status code: {parts[1][:20]!r}")
    status = int(parts[1])
    if status != 101:
        reason = parts[2].strip() if len(parts) > 2 else ""
        raise HttpError(status, f"the server refused to upgrade to WebSocket: {status} {reason}".rstrip())
    _check_upgrade(head, missing=400)
    accept = _once(head, "sec-websocket-accept")
    if accept is None:
        raise HttpError(400, "the HTTP header Sec-WebSocket-Accept is missing")
    if not hmac.compare_digest(accept.encode("latin-1"), accept_key(key).encode("ascii")):
        raise HttpError(400, "the HTTP header Sec-WebSocket-Accept does not fit the key that was sent")
    protocol = _once(head, "sec-websocket-protocol") or None
    if protocol is not None and protocol not in protocols:
        raise HttpError(400, f"the server selected the subprotocol {protocol[:40]!r}, which was not offered")
    _once(head, "sec-websocket-extensions")
    extensions = parse_extensions(head.headers.get("sec-websocket-extensions"))
    return Response(status, protocol, extensions, head)


# ------------------------------------------------------------------------------------------------------------- building


def _header_lines(headers: Iterable[tuple[str, Any]]) -> bytes:
    lines = []
    for name, value in headers:
        for one in value if isinstance(value, list | tuple) else [value]:
            text = str(one)
            if not _TOKEN.fullmatch(name) or _BAD_IN_VALUE.search(text):
                raise ValueError(f"an HTTP header is a token and one line of text, not {name!r}: {text!r}")
            try:
                lines.append(f"{name}: {text}\r\n".encode("latin-1"))
            except UnicodeEncodeError:
                lines.append(f"{name}: {text}\r\n".encode())
    return b"".join(lines)


def build_request(resource: str, headers: Iterable[tuple[str, Any]], method: str = "GET") -> bytes:
    """Return a request. A list as a value repeats the header.

    :raises ValueError: the resource, a name or a value cannot stand in a request.
    """
    if not resource or re.search(r"[\x00-\x20\x7f]", resource):
        raise ValueError(f"a resource is path and query, percent-encoded, without spaces; not {resource!r}")
    return f"{method} {resource} HTTP/1.1\r\n".encode() + _header_lines(headers) + b"\r\n"


def build_response(status: int, reason: str, headers: Iterable[tuple[str, Any]] = (), body: bytes = b"") -> bytes:
    """Return an HTTP response. The reason is cut down to printable ASCII, whatever the peer put into it.

    :raises ValueError: a header's name or value cannot stand in a response.
    """
    phrase = re.sub(r"[^\x20-\x7e]", "?", reason)
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii") + _header_lines(headers) + b"\r\n" + body
