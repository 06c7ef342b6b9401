# SPDX-License-Identifier: MIT
"""The opening handshake as HTTP: octets in, fields or a refusal out; no connection."""

from __future__ import annotations

import time

import pytest
from _ws_helpers import KEY, request, response
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast.websocket import _http
from autobahn_fast.websocket._http import (
    HeadReader,
    HttpError,
    Limits,
    check_origin,
    parse_head,
    read_request,
    read_response,
)
from autobahn_fast.websocket._options import origin_patterns


def read(octets: bytes, versions=(8, 13)):
    found = HeadReader().feed(octets)
    assert found is not None
    return read_request(parse_head(found[0]), versions)


def test_accept_key_of_the_rfc():
    assert _http.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_keys_are_fresh():
    keys = {_http.make_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) == 24 for key in keys)


def test_request():
    got = read(request("GET /a%20b?x=1&x=2 HTTP/1.1", Sec_WebSocket_Protocol="a, b", Origin="http://o.com"))
    assert got[:9] == (
        "/a%20b?x=1&x=2",
        "/a%20b",
        {"x": ["1", "2"]},
        "localhost",
        9000,
        13,
        KEY,
        "http://o.com",
        ["a", "b"],
    )


def test_any_split_gives_the_same():
    octets = request(Sec_WebSocket_Protocol="a") + b"rest"
    for cut in range(len(octets) + 1):
        reader = HeadReader()
        found = reader.feed(octets[:cut])
        if found is None:
            found = reader.feed(octets[cut:])
            assert found is not None
            assert found[1] == b"rest"
        assert parse_head(found[0]).headers["sec-websocket-protocol"] == "a"


def test_one_octet_at_a_time_takes_linear_time():
    def seconds(lines: int) -> float:
        octets = b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: %s\r\n" % (i, b"y" * 90) for i in range(lines)) + b"\r\n"
        reader = HeadReader(Limits(8192, 100000, 1 << 24))
        start = time.process_time()
        for i in range(len(octets) - 1):
            assert reader.feed(octets[i : i + 1]) is None
        assert reader.feed(octets[-1:]) is not None
        return time.process_time() - start

    assert seconds(4000) < 40 * seconds(400)  # quadratic time would be 100 times as much


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request("POST / HTTP/1.1"), 405),
        (request("get / HTTP/1.1"), 405),
        (request("GET / HTTP/1.0"), 505),
        (request("GET / HTTP/2.0"), 505),
        (request("GET /"), 400),
        (request("GET / x HTTP/1.1"), 400),
        (request("GET  / HTTP/1.1"), 400),
        (request("GET /#f HTTP/1.1"), 400),
        (request("GET /\x01 HTTP/1.1"), 400),
        (request(drop=("Host",)), 400),
        (request(extra=("Host: x",)), 400),
        (request(Host="h:abc"), 400),
        (request(Host="h:99999"), 400),
        (request(Host="a@b:80"), 400),
        (request(Host=""), 400),
        (request(drop=("Upgrade",)), 426),
        (request(Upgrade="h2c"), 400),
        (request(drop=("Connection",)), 400),
        (request(Connection="keep-alive"), 400),
        (request(drop=("Sec-WebSocket-Version",)), 400),
        (request(extra=("Sec-WebSocket-Version: 13",)), 400),
        (request(Sec_WebSocket_Version="7"), 400),
        (request(Sec_WebSocket_Version="x"), 400),
        (request(Sec_WebSocket_Version="-13"), 400),
        (request(Sec_WebSocket_Version="²"), 400),
        (request(drop=("Sec-WebSocket-Key",)), 400),
        (request(extra=(f"Sec-WebSocket-Key: {KEY}",)), 400),
        (request(Sec_WebSocket_Key="abc"), 400),
        (request(Sec_WebSocket_Key="!!hlIHNhbXBsZSBub25jZQ=="), 400),
        (request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQaa"), 400),
        (request(Sec_WebSocket_Protocol="a, a"), 400),
        (request(Sec_WebSocket_Protocol="a, ,b"), 400),
        (request(Sec_WebSocket_Protocol="a b"), 400),
        (request(extra=("Origin: http://a", "Origin: http://b")), 400),
        (request(Content_Length="5"), 400),
        (request(Transfer_Encoding="chunked"), 400),
        (request(extra=("foo",)), 400),
        (request(extra=("foo: a", " b")), 400),
        (request(extra=("foo : a",)), 400),
        (request(extra=(": a",)), 400),
        (request(X="a\x0bHost: x"), 400),
        (request(X="a\x0cHost: x"), 400),
        (request(X="a\x1cHost: x"), 400),
        (request(X="a\x1eHost: x"), 400),
        (request(X="a\x00"), 400),
        (request(X="a\rHost: x"), 400),
        (request(X="a\nHost: x"), 400),
        (request(X="y" * 9000), 431),
        (request(extra=tuple(f"x{i}: y" for i in range(200))), 431),
        (request(extra=tuple(f"x{i}: {'y' * 1000}" for i in range(80))), 431),
        (request("GET /" + "y" * 9000 + " HTTP/1.1"), 431),
    ],
)
def test_refused(octets, status):
    with pytest.raises(HttpError) as caught:
        read(octets)
    assert caught.value.status == status


def test_line_separators_of_unicode_are_part_of_the_value():
    assert read(request(X="a\x85Host: x")).head.headers["x"] == "a\x85Host: x"


def test_endless_line_is_refused_before_it_ends():
    reader = HeadReader()
    with pytest.raises(HttpError):
        for _ in range(20000):
            reader.feed(b"y")


def test_refused_version_says_which_there_are():
    with pytest.raises(HttpError) as caught:
        read(request(Sec_WebSocket_Version="8"), versions=(13,))
    assert caught.value.headers == {"Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize("value", ["keep-alive, Upgrade", "upgrade", "UPGRADE"])
def test_connection_is_a_list_of_tokens(value):
    assert read(request(Connection=value)).version == 13


def test_repeated_protocol_headers_are_one_list():
    assert read(request(Sec_WebSocket_Protocol="a", extra=("Sec-WebSocket-Protocol: b",))).protocols == ["a", "b"]


def test_ipv6_host():
    got = read(request(Host="[::1]:9000"))
    assert (got.host, got.port) == ("[::1]", 9000)
    assert read(request(Host="[::1]")).port is None


@given(st.data())
def test_mutated_requests_give_a_request_or_a_refusal(data):
    octets = bytearray(request("GET /x?y=1 HTTP/1.1", Sec_WebSocket_Protocol="a, b", Origin="http://o.com:80"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        what = data.draw(st.sampled_from(["set", "cut", "repeat"]))
        if what == "set":
            octets[at] = data.draw(st.integers(0, 255))
        elif what == "cut":
            del octets[at : at + data.draw(st.integers(1, 20))]
        else:
            octets[at:at] = octets[max(0, at - 20) : at]
        if not octets:
            return
    try:
        found = HeadReader().feed(bytes(octets))
        if found is not None:
            got = read_request(parse_head(found[0]), (8, 13))
            check_origin(got.origin, origin_patterns(["*"]), True) if got.origin else None
    except HttpError:
        pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("foo", [("foo", {})]),
        (
            "permessage-deflate; client_max_window_bits, foo;bar=1",
            [("permessage-deflate", {"client_max_window_bits": [True]}), ("foo", {"bar": ["1"]})],
        ),
        ('a; x="1,2;3"; x=4', [("a", {"x": ["1,2;3", "4"]})]),
        ('a; x="un', [("a", {"x": ['"un']})]),
    ],
)
def test_extensions(value, expected):
    assert _http.parse_extensions(value) == expected


@pytest.mark.parametrize(
    ("origin", "allowed", "expected"),
    [
        ("http://x.com", ["*"], True),
        ("http://x.com", ["http://x.com:80"], True),
        ("http://x.com", ["http://x.com"], True),
        ("http://x.com:81", ["http://x.com"], False),
        ("https://x.com", ["http://x.com"], False),
        ("https://x.com", ["https://x.com:443"], True),
        ("http://a.x.com", ["*.x.com:80"], True),
        ("http://a.x.com", ["http://*.x.com:80"], True),
        ("http://x.com.evil", ["http://x.com"], False),
        ("http://evil.com/x.com", ["*x.com"], None),
        ("http://evilx.com", ["http://x.com"], False),
        ("http://xacom", ["http://x.com"], False),
        ("http://x.com@evil.com", ["*"], None),
        ("http://x.com", [], False),
        ("foo", ["*"], None),
        ("http://x.com:abc", ["*"], None),
        ("http://[::1", ["*"], None),
        ("http://[::1]:80", ["http://[::1]:80"], True),
    ],
)
def test_origins(origin, allowed, expected):
    if expected is None:
        with pytest.raises(HttpError):
            check_origin(origin, origin_patterns(allowed), False)
    else:
        assert check_origin(origin, origin_patterns(allowed), False) is expected


@pytest.mark.parametrize("origin", ["null", "NULL", "file:///x"])
def test_null_origin_is_its_own_option(origin):
    assert check_origin(origin, origin_patterns(["*"]), True) is True
    assert check_origin(origin, origin_patterns(["*"]), False) is False


def answer(octets: bytes, protocols=()):
    found = HeadReader().feed(octets)
    assert found is not None
    return read_response(parse_head(found[0]), KEY, protocols)


def test_response():
    assert answer(response(KEY, Sec_WebSocket_Protocol="a"), ["a"])[:3] == (101, "a", [])
    assert answer(response(KEY, "HTTP/1.1 101")).protocol is None


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (response(KEY, "HTTP/1.1 200 OK"), 200),
        (response(KEY, "HTTP/1.1 404 Not Found"), 404),
        (response(KEY, "HTTP/1.0 101 x"), 505),
        (response(KEY, "HTTP/1.1 abc x"), 400),
        (response(KEY, "foo"), 400),
        (response(KEY, drop=("Upgrade",)), 400),
        (response(KEY, Upgrade="x"), 400),
        (response(KEY, drop=("Connection",)), 400),
        (response(KEY, drop=("Sec-WebSocket-Accept",)), 400),
        (response(KEY, Sec_WebSocket_Accept="xx"), 400),
        (response(KEY, Sec_WebSocket_Accept="\xff"), 400),
        (response(KEY, extra=("Sec-WebSocket-Accept: x",)), 400),
        (response(KEY, Sec_WebSocket_Protocol="x"), 400),
        (response(KEY, Sec_WebSocket_Protocol="a", extra=("Sec-WebSocket-Protocol: a",)), 400),
        (response(KEY, Sec_WebSocket_Extensions="a", extra=("Sec-WebSocket-Extensions: b",)), 400),
    ],
)
def test_response_refused(octets, status):
    with pytest.raises(HttpError) as caught:
        answer(octets, ["a"])
    assert caught.value.status == status


@pytest.mark.parametrize("header", [("X\r\nY", "1"), ("X", "1\r\nY: 2"), ("", "1"), ("X", "\x00")])
def test_nothing_is_injected_into_what_we_send(header):
    with pytest.raises(ValueError, match="header"):
        _http.build_request("/", [header])
    with pytest.raises(ValueError, match="header"):
        _http.build_response(200, "OK", [header])


@pytest.mark.parametrize("resource", ["", "/a b", "/a\r\nX: y"])
def test_resource_is_one_word(resource):
    with pytest.raises(ValueError, match="resource"):
        _http.build_request(resource, [])


def test_reason_is_made_safe():
    assert _http.build_response(400, "a\r\nX: ä") == b"HTTP/1.1 400 a??X: ?\r\n\r\n"
