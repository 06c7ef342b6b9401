# SPDX-License-Identifier: MIT
"""Sessions over the serializers that pass messages as objects or are seldom used: FlatBuffers, UBJSON; over real sockets.

The other side is a dozen lines of router made of message objects, so that FlatBuffers is spoken in both directions.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _live import LOOPS, Carrier, run

from autobahn_fast.asyncio.rawsocket import WampRawSocketClientFactory, WampRawSocketServerFactory
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.asyncio.websocket import WampWebSocketClientFactory, WampWebSocketServerFactory
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import ApplicationError, SerializationError
from autobahn_fast.wamp.message import Message
from autobahn_fast.wamp.role import RoleBrokerFeatures, RoleDealerFeatures
from autobahn_fast.wamp.serializer import create_transport_serializer
from autobahn_fast.wamp.types import CallOptions, ComponentConfig, PublishOptions, RegisterOptions


class OneClient:
    """A router for one client: what it publishes comes back to it, what it calls it is invoked for."""

    def onOpen(self, transport: Any) -> None:
        self.transport = transport
        self.calls: dict[int, int] = {}

    def onClose(self, wasClean: bool) -> None:
        pass

    def onMessage(self, msg: Any) -> None:
        for answer in getattr(self, f"on_{type(msg).__name__.lower()}")(msg):
            self.transport.send(answer)

    def on_hello(self, msg: Any) -> list[Message]:
        assert sorted(msg.roles) == ["callee", "caller", "publisher", "subscriber"]
        assert msg.roles["caller"].progressive_call_results is True
        roles = {"broker": RoleBrokerFeatures(event_retention=True), "dealer": RoleDealerFeatures()}
        return [message.Welcome(7, roles, realm=msg.realm, authid="ä", authrole="user", authmethod="anonymous")]

    def on_goodbye(self, _: Any) -> list[Message]:
        return [message.Goodbye("wamp.close.goodbye_and_out")]

    def on_subscribe(self, msg: Any) -> list[Message]:
        return [message.Subscribed(msg.request, 5)]

    def on_register(self, msg: Any) -> list[Message]:
        assert msg.invoke == "roundrobin"
        return [message.Registered(msg.request, 6)]

    def on_publish(self, msg: Any) -> list[Message]:
        event = message.Event(5, 8, args=msg.args, kwargs=msg.kwargs, publisher=7)
        return [event, *([message.Published(msg.request, 8)] if msg.acknowledge else [])]

    def on_call(self, msg: Any) -> list[Message]:
        self.calls[msg.request] = msg.request
        return [
            message.Invocation(msg.request, 6, args=msg.args, kwargs=msg.kwargs, receive_progress=msg.receive_progress)
        ]

    def on_yield(self, msg: Any) -> list[Message]:
        return [message.Result(msg.request, args=msg.args, kwargs=msg.kwargs, progress=msg.progress)]

    def on_error(self, msg: Any) -> list[Message]:
        return [message.Error(message.Call.MESSAGE_TYPE, msg.request, msg.error, args=msg.args, kwargs=msg.kwargs)]


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


async def use(session: Session) -> None:
    """Everything a session does."""
    details = await session.joined
    assert (details.session, details.authid, details.authmethod, details.realm) == (7, "ä", "anonymous", "realm1")
    seen: asyncio.Queue[Any] = asyncio.Queue()
    await session.subscribe(lambda *args, **kwargs: seen.put_nowait((args, kwargs)), "com.x")
    values = [None, True, 2**53, -1, 1.5, "é", b"\x00\xff", [1, [2]], {"a": {"b": []}}, "x" * 100_000]
    for value in values:
        session.publish("com.x", value, key=value)
    for value in values:
        assert await seen.get() == ((value,), {"key": value})
    publication = await session.publish("com.x", options=PublishOptions(acknowledge=True, exclude_me=False))
    assert (publication.id, await seen.get()) == (8, ((), {}))

    async def procedure(*args: Any, **kwargs: Any) -> Any:
        details = kwargs.pop("details")
        if kwargs.get("fail"):
            raise ApplicationError("com.failed", *args, reason="ü")
        if details.progress:
            details.progress(1)
        return args[0]

    await session.register(procedure, "com.f", RegisterOptions(details_arg="details", invoke="roundrobin"))
    assert await session.call("com.f", [1, {"a": None}]) == [1, {"a": None}]
    parts: list[Any] = []
    assert await session.call("com.f", 5, options=CallOptions(on_progress=parts.append)) == 5
    assert parts == [1]
    with pytest.raises(ApplicationError, match="com.failed") as caught:
        await session.call("com.f", "why", fail=True)
    assert (caught.value.args, caught.value.kwargs) == (("why",), {"reason": "ü"})
    with pytest.raises(SerializationError):
        session.publish("com.x", object())
    assert await asyncio.gather(*(session.call("com.f", n) for n in range(100))) == list(range(100))


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", ["flatbuffers", "flatbuffers.batched", "ubjson", "ubjson.batched"])
def test_websocket(loop: str, name: str, tmp_path: Any) -> None:
    async def main() -> None:
        carrier, session = Carrier("tcp", tmp_path), Session()
        kinds = [create_transport_serializer(name)]
        server = WampWebSocketServerFactory(OneClient, url="ws://localhost", serializers=kinds)
        client = WampWebSocketClientFactory(lambda: session, url="ws://localhost", serializers=kinds)
        async with carrier.listen(server):
            connection = await carrier.connect(client)
            await use(session)
            assert connection.websocket_protocol_in_use == f"wamp.2.{name}"
            session.leave()
            await session.left.wait()

    run(loop, main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", ["flatbuffers", "ubjson"])
def test_rawsocket(loop: str, name: str, tmp_path: Any) -> None:
    async def main() -> None:
        carrier, session = Carrier("unix", tmp_path), Session()
        async with carrier.listen(WampRawSocketServerFactory(OneClient, [create_transport_serializer(name)])):
            await carrier.connect(WampRawSocketClientFactory(lambda: session, create_transport_serializer(name)))
            await use(session)
            session.leave()
            await session.left.wait()

    run(loop, main())
