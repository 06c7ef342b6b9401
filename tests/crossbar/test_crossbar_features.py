# SPDX-License-Identifier: MIT
"""The advanced profile through a Crossbar node, as far as it has it: its dialect of cancelling and timeouts, meta API, revocation."""

from __future__ import annotations

import pytest
from crossbar_session import Live, Run

from autobahn_fast.wamp import meta
from autobahn_fast.wamp.exception import ApplicationError
from autobahn_fast.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions


@pytest.fixture
def run(run_once: Run) -> Run:
    """What is tested here does not depend on the transport."""
    return run_once


class Waiting:
    """An endpoint that waits until it is cancelled."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.started, self.cancelled = live.box(), live.box()

    async def __call__(self) -> None:
        self.started.put()
        try:
            await self.live.sleep(60)
        except self.live.cancelled_errors:
            self.cancelled.put()
            raise


@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_cancel_modes(run: Run, mode: str) -> None:
    async def test(live: Live) -> None:
        async with live() as callee, live() as caller:
            endpoint = Waiting(live)
            await callee.register(endpoint, "com.test.wait")
            call = caller.call("com.test.wait")
            await endpoint.started.next()
            assert caller.cancel(call, mode)
            with pytest.raises(ApplicationError) as e:
                await call
            assert e.value.error == "wamp.error.canceled"
            if mode != "skip":
                await endpoint.cancelled.next()
            assert await caller.call("wamp.session.count") >= 2
            assert await callee.call("wamp.session.count") >= 2

    run(test)


@pytest.mark.parametrize("forward", [None, True])
@pytest.mark.parametrize("timeout", [0.1, 1])
def test_timeout(run: Run, timeout: float, forward: bool | None) -> None:
    async def test(live: Live) -> None:
        async with live() as callee, live() as caller:
            endpoint = Waiting(live)
            await callee.register(endpoint, "com.test.wait", RegisterOptions(forward_timeout=forward))
            with pytest.raises(ApplicationError) as e:
                await caller.call("com.test.wait", options=CallOptions(timeout=timeout))
            assert e.value.error in ("wamp.error.timeout", "wamp.error.canceled")
            await endpoint.cancelled.next()
            assert await caller.call("wamp.session.count") >= 2  # late answers ended nobody's session
            assert await callee.call("wamp.session.count") >= 2

    run(test)


def test_registration_taken_over_by_another_session(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as first, live() as second:
            told = live.box()
            options = RegisterOptions(on_revoked=lambda *args: told.put(args))
            registration = await first.register(lambda: 1, "com.test.mine", options)
            await second.register(lambda: 2, "com.test.mine", RegisterOptions(force_reregister=True))
            assert (await told.next())[0] is registration
            assert not registration.active
            assert await first.call("com.test.mine") == 2

    run(test)


def test_subscription_revoked(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as subscriber, live() as other:
            told = live.box()
            options = SubscribeOptions(on_revoked=lambda *args: told.put(args))
            subscription = await subscriber.subscribe(print, "com.test.topic", options)
            await meta.remove_subscriber(other, subscription.id, subscriber.session_id)
            assert (await told.next())[0] is subscription
            assert not subscription.active
            assert await subscriber.call("wamp.session.count") >= 2

    run(test)


def test_meta_api(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as session, live() as other:
            sub = await session.subscribe(print, "com.test.", SubscribeOptions(match="prefix"))
            reg = await session.register(print, "com.test.proc")
            assert other.session_id in await meta.list_sessions(session)
            assert await meta.count_sessions(session, ["anonymous"]) >= 2
            assert (await meta.get_session(session, other.session_id))["authrole"] == "anonymous"
            assert reg.id in (await meta.list_registrations(other))["exact"]
            assert await meta.lookup_registration(other, "com.test.proc", "exact") == reg.id
            assert await meta.match_registration(other, "com.test.proc") == reg.id
            assert (await meta.get_registration(other, reg.id))["uri"] == "com.test.proc"
            assert await meta.list_callees(other, reg.id) == [session.session_id]
            assert await meta.count_callees(other, reg.id) == 1
            assert sub.id in (await meta.list_subscriptions(other))["prefix"]
            assert await meta.lookup_subscription(other, "com.test.", "prefix") == sub.id
            assert await meta.match_subscriptions(other, "com.test.x") == [sub.id]
            assert (await meta.get_subscription(other, sub.id))["match"] == "prefix"
            assert await meta.list_subscribers(other, sub.id) == [session.session_id]
            assert await meta.count_subscribers(other, sub.id) == 1
            left = live.box()
            await meta.on_session(session, "leave", lambda *args: left.put(args[0]))
            with pytest.raises(RuntimeError, match="Exhausted"):  # its component may not connect again
                async with live() as third:
                    ident = third.session_id
                    await meta.kill_session(session, ident, "com.test.bye", "go")
                    assert await left.next() == ident

    run(test)


def test_testaments(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as heir:
            said = live.box()
            await heir.subscribe(lambda *args, **kwargs: said.put((args, kwargs)), "com.test.will")
            async with live() as session:
                await meta.add_testament(session, "com.test.will", ["old"])
                await meta.flush_testaments(session)
                await meta.add_testament(session, "com.test.will", [1, 2], {"k": 3})
            assert await said.next() == ((1, 2), {"k": 3})

    run(test)


def test_retained_event(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as publisher, live() as late:
            retain = PublishOptions(acknowledge=True, retain=True)
            await publisher.publish("com.test.retained", "kept", options=retain)
            seen = live.box()
            await late.subscribe(
                lambda word, details: seen.put((word, details.retained)),
                "com.test.retained",
                SubscribeOptions(get_retained=True, details=True),
            )
            assert await seen.next() == ("kept", True)

    run(test)


def test_history(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as subscriber, live() as publisher:
            subscription = await subscriber.subscribe(print, "com.test.history")
            acknowledge = PublishOptions(acknowledge=True)
            sent = [(await publisher.publish("com.test.history", n, k=n, options=acknowledge)).id for n in range(3)]
            found = await meta.get_events(subscriber, subscription.id, limit=2)
            assert [(e["publication"], e["args"], e["kwargs"]) for e in found] == [
                (sent[2], [2], {"k": 2}),
                (sent[1], [1], {"k": 1}),
            ]
            assert {(e["topic"], e["session_id"]) for e in found} == {("com.test.history", publisher.session_id)}
            events = await meta.get_events(subscriber, subscription.id)
            assert sent[::-1] == [event["publication"] for event in events][:3]

    run(test)


def test_what_crossbar_lacks_is_refused_here(run: Run) -> None:
    async def test(live: Live) -> None:
        async with live() as session:
            for action in (
                lambda: session.call_progressively("com.test.x"),
                lambda: session.call("com.test.x", options=CallOptions(ppt_scheme="x_y")),
                lambda: session.publish("com.test.x", options=PublishOptions(ppt_scheme="x_y")),
            ):
                with pytest.raises(ApplicationError) as e:
                    action()
                assert e.value.error == "wamp.error.feature_not_supported"

    run(test)
