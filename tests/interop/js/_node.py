# SPDX-License-Identifier: MIT
"""A process of Node with ``peer.js`` in it, and JavaScript sessions in there with methods to await."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INSTALLED = HERE.parents[2] / ".venvs" / "js"
NODE = shutil.which("node")
WHY_NOT = ""
if not NODE:
    WHY_NOT = "node is not installed"
elif not (INSTALLED / ".installed").exists():
    WHY_NOT = "`make test-js` installs what it needs"
TIMEOUT = 20


class JsError(Exception):
    """What a JavaScript library reported: an error URI with what came with it, or a text where there is no URI."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("text"))
        self.uri: str | None = error.get("uri")
        self.args_sent, self.kwargs_sent = error.get("args"), error.get("kwargs")


def packed(value: Any) -> Any:
    """A value as ``peer.js`` takes it: octets as an object."""
    if isinstance(value, bytes):
        return {"$hex": value.hex()}
    if isinstance(value, list | tuple):
        return [packed(item) for item in value]
    return {key: packed(item) for key, item in value.items()} if isinstance(value, dict) else value


def unpacked(value: Any) -> Any:
    """The reverse."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$hex"}:
        return bytes.fromhex(value["$hex"])
    return {key: unpacked(item) for key, item in value.items()}


class JsSession:
    """A session of a JavaScript library. What goes wrong raises ``JsError``."""

    def __init__(self, node: Node, name: str) -> None:
        self._node, self._name = node, name
        self.id = 0

    async def _do(self, what: str, **command: Any) -> Any:
        return await self._node.do({"do": what, "session": self._name, **command})

    async def join(self, url: str, serializer: str, auth: dict[str, str] | None = None) -> None:
        self.id = await self._do("join", url=url, realm="realm1", serializer=serializer, auth=auth)

    async def call(self, uri: str, *args: Any, options: Any = None, progress: bool = False, **kwargs: Any) -> Any:
        """Return args and kwargs of the result, or with ``progress`` those of all interim results and of the last one."""
        result = await self._do(
            "call", uri=uri, args=packed(args), kwargs=packed(kwargs), options=options or {}, progress=progress
        )
        last = (result["args"], result["kwargs"])
        return [*map(tuple, result["progress"]), last] if progress else last

    async def register(self, uri: str, endpoint: str, **options: Any) -> None:
        """Register one of the endpoints of ``peer.js``."""
        await self._do("register", uri=uri, endpoint=endpoint, options=options)

    async def subscribe(self, uri: str, **options: Any) -> asyncio.Queue[dict[str, Any]]:
        """Subscribe; the queue gets the events: dicts with args, kwargs and details."""
        events = self._node.events.setdefault(uri, asyncio.Queue())
        await self._do("subscribe", uri=uri, options=options)
        return events

    async def publish(self, uri: str, *args: Any, options: Any = None, **kwargs: Any) -> None:
        await self._do("publish", uri=uri, args=packed(args), kwargs=packed(kwargs), options=options or {})

    async def leave(self) -> None:
        await self._do("leave")


class Node:
    """A process with sessions of one library."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._commands = 0
        self.events: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    def session(self) -> JsSession:
        """A session that has not joined."""
        return JsSession(self, f"session {self._commands}")

    async def do(self, command: dict[str, Any]) -> Any:
        """Have a command obeyed; return what it returned."""
        assert self._process.stdin is not None
        self._commands += 1
        answer = self._answers[self._commands] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": self._commands, **command}).encode() + b"\n")
        return await asyncio.wait_for(answer, TIMEOUT)

    async def read(self) -> None:
        """Read until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = unpacked(json.loads(line))
            if "topic" in message:
                self.events[message["topic"]].put_nowait(message)
            elif "error" in message:
                self._answers.pop(message["id"]).set_exception(JsError(message["error"]))
            else:
                self._answers.pop(message["id"]).set_result(message.get("ok"))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the process of Node has ended"))


@asynccontextmanager
async def node(library: str) -> AsyncIterator[Node]:
    """Start Node with a library: ``autobahn`` or ``wampy``."""
    process = await asyncio.create_subprocess_exec(
        str(NODE), str(HERE / "peer.js"), library, limit=1 << 24,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")},
    )  # fmt: skip
    peer = Node(process)
    reader = asyncio.create_task(peer.read())
    try:
        yield peer
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await reader
