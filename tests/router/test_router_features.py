# SPDX-License-Identifier: MIT
"""The advanced profile over sockets, with sessions of this package and with scripted clients."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from _client import Client

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router
from autobahn_fast.wamp import meta
from autobahn_fast.wamp.exception import ApplicationError
from autobahn_fast.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions


@asynccontextmanager
async def session(url, serializer="cbor", on_leave=None, **authentication):
    """A session that has joined, until the block ends."""
    joined, over = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def main(_loop, session):
        joined.set_result(session)
        await over.wait()

    transport = {"url": url, "max_retries": 0, "serializers": [serializer]}
    component = Component(main, transports=transport, realm="realm1", authentication=authentication or None)
    if on_leave is not None:
        component.on_leave(on_leave)
    running = asyncio.ensure_future(component.start())
    try:
        async with asyncio.timeout(10):
            yield await joined
    finally:
        over.set()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def two(*, realm="realm1", serializers=("cbor", "json")):
    async with Router(realms=[realm]) as router:
        url = router.urls[0]
        async with session(url, serializers[0]) as a, session(url, serializers[1]) as b:
            yield router, a, b


async def error_of(awaitable):
    with pytest.raises(ApplicationError) as caught:
        await awaitable
    return caught.value.error


def test_a_call_in_parts_both_ways(run):
    async def main():
        async with two() as (_, caller, callee):

            async def double(details):
                total = 0
                async for chunk in details.chunks:
                    total += chunk.args[0] if chunk.args else 0
                    details.progress(total)
                return total

            await callee.register(double, "com.sum", RegisterOptions(progressive=True))
            got = []
            call = caller.call_progressively("com.sum", CallOptions(on_progress=got.append))
            for i in range(1, 5):
                assert call.send(i)
            call.finish(5)
            assert await call == 15 and got == [1, 3, 6, 10, 15]

    run(main())


def test_parts_to_a_callee_that_takes_none(run):
    async def main():
        async with Router() as router, session(router.urls[0]) as caller:
            callee = await Client.joined(router.urls[0])
            await callee.ask(64, 1, {}, "com.x")
            call = caller.call_progressively("com.x")
            for i in range(3):
                call.send(i)
            call.finish()
            assert await error_of(call) == "wamp.error.feature_not_supported"
            await callee.quiet()
            await callee.end()

    run(main())


def test_parts_without_announcement_are_a_violation(run):
    async def main():
        async with Router() as router:
            caller = await Client.joined(router.urls[0])
            await caller.ask(64, 1, {}, "com.x")
            answer = await caller.ask(48, 2, {"progress": True}, "com.x")
            assert (answer[0], answer[2]) == (3, "wamp.error.protocol_violation")

    run(main())


@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_cancel(run, mode):
    async def main():
        async with two() as (_, caller, callee):
            started, ended = asyncio.Event(), asyncio.Event()

            async def slow():
                started.set()
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    ended.set()
                    raise

            await callee.register(slow, "com.slow")
            call = caller.call("com.slow")
            await started.wait()
            assert caller.cancel(call, mode)
            assert await error_of(call) == "wamp.error.canceled"
            if mode == "skip":
                assert not ended.is_set()
            else:
                await ended.wait()

    run(main())


@pytest.mark.parametrize("forward", [False, True])
def test_timeout(run, forward):
    async def main():
        async with Router() as router, session(router.urls[0]) as callee:
            ended = asyncio.Event()

            async def slow():
                try:
                    await asyncio.sleep(1000)
                finally:
                    ended.set()

            await callee.register(slow, "com.slow", RegisterOptions(forward_timeout=forward))
            caller = await Client.joined(router.urls[0])
            answer = await caller.ask(48, 1, {"timeout": 50}, "com.slow")
            assert answer[:5] == [8, 48, 1, {}, "wamp.error.timeout"]
            await ended.wait()
            assert await error_of(callee.call("com.slow", options=CallOptions(timeout=0.05))) == "wamp.error.timeout"
            await caller.end()

    run(main())


def test_disclosure_sharding_and_rerouting(run):
    async def main():
        async with two() as (router, caller, callee):

            def who(details):
                return [details.caller, details.caller_authid, details.caller_authrole]

            await callee.register(who, "com.who", RegisterOptions(details=True))
            await callee.register(who, "com.who2", RegisterOptions(details=True, disclose_caller=True))
            known = [caller.session_id, caller.authid, "anonymous"]
            assert await caller.call("com.who") == [None] * 3
            assert await caller.call("com.who", options=CallOptions(disclose_me=True)) == known
            assert await caller.call("com.who2") == known

            def busy():
                raise ApplicationError("wamp.error.unavailable")

            async with session(router.urls[0]) as third:
                await callee.register(busy, "com.shared", RegisterOptions(invoke="first"))
                assert await error_of(caller.call("com.shared")) == "wamp.error.no_available_callee"
                await third.register(lambda: "third", "com.shared", RegisterOptions(invoke="first"))
                assert await caller.call("com.shared") == "third"
                for peer in (callee, third):
                    await peer.register(
                        lambda id=peer.session_id: id, "com.shard", RegisterOptions(invoke="roundrobin")
                    )
                by_key = {key: await caller.call("com.shard", options=CallOptions(rkey=key)) for key in "abcdefghij"}
                assert set(by_key.values()) == {callee.session_id, third.session_id}
                assert by_key["a"] == await caller.call("com.shard", options=CallOptions(rkey="a"))

    run(main())


def test_revocation(run):
    async def main():
        async with two() as (_, a, b):
            revoked = asyncio.Queue()
            options = RegisterOptions(on_revoked=lambda what, reason: revoked.put_nowait((what.active, reason)))
            registration = await a.register(lambda: "a", "com.x", options)
            await b.register(lambda: "b", "com.x", RegisterOptions(force_reregister=True))
            assert await revoked.get() == (False, "wamp.error.unregistered") and not registration.active
            assert await a.call("com.x") == "b"
            options = SubscribeOptions(on_revoked=lambda what, reason: revoked.put_nowait((what.active, reason)))
            subscription = await a.subscribe(lambda: None, "com.x", options)
            await meta.remove_subscriber(b, subscription.id, a.session_id, "com.enough")
            assert await revoked.get() == (False, "com.enough")
            assert await meta.lookup_subscription(b, "com.x") is None

    run(main())


def test_retained_events(run):
    async def main():
        async with two() as (_, a, b):
            for topic, value in (("com.x", 1), ("com.x", 2), ("com.y", 3)):
                await a.publish(topic, value, options=PublishOptions(acknowledge=True, retain=True))
            got = asyncio.Queue()

            def on_event(value, details):
                got.put_nowait((value, details.topic, details.retained))

            await b.subscribe(
                on_event, "com.", SubscribeOptions(match="prefix", get_retained=True, details_arg="details")
            )
            assert [await got.get(), await got.get()] == [(2, "com.x", True), (3, "com.y", True)]
            await a.publish("com.x", 4, options=PublishOptions(acknowledge=True))
            assert await got.get() == (4, "com.x", None)

    run(main())


def test_history(run):
    realm = {"name": "realm1", "history": [{"uri": "com.log.", "match": "prefix", "limit": 3}]}

    async def main():
        async with two(realm=realm) as (_, a, b):
            for i in range(5):
                await a.publish(f"com.log.{i % 2}", i, b"\x00\xff", k=i, options=PublishOptions(acknowledge=True))
            id = await meta.lookup_subscription(b, "com.log.", "prefix")
            found = await meta.get_events(b, id)
            assert [event["args"] for event in found] == [[i, b"\x00\xff"] for i in (2, 3, 4)]
            assert [event["kwargs"] for event in found] == [{"k": i} for i in (2, 3, 4)]
            assert [event["args"][0] for event in await meta.get_events(b, id, limit=1, reverse=True)] == [4]
            assert [event["args"][0] for event in await meta.get_events(b, id, topic="com.log.0")] == [2, 4]
            after = await meta.get_events(b, id, after_publication=found[0]["publication"])
            assert [event["args"][0] for event in after] == [3, 4]

    run(main())


def test_sessions_come_and_go(run):
    async def main():
        async with two() as (router, a, b):
            joins, leaves, gone = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
            await meta.on_session(a, "join", joins.put_nowait)
            await meta.on_session(a, "leave", lambda *args: leaves.put_nowait(args))
            await a.subscribe(lambda *args, **kwargs: gone.put_nowait((args, kwargs)), "com.gone")
            async with session(
                router.urls[0], on_leave=lambda session, details: gone.put_nowait((details.reason, details.message))
            ) as third:
                info = await joins.get()
                id = third.session_id
                assert info["session"] == id and info["authrole"] == "anonymous"
                assert await meta.get_session(b, third.session_id) == info
                assert await meta.count_sessions(b) == 3
                await meta.add_testament(third, "com.gone", ["bye"], {"k": 1})
                await meta.add_testament(third, "com.gone", ["first"], scope="detached")
                await meta.kill_session(b, third.session_id, reason="com.why", message="go")
                assert [await gone.get() for _ in range(2)] == [(("first",), {}), (("bye",), {"k": 1})]
                assert await gone.get() == ("com.why", "go")
                assert await leaves.get() == (id, info["authid"], "anonymous")
            assert await error_of(meta.kill_session(b, b.session_id)) == "wamp.error.no_such_session"
            assert await meta.kill_all_sessions(b) == 1

    run(main())


def test_a_killed_client_that_does_not_answer_is_disconnected(run, monkeypatch):
    monkeypatch.setattr("autobahn_fast.router.session.GOODBYE_TIMEOUT", 0.05)

    async def main():
        async with Router() as router:
            one, deaf = await Client.joined(router.urls[0]), await Client.joined(router.urls[0])
            assert await one.ask(48, 1, {}, "wamp.session.kill", [deaf.id]) == [50, 1, {}]
            assert await deaf.receive() == [6, {}, "wamp.close.killed"]
            deaf.send(16, 1, {}, "com.x")
            await deaf.lost()
            await one.quiet()
            await one.end()

    run(main())


def test_registrations_and_subscriptions_come_and_go(run):
    async def main():
        async with two() as (_, a, b):
            seen = asyncio.Queue()
            for event in ("create", "register", "unregister", "delete"):
                await meta.on_registration(a, event, lambda *args, event=event: seen.put_nowait((event, args)))
            for event in ("create", "subscribe", "unsubscribe", "delete"):
                await meta.on_subscription(a, event, lambda *args, event=event: seen.put_nowait((event, args)))
            registration = await b.register(lambda: None, "com.x")
            subscription = await b.subscribe(lambda: None, "com.y")
            await registration.unregister()
            await subscription.unsubscribe()
            got = [await seen.get() for _ in range(8)]
            assert [event for event, _ in got] == [
                *("create", "register", "create", "subscribe", "unregister", "delete", "unsubscribe", "delete")
            ]
            assert {args[0] for _, args in got} == {b.session_id}
            assert [args[1] for _, args in got[1::2]] == [registration.id, subscription.id] * 2
            assert (got[0][1][1]["uri"], got[2][1][1]["uri"]) == ("com.x", "com.y")

    run(main())


def test_roles_and_an_authorizer_that_takes_its_time(run):
    async def authorizer(who, uri, action, options):
        await asyncio.sleep(0.01 if uri.endswith("slow") else 0)
        return {"allow": not uri.startswith("com.no"), "disclose": True, "trustlevel": 7}

    realm = {
        "name": "realm1",
        "auth": {
            "ticket": {
                "users": {"joe": {"ticket": "a", "authrole": "asked"}, "eve": {"ticket": "b", "authrole": "few"}}
            }
        },
        "roles": {
            "asked": {"authorizer": authorizer},
            "few": {"permissions": [{"uri": "com.*", "allow": ["subscribe", "register"]}]},
        },
    }

    async def main():
        async with (
            Router(realms=[realm]) as router,
            session(router.urls[0], ticket={"authid": "joe", "ticket": "a"}) as joe,
            session(router.urls[0], ticket={"authid": "eve", "ticket": "b"}) as eve,
        ):
            got = asyncio.Queue()

            def on_event(n, details):
                got.put_nowait((n, details.publisher, details.trustlevel, details.topic))

            await eve.subscribe(on_event, "com.", SubscribeOptions(match="prefix", details_arg="details"))
            for i in range(6):
                joe.publish("com.slow" if i % 2 else "com.fast", i)
            joe.publish("com.no.thing", 99)
            order = [await got.get() for _ in range(6)]
            assert [(n, publisher, level) for n, publisher, level, _ in order] == [
                (i, joe.session_id, 7) for i in range(6)
            ]
            await eve.register(
                lambda details: [details.caller, details.trustlevel], "com.f", RegisterOptions(details=True)
            )
            assert await joe.call("com.f") == [joe.session_id, 7]
            denied = "wamp.error.not_authorized"
            assert await error_of(joe.call("com.no.f")) == denied
            assert await error_of(joe.register(lambda: 1, "com.no.f")) == denied
            assert await error_of(joe.subscribe(lambda: 1, "com.no.f")) == denied
            assert await error_of(eve.call("com.f")) == denied
            assert await error_of(eve.publish("com.x", options=PublishOptions(acknowledge=True))) == denied
            assert await error_of(eve.subscribe(lambda: 1, "", SubscribeOptions(match="prefix"))) == denied
            assert await error_of(eve.call("wamp.session.count")) == denied
            slow = joe.call("com.slow")  # leaves while it is being decided about
            joe.leave()
            await asyncio.gather(slow, return_exceptions=True)

    run(main())


def test_values_that_javascript_sends(run):
    undefined = b"\xc7\x00\x00"  # MessagePack extension 0 of no octets
    absent = b"\x94\x20\x01\x82\xa5match" + undefined + b"\xacget_retained" + undefined + b"\xa5com.x"

    async def main():
        async with Router() as router:
            a, b = await Client.joined(router.urls[0]), await Client.joined(router.urls[0], "cbor")
            a.send_octets(absent)
            assert (await a.receive())[:2] == [33, 1]
            b.send_octets(b"\x84\x18\x20\x01\xa2\x65match\xf7\x6cget_retained\xf7\x65com.x")
            assert (await b.receive())[:2] == [33, 1]
            octets = b"\xd8\x40\x42\x00\xff"  # CBOR tag 64: an array of octets
            b.send_octets(b"\x85\x10\x02\xa1\x6aexclude_me\xf4\x65com.x\x81" + octets)
            for client in (a, b):
                assert bytes((await client.receive())[4][0]) == b"\x00\xff"
            await a.end()
            await b.end()

    run(main())


def test_wrong_options_end_in_abort_and_nobody_else_notices(run):
    async def main():
        async with Router() as router:
            for raw in (
                [48, 1, {"timeout": -1}, "com.x"],
                [48, 1, {"timeout": "1"}, "com.x"],
                [48, 1, {"ppt_scheme": "x_my"}, "com.x"],
                [48, 1, {"runmode": "partition", "rkey": {}}, "com.x"],
                [16, 1, {"ppt_cipher": 5}, "com.x"],
                [16, 1, {"rkey": []}, "com.x"],
                [32, 1, {"nkey": 5}, "com.x"],
                [64, 1, {"concurrency": 0}, "com.x"],
                [64, 1, {"force_reregister": "yes"}, "com.x"],
            ):
                other = await Client.joined(router.urls[0])
                await other.ask(64, 1, {}, "com.x")
                client = await Client.joined(router.urls[0])
                answer = await client.ask(*raw)
                assert (answer[0], answer[2]) == (3, "wamp.error.protocol_violation"), (raw, answer)
                await client.lost()
                await other.quiet()
                await other.end()

    run(main())


def test_meta_procedures_with_any_arguments_are_answered(run):
    async def main():
        async with Router() as router:
            client = await Client.joined(router.urls[0], "json")
            requests = 0
            for name in ("session.get", "session.kill", "session.add_testament", "subscription.get_events", "x", ""):
                for args in ([], [1], [None, None], [[], {}], ["a b"], [2**60], [1, 2, 3, 4, 5, 6, 7]):
                    for kwargs in ({}, {"x": 1}, {"reason": 5}, {"scope": "x"}):
                        requests += 1
                        answer = await client.ask(48, requests, {}, f"wamp.{name}", args, kwargs)
                        assert answer[0] in (8, 50) and requests in answer[1:3], answer
            assert (await client.ask(48, requests + 1, {"progress": True}, "wamp.session.count"))[4] == (
                "wamp.error.feature_not_supported"
            )
            await client.end()

    run(main())
