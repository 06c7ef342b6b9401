# SPDX-License-Identifier: MIT
"""RawSocket on asyncio and uvloop over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _live import CARRIERS, LOOPS, Carrier, run

from autobahn_fast.asyncio.rawsocket import (
    WampRawSocketClientFactory,
    WampRawSocketServerFactory,
    WampRawSocketServerProtocol,
)
from autobahn_fast.wamp import message
from autobahn_fast.wamp.serializer import (
    CBORSerializer,
    FlatBuffersSerializer,
    JsonSerializer,
    MsgPackSerializer,
    UBJSONSerializer,
)

both_loops = pytest.mark.parametrize("loop", LOOPS)


class Session:
    def __init__(self) -> None:
        self.got: asyncio.Queue[Any] = asyncio.Queue()
        self.transport: Any = None

    def onOpen(self, transport: Any) -> None:
        self.transport = transport
        self.got.put_nowait("open")

    def onMessage(self, msg: Any) -> None:
        self.got.put_nowait(msg)

    def onClose(self, wasClean: bool) -> None:
        self.got.put_nowait(("close", wasClean))


@both_loops
@pytest.mark.parametrize("kind", CARRIERS)
@pytest.mark.parametrize(
    "serializer", [CBORSerializer, MsgPackSerializer, UBJSONSerializer, JsonSerializer, FlatBuffersSerializer]
)
def test_messages(loop, kind, serializer, tmp_path):
    async def main():
        carrier = Carrier(kind, tmp_path)
        here, there = Session(), Session()
        # FlatBuffers is used where it is asked for by name only.
        named = [serializer()] if serializer is FlatBuffersSerializer else None
        async with carrier.listen(WampRawSocketServerFactory(lambda: there, named)):
            connection = await carrier.connect(WampRawSocketClientFactory(lambda: here, serializer()))
            assert await here.got.get() == "open"
            assert await there.got.get() == "open"
            sent = [message.Abort("com.example.reason", "x" * size) for size in (0, 1, 1000, 70000, 1000000)]
            for msg in sent:
                connection.send(msg)
            for msg in sent:
                assert await there.got.get() == msg
            there.transport.send(sent[1])
            assert await here.got.get() == sent[1]
            assert connection.transport_details.is_secure is (kind == "tls")
            connection.close()
            assert await here.got.get() == ("close", True)
            assert await there.got.get() == ("close", True)
            await connection.is_closed

    run(loop, main())


@both_loops
def test_a_peer_that_says_nothing(loop, tmp_path):
    class Impatient(WampRawSocketServerProtocol):
        handshake_timeout = 0.05

    async def main():
        carrier = Carrier("tcp", tmp_path)
        factory = WampRawSocketServerFactory(Session)
        factory.protocol = Impatient
        async with carrier.listen(factory):
            reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
            writer.write(b"\x7f")
            with pytest.raises(ConnectionResetError):
                assert await reader.read() == b""
                raise ConnectionResetError  # an orderly end will do as well
            writer.close()

    run(loop, main())


@both_loops
def test_a_peer_that_speaks_something_else(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        session = Session()
        async with carrier.listen(WampRawSocketServerFactory(lambda: session)):
            reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
            writer.write(b"G")
            assert await reader.read() == b""
            writer.close()
            assert session.got.empty()
            reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
            writer.write(b"\x7f\xff\x00\x00")
            assert await reader.read() == b"\x7f\x10\x00\x00"
            writer.close()

    run(loop, main())
