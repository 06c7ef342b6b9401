# SPDX-License-Identifier: MIT
"""Flow control between clients: who sends too fast for whom, who has to wait, and who is dropped.

Knows limits and who waits for whom. Does not know messages; pausing, timers and the octets that wait are the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("SLOW", "Flow", "Means")

log = logging.getLogger("autobahn_fast.router")

SLOW = 2**20
"""Octets that wait for a client before those that send to it have to wait, too."""


class Means(Protocol):
    """What flow control needs of the router."""

    max_lag: int
    max_stall: float
    sender: RouterSession | None

    def unsent(self, session: RouterSession) -> int:
        """Octets that wait for the client."""

    def pause_reading(self, session: RouterSession, pause: bool) -> None:
        """Take nothing more from the client, or go on."""

    def call_later(self, seconds: float, f: Callable[[], None]) -> Any:
        """Call ``f`` later; returns an object with ``cancel()``."""

    def drop(self, session: RouterSession) -> None:
        """Cut the connection."""


class Flow:
    """The flow control of one client, as receiver and as sender.

    When more than ``SLOW`` octets wait for it, nothing more is read from the clients that send to it until its transport has
    room again, but not for longer than ``max_stall`` seconds: one that is still not reading then is a laggard and holds
    nobody up; it is dropped when more than ``max_lag`` octets wait for it.
    """

    __slots__ = ("_held", "_holders", "_laggard", "_means", "_session", "_timer")

    def __init__(self, session: RouterSession, means: Means) -> None:
        self._session = session
        self._means = means
        self._held: set[Flow] = set()  # those that wait for this client
        self._holders: set[Flow] = set()  # those that this client waits for
        self._laggard = False
        self._timer: Any = None

    @property
    def alert(self) -> int:
        """Octets sent since the transport asked for a pause from which on :meth:`lagging` is to be called."""
        return min(SLOW, self._means.max_lag or SLOW)

    def lagging(self) -> bool:
        """A message was sent to this client though much waits for it already. False: it has been dropped."""
        means, session = self._means, self._session
        waiting = means.unsent(session)
        session.wire.set_lag(waiting)
        if 0 < means.max_lag < waiting:
            log.warning("%r does not read: dropped with %d octets waiting (limit %d)", session, waiting, means.max_lag)
            means.drop(session)
            return False
        if waiting > SLOW and not self._laggard and means.max_stall > 0 and means.sender is not None:
            self._hold(means.sender.flow)
        return True

    def _hold(self, sender: Flow) -> None:
        if sender in self._held:
            return
        if not sender._holders:
            self._means.pause_reading(sender._session, True)
        sender._holders.add(self)
        self._held.add(sender)
        if self._timer is None:
            self._timer = self._means.call_later(self._means.max_stall, self._stalled)

    def _stalled(self) -> None:
        log.info("%r has not read for %s s: others do not wait for it", self._session, self._means.max_stall)
        self._laggard = True
        self._release()

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._held:
            sender = self._held.pop()
            sender._holders.discard(self)
            if not sender._holders:
                self._means.pause_reading(sender._session, False)

    def wait(self, wait: bool) -> None:
        """Nothing more is read from this client for a reason of its own, or that reason is gone."""
        if wait:
            if not self._holders:
                self._means.pause_reading(self._session, True)
            self._holders.add(self)
        elif self in self._holders:
            self._holders.discard(self)
            if not self._holders:
                self._means.pause_reading(self._session, False)

    def writable(self) -> None:
        """The client's transport has room again."""
        self._laggard = False
        self._release()

    def close(self) -> None:
        """The client is gone."""
        self._release()
        while self._holders:
            self._holders.pop()._held.discard(self)
