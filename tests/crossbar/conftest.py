# SPDX-License-Identifier: MIT
"""One Crossbar node for all tests of a run, and the ways to reach it: transports and serializers, on asyncio, uvloop and Twisted.

Twisted's reactor runs in a thread of its own for the whole run, so that the same tests run on it.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from crossbar_node import Node
from crossbar_session import PACKAGE, Live, Run, make_transport

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
# asyncio has every channel; the others have each kind of transport, in text and octets, and batches
CHANNELS = {
    "asyncio": [
        ("ws", "json"), ("ws", "msgpack"), ("ws", "cbor"), ("rs", "msgpack"), ("rs", "json"), ("unix", "cbor"),
        ("ws", "json.batched"), ("ws", "cbor.batched"), ("ws", "ubjson"), ("rs", "ubjson"),
    ],
    "uvloop": [("ws", "json"), ("rs", "cbor"), ("unix", "msgpack"), ("ws", "msgpack.batched")],
    "twisted": [("ws", "json"), ("ws", "ubjson"), ("rs", "msgpack"), ("unix", "cbor"), ("ws", "cbor.batched")],
}  # fmt: skip
if PACKAGE == "autobahn":  # it is on one framework at a time
    del CHANNELS["twisted"]
PLACES = [(framework, *channel) for framework, channels in CHANNELS.items() for channel in channels]
TEST_TIMEOUT = 60.0


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The running node."""
    node = Node(request.config.getoption("--crossbar"), tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.stop()


def on_asyncio(loop: str, coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end on asyncio's loop or on uvloop."""

    async def limited() -> None:
        async with asyncio.timeout(TEST_TIMEOUT):
            await coroutine

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(limited())


@pytest.fixture(scope="session")
def on_twisted() -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """Runs a coroutine to its end on the default reactor."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.threads import blockingCallFromThread
    from twisted.logger import STDLibLogObserver, formatEvent, globalLogBeginner

    unhandled: list[str] = []

    def observe(event: Any) -> None:
        if event.get("log_namespace") == "twisted.internet.defer":
            unhandled.append(f"{formatEvent(event)} {event.get('log_failure')}")

    globalLogBeginner.beginLoggingTo([STDLibLogObserver("twisted"), observe], redirectStandardIO=False)
    thread = threading.Thread(target=lambda: reactor.run(installSignalHandlers=False), daemon=True)  # type: ignore[attr-defined]
    thread.start()

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(coroutine).addTimeout(TEST_TIMEOUT, reactor))  # type: ignore[arg-type]

    yield run
    reactor.callFromThread(reactor.stop)  # type: ignore[attr-defined]
    thread.join(TEST_TIMEOUT)
    gc.collect()
    assert unhandled == []


@pytest.fixture(params=LOOPS)
def run_loop(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine to its end on asyncio's loop or on uvloop."""
    return lambda coroutine: on_asyncio(request.param, coroutine)


def runner(framework: str, transport: dict[str, Any], request: pytest.FixtureRequest) -> Run:
    """Return what runs ``test(live)``."""
    if framework == "twisted":
        twisted = request.getfixturevalue("on_twisted")
        return lambda test: twisted(test(Live("twisted", transport)))
    return lambda test: on_asyncio(framework, test(Live("asyncio", transport)))


@pytest.fixture(params=PLACES, ids="-".join)
def run(request: pytest.FixtureRequest, node: Node) -> Run:
    """Runs ``test(live)``, where ``async with live() as session`` gives as many sessions as the test likes."""
    framework, kind, serializer = request.param
    return runner(framework, make_transport(node.urls[kind], serializer), request)


@pytest.fixture(params=CHANNELS)
def run_once(request: pytest.FixtureRequest, node: Node) -> Run:
    """The same on each framework, over one transport: for what does not depend on it."""
    return runner(request.param, make_transport(node.urls["ws"], "cbor"), request)
