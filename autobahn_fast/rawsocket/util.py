# SPDX-License-Identifier: MIT
"""RawSocket URLs (``rs://host:port``, ``rss://host:port``, ``rs://unix:/path``): built from their parts and taken apart."""

from __future__ import annotations

from urllib.parse import urlsplit

from autobahn_fast._names import also_from
from autobahn_fast.exception import InvalidArgument
from autobahn_fast.websocket.util import check_port

__all__ = ("create_url", "parse_url")

wsschemes = ["rs", "rss"]


def create_url(hostname: str, port: int | str | None = None, isSecure: bool = False) -> str:
    """Build a RawSocket URL.

    :param hostname: host name or address, or ``"unix"``.
    :param port: TCP port (default 80, or 443 when secure); for ``"unix"`` the path of the socket.
    :param isSecure: use ``rss``.
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
    return f"{'rss' if isSecure else 'rs'}://{hostname}:{port}"


def parse_url(url: str) -> tuple[bool, str, int | str]:
    """Take a RawSocket URL apart.

    :param url: for instance ``rs://localhost:8081`` or ``rs://unix:/tmp/socket``.
    :returns: (secure, host, port or path of a Unix domain socket).
    :raises ValueError: no RawSocket URL: another scheme, no host, a path, query or fragment, a port out of range.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("rs", "rss"):
        raise ValueError(f"invalid RawSocket URL: the scheme is rs or rss, not '{parts.scheme}'")
    secure = parts.scheme == "rss"
    host = parts.hostname
    if not host:
        raise ValueError("invalid RawSocket URL: it has no host")
    for name in ("query", "fragment"):
        if getattr(parts, name):
            raise ValueError(f"invalid RawSocket URL: a {name} ('{getattr(parts, name)}') is not allowed")
    if host == "unix":
        return secure, host, f"{parts.netloc.partition(':')[2]}{parts.path}"
    if parts.path:
        raise ValueError(f"invalid RawSocket URL: a path ('{parts.path}') is not allowed")
    if parts.port == 0:
        raise ValueError("invalid RawSocket URL: port 0")
    return secure, host, parts.port if parts.port is not None else (443 if secure else 80)


also_from(__name__, "util")
