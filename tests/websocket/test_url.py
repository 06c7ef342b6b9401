# SPDX-License-Identifier: MIT
"""WebSocket and RawSocket URLs; the expected values of valid ones are those of autobahn 26.10.2."""

from __future__ import annotations

import pytest

from autobahn_fast.rawsocket import util as rs
from autobahn_fast.websocket.util import create_url, parse_url


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("localhost",), "ws://localhost:80/"),
        (("localhost", 90), "ws://localhost:90/"),
        (("localhost", None, True), "wss://localhost:443/"),
        (("localhost", 443, True), "wss://localhost:443/"),
        (("localhost", None, False, "ws"), "ws://localhost:80/ws"),
        (("localhost", None, False, "/ws/a b"), "ws://localhost:80/ws/a%20b"),
        (("localhost", None, False, "/ws", {"foo": "bar"}), "ws://localhost:80/ws?foo=bar"),
        (("localhost", None, False, "/ä?x"), "ws://localhost:80/%C3%A4%3Fx"),
        (("::1",), "ws://::1:80/"),
        (("unix", "tmp/x"), "ws://unix:tmp/x/"),
    ],
)
def test_create(arguments, expected):
    assert create_url(*arguments) == expected


@pytest.mark.parametrize(
    "bad", [("h", 70000), ("h", -1), ("h", "90"), ("h", True), ("h", None, 1), ("unix",), ("unix", 5)]
)
def test_create_refuses(bad):
    for function in (create_url, rs.create_url):
        with pytest.raises((TypeError, ValueError)):
            function(*bad)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://localhost", (False, "localhost", 80, "/", "/", {})),
        ("wss://localhost", (True, "localhost", 443, "/", "/", {})),
        ("WS://LOCALhost/", (False, "localhost", 80, "/", "/", {})),
        ("ws://localhost/ws?a=1&a=2&b=", (False, "localhost", 80, "/ws?a=1&a=2&b=", "/ws", {"a": ["1", "2"]})),
        ("ws://host?x=1", (False, "host", 80, "/?x=1", "/", {"x": ["1"]})),
        ("ws://localhost/#", (False, "localhost", 80, "/", "/", {})),
        ("ws://[::1]:9000/x", (False, "::1", 9000, "/x", "/x", {})),
        ("ws://user:pw@localhost:9/ws", (False, "localhost", 9, "/ws", "/ws", {})),
        ("ws://localhost/a%20b", (False, "localhost", 80, "/a%20b", "/a b", {})),
        ("ws://localhost/ws?k=%C3%A4", (False, "localhost", 80, "/ws?k=%C3%A4", "/ws", {"k": ["ä"]})),
        ("ws://unix:/tmp/x", (False, "unix", "/tmp/x", "/tmp/x", "/tmp/x", {})),
        ("wss://unix:/tmp/file.sock", (True, "unix", "/tmp/file.sock", "/tmp/file.sock", "/tmp/file.sock", {})),
        ("ws://unix:tmp/x", (False, "unix", "tmp/x", "/x", "/x", {})),
    ],
)
def test_parse(url, expected):
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "",
        "foo",
        "ws://",
        "ws:///x",
        "ws://h#x",
        "ws://h:0",
        "ws://h:99999",
        "ws://h:abc",
        "rs://h",
        "unix:/x",
    ],
)
def test_parse_refuses(url):
    with pytest.raises(ValueError, match="."):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rs://localhost", (False, "localhost", 80)),
        ("rss://localhost", (True, "localhost", 443)),
        ("rss://localhost:90", (True, "localhost", 90)),
        ("rs://[::1]:9000", (False, "::1", 9000)),
        ("rs://unix:/tmp/x", (False, "unix", "/tmp/x")),
        ("rs://unix:tmp/x", (False, "unix", "tmp/x")),
    ],
)
def test_rawsocket(url, expected):
    assert rs.parse_url(url) == expected


@pytest.mark.parametrize(
    "url", ["rs://h/", "rs://h/ws?a=1", "rs://h?x=1", "rs://h#x", "ws://h", "rs://", "rs://h:0", "rs://h:x"]
)
def test_rawsocket_refuses(url):
    with pytest.raises(ValueError, match="."):
        rs.parse_url(url)


def test_rawsocket_create():
    assert rs.create_url("localhost") == "rs://localhost:80"
    assert rs.create_url("localhost", 90, True) == "rss://localhost:90"
    assert rs.create_url("unix", "/tmp/x") == "rs://unix:/tmp/x"
