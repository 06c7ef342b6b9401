# SPDX-License-Identifier: MIT
"""Components over every transport: ws, wss, rs, rss, a Unix socket, several in turn; and publishers that wait for room."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from _live import LOOPS, make_certificate, run

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router

FAST = {"initial_retry_delay": 0.01, "max_retry_delay": 0.05}
KINDS = ("ws", "wss", "rs", "rss", "unix")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def server_context(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def listener(kind: str, directory: Path) -> str:
    return f"unix:{directory}/r.sock" if kind == "unix" else f"{kind}://127.0.0.1:0/ws"


def transport(kind: str, url: str, pem: Path) -> dict[str, Any]:
    """A transport of a component, as its configuration has it."""
    if kind == "unix":
        path = url.removeprefix("unix:")
        return {"type": "rawsocket", "url": "rs://localhost", "serializer": "msgpack", **FAST,
                "endpoint": {"type": "unix", "path": path}}  # fmt: skip
    config: dict[str, Any] = {"url": url, **FAST}
    if kind in ("rs", "rss"):
        config.update(type="rawsocket", serializer="cbor")
    if kind in ("wss", "rss"):
        port = int(url.rpartition(":")[2].split("/")[0])
        tls = ssl.create_default_context(cafile=str(pem))
        config["endpoint"] = {"type": "tcp", "host": "localhost", "port": port, "tls": tls, "version": 4}
    return config


@asynccontextmanager
async def joined(*transports: dict[str, Any]) -> Any:
    """A started component; yields a queue of the sessions that join, one after another."""
    component = Component(transports=list(transports))
    sessions: asyncio.Queue[Any] = asyncio.Queue()
    component.on_join(lambda session, details: sessions.put_nowait(session))
    done = component.start()
    try:
        yield sessions
    finally:
        component.stop()
        await done


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_transport(loop: str, kind: str, pem: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with Router([listener(kind, tmp_path)], ["realm1"], ssl=server_context(pem)) as router:
            config = transport(kind, router.urls[0], pem)
            async with joined(config) as here, joined(config) as there:
                a, b = await here.get(), await there.get()
                assert a.transport.transport_details.is_secure is (kind in ("wss", "rss"))
                got: asyncio.Queue[Any] = asyncio.Queue()
                await b.subscribe(lambda *args, **kwargs: got.put_nowait((args, kwargs)), "com.example.topic")
                await b.register(lambda x, y: x + y, "com.example.add")
                a.publish("com.example.topic", 1, b"\x00\xff", key="value")
                assert await got.get() == ((1, b"\x00\xff"), {"key": "value"})
                large = "x" * 3_000_000
                assert await a.call("com.example.add", large, "y") == large + "y"

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
def test_several_in_turn(loop: str, pem: Path, tmp_path: Path) -> None:
    async def main() -> None:
        first = Router(["ws://127.0.0.1:0/ws"], ["realm1"])
        await first.start()
        async with Router(["rs://127.0.0.1:0"], ["realm1"]) as second:
            transports = (
                transport("unix", f"unix:{tmp_path}/nobody.sock", pem),
                transport("ws", first.urls[0], pem),
                transport("rs", second.urls[0], pem),
            )
            async with joined(*transports) as sessions:
                session = await sessions.get()
                assert session.transport.transport_details.channel_framing == 2  # WebSocket: the second was tried next
                await first.stop()
                session = await sessions.get()
                assert session.transport.transport_details.channel_framing == 3  # RawSocket
                await session.subscribe(print, "com.example.topic")

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", ["wss", "rss"])
def test_the_servers_certificate_is_verified_unless_told_otherwise(
    loop: str, kind: str, pem: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Router([listener(kind, tmp_path)], ["realm1"], ssl=server_context(pem)) as router:
            config = transport(kind, router.urls[0], pem)
            config["endpoint"]["tls"] = True  # trusts what the system trusts: not this certificate
            failures: list[BaseException] = []
            component = Component(transports=[{**config, "max_retries": 0}])
            component.on_connectfailure(lambda _, reason: failures.append(reason))
            component.on_join(lambda session, details: pytest.fail("joined through a certificate nobody vouched for"))
            with pytest.raises(RuntimeError, match="Exhausted all transport connect attempts"):
                await component.start()
            assert [type(failure) for failure in failures] == [ssl.SSLCertVerificationError]

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_publisher_waits_for_a_router_that_reads_no_more(loop: str) -> None:
    """``drain`` returns at once while there is room, waits while the peer does not read, and memory stays bounded."""

    async def main() -> None:
        accepted: asyncio.Queue[Any] = asyncio.Queue()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(4)
            writer.write(b"\x7f\xf2\x00\x00")
            head = await reader.readexactly(4)
            await reader.readexactly(int.from_bytes(head[1:], "big"))
            welcome = b"\x93\x02\x01\x81\xa5roles\x82\xa6broker\x80\xa6dealer\x80"
            writer.write(len(welcome).to_bytes(4, "big") + welcome)
            accepted.put_nowait((reader, writer))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        config = {"type": "rawsocket", "url": f"rs://127.0.0.1:{port}", "serializer": "msgpack", **FAST}
        async with joined(config) as sessions:
            session = await sessions.get()
            reader, writer = await accepted.get()
            payload, sent = b"x" * 10_000, 0
            while True:
                session.publish("com.example.topic", payload)
                sent += 1
                try:
                    await asyncio.wait_for(session.drain(), 1)
                except TimeoutError:
                    break
                assert sent < 100_000, "drain never waited"
            assert session.is_writable is False
            assert session.transport.transport.get_write_buffer_size() < 1_000_000
            waiting = asyncio.ensure_future(session.drain())
            total = 0
            while not waiting.done():
                total += len(await reader.read(1 << 20))
            await waiting
            assert session.is_writable is True
            session.publish("com.example.topic", payload)
            while total < (sent + 1) * len(payload):
                total += len(await reader.read(1 << 20))
            writer.close()
        server.close()

    run(loop, main())
