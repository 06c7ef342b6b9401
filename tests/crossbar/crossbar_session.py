# SPDX-License-Identifier: MIT
"""How a live test gets WAMP sessions, on any framework. Knows the public interface of the package under test, nothing of the node.

A test is a coroutine function that takes a :class:`Live`, and uses nothing of a loop but what that has. ``WAMP_PACKAGE=autobahn``
runs the same tests over autobahn, where that is installed, on asyncio.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

PACKAGE = os.environ.get("WAMP_PACKAGE", "autobahn_fast")
REALM = "realm1"


def load(module: str) -> Any:
    """A module of the package under test: ``load("wamp.types")``."""
    return importlib.import_module(f"{PACKAGE}.{module}")


def make_transport(url: str, serializer: str, **options: Any) -> dict[str, Any]:
    """The transport configuration of a Component for one of the node's URLs."""
    if url.startswith("unix:"):
        endpoint = {"type": "unix", "path": url.removeprefix("unix:")}
        return {"type": "rawsocket", "url": "rs://localhost", "endpoint": endpoint, "serializer": serializer, **options}
    if url.startswith("rs:"):
        return {"type": "rawsocket", "url": url, "serializer": serializer, **options}
    return {"type": "websocket", "url": url, "serializers": [serializer], **options}


class Box:
    """What callbacks hand to a test: ``put(value)`` or ``take(*args, **kwargs)`` there, ``await next()`` here."""

    def __init__(self, framework: Any) -> None:
        self._framework = framework
        self._values: list[Any] = []
        self._waiter: Any = None

    def put(self, value: Any = None) -> None:
        self._values.append(value)
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._framework.resolve(waiter)

    def take(self, *args: Any, **kwargs: Any) -> None:
        self.put((args, kwargs))

    def __len__(self) -> int:
        return len(self._values)

    async def next(self) -> Any:
        while not self._values:
            self._waiter = self._framework.create_future()
            await self._waiter
        return self._values.pop(0)


class Live:
    """One way to reach the node on one framework. Called, it gives a session: ``async with live() as session``."""

    def __init__(self, framework: str, transport: dict[str, Any]) -> None:
        """:param framework: ``asyncio`` or ``twisted``."""
        self.name = framework
        self.transport = transport
        module = importlib.import_module(f"autobahn_fast.{framework}._framework")
        self.framework = module.TwistedFramework if framework == "twisted" else module.AsyncioFramework
        self.cancelled_errors = self.framework.cancelled_errors

    def __call__(self) -> Joined:
        return Joined(self)

    def box(self) -> Box:
        return Box(self.framework)

    def sleep(self, seconds: float) -> Any:
        return self.framework.sleep(seconds)

    def gather(self, awaitables: Iterable[Any]) -> Any:
        return self.framework.gather(awaitables)

    def load(self, module: str) -> Any:
        """A module of this framework: ``live.load("wamp")``."""
        return load(f"{self.name}.{module}")

    def component(self, main: Any = None, realm: str = REALM, **transport: Any) -> Any:
        """A component on this transport, whose configuration may be changed in places."""
        return self.load("component").Component(
            main, transports=[{"max_retries": 0, **self.transport, **transport}], realm=realm
        )

    def start(self, component: Any) -> Any:
        """Start a component: a future of its end."""
        if self.name == "twisted":
            from twisted.internet import reactor

            return component.start(reactor)
        return asyncio.ensure_future(component.start(asyncio.get_running_loop()))

    async def run_session(self, url: str, make: Any, **arguments: Any) -> Any:
        """Connect a session with an ApplicationRunner: the connection."""
        runner = self.load("wamp").ApplicationRunner(url, REALM, **arguments)
        if self.name == "twisted":
            return await runner.run(make, start_reactor=False)
        return (await runner.run(make, start_loop=False))[1]

    def in_thread(self, function: Callable[[], Any]) -> Any:
        """Call a function that takes its time."""
        if self.name == "twisted":
            from twisted.internet.threads import deferToThread

            return deferToThread(function)
        return asyncio.get_running_loop().run_in_executor(None, function)


class Joined:
    """``async with Joined(live) as session``: a session of its own, joined, that leaves at the end."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._framework = live.framework
        self._joined = self._framework.create_future()
        self._leave = self._framework.create_future()
        self._error: BaseException | None = None

    async def _main(self, _loop: Any, session: Any) -> None:
        self._framework.resolve(self._joined, session)
        await self._leave

    async def _run(self) -> None:
        try:
            await self._live.start(self._live.component(self._main))
        except Exception as e:
            self._error = e
        self._framework.resolve(self._joined)

    async def __aenter__(self) -> Any:
        self._done = self._framework.spawn(self._run())
        session = await self._joined
        if session is None:
            raise self._error or RuntimeError("the component ended before it joined")
        return session

    async def __aexit__(self, *_: object) -> None:
        self._framework.resolve(self._leave)
        await self._done
        if self._error is not None:
            raise self._error


Test = Callable[[Live], Coroutine[Any, Any, None]]
Run = Callable[[Test], None]
