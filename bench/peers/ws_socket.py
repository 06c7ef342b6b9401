# SPDX-License-Identifier: MIT
"""The limit without a loop: frames made beforehand over a blocking socket, octets that are counted and not looked at."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from ws_raw import BLOCK, REQUEST, answer_size, frame

clock = time.perf_counter


class Connection:
    """A socket past its handshake, and the frames of the payload it was last asked to send."""

    def __init__(self, sock: socket.socket | ssl.SSLSocket) -> None:
        self.socket = sock
        self.room = memoryview(bytearray(256 << 10))
        self._made: tuple[bytes, bool] = b"", True
        self.frame = self.block = b""

    def prepare(self, payload: bytes, binary: bool) -> None:
        """Make the frames, once for a payload."""
        if self._made != (payload, binary):
            self._made = payload, binary
            self.frame = frame(payload, binary)
            self.block = self.frame * max(BLOCK // len(self.frame), 1)

    def take(self, octets: int) -> int:
        """Read until so many octets are there; returns how many the last read gave, which are at the start of `room`."""
        got = 0
        receive, room = self.socket.recv_into, self.room
        while octets > 0:
            got = receive(room)
            if not got:
                raise ConnectionError("the far end has closed the connection")
            octets -= got
        return got


class Client:
    """What `ws.Handler` asks of a peer; nothing is awaited, for there is only one connection and no loop in it."""

    def __init__(self, _option: str, _loop: str) -> None:
        pass

    async def connect(self, url: str, _path: str, context: Any, deflate: bool) -> Connection:
        """An open connection."""
        if deflate:
            raise ValueError("prebuilt frames are not compressed")
        where = urlsplit(url)
        sock: Any = socket.create_connection((where.hostname, where.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock)
        sock.sendall(REQUEST.format(where.path).encode())
        connection = Connection(sock)
        connection.take(1)
        return connection

    async def echo(
        self, connections: list[Connection], payload: bytes, binary: bool, count: int, stamps: list[float] | None
    ) -> None:
        """``count`` round trips on the one connection. A message that fits into no socket buffer is sent in parts."""
        (connection,) = connections
        connection.prepare(payload, binary)
        octets, expected = connection.frame, answer_size(len(payload))
        send, take = connection.socket.sendall, connection.take
        for _ in range(count):
            send(octets)
            take(expected)
            if stamps is not None:
                stamps.append(clock())

    async def send(self, connection: Connection, payload: bytes, binary: bool, count: int) -> str:
        """``count`` messages in blocks of frames, then the question how many have come; returns the answer."""
        connection.prepare(payload, binary)
        send, one, block = connection.socket.sendall, connection.frame, connection.block
        per_block = len(block) // len(one)
        while count >= per_block:
            send(block)
            count -= per_block
        if count:
            send(one * count)
        send(frame(b"count", False))
        return bytes(connection.room[2 : connection.take(1)]).decode()

    async def receive(self, connection: Connection, size: int, binary: bool, count: int) -> None:
        """Have the far end send ``count`` messages and take their octets."""
        connection.socket.sendall(frame(f"flood {count} {size}{'' if binary else ' text'}".encode(), False))
        connection.take(answer_size(size) * count)

    async def close(self, connection: Connection) -> None:
        """End a connection."""
        connection.socket.close()
