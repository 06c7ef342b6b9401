# SPDX-License-Identifier: MIT
"""The opening handshake of whole connections, both roles, driven by hand."""

from __future__ import annotations

import pytest
from _ws_helpers import Client, Server, client_peer, make, request, response, server_peer

from autobahn_fast._framework import NoLoop
from autobahn_fast.websocket.types import ConnectingRequest, ConnectionAccept, ConnectionDeny


def status(octets: bytes) -> int:
    return int(octets.split(b" ")[1])


def serve(raw: bytes, cls=Server, factory=None, **options):
    connection, transport = make(cls, factory=factory, **options)
    connection._dataReceived(raw)
    return connection, transport


def test_server_accepts():
    connection, transport = serve(
        request("GET /a?b=c HTTP/1.1"), factory={"server": "me", "headers": {"X": ["1", "2"]}}
    )
    assert transport.out == (
        b"HTTP/1.1 101 Switching Protocols\r\nServer: me\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nX: 1\r\nX: 2\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    assert connection.seen == ["open"]
    assert connection.is_open.done()
    assert (connection.http_request_uri, connection.http_request_path) == ("/a?b=c", "/a")
    assert (connection.http_request_params, connection.http_request_host) == ({"b": ["c"]}, "localhost")
    assert connection.http_headers["upgrade"] == "websocket"
    assert connection.websocket_version == 13
    assert connection.openHandshakeTimeoutCall is None


def test_split_anywhere_and_frames_behind_the_request():
    raw = request() + client_peer().frame(1, b"hello")
    for cut in range(len(raw)):
        connection, _ = make(Server)
        connection._dataReceived(raw[:cut])
        connection._dataReceived(raw[cut:])
        assert connection.seen == ["open", ("message", b"hello", False)]


def test_octet_by_octet():
    connection, _ = make(Server)
    for octet in request() + client_peer().frame(2, b"x"):
        connection._dataReceived(bytes([octet]))
    assert connection.seen == ["open", ("message", b"x", True)]


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        (request("POST / HTTP/1.1"), {}, 405),
        (request(drop=("Host",)), {}, 400),
        (request(drop=("Upgrade",)), {"webStatus": False}, 426),
        (request(Origin="http://x.com"), {"allowedOrigins": ["http://y.com"]}, 403),
        (request(Origin="null"), {"maxConnections": 0}, 403),
        (request(Sec_WebSocket_Version="8"), {"versions": [13]}, 400),
        (request().replace(b"\r\n", b"\n"), {}, 400),
    ],
)
def test_server_refuses(raw, options, expected):
    connection, transport = serve(raw, **options)
    assert status(transport.out) == expected
    assert transport.closed == "close"
    connection._connectionLost(None)
    assert connection.seen == [("close", False, 1006)]
    assert connection.is_closed.done()
    assert not connection.is_open.done()


def test_maximum_of_connections():
    first, _ = serve(request(), maxConnections=1)
    second, transport = make(Server)
    second.factory = first.factory
    second.maxConnections = 1
    first.factory.countConnections = 2
    second._dataReceived(request())
    assert status(transport.out) == 503
    count = first.factory.getConnectionCount()
    first._connectionLost(None)
    assert first.factory.getConnectionCount() == count - 1
    first._connectionLost(None)
    assert first.factory.getConnectionCount() == count - 1


@pytest.mark.parametrize(
    ("result", "protocol", "header"),
    [
        (None, None, b""),
        ("b", "b", b"Sec-WebSocket-Protocol: b\r\n"),
        (("a", {"X-A": "1"}), "a", b"X-A: 1\r\n"),
        ((None, None), None, b""),
        (ConnectionAccept("b", {"X-B": ["1", "2"]}), "b", b"X-B: 1\r\nX-B: 2\r\n"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_on_connect_accepts(result, protocol, header, late):
    connection, transport = make(Server)
    future = NoLoop.create_future()

    async def on_connect(_):
        return await future

    connection.onConnect = on_connect if late else lambda _: result
    connection._dataReceived(request(Sec_WebSocket_Protocol="a, b"))
    if late:
        assert transport.out == b""
        connection._dataReceived(client_peer().frame(1, b"early"))
        future.finish(result, None)
    assert status(transport.out) == 101
    assert header in transport.out
    assert connection.websocket_protocol_in_use == protocol
    assert connection.seen == ["open"] + ([("message", b"early", False)] if late else [])


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (ConnectionDeny(403, "no"), 403),
        (ConnectionDeny(ConnectionDeny.NOT_FOUND), 404),
        (ValueError("boom"), 500),
        ("zz", 500),
        (5, 500),
        (("a", {"X": "1\r\nY: 2"}), 500),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_on_connect_refuses(outcome, expected, late):
    def on_connect(_):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def on_connect_late(_):
        return on_connect(_)

    connection, transport = make(Server)
    connection.onConnect = on_connect_late if late else on_connect
    connection._dataReceived(request(Sec_WebSocket_Protocol="a"))
    assert status(transport.out) == expected
    assert transport.closed == "close"
    assert connection.state == connection.STATE_CLOSED
    assert b"boom" not in transport.out


def test_on_connect_gets_the_request():
    seen = []
    connection, _ = make(Server, trustXForwardedFor=1)
    connection.onConnect = seen.append
    connection._dataReceived(
        request(
            "GET /a?b=c HTTP/1.1", Sec_WebSocket_Protocol="p", Origin="http://o.com", X_Forwarded_For="1.1.1.1, 2.2.2.2"
        )
    )
    (got,) = seen
    assert (got.peer, got.host, got.path, got.params) == ("2.2.2.2", "localhost", "/a", {"b": ["c"]})
    assert (got.version, got.origin, got.protocols, got.extensions) == (13, "http://o.com", ["p"], [])
    assert "'/a'" in str(got)


def test_the_peer_goes_away_while_on_connect_waits():
    connection, transport = make(Server)
    future = NoLoop.create_future()

    async def on_connect(_):
        await future

    connection.onConnect = on_connect
    connection._dataReceived(request())
    connection._connectionLost(None)
    future.finish(None, None)
    assert transport.out == b""
    assert connection.seen == [("close", False, 1006)]


def test_octets_before_our_answer_are_bounded():
    connection, transport = make(Server)
    future = NoLoop.create_future()

    async def on_connect(_):
        await future

    connection.onConnect = on_connect
    connection._dataReceived(request())
    for _ in range(70):
        connection._dataReceived(b"x" * 1000)
    assert transport.closed == "abort"


def test_status_page_and_its_redirect():
    _, transport = serve(request(drop=("Upgrade",)))
    assert status(transport.out) == 200
    assert b"<html>" in transport.out
    _, transport = serve(request("GET /?redirect=/docs HTTP/1.1", drop=("Upgrade",)))
    assert (status(transport.out), b"Location: /docs\r\n" in transport.out) == (303, True)
    _, transport = serve(request("GET /?redirect=/docs&after=3 HTTP/1.1", drop=("Upgrade",)))
    assert b"3;URL='/docs'" in transport.out
    for elsewhere in ("http%3A%2F%2Fevil", "//evil", "/%5Cevil", "/x%0d%0aY:z", '/"><script>'):
        _, transport = serve(request(f"GET /?redirect={elsewhere} HTTP/1.1", drop=("Upgrade",)))
        assert b"evil" not in transport.out
        assert b"Y:z" not in transport.out
        assert b"<script>" not in transport.out


def test_flash_policy_only_when_asked_for():
    _, transport = serve(b"<policy-file-request/>\x00", serveFlashSocketPolicy=True)
    assert transport.out.startswith(b"<cross-domain-policy>")
    assert transport.out.endswith(b"\x00")
    _, transport = serve(b"<policy-file-request/>\x00\r\n\r\n")
    assert status(transport.out) == 400


# --- client ---


def test_client_request():
    connection, transport = make(
        Client, factory={"origin": "http://o", "protocols": ["a", "b"], "useragent": "me", "headers": {"X": ["1", "2"]}}
    )
    lines = transport.out.decode().split("\r\n")
    assert lines[0] == "GET / HTTP/1.1"
    assert lines[1:] == [
        "User-Agent: me",
        "Host: localhost:9000",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "X: 1",
        "X: 2",
        f"Sec-WebSocket-Key: {connection.websocket_key.decode()}",
        "Origin: http://o",
        "Sec-WebSocket-Protocol: a,b",
        "Sec-WebSocket-Version: 13",
        "",
        "",
    ]
    assert connection._wskey == connection.websocket_key


def test_client_speaks_version_8():
    _, transport = make(Client, factory={"origin": "http://o"}, version=10)
    assert b"Sec-WebSocket-Version: 8\r\n" in transport.out
    assert b"Sec-WebSocket-Origin: http://o\r\n" in transport.out


def test_on_connecting_changes_the_request():
    class Own(Client):
        async def onConnecting(self, transport_details):
            return ConnectingRequest("::1", 5, "/r", {"a": "b"}, "u", "o", ["p"])

    _, transport = make(Own)
    assert transport.out.startswith(b"GET /r HTTP/1.1\r\nUser-Agent: u\r\nHost: [::1]:5\r\n")
    assert b"a: b\r\n" in transport.out
    assert b"Sec-WebSocket-Protocol: p\r\n" in transport.out


@pytest.mark.parametrize(
    "result", [5, ConnectingRequest(resource="/a b"), ConnectingRequest(headers={"a": "b\r\nc: d"})]
)
def test_a_request_that_cannot_be_sent(result):
    class Own(Client):
        def onConnecting(self, transport_details):
            return result

    connection, transport = make(Own)
    assert (transport.out, transport.closed) == (b"", "abort")
    connection._connectionLost(None)
    assert connection.seen == [("close", False, 1006)]


def test_client_opens_at_any_split():
    length = len(response("x" * 24))
    for cut in range(length + 7):
        connection, _ = make(Client, factory={"protocols": ["a"]})
        raw = response(connection.websocket_key, Sec_WebSocket_Protocol="a") + server_peer().frame(1, b"hello")
        connection._dataReceived(raw[:cut])
        connection._dataReceived(raw[cut:])
        assert connection.seen == ["open", ("message", b"hello", False)]
        assert connection.websocket_protocol_in_use == "a"


@pytest.mark.parametrize(
    "changes",
    [
        {"line": "HTTP/1.1 404 Not Found"},
        {"line": "HTTP/1.1 200 OK"},
        {"line": "foo"},
        {"Upgrade": "x"},
        {"Sec_WebSocket_Accept": "AAAA"},
        {"Sec_WebSocket_Protocol": "x"},
        {"Sec_WebSocket_Extensions": "permessage-deflate"},
        {"extra": ("foo",)},
    ],
)
def test_client_refuses(changes):
    connection, transport = make(Client)
    transport.take()
    connection._dataReceived(response(connection.websocket_key, **changes))
    assert (transport.out, transport.closed) == (b"", "abort")
    connection._connectionLost(None)
    assert connection.seen == [("close", False, 1006)]
    assert connection.wasNotCleanReason


def test_on_connect_of_a_client_may_refuse():
    class Own(Client):
        def onConnect(self, response):
            raise RuntimeError(f"I do not like {response.protocol}")

    connection, transport = make(Own)
    connection._dataReceived(response(connection.websocket_key))
    assert transport.closed == "abort"
    assert connection.seen == []


def test_through_a_proxy():
    connection, transport = make(Client, factory={"proxy": {"host": "p", "port": 1}})
    assert transport.take() == b"CONNECT localhost:9000 HTTP/1.1\r\nHost: localhost:9000\r\n\r\n"
    assert connection.state == connection.STATE_PROXY_CONNECTING
    connection._dataReceived(b"HTTP/1.1 200 fine\r\n")
    connection._dataReceived(b"Via: x\r\n\r\n")
    assert transport.take().startswith(b"GET / HTTP/1.1\r\n")
    connection._dataReceived(response(connection.websocket_key))
    assert connection.seen == ["open"]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 no\r\n\r\n", b"foo\r\n\r\n", b"HTTP/1.1 200 x\r\n\r\nmore", b"a\nb\n\n"]
)
def test_a_proxy_that_refuses(answer):
    connection, transport = make(Client, factory={"proxy": {"host": "p", "port": 1}})
    transport.take()
    connection._dataReceived(answer)
    assert (transport.out, transport.closed) == (b"", "abort")
