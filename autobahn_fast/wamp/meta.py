# SPDX-License-Identifier: MIT
"""The procedures and topics that routers offer about themselves: sessions, registrations, subscriptions, testaments, history,
reflection.

Each function is one call (or subscription) of the session it is given, and returns what the session returns: a future on
asyncio, a Deferred on Twisted. So each may raise what ``session.call`` raises, and the future fails with ``ApplicationError``
when the router says no: ``wamp.error.no_such_session``, ``no_such_registration``, ``no_such_subscription``,
``not_authorized``, ``no_such_procedure`` where it lacks the API. Knows what they are called and how they take their arguments,
Crossbar's way included. WAMP advanced profile, "Meta API", "Testaments", "Event History".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypedDict

from autobahn_fast.wamp.types import PublishOptions, Subscription

__all__ = (
    "RegistrationInfo",
    "SessionInfo",
    "SubscriptionInfo",
    "UriLists",
    "add_testament",
    "count_callees",
    "count_sessions",
    "count_subscribers",
    "define_reflection",
    "describe_reflection",
    "flush_testaments",
    "get_events",
    "get_registration",
    "get_session",
    "get_subscription",
    "kill_all_sessions",
    "kill_session",
    "kill_sessions_by_authid",
    "kill_sessions_by_authrole",
    "list_callees",
    "list_reflections",
    "list_registrations",
    "list_sessions",
    "list_subscribers",
    "list_subscriptions",
    "lookup_registration",
    "lookup_subscription",
    "match_registration",
    "match_subscriptions",
    "on_reflection",
    "on_registration",
    "on_session",
    "on_subscription",
    "remove_callee",
    "remove_subscriber",
)

Match = Literal["exact", "prefix", "wildcard"]
Scope = Literal["destroyed", "detached"]
Reflected = Literal["topic", "procedure", "error"]


class SessionInfo(TypedDict, total=False):
    """What a router tells about a session. Routers may add more."""

    session: int
    authid: str
    authrole: str
    authmethod: str
    authprovider: str
    transport: dict[str, Any]


class RegistrationInfo(TypedDict, total=False):
    """What a router tells about a registration. ``created`` is an ISO 8601 time."""

    id: int
    created: str
    uri: str
    match: Match
    invoke: str


class SubscriptionInfo(TypedDict, total=False):
    """What a router tells about a subscription. ``created`` is an ISO 8601 time."""

    id: int
    created: str
    uri: str
    match: Match


class UriLists(TypedDict):
    """Ids of registrations or subscriptions, by the way they match."""

    exact: list[int]
    prefix: list[int]
    wildcard: list[int]


def _call(session: Any, procedure: str, *args: Any, **kwargs: Any) -> Awaitable[Any]:
    """Call a procedure with those keyword arguments that are not None."""
    return session.call(procedure, *args, **{name: value for name, value in kwargs.items() if value is not None})  # type: ignore[no-any-return]


# --- sessions --------------------------------------------------------------------------------------------------------


def count_sessions(session: Any, filter_authroles: list[str] | None = None) -> Awaitable[int]:
    """Count the sessions of the realm. :param filter_authroles: only those with one of these roles."""
    return _call(session, "wamp.session.count", *([filter_authroles] if filter_authroles is not None else []))


def list_sessions(session: Any, filter_authroles: list[str] | None = None) -> Awaitable[list[int]]:
    """List the ids of the sessions of the realm. :param filter_authroles: only those with one of these roles."""
    return _call(session, "wamp.session.list", *([filter_authroles] if filter_authroles is not None else []))


def get_session(session: Any, session_id: int) -> Awaitable[SessionInfo]:
    """Tell who a session is."""
    return _call(session, "wamp.session.get", session_id)


def kill_session(
    session: Any, session_id: int, reason: str | None = None, message: str | None = None
) -> Awaitable[None]:
    """End another session. :param reason: a URI. :param message: for humans. It gets both with GOODBYE."""
    return _call(session, "wamp.session.kill", session_id, reason=reason, message=message)


def kill_sessions_by_authid(
    session: Any, authid: str, reason: str | None = None, message: str | None = None
) -> Awaitable[list[int]]:
    """End all other sessions of an authid. :returns: a future of their ids."""
    return _call(session, "wamp.session.kill_by_authid", authid, reason=reason, message=message)


def kill_sessions_by_authrole(
    session: Any, authrole: str, reason: str | None = None, message: str | None = None
) -> Awaitable[int]:
    """End all other sessions of an authrole. :returns: a future of their number."""
    return _call(session, "wamp.session.kill_by_authrole", authrole, reason=reason, message=message)


def kill_all_sessions(session: Any, reason: str | None = None, message: str | None = None) -> Awaitable[int]:
    """End all other sessions of the realm. Crossbar does not have it. :returns: a future of their number."""
    return _call(session, "wamp.session.kill_all", reason=reason, message=message)


def on_session(session: Any, event: Literal["join", "leave"], handler: Callable[..., Any]) -> Awaitable[Subscription]:
    """Subscribe to sessions that come or go.

    :param handler: ``join`` calls it with a :class:`SessionInfo`; ``leave`` with the session id and, but from Crossbar, authid
        and authrole.
    """
    return session.subscribe(handler, f"wamp.session.on_{event}")  # type: ignore[no-any-return]


# --- registrations ---------------------------------------------------------------------------------------------------


def list_registrations(session: Any) -> Awaitable[UriLists]:
    """List the ids of all registrations."""
    return _call(session, "wamp.registration.list")


def lookup_registration(session: Any, procedure: str, match: Match | None = None) -> Awaitable[int | None]:
    """Find the registration of a procedure, or of a pattern, as it was registered. :param match: ``exact`` when None."""
    return _call(session, "wamp.registration.lookup", procedure, *([{"match": match}] if match is not None else []))


def match_registration(session: Any, procedure: str) -> Awaitable[int | None]:
    """Find the registration that a call of this procedure would go to."""
    return _call(session, "wamp.registration.match", procedure)


def get_registration(session: Any, registration: int) -> Awaitable[RegistrationInfo]:
    """Tell about a registration."""
    return _call(session, "wamp.registration.get", registration)


def list_callees(session: Any, registration: int) -> Awaitable[list[int]]:
    """List the session ids of a registration's callees."""
    return _call(session, "wamp.registration.list_callees", registration)


def count_callees(session: Any, registration: int) -> Awaitable[int]:
    """Count a registration's callees."""
    return _call(session, "wamp.registration.count_callees", registration)


def remove_callee(session: Any, registration: int, session_id: int, reason: str | None = None) -> Awaitable[None]:
    """Take a registration away from a callee. An extension of some routers; Crossbar's fails."""
    return _call(session, "wamp.registration.remove_callee", registration, session_id, reason=reason)


def on_registration(
    session: Any, event: Literal["create", "register", "unregister", "delete"], handler: Callable[..., Any]
) -> Awaitable[Subscription]:
    """Subscribe to what happens to registrations.

    :param handler: called with the session id that caused it, and a :class:`RegistrationInfo` (``create``) or the
        registration id.
    """
    return session.subscribe(handler, f"wamp.registration.on_{event}")  # type: ignore[no-any-return]


# --- subscriptions ---------------------------------------------------------------------------------------------------


def list_subscriptions(session: Any) -> Awaitable[UriLists]:
    """List the ids of all subscriptions."""
    return _call(session, "wamp.subscription.list")


def lookup_subscription(session: Any, topic: str, match: Match | None = None) -> Awaitable[int | None]:
    """Find the subscription of a topic, or of a pattern, as it was subscribed. :param match: ``exact`` when None."""
    return _call(session, "wamp.subscription.lookup", topic, *([{"match": match}] if match is not None else []))


def match_subscriptions(session: Any, topic: str) -> Awaitable[list[int] | None]:
    """Find all subscriptions that an event of this topic would go to."""
    return _call(session, "wamp.subscription.match", topic)


def get_subscription(session: Any, subscription: int) -> Awaitable[SubscriptionInfo]:
    """Tell about a subscription."""
    return _call(session, "wamp.subscription.get", subscription)


def list_subscribers(session: Any, subscription: int) -> Awaitable[list[int]]:
    """List the session ids of a subscription's subscribers."""
    return _call(session, "wamp.subscription.list_subscribers", subscription)


def count_subscribers(session: Any, subscription: int) -> Awaitable[int]:
    """Count a subscription's subscribers."""
    return _call(session, "wamp.subscription.count_subscribers", subscription)


def remove_subscriber(session: Any, subscription: int, session_id: int, reason: str | None = None) -> Awaitable[None]:
    """Take a subscription away from a subscriber. An extension of some routers."""
    return _call(session, "wamp.subscription.remove_subscriber", subscription, session_id, reason=reason)


def on_subscription(
    session: Any, event: Literal["create", "subscribe", "unsubscribe", "delete"], handler: Callable[..., Any]
) -> Awaitable[Subscription]:
    """Subscribe to what happens to subscriptions.

    :param handler: called with the session id that caused it, and a :class:`SubscriptionInfo` (``create``) or the
        subscription id.
    """
    return session.subscribe(handler, f"wamp.subscription.on_{event}")  # type: ignore[no-any-return]


# --- history and testaments ------------------------------------------------------------------------------------------


def get_events(
    session: Any,
    subscription: int,
    *,
    limit: int | None = None,
    reverse: bool | None = None,
    topic: str | None = None,
    from_time: str | None = None,
    after_time: str | None = None,
    before_time: str | None = None,
    until_time: str | None = None,
    from_publication: int | None = None,
    after_publication: int | None = None,
    before_publication: int | None = None,
    until_publication: int | None = None,
) -> Awaitable[list[dict[str, Any]]]:
    """Return the events the router has kept for a subscription.

    :param subscription: its id: ``(await session.subscribe(...)).id``, or of ``lookup_subscription``.
    :param limit: most events. Crossbar knows no other parameter.
    :param reverse: True: the latest first.
    :param topic: only events of this topic, where the subscription is a pattern.
    :param from_time, after_time, before_time, until_time: ISO 8601; "from" and "until" include the time itself.
    :param from_publication, after_publication, before_publication, until_publication: the same by publication id.
    :returns: a future of the events: dicts with ``timestamp``, ``publication``, ``args``, ``kwargs`` and more.
    """
    given = {
        "reverse": reverse,
        "topic": topic,
        "from_time": from_time,
        "after_time": after_time,
        "before_time": before_time,
        "until_time": until_time,
        "from_publication": from_publication,
        "after_publication": after_publication,
        "before_publication": before_publication,
        "until_publication": until_publication,
    }
    if limit is not None and not session._announced("broker", "event_history"):
        return _call(session, "wamp.subscription.get_events", subscription, limit, **given)  # Crossbar: by position
    return _call(session, "wamp.subscription.get_events", subscription, limit=limit, **given)


def add_testament(
    session: Any,
    topic: str,
    args: list[Any] | tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    publish_options: PublishOptions | None = None,
    scope: Scope = "destroyed",
) -> Awaitable[Any]:
    """Have the router publish an event when this session is gone.

    :param topic: URI. :param args: positional payload. :param kwargs: keyword payload.
    :param publish_options: how to publish it.
    :param scope: ``destroyed``: when the session ends; ``detached``: when it loses its transport.
    """
    options = publish_options.message_attr() if publish_options is not None else None
    return _call(
        session,
        "wamp.session.add_testament",
        topic,
        list(args),
        kwargs or {},
        publish_options=options,
        scope=scope,
    )


def flush_testaments(session: Any, scope: Scope = "destroyed") -> Awaitable[Any]:
    """Take back all testaments of a scope."""
    return _call(session, "wamp.session.flush_testaments", scope=scope)


# --- reflection: a sketch in the specification, which few routers have ------------------------------------------------


def list_reflections(session: Any, kind: Reflected) -> Awaitable[list[str]]:
    """List the URIs the router knows a description of."""
    return _call(session, f"wamp.reflection.{kind}.list")


def describe_reflection(session: Any, kind: Reflected, uri: str) -> Awaitable[Any]:
    """Return the description of a topic, procedure or error."""
    return _call(session, f"wamp.reflection.{kind}.describe", uri)


def define_reflection(session: Any, uri: str, schema: Any) -> Awaitable[Any]:
    """Leave the description of a URI with the router. :param schema: None takes it back."""
    return _call(session, "wamp.reflect.define", uri, schema)


def on_reflection(
    session: Any, event: Literal["define", "undefine"], handler: Callable[..., Any]
) -> Awaitable[Subscription]:
    """Subscribe to descriptions that are left or taken back."""
    return session.subscribe(handler, f"wamp.reflect.on_{event}")  # type: ignore[no-any-return]
