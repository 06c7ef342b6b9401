# SPDX-License-Identifier: MIT
"""ApplicationRunner: what it asks of the loop, how it reconnects, how it stops. No connection is made here."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock, patch

import pytest
from test_asyncio_component import MemoryConnection

from autobahn_fast.asyncio.wamp import ApplicationRunner, ApplicationSession


def mock_loop() -> Any:
    loop = Mock()
    loop.run_until_complete = Mock(return_value=(Mock(), Mock()))
    return loop


@pytest.mark.parametrize(
    ("url", "ssl", "expected"),
    [
        ("ws://127.0.0.1:8080/ws", None, False),
        ("wss://127.0.0.1:8080/ws", None, True),
        ("wss://127.0.0.1:8080/ws", "a context", "a context"),
        ("wss://127.0.0.1:8080/ws", False, False),
    ],
)
def test_ssl_is_passed_on(url: str, ssl: Any, expected: Any) -> None:
    loop = mock_loop()
    with patch("autobahn_fast.asyncio.wamp.get_or_create_event_loop", return_value=loop):
        ApplicationRunner(url, "realm1", ssl=ssl).run("_unused_")
    (_, host, port), kwargs = loop.create_connection.call_args
    assert (host, port) == ("127.0.0.1", 8080)
    assert kwargs["ssl"] == expected


def test_ssl_conflicts_with_the_url() -> None:
    with pytest.raises(
        RuntimeError, match='^ssl argument value passed to ApplicationRunner conflicts with the "ws:" prefix'
    ):
        ApplicationRunner("ws://127.0.0.1:8080/ws", "realm1", ssl=True).run("_unused_", start_loop=False)


@pytest.mark.parametrize("kwargs", [{"url": 3}, {"url": "ws://a", "realm": 3}, {"url": "ws://a", "proxy": "x"}])
def test_wrong_types(kwargs: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ApplicationRunner(**kwargs)


def test_options_of_the_factory() -> None:
    loop = mock_loop()
    proxy = {"host": "proxy.example", "port": 3128}
    with patch("autobahn_fast.asyncio.wamp.get_or_create_event_loop", return_value=loop):
        ApplicationRunner("ws://127.0.0.1:8080/ws", "realm1", proxy=proxy, headers={"x": "y"}).run("_unused_")
    factory, host, port = loop.create_connection.call_args[0]
    assert (host, port) == ("proxy.example", 3128)
    assert factory.maxFramePayloadSize == factory.maxMessagePayloadSize == 1048576
    assert (factory.autoFragmentSize, factory.failByDrop) == (65536, False)
    assert (factory.openHandshakeTimeout, factory.closeHandshakeTimeout) == (2.5, 1.0)
    assert (factory.autoPingInterval, factory.autoPingTimeout, factory.autoPingSize) == (10.0, 5.0, 12)


class MemoryRunner(ApplicationRunner):
    """A runner whose connections come from a function instead of the network."""

    def __init__(self, connect: Any, **kwargs: Any) -> None:
        super().__init__("ws://127.0.0.1:1/ws", "realm1", **kwargs)
        self.make = connect
        self.connections: list[MemoryConnection] = []
        self.attempts = 0

    def _target(self, make: Any) -> Any:
        return self._make_session_factory(make), {}

    async def _connect(self, loop: Any, factory: Any, target: Any) -> Any:  # type: ignore[override]
        self.attempts += 1
        connection = self.make(self.attempts)
        if isinstance(connection, Exception):
            raise connection
        self.connections.append(connection)
        connection.open(factory())
        return connection, connection


FAST = {"initial_retry_delay": 0.001, "max_retry_delay": 0.002}


def test_auto_reconnect_and_stop() -> None:
    async def main() -> None:
        joined: asyncio.Queue[Any] = asyncio.Queue()

        class App(ApplicationSession):
            def onJoin(self, details: Any) -> None:
                joined.put_nowait(self)

        runner = MemoryRunner(
            lambda n: ConnectionRefusedError() if n == 2 else MemoryConnection(), extra={"k": 1}, **FAST
        )
        task = asyncio.ensure_future(runner.run(App, start_loop=False, auto_reconnect=True))
        session = await joined.get()
        assert session.config.extra == {"k": 1}
        assert session.config.realm == "realm1"
        runner.connections[0].lose()
        second = await joined.get()
        assert second is not session
        assert runner.attempts == 3
        await runner.stop()
        await task
        assert not second.is_attached()
        assert runner.attempts == 3

    asyncio.run(asyncio.wait_for(main(), 20))


def test_retries_run_out() -> None:
    async def main() -> None:
        runner = MemoryRunner(lambda n: ConnectionRefusedError("down"), max_retries=2, **FAST)
        with pytest.raises(ConnectionRefusedError):
            await runner.run(ApplicationSession, start_loop=False, auto_reconnect=True)
        assert runner.attempts == 3

    asyncio.run(asyncio.wait_for(main(), 20))


def test_run_starts_and_stops_the_loop() -> None:
    class App(ApplicationSession):
        async def onJoin(self, details: Any) -> None:
            await asyncio.sleep(0)
            self.config.runner.stop()

    for auto_reconnect in (False, True):
        asyncio.set_event_loop(asyncio.new_event_loop())
        runner = MemoryRunner(lambda n: MemoryConnection(), **FAST)
        runner.run(App, auto_reconnect=auto_reconnect)
        assert runner.attempts == 1
        assert not runner.connections[0].isOpen()
        asyncio.set_event_loop(None)
