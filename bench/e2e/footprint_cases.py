# SPDX-License-Identifier: MIT
"""What it takes to be there: importing, idle sessions, and idle connections without WAMP."""

from __future__ import annotations

import json
import os
import subprocess

from _harness import BENCH, Case, Figures, Measure, Skipped, Worker, python
from far_end import CACHE
from websocket_cases import CLIENTS, PEERS

CONNECTIONS = 300
PROGRAM = """
import {module}
import os, time
ms = time.process_time() * 1e3
pages = int(open("/proc/self/statm").read().split()[1])
print('{{"ms": %f, "MiB": %f}}' % (ms, pages * os.sysconf("SC_PAGE_SIZE") / 2**20))
"""


def importing(module: str) -> Measure:
    """A side: a new process that imports the module, all of it counted."""

    compiled: list[str] = []

    def measure(_seconds: float) -> Figures:
        command = [python(), "-c", PROGRAM.format(module=module)]
        # compiled beforehand, as an installed package is, wherever this one lies
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(CACHE / "pycache")}
        for _ in range(1 if compiled else 2):
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        compiled.append(module)
        if done.returncode:
            raise Skipped(done.stderr.strip().splitlines()[-1])
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    return measure


def remembering(*command: str) -> Measure:
    """A side: a new process of a client with many idle sessions or connections; what earlier ones have freed would be used again."""

    def measure(_seconds: float) -> Figures:
        worker = Worker((python(), *command))
        try:
            return worker.ask({"path": "memory", "connections": CONNECTIONS})
        finally:
            worker.stop()

    return measure


def footprint_cases(port: int) -> list[Case]:
    """Start-up for each framework, and memory for each session and connection."""
    made = []
    for framework in ("asyncio", "twisted"):
        sides = {package: importing(f"{package}.{framework}.component") for package in ("autobahn_fast", "autobahn")}
        made.append(Case(f"import {framework}.component", {**sides, "python": importing("sys")}, unit=""))
    wamp, websocket = (str(BENCH / "peers" / name) for name in ("wamp.py", "ws.py"))
    sides = {package: remembering(wamp, package, "uvloop", str(port)) for package in ("autobahn_fast", "autobahn")}
    made.append(Case("idle session", sides, unit=""))
    sides = {name: remembering(websocket, *PEERS[name], str(port), "0") for name in CLIENTS}
    made.append(Case("idle connection", sides, unit="", full=True))
    return made
