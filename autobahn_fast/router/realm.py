# SPDX-License-Identifier: MIT
"""A realm: its broker, its dealer, its own procedures, and who has joined.

Knows which sessions there are and gives out the ids of the router's scope. Does not know how a session got here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.relay import Payload
from autobahn_fast.router.authorization import EVERYTHING, Gate, Role
from autobahn_fast.router.broker import Broker
from autobahn_fast.router.config import RealmConfig
from autobahn_fast.router.dealer import Dealer
from autobahn_fast.router.meta import Meta
from autobahn_fast.router.meta_sessions import SessionMeta
from autobahn_fast.router.meta_tables import RegistrationMeta, SubscriptionMeta
from autobahn_fast.router.testament import Testaments

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("Realm",)

MAX_ID = 2**53

_secure = random.SystemRandom()
_codec = MsgPackCodec()  # of payloads the router makes itself; they are translated where needed


class Realm:
    """One routing domain.

    :param config: its name and settings.
    :param deliver: how events reach their receivers, see :class:`~autobahn_fast.router.broker.Broker`.
    :param call_later: ``call_later(seconds, f)`` returns an object with ``cancel()``.
    """

    def __init__(
        self, config: RealmConfig, deliver: Callable[..., Any], call_later: Callable[[float, Callable[[], None]], Any]
    ) -> None:
        self.name = config.name
        self.authentication = config.authentication
        self._roles = config.roles
        self._disclose = frozenset(action for action, when in config.disclose.items() if when == "always")
        self._last_id = 0
        self.sessions: dict[int, RouterSession] = {}
        self.broker = Broker(deliver, self._new_id, self._tell, config.disclose["publish"] != "never", config.history)
        self._testaments = Testaments(self.broker, _codec)
        meta = Meta(SessionMeta(self.sessions), SubscriptionMeta(self.broker), self._testaments)
        self.dealer = Dealer(self._new_id, call_later, self._tell, meta.call, config.disclose["call"] != "never")
        meta.add(RegistrationMeta(self.dealer))

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _tell(self, topic: str, *args: Any) -> None:
        self.broker.announce(topic, lambda: Payload(_codec, [list(args)]))

    def role(self, name: str) -> Role | None:
        """What sessions of a role may do; None when there is no such role."""
        return EVERYTHING if self._roles is None else self._roles.get(name)

    def new_id(self) -> int:
        """A session id: random, so that it cannot be guessed."""
        id = _secure.randint(1, MAX_ID)
        while id in self.sessions:
            id = _secure.randint(1, MAX_ID)
        return id

    def join(self, session: RouterSession) -> None:
        """Take ``session`` in, which has its id, authid and authrole."""
        self.sessions[session.id] = session
        self._tell("wamp.session.on_join", session.details())

    def gate(self, session: RouterSession, role: Role) -> Gate | None:
        """What the requests of ``session`` have to pass; None: nothing."""
        if role is EVERYTHING and not self._disclose:
            return None
        return Gate(session, role, self._disclose)

    def leave(self, session: RouterSession) -> None:
        """``session`` is gone: nothing of it stays, but what it left as testament is published."""
        if self.sessions.pop(session.id, None) is None:
            return
        self.broker.remove(session)
        self.dealer.remove(session)
        self._testaments.publish(session)
        self._tell("wamp.session.on_leave", session.id, session.authid, session.authrole)
