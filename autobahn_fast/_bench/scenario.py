# SPDX-License-Identifier: MIT
"""One scenario: a loop, a transport and a serializer, taken through publishing, latency and calls.

Three processes of their own join the realm; this module tells them what to do and adds up what they report.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from autobahn_fast._bench.processes import WorkerProcess, together
from autobahn_fast._bench.progress import Progress

PHASES = 4


@dataclass(frozen=True)
class Plan:
    """What one scenario runs with. ``seconds`` is how long each of its four phases lasts."""

    loop: str
    url: str
    serializer: str
    realm: str = "realm1"
    package: str = "autobahn_fast"
    payload: int = 256
    seconds: float = 1.5
    in_flight: int = 100

    @property
    def transport(self) -> str:
        """``ws``, ``wss``, ``rs``, ``rss`` or ``unix``."""
        return self.url.partition(":")[0]

    @property
    def label(self) -> str:
        """Three words that tell this scenario from others."""
        return f"{self.loop} {self.transport} {self.serializer}"


@dataclass
class Result:
    """What came out. Rates are per second, latencies in seconds, ``cpu_*`` in seconds of processor time per message.

    ``sent`` counts publications and calls, ``received`` the events and the results that answer them.
    """

    plan: Plan
    publish_rate: float = 0.0
    event_rate: float = 0.0
    call_rate: float = 0.0
    pipeline_rate: float = 0.0
    event_p50: float = 0.0
    event_p99: float = 0.0
    call_p50: float = 0.0
    call_p99: float = 0.0
    cpu_publish: float = 0.0
    cpu_event: float = 0.0
    cpu_call: float = 0.0
    cpu_sequence: float = 0.0
    cpu_invocation: float = 0.0
    sent: int = 0
    received: int = 0
    disordered: int = 0

    @property
    def lost(self) -> int:
        """Messages that were sent and never arrived, or came more often than they were sent."""
        return abs(self.sent - self.received)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "lost": self.lost}


class Scenario:
    """Runs a plan: ``result = await Scenario(plan, progress).run()``."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan = plan
        self.progress = progress
        self.result = Result(plan)
        prefix = f"bench.{os.getpid()}"
        job = {key: value for key, value in asdict(plan).items() if key not in ("seconds", "in_flight")} | {
            "prefix": prefix
        }
        self.subscriber, self.callee, self.driver = (
            WorkerProcess({**job, "role": role}) for role in ("subscriber", "callee", "driver")
        )

    async def run(self) -> Result:
        """Start the three processes, run the phases, end the processes. Raises `BenchError`."""
        workers = self.subscriber, self.callee, self.driver
        self.progress.begin(self.plan.label)
        try:
            await together(*(worker.start() for worker in workers))
            await together(*(worker.ready() for worker in workers))
            await self._publish()
            await self._latency()
            await self._call()
            await self._pipeline()
        finally:
            await together(*(worker.stop() for worker in workers))
        return self.result

    async def _publish(self) -> None:
        self.progress.step("publish")
        await self.subscriber.ask("mark")
        published, _ = await together(
            self.driver.ask("publish", lambda p: self.progress.count("publish", p["sent"]), seconds=self.plan.seconds),
            self.subscriber.ask(
                "watch", lambda p: self.progress.count("events", p["received"]), seconds=self.plan.seconds
            ),
        )
        delivered = await self.subscriber.ask("count", expect=published["sent"])
        result = self.result
        result.sent += published["sent"]
        result.received += delivered["received"]
        result.disordered += delivered["disordered"]
        result.publish_rate = published["sent"] / published["seconds"]
        result.event_rate = delivered["received"] / delivered["seconds"]
        result.cpu_publish = published["cpu"] / published["sent"]
        result.cpu_event = delivered["cpu"] / max(delivered["received"], 1)

    async def _latency(self) -> None:
        self.progress.step("latency of lone events")
        await self.subscriber.ask("mark")
        published = await self.driver.ask("ping", seconds=self.plan.seconds)
        delivered = await self.subscriber.ask("count", expect=published["sent"])
        self.result.sent += published["sent"]
        self.result.received += delivered["received"]
        self.result.event_p50 = delivered["p50"]
        self.result.event_p99 = delivered["p99"]

    async def acknowledged(self) -> float:
        """Seconds of processor time for an acknowledged publication. No phase of its own: between start and end of the processes."""
        published = await self.driver.ask("acknowledged", seconds=self.plan.seconds)
        return float(published["cpu"]) / float(published["sent"])

    async def _call(self) -> None:
        self.progress.step("calls, one after another")
        called = await self.driver.ask("call", seconds=self.plan.seconds)
        self.result.sent += called["sent"]
        self.result.received += called["received"]
        self.result.call_rate = called["received"] / called["seconds"]
        self.result.cpu_sequence = called["cpu"] / called["sent"]
        self.result.call_p50 = called["p50"]
        self.result.call_p99 = called["p99"]

    async def _pipeline(self) -> None:
        self.progress.step(f"calls, {self.plan.in_flight} in flight")
        await self.callee.ask("mark")
        called = await self.driver.ask("pipeline", seconds=self.plan.seconds, in_flight=self.plan.in_flight)
        invoked = await self.callee.ask("count", expect=called["sent"])
        self.result.sent += called["sent"]
        self.result.received += called["received"]
        self.result.pipeline_rate = called["received"] / called["seconds"]
        self.result.cpu_call = called["cpu"] / called["sent"]
        self.result.cpu_invocation = invoked["cpu"] / max(invoked["received"], 1)
