# SPDX-License-Identifier: MIT
"""A WebSocket client under measurement: ``ws.py PEER LOOP PORT TLS_PORT``, jobs as in ``worker.py``.

A job: ``{"path": "echo" | "send" | "receive" | "memory", "size", "text", "tls", "deflate", "connections", "seconds"}``.

- echo: each connection has one message under way; the next goes out when the one before is back.
- send: one way. After 4 MiB, or 10,000 messages, the far end is asked how many it got, which also is the flow control.
- receive: the far end sends as fast as the socket takes it.
- memory: ``connections`` idle ones.

How a peer connects and exchanges messages is in ``ws_PEER.py``.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import json
import ssl
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from worker import Meter, percentile, resident, run_on

WINDOW = 4 << 20
MESSAGES = 10_000
LATENCIES = 2_000
FEWEST_LATENCIES = 200
"""With fewer round trips a 99th percentile would be the largest or the one before."""
LATENCY_OCTETS = 32 << 20


def make_payload(size: int, text: bool) -> bytes:
    """Octets that are no valid text, or JSON of about the kind programs send."""
    if not text:
        return (bytes(range(256)) * (size // 256 + 1))[:size]
    rows = [
        {"id": i, "name": f"item {i}", "price": (i * 7919 % 10_000) / 100, "tags": ["new", "ä"]}
        for i in range(size // 50)
    ]
    octets = json.dumps(rows, ensure_ascii=False).encode()[:size]
    return octets.decode(errors="ignore").encode().ljust(size)


class Handler:
    """Runs jobs for one peer; keeps the connections of the last job."""

    def __init__(self, peer: str, loop: str, port: int, tls_port: int) -> None:
        module, _, option = peer.partition(":")
        self.client = importlib.import_module(f"ws_{module}").Client(option, loop)
        self.ports = {False: port, True: tls_port}
        self.meter = Meter()
        self.key: tuple[Any, ...] = ()
        self.connections: list[Any] = []

    async def connect(self, job: dict[str, Any]) -> list[Any]:
        """Connections for the job: those that are there, or new ones."""
        key = (job["path"], bool(job.get("tls")), bool(job.get("deflate")), job.get("connections", 1))
        if key != self.key:
            for connection in self.connections:
                await self.client.close(connection)
            path, tls, deflate, count = self.key = key
            where = "echo" if path == "echo" else "bench"
            url = f"{'wss' if tls else 'ws'}://127.0.0.1:{self.ports[tls]}/{where}"
            context = ssl.create_default_context() if tls else None
            if context is not None:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.connections = [await self.client.connect(url, path, context, deflate) for _ in range(count)]
        return self.connections

    async def memory(self, count: int) -> dict[str, float]:
        """KiB that an idle connection takes beyond a bare transport of the loop."""
        loop, port = asyncio.get_running_loop(), self.ports[False]
        url = f"ws://127.0.0.1:{port}/bench"

        async def more(bare: bool, n: int) -> list[Any]:
            if bare:
                return [await loop.create_connection(asyncio.Protocol, "127.0.0.1", port) for _ in range(n)]
            return [await self.client.connect(url, "bench", None, False) for _ in range(n)]

        kept = [await more(bare, 20) for bare in (False, True)]
        figures = []
        for bare in (True, False):
            gc.collect()
            before = resident()
            kept.append(await more(bare, count))
            gc.collect()
            figures.append((resident() - before) / 1024 / count)
        return {"KiB": max(figures[1] - figures[0], 0.0), "bare": figures[0]}

    async def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["path"] == "memory":
            return await self.memory(job["connections"])
        connections = await self.connect(job)
        size, text = job["size"], bool(job.get("text"))
        payload = make_payload(size, text)
        path = getattr(self, job["path"])
        key = json.dumps({name: value for name, value in job.items() if name != "seconds"})
        answer: dict[str, Any] = {}
        trips = min(LATENCIES, LATENCY_OCTETS // size)
        if job["path"] == "echo" and len(connections) == 1 and trips >= FEWEST_LATENCIES:
            stamps: list[float] = []
            await self.client.echo(connections, payload, not text, 3, None)
            await self.client.echo(connections, payload, not text, trips, stamps)
            taken = [(b - a) * 1e6 for a, b in itertools.pairwise(stamps)]
            answer = {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99)}
        step = len(connections)

        async def run(count: int) -> None:
            await path(connections, payload, not text, count)

        return {**await self.meter.measure(key, run, job["seconds"], step), **answer}

    async def echo(self, connections: list[Any], payload: bytes, binary: bool, count: int) -> None:
        """``count`` round trips over all connections."""
        await self.client.echo(connections, payload, binary, count, None)

    async def send(self, connections: list[Any], payload: bytes, binary: bool, count: int) -> None:
        """``count`` messages out; raises when the far end did not get them all."""
        (connection,) = connections
        window = min(max(WINDOW // len(payload), 1), MESSAGES)
        expected = None
        while count:
            now = min(count, window)
            got = int(await self.client.send(connection, payload, binary, now))
            if expected is not None and got != expected + now:
                raise RuntimeError(f"{now} messages were sent, {got - expected} arrived")
            expected = got
            count -= now

    async def receive(self, connections: list[Any], payload: bytes, binary: bool, count: int) -> None:
        """``count`` messages in."""
        (connection,) = connections
        await self.client.receive(connection, len(payload), binary, count)


if __name__ == "__main__":
    _peer, _loop, _port, _tls_port = sys.argv[1:5]
    run_on(_loop, lambda: Handler(_peer, _loop, int(_port), int(_tls_port)))
