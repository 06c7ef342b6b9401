# SPDX-License-Identifier: MIT
"""Testaments: events that the router publishes for a session that is gone.

Knows scopes and order. Does not know when a session ends: its realm does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast._core.codec import EncodeError
from autobahn_fast._core.relay import Payload
from autobahn_fast.router.broker import Broker, check_topic
from autobahn_fast.router.meta import NOTHING, check
from autobahn_fast.router.options import InvalidOption, InvalidUri, Refused

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("Testaments",)

log = logging.getLogger("autobahn_fast.router")

SCOPES = ("detached", "destroyed")
MAX_TESTAMENTS = 1000  # of one session


class Testaments:
    """``wamp.session.add_testament`` and ``flush_testaments`` of one realm.

    Sessions cannot be resumed here: both scopes end with the session, ``detached`` first.

    :param broker: who publishes them.
    :param codec: any codec, for the payloads.
    """

    def __init__(self, broker: Broker, codec: Any) -> None:
        self._broker = broker
        self._codec = codec
        self._left: dict[RouterSession, dict[str, list[tuple[str, dict[str, Any] | None, Any]]]] = {}

    def procedures(self) -> dict[str, Callable[..., Any]]:
        """See :class:`~autobahn_fast.router.meta.Procedures`."""
        return {"wamp.session.add_testament": self.add, "wamp.session.flush_testaments": self.flush}

    def add(
        self,
        caller: RouterSession,
        topic: Any,
        args: Any = None,
        kwargs: Any = None,
        publish_options: Any = None,
        scope: Any = "destroyed",
    ) -> object:
        """Leave an event to be published when the caller is gone."""
        check(topic, str, "topic")
        args = check(args if args is not None else [], list, "args")
        kwargs = check(kwargs if kwargs is not None else {}, dict, "kwargs")
        options = dict(check(publish_options if publish_options is not None else {}, dict, "publish_options"))
        for ignored in ("acknowledge", "exclude_me"):
            options.pop(ignored, None)
        left = self._left.setdefault(caller, {name: [] for name in SCOPES})[_scope(scope)]
        try:
            check_topic(topic)
            payload = Payload(self._codec, [args, kwargs] if kwargs else [args] if args else [])
        except InvalidUri as exc:
            raise Refused("wamp.error.invalid_uri", str(exc)) from None
        except EncodeError as exc:
            raise Refused("wamp.error.invalid_payload", str(exc)) from None
        if caller.gate is not None and not caller.gate.allows("publish", topic, "exact"):
            raise Refused("wamp.error.not_authorized", f"this session may not publish to {topic[:200]!r}")
        if len(left) >= MAX_TESTAMENTS:
            raise Refused("wamp.error.not_authorized", f"a session may leave {MAX_TESTAMENTS} testaments of a scope")
        left.append((topic, options or None, payload))
        return NOTHING

    def flush(self, caller: RouterSession, scope: Any = "destroyed") -> int:
        """Forget those of a scope; returns how many (as Crossbar.io does)."""
        testaments = self._left.get(caller, {}).get(_scope(scope), [])
        count = len(testaments)
        testaments.clear()
        return count

    def publish(self, session: RouterSession) -> None:
        """``session`` is gone: publish what it left."""
        left = self._left.pop(session, {})
        for scope in SCOPES:
            for topic, options, payload in left.get(scope, ()):
                try:
                    self._broker.publish(session, topic, options, payload)
                except (InvalidOption, InvalidUri, Refused) as exc:
                    log.warning("%r: a testament is dropped: %s", session, exc)


def _scope(scope: Any) -> str:
    if not isinstance(scope, str) or scope not in SCOPES:
        raise Refused("wamp.error.invalid_argument", "the scope of a testament is 'destroyed' or 'detached'")
    return scope
