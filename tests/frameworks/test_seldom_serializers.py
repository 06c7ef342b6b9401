# SPDX-License-Identifier: MIT
"""Sessions over the serializers that pass messages as objects or are seldom used: FlatBuffers, UBJSON; over real sockets.

The other side is a dozen lines of router made of message objects, so that FlatBuffers is spoken in both directions.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _live import LOOPS, Carrier, run, run_twisted
from _one_client import CHANNELS, server_factory, use

from autobahn_fast.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.asyncio.websocket import WampWebSocketClientFactory
from autobahn_fast.wamp.serializer import create_transport_serializer
from autobahn_fast.wamp.types import ComponentConfig


class Session(ApplicationSession):
    """Joins, and says so."""

    def __init__(self) -> None:
        super().__init__(ComponentConfig("realm1"))
        self.joined: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.left = asyncio.Event()

    def onJoin(self, details: Any) -> None:
        self.joined.set_result(details)

    def onDisconnect(self) -> None:
        self.left.set()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("scheme", "name"), CHANNELS, ids=lambda value: value)
def test_on_asyncio(loop: str, scheme: str, name: str, tmp_path: Any) -> None:
    async def main() -> None:
        carrier, session = Carrier("tcp" if scheme == "ws" else "unix", tmp_path), Session()
        serializer = create_transport_serializer(name)
        client: Any = WampRawSocketClientFactory(lambda: session, serializer)
        if scheme == "ws":
            client = WampWebSocketClientFactory(lambda: session, url="ws://localhost", serializers=[serializer])
        async with carrier.listen(server_factory(scheme, name)):
            connection = await carrier.connect(client)
            await use(session, await session.joined)
            if scheme == "ws":
                assert connection.websocket_protocol_in_use == f"wamp.2.{name}"
            session.leave()
            await session.left.wait()

    run(loop, main())


@pytest.mark.parametrize("reactor", ["default", "uvloop"])
def test_on_twisted(reactor: str) -> None:
    run_twisted("_one_client.py", reactor)
