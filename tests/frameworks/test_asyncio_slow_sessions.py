# SPDX-License-Identifier: MIT
"""WAMP handlers that are coroutines and take their time: reading pauses, nothing is lost, nothing waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _live import LOOPS, run

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router

pytestmark = [pytest.mark.parametrize("loop", LOOPS), pytest.mark.parametrize("scheme", ["ws", "rs"])]


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def two_sessions(scheme: str, body: Any) -> None:
    listen = "ws://127.0.0.1:0/ws" if scheme == "ws" else "rs://127.0.0.1:0"
    async with Router(listen=[listen], realms=["realm1"]) as router:
        transport: dict[str, Any] = {"url": router.urls[0]}
        if scheme == "rs":
            transport |= {"type": "rawsocket", "serializer": "msgpack"}
        components = [Component(transports=dict(transport)) for _ in range(2)]
        joined: list[Any] = [asyncio.get_running_loop().create_future() for _ in components]
        for c, future in zip(components, joined, strict=True):
            c.on_join(lambda session, details, future=future: future.set_result(session))
        ends = [c.start() for c in components]
        try:
            await body(*await asyncio.gather(*joined))
        finally:
            for c in components:
                c.stop()
            await asyncio.gather(*ends)


def test_slow_event_handlers(loop, scheme):
    async def body(subscriber: Any, publisher: Any) -> None:
        go = asyncio.Event()
        handled: list[int] = []

        async def handler(number: int, _: str) -> None:
            await go.wait()
            handled.append(number)

        gate = subscriber.transport._reading_gate
        gate.max_handlers = 10
        await subscriber.subscribe(handler, "com.slow")
        for i in range(300):
            publisher.publish("com.slow", i, "x" * 10_000)
            await publisher.drain()
        await until(lambda: gate.paused)
        assert gate.handlers < 300
        go.set()
        await until(lambda: len(handled) == 300)
        assert handled == list(range(300))
        assert (gate.paused, gate.handlers) == (False, 0)

    run(loop, two_sessions(scheme, body))


def test_procedures_that_wait_for_results_of_their_own_calls(loop, scheme):
    async def body(callee: Any, caller: Any) -> None:
        async def inner(number: int) -> int:
            return number + 1

        async def outer(number: int) -> int:
            return await callee.call("com.inner", number)

        await caller.register(inner, "com.inner")
        await callee.register(outer, "com.outer")
        gate = callee.transport._reading_gate
        gate.max_handlers = 2
        results = await asyncio.gather(*(caller.call("com.outer", i) for i in range(20)))
        assert results == list(range(1, 21))
        assert (gate.paused, gate.handlers) == (False, 0)

    run(loop, two_sessions(scheme, body))
