# SPDX-License-Identifier: MIT
"""What it takes to be there: importing, and idle sessions."""

from __future__ import annotations

import json
import subprocess

from _harness import BENCH, Case, Figures, Measure, Skipped, Workers, python

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

    def measure(_seconds: float) -> Figures:
        command = [python(), "-c", PROGRAM.format(module=module)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Skipped(done.stderr.strip().splitlines()[-1])
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    return measure


def footprint_cases(workers: Workers, port: int) -> list[Case]:
    """Start-up for each framework, and memory for each session."""
    made = []
    for framework in ("asyncio", "twisted"):
        sides = {package: importing(f"{package}.{framework}.component") for package in ("autobahn_fast", "autobahn")}
        made.append(Case(f"import {framework}.component", {**sides, "python": importing("sys")}, unit=""))
    sides = {
        package: workers.side(
            python(), str(BENCH / "peers" / "wamp.py"), package, "uvloop", str(port), "memory",
            path="memory", connections=CONNECTIONS,
        )
        for package in ("autobahn_fast", "autobahn")
    }  # fmt: skip
    made.append(Case("idle session", sides, unit=""))
    return made
