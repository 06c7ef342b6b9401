# SPDX-License-Identifier: MIT
"""A realm: its broker, its dealer, and who has joined.

Knows which sessions there are and gives out the ids of the router's scope. Does not know how a session got here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.broker import Broker
from autobahn_fast.router.dealer import Dealer

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("Realm",)

MAX_ID = 2**53

_secure = random.SystemRandom()


class Realm:
    """One routing domain.

    :param name: its URI.
    :param deliver: how events reach their receivers, see :class:`~autobahn_fast.router.broker.Broker`.
    """

    def __init__(self, name: str, deliver: Callable[..., Any]) -> None:
        self.name = name
        self.broker = Broker(deliver, self._new_id)
        self.dealer = Dealer(self._new_id)
        self.sessions: dict[int, RouterSession] = {}
        self._last_id = 0

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def join(self, session: RouterSession) -> int:
        """Take ``session`` in and give it its session id (random, so that it cannot be guessed)."""
        id = _secure.randint(1, MAX_ID)
        while id in self.sessions:
            id = _secure.randint(1, MAX_ID)
        self.sessions[id] = session
        return id

    def leave(self, session: RouterSession) -> None:
        """``session`` is gone: nothing of it stays."""
        if self.sessions.pop(session.id, None) is None:
            return
        self.broker.remove(session)
        self.dealer.remove(session)
