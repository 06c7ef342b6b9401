# SPDX-License-Identifier: MIT
"""The masking kernels against a model: every path of this CPU, length, alignment and phase, in place and copying."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from _kernel_models import mask_model
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core import masking

KEY = b"\x37\xfa\x21\x3d"
# at both sides of every width and unrolling
LENGTHS = [n + d for n in (4, 8, 16, 32, 64, 128, 256, 1024, 4096) for d in (-1, 0, 1)]
ROOM = 64  # octets around what is masked, which must stay as they are


@pytest.fixture(params=masking.simd_choices(), autouse=True)
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    before = masking.simd_name()
    masking.select_simd(request.param)
    yield request.param
    masking.select_simd(before)


def check_in_place(octets: bytes, start: int, length: int, key: bytes, phase: int) -> None:
    memory = bytearray(octets)
    with memoryview(memory) as view, view[start : start + length] as part:
        masking.mask_into(part, key, phase)
    assert memory[:start] == octets[:start]
    assert memory[start + length :] == octets[start + length :]
    assert memory[start : start + length] == mask_model(octets[start : start + length], key, phase)


def test_rfc_example(path: str) -> None:
    assert masking.simd_name() == path
    assert masking.mask_copy(b"\x7f\x9f\x4d\x51\x58", KEY) == b"Hello"  # RFC 6455 section 5.7


@pytest.mark.parametrize("phase", range(4))
def test_every_length(phase: int) -> None:
    octets = random.Random(phase).randbytes(700 + 2 * ROOM)
    for length in range(601):
        data = octets[:length]
        assert masking.mask_copy(data, KEY, phase) == mask_model(data, KEY, phase)
        check_in_place(octets, ROOM, length, KEY, phase)


def test_every_alignment() -> None:
    rng = random.Random(1)
    octets = rng.randbytes(4200)
    for start in range(65):
        for length in LENGTHS:
            phase = rng.randrange(4)
            check_in_place(octets, start, length, KEY, phase)
            with memoryview(octets)[start : start + length] as part:
                assert masking.mask_copy(part, KEY, phase) == mask_model(octets[start : start + length], KEY, phase)


@pytest.mark.parametrize("length", [65535, 65536, 1 << 20, (1 << 20) + 13])
def test_large(length: int) -> None:
    data = random.Random(length).randbytes(length)
    phase = length % 3 + 1
    key = KEY[phase:] + KEY[:phase]
    repeated = (key * (length // 4 + 1))[:length]
    expected = (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
    assert masking.mask_copy(data, KEY, phase) == expected
    memory = bytearray(data)
    masking.mask_into(memory, KEY, phase)
    assert memory == expected


@pytest.mark.parametrize("phase", [4, 5, 7, 2**32 + 1, 2**63 + 3])
def test_phase_counts_modulo_4(phase: int) -> None:
    data = bytes(range(200))
    assert masking.mask_copy(data, KEY, phase) == masking.mask_copy(data, KEY, phase % 4)


@given(st.binary(max_size=400), st.binary(min_size=4, max_size=4), st.lists(st.integers(0, 400), max_size=6))
def test_any_split_gives_the_same(data: bytes, key: bytes, cuts: list[int]) -> None:
    expected = mask_model(data, key, 0)
    for path in masking.simd_choices():
        masking.select_simd(path)
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        pieces = [masking.mask_copy(data[a:b], key, a) for a, b in pairwise(edges)]
        assert b"".join(pieces) == expected
        assert masking.mask_copy(expected, key) == data


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="exactly 4 octets, not 3"):
        masking.mask_copy(b"data", b"abc")
    with pytest.raises(ValueError, match="exactly 4 octets, not 5"):
        masking.mask_into(bytearray(b"data"), b"abcde")
    with pytest.raises(TypeError):
        masking.mask_copy("data", KEY)  # type: ignore[arg-type]
    with pytest.raises((TypeError, BufferError)):
        masking.mask_into(b"read only", KEY)
    with pytest.raises(OverflowError):
        masking.mask_copy(b"data", KEY, -1)
