# SPDX-License-Identifier: MIT
"""A WAMP client under measurement: ``wamp.py PACKAGE LOOP PORT``, jobs as in ``worker.py``.

A job: ``{"path", "serializer", "transport": "websocket" | "rawsocket", "subscriptions", "pending", "seconds"}``. The paths are
the methods of `Paths`; one text argument of 256 octets, one session for each serializer and transport. The same lines run over
``autobahn`` and ``autobahn_fast``; ``wamp_xconn.py`` and ``wamp_js.js`` do the same with other clients.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from worker import Meter, latencies, resident, run_on

BATCH = 100
ASKED = 5_000
"""After so many publications the far end is asked how many it got: nothing may be lost, and no queue may grow."""
PAYLOAD = ("The quick brown fox jumps over the lazy dog 0123456789. " * 5)[:256]
STEPS = {"publish": BATCH, "prepared": BATCH, "invocation": BATCH, "call_pipelined": BATCH, "call_window": BATCH}
"""Counts are multiples of this."""
ONE_BY_ONE = ("acknowledged", "call_sequence")
"""Paths whose round trips have latencies: with many under way they would say how many there are."""


class Futures:
    """What differs between asyncio and Twisted."""

    def __init__(self, twisted: bool) -> None:
        self.twisted = twisted

    def new(self) -> Any:
        """Something to await."""
        if self.twisted:
            from twisted.internet.defer import Deferred

            return Deferred()
        return asyncio.get_running_loop().create_future()

    def complete(self, future: Any, value: Any = None) -> None:
        """It is there."""
        if self.twisted:
            future.callback(value)
        elif not future.done():
            future.set_result(value)

    def then(self, future: Any, callback: Any) -> None:
        """Have ``callback`` called with the result."""
        if self.twisted:
            future.addCallback(callback)
        else:
            future.add_done_callback(lambda done: callback(done.result()))

    async def turn(self) -> None:
        """Let the loop write."""
        if not self.twisted:
            await asyncio.sleep(0)
            return
        from twisted.internet import reactor, task

        await task.deferLater(reactor, 0)


def check(result: Any) -> None:
    """Raises when a result is not what the far end sends."""
    if result != PAYLOAD:
        raise RuntimeError("a call had another result than the far end sends")


class Window:
    """Exactly 100 calls in flight all the time: each result sends the next call from its callback."""

    def __init__(self, session: Any, futures: Futures, count: int) -> None:
        self.call, self.futures, self.to_send, self.missing = session.call, futures, count, count
        self.done = futures.new()
        self.add = self._add_deferred if futures.twisted else self._add_future

    def _add_future(self) -> None:
        self.call("bench.echo", PAYLOAD).add_done_callback(self._on_done)

    def _add_deferred(self) -> None:
        self.call("bench.echo", PAYLOAD).addCallback(self._on_result)

    def _on_done(self, future: Any) -> None:
        self._on_result(future.result())

    def _on_result(self, result: Any) -> None:
        check(result)
        self.missing -= 1
        if self.to_send:
            self.to_send -= 1
            self.add()
        elif not self.missing:
            self.futures.complete(self.done)

    async def run(self) -> None:
        """Until all results are there."""
        for _ in range(min(BATCH, self.to_send)):
            self.to_send -= 1
            self.add()
        await self.done


class Paths:
    """What is measured, over one session."""

    def __init__(self, session: Any, futures: Futures, package: str) -> None:
        self.session, self.futures, self.package = session, futures, package
        self.missing = 0
        self.done: Any = None
        self.subscriptions = 0
        self.registered = False
        self.pending: list[Any] = []

    def on_event(self, payload: str) -> None:
        """A plain function as handler."""
        self.missing -= 1
        if not self.missing:
            self.futures.complete(self.done)

    def on_invocation(self, payload: str) -> str:
        """A plain function as endpoint."""
        self.missing -= 1
        if not self.missing:
            self.futures.complete(self.done)
        return payload

    async def prepare(self, job: dict[str, Any]) -> None:
        """Subscriptions and calls under way, as many as the job asks for."""
        while self.subscriptions < job.get("subscriptions", 1):
            self.subscriptions += 1
            await self.session.subscribe(self.on_event, f"bench.topic.{self.subscriptions}")
        while len(self.pending) < job.get("pending", 0):
            self.pending.append(self.session.call("bench.never", PAYLOAD))

    async def _counted(self, count: int, send: Any) -> None:
        drain = getattr(self.session, "drain", None)
        while count:
            now = min(count, ASKED)
            before = int(await self.session.call("bench.count"))
            for _ in range(now // BATCH):
                send(BATCH)
                if drain is not None:
                    await drain()
                await self.futures.turn()
            arrived = int(await self.session.call("bench.count")) - before
            if arrived != now:
                raise RuntimeError(f"{now} messages were published, {arrived} arrived")
            count -= now

    async def publish(self, count: int) -> None:
        """Publish in a loop, without acknowledgement."""
        publish, payload = self.session.publish, PAYLOAD

        def send(n: int) -> None:
            for _ in range(n):
                publish("bench.topic", payload)

        await self._counted(count, send)

    async def prepared(self, count: int) -> None:
        """The same with a publication made ready once, where the package has that."""
        publication = self.session.prepare_publish("bench.topic")
        payload = PAYLOAD

        def send(n: int) -> None:
            for _ in range(n):
                publication(payload)

        await self._counted(count, send)

    async def acknowledged(self, count: int) -> None:
        """Publish with acknowledgement, one after another."""
        options = importlib.import_module(f"{self.package}.wamp.types").PublishOptions(acknowledge=True)
        publish, payload = self.session.publish, PAYLOAD
        for _ in range(count):
            await publish("bench.topic", payload, options=options)

    async def event(self, count: int) -> None:
        """The far end sends events as fast as they are taken."""
        self.missing, self.done = count, self.futures.new()
        await self.session.call(f"bench.flood.{count}")
        await self.done

    async def invocation(self, count: int) -> None:
        """The far end calls 100 times in one go, and again when all is answered."""
        if not self.registered:
            self.registered = True
            await self.session.register(self.on_invocation, "bench.endpoint")
        self.missing, self.done = count, self.futures.new()
        await self.session.call(f"bench.invoke.{count}")
        await self.done

    async def call_pipelined(self, count: int) -> None:
        """100 calls are sent, then their results awaited."""
        call, payload = self.session.call, PAYLOAD
        for _ in range(count // BATCH):
            for future in [call("bench.echo", payload) for _ in range(BATCH)]:
                check(await future)

    async def call_window(self, count: int) -> None:
        """Always 100 calls in flight."""
        await Window(self.session, self.futures, count).run()

    async def call_sequence(self, count: int) -> None:
        """Each call waits for the result of the one before."""
        call, payload = self.session.call, PAYLOAD
        for _ in range(count):
            await call("bench.echo", payload)


class Handler:
    """Runs jobs for one package; keeps a session for each way to connect."""

    def __init__(self, package: str, loop: str, port: int) -> None:
        self.package, self.port = package, port
        self.framework = "twisted" if loop == "twisted" else "asyncio"
        self.futures = Futures(loop == "twisted")
        self.meter = Meter()
        self.paths: dict[str, Paths] = {}
        self.kept: list[Any] = []

    async def join(self, serializer: str, transport: str) -> Any:
        """A session with a Component."""
        module = importlib.import_module(f"{self.package}.{self.framework}.component")
        endpoint = {"type": "tcp", "host": "127.0.0.1", "port": self.port}
        if transport == "rawsocket":
            config = {"type": "rawsocket", "url": f"rs://127.0.0.1:{self.port}", "serializer": serializer}
        else:
            config = {"type": "websocket", "url": f"ws://127.0.0.1:{self.port}/wamp", "serializers": [serializer]}
        component = module.Component(transports=[{**config, "endpoint": endpoint, "max_retries": 2}], realm="realm1")
        joined = self.futures.new()
        component.on("join", lambda session, details: self.futures.complete(joined, session))
        if self.futures.twisted:
            from twisted.internet import reactor

            self.kept.append(component.start(reactor))
        else:
            self.kept.append(component.start(asyncio.get_running_loop()))
        self.kept.append(component)
        return await joined

    async def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["path"] == "memory":
            return await self.memory(job["connections"])
        key = json.dumps({name: value for name, value in job.items() if name not in ("seconds", "path")})
        if key not in self.paths:
            session = await self.join(job.get("serializer", "msgpack"), job.get("transport", "websocket"))
            self.paths[key] = Paths(session, self.futures, self.package)
            await self.paths[key].prepare(job)
        path = getattr(self.paths[key], job["path"])
        if job["path"] == "prepared" and not hasattr(self.paths[key].session, "prepare_publish"):
            return {"error": "has no prepared publications"}
        answer = await self.meter.measure(key + job["path"], path, job["seconds"], STEPS.get(job["path"], 1))
        return answer | (await latencies(lambda: path(1)) if job["path"] in ONE_BY_ONE else {})

    async def memory(self, count: int) -> dict[str, float]:
        """KiB that an idle session takes beyond a bare transport of the loop."""
        loop = asyncio.get_running_loop()
        websocket = importlib.import_module(f"{self.package}.asyncio.websocket")
        wamp = importlib.import_module(f"{self.package}.asyncio.wamp")
        types = importlib.import_module(f"{self.package}.wamp.types")
        serializer = importlib.import_module(f"{self.package}.wamp.serializer").MsgPackSerializer
        joined: list[Any] = []

        class Session(wamp.ApplicationSession):  # type: ignore[misc, name-defined]
            def onJoin(self, details: Any) -> None:
                joined.append(self)

        def make() -> Any:
            return Session(types.ComponentConfig("realm1"))

        factory = websocket.WampWebSocketClientFactory(
            make, url=f"ws://127.0.0.1:{self.port}/wamp", serializers=[serializer()]
        )

        async def more(made: Any, n: int) -> list[Any]:
            wanted = len(joined) + n
            kept = [await loop.create_connection(made, "127.0.0.1", self.port) for _ in range(n)]
            while made is factory and len(joined) < wanted:
                await asyncio.sleep(0.01)
            return kept

        kept = [await more(factory, 20), await more(asyncio.Protocol, 20)]
        figures = []
        for made in (asyncio.Protocol, factory):
            gc.collect()
            before = resident()
            kept.append(await more(made, count))
            gc.collect()
            figures.append((resident() - before) / 1024 / count)
        bare, session = figures
        for connections in kept:
            for transport, _ in connections:
                transport.abort()
        joined.clear()
        await asyncio.sleep(0.1)
        return {"KiB": max(session - bare, 0.0), "bare": bare}


if __name__ == "__main__":
    _package, _loop, _port = sys.argv[1:4]
    run_on(_loop, lambda: Handler(_package, _loop, int(_port)))
