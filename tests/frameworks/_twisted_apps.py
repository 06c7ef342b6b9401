# SPDX-License-Identifier: MIT
"""Programs about sessions on Twisted: Application, Service, retries, and both frameworks on one loop. See ``_twisted_base.py``."""

from __future__ import annotations

from typing import Any

from _twisted_base import RouterThread, react, start


def application() -> None:
    """Application: prefix, signals in order, generators, coroutines and plain functions as procedures and handlers."""
    from twisted.internet.defer import inlineCallbacks, succeed

    from autobahn_fast.twisted.wamp import Application
    from autobahn_fast.wamp.types import PublishOptions

    log: list[Any] = []
    app = Application("com.example")

    @app.register()
    def add(a: int, b: int) -> int:
        return a + b

    @app.register("com.generator")
    def generator(a: int) -> Any:
        value = yield succeed(a * 2)
        return value

    @app.register()
    async def coroutine(a: int) -> Any:
        return await succeed(a * 3)

    @app.subscribe()
    def heard(a: int) -> Any:
        value = yield succeed(a)
        log.append(("heard", value))

    @app.subscribe("com.plain")
    def plain(a: int) -> None:
        log.append(("plain", a))

    for name in ("onconnect", "onleave"):
        app.signal(name)(lambda name=name: log.append(name))

    @app.signal("onjoined")
    @inlineCallbacks
    def joined() -> Any:
        session = app.session
        log.append((yield session.call("com.example.add", 1, 2)))
        log.append((yield session.call("com.generator", 5)))
        log.append((yield session.call("com.example.coroutine", 5)))
        options = PublishOptions(acknowledge=True, exclude_me=False)
        yield session.publish("com.example.heard", 1, options=options)
        yield session.publish("com.plain", 2, options=options)
        yield session.call("com.example.add", 1, 2)  # the events are here before its result
        raise ValueError("logged, and the next one is called")

    @app.signal("onjoined")
    def second() -> None:
        log.append("second")
        app.session.leave()

    @app.signal("ondisconnect")
    def disconnected() -> None:
        from twisted.internet import reactor

        log.append("ondisconnect")
        reactor.callLater(0, reactor.stop)  # type: ignore[attr-defined]

    with RouterThread("ws") as router:
        app.run(router.url, "realm1")
    expected = ["onconnect", 3, 10, 15, ("heard", 1), ("plain", 2), "second", "onleave", "ondisconnect"]
    assert log == expected, log
    try:
        Application().register()(add)
    except AssertionError as e:
        assert "prefix" in str(e)
    else:
        raise RuntimeError("a function without URI is registered")


def service() -> None:
    """Service: a session of a Twisted application; TLS options are for wss only."""
    from twisted.internet.defer import Deferred
    from twisted.internet.ssl import optionsForClientTLS

    from autobahn_fast.twisted.wamp import ApplicationSession, Service

    joined: Any = Deferred()
    left: Any = Deferred()

    class App(ApplicationSession):
        def onJoin(self, details: Any) -> None:
            joined.callback(self)

        def onDisconnect(self) -> None:
            left.callback(None)

    async def main(reactor: Any) -> None:
        with RouterThread("ws") as router:
            item = Service(router.url, "realm1", App, extra={"k": 1})
            assert not joined.called
            item.startService()
            session = await joined
            assert session.config.extra == {"k": 1}
            assert session.realm == "realm1"
            await item.stopService()
            await left
            options = optionsForClientTLS("localhost")
            try:
                Service(router.url, "realm1", App, context_factory=options)
            except ValueError as e:
                assert "wss" in str(e)
            else:
                raise AssertionError("TLS options for ws are accepted")
            assert len(list(Service("wss://localhost/", "realm1", App, context_factory=options))) == 1

    react(main)


def _closing_server(reactor: Any) -> tuple[Any, list[Any]]:
    """A server that closes every connection at once, and the connections it had."""
    from twisted.internet.protocol import Factory, Protocol

    seen: list[Any] = []

    class Close(Protocol):
        transport: Any

        def connectionMade(self) -> None:
            seen.append(self)
            self.transport.loseConnection()

    return reactor.listenTCP(0, Factory.forProtocol(Close), interface="127.0.0.1"), seen


def retries() -> None:
    """The runner's and the component's retry options: how often, in which order, and what ends them early."""
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import TCP4ClientEndpoint

    from autobahn_fast.twisted.component import Component
    from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession

    delays = {
        "max_retries": 2,
        "initial_retry_delay": 0.002,
        "max_retry_delay": 0.003,
        "retry_delay_growth": 2,
        "retry_delay_jitter": 0,
    }

    async def ends(awaitable: Any) -> Exception:
        try:
            await awaitable
        except Exception as e:  # noqa: BLE001 - returned
            return e
        raise AssertionError("it did not fail")

    async def main(reactor: Any) -> None:
        port, seen = _closing_server(reactor)
        url = f"ws://127.0.0.1:{port.getHost().port}/ws"

        runner = ApplicationRunner(url, "realm1", **delays)
        waited: list[float] = []
        over: Any = Deferred()
        pause = runner._pause

        def note(seconds: float) -> Any:
            waited.append(seconds)
            if len(waited) == 2:
                over.callback(None)
            return pause(seconds)

        runner._pause = note  # type: ignore[method-assign]
        await runner.run(ApplicationSession, start_reactor=False, auto_reconnect=True)
        await over
        assert waited == [0.002, 0.003], waited
        await runner.stop()

        seen.clear()
        failures: list[Any] = []
        component = Component(transports={"url": url, **delays})
        component.on("connectfailure", lambda _component, error: failures.append(error))
        await ends(component.start(reactor))
        assert len(seen) == len(failures) == 3, (seen, failures)

        seen.clear()
        told: list[BaseException] = []
        fatal = Component(transports={"url": url, **delays}, is_fatal=lambda e: told.append(e) or len(told) == 2)
        await ends(fatal.start(reactor))
        assert len(told) == len(seen) == 2

        # several transports take turns, one of them an endpoint object
        with RouterThread("ws") as router:
            seen.clear()
            number = int(router.url.rsplit(":", 1)[1].split("/")[0])
            joined: list[str] = []
            program: Any = Deferred()

            async def work(reactor: Any, session: Any) -> str:
                joined.append("main")
                program.callback(session)
                return "not looked at"

            turns = Component(
                main=work,
                transports=[
                    {"url": url, **delays},
                    {"url": router.url, "endpoint": TCP4ClientEndpoint(reactor, "127.0.0.1", number)},
                ],
            )
            for name in ("connect", "join", "ready", "leave", "disconnect"):
                turns.on(name, lambda *_args, name=name, **_more: joined.append(name))
            assert await turns.start(reactor) is None
            assert len(seen) == 1
            joined.remove("main")
            assert joined == ["connect", "join", "ready", "leave", "disconnect"], joined
            assert not (await program).is_attached()

            async def broken(reactor: Any, session: Any) -> None:
                raise ValueError("in main")

            error = await ends(Component(main=broken, transports={"url": router.url, "max_retries": 0}).start(reactor))
            assert isinstance(error.__cause__, ValueError), error
        await port.stopListening()

    react(main)


def runner_gives_up() -> None:
    """``run()`` that lost its connection for the last time raises."""
    from twisted.internet import reactor

    from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession

    port, seen = _closing_server(reactor)
    runner = ApplicationRunner(
        f"ws://127.0.0.1:{port.getHost().port}/", "realm1", max_retries=1, initial_retry_delay=0.001
    )
    try:
        runner.run(ApplicationSession, auto_reconnect=True, log_level="critical")
    except RuntimeError as e:
        assert "no retries" in str(e), e
    else:
        raise AssertionError("run() returned")
    assert len(seen) == 2, seen


def one_loop() -> None:
    """An embedded router, an asyncio component and a Twisted component on one asyncio loop; they call and hear each other."""
    import asyncio

    from twisted.internet.defer import Deferred

    from autobahn_fast.asyncio.component import Component as AsyncioComponent
    from autobahn_fast.router import Router
    from autobahn_fast.twisted.component import Component as TwistedComponent
    from autobahn_fast.twisted.util import sleep
    from autobahn_fast.wamp.types import PublishOptions

    async def main(reactor: Any) -> None:
        await sleep(0)  # now the loop runs
        loop = asyncio.get_running_loop()
        router = Router(listen=["ws://127.0.0.1:0/ws", "rs://127.0.0.1:0"], realms=["realm1"])
        await Deferred.fromFuture(asyncio.ensure_future(router.start()))
        log: list[Any] = []
        there = asyncio.Event()
        callee = AsyncioComponent(transports=router.urls[0])

        @callee.register("com.asyncio")
        async def of_asyncio(a: bytes) -> bytes:
            await asyncio.sleep(0)
            return a * 2

        @callee.subscribe("com.topic")
        def heard(text: str) -> None:
            log.append(text)

        @callee.on_ready
        async def is_ready(session: Any) -> None:
            there.set()

        async def from_asyncio(session: Any) -> Any:
            return await session.call("com.twisted", b"y")

        task = callee.start(loop)
        await Deferred.fromFuture(asyncio.ensure_future(there.wait()))

        async def program(reactor: Any, session: Any) -> None:
            async def of_twisted(a: bytes) -> bytes:
                await sleep(0)
                return a * 3

            await session.register(of_twisted, "com.twisted")
            log.append(await session.call("com.asyncio", b"x"))
            log.append(await Deferred.fromFuture(asyncio.ensure_future(from_asyncio(callee._session))))
            await session.publish("com.topic", "event", options=PublishOptions(acknowledge=True))
            await session.call("com.asyncio", b"")

        transport = {"type": "rawsocket", "url": router.urls[1], "serializer": "cbor"}
        await TwistedComponent(main=program, transports=transport).start(reactor)
        assert log == [b"xx", b"yyy", "event"], log
        callee.stop()
        await Deferred.fromFuture(asyncio.ensure_future(task))
        await Deferred.fromFuture(asyncio.ensure_future(router.stop()))

    react(main)


def own_data_received() -> None:
    """A class that overrides ``dataReceived``, and an instance that gets one, see all octets, before and after the handshake."""
    from autobahn_fast.twisted.testing import MemoryReactorClockResolver, create_memory_agent, create_pumper
    from autobahn_fast.twisted.websocket import (
        WebSocketAdapterProtocol,
        WebSocketClientProtocol,
        WebSocketServerProtocol,
    )

    seen: list[bytes] = []

    class Server(WebSocketServerProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    class Client(WebSocketClientProtocol):
        got: list[bytes] = []

        def dataReceived(self, data: bytes) -> None:
            seen.append(data)
            super().dataReceived(data)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.got.append(payload)

    assert issubclass(Client, WebSocketAdapterProtocol)
    pumper = create_pumper()
    agent = create_memory_agent(MemoryReactorClockResolver(), pumper, Server)
    client = agent.open("ws://localhost/", {}, Client).result
    assert seen[0].startswith(b"HTTP/1.1 101")
    client.sendMessage(b"one", True)
    pumper.flush()
    assert client.got == [b"one"]
    assert seen[-1] == b"\x82\x03one"


if __name__ == "__main__":
    start(application, service, retries, runner_gives_up, one_loop, own_data_received)
