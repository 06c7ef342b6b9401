# SPDX-License-Identifier: MIT
"""Component: a WAMP application that keeps itself connected. Framework neutral; ``asyncio/component.py`` makes connections.

Knows transports and their retries, the session's events and the registrations that every new session gets. Does not know
how a connection is made: a subclass implements ``_connect``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from autobahn_fast._names import also_from
from autobahn_fast.util import ObservableMixin
from autobahn_fast.wamp._failure import Failure
from autobahn_fast.wamp._transports import Transport, check_endpoint, check_transports
from autobahn_fast.wamp.exception import ApplicationError, SerializationError, TransportLost
from autobahn_fast.wamp.types import ComponentConfig, RegisterOptions, SubscribeOptions

__all__ = ("Component", "check_components")

_EVENTS = ("start", "connect", "join", "ready", "leave", "disconnect", "connectfailure", "giveup")

_EXHAUSTED = "Component failed: Exhausted all transport connect attempts"

_REFUSALS = frozenset(
    {
        "wamp.error.no_such_realm",
        "wamp.error.no_such_role",
        "wamp.error.no_such_principal",
        "wamp.error.no_auth_method",
        "wamp.error.no_matching_auth_method",
        "wamp.error.not_authorized",
        "wamp.error.cannot_authenticate",
        "wamp.error.authentication_failed",
        "wamp.error.authentication_denied",
        "wamp.error.authentication_required",
        "wamp.error.authorization_failed",
        "wamp.error.authorization_denied",
        "wamp.error.authorization_required",
    }
)
"""Why a router refuses a client for good: the same attempt made again would end the same way."""


_C = TypeVar("_C", bound="Component")


class SessionEnded(Exception):
    """The session is over and the component has nothing more to do."""


class Component(ObservableMixin):
    """A WAMP application: how to connect, what to register and subscribe, what to do then."""

    session_factory: Any = None
    framework: Any = None
    log: Any = None

    def __init__(
        self,
        main: Callable[..., Any] | None = None,
        transports: Any = None,
        config: ComponentConfig | None = None,
        realm: str | None = "realm1",
        extra: Any = None,
        authentication: dict[str, Any] | None = None,
        session_factory: Callable[..., Any] | None = None,
        is_fatal: Callable[[BaseException], bool] | None = None,
    ) -> None:
        """
        :param main: called as ``main(loop, session)`` when a session has joined, may be async; the component is done when
            it returns.
        :param transports: a URL, a dict, or a list of them, tried in turn; ``ws://127.0.0.1:8080/ws`` when None.
        :param config: used instead of realm and extra. :param realm: realm to join. :param extra: for ``config.extra``.
        :param authentication: ``{method: {arguments of create_authenticator}}`` or ``{method: authenticator}``.
        :param session_factory: called with a ``ComponentConfig``, returns a session.
        :param is_fatal: told each exception that ended a session or attempt; True: give up.
        :raises ValueError: what is wrong with an argument.
        """
        super().__init__()
        self.set_valid_events(list(_EVENTS))
        for name, function in (("main", main), ("is_fatal", is_fatal), ("session_factory", session_factory)):
            if function is not None and not callable(function):
                raise ValueError(f'"{name}" must be a callable or None')
        self._entry = main
        self._is_fatal = is_fatal
        if session_factory is not None:
            self.session_factory = session_factory
        self._config = config
        self._realm = realm
        self._extra = extra
        self._authentication = self._check_authentication(authentication)
        self._transports = check_transports(transports, self._check_endpoint)
        self._registrations: list[tuple[Any, ...]] = []
        self._subscriptions: list[tuple[Any, ...]] = []
        self._delay_f: Any = None  # pending while waiting before an attempt
        self._done_f: Any = None  # pending while started
        self._timer: Any = None
        self._stopping = False
        self._session: Any = None
        self._protocol: Any = None
        self._main_error: BaseException | None = None
        self._last_error: BaseException | None = None

    # --- configuration ---

    def _check_authentication(self, authentication: Any) -> dict[str, Any]:
        if authentication is None:
            return {}
        if not isinstance(authentication, dict):
            raise ValueError(f"'authentication' must be a dict of methods, not {type(authentication)}")
        from autobahn_fast.wamp.auth import create_authenticator

        for method, value in authentication.items():
            if isinstance(value, dict):
                create_authenticator(method, **value)
            elif not hasattr(value, "on_challenge"):
                raise ValueError(
                    f"authentication method {method!r} needs a dict or an IAuthenticator, not {type(value)}"
                )
        return authentication

    def _check_endpoint(self, endpoint: Any) -> None:
        """Check an endpoint; a framework's component also takes its own kinds. :raises ValueError: what is wrong."""
        if not isinstance(endpoint, dict):
            raise ValueError("'endpoint' configuration must be a dict")
        check_endpoint(endpoint)

    # --- decorators ---

    def register(self, uri: str, options: RegisterOptions | None = None, check_types: bool = False) -> Any:
        """Decorator: register the function under the URI in every session."""
        if options is not None and not isinstance(options, RegisterOptions):
            raise TypeError(f"register(): options must be RegisterOptions, not {type(options).__name__}")

        def decorate(fn: Any) -> Any:
            self._registrations.append((fn, uri, options, check_types))
            return fn

        return decorate

    def subscribe(self, topic: str, options: SubscribeOptions | None = None, check_types: bool = False) -> Any:
        """Decorator: subscribe the function to the topic in every session."""
        if options is not None and not isinstance(options, SubscribeOptions):
            raise TypeError(f"subscribe(): options must be SubscribeOptions, not {type(options).__name__}")

        def decorate(fn: Any) -> Any:
            self._subscriptions.append((fn, topic, options, check_types))
            return fn

        return decorate

    def on_connect(self, fn: Any) -> Any:
        """Decorator: call ``fn(session, transport)`` when a transport is open."""
        self.on("connect", fn)
        return fn

    def on_join(self, fn: Any) -> Any:
        """Decorator: call ``fn(session, details)`` when a session has joined, all is registered and subscribed."""
        self.on("join", fn)
        return fn

    def on_ready(self, fn: Any) -> Any:
        """Decorator: call ``fn(session)`` when the join handlers are through."""
        self.on("ready", fn)
        return fn

    def on_leave(self, fn: Any) -> Any:
        """Decorator: call ``fn(session, details)`` when a session has ended."""
        self.on("leave", fn)
        return fn

    def on_disconnect(self, fn: Any) -> Any:
        """Decorator: call ``fn(session, was_clean=...)`` when a session's transport is closed."""
        self.on("disconnect", fn)
        return fn

    def on_connectfailure(self, fn: Any) -> Any:
        """Decorator: call ``fn(component, exception)`` when an attempt has failed or a session ended with an error."""
        self.on("connectfailure", fn)
        return fn

    def on_giveup(self, fn: Any) -> Any:
        """Decorator: call ``fn(component, exception)`` when the component has given up; autobahn has no counterpart.

        The exception is that of ``start()``, which ends with it when the handlers are through.
        """
        self.on("giveup", fn)
        return fn

    # --- running ---

    def _start(self, loop: Any) -> Any:
        """Begin to connect. :returns: a future: None when done, the exception when the component gave up."""
        if self._done_f is not None:
            raise RuntimeError("the component is started already")
        self._stopping = False
        self._last_error = None
        for transport in self._transports:
            transport.start_over()
        done = self._done_f = self.framework.create_future()
        self._begin_delay(0)
        self.framework.spawn(self._run(loop, done))
        return done

    async def _run(self, loop: Any, done: Any) -> None:
        error: BaseException | None = None
        try:
            await self._fire("start", loop, self)
            await self._keep_connected(loop)
        except SessionEnded:
            pass
        except Exception as e:
            error = e
            await self._fire("giveup", self, e)
        self._done_f = self._delay_f = self._session = self._protocol = None
        if error is None:
            self.framework.resolve(done)
        else:
            self.framework.reject(done, error)

    async def _keep_connected(self, loop: Any) -> None:
        position = 0
        while not self._stopping:
            transport = self._next_transport(position)
            position = transport.idx + 1
            if self._delay_f is None:
                delay = transport.next_delay()
                if delay:
                    self.log.info(
                        "next attempt to connect to {url} in {delay:.1f} s", url=transport.describe(), delay=delay
                    )
                self._begin_delay(delay)
            await self._delay_f
            self._delay_f = self._timer = None
            if self._stopping:
                return
            try:
                await self._session_over(loop, transport)
            except SessionEnded:
                raise
            except Exception as e:
                await self._attempt_failed(transport, e)

    def _next_transport(self, position: int) -> Transport:
        count = len(self._transports)
        for offset in range(count):
            transport = self._transports[(position + offset) % count]
            if transport.can_reconnect():
                return transport
        raise RuntimeError(_EXHAUSTED) from self._last_error

    def _begin_delay(self, seconds: float) -> None:
        future = self._delay_f = self.framework.create_future()
        self._timer = self.framework.call_later(seconds, lambda: self.framework.resolve(future))

    async def _attempt_failed(self, transport: Transport, error: BaseException) -> None:
        if self._stopping:
            return
        self._last_error = error
        transport.connect_failures += 1
        self.log.warn("{url}: {error}", url=transport.describe(), error=_describe(error))
        await self._fire("connectfailure", self, error)
        if self._is_fatal is not None:
            if self._is_fatal(error):
                raise RuntimeError(_EXHAUSTED) from error
        elif self._is_final(transport, error):
            transport.failed()

    def _is_final(self, transport: Transport, error: BaseException) -> bool:
        """Whether trying this transport again makes no sense: it never worked, and the cause will not go away."""
        if transport.connect_successes:
            return False
        if isinstance(error, ApplicationError) and error.error in _REFUSALS:
            return True
        hopeless = (TypeError, ValueError, ImportError, SerializationError)
        return isinstance(error, hopeless) and not isinstance(error, OSError)

    # --- one session ---

    if TYPE_CHECKING:  # a framework's class has it

        async def _connect(self, loop: Any, transport: Transport, create_session: Any) -> Any: ...

    async def _session_over(self, loop: Any, transport: Transport) -> None:
        """Connect and wait until the session is over. :raises SessionEnded: for good. :raises Exception: try again."""
        transport.connect_attempts += 1
        self._session = self._protocol = self._main_error = None
        ended: dict[str, Any] = {}

        def create_session() -> Any:
            try:
                session = self._session = self._make_session(loop, transport, ended)
            except Exception as e:
                self._main_error = e
                raise
            return session

        self._protocol = protocol = await self._connect(loop, transport, create_session)
        if self._stopping:
            protocol.close() if hasattr(protocol, "close") else protocol.abort()
        await self._closed(protocol)
        session = self._session
        if session is not None and session._last_closing is not None:
            await session._last_closing
        if self._main_error is not None:
            raise self._main_error
        if self._stopping:
            return
        reason = getattr(protocol, "wasNotCleanReason", None) or "no reason given"
        if session is not None and session._connect_error is not None:
            raise session._connect_error
        if session is None or session._ended_by is None:
            raise TransportLost(f"the connection was closed before the session was open: {reason}")
        if session._ended_by == "application":
            raise SessionEnded
        details = ended.get("details")
        if details is None:
            raise TransportLost(f"the connection was lost before the session had joined: {reason}")
        raise ApplicationError(details.reason, *([details.message] if details.message else []))

    def _make_session(self, loop: Any, transport: Transport, ended: dict[str, Any]) -> Any:
        config = self._config
        if config is None:
            config = ComponentConfig(self._realm, self._extra)
        session = self.session_factory(config)
        if self._authentication and not hasattr(session, "add_authenticator"):
            raise TypeError(
                f"the component has authentication, which {type(session).__name__} does not take: derive it from Session, "
                "or override onConnect and onChallenge"
            )
        if self._authentication:
            from autobahn_fast.wamp.auth import create_authenticator

            for method, value in self._authentication.items():
                session.add_authenticator(create_authenticator(method, **value) if isinstance(value, dict) else value)

        async def joined(session: Any, details: Any) -> None:
            transport.succeeded()
            try:
                await self._set_up(session)
            except Exception as e:
                self._main_error = e
                session.leave()
                return
            if self._entry is not None:
                self.framework.spawn(self._run_main(loop, session))
            await self._fire("join", session, details)

        async def left(session: Any, details: Any) -> None:
            ended["details"] = details
            await self._fire("leave", session, details)

        session.on("connect", lambda session, protocol: self._fire("connect", session, protocol))
        session.on("join", joined)
        session.on("ready", lambda session: self._fire("ready", session))
        session.on("leave", left)
        session.on(
            "disconnect", lambda session, was_clean=False: self._fire("disconnect", session, was_clean=was_clean)
        )
        return session

    async def _set_up(self, session: Any) -> None:
        """Register and subscribe everything; sent at once, then waited for."""
        futures = [session.register(fn, uri, options, check_types=c) for fn, uri, options, c in self._registrations]
        futures += [
            session.subscribe(fn, topic, options, check_types=c) for fn, topic, options, c in self._subscriptions
        ]
        if futures:
            await self.framework.gather(futures)

    async def _run_main(self, loop: Any, session: Any) -> None:
        try:
            result = self._entry(loop, session)  # type: ignore[misc]
            if result is not None and self.framework.is_awaitable(result):
                await result
        except Exception as e:
            if session is not self._session or session._ended:
                self.log.debug("main() ended with its session: {error}", error=e)
                return
            self.log.error("main() failed: {error}", error=_describe(e), log_failure=e)
            self._main_error = e
        if session is self._session and session._live is not None:
            session.leave()

    async def _fire(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the handlers of an event and wait for them; what one raises is logged and stops nothing."""
        waiting = []
        for handler in list((self._listeners or {}).get(event, ())):
            try:
                result = handler(*args, **kwargs)
                if result is not None and self.framework.is_awaitable(result):
                    waiting.append(self.framework.spawn(self._await_handler(event, result)))
            except Exception as e:
                self.log.error("handler of '{event}' failed: {error}", event=event, error=_describe(e), log_failure=e)
        for future in waiting:
            await future

    async def _await_handler(self, event: str, awaitable: Any) -> None:
        try:
            await awaitable
        except Exception as e:
            self.log.error("handler of '{event}' failed: {error}", event=event, error=_describe(e), log_failure=e)

    # --- stopping ---

    def stop(self) -> Any:
        """Leave, close the connection and do not connect again. Harmless when not started.

        :returns: the future that ``start()`` returned; None when not started.
        """
        self._stopping = True
        done = self._done_f  # on Twisted, what follows may end it before this returns
        if self._delay_f is not None:
            if self._timer is not None:
                self._timer.cancel()
            self.framework.resolve(self._delay_f)
        session, protocol = self._session, self._protocol
        if session is not None and session._live is not None and not session._goodbye_sent:
            try:
                session.leave()
            except TransportLost:
                session.disconnect()
        elif session is not None and session.transport is not None:
            session.disconnect()
        if protocol is not None:
            self.framework.call_later(2, lambda: self._abort(protocol))
        return done

    def _abort(self, protocol: Any) -> None:
        """The router did not let us go in time."""
        if protocol is self._protocol:
            protocol.abort() if hasattr(protocol, "abort") else protocol.dropConnection(abort=True)

    # --- connecting: what the frameworks share ---

    async def _closed(self, protocol: Any) -> None:
        """Wait until the protocol has lost its connection."""
        await protocol.is_closed

    @classmethod
    def _transport_factory(cls, transport: Transport, create_session: Any, **more: Any) -> Any:
        """Return the factory of a transport's connections. :param more: more arguments of WebSocket factories."""
        from autobahn_fast.wamp.serializer import create_transport_serializer

        serializers = [create_transport_serializer(s) if isinstance(s, str) else s for s in transport.serializers]
        factory_class = cls._factory_class(transport.type)
        if transport.type == "websocket":
            factory = factory_class(
                create_session,
                url=transport.url,
                serializers=serializers,
                proxy=transport.proxy,
                headers=transport.headers,
                **more,
            )
        else:
            factory = factory_class(create_session, serializer=serializers[0])
        if transport.options:
            factory.setProtocolOptions(**{_camel_case(name): value for name, value in transport.options.items()})
        return factory

    @staticmethod
    def _factory_class(kind: str) -> Any:
        """Return the framework's client factory for ``"websocket"`` or ``"rawsocket"``."""
        raise RuntimeError("use the Component of autobahn_fast.asyncio or autobahn_fast.twisted")


def _create_transport(index: int, transport: Any, check_native_endpoint: Any = None) -> Transport:
    """Return a checked transport of a configuration dict or URL; Crossbar makes its own connections with it.

    :raises ValueError: what is wrong with it.
    """
    config = {"url": transport} if isinstance(transport, str) else transport
    return Transport(index, config, check_native_endpoint or check_endpoint)


def _camel_case(name: str) -> str:
    return re.sub(r"_([a-z])", lambda m: m[1].upper(), name)


def _run(reactor: Any, components: Any, done_callback: Any = None) -> Any:
    """Start components in a loop that runs, for programs that have one already; Crossbar does.

    :param done_callback: called with the loop, and with the list of results or a failure, when all are done.
    :returns: a future of the list of results, which fails as soon as a component does.
    :raises ValueError: no component, or something that is none.
    """
    chosen = check_components(components)
    framework = chosen[0].framework

    async def all_of_them() -> Any:
        try:
            outcome = await framework.gather([item.start(reactor) for item in chosen])
        except Exception as e:
            if done_callback is not None:
                done_callback(reactor, Failure(e))
            raise
        if done_callback is not None:
            done_callback(reactor, outcome)
        return outcome

    return framework.spawn(all_of_them())


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def check_components(components: _C | Sequence[_C]) -> Sequence[_C]:
    """Return the components that ``run`` was given: one, or a list of them.

    :raises ValueError: no component, or something that is none.
    """
    if isinstance(components, Component):
        return [components]
    if not isinstance(components, (list, tuple)):
        raise ValueError("run() takes a Component or a list of them")
    if not components:
        raise ValueError("run() needs at least one component")
    for item in components:
        if not isinstance(item, Component):
            raise ValueError(f'"{item!r}" is not a Component instance: it is a {type(item).__name__}')
    return components


also_from(
    __name__,
    "wamp.interfaces",
    "wamp.serializer",
    "wamp.exception",
    create_authenticator="wamp.auth:create_authenticator",
    parse_ws_url="websocket.util:parse_url",
    parse_rs_url="rawsocket.util:parse_url",
)
