# SPDX-License-Identifier: MIT
"""CBOR: results as recorded from autobahn, parity with the cbor2 package, hostile octets."""

from typing import Any

import cbor2
import pytest
from _codec_cases import CBOR_IN, CBOR_OUT
from _codec_checks import check_any, check_every_mutation, check_every_prefix, check_in, check_out, same, values
from _codec_values import VALUES, nested
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import DecodeError, EncodeError

CODEC = CborCodec()
KEYS = st.text(max_size=40).filter(lambda s: s.isprintable()) | st.binary(max_size=9) | st.integers() | st.booleans()
ANY = values(KEYS, st.integers(-(2**70), 2**70), st.sets(st.integers(), max_size=3) | st.decimals(allow_nan=False))
MESSAGE = cbor2.dumps(VALUES["message"])
TRAILING = b"\x81\x01\x02"  # the reference ignores what follows the value; this codec does not


@pytest.mark.parametrize("name", VALUES)
def test_out(name: str) -> None:
    check_out(CODEC, VALUES[name], CBOR_OUT[name])


@pytest.mark.parametrize(("octets", "expected"), [case for case in CBOR_IN if case[0] != TRAILING])
def test_in(octets: bytes, expected: str | None) -> None:
    check_in(CODEC, octets, expected)


@given(ANY)
def test_same_as_the_package(value: Any) -> None:
    octets = cbor2.dumps(value)
    assert CODEC.dumps(value) == octets
    assert same(CODEC.loads(octets), cbor2.loads(octets))
    assert CODEC.skip_over(octets + b"\xf6") == len(octets)


@given(st.binary(max_size=60))
def test_any_octets(octets: bytes) -> None:
    check_any(CODEC, octets)
    try:
        end = CODEC.skip_over(octets)
        expected = cbor2.loads(octets[:end])
    except (cbor2.CBORDecodeError, DecodeError):
        with pytest.raises(DecodeError):
            CODEC.loads(octets)
    else:
        if end == len(octets) and repr(expected) == repr(cbor2.loads(octets)):
            assert repr(CODEC.loads(octets)) == repr(expected)


def test_every_prefix_and_mutation() -> None:
    for octets in (
        MESSAGE,
        bytes.fromhex("9f7f6161ff5f4161ffbf6161f93c00ffc074")
        + b"2020-01-01T00:00:00Z"
        + bytes.fromhex("c24101f8fffff7ff")[:5]
        + b"\xff",
        cbor2.dumps([1.5, 2**40, -(2**64), {1, 2}, {(1, 2): b"x"}]),
    ):
        check_every_prefix(CODEC, octets)
        check_every_mutation(CODEC, octets)


@pytest.mark.parametrize("major", [0x40, 0x60, 0x80, 0xA0])
@pytest.mark.parametrize(
    "length", ["18ff", "197fff", "1a7fffffff", "1affffffff", "1b7fffffffffffffff", "1bffffffffffffffff"]
)
def test_lengths_that_lie(major: int, length: str) -> None:
    head = bytes.fromhex(length)
    head = bytes([head[0] | major]) + head[1:]
    for octets in (head, head + b"\xf6" * 9, b"\x82\x01" + head + b"\x61a", b"\xc1" + head):
        for read in (CODEC.loads, CODEC.get_from, CODEC.skip_over):
            with pytest.raises(DecodeError):
                read(octets)


def test_depth() -> None:
    assert CODEC.loads(b"\x81" * 400 + b"\xf6") == nested(400)
    assert CODEC.dumps(nested(512)) == b"\x81" * 512 + b"\xf6"
    for head in (b"\x81", b"\x9f", b"\xa1\x00", b"\xbf\x00", b"\xd9\xff\xfe", b"\xc1", b"\xd8\x1c"):
        for count in (401, 100_000):
            for read in (CODEC.loads, CODEC.get_from, CODEC.skip_over):
                with pytest.raises(DecodeError):
                    read(head * count + b"\xf6")
    for value in (nested(513), {"a": nested(512)}):
        with pytest.raises(EncodeError, match="deep"):
            CODEC.dumps(value)


def test_value_that_contains_itself() -> None:
    loop: list[Any] = []
    loop.append({"a": (loop,)})
    with pytest.raises(EncodeError, match="contains itself"):
        CODEC.dumps(loop)


def test_elements_that_refer_to_others() -> None:
    # Tag 28 marks the list that tag 29 refers to: readable as a whole, not by itself.
    whole = bytes.fromhex("82 d81c8101 d81d00")
    value = CODEC.loads(whole)
    assert value == [[1], [1]] and value[0] is value[1]
    for element in (whole[1:5], whole[5:]):
        with pytest.raises(DecodeError, match="outside"):
            CODEC.get_from(element)
        assert CODEC.skip_over(element) == len(element)


def test_octets_as_javascript_writes_them() -> None:
    # Tag 64 (RFC 8746): an array of octets. What else has a tag stays what cbor2 makes of it.
    assert CODEC.loads(bytes.fromhex("82 d8404200ff d8404100")) == [b"\x00\xff", b"\x00"]
    assert CODEC.get_from(bytes.fromhex("d84040"))[0] == b""
    value = CODEC.loads(bytes.fromhex("d84001"))
    assert (value.tag, value.value) == (64, 1)
    assert CODEC.loads(bytes.fromhex("d8454200ff")).tag == 69


def test_trailing_octets() -> None:
    with pytest.raises(DecodeError, match="too many"):
        CODEC.loads(TRAILING)
    with pytest.raises(DecodeError, match="too many"):
        CODEC.loads(b"\xc2\x41\x01\x02")


def test_errors_have_text_and_cause() -> None:
    with pytest.raises(EncodeError, match="cannot encode type") as caught:
        CODEC.dumps([object()])
    assert caught.value.__cause__ is not None
    with pytest.raises(EncodeError, match="surrogates not allowed"):
        CODEC.dumps(["\ud800"])
    with pytest.raises(DecodeError, match="utf-8") as decoded:
        CODEC.loads(b"\x81\x61\xff")
    assert isinstance(decoded.value.__cause__, UnicodeDecodeError)
