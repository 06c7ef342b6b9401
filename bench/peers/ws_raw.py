# SPDX-License-Identifier: MIT
"""The limits: frames made beforehand, written to a bare protocol, and octets that are counted and not looked at.

The option says what is bare: ``protocol`` (asyncio.Protocol), ``buffered`` (asyncio.BufferedProtocol), ``aiofastnet`` (its
transport, buffered). A bare socket without a loop is in ``ws_socket.py``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any
from urllib.parse import urlsplit

from ws_turns import CallbackClient, Turns

REQUEST = (
    "GET {} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BLOCK = 64 << 10
"""Octets of frames that are written together when sending one way."""


def frame(payload: bytes, binary: bool) -> bytes:
    """A masked frame."""
    n, mask = len(payload), os.urandom(4)
    head = struct.pack("!BB", 0x82 if binary else 0x81, 0x80 | (n if n < 126 else 126 if n < 65536 else 127))
    head += b"" if n < 126 else struct.pack("!H" if n < 65536 else "!Q", n)
    key = int.from_bytes(mask * (n // 4 + 1), "big") >> ((4 - n % 4) * 8)
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(n, "big")


def answer_size(n: int) -> int:
    """Octets of a message of ``n`` octets from the far end."""
    return n + (2 if n < 126 else 4 if n < 65536 else 10)


class Bare(Turns):
    """One connection: counts octets."""

    transport: Any
    frames: tuple[bytes, bytes, bytes, bool] = (b"", b"", b"", True)
    """A frame, as many as fit into a block, the payload they are made of, and whether it is binary."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.echo = path.startswith("/echo")
        self.opened = asyncio.get_running_loop().create_future()
        self.open = False
        self.octets = 0
        self.expected = 0
        self.tail = b""

    def connection_made(self, transport: Any) -> None:
        """Ask for the upgrade."""
        self.transport = transport
        transport.write(REQUEST.format(self.path).encode())

    def prepare(self, payload: bytes, binary: bool) -> None:
        """Make the frames, once for a payload."""
        if self.frames[2] != payload or self.frames[3] is not binary:
            one = frame(payload, binary)
            self.frames = one, one * max(BLOCK // len(one), 1), payload, binary

    def emit(self, payload: bytes, binary: bool) -> None:
        """Send the frame."""
        if self.payload is payload and self.echo:
            self.transport.write(self.frames[0])
            return
        self.prepare(payload, binary)
        self.expected = answer_size(len(payload))
        self.transport.write(self.frames[0])

    def got(self, n: int, octets: Any) -> None:
        """``n`` octets came in."""
        if not self.open:
            self.open = True
            self.opened.set_result(None)
            return
        self.octets += n
        if self.octets >= self.expected:
            self.octets -= self.expected
            if self.echo:
                self.step()
            else:
                self.tail = bytes(octets[:n])
                self.finish()


class Plain(Bare, asyncio.Protocol):
    """On asyncio.Protocol."""

    def data_received(self, data: bytes) -> None:
        self.got(len(data), data)


class Buffered(Bare, asyncio.BufferedProtocol):
    """On asyncio.BufferedProtocol."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.room = bytearray(256 << 10)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.room

    def buffer_updated(self, nbytes: int) -> None:
        self.got(nbytes, self.room)


class Client(CallbackClient):
    """Connections are bare protocols."""

    def __init__(self, option: str, _loop: str) -> None:
        self.option = option or "protocol"

    async def connect(self, url: str, path: str, context: Any, deflate: bool) -> Bare:
        """An open connection."""
        if deflate:
            raise ValueError("prebuilt frames are not compressed")
        where, loop = urlsplit(url), asyncio.get_running_loop()
        made = Plain if self.option == "protocol" else Buffered
        if self.option == "aiofastnet":
            import aiofastnet

            _, protocol = await aiofastnet.create_connection(
                loop, lambda: made(where.path), where.hostname, where.port, ssl=context
            )
        else:
            _, protocol = await loop.create_connection(
                lambda: made(where.path), where.hostname, where.port, ssl=context
            )
        protocol.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await protocol.opened
        return protocol

    async def echo(
        self, connections: list[Any], payload: bytes, binary: bool, count: int, stamps: list[float] | None
    ) -> None:
        for connection in connections:
            connection.prepare(payload, binary)
            connection.expected = answer_size(len(payload))
        await super().echo(connections, payload, binary, count, stamps)

    async def send(self, connection: Bare, payload: bytes, binary: bool, count: int) -> str:
        """The same as blocks of frames."""
        connection.prepare(payload, binary)
        one, block = connection.frames[:2]
        per_block = len(block) // len(one)
        while count >= per_block:
            connection.transport.write(block)
            count -= per_block
            await asyncio.sleep(0)
        if count:
            connection.transport.write(one * count)
        connection.expected, connection.octets, connection.done = 1, 0, self.new_future()
        kept = connection.frames
        connection.transport.write(frame(b"count", False))
        await connection.done
        connection.frames = kept
        return connection.tail[2:].decode()

    async def receive(self, connection: Bare, size: int, binary: bool, count: int) -> None:
        """Take the octets of ``count`` messages."""
        connection.expected, connection.octets = answer_size(size) * count, 0
        connection.done = self.new_future()
        connection.transport.write(frame(f"flood {count} {size}{'' if binary else ' text'}".encode(), False))
        await connection.done

    async def close(self, connection: Bare) -> None:
        """End a connection."""
        connection.transport.close()
