# SPDX-License-Identifier: MIT
"""AutobahnJS and wampy.js with our sessions through our router, in every combination of serializers.

``make test-js`` installs what these tests need, without which they are skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from _node import WHY_NOT, JsError, JsSession
from _world import Play, World

from autobahn_fast.router import Router
from autobahn_fast.wamp.auth import derive_key
from autobahn_fast.wamp.cryptosign import CryptosignKey
from autobahn_fast.wamp.exception import ApplicationError
from autobahn_fast.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions, SubscribeOptions

LIBRARIES = ("autobahn", "wampy")
SERIALIZERS = ("json", "msgpack", "cbor")
BINARY = ("msgpack", "cbor")
ARGS: tuple[Any, ...] = (
    *(0, 1, -1, 255, -129, 65536, 2**31, -(2**31) - 1, 2**53 - 1, 0.5, -1e300, True, False, None),
    *("", "Grüße 你好 𝄞", 'a "quoted\\ \n line', "x" * 70_000, [], {}, [[[1], 2], {"deep": [None, {"er": 0.25}]}]),
)
KWARGS: dict[str, Any] = {"number": 7, "text": "ключ", "list": [1, "2", None], "object": {"empty": {}, "yes": True}}
OCTETS = bytes(range(256))
SEED = "51" * 32
PUBKEY = CryptosignKey.from_bytes(bytes.fromhex(SEED)).public_key()
AUTH: dict[str, dict[str, Any]] = {
    "ticket": {"users": {"joe": {"ticket": "a ticket"}}},
    "wampcra": {
        "users": {
            "joe": {"secret": "a secret"},
            "salted": {"secret": derive_key("a salted secret", "salt", 100, 32).decode(), "salt": "salt",
                       "iterations": 100, "keylen": 32},
        }
    },
    "cryptosign": {"users": {"joe": {"authorized_keys": [PUBKEY]}}},
}  # fmt: skip
ACK = PublishOptions(acknowledge=True)

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
all_pairs = pytest.mark.parametrize(
    ("library", "js", "py"),
    [(library, js, py) for library in LIBRARIES for js in SERIALIZERS for py in SERIALIZERS],
)
binary_pairs = pytest.mark.parametrize(
    ("library", "js", "py"), [(library, js, py) for library in LIBRARIES for js in BINARY for py in BINARY]
)


async def soon(queue: asyncio.Queue[Any]) -> Any:
    """The next item of a queue."""
    return await asyncio.wait_for(queue.get(), 10)


async def listen(session: Any, uri: str, **options: Any) -> asyncio.Queue[Any]:
    """Subscribe with a session of ours; the queue gets (args, kwargs, details)."""
    events: asyncio.Queue[Any] = asyncio.Queue()

    def handle(*args: Any, details: Any, **kwargs: Any) -> None:
        events.put_nowait((args, kwargs, details))

    await session.subscribe(handle, uri, SubscribeOptions(details=True, **options))
    return events


def echo(*args: Any, **kwargs: Any) -> CallResult:
    return CallResult(*args, **kwargs)


@all_pairs
def test_it_calls_us(library: str, js: str, py: str, play: Play) -> None:
    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        await ours.register(echo, uri)
        assert await theirs.call(uri, *ARGS, **KWARGS) == (list(ARGS), KWARGS)
        await ours.register(lambda: None, nothing := world.uri())
        assert (await theirs.call(nothing))[0] in ([], [None])

    play(scene)


@all_pairs
def test_we_call_it(library: str, js: str, py: str, play: Play) -> None:
    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        await theirs.register(uri, "echo")
        result = await ours.call(uri, *ARGS, **KWARGS)
        assert (result.results, result.kwresults) == (ARGS, KWARGS)
        assert await ours.call(uri, "alone") == "alone"
        await theirs.register(nothing := world.uri(), "nothing")
        assert await ours.call(nothing) is None

    play(scene)


@all_pairs
def test_it_publishes_and_we_receive(library: str, js: str, py: str, play: Play) -> None:
    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        events = await listen(ours, uri)
        await theirs.publish(uri, *ARGS, **KWARGS)
        args, kwargs, details = await soon(events)
        assert (args, kwargs) == (ARGS, KWARGS)
        assert details.publisher is None
        await theirs.publish(uri, "no", options={"exclude": [ours.session_id]})
        await theirs.publish(uri, "no", options={"eligible": [theirs.id]})
        await theirs.publish(uri, "yes", options={"eligible": [ours.session_id], "disclose_me": True})
        args, _, details = await soon(events)
        assert (args, details.publisher) == (("yes",), theirs.id)

    play(scene)


@all_pairs
def test_we_publish_and_it_receives(library: str, js: str, py: str, play: Play) -> None:
    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        events = await theirs.subscribe(uri)
        await ours.publish(uri, *ARGS, options=ACK, **KWARGS)
        event = await soon(events)
        assert (event["args"], event["kwargs"]) == (list(ARGS), KWARGS)
        for options in (PublishOptions(exclude=[theirs.id]), PublishOptions(eligible=[ours.session_id])):
            ours.publish(uri, "no", options=options)
        ours.publish(uri, "yes", options=PublishOptions(eligible=[theirs.id], disclose_me=True))
        event = await soon(events)
        assert (event["args"], event["details"]["publisher"]) == (["yes"], ours.session_id)

    play(scene)


@binary_pairs
def test_octets(library: str, js: str, py: str, play: Play) -> None:
    """Alone, inside of other values and many of them: calls and events, both ways."""
    args: list[Any] = [OCTETS, b"", [OCTETS], OCTETS * 300]
    kwargs: dict[str, Any] = {"in": {"side": OCTETS}}

    async def scene(world: World) -> None:
        ours, theirs = await world.ours(py), await world.theirs(library, js)
        await theirs.register(there := world.uri(), "echo")
        result = await ours.call(there, *args, **kwargs)
        assert (list(result.results), result.kwresults) == (args, kwargs)
        await ours.register(echo, here := world.uri())
        assert await theirs.call(here, *args, **kwargs) == (args, kwargs)
        topic = world.uri()
        received, sent = await listen(ours, topic), await theirs.subscribe(topic)
        await ours.publish(topic, *args, options=ACK, **kwargs)
        event = await soon(sent)
        assert (event["args"], event["kwargs"]) == (args, kwargs)
        await theirs.publish(topic, *args, **kwargs)
        assert (await soon(received))[:2] == (tuple(args), kwargs)

    play(scene)


@all_pairs
def test_progressive_results(library: str, js: str, py: str, play: Play) -> None:
    def count(number: int, details: Any) -> int:
        for i in range(number):
            details.progress(i, left=number - i)
        return number

    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        await ours.register(count, uri, RegisterOptions(details=True))
        expected = [([i], {"left": 3 - i}) for i in range(3)]
        assert await theirs.call(uri, 3, progress=True) == [*expected, ([3], {})]
        await theirs.register(uri := world.uri(), "count")
        interim: list[Any] = []
        options = CallOptions(on_progress=lambda *args, **kwargs: interim.append((list(args), kwargs)))
        assert await ours.call(uri, 3, options=options) == 3
        assert interim == expected

    play(scene)


@all_pairs
def test_errors(library: str, js: str, py: str, play: Play) -> None:
    def fail() -> None:
        raise ApplicationError("com.example.error", "no", 7, why="because")

    async def scene(world: World) -> None:
        ours, theirs, mine = await world.ours(py), await world.theirs(library, js), world.uri()
        ours.onUserError = lambda failure, text: None
        await ours.register(fail, mine)
        with pytest.raises(JsError) as theirs_failed:
            await theirs.call(mine)
        error = theirs_failed.value
        assert (error.uri, error.args_sent, error.kwargs_sent) == ("com.example.error", ["no", 7], {"why": "because"})
        await theirs.register(uri := world.uri(), "fail")
        with pytest.raises(ApplicationError) as ours_failed:
            await ours.call(uri)
        failed = ours_failed.value
        assert (failed.error, failed.args, failed.kwargs) == ("com.example.error", ("no", 7), {"why": "because"})
        with pytest.raises(JsError) as missing:
            await theirs.call(world.uri())
        assert missing.value.uri == "wamp.error.no_such_procedure"
        with pytest.raises(JsError) as taken:
            await theirs.register(mine, "echo")
        assert taken.value.uri == "wamp.error.procedure_already_exists"

    play(scene)


@all_pairs
def test_patterns(library: str, js: str, py: str, play: Play) -> None:
    """Prefixes and wildcards: registered and subscribed to on either side."""

    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        for match, pattern, full in (("prefix", ".p", ".p.one.two"), ("wildcard", "..w", ".any.w")):
            options = RegisterOptions(match=match, details=True)
            await ours.register(lambda details: details.procedure, f"{uri}.py{pattern}", options)
            assert await theirs.call(f"{uri}.py{full}") == ([f"{uri}.py{full}"], {})
            await theirs.register(f"{uri}.js{pattern}", "details", match=match)
            assert (await ours.call(f"{uri}.js{full}"))["procedure"] == f"{uri}.js{full}"
            received = await listen(ours, f"{uri}.t{pattern}", match=match)
            sent = await theirs.subscribe(f"{uri}.t{pattern}", match=match)
            await theirs.publish(f"{uri}.t{full}", 1)
            args, _, details = await soon(received)
            assert (args, details.topic) == ((1,), f"{uri}.t{full}")
            await ours.publish(f"{uri}.t{full}", 2, options=ACK)
            event = await soon(sent)
            assert (event["args"], event["details"]["topic"]) == ([2], f"{uri}.t{full}")

    play(scene)


@all_pairs
def test_who_calls(library: str, js: str, py: str, play: Play) -> None:
    async def scene(world: World) -> None:
        ours, theirs, uri = await world.ours(py), await world.theirs(library, js), world.uri()
        await ours.register(lambda details: details.caller, uri, RegisterOptions(details=True))
        assert (await theirs.call(uri, options={"disclose_me": True}))[0] == [theirs.id]
        await theirs.register(uri := world.uri(), "details")
        assert (await ours.call(uri, options=CallOptions(disclose_me=True)))["caller"] == ours.session_id

    play(scene)


@pytest.mark.parametrize("js", SERIALIZERS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_meta_api(library: str, js: str, play: Play) -> None:
    """Ids of sessions, which JavaScript may send as floats."""

    async def scene(world: World) -> None:
        ours, theirs = await world.ours("cbor"), await world.theirs(library, js)
        (told,), _ = await theirs.call("wamp.session.get", ours.session_id)
        assert told["session"] == ours.session_id
        assert ours.session_id in (await theirs.call("wamp.session.list"))[0][0]

    play(scene)


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_our_session_on_twisted(library: str, serializer: str, play: Play) -> None:
    """It calls, publishes and is called."""
    program = Path(__file__).with_name("_twisted_session.py")
    octets = "text" if serializer == "json" else b"\x00\xff"

    async def scene(world: World) -> None:
        theirs, names = await world.theirs(library, serializer), [world.uri() for _ in range(3)]
        await theirs.register(names[0], "echo")
        events = await theirs.subscribe(names[2])
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), world.url, serializer, *names,
            env={**os.environ, "PYTHONPATH": str(program.parents[3])},
        )  # fmt: skip
        try:
            event = await soon(events)
            assert (event["args"], event["kwargs"]) == ([octets, 1.5], {"word": "w"})
            assert await theirs.call(names[1], octets, x=[1]) == ([octets], {"x": [1]})
            with contextlib.suppress(JsError):  # it may be gone before its answer is out
                await theirs.call(names[1], "stop")
            assert await asyncio.wait_for(process.wait(), 10) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    play(scene)


@pytest.mark.parametrize("callee", SERIALIZERS)
@pytest.mark.parametrize("caller", SERIALIZERS)
def test_the_libraries_with_each_other(caller: str, callee: str, play: Play) -> None:
    """Our router between two clients that are not ours: what one writes, the other one can read."""

    async def both_ways(one: JsSession, other: JsSession, world: World) -> None:
        await other.register(uri := world.uri(), "echo")
        octets = [OCTETS] if {caller, callee} <= set(BINARY) else []
        args = [*ARGS, *octets]
        assert await one.call(uri, *args, **KWARGS) == (args, KWARGS)
        events = await other.subscribe(topic := world.uri())
        await one.publish(topic, *args, **KWARGS)
        event = await soon(events)
        assert (event["args"], event["kwargs"]) == (args, KWARGS)

    async def scene(world: World) -> None:
        first, second = await world.theirs("autobahn", caller), await world.theirs("wampy", callee)
        await both_ways(first, second, world)
        await both_ways(second, first, world)

    play(scene)


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize(
    ("method", "authid", "secret", "reason"),
    [
        ("ticket", "joe", "a ticket", None),
        ("ticket", "joe", "another ticket", "wamp.error.authentication_denied"),
        ("wampcra", "joe", "a secret", None),
        ("wampcra", "salted", "a salted secret", None),
        ("wampcra", "joe", "another secret", "wamp.error.authentication_denied"),
        ("cryptosign", "joe", SEED, None),
        ("cryptosign", "joe", "52" * 32, "wamp.error.authentication_denied"),
    ],
)
@pytest.mark.parametrize("library", LIBRARIES)
def test_it_authenticates(
    library: str, serializer: str, method: str, authid: str, secret: str, reason: str | None, play: Play,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.ERROR, "autobahn_fast")  # that somebody was denied is a warning
    auth = {"method": method, "authid": authid, "secret": secret}
    if method == "cryptosign":
        auth["pubkey"] = PUBKEY

    async def scene(world: World) -> None:
        realm = {"name": "realm1", "auth": {name: {**entry, "authrole": "user"} for name, entry in AUTH.items()}}
        session = (await world.node(library)).session()
        async with Router(["ws://127.0.0.1:0/ws"], [realm]) as router:
            if reason is None:
                await session.join(router.urls[0], serializer, auth)
                (told,), _ = await session.call("wamp.session.get", session.id)
                assert (told["authid"], told["authmethod"], told["authrole"]) == (authid, method, "user")
                await session.leave()
            else:
                with pytest.raises(JsError):
                    await session.join(router.urls[0], serializer, auth)

    play(scene)
