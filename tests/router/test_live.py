# SPDX-License-Identifier: MIT
"""The router over sockets, with scripted clients on every transport and serializer."""

import asyncio
import os
import socket
from contextlib import asynccontextmanager

import pytest
from _client import ROLES, Client

from autobahn_fast.router import Router

BROKER = [
    "event_history",
    "event_retention",
    "pattern_based_subscription",
    "payload_encryption_cryptobox",
    "payload_passthru_mode",
    "payload_transparency",
    "publication_trustlevels",
    "publisher_exclusion",
    "publisher_identification",
    "session_meta_api",
    "shareded_subscriptions",
    "subscriber_blackwhite_listing",
    "subscription_meta_api",
    "subscription_revocation",
]
DEALER = [
    "call_canceling",
    "call_reroute",
    "call_timeout",
    "call_trustlevels",
    "caller_identification",
    "pattern_based_registration",
    "payload_encryption_cryptobox",
    "payload_passthru_mode",
    "payload_transparency",
    "progressive_call_invocations",
    "progressive_call_results",
    "registration_meta_api",
    "registration_revocation",
    "session_meta_api",
    "sharded_registration",
    "shared_registration",
    "testament_meta_api",
]
SERIALIZERS = ["json", "msgpack", "cbor", "ubjson"]


@asynccontextmanager
async def router_and(*serializers, listen=("ws://127.0.0.1:0/ws",), **options):
    """A router, and one joined client for each serializer."""
    async with Router(listen, **options) as router:
        clients = [await Client.joined(router.urls[i % len(router.urls)], name) for i, name in enumerate(serializers)]
        yield (router, *clients)
        for client in clients:
            await client.end()


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_welcome_tells_the_truth(run, serializer):
    async def main():
        async with router_and(serializer) as (_, client):
            details = client.welcome
            assert 1 <= client.id <= 2**53
            assert details["realm"] == "realm1"
            assert (details["authrole"], details["authmethod"], details["authprovider"]) == (
                "anonymous",
                "anonymous",
                "static",
            )
            assert len(details["authid"]) > 10 and isinstance(details["authextra"], dict)
            assert details["roles"] == {
                "broker": {"features": dict.fromkeys(BROKER, True)},
                "dealer": {"features": dict.fromkeys(DEALER, True)},
            }

    run(main())


@pytest.mark.parametrize("publisher", SERIALIZERS)
@pytest.mark.parametrize("transport", ["ws", "rs", "unix"])
def test_publish_over_every_transport_and_serializer(run, publisher, transport, tmp_path):
    urls = {"ws": "ws://127.0.0.1:0/ws", "rs": "rs://127.0.0.1:0", "unix": f"unix:{tmp_path}/router.sock"}

    async def main():
        async with router_and(publisher, *SERIALIZERS, listen=[urls[transport]]) as (_, source, *receivers):
            ids = [(await client.ask(32, 1, {}, "com.x"))[2] for client in receivers]
            assert len(set(ids)) == 1
            payload = [[1, "ä", b"\x00\xff", None, 1.5, [True]], {"k": {"n": -1}}]
            published = await source.ask(16, 7, {"acknowledge": True}, "com.x", *payload)
            assert published[:2] == [17, 7]
            for client in receivers:
                assert await client.receive() == [36, ids[0], published[2], {}, *payload]
            source.send(16, 8, {}, "com.x")
            for client in receivers:
                event = await client.receive()
                assert event[:2] == [36, ids[0]] and event[3:] == [{}]
            assert await receivers[0].ask(34, 2, ids[0]) == [35, 2]
            assert (await receivers[0].ask(34, 3, ids[0]))[:5] == [8, 34, 3, {}, "wamp.error.no_such_subscription"]

    run(main())


@pytest.mark.parametrize("caller", SERIALIZERS)
@pytest.mark.parametrize("callee", SERIALIZERS)
def test_calls_between_serializers(run, caller, callee):
    async def main():
        async with router_and(caller, callee, listen=["ws://127.0.0.1:0/", "rs://127.0.0.1:0"]) as (_, a, b):
            _, request, registration = await b.ask(64, 5, {}, "com.add")
            assert request == 5
            a.send(48, 1, {}, "com.add", [2, b"\x01"], {"k": "v"})
            _, invocation, *rest = await b.receive()
            assert rest == [registration, {}, [2, b"\x01"], {"k": "v"}]
            b.send(70, invocation, {}, [5])
            assert await a.receive() == [50, 1, {}, [5]]
            a.send(48, 2, {}, "com.add")
            b.send(8, 68, (await b.receive())[1], {}, "com.error.x", ["why"], {"k": 1})
            assert await a.receive() == [8, 48, 2, {}, "com.error.x", ["why"], {"k": 1}]
            assert await b.ask(66, 6, registration) == [67, 6]
            assert (await a.ask(48, 3, {}, "com.add"))[:5] == [8, 48, 3, {}, "wamp.error.no_such_procedure"]
            assert (await b.ask(66, 7, registration))[:5] == [8, 66, 7, {}, "wamp.error.no_such_registration"]

    run(main())


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_batched_and_plain_on_one_realm(run, serializer):
    async def main():
        batched = f"{serializer}.batched"
        async with router_and(batched, serializer, batched, "json.batched") as (_, source, *receivers):
            ids = [(await client.ask(32, 1, {}, "com.x"))[2] for client in receivers]
            source.send_all([16, 1, {}, "com.x", [1]], [16, 2, {}, "com.x", [2], {"k": "ä"}], [48, 3, {}, "com.none"])
            assert (await source.receive())[:5] == [8, 48, 3, {}, "wamp.error.no_such_procedure"]
            for client, id in zip(receivers, ids, strict=True):
                events = [await client.receive() for _ in range(2)]
                assert [event[:2] + event[3:] for event in events] == [[36, id, {}, [1]], [36, id, {}, [2], {"k": "ä"}]]
            _, _, registration = await receivers[0].ask(64, 2, {}, "com.add")
            source.send_all([48, 4, {}, "com.add", [1]], [48, 5, {}, "com.add", [2]])
            for number in (1, 2):
                _, invocation, *rest = await receivers[0].receive()
                assert rest == [registration, {}, [number]]
                receivers[0].send(70, invocation, {}, [number])
            assert [await source.receive() for _ in range(2)] == [[50, 4, {}, [1]], [50, 5, {}, [2]]]
            if source.batch.separator >= 0:
                assert source.batch.separator == 0x1E  # the client wrote first, the router answers in kind

    run(main())


def test_a_broken_batch_ends_the_session_only_behind_what_was_good(run):
    async def main():
        async with router_and("cbor") as (router, receiver):
            await receiver.ask(32, 1, {}, "com.x")
            source = await Client.joined(router.urls[0], "msgpack.batched")
            good = source.batch.join(source.codec.dumps([16, 1, {}, "com.x", ["last"]]))
            source.send_octets(good + b"\xff\xff\xff\xff")
            assert (await receiver.receive())[4:] == [["last"]]
            assert (await source.receive())[0] == 3
            await source.lost()
            await receiver.quiet()

    run(main())


def test_progress_and_cancel(run):
    async def main():
        async with router_and("json", "msgpack") as (_, a, b):
            await b.ask(64, 1, {}, "com.slow")
            a.send(48, 1, {"receive_progress": True}, "com.slow")
            invocation = await b.receive()
            assert invocation[3] == {"receive_progress": True}
            for i in range(3):
                b.send(70, invocation[1], {"progress": True}, [i])
                assert await a.receive() == [50, 1, {"progress": True}, [i]]
            a.send(49, 1, {"mode": "kill"})
            assert await b.receive() == [69, invocation[1], {"mode": "kill"}]
            b.send(8, 68, invocation[1], {}, "wamp.error.canceled")
            assert await a.receive() == [8, 48, 1, {}, "wamp.error.canceled"]
            a.send(48, 2, {}, "com.slow")
            invocation = await b.receive()
            assert (await a.ask(49, 2, {}))[:5] == [8, 48, 2, {}, "wamp.error.canceled"]
            b.send(70, invocation[1], {}, ["late"])
            await b.quiet()
            await a.quiet()

    run(main())


def test_events_before_and_after_leaving_a_realm(run):
    async def main():
        async with router_and("msgpack", "msgpack") as (_, a, b):
            first = a.id
            await a.ask(32, 1, {"match": "prefix"}, "com.")
            assert await a.ask(6, {}, "wamp.close.close_realm") == [6, {}, "wamp.close.goodbye_and_out"]
            assert (await b.ask(16, 1, {"acknowledge": True}, "com.x"))[0] == 17
            welcome = await a.ask(1, "realm1", {"roles": ROLES})
            assert welcome[0] == 2 and welcome[1] != first
            await a.quiet()

    run(main())


@pytest.mark.parametrize("serializer", ["msgpack", "json"])
def test_what_a_client_sent_before_it_heard_that_it_has_left_is_dropped(run, serializer, caplog):
    async def main():
        async with router_and(serializer, serializer) as (_, a, b):
            await b.ask(32, 1, {}, "com.x")
            await b.ask(64, 2, {}, "com.p")
            a.send(6, {}, "wamp.close.close_realm")
            a.send(16, 1, {"acknowledge": True}, "com.x")
            a.send(48, 2, {}, "com.p")
            a.send(70, 1, {})
            a.send(8, 68, 1, {}, "com.error")
            a.send(32, 3, {}, "com.x")
            a.send(34, 4, 1)
            a.send(64, 5, {}, "com.q")
            a.send(49, 2, {})
            assert await a.receive() == [6, {}, "wamp.close.goodbye_and_out"]
            assert (await a.ask(1, "realm1", {"roles": ROLES}))[0] == 2  # nothing else was answered
            assert (await a.ask(16, 1, {"acknowledge": True}, "com.y"))[0] == 17
            await b.quiet()
        assert caplog.records == []
        async with Router() as router:
            a = await Client.joined(router.urls[0], serializer)
            await a.ask(6, {}, "wamp.close.close_realm")
            a.send(50, 1, {})  # what no client may send ends the connection still
            assert (await a.receive())[2] == "wamp.error.protocol_violation"

    run(main())


def test_realms_are_apart(run):
    async def main():
        async with Router(realms=["realm1", "realm2"]) as router:
            a, b = await Client.joined(router.urls[0]), await Client.connect(router.urls[0])
            assert (await b.ask(1, "realm2", {"roles": ROLES}))[2]["realm"] == "realm2"
            await a.ask(32, 1, {}, "com.x")
            await a.ask(64, 2, {}, "com.x")
            await b.ask(16, 1, {"acknowledge": True}, "com.x")
            assert (await b.ask(48, 2, {}, "com.x"))[4] == "wamp.error.no_such_procedure"
            await a.quiet()
            await a.end()
            await b.end()

    run(main())


@pytest.mark.parametrize("url", ["ws://127.0.0.1:0/", "rs://127.0.0.1:0"])
def test_a_connection_that_is_cut_leaves_nothing(run, url):
    async def main():
        async with router_and("msgpack", "json", listen=[url]) as (router, stays, goes):
            await goes.ask(32, 1, {"match": "wildcard"}, "..x")
            await goes.ask(64, 2, {}, "com.gone")
            await stays.ask(64, 3, {}, "com.stays")
            stays.send(48, 4, {}, "com.gone")
            assert (await goes.receive())[0] == 68
            goes.send(48, 5, {}, "com.stays")
            invocation = await stays.receive()
            goes.cut()
            answers = [await stays.receive(), await stays.receive()]
            assert [8, 48, 4, {}, "wamp.error.canceled"] in [answer[:5] for answer in answers]
            assert [69, invocation[1], {"mode": "killnowait"}] in answers
            stays.send(70, invocation[1], {}, ["late"])
            assert (await stays.ask(48, 6, {}, "com.gone"))[4] == "wamp.error.no_such_procedure"
            realm = router.realms["realm1"]
            assert list(realm.sessions) == [stays.id]
            assert len(realm.broker.subscriptions) == 0 and len(realm.dealer.registrations) == 1

    run(main())


def test_a_payload_the_other_side_cannot_have(run):
    async def main():
        async with router_and("msgpack", "json") as (_, a, b):
            nan = float("nan")
            await b.ask(64, 1, {}, "com.x")
            await b.ask(32, 2, {}, "com.x")
            assert (await a.ask(48, 1, {}, "com.x", [{b"k": nan}]))[:5] == [8, 48, 1, {}, "wamp.error.invalid_payload"]
            await a.ask(16, 2, {"acknowledge": True}, "com.x", [{b"k": nan}])
            await b.quiet()
            await a.ask(64, 3, {}, "com.y")
            b.send(48, 3, {}, "com.y")
            a.send(70, (await a.receive())[1], {}, [{b"k": nan}])
            assert (await b.receive())[:5] == [8, 48, 3, {}, "wamp.error.invalid_payload"]

    run(main())


def test_bad_uris_are_answered(run):
    async def main():
        async with router_and("json") as (_, a):
            for uri in ("", "a..b", "a b", "a#b"):
                for request in (
                    [32, 1, {}, uri],
                    [64, 1, {}, uri],
                    [48, 1, {}, uri],
                    [16, 1, {"acknowledge": True}, uri],
                ):
                    answer = await a.ask(*request)
                    assert answer[:5] == [8, request[0], 1, {}, "wamp.error.invalid_uri"]
            assert (await a.ask(64, 1, {}, "wamp.x"))[4] == "wamp.error.invalid_uri"
            assert (await a.ask(16, 1, {"acknowledge": True}, "wamp.x"))[4] == "wamp.error.invalid_uri"
            a.send(16, 1, {}, "a b")
            await a.quiet()
            assert (await a.ask(32, 1, {"match": "wildcard"}, "a..b"))[0] == 33
            assert (await a.ask(32, 1, {"match": "prefix"}, "a."))[0] == 33

    run(main())


@pytest.mark.parametrize("url", ["ws://127.0.0.1:0/", "rs://127.0.0.1:0"])
def test_stop_says_goodbye(run, url):
    async def main():
        router = Router([url])
        await router.start()
        with pytest.raises(RuntimeError, match="started already"):
            await router.start()
        one, silent = await Client.joined(router.urls[0]), await Client.connect(router.urls[0])
        stopping = asyncio.ensure_future(router.stop())
        assert await one.receive() == [6, {}, "wamp.close.system_shutdown"]
        one.send(6, {}, "wamp.close.goodbye_and_out")
        await one.lost()
        await silent.lost()
        await stopping
        assert router.urls == []
        await router.start()
        await (await Client.joined(router.urls[0])).end()
        await router.stop()

    run(main())


def test_stop_does_not_wait_for_the_deaf(run):
    async def main():
        router = Router()
        await router.start()
        one = await Client.joined(router.urls[0])
        await router.stop(timeout=0.2)
        await one.lost()
        assert not router.realms["realm1"].sessions

    run(main())


def test_nothing_listens_when_one_address_is_taken(run):
    async def main():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            router = Router(["rs://127.0.0.1:0", f"ws://127.0.0.1:{taken.getsockname()[1]}/"])
            with pytest.raises(OSError):
                await router.start()
            assert router.urls == [] and router._listeners == []

    run(main())


def test_a_unix_socket_is_removed_and_a_stale_one_replaced(run, tmp_path):
    path = str(tmp_path / "x.sock")

    async def main():
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        async with Router([f"unix:{path}"]) as router:
            assert router.urls == [f"unix:{path}"]
            await (await Client.joined(router.urls[0])).end()
        assert not os.path.exists(path)

    run(main())


def test_a_client_that_does_not_read_is_dropped_and_others_are_served(run):
    async def main():
        async with router_and("msgpack", "msgpack", max_lag=2**20, max_stall=0.1) as (router, source, reads):
            deaf = await Client.joined(router.urls[0])
            for client in (deaf, reads):
                await client.ask(32, 1, {}, "com.x")
            deaf.transport.pause_reading()
            sent = 0
            while len(router.realms["realm1"].sessions) == 3:
                assert sent < 500
                source.send(16, sent + 1, {}, "com.x", ["x" * 100_000])
                sent += 1
                assert (await reads.receive())[0] == 36
            assert (await source.ask(16, sent + 1, {"acknowledge": True}, "com.x"))[0] == 17
            assert (await reads.receive())[0] == 36
            deaf.transport.resume_reading()
            await deaf.lost()

    run(main())


def test_a_large_lag_within_the_limit_is_delivered(run):
    async def main():
        async with router_and("msgpack", "msgpack") as (_, source, slow):
            await slow.ask(32, 1, {}, "com.x")
            slow.transport.pause_reading()
            for i in range(200):
                source.send(16, i + 1, {}, "com.x", [i, "x" * 100_000])
            await source.quiet()
            slow.transport.resume_reading()
            assert [(await slow.receive())[4][0] for _ in range(200)] == list(range(200))

    run(main())


def test_a_publisher_waits_for_a_slow_subscriber_and_nothing_is_lost(run):
    async def main():
        async with router_and("msgpack", "msgpack", max_lag=2**23, max_stall=30) as (_router, source, slow):
            await slow.ask(32, 1, {}, "com.x")
            slow.transport.pause_reading()
            for i in range(500):
                source.send(16, i + 1, {}, "com.x", [i, "x" * 100_000])
            answer = asyncio.ensure_future(source.ask(34, 1, 1))
            await asyncio.sleep(0.3)
            assert not answer.done()
            slow.transport.resume_reading()
            assert [(await slow.receive())[4][0] for _ in range(500)] == list(range(500))
            assert (await answer)[0] == 8

    run(main())


def test_one_that_does_not_read_holds_others_up_only_for_a_while(run):
    async def main():
        async with router_and("msgpack", "msgpack", max_stall=0.2) as (_router, source, deaf):
            await deaf.ask(32, 1, {}, "com.x")
            deaf.transport.pause_reading()
            for _ in range(3):
                for i in range(50):
                    source.send(16, i + 1, {}, "com.x", [i, "x" * 100_000])
                await source.quiet()
            deaf.transport.resume_reading()
            for _ in range(150):
                await deaf.receive()

    run(main())


def test_publishers_go_on_when_the_one_they_wait_for_is_gone(run):
    async def main():
        async with router_and("msgpack", "msgpack", max_stall=30) as (router, source, other):
            deaf = await Client.joined(router.urls[0])
            await deaf.ask(32, 1, {}, "com.x")
            deaf.transport.pause_reading()
            for i in range(100):
                source.send(16, i + 1, {}, "com.x", [i, "x" * 100_000])
            answer = asyncio.ensure_future(source.ask(34, 1, 1))
            await other.quiet()
            deaf.cut()
            assert (await answer)[0] == 8

    run(main())


@pytest.mark.parametrize(
    ("arguments", "options", "exc"),
    [
        ((["http://x/"],), {}, ValueError),
        ((["rs://127.0.0.1"],), {}, ValueError),
        ((["unix:"],), {}, ValueError),
        ((["wss://127.0.0.1:0/"],), {}, ValueError),
        (([],), {}, ValueError),
        (("ws://127.0.0.1:0/",), {}, TypeError),
        ((["ws://127.0.0.1:0/"], []), {}, ValueError),
        ((), {"serializers": ["xml"]}, ValueError),
        ((), {"serializers": []}, ValueError),
        ((), {"max_message_size": 1}, ValueError),
        ((), {"max_lag": -1}, ValueError),
        ((), {"max_stall": -1}, ValueError),
    ],
)
def test_wrong_arguments(arguments, options, exc):
    with pytest.raises(exc):
        Router(*arguments, **options)


def test_a_loop_turn_costs_one_call_of_the_loop_for_all_receivers(run):
    async def main():
        async with router_and(*["msgpack"] * 12) as (router, publisher, *subscribers):
            for client in subscribers:
                assert (await client.ask(32, 1, {}, "com.topic"))[0] == 33
            called = []
            for session in router._connections:
                engine = session.wire.engine
                defer = asyncio.get_running_loop().call_soon
                engine.attach(
                    session.transport.transport.write, lambda f, defer=defer: (called.append(f.__self__), defer(f))
                )
            publisher.send_all(*([16, number + 1, {}, "com.topic", [number]] for number in range(3)))
            for client in subscribers:
                assert [(await client.receive())[4] for _ in range(3)] == [[0], [1], [2]]
            assert set(called) == {router.exchange}

    run(main())
