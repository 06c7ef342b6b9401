# SPDX-License-Identifier: MIT
"""Who may do what: roles with permissions per URI or an authorizer, and the gate that a session's requests pass.

Knows decisions, and how requests wait for one that takes time without being overtaken. Does not know what the requests do.
"""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from autobahn_fast.router.options import CACHED, CACHED_LENGTH, identity
from autobahn_fast.router.patterns import PatternTable

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("ACTIONS", "EVERYTHING", "Decision", "Gate", "Permission", "Role")

log = logging.getLogger("autobahn_fast.router")

ACTIONS = ("publish", "subscribe", "call", "register")
NOT_AUTHORIZED = "wamp.error.not_authorized"
AUTHORIZATION_FAILED = "wamp.error.authorization_failed"


class Decision(NamedTuple):
    """What is decided about one request. ``failed``: nothing could be decided, and so it is not allowed."""

    allow: bool
    disclose: bool = False
    trustlevel: int | None = None
    failed: bool = False


DENIED = Decision(False)
FAILED = Decision(False, failed=True)


class Permission(NamedTuple):
    """What a role may do with the URIs that match one pattern.

    ``allow`` and ``disclose`` hold names of actions; to disclose is for those that publish and call.
    """

    uri: str
    match: str
    allow: frozenset[str]
    disclose: frozenset[str] = frozenset()
    trustlevel: int | None = None

    def covers(self, uri: str, match: str) -> bool:
        """Whether all that the pattern ``uri`` matches is matched by this, too."""
        if self.match == "prefix":
            return _literal(uri, match).startswith(self.uri)
        if self.match == "wildcard" and match == "wildcard":
            own, other = self.uri.split("."), uri.split(".")
            return len(own) == len(other) and all(a in ("", b) for a, b in zip(own, other, strict=True))
        return False

    def overlaps(self, uri: str, match: str) -> bool:
        """Whether something may be matched by both; True when in doubt."""
        if self.match == "exact":
            table: PatternTable[bool] = PatternTable()
            table.add(match, uri, True)
            return table.best(self.uri) is not None
        own, other = _literal(self.uri, self.match), _literal(uri, match)
        return own.startswith(other) or other.startswith(own)


def _literal(uri: str, match: str) -> str:
    """What everything that a pattern matches begins with."""
    if match != "wildcard":
        return uri
    components = uri.split(".")
    if "" not in components:
        return uri
    return "".join(f"{component}." for component in components[: components.index("")])


class Role:
    """A role of a realm.

    :param name: its name.
    :param permissions: what it may do; anything else it may not.
    :param authorizer: ``authorizer(session_details, uri, action, options)`` decides instead: a bool, or a dict with ``allow``
        and maybe ``disclose``, ``trustlevel``, or an awaitable of these.
    :param trustlevel: of its calls and publications; None: not told.
    """

    def __init__(
        self,
        name: str,
        permissions: Iterable[Permission] = (),
        authorizer: Callable[..., Any] | None = None,
        trustlevel: int | None = None,
    ) -> None:
        self.name = name
        self.authorizer = authorizer
        self.trustlevel = trustlevel
        self._permissions = tuple(permissions)
        self._table: PatternTable[Permission] = PatternTable()
        for permission in self._permissions:
            self._table.add(permission.match, permission.uri, permission)
        self._known: dict[str, Permission | None] = {}

    def decide(self, session: RouterSession, action: str, uri: str, match: str, options: dict[str, Any] | None) -> Any:
        """The :class:`Decision` about a request, or an awaitable of what ``authorizer`` says."""
        if self.authorizer is not None:
            try:
                answer = self.authorizer(session.details(), uri, action, options or {})
            except Exception as exc:  # noqa: BLE001 - whatever user code raises
                return self.failed(exc)
            return answer if inspect.isawaitable(answer) else self.understood(answer)
        permission = self._exact(uri) if match == "exact" else self._pattern(action, uri, match)
        if permission is None or action not in permission.allow:
            return DENIED
        trustlevel = self.trustlevel if permission.trustlevel is None else permission.trustlevel
        return Decision(True, action in permission.disclose, trustlevel)

    def _exact(self, uri: str) -> Permission | None:
        try:
            return self._known[uri]
        except KeyError:
            permission = self._table.best(uri)
            if len(uri) <= CACHED_LENGTH:
                if len(self._known) >= CACHED:
                    self._known.clear()
                self._known[uri] = permission
            return permission

    def _pattern(self, action: str, uri: str, match: str) -> Permission | None:
        # A pattern needs a permission for all of it, and none that denies a part of it.
        covering = [p for p in self._permissions if p.covers(uri, match)]
        if not covering:
            return None
        for p in self._permissions:
            if action not in p.allow and p not in covering and p.overlaps(uri, match):
                return None
        return max(covering, key=lambda p: (p.match == "prefix", len(p.uri.replace(".", ""))))

    def understood(self, answer: Any) -> Decision:
        """What an authorizer's answer means."""
        if isinstance(answer, dict):
            level = answer.get("trustlevel", self.trustlevel)
            if isinstance(answer.get("allow"), bool) and (level is None or (type(level) is int and level >= 0)):
                return Decision(answer["allow"], answer.get("disclose") is True, level)
        elif isinstance(answer, bool):
            return Decision(answer, False, self.trustlevel)
        log.error(
            "the authorizer of role %r must return a bool or a dict with 'allow', not %r", self.name, type(answer)
        )
        return FAILED

    def failed(self, exc: BaseException) -> Decision:
        """The authorizer raised."""
        log.error("the authorizer of role %r raised", self.name, exc_info=exc)
        return FAILED


class _Everything(Role):
    """The role that may do everything."""

    def decide(self, session: RouterSession, action: str, uri: str, match: str, options: dict[str, Any] | None) -> Any:
        return Decision(True)


EVERYTHING = _Everything("everything")

_NAMES = {"publish": "publisher", "call": "caller"}


class Gate:
    """What the requests of one session pass before they are done.

    :param session: whose they are.
    :param role: what it may do.
    :param disclose: the actions that always disclose who does them.
    """

    def __init__(self, session: RouterSession, role: Role, disclose: frozenset[str] = frozenset()) -> None:
        self._session = session
        self._role = role
        self._disclose = disclose
        self._waiting: deque[Callable[[], None]] = deque()
        self.busy = False
        """Whether a decision is awaited; other requests then have to wait behind it."""

    def allows(self, action: str, uri: str, match: str) -> bool:
        """Whether a request would be allowed; False when that cannot be decided at once."""
        decision = self._role.decide(self._session, action, uri, match, None)
        if not isinstance(decision, Decision):
            _close(decision)
            return False
        return decision.allow

    def admit(
        self,
        action: str,
        uri: str,
        match: str,
        options: dict[str, Any] | None,
        then: Callable[[dict[str, Any] | None], None],
        refuse: Callable[[str, str], None],
    ) -> None:
        """Decide about a request, now or after those that wait.

        :param then: called with the details that receivers are to be told, when it is allowed.
        :param refuse: called with URI and text of an ERROR, when it is not.
        """
        if self.busy:
            self._waiting.append(lambda: self.admit(action, uri, match, options, then, refuse))
            return
        decision = self._role.decide(self._session, action, uri, match, options)
        if isinstance(decision, Decision):
            self._finish(decision, action, uri, then, refuse)
            return
        self._wait(True)

        def decided(answer: Any, exc: BaseException | None) -> None:
            if self._session.gate is not self:
                return
            decision = self._role.understood(answer) if exc is None else self._role.failed(exc)
            self._again(lambda: self._finish(decision, action, uri, then, refuse))

        self._session.router.run(decision, decided)

    def defer(self, f: Callable[[], None]) -> None:
        """Call ``f`` after the requests that wait."""
        self._waiting.append(f)

    def _wait(self, busy: bool) -> None:
        self.busy = busy
        self._session.flow.wait(busy)

    def _again(self, f: Callable[[], None]) -> None:
        self._wait(False)
        session = self._session
        while True:
            session.router.sender = session
            try:
                f()
            except Exception as exc:  # noqa: BLE001 - as if it had come off the wire just now
                session._on_failure(exc)
            if self.busy or session.gate is not self or not self._waiting:
                return
            f = self._waiting.popleft()

    def _finish(
        self,
        decision: Decision,
        action: str,
        uri: str,
        then: Callable[[dict[str, Any] | None], None],
        refuse: Callable[[str, str], None],
    ) -> None:
        if not decision.allow:
            if decision.failed:
                refuse(AUTHORIZATION_FAILED, f"it could not be decided whether this session may {action} {uri[:200]!r}")
            else:
                refuse(NOT_AUTHORIZED, f"this session may not {action} {uri[:200]!r}")
            return
        extra: dict[str, Any] = {}
        name = _NAMES.get(action)
        if name is not None:
            if decision.disclose or action in self._disclose:
                extra = identity(self._session, name)
            if decision.trustlevel is not None:
                extra["trustlevel"] = decision.trustlevel
        then(extra or None)


def _close(awaitable: Any) -> None:
    for name in ("close", "cancel"):
        end = getattr(awaitable, name, None)
        if end is not None:
            end()
            return
