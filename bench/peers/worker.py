# SPDX-License-Identifier: MIT
"""What every client under measurement does: takes jobs from standard input, one JSON object a line, and answers each.

A job is run for about ``seconds`` of processor time, so that a busy machine does not make rounds too short. How many messages that takes is found out with short runs, which warm up as well, when a job is
new, and followed up from then on. Knows nothing of what a job does.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

Path = Callable[[int], Awaitable[Any]]
"""Exchanges so many messages."""

FIRST = 0.1
"""A new job is run with more and more messages until it takes this share of its time."""


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of the values lie."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def latencies(once: Callable[[], Awaitable[Any]], count: int = 1_000) -> dict[str, float]:
    """``p50`` and ``p99`` in microseconds of ``count`` round trips one after another, each with a clock read."""
    taken, clock = [], time.perf_counter
    for _ in range(20):
        await once()
    for _ in range(count):
        start = clock()
        await once()
        taken.append((clock() - start) * 1e6)
    return {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99)}


class Meter:
    """Measures, and remembers how many messages take a second of processor time."""

    def __init__(self) -> None:
        self._rates: dict[str, float] = {}

    async def _once(self, path: Path, count: int) -> tuple[float, float]:
        cpu, wall = time.process_time(), time.perf_counter()
        await path(count)
        return time.process_time() - cpu, time.perf_counter() - wall

    async def _warm_up(self, key: str, path: Path, seconds: float, step: int) -> None:
        """More and more messages until it takes long enough, twice: the first time much may be done that is done once."""
        count, enough = step, 0
        while enough < 2:
            cpu, _ = await self._once(path, count)
            if cpu >= FIRST * seconds:
                enough += 1
                self._rates[key] = count / cpu
                count = max(round(self._rates[key] * seconds * FIRST * 2 / step), 1) * step
            else:
                count *= 4

    async def measure(self, key: str, path: Path, seconds: float, step: int = 1) -> dict[str, float]:
        """Microseconds per message: ``cpu`` of this process and ``wall``; and the ``count`` of messages.

        :param step: the count is a multiple of it.
        """
        if key not in self._rates:
            await self._warm_up(key, path, seconds, step)
        count = max(round(self._rates[key] * seconds / step), 1) * step
        gc.collect()
        cpu, wall = await self._once(path, count)
        self._rates[key] = count / max(cpu, 1e-6)
        return {"cpu": cpu / count * 1e6, "wall": wall / count * 1e6, "count": count}


async def serve(
    handle: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]], read: Callable[[], Awaitable[str]]
) -> None:
    """Answer jobs until the input ends. What goes wrong is answered as ``{"error": ...}``."""
    while line := await read():
        try:
            answer = await handle(json.loads(line))
        except Exception as exc:
            traceback.print_exc()
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        print(json.dumps(answer), flush=True)


async def read_line() -> str:
    """The next line of standard input. It blocks: between jobs there is nothing to do."""
    return sys.stdin.readline()


def new_loop(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop, for `asyncio.Runner`."""
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop  # type: ignore[no-any-return]
    return None


def run_on(loop: str, make_handler: Callable[[], Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]) -> None:
    """Serve on ``asyncio``, ``uvloop`` or ``twisted``."""
    if loop != "twisted":
        with asyncio.Runner(loop_factory=new_loop(loop)) as runner:
            runner.run(serve(make_handler(), read_line))
        return
    from twisted.internet import defer, reactor, task, threads

    async def read() -> str:
        line: str = await threads.deferToThread(sys.stdin.readline)
        return line

    task.react(lambda _: defer.ensureDeferred(serve(make_handler(), read)), (), reactor)


def resident() -> int:
    """Octets of memory of this process, as the system has them; Linux."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
