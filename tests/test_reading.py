# SPDX-License-Identifier: MIT
"""When reading pauses and goes on: the gate by itself, on a clock that is moved by hand."""

from __future__ import annotations

from typing import Any

import pytest

from autobahn_fast._reading import FIRST_WAIT, LONGEST_WAIT, NO_GATE, ReadingGate


class Reader:
    """A transport and a clock."""

    def __init__(self, **limits: int) -> None:
        self.now = 0.0
        self.timers: list[Any] = []
        self.told: list[bool] = []
        self.gate = ReadingGate(self.told.append, self.call_later, **limits)

    def call_later(self, seconds: float, function: Any) -> Any:
        timer = Timer(self.now + seconds, function)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [t for t in self.timers if t.when <= until and not t.cancelled]:
            timer = min(due, key=lambda t: t.when)
            self.timers.remove(timer)
            self.now = timer.when
            timer.function()
        self.now = until

    @property
    def reading(self) -> bool:
        return not self.told or self.told[-1]


class Timer:
    def __init__(self, when: float, function: Any) -> None:
        self.when, self.function, self.cancelled = when, function, False

    def cancel(self) -> None:
        self.cancelled = True


def test_pauses_at_the_limit_and_goes_on_below_half_of_it():
    reader = Reader(max_handlers=10, max_octets=0)
    for _ in range(9):
        reader.gate.begin(1 << 30)
    assert reader.told == []
    reader.gate.begin()
    assert reader.told == [False]
    for _ in range(5):
        reader.gate.end()
    assert reader.told == [False]
    reader.gate.end()
    assert reader.told == [False, True]
    assert not [t for t in reader.timers if not t.cancelled]


def test_octets_count_too():
    reader = Reader(max_handlers=0, max_octets=1000)
    reader.gate.begin(999)
    assert reader.reading
    reader.gate.begin(1)
    assert not reader.reading
    reader.gate.end(999)
    assert reader.reading
    assert (reader.gate.handlers, reader.gate.octets) == (1, 1)


def test_no_limits():
    reader = Reader(max_handlers=0, max_octets=0)
    for _ in range(100_000):
        reader.gate.begin(1 << 20)
    assert reader.told == []


def test_handlers_that_wait_for_the_peer_are_not_waited_for_for_ever():
    reader = Reader(max_handlers=2, max_octets=0)
    reader.gate.begin()
    reader.gate.begin()
    waits = []
    for _ in range(10):
        assert not reader.reading
        before = reader.now
        while not reader.reading:
            reader.advance(0.01)
        waits.append(reader.now - before)
        reader.advance(100)
        assert reader.reading
        reader.gate.begin()  # what was read then starts another one
    assert waits[0] == pytest.approx(FIRST_WAIT, abs=0.02)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(LONGEST_WAIT, abs=0.02)
    # one that comes to its end makes the waits short again
    reader.gate.end()
    reader.advance(LONGEST_WAIT)
    for _ in range(11):
        reader.gate.end()
    assert reader.reading


def test_as_long_as_handlers_come_to_their_end_reading_waits_for_the_lower_limit():
    reader = Reader(max_handlers=100, max_octets=0)
    for _ in range(100):
        reader.gate.begin()
    for _ in range(50):
        reader.gate.end()
        reader.advance(FIRST_WAIT)
        assert not reader.reading
    reader.gate.end()
    assert reader.reading


def test_closing_reads_on():
    reader = Reader(max_handlers=1, max_octets=0)
    reader.gate.begin()
    assert not reader.reading
    reader.gate.release()
    assert reader.reading
    reader.gate.begin()
    assert reader.reading
    assert not [t for t in reader.timers if not t.cancelled]


def test_a_lost_transport_is_told_nothing():
    reader = Reader(max_handlers=1, max_octets=0)
    reader.gate.begin()
    reader.gate.close()
    reader.gate.end()
    reader.gate.begin()
    assert reader.told == [False]
    assert not [t for t in reader.timers if not t.cancelled]


def test_without_a_transport_nothing_is_counted():
    NO_GATE.begin(5)
    assert (NO_GATE.handlers, NO_GATE.octets) == (0, 0)
    NO_GATE.end(5)
