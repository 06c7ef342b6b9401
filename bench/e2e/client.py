# SPDX-License-Identifier: MIT
"""One client under measurement, in a process of its own: ``client.py PACKAGE PORT MESSAGES``.

The same lines run over ``autobahn`` and over ``autobahn_fast``: only the package that is imported differs. WebSocket,
msgpack, uvloop, one text argument of 256 octets. Prints one JSON object: for each path the processor time of this process
(user and system) and the wall-clock time per message, in microseconds.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

BATCH = 100
IN_FLIGHT = 100
PAYLOAD = ("The quick brown fox jumps over the lazy dog 0123456789. " * 5)[:256]
WARM_UP = 0.1
"""This share of the messages goes ahead of each measurement."""


def processor_time() -> float:
    """User and system time of this process so far, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def publish(session: Any, count: int) -> None:
    """Publish in a loop, without acknowledgement, until the far end has counted all of it."""
    before = await session.call("bench.count")
    send, drain, payload = session.publish, getattr(session, "drain", None), PAYLOAD
    for _ in range(count // BATCH):
        for _ in range(BATCH):
            send("bench.topic", payload)
        if drain is not None:
            await drain()
        await asyncio.sleep(0)
    arrived = await session.call("bench.count") - before
    if arrived != count // BATCH * BATCH:
        raise RuntimeError(f"{count} messages were published, {arrived} arrived")


class Events:
    """A plain function as handler, which counts; and a way to wait for a count."""

    def __init__(self) -> None:
        self.missing = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_event(self, payload: str) -> None:
        self.missing -= 1
        if not self.missing:
            self.done.set_result(None)

    async def receive(self, session: Any, count: int) -> None:
        """Have the far end send ``count`` events and take them."""
        self.missing, self.done = count, asyncio.get_running_loop().create_future()
        await session.call("bench.flood", count)
        await self.done


class Invocations:
    """A plain function as endpoint, which gives back what it got; and a way to wait for a count."""

    def __init__(self) -> None:
        self.missing = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def echo(self, payload: str) -> str:
        self.missing -= 1
        if not self.missing:
            self.done.set_result(None)
        return payload

    async def answer(self, session: Any, count: int) -> None:
        """Have the far end call ``count`` times, in bursts, and answer."""
        count -= count % BATCH
        self.missing, self.done = count, asyncio.get_running_loop().create_future()
        await session.call("bench.invoke", count)
        await self.done


async def pipeline(session: Any, count: int) -> None:
    """Call with 100 calls in flight: send them, then take their results. Nothing is cheaper to write around a call."""
    call, payload = session.call, PAYLOAD
    for _ in range(count // IN_FLIGHT):
        for future in [call("bench.echo", payload) for _ in range(IN_FLIGHT)]:
            if await future != payload:
                raise RuntimeError("a call had another result than the far end sends")


class Window:
    """Call with exactly 100 calls in flight all the time: each result sends the next call from its callback."""

    def __init__(self, session: Any, count: int) -> None:
        self.call, self.to_send, self.missing = session.call, count, count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self) -> None:
        self.to_send -= 1
        self.call("bench.echo", PAYLOAD).add_done_callback(self.on_result)

    def on_result(self, future: asyncio.Future[str]) -> None:
        if future.result() != PAYLOAD:
            self.done.set_exception(RuntimeError("a call had another result than the far end sends"))
        self.missing -= 1
        if self.to_send:
            self.send()
        elif not self.missing:
            self.done.set_result(None)

    @classmethod
    async def run(cls, session: Any, count: int) -> None:
        """Make ``count`` calls."""
        window = cls(session, count)
        for _ in range(IN_FLIGHT):
            window.send()
        await window.done


async def sequence(session: Any, count: int) -> None:
    """Call, each call after the result of the one before."""
    for _ in range(count):
        await session.call("bench.echo", PAYLOAD)


async def measure(path: Callable[[Any, int], Awaitable[None]], session: Any, count: int) -> dict[str, float]:
    """Warm up, run ``path`` with ``count`` messages, and return microseconds per message."""
    await path(session, max(BATCH, int(count * WARM_UP)))
    cpu, wall = processor_time(), time.perf_counter()
    await path(session, count)
    cpu, wall = processor_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / count * 1e6, "wall": wall / count * 1e6}


async def run(package: str, port: int, count: int) -> dict[str, dict[str, float]]:
    """Join with the package's Component and measure every path."""
    component_module = importlib.import_module(f"{package}.asyncio.component")
    transport = {"type": "websocket", "url": f"ws://127.0.0.1:{port}/ws", "serializers": ["msgpack"], "max_retries": 3}
    results: dict[str, dict[str, float]] = {}

    async def main(_loop: Any, session: Any) -> None:
        events, invocations = Events(), Invocations()
        await session.subscribe(events.on_event, "bench.topic")
        results["publish"] = await measure(publish, session, count)
        results["event"] = await measure(events.receive, session, count)
        await session.register(invocations.echo, "bench.endpoint")
        results["invocation"] = await measure(invocations.answer, session, count // 2)
        results["call, pipelined"] = await measure(pipeline, session, count // 2)
        results["call, window"] = await measure(Window.run, session, count // 2)
        results["call, in sequence"] = await measure(sequence, session, count // 20)

    component = component_module.Component(main=main, transports=[transport], realm="realm1")
    await component.start(asyncio.get_running_loop())
    return results


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _results = runner.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(json.dumps(_results))
