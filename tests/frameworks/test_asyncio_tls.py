# SPDX-License-Identifier: MIT
"""TLS on asyncio and uvloop: what is verified without asking for it, the name that is sent, and certificates of clients."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from _authority import Authority
from _clients import connect
from _live import LOOPS, make_certificate, run
from _servers import EchoServer

from autobahn_fast.asyncio._connecting import create_connection
from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


async def joined(url: str, tls: Any, **endpoint: Any) -> Any:
    """Have a component join over a transport; return its session's TransportDetails.

    :raises Exception: why it could not connect.
    """
    host, _, port = url.partition("//")[2].partition("/")[0].rpartition(":")
    transport: dict[str, Any] = {"url": url, "max_retries": 0}
    transport["endpoint"] = {"type": "tcp", "host": host, "port": int(port), "tls": tls, **endpoint}
    if url.startswith("rs"):
        transport.update(type="rawsocket", serializer="cbor")
    component = Component(transports=[transport])
    failures: list[Exception] = []
    found: list[Any] = []
    component.on_connectfailure(lambda _, error: failures.append(error))

    @component.on_join
    def leave(session: Any, details: Any) -> None:
        found.append(session.transport.transport_details)
        session.leave()

    try:
        await component.start()
    except RuntimeError:
        raise failures[0] from None
    return found[0]


def at(router: Router, scheme: str, host: str) -> str:
    """The router's URL by another name of its host."""
    return f"{scheme}://{host}:{router.urls[0].rpartition(':')[2]}"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["wss", "rss"])
@pytest.mark.parametrize(
    ("names", "host", "error"),
    [
        (("localhost",), "localhost", None),
        (("127.0.0.1",), "127.0.0.1", None),
        (("localhost",), "127.0.0.1", "IP address mismatch"),
        (("other.test",), "localhost", "Hostname mismatch"),
        (("*.test", "127.0.0.1"), "localhost", "Hostname mismatch"),
    ],
)
def test_the_certificate_is_for_the_host(
    loop: str, scheme: str, names: tuple[str, ...], host: str, error: str | None, authority: Authority
) -> None:
    async def main() -> None:
        tls = authority.server_context(authority.issue(*names))
        sent: list[str | None] = []
        tls.sni_callback = lambda _object, name, _context: sent.append(name)
        async with Router([f"{scheme}://127.0.0.1:0/ws"], ["realm1"], ssl=tls) as router:
            attempt = joined(at(router, scheme, host), {"trust_root": str(authority.path)}, version=4)
            if error is None:
                details = await attempt
                assert details.is_secure
                assert details.peer_cert["subjectAltName"]
            else:
                with pytest.raises(ssl.SSLCertVerificationError, match=f"(?i){error}"):
                    await attempt
            assert sent == [host if host == "localhost" else None]

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["wss", "rss"])
@pytest.mark.parametrize(
    ("fault", "error"), [("self-signed", "self.signed"), ("expired", "expired"), ("unknown", "unable")]
)
def test_the_certificate_is_valid(
    loop: str, scheme: str, fault: str, error: str, authority: Authority, tmp_path: Path
) -> None:
    async def main() -> None:
        pem = {
            "self-signed": lambda: make_certificate(tmp_path),
            "expired": lambda: authority.issue("localhost", expired=True),
            "unknown": lambda: Authority(tmp_path, "unknown").issue("localhost"),
        }[fault]()
        tls = authority.server_context(pem)
        async with Router([f"{scheme}://127.0.0.1:0/ws"], ["realm1"], ssl=tls) as router:
            for setting in ({"trust_root": str(authority.path)}, authority.client_context()):
                with pytest.raises(ssl.SSLCertVerificationError, match=error):
                    await joined(at(router, scheme, "localhost"), setting, version=4)
            with pytest.raises(ssl.SSLCertVerificationError):
                await joined(at(router, scheme, "localhost"), True, version=4)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["wss", "rss"])
def test_the_certificate_may_be_for_a_name_given(loop: str, scheme: str, authority: Authority) -> None:
    async def main() -> None:
        tls = authority.server_context(authority.issue("router.test"))
        async with Router([f"{scheme}://127.0.0.1:0/ws"], ["realm1"], ssl=tls) as router:
            setting = {"trust_root": str(authority.path), "hostname": "router.test"}
            assert (await joined(at(router, scheme, "127.0.0.1"), setting)).is_secure

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_runner_verifies_without_being_told(loop: str, authority: Authority) -> None:
    """``wss`` alone: what the system trusts, which is not this authority."""
    from autobahn_fast.asyncio.wamp import ApplicationRunner, ApplicationSession

    async def main() -> None:
        tls = authority.server_context(authority.issue("localhost"))
        async with Router(["wss://127.0.0.1:0/ws"], ["realm1"], ssl=tls) as router:
            url = at(router, "wss", "localhost")
            with pytest.raises(ssl.SSLCertVerificationError):
                await ApplicationRunner(url, "realm1").run(ApplicationSession, start_loop=False)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["wss", "rss"])
def test_certificates_of_clients(loop: str, scheme: str, authority: Authority, tmp_path: Path) -> None:
    """The server asks: who presents one of the authority gets in, and is known by it; others do not."""

    async def main() -> None:
        tls = authority.server_context(authority.issue("localhost"), ask=True)
        async with Router([f"{scheme}://127.0.0.1:0/ws"], ["realm1"], ssl=tls) as router:
            url = at(router, scheme, "localhost")
            await joined(url, authority.client_context(authority.issue("client.test")), version=4)
            for own in (None, Authority(tmp_path, "foreign").issue("client.test")):
                # TLS 1.3: the client is through before the server has looked at its certificate
                with pytest.raises(Exception, match=r"(?i)certificate|alert|reset|closed|lost"):
                    await joined(url, authority.client_context(own), version=4)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_the_server_knows_its_clients_certificate(loop: str, authority: Authority) -> None:
    async def main() -> None:
        tls = authority.server_context(authority.issue("127.0.0.1"), ask=True)
        async with AsyncExitStack() as stack:
            echo = await stack.enter_async_context(EchoServer(tls).listen())
            order = {
                "way": "factory",
                "url": f"wss://127.0.0.1:{echo.port}/",
                "address": ["127.0.0.1", echo.port],
                "trust_root": str(authority.path),
                "certificate": str(authority.issue("client.test")),
            }
            assert (await connect(loop, order))["opened"]
            certificate = echo.connections[0].transport_details.peer_cert
            assert certificate["subject"] == ((("commonName", "client.test"),),)
            assert certificate["sha256"]

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_tls_over_aiofastnet_where_it_is_installed(loop: str, authority: Authority) -> None:
    pytest.importorskip("aiofastnet", reason="an optional package: client connections over TLS are faster with it")
    seen: list[Any] = []

    async def main() -> None:
        async with Router(
            ["wss://127.0.0.1:0/ws"], ["realm1"], ssl=authority.server_context(authority.issue("localhost"))
        ) as router:
            endpoint = {
                "type": "tcp",
                "host": "localhost",
                "port": int(router.urls[0].rpartition(":")[2].split("/")[0]),
            }
            endpoint["tls"] = {"trust_root": str(authority.path)}
            transport = {"url": at(router, "wss", "localhost"), "max_retries": 0, "endpoint": endpoint}
            component = Component(transports=[transport])

            @component.on_join
            def leave(session: Any, details: Any) -> None:
                seen.append(type(session.transport.transport).__module__)
                seen.append(session.transport.transport_details.peer_cert["subjectAltName"])
                session.leave()

            await component.start()

    run(loop, main(), 12)
    assert seen[0].startswith("aiofastnet")
    assert seen[1] == (("DNS", "localhost"),)


def test_a_loops_own_way_to_connect_is_used() -> None:
    """A program may have replaced it, and other loops have one that is theirs."""

    class Own(asyncio.SelectorEventLoop):
        async def create_connection(self, *args: Any, **options: Any) -> Any:  # type: ignore[override]
            return args, options

    async def main() -> None:
        context = ssl.create_default_context()
        assert await create_connection(asyncio.get_running_loop(), print, "host", 1, ssl=context) == (
            (print, "host", 1),
            {"ssl": context},
        )

    made = Own()
    try:
        made.run_until_complete(main())
    finally:
        made.close()
