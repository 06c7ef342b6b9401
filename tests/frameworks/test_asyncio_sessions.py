# SPDX-License-Identifier: MIT
"""Sessions, components and the runner over sockets and the embedded router, on asyncio and uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp.exception import ApplicationError, TransportLost
from autobahn_fast.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions

FAST = {"initial_retry_delay": 0.01, "max_retry_delay": 0.05}


@pytest.fixture(params=["asyncio", "uvloop"])
def go(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Return a function that runs a coroutine to its end on a loop of that kind."""

    def call(coroutine: Any) -> Any:
        factory: Any = asyncio.new_event_loop
        if request.param == "uvloop":
            import uvloop

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(asyncio.wait_for(coroutine, 30))

    return call


@pytest.fixture(params=["ws", "rs"])
def scheme(request: pytest.FixtureRequest) -> str:
    return request.param


@asynccontextmanager
async def router(scheme: str) -> Any:
    listen = "ws://127.0.0.1:0/ws" if scheme == "ws" else "rs://127.0.0.1:0"
    async with Router(listen=[listen], realms=["realm1"]) as r:
        yield r


@asynccontextmanager
async def component(url: str, serializer: str = "msgpack", **kwargs: Any) -> Any:
    """A started component; yields it and its first session, stops it at the end."""
    transport: dict[str, Any] = {"url": url, **FAST}
    if url.startswith("rs:"):
        transport.update(type="rawsocket", serializer=serializer)
    else:
        transport["serializers"] = [serializer]
    c = Component(transports=transport, **kwargs)
    sessions: asyncio.Queue[Any] = asyncio.Queue()
    c.on_join(lambda session, details: sessions.put_nowait(session))
    done = c.start()
    waiting = asyncio.ensure_future(sessions.get())
    await asyncio.wait([waiting, done], return_when=asyncio.FIRST_COMPLETED)
    if done.done():
        waiting.cancel()
        done.result()
    try:
        yield c, waiting.result(), sessions
    finally:
        c.stop()
        await done


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_publish_subscribe_call_register(go: Any, scheme: str, serializer: str) -> None:
    async def main() -> None:
        async with (
            router(scheme) as r,
            component(r.urls[0], serializer) as (_, a, _),
            component(r.urls[0], serializer) as (_, b, _),
        ):
            seen: asyncio.Queue[Any] = asyncio.Queue()
            sub = await a.subscribe(lambda *args, **kwargs: seen.put_nowait((args, kwargs)), "com.x")
            await a.register(lambda x, y=1: x + y, "com.add")
            b.publish("com.x", 1, "é", k=[2])
            ack = await b.publish("com.x", options=PublishOptions(acknowledge=True))
            assert ack.id > 0
            assert await seen.get() == ((1, "é"), {"k": [2]})
            assert await seen.get() == ((), {})
            assert await b.call("com.add", 2) == 3
            assert await b.call("com.add", 2, y=5) == 7
            results = await asyncio.gather(*(b.call("com.add", n) for n in range(200)))
            assert results == [n + 1 for n in range(200)]
            await sub.unsubscribe()
            await b.publish("com.x", options=PublishOptions(acknowledge=True))
            assert seen.empty()

    go(main())


def test_events_come_in_order(go: Any, scheme: str) -> None:
    async def main() -> None:
        async with router(scheme) as r, component(r.urls[0]) as (_, a, _), component(r.urls[0]) as (_, b, _):
            seen: list[int] = []
            await a.subscribe(seen.append, "com.x")
            for n in range(5000):
                b.publish("com.x", n)
                if not b.is_writable:
                    await b.drain()
            await b.publish("com.x", -1, options=PublishOptions(acknowledge=True))
            while not seen or seen[-1] != -1:
                await asyncio.sleep(0.005)
            assert seen == [*range(5000), -1]

    go(main())


def test_errors_progress_details_and_cancelling(go: Any, scheme: str) -> None:
    async def main() -> None:
        async with router(scheme) as r, component(r.urls[0]) as (_, a, _), component(r.urls[0]) as (_, b, _):
            a.onUserError = lambda fail, msg: None
            cancelled = asyncio.Event()

            def fail() -> None:
                raise ApplicationError("com.e", 1, k=2)

            async def count(n: int, details: Any) -> int:
                for i in range(n):
                    details.progress(i)
                    await asyncio.sleep(0)
                return n

            async def slow() -> None:
                try:
                    await asyncio.sleep(100)
                except asyncio.CancelledError:
                    cancelled.set()
                    raise

            await a.register(fail, "com.fail")
            await a.register(count, "com.count", RegisterOptions(details_arg="details"))
            await a.register(slow, "com.slow")
            with pytest.raises(ApplicationError) as e:
                await b.call("com.fail")
            assert (e.value.error, e.value.args, e.value.kwargs) == ("com.e", (1,), {"k": 2})
            with pytest.raises(ApplicationError) as e:
                await b.call("com.nobody")
            assert e.value.error == "wamp.error.no_such_procedure"
            progress: list[int] = []
            assert await b.call("com.count", 3, options=CallOptions(on_progress=progress.append)) == 3
            assert progress == [0, 1, 2]
            future = b.call("com.slow")
            await asyncio.sleep(0.05)
            future.cancel()
            assert await b.call("com.count", 0, options=CallOptions(on_progress=progress.append)) == 0
            details: list[Any] = []
            await a.subscribe(lambda d: details.append(d), "com", SubscribeOptions(match="prefix", details_arg="d"))
            await b.publish("com.some.topic", options=PublishOptions(acknowledge=True))
            while not details:
                await asyncio.sleep(0.005)
            assert details[0].topic == "com.some.topic"

    go(main())


def test_router_goes_and_comes_back(go: Any, scheme: str) -> None:
    async def main() -> None:
        calls: list[int] = []
        seen: list[int] = []
        first = Router(listen=["ws://127.0.0.1:0/ws" if scheme == "ws" else "rs://127.0.0.1:0"], realms=["realm1"])
        await first.__aenter__()
        url = first.urls[0]
        transport: dict[str, Any] = {"url": url, **FAST}
        if scheme == "rs":
            transport["type"] = "rawsocket"
        c = Component(transports=transport)
        c.register("com.p")(lambda n: calls.append(n))
        c.subscribe("com.t")(lambda n: seen.append(n))
        sessions: asyncio.Queue[Any] = asyncio.Queue()
        c.on_join(lambda session, details: sessions.put_nowait(session))
        done = c.start()
        session = await sessions.get()
        await session.register(lambda: asyncio.sleep(100), "com.slow")
        pending = session.call("com.slow")
        await asyncio.sleep(0.05)
        await first.__aexit__(None, None, None)
        with pytest.raises((TransportLost, ApplicationError)):
            await pending
        async with Router(listen=[url], realms=["realm1"]) as second:
            session = await sessions.get()
            async with component(second.urls[0]) as (_, other, _):
                await other.call("com.p", 5)
                await other.publish("com.t", 6, options=PublishOptions(acknowledge=True))
                while not seen:
                    await asyncio.sleep(0.005)
            assert (calls, seen) == ([5], [6])
            c.stop()
            await done

    go(main())


def test_runner(go: Any, scheme: str) -> None:
    async def main() -> None:
        async with router(scheme) as r:
            joined: asyncio.Queue[Any] = asyncio.Queue()

            class App(ApplicationSession):
                async def onJoin(self, details: Any) -> None:
                    await self.register(lambda: 7, "com.seven")
                    joined.put_nowait(await self.call("com.seven"))

            runner = ApplicationRunner(r.urls[0], "realm1", **FAST)
            task = asyncio.ensure_future(runner.run(App, start_loop=False, auto_reconnect=True))
            assert await joined.get() == 7
            await runner.stop()
            await task

    go(main())


def test_unknown_realm(go: Any, scheme: str) -> None:
    async def main() -> None:
        async with router(scheme) as r:
            with pytest.raises(RuntimeError, match="Exhausted"):
                async with component(r.urls[0], realm="nowhere"):
                    pass

    go(main())


def test_many_sessions_come_and_go_without_leaving_tasks(go: Any, scheme: str) -> None:
    async def main() -> None:
        async with router(scheme) as r:
            for _ in range(20):
                async with component(r.urls[0]) as (_, session, _):
                    session.publish("com.x", 1)
            await asyncio.sleep(0.05)
            mine = [t for t in asyncio.all_tasks() if "autobahn_fast/wamp" in str(t.get_coro())]
            assert mine == []

    go(main())
