# SPDX-License-Identifier: MIT
"""The embedded WAMP router, for development, tests and programs on one machine.

Broker and dealer of WAMP with what docs/router.md lists of the Advanced Profile, over WebSocket and RawSocket, on asyncio
and uvloop::

    async with Router(["ws://127.0.0.1:0/ws"], ["realm1"]) as router:
        print(router.urls[0])

Knows its listeners, realms and connections. Routing is in ``broker`` and ``dealer``, a connection's life in ``session``,
sockets in ``server``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from autobahn_fast._core.exchange import Exchange
from autobahn_fast._core.relay import fan_out
from autobahn_fast.router import server
from autobahn_fast.router.config import RealmConfig, realm_config
from autobahn_fast.router.realm import Realm
from autobahn_fast.router.session import RouterSession

if TYPE_CHECKING:
    import ssl as ssl_module

__all__ = ("Router",)

log = logging.getLogger("autobahn_fast.router")

SERIALIZERS = ("cbor", "msgpack", "ubjson", "json")


class Router:
    """A router with its listeners. ``async with`` starts and stops it.

    :param listen: URLs to listen on: ``ws://host:port/path``, ``wss://...``, ``rs://host:port``, ``rss://...``, and
        ``unix:/path`` for RawSocket over a Unix socket. Port 0 is any free port.
    :param realms: the realms there are: names, or dicts with settings (authentication, roles and more), see docs/router.md.
    :param ssl: server context for ``wss`` and ``rss``.
    :param serializers: names out of ``cbor``, ``msgpack``, ``ubjson``, ``json``, the preferred first.
    :param max_message_size: octets of a message from a client; larger ones end its connection. RawSocket takes 16 MiB
        at most.
    :param max_lag: octets that may wait for a client that does not read; beyond, its connection is dropped. 0: no limit.
    :param max_stall: seconds that clients wait for one that does not read what they send to it, before it goes without
        their regard. 0: not at all.
    :raises ValueError, TypeError: an argument makes no sense; says which.
    """

    def __init__(
        self,
        listen: Sequence[str] = ("ws://127.0.0.1:0/ws",),
        realms: Sequence[str | Mapping[str, Any]] = ("realm1",),
        *,
        ssl: ssl_module.SSLContext | None = None,
        serializers: Sequence[str] = SERIALIZERS,
        max_message_size: int = 16 * 2**20,
        max_lag: int = 64 * 2**20,
        max_stall: float = 1.0,
    ) -> None:
        if isinstance(listen, str) or isinstance(realms, str | Mapping):
            raise TypeError("listen and realms are lists, not one text or dict")
        if not all(isinstance(part, Sequence) for part in (listen, realms, serializers)):
            raise TypeError("listen, realms and serializers are lists")
        if not all(isinstance(url, str) for url in listen):
            raise TypeError("listen is a list of URLs, each a text")
        for name, limit in (("max_message_size", max_message_size), ("max_lag", max_lag), ("max_stall", max_stall)):
            if not isinstance(limit, int | float):
                raise TypeError(f"{name} must be a number, not {type(limit).__name__}")
        if not realms or not listen:
            raise ValueError("a router needs at least one URL to listen on and one realm")
        unknown = [name for name in serializers if name not in SERIALIZERS]
        if unknown or not serializers:
            raise ValueError(
                f"serializers must be some of {', '.join(SERIALIZERS)}; unknown: {', '.join(unknown) or 'none given'}"
            )
        if max_message_size < 512:
            raise ValueError(f"max_message_size must be at least 512 octets, not {max_message_size}")
        if max_lag < 0:
            raise ValueError(f"max_lag must be 0 (no limit) or a number of octets, not {max_lag}")
        if max_stall < 0:
            raise ValueError(f"max_stall must be 0 (do not wait) or a number of seconds, not {max_stall}")
        self._addresses = [server.parse_listen(url) for url in listen]
        if ssl is None and any(address.secure for address in self._addresses):
            raise ValueError(
                "wss and rss URLs need an ssl context: pass ssl=ssl.SSLContext(...) with a certificate, or on the command line "
                "--certificate FILE"
            )
        self.ssl = ssl
        self.serializers = tuple(serializers)
        self.max_message_size = max_message_size
        self.max_lag = max_lag
        self.max_stall = max_stall
        self.sender: RouterSession | None = None
        """Whose message is being routed."""
        configs = [realm_config(settings) for settings in realms]
        if len({config.name for config in configs}) < len(configs):
            raise ValueError("two realms have the same name")
        self.realms: dict[str, Realm] = {config.name: self._realm(config) for config in configs}
        self.urls: list[str] = []
        """Where clients connect to, with real ports, in the order of ``listen``; empty when not started."""
        self._listeners: list[server.Listener] = []
        self._connections: set[RouterSession] = set()
        self._tasks: set[asyncio.Future[Any]] = set()
        self._empty: asyncio.Event | None = None
        self.exchange = Exchange()
        """What joins that which goes out to clients in a turn of the loop that the router was started on."""

    def _realm(self, config: RealmConfig) -> Realm:
        return Realm(config, fan_out, self.call_later)

    # --- life ---

    async def start(self) -> None:
        """Listen on all URLs, or on none.

        :raises OSError: an address cannot be listened on.
        :raises RuntimeError: the router is started already.
        """
        if self._listeners:
            raise RuntimeError("the router is started already: stop() it first")
        self._empty = asyncio.Event()
        self._empty.set()
        self.exchange = Exchange()
        try:
            for address in self._addresses:
                listener = server.Listener(self, address)
                await listener.start()
                self._listeners.append(listener)
        except BaseException:
            await self.stop()
            raise
        self.urls = [listener.url for listener in self._listeners]
        log.info("listening on %s", ", ".join(self.urls))

    async def stop(self, timeout: float = 2.0) -> None:
        """Stop listening, tell all clients GOODBYE, and close their connections.

        :param timeout: seconds for clients to answer; connections that are open then are dropped.
        """
        listeners, self._listeners, self.urls = self._listeners, [], []
        for listener in listeners:
            listener.close()
        for session in list(self._connections):
            session.goodbye()
        if self._connections and self._empty is not None:
            try:
                await asyncio.wait_for(self._empty.wait(), timeout)
            except TimeoutError:
                for session in list(self._connections):
                    self.drop(session)
                try:
                    await asyncio.wait_for(self._empty.wait(), timeout)
                except TimeoutError:
                    log.warning("%d connections did not end", len(self._connections))
        for listener in listeners:
            await listener.wait_closed(timeout)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    # --- connections; called by sessions ---

    def _opened(self, session: RouterSession) -> None:
        server.connect(session)
        self._connections.add(session)
        if self._empty is not None:
            self._empty.clear()

    def _closed(self, session: RouterSession) -> None:
        self._connections.discard(session)
        if self.sender is session:
            self.sender = None
        if not self._connections and self._empty is not None:
            self._empty.set()

    def close(self, session: RouterSession) -> None:
        """Close the connection of a session after what has been sent."""
        if session.transport is not None:
            server.close(session)

    def drop(self, session: RouterSession) -> None:
        """Cut the connection of a session; what waits for it is thrown away."""
        if session.transport is not None:
            server.drop(session)

    def unsent(self, session: RouterSession) -> int:
        """Octets that wait for the client of a session."""
        return server.unsent(session) if session.transport is not None else 0

    def pause_reading(self, session: RouterSession, pause: bool) -> None:
        """Take nothing more from the client of a session, or go on."""
        if session.transport is not None:
            server.pause_reading(session, pause)

    def call_later(self, seconds: float, f: Callable[[], None]) -> Any:
        """Call ``f`` later; returns an object with ``cancel()``."""
        return asyncio.get_running_loop().call_later(seconds, f)

    def create_future(self) -> asyncio.Future[Any]:
        """A future."""
        return asyncio.get_running_loop().create_future()

    def run(
        self, awaitable: Awaitable[Any], done: Callable[[Any, BaseException | None], None], timeout: float | None = None
    ) -> Callable[[], None]:
        """Run user code or an authentication, and call ``done(result, exception)`` in the end; returns what ends it early.

        :param timeout: seconds; ``done`` gets a TimeoutError then.
        """

        async def run() -> Any:
            async with asyncio.timeout(timeout):
                return await awaitable

        task = asyncio.ensure_future(run())
        self._tasks.add(task)  # the loop has weak references only

        def finished(task: asyncio.Future[Any]) -> None:
            self._tasks.discard(task)
            if not task.cancelled():
                exc = task.exception()
                done(None if exc is not None else task.result(), exc)

        task.add_done_callback(finished)

        def end() -> None:
            task.cancel()

        return end

    def session_factory(self) -> Any:
        """A new session, for a transport that was just accepted."""
        return RouterSession(self)
