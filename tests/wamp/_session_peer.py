# SPDX-License-Identifier: MIT
"""A scripted peer for session tests: a transport that keeps what a session sends, and answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.wamp import message, role
from autobahn_fast.wamp.exception import TransportLost
from autobahn_fast.wamp.types import ComponentConfig, TransportDetails


class FakeTransport:
    """An ``ITransport`` without a connection."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.transport_details = TransportDetails()
        self.open = True
        self.closed_by_session = 0

    def send(self, msg: Any) -> None:
        if not self.open:
            raise TransportLost("closed")
        self.sent.append(msg)

    def isOpen(self) -> bool:
        return self.open

    def close(self) -> None:
        self.closed_by_session += 1

    def abort(self) -> None:
        self.closed_by_session += 1


def welcome(**kwargs: Any) -> Any:
    roles = {"broker": role.RoleBrokerFeatures(), "dealer": role.RoleDealerFeatures()}
    return message.Welcome(4711, roles, **{"realm": "realm1", "authid": "joe", "authrole": "user", **kwargs})


async def turns(count: int = 10) -> None:
    """Let the loop run what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


class Peer:
    """A session and the router's side of its transport."""

    def __init__(self, session: Any = None) -> None:
        self.session = session if session is not None else ApplicationSession(ComponentConfig("realm1"))
        self.transport = FakeTransport()
        self.errors: list[tuple[Any, str]] = []
        self.session.onUserError = lambda fail, msg: self.errors.append((fail.value, msg))

    @property
    def sent(self) -> list[Any]:
        return self.transport.sent

    def take(self) -> Any:
        """Return the one message sent since the last time."""
        assert len(self.sent) == 1, [type(m).__name__ for m in self.sent]
        return self.sent.pop()

    def take_wire(self) -> list[Any]:
        """The same as a plain list."""
        return plain(self.take().marshal())

    async def open(self) -> Peer:
        self.session.onOpen(self.transport)
        await turns()
        return self

    async def join(self) -> Peer:
        await self.open()
        assert type(self.take()) is message.Hello
        self.session.onMessage(welcome())
        await turns()
        return self

    def say(self, *messages: Any) -> None:
        for msg in messages:
            self.session.onMessage(msg)

    def lose(self) -> None:
        self.transport.open = False
        self.session.onClose(False)

    async def subscribed(self, handler: Any, topic: str = "com.x", subscription: int = 100, options: Any = None) -> Any:
        future = self.session.subscribe(handler, topic, options)
        self.say(message.Subscribed(self.take().request, subscription))
        return await future

    async def registered(
        self, endpoint: Any, procedure: str = "com.p", registration: int = 200, options: Any = None
    ) -> Any:
        future = self.session.register(endpoint, procedure, options)
        self.say(message.Registered(self.take().request, registration))
        return await future


def plain(value: Any) -> Any:
    """Tuples to lists, so that what was sent compares by its content."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def joined(test: Callable[[Peer], Awaitable[None]]) -> Callable[[], None]:
    """Decorator: run an async test with a peer whose session has joined."""

    def run() -> None:
        async def main() -> None:
            await test(await Peer().join())

        asyncio.run(main())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run
