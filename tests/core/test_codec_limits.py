# SPDX-License-Identifier: MIT
"""What hostile octets and values may cost: memory for declared lengths, stack for depth."""

import collections
import tracemalloc
import types

import cbor2
import pytest

from autobahn_fast._core.codec import CborCodec, DecodeError, EncodeError, MsgPackCodec


@pytest.mark.parametrize(
    ("codec", "code"), [(MsgPackCodec(), b"\xdd"), (CborCodec(), b"\x9a")], ids=["msgpack", "cbor"]
)
def test_arrays_inside_one_another_cannot_promise_the_same_octets(codec, code):
    size = 200_000
    octets = b"".join(code + (size - 5 * (i + 1)).to_bytes(4, "big") for i in range(300)).ljust(size, b"\x00")
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            codec.loads(octets)
        assert tracemalloc.get_traced_memory()[1] < 12 * size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", [MsgPackCodec(), CborCodec()], ids=["msgpack", "cbor"])
def test_arrays_of_arrays_up_to_the_last_octet(codec):
    value = [[1, [2, 3], []], {"a": [[], [4]]}, [[5]] * 20]
    assert codec.loads(codec.dumps(value)) == value
    assert codec.skip_over(codec.dumps(value)) == len(codec.dumps(value))


def test_cbor_array_behind_a_tag_inside_of_an_array():
    octets = cbor2.dumps([[1, cbor2.CBORTag(4000, [1, 2]), 3], [4, 5]])
    assert CborCodec().loads(octets) == cbor2.loads(octets)


class List(list):
    pass


def wrapped(wrap, depth):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [
        lambda v: List([v]),
        lambda v: collections.OrderedDict(a=v),
        lambda v: types.MappingProxyType({1: v}),
        lambda v: collections.deque([v]),
        lambda v: frozenset([v]),
        lambda v: cbor2.CBORTag(4000, v),
        lambda v: [List([v])],
    ],
    ids=["list", "dict", "mapping", "deque", "set", "tag", "mixed"],
)
def test_cbor_values_that_cbor2_writes_nest_no_deeper_than_others(wrap):
    assert CborCodec().dumps(wrapped(wrap, 200)) == cbor2.dumps(wrapped(wrap, 200))
    deep = wrapped(wrap, 3000)
    try:
        with pytest.raises(EncodeError, match="512"):
            CborCodec().dumps(deep)
    finally:
        while isinstance(deep, list):  # taken apart from outside: some types free their elements by recursion
            deep = deep[0]


def test_cbor_containers_of_foreign_types_that_contain_themselves():
    for value in (List(), collections.deque()):
        value.append(value)
        with pytest.raises(EncodeError):
            CborCodec().dumps(value)
