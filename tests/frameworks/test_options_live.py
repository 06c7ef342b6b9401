# SPDX-License-Identifier: MIT
"""What each option does, between a server and a client over sockets, or a server and octets written by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _live import LOOPS, run
from _servers import EchoServer

from autobahn_fast.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol


class Client(WebSocketClientProtocol):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.got: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.got.put_nowait((payload, isBinary))


async def connect(server: EchoServer, options: dict[str, Any] | None = None, **arguments: Any) -> Client:
    """Connect; return the connection, open or closed."""
    factory = WebSocketClientFactory(f"ws://127.0.0.1:{server.port}/", **arguments)
    factory.protocol = Client
    factory.setProtocolOptions(**(options or {}))
    connection: Client = (await asyncio.get_running_loop().create_connection(factory, *server.address))[1]
    ends = [asyncio.ensure_future(future) for future in (connection.is_open, connection.is_closed)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    return connection


async def until_closed(connection: Any) -> Any:
    """Wait until a connection is closed; return it."""
    while connection.transport is not None:
        await asyncio.sleep(0.01)
    return connection


async def raw(server: EchoServer, octets: bytes) -> bytes:
    """Write octets; return all that the server answers."""
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(octets)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def get(target: str = "/", *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


@pytest.mark.parametrize("loop", LOOPS)
def test_max_connections(loop: str) -> None:
    async def main() -> None:
        async with EchoServer(maxConnections=2).listen() as server:
            first, second = await connect(server), await connect(server)
            assert first.state == second.state == Client.STATE_OPEN
            third = await connect(server)
            assert "503" in third.wasNotCleanReason
            first.sendClose(1000)
            await until_closed(first)
            await until_closed(server.connections[0])
            fourth = await connect(server)
            assert fourth.state == Client.STATE_OPEN
            for connection in (second, fourth):
                connection.sendClose(1000)
                await until_closed(connection)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("trusted", "peer"), [(0, "tcp4:127.0.0.1:"), (1, "9.9.9.9"), (2, "8.8.8.8"), (5, "6.6.6.6")])
def test_trust_x_forwarded_for(loop: str, trusted: int, peer: str) -> None:
    async def main() -> None:
        async with EchoServer(trustXForwardedFor=trusted).listen() as server:
            connection = await connect(server, headers={"X-Forwarded-For": "6.6.6.6, 8.8.8.8,9.9.9.9"})
            assert server.requests[0].peer.startswith(peer)
            assert server.connections[0].peer.startswith(peer)
            connection.sendClose(1000)
            await until_closed(connection)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("allowed", "origin", "accepted"),
    [
        (["*"], "http://any.test", True),
        (["https://a.test"], "https://a.test", True),
        (["https://a.test"], "https://a.test:443", True),
        (["https://a.test"], "http://a.test", False),
        (["https://a.test"], "https://a.test.evil.test", False),
        (["https://a.test"], "https://evil.test/https://a.test", False),
        (["*://*.a.test:*"], "https://x.a.test:8443", True),
        (["*://*.a.test:*"], "https://xa.test:8443", False),
        (["https://a.test"], "null", True),
        (["https://a.test"], None, True),
    ],
)
def test_allowed_origins(loop: str, allowed: list[str], origin: str | None, accepted: bool) -> None:
    async def main() -> None:
        async with EchoServer(allowedOrigins=allowed, allowNullOrigin=True).listen() as server:
            connection = await connect(server, origin=origin)
            assert (connection.state == Client.STATE_OPEN) is accepted, connection.wasNotCleanReason
            if accepted:
                connection.sendClose(1000)
            await until_closed(connection)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_allow_null_origin(loop: str) -> None:
    async def main() -> None:
        async with EchoServer(allowNullOrigin=False).listen() as server:
            for origin in ("null", "file:///tmp/page.html"):
                connection = await connect(server, origin=origin)
                assert "403" in connection.wasNotCleanReason

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_web_status(loop: str) -> None:
    """A page for browsers; it sends them on to this server only."""

    async def main() -> None:
        async with EchoServer(webStatus=True).listen() as server:
            answer = await raw(server, get())
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"refresh" not in answer
            assert b"\r\nLocation: /next\r\n" in await raw(server, get("/?redirect=/next"))
            assert b"URL='/next'" in await raw(server, get("/?redirect=/next&after=3"))
            for url in ("http://evil.test/", "//evil.test", "/%5Cevil.test", "javascript:alert(1)", "/%0d%0aX:y"):
                for after in ("", "&after=3"):
                    answer = await raw(server, get(f"/?redirect={url}{after}"))
                    assert b"evil" not in answer
                    assert b"Location" not in answer
                    assert b"refresh" not in answer
        async with EchoServer(webStatus=False).listen() as server:
            assert (await raw(server, get())).startswith(b"HTTP/1.1 426 ")

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_flash_socket_policy(loop: str) -> None:
    async def main() -> None:
        async with EchoServer(serveFlashSocketPolicy=True, flashSocketPolicy="<policy/>").listen() as server:
            assert await raw(server, b"<policy-file-request/>\x00") == b"<policy/>\x00"
        async with EchoServer().listen() as server:
            assert b"policy" not in await raw(server, b"<policy-file-request/>\x00\r\n\r\n")

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_versions(loop: str) -> None:
    async def main() -> None:
        async with EchoServer(versions=[13]).listen() as server:
            refused = await connect(server, {"version": 12})
            assert "400" in refused.wasNotCleanReason
        async with EchoServer(versions=[8, 13]).listen() as server:
            for version, number in ((12, 8), (18, 13)):
                connection = await connect(server, {"version": version})
                assert server.requests[-1].version == number
                connection.sendClose(1000)
                await until_closed(connection)

    run(loop, main(), 12)


CLOSE = {"failByDrop": False, "closeHandshakeTimeout": 1}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("server_options", "client_options", "payload", "code"),
    [
        ({}, {"maskClientFrames": False}, b"x", 1002),
        ({"requireMaskedClientFrames": False}, {"maskClientFrames": False}, b"x", None),
        ({"maskServerFrames": True}, {}, b"x", -1002),
        ({"maskServerFrames": True}, {"acceptMaskedServerFrames": True}, b"x", None),
        ({"applyMask": False}, {"applyMask": False}, b"x", None),
        ({"utf8validateIncoming": True}, {}, b"\xff", 1007),
        ({"utf8validateIncoming": False}, {"utf8validateIncoming": False}, b"\xff", None),
        ({"utf8validateIncoming": False}, {}, b"\xff", -1007),
        ({"maxMessagePayloadSize": 10}, {}, b"x" * 10, None),
        ({"maxMessagePayloadSize": 10}, {}, b"x" * 11, 1009),
        ({"maxMessagePayloadSize": 10}, {"autoFragmentSize": 5}, b"x" * 11, 1009),
        ({"maxFramePayloadSize": 10}, {"autoFragmentSize": 10}, b"x" * 1000, None),
        ({"maxFramePayloadSize": 10}, {}, b"x" * 11, 1009),
        ({"autoFragmentSize": 7}, {"maxFramePayloadSize": 7}, b"x" * 1000, None),
        ({"autoFragmentSize": 8}, {"maxFramePayloadSize": 7}, b"x" * 1000, -1009),
        ({}, {"maxMessagePayloadSize": 1000}, b"x" * 1000, None),
    ],
)
def test_frames_and_messages(
    loop: str, server_options: dict[str, Any], client_options: dict[str, Any], payload: bytes, code: int | None
) -> None:
    """The close code that the server sends; negative: that the client sends; None: the message is echoed."""

    async def main() -> None:
        async with EchoServer(**server_options, **CLOSE).listen() as server:
            connection = await connect(server, {**client_options, **CLOSE})
            connection.sendMessage(payload, False)
            if code is None:
                assert await connection.got.get() == (payload, False)
                connection.sendClose(1000)
                await until_closed(connection)
                return
            await until_closed(connection)
            await until_closed(server.connections[0])
            judge, peer = (server.connections[0], connection) if code > 0 else (connection, server.connections[0])
            assert judge.localCloseCode == abs(code)
            assert peer.remoteCloseCode == abs(code)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("echo", "code"), [(True, 3333), (False, 1000)])
def test_echo_close_code_and_reason(loop: str, echo: bool, code: int) -> None:
    async def main() -> None:
        async with EchoServer(echoCloseCodeReason=echo).listen() as server:
            connection = await connect(server)
            connection.sendClose(3333, "why")
            await until_closed(connection)
            assert connection.wasClean
            assert (connection.remoteCloseCode, connection.remoteCloseReason) == (code, "why" if echo else None)

    run(loop, main(), 12)


@pytest.mark.parametrize("loop", LOOPS)
def test_open_handshake_timeout(loop: str) -> None:
    async def main() -> None:
        async with EchoServer(openHandshakeTimeout=0.1).listen() as server:
            assert await raw(server, b"GET / HTTP/1.1\r\n") == b""

    run(loop, main(), 12)
