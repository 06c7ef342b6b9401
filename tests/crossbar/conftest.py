# SPDX-License-Identifier: MIT
"""One Crossbar node for all tests of a run, and the ways to reach it: transports and serializers, on two loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from crossbar_node import Node
from crossbar_session import Join, Joined, Run, make_transport

CHANNELS = [
    ("ws", "json"), ("ws", "msgpack"), ("ws", "cbor"), ("rs", "msgpack"), ("rs", "json"), ("unix", "cbor"),
    ("ws", "json.batched"), ("ws", "cbor.batched"), ("ws", "ubjson"), ("rs", "ubjson"),
]  # fmt: skip
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
TEST_TIMEOUT = 30.0


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The running node."""
    node = Node(request.config.getoption("--crossbar"), tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.stop()


@pytest.fixture(params=LOOPS)
def run_loop(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine to its end on asyncio's loop or on uvloop."""

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        async def limited() -> None:
            async with asyncio.timeout(TEST_TIMEOUT):
                await coroutine

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(limited())

    return run


@pytest.fixture(params=CHANNELS, ids="-".join)
def transport(request: pytest.FixtureRequest, node: Node) -> dict[str, Any]:
    """A transport configuration, for each way to reach the node."""
    kind, serializer = request.param
    return make_transport(node.urls[kind], serializer)


@pytest.fixture
def run(run_loop: Callable[[Coroutine[Any, Any, None]], None], transport: dict[str, Any]) -> Run:
    """Runs ``test(join)``, where ``async with join() as session`` gives as many sessions as the test likes."""

    def run_test(test: Callable[[Join], Coroutine[Any, Any, None]]) -> None:
        run_loop(test(lambda: Joined(transport)))

    return run_test
