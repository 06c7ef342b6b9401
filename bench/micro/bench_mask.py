# SPDX-License-Identifier: MIT
"""XOR masking, as Python programs call it. Needs pytest and pytest-benchmark.

``python bench/micro/bench_mask.py [options of pytest]``, for example ``-k 125`` or ``--benchmark-columns=median``.

Every path of this CPU beside what bounds it, a copy of the same octets, and beside autobahn where it is installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from autobahn_fast._core import masking

SIZES = [16, 125, 1024, 16_384, 262_144, 4_194_304]
KEY = b"\x37\xfa\x21\x3d"


@pytest.fixture(params=masking.simd_choices())
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    before = masking.simd_name()
    masking.select_simd(request.param)
    yield request.param
    masking.select_simd(before)


@pytest.mark.parametrize("size", SIZES)
def bench_in_place(benchmark: Any, path: str, size: int) -> None:
    benchmark.group = f"mask in place, {size} B"
    benchmark(masking.mask_into, bytearray(size), KEY)


@pytest.mark.parametrize("size", SIZES)
def bench_masker(benchmark: Any, path: str, size: int) -> None:
    benchmark.group = f"mask into new bytes, {size} B"
    benchmark(masking.XorMasker(KEY).process, bytes(size))


@pytest.mark.parametrize("size", SIZES)
def bench_copy(benchmark: Any, size: int) -> None:
    benchmark.group = f"mask into new bytes, {size} B"
    benchmark(bytes, bytearray(size))


@pytest.mark.parametrize("size", SIZES)
def bench_autobahn(benchmark: Any, size: int) -> None:
    reference = pytest.importorskip("autobahn.websocket.xormasker", reason="autobahn is not installed")
    benchmark.group = f"mask into new bytes, {size} B"
    benchmark(reference.create_xor_masker(KEY, size).process, bytes(size))


if __name__ == "__main__":
    # not the configuration of the tests: warnings are no errors here, and there is no time limit
    sys.exit(pytest.main([__file__, "-q", "-c", os.devnull, "-o", "python_functions=bench_*", *sys.argv[1:]]))
