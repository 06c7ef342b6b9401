# SPDX-License-Identifier: MIT
"""A WebSocket server under measurement: ``ws_server.py PEER LOOP``, jobs as in ``worker.py``; ``near_end.c`` is its client.

A job: ``{"path": "echo" | "send" | "receive", "size", "connections", "seconds"}``, seen from the server: *send* is what it sends,
*receive* what it gets. A server echoes on ``/echo``; on ``/bench`` it counts messages, answers the text "count" with their number and
"flood N SIZE" with N messages of SIZE octets. Each is written as its own documentation has it, without limits and keepalive.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import far_end
from worker import Meter, run_on
from ws_turns import BATCH

WINDOW = 4 << 20
MESSAGES = 10_000
"""At most so many octets, or messages, one way before client and server have to agree on how many there were."""


async def flood(send: Callable[[bytes], Any], command: str, drain: Callable[[], Awaitable[Any]] | None = None) -> None:
    """Send what "flood N SIZE" asks for; the loop gets its turn after every hundred messages."""
    _, count, size = command.split()
    payload, left = b"x" * int(size), int(count)
    while left:
        now = min(left, BATCH)
        for _ in range(now):
            send(payload)
        left -= now
        await (drain() if drain is not None else asyncio.sleep(0))


async def start_autobahn(package: str) -> int:
    """autobahn or autobahn_fast; returns the port."""
    module = importlib.import_module(f"{package}.asyncio.websocket")
    tasks: set[asyncio.Task[None]] = set()

    class Server(module.WebSocketServerProtocol):  # type: ignore[misc, name-defined]
        counted = 0

        def onConnect(self, request: Any) -> None:
            if request.path == "/echo":
                self.onMessage = self.sendMessage

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if isBinary:
                self.counted += 1
            elif payload == b"count":
                self.sendMessage(str(self.counted).encode())
            else:
                send = self.sendMessage
                task = asyncio.get_running_loop().create_task(
                    flood(lambda octets: send(octets, True), payload.decode())
                )
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    factory = module.WebSocketServerFactory()
    factory.protocol = Server
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, backlog=1024)
    return port_of(server)


async def start_picows(_option: str) -> int:
    """picows."""
    import picows

    tasks: set[asyncio.Task[None]] = set()

    class Echo(picows.WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())

    class Bench(picows.WSListener):  # type: ignore[misc]
        counted = 0

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            payload = frame.get_payload_as_bytes()
            if frame.msg_type == picows.WSMsgType.BINARY:
                self.counted += 1
            elif payload == b"count":
                transport.send(picows.WSMsgType.TEXT, str(self.counted).encode())
            elif frame.msg_type == picows.WSMsgType.TEXT:
                kind = picows.WSMsgType.BINARY
                task = asyncio.get_running_loop().create_task(
                    flood(lambda octets: transport.send(kind, octets), payload.decode())
                )
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    def listener(request: Any) -> Any:
        return Echo() if request.path == b"/echo" else Bench()

    return port_of(await picows.ws_create_server(listener, "127.0.0.1", 0, max_frame_size=1 << 30, backlog=1024))


async def start_aiohttp(_option: str) -> int:
    """aiohttp."""
    from aiohttp import WSMsgType, web

    async def handle(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(max_msg_size=0, compress=False)
        await connection.prepare(request)
        echo, counted = request.path == "/echo", 0
        async for message in connection:
            if echo:
                await connection.send_bytes(message.data)
            elif message.type == WSMsgType.BINARY:
                counted += 1
            elif message.data == "count":
                await connection.send_str(str(counted))
            else:
                _, count, size = message.data.split()
                payload = b"x" * int(size)
                for _ in range(int(count)):
                    await connection.send_bytes(payload)
        return connection

    application = web.Application()
    application.router.add_get("/{path}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    return int(runner.addresses[0][1])


async def start_websockets(_option: str) -> int:
    """The websockets package."""
    from websockets.asyncio.server import serve

    async def handle(connection: Any) -> None:
        echo, counted = connection.request.path == "/echo", 0
        async for message in connection:
            if echo:
                await connection.send(message)
            elif isinstance(message, bytes):
                counted += 1
            elif message == "count":
                await connection.send(str(counted))
            else:
                _, count, size = message.split()
                payload = b"x" * int(size)
                for _ in range(int(count)):
                    await connection.send(payload)

    made = await serve(handle, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None, backlog=1024)
    return port_of(made)


def port_of(server: Any) -> int:
    """Where it listens."""
    return int(next(iter(server.sockets)).getsockname()[1])


STARTS: dict[str, Callable[[str], Awaitable[int]]] = {
    "autobahn": start_autobahn,
    "picows": start_picows,
    "aiohttp": start_aiohttp,
    "websockets": start_websockets,
}


class Handler:
    """Runs jobs for one server, with one client program."""

    def __init__(self, peer: str) -> None:
        name, _, self.option = peer.partition(":")
        self.start = STARTS[name]
        self.meter = Meter()
        self.port = 0
        self.key: tuple[Any, ...] = ()
        self.client: asyncio.subprocess.Process | None = None

    async def ask(self, command: str) -> str:
        """Have the client do something; returns its answer."""
        if self.client is None:
            program = far_end.compiled("near_end", [HERE / "near_end.c"], [])
            pipe = subprocess.PIPE
            self.client = await asyncio.create_subprocess_exec(program, stdin=pipe, stdout=pipe)
            if hasattr(
                os, "sched_setaffinity"
            ):  # the processor of the far end, which this process shares in round trips
                os.sched_setaffinity(self.client.pid, {min(os.sched_getaffinity(0))})
        if self.client.stdin is None or self.client.stdout is None:
            raise RuntimeError("the client has no input")
        self.client.stdin.write(f"{command}\n".encode())
        answer = await self.client.stdout.readline()
        if not answer:
            raise RuntimeError(f"the client failed at {command!r}; see its last words above")
        return answer.decode().strip()

    async def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        if not self.port:
            self.port = await self.start(self.option)
        path, size, connections = job["path"], job["size"], job.get("connections", 1)
        key = path == "echo", connections
        if key != self.key:
            await self.ask(f"connect {self.port} {connections} {'echo' if path == 'echo' else 'bench'}")
            self.key = key
        run = getattr(self, path)
        return await self.meter.measure(
            f"{path} {size} {connections}", lambda n: run(n, size), job["seconds"], connections
        )

    async def echo(self, count: int, size: int) -> None:
        """Round trips, over all connections."""
        await self.ask(f"echo {count} {size}")

    async def receive(self, count: int, size: int) -> None:
        """Messages in; raises when they were not all seen."""
        before = int(await self.ask(f"send 0 {size}"))
        after = int(await self.ask(f"send {count} {size}"))
        if after - before != count:
            raise RuntimeError(f"{count} messages were sent, {after - before} arrived")

    async def send(self, count: int, size: int) -> None:
        """Messages out, in portions that no buffer is too small for."""
        most = min(max(WINDOW // size, 1), MESSAGES)
        while count:
            now = min(count, most)
            await self.ask(f"receive {now} {size}")
            count -= now


if __name__ == "__main__":
    _peer, _loop = sys.argv[1:3]
    run_on(_loop, lambda: Handler(_peer))
