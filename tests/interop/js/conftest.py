# SPDX-License-Identifier: MIT
"""The tests of this folder share one world: its router and its sessions stay from test to test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from _world import Play, World

from autobahn_fast.router import Router

TIMEOUT = 30


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    """``play(scene)`` runs ``scene(world)``; what the loop has to complain about fails the test."""
    complaints: list[dict[str, Any]] = []
    with asyncio.Runner() as runner:

        async def begin() -> tuple[AsyncExitStack, World]:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            stack = AsyncExitStack()
            router = await stack.enter_async_context(Router(["ws://127.0.0.1:0/ws"]))
            return stack, World(stack, router)

        stack, world = runner.run(begin())

        def play_it(scene: Callable[[World], Coroutine[Any, Any, None]]) -> None:
            runner.run(asyncio.wait_for(scene(world), TIMEOUT))
            assert complaints == []

        yield play_it
        runner.run(stack.aclose())
    assert complaints == []
