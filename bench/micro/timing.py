# SPDX-License-Identifier: MIT
"""Processor time of one call, in nanoseconds, inside of this process."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from _harness import Figures, Measure, Skipped

LONGEST = 0.04
"""Seconds of one round at most: calls are short, and there are many of them to compare."""


def calibrated(run: Callable[[int], float]) -> Measure:
    """A side out of ``run(count)``, which gives the seconds that ``count`` calls took."""
    counts: list[int] = []

    def measure(seconds: float) -> Figures:
        wanted = min(seconds, LONGEST)
        if not counts:
            count = 1
            while run(count) < wanted / 4:
                count *= 2
            counts.append(count * 4)
        taken = run(counts[0])
        figures = {"cpu": taken / counts[0] * 1e9}
        counts[0] = max(int(counts[0] * wanted / max(taken, 1e-9)), 1)
        return figures

    return measure


def call(function: Callable[..., Any], *arguments: Any) -> Measure:
    """A side that calls ``function`` with ``arguments``. What the loop around it takes, some 10 ns, is in the figure."""

    def run(count: int) -> float:
        start = time.process_time()
        for _ in itertools.repeat(None, count):
            function(*arguments)
        return time.process_time() - start

    return calibrated(run)


def needs(make: Callable[[], Measure]) -> Measure:
    """A side that is made when first measured, and skipped when that fails, as when it is not installed."""
    made: list[Measure] = []

    def measure(seconds: float) -> Figures:
        if not made:
            try:
                made.append(make())
            except Exception as exc:  # what a peer raises where it does not work is up to the peer
                raise Skipped(f"{type(exc).__name__}: {exc}") from None
        return made[0](seconds)

    return measure
