# SPDX-License-Identifier: MIT
"""How a live test gets WAMP sessions. Knows the public interface of the package under test, nothing of the node.

``WAMP_PACKAGE=autobahn`` runs the same tests over autobahn, where that is installed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Coroutine
from typing import Any

PACKAGE = os.environ.get("WAMP_PACKAGE", "autobahn_fast")
REALM = "realm1"


def load(module: str) -> Any:
    """A module of the package under test: ``load("wamp.types")``."""
    return importlib.import_module(f"{PACKAGE}.{module}")


def make_transport(url: str, serializer: str, **options: Any) -> dict[str, Any]:
    """The transport configuration of a Component for one of the node's URLs."""
    if url.startswith("unix:"):
        endpoint = {"type": "unix", "path": url.removeprefix("unix:")}
        return {"type": "rawsocket", "url": "rs://localhost", "endpoint": endpoint, "serializer": serializer, **options}
    if url.startswith("rs:"):
        return {"type": "rawsocket", "url": url, "serializer": serializer, **options}
    return {"type": "websocket", "url": url, "serializers": [serializer], **options}


class Joined:
    """``async with Joined(transport) as session``: a session of its own, joined, that leaves at the end."""

    def __init__(self, transport: dict[str, Any]) -> None:
        self._component = load("asyncio.component").Component(
            main=self._main, transports=[{"max_retries": 0, **transport}], realm=REALM
        )
        self._session: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()

    async def _main(self, _loop: Any, session: Any) -> None:
        self._session.set_result(session)
        await self._leave.wait()

    async def __aenter__(self) -> Any:
        self._done = asyncio.ensure_future(self._component.start(asyncio.get_running_loop()))
        await asyncio.wait([self._session, self._done], return_when=asyncio.FIRST_COMPLETED)
        if not self._session.done():
            self._done.result()
            raise RuntimeError("the component ended before it joined")
        return self._session.result()

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        await self._done


Join = Callable[[], Joined]
Run = Callable[[Callable[[Join], Coroutine[Any, Any, None]]], None]
