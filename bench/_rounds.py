# SPDX-License-Identifier: MIT
"""What the benches share: rounds that take turns, medians, a table with ratios, and the file a run leaves behind.

Sides are measured in turns, A B A B, so that a machine that gets slower or faster meanwhile does so for all of them; of the
rounds the median counts.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

Round = dict[str, dict[str, float]]
"""Path, then figure, then microseconds per message."""


def interleave(sides: Sequence[str], rounds: int, measure: Callable[[str], Round]) -> dict[str, list[Round]]:
    """Measure every side ``rounds`` times, taking turns; the side that starts changes from round to round."""
    results: dict[str, list[Round]] = {side: [] for side in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for side in order:
            show(f"round {number + 1}/{rounds}: {side}")
            results[side].append(measure(side))
    show("")
    return results


def show(text: str) -> None:
    """A line of progress on standard error: rewritten in place on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K" + text)
    elif text:
        sys.stderr.write(text + "\n")
    sys.stderr.flush()


def median(rounds: Sequence[Round], path: str, figure: str) -> float:
    """The median of one figure over all rounds."""
    return statistics.median(entry[path][figure] for entry in rounds)


def spread(rounds: Sequence[Round], path: str, figure: str) -> float:
    """How far the rounds lie apart: (largest - smallest) / median."""
    values = [entry[path][figure] for entry in rounds]
    return (max(values) - min(values)) / statistics.median(values)


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows as Markdown, aligned; the first row is the heading, the first column goes left."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
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


def write(name: str, content: dict[str, Any]) -> Path:
    """Write ``content`` and a description of the machine as ``results/<name>.json``; returns the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **content}, indent=1) + "\n", encoding="utf-8")
    return path
