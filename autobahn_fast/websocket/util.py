# SPDX-License-Identifier: MIT
"""WebSocket URLs (RFC 6455, section 3): built from their parts and taken apart.

Knows the schemes ``ws`` and ``wss`` and the form ``ws://unix:/path`` for Unix domain sockets. Opens no connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

from autobahn_fast._names import also_from
from autobahn_fast.exception import InvalidArgument

__all__ = ("create_url", "parse_url")

wsschemes = ["ws", "wss"]


def check_port(port: object) -> int:
    """Return a TCP port as it is.

    :raises InvalidArgument: not an int, or not in 0..65535.
    """
    if isinstance(port, bool) or not isinstance(port, int):
        raise InvalidArgument(f"a port is an int, not {type(port).__name__}")
    if not 0 <= port <= 65535:
        raise InvalidArgument(f"a port is 0 to 65535, not {port}")
    return port


def create_url(
    hostname: str,
    port: int | str | None = None,
    isSecure: bool = False,
    path: str | None = None,
    params: Mapping[str, object] | None = None,
) -> str:
    """Build a WebSocket URL.

    :param hostname: host name or address, or ``"unix"``.
    :param port: TCP port (default 80, or 443 when secure); for ``"unix"`` the path of the socket.
    :param isSecure: use ``wss``.
    :param path: path of the resource, percent-encoded here.
    :param params: query parameters.
    :returns: the URL, always with a port.
    :raises InvalidArgument: a port that is not an int or out of range, a flag that is not a bool.
    """
    if not isinstance(isSecure, bool):
        raise InvalidArgument(f"isSecure is a bool, not {type(isSecure).__name__}")
    if hostname == "unix":
        if not isinstance(port, str):
            raise InvalidArgument("for a Unix domain socket, port is the path of the socket (a str)")
    elif port is None:
        port = 443 if isSecure else 80
    else:
        check_port(port)
    netloc = f"{hostname}:{port}"
    location = quote(path) if path is not None else "/"
    return urlunsplit(("wss" if isSecure else "ws", netloc, location, urlencode(params) if params else "", ""))


def parse_url(url: str) -> tuple[bool, str, int | str, str, str, dict[str, list[str]]]:
    """Take a WebSocket URL apart.

    :param url: for instance ``wss://example.com:9000/ws?key=1`` or ``ws://unix:/tmp/socket``.
    :returns: (secure, host, port or path of a Unix domain socket, resource, path, query parameters as lists). The resource is
        what goes into the request line: path and query as they stand in the URL.
    :raises ValueError: no WebSocket URL: another scheme, no host, a fragment, a port out of range.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss"):
        raise ValueError(f"invalid WebSocket URL: the scheme is ws or wss, not '{parts.scheme}'")
    if parts.fragment:
        raise ValueError(f"invalid WebSocket URL: a fragment ('#{parts.fragment}') is not allowed")
    secure = parts.scheme == "wss"
    host = parts.hostname
    if not host:
        raise ValueError("invalid WebSocket URL: it has no host")
    port: int | str
    if host == "unix":
        # unix:relative leaves the path in the host part, unix:/absolute in the path part
        relative = parts.netloc.partition(":")[2]
        port = f"{relative}{parts.path}" if relative else parts.path
    else:
        number = parts.port
        if number == 0:
            raise ValueError("invalid WebSocket URL: port 0")
        port = number if number is not None else (443 if secure else 80)
    path = parts.path or "/"
    resource = f"{path}?{parts.query}" if parts.query else path
    params = parse_qs(parts.query) if parts.query else {}
    return secure, host, port, resource, unquote(path), params


also_from(__name__, "util")
