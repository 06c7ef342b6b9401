# SPDX-License-Identifier: MIT
"""Octets of a peer that means harm, against whole connections: what no other test of frames or handshakes says already."""

from __future__ import annotations

import hmac
import tracemalloc
from typing import Any

import pytest
from _compress_helpers import CODECS, classes, pack, pair, zlib_of
from _ws_helpers import (
    Client,
    Server,
    client_peer,
    make,
    make_clock,
    open_client,
    open_server,
    request,
    response,
    server_peer,
)  # fmt: skip

from autobahn_fast.websocket import _callbacks, _http

KEY = b"\x01\x82\x03\xf4"
REFUSED_CODES = {*range(1000), *range(1004, 1007), *range(1015, 3000), *range(5000, 65536)}


def violations(connection: Any) -> int | None:
    """The close code of a connection with ``failByDrop`` off."""
    sent = server_peer() if not connection.factory.isServer else client_peer()
    closes = [event for event in sent.read(connection.transport.take()) if event[0] == "close"]
    return closes[0][1] if closes else None


# --- row 1 ---


@pytest.mark.parametrize("length", [2**63 - 1, 2**63 - 14, 2**62, 2**47, 2**32, 2**32 - 1, 2**31, 2**31 - 1])
@pytest.mark.parametrize("first", [b"\x82", b"\x81", b"\x02"])
@pytest.mark.parametrize("opener", [open_server, open_client])
def test_a_length_that_nothing_follows_costs_nothing(opener, first, length):
    connection, transport = opener()
    header = first + (b"\xff" if connection.factory.isServer else b"\x7f") + length.to_bytes(8)
    octets = header + (bytes(4) if connection.factory.isServer else b"") + b"x" * 100
    tracemalloc.start()
    try:
        for i in range(len(octets)):
            connection._dataReceived(octets[i : i + 1])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    assert connection.engine.allocated < 400_000
    assert (connection.seen, transport.closed) == (["open"], None)
    connection._connectionLost(None)
    assert connection.engine.allocated == 0


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**64 - 14])
@pytest.mark.parametrize("limits", [{}, {"maxFramePayloadSize": 10}, {"maxMessagePayloadSize": 10}])
def test_a_length_with_the_top_bit(length, limits):
    connection, _ = open_server(failByDrop=False, **limits)
    connection._dataReceived(b"\x82\xff" + length.to_bytes(8) + KEY + b"x")
    assert violations(connection) == 1002


@pytest.mark.parametrize("length", [11, 126, 2**16, 2**32, 2**63 - 1])
def test_limits_are_checked_before_payload_comes(length):
    for have, limits in [(0, {"maxFramePayloadSize": 10}), (0, {"maxMessagePayloadSize": 10}), (9, {})]:
        connection, _ = open_server(failByDrop=False, **(limits or {"maxMessagePayloadSize": 10}))
        if have:
            connection._dataReceived(client_peer().frame(2, b"x" * have, fin=False))
        short = bytes([128 | length]) if length < 126 else b""
        size = short or (b"\xfe" + length.to_bytes(2) if length < 65536 else b"\xff" + length.to_bytes(8))
        connection._dataReceived((b"\x80" if have else b"\x82") + size)
        assert violations(connection) == 1009


# --- row 4 ---


def test_pings_of_a_peer_that_does_not_read():
    connection, transport = open_server()
    ping = client_peer().frame(9, b"p" * 100)
    connection._dataReceived(ping)
    assert client_peer().read(transport.take()) == [("pong", b"p" * 100)]
    connection._write_backlog = lambda: _callbacks.MAX_BACKLOG + 1
    connection._dataReceived(ping * 1000)
    assert transport.take() == b""
    connection._write_backlog = lambda: 0
    connection._dataReceived(ping)
    assert client_peer().read(transport.take()) == [("pong", b"p" * 100)]


def test_fragments_without_end_take_no_more_than_the_limit():
    connection, _ = open_server(failByDrop=False, maxMessagePayloadSize=100_000)
    peer = client_peer()
    connection._dataReceived(peer.frame(2, b"", fin=False))
    for _ in range(100_000):
        connection._dataReceived(peer.frame(0, b"x", fin=False))
    assert connection.engine.allocated < 500_000
    connection._dataReceived(peer.frame(0, b"x", fin=False))
    assert violations(connection) == 1009
    assert connection.engine.allocated == 0


# --- row 5 ---

TEXT = "aé€𐍈\ud7ff\ue000\U0010ffff".encode()


def test_text_split_over_fragments_at_every_two_positions():
    peer = server_peer()
    for i in range(len(TEXT) + 1):
        for j in range(i, len(TEXT) + 1):
            connection, _ = open_client()
            pieces = peer.frame(1, TEXT[:i], fin=False), peer.frame(0, TEXT[i:j], fin=False), peer.frame(0, TEXT[j:])
            connection._dataReceived(b"".join(pieces))
            assert connection.seen[-1] == ("message", TEXT, False)


@pytest.mark.parametrize(
    "bad",
    [b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf4\x90\x80\x80", b"\xff"],
)
def test_bad_text_fails_at_its_first_octet_wherever_it_is_split(bad):
    peer = server_peer()
    decided = next(n for n in range(1, len(bad) + 1) if not may_begin(bad[:n]))
    for cut in range(len(bad) + 1):
        connection, _ = open_client(failByDrop=False)
        connection._dataReceived(peer.frame(1, b"ok" + bad[:cut], fin=False))
        if cut < decided:
            assert violations(connection) is None
            rest = peer.frame(0, bad[cut:] + b"more", fin=False)
            for i in range(2 + decided - cut):
                assert connection.state == connection.STATE_OPEN
                connection._dataReceived(rest[i : i + 1])
        assert violations(connection) == 1007
        assert connection.seen == ["open"]


def may_begin(octets: bytes) -> bool:
    """Whether something that begins so can be UTF-8: tried with every code point's."""
    if octets[0] in (0xC0, 0xC1) or octets[0] > 0xF4:
        return False
    ranges = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}
    low, high = ranges.get(octets[0], (0x80, 0xBF))
    return len(octets) < 2 or low <= octets[1] <= high


# --- row 6 ---


def test_every_close_code():
    wrong = []
    for code in range(65536):
        engine = client_engine()
        engine.feed(b"\x88\x02" + code.to_bytes(2))
        expected = "on_violation" if code in REFUSED_CODES else "on_close_frame"
        if engine.handler.called != [(expected, 1002 if expected == "on_violation" else code)]:
            wrong.append(code)
    assert wrong == []


class Called:
    def __init__(self) -> None:
        self.called: list[Any] = []

    def on_violation(self, code: int, reason: str) -> None:
        self.called.append(("on_violation", code))

    def on_close_frame(self, code: int | None, reason: str) -> None:
        self.called.append(("on_close_frame", code))


def client_engine() -> Any:
    from autobahn_fast._core.frames import WebSocketEngine

    return WebSocketEngine(Called(), False)


# --- row 7 ---


def accept(offers: list[Any]) -> Any:
    return classes(offers[0].EXTENSION_NAME.partition("-")[2])["OfferAccept"](offers[0])


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("fragment", [0, 1000])
def test_a_bomb_is_refused_within_the_memory_of_the_limit(name, fragment):
    limit = 1 << 20
    with zlib_of(name):
        connection, _ = make(Server, perMessageCompressionAccept=accept, failByDrop=False, maxMessagePayloadSize=limit)
        extension = f"permessage-{name.partition('/')[0]}"
        connection._dataReceived(request(Sec_WebSocket_Extensions=extension))
        connection.transport.take()
    codec = pair(name)[0]
    codec.start_compress_message()
    zeros = bytes(1 << 20)
    packed = b"".join(codec.compress_message_data(zeros) for _ in range(64)) + codec.end_compress_message()
    peer = client_peer()
    size = fragment or len(packed)
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    octets = b"".join(
        peer.frame(0 if i else 2, piece, fin=i == len(pieces) - 1, rsv=0 if i else 4) for i, piece in enumerate(pieces)
    )
    tracemalloc.start()
    try:
        for i in range(0, len(octets), 65536):
            connection._dataReceived(octets[i : i + 65536])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert violations(connection) == 1009
    assert connection.seen == ["open"]
    assert peak < 10 * limit
    assert connection.engine.allocated == 0


@pytest.mark.parametrize("name", CODECS)
def test_what_comes_out_is_never_cut(name):
    client, server = pair(name)
    payload = bytes(3_000_000) + b"the end"
    packed = pack(client, payload)
    for limit in (len(payload), len(payload) + 1):
        server.start_decompress_message()
        assert server.decompress_message_data(packed, limit) == payload
        server.end_decompress_message()
        packed = pack(client, payload)


# --- row 8 ---


@pytest.mark.parametrize(
    ("options", "fits", "too_much"),
    [
        ({"maxHandshakeLine": 100}, ("X: " + "y" * 90,), ("X: " + "y" * 110,)),
        ({"maxHandshakeHeaders": 10}, ("X: y",) * 5, ("X: y",) * 6),
        ({"maxHandshakeSize": 1000}, ("X: " + "y" * 500,), ("X: " + "y" * 500, "Z: " + "y" * 500)),
        ({}, ("X: " + "y" * 8000,), ("X: " + "y" * 8200,)),
        ({}, ("X: y",) * 100, ("X: y",) * 130),
        ({}, ("X: " + "y" * 8000,) * 7, ("X: " + "y" * 8000,) * 9),
    ],
)
def test_limits_of_the_opening_handshake(options, fits, too_much):
    connection, _ = make(Server, **options)
    connection._dataReceived(request(extra=fits))
    assert connection.seen == ["open"]
    for step in (1, 10_000_000):
        connection, transport = make(Server, **options)
        octets = request(extra=too_much)
        for i in range(0, len(octets), step):
            connection._dataReceived(octets[i : i + step])
            if transport.closed:
                break
        assert transport.out.startswith(b"HTTP/1.1 431 ")
        assert connection.data == b""
    # and the same for what a server answers
    connection, _ = make(Client, **options)
    connection._dataReceived(response(connection.websocket_key, extra=fits[:-1]))
    assert connection.seen == ["open"]
    connection, transport = make(Client, **options)
    transport.take()
    connection._dataReceived(response(connection.websocket_key, extra=(*too_much, "X: y", "X: y")))
    assert transport.closed == "abort"


@pytest.mark.parametrize("octet", [0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85])
def test_no_other_octet_ends_a_line(octet):
    for cls in (Server, Client):
        connection, transport = make(cls)
        smuggled = f"X: a{chr(octet)}Sec-WebSocket-Protocol: evil"
        octets = request(extra=(smuggled,)) if cls is Server else response(connection.websocket_key, extra=(smuggled,))
        transport.take()
        connection._dataReceived(octets)
        assert connection.websocket_protocol_in_use is None
        assert not connection.websocket_protocols
        assert (connection.seen == ["open"]) is (octet == 0x85)


@pytest.mark.parametrize("extra", ["X: a\r\n b", "X: a\r\n\tb", "no colon here", "X : a", ": a", "X\x00: a"])
def test_folded_lines_and_lines_without_a_name(extra):
    connection, transport = make(Client)
    transport.take()
    connection._dataReceived(response(connection.websocket_key, extra=(extra,)))
    assert transport.closed == "abort"
    connection, transport = make(Server)
    connection._dataReceived(request(extra=(extra,)))
    assert transport.out.startswith(b"HTTP/1.1 400 ")


def test_unknown_headers_of_websocket_mean_nothing():
    connection, _ = make(Server)
    connection._dataReceived(request(extra=("Sec-WebSocket-Whatever: x", "Sec-WebSocket-Accept: x")))
    assert connection.seen == ["open"]
    connection, _ = make(Client)
    connection._dataReceived(response(connection.websocket_key, extra=("Sec-WebSocket-Whatever: x",)))
    assert connection.seen == ["open"]


@pytest.mark.parametrize("header", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_body_on_the_request(header):
    connection, transport = make(Server)
    connection._dataReceived(request(extra=(header,)) + b"hello")
    assert transport.out.startswith(b"HTTP/1.1 400 ")
    assert transport.closed == "close"
    assert connection.seen == []


def test_octets_behind_a_refused_request_are_not_read():
    connection, transport = make(Server)
    connection._dataReceived(request("POST / HTTP/1.1") + request() + client_peer().frame(1, b"x"))
    connection._dataReceived(request())
    assert transport.out.count(b"HTTP/1.1") == 1
    assert connection.seen == []


# --- row 9 ---


def test_the_answer_to_the_key_is_compared_in_constant_time(monkeypatch):
    compared: list[tuple[bytes, bytes]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(_http.hmac, "compare_digest", compare)
    assert hmac.compare_digest is compare
    connection, _ = make(Client)
    connection._dataReceived(response(connection.websocket_key))
    assert compared == [(accepted := _http.accept_key(connection.websocket_key.decode()).encode(), accepted)]


# --- row 10 ---


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://good.example", 101),
        ("http://good.example:80", 101),
        ("https://good.example", 403),
        ("http://good.example:8080", 403),
        ("http://good.example.evil", 403),
        ("http://evil-good.example", 403),
        ("http://goodXexample", 403),
        ("null", 403),
        ("http://good.example/path", 400),
        ("http://evil@good.example", 400),
        ("not an origin", 400),
    ],
)
def test_origins(origin, status):
    connection, transport = make(Server, allowedOrigins=["http://good.example"], webStatus=False)
    connection._dataReceived(request(Origin=origin))
    assert transport.out.startswith(f"HTTP/1.1 {status} ".encode())


# --- row 13 ---


def test_pings_are_sent_in_the_middle_of_a_large_message():
    clock = make_clock()
    connection, transport = open_server(clock=clock, autoPingInterval=1, autoPingTimeout=3)
    connection.beginMessage(isBinary=True)
    peer = client_peer()
    pings = 0
    for _ in range(10):
        connection.sendMessageFrame(b"x" * 1000)
        clock.advance(1.1)
        for event in peer.read(transport.take()):
            if event[0] == "ping":
                pings += 1
                connection._dataReceived(client_peer().frame(10, event[1]))
    assert pings >= 4
    assert transport.closed is None


def test_octets_of_an_unfinished_message_are_life():
    clock = make_clock()
    connection, transport = open_server(clock=clock, autoPingInterval=10, autoPingTimeout=5)
    octets = client_peer().frame(2, bytes(200))
    for octet in octets[:-1]:
        connection._dataReceived(bytes([octet]))
        clock.advance(4)
    assert transport.closed is None
    clock.advance(20)
    assert transport.closed == "abort"
    assert "ping timeout" in connection.wasNotCleanReason
