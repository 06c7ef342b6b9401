# SPDX-License-Identifier: MIT
"""Clients that break the rules: each ends with a clear ABORT, and nobody else notices."""

import asyncio
import random

import pytest
from _client import ROLES, Client

from autobahn_fast.router import Router

VIOLATION = "wamp.error.protocol_violation"

BEFORE_HELLO = [
    [32, 1, {}, "com.x"],
    [16, 1, {}, "com.x"],
    [48, 1, {}, "com.x"],
    [70, 1, {}],
    [8, 68, 1, {}, "com.x"],
    [6, {}, "wamp.close.normal"],
    [49, 1, {}],
    [2, 1, {"roles": {"broker": {}}}],
    [5, "secret", {}],
    [1],
    [1, 5, {}],
    [1, "realm1"],
    [1, "realm1", {}],
    [1, "realm1", []],
    [1, "realm1", {"roles": 5}],
    [1, "realm1", {"roles": {"callee": {"features": {"call_canceling": 1}}}}],
    [1, "realm 1", {"roles": {"callee": {}}}],
    [],
    {},
    "text",
    [1.5],
    [None],
    [-1, 2],
    [2**60],
]

JOINED = [
    [1, "realm1", {"roles": {"caller": {}}}],
    [2, 1, {"roles": {"broker": {}}}],
    [4, "ticket", {}],
    [5, "secret", {}],
    [8, 48, 1, {}, "com.x"],
    [8, 68, 99, {}, "com.x"],
    [17, 1, 2],
    [33, 1, 2],
    [35, 1],
    [36, 1, 2, {}],
    [50, 1, {}],
    [65, 1, 2],
    [67, 1],
    [68, 1, 2, {}],
    [69, 1, {}],
    [70, 99, {}],
    [99, 1],
    [32],
    [32, 1],
    [32, 1, {}],
    [32, 1, {}, 5],
    [32, 0, {}, "com.x"],
    [32, 2**53 + 1, {}, "com.x"],
    [32, "1", {}, "com.x"],
    [32, 1, {"match": "regex"}, "com.x"],
    [32, 1, {"match": 5}, "com.x"],
    [34, 1, -1],
    [64, 1, {"invoke": "all"}, "com.x"],
    [64, 1, {"match": []}, "com.x"],
    [66, 1, "x"],
    [49, 1, {"mode": "gently"}],
    [49, 1],
    [16, 1, {"exclude": "all"}, "com.x"],
    [16, 1, {"eligible_authid": [5]}, "com.x"],
    [16, 1, {}, "com.x", "args"],
    [48, 1, {}, "com.x", [], []],
]


async def check_others(router):
    one, two = await Client.joined(router.urls[0]), await Client.joined(router.urls[0], "json")
    await one.ask(32, 1, {}, "com.x")
    two.send(16, 1, {}, "com.x", ["still here"])
    assert (await one.receive())[4] == ["still here"]
    await one.end()
    await two.end()


@pytest.mark.parametrize("url", ["ws://127.0.0.1:0/", "rs://127.0.0.1:0"])
@pytest.mark.parametrize("serializer", ["msgpack", "json", "cbor", "ubjson"])
def test_violations_end_in_abort(run, url, serializer):
    async def main():
        async with Router([url]) as router:
            for joined, messages in ((False, BEFORE_HELLO), (True, JOINED)):
                for raw in messages:
                    client = await (Client.joined if joined else Client.connect)(router.urls[0], serializer)
                    client.send_octets(client.codec.dumps(raw))
                    client.send(16, 1, {}, "com.x")
                    answer = await client.receive()
                    assert (answer[0], answer[2]) == (3, VIOLATION), (raw, answer)
                    assert answer[1]["message"]
                    await client.lost()
                    assert client.messages.empty()
            assert not router.realms["realm1"].sessions
            await check_others(router)

    run(main())


def test_refusals(run):
    async def main():
        async with Router() as router:
            for details, realm, reason in (
                ({"roles": ROLES}, "nowhere", "wamp.error.no_such_realm"),
                ({"roles": ROLES, "authmethods": ["ticket"]}, "realm1", "wamp.error.no_matching_auth_method"),
            ):
                client = await Client.connect(router.urls[0])
                answer = await client.ask(1, realm, details)
                assert (answer[0], answer[2]) == (3, reason)
                await client.lost()
            for details in (
                {"authmethods": ["ticket", "anonymous"]},
                {"authmethods": []},
                {"authid": "me", "x_more": [1]},
            ):
                client = await Client.connect(router.urls[0])
                assert (await client.ask(1, "realm1", {"roles": ROLES, **details}))[0] == 2
                await client.end()

    run(main())


def test_harmless_races_are_tolerated(run):
    async def main():
        async with Router() as router:
            a, b = await Client.joined(router.urls[0]), await Client.joined(router.urls[0])
            await b.ask(64, 1, {}, "com.x")
            a.send(48, 7, {}, "com.x")
            invocation = (await b.receive())[1]
            b.send(70, invocation, {})
            assert (await a.receive())[0] == 50
            a.send(49, 7, {"mode": "kill"})
            a.send(49, 1234, {})
            b.send(70, invocation, {})
            b.send(8, 68, invocation, {}, "wamp.error.canceled")
            await a.quiet()
            await b.quiet()
            a.send(48, 7, {}, "com.x")
            b.send(70, (await b.receive())[1], {})
            assert (await a.receive())[:2] == [50, 7]
            await a.end()
            await b.end()

    run(main())


def test_a_request_id_of_a_call_under_way(run):
    async def main():
        async with Router() as router:
            a = await Client.joined(router.urls[0])
            await a.ask(64, 1, {}, "com.x")
            a.send(48, 2, {}, "com.x")
            await a.receive()
            answer = await a.ask(48, 2, {}, "com.x")
            assert (answer[0], answer[2]) == (3, VIOLATION)
            await a.lost()

    run(main())


@pytest.mark.parametrize("url", ["ws://127.0.0.1:0/", "rs://127.0.0.1:0"])
def test_messages_beyond_the_limit_end_the_connection(run, url):
    async def main():
        async with Router([url], max_message_size=4096) as router:
            client = await Client.joined(router.urls[0])
            assert (await client.ask(16, 1, {"acknowledge": True}, "com.x", ["x" * 3000]))[0] == 17
            try:
                client.send(16, 2, {}, "com.x", ["x" * 5000])
            except Exception as exc:  # noqa: BLE001 - RawSocket: the limit was announced
                assert type(exc).__name__ == "PayloadTooLarge"
                client.transport.write(b"\x00\x00\x20\x00" + b"x" * 8192)
            await client.lost()
            await check_others(router)

    run(main())


@pytest.mark.parametrize("url", ["ws://127.0.0.1:0/", "rs://127.0.0.1:0"])
def test_garbage_on_the_socket(run, url, tmp_path):
    rng = random.Random(1)

    async def main():
        async with Router([url, f"unix:{tmp_path}/s"]) as router:
            host, port = router.urls[0].partition("://")[2].rstrip("/").split(":")
            for octets in (
                b"",
                b"\x00" * 100,
                b"\x7f",
                b"\x7f\xf2\x00\x01",
                b"\x7f\xf7\x00\x00",
                b"GET / HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000,
                rng.randbytes(1000),
            ):
                for open_it in (
                    asyncio.open_connection(host, int(port)),
                    asyncio.open_unix_connection(f"{tmp_path}/s"),
                ):
                    reader, writer = await open_it
                    writer.write(octets)
                    try:
                        await asyncio.wait_for(reader.read(100), 0.05)
                    except (TimeoutError, ConnectionError):
                        pass
                    writer.transport.abort()
            for _ in range(20):
                client = await Client.joined(router.urls[0])
                client.transport.write(rng.randbytes(200))
                client.transport.close()
                await client.lost()
            await check_others(router)

    run(main())


def test_mutated_messages_reach_an_end(run):
    rng = random.Random(2)
    samples = [
        [16, 1, {"exclude": [1], "acknowledge": True}, "com.x", [1, "a"], {"k": 2}],
        [48, 1, {"receive_progress": True}, "com.x", [1]],
        [64, 1, {"invoke": "first", "match": "prefix"}, "com.x"],
        [32, 1, {"match": "wildcard"}, "com..x"],
        [1, "realm1", {"roles": ROLES}],
        [49, 1, {"mode": "kill"}],
    ]

    async def main():
        async with Router() as router:
            for i in range(150):
                client = await Client.joined(router.urls[0], ["msgpack", "json", "cbor"][i % 3])
                octets = bytearray(client.codec.dumps(rng.choice(samples)))
                for _ in range(rng.randint(1, 3)):
                    octets[rng.randrange(len(octets))] = rng.randrange(128)
                client.send_octets(bytes(octets))
                client.send(6, {}, "wamp.close.normal")
                while (await client.receive())[0] not in (3, 6):
                    pass
                client.cut()
                await client.lost()
            await check_others(router)

    run(main())
