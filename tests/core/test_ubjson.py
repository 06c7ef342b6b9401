# SPDX-License-Identifier: MIT
"""UBJSON: parity with the bjdata package, the forms only others write, hostile octets."""

import sys
import tracemalloc
from decimal import Decimal
from typing import Any

import bjdata
import pytest
from _codec_checks import (
    check_any,
    check_containers_that_change,
    check_every_mutation,
    check_every_prefix,
    same,
    values,
)
from _codec_values import VALUES, nested
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.codec import DecodeError, EncodeError, UbjsonCodec

CODEC = UbjsonCodec()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LEAVES = st.decimals(allow_nan=False, allow_infinity=False) | st.floats(allow_subnormal=False)
ANY = values(TEXT, st.integers(-(2**70), 2**70), LEAVES)
# Where bjdata writes an array of one-character strings, a float near zero as decimal text, or (its extension) a complex number
# as two floats behind one marker, which nobody can read, we do not.
OURS = {
    "memoryview": b"[$B#U\x03abc",
    "memoryview strided": b"[$B#U\x03ace",
    "float 5e-324": b"D\x01" + bytes(7),
    "int too long for text": None,
    "complex": None,
}
MESSAGE = CODEC.dumps(VALUES["message"])


@pytest.mark.parametrize("name", VALUES)
def test_out(name: str) -> None:
    try:
        expected = OURS[name] if name in OURS else bjdata.dumpb(VALUES[name])
    except (bjdata.EncoderException, UnicodeEncodeError):
        expected = None
    if expected is None:
        with pytest.raises(EncodeError, match="."):
            CODEC.dumps(VALUES[name])
    else:
        assert CODEC.dumps(VALUES[name]) == expected


def plain(value: Any) -> Any:
    """What is read back: an integer in decimal text is one again, whatever wrote it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        digits = str(value).removeprefix("-")
        return int(value) if digits.isdigit() and len(str(value)) > 18 else value
    return value


def has_subnormal(value: Any) -> bool:
    """Is there a float in it that bjdata writes as decimal text?"""
    if isinstance(value, list | dict):
        return any(map(has_subnormal, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and 0 < abs(value) <= sys.float_info.min


@given(ANY)
def test_same_as_the_package(value: Any) -> None:
    octets = CODEC.dumps(value)
    assert same(CODEC.loads(octets), plain(value))
    assert CODEC.skip_over(octets + b"Z") == len(octets)
    if not has_subnormal(value):
        assert octets == bjdata.dumpb(value)
    assert repr(plain(bjdata.loadb(octets))) == repr(plain(value))


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda tail: b"[" + tail))
def test_any_octets(octets: bytes) -> None:
    check_any(CODEC, octets)


def test_every_prefix_and_mutation() -> None:
    for octets in (
        MESSAGE,
        CODEC.dumps([1.5, 0.0, 2**40, -(2**40), -1, -300, 2**70, Decimal("1.5"), {"a": {"b": b"xy"}}, "c"]),
        b"[#U\x03U\x01NTN{#U\x01U\x01a[$d#U\x01\0\0\x80?",
        b"[{$u#i\x02U\x01a\x01\0U\x01b\x02\0[$S#l\x02\0\0\0U\x01aI\x02\0xyNh\0<]",
    ):
        CODEC.loads(octets)
        check_every_prefix(CODEC, octets)
        check_every_mutation(CODEC, octets)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"[NU\x01NNTN]", [1, True]),
        (b"{#U\x01U\x01aU\x05", {"a": 5}),
        (b"[#U\x02NU\x05NZ", [5, None]),
        (b"[$U#U\x02\x01\xff", b"\x01\xff"),
        (b"[$B#i\x02\x01\xff", b"\x01\xff"),
        (b"[$i#U\x02\x01\xff", [1, -1]),
        (b"[$l#U\x01\xfe\xff\xff\xff", [-2]),
        (b"[$C#U\x02ab", ["a", "b"]),
        (b"[$S#U\x01U\x02ab", ["ab"]),
        (b"{$D#U\x01U\x01a\0\0\0\0\0\0\xf8?", {"a": 1.5}),
        (b"B\xff", 255),
        (b"h\x01\0", 2**-24),
        (b"h\xff\x7b", 65504.0),
        (b"h\0\xfc", -float("inf")),
        (b"d\0\0\xc0?", 1.5),
        (b"HU\x13-123456789012345678", Decimal(-123456789012345678)),
        (b"HU\x141234567890123456789\x30", 12345678901234567890),
    ],
)
def test_forms_that_others_write(octets: bytes, value: Any) -> None:
    assert CODEC.loads(octets) == value
    assert CODEC.skip_over(octets) == len(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"N", b"NZ", b"]", b"ZZ", b"E", b"C\xff", b"SZ", b"Si\xff", b"SU\x01\xff", b"HU\x03abc", b"HU\x03NaN", b"HU\x00",
        b"[$Z#U\x02", b"[$T#U\x02", b"[$N#U\x02", b"[$[#U\x01]", b"[${#U\x01}", b"[$U]", b"[$U", b"[$", b"[#Z", b"[#[U\x01]Z",
        b"[$U#[U\x01U\x02]\x01\x02", b"{NU\x01aZ", b"{U\x01a", b"{U\x01\xffZ}", b"{SU\x01aZ}", b"{U\x01aZ]", b"[Z}",
    ],
)  # fmt: skip
def test_octets_that_are_no_value(octets: bytes) -> None:
    for read in (CODEC.loads, CODEC.get_from) if octets != b"ZZ" else (CODEC.loads,):
        with pytest.raises(DecodeError, match="."):
            read(octets)


@pytest.mark.parametrize("head", [b"[#", b"[$U#", b"[$B#", b"[$d#", b"[$S#", b"{#", b"{$i#", b"S", b"H"])
@pytest.mark.parametrize("length", [b"m\xff\xff\xff\xff", b"M" + b"\xff" * 8, b"L" + b"\xff" * 7 + b"\x7f", b"U\xff"])
def test_lengths_that_lie(head: bytes, length: bytes) -> None:
    for octets in (head + length, head + length + b"Z" * 9, b"[Z" + head + length + b"U\x01a"):
        tracemalloc.start()
        try:
            for read in (CODEC.loads, CODEC.get_from, CODEC.skip_over):
                with pytest.raises(DecodeError):
                    read(octets)
            assert tracemalloc.get_traced_memory()[1] < 100_000
        finally:
            tracemalloc.stop()


def test_depth() -> None:
    assert CODEC.loads(b"[" * 512 + b"]" * 512) == nested(511, [])
    assert CODEC.dumps(nested(512)) == b"[" * 512 + b"Z" + b"]" * 512
    for count in (513, 100_000):
        for octets in (b"[" * count, b"{U\x01a" * count, b"[#U\x01" * count + b"Z"):
            for read in (CODEC.loads, CODEC.get_from, CODEC.skip_over):
                with pytest.raises(DecodeError, match="deep"):
                    read(octets)
    for value in (nested(513), {"a": nested(512)}):
        with pytest.raises(EncodeError, match="deep"):
            CODEC.dumps(value)


def test_values_that_contain_themselves() -> None:
    loop: list[Any] = []
    loop.append({"a": (loop,)})
    with pytest.raises(EncodeError, match="contains itself"):
        CODEC.dumps(loop)


def test_errors_have_text_and_cause() -> None:
    with pytest.raises(EncodeError, match="no form for object"):
        CODEC.dumps([object()])
    with pytest.raises(EncodeError, match="map key in UBJSON is a str, not int"):
        CODEC.dumps({1: 2})
    with pytest.raises(EncodeError, match="surrogates not allowed"):
        CODEC.dumps({"\ud800": 1})
    with pytest.raises(DecodeError, match="utf-8") as decoded:
        CODEC.loads(b"[SU\x01\xff]")
    assert isinstance(decoded.value.__cause__, UnicodeDecodeError)
    with pytest.raises(DecodeError, match="too many"):
        CODEC.loads(b"ZZ")


def test_containers_that_change_while_being_written() -> None:
    check_containers_that_change(CODEC)
