# SPDX-License-Identifier: MIT
"""Prints the results of scenarios as a plain text table. Knows how figures look, not where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autobahn_fast._bench.scenario import Result


class Column(NamedTuple):
    """Two lines of heading, and what stands below for a result."""

    upper: str
    lower: str
    show: Callable[[Result], str]


def _rate(value: float) -> str:
    return f"{value:,.0f}"


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.2f}" if seconds < 1e-4 else f"{seconds * 1e6:,.0f}"


def _milli(seconds: float) -> str:
    return f"{seconds * 1e3:.2f}"


COLUMNS: tuple[Column, ...] = (
    Column("loop", "", lambda r: r.plan.loop),
    Column("trans-", "port", lambda r: r.plan.transport),
    Column("serial-", "izer", lambda r: r.plan.serializer),
    Column("publish", "/s", lambda r: _rate(r.publish_rate)),
    Column("events", "/s", lambda r: _rate(r.event_rate)),
    Column("calls/s", "in seq.", lambda r: _rate(r.call_rate)),
    Column("calls/s", "pipelined", lambda r: _rate(r.pipeline_rate)),
    Column("event ms", "p50", lambda r: _milli(r.event_p50)),
    Column("", "p99", lambda r: _milli(r.event_p99)),
    Column("call ms", "p50", lambda r: _milli(r.call_p50)),
    Column("", "p99", lambda r: _milli(r.call_p99)),
    Column("CPU us", "publish", lambda r: _micro(r.cpu_publish)),
    Column("", "event", lambda r: _micro(r.cpu_event)),
    Column("", "call", lambda r: _micro(r.cpu_call)),
    Column("", "invocation", lambda r: _micro(r.cpu_invocation)),
    Column("messages", "sent", lambda r: _rate(r.sent)),
    Column("", "received", lambda r: _rate(r.received)),
    Column("", "lost", lambda r: _rate(r.lost)),
)
LEFT = 3
"""The first columns are words and go left, the others are figures and go right."""


def layout(rows: Sequence[Sequence[str]], left: int, rule_after: int) -> str:
    """Align the cells of ``rows``: the first ``left`` columns to the left, the others to the right.

    A line of dashes comes after the first ``rule_after`` rows.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(rule_after, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def render(results: Sequence[Result]) -> str:
    """The table, a row for each result, without a newline at its end."""
    head = [[column.upper for column in COLUMNS], [column.lower for column in COLUMNS]]
    body = [[column.show(result) for column in COLUMNS] for result in results]
    return layout(head + body, LEFT, 2)


def summary(results: Sequence[Result]) -> str:
    """One sentence: what was sent, received and lost in all."""
    sent, received = sum(r.sent for r in results), sum(r.received for r in results)
    lost, disordered = sum(r.lost for r in results), sum(r.disordered for r in results)
    text = f"{sent:,} messages sent, {received:,} received, {lost:,} lost"
    return text + (f", {disordered:,} out of order" if disordered else "")
