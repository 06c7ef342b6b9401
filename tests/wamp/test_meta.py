# SPDX-License-Identifier: MIT
"""Each helper of ``wamp.meta`` is one call of the procedure the specification names, with its arguments where they belong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _session_peer import Peer, joined, turns

from autobahn_fast.wamp import message, meta, role
from autobahn_fast.wamp.types import PublishOptions

CALLS: list[tuple[Any, list[Any]]] = [
    (lambda s: meta.count_sessions(s), ["wamp.session.count"]),
    (lambda s: meta.count_sessions(s, []), ["wamp.session.count", [[]]]),
    (lambda s: meta.list_sessions(s, ["a", "b"]), ["wamp.session.list", [["a", "b"]]]),
    (lambda s: meta.get_session(s, 5), ["wamp.session.get", [5]]),
    (lambda s: meta.kill_session(s, 5), ["wamp.session.kill", [5]]),
    (
        lambda s: meta.kill_session(s, 5, "com.bye", "text"),
        ["wamp.session.kill", [5], {"reason": "com.bye", "message": "text"}],
    ),
    (
        lambda s: meta.kill_sessions_by_authid(s, "joe", "com.bye"),
        ["wamp.session.kill_by_authid", ["joe"], {"reason": "com.bye"}],
    ),
    (
        lambda s: meta.kill_sessions_by_authrole(s, "user", message="m"),
        ["wamp.session.kill_by_authrole", ["user"], {"message": "m"}],
    ),
    (lambda s: meta.kill_all_sessions(s, "com.bye"), ["wamp.session.kill_all", [], {"reason": "com.bye"}]),
    (lambda s: meta.list_registrations(s), ["wamp.registration.list"]),
    (lambda s: meta.lookup_registration(s, "com.p"), ["wamp.registration.lookup", ["com.p"]]),
    (
        lambda s: meta.lookup_registration(s, "com.", "prefix"),
        ["wamp.registration.lookup", ["com.", {"match": "prefix"}]],
    ),
    (lambda s: meta.match_registration(s, "com.p"), ["wamp.registration.match", ["com.p"]]),
    (lambda s: meta.get_registration(s, 7), ["wamp.registration.get", [7]]),
    (lambda s: meta.list_callees(s, 7), ["wamp.registration.list_callees", [7]]),
    (lambda s: meta.count_callees(s, 7), ["wamp.registration.count_callees", [7]]),
    (
        lambda s: meta.remove_callee(s, 7, 5, "com.bye"),
        ["wamp.registration.remove_callee", [7, 5], {"reason": "com.bye"}],
    ),
    (lambda s: meta.list_subscriptions(s), ["wamp.subscription.list"]),
    (
        lambda s: meta.lookup_subscription(s, "com..x", "wildcard"),
        ["wamp.subscription.lookup", ["com..x", {"match": "wildcard"}]],
    ),
    (lambda s: meta.match_subscriptions(s, "com.t"), ["wamp.subscription.match", ["com.t"]]),
    (lambda s: meta.get_subscription(s, 7), ["wamp.subscription.get", [7]]),
    (lambda s: meta.list_subscribers(s, 7), ["wamp.subscription.list_subscribers", [7]]),
    (lambda s: meta.count_subscribers(s, 7), ["wamp.subscription.count_subscribers", [7]]),
    (lambda s: meta.remove_subscriber(s, 7, 5), ["wamp.subscription.remove_subscriber", [7, 5]]),
    (lambda s: meta.get_events(s, 7), ["wamp.subscription.get_events", [7]]),
    (lambda s: meta.get_events(s, 7, limit=3), ["wamp.subscription.get_events", [7, 3]]),
    (
        lambda s: meta.add_testament(
            s, "com.t", (1,), {"k": 2}, publish_options=PublishOptions(exclude_me=False), scope="detached"
        ),
        [
            "wamp.session.add_testament",
            ["com.t", [1], {"k": 2}],
            {"publish_options": {"exclude_me": False}, "scope": "detached"},
        ],
    ),
    (lambda s: meta.add_testament(s, "com.t"), ["wamp.session.add_testament", ["com.t", [], {}], {"scope": "destroyed"}]),
    (lambda s: meta.list_reflections(s, "topic"), ["wamp.reflection.topic.list"]),
    (lambda s: meta.describe_reflection(s, "error", "com.e"), ["wamp.reflection.error.describe", ["com.e"]]),
    (lambda s: meta.define_reflection(s, "com.p", None), ["wamp.reflect.define", ["com.p", None]]),
    (lambda s: meta.flush_testaments(s), ["wamp.session.flush_testaments", [], {"scope": "destroyed"}]),
]  # fmt: skip


@pytest.mark.parametrize(("act", "expected"), CALLS, ids=lambda v: v[0] if isinstance(v, list) else "")
def test_calls(act: Any, expected: list[Any]) -> None:
    @joined
    async def run(p: Peer) -> None:
        future = act(p.session)
        assert p.take_wire() == [48, 1, {}, *expected]
        p.say(message.Result(1, args=["answer"]))
        assert await future == "answer"

    run()


def test_history_of_a_router_that_announces_it() -> None:
    async def run() -> None:
        p = await Peer().open()
        p.take()
        roles = {"broker": role.RoleBrokerFeatures(event_history=True), "dealer": role.RoleDealerFeatures()}
        p.say(message.Welcome(1, roles))
        await turns()
        filters = {
            "limit": 3,
            "reverse": True,
            "topic": "com.t",
            "from_time": "2026-01-01T00:00:00Z",
            "after_time": "2026-01-01T00:00:00Z",
            "before_time": "2026-01-01T00:00:00Z",
            "until_time": "2026-01-01T00:00:00Z",
            "from_publication": 1,
            "after_publication": 2,
            "before_publication": 3,
            "until_publication": 4,
        }
        meta.get_events(p.session, 7, **filters)  # type: ignore[arg-type]
        assert p.take_wire() == [48, 1, {}, "wamp.subscription.get_events", [7], filters]

    asyncio.run(run())


@joined
async def test_events(p: Peer) -> None:
    meta.on_session(p.session, "join", print)
    meta.on_registration(p.session, "create", print)
    meta.on_subscription(p.session, "unsubscribe", print)
    meta.on_reflection(p.session, "undefine", print)
    assert [m.topic for m in p.sent] == [
        "wamp.session.on_join", "wamp.registration.on_create", "wamp.subscription.on_unsubscribe",
        "wamp.reflect.on_undefine",
    ]  # fmt: skip


def test_nothing_is_left_out() -> None:
    helpers = {name for name in meta.__all__ if name[0].islower() and not name.startswith("on_")}
    used = {name for act, _ in CALLS for name in act.__code__.co_names}
    assert helpers <= used
