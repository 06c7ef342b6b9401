# SPDX-License-Identifier: MIT
"""MessagePack: results as recorded from autobahn, parity with the msgpack package, hostile octets."""

from typing import Any

import msgpack
import pytest
from _codec_cases import MSGPACK_IN, MSGPACK_OUT
from _codec_checks import (
    check_any,
    check_containers_that_change,
    check_every_mutation,
    check_every_prefix,
    check_in,
    check_out,
    same,
    values,
)
from _codec_values import VALUES, nested
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.codec import DecodeError, EncodeError
from autobahn_fast._core.msgpack import MsgPackCodec

CODEC = MsgPackCodec()
KEYS = st.text(max_size=40).filter(lambda s: s.isprintable()) | st.binary(max_size=9)
ANY = values(KEYS, st.integers(-(2**63), 2**64 - 1))
MESSAGE = msgpack.packb(VALUES["message"])


@pytest.mark.parametrize("name", VALUES)
def test_out(name: str) -> None:
    check_out(CODEC, VALUES[name], MSGPACK_OUT[name])


@pytest.mark.parametrize(("octets", "expected"), MSGPACK_IN)
def test_in(octets: bytes, expected: str | None) -> None:
    check_in(CODEC, octets, expected)


@given(ANY)
def test_same_as_the_package(value: Any) -> None:
    octets = msgpack.packb(value, use_bin_type=True)
    assert CODEC.dumps(value) == octets
    assert same(CODEC.loads(octets), msgpack.unpackb(octets))
    assert CODEC.skip_over(octets + b"\xc0") == len(octets)


@given(st.binary(max_size=60))
def test_any_octets(octets: bytes) -> None:
    check_any(CODEC, octets)
    try:
        expected = msgpack.unpackb(octets)
    except ValueError:
        with pytest.raises(DecodeError):
            CODEC.loads(octets)
    else:
        assert same(CODEC.loads(octets), expected)


def test_every_prefix_and_mutation() -> None:
    check_every_prefix(CODEC, MESSAGE)
    check_every_mutation(CODEC, MESSAGE)
    extended = msgpack.packb([msgpack.ExtType(5, b"abc"), msgpack.Timestamp(1, 2), {"a": [1.5, 2**40, -(2**40)]}])
    check_every_prefix(CODEC, extended)
    check_every_mutation(CODEC, extended)


@pytest.mark.parametrize("head", [b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"])
@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\x01\0"])
def test_lengths_that_lie(head: bytes, length: bytes) -> None:
    for octets in (head + length, head + length + b"\xc0" * 9, b"\x92\x01" + head + length + b"\xa1a"):
        for read in (CODEC.loads, CODEC.get_from, CODEC.skip_over):
            with pytest.raises(DecodeError):
                read(octets)


def test_nested_lengths_that_lie_do_not_add_up() -> None:
    # Each array claims as many elements as octets follow: memory must stay proportional to the octets.
    octets = b"".join(b"\xdd" + (4000 - 5 * i).to_bytes(4, "big") for i in range(1, 800))
    with pytest.raises(DecodeError):
        CODEC.loads(octets)
    with pytest.raises(DecodeError):
        CODEC.skip_over(octets)


def test_depth() -> None:
    assert CODEC.loads(b"\x91" * 512 + b"\xc0") == nested(512)
    assert CODEC.dumps(nested(512)) == b"\x91" * 512 + b"\xc0"
    for count in (513, 100_000):
        with pytest.raises(DecodeError, match="deep"):
            CODEC.loads(b"\x91" * count + b"\xc0")
        with pytest.raises(DecodeError, match="deep"):
            CODEC.loads(b"\x81\xa1a" * count + b"\xc0")
        assert CODEC.skip_over(b"\x91" * count + b"\xc0") == count + 1
    for value in (nested(513), {"a": nested(512)}):
        with pytest.raises(EncodeError, match="deep"):
            CODEC.dumps(value)


def test_value_that_contains_itself() -> None:
    loop: list[Any] = []
    loop.append({"a": (loop,)})
    with pytest.raises(EncodeError, match="contains itself"):
        CODEC.dumps(loop)


def test_errors_have_text_and_cause() -> None:
    with pytest.raises(EncodeError, match="can not serialize 'object' object") as caught:
        CODEC.dumps([object()])
    assert isinstance(caught.value.__cause__, TypeError)
    with pytest.raises(EncodeError, match="surrogates not allowed"):
        CODEC.dumps(["\ud800"])
    with pytest.raises(EncodeError, match="Integer value out of range"):
        CODEC.dumps({"a": 2**64})
    with pytest.raises(DecodeError, match="utf-8") as decoded:
        CODEC.loads(b"\x91\xa1\xff")
    assert isinstance(decoded.value.__cause__, UnicodeDecodeError)


def test_containers_that_change_while_being_written() -> None:
    check_containers_that_change(CODEC)
