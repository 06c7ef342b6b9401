# SPDX-License-Identifier: MIT
"""The UTF-8 kernels against CPython's decoder: every path of this CPU, every short sequence, any split."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from _kernel_models import BORDERS, CODE_POINTS, json_model, utf8_model
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core import masking

ACCEPT, REJECT = 0, 1


@pytest.fixture(params=masking.simd_choices(), autouse=True)
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    before = masking.simd_name()
    masking.select_simd(request.param)
    yield request.param
    masking.select_simd(before)


def check(data: bytes) -> None:
    accepted, state = masking.utf8_feed(data)
    expected, on_boundary = utf8_model(data)
    assert accepted == expected, data
    assert (state == REJECT) == (expected < len(data)), data
    assert (state == ACCEPT) == on_boundary, data


def check_splits(data: bytes, cuts: list[int]) -> None:
    """Chunk by chunk the same as at once."""
    accepted, state = masking.utf8_feed(data)
    edges = [0, *sorted(cuts), len(data)]
    total, now = 0, ACCEPT
    for a, b in pairwise(edges):
        n, now = masking.utf8_feed(data[a:b], now)
        total += n
        if n < b - a:
            assert now == REJECT
            break
    assert total == accepted, (data, cuts)
    assert now == state, (data, cuts)


def random_text(rng: random.Random, size: int, plain: float) -> bytes:
    """Text of about size octets, of which about the given share is ASCII."""
    out = bytearray()
    while len(out) < size:
        out += b"x" * rng.randrange(40) if rng.random() < plain else rng.choice(CODE_POINTS)
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "index"),
    [
        (b"\xe0\x80", 1),  # overlong
        (b"\xed\xa0", 1),  # surrogate
        (b"\xf4\x90", 1),  # above U+10FFFF
        (b"\xf0\x8f", 1),  # overlong
        (b"\xc0\x80", 0),
        (b"\xc1", 0),
        (b"\x80", 0),
        (b"\xf5", 0),
        (b"\xff", 0),
        (b"a\xc3b", 2),
        (b"\xe2\x82a", 2),
        (b"\xf0\x9f\x98a", 3),
    ],
)
def test_index_of_the_first_octet_that_cannot_be(data: bytes, index: int) -> None:
    for before in (0, 1, 13, 29, 30, 31, 32, 61, 62, 63, 64, 65, 127, 255, 256, 257, 1000):
        for after in (0, 1, 40, 64, 300):
            assert masking.utf8_feed(b"x" * before + data + b"x" * after) == (before + index, REJECT)


def test_every_sequence_of_one_and_two_octets() -> None:
    for a in range(256):
        check(bytes((a,)))
        for b in range(256):
            check(bytes((a, b)))


def test_every_sequence_of_three_octets_that_two_do_not_decide() -> None:
    octets = [bytes((c,)) for c in range(256)]
    for a in range(0xC0, 256):
        for b in range(256):
            two = bytes((a, b))
            n, state = masking.utf8_feed(two)
            if n == 2 and state != ACCEPT:
                for c in octets:
                    check(two + c)


def test_four_octets_at_the_borders() -> None:
    for a in range(0xEF, 0xF6):
        for b in BORDERS:
            for c in BORDERS:
                for d in BORDERS:
                    check(bytes((a, b, c, d)))


@pytest.mark.parametrize("filler", [b"x", "é".encode(), "€".encode(), "😀".encode()])
def test_every_pair_amid_other_text(filler: bytes) -> None:
    """In the middle of vectors and across their seams, among text that is checked as ASCII and as not."""
    text = filler * (360 // len(filler))
    for a in range(256):
        for b in range(256):
            at = (a * 7 + b) % 192 // len(filler) * len(filler)
            check(text[:at] + bytes((a, b)) + text[at : 200 // len(filler) * len(filler)])


def test_every_code_point_at_every_place() -> None:
    for c in CODE_POINTS:
        for before in range(140):
            data = b"y" * before + c + b"z" * 70
            assert masking.utf8_feed(data) == (len(data), ACCEPT)
            for cut in range(1, len(c)):
                truncated = data[: before + cut]
                check(truncated)
                check(truncated + data)


def test_every_length_and_truncation() -> None:
    text = "".join(map(bytes.decode, CODE_POINTS * 3)).encode() * 4
    for start in range(len(CODE_POINTS[-1])):
        for end in range(601):
            check(text[start:end])


@pytest.mark.parametrize("plain", [0.05, 0.5, 0.95])
def test_random_text_and_errors_in_it(plain: float) -> None:
    rng = random.Random(int(plain * 100))
    for _ in range(3000):
        data = bytearray(random_text(rng, rng.randrange(600), plain))
        check(bytes(data))
        for _ in range(rng.randrange(1, 3)):
            if data:
                data[rng.randrange(len(data))] = rng.choice(BORDERS)
        check(bytes(data))
        check_splits(bytes(data), [rng.randrange(len(data) + 1) for _ in range(3)])


def test_every_split() -> None:
    text = b"".join(CODE_POINTS)
    for cut in range(len(text) + 1):
        check_splits(text, [cut])
        for second in range(cut, min(cut + 6, len(text) + 1)):
            check_splits(text, [cut, second])
    check_splits(text, list(range(len(text))))


def test_large() -> None:
    rng = random.Random(7)
    for plain in (0.0, 0.9, 1.0):
        data = bytearray(random_text(rng, 1 << 20, plain))
        assert masking.utf8_feed(data) == (len(data), ACCEPT)
        check_splits(bytes(data), [rng.randrange(len(data)) for _ in range(20)])
        for _ in range(10):
            at = rng.randrange(len(data))
            saved, data[at] = data[at], 0xFF
            assert masking.utf8_feed(data) == (at, REJECT)
            data[at] = saved


def test_every_alignment() -> None:
    data = b"-" * 64 + random_text(random.Random(3), 500, 0.4)
    for start in range(64):
        with memoryview(data)[start:] as part:
            assert masking.utf8_feed(part) == (len(data) - start, ACCEPT)


def test_invalid_stays_invalid() -> None:
    assert masking.utf8_feed(b"abc", REJECT) == (0, REJECT)
    assert masking.utf8_feed(b"", REJECT) == (0, REJECT)
    with pytest.raises(ValueError, match="0 to 8"):
        masking.utf8_feed(b"abc", 9)


@given(st.lists(st.sampled_from([*CODE_POINTS, b"\x80", b"\xc0", b"\xe0", b"\xed", b"\xf0", b"\xf4", b"x" * 64])))
def test_any_mixture(parts: list[bytes]) -> None:
    data = b"".join(parts)
    for path in masking.simd_choices():
        masking.select_simd(path)
        check(data)
        check_splits(data, [len(data) // 3, len(data) // 2])


@given(st.text())
def test_whatever_python_encodes_is_valid(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    for path in masking.simd_choices():
        masking.select_simd(path)
        check(data)


def test_json_plain() -> None:
    rng = random.Random(5)
    assert masking.json_plain(b"") == 0
    for octet in range(256):
        for before in (*range(35), 63, 64, 65, 100):
            data = (b"\xffx~ \x7f\x80!#[]" * 10)[:before] + bytes((octet,)) + b"yz"
            assert masking.json_plain(data) == json_model(data)
    for _ in range(2000):
        data = bytes(rng.choice(b'\x00\x1f\x20!"#[\\]\x7f\x80\x9f\xa2\xdc\xff') for _ in range(rng.randrange(30)))
        assert masking.json_plain(data) == json_model(data)
        data = bytes(rng.choice(b" !#[]\x7f\x80\xa2\xdc\xff") for _ in range(rng.randrange(90))) + data
        assert masking.json_plain(data) == json_model(data)
