# SPDX-License-Identifier: MIT
"""Clients that follow redirects over real sockets, on every framework, also through a proxy and to TLS."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from _authority import Authority
from _clients import connect
from _live import LOOPS, run
from _servers import ConnectProxy, EchoServer, Redirector, silent_server

from autobahn_fast.router import Router

FRAMEWORKS = ("asyncio", "uvloop", "twisted")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def loop_of(framework: str) -> str:
    return framework if framework in LOOPS else "asyncio"


def order(url: str, port: int, **more: Any) -> dict[str, Any]:
    """What ``_clients.connect`` is to do."""
    return {"way": "factory", "url": url, "address": ["127.0.0.1", port], "options": {"followRedirects": 3}, **more}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_to_another_path_and_another_host(framework: str) -> None:
    async def main() -> None:
        async with Redirector().listen() as first, EchoServer().listen() as echo:
            first.to = {"/a": "/b?c=d", "/b?c=d": f"http://127.0.0.1:{echo.port}/echo"}
            headers = {"Authorization": "Bearer s3cret", "Cookie": "s3cret"}
            result = await connect(framework, order(f"ws://127.0.0.1:{first.port}/a", first.port, headers=headers))
            assert (result["opened"], result["clean"], result["got"]) == (True, True, ["grüße", False])
            assert [request["cookie"] for request in first.requests] == ["s3cret"] * 2
            (request,) = echo.requests
            assert request.path == "/echo"
            assert not {"authorization", "cookie"} & set(request.headers)

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("proxied", [False, True])
def test_to_tls(framework: str, proxied: bool, authority: Authority) -> None:
    """From ws to wss at another name: its certificate is checked for that name."""

    async def main() -> None:
        tls = authority.server_context(authority.issue("localhost"))
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(Redirector().listen())
            echo = await stack.enter_async_context(EchoServer(tls).listen())
            first.to = {"/a": f"wss://localhost:{echo.port}/echo"}
            url = f"ws://127.0.0.1:{first.port}/a"
            made = order(url, first.port, trust_root=str(authority.path))
            if proxied:
                hosts = {
                    f"127.0.0.1:{first.port}": ("127.0.0.1", first.port),
                    f"localhost:{echo.port}": echo.address,
                }
                proxy = await stack.enter_async_context(ConnectProxy(hosts, "a:b").listen())
                made["proxy"] = f"http://a:b@127.0.0.1:{proxy.port}"
                made["address"] = ["127.0.0.1", proxy.port]
            result = await connect(framework, made)
            assert (result["opened"], result["secure"]) == (True, True), result
            assert echo.names == ["localhost"]
            if proxied:
                assert [line for line, _ in proxy.requests] == [f"CONNECT {target} HTTP/1.1" for target in hosts]

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_not_to_a_certificate_for_another_name(framework: str, authority: Authority) -> None:
    async def main() -> None:
        tls = authority.server_context(authority.issue("other.test"))
        async with Redirector().listen() as first, EchoServer(tls).listen() as echo:
            first.to = {"/a": f"wss://localhost:{echo.port}/echo"}
            made = order(f"ws://127.0.0.1:{first.port}/a", first.port, trust_root=str(authority.path))
            result = await connect(framework, made)
            assert not result["opened"]
            assert "verif" in result["reason"].lower()
            assert echo.requests == []

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("fault", ["less security", "loop", "too often", "nobody there"])
def test_what_is_not_followed(framework: str, fault: str, authority: Authority) -> None:
    secure = fault == "less security"

    async def main() -> None:
        tls = authority.server_context(authority.issue("127.0.0.1")) if secure else None
        async with Redirector(tls).listen() as first:
            first.status = 307
            url = f"{'wss' if secure else 'ws'}://127.0.0.1:{first.port}"
            to, reason = {
                "less security": ({"/0": f"ws://127.0.0.1:{first.port}/1"}, "from wss to ws"),
                "loop": ({"/0": "/1", "/1": "/0"}, f"back to {url}/0, where this client has been already"),
                "too often": ({f"/{i}": f"/{i + 1}" for i in range(9)}, "more than followRedirects=3 times"),
                "nobody there": ({"/0": "ws://127.0.0.1:1/x"}, "redirected to ws://127.0.0.1:1/x, which cannot be"),
            }[fault]
            first.to = to
            result = await connect(framework, order(f"{url}/0", first.port, trust_root=str(authority.path)))
            assert not result["opened"]
            assert reason in result["reason"]
            assert len(first.requests) == {"loop": 2, "too often": 4}.get(fault, 1)

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_time_runs_on(framework: str, scheme: str) -> None:
    """openHandshakeTimeout counts from the first connection, also while another is made."""

    async def main() -> None:
        async with Redirector().listen() as first, silent_server() as port:
            first.to = {"/a": f"{scheme}://127.0.0.1:{port}/b"}
            made = order(f"ws://127.0.0.1:{first.port}/a", first.port)
            made["options"]["openHandshakeTimeout"] = 0.3
            result = await connect(framework, made)
            assert (result["opened"], result["reason"]) == (
                False,
                "the opening handshake took longer than openHandshakeTimeout",
            )

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("way", ["component", "runner"])
def test_a_router_that_has_moved(framework: str, way: str) -> None:
    async def main() -> None:
        async with Redirector().listen() as first, Router(["ws://127.0.0.1:0/ws"], ["realm1"]) as router:
            first.to = {"/ws": router.urls[0]}
            result = await connect(framework, order(f"ws://127.0.0.1:{first.port}/ws", first.port, way=way))
            assert result["opened"], result

    run(loop_of(framework), main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_runner_tries_again_when_the_handshake_failed(loop: str) -> None:
    """Also where it came to no session, of whose end it would hear."""
    from autobahn_fast.asyncio.wamp import ApplicationRunner, ApplicationSession

    async def main() -> None:
        async with Redirector().listen() as first:
            url = f"ws://127.0.0.1:{first.port}/"
            runner = ApplicationRunner(url, "realm1", max_retries=2, initial_retry_delay=0.01)
            with pytest.raises(RuntimeError, match="no retries are left"):
                await runner.run(ApplicationSession, start_loop=False, auto_reconnect=True)
            assert len(first.requests) == 3

    run(loop, main(), 12)
