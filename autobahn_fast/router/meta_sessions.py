# SPDX-License-Identifier: MIT
"""The session meta API: who is there, and sending them away.

Knows sessions by what they tell about themselves. Does not know how they joined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.meta import NOTHING, check
from autobahn_fast.router.options import Refused
from autobahn_fast.router.patterns import is_valid_uri

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("SessionMeta",)

KILLED = "wamp.close.killed"


class SessionMeta:
    """``wamp.session.*`` of one realm.

    :param sessions: those that have joined, by their id.
    """

    def __init__(self, sessions: Mapping[int, RouterSession]) -> None:
        self._sessions = sessions

    def procedures(self) -> dict[str, Callable[..., Any]]:
        """See :class:`~autobahn_fast.router.meta.Procedures`."""
        return {
            "wamp.session.count": self.count,
            "wamp.session.list": self.list,
            "wamp.session.get": self.get,
            "wamp.session.kill": self.kill,
            "wamp.session.kill_by_authid": self.kill_by_authid,
            "wamp.session.kill_by_authrole": self.kill_by_authrole,
            "wamp.session.kill_all": self.kill_all,
        }

    def count(self, caller: RouterSession, filter_authroles: Any = None) -> int:
        """How many sessions there are, with one of these roles if any are given."""
        return len(self.list(caller, filter_authroles))

    def list(self, caller: RouterSession, filter_authroles: Any = None) -> list[int]:
        """Their ids."""
        if filter_authroles is None:
            return [*self._sessions]
        roles = check(filter_authroles, list, "filter_authroles")
        return [id for id, session in self._sessions.items() if session.authrole in roles]

    def get(self, caller: RouterSession, session: Any) -> dict[str, Any]:
        """What is told about one session."""
        return self._find(session).details()

    def _find(self, id: Any) -> RouterSession:
        found = self._sessions.get(check(id, int, "session"))
        if found is None:
            raise Refused("wamp.error.no_such_session", f"there is no session {id}")
        return found

    def kill(self, caller: RouterSession, session: Any, reason: Any = None, message: Any = None) -> object:
        """Send one session away, not the caller's own."""
        found = self._find(session)
        if found is caller:
            raise Refused("wamp.error.no_such_session", f"session {session} is the caller's own: leave instead")
        self._kill([found], reason, message)
        return NOTHING

    def kill_by_authid(self, caller: RouterSession, authid: Any, reason: Any = None, message: Any = None) -> Any:
        """Send all others with this authid away; returns their ids."""
        check(authid, str, "authid")
        return self._kill([s for s in self._others(caller) if s.authid == authid], reason, message)

    def kill_by_authrole(self, caller: RouterSession, authrole: Any, reason: Any = None, message: Any = None) -> int:
        """Send all others with this role away; returns how many."""
        check(authrole, str, "authrole")
        return len(self._kill([s for s in self._others(caller) if s.authrole == authrole], reason, message))

    def kill_all(self, caller: RouterSession, reason: Any = None, message: Any = None) -> int:
        """Send all others away; returns how many."""
        return len(self._kill(self._others(caller), reason, message))

    def _others(self, caller: RouterSession) -> Any:
        return [session for session in self._sessions.values() if session is not caller]

    def _kill(self, sessions: Any, reason: Any, message: Any) -> Any:
        if reason is None:
            reason = KILLED
        if type(reason) is not str or not is_valid_uri(reason):
            raise Refused("wamp.error.invalid_uri", "the reason must be a URI")
        if message is not None:
            check(message, str, "message")
        for session in sessions:
            session.goodbye(reason, message)
        return [session.id for session in sessions]
