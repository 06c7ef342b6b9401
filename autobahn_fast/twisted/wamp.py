# SPDX-License-Identifier: MIT
"""WAMP sessions on Twisted, and the runner that connects one to a router.

Knows Twisted: its Deferreds, endpoints and reactor. The sessions themselves are ``autobahn_fast.wamp.protocol``.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from autobahn_fast._core.pending import Pending
from autobahn_fast.twisted._connecting import (
    client_tls,
    closed_within,
    tcp_endpoint,
    unix_endpoint,
    wrapped_in_tls,
)
from autobahn_fast.twisted._framework import TwistedFramework, current_reactor
from autobahn_fast.twisted._logging import make_logger, start_logging
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
from autobahn_fast.websocket._proxy import check_proxy

__all__ = (
    "Application",
    "ApplicationRunner",
    "ApplicationSession",
    "ApplicationSessionFactory",
    "AuthCryptoSign",
    "AuthWampCra",
    "Service",
    "Session",
)

_log = make_logger("autobahn_fast.twisted.wamp")


class CallDeferred(Deferred):  # type: ignore[type-arg]
    """The Deferred of a call: cancelling it sends CANCEL."""

    session: Any
    request: int

    set_result = Deferred.callback

    def done(self) -> bool:
        """Whether it was called or cancelled; this and ``set_result`` are what ``Wire`` knows of futures."""
        return self.called

    def cancel(self) -> None:
        """Cancel the call; while its result is passed through a callback's Deferred: cancel that."""
        if self.called:
            super().cancel()
            return
        self.session._cancel_call(self.request)
        if not self.called:
            self.errback(Failure(CancelledError()))


class ApplicationSession(protocol.ApplicationSession):
    """A WAMP session on Twisted. Subclass it and override ``onJoin`` and friends.

    Callbacks, event handlers and procedures may be plain functions, return Deferreds (``inlineCallbacks``) or be ``async def``.
    """

    log: Any = _log
    framework = TwistedFramework
    _cancelled_errors = (CancelledError,)
    _failure = Failure

    _resolve = staticmethod(TwistedFramework.resolve)
    _reject = staticmethod(TwistedFramework.reject)
    _is_awaitable = staticmethod(TwistedFramework.is_awaitable)
    _spawn = staticmethod(TwistedFramework.spawn)

    def _create_call_future(self, request: int) -> CallDeferred:
        future = CallDeferred()
        future.session = self
        future.request = request
        return future

    @property
    def _plain_calls(self) -> Pending:
        """Pending calls, for ``Wire``: those without options it makes and completes by itself."""
        return self._calls

    @property
    def _future_of_calls(self) -> tuple[type[CallDeferred], dict[str, Any]]:
        """What these calls' Deferreds are made of, as in ``_create_call_future``: their class and its arguments."""
        return CallDeferred, {}

    def _gathered(self, futures: list[Any]) -> Any:
        """Return a Deferred of all results; what failed is there as a ``Failure``, as programs on Twisted expect."""

        def failures(results: list[Any]) -> list[Any]:
            return [Failure(r, type(r), r.__traceback__) if isinstance(r, BaseException) else r for r in results]

        return super()._gathered(futures).addCallback(failures)


class Session(SnakeCaseMixin, ApplicationSession):
    """The same with snake_case hooks (``on_join(details)`` ...) and authenticators: what Component uses."""


class ApplicationSessionFactory(protocol.ApplicationSessionFactory):
    """Makes Twisted sessions."""

    session: Any = ApplicationSession
    log: Any = _log


class ApplicationRunner(Runner):
    """Connects one session to a router over WebSocket or RawSocket and runs the reactor.

    Reconnecting waits ``initial_retry_delay`` seconds at first, ``retry_delay_growth`` times longer each time, at most
    ``max_retry_delay``, shaken by ``retry_delay_jitter`` (a share of the delay); a joined session starts over.
    """

    log: Any = _log

    def __init__(
        self,
        url: str,
        realm: str | None = None,
        extra: dict[str, Any] | None = None,
        serializers: list[Any] | None = None,
        ssl: Any = None,
        proxy: dict[str, Any] | str | None = None,
        headers: dict[str, str] | None = None,
        websocket_options: dict[str, Any] | None = None,
        max_retries: int | None = None,
        initial_retry_delay: float | None = None,
        max_retry_delay: float | None = None,
        retry_delay_growth: float | None = None,
        retry_delay_jitter: float | None = None,
    ) -> None:
        """
        :param url: ``ws://``, ``wss://``, ``rs://`` or ``rss://`` URL of the router.
        :param realm: realm to join. :param extra: handed to the session as ``config.extra``.
        :param serializers: offered in this order; the RawSocket transport uses the first.
        :param ssl: bool, ``CertificateOptions``, or an ``IOpenSSLClientConnectionCreator``.
        :param proxy: HTTP proxy for WebSocket: ``{"host": ..., "port": ..., "username": ..., "password": ...}``, or a URL.
        :param headers: HTTP headers of the opening handshake.
        :param websocket_options: more arguments of ``setProtocolOptions``.
        :param max_retries: attempts to reconnect before giving up; -1, the default: without end.
        :param initial_retry_delay: seconds, default 1.5. :param max_retry_delay: seconds, default 300.
        :param retry_delay_growth: default 1.5. :param retry_delay_jitter: default 0.1.
        :raises AssertionError: an argument of the wrong type.
        """
        for name, value, kind in (
            ("extra", extra, dict),
            ("headers", headers, dict),
            ("proxy", proxy, (dict, str)),
            ("websocket_options", websocket_options, dict),
        ):
            if value is not None and not isinstance(value, kind):
                raise AssertionError(f"{name} must not be a {type(value).__name__}")
        check_proxy_of_runner(url, proxy)
        self.url = url
        self.realm = realm
        self.extra = extra if extra is not None else {}
        self.serializers = serializers
        self.ssl = ssl
        self.proxy = proxy
        self.headers = headers
        self.websocket_options = websocket_options
        self.max_retries = max_retries
        self.initial_retry_delay = initial_retry_delay
        self.max_retry_delay = max_retry_delay
        self.retry_delay_growth = retry_delay_growth
        self.retry_delay_jitter = retry_delay_jitter
        self._retry = self._new_retry()
        self._reactor: Any = None
        self._started_reactor = False
        self._session: Any = None
        self._connection: Any = None
        self._waiting: Any = None  # Deferred of the delay between two attempts
        self._stopping = False

    def _new_retry(self) -> Retry:
        names = (
            "max_retries",
            "initial_retry_delay",
            "max_retry_delay",
            "retry_delay_growth",
            "retry_delay_jitter",
        )
        return Retry(**{name: getattr(self, name) for name in names if getattr(self, name) is not None})

    # --- the pieces of a connection ---

    def _target(self, make: Any, reactor: Any, endpoint: Any) -> tuple[Any, Any]:
        """Return the transport factory and the endpoint for the URL.

        :raises ValueError: not a URL of WebSocket or RawSocket. :raises RuntimeError: ``ssl`` with a ``ws:`` URL.
        """
        create = self._make_session_factory(make)
        if self.url.startswith(("rs:", "rss:")):
            from autobahn_fast.rawsocket.util import parse_url as parse_rs
            from autobahn_fast.twisted.rawsocket import WampRawSocketClientFactory

            secure, host, port = parse_rs(self.url)
            serializer = self.serializers[0] if self.serializers else None
            factory: Any = WampRawSocketClientFactory(create, serializer=serializer)
        else:
            from autobahn_fast.twisted.websocket import WampWebSocketClientFactory
            from autobahn_fast.websocket._extensions import deflate_options
            from autobahn_fast.websocket.util import parse_url as parse_ws

            secure, host, port = parse_ws(self.url)[:3]
            factory = WampWebSocketClientFactory(
                create,
                url=self.url,
                serializers=self.serializers,
                proxy=self.proxy,
                headers=self.headers,
                reactor=reactor,
            )
            options = {"failByDrop": True, **RUNNER_OPTIONS, **deflate_options(), **(self.websocket_options or {})}
            factory.setProtocolOptions(**options)
        tls = tls_of_runner(self.url, secure, self.ssl)
        if endpoint is None:
            endpoint = self._endpoint(reactor, factory, host, port, tls)
        return factory, endpoint

    def _endpoint(self, reactor: Any, factory: Any, host: str, port: int | str, tls: Any) -> Any:
        if host == "unix":
            return unix_endpoint(reactor, str(port))
        factory.contextFactory = tls or None  # for TLS through the proxy, and behind redirects
        proxy = check_proxy(self.proxy)
        if proxy is not None:
            return tcp_endpoint(reactor, proxy.host, proxy.port)
        endpoint = tcp_endpoint(reactor, host, int(port))
        return wrapped_in_tls(client_tls(tls, host), endpoint) if tls else endpoint

    # --- running ---

    def run(
        self,
        make: Any,
        start_reactor: bool = True,
        auto_reconnect: bool = False,
        log_level: str = "info",
        endpoint: Any = None,
        reactor: Any = None,
    ) -> Any:
        """Connect, and run the reactor until somebody stops it.

        :param make: called with a ``ComponentConfig``, returns the session (a session class will do).
        :param start_reactor: False: return a Deferred of the connection, called when it is made.
        :param auto_reconnect: connect again when the connection is lost or cannot be made.
        :param log_level: ``"critical"``, ``"error"``, ``"warn"``, ``"info"``, ``"debug"`` or ``"trace"``.
        :param endpoint: an ``IStreamClientEndpoint`` to connect to instead of the URL's host.
        :param reactor: the installed one when None.
        :raises Exception: why no connection could be made.
        :raises TransportLost: without auto_reconnect: it was made, but its opening handshake failed.
        """
        if reactor is None:
            reactor = current_reactor()
        self._reactor = reactor
        self._stopping = False
        self._connection = None
        self._retry = self._new_retry()
        if start_reactor:
            start_logging(log_level)
        if auto_reconnect:
            connected: Any = Deferred()
            ended = Deferred.fromCoroutine(self._keep_connected(make, endpoint, connected))
        else:
            ended = connected = self._connect(make, endpoint)
            if start_reactor:
                ended = connected.addCallback(lambda c: Deferred.fromCoroutine(self._check_opened(c)))
        if not start_reactor:
            return connected
        if connected is not ended:
            connected.addErrback(lambda _failure: None)  # it is the end's, too
        return self._run_reactor(reactor, ended)

    def _run_reactor(self, reactor: Any, ended: Any) -> None:
        errors: list[Failure] = []

        def failed(failure: Failure) -> None:
            errors.append(failure)
            if not self._stop_reactor():
                reactor.callWhenRunning(self._stop_reactor)  # it failed before the reactor was started

        self._started_reactor = True
        ended.addErrback(failed)
        try:
            reactor.run()
        finally:
            self._started_reactor = False
        if errors:
            errors[0].raiseException()

    def _stop_reactor(self) -> bool:
        """Stop the reactor. :returns: False: it does not run."""
        from twisted.internet.error import ReactorNotRunning

        try:
            self._reactor.stop()
        except ReactorNotRunning:
            return False
        return True

    def _connect(self, make: Any, endpoint: Any) -> Any:
        factory, endpoint = self._target(make, self._reactor, endpoint)
        return endpoint.connect(factory).addCallback(self._connected)

    def _connected(self, connection: Any) -> Any:
        if self._connection is None:
            self._reactor.addSystemEventTrigger("before", "shutdown", self._shut_down)
        self._connection = connection
        if self._stopping:
            self._close(connection)
        return connection

    async def _check_opened(self, connection: Any) -> None:
        await connection.is_closed
        if self._session is None and not self._stopping:
            raise never_opened(self.url, connection)

    async def _keep_connected(self, make: Any, endpoint: Any, connected: Any) -> None:
        try:
            while not self._stopping:
                try:
                    connection = await self._connect(make, endpoint)
                    TwistedFramework.resolve(connected, connection)
                    await connection.is_closed
                except Exception as e:
                    if self._stopping:
                        return
                    if not self._retry.may_try():
                        raise
                    self.log.warn("connecting to {url} failed: {error!r}", url=self.url, error=e)
                if self._stopping:
                    return
                if not self._retry.may_try():
                    raise RuntimeError(f"connection to {self.url} lost, and no retries are left")
                await self._pause(self._retry.next_delay())
        except Exception as e:
            if TwistedFramework.is_done(connected):
                self.log.error("{error}", error=e)
            TwistedFramework.reject(connected, e)
            if self._started_reactor:
                raise

    def _pause(self, seconds: float) -> Any:
        self.log.info("next attempt to connect in {delay:.1f} s", delay=seconds)
        waiting = self._waiting = Deferred()
        call = self._reactor.callLater(seconds, TwistedFramework.resolve, waiting)

        def over(result: Any) -> None:
            self._waiting = None
            if call.active():
                call.cancel()

        return waiting.addBoth(over)

    # --- stopping ---

    def stop(self) -> Any:
        """Leave the realm, close the connection and do not connect again; ``run()`` returns then.

        :returns: a Deferred that is called when the session is over.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._shut_down()
        if self._started_reactor:
            self._stop_reactor()

    def _shut_down(self) -> Any:
        self._stopping = True
        if self._waiting is not None:
            TwistedFramework.resolve(self._waiting)
        return Deferred.fromCoroutine(self._close_session())

    async def _close_session(self) -> None:
        """Say goodbye, and wait a moment for the connection to close."""
        connection, session = self._connection, self._session
        if connection is None or connection.is_closed.called:
            return
        if session is not None and session.is_attached():
            session.leave()
            if await closed_within(self._reactor, connection, 1.0):
                return
        self._close(connection)
        if not await closed_within(self._reactor, connection, 2.0):
            connection.transport.abortConnection()

    def _close(self, connection: Any) -> None:
        if connection.isOpen():
            connection.close()
        elif connection.transport is not None:
            connection.transport.loseConnection()


# These stand on the classes above and are part of this module's interface.
from autobahn_fast._names import also_from
from autobahn_fast.twisted._application import (
    Application,
    AuthCryptoSign,
    AuthWampCra,
    Service,
)

also_from(
    __name__,
    "wamp.interfaces",
    "websocket.compress_deflate",
    "twisted.rawsocket",
    "twisted.websocket",
    "websocket.protocol",
    "util",
    parse_ws_url="websocket.util:parse_url",
    parse_rs_url="rawsocket.util:parse_url",
    ComponentConfig="wamp.types:ComponentConfig",
)
