# SPDX-License-Identifier: MIT
"""Checks that hold for every codec, and the namespace in which the recorded reprs of ``_codec_cases`` are read back."""

from __future__ import annotations

import datetime
import hashlib
import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import cbor2
import msgpack
import pytest
from hypothesis import strategies as st

from autobahn_fast._core.codec import Codec, DecodeError, EncodeError

NOTHING = st.nothing()

NAMES = {
    "nan": math.nan,
    "inf": math.inf,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "UUID": UUID,
    "datetime": datetime,
    "re": re,
    "ExtType": msgpack.ExtType,
    "Timestamp": msgpack.Timestamp,
    "undefined": cbor2.undefined,
    "CBORTag": cbor2.CBORTag,
    "CBORSimpleValue": cbor2.CBORSimpleValue,
    "frozendict": getattr(cbor2, "frozendict", getattr(cbor2, "FrozenDict", dict)),
}


def same(a: Any, b: Any) -> bool:
    """Equal with the same types inside, the sign of zero and NaN included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return math.isnan(a) and math.isnan(b) or a == b and math.copysign(1, a) == math.copysign(1, b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(k, m) and same(v, w) for (k, v), (m, w) in zip(a.items(), b.items(), strict=True)
        )
    if isinstance(a, Decimal):
        return repr(a) == repr(b)
    return bool(a == b)


def check_out(codec: Codec, value: Any, expected: Any) -> None:
    """``value`` becomes the recorded octets, or raises EncodeError where the reference raised."""
    if expected is None:
        with pytest.raises(EncodeError, match="."):
            codec.dumps(value)
        return
    octets = codec.dumps(value)
    assert type(octets) is bytes
    if isinstance(expected, bytes):
        assert octets == expected
    else:
        assert (len(octets), hashlib.sha256(octets).hexdigest()) == expected


def check_in(codec: Codec, octets: bytes, expected: str | None) -> None:
    """``octets`` become the recorded value, or raise DecodeError; from every kind of buffer, and skip agrees."""
    if expected is None:
        with pytest.raises(DecodeError, match="."):
            codec.loads(octets)
        return
    value = eval(expected, dict(NAMES))
    assert same(codec.loads(octets), value), codec.loads(octets)
    assert same(codec.loads(bytearray(octets)), value)
    assert same(codec.loads(memoryview(b"x" + octets + b"x")[1:-1]), value)
    assert codec.skip_over(octets) == len(octets if codec.binary else octets.rstrip(b" \n\r\t"))


def check_every_prefix(codec: Codec, octets: bytes) -> None:
    """A value cut off anywhere is a DecodeError; behind it nothing may follow, and get and skip stop at its end."""
    for i in range(len(octets)):
        for read in (codec.loads, codec.get_from, codec.skip_over):
            with pytest.raises(DecodeError):
                read(octets[:i])
    for more in (b"\0", b"]", octets):
        assert codec.skip_over(octets + more) == len(octets) == codec.get_from(octets + more)[1]
        with pytest.raises(DecodeError, match="too many"):
            codec.loads(octets + more)


def check_every_mutation(codec: Codec, octets: bytes) -> None:
    """Any change of one octet gives a value or a DecodeError, and skip consumes exactly what get consumes."""
    for i in range(len(octets)):
        for change in (1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xFF):
            check_any(codec, octets[:i] + bytes([octets[i] ^ change]) + octets[i + 1 :])


def check_any(codec: Codec, octets: bytes) -> None:
    """Whatever the octets are: a value or a DecodeError."""
    try:
        codec.loads(octets)
    except DecodeError:
        pass
    try:
        used = codec.get_from(octets)[1]
    except DecodeError:
        return
    assert codec.skip_over(octets) == used
    assert 0 < used <= len(octets)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def values(
    keys: st.SearchStrategy[Any],
    ints: st.SearchStrategy[int],
    extra: Any = NOTHING,
    text: st.SearchStrategy[str] = TEXT,
) -> st.SearchStrategy[Any]:
    """Nested plain values."""
    leaves = st.one_of(st.none(), st.booleans(), ints, st.floats(), text, st.binary(max_size=300), extra)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=20), st.dictionaries(keys, inner, max_size=20)),
        max_leaves=30,
    )


class Growing(dict):
    """Its items() changes the container around it while that is being written."""

    def __init__(self, around: Any) -> None:
        self.around = around

    def items(self) -> Any:
        if isinstance(self.around, dict):
            self.around[f"more{len(self.around)}"] = Growing(self.around)
        else:
            self.around.clear()
        return []


def check_containers_that_change(codec: Codec) -> None:
    """A container that changes while it is being written is an EncodeError."""
    mapping: dict[str, Any] = {}
    mapping["a"] = Growing(mapping)
    mapping["b"] = 2
    with pytest.raises(EncodeError, match="changed"):
        codec.dumps(mapping)
    sequence: list[Any] = [1]
    sequence += [Growing(sequence), 2, 3]
    with pytest.raises(EncodeError, match="changed"):
        codec.dumps(sequence)
