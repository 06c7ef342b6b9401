# SPDX-License-Identifier: MIT
"""Joining, leaving, reconnecting: against a Crossbar node that is stopped and started. Runs after the other live tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from crossbar_node import REALM, Node
from crossbar_session import Join, Run, load, make_transport

RunLoop = Callable[[Coroutine[Any, Any, None]], None]


def test_order_of_callbacks(run_loop: RunLoop, transport: dict[str, Any]) -> None:
    calls: list[str] = []

    async def test() -> None:
        component = load("asyncio.component").Component(transports=[{**transport, "max_retries": 0}], realm=REALM)
        for event in ("connect", "join", "ready", "leave", "disconnect"):

            def called(session: Any, *args: Any, event: str = event, **kwargs: Any) -> None:
                calls.append(event)
                if event == "ready":
                    session.leave()

            component.on(event, called)
        await component.start(asyncio.get_running_loop())

    run_loop(test())
    assert calls == ["connect", "join", "ready", "leave", "disconnect"]


def test_subclass_with_a_runner(run_loop: RunLoop, node: Node) -> None:
    wamp = load("asyncio.wamp")

    async def test() -> None:
        joined: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        class Client(wamp.ApplicationSession):  # type: ignore[misc]
            async def onJoin(self, details: Any) -> None:
                await self.register(lambda a, b: a + b, "com.runner.add")
                joined.set_result((details.realm, self.config.extra, await self.call("com.runner.add", 1, 2)))
                self.leave()

            def onDisconnect(self) -> None:
                gone.set_result(None)

        runner = wamp.ApplicationRunner(node.urls["ws"], REALM, extra={"x": 1})
        await runner.run(Client, start_loop=False)
        assert await joined == (REALM, {"x": 1}, 3)
        await gone

    run_loop(test())


def test_missing_realm(run_loop: RunLoop, transport: dict[str, Any]) -> None:
    async def test() -> None:
        left: list[Any] = []
        component = load("asyncio.component").Component(
            transports=[{**transport, "max_retries": 0}], realm="com.no.such.realm"
        )
        component.on("leave", lambda session, details: left.append(details.reason))
        with pytest.raises(Exception, match=r".+"):
            await component.start(asyncio.get_running_loop())
        assert left == ["wamp.error.no_such_realm"]

    run_loop(test())


def test_pending_call_is_rejected_when_the_caller_leaves(run: Run) -> None:
    exception = load("wamp.exception")

    async def test(join: Join) -> None:
        async def forever() -> None:
            await asyncio.sleep(60)

        async with join() as callee:
            await callee.register(forever, "com.test.forever")
            async with join() as caller:
                call = asyncio.ensure_future(caller.call("com.test.forever"))
                await asyncio.sleep(0.1)
            with pytest.raises((exception.ApplicationError, exception.TransportLost, asyncio.CancelledError)):
                await asyncio.wait_for(call, 10)

    run(test)


@pytest.mark.parametrize("kind", ["ws", "unix"])
def test_component_reconnects_after_the_node_restarts(run_loop: RunLoop, node: Node, kind: str) -> None:
    retry = {"max_retries": -1, "initial_retry_delay": 0.1, "max_retry_delay": 0.5}

    async def test() -> None:
        loop = asyncio.get_running_loop()
        joins: asyncio.Queue[Any] = asyncio.Queue()
        component = load("asyncio.component").Component(
            transports=[make_transport(node.urls[kind], "msgpack", **retry)], realm=REALM
        )

        @component.register("com.reconnect.add")
        def add(a: int, b: int) -> int:
            return a + b

        component.on("ready", lambda session: joins.put_nowait(session))
        done = asyncio.ensure_future(component.start(loop))
        first = await joins.get()
        assert await first.call("com.reconnect.add", 1, 2) == 3
        await loop.run_in_executor(None, node.stop)
        await loop.run_in_executor(None, node.start)
        second = await joins.get()
        assert second is not first
        assert await second.call("com.reconnect.add", 3, 4) == 7
        component.stop()
        await done

    run_loop(test())
