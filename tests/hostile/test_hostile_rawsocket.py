# SPDX-License-Identifier: MIT
"""Row 17: RawSocket servers that are none, refuse, or go mad; a component says of each what was wrong, and nothing hangs.

The octets of each handshake and packet are in tests/rawsocket and tests/core/test_packets.py, a router's side in tests/router.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from autobahn_fast.asyncio.component import Component

ACCEPT = b"\x7f\xf1\x00\x00"
WELCOME = b'[2,1,{"roles":{"broker":{},"dealer":{}}}]'
JOINED = ACCEPT + len(WELCOME).to_bytes(4, "big") + WELCOME

CASES = [
    (b"\x00\x00\x00\x00", "does not speak RawSocket|magic"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak RawSocket|magic"),
    (b"\x7f\x10\x00\x00", "serializer unsupported"),
    (b"\x7f\x20\x00\x00", "maximum message length unacceptable"),
    (b"\x7f\x30\x00\x00", "reserved bits"),
    (b"\x7f\x40\x00\x00", "maximum connection count"),
    (b"\x7f\x00\x00\x00", "RawSocket handshake failed"),
    (b"\x7f\xf2\x00\x00", "another serializer|serializer"),
    (b"\x7f\xf1\x00\x01", "reserved"),
    (b"\x7f", "before the RawSocket handshake was done"),
    (b"", "before the RawSocket handshake was done"),
    (ACCEPT + b"\x03\x00\x00\x00", "broke the protocol"),
    (ACCEPT + b"\xf0\x00\x00\x01x", "broke the protocol"),
    (ACCEPT + b"\x08\x00\x00\x01", "broke the protocol"),
    (ACCEPT + b"\x00\x00\x00\x07garbage", "protocol"),
    (ACCEPT + b"\x00\x00\x00\x00", "protocol"),
    (JOINED + b"\x07\xff\xff\xff", "protocol|lost"),
    (JOINED + b"\x00\x00\x00\x02[]", "protocol"),
    (JOINED + b"\x00\xff\xff\xff half a message", "lost"),
]


async def ask(octets: bytes) -> tuple[Any, int, bytes]:
    """Connect to a server that says this and goes away. :returns: the failure, how often, and what the client sent."""
    count, received, served = 0, b"", asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count, received
        count += 1
        await reader.readexactly(4)
        rest = octets
        if octets.startswith(ACCEPT):
            writer.write(ACCEPT)
            await reader.read(10_000)  # HELLO
            rest = octets.removeprefix(ACCEPT)
        writer.write(rest)
        try:
            received += await asyncio.wait_for(reader.read(10_000), 0.05)
            received += await asyncio.wait_for(reader.read(10_000), 0.05)
        except (TimeoutError, ConnectionError):
            pass
        writer.close()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = {"type": "rawsocket", "url": f"rs://127.0.0.1:{port}", "serializer": "json", "max_retries": 0}
    component = Component(transports=transport)
    try:
        with pytest.raises(RuntimeError, match="Exhausted") as caught:
            await asyncio.wait_for(component.start(), 10)
        await served.wait()
    finally:
        server.close()
        await asyncio.sleep(0)
    return caught.value.__cause__, count, received


@pytest.mark.parametrize(("octets", "reason"), CASES)
def test_servers_that_are_not_what_they_should_be(octets: bytes, reason: str) -> None:
    async def main() -> None:
        failure, count, _ = await ask(octets)
        assert count == 1
        assert pytest.raises(Exception, match=reason).matches(failure), failure

    asyncio.run(main())


def test_pings_with_and_without_payload_are_answered() -> None:
    async def main() -> None:
        payload = bytes(range(256)) * 20
        pings = b"\x01" + len(payload).to_bytes(3, "big") + payload + b"\x01\x00\x00\x00" + b"\x02\x00\x00\x03abc"
        _, _, received = await ask(JOINED + pings)
        assert b"\x02" + len(payload).to_bytes(3, "big") + payload + b"\x02\x00\x00\x00" in received

    asyncio.run(main())
