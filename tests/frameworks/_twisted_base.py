# SPDX-License-Identifier: MIT
"""What programs on Twisted for the tests share: the reactor, a router in a thread, components. See ``_twisted_programs.py``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Self


def install(name: str) -> None:
    """Install the reactor: ``default``, ``asyncio`` or ``uvloop``."""
    if name != "default":
        import asyncio

        from twisted.internet import asyncioreactor

        if name == "uvloop":
            import uvloop

            asyncioreactor.install(uvloop.new_event_loop())
        else:
            asyncioreactor.install(asyncio.new_event_loop())


class RouterThread:
    """The embedded router on an asyncio loop in a thread of its own."""

    def __init__(self, scheme: str, realm: Any = "realm1") -> None:
        self.realm = realm
        self.listen = "ws://127.0.0.1:0/ws" if scheme == "ws" else "rs://127.0.0.1:0"
        self.ready = threading.Event()
        self.url = ""
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        if not self.ready.wait(20):
            raise TimeoutError("the router did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(20)

    def _run(self) -> None:
        import asyncio

        from autobahn_fast.router import Router

        async def serve() -> None:
            self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
            async with Router(listen=[self.listen], realms=[self.realm]) as router:
                self.url = router.urls[0]
                self.ready.set()
                await self.stop.wait()

        asyncio.run(serve())


def component(url: str, serializer: str, **kwargs: Any) -> Any:
    from autobahn_fast.twisted.component import Component

    transport: dict[str, Any] = {"url": url, "initial_retry_delay": 0.01, "max_retry_delay": 0.05}
    if url.startswith("rs:"):
        transport.update(type="rawsocket", serializer=serializer)
    else:
        transport["serializers"] = [serializer]
    return Component(transports=transport, **kwargs)


def react(main: Callable[[Any], Any]) -> None:
    """Run a coroutine function in ``task.react``; what it raises is raised here."""
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react as run_reactor

    failures: list[BaseException] = []

    async def guarded(reactor: Any) -> None:
        try:
            await main(reactor)
        except BaseException as e:  # noqa: BLE001 - raised below
            failures.append(e)

    try:
        run_reactor(lambda reactor: Deferred.fromCoroutine(guarded(reactor)))
    except SystemExit as e:
        assert not e.code, e.code
    if failures:
        raise failures[0]


def start(*programs: Callable[..., None]) -> None:
    """Run the one that the command line names: ``NAME REACTOR ARGUMENTS...``."""
    install(sys.argv[2])
    {program.__name__: program for program in programs}[sys.argv[1]](*sys.argv[3:])
