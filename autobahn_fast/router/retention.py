# SPDX-License-Identifier: MIT
"""Retained events: the last event of a topic, kept for those who subscribe later and ask for it.

Knows which events a topic has and who may see which. Does not know how they are sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("Retained", "Retention")

log = logging.getLogger("autobahn_fast.router")

MAX_TOPICS = 10_000
MAX_RESTRICTED = 8  # events of a topic that only some may see, besides the one that all may see


class Retained(NamedTuple):
    """One retained event. ``allowed`` is None when everybody may see it, but for the publisher ``exclude``."""

    publication: int
    details: dict[str, Any] | None
    payload: Any
    exclude: int | None
    allowed: Callable[[RouterSession], bool] | None

    def is_for(self, session: RouterSession) -> bool:
        """Whether ``session`` would have received it."""
        return session.id != self.exclude and (self.allowed is None or self.allowed(session))


class Retention:
    """The retained events of one realm, newest first for each topic.

    :param max_topics: how many topics may have some; events of further topics are delivered, but not retained.
    """

    def __init__(self, max_topics: int = MAX_TOPICS) -> None:
        self._max_topics = max_topics
        self._topics: dict[str, list[Retained]] = {}

    def keep(self, topic: str, event: Retained) -> None:
        """Retain ``event``. One that everybody may see takes the place of all before it."""
        events = self._topics.get(topic)
        if events is None:
            if len(self._topics) >= self._max_topics:
                log.warning("an event is not retained: there are retained events of %d topics", self._max_topics)
                return
            events = self._topics[topic] = []
        if event.allowed is None:
            # All but the publisher may see this one; the publisher may see the newest before it that is of another.
            visible = [old for old in events if event.exclude is not None and old.exclude != event.exclude]
            events[:] = visible[:1]
        events.insert(0, event)
        del events[MAX_RESTRICTED + 1 :]

    def find(self, session: RouterSession, matches: Callable[[str], bool]) -> Iterable[tuple[str, Retained]]:
        """The newest event that ``session`` may see of each topic that matches, with its topic."""
        for topic, events in self._topics.items():
            if matches(topic):
                for event in events:
                    if event.is_for(session):
                        yield topic, event
                        break

    def find_exact(self, session: RouterSession, topic: str) -> Iterable[tuple[str, Retained]]:
        """The same for one topic."""
        for event in self._topics.get(topic, ()):
            if event.is_for(session):
                return ((topic, event),)
        return ()
