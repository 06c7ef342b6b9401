# SPDX-License-Identifier: MIT
"""Register and call through a Crossbar node, over every transport, serializer and loop."""

from __future__ import annotations

from typing import Any

import pytest
from crossbar_session import Box, Live, Run, load


def test_arguments_and_results(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        def echo(*args: Any, **kwargs: Any) -> Any:
            return types.CallResult(*args, **kwargs) if kwargs or len(args) > 1 else args[0] if args else None

        async with live() as callee, live() as caller:
            await callee.register(echo, "com.test.echo")
            assert await caller.call("com.test.echo") is None
            for value in (1, "é", [1, 2], {"a": None}, b"\x00\x01", 1.25, True):
                assert await caller.call("com.test.echo", value) == value
            result = await caller.call("com.test.echo", 1, 2, word="w")
            assert (tuple(result.results), result.kwresults) == ((1, 2), {"word": "w"})

    run(test)


def test_many_calls_in_flight(run: Run) -> None:
    async def test(live: Live) -> None:
        async def double(number: int) -> int:
            await live.sleep(0)
            return 2 * number

        async with live() as callee, live() as caller:
            await callee.register(double, "com.test.double")
            results = await live.gather(caller.call("com.test.double", n) for n in range(300))
            assert results == [2 * n for n in range(300)]

    run(test)


def test_details_of_a_call(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        async with live() as callee, live() as caller:

            def who(details: Any = None) -> list[Any]:
                return [details.caller, details.caller_authrole, details.procedure]

            options = types.RegisterOptions(match="prefix", details_arg="details")
            await callee.register(who, "com.test.who", options=options)
            assert await caller.call("com.test.who.am.i") == [caller._session_id, "anonymous", "com.test.who.am.i"]

    run(test)


def test_progressive_results(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        async def count(upto: int, details: Any = None) -> str:
            for number in range(upto):
                details.progress(number)
                await live.sleep(0)
            return "done"

        progress: list[int] = []
        async with live() as callee, live() as caller:
            await callee.register(count, "com.test.count", options=types.RegisterOptions(details_arg="details"))
            options = types.CallOptions(on_progress=progress.append)
            assert await caller.call("com.test.count", 20, options=options) == "done"
        assert progress == list(range(20))

    run(test)


def test_cancelled_call(run: Run) -> None:
    async def test(live: Live) -> None:
        started, cancelled = live.box(), live.box()

        async def wait() -> None:
            started.put()
            try:
                await live.sleep(60)
            except live.cancelled_errors:
                cancelled.put()
                raise

        async with live() as callee, live() as caller:
            await callee.register(wait, "com.test.wait")
            call = caller.call("com.test.wait")
            await started.next()
            call.cancel()
            with pytest.raises(live.cancelled_errors):
                await call
            await cancelled.next()

    run(test)


def test_errors_both_ways(run: Run) -> None:
    exception = load("wamp.exception")

    async def test(live: Live) -> None:
        class Refused(Exception):
            def __init__(self, *args: Any, **_kwargs: Any) -> None:
                super().__init__(*args)

        def application_error() -> None:
            raise exception.ApplicationError("com.error.mine", 1, "two", reason="because")

        def defined_error() -> None:
            raise Refused("no", 7)

        def any_error() -> None:
            raise ValueError("some value")

        async with live() as callee, live() as caller:
            callee.traceback_app = False
            callee.onUserError = lambda failure, message: None
            callee.define(Refused, "com.error.refused")
            caller.define(Refused, "com.error.refused")
            for function in (application_error, defined_error, any_error):
                await callee.register(function, f"com.test.{function.__name__}")
            with pytest.raises(exception.ApplicationError) as application:
                await caller.call("com.test.application_error")
            assert application.value.error == "com.error.mine"
            assert tuple(application.value.args) == (1, "two")
            assert application.value.kwargs["reason"] == "because"
            with pytest.raises(Refused) as refused:
                await caller.call("com.test.defined_error")
            assert refused.value.args == ("no", 7)
            with pytest.raises(exception.ApplicationError) as other:
                await caller.call("com.test.any_error")
            assert other.value.error == "wamp.error.runtime_error"
            assert "some value" in str(other.value.args)
            with pytest.raises(exception.ApplicationError) as missing:
                await caller.call("com.test.nobody_has_this")
            assert missing.value.error == "wamp.error.no_such_procedure"

    run(test)


def test_registration_twice_is_refused(run: Run) -> None:
    exception = load("wamp.exception")

    async def test(live: Live) -> None:
        async with live() as first, live() as second:
            registration = await first.register(lambda: 1, "com.test.twice")
            with pytest.raises(exception.ApplicationError) as refused:
                await second.register(lambda: 2, "com.test.twice")
            assert refused.value.error == "wamp.error.procedure_already_exists"
            await registration.unregister()
            assert not registration.active
            await second.register(lambda: 2, "com.test.twice")
            assert await first.call("com.test.twice") == 2

    run(test)


def test_shared_registration(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        async with live() as first, live() as second, live() as caller:
            options = types.RegisterOptions(invoke="roundrobin")
            await first.register(lambda: 1, "com.test.shared", options=options)
            await second.register(lambda: 2, "com.test.shared", options=options)
            assert sorted([await caller.call("com.test.shared") for _ in range(4)]) == [1, 1, 2, 2]

    run(test)


def test_unserializable_argument_raises_at_the_call(run: Run) -> None:
    exception = load("wamp.exception")

    async def test(live: Live) -> None:
        async with live() as callee, live() as caller:
            await callee.register(lambda value: value, "com.test.after")
            with pytest.raises(exception.SerializationError):
                await caller.call("com.test.after", object())
            with pytest.raises(exception.SerializationError):
                caller.publish("com.test.after", {"x": object()})
            assert await caller.call("com.test.after", 5) == 5

    run(test)


def test_decorated_object(run: Run) -> None:
    wamp = load("wamp")

    class Service:
        def __init__(self, seen: Box) -> None:
            self.seen = seen

        @wamp.register("com.test.object.add")
        def add(self, a: int, b: int) -> int:
            return a + b

        @wamp.subscribe("com.test.object.topic")
        def on_topic(self, value: Any) -> None:
            self.seen.put(value)

    async def test(live: Live) -> None:
        service = Service(live.box())
        async with live() as callee, live() as caller:
            assert len(await callee.register(service)) == 1
            assert len(await callee.subscribe(service)) == 1
            assert await caller.call("com.test.object.add", 2, 3) == 5
            caller.publish("com.test.object.topic", "seen")
            assert await service.seen.next() == "seen"

    run(test)


def test_large_payload(run: Run) -> None:
    async def test(live: Live) -> None:
        text = "0123456789abcdef" * 20_000
        async with live() as callee, live() as caller:
            await callee.register(lambda value: value, "com.test.large")
            assert await caller.call("com.test.large", text) == text

    run(test)
