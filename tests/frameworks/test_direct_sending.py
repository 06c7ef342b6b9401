# SPDX-License-Identifier: MIT
"""Sending over a transport's socket, on real loops and sockets: the order of octets, and whose descriptor it is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from _live import LOOPS

from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast.asyncio._receiver import direct_socket

PAYLOAD = b"x" * 100_000
FRAME = b"\x82\x7f" + len(PAYLOAD).to_bytes(8) + PAYLOAD


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "asyncio":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def attached(near: socket.socket) -> tuple[Any, WebSocketEngine]:
    """A transport over the socket, and an engine that sends over both."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
    engine = WebSocketEngine(object(), True)
    engine.attach(transport.write, loop.call_soon, *direct_socket(transport))
    return transport, engine


def received(far: socket.socket) -> bytes:
    """What is there."""
    octets = bytearray()
    with contextlib.suppress(BlockingIOError):
        while piece := far.recv(1 << 20):
            octets += piece
    return bytes(octets)


def pair() -> tuple[socket.socket, socket.socket]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    return near, far


@pytest.mark.parametrize("loop", LOOPS)
def test_octets_keep_their_order(loop: str) -> None:
    async def main() -> None:
        near, far = pair()
        transport, engine = await attached(near)
        expected = bytearray()
        got = bytearray()
        for i in range(60):
            transport.write(b"before%d" % i)
            engine.send(PAYLOAD, True)
            engine.send(b"%d" % i, True)
            engine.flush()
            transport.write(b"behind%d" % i)
            expected += b"before%d" % i + FRAME + b"\x82" + bytes([len(str(i))]) + b"%dbehind%d" % (i, i)
            if i % 7 == 0:
                got += received(far)
            if i % 3 == 0:
                await asyncio.sleep(0)
        while len(got) < len(expected):
            await asyncio.sleep(0)
            got += received(far)
        assert got == expected
        assert transport.get_write_buffer_size() == 0
        engine.send(b"at once", True)
        engine.flush()
        assert received(far) == b"\x82\x07at once"
        transport.abort()
        engine.flush()
        await asyncio.sleep(0)
        far.close()

    made = new_loop(loop)
    try:
        made.run_until_complete(asyncio.wait_for(main(), 20))
    finally:
        made.close()


@pytest.mark.filterwarnings(
    "ignore:unclosed resource:ResourceWarning"
)  # what uvloop says; as an error it stops uvloop from closing
def test_a_descriptor_that_uvloop_has_closed_is_not_written_to() -> None:
    near, far = pair()  # asyncio leaves the sockets of a closed loop open

    async def main() -> tuple[Any, WebSocketEngine]:
        transport, engine = await attached(near)
        engine.send(b"first", True)
        return transport, engine

    made = new_loop("uvloop")
    _transport, engine = made.run_until_complete(main())
    made.close()
    assert received(far) == b"\x82\x05first"
    others = [pair() for _ in range(4)]  # the descriptor is one of these now, where the loop has closed it
    for octets in (b"second", PAYLOAD):
        with contextlib.suppress(RuntimeError):  # what transports and loops that are closed say
            engine.send(octets, True)
        with contextlib.suppress(RuntimeError):
            engine.flush()
    assert [received(sock) for both in others for sock in both] == [b""] * 8
    engine.detach()
    for sock in (near, far, *(sock for both in others for sock in both)):
        sock.close()
