# SPDX-License-Identifier: MIT
"""One router, one Node process a library and one session a serializer, made when a test first asks for them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from _node import JsSession, Node, node

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router


class World:
    """A router with sessions of ours and of the JavaScript libraries, made when first asked for."""

    def __init__(self, stack: AsyncExitStack, router: Router) -> None:
        self._stack, self.url = stack, router.urls[0]
        self._ours: dict[str, Any] = {}
        self._nodes: dict[str, Node] = {}
        self._theirs: dict[tuple[str, str], JsSession] = {}
        self._names = itertools.count()

    def uri(self) -> str:
        """A URI that nobody has used."""
        return f"com.example.n{next(self._names)}"

    async def ours(self, serializer: str) -> Any:
        """A session of ours."""
        if serializer not in self._ours:
            joined = asyncio.get_running_loop().create_future()
            transport = {"type": "websocket", "url": self.url, "serializers": [serializer]}
            component = Component(transports=transport, realm="realm1")
            component.on("join", lambda session, _: joined.set_result(session))
            running = asyncio.ensure_future(component.start())
            session = self._ours[serializer] = await joined

            async def end() -> None:
                session.leave()
                await running

            self._stack.push_async_callback(end)
        return self._ours[serializer]

    async def node(self, library: str) -> Node:
        """The process of a library."""
        if library not in self._nodes:
            self._nodes[library] = await self._stack.enter_async_context(node(library))
        return self._nodes[library]

    async def theirs(self, library: str, serializer: str) -> JsSession:
        """A session of a JavaScript library."""
        key = (library, serializer)
        if key not in self._theirs:
            session = self._theirs[key] = (await self.node(library)).session()
            await session.join(self.url, serializer)
        return self._theirs[key]


Play = Callable[[Callable[[World], Coroutine[Any, Any, None]]], None]
