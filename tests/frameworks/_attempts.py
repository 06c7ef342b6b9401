# SPDX-License-Identifier: MIT
"""Attempts that fail before a session has joined, on every framework: what a component and a runner make of them.

``python _attempts.py NAME REACTOR`` runs one on Twisted.
"""

from __future__ import annotations

import importlib
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from _one_client import OneClientThread
from _twisted_base import RouterThread

from autobahn_fast.wamp.exception import SerializationError, TransportLost


class CannotSayHello(Exception):
    """What an application raises in these."""


async def ended(framework: str, transport: dict[str, Any], **kwargs: Any) -> tuple[BaseException | None, list[str]]:
    """Run a component to its end: the reason of its failure, and what its attempts failed with."""
    failures: list[str] = []
    gave_up: list[Any] = []
    component = importlib.import_module(f"autobahn_fast.{framework}.component").Component(
        transports={"initial_retry_delay": 0.001, "max_retry_delay": 0.002, **transport}, **kwargs
    )
    component.on_connectfailure(lambda _, error: failures.append(type(error).__name__))

    @component.on_giveup
    async def told(which: Any, error: Any) -> None:
        await component.framework.sleep(0)
        gave_up.extend((which, error))

    try:
        await component.start()
    except RuntimeError as e:
        assert gave_up == [component, e], "nobody was told before start() ended"
        return e.__cause__, failures
    assert gave_up == []
    return None, failures


async def on_connect_raises(framework: str) -> None:
    """It is a failed attempt, with that error; others follow as after any other."""
    base: Any = importlib.import_module(f"autobahn_fast.{framework}.wamp").Session

    class AtOnce(base):  # type: ignore[misc]
        def onUserError(self, fail: Any, msg: str) -> None:
            pass

        def on_connect(self) -> Any:
            raise CannotSayHello("at once")

    class Later(AtOnce):
        async def on_connect(self) -> None:
            await self.framework.sleep(0)
            raise CannotSayHello("later")

    with RouterThread("ws") as router:
        for session, text in ((AtOnce, "at once"), (Later, "later")):
            error, failures = await ended(framework, {"url": router.url, "max_retries": 2}, session_factory=session)
            assert isinstance(error, CannotSayHello), error
            assert str(error) == text
            assert failures == ["CannotSayHello"] * 3, failures


async def hello_that_cannot_be_written(framework: str) -> None:
    """FlatBuffers has no field for what SCRAM says in HELLO: the component gives up at once and says why."""
    with OneClientThread("ws", "flatbuffers") as server:
        transport = {"url": server.url, "serializers": ["flatbuffers"]}
        error, failures = await ended(
            framework, transport, authentication={"scram": {"authid": "joe", "password": "hush", "authextra": {"x": 1}}}
        )
        assert isinstance(error, SerializationError), error
        assert failures == ["SerializationError"], failures


CASES = {case.__name__: case for case in (on_connect_raises, hello_that_cannot_be_written)}


# --- programs: a runner runs the loop itself ---


@contextmanager
def plain_http_server() -> Iterator[int]:
    """A server that answers every request with 404. Its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def runner_without_a_websocket_there(framework: str) -> None:
    """``run`` raises the reason instead of waiting for a session that will never be."""
    wamp: Any = importlib.import_module(f"autobahn_fast.{framework}.wamp")
    with plain_http_server() as port:
        runner = wamp.ApplicationRunner(f"ws://127.0.0.1:{port}/ws", "realm1")
        try:
            runner.run(wamp.ApplicationSession, log_level="error")
        except TransportLost as e:
            assert "404" in str(e), e
        else:
            raise AssertionError("run() returned")
        # over RawSocket: what answers is no RawSocket server
        runner = wamp.ApplicationRunner(f"rs://127.0.0.1:{port}", "realm1")
        if framework == "twisted":
            return  # a reactor cannot be started twice
        try:
            runner.run(wamp.ApplicationSession, log_level="error")
        except TransportLost as e:
            assert "before the session was open" in str(e), e
        else:
            raise AssertionError("run() returned")


PROGRAMS = {program.__name__: program for program in (runner_without_a_websocket_there,)}


def main(name: str, reactor: str) -> None:
    from _twisted_base import install, react

    if name in PROGRAMS:
        if reactor != "none":
            install(reactor)
        PROGRAMS[name]("asyncio" if reactor == "none" else "twisted")
        return
    install(reactor)
    react(lambda _: CASES[name]("twisted"))


if __name__ == "__main__":
    main(*sys.argv[1:])
