# SPDX-License-Identifier: MIT
"""The fuzz targets by themselves: every seed passes, mutations of it too, and each target notices when something is wrong."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_targets as targets
import run_fuzz as run

SEEDS = run.seeds()


def test_every_target_has_seeds() -> None:
    assert SEEDS.keys() == targets.TARGETS.keys()
    assert all(len(seeds) > 3 for seeds in SEEDS.values())


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds_and_their_neighbours(name: str) -> None:
    chance = random.Random(7)
    for seed in SEEDS[name]:
        targets.TARGETS[name](seed)
        for _ in range(20):
            data = bytearray(seed)
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(data) + 1)
                data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            targets.TARGETS[name](bytes(data))
    for length in range(6):
        targets.TARGETS[name](bytes(length))


def test_a_difference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "model", lambda *_: [("message", b"another", True)])
    monkeypatch.setattr(targets, "packet_model", lambda *_: [("violation", 0)])
    for name in ("frames", "rawsocket"):
        with pytest.raises(AssertionError):
            targets.TARGETS[name](SEEDS[name][0])


def test_the_report_has_what_libfuzzer_counts() -> None:
    text = "#2 INITED cov: 10 ft: 10\n#9 NEW    cov: 123 ft: 456 corp: 3/9b\nstat::number_of_executed_units: 98765\n"
    assert run.summary(text) == run.Result(98765, 123, 456)
    assert run.summary("nothing of that kind") == run.Result(0, 0, 0)
