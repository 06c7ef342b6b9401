# SPDX-License-Identifier: MIT
"""The micro benches for pytest-benchmark: ``pytest bench/micro -k "mask and 256"``, with its options to save runs and compare them.

Its tables and histories are what one wants while changing a kernel or a codec. It measures one side to the end before the next,
though, so a machine that slows down meanwhile changes the ratios: targets are judged by ``run.py``, where sides take turns.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCH), *(str(BENCH / name) for name in ("peers", "e2e", "micro"))]

import engines
import kernels
import serializing
from _harness import Case, Skipped, Workers
from timing import LONGEST, Calibrated, Needing

ROUNDS = 10


class Clock:
    """Seconds that go by only while messages are worked on, and only as many as one message takes."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


clock = Clock()
pytestmark = pytest.mark.benchmark(timer=clock)


def all_sides() -> list[Any]:
    """Every side of every micro case, but those that are measured in another process."""
    cases: list[Case] = [
        *kernels.mask_cases(),
        *kernels.utf8_cases(Workers()),
        *serializing.codec_cases(),
        *engines.frame_cases(),
        *engines.wire_cases(),
    ]
    return [
        pytest.param(case, side, id=f"{case.path}, {name}")
        for case in cases
        for name, side in case.sides.items()
        if isinstance(side, (Calibrated, Needing))
    ]


@pytest.mark.parametrize(("case", "side"), all_sides())
def test_micro(benchmark: Any, case: Case, side: Calibrated | Needing) -> None:
    """Processor time of one message; the round of a side is as many of them as take `LONGEST`."""
    try:
        run = (side.made if isinstance(side, Needing) else side).run
        count = 1
        while (taken := run(count)) < LONGEST / 8:
            count *= 2
    except Skipped as exc:
        pytest.skip(str(exc))
    count = max(int(count * LONGEST / taken), 1)
    benchmark.group = case.path

    def batch() -> None:
        clock.now += run(count) / count

    benchmark.pedantic(batch, rounds=ROUNDS)
    assert benchmark.stats.stats.min > 0
