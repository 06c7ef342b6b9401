# SPDX-License-Identifier: MIT
"""Registrations: who offers a procedure, on which terms, and whose turn it is.

Knows the invocation policies. Does not know calls: it counts those that run for a callee when told.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.options import shard

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("INVOKE_POLICIES", "Registration", "Terms")

INVOKE_POLICIES = ("single", "first", "last", "roundrobin", "random")

_choice = random.Random().choice


class Terms:
    """What a callee asked for when it registered, besides the policy.

    :param concurrency: how many calls it takes at once; 0: any number.
    :param disclose_caller: it wants to know who calls.
    :param forward_timeout: it sees to timeouts itself.
    """

    __slots__ = ("concurrency", "disclose_caller", "forward_timeout", "running")

    def __init__(self, concurrency: int = 0, disclose_caller: bool = False, forward_timeout: bool = False) -> None:
        self.concurrency = concurrency
        self.disclose_caller = disclose_caller
        self.forward_timeout = forward_timeout
        self.running = 0

    def __bool__(self) -> bool:
        return bool(self.concurrency or self.disclose_caller or self.forward_timeout)


class Registration:
    """One procedure or pattern with its callees, in the order they registered.

    ``terms`` has those callees that asked for something special. ``only`` is the callee when there is one and it did not.
    """

    __slots__ = ("_next", "callees", "created", "id", "invoke", "match", "only", "terms", "uri")

    def __init__(self, id: int, uri: str, match: str, invoke: str, created: str = "") -> None:
        self.id = id
        self.uri = uri
        self.match = match
        self.invoke = invoke
        self.created = created
        self.callees: list[RouterSession] = []
        self.only: RouterSession | None = None
        self.terms: dict[RouterSession, Terms] = {}
        self._next = 0

    def details(self) -> dict[str, Any]:
        """What the meta API tells about it."""
        return {"id": self.id, "created": self.created, "uri": self.uri, "match": self.match, "invoke": self.invoke}

    def pick(self) -> RouterSession:
        """The callee for the next call, by the invocation policy."""
        callees = self.callees
        if self.invoke == "roundrobin":
            callee = callees[self._next % len(callees)]
            self._next = (self._next + 1) % len(callees)
            return callee
        if self.invoke == "random":
            return _choice(callees)
        return callees[-1] if self.invoke == "last" else callees[0]

    def pick_among(self, tried: Collection[RouterSession], rkey: str | None) -> RouterSession | None:
        """The same, but none out of ``tried`` and none that has as many calls as it takes; None when nobody is left.

        :param rkey: the key of a partitioned call; None: by the policy.
        """
        callees = self.callees
        if rkey is not None or self.invoke == "random":
            if rkey is None:
                callee = _choice(callees)
                if self._is_free(callee, tried):  # as most are: then the others need not be looked at
                    return callee
            free = [callee for callee in callees if self._is_free(callee, tried)]
            if not free:
                return None
            return _choice(free) if rkey is None else shard(rkey, ((str(callee.id), callee) for callee in free))
        order: Iterable[int] = range(len(callees))
        if self.invoke == "last":
            order = reversed(range(len(callees)))
        elif self.invoke == "roundrobin":
            order = chain(range(self._next, len(callees)), range(self._next))
        for position in order:
            if self._is_free(callees[position], tried):
                if self.invoke == "roundrobin":
                    self._next = (position + 1) % len(callees)
                return callees[position]
        return None

    def _is_free(self, callee: RouterSession, tried: Collection[RouterSession]) -> bool:
        return callee not in tried and not self.is_full(callee)

    def is_full(self, callee: RouterSession) -> bool:
        """Whether ``callee`` has as many calls under way as it takes."""
        terms = self.terms.get(callee)
        return terms is not None and 0 < terms.concurrency <= terms.running

    def add(self, session: RouterSession, terms: Terms) -> None:
        """Make ``session`` a callee."""
        self.callees.append(session)
        if terms:
            self.terms[session] = terms
        self._changed()

    def _changed(self) -> None:
        self.only = self.callees[0] if len(self.callees) == 1 and not self.terms else None

    def discard(self, session: RouterSession) -> None:
        """``session`` is no callee any more. The turn of the others in a round robin stays as it was."""
        position = self.callees.index(session)
        del self.callees[position]
        self.terms.pop(session, None)
        self._changed()
        if position < self._next:
            self._next -= 1
