# SPDX-License-Identifier: MIT
"""Publish and subscribe through a Crossbar node, over every transport, serializer and loop."""

from __future__ import annotations

from typing import Any

import pytest
from crossbar_node import Node
from crossbar_session import Live, Run, load

VALUES = [None, True, 0, -1, 2**53, 1.5, "", "grüße ☃", [1, [2, []]], {"a": {"b": [None]}}]
COUNT = 500


def test_events_arrive_complete_and_in_order(run: Run) -> None:
    async def test(live: Live) -> None:
        box = live.box()
        async with live() as subscriber, live() as publisher:
            await subscriber.subscribe(box.take, "com.test.order")
            for number in range(COUNT):
                assert publisher.publish("com.test.order", number, word=f"n{number}") is None
            for number in range(COUNT):
                assert await box.next() == ((number,), {"word": f"n{number}"})

    run(test)


def test_values_survive(run: Run) -> None:
    async def test(live: Live) -> None:
        box = live.box()
        async with live() as subscriber, live() as publisher:
            await subscriber.subscribe(box.take, "com.test.values")
            for value in [*VALUES, b"\x00\xff octets"]:
                publisher.publish("com.test.values", value)
                (got,), _ = await box.next()
                assert got == value
                assert type(got) is type(value)

    run(test)


def test_acknowledged_publication(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        box = live.box()
        async with live() as session:
            options = types.PublishOptions(acknowledge=True, exclude_me=False)
            subscription = await session.subscribe(
                box.take, "com.test.ack", options=types.SubscribeOptions(details_arg="details")
            )
            publication = await session.publish("com.test.ack", 1, options=options)
            args, kwargs = await box.next()
            assert args == (1,)
            assert kwargs["details"].publication == publication.id
            assert kwargs["details"].subscription is subscription

    run(test)


def test_publisher_is_excluded_unless_it_asks(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        box = live.box()
        async with live() as session:
            await session.subscribe(box.take, "com.test.me")
            await session.publish("com.test.me", "not me", options=types.PublishOptions(acknowledge=True))
            options = types.PublishOptions(acknowledge=True, exclude_me=False)
            await session.publish("com.test.me", "me", options=options)
            assert await box.next() == (("me",), {})

    run(test)


def test_black_and_white_lists(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        boxes = live.box(), live.box()
        async with live() as publisher, live() as first, live() as second:
            for session, box in zip((first, second), boxes, strict=True):
                await session.subscribe(box.take, "com.test.lists")
            ids = [session._session_id for session in (first, second)]
            publisher.publish("com.test.lists", "second", options=types.PublishOptions(exclude=[ids[0]]))
            publisher.publish("com.test.lists", "first", options=types.PublishOptions(eligible=[ids[0]]))
            assert await boxes[0].next() == (("first",), {})
            assert await boxes[1].next() == (("second",), {})

    run(test)


@pytest.mark.parametrize(
    ("match", "pattern", "topic", "other"),
    [
        ("prefix", "com.pattern.a", "com.pattern.a.b.c", "com.pattern.b"),
        ("wildcard", "com.wild..c", "com.wild.b.c", "com.wild.b.d"),
    ],
)
def test_patterns(run: Run, match: str, pattern: str, topic: str, other: str) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        box = live.box()
        async with live() as subscriber, live() as publisher:
            options = types.SubscribeOptions(match=match, details_arg="details")
            await subscriber.subscribe(box.take, pattern, options=options)
            publisher.publish(other, 0)
            publisher.publish(topic, 1)
            args, kwargs = await box.next()
            assert args == (1,)
            assert kwargs["details"].topic == topic

    run(test)


def test_unsubscribe_ends_delivery(run: Run) -> None:
    types = load("wamp.types")

    async def test(live: Live) -> None:
        box, witness = live.box(), live.box()
        async with live() as session, live() as publisher:
            subscription = await session.subscribe(box.take, "com.test.unsubscribe")
            await session.subscribe(witness.take, "com.test.witness")
            await subscription.unsubscribe()
            assert not subscription.active
            await publisher.publish("com.test.unsubscribe", 1, options=types.PublishOptions(acknowledge=True))
            publisher.publish("com.test.witness", 2)
            assert await witness.next() == ((2,), {})
            assert len(box) == 0

    run(test)


def test_two_handlers_of_one_topic(run: Run) -> None:
    async def test(live: Live) -> None:
        plain, coroutine = live.box(), live.box()

        async def handler(*args: Any, **kwargs: Any) -> None:
            await live.sleep(0)
            coroutine.take(*args, **kwargs)

        async with live() as subscriber, live() as publisher:
            await subscriber.subscribe(plain.take, "com.test.two")
            await subscriber.subscribe(handler, "com.test.two")
            publisher.publish("com.test.two", [1], a=1)
            assert await plain.next() == (([1],), {"a": 1})
            assert await coroutine.next() == (([1],), {"a": 1})

    run(test)


def test_failing_handler_does_not_stop_the_session(run: Run) -> None:
    async def test(live: Live) -> None:
        box = live.box()
        failures: list[str] = []

        def fail(*_args: Any) -> None:
            raise ValueError("from the handler")

        async with live() as subscriber, live() as publisher:
            subscriber.onUserError = lambda failure, message: failures.append(str(failure.value))
            await subscriber.subscribe(fail, "com.test.fail")
            await subscriber.subscribe(box.take, "com.test.fail")
            for number in (1, 2):
                publisher.publish("com.test.fail", number)
                assert await box.next() == ((number,), {})
        assert failures == ["from the handler", "from the handler"]

    run(test)


def test_default_offer(run_once: Run, node: Node) -> None:
    """An ApplicationRunner offers everything, batched first, as autobahn's does; the node takes a batched serializer."""
    options = load("wamp.types").PublishOptions(acknowledge=True, exclude_me=False)

    async def test(live: Live) -> None:
        box, used = live.box(), live.box()

        class Session(live.load("wamp").ApplicationSession):  # type: ignore[misc]
            async def onJoin(self, details: Any) -> None:
                await self.subscribe(box.take, "com.test.offer")
                await self.publish("com.test.offer", b"\x00", word="ü", options=options)
                await self.publish("com.test.offer", options=options)
                used.put(self.transport.websocket_protocol_in_use)

        protocol = await live.run_session(node.urls["ws"], Session)
        assert await box.next() == ((b"\x00",), {"word": "ü"})
        assert await box.next() == ((), {})
        assert await used.next() == "wamp.2.cbor.batched"
        protocol._session.leave()
        await protocol.is_closed

    run_once(test)
