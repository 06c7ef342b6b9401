# SPDX-License-Identifier: MIT
"""The broker of a realm: who subscribed to what, and who gets an event.

Knows subscriptions, matching, and the rules that leave receivers out. Does not know transports, serializers or payloads:
a session is here an object with ``id``, ``authid``, ``authrole``, ``wire`` and a dict ``subscriptions``, and delivery is
one function that takes the wires of the receivers (``fan_out`` of ``_core.relay``).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.patterns import PatternTable, is_valid_uri

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("Broker", "InvalidOption", "InvalidUri", "Subscription", "encryption_details")

# Topics and procedures remembered with what they match, at most; longer URIs are looked up each time.
CACHED = 10_000
CACHED_LENGTH = 512

_ENCRYPTION = ("enc_algo", "enc_serializer", "enc_key")

_random_bits = random.Random().getrandbits

Plan = tuple[tuple["Subscription", "dict[str, Any] | None"], ...]


class InvalidOption(ValueError):
    """An option of a peer's message has a value of a wrong type: a protocol violation."""


class InvalidUri(ValueError):
    """A URI of a peer is none, or is reserved for the router (``wamp.``). Answered with ``wamp.error.invalid_uri``."""


def encryption_details(options: dict[str, Any]) -> dict[str, Any] | None:
    """What a message with an encrypted payload tells its receiver about it; None when the payload is plain."""
    if "enc_algo" not in options:
        return None
    return {name: options[name] for name in _ENCRYPTION if isinstance(options.get(name), str)}


class Subscription:
    """One topic or pattern that at least one session is subscribed to.

    ``sessions`` are in the order they subscribed.
    """

    __slots__ = ("_receivers", "id", "match", "sessions", "uri")

    def __init__(self, id: int, uri: str, match: str) -> None:
        self.id = id
        self.uri = uri
        self.match = match
        self.sessions: dict[RouterSession, None] = {}
        self._receivers: tuple[Any, ...] | None = None

    def add(self, session: RouterSession) -> None:
        """Make ``session`` a receiver."""
        self.sessions[session] = None
        self._receivers = None

    def discard(self, session: RouterSession) -> None:
        """``session`` is no receiver any more."""
        self.sessions.pop(session, None)
        self._receivers = None

    @property
    def receivers(self) -> tuple[Any, ...]:
        """The wires of all sessions."""
        if self._receivers is None:
            self._receivers = tuple(session.wire for session in self.sessions)
        return self._receivers


class Broker:
    """Subscriptions of one realm.

    :param deliver: ``deliver(wires, exclude, subscription_id, publication_id, details, payload)`` sends the event to all
        wires but ``exclude`` (a wire or None). It must not raise on what goes wrong with a single receiver.
    :param new_id: gives ids of subscriptions (router scope: unique in the realm).
    """

    def __init__(self, deliver: Callable[..., Any], new_id: Callable[[], int]) -> None:
        self._deliver = deliver
        self._new_id = new_id
        self._table: PatternTable[Subscription] = PatternTable()
        self._plans: dict[str, Plan] = {}  # topic -> what it matches now

    @property
    def subscriptions(self) -> PatternTable[Subscription]:
        """All subscriptions by match policy and URI."""
        return self._table

    def subscribe(self, session: RouterSession, uri: str, match: str) -> int:
        """Subscribe ``session``; a session that is subscribed already keeps its subscription.

        :returns: the id of the subscription, the same for all sessions with this URI and policy.
        """
        subscription = self._table.get(match, uri)
        if subscription is None:
            subscription = Subscription(self._new_id(), uri, match)
            self._table.add(match, uri, subscription)
            self._forget_plans(match, uri)
        subscription.add(session)
        session.subscriptions[subscription.id] = subscription
        return subscription.id

    def unsubscribe(self, session: RouterSession, subscription_id: int) -> bool:
        """End a subscription of ``session``; False when it has none with this id."""
        subscription = session.subscriptions.pop(subscription_id, None)
        if subscription is None:
            return False
        self._drop(session, subscription)
        return True

    def remove(self, session: RouterSession) -> None:
        """``session`` is gone: end all its subscriptions."""
        while session.subscriptions:
            self._drop(session, session.subscriptions.popitem()[1])

    def _drop(self, session: RouterSession, subscription: Subscription) -> None:
        subscription.discard(session)
        if not subscription.sessions:
            self._table.remove(subscription.match, subscription.uri)
            self._forget_plans(subscription.match, subscription.uri)

    def _forget_plans(self, match: str, uri: str) -> None:
        if match == "exact":
            self._plans.pop(uri, None)
        else:
            self._plans.clear()

    def _plan(self, topic: str) -> Plan:
        if not is_valid_uri(topic):
            raise InvalidUri(f"{topic[:200]!r} is not a valid topic URI")
        if topic.startswith("wamp."):
            raise InvalidUri(
                f"{topic[:200]!r} is reserved: only the router publishes to topics that begin with 'wamp.'"
            )
        plan = tuple((s, None if s.match == "exact" else {"topic": topic}) for s in self._table.matching(topic))
        if len(topic) <= CACHED_LENGTH:
            if len(self._plans) >= CACHED:
                self._plans.clear()
            self._plans[topic] = plan
        return plan

    def publish(self, session: RouterSession, topic: str, options: dict[str, Any] | None, payload: Any) -> int:
        """Send an event to everybody subscribed, as far as ``options`` (those of PUBLISH) allow.

        :returns: the id of the publication (global scope: random).
        :raises InvalidUri: the topic cannot be published to.
        """
        plan = self._plans.get(topic)
        if plan is None:
            plan = self._plan(topic)
        publication = _random_bits(53) + 1
        if options is not None:
            self._publish_with(session, plan, options, publication, payload)
            return publication
        wire = session.wire
        for subscription, details in plan:
            self._deliver(
                subscription._receivers or subscription.receivers, wire, subscription.id, publication, details, payload
            )
        return publication

    def _publish_with(
        self, session: RouterSession, plan: Plan, options: dict[str, Any], publication: int, payload: Any
    ) -> None:
        exclude = None if options.get("exclude_me") is False else session.wire
        encryption = encryption_details(options)
        allowed = _receiver_rules(options)
        for subscription, details in plan:
            if encryption:
                details = {**encryption, **(details or {})}
            receivers = subscription.receivers
            if allowed is not None:
                receivers = tuple(s.wire for s in subscription.sessions if allowed(s))
            self._deliver(receivers, exclude, subscription.id, publication, details, payload)


def _receiver_rules(options: dict[str, Any]) -> Callable[[RouterSession], bool] | None:
    """The black- and whitelists of PUBLISH.Options as one test, all of them ANDed; None when there is none."""
    rules = []
    for prefix, wanted in (("exclude", False), ("eligible", True)):
        for suffix, attribute in (("", "id"), ("_authid", "authid"), ("_authrole", "authrole")):
            values = options.get(prefix + suffix)
            if values is not None:
                if type(values) is not list or not all(isinstance(v, str if suffix else int) for v in values):
                    what = "texts" if suffix else "session ids"
                    raise InvalidOption(f"option {prefix + suffix!r} of PUBLISH must be a list of {what}")
                rules.append((attribute, frozenset(values), wanted))
    if not rules:
        return None

    def allowed(session: RouterSession) -> bool:
        return all((getattr(session, attribute) in values) is wanted for attribute, values, wanted in rules)

    return allowed
