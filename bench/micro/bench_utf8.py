# SPDX-License-Identifier: MIT
"""UTF-8 validation, as Python programs call it. Needs pytest and pytest-benchmark.

``python bench/micro/bench_utf8.py [options of pytest]``, for example ``-k 125`` or ``--benchmark-columns=median``.

Every path of this CPU beside CPython's decoder, which also makes a string, and beside autobahn where it is installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from autobahn_fast._core import masking

SIZES = [16, 125, 1024, 16_384, 262_144]
TEXTS = {"ascii": "x", "mixed": "Straße und 10 € ", "four octets": "😀"}


@pytest.fixture(params=masking.simd_choices())
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    before = masking.simd_name()
    masking.select_simd(request.param)
    yield request.param
    masking.select_simd(before)


@pytest.fixture(params=[(kind, size) for kind in TEXTS for size in SIZES], ids=lambda p: f"{p[0]}-{p[1]}")
def text(request: pytest.FixtureRequest, benchmark: Any) -> bytes:
    kind, size = request.param
    benchmark.group = f"UTF-8, {kind}, {size} B"
    unit = TEXTS[kind].encode()
    return unit * (size // len(unit)) + b"x" * (size % len(unit))


def bench_validator(benchmark: Any, path: str, text: bytes) -> None:
    assert benchmark(masking.Utf8Validator().validate, text)[:2] == (True, True)


def bench_decode(benchmark: Any, text: bytes) -> None:
    assert benchmark(text.decode)


def bench_autobahn(benchmark: Any, text: bytes) -> None:
    reference = pytest.importorskip("autobahn.websocket.utf8validator", reason="autobahn is not installed")
    assert benchmark(reference.Utf8Validator().validate, text)[:2] == (True, True)


if __name__ == "__main__":
    # not the configuration of the tests: warnings are no errors here, and there is no time limit
    sys.exit(pytest.main([__file__, "-q", "-c", os.devnull, "-o", "python_functions=bench_*", *sys.argv[1:]]))
