# SPDX-License-Identifier: MIT
"""The buffers keep their octets in order, whatever the sizes, and hold no memory when empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.buffer import Block, ReadBuffer, WriteBuffer

sizes = st.one_of(st.integers(0, 300), st.sampled_from([4096, 65536, 81920, 81921, 131072, 300_000]))


def octets(n: int, seed: int) -> bytes:
    return bytes((seed + i) & 0xFF for i in range(min(n, 251))) * (n // 251 + 1)


@given(st.lists(st.tuples(sizes, sizes), max_size=12))
def test_read_buffer_is_a_queue(steps):
    buffer, expected = ReadBuffer(), b""
    for i, (n, take) in enumerate(steps):
        data = octets(n, i)[:n]
        buffer.write(data)
        expected += data
        assert buffer.read(take) == expected[:take]
        expected = expected[take:]
        buffer.free_memory()
        assert len(buffer) == len(expected)
    assert buffer.read(len(expected)) == expected
    buffer.free_memory()
    assert buffer.allocated == 0


def test_a_small_rest_holds_little_memory():
    buffer = ReadBuffer()
    buffer.write(b"x" * 100_000)
    buffer.read(99_990)
    buffer.free_memory()
    assert buffer.allocated < 100
    assert buffer.read(99) == b"x" * 10


@given(st.lists(sizes, max_size=8), st.integers(0, 400_000))
def test_write_buffer_takes_everything_once(parts, cut):
    buffer, expected = WriteBuffer(), b""
    for i, n in enumerate(parts):
        data = octets(n, i)[:n]
        buffer.write(data)
        expected += data
    assert len(buffer) == len(expected)
    buffer.cut(cut)
    expected = expected[:cut]
    assert buffer.pop() == expected
    assert buffer.pop() == b""
    assert buffer.allocated == 0


def test_large_memory_is_used_again_and_shows_nothing_of_what_was_in_it():
    first = WriteBuffer()
    first.write(b"a" * 3_000_000)
    kept = first.allocated
    first.cut(0)
    assert first.allocated == 0
    second, third = WriteBuffer(), WriteBuffer()
    second.write(b"b" * 200_000)
    third.write(b"c" * 200_000)
    assert second.allocated == kept
    assert third.allocated < kept
    second.write(b"d" * 3_500_000)
    taken = second.pop()
    third.write(b"e" * 200_000)
    assert taken == b"b" * 200_000 + b"d" * 3_500_000
    assert third.pop() == b"c" * 200_000 + b"e" * 200_000
    third.write(b"f" * 5_000_000)
    third.cut(0)
    second.write(b"g" * 100_000)
    assert second.allocated < 5_000_000


@pytest.mark.parametrize("octets", [1, 2, 4, 8])
def test_integers_are_big_endian(octets):
    value = int.from_bytes(bytes(range(0xF1, 0xF1 + octets)))
    buffer = WriteBuffer()
    buffer.write_int(value, octets)
    assert buffer.pop() == value.to_bytes(octets)


def test_a_block_outlives_its_name():
    view = memoryview(Block(64))
    view[:] = b"a" * 64
    assert bytes(view) == b"a" * 64


@pytest.mark.parametrize("size", [0, -1])
def test_a_block_has_a_size(size):
    with pytest.raises(ValueError, match="positive size"):
        Block(size)
