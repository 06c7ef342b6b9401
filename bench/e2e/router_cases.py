# SPDX-License-Identifier: MIT
"""Through a router: the embedded one and Crossbar, with the same clients (``python -m autobahn_fast bench`` measures the same).

Crossbar is found by the environment variable CROSSBAR, or where ``make test-crossbar`` puts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import far_end
from _harness import BENCH, Case, Figures, Skipped
from ws_raw import frame

from autobahn_fast._bench.processes import BenchError, Router
from autobahn_fast._bench.progress import Progress
from autobahn_fast._bench.scenario import Plan, Result, Scenario

CROSSBAR = Path(os.environ.get("CROSSBAR", BENCH.parent / ".venvs" / "crossbar" / "bin" / "crossbar"))
REALM = "realm1"
PHASE = 3.0
"""A phase of a scenario takes this many times the length of a round."""
SUBSCRIBERS = 1_000
PACKAGES = ("autobahn_fast", "autobahn")
EVENT_OCTETS = 256
ALONE = 5
"""Publications that are made one after another."""


class Routers:
    """Starts each router when it is first asked for."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._urls: dict[str, tuple[str, str]] = {}
        self._runner = self._stack.enter_context(asyncio.Runner())
        self.crowds: dict[str, Crowd] = {}

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """On the loop that the processes belong to."""
        return self._runner.run(coroutine)

    def url(self, name: str) -> tuple[str, str]:
        """Where ``embedded`` or ``Crossbar`` takes WebSocket connections, and its realm. Raises `Skipped`."""
        if name not in self._urls:
            self._urls[name] = self._start_crossbar() if name == "Crossbar" else self._start_embedded()
        return self._urls[name]

    def _start_embedded(self) -> tuple[str, str]:
        router = Router(REALM)
        self.run(router.start())
        self._stack.callback(lambda: self.run(router.stop()))
        return router.urls["ws"], REALM

    def _start_crossbar(self) -> tuple[str, str]:
        if not CROSSBAR.exists():
            raise Skipped(f"there is no {CROSSBAR}")
        sys.path.append(str(BENCH.parent / "tests" / "crossbar"))
        import crossbar_node

        folder = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="autobahn_fast.", ignore_cleanup_errors=True))
        )
        node = crossbar_node.Node(str(CROSSBAR), folder)
        node.start()
        self._stack.callback(node.stop)
        return node.urls["ws"], crossbar_node.REALM

    def stop(self) -> None:
        """End them."""
        for crowd in self.crowds.values():
            self.run(crowd.disperse())
        self._stack.close()


def through(routers: Routers, name: str) -> Callable[[float], Figures]:
    """A side: all phases of a scenario, msgpack on uvloop. Figures are microseconds of wall time for a message, and latencies."""

    def measure(seconds: float) -> Figures:
        url, realm = routers.url(name)
        plan = Plan("uvloop", url, "msgpack", realm, seconds=max(seconds * PHASE, 0.3))
        result = finish(routers, Scenario(plan, Progress(io.StringIO(), 1)))
        return {
            "event": 1e6 / result.event_rate,
            "call": 1e6 / result.pipeline_rate,
            "event p50": result.event_p50 * 1e6,
            "event p99": result.event_p99 * 1e6,
            "call p50": result.call_p50 * 1e6,
            "call p99": result.call_p99 * 1e6,
        }

    return measure


class ClientScenario(Scenario):
    """Acknowledged publications in the place of lone events, whose latency is a matter of the router."""

    cpu_acknowledged = 0.0

    async def _latency(self) -> None:
        self.cpu_acknowledged = await self.acknowledged()


def as_client(routers: Routers, name: str, package: str) -> Callable[[float], Figures]:
    """A side: a package's clients of a router, all phases of a scenario. Microseconds of a client's processor time for a message."""

    def measure(seconds: float) -> Figures:
        url, realm = routers.url(name)
        plan = Plan("uvloop", url, "msgpack", realm, package, seconds=max(seconds * PHASE, 0.3))
        scenario = ClientScenario(plan, Progress(io.StringIO(), 1))
        result = finish(routers, scenario)
        figures = {
            "publish": result.cpu_publish,
            "event": result.cpu_event,
            "call": result.cpu_call,
            "call, in sequence": result.cpu_sequence,
            "invocation": result.cpu_invocation,
            "publish, acknowledged": scenario.cpu_acknowledged,
        }
        return {name: value * 1e6 for name, value in figures.items()}

    return measure


def finish(routers: Routers, scenario: Scenario) -> Result:
    """Run it to its end. Raises `Skipped` when it fails, or a message is lost."""
    try:
        result: Result = routers.run(scenario.run())
    except BenchError as exc:
        raise Skipped(str(exc).splitlines()[0]) from None
    if result.lost:
        raise Skipped(f"{result.lost} messages were lost")
    return result


class Crowd:
    """Many subscribers in one process (``peers/crowd.c``), which count messages, and a publisher in this one."""

    def __init__(self, url: str, realm: str) -> None:
        self.url, self.realm = url, realm
        self.expected = 0
        self.publisher: Any = None
        self._process: asyncio.subprocess.Process | None = None

    async def gather(self, count: int) -> None:
        """Have the subscribers join and subscribe, one after another, and the publisher join."""
        from autobahn_fast.asyncio.component import Component

        joined: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        component = Component(transports=[{"url": self.url, "serializers": ["msgpack"]}], realm=self.realm)
        component.on("join", lambda session, details: joined.set_result(session))
        self._running = component.start(asyncio.get_running_loop())
        self.publisher = await asyncio.wait_for(joined, 20)
        try:
            program = far_end.compiled("crowd", [BENCH / "peers" / "crowd.c"], [])
        except far_end.Unavailable as exc:
            raise Skipped(str(exc)) from None
        steps = [step.hex() for step in self._steps()]
        port = urlsplit(self.url).port
        self._process = await asyncio.create_subprocess_exec(
            str(program), str(port), str(count), *steps, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        await self._answer()

    def _steps(self) -> list[bytes]:
        # What each subscriber sends.
        from autobahn_fast.wamp import message, role
        from autobahn_fast.wamp.serializer import MsgPackSerializer

        where, codec = urlsplit(self.url), MsgPackSerializer()
        request = (
            f"GET {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: wamp.2.msgpack\r\n\r\n"
        )
        hello = message.Hello(self.realm, {"subscriber": role.RoleSubscriberFeatures()})
        subscribe = message.Subscribe(1, "bench.crowd")
        return [request.encode(), *(frame(codec.serialize(msg)[0], True) for msg in (hello, subscribe))]

    async def _answer(self) -> bytes:
        if self._process is None or self._process.stdout is None:
            raise Skipped("there is no crowd")
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        if not line:
            raise Skipped("the crowd is gone: see its error above")
        return line

    async def deliver(self, publications: int) -> None:
        """Publish and wait until everyone has everything."""
        if self._process is None or self._process.stdin is None:
            raise Skipped("there is no crowd")
        payload = "x" * EVENT_OCTETS
        for _ in range(publications):
            self.publisher.publish("bench.crowd", payload)
        self.expected += publications * SUBSCRIBERS
        self._process.stdin.write(b"%d\n" % self.expected)
        if (total := int(await self._answer())) != self.expected:
            raise Skipped(f"{total} instead of {self.expected} events came")

    async def disperse(self) -> None:
        """End all connections."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()
        if self.publisher is not None:
            self.publisher.leave()
            await self._running


def to_many(routers: Routers, name: str) -> Callable[[float], Figures]:
    """A side: one publisher, 1000 subscribers; microseconds of wall time for each delivered event: of publications as fast as
    they go, and of each when everyone has got the one before.
    """

    def measure(seconds: float) -> Figures:
        url, realm = routers.url(name)

        async def run() -> Figures:
            if name not in routers.crowds:
                routers.crowds[name] = crowd = Crowd(url, realm)
                await crowd.gather(SUBSCRIBERS)
                await crowd.deliver(1)
            crowd = routers.crowds[name]
            start = time.perf_counter()
            for _ in range(ALONE):
                await crowd.deliver(1)
            alone = (time.perf_counter() - start) / ALONE
            start = time.perf_counter()
            await crowd.deliver(10)
            one = (time.perf_counter() - start) / 10
            count = min(max(int(seconds * PHASE / one), 10), 1_000)
            start = time.perf_counter()
            await crowd.deliver(count)
            return {
                "event": (time.perf_counter() - start) / count / SUBSCRIBERS * 1e6,
                "event alone": alone / SUBSCRIBERS * 1e6,
            }

        figures: Figures = routers.run(run())
        return figures

    return measure


def router_cases(routers: Routers) -> list[Case]:
    """One subscriber and one callee, and a thousand subscribers; and what clients take with each router."""
    names = ("embedded", "Crossbar")
    return [
        Case("router", {name: through(routers, name) for name in names}, full=True),
        Case("router, 1000 subscribers", {name: to_many(routers, name) for name in names}, full=True),
        *(
            Case(f"clients of {router}", {side: as_client(routers, name, side) for side in PACKAGES}, full=True)
            for router, name in (("Crossbar", "Crossbar"), ("the embedded router", "embedded"))
        ),
    ]
