# SPDX-License-Identifier: MIT
"""A dozen lines of router made of message objects, which speaks every serializer, and a client that uses all of it.

``python _one_client.py REACTOR`` runs the client on Twisted, over every serializer and transport in ``CHANNELS``.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any, Self

from _features import Box, failure

from autobahn_fast.asyncio.rawsocket import WampRawSocketServerFactory
from autobahn_fast.asyncio.websocket import WampWebSocketServerFactory
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import ApplicationError, SerializationError
from autobahn_fast.wamp.message import Message
from autobahn_fast.wamp.role import RoleBrokerFeatures, RoleDealerFeatures
from autobahn_fast.wamp.serializer import create_transport_serializer
from autobahn_fast.wamp.types import CallOptions, PublishOptions, RegisterOptions

CHANNELS = [
    ("ws", "flatbuffers"), ("ws", "flatbuffers.batched"), ("ws", "ubjson"), ("ws", "ubjson.batched"),
    ("rs", "flatbuffers"), ("rs", "ubjson"),
]  # fmt: skip


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


async def use(session: Any, details: Any) -> None:
    """Everything a session that has joined does."""
    assert (details.session, details.authid, details.authmethod, details.realm) == (7, "ä", "anonymous", "realm1")
    seen = Box(session)
    await session.subscribe(lambda *args, **kwargs: seen((args, kwargs)), "com.x")
    values = [None, True, 2**53, -1, 1.5, "é", b"\x00\xff", [1, [2]], {"a": {"b": []}}, "x" * 100_000]
    for value in values:
        session.publish("com.x", value, key=value)
    for value in values:
        assert await seen.take() == ((value,), {"key": value})
    publication = await session.publish("com.x", options=PublishOptions(acknowledge=True, exclude_me=False))
    assert (publication.id, await seen.take()) == (8, ((), {}))

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
    error = await failure(session.call("com.f", "why", fail=True))
    assert (error.error, error.args, error.kwargs) == ("com.failed", ("why",), {"reason": "ü"})
    try:
        session.publish("com.x", object())
    except SerializationError:
        pass
    else:
        raise AssertionError("an object was published")
    assert await session.framework.gather(session.call("com.f", n) for n in range(100)) == list(range(100))


def server_factory(scheme: str, name: str) -> Any:
    """The server's side of a channel."""
    serializer = create_transport_serializer(name)
    if scheme == "ws":
        return WampWebSocketServerFactory(OneClient, url="ws://localhost", serializers=[serializer])
    return WampRawSocketServerFactory(OneClient, [serializer])


class OneClientThread:
    """The server of one channel, on an asyncio loop in a thread of its own."""

    def __init__(self, scheme: str, name: str) -> None:
        self.scheme, self.name = scheme, name
        self.url = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(server_factory(self.scheme, self.name), "127.0.0.1", 0)
        self.url = f"{self.scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)


def on_twisted(reactor: str) -> None:
    from _twisted_base import component, install, react

    install(reactor)

    async def everything(_reactor: Any) -> None:
        for scheme, name in CHANNELS:
            used: list[Any] = []

            async def main(_: Any, session: Any, used: list[Any] = used) -> None:
                used.append(session.transport)
                await use(session, session.session_details)
                used.append("all of it")

            with OneClientThread(scheme, name) as server:
                await component(server.url, name, main=main).start()
            assert used[1:] == ["all of it"], (scheme, name)
            if scheme == "ws":
                assert used[0].websocket_protocol_in_use == f"wamp.2.{name}"

    react(everything)


if __name__ == "__main__":
    on_twisted(sys.argv[1])
