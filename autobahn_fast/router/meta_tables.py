# SPDX-License-Identifier: MIT
"""The meta APIs of registrations and subscriptions, which are alike, and event history.

Knows the tables of dealer and broker. Does not change them but by the router's right to revoke.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.history import FILTERS
from autobahn_fast.router.meta import NOTHING, check
from autobahn_fast.router.options import Refused
from autobahn_fast.router.patterns import MATCH_POLICIES

if TYPE_CHECKING:
    from autobahn_fast.router.broker import Broker
    from autobahn_fast.router.dealer import Dealer
    from autobahn_fast.router.session import RouterSession

__all__ = ("RegistrationMeta", "SubscriptionMeta")


class _TableMeta:
    """What both have in common; ``noun`` is "registration" or "subscription", ``role`` "callee" or "subscriber"."""

    noun = role = ""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def _sessions(self, entry: Any) -> list[RouterSession]:
        raise RuntimeError("a base class")

    def match(self, caller: RouterSession, uri: Any) -> Any:
        """What ``uri`` matches."""
        raise RuntimeError("a base class")

    def _table(self) -> Any:
        raise RuntimeError("a base class")

    def procedures(self) -> dict[str, Callable[..., Any]]:
        """See :class:`~autobahn_fast.router.meta.Procedures`."""
        noun, role = self.noun, self.role
        return {
            f"wamp.{noun}.list": self.list,
            f"wamp.{noun}.lookup": self.lookup,
            f"wamp.{noun}.match": self.match,
            f"wamp.{noun}.get": self.get,
            f"wamp.{noun}.list_{role}s": self.list_sessions,
            f"wamp.{noun}.count_{role}s": self.count_sessions,
            f"wamp.{noun}.remove_{role}": self.remove_session,
        }

    def list(self, caller: RouterSession) -> dict[str, list[int]]:
        """All ids by match policy."""
        found: dict[str, list[int]] = {match: [] for match in MATCH_POLICIES}
        for entry in self._owner.by_id.values():
            found[entry.match].append(entry.id)
        return found

    def lookup(self, caller: RouterSession, uri: Any, options: Any = None) -> int | None:
        """The id of the one with this URI and policy, or None."""
        match = "exact" if options is None else check(options, dict, "options").get("match", "exact")
        if match not in MATCH_POLICIES:
            raise Refused("wamp.error.invalid_argument", f"match must be one of {', '.join(MATCH_POLICIES)}")
        entry = self._table().get(match, check(uri, str, "uri"))
        return None if entry is None else int(entry.id)

    def _find(self, id: Any) -> Any:
        entry = self._owner.by_id.get(check(id, int, f"{self.noun}_id"))
        if entry is None:
            raise Refused(f"wamp.error.no_such_{self.noun}", f"there is no {self.noun} {id}")
        return entry

    def get(self, caller: RouterSession, id: Any) -> dict[str, Any]:
        """What is told about one."""
        return dict(self._find(id).details())

    def list_sessions(self, caller: RouterSession, id: Any) -> Any:
        """The ids of its sessions."""
        return [session.id for session in self._sessions(self._find(id))]

    def count_sessions(self, caller: RouterSession, id: Any) -> int:
        """How many sessions it has."""
        return len(self._sessions(self._find(id)))

    def remove_session(self, caller: RouterSession, id: Any, session_id: Any, reason: Any = None) -> object:
        """Take it from one of its sessions (as in Crossbar.io; not in the specification)."""
        entry = self._find(id)
        check(session_id, int, f"{self.role}_id")
        if reason is not None:
            check(reason, str, "reason")
        for session in self._sessions(entry):
            if session.id == session_id:
                self._owner.revoke(entry, session, reason)
                return NOTHING
        raise Refused("wamp.error.no_such_session", f"session {session_id} is no {self.role} of {self.noun} {id}")


class RegistrationMeta(_TableMeta):
    """``wamp.registration.*`` of one realm."""

    noun, role = "registration", "callee"

    def __init__(self, dealer: Dealer) -> None:
        super().__init__(dealer)

    def _table(self) -> Any:
        return self._owner.registrations

    def _sessions(self, entry: Any) -> list[RouterSession]:
        return list(entry.callees)

    def match(self, caller: RouterSession, uri: Any) -> int | None:
        """The id of the registration that a call of ``uri`` goes to, or None."""
        entry = self._table().best(check(uri, str, "procedure"))
        return None if entry is None else int(entry.id)


class SubscriptionMeta(_TableMeta):
    """``wamp.subscription.*`` of one realm."""

    noun, role = "subscription", "subscriber"

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)

    def procedures(self) -> dict[str, Callable[..., Any]]:
        """See :class:`~autobahn_fast.router.meta.Procedures`."""
        return {**super().procedures(), "wamp.subscription.get_events": self.get_events}

    def _table(self) -> Any:
        return self._owner.subscriptions

    def _sessions(self, entry: Any) -> list[RouterSession]:
        return list(entry.sessions)

    def match(self, caller: RouterSession, uri: Any) -> Any:
        """The ids of the subscriptions that events of ``uri`` go to, or None."""
        return [entry.id for entry in self._table().matching(check(uri, str, "topic"))] or None

    def get_events(self, caller: RouterSession, id: Any, *positional: Any, **filters: Any) -> Any:
        """Events of a subscription's history. A second positional argument is a limit, the newest first (Crossbar.io's way)."""
        entry = self._find(id)
        unknown = [name for name in filters if name not in FILTERS]
        if unknown or len(positional) > 1 or (positional and "limit" in filters):
            raise Refused("wamp.error.invalid_argument", f"the filters are {', '.join(FILTERS)}, each given once")
        if caller.gate is not None and not caller.gate.allows("subscribe", entry.uri, entry.match):
            raise Refused("wamp.error.not_authorized", "who may not subscribe may not see the history")
        if entry.history is None:
            raise Refused("wamp.error.history_unavailable", f"subscription {id} has no history")
        if positional:
            filters = {"limit": positional[0], "reverse": True, **filters}
        return [event.shown(entry.id) for event in entry.history.find(caller, **filters)]
