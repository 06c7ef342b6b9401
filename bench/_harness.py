# SPDX-License-Identifier: MIT
"""What the benches share: cases whose sides take turns, worker processes, medians, and the file a run leaves behind.

Sides are measured in turns, A B C C B A, so that a machine that gets slower or faster meanwhile does so for all of them.
Knows nothing of what is measured.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "results"

PATIENCE = 30.0
"""Seconds that a worker may take for one job, its warm-up included."""

Figures = dict[str, float]
"""What one round of one side gave: ``cpu``, ``wall``, ``p50``, ``p99`` in microseconds per message, or figures of another kind."""
Measure = Callable[[float], Figures]
"""Measures for about so many seconds. `Skipped` when this side cannot be measured here."""

PACKAGES = ("autobahn_fast", "autobahn", "websockets", "aiohttp", "picows", "aiofastnet", "wsproto", "xconn", "uvloop")
PACKAGES += ("twisted", "msgpack", "cbor2", "ujson", "orjson", "msgspec")


ROUND_TRIPS = ("echo", "acknowledged", "call_sequence", "call_pipelined", "call_window", "invocation")
"""Jobs in which the client and the far end wait for one another."""

PROCESSORS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
FAR_PROCESSOR = min(PROCESSORS)
"""Where the far end runs, and in round trips the client, too. With a processor for each, both would go to sleep for every
message, and in a virtual machine waking takes twice the processor time that a round trip has, for every side the same."""


class Skipped(Exception):
    """A side cannot be measured here; the text says why."""


@dataclass
class Case:
    """One comparison. ``series`` and ``x`` place it on a curve ("echo by octets", 256); ``full``: not in the short set."""

    path: str
    sides: dict[str, Measure]
    series: str = ""
    x: float = 0
    unit: str = "us"
    full: bool = False


@dataclass
class Outcome:
    """What came of a case: the figures of each side, round by round, and why sides are missing."""

    case: Case
    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: each figure as the list of its rounds."""
        sides = {
            side: {name: [round(entry[name], 5) for entry in entries] for name in entries[0]}
            for side, entries in self.rounds.items()
        }
        case = self.case
        return {
            "path": case.path,
            "unit": case.unit,
            **({"series": case.series, "x": case.x} if case.series else {}),
            "sides": sides,
            **({"skipped": self.skipped} if self.skipped else {}),
        }


def interleave(case: Case, rounds: int, seconds: float) -> Outcome:
    """Measure every side ``rounds`` times, taking turns; every other round goes backwards."""
    outcome = Outcome(case)
    for number in range(rounds):
        names = [name for name in case.sides if name not in outcome.skipped]
        for side in names if number % 2 == 0 else reversed(names):
            try:
                figures = case.sides[side](seconds)
            except Exception as exc:  # one side that fails must not end a run of many minutes
                outcome.skipped[side] = str(exc) if isinstance(exc, Skipped) else f"{type(exc).__name__}: {exc}"
                outcome.rounds.pop(side, None)
            else:
                outcome.rounds.setdefault(side, []).append(figures)
    outcome.rounds = {side: outcome.rounds[side] for side in case.sides if side in outcome.rounds}
    return outcome


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """How far rounds lie apart: (largest - smallest) / median; 0 when all of them are 0."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def place(pid: int, processors: set[int]) -> None:
    """Have a process run on these processors, all its threads; does nothing where systems cannot, or when it is gone."""
    if not hasattr(os, "sched_setaffinity"):
        return
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), processors)


class Worker:
    """A client under measurement in a process of its own: takes jobs, answers with figures (``peers/worker.py``)."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._errors = tempfile.TemporaryFile(mode="w+", errors="replace")  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, bufsize=1
        )

    def ask(self, job: dict[str, Any]) -> Figures:
        """Do one job. Raises `Skipped` with the reason when it fails."""
        if self._process.stdin is None or self._process.stdout is None:
            raise Skipped("has no input")
        place(self._process.pid, {FAR_PROCESSOR} if job.get("path") in ROUND_TRIPS else PROCESSORS)
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
        except OSError:
            raise Skipped(self._last_words()) from None
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        if not ready:
            self._process.kill()
            raise Skipped(f"no answer in {PATIENCE:.0f} s; {self._last_words()}")
        line = self._process.stdout.readline()
        if not line:
            raise Skipped(self._last_words())
        answer: Any = json.loads(line)
        if "error" in answer:
            raise Skipped(answer["error"])
        return dict(answer)

    @property
    def ended(self) -> bool:
        """It is gone, by itself or because it took too long."""
        return self._process.poll() is not None

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else f"ended with {self._process.returncode}"

    def stop(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself, with what was written to it unread
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()


class Workers:
    """The processes of a run; each is started when first asked, and kept."""

    def __init__(self) -> None:
        self._workers: dict[tuple[str, ...], Worker] = {}

    def side(self, *command: str, **job: Any) -> Measure:
        """A side: the worker of this command doing this job."""

        def measure(seconds: float) -> Figures:
            worker = self._workers.get(command)
            if worker is None or worker.ended:
                if worker is not None:
                    worker.stop()
                try:
                    worker = self._workers[command] = Worker(command)
                except OSError as exc:
                    raise Skipped(str(exc)) from None
            return worker.ask({**job, "seconds": seconds})

        return measure

    def stop(self) -> None:
        """End all of them."""
        for worker in self._workers.values():
            worker.stop()
        self._workers.clear()


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """The rows as Markdown, aligned; the first row is the heading, the first ``left`` columns go left."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i < left else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def processor() -> str:
    """The name of the processor, where the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def versions() -> dict[str, str]:
    """The packages of this environment that take part."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name == "autobahn_fast":
                import autobahn_fast

                found[name] = autobahn_fast.__version__
    return found


def write(name: str, content: dict[str, Any]) -> Path:
    """Write ``content`` and a description of the machine as ``results/<name>.json``; returns the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps({"machine": machine(), "versions": versions(), **content}, indent=1)
    path.write_text(compact(text) + "\n", encoding="utf-8")
    return path


def compact(text: str) -> str:
    """JSON with each list of figures on one line."""
    import re

    return re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)


def python() -> str:
    """The interpreter that workers run on: this one."""
    return sys.executable
