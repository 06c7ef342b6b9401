# SPDX-License-Identifier: MIT
"""Programs on Twisted for the tests, each run in a process of its own: a reactor cannot be started twice.

``python _twisted_programs.py NAME REACTOR ARGUMENTS...``; a program that fails prints why and ends with code 1.
"""

from __future__ import annotations

import threading
from typing import Any

from _twisted_base import RouterThread, component, start


def rpc_and_pubsub(scheme: str, serializer: str) -> None:
    """Two components: everything a session does, with plain, Deferred, inlineCallbacks and coroutine handlers."""
    from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks, succeed

    from autobahn_fast.twisted.component import run
    from autobahn_fast.twisted.util import sleep
    from autobahn_fast.wamp import message
    from autobahn_fast.wamp.exception import ApplicationError
    from autobahn_fast.wamp.types import CallOptions, PublishOptions, RegisterOptions

    log: list[Any] = []
    interrupted: Any = Deferred()
    events: Any = Deferred()

    with RouterThread(scheme) as router:
        callee = component(router.url, serializer)
        ready: Any = Deferred()
        callee.register("com.plain")(lambda a, b=0: a + b)
        callee.register("com.deferred")(lambda a: succeed(a * 2))

        @callee.register("com.inline")
        @inlineCallbacks
        def inline(a: int) -> Any:
            yield sleep(0.001)
            return a * 3

        @callee.register("com.coroutine")
        async def coroutine(a: int) -> int:
            await sleep(0.001)
            return a * 4

        @callee.register("com.progress", options=RegisterOptions(details_arg="details"))
        async def progress(n: int, details: Any = None) -> str:
            for i in range(n):
                details.progress(i)
                await sleep(0)
            return "done"

        @callee.register("com.slow")
        async def slow() -> None:
            try:
                await Deferred()
            except CancelledError:
                interrupted.callback(None)  # once: the call cancelled first is only skipped
                raise

        @callee.register("com.fails")
        def fails() -> None:
            raise ApplicationError("com.error.mine", 7, k=b"\x00\x01")

        @callee.subscribe("com.topic")
        async def topic(*args: Any, **kwargs: Any) -> None:
            await sleep(0)
            events.callback((args, kwargs))

        @callee.on_ready
        def is_ready(session: Any) -> None:
            ready.callback(session)

        async def main(reactor: Any, session: Any) -> None:
            callee_session = await ready
            assert await session.call("com.plain", 1, b=2) == 3
            assert await session.call("com.deferred", 2) == 4
            assert await session.call("com.inline", 2) == 6
            assert await session.call("com.coroutine", 2) == 8
            await calls_that_the_wire_completes(session)
            got: list[int] = []
            assert await session.call("com.progress", 3, options=CallOptions(on_progress=got.append)) == "done"
            assert got == [0, 1, 2]
            call = session.call("com.slow")
            await session.call("com.plain", 1)
            call.cancel()
            try:
                await call
            except CancelledError:
                log.append("cancelled")
            call = session.call("com.slow")
            session._live.send(message.Cancel(session._last_request, message.Cancel.KILL))
            try:
                await call
            except ApplicationError as e:
                log.append(e.error)
            await interrupted
            try:
                await session.call("com.fails")
            except ApplicationError as e:
                log.append((e.error, e.args, e.kwargs))
            publication = await session.publish("com.topic", 1, x="y", options=PublishOptions(acknowledge=True))
            assert publication.id > 0
            log.append(await events)
            results = await session.register(Decorated())
            assert [r.procedure for r in results] == ["com.method"]
            assert await callee_session.call("com.method", 5) == 25
            await results[0].unregister()
            callee.stop()
            log.append("main")

        caller = component(router.url, serializer, main=main)
        try:
            run([caller, callee], log_level=None)
        except SystemExit as e:
            assert not e.code, e.code
    error = ("com.error.mine", (7,), {"k": b"\x00\x01"})
    assert log == ["cancelled", "wamp.error.canceled", error, ((1,), {"x": "y"}), "main"], log


async def calls_that_the_wire_completes(session: Any) -> None:
    """Their Deferreds are Deferreds: callbacks, chaining, cancelling, and being called by the program itself."""
    from twisted.internet.defer import AlreadyCalledError, CancelledError, Deferred

    assert session._live.starts_calls
    call = session.call("com.plain", 1)
    assert isinstance(call, Deferred)
    assert call.request == session._last_request
    assert session._calls[call.request] is call
    assert await call.addCallback(lambda result: result + 1) == 2
    call.cancel()  # harmless: it was called
    later: Any = Deferred()
    call = session.call("com.plain", 1).addCallback(lambda _: later)
    await session.call("com.plain", 2)
    call.cancel()  # it waits for another one, which is cancelled instead
    assert later.called
    assert await call.addErrback(lambda failure: failure.trap(CancelledError)) is CancelledError
    mine = session.call("com.plain", 1)
    mine.callback("mine")
    assert await session.call("com.plain", 2) == 2  # what came in for the other one first is dropped
    assert await mine == "mine"
    cancelled = session.call("com.plain", 1)
    cancelled.cancel()
    try:
        cancelled.callback("late")
    except AlreadyCalledError:
        pass
    else:
        raise RuntimeError("a cancelled call was called back")
    assert await cancelled.addErrback(lambda failure: failure.trap(CancelledError)) is CancelledError
    assert await session.call("com.plain", 3) == 3
    assert not session._calls


def Decorated() -> Any:
    from autobahn_fast import wamp

    class Methods:
        """Registered as an object."""

        @wamp.register("com.method")
        def method(self, a: int) -> int:
            return a * a

    return Methods()


def runner(scheme: str, serializer: str) -> None:
    """ApplicationRunner: reconnects when the connection is lost, stops the reactor when asked to."""
    from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession
    from autobahn_fast.wamp.serializer import create_transport_serializer

    log: list[str] = []

    class App(ApplicationSession):
        async def onJoin(self, details: Any) -> None:
            log.append("join")
            assert self.config.extra == {"k": 1}
            if log.count("join") == 1:
                self.transport.abort()
            else:
                self.config.runner.stop()

        def onLeave(self, details: Any) -> None:
            log.append("leave")
            self.disconnect()

        def onDisconnect(self) -> None:
            log.append("disconnect")

    with RouterThread(scheme) as router:
        serializers = [create_transport_serializer(serializer)]
        app = ApplicationRunner(router.url, "realm1", extra={"k": 1}, serializers=serializers, initial_retry_delay=0.01)
        app.run(App, auto_reconnect=True, log_level="error")
    assert log == ["join", "leave", "disconnect"] * 2, log


def runner_cannot_connect(_scheme: str, _serializer: str) -> None:
    """A connection that cannot be made ends ``run`` with the reason."""
    from twisted.internet.error import ConnectionRefusedError as Refused

    from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession

    app = ApplicationRunner("ws://127.0.0.1:1/ws", "realm1")
    try:
        app.run(ApplicationSession, log_level="critical")
    except Refused:
        return
    raise AssertionError("run() returned")


def component_reconnects(scheme: str, serializer: str) -> None:
    """A component whose connection is lost comes back; one that fails for good does not take it down."""
    from autobahn_fast.twisted.component import Component, run

    sessions: list[Any] = []

    with RouterThread(scheme) as router:
        good = component(router.url, serializer)
        good.register("com.p")(lambda: 1)

        @good.on_ready
        async def is_ready(session: Any) -> None:
            sessions.append(session)
            assert await session.call("com.p") == 1
            if len(sessions) < 3:
                session.transport.abort()
            else:
                good.stop()

        bad = Component(transports={"url": "ws://127.0.0.1:1/ws", "max_retries": 0})
        try:
            run([good, bad], log_level="critical")
        except SystemExit as e:
            assert e.code == 1, e.code
    assert len({id(s) for s in sessions}) == 3


def echo_between_frameworks(_scheme: str, _serializer: str) -> None:
    """WebSocket: a Twisted client and an asyncio server, an asyncio client and a Twisted server, in one process."""
    import asyncio

    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    from autobahn_fast.asyncio import websocket as aio
    from autobahn_fast.twisted import websocket as tx
    from autobahn_fast.twisted.util import sleep

    def echo(base: Any) -> Any:
        class Echo(base):  # type: ignore[misc]
            def onMessage(self, payload: bytes, isBinary: bool) -> None:
                self.sendMessage(payload, isBinary)

        return Echo

    sizes = (0, 1, 125, 126, 65535, 65536, 3_000_000)

    def client(base: Any, done: Any) -> Any:
        class Client(base):  # type: ignore[misc]
            def onOpen(self) -> None:
                self.got: list[tuple[int, bool]] = []
                for i, size in enumerate(sizes):
                    self.sendMessage(b"x" * size, bool(i & 1))

            def onMessage(self, payload: bytes, isBinary: bool) -> None:
                self.got.append((len(payload), isBinary))
                if len(self.got) == len(sizes):
                    self.sendClose(1000, "bye")

            def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
                done((wasClean, code, self.got))

        return Client

    ready, finished = threading.Event(), threading.Event()
    ports: dict[str, int] = {}
    results: dict[str, Any] = {}

    def asyncio_side() -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            factory = aio.WebSocketServerFactory()
            factory.protocol = echo(aio.WebSocketServerProtocol)
            server = await loop.create_server(factory, "127.0.0.1", 0)
            ports["asyncio"] = server.sockets[0].getsockname()[1]
            ready.set()
            while "twisted" not in ports:
                await asyncio.sleep(0.01)
            done = loop.create_future()
            client_factory = aio.WebSocketClientFactory(f"ws://127.0.0.1:{ports['twisted']}/")
            client_factory.protocol = client(aio.WebSocketClientProtocol, done.set_result)
            await loop.create_connection(client_factory, "127.0.0.1", ports["twisted"])
            results["asyncio"] = await done
            while not finished.is_set():
                await asyncio.sleep(0.01)
            server.close()

        asyncio.run(main())

    thread = threading.Thread(target=asyncio_side, daemon=True)
    thread.start()

    async def twisted_side(reactor: Any) -> None:
        assert ready.wait(20)
        server = tx.WebSocketServerFactory()
        server.protocol = echo(tx.WebSocketServerProtocol)
        port = reactor.listenTCP(0, server, interface="127.0.0.1")
        ports["twisted"] = port.getHost().port
        done: Any = Deferred()
        factory = tx.WebSocketClientFactory(f"ws://127.0.0.1:{ports['asyncio']}/")
        factory.protocol = client(tx.WebSocketClientProtocol, done.callback)
        tx.connectWS(factory)
        results["twisted"] = await done
        while "asyncio" not in results:
            await sleep(0.01)
        finished.set()
        await port.stopListening()

    try:
        react(lambda reactor: Deferred.fromCoroutine(twisted_side(reactor)))
    except SystemExit as e:
        assert not e.code, e.code
    finally:
        finished.set()
    thread.join(20)
    expected = [(size, bool(i & 1)) for i, size in enumerate(sizes)]
    for side in ("twisted", "asyncio"):
        assert results[side] == (True, 1000, expected), (side, results[side])


def site_and_agent(_scheme: str, _serializer: str) -> None:
    """A WebSocketResource of a twisted.web site, and the client agent."""
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react
    from twisted.web.resource import Resource
    from twisted.web.server import Site

    from autobahn_fast.exception import Disconnected
    from autobahn_fast.twisted import websocket as tx
    from autobahn_fast.twisted.resource import WebSocketResource

    class Echo(tx.WebSocketServerProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    class Page(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            return b"a page"

    async def main(reactor: Any) -> None:
        factory = tx.WebSocketServerFactory()
        factory.protocol = Echo
        root = Resource()
        root.putChild(b"ws", WebSocketResource(factory))
        root.putChild(b"page", Page())
        port = reactor.listenTCP(0, Site(root), interface="127.0.0.1")
        got: Any = Deferred()

        class Client(tx.WebSocketClientProtocol):
            def onMessage(self, payload: bytes, isBinary: bool) -> None:
                got.callback((payload, isBinary))

        url = f"ws://127.0.0.1:{port.getHost().port}"
        agent = tx.create_client_agent(reactor)
        connection = await agent.open(f"{url}/ws", {}, Client)
        connection.sendMessage(b"hello" * 100_000, True)
        assert await got == (b"hello" * 100_000, True)
        connection.sendClose(1000)
        await connection.is_closed
        assert connection.wasClean
        try:
            await agent.open(f"{url}/page", {})
        except Disconnected as e:
            assert "200" in str(e), e
        else:
            raise AssertionError("there is no WebSocket there")
        await port.stopListening()

    try:
        react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
    except SystemExit as e:
        assert not e.code, e.code


def full_buffer(_scheme: str, _serializer: str) -> None:
    """A transport whose buffer is full pauses its session and a registered producer; closing unregisters."""
    from twisted.internet.testing import StringTransport

    from autobahn_fast.twisted.rawsocket import WampRawSocketClientFactory
    from autobahn_fast.twisted.wamp import ApplicationSession
    from autobahn_fast.wamp.serializer import create_transport_serializer

    factory = WampRawSocketClientFactory(ApplicationSession, serializer=create_transport_serializer("json"))
    connection = factory.buildProtocol(None)
    transport = StringTransport()
    connection.makeConnection(transport)
    connection.dataReceived(transport.value())  # the same octets accept the handshake
    session = connection._session
    assert session.is_writable
    transport.producer.pauseProducing()
    assert not session.is_writable
    drained = session.framework.spawn(session.drain())
    assert not drained.called
    transport.producer.resumeProducing()
    assert session.is_writable
    assert drained.called

    class Producer:
        paused = False

        def pauseProducing(self) -> None:
            self.paused = True

        def resumeProducing(self) -> None:
            self.paused = False

    producer = Producer()
    connection.registerProducer(producer, True)
    transport.producer.pauseProducing()
    assert producer.paused
    assert not session.is_writable
    transport.producer.resumeProducing()
    connection.unregisterProducer()
    assert transport.producer is not None
    connection.close()
    assert transport.producer is None
    assert transport.disconnecting


if __name__ == "__main__":
    start(
        rpc_and_pubsub,
        runner,
        runner_cannot_connect,
        component_reconnects,
        echo_between_frameworks,
        site_and_agent,
        full_buffer,
    )
