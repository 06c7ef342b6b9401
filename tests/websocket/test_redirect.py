# SPDX-License-Identifier: MIT
"""Redirected opening handshakes: where a client may go, and what it takes along. No sockets."""

from __future__ import annotations

import pytest
from _ws_helpers import Client, make

from autobahn_fast.websocket._http import Head, HttpError
from autobahn_fast.websocket._redirect import Target, next_request, next_target
from autobahn_fast.websocket.types import ConnectingRequest

WS = Target(False, "a.test", 80, "/ws?x=1")
WSS = Target(True, "a.test", 443, "/ws?x=1")


def head(location, status=302):
    headers = {} if location is None else {"location": location}
    return Head(f"HTTP/1.1 {status} x", headers, dict.fromkeys(headers, 1))


@pytest.mark.parametrize(
    ("here", "location", "there"),
    [
        (WS, "/other", Target(False, "a.test", 80, "/other")),
        (WS, "other?y=2", Target(False, "a.test", 80, "/other?y=2")),
        (WSS, "?y=2#part", Target(True, "a.test", 443, "/ws?y=2")),
        (WS, "wss://a.test/ws?x=1", WSS),
        (WS, "https://a.test/ws?x=1", WSS),
        (WS, "http://b.test:8080", Target(False, "b.test", 8080, "/")),
        (WSS, "//b.test/x", Target(True, "b.test", 443, "/x")),
        (WSS, "wss://[::1]:9/x", Target(True, "::1", 9, "/x")),
        (Target(True, "::1", 9, "/x"), "/y", Target(True, "::1", 9, "/y")),
    ],
)
def test_where_it_goes(here, location, there):
    assert next_target(head(location), [here], 1) == there


@pytest.mark.parametrize(
    ("here", "location", "text"),
    [
        (WS, None, "without saying where to"),
        (WS, "", "without saying where to"),
        (WSS, "ws://a.test/", r"from wss to ws \(ws://a.test:80/\), which is never followed"),
        (WSS, "http://a.test/?secret", "from wss to ws"),
        (WS, "/ws?x=1", "back to ws://a.test:80/ws, where"),
        (WS, "ftp://a.test/", "not of WebSocket, but 'ftp'"),
        (WS, "file:///etc/passwd", "not of WebSocket"),
        (WS, "ws://unix:/tmp/socket", "Unix domain socket"),
        (Target(False, "unix", "/tmp/s", "/"), "ws://a.test/", "Unix domain socket"),
        (WS, "ws://me:secret@a.test/", "user name or password"),
        (WS, "ws://a.test:99999/", "not valid"),
        (WS, "ws://a.test:0/", "not valid"),
        (WS, "ws://", "not valid"),
        (WS, "ws://[::1/", "not valid"),
    ],
)
def test_where_it_does_not_go(here, location, text):
    with pytest.raises(HttpError, match=text) as raised:
        next_target(head(location), [here], 5)
    assert raised.value.status == 302
    assert "secret" not in str(raised.value)


def test_limit_and_loop():
    places = [Target(False, "a.test", 80, f"/{i}") for i in range(4)]
    assert next_target(head("/3"), places[:3], 3) == places[3]
    with pytest.raises(HttpError, match="more than followRedirects=3 times"):
        next_target(head("/4"), places, 3)
    with pytest.raises(HttpError, match="back to ws://a.test:80/1"):
        next_target(head("/1"), places, 9)


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        (Target(False, "a.test", 80, "/"), True),
        (Target(False, "b.test", 80, "/"), False),
        (Target(False, "a.test", 81, "/"), False),
        (WSS, False),
    ],
)
def test_headers_stay_where_they_belong(there, kept):
    headers = {"Authorization": "Bearer x", "Cookie": "y", "X-Key": "z"}
    request = ConnectingRequest("a.test", 80, "/ws", headers, "agent", "http://o.test", ["p"])
    after = next_request(request, WS, there)
    assert after.headers == (headers if kept else {})
    assert (after.host, after.port, after.resource) == there[1:]
    assert (after.useragent, after.origin, after.protocols) == ("agent", "http://o.test", ["p"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_off_by_default(status):
    connection, transport = make(Client)
    connection._dataReceived(f"HTTP/1.1 {status} Elsewhere\r\nLocation: /x\r\n\r\n".encode())
    assert transport.closed == "abort"
    assert connection.wasNotCleanReason == f"the server refused to upgrade to WebSocket: {status} Elsewhere"


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_answers_are_no_redirects(status):
    connection, _ = make(Client, followRedirects=5)
    connection._dataReceived(f"HTTP/1.1 {status} x\r\nLocation: /x\r\n\r\n".encode())
    assert connection.wasNotCleanReason == f"the server refused to upgrade to WebSocket: {status} x"
