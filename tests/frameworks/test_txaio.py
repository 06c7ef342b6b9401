# SPDX-License-Identifier: MIT
"""txaio, as programs written for autobahn use it: its clock, its choice of a framework, its loggers; and logging without it.

All of it is global state, so that every test is a program of its own.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

FRAMEWORKS = ("asyncio", "twisted")


def program(text: str, *arguments: str) -> str:
    """Run a program; what it wrote to stdout. It must end well and write nothing to stderr."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_timers_run_on_txaios_clock_on_asyncio() -> None:
    program("""
        import asyncio, txaio
        txaio.use_asyncio()
        from autobahn_fast.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

        class Clock:
            def __init__(self):
                self.calls = []

            def call_later(self, delay, function, *args):
                loop = asyncio.get_running_loop()
                call = asyncio.TimerHandle(delay, function, args, loop)
                self.calls.append(call)
                return call

            def advance(self, seconds):
                for call in [call for call in self.calls if call.when() <= seconds and not call.cancelled()]:
                    call._run()

        async def main():
            txaio.config.loop = clock = Clock()
            factory = WebSocketServerFactory("ws://127.0.0.1:9000")
            factory.protocol = WebSocketServerProtocol
            factory.setProtocolOptions(openHandshakeTimeout=5000)
            server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            while not clock.calls:
                await asyncio.sleep(0.001)
            clock.advance(4999)
            assert not reader.at_eof()
            clock.advance(5001)
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
            server.close()

            # a sleep that is cancelled leaves nothing behind
            from autobahn_fast.asyncio._framework import AsyncioFramework
            before = len(clock.calls)
            sleeping = asyncio.ensure_future(AsyncioFramework.sleep(100))
            await asyncio.sleep(0)
            assert len(clock.calls) == before + 1
            clock.advance(6000)
            await asyncio.wait_for(sleeping, 20)

        asyncio.run(main())
    """)


def test_txaios_loop_is_taken_where_none_runs() -> None:
    program("""
        import asyncio, txaio
        txaio.use_asyncio()
        from autobahn_fast.asyncio._framework import AsyncioFramework, current_loop
        loop = txaio.config.loop = asyncio.new_event_loop()
        assert current_loop() is loop and AsyncioFramework.create_future().get_loop() is loop
        seen = []
        AsyncioFramework.call_later(0, lambda: (seen.append(1), loop.stop()))
        loop.run_forever()
        loop.close()
        assert seen == [1]
        # one that is closed is of no use any more
        fresh = current_loop()
        assert fresh is not loop and not fresh.is_closed()
        fresh.close()
    """)


def test_timers_run_on_txaios_clock_on_twisted() -> None:
    program("""
        import txaio
        txaio.use_twisted()
        from twisted.internet.task import Clock
        from twisted.internet.testing import StringTransport
        from autobahn_fast.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol

        clock, own = Clock(), Clock()
        txaio.config.loop = clock
        for more in ({}, {"reactor": own}):
            factory = WebSocketServerFactory("ws://127.0.0.1:9000", **more)
            factory.protocol = WebSocketServerProtocol
            factory.setProtocolOptions(openHandshakeTimeout=5)
            protocol, transport = factory.buildProtocol(None), StringTransport()
            transport.abortConnection = transport.loseConnection
            protocol.makeConnection(transport)
            clock.advance(4.9)
            assert not transport.disconnecting
            clock.advance(0.2)
            assert transport.disconnecting
        assert not own.getDelayedCalls()

        # txaio puts the reactor there by itself: no reason to leave the one that was given
        from twisted.internet import reactor
        txaio.config.loop = None
        txaio.call_later(1000, print).cancel()
        assert txaio.config.loop is reactor
        protocol = factory.buildProtocol(None)
        protocol.makeConnection(StringTransport())
        assert own.getDelayedCalls() and not reactor.getDelayedCalls()
    """)


def test_a_component_begins_though_nobody_advances_the_clock() -> None:
    """The first attempt is due at once: that is no timer. Tests written for autobahn go by it."""
    program("""
        import txaio
        txaio.use_twisted()
        from twisted.internet import reactor
        from twisted.internet.defer import Deferred
        from twisted.internet.interfaces import IStreamClientEndpoint
        from twisted.internet.task import Clock
        from zope.interface import implementer
        from autobahn_fast.twisted.component import Component

        @implementer(IStreamClientEndpoint)
        class Endpoint:
            def connect(self, factory):
                seen.append(factory)
                reactor.stop()
                return Deferred()

        seen = []
        txaio.config.loop = clock = Clock()
        component = Component(transports={"type": "websocket", "url": "ws://127.0.0.1/ws", "endpoint": Endpoint()})
        component.start(reactor=clock)
        reactor.callLater(20, reactor.stop)
        reactor.run()
        assert seen
    """)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("chosen", ["", *FRAMEWORKS])
def test_importing_chooses_the_framework_unless_one_is_chosen(framework: str, chosen: str) -> None:
    program(f"""
        import txaio
        if {chosen!r}:
            txaio.use_{chosen or "asyncio"}()
        import autobahn_fast.{framework}.component, autobahn_fast.{framework}.websocket, autobahn_fast.{framework}.util
        assert getattr(txaio, "using_" + ({chosen!r} or {framework!r}))
        assert txaio.using_twisted != txaio.using_asyncio
    """)


LOGS = """
    import sys, txaio
    framework, level = sys.argv[1:]
    getattr(txaio, f"use_{framework}")()
    from importlib import import_module
    log = import_module(f"autobahn_fast.{framework}.component").Component.log
    log.debug("nobody asked for {what}", what="this")
    txaio.start_logging(out=sys.stdout, level=level)
    theirs = txaio.make_logger()
    for each in ("error", "warn", "info", "debug"):
        getattr(theirs, each)("theirs at {what}", what=each)
        getattr(log, each)("ours at {what}", what=each)
"""


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("level", ["error", "info", "debug"])
def test_our_lines_appear_where_txaios_do(framework: str, level: str) -> None:
    lines = program(LOGS, framework, level).splitlines()
    theirs = [line.rpartition(" ")[2] for line in lines if "theirs at" in line]
    ours = [line.rpartition(" ")[2] for line in lines if "ours at" in line]
    assert ours == theirs and len(ours) == {"error": 1, "info": 3, "debug": 4}[level]
    assert "nobody asked" not in "".join(lines)


def test_a_program_may_use_txaios_logger_as_log() -> None:
    out = program("""
        import sys, txaio
        txaio.use_asyncio()
        txaio.start_logging(out=sys.stdout, level="info")
        from autobahn_fast.asyncio.wamp import ApplicationSession

        class Session(ApplicationSession):
            log = txaio.make_logger()

        session = Session()
        try:
            raise ValueError("what user code raised")
        except ValueError as e:
            session._user_error(e, "while doing it")
    """)
    assert "while doing it" in out


def test_standard_logging_is_left_alone() -> None:
    program("""
        import logging
        from autobahn_fast.asyncio.component import Component
        from autobahn_fast.asyncio.wamp import ApplicationSession
        import autobahn_fast.asyncio.websocket, autobahn_fast.router
        names = [name for name in logging.root.manager.loggerDict if "autobahn" in name]
        assert names and all(name.partition(".")[0] == "autobahn_fast" for name in names), names
        assert not logging.root.handlers and logging.root.level == logging.WARNING
        for name in names:
            logger = logging.getLogger(name)
            assert not logger.handlers and logger.propagate and not logger.disabled and logger.level == logging.NOTSET

        seen = []
        handler = logging.Handler()
        handler.emit = seen.append
        logging.getLogger("autobahn_fast").addHandler(handler)
        try:
            raise ValueError("what user code raised")
        except ValueError as e:
            ApplicationSession()._user_error(e, "while doing it")
        record, = seen
        assert record.levelno == logging.ERROR and "while doing it" in record.getMessage()
        assert record.name.startswith("autobahn_fast.") and str(record.exc_info[1]) == "what user code raised"
        assert record.exc_info[2].tb_frame.f_code.co_name == "<module>"
    """)


def test_twisted_logging_is_left_alone() -> None:
    program("""
        import logging
        from twisted.logger import globalLogPublisher, LogLevel
        seen = []
        globalLogPublisher.addObserver(seen.append)
        from autobahn_fast.twisted.wamp import ApplicationSession
        import autobahn_fast.twisted.component, autobahn_fast.twisted.websocket
        assert not logging.root.handlers
        try:
            raise ValueError("what user code raised")
        except ValueError as e:
            ApplicationSession()._user_error(e, "while doing it")
        event, = seen
        assert event["log_level"] is LogLevel.error and event["log_namespace"].startswith("autobahn_fast.")
        assert "what user code raised" in event["log_failure"].getTraceback()
        assert "while doing it" in repr(event)
    """)


@pytest.mark.parametrize(
    "how", ["import txaio", "import txaio.interfaces", "from txaio import make_logger; import txaio"]
)
def test_asyncio_is_chosen_when_txaio_is_imported_later(how: str) -> None:
    program(
        f"""
        import sys
        import autobahn_fast.asyncio.component
        before = len(sys.meta_path)
        assert "txaio" not in sys.modules
        {how}
        assert txaio.using_asyncio and not txaio.using_twisted
        assert len(sys.meta_path) == before - 1
        assert txaio.create_future_success(1).result() == 1
        import autobahn_fast.twisted.component
        assert txaio.using_asyncio and not txaio.using_twisted
        """
    )


def test_a_program_without_txaio_does_not_get_it() -> None:
    program("""
        import sys
        import autobahn_fast.asyncio.component
        sys.path[:] = [place for place in sys.path if "site-packages" not in place]
        try:
            import txaio
        except ModuleNotFoundError as e:
            assert e.name == "txaio"
        else:
            raise RuntimeError(txaio.__file__)
    """)
