# SPDX-License-Identifier: MIT
"""The broker of a realm: who subscribed to what, and who gets an event.

Knows subscriptions, matching, and the rules that leave receivers out. Does not know transports, serializers or payloads:
a session is here an object with ``id``, ``authid``, ``authrole``, ``features``, ``wire`` and a dict ``subscriptions``, and
delivery is one function that takes the wires of the receivers (``fan_out`` of ``_core.relay``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.history import BY_SESSION, Event, History
from autobahn_fast.router.options import (
    CACHED,
    CACHED_LENGTH,
    InvalidOption,
    InvalidUri,
    can_passthru,
    identity,
    passed_on,
    shard,
    shard_key,
    wants_disclosure,
    whole,
)
from autobahn_fast.router.patterns import PatternTable, is_valid_uri
from autobahn_fast.router.retention import Retained, Retention
from autobahn_fast.util import utcnow
from autobahn_fast.wamp import message

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("Broker", "InvalidOption", "InvalidUri", "Subscription")

_random_bits = random.Random().getrandbits

Plan = tuple[tuple["Subscription", "dict[str, Any] | None"], ...]
Rule = Callable[["RouterSession"], bool]


def _unheard(event: str, *args: Any) -> None:
    pass


class Subscription:
    """One topic or pattern that at least one session is subscribed to, or that has a history.

    ``sessions`` are in the order they subscribed, each with its node key, which is None for most.
    """

    __slots__ = ("_receivers", "created", "history", "id", "match", "sessions", "uri")

    def __init__(self, id: int, uri: str, match: str, history: History | None = None) -> None:
        self.id = id
        self.uri = uri
        self.match = match
        self.history = history
        self.created = utcnow()
        self.sessions: dict[RouterSession, str | None] = {}
        self._receivers: tuple[Any, ...] | None = None

    def details(self) -> dict[str, Any]:
        """What the meta API tells about it."""
        return {"id": self.id, "created": self.created, "uri": self.uri, "match": self.match}

    def add(self, session: RouterSession, nkey: str | None = None) -> None:
        """Make ``session`` a receiver."""
        self.sessions[session] = nkey
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

    def choose(self, allowed: Rule | None, rkey: str | None) -> tuple[Any, ...]:
        """The wires of those that ``allowed`` lets through; of those with a node key, only the shard of ``rkey``."""
        sessions = [session for session in self.sessions if allowed is None or allowed(session)]
        if rkey is not None:
            keys = {key for session in sessions if (key := self.sessions[session]) is not None}
            if keys:
                chosen = shard(rkey, ((key, key) for key in keys))
                sessions = [session for session in sessions if self.sessions[session] in (None, chosen)]
        return tuple(session.wire for session in sessions)


class Broker:
    """Subscriptions of one realm.

    :param deliver: ``deliver(wires, exclude, subscription_id, publication_id, details, payload)`` sends the event to all
        wires but ``exclude`` (a wire or None). It must not raise on what goes wrong with a single receiver.
    :param new_id: gives ids of subscriptions (router scope: unique in the realm).
    :param tell: ``tell(event, *args)`` hears of the meta events of subscriptions.
    :param may_disclose: whether publishers may be disclosed on their own request.
    :param history: (match policy, URI) -> how many of its events are kept.
    """

    def __init__(
        self,
        deliver: Callable[..., Any],
        new_id: Callable[[], int],
        tell: Callable[..., None] = _unheard,
        may_disclose: bool = True,
        history: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._deliver = deliver
        self._new_id = new_id
        self._tell = tell
        self._may_disclose = may_disclose
        self._table: PatternTable[Subscription] = PatternTable()
        self._by_id: dict[int, Subscription] = {}
        self._plans: dict[str, Plan] = {}  # topic -> what it matches now
        self._records = bool(history)
        self.retention = Retention()
        for (match, uri), limit in (history or {}).items():
            self._add(Subscription(new_id(), uri, match, History(limit)))

    @property
    def subscriptions(self) -> PatternTable[Subscription]:
        """All subscriptions by match policy and URI."""
        return self._table

    @property
    def by_id(self) -> dict[int, Subscription]:
        """All subscriptions by their id."""
        return self._by_id

    # --- subscriptions ---

    def _add(self, subscription: Subscription) -> None:
        self._table.add(subscription.match, subscription.uri, subscription)
        self._by_id[subscription.id] = subscription
        self._forget_plans(subscription.match, subscription.uri)

    def subscribe(self, session: RouterSession, uri: str, match: str, nkey: str | None = None) -> int:
        """Subscribe ``session``; a session that is subscribed already keeps its subscription.

        :param nkey: the node key of a sharded subscription.
        :returns: the id of the subscription, the same for all sessions with this URI and policy.
        """
        subscription = self._table.get(match, uri)
        if subscription is None:
            subscription = Subscription(self._new_id(), uri, match)
            self._add(subscription)
            self._tell_of(subscription, "on_create", session.id, subscription.details())
        subscription.add(session, nkey)
        if subscription.id not in session.subscriptions:
            session.subscriptions[subscription.id] = subscription
            self._tell_of(subscription, "on_subscribe", session.id, subscription.id)
        return subscription.id

    def send_retained(self, session: RouterSession, subscription_id: int) -> None:
        """Send ``session`` the retained events of a subscription of its own."""
        subscription = session.subscriptions[subscription_id]
        if subscription.match == "exact":
            found = self.retention.find_exact(session, subscription.uri)
        else:
            table: PatternTable[bool] = PatternTable()
            table.add(subscription.match, subscription.uri, True)
            found = self.retention.find(session, lambda topic: bool(table.matching(topic)))
        for topic, event in list(found):
            details = {**(event.details or {}), "retained": True}
            if subscription.match != "exact":
                details["topic"] = topic
            if "ppt_scheme" in details and not can_passthru(session, "subscriber"):
                continue
            self._deliver((session.wire,), None, subscription.id, event.publication, details, event.payload)

    def unsubscribe(self, session: RouterSession, subscription_id: int) -> bool:
        """End a subscription of ``session``; False when it has none with this id."""
        subscription = session.subscriptions.pop(subscription_id, None)
        if subscription is None:
            return False
        self._drop(session, subscription)
        return True

    def revoke(self, subscription: Subscription, session: RouterSession, reason: str | None) -> bool:
        """Take a subscription from ``session``; False when it has not got it. It is told when it can understand that."""
        if not self.unsubscribe(session, subscription.id):
            return False
        if "subscriber.subscription_revocation" in session.features:
            session.wire.send(message.Unsubscribed(0, subscription=subscription.id, reason=reason))
        return True

    def remove(self, session: RouterSession) -> None:
        """``session`` is gone: end all its subscriptions."""
        dropped = list(session.subscriptions.values())
        session.subscriptions.clear()
        for subscription in dropped:
            subscription.discard(session)  # from all before any meta event: it gets none of them
        for subscription in dropped:
            self._drop(session, subscription)

    def _drop(self, session: RouterSession, subscription: Subscription) -> None:
        subscription.discard(session)
        over = not subscription.sessions and subscription.history is None and subscription.id in self._by_id
        if over:
            self._table.remove(subscription.match, subscription.uri)
            del self._by_id[subscription.id]
            self._forget_plans(subscription.match, subscription.uri)
        self._tell_of(subscription, "on_unsubscribe", session.id, subscription.id)
        if over:
            self._tell_of(subscription, "on_delete", session.id, subscription.id)

    def _tell_of(self, subscription: Subscription, event: str, *args: Any) -> None:
        if not subscription.uri.startswith("wamp."):  # or each subscription to meta events would cause some
            self._tell(f"wamp.subscription.{event}", *args)

    def _forget_plans(self, match: str, uri: str) -> None:
        if match == "exact":
            self._plans.pop(uri, None)
        else:
            self._plans.clear()

    # --- events ---

    def _plan(self, topic: str) -> Plan:
        check_topic(topic)
        plan = self._match(topic)
        if len(topic) <= CACHED_LENGTH:
            if len(self._plans) >= CACHED:
                self._plans.clear()
            self._plans[topic] = plan
        return plan

    def _match(self, topic: str) -> Plan:
        return tuple((s, None if s.match == "exact" else {"topic": topic}) for s in self._table.matching(topic))

    def announce(self, topic: str, make_payload: Callable[[], Any]) -> None:
        """Send an event of the router itself to everybody subscribed.

        :param make_payload: called only when there is somebody.
        """
        payload = None
        for subscription, details in self._match(topic):
            if subscription.sessions:
                payload = payload or make_payload()
                self._deliver(subscription.receivers, None, subscription.id, _random_bits(53) + 1, details, payload)

    def publish(
        self,
        session: RouterSession,
        topic: str,
        options: dict[str, Any] | None,
        payload: Any,
        extra: dict[str, Any] | None = None,
    ) -> int:
        """Send an event to everybody subscribed, as far as ``options`` (those of PUBLISH) allow.

        :param extra: details for the receivers that the publisher did not ask for.
        :returns: the id of the publication (global scope: random).
        :raises InvalidUri: the topic cannot be published to.
        :raises InvalidOption: an option has a wrong type, or belongs to a feature that was not announced.
        :raises Refused: the publisher asks to be disclosed, and the realm does not have it.
        """
        plan = self._plans.get(topic)
        if plan is None:
            plan = self._plan(topic)
        publication = _random_bits(53) + 1
        if options is not None or extra is not None or self._records:
            self._publish_with(session, topic, plan, options or {}, publication, payload, extra)
            return publication
        wire = session.wire
        for subscription, details in plan:
            self._deliver(
                subscription._receivers or subscription.receivers, wire, subscription.id, publication, details, payload
            )
        return publication

    def _publish_with(
        self,
        session: RouterSession,
        topic: str,
        plan: Plan,
        options: dict[str, Any],
        publication: int,
        payload: Any,
        extra: dict[str, Any] | None,
    ) -> None:
        exclude_me = options.get("exclude_me") is not False
        told = passed_on(options, session, "publisher")
        if wants_disclosure(options, self._may_disclose):
            told = {**(told or {}), **identity(session, "publisher")}
        if extra:
            told = {**(told or {}), **extra}
        rule = allowed = _receiver_rules(options)
        if told is not None and "ppt_scheme" in told:
            allowed = _also_passthru(rule)
        rkey = shard_key(options, "rkey")
        if options.get("retain") is True:
            self.retention.keep(topic, Retained(publication, told, payload, session.id if exclude_me else None, rule))
        now = None
        for subscription, details in plan:
            if told:
                details = {**told, **(details or {})}
            if subscription.history is not None and not any(name in options for name in BY_SESSION):
                now = now or datetime.now(UTC)
                subscription.history.keep(Event(now, publication, topic, details, payload, rule))
            receivers = subscription.receivers
            if allowed is not None or rkey is not None:
                receivers = subscription.choose(allowed, rkey)
            self._deliver(
                receivers, session.wire if exclude_me else None, subscription.id, publication, details, payload
            )


def check_topic(topic: str) -> None:
    """Raise InvalidUri when clients cannot publish to ``topic``."""
    if not is_valid_uri(topic):
        raise InvalidUri(f"{topic[:200]!r} is not a valid topic URI")
    if topic.startswith("wamp."):
        raise InvalidUri(f"{topic[:200]!r} is reserved: only the router publishes to topics that begin with 'wamp.'")


def _also_passthru(rule: Rule | None) -> Rule:
    """``rule``, and the receiver knows payload passthru mode."""
    return lambda session: can_passthru(session, "subscriber") and (rule is None or rule(session))


def _receiver_rules(options: dict[str, Any]) -> Rule | None:
    """The black- and whitelists of PUBLISH.Options as one test, all of them ANDed; None when there is none."""
    rules = []
    for prefix, wanted in (("exclude", False), ("eligible", True)):
        for suffix, attribute in (("", "id"), ("_authid", "authid"), ("_authrole", "authrole")):
            values = options.get(prefix + suffix)
            if values is not None:
                if type(values) is list and not suffix:
                    values = [whole(v) for v in values]
                if type(values) is not list or not all(isinstance(v, str if suffix else int) for v in values):
                    what = "texts" if suffix else "session ids"
                    raise InvalidOption(f"option {prefix + suffix!r} of PUBLISH must be a list of {what}")
                rules.append((attribute, frozenset(values), wanted))
    if not rules:
        return None

    def allowed(session: RouterSession) -> bool:
        return all((getattr(session, attribute) in values) is wanted for attribute, values, wanted in rules)

    return allowed
