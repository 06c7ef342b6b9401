# SPDX-License-Identifier: MIT
"""Redirected opening handshakes (RFC 6455, section 4.1; RFC 9110, section 15.4): where a client goes next, if anywhere.

Knows the rules: so many at most, no place twice, never from wss to ws, never to a Unix domain socket, headers of the program only
to the host and port they were given for. Opens no connection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

from autobahn_fast.websocket._http import Head, HttpError
from autobahn_fast.websocket.types import ConnectingRequest
from autobahn_fast.websocket.util import parse_url

__all__ = ("Target", "is_redirect", "next_request", "next_target")

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Target(NamedTuple):
    """What a client connects to and asks for."""

    secure: bool
    host: str
    port: int | str
    resource: str

    @property
    def place(self) -> str:
        """The URL without its query, which may hold secrets: for log lines and reasons."""
        return self.url.partition("?")[0]

    @property
    def url(self) -> str:
        """The URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.secure else 'ws'}://{host}:{self.port}{self.resource}"


def is_redirect(head: Head) -> bool:
    """Whether a server's answer sends its client elsewhere."""
    return re.match(r"HTTP/1\.[01] 30[12378](?: |$)", head.start_line) is not None


def next_target(head: Head, visited: Sequence[Target], limit: int) -> Target:
    """Return where an answer sends the client.

    :param head: the answer. :param visited: where it has been, in order; the last one answered.
    :param limit: redirects allowed in all.
    :raises HttpError: it must not go there; the text says why.
    """
    status = int(head.start_line.split(" ", 2)[1])

    def refused(reason: str) -> HttpError:
        return HttpError(status, f"the server redirected ({status}): {reason}")

    location = head.headers.get("location", "")
    if not location or head.counts.get("location", 0) != 1:
        raise refused("without saying where to, in one HTTP header Location")
    if len(visited) > limit:
        raise refused(f"more than followRedirects={limit} times")
    here = visited[-1]
    if here.host == "unix":
        raise refused("a server on a Unix domain socket cannot send elsewhere")
    try:
        # urljoin knows http, whose URLs have the same form
        base = f"http{'s' if here.secure else ''}{here.url.removeprefix('wss' if here.secure else 'ws')}"
        url = urldefrag(urljoin(base, location))[0]
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise refused(f"to a URL that is not of WebSocket, but {parts.scheme[:20]!r}")
        if parts.username is not None or parts.password is not None:
            raise refused("to a URL with a user name or password")
        secure, host, port, resource = parse_url(_SCHEMES[parts.scheme] + url[len(parts.scheme) :])[:4]
    except ValueError as e:
        raise refused(f"to a URL that is not valid: {e}") from None
    if host == "unix":
        raise refused("to a Unix domain socket")
    target = Target(secure, host, port, resource)
    if here.secure and not secure:
        raise refused(f"from wss to ws ({target.place}), which is never followed")
    if target in visited:
        raise refused(f"back to {target.place}, where this client has been already")
    return target


def next_request(request: ConnectingRequest, here: Target, there: Target) -> ConnectingRequest:
    """Return what to ask for after a redirect: the same at the new place.

    :param request: what was asked for so far. Its headers may hold credentials (Authorization, Cookie, keys of the program's
        own): another host or port gets none of them.
    """
    same = (here.host, here.port) == (there.host, there.port)
    return ConnectingRequest(
        host=there.host,
        port=there.port,  # type: ignore[arg-type]
        resource=there.resource,
        headers=request.headers if same else {},
        useragent=request.useragent,
        origin=request.origin,
        protocols=request.protocols,
    )
