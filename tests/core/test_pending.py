# SPDX-License-Identifier: MIT
"""Pending: whatever is done with it, it is a dict of ids in their order; and it holds on to nothing."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.pending import Pending

MAX_ID = 2**53


class Entry:
    """What is kept; it may be in a cycle with the table."""

    table: Pending | None = None


def same(table: Pending, expected: dict[int, Any]) -> bool:
    ids = sorted(expected)
    return (
        (len(table), bool(table), list(table), table.keys()) == (len(ids), bool(ids), ids, ids)
        and table.values() == [expected[request] for request in ids]
        and table.items() == [(request, expected[request]) for request in ids]
    )


ids = st.one_of(st.integers(1, 40), st.integers(1, MAX_ID), st.sampled_from((MAX_ID, MAX_ID - 1)))
steps = st.lists(st.tuples(st.sampled_from(("set", "set", "set", "pop", "delete", "get", "clear")), ids), max_size=120)


@given(steps)
def test_it_is_a_dict_of_ids(done: list[tuple[str, int]]) -> None:
    table, expected = Pending(), {}
    for number, (what, request) in enumerate(done):
        if what == "set":
            table[request] = expected[request] = f"entry {number}"
        elif what == "pop":
            assert table.pop(request, None) == expected.pop(request, None)
        elif what == "delete" and request in expected:
            del table[request], expected[request]
        elif what == "clear" and request % 8 == 0:
            table.clear()
            expected.clear()
        assert table.get(request, "none") == expected.get(request, "none")
        assert (request in table) == (request in expected)
    assert same(table, expected)
    for request in list(expected):
        assert table[request] == expected.pop(request) == table.pop(request)
    assert same(table, {})


@pytest.mark.parametrize("window", [1, 7, 8, 9, 100, 3000])
def test_a_window_of_ids_in_any_order(window: int) -> None:
    """Ids go up, one by one, and are answered from the front, from the back, or never."""
    table, expected = Pending(), {}
    for request in range(1, 10 * window + 100):
        if request % 50 == 0:
            request = request * 7919 + 2**33
        table[request] = expected[request] = object()
        if len(expected) > window:
            for gone in (next(iter(expected)), request) if request % 3 else (next(iter(expected)),):
                assert table.pop(gone) is expected.pop(gone)
    assert same(table, dict(sorted(expected.items())))
    for gone in reversed(list(expected)):
        assert table.pop(gone) is expected.pop(gone)
        assert gone not in table
    assert same(table, {})
    table[5] = "again"
    assert table.items() == [(5, "again")]


@pytest.mark.parametrize("strange", [0, -1, MAX_ID + 1, 2**64, -(2**70), True, 1.0, "1", None, [], Entry()])
def test_what_is_no_id(strange: Any) -> None:
    """It is not there, whatever it is; a future of another library may well have a ``request``."""
    table = Pending()
    table[1] = "one"
    assert strange not in table
    assert table.get(strange) is None
    assert table.pop(strange, "none") == "none"
    with pytest.raises(KeyError):
        table[strange]
    with pytest.raises(KeyError):
        table.pop(strange)
    with pytest.raises(KeyError):
        del table[strange]
    with pytest.raises(ValueError, match="an id is"):
        table[strange] = "x"
    with pytest.raises(ValueError, match="not None"):
        table[2] = None
    assert same(table, {1: "one"})


@pytest.mark.parametrize("count", [1, 5, 600, 5000])
def test_no_reference_is_lost_or_kept(count: int) -> None:
    one, table = Entry(), Pending()
    before = sys.getrefcount(one)
    for request in range(1, count + 1):
        table[request] = one
        table[request] = one
    assert sys.getrefcount(one) == before + count
    assert table.pop(1) is one
    assert sys.getrefcount(one) == before + count - 1
    for request in range(2, count + 1):
        del table[request]
    assert sys.getrefcount(one) == before
    for request in range(1, count + 1):
        table[request] = one
    table.clear()
    assert sys.getrefcount(one) == before
    table[1] = one
    del table
    assert sys.getrefcount(one) == before


def test_memory_is_given_back() -> None:
    """A table that was large is small again when nothing is pending."""
    table = Pending()
    for request in range(1, 50_000):
        table[request] = table
    held = max(gc.get_referents(table), key=sys.getsizeof)
    assert sys.getsizeof(held) >= 8 * 50_000
    del held
    for request in range(1, 50_000):
        del table[request]
    assert sum(map(sys.getsizeof, gc.get_referents(table))) < 1000


def test_entries_that_come_back_when_they_end() -> None:
    """An entry's destructor may use the table: it finds a table that has lost the entry."""
    seen: list[tuple[int, list[int]]] = []

    class Coming:
        def __init__(self, number: int) -> None:
            self.number = number

        def __del__(self) -> None:
            seen.append((self.number, list(table)))
            table.pop(self.number + 1, None)
            table[100 + self.number] = "left by it"

    table = Pending()
    for request in (1, 2, 3):
        table[request] = Coming(request)
    table[1] = "another"  # ends 1, which takes 2 out, which takes 3 out
    assert [number for number, _ in seen] == [1, 2, 3]
    assert table.items() == [(1, "another"), (101, "left by it"), (102, "left by it"), (103, "left by it")]
    for request in range(200, 220):
        table[request] = Coming(request)
    seen.clear()
    table.clear()
    assert sorted(number for number, _ in seen) == list(range(200, 220))
    assert seen[0][1] == []
    assert list(table) == list(range(300, 320))


def test_cycles_are_garbage() -> None:
    """A table in a cycle is collected, and is of no use to what still has it then, but harmless."""
    found: list[Any] = []

    class Last:
        """Ends while the cycle is taken apart, and still has the table."""

        def __init__(self, table: Pending) -> None:
            self.table = table

        def __del__(self) -> None:
            found.append(self.table)

    table = Pending()
    entry = Entry()
    entry.table = table
    table[1] = entry
    table[2] = Last(table)
    gone = weakref.ref(entry)
    del table, entry
    gc.collect()
    assert len(found) == 1
    assert found.pop()[1].table is not None
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("threshold", range(1, 12))
def test_finalizers_use_it_while_it_grows(threshold: int) -> None:
    """What it allocates may start the collector, and that finalizers, which put more into it."""
    table, late = Pending(), range(1000, 1100)

    class Late:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            for request in late:
                table[request] = request

    before = gc.get_threshold()
    gc.collect()
    gc.disable()
    try:
        for request in range(1, 9):  # the next one has no room
            table[request] = request
        Late()
        gc.set_threshold(threshold)
        gc.enable()
        table[9] = 9
    finally:
        gc.set_threshold(*before)
        gc.enable()
    gc.collect()
    assert same(table, {request: request for request in (*range(1, 10), *late)})
