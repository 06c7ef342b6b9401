# SPDX-License-Identifier: MIT
"""Starts the processes of the bench and talks to them in JSON lines. Knows nothing of what they measure."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine
from typing import Any

START_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0
ANSWER_TIMEOUT = 120.0


class BenchError(Exception):
    """A process of the bench did not start, failed, or did not answer."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def together(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run all at once and return their results; when one fails the others are cancelled, and its exception comes out."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


class Process:
    """A Python module in a process of its own, with its errors kept for the case that it fails."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._arguments = arguments
        self._errors = tempfile.TemporaryFile(mode="w+", errors="replace")  # noqa: SIM115 - closed by stop()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            limit=1 << 20,
        )

    @property
    def running(self) -> asyncio.subprocess.Process:
        """The process, once started."""
        if self._process is None:
            raise BenchError(f"the {self.name} has not been started")
        return self._process

    def failure(self, what: str) -> BenchError:
        """An error that says what happened and ends with the last lines the process wrote to standard error."""
        self._errors.seek(0)
        tail = "\n".join(self._errors.read().splitlines()[-25:])
        return BenchError(f"the {self.name} {what}" + (f":\n{tail}" if tail else ""))

    async def stop(self) -> None:
        """End it: close its input, then SIGTERM, then SIGKILL. Nothing happens if it has not been started."""
        process = self._process
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            for end in (self.ask_to_end, process.terminate, process.kill):
                if process.returncode is None:
                    end()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
        self._errors.close()

    def ask_to_end(self) -> None:
        """The friendly way, beyond the end of its input."""


class Router(Process):
    """The embedded router in its own process, on free ports and a Unix socket."""

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self._folder = tempfile.TemporaryDirectory(prefix="autobahn_fast.")
        ports = free_port(), free_port()
        self.urls = {
            "ws": f"ws://127.0.0.1:{ports[0]}/ws",
            "rs": f"rs://127.0.0.1:{ports[1]}",
            "unix": "unix:" + os.path.join(self._folder.name, "router.sock"),
        }
        self._ports = ports
        listen = [word for url in self.urls.values() for word in ("--listen", url)]
        super().__init__("router", "-m", "autobahn_fast", "router", *listen, "--realm", realm)

    async def start(self) -> None:
        """Start it and wait until both ports take connections."""
        await super().start()
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        for port in self._ports:
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    if self.running.returncode is not None:
                        raise self.failure("ended before it was ready") from None
                    if asyncio.get_running_loop().time() > deadline:
                        raise self.failure("does not listen") from None
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break

    def ask_to_end(self) -> None:
        """A router takes no input; a signal ends it."""
        self.running.terminate()

    async def stop(self) -> None:
        """End it and remove the folder with its socket."""
        await super().stop()
        self._folder.cleanup()


class WorkerProcess(Process):
    """One of the roles of ``workers`` in its own process."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job["role"], "-m", "autobahn_fast._bench.workers", json.dumps(job))

    async def ready(self) -> None:
        """Wait until it has joined, subscribed and registered."""
        await self._answer(lambda _: None, START_TIMEOUT)

    async def ask(
        self, do: str, on_progress: Callable[[dict[str, Any]], None] = lambda _: None, **arguments: Any
    ) -> Any:
        """Run the command ``do`` in the worker; returns its answer, a dict.

        ``on_progress`` gets what the worker reports meanwhile. Raises `BenchError` if the process ends or is silent.
        """
        stdin = self.running.stdin
        if stdin is None:
            raise BenchError(f"the {self.name} takes no commands")
        stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        return await self._answer(on_progress, ANSWER_TIMEOUT)

    async def _answer(self, on_progress: Callable[[dict[str, Any]], None], timeout: float) -> dict[str, Any]:
        stdout = self.running.stdout
        if stdout is None:
            raise BenchError(f"the {self.name} gives no answers")
        while True:
            try:
                line = await asyncio.wait_for(stdout.readline(), timeout)
            except TimeoutError:
                raise self.failure(f"has been silent for {timeout:.0f} s") from None
            if not line:
                raise self.failure("ended unexpectedly")
            try:
                answer: dict[str, Any] = json.loads(line)
            except ValueError:
                raise self.failure(f"said {line[:200]!r}") from None
            if "progress" not in answer:
                return answer
            on_progress(answer["progress"])
