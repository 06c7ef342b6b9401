# SPDX-License-Identifier: MIT
"""Component on asyncio and uvloop over routers that exist only in memory: what it does when they refuse, vanish or return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from autobahn_fast.asyncio.component import Component, run
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp import message, role
from autobahn_fast.wamp.exception import ApplicationError, TransportLost
from autobahn_fast.wamp.types import TransportDetails

ROLES = {"broker": role.RoleBrokerFeatures(), "dealer": role.RoleDealerFeatures()}
FAST = {"initial_retry_delay": 0.001, "max_retry_delay": 0.002}


class MemoryConnection:
    """Protocol, transport and router in one: answers every request of the session on it."""

    def __init__(self, answer: Any = None) -> None:
        self.is_closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport_details = TransportDetails()
        self.received: list[Any] = []
        self.answer = answer
        self.session: Any = None

    def open(self, session: Any) -> None:
        self.session = session
        session.onOpen(self)

    def isOpen(self) -> bool:
        return not self.is_closed.done()

    def send(self, msg: Any) -> None:
        self.received.append(msg)
        asyncio.get_running_loop().call_soon(self.reply, msg)

    def reply(self, msg: Any) -> None:
        if self.is_closed.done():
            return
        answer = self.answer(msg) if self.answer is not None else None
        if answer is None:
            answer = {
                message.Hello: lambda: message.Welcome(1, ROLES, realm="realm1"),
                message.Register: lambda: message.Registered(msg.request, 1000 + msg.request),
                message.Subscribe: lambda: message.Subscribed(msg.request, 2000 + msg.request),
                message.Goodbye: lambda: message.Goodbye("wamp.close.goodbye_and_out"),
            }.get(type(msg), lambda: None)()
        if answer is not None:
            self.session.onMessage(answer)

    def close(self) -> None:
        asyncio.get_running_loop().call_soon(self.lose, True)

    def abort(self) -> None:
        self.lose(False)

    def lose(self, clean: bool = False) -> None:
        if not self.is_closed.done():
            self.is_closed.set_result(None)
            if self.session is not None:
                self.session.onClose(clean)


class MemoryComponent(Component):
    """A Component whose connections come from a function instead of the network."""

    def __init__(self, connect: Callable[[int], Any], **kwargs: Any) -> None:
        kwargs.setdefault("transports", {"url": "ws://127.0.0.1:1/ws", **FAST})
        super().__init__(**kwargs)
        self.make = connect
        self.connections: list[MemoryConnection] = []
        self.urls: list[Any] = []

    async def _connect(self, loop: Any, transport: Any, create_session: Any) -> Any:
        self.urls.append(transport.url)
        connection = self.make(len(self.urls))
        if isinstance(connection, Exception):
            raise connection
        self.connections.append(connection)
        if connection.answer != "closed":
            connection.open(create_session())
        else:
            connection.lose()
        return connection


@pytest.fixture(params=["asyncio", "uvloop"])
def go(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Return a function that runs a coroutine to its end on a loop of that kind."""

    def call(coroutine: Any) -> Any:
        if request.param == "uvloop":
            import uvloop

            factory: Any = uvloop.new_event_loop
        else:
            factory = asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(asyncio.wait_for(coroutine, 20))

    return call


def test_main_registrations_and_events(go: Any) -> None:
    async def main() -> None:
        log: list[str] = []

        async def work(loop: Any, session: Any) -> None:
            assert loop is asyncio.get_running_loop()
            assert session.is_attached()
            await asyncio.sleep(0.001)
            log.append("main")

        c = MemoryComponent(lambda n: MemoryConnection(), main=work)
        for event in ("start", "connect", "join", "ready", "leave", "disconnect"):
            c.on(event, lambda *args, event=event, **kwargs: log.append(event))

        @c.register("com.p")
        def procedure() -> None:
            pass

        @c.subscribe("com.t")
        def topic() -> None:
            pass

        @c.on_join
        async def joined(session: Any, details: Any) -> None:
            log.append(f"joined {details.realm}")

        await c.start()
        (connection,) = c.connections
        kinds = [type(m) for m in connection.received]
        assert kinds == [message.Hello, message.Register, message.Subscribe, message.Goodbye]
        assert log == ["start", "connect", "join", "joined realm1", "ready", "main", "leave", "disconnect"]
        assert c._done_f is None

    go(main())


def test_it_comes_back_with_everything_registered_when_the_router_does(go: Any) -> None:
    async def main() -> None:
        c = MemoryComponent(
            lambda n: ConnectionRefusedError("down") if n in (2, 3) else MemoryConnection(),
        )
        c.register("com.p")(print)
        c.subscribe("com.t")(print)
        failures: list[BaseException] = []
        c.on_connectfailure(lambda component, error: failures.append(error))
        joined: asyncio.Queue[Any] = asyncio.Queue()
        c.on_join(lambda session, details: joined.put_nowait(session))
        done = c.start()
        session = await joined.get()
        call = session.call("com.pending")
        c.connections[0].lose()
        with pytest.raises(TransportLost):
            await call
        second = await joined.get()
        assert second is not session
        assert [type(m) for m in c.connections[1].received] == [message.Hello, message.Register, message.Subscribe]
        assert [type(e) for e in failures[1:]] == [ConnectionRefusedError] * 2
        assert c.stop() is done
        await done
        assert type(c.connections[1].received[-1]) is message.Goodbye

    go(main())


def test_stop_while_waiting(go: Any) -> None:
    async def main() -> None:
        c = MemoryComponent(
            lambda n: ConnectionRefusedError("down"),
            transports={"url": "ws://127.0.0.1:1/ws", "initial_retry_delay": 100, "retry_delay_jitter": 0},
        )
        failed = asyncio.Event()
        c.on_connectfailure(lambda component, error: failed.set())
        done = c.start()
        assert c._delay_f is not None
        await failed.wait()
        await asyncio.sleep(0)
        c.stop()
        await done
        assert c._done_f is None
        assert len(c.urls) == 1

    go(main())


def test_stop_before_the_first_connect(go: Any) -> None:
    async def main() -> None:
        c = MemoryComponent(lambda n: MemoryConnection())
        done = c.start()
        c.stop()
        await done
        assert c.urls == []

    go(main())


def test_exhausted_retries(go: Any) -> None:
    async def main() -> None:
        c = MemoryComponent(
            lambda n: ConnectionRefusedError("down"),
            transports=[
                {"url": "ws://127.0.0.1:1/a", "max_retries": 0, **FAST},
                {"url": "ws://127.0.0.1:1/b", "max_retries": 2, **FAST},
            ],
        )
        with pytest.raises(RuntimeError, match="Exhausted all transport connect attempts") as e:
            await c.start()
        assert isinstance(e.value.__cause__, ConnectionRefusedError)
        assert [url[-1] for url in c.urls] == ["a", "b", "b", "b"]

    go(main())


def test_a_refused_client_gives_up(go: Any) -> None:
    async def main() -> None:
        def refuse(msg: Any) -> Any:
            return message.Abort("wamp.error.authentication_failed", "wrong ticket")

        c = MemoryComponent(
            lambda n: MemoryConnection(refuse), authentication={"ticket": {"ticket": "x", "authid": "a"}}
        )
        with pytest.raises(RuntimeError, match="Exhausted") as e:
            await c.start()
        assert len(c.urls) == 1
        assert isinstance(e.value.__cause__, ApplicationError)
        assert e.value.__cause__.error == "wamp.error.authentication_failed"
        assert c.connections[0].received[0].authmethods == ["ticket"]

    go(main())


def test_a_session_that_cannot_be_made_is_not_tried_again(go: Any) -> None:
    """What is wrong with it is the cause, not that the connection was closed."""

    async def main() -> None:
        async with Router(["ws://127.0.0.1:0/ws"]) as router:
            c = Component(
                transports={"type": "websocket", "url": router.urls[0], **FAST},
                session_factory=ApplicationSession,
                authentication={"ticket": {"ticket": "x", "authid": "a"}},
            )
            with pytest.raises(RuntimeError, match="Exhausted") as e:
                await c.start()
        assert isinstance(e.value.__cause__, TypeError)
        assert "ApplicationSession does not take: derive it from Session" in str(e.value.__cause__)

    go(main())


def test_is_fatal_decides(go: Any) -> None:
    async def main() -> None:
        seen: list[BaseException] = []

        def is_fatal(error: BaseException) -> bool:
            seen.append(error)
            return len(seen) == 3

        c = MemoryComponent(lambda n: ConnectionRefusedError(str(n)), is_fatal=is_fatal)
        with pytest.raises(RuntimeError, match="Exhausted") as e:
            await c.start()
        assert str(e.value.__cause__) == "3"

    go(main())


def test_a_connection_that_never_opens_is_tried_again(go: Any) -> None:
    async def main() -> None:
        c = MemoryComponent(lambda n: MemoryConnection("closed" if n == 1 else None), main=lambda loop, session: None)
        failures: list[BaseException] = []
        c.on_connectfailure(lambda component, error: failures.append(error))
        await c.start()
        assert [type(e) for e in failures] == [TransportLost]
        assert len(c.urls) == 2

    go(main())


def test_main_that_fails_is_tried_again_and_reported(go: Any) -> None:
    async def main() -> None:
        attempts: list[int] = []

        def work(loop: Any, session: Any) -> None:
            attempts.append(1)
            if len(attempts) == 1:
                raise ZeroDivisionError("in main")

        c = MemoryComponent(lambda n: MemoryConnection(), main=work)
        failures: list[BaseException] = []
        c.on_connectfailure(lambda component, error: failures.append(error))
        await c.start()
        assert len(attempts) == 2
        assert [type(e) for e in failures] == [ZeroDivisionError]

    go(main())


def test_started_twice(go: Any) -> None:
    async def main() -> None:
        c = MemoryComponent(lambda n: MemoryConnection())
        done = c.start()
        with pytest.raises(RuntimeError, match="started already"):
            c.start()
        c.stop()
        await done

    go(main())


def test_run_goes_on_when_one_component_fails(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def work(loop: Any, session: Any) -> None:
        await asyncio.sleep(0.02)
        ended.append("good")

    asyncio.set_event_loop(asyncio.new_event_loop())
    bad = MemoryComponent(lambda n: ConnectionRefusedError("down"), is_fatal=lambda error: True)
    good = MemoryComponent(lambda n: MemoryConnection(), main=work)
    run([bad, good], log_level=None)
    assert ended == ["good"]
    assert "component failed" in caplog.text
    asyncio.set_event_loop(None)


def test_run_without_starting_the_loop(go: Any) -> None:
    async def main() -> None:
        good = MemoryComponent(lambda n: MemoryConnection(), main=lambda loop, session: None)
        bad = MemoryComponent(lambda n: ConnectionRefusedError("down"), is_fatal=lambda error: True)
        results = await run([good, bad], start_loop=False, log_level=None)
        assert results[0] is None
        assert isinstance(results[1].__cause__, ConnectionRefusedError)

    go(main())
