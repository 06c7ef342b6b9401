# SPDX-License-Identifier: MIT
"""What a program may say about a proxy, and what is made of it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast.exception import InvalidArgument
from autobahn_fast.websocket._http import Head, HttpError
from autobahn_fast.websocket._proxy import check_proxy
from autobahn_fast.websocket.protocol import WebSocketClientFactory


@pytest.mark.parametrize(
    "setting",
    [
        {"host": "p.test", "port": 3128, "username": "al", "password": "s:e%"},
        {"host": "p.test", "port": "3128", "username": "al", "password": "s:e%"},
        "http://al:s%3Ae%25@p.test:3128",
        "http://al:s%3Ae%25@p.test:3128/",
    ],
)
def test_dict_and_url(setting):
    proxy = check_proxy(setting)
    assert (proxy.host, proxy.port, proxy.authenticates) == ("p.test", 3128, True)
    assert proxy.headers == [("Proxy-Authorization", "Basic " + base64.b64encode(b"al:s:e%").decode())]
    assert repr(proxy) == "p.test:3128"
    assert proxy.request("a.test:1") == (
        b"CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\nProxy-Authorization: Basic YWw6czplJQ==\r\n\r\n"
    )


def test_without_credentials():
    assert check_proxy(None) is None
    assert check_proxy("http://[::1]:8080").host == "::1"
    assert check_proxy("http://p.test").port == 80
    proxy = check_proxy({"host": "p.test", "port": 1, "headers": {"X-Tenant": "7"}})
    assert (proxy.headers, proxy.authenticates) == ([("X-Tenant", "7")], False)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":")),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
)
def test_credentials_are_utf8(username, password):
    proxy = check_proxy({"host": "p", "port": 1, "username": username, "password": password})
    encoded = proxy.headers[0][1].removeprefix("Basic ")
    assert base64.b64decode(encoded).decode() == f"{username}:{password}"


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (3, "must be a dict or an http:// URL, not int"),
        ("p.test:3128", "as a URL is http://host:port"),
        ("https://p.test:3128", "as a URL is http://host:port"),
        ("http://p.test:99999", "not a valid URL"),
        ("http://p.test/path", "nothing behind them"),
        ({"host": "p"}, "'port' required"),
        ({"port": 1}, "'host' required"),
        ({"host": "p", "port": 1, "user": "x"}, "Unknown key 'user'"),
        ({"host": "p", "port": 0}, "1..65535"),
        ({"host": "p", "port": True}, "1..65535"),
        ({"host": "p", "port": "x"}, "1..65535"),
        ({"host": "p q", "port": 1}, "'host' in proxy config"),
        ({"host": "p", "port": 1, "username": "a:b"}, "'username'"),
        ({"host": "p", "port": 1, "password": "secret"}, "'username'"),
        ({"host": "p", "port": 1, "username": "a", "password": b"secret"}, "'password'"),
        ({"host": "p", "port": 1, "username": "a", "password": "secret\r\n"}, "'password'"),
        ({"host": "p", "port": 1, "headers": "x"}, "'headers'"),
        ({"host": "p", "port": 1, "headers": {"X Y": "secret"}}, "'headers'"),
        ({"host": "p", "port": 1, "headers": {"X": "secret\r\nY: z"}}, "the header X"),
    ],
)
def test_wrong_settings(setting, text):
    with pytest.raises(InvalidArgument, match=text) as raised:
        check_proxy(setting)
    assert "secret" not in str(raised.value)
    with pytest.raises(ValueError, match=text):
        WebSocketClientFactory("ws://a.test", proxy=setting)


def test_unix_sockets_are_reached_through_no_proxy():
    with pytest.raises(ValueError, match="Unix domain socket"):
        WebSocketClientFactory("ws://unix:/tmp/x", proxy={"host": "p", "port": 1})


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/1.0 200 Connection established", "HTTP/1.1 299 x"])
def test_accepting_answers(line):
    check_proxy("http://p.test:1").check_answer(Head(line, {}, {}), "a:1")


@pytest.mark.parametrize("line", ["HTTP/1.1 100 x", "HTTP/1.1 301 x", "HTTP/2 200", "HTTP/1.1 2000", "200 OK", ""])
def test_other_answers(line):
    with pytest.raises(HttpError, match=r"^the proxy p.test:1 "):
        check_proxy("http://p.test:1").check_answer(Head(line, {}, {}), "a:1")
