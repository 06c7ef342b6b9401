# SPDX-License-Identifier: MIT
"""Event history: what was published to a subscription, kept for those who ask later.

Knows the filters of ``wamp.subscription.get_events``. Does not know how the procedure is called.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from autobahn_fast.router.options import Refused

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("FILTERS", "Event", "History")

INVALID_ARGUMENT = "wamp.error.invalid_argument"
# Parts of a message that was published with one of these are never kept: session ids mean nothing later.
BY_SESSION = ("exclude", "eligible")

_TIMES: dict[str, Callable[[datetime, datetime], bool]] = {
    "from_time": lambda event, bound: event >= bound,
    "after_time": lambda event, bound: event > bound,
    "before_time": lambda event, bound: event < bound,
    "until_time": lambda event, bound: event <= bound,
}
# name -> (the events begin behind or at it; it is one of them)
_PUBLICATIONS = {
    "from_publication": (True, True),
    "after_publication": (True, False),
    "before_publication": (False, False),
    "until_publication": (False, True),
}
FILTERS = ("reverse", "limit", *_TIMES, *_PUBLICATIONS, "topic")
"""Keyword arguments of ``wamp.subscription.get_events``."""


class Event(NamedTuple):
    """One event of a history. ``allowed`` is None when everybody may see it."""

    time: datetime
    publication: int
    topic: str
    details: dict[str, Any] | None
    payload: Any
    allowed: Callable[[RouterSession], bool] | None

    def shown(self, subscription: int) -> dict[str, Any]:
        """As the procedure returns it."""
        values = self.payload.values()
        stamp = self.time.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {
            "timestamp": stamp,
            "subscription": subscription,
            "publication": self.publication,
            "topic": self.topic,
            "details": self.details or {},
            "args": values[0] if values else [],
            "kwargs": values[1] if len(values) > 1 else {},
        }


class History:
    """The last events of one subscription.

    :param limit: how many.
    """

    def __init__(self, limit: int) -> None:
        self._events: deque[Event] = deque(maxlen=limit)

    def keep(self, event: Event) -> None:
        """Add an event; the oldest goes when there are too many."""
        self._events.append(event)

    def find(self, session: RouterSession, **filters: Any) -> list[Event]:
        """The events that ``session`` may see, oldest first unless ``reverse``.

        :param filters: some of ``FILTERS``, None for absent.
        :raises Refused: a filter has a value of the wrong type.
        """
        filters = {name: value for name, value in filters.items() if value is not None}
        events = [event for event in self._events if event.allowed is None or event.allowed(session)]
        for name, (begins, included) in _PUBLICATIONS.items():
            if name in filters:
                events = _cut(events, _number(filters, name), begins, included)
        for name, holds in _TIMES.items():
            if name in filters:
                bound = _time(filters, name)
                events = [event for event in events if holds(event.time, bound)]
        if "topic" in filters:
            events = [event for event in events if event.topic == filters["topic"]]
        if filters.get("reverse", False) is True:
            events.reverse()
        return events[: _number(filters, "limit")] if "limit" in filters else events


def _cut(events: list[Event], publication: int, begins: bool, included: bool) -> list[Event]:
    # What is not in the history any more, or never was, bounds nothing.
    for position, event in enumerate(events):
        if event.publication == publication:
            return events[position + (not included) :] if begins else events[: position + included]
    return events


def _number(filters: dict[str, Any], name: str) -> int:
    value = filters[name]
    if type(value) is not int or value < 1:
        raise Refused(INVALID_ARGUMENT, f"{name} must be a positive integer")
    return value


def _time(filters: dict[str, Any], name: str) -> datetime:
    try:
        time = datetime.fromisoformat(filters[name])
    except (TypeError, ValueError):
        raise Refused(INVALID_ARGUMENT, f"{name} must be a time in RFC 3339 form") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
