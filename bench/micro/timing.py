# SPDX-License-Identifier: MIT
"""Processor time of one call, in nanoseconds, inside of this process."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from _harness import Figures, Skipped

LONGEST = 0.04
"""Seconds of one round at most: calls are short, and there are many of them to compare."""


class Calibrated:
    """A side out of ``run(count)``, which gives the seconds that ``count`` calls took."""

    def __init__(self, run: Callable[[int], float]) -> None:
        self.run = run
        self._count = 0

    def __call__(self, seconds: float) -> Figures:
        wanted = min(seconds, LONGEST)
        if not self._count:
            count = 1
            while self.run(count) < wanted / 4:
                count *= 2
            self._count = count * 4
        taken = self.run(self._count)
        figures = {"cpu": taken / self._count * 1e9}
        self._count = max(int(self._count * wanted / max(taken, 1e-9)), 1)
        return figures


def call(function: Callable[..., Any], *arguments: Any) -> Calibrated:
    """A side that calls ``function`` with ``arguments``. What the loop around it takes, some 10 ns, is in the figure."""

    def run(count: int) -> float:
        start = time.process_time()
        for _ in itertools.repeat(None, count):
            function(*arguments)
        return time.process_time() - start

    return Calibrated(run)


class Needing:
    """A side that is made when first measured, and skipped when that fails, as when it is not installed."""

    def __init__(self, make: Callable[[], Calibrated]) -> None:
        self._make = make
        self._made: Calibrated | None = None

    @property
    def made(self) -> Calibrated:
        """The side. Raises `Skipped` when it cannot be made."""
        if self._made is None:
            try:
                self._made = self._make()
            except Exception as exc:  # what a peer raises where it does not work is up to the peer
                raise Skipped(f"{type(exc).__name__}: {exc}") from None
        return self._made

    def __call__(self, seconds: float) -> Figures:
        return self.made(seconds)
