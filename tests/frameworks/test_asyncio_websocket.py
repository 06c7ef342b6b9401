# SPDX-License-Identifier: MIT
"""WebSocket on asyncio and uvloop over real sockets: TCP, TLS, Unix; against itself and against ``websockets``."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from typing import Any

import pytest
from _live import CARRIERS, LOOPS, Carrier, run
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from autobahn_fast.asyncio.websocket import (
    WampWebSocketClientFactory,
    WampWebSocketServerFactory,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import TransportLost
from autobahn_fast.wamp.serializer import (
    CBORSerializer,
    FlatBuffersSerializer,
    JsonSerializer,
    MsgPackSerializer,
    UBJSONSerializer,
)
from autobahn_fast.wamp.websocket import parseSubprotocolIdentifier

both_loops = pytest.mark.parametrize("loop", LOOPS)


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Client(WebSocketClientProtocol):
    def __init__(self) -> None:
        super().__init__()
        self.got: asyncio.Queue[Any] = asyncio.Queue()

    def onOpen(self) -> None:
        self.got.put_nowait("open")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.got.put_nowait((payload, isBinary))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.got.put_nowait(("close", wasClean, code))


def server_factory(cls: Any = Echo, **options: Any) -> WebSocketServerFactory:
    factory = WebSocketServerFactory("ws://localhost")
    factory.protocol = cls
    factory.setProtocolOptions(**options)
    return factory


def client_factory(cls: Any = Client, **options: Any) -> WebSocketClientFactory:
    factory = WebSocketClientFactory("ws://localhost")
    factory.protocol = cls
    factory.setProtocolOptions(**options)
    return factory


@both_loops
@pytest.mark.parametrize("kind", CARRIERS)
def test_echo(loop, kind, tmp_path):
    async def main():
        carrier = Carrier(kind, tmp_path)
        servers = []
        factory = server_factory()

        def make():
            servers.append(factory())
            return servers[-1]

        async with carrier.listen(make):
            client = await carrier.connect(client_factory())
            assert await client.got.get() == "open"
            messages = [os.urandom(size) for size in (0, 1, 125, 126, 65535, 65536, 300000)] + [b"x"] * 500
            for payload in messages:
                client.sendMessage(payload, True)
            client.sendMessage("Grüße".encode())
            for payload in messages:
                assert await client.got.get() == (payload, True)
            assert await client.got.get() == ("Grüße".encode(), False)
            details = client.transport_details
            assert details.is_secure is (kind == "tls")
            assert servers[0].transport_details.is_server is True
            pattern = {"unix": rf"unix:{tmp_path}/socket"}.get(kind, r"tcp4:127\.0\.0\.1:\d+")
            assert re.fullmatch(pattern, client.peer)
            assert re.fullmatch(pattern, servers[0].peer)
            if kind == "tls" and details.channel_id.get("tls-unique", b"").strip(b"\0"):
                assert details.channel_id == servers[0].transport_details.channel_id
            client.sendClose(1000, "done")
            assert await client.got.get() == ("close", True, 1000)
            await client.is_closed
            await servers[0].is_closed
            assert factory.getConnectionCount() == 0

    run(loop, main())


@both_loops
def test_a_certificate_of_nobody(loop, tmp_path):
    async def main():
        carrier = Carrier("tls", tmp_path)
        async with carrier.listen(server_factory()):
            carrier.client_context = ssl.create_default_context()
            with pytest.raises(ssl.SSLCertVerificationError):
                await carrier.connect(client_factory())

    run(loop, main())


@both_loops
def test_coroutines_as_callbacks(loop, tmp_path):
    class Slow(WebSocketServerProtocol):
        async def onConnect(self, request):
            await asyncio.sleep(0.01)
            return "b", {"X-Answer": "42"}

        async def onMessage(self, payload, isBinary):
            await asyncio.sleep(0.01)
            self.sendMessage(payload + b"!", isBinary)

    class SlowClient(Client):
        async def onConnecting(self, transport_details):
            await asyncio.sleep(0)

        async def onConnect(self, response):
            await asyncio.sleep(0)
            self.got.put_nowait((response.protocol, response.headers["x-answer"]))

        async def onOpen(self):
            await asyncio.sleep(0)
            self.sendMessage(b"hi")

    async def main():
        carrier = Carrier("tcp", tmp_path)
        factory = client_factory(SlowClient)
        factory.protocols = ["a", "b"]
        async with carrier.listen(server_factory(Slow)):
            client = await carrier.connect(factory)
            assert await client.got.get() == ("b", "42")
            assert await client.got.get() == (b"hi!", False)
            client.sendClose()
            await client.is_closed

    run(loop, main())


@both_loops
def test_data_received_can_be_overridden(loop, tmp_path):
    class Own(Client):
        octets = 0

        def data_received(self, data):
            self.octets += len(data)
            super().data_received(data)

    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory()):
            client = await carrier.connect(client_factory(Own))
            assert await client.got.get() == "open"
            before = client.octets
            client.sendMessage(b"x" * 100)
            assert await client.got.get() == (b"x" * 100, False)
            assert client.octets - before == 102
            client.sendClose()
            await client.is_closed

    run(loop, main())


@both_loops
@pytest.mark.parametrize("drop", [True, False])
def test_violation_over_a_socket(loop, drop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory(failByDrop=drop)):
            client = await carrier.connect(client_factory())
            assert await client.got.get() == "open"
            client.sendFrame(3, b"reserved")
            assert await client.got.get() == ("close", not drop, 1006 if drop else 1002)

    run(loop, main())


@both_loops
def test_the_server_goes_away(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        servers = []
        factory = server_factory()
        async with carrier.listen(lambda: servers.append(factory()) or servers[-1]):
            client = await carrier.connect(client_factory())
            assert await client.got.get() == "open"
            servers[0].dropConnection(abort=True)
            assert await client.got.get() == ("close", False, 1006)

    run(loop, main())


@both_loops
def test_backpressure(loop, tmp_path):
    seen = []

    class Own(Client):
        def _transport_writable(self, writable):
            seen.append(writable)

    class Sleepy(Echo):
        def onOpen(self):
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(0.1, self.transport.resume_reading)

        def onMessage(self, payload, isBinary):
            if payload == b"last":
                self.sendMessage(payload)

    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory(Sleepy)):
            client = await carrier.connect(client_factory(Own))
            assert await client.got.get() == "open"
            for _ in range(200):
                client.sendMessage(b"x" * 65536, True)
            client.sendMessage(b"last")
            assert await client.got.get() == (b"last", False)
            assert seen[0] is False
            assert seen[-1] is True
            client.sendClose()
            await client.is_closed

    run(loop, main())


@both_loops
def test_no_delay(loop, tmp_path):
    import socket

    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with carrier.listen(server_factory()):
            for wanted in (True, False):
                client = await carrier.connect(client_factory(tcpNoDelay=wanted))
                sock = client.transport.get_extra_info("socket")
                assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is wanted
                client.dropConnection(abort=True)
                await client.is_closed

    run(loop, main())


@both_loops
def test_a_hundred_connections_leave_nothing(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        factory = server_factory(autoPingInterval=100, autoPingTimeout=100)
        files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
        async with carrier.listen(factory):
            for i in range(100):
                client = await carrier.connect(client_factory())
                assert await client.got.get() == "open"
                if i % 2:
                    client.sendClose()
                else:
                    client.dropConnection(abort=True)
                await client.is_closed
            while factory.getConnectionCount():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            assert len(asyncio.all_tasks()) <= 2
        if files is not None:
            assert len(os.listdir("/proc/self/fd")) <= files + 2

    run(loop, main())


# --- another implementation ---


@both_loops
def test_client_of_websockets(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        async with (
            carrier.listen(server_factory()),
            connect(f"ws://127.0.0.1:{carrier.port}", compression=None, proxy=None) as client,
        ):
            for payload in ("text", "Grüße", b"\x00\xff" * 70000):
                await client.send(payload)
                assert await client.recv() == payload
            await client.send(["frag", "ments"])
            assert await client.recv() == "fragments"
            await (await client.ping(b"x"))
            await client.close(3000, "bye")
            assert client.close_code == 1000 or client.close_code == 3000

    run(loop, main())


@both_loops
def test_server_of_websockets(loop, tmp_path):
    async def echo(connection):
        async for payload in connection:
            await connection.send(payload)

    async def main():
        async with serve(echo, "127.0.0.1", 0, subprotocols=["p"]) as server:
            factory = client_factory()
            factory.protocols = ["p"]
            port = server.sockets[0].getsockname()[1]
            _, client = await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
            assert await client.got.get() == "open"
            assert client.websocket_protocol_in_use == "p"
            client.sendMessage("Grüße".encode())
            client.sendMessage(b"\xff" * 100000, True, fragmentSize=1000)
            assert await client.got.get() == ("Grüße".encode(), False)
            assert await client.got.get() == (b"\xff" * 100000, True)
            client.sendClose(1000)
            assert await client.got.get() == ("close", True, 1000)

    run(loop, main())


# --- WAMP over WebSocket ---


class Session:
    """A session that takes message objects."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[Any] = asyncio.Queue()
        self.transport: Any = None

    def onOpen(self, transport: Any) -> None:
        self.transport = transport
        self.got.put_nowait("open")

    def onMessage(self, msg: Any) -> None:
        self.got.put_nowait(msg)
        if isinstance(msg, message.Publish):
            raise RuntimeError("my fault")

    def onClose(self, wasClean: bool) -> None:
        self.got.put_nowait(("close", wasClean))


HELLO = message.Abort("com.example.reason", "text")


@both_loops
@pytest.mark.parametrize(
    "serializer", [CBORSerializer, MsgPackSerializer, UBJSONSerializer, JsonSerializer, FlatBuffersSerializer]
)
@pytest.mark.parametrize("batched", [False, True])
def test_wamp(loop, serializer, batched, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        here, there = Session(), Session()
        # FlatBuffers is used where it is asked for by name only.
        named = [serializer(batched=batched)] if serializer is FlatBuffersSerializer else None
        server = WampWebSocketServerFactory(lambda: there, url="ws://localhost", serializers=named)
        client = WampWebSocketClientFactory(
            lambda: here, url="ws://localhost", serializers=[serializer(batched=batched)]
        )
        async with carrier.listen(server):
            connection = await carrier.connect(client)
            assert await here.got.get() == "open"
            assert await there.got.get() == "open"
            expected = f"wamp.2.{serializer(batched=batched).SERIALIZER_ID}"
            assert connection.websocket_protocol_in_use == expected
            connection.send(HELLO)
            assert await there.got.get() == HELLO
            there.transport.send(HELLO)
            assert await here.got.get() == HELLO
            connection.close()
            with pytest.raises(TransportLost):
                connection.send(HELLO)
            assert await here.got.get() == ("close", True)
            assert await there.got.get() == ("close", True)

    run(loop, main())


@both_loops
@pytest.mark.parametrize(
    ("octets", "code"),
    [(b"garbage", 1002), (b"[9999]", 1002), (b"[16,1,{},5]", 1002), (b'[16,1,{},"a.b"]', 1011)],
)
def test_wamp_errors_close_the_connection(loop, octets, code, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        there = Session()
        server = WampWebSocketServerFactory(lambda: there, url="ws://localhost", serializers=[JsonSerializer()])
        factory = client_factory()
        factory.protocols = ["wamp.2.json"]
        async with carrier.listen(server):
            client = await carrier.connect(factory)
            assert await client.got.get() == "open"
            client.sendMessage(octets)
            assert await client.got.get() == ("close", True, code)

    run(loop, main())


@both_loops
def test_no_common_subprotocol(loop, tmp_path):
    async def main():
        carrier = Carrier("tcp", tmp_path)
        session = Session()
        server = WampWebSocketServerFactory(Session, url="ws://localhost", serializers=[JsonSerializer()])
        client = WampWebSocketClientFactory(lambda: session, url="ws://localhost", serializers=[CBORSerializer()])
        async with carrier.listen(server):
            connection = await carrier.connect(client)
            await connection.is_closed
            assert session.got.empty()
            assert "400" in connection.wasNotCleanReason
        async with carrier.listen(server_factory()):  # speaks no WAMP, and says so by choosing none
            connection = await carrier.connect(client)
            await connection.is_closed
            assert session.got.empty()

    run(loop, main())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wamp.2.json", (2, "json")),
        ("wamp.2.msgpack.batched", (2, "msgpack.batched")),
        ("wamp.x.json", (None, None)),
        ("foo", (None, None)),
        ("", (None, None)),
    ],
)
def test_subprotocol_names(name, expected):
    assert parseSubprotocolIdentifier(name) == expected


def test_on_close_before_on_open():
    connection = WampWebSocketClientFactory(Session, serializers=[JsonSerializer()]).protocol
    instance = object.__new__(connection)
    instance.onClose(False, 1006, "x")


def test_default_serializers_are_offered_batched_first():
    protocols = WampWebSocketClientFactory(Session).protocols
    assert protocols[:4] == ["wamp.2.cbor.batched", "wamp.2.cbor", "wamp.2.msgpack.batched", "wamp.2.msgpack"]
    assert protocols[4:6] == ["wamp.2.ubjson.batched", "wamp.2.ubjson"]
    assert protocols[-2:] == ["wamp.2.json.batched", "wamp.2.json"]
