# SPDX-License-Identifier: MIT
"""TLS by pyOpenSSL on asyncio and uvloop: components over it, its transport's manners, and servers that are not what they say."""

from __future__ import annotations

import asyncio
import gc
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _live import LOOPS, make_certificate, run

from autobahn_fast.asyncio import _openssl
from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router

EXPORTER = {"cryptosign": {"privkey": "11" * 32, "authextra": {"channel_binding": "tls-exporter"}}, "anonymous": {}}
"""Asks for the exporter, and is content with a router that is not able to use it."""


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_certificate(tmp_path_factory.mktemp("tls")))


def server_context(pem: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.maximum_version = version
    return context


class Peer(asyncio.Protocol):
    """Keeps what comes in; may close at the first octet."""

    def __init__(self, peers: list[Peer] | None = None) -> None:
        if peers is not None:
            peers.append(self)
        loop = asyncio.get_running_loop()
        self.got = bytearray()
        self.made, self.lost = loop.create_future(), loop.create_future()
        self.events: list[str] = []
        self.more = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.made.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.got += data
        self.more.set()

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)

    async def until(self, count: int) -> None:
        while len(self.got) < count:
            self.more.clear()
            await self.more.wait()


async def connected(pem: str, server: Any, tls: Any = None, hostname: str = "localhost") -> Any:
    """A connection to a listening server; returns transport and protocol."""
    loop = asyncio.get_running_loop()
    port = server.sockets[0].getsockname()[1]
    given = {"trust_root": pem} if tls is None else tls
    return await _openssl.connect(
        loop, Peer, given, hostname, lambda below: loop.create_connection(below, "127.0.0.1", port)
    )


async def listening(factory: Callable[[], Any], context: ssl.SSLContext | None) -> Any:
    return await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=context)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", ["wss", "rss"])
def test_a_component_over_it(loop: str, kind: str, pem: str) -> None:
    async def main() -> None:
        async with Router([f"{kind}://127.0.0.1:0/ws"], ["realm1"], ssl=server_context(pem)) as router:
            url = router.urls[0].replace("127.0.0.1", "localhost")
            port = int(url.rpartition(":")[2].split("/")[0])
            endpoint = {"type": "tcp", "host": "127.0.0.1", "port": port, "tls": {"trust_root": pem}}
            transport = {"url": url, "endpoint": endpoint, "max_retries": 0}
            if kind == "rss":
                transport |= {"type": "rawsocket", "serializer": "cbor"}
            results: list[Any] = []

            async def work(_loop: Any, session: Any) -> None:
                details = session.session_details.transport
                assert details.is_secure
                assert set(details.channel_id) == {"tls-unique", "tls-exporter"}
                assert details.peer_cert["sha256"]
                assert details.peer.startswith("tcp4:127.0.0.1:")
                await session.register(lambda value: value, "com.example.echo")
                large = "x" * 3_000_000
                for value in (1, b"\x00\xff", large):
                    results.append(await session.call("com.example.echo", value) == value)

            await Component(work, transports=transport, authentication=EXPORTER).start()
            assert results == [True] * 3

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_octets_both_ways_and_a_clean_end(loop: str, version: ssl.TLSVersion, pem: str) -> None:
    async def main() -> None:
        peers: list[Peer] = []
        server = await listening(lambda: Peer(peers), server_context(pem, version))
        transport, client = await connected(pem, server)
        await peers[0].made
        octets = bytes(range(256)) * 4000
        transport.write(octets)
        transport.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
        await peers[0].until(len(octets) + 3)
        assert peers[0].got == octets + b"abc"
        transport.pause_reading()
        assert not transport.is_reading()
        peers[0].transport.write(octets)
        await asyncio.sleep(0.05)
        assert not client.got
        transport.resume_reading()
        await client.until(len(octets))
        assert client.got == octets
        assert not transport.can_write_eof()
        transport.close()
        assert transport.is_closing()
        transport.write(b"nothing")
        assert await client.lost is None
        assert await peers[0].lost is None
        server.close()

    run(loop, main())
    gc.collect()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("how", ["close", "abort"])
def test_the_server_ends_it(loop: str, how: str, pem: str) -> None:
    async def main() -> None:
        peers: list[Peer] = []
        server = await listening(lambda: Peer(peers), server_context(pem))
        transport, client = await connected(pem, server)
        await peers[0].made
        getattr(peers[0].transport, how)()
        await client.lost
        assert transport.is_closing()
        server.close()

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_slow_reader_pauses_the_writer(loop: str, pem: str) -> None:
    async def main() -> None:
        peers: list[Peer] = []
        server = await listening(lambda: Peer(peers), server_context(pem))
        transport, client = await connected(pem, server)
        await peers[0].made
        peers[0].transport.pause_reading()
        transport.set_write_buffer_limits(high=65536)
        total = 0
        while "pause" not in client.events:
            transport.write(b"x" * 100_000)
            total += 100_000
            assert total < 100_000_000
            await asyncio.sleep(0)
        assert transport.get_write_buffer_size() > transport.get_write_buffer_limits()[1] == 65536
        peers[0].transport.resume_reading()
        await peers[0].until(total)
        while "resume" not in client.events:
            await asyncio.sleep(0.001)
        transport.abort()
        await client.lost
        server.close()

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("tls", "hostname"), [(True, "localhost"), (None, "example.com"), (None, "127.0.0.2")])
def test_certificates_are_verified(loop: str, tls: Any, hostname: str, pem: str) -> None:
    """A certificate that nobody vouches for; the wrong name; the wrong address."""

    async def main() -> None:
        server = await listening(Peer, server_context(pem))
        with pytest.raises(ssl.SSLCertVerificationError, match=f"certificate of '{hostname}' is refused"):
            await connected(pem, server, tls, hostname)
        server.close()

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
def test_an_address_in_the_certificate(loop: str, pem: str) -> None:
    async def main() -> None:
        server = await listening(Peer, server_context(pem))
        transport, client = await connected(pem, server, None, "127.0.0.1")
        transport.close()
        await client.lost
        server.close()

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 400 No\r\n\r\n", "handshake with 'localhost' failed"),
        (b"", "closed the connection in the TLS handshake|reset"),
    ],
)
def test_a_server_without_tls(loop: str, answer: bytes, text: str, pem: str) -> None:
    class Plain(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(answer)
            self.transport.close()

    async def main() -> None:
        server = await listening(Plain, None)
        with pytest.raises(OSError, match=text):
            await connected(pem, server)
        server.close()

    run(loop, main())


def test_a_protocol_that_fails_loses_its_connection(pem: str) -> None:
    async def main() -> None:
        problems: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context["exception"]))
        peers: list[Peer] = []
        server = await listening(lambda: Peer(peers), server_context(pem))
        _, client = await connected(pem, server)

        def fail(data: bytes) -> None:
            raise KeyError("mine")

        client.data_received = fail
        await peers[0].made
        peers[0].transport.write(b"x")
        await client.lost
        assert [type(problem) for problem in problems] == [KeyError]
        server.close()

    with asyncio.Runner() as runner:
        runner.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize("missing", ["OpenSSL", "service_identity.pyopenssl"])
def test_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setitem(sys.modules, missing, None)
        component = Component(
            transports={"url": "wss://localhost:1/ws"},
            authentication=EXPORTER,
        )
        with pytest.raises(RuntimeError, match="Exhausted") as caught:
            await component.start()
        assert "pip install pyopenssl service_identity" in str(caught.value.__cause__)

    run("asyncio", main())


def test_what_cannot_be_used(pem: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"an ssl\.SSLContext cannot be used with channel binding 'tls-exporter'"):
        _openssl.client_context(ssl.create_default_context())
    (tmp_path / "no.pem").write_text("nothing")
    for name in ("no.pem", "missing.pem"):
        with pytest.raises(OSError, match=name):
            _openssl.client_context({"trust_root": str(tmp_path / name)})
    context = _openssl.client_context({"trust_root": pem})
    assert _openssl.client_context(context) is context
