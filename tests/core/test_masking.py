# SPDX-License-Identifier: MIT
"""XorMasker and Utf8Validator as autobahn's programs use them. The expected tuples are what autobahn 26.10.2 returns."""

from __future__ import annotations

import pytest
from _kernel_models import mask_model, utf8_model
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast.websocket import utf8validator, xormasker
from autobahn_fast.websocket.utf8validator import Utf8Validator
from autobahn_fast.websocket.xormasker import XorMaskerNull, create_xor_masker

KEY = b"\x01\x02\x03\x04"


@pytest.mark.parametrize("length", [None, 0, 1, 127, 128, 100_000])
def test_masker_keeps_its_phase(length: int | None) -> None:
    masker = create_xor_masker(KEY, length)
    assert masker.pointer() == 0
    assert masker.process(b"hello") == b"igohn"
    assert masker.pointer() == 5
    assert masker.process(b"hello") == b"jfhmm"
    assert masker.process(b"") == b""
    assert masker.process(bytearray(b"xx")) == b"{|"
    assert masker.process(memoryview(b"xx")) == b"yz"
    assert masker.pointer() == 14
    masker.reset()
    assert masker.pointer() == 0
    assert masker.process(b"hello") == b"igohn"
    assert type(masker.process(bytearray(3))) is bytes


def test_masker_leaves_its_argument_alone() -> None:
    data = bytearray(b"x" * 200)
    assert create_xor_masker(KEY).process(data) != data
    assert data == b"x" * 200


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_masker_key_of_wrong_length(key: bytes) -> None:
    with pytest.raises(ValueError, match=f"exactly 4 octets, not {len(key)}"):
        create_xor_masker(key)


@pytest.mark.parametrize("wrong", ["abcd", None, 4, [1, 2, 3, 4]])
def test_masker_wrong_types(wrong: object) -> None:
    with pytest.raises(TypeError):
        create_xor_masker(wrong)  # type: ignore[arg-type]
    masker = create_xor_masker(KEY)
    with pytest.raises(TypeError):
        masker.process(wrong)  # type: ignore[arg-type]
    assert masker.pointer() == 0


@pytest.mark.parametrize("cls", [xormasker.XorMaskerSimple, xormasker.XorMaskerShifted1])
def test_masker_classes(cls: type) -> None:
    assert cls(bytearray(KEY)).process(b"hello") == b"igohn"
    assert cls(memoryview(KEY)).process(b"hello") == b"igohn"


@given(st.binary(min_size=4, max_size=4), st.lists(st.binary(max_size=150)))
def test_masker_against_the_model(key: bytes, chunks: list[bytes]) -> None:
    masker = create_xor_masker(key)
    data = b"".join(chunks)
    assert b"".join(map(masker.process, chunks)) == mask_model(data, key, 0)
    assert masker.pointer() == len(data)


def test_null_masker_counts_only() -> None:
    masker = XorMaskerNull(KEY)
    data = bytearray(b"hello")
    assert masker.process(data) is data
    assert masker.process(b"ab") == b"ab"
    assert masker.pointer() == 7
    masker.reset()
    assert masker.pointer() == 0
    assert XorMaskerNull().pointer() == 0
    with pytest.raises(TypeError):
        masker.process(5)


VALIDATIONS = [
    [(b"abc", (True, True, 3, 3)), (b"de", (True, True, 2, 5))],
    [("κόσμε".encode(), (True, True, 10, 10))],
    [(b"\xce", (True, False, 1, 1)), (b"\xba", (True, True, 1, 2)), (b"ab\xe2\x82", (True, False, 4, 6))],
    [(b"ab\xff cd", (False, False, 2, 2)), (b"xyz", (False, False, 0, 2)), (b"", (True, False, 0, 2))],
    [(b"", (True, True, 0, 0))],
    [
        (b"ab", (True, True, 2, 2)),
        (b"", (True, True, 0, 2)),
        (b"\xce", (True, False, 1, 3)),
        (b"", (True, False, 0, 3)),
    ],
    [(b"\xe0\x80ab", (False, False, 1, 1))],
    [(b"ab", (True, True, 2, 2)), (b"\xed", (True, False, 1, 3)), (b"\xa0", (False, False, 0, 3))],
    [(b"ab\xce", (True, False, 3, 3)), (b"Ab", (False, False, 0, 3))],
    [(b"\xf4\x90\x80\x80", (False, False, 1, 1))],
    [(b"a" * 100 + b"\xff" + b"b" * 100, (False, False, 100, 100))],
    [(b"ok" * 300 + b"\xce", (True, False, 601, 601)), (b"\xba\xba", (False, False, 1, 602))],
    [("\uffff\ufffe\U0010ffff".encode(), (True, True, 10, 10))],
]


@pytest.mark.parametrize("steps", VALIDATIONS)
def test_validator(steps: list[tuple[bytes, tuple[bool, bool, int, int]]]) -> None:
    validator = Utf8Validator()
    for _ in range(2):
        for chunk, expected in steps:
            result = validator.validate(chunk)
            assert result == expected
            assert type(result) is tuple
            assert [type(x) for x in result] == [bool, bool, int, int]
        validator.reset()


def test_validator_takes_what_is_bytes_like() -> None:
    validator = Utf8Validator()
    assert validator.validate(bytearray(b"\xe2\x82")) == (True, False, 2, 2)
    assert validator.validate(memoryview(b"xx\xacxx")[2:3]) == (True, True, 1, 3)
    for wrong in ("text", None, 5):
        with pytest.raises(TypeError):
            validator.validate(wrong)  # type: ignore[arg-type]
    assert validator.validate(b"") == (True, True, 0, 3)


@given(st.lists(st.one_of(st.text(max_size=30).map(str.encode), st.binary(max_size=4)), max_size=12))
def test_validator_against_the_model(chunks: list[bytes]) -> None:
    validator = Utf8Validator()
    seen = b""
    for chunk in chunks:
        before, seen = len(seen), seen + chunk
        accepted, on_boundary = utf8_model(seen)
        assert validator.validate(chunk) == (accepted == len(seen), on_boundary, accepted - before, accepted)
        if accepted < len(seen):
            break


def test_validator_octet_by_octet() -> None:
    validator = Utf8Validator()
    states = [validator.decode(octet) for octet in b"a\xce\xba\xe2\x82\xac\xff\x61"]
    assert states == [0, 2, 0, 3, 2, 0, 1, 1]
    assert validator.validate(b"x") == (False, False, 0, 0)
    validator.reset()
    assert validator.decode(0xE2) == 3
    assert validator.validate(b"\x82\xac!") == (True, True, 3, 3)
    for wrong in (256, -1, 1000):
        with pytest.raises(ValueError, match="0 to 255"):
            validator.decode(wrong)


def test_table_of_the_automaton() -> None:
    table = utf8validator.UTF8VALIDATOR_DFA
    assert type(table) is tuple
    assert len(table) == 400
    assert (utf8validator.UTF8_ACCEPT, utf8validator.UTF8_REJECT) == (0, 1)
    assert [table[c] for c in b"\x00\x7f\x80\x8f\x90\x9f\xa0\xbf"] == [0, 0, 1, 1, 9, 9, 7, 7]
    leads = b"\xc1\xc2\xdf\xe0\xe1\xed\xee\xf0\xf1\xf3\xf4\xf5\xff"
    assert [table[c] for c in leads] == [8, 2, 2, 10, 3, 4, 3, 11, 6, 6, 5, 8, 8]
    assert table[256:272] == (0, 1, 2, 3, 5, 8, 7, 1, 1, 1, 4, 6, 1, 1, 1, 1)
    assert set(table[272:288]) == {1}
    for octets in (b"ab", "aé€😀".encode(), b"\xed\xa0", b"\xe2\x82"):
        state, validator = 0, Utf8Validator()
        for octet in octets:
            state = table[256 + state * 16 + table[octet]]
            assert state == validator.decode(octet)
