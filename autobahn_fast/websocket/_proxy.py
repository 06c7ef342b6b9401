# SPDX-License-Identifier: MIT
"""HTTP proxies that a client connects through with CONNECT (RFC 9110, section 9.3.6): the setting, the request, the answer.

Knows what a program may say about a proxy and Basic authentication (RFC 7617). Opens no connection. User names, passwords and
headers of the setting are in no text that is made here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from autobahn_fast.exception import InvalidArgument
from autobahn_fast.websocket import _http

__all__ = ("Proxy", "check_proxy")

_KEYS = ("host", "port", "username", "password", "headers")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Proxy:
    """An HTTP proxy: where it is, and what it wants to hear."""

    __slots__ = ("authenticates", "headers", "host", "port")

    def __init__(self, host: str, port: int, headers: list[tuple[str, str]], authenticates: bool) -> None:
        """
        :param host: name or address. :param port: TCP port. :param headers: of the CONNECT request.
        :param authenticates: whether the headers say who we are.
        """
        self.host = host
        self.port = port
        self.headers = headers
        self.authenticates = authenticates

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"

    def request(self, target: str) -> bytes:
        """Return the request for a connection.

        :param target: ``host:port``.
        """
        return _http.build_request(target, [("Host", target), *self.headers], "CONNECT")

    def check_answer(self, head: _http.Head, target: str) -> None:
        """Return when the proxy has connected.

        :param head: its answer. :param target: what it was asked for.
        :raises HttpError: it has not; the text says why and what to do.
        """
        found = re.match(r"HTTP/1\.[0-9] ([1-9][0-9][0-9])(?: (.*))?$", head.start_line)
        if found is None:
            raise _http.HttpError(502, f"the proxy {self!r} did not answer in HTTP: {head.start_line[:80]!r}")
        status = int(found[1])
        if 200 <= status < 300:
            return
        if status == 407:
            raise _http.HttpError(407, self._authentication_needed(head.headers.get("proxy-authenticate", "")))
        raise _http.HttpError(
            status, f"the proxy {self!r} refused to connect to {target}: {status} {(found[2] or '')[:80]}".rstrip()
        )

    def _authentication_needed(self, challenge: str) -> str:
        """What to do about status 407. :param challenge: the proxy's Proxy-Authenticate."""
        if challenge and not re.search(r"(?:^|,)\s*basic\b", challenge, re.IGNORECASE):
            scheme = _TOKEN.match(challenge)
            return (
                f"the proxy {self!r} asks for authentication by {scheme[0][:40] if scheme else '?'} (HTTP 407): only "
                "Basic is built in; the setting's 'headers' may hold a Proxy-Authorization of another kind"
            )
        if self.authenticates:
            return f"the proxy {self!r} did not accept the username and password of the proxy setting (HTTP 407)"
        return (
            f"the proxy {self!r} asks for authentication (HTTP 407): add 'username' and 'password' to the proxy setting"
        )


def check_proxy(proxy: Any) -> Proxy | None:
    """Return the proxy that a setting stands for; None for None.

    :param proxy: a dict with ``host`` and ``port`` and, if wanted, ``username``, ``password`` and ``headers`` (more headers of the
        CONNECT request); or a URL ``http://username:password@host:port``.
    :raises InvalidArgument: what is wrong with it (a TypeError and a ValueError).
    """
    if proxy is None:
        return None
    if isinstance(proxy, str):
        proxy = _from_url(proxy)
    if not isinstance(proxy, Mapping):
        raise InvalidArgument(f"'proxy' must be a dict or an http:// URL, not {type(proxy).__name__}")
    for key in proxy:
        if key not in _KEYS:
            raise InvalidArgument(f"Unknown key '{key}' in proxy config")
    for key in ("host", "port"):
        if key not in proxy:
            raise InvalidArgument(f"'{key}' required in proxy config")
    host, port = proxy["host"], proxy["port"]
    if not isinstance(host, str) or not host or re.search(r"[\s/@]", host):
        raise InvalidArgument(f"'host' in proxy config is a host name or an address, not {host!r}")
    if isinstance(port, str) and re.fullmatch(r"[0-9]{1,5}", port):
        port = int(port)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise InvalidArgument(f"'port' in proxy config is a number in 1..65535, not {port!r}")
    headers = _check_headers(proxy.get("headers"))
    credentials = _credentials(proxy.get("username"), proxy.get("password"))
    if credentials is not None:
        headers.append(("Proxy-Authorization", credentials))
    authenticates = any(name.lower() == "proxy-authorization" for name, _ in headers)
    return Proxy(host.removeprefix("[").removesuffix("]"), port, headers, authenticates)


def _from_url(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidArgument("'proxy' is not a valid URL") from None
    if parts.scheme != "http" or not parts.hostname:
        raise InvalidArgument("'proxy' as a URL is http://host:port or http://username:password@host:port")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidArgument("'proxy' as a URL has a host and a port and nothing behind them")
    setting: dict[str, Any] = {"host": parts.hostname, "port": port if port is not None else 80}
    if parts.username is not None:
        setting["username"] = unquote(parts.username)
        setting["password"] = unquote(parts.password or "")
    return setting


def _check_headers(headers: Any) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, Mapping):
        raise InvalidArgument(f"'headers' in proxy config must be a dict, not {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise InvalidArgument("'headers' in proxy config has a name that is not an HTTP header's")
        if not isinstance(value, str) or _CONTROL.search(value):
            raise InvalidArgument(f"the header {name} in proxy config is one line of text")
    return list(headers.items())


def _credentials(username: Any, password: Any) -> str | None:
    """Return the value of Proxy-Authorization for Basic authentication (RFC 7617, section 2)."""
    if username is None and password is None:
        return None
    if not isinstance(username, str) or _CONTROL.search(username) or ":" in username:
        raise InvalidArgument("'username' in proxy config is text without colons and control characters")
    if password is None:
        password = ""
    if not isinstance(password, str) or _CONTROL.search(password):
        raise InvalidArgument("'password' in proxy config is text without control characters")
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
