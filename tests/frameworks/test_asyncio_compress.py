# SPDX-License-Identifier: MIT
"""Compressed messages over real sockets: our client with our server, and each with the ``websockets`` library."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from _live import LOOPS, run
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from autobahn_fast.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn_fast.websocket.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)

TEXT = (json.dumps([{"id": i, "name": f"user {i * 7919 % 10007}"} for i in range(300_000)]).encode())[:10_000_000]
NOISE = random.Random(2).randbytes(2_000_000)
MESSAGES = [
    (b"hello", False), (b"", False), (b"", True), (TEXT, False), (NOISE, True), ("über".encode() * 5000, False)
]  # fmt: skip


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendPing(b"between")
        self.sendMessage(payload, isBinary)


def first(offers: list[Any]) -> Any:
    return PERMESSAGE_COMPRESSION_EXTENSION[offers[0].EXTENSION_NAME]["OfferAccept"](offers[0])


def any_response(response: Any) -> Any:
    return PERMESSAGE_COMPRESSION_EXTENSION[response.EXTENSION_NAME]["ResponseAccept"](response)


@asynccontextmanager
async def echo_server(accept: Any = first, **options: Any) -> Any:
    factory = WebSocketServerFactory("ws://127.0.0.1:9000")
    factory.protocol = Echo
    factory.setProtocolOptions(perMessageCompressionAccept=accept, **options)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def exchange(port: int, offer: Any, fragment: int | None = None) -> Any:
    """Send all messages at once, with pings between, and wait for all of them to come back. Return the connection."""
    loop = asyncio.get_running_loop()
    closed = loop.create_future()
    got: list[Any] = []
    pongs: list[bytes] = []

    class Client(WebSocketClientProtocol):
        def onOpen(self) -> None:
            for i, (payload, binary) in enumerate(MESSAGES):
                self.sendMessage(payload, binary, fragmentSize=fragment)
                self.sendPing(b"%d" % i)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            got.append((payload, isBinary))
            if len(got) == len(MESSAGES):
                self.sendClose(1000)

        def onPong(self, payload: bytes) -> None:
            pongs.append(payload)

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            closed.set_result((wasClean, code))

    factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}")
    factory.protocol = Client
    factory.setProtocolOptions(perMessageCompressionOffers=[offer], perMessageCompressionAccept=any_response)
    _, connection = await loop.create_connection(factory, "127.0.0.1", port)
    assert await closed == (True, 1000)
    assert got == MESSAGES
    assert pongs == [b"%d" % i for i in range(len(MESSAGES))]
    assert connection._perMessageCompress is not None
    assert connection.trafficStats.outgoingOctetsWebSocketLevel < sum(len(m) for m, _ in MESSAGES) * 0.7
    return connection


OFFERS = [
    PerMessageDeflateOffer(),
    PerMessageDeflateOffer(request_no_context_takeover=True),
    PerMessageDeflateOffer(request_max_window_bits=9),
    PERMESSAGE_COMPRESSION_EXTENSION["permessage-bzip2"]["Offer"](),
    PERMESSAGE_COMPRESSION_EXTENSION["permessage-brotli"]["Offer"](),
    PERMESSAGE_COMPRESSION_EXTENSION["permessage-snappy"]["Offer"](),
]


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.get_extension_string().replace("; ", " "))
def test_our_client_and_our_server(offer):
    async def main() -> None:
        async with echo_server(autoFragmentSize=100_000) as port:
            await exchange(port, offer, fragment=65_536)

    run("asyncio", main())


@pytest.mark.parametrize("kind", LOOPS)
def test_client_of_websockets(kind):
    def accept(offers: list[Any]) -> Any:
        return PerMessageDeflateOfferAccept(offers[0], request_max_window_bits=10, window_bits=11)

    async def parts() -> Any:
        for i in range(0, len(TEXT), 1_000_000):
            yield TEXT[i : i + 1_000_000]

    async def main() -> None:
        async with (
            echo_server(accept, autoFragmentSize=300_000) as port,
            websockets.connect(f"ws://127.0.0.1:{port}", max_size=None) as client,
        ):
            assert [extension.name for extension in client.protocol.extensions] == ["permessage-deflate"]
            for payload, binary in MESSAGES:
                await client.send(payload if binary else payload.decode())
                assert await client.recv(decode=False) == payload
            await client.send(parts())
            pong = await client.ping()
            assert await client.recv(decode=False) == TEXT
            await pong

    run(kind, main())


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"server_no_context_takeover": True, "client_no_context_takeover": True},
        {"server_max_window_bits": 9, "client_max_window_bits": 10},
    ],
)
def test_server_of_websockets(kind, options):
    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def main() -> None:
        extensions = [ServerPerMessageDeflateFactory(**options)]
        async with websockets.serve(
            echo, "127.0.0.1", 0, max_size=None, compression=None, extensions=extensions
        ) as server:
            port = server.sockets[0].getsockname()[1]
            connection = await exchange(port, PerMessageDeflateOffer(), fragment=70_000)
            assert connection._perMessageCompress.client_max_window_bits == options.get("client_max_window_bits", 15)

    run(kind, main())


def test_runner_offers_deflate():
    from autobahn_fast.asyncio.wamp import ApplicationRunner

    factory = ApplicationRunner("ws://localhost:9000", "realm1")._websocket_target(lambda config: None)[0]
    assert [type(offer) for offer in factory.perMessageCompressionOffers] == [PerMessageDeflateOffer]
    assert factory.perMessageCompressionAccept is not None
