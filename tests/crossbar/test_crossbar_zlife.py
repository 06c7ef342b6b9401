# SPDX-License-Identifier: MIT
"""Joining, leaving, reconnecting: against a Crossbar node that is stopped and started. Runs after the other live tests."""

from __future__ import annotations

from typing import Any

import pytest
from crossbar_node import REALM, Node
from crossbar_session import Live, Run, load, make_transport


def test_order_of_callbacks(run: Run) -> None:
    async def test(live: Live) -> None:
        calls: list[str] = []
        component = live.component()
        for event in ("connect", "join", "ready", "leave", "disconnect"):

            def called(session: Any, *args: Any, event: str = event, **kwargs: Any) -> None:
                calls.append(event)
                if event == "ready":
                    session.leave()

            component.on(event, called)
        await live.start(component)
        assert calls == ["connect", "join", "ready", "leave", "disconnect"]

    run(test)


def test_subclass_with_a_runner(run_once: Run, node: Node) -> None:
    async def test(live: Live) -> None:
        joined, gone = live.box(), live.box()

        class Client(live.load("wamp").ApplicationSession):  # type: ignore[misc]
            async def onJoin(self, details: Any) -> None:
                await self.register(lambda a, b: a + b, "com.runner.add")
                joined.put((details.realm, self.config.extra, await self.call("com.runner.add", 1, 2)))
                self.leave()

            def onDisconnect(self) -> None:
                gone.put()

        await live.run_session(node.urls["ws"], Client, extra={"x": 1})
        assert await joined.next() == (REALM, {"x": 1}, 3)
        await gone.next()

    run_once(test)


def test_missing_realm(run: Run) -> None:
    async def test(live: Live) -> None:
        left: list[Any] = []
        component = live.component(realm="com.no.such.realm")
        component.on("leave", lambda session, details: left.append(details.reason))
        with pytest.raises(Exception, match=r".+"):
            await live.start(component)
        assert left == ["wamp.error.no_such_realm"]

    run(test)


def test_pending_call_is_rejected_when_the_caller_leaves(run: Run) -> None:
    exception = load("wamp.exception")

    async def test(live: Live) -> None:
        started = live.box()

        async def forever() -> None:
            started.put()
            await live.sleep(60)

        async with live() as callee:
            await callee.register(forever, "com.test.forever")
            async with live() as caller:
                call = caller.call("com.test.forever")
                await started.next()
            with pytest.raises((exception.ApplicationError, exception.TransportLost, *live.cancelled_errors)):
                await call

    run(test)


def test_nothing_is_sent_behind_goodbye(run: Run) -> None:
    async def test(live: Live) -> None:
        box = live.box()
        async with live() as subscriber:
            await subscriber.subscribe(box.take, "com.test.goodbye")
            async with live() as session:
                session.publish("com.test.goodbye", 1)
                session.leave()
                for action in (session.publish, session.call):
                    with pytest.raises(load("wamp.exception").SessionNotReady):
                        action("com.test.goodbye", 2)
            assert await subscriber.call("wamp.session.count") >= 1
            assert await box.next() == ((1,), {})
            assert len(box) == 0

    run(test)


def test_components_reconnect_after_the_node_restarts(run_once: Run, node: Node) -> None:
    async def test(live: Live) -> None:
        running: list[tuple[Any, Any, Any]] = []
        for kind in ("ws", "unix"):
            live.transport = make_transport(node.urls[kind], "msgpack")
            component = live.component(max_retries=-1, initial_retry_delay=0.1, max_retry_delay=0.5)
            component.register(f"com.reconnect.{kind}")(lambda a, b: a + b)
            joins = live.box()
            component.on("ready", joins.put)
            running.append((component, joins, live.start(component)))
        first = [await joins.next() for _, joins, _ in running]
        assert await first[0].call("com.reconnect.unix", 1, 2) == 3
        await live.in_thread(node.stop)
        await live.in_thread(node.start)
        second = [await joins.next() for _, joins, _ in running]
        assert not set(first) & set(second)
        for session in second:
            assert await session.call("com.reconnect.ws", 3, 4) == 7
            assert await session.call("com.reconnect.unix", 3, 4) == 7
        for component, _, done in running:
            component.stop()
            await done

    run_once(test)
