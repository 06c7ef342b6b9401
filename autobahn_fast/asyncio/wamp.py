# SPDX-License-Identifier: MIT
"""WAMP sessions on asyncio, and the runner that connects one to a router.

Knows asyncio: its futures, tasks and loops. The sessions themselves are ``autobahn_fast.wamp.protocol``.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from autobahn_fast._core.pending import Pending
from autobahn_fast._framework import make_logger
from autobahn_fast._logging import start_logging
from autobahn_fast._names import also_from
from autobahn_fast.asyncio._connecting import create_connection
from autobahn_fast.asyncio._framework import AsyncioFramework, current_loop
from autobahn_fast.asyncio._uvloop import use_uvloop
from autobahn_fast.asyncio.util import get_or_create_event_loop
from autobahn_fast.wamp import protocol
from autobahn_fast.wamp._snakecase import SnakeCaseMixin
from autobahn_fast.wamp._transports import (
    RUNNER_OPTIONS,
    Retry,
    Runner,
    check_proxy_of_runner,
    never_opened,
    tls_of_runner,
)

__all__ = ("ApplicationRunner", "ApplicationSession", "ApplicationSessionFactory", "Session")


class CallFuture(asyncio.Future):  # type: ignore[type-arg]
    """The future of a call: cancelling it sends CANCEL."""

    __slots__ = ("request", "session")

    session: Any
    request: int

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the call. :returns: False when it was done already."""
        if not super().cancel(msg):
            return False
        self.session._cancel_call(self.request)
        return True


class ApplicationSession(protocol.ApplicationSession):
    """A WAMP session on asyncio. Subclass it and override ``onJoin`` and friends, with coroutines where useful."""

    log: Any = make_logger("autobahn_fast.asyncio.wamp")
    framework = AsyncioFramework
    _cancelled_errors = (asyncio.CancelledError,)

    _resolve = staticmethod(AsyncioFramework.resolve)
    _reject = staticmethod(AsyncioFramework.reject)
    _is_awaitable = staticmethod(AsyncioFramework.is_awaitable)
    _spawn = staticmethod(AsyncioFramework.spawn)

    _loop: asyncio.AbstractEventLoop | None = None

    def _attach(self, transport: Any) -> None:
        self._loop = current_loop()
        super()._attach(transport)

    def _create_call_future(self, request: int) -> CallFuture:
        future = CallFuture(loop=self._loop)
        future.session = self
        future.request = request
        return future

    @property
    def _plain_calls(self) -> Pending:
        """Pending calls, for ``Wire``: those without options it makes and completes by itself."""
        return self._calls

    @property
    def _future_of_calls(self) -> tuple[type[CallFuture], dict[str, Any]]:
        """What these calls' futures are made of, as in ``_create_call_future``: their class and its arguments."""
        return CallFuture, {"loop": self._loop}

    def _reject_lost(self, future: asyncio.Future[Any], exc: BaseException) -> None:
        if not future.done():
            future.set_exception(exc)
            future.exception()  # a program that does not wait for it any more has heard of the loss by onLeave


class Session(SnakeCaseMixin, ApplicationSession):
    """The same with snake_case hooks (``on_join(details)`` ...) and authenticators: what Component uses."""


class ApplicationSessionFactory(protocol.ApplicationSessionFactory):
    """Makes asyncio sessions."""

    session: Any = ApplicationSession
    log: Any = make_logger("autobahn_fast.asyncio.wamp")


class ApplicationRunner(Runner):
    """Connects one session to a router over WebSocket or RawSocket and runs the loop.

    Reconnecting waits ``initial_retry_delay`` seconds at first, ``retry_delay_growth`` times longer each time, at most
    ``max_retry_delay``, shaken by ``retry_delay_jitter`` (a share of the delay); a joined session starts over.
    """

    log: Any = make_logger("autobahn_fast.asyncio.wamp")

    def __init__(
        self,
        url: str,
        realm: str | None = None,
        extra: dict[str, Any] | None = None,
        serializers: list[Any] | None = None,
        ssl: Any = None,
        proxy: dict[str, Any] | str | None = None,
        headers: dict[str, str] | None = None,
        *,
        websocket_options: dict[str, Any] | None = None,
        max_retries: int = -1,
        initial_retry_delay: float = 1.5,
        max_retry_delay: float = 300,
        retry_delay_growth: float = 1.5,
        retry_delay_jitter: float = 0.1,
    ) -> None:
        """
        :param url: ``ws://``, ``wss://``, ``rs://`` or ``rss://`` URL of the router.
        :param realm: realm to join. :param extra: handed to the session as ``config.extra``.
        :param serializers: offered in this order; the RawSocket transport uses the first.
        :param ssl: bool or ``ssl.SSLContext``.
        :param proxy: HTTP proxy for WebSocket: ``{"host": ..., "port": ..., "username": ..., "password": ...}``, or a URL.
        :param headers: HTTP headers of the opening handshake.
        :param websocket_options: more arguments of ``setProtocolOptions``.
        :param max_retries: attempts to reconnect before giving up; -1: without end.
        :raises TypeError: an argument of the wrong type.
        """
        for name, value, kind in (
            ("url", url, str),
            ("realm", realm, (str, type(None))),
            ("extra", extra, (dict, type(None))),
            ("headers", headers, (dict, type(None))),
            ("websocket_options", websocket_options, (dict, type(None))),
            ("proxy", proxy, (dict, str, type(None))),
        ):
            if not isinstance(value, kind):
                raise TypeError(f"{name} must not be a {type(value).__name__}")
        check_proxy_of_runner(url, proxy)
        self.url = url
        self.realm = realm
        self.extra = extra if extra is not None else {}
        self.serializers = serializers
        self.ssl = ssl
        self.proxy = proxy
        self.headers = headers
        self.websocket_options = websocket_options
        self._retry = Retry(max_retries, initial_retry_delay, max_retry_delay, retry_delay_growth, retry_delay_jitter)
        self._session: Any = None
        self._closed: asyncio.Event | None = None
        self._task: asyncio.Task[Any] | None = None
        self._stopping = False

    # --- the pieces of a connection ---

    def _watch(self, session: Any) -> None:
        super()._watch(session)
        closed = self._closed
        if closed is not None:
            session.on("disconnect", lambda *_args, **_kwargs: closed.set())

    def _target(self, make: Any) -> tuple[Any, dict[str, Any]]:
        """Return the transport factory and the arguments of ``create_connection`` for the URL.

        :raises ValueError: not a URL of WebSocket or RawSocket. :raises RuntimeError: ``ssl`` with a ``ws:`` URL.
        """
        if self.url.startswith(("rs:", "rss:")):
            from autobahn_fast.asyncio.rawsocket import WampRawSocketClientFactory
            from autobahn_fast.rawsocket.util import parse_url as parse_rs

            secure, host, port = parse_rs(self.url)
            serializer = self.serializers[0] if self.serializers else None
            factory: Any = WampRawSocketClientFactory(self._make_session_factory(make), serializer=serializer)
        else:
            factory, secure, host, port = self._websocket_target(make)
        from autobahn_fast.websocket._proxy import check_proxy

        ssl = tls_of_runner(self.url, secure, self.ssl)
        proxy = check_proxy(self.proxy)
        if proxy is not None:  # TLS to the router begins inside the tunnel, when the proxy has opened it
            factory.ssl_context = None if ssl is True else ssl
            return factory, {"host": proxy.host, "port": proxy.port, "ssl": None}
        if host == "unix":
            return factory, {"path": port}
        return factory, {"host": host, "port": port, "ssl": ssl}

    def _websocket_target(self, make: Any) -> tuple[Any, bool, str, int | str]:
        from autobahn_fast.asyncio.websocket import WampWebSocketClientFactory
        from autobahn_fast.websocket._extensions import deflate_options
        from autobahn_fast.websocket.util import parse_url as parse_ws

        secure, host, port, _resource, _path, _params = parse_ws(self.url)
        factory = WampWebSocketClientFactory(
            self._make_session_factory(make),
            url=self.url,
            serializers=self.serializers,
            proxy=self.proxy,
            headers=self.headers,
        )
        options = {"failByDrop": False, **RUNNER_OPTIONS, **deflate_options(), **(self.websocket_options or {})}
        factory.setProtocolOptions(**options)
        return factory, secure, host, port

    # --- running ---

    def run(self, make: Any, start_loop: bool = True, log_level: str = "info", auto_reconnect: bool = False) -> Any:
        """Connect, and run the loop until somebody stops it.

        :param make: called with a ``ComponentConfig``, returns the session (a session class will do).
        :param start_loop: False: return a coroutine that ends with ``(transport, protocol)`` when connected or, with
            auto_reconnect, that ends when the runner is stopped.
        :param log_level: ``"critical"``, ``"error"``, ``"warn"``, ``"info"``, ``"debug"`` or ``"trace"``.
        :param auto_reconnect: connect again when the connection is lost or cannot be made.
        :raises Exception: what the last attempt to connect raised.
        :raises TransportLost: without auto_reconnect: the connection was made, but its opening handshake failed.
        """
        if start_loop:
            use_uvloop()
        loop = get_or_create_event_loop()
        factory, target = self._target(make)
        self._stopping = False
        if not start_loop:
            if auto_reconnect:
                return self._keep_connected(make)
            return self._connect(loop, factory, target)
        start_logging(log_level)
        errors: list[Exception] = []
        try:
            if auto_reconnect:
                task = self._task = loop.create_task(self._keep_connected(make))
                task.add_done_callback(lambda _task: loop.stop())
            else:
                self._closed = asyncio.Event()
                _, connection = loop.run_until_complete(self._connect(loop, factory, target))
                self._when_closed(connection, lambda: self._stop_if_never_opened(loop, connection, errors))
            self._run_forever(loop)
            if errors:
                raise errors[0]
            if self._task is not None and self._task.done() and not self._task.cancelled():
                self._task.result()
        finally:
            self._task = None
            loop.close()

    def _run_forever(self, loop: Any) -> None:
        """Run until somebody stops the loop: the application, ``stop()``, Ctrl-C or SIGTERM. Then leave in good order."""
        try:
            loop.add_signal_handler(signal.SIGTERM, loop.stop)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # Windows, or not the main thread
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            self.log.info("interrupted")
        if self._session is not None and self._session.transport is not None:
            loop.run_until_complete(self._shut_down())
        if self._task is not None and not self._task.done():
            self._stopping = True
            self._task.cancel()
            loop.run_until_complete(asyncio.wait([self._task]))

    @staticmethod
    def _connect(loop: Any, factory: Any, target: dict[str, Any]) -> Any:
        if "path" in target:
            return loop.create_unix_connection(factory, target["path"])
        return create_connection(loop, factory, target["host"], target["port"], ssl=target["ssl"])

    async def _connect_once(self, make: Any) -> None:
        closed = self._closed = asyncio.Event()
        factory, target = self._target(make)
        _, connection = await self._connect(asyncio.get_running_loop(), factory, target)
        self._when_closed(connection, closed.set)
        await closed.wait()

    @staticmethod
    def _when_closed(connection: Any, call: Callable[[], Any]) -> None:
        """The only sign of a connection whose opening handshake failed: there never was a session."""
        ended = getattr(connection, "is_closed", None)
        if ended is not None:
            ended.add_done_callback(lambda _: call())

    def _stop_if_never_opened(self, loop: Any, connection: Any, errors: list[Exception]) -> None:
        if self._session is None and not self._stopping:
            errors.append(never_opened(self.url, connection))
            loop.stop()

    async def _keep_connected(self, make: Any) -> None:
        self._stopping = False
        self._task = asyncio.current_task()
        self._retry.reset()
        try:
            while not self._stopping:
                try:
                    await self._connect_once(make)
                except OSError as e:
                    if not self._retry.may_try():
                        raise
                    self.log.warn("connecting to {url} failed: {error}", url=self.url, error=e)
                if self._stopping:
                    return
                if not self._retry.may_try():
                    raise RuntimeError(f"connection to {self.url} lost, and no retries are left")
                delay = self._retry.next_delay()
                self.log.info("next attempt to connect in {delay:.1f} s", delay=delay)
                await asyncio.sleep(delay)
        except asyncio.CancelledError:
            if not self._stopping:
                raise

    def stop(self) -> Any:
        """Leave the realm, close the connection and do not connect again; ``run()`` returns then.

        :returns: an awaitable that is done when the session is over.
        """
        self._stopping = True
        return asyncio.ensure_future(self._stop(), loop=current_loop())

    async def _stop(self) -> None:
        await self._shut_down()
        task = self._task
        if task is None:
            current_loop().stop()
        elif not task.done() and task is not asyncio.current_task():
            task.cancel()

    async def _shut_down(self) -> None:
        """Say goodbye, and wait a moment for the connection to close."""
        self._stopping = True
        session, closed = self._session, self._closed
        if session is None or closed is None or session.transport is None:
            return
        if session.is_attached():
            session.leave()
            try:
                await asyncio.wait_for(closed.wait(), 1.0)
                return
            except TimeoutError:
                pass
        session.disconnect()
        try:
            await asyncio.wait_for(closed.wait(), 2.0)
        except TimeoutError:
            if session.transport is not None:
                session.transport.abort()


also_from(
    __name__,
    "wamp.interfaces",
    "websocket.compress_deflate",
    "asyncio.rawsocket",
    "asyncio.websocket",
    "util",
    parse_ws_url="websocket.util:parse_url",
    parse_rs_url="rawsocket.util:parse_url",
    ComponentConfig="wamp.types:ComponentConfig",
)
