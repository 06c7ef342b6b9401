# SPDX-License-Identifier: MIT
"""xconn as the WAMP client under measurement: ``wamp_xconn.py LOOP PORT``. Jobs as in ``wamp.py``; its asyncio client."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from wamp import ASKED, BATCH, ONE_BY_ONE, PAYLOAD, STEPS, check
from wampproto import serializers
from worker import Meter, latencies, run_on
from xconn.async_client import AsyncClient
from xconn.types import Event, Invocation, Result

SERIALIZERS = {
    "json": serializers.JSONSerializer,
    "msgpack": serializers.MsgPackSerializer,
    "cbor": serializers.CBORSerializer,
}


class Paths:
    """What is measured, over one session."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.missing = 0
        self.done: Any = None
        self.registered = False

    async def on_event(self, event: Event) -> None:
        """Handlers are coroutine functions there."""
        self.missing -= 1
        if not self.missing:
            self.done.set_result(None)

    async def on_invocation(self, invocation: Invocation) -> Result:
        """The same."""
        self.missing -= 1
        if not self.missing:
            self.done.set_result(None)
        return Result(args=invocation.args)

    async def _count(self) -> int:
        return int((await self.session.call("bench.count")).args[0])

    async def publish(self, count: int) -> None:
        """Without acknowledgement."""
        publish, payload = self.session.publish, [PAYLOAD]
        while count:
            now = min(count, ASKED)
            before = await self._count()
            for _ in range(now):
                await publish("bench.topic", payload)
            if await self._count() - before != now:
                raise RuntimeError("a message was lost")
            count -= now

    async def acknowledged(self, count: int) -> None:
        """One after another."""
        for _ in range(count):
            await self.session.publish("bench.topic", [PAYLOAD], options={"acknowledge": True})

    async def event(self, count: int) -> None:
        """As they come."""
        self.missing, self.done = count, asyncio.get_running_loop().create_future()
        await self.session.call(f"bench.flood.{count}")
        await self.done

    async def invocation(self, count: int) -> None:
        """In bursts of 100."""
        if not self.registered:
            self.registered = True
            await self.session.register("bench.endpoint", self.on_invocation)
        self.missing, self.done = count, asyncio.get_running_loop().create_future()
        await self.session.call(f"bench.invoke.{count}")
        await self.done

    async def call_pipelined(self, count: int) -> None:
        """100 at once."""
        call = self.session.call
        for _ in range(count // BATCH):
            for result in await asyncio.gather(*(call("bench.echo", [PAYLOAD]) for _ in range(BATCH))):
                check(result.args[0])

    async def call_sequence(self, count: int) -> None:
        """One after another."""
        for _ in range(count):
            await self.session.call("bench.echo", [PAYLOAD])


class Handler:
    """Runs jobs; keeps a session for each serializer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.meter = Meter()
        self.paths: dict[str, Paths] = {}

    async def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        serializer = job.get("serializer", "msgpack")
        if serializer not in self.paths:
            client = AsyncClient(serializer=SERIALIZERS[serializer]())
            session = await client.connect(f"ws://127.0.0.1:{self.port}/wamp", "realm1")
            self.paths[serializer] = Paths(session)
            await session.subscribe("bench.topic", self.paths[serializer].on_event)
        path = getattr(self.paths[serializer], job["path"], None)
        if path is None:
            return {"error": "not measured"}
        key = serializer + job["path"]
        answer = await self.meter.measure(key, path, job["seconds"], STEPS.get(job["path"], 1))
        return answer | (await latencies(lambda: path(1)) if job["path"] in ONE_BY_ONE else {})


if __name__ == "__main__":
    _loop, _port = sys.argv[1:3]
    run_on(_loop, lambda: Handler(int(_port)))
