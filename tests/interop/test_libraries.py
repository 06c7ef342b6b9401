# SPDX-License-Identifier: MIT
"""Ours with ``websockets`` and ``aiohttp``, in both roles: deflate, TLS, large messages, subprotocols, pings, close codes."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from _authority import Authority
from _live import LOOPS, run
from _peers import CLIENTS, SERVERS

PAIRS = [("ours", "websockets"), ("ours", "aiohttp"), ("websockets", "ours"), ("aiohttp", "ours")]
WARNINGS = ("-W", "error", "-W", "ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted passes them
SIZE = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def large() -> tuple[str, bytes]:
    """10 MB of text with characters of 1 to 4 octets, and of octets that half compress."""
    word = "WebSocket Grüße 你好 𝄞 "
    text = word * (SIZE // len(word.encode()) + 1)
    return text, random.Random(7).randbytes(SIZE // 2) + bytes(SIZE // 2)


async def talk(client: Any, large: tuple[str, bytes]) -> None:
    """Everything a connection does."""
    assert client.subprotocol == "echo"
    assert client.deflate
    messages = [
        *("", "Grüße 𝄞", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536),
        *(b"", b"\x00\xff", bytes(125), bytes(126), bytes(65535), bytes(65536)),
        *large,
    ]
    for message in messages:
        await client.send(message)
        received = await client.receive()
        received = bytes(received) if isinstance(received, bytearray) else received
        assert received == message, f"{len(message)} of {type(message)}"
    await client.ping()
    await client.send("once more")
    assert await client.receive() == "once more"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_all_of_it(
    loop: str, client: str, server: str, scheme: str, authority: Authority, large: tuple[str, bytes]
) -> None:
    secure = scheme == "wss"

    async def main() -> None:
        server_tls = authority.server_context(authority.issue("127.0.0.1")) if secure else None
        client_tls = authority.client_context() if secure else None
        async with SERVERS[server](server_tls) as port:
            async with CLIENTS[client](f"{scheme}://127.0.0.1:{port}/", client_tls) as connection:
                await talk(connection, large)
                await connection.close(3001)
            async with CLIENTS[client](f"{scheme}://127.0.0.1:{port}/", client_tls) as connection:
                await connection.send("close 4711")
                assert await connection.closed() == (4711, "as you wish")

    run(loop, main(), 60)


def test_our_twisted_server_with_their_clients(authority: Authority, large: tuple[str, bytes]) -> None:
    """The server is a process of its own, on the default reactor, with TLS; then its client talks to their server."""
    program = Path(__file__).with_name("_twisted_peer.py")
    pem = authority.issue("127.0.0.1")
    with subprocess.Popen(
        [sys.executable, *WARNINGS, str(program), "server", str(pem)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(program.parents[2])},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        port = int(process.stdout.readline().split()[1])

        async def main() -> None:
            for name in ("websockets", "aiohttp"):
                async with CLIENTS[name](f"wss://127.0.0.1:{port}/", authority.client_context()) as connection:
                    await talk(connection, large)
                    await connection.close(3001)
                async with CLIENTS[name](f"wss://127.0.0.1:{port}/", authority.client_context()) as connection:
                    await connection.send("close 4711")
                    assert await connection.closed() == (4711, "as you wish")

        try:
            run("asyncio", main(), 60)
        finally:
            process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize("server", ["websockets", "aiohttp"])
def test_our_twisted_client_with_their_servers(server: str, authority: Authority) -> None:
    program = Path(__file__).with_name("_twisted_peer.py")

    async def main() -> None:
        async with SERVERS[server](authority.server_context(authority.issue("127.0.0.1"))) as port:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *WARNINGS, str(program), "client", str(authority.path), str(port),
                stderr=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(program.parents[2])},
            )  # fmt: skip
            _, err = await process.communicate()
            assert process.returncode == 0, err.decode()

    run("asyncio", main(), 60)
