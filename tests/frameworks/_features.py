# SPDX-License-Identifier: MIT
"""The advanced profile over sockets and the embedded router: scenarios that run on any framework.

Each takes ``join``: ``await join()`` gives a new session that has joined. They use nothing of a loop: futures and sleep come from
the session's framework. ``python _features.py REACTOR SCHEME`` runs all of them on Twisted.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from autobahn_fast.wamp import meta
from autobahn_fast.wamp.exception import ApplicationError
from autobahn_fast.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions, SubscribeOptions

Join = Callable[[], Awaitable[Any]]

REALM: dict[str, Any] = {
    "name": "realm1",
    "history": [{"uri": "com.history", "limit": 10}],
    "roles": {"anonymous": {"permissions": [{"uri": "*", "allow": True}], "trustlevel": 3}},
}


class Box:
    """What a callback hands to the scenario: ``box(value)`` there, ``await box.take()`` here."""

    def __init__(self, session: Any) -> None:
        self.framework = session.framework
        self.values: list[Any] = []
        self.waiter: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.values.append((args, kwargs) if kwargs else args[0] if len(args) == 1 else args)
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            self.framework.resolve(waiter)

    async def take(self) -> Any:
        while not self.values:
            self.waiter = self.framework.create_future()
            await self.waiter
        return self.values.pop(0)


async def failure(awaitable: Any) -> ApplicationError:
    """The error a call ends with."""
    try:
        result = await awaitable
    except ApplicationError as e:
        return e
    raise AssertionError(f"a result: {result!r}")


def waiting(session: Any, started: Box, ended: Box) -> Any:
    """An endpoint that waits until it is cancelled."""

    async def endpoint() -> None:
        started("started")
        try:
            await session.framework.create_future()
        except session._cancelled_errors:
            ended("cancelled")
            raise

    return endpoint


async def cancel_modes(join: Join) -> None:
    callee, caller = await join(), await join()
    started, ended = Box(callee), Box(callee)
    await callee.register(waiting(callee, started, ended), "com.wait")
    for mode in ("kill", "killnowait", "skip"):
        call = caller.call("com.wait")
        await started.take()
        assert caller.cancel(call, mode)
        assert (await failure(call)).error == "wamp.error.canceled"
        if mode != "skip":
            assert await ended.take() == "cancelled"
    call = caller.call("com.wait", options=CallOptions(cancel_mode="kill"))
    await started.take()
    call.cancel()
    assert await ended.take() == "cancelled"
    try:
        await call
    except caller._cancelled_errors:
        pass


async def a_callee_makes_a_result_of_its_cancellation(join: Join) -> None:
    callee, caller = await join(), await join()
    started = Box(callee)

    async def endpoint() -> str:
        started(1)
        try:
            await callee.framework.create_future()
        except callee._cancelled_errors:
            return "partial"
        return "never"

    await callee.register(endpoint, "com.partial")
    call = caller.call("com.partial")
    await started.take()
    caller.cancel(call, "kill")
    assert await call == "partial"


async def timeouts(join: Join) -> None:
    callee, caller = await join(), await join()
    started, ended = Box(callee), Box(callee)
    for procedure, forward in (("com.router", None), ("com.callee", True)):
        await callee.register(waiting(callee, started, ended), procedure, RegisterOptions(forward_timeout=forward))
        error = await failure(caller.call(procedure, options=CallOptions(timeout=0.05)))
        assert error.error == "wamp.error.timeout", error
        assert await ended.take() == "cancelled"
    assert await caller.call("wamp.session.count") == 2


async def timeout_between_interim_results(join: Join) -> None:
    callee, caller = await join(), await join()

    async def endpoint(details: Any) -> str:
        for _ in range(8):
            await callee.framework.sleep(0.02)
            details.progress()
        return "done"

    await callee.register(endpoint, "com.slow", RegisterOptions(details=True))
    options = CallOptions(timeout=10, on_progress=lambda: None)
    assert await caller.call("com.slow", options=options) == "done"


async def input_in_pieces(join: Join) -> None:
    callee, caller = await join(), await join()
    seen = Box(caller)

    async def total(details: Any) -> int:
        result = 0
        async for chunk in details.chunks:
            result += sum(chunk.args)
            if details.progress:
                details.progress(result)
        return result

    await callee.register(total, "com.total", RegisterOptions(progressive=True))
    call = caller.call_progressively("com.total", CallOptions(on_progress=seen))
    for n in (1, 2, 3):
        assert call.send(n)
        assert await seen.take() == sum(range(n + 1))
    assert await call.finish() == 6
    assert await caller.call("com.total", 4, 5) == 9
    call = caller.call_progressively("com.total")
    for n in range(2000):
        call.send(n)
    assert await call.finish(1) == sum(range(2000)) + 1


async def input_in_pieces_that_ends_early(join: Join) -> None:
    callee, caller = await join(), await join()
    ended = Box(callee)

    async def first(details: Any) -> Any:
        return (await details.chunks.get()).args[0]

    async def never(details: Any) -> None:
        try:
            async for _ in details.chunks:
                pass
        except BaseException as e:
            ended(type(e).__name__)
            raise

    await callee.register(first, "com.first", RegisterOptions(progressive=True))
    await callee.register(never, "com.never", RegisterOptions(progressive=True))
    await callee.register(lambda *args: args, "com.plain")
    call = caller.call_progressively("com.first")
    for n in range(50):
        call.send(n)
    assert await call.finish() == 0
    call = caller.call_progressively("com.plain")
    call.send(1)
    assert (await failure(call)).error == "wamp.error.feature_not_supported"
    assert call.send(2) is False
    call = caller.call_progressively("com.never")
    call.send(1)
    await caller.call("com.plain", 1)  # the first piece is through
    assert call.cancel("kill")
    assert (await failure(call)).error == "wamp.error.canceled"
    await ended.take()
    call = caller.call_progressively("com.never")
    call.send(1)
    await caller.call("com.plain", 1)
    caller.leave()
    await ended.take()
    await failure(call)


async def revocation(join: Join) -> None:
    mine, other = await join(), await join()
    told = Box(mine)
    registration = await mine.register(lambda: 1, "com.mine", RegisterOptions(on_revoked=told))
    subscription = await mine.subscribe(print, "com.mine", SubscribeOptions(on_revoked=told))
    await other.register(lambda: 2, "com.mine", RegisterOptions(force_reregister=True))
    assert (await told.take())[0] is registration
    assert not registration.active
    assert await mine.call("com.mine") == 2
    await meta.remove_subscriber(other, subscription.id, mine.session_id, "com.bye")
    assert await told.take() == (subscription, "com.bye")
    assert not subscription.active


async def identification_and_trust(join: Join) -> None:
    a, b = await join(), await join()
    await a.register(lambda details: [details.caller, details.trustlevel], "com.who", RegisterOptions(details=True))
    assert await b.call("com.who", options=CallOptions(disclose_me=True)) == [b.session_id, 3]
    assert (await b.call("com.who"))[0] is None
    await a.register(lambda details: details.caller, "com.tell", RegisterOptions(details=True, disclose_caller=True))
    assert await b.call("com.tell") == b.session_id
    seen = Box(a)
    await a.subscribe(
        lambda details: seen((details.publisher, details.trustlevel)), "com.t", SubscribeOptions(details=True)
    )
    b.publish("com.t", options=PublishOptions(disclose_me=True))
    assert await seen.take() == (b.session_id, 3)


async def passthru(join: Join) -> None:
    a, b = await join(), await join()
    await a.register(lambda *args, **kwargs: CallResult(*args, **kwargs), "com.echo")
    seen = Box(a)
    await a.subscribe(seen, "com.t")
    for serializer in (None, "json", "msgpack", "cbor"):
        ppt = {"ppt_scheme": "x_own", "ppt_serializer": serializer}
        result = await b.call("com.echo", 1, b"\x00\xff", k="v", options=CallOptions(**ppt))
        assert (tuple(result.results), result.kwresults) == ((1, b"\x00\xff"), {"k": "v"})
        b.publish("com.t", serializer, k=b"\x00", options=PublishOptions(**ppt))
        assert await seen.take() == ((serializer,), {"k": b"\x00"})


async def passthru_with_cipher(join: Join) -> None:
    from autobahn_fast.wamp.cryptobox import HAS_CRYPTOBOX, KeyRing

    if not HAS_CRYPTOBOX:
        return
    a, b = await join(), await join()
    ring = KeyRing()
    ring.set_key("com.secret", ring.generate_key()[0])
    for session in (a, b):
        session.set_payload_codec(ring)
    await a.register(lambda x, k: [x, k], "com.secret.echo")
    options = CallOptions(ppt_scheme="x_own", ppt_cipher="xsalsa20poly1305")
    assert await b.call("com.secret.echo", 1, k="v", options=options) == [1, "v"]


async def sharding(join: Join) -> None:
    callees, caller = [await join(), await join()], await join()
    for number, callee in enumerate(callees):
        await callee.register(lambda n=number: n, "com.sharded", RegisterOptions(invoke="roundrobin"))
    for key in ("a", "b", "c"):
        answers = {await caller.call("com.sharded", options=CallOptions(rkey=key)) for _ in range(4)}
        assert len(answers) == 1


async def sharded_subscriptions(join: Join) -> None:
    a, b, publisher = await join(), await join(), await join()
    seen = Box(a)
    for name, session in (("a", a), ("b", b)):
        await session.subscribe(lambda n, name=name: seen((name, n)), "com.sharded", SubscribeOptions(nkey=name))
    names = set()
    for n in range(4):
        publisher.publish("com.sharded", n, options=PublishOptions(rkey="key"))
        name, number = await seen.take()
        names.add(name)
        assert number == n  # so there is one receiver only
    assert len(names) == 1


async def calls_move_on_to_another_callee(join: Join) -> None:
    callees, caller = [await join(), await join()], await join()

    def busy() -> None:
        raise ApplicationError(ApplicationError.UNAVAILABLE, "busy")

    options = RegisterOptions(invoke="roundrobin")
    await callees[0].register(busy, "com.moving", options)
    assert (await failure(caller.call("com.moving"))).error == "wamp.error.no_available_callee"
    await callees[1].register(lambda: "here", "com.moving", options)
    assert [await caller.call("com.moving") for _ in range(4)] == ["here"] * 4


async def retained_events(join: Join) -> None:
    a, b = await join(), await join()
    await a.publish("com.kept", "word", options=PublishOptions(retain=True, acknowledge=True))
    seen = Box(b)
    options = SubscribeOptions(get_retained=True, details=True)
    await b.subscribe(lambda word, details: seen((word, details.retained)), "com.kept", options)
    assert await seen.take() == ("word", True)


async def history(join: Join) -> None:
    a = await join()
    for n in range(5):
        await a.publish("com.history", n, options=PublishOptions(acknowledge=True))
    subscription = await a.subscribe(print, "com.history")
    events = await meta.get_events(a, subscription.id, limit=3, reverse=True)
    assert [event["args"] for event in events] == [[4], [3], [2]]
    publication = events[1]["publication"]
    later = await meta.get_events(a, subscription.id, after_publication=publication)
    assert [event["args"] for event in later] == [[4]]


async def testaments(join: Join) -> None:
    heir, gone = await join(), await join()
    said = Box(heir)
    await heir.subscribe(said, "com.will")
    await meta.add_testament(gone, "com.will", ["old"])
    await meta.flush_testaments(gone)
    await meta.add_testament(gone, "com.will", ["new"], {"k": 1})
    gone.leave()
    assert await said.take() == (("new",), {"k": 1})


async def meta_api(join: Join) -> None:
    session, other = await join(), await join()
    joined, left = Box(session), Box(session)
    await meta.on_session(session, "join", joined)
    await meta.on_session(session, "leave", left)
    created = Box(session)
    await meta.on_registration(session, "create", created)
    sub = await session.subscribe(print, "com.test.", SubscribeOptions(match="prefix"))
    reg = await other.register(print, "com.test.proc")
    assert (await created.take())[0] == other.session_id
    assert other.session_id in await meta.list_sessions(session)
    assert await meta.count_sessions(session, ["anonymous"]) >= 2
    assert await meta.count_sessions(session, ["nobody"]) == 0
    assert (await meta.get_session(session, other.session_id))["authrole"] == "anonymous"
    assert reg.id in (await meta.list_registrations(other))["exact"]
    assert await meta.lookup_registration(other, "com.test.proc", "exact") == reg.id
    assert await meta.match_registration(other, "com.test.proc") == reg.id
    assert (await meta.get_registration(other, reg.id))["uri"] == "com.test.proc"
    assert await meta.list_callees(session, reg.id) == [other.session_id]
    assert await meta.count_callees(session, reg.id) == 1
    assert sub.id in (await meta.list_subscriptions(other))["prefix"]
    assert await meta.lookup_subscription(other, "com.test.", "prefix") == sub.id
    assert sub.id in (await meta.match_subscriptions(other, "com.test.x") or [])
    assert (await meta.get_subscription(other, sub.id))["match"] == "prefix"
    assert await meta.list_subscribers(other, sub.id) == [session.session_id]
    assert await meta.count_subscribers(other, sub.id) == 1
    assert (await failure(meta.get_session(session, 1))).error == "wamp.error.no_such_session"
    third = await join()
    assert (await joined.take())["session"] == third.session_id
    ident = third.session_id
    await meta.kill_session(session, ident, "com.bye", "go")
    assert (await left.take())[0] == ident


SCENARIOS: dict[str, Callable[[Join], Awaitable[None]]] = {
    scenario.__name__: scenario
    for scenario in (
        cancel_modes, a_callee_makes_a_result_of_its_cancellation, timeouts, timeout_between_interim_results,
        input_in_pieces, input_in_pieces_that_ends_early, revocation, identification_and_trust, passthru,
        passthru_with_cipher, sharding, sharded_subscriptions, calls_move_on_to_another_callee, retained_events, history, testaments, meta_api,
    )
}  # fmt: skip


def main(reactor_name: str, scheme: str) -> None:
    """Run every scenario on Twisted, one after the other, each with a router of its own."""
    from _twisted_base import RouterThread, component, install

    install(reactor_name)
    from twisted.internet.defer import Deferred, DeferredList
    from twisted.internet.task import react

    async def run(scenario: Any, url: str) -> None:
        running: list[Any] = []

        async def join() -> Any:
            joined: Any = Deferred()
            c = component(url, "cbor")
            c._transports[0].max_retries = 0
            c.on_join(lambda session, details: joined.callback(session))
            running.append((c, c.start()))
            return await joined

        try:
            await scenario(join)
        finally:
            for c, _ in running:
                c.stop()
            await DeferredList([done for _, done in running], consumeErrors=True)

    async def all_of_them() -> None:
        for name, scenario in SCENARIOS.items():
            with RouterThread(scheme, REALM) as router:
                try:
                    await run(scenario, router.url)
                except Exception as e:
                    raise AssertionError(f"{name}: {e!r}") from e

    react(lambda _: Deferred.fromCoroutine(all_of_them()))


if __name__ == "__main__":
    main(*sys.argv[1:])
