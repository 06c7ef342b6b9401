# SPDX-License-Identifier: MIT
"""Through HTTP CONNECT proxies: ws and wss, with and without authentication, on every framework, by every way to connect.

The server's name is one that only the proxy knows where to find, and the server's certificate is for that name.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from _authority import Authority
from _clients import connect
from _live import LOOPS, run
from _servers import ConnectProxy, EchoServer, silent_server

from autobahn_fast.router import Router

SECRET = "open sesame: 7"
WAYS = ("factory", "component", "runner")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def loop_of(framework: str) -> str:
    return framework if framework in LOOPS else "asyncio"


def setting(proxy: ConnectProxy, credentials: str | None = None) -> dict[str, Any]:
    """A proxy setting."""
    made: dict[str, Any] = {"host": "127.0.0.1", "port": proxy.port}
    if credentials is not None:
        made["username"], _, made["password"] = credentials.partition(":")
    return made


@pytest.mark.parametrize(
    ("framework", "way"),
    [*((f, way) for f in ("asyncio", "uvloop", "twisted") for way in WAYS), ("twisted-uvloop", "factory")],
)
@pytest.mark.parametrize(
    ("scheme", "credentials"), [("ws", None), ("ws", f"alice:{SECRET}"), ("wss", f"älice:{SECRET}")]
)
def test_through_a_proxy(
    framework: str, way: str, scheme: str, credentials: str | None, authority: Authority, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        pem = authority.issue("server.test")
        tls = authority.server_context(pem) if scheme == "wss" else None
        async with AsyncExitStack() as stack:
            echo: EchoServer | None = None
            if way == "factory":
                echo = await stack.enter_async_context(EchoServer(tls).listen())
                port = echo.port
            else:
                router = Router([f"{scheme}://127.0.0.1:0/ws"], ["realm1"], ssl=tls)
                await stack.enter_async_context(router)
                port = int(router.urls[0].rpartition(":")[2].split("/")[0])
            hosts = {"server.test:4711": ("127.0.0.1", port)}
            proxy = await stack.enter_async_context(ConnectProxy(hosts, credentials).listen())
            order = {
                "way": way,
                "url": f"{scheme}://server.test:4711/ws",
                "address": ["127.0.0.1", proxy.port],
                "proxy": setting(proxy, credentials),
                "trust_root": str(authority.path),
            }
            result = await connect(framework, order)
            assert result["opened"], result
            assert result["secure"] is (scheme == "wss")
            (request,) = proxy.requests
            assert request[0] == "CONNECT server.test:4711 HTTP/1.1"
            assert request[1]["host"] == "server.test:4711"
            assert ("proxy-authorization" in request[1]) is (credentials is not None)
            if echo is not None:
                assert result["got"] == ["grüße", False]
                assert "proxy-authorization" not in echo.requests[0].headers
                assert echo.requests[0].headers["host"] == "server.test:4711"
                assert echo.names == (["server.test"] if tls else [])
            logged = caplog.text + result.get("log", "")
            assert SECRET not in logged
            assert "Basic" not in logged

    run(loop_of(framework), main(), 12)


REFUSALS = {
    "no password": (None, None, "add 'username' and 'password' to the proxy setting"),
    "wrong password": ("alice:wrong", None, "did not accept the username and password"),
    "forbidden": (
        "alice:x",
        b"HTTP/1.1 403 Not from here\r\n\r\n",
        "refused to connect to server.test:4711: 403 Not from",
    ),
    "not HTTP": (None, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "did not answer in HTTP: 'SSH-2.0-OpenSSH_9.2'"),
    "other authentication": (
        None,
        b"HTTP/1.1 407 no\r\nProxy-Authenticate: Negotiate\r\n\r\n",
        "asks for authentication by Negotiate (HTTP 407): only Basic is built in",
    ),
    "much": (None, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30000, "has more than 65536 octets"),
    "more": (None, b"HTTP/1.1 200 OK\r\n\r\nhello", "sent more than its answer"),
    "nothing": (None, b"", "the proxy ended the TCP connection without an answer"),
}


@pytest.mark.parametrize("framework", ["asyncio", "uvloop", "twisted"])
@pytest.mark.parametrize(
    ("way", "case"),
    [*(("factory", case) for case in REFUSALS), ("component", "wrong password"), ("runner", "no password")],
)
def test_what_a_proxy_may_answer(framework: str, way: str, case: str) -> None:
    credentials, answer, reason = REFUSALS[case]

    async def main() -> None:
        async with ConnectProxy({}, "alice:right", answer).listen() as proxy:
            order = {
                "way": way,
                "url": "ws://server.test:4711/ws",
                "address": ["127.0.0.1", proxy.port],
                "proxy": setting(proxy, credentials),
            }
            result = await connect(framework, order)
            assert not result["opened"]
            assert reason in result["reason"]
            assert f"127.0.0.1:{proxy.port}" in result["reason"] or case == "nothing"
            assert "wrong" not in result["reason"]

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", ["asyncio", "uvloop", "twisted"])
def test_a_proxy_that_does_not_answer(framework: str) -> None:
    async def main() -> None:
        async with silent_server() as port:
            order = {
                "way": "factory",
                "url": "wss://server.test:4711/ws",
                "address": ["127.0.0.1", port],
                "proxy": f"http://alice:secret@127.0.0.1:{port}",
                "options": {"openHandshakeTimeout": 0.1},
            }
            result = await connect(framework, order)
            assert (result["opened"], result["reason"]) == (
                False,
                "the proxy's answer took longer than openHandshakeTimeout",
            )

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", ["asyncio", "uvloop", "twisted"])
@pytest.mark.parametrize(
    ("way", "fault"),
    [
        *(("factory", fault) for fault in ("other name", "unknown authority", "no TLS")),
        ("component", "other name"),
        ("runner", "other name"),
    ],
)
def test_the_servers_certificate_is_verified_through_the_tunnel(
    framework: str, way: str, fault: str, authority: Authority, tmp_path: Path
) -> None:
    async def main() -> None:
        issuer = Authority(tmp_path, "unknown") if fault == "unknown authority" else authority
        pem = issuer.issue("proxy.test" if fault == "other name" else "server.test", "127.0.0.1")
        tls = None if fault == "no TLS" else issuer.server_context(pem)
        async with (
            EchoServer(tls).listen() as echo,
            ConnectProxy({"server.test:4711": echo.address}).listen() as proxy,
        ):
            order = {
                "way": way,
                "url": "wss://server.test:4711/ws",
                "address": ["127.0.0.1", proxy.port],
                "proxy": setting(proxy),
                "trust_root": str(authority.path),
            }
            result = await connect(framework, order)
            assert not result["opened"]
            assert "TLS handshake" in result["reason"]
            assert len(proxy.requests) == 1
            assert echo.requests == []

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", ["asyncio", "uvloop", "twisted"])
def test_a_server_that_does_not_answer_behind_the_proxy(framework: str) -> None:
    """The proxy connects, nobody answers the TLS handshake: time is up, once."""

    async def main() -> None:
        async with (
            silent_server() as port,
            ConnectProxy({"server.test:4711": ("127.0.0.1", port)}).listen() as proxy,
        ):
            order = {
                "way": "factory",
                "url": "wss://server.test:4711/ws",
                "address": ["127.0.0.1", proxy.port],
                "proxy": setting(proxy),
                "options": {"openHandshakeTimeout": 0.2},
            }
            result = await connect(framework, order)
            assert (result["opened"], result["reason"]) == (
                False,
                "the opening handshake took longer than openHandshakeTimeout",
            )

    run(loop_of(framework), main(), 12)
