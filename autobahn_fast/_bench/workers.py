# SPDX-License-Identifier: MIT
"""The processes that are measured: a subscriber, a callee, and a driver that publishes and calls.

Each is one WAMP session over the public API, run by a Component, and takes commands as JSON lines on its standard input;
every command gets one JSON line on standard output, and ``{"progress": ...}`` lines may come before it. The end of the
input ends the session. The module knows nothing of routers and tables. It measures the package that the job names, so
that the same lines run over ``autobahn``.

Times are wall-clock seconds, ``cpu`` is processor time of this process (user and system) in seconds.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from typing import Any

BATCH = 64
"""Messages published between two looks at the clock and the flow control."""

PROGRESS_INTERVAL = 0.2
STALL_TIMEOUT = 15.0
"""Seconds without a single further message after which what is missing counts as lost."""


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the values lie; 0.0 if there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def make_payload(size: int) -> str:
    """A text of ``size`` ASCII characters, none of which needs an escape in JSON."""
    return ("The quick brown fox jumps over the lazy dog 0123456789. " * (size // 56 + 1))[:size]


def make_transport(url: str, serializer: str) -> dict[str, Any]:
    """The transport configuration of a Component for ``ws://``, ``wss://``, ``rs://host:port`` or ``unix:/path``."""
    retry = {"max_retries": 20, "initial_retry_delay": 0.1, "max_retry_delay": 1.0}
    if url.startswith("unix:"):
        endpoint = {"type": "unix", "path": url[len("unix:") :]}
        return {"type": "rawsocket", "url": "rs://localhost", "endpoint": endpoint, "serializer": serializer, **retry}
    if url.startswith("rs"):
        return {"type": "rawsocket", "url": url, "serializer": serializer, **retry}
    return {"type": "websocket", "url": url, "serializers": [serializer], **retry}


class Worker:
    """One process under measurement. Commands are the methods ``do_<name>(**arguments) -> dict``."""

    def __init__(self, session: Any, job: dict[str, Any], types: Any) -> None:
        self.session = session
        self.prefix: str = job["prefix"]
        self.payload = make_payload(job["payload"])
        self.types = types
        self.received = 0
        self.cpu_start = 0.0
        self.started = 0.0

    async def setup(self) -> None:
        """Subscribe or register what the role needs."""

    async def do_mark(self) -> dict[str, Any]:
        """Start counting messages and processor time anew."""
        self.received = 0
        self.cpu_start = time.process_time()
        self.started = time.monotonic()
        return {}

    async def do_count(self, expect: int) -> dict[str, Any]:
        """Wait until ``expect`` messages have come since the mark, or none comes any more."""
        last, deadline = self.received, time.monotonic() + STALL_TIMEOUT
        while self.received < expect and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            if self.received != last:
                last, deadline = self.received, time.monotonic() + STALL_TIMEOUT
        return {"received": self.received, "cpu": time.process_time() - self.cpu_start}


class Subscriber(Worker):
    """Counts events, checks that they come complete and in order, and takes the time they took."""

    def __init__(self, session: Any, job: dict[str, Any], types: Any) -> None:
        super().__init__(session, job, types)
        self.disordered = 0
        self.last_event = 0.0
        self.latencies: list[float] = []

    async def setup(self) -> None:
        await self.session.subscribe(self.on_flood, f"{self.prefix}.flood")
        await self.session.subscribe(self.on_ping, f"{self.prefix}.ping")

    def on_flood(self, number: int, payload: str) -> None:
        if number != self.received:
            self.disordered += 1
        self.received += 1

    def on_ping(self, sent: int, payload: str) -> None:
        self.latencies.append((time.monotonic_ns() - sent) / 1e9)
        self.received += 1

    async def do_mark(self) -> dict[str, Any]:
        self.disordered = 0
        self.latencies.clear()
        return await super().do_mark()

    async def do_watch(self, seconds: float) -> dict[str, Any]:
        """Report the count of events so far every now and then, for ``seconds``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(PROGRESS_INTERVAL)
            report(progress={"received": self.received})
        return {}

    async def do_count(self, expect: int) -> dict[str, Any]:
        result = await super().do_count(expect)
        result["disordered"] = self.disordered
        result["seconds"] = time.monotonic() - self.started
        result["p50"] = percentile(self.latencies, 0.50)
        result["p99"] = percentile(self.latencies, 0.99)
        return result


class Callee(Worker):
    """Answers calls with their own argument."""

    async def setup(self) -> None:
        await self.session.register(self.echo, f"{self.prefix}.echo")

    def echo(self, payload: str) -> str:
        self.received += 1
        return payload


class Driver(Worker):
    """Publishes and calls: as fast as flow control lets it, one after another, or many in flight."""

    async def do_publish(self, seconds: float) -> dict[str, Any]:
        """Publish without acknowledgement for ``seconds``; done when the router has taken the last one.

        A final acknowledged publication proves that the router has worked through all before it.
        """
        publish, topic, payload = self.session.publish, f"{self.prefix}.flood", self.payload
        drain = getattr(self.session, "drain", None)
        sent, cpu = 0, time.process_time()
        start = now = time.monotonic()
        shown, end = start, start + seconds
        while now < end:
            for number in range(sent, sent + BATCH):
                publish(topic, number, payload)
            sent += BATCH
            if drain is not None:
                await drain()
            await asyncio.sleep(0)
            now = time.monotonic()
            if now - shown > PROGRESS_INTERVAL:
                shown = now
                report(progress={"sent": sent})
        await self.session.publish(f"{self.prefix}.done", options=self.types.PublishOptions(acknowledge=True))
        return {"sent": sent, "seconds": time.monotonic() - start, "cpu": time.process_time() - cpu}

    async def do_ping(self, seconds: float) -> dict[str, Any]:
        """Publish one lone event each millisecond or so, with the time of its departure in it."""
        sent, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            self.session.publish(f"{self.prefix}.ping", time.monotonic_ns(), self.payload)
            sent += 1
            await asyncio.sleep(0.001)
        return {"sent": sent}

    async def do_acknowledged(self, seconds: float) -> dict[str, Any]:
        """Publish with acknowledgement, each publication after the acknowledgement of the one before."""
        publish, topic, payload = self.session.publish, f"{self.prefix}.acknowledged", self.payload
        options = self.types.PublishOptions(acknowledge=True)
        sent, cpu, end = 0, time.process_time(), time.monotonic() + seconds
        while time.monotonic() < end:
            await publish(topic, payload, options=options)
            sent += 1
        return {"sent": sent, "cpu": time.process_time() - cpu}

    async def do_call(self, seconds: float) -> dict[str, Any]:
        """Call, each call after the result of the one before."""
        call, procedure, payload = self.session.call, f"{self.prefix}.echo", self.payload
        times: list[float] = []
        answered, cpu = 0, time.process_time()
        start = before = time.monotonic()
        while before - start < seconds:
            if await call(procedure, payload) == payload:
                answered += 1
            now = time.monotonic()
            times.append(now - before)
            before = now
        result = {"sent": len(times), "received": answered, "seconds": before - start}
        return {
            **result,
            "cpu": time.process_time() - cpu,
            "p50": percentile(times, 0.5),
            "p99": percentile(times, 0.99),
        }

    async def do_pipeline(self, seconds: float, in_flight: int) -> dict[str, Any]:
        """Call with ``in_flight`` calls under way all the time."""
        call, procedure, payload = self.session.call, f"{self.prefix}.echo", self.payload
        finished = asyncio.get_running_loop().create_future()
        sent = answered = done = 0
        cpu = time.process_time()
        start = time.monotonic()
        end = start + seconds

        def one() -> None:
            nonlocal sent
            sent += 1
            call(procedure, payload).add_done_callback(on_result)

        def on_result(future: Any) -> None:
            nonlocal answered, done
            done += 1
            if future.exception() is None and future.result() == payload:
                answered += 1
            if time.monotonic() < end:
                one()
            elif done == sent:
                finished.set_result(None)

        for _ in range(in_flight):
            one()
        await finished
        return {
            "sent": sent,
            "received": answered,
            "seconds": time.monotonic() - start,
            "cpu": time.process_time() - cpu,
        }


ROLES: dict[str, type[Worker]] = {"subscriber": Subscriber, "callee": Callee, "driver": Driver}


def report(**values: Any) -> None:
    """One JSON line for the process that started this one."""
    print(json.dumps(values), flush=True)


async def serve(worker: Worker, commands: asyncio.StreamReader) -> None:
    """Run the commands that come in, until there are no more."""
    await worker.setup()
    report(ready=True)
    while line := await commands.readline():
        command = json.loads(line)
        report(**await getattr(worker, "do_" + command.pop("do"))(**command))


async def run(job: dict[str, Any]) -> None:
    """Join the realm with a Component of the job's package and serve commands until standard input ends."""
    package = job["package"]
    component_module = importlib.import_module(f"{package}.asyncio.component")
    types = importlib.import_module(f"{package}.wamp.types")
    loop = asyncio.get_running_loop()
    # The reader lives in this frame: its protocol refers to it weakly, and a task that only it would wake could be collected.
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)

    async def main(_loop: Any, session: Any) -> None:
        await serve(ROLES[job["role"]](session, job, types), commands)

    transport = make_transport(job["url"], job["serializer"])
    await component_module.Component(main=main, transports=[transport], realm=job["realm"]).start(loop)


def loop_factory(name: str) -> Any:
    """What makes an event loop of that name, for ``asyncio.Runner``."""
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


if __name__ == "__main__":
    _job = json.loads(sys.argv[1])
    with asyncio.Runner(loop_factory=loop_factory(_job["loop"])) as _runner:
        _runner.run(run(_job))
