# SPDX-License-Identifier: MIT
"""Component on Twisted: how its connections are made, and ``run`` for programs that consist of components.

Knows Twisted's endpoints, TLS options and reactor. What a component does otherwise is ``autobahn_fast.wamp.component``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.interfaces import IStreamClientEndpoint

from autobahn_fast._names import also_from
from autobahn_fast.twisted._connecting import (
    client_tls,
    closed_within,
    tcp_endpoint,
    unix_endpoint,
    wrapped_in_tls,
)
from autobahn_fast.twisted._framework import Timer, TwistedFramework, current_reactor, on_reactor
from autobahn_fast.twisted._logging import make_logger, start_logging
from autobahn_fast.twisted.wamp import Session
from autobahn_fast.wamp import component
from autobahn_fast.wamp._transports import Transport, check_endpoint
from autobahn_fast.websocket._proxy import Proxy, check_proxy

__all__ = ("Component", "run")


class Component(component.Component):
    """A WAMP application on Twisted: ``start()`` it in a reactor, or hand it to :func:`run`."""

    log: Any = make_logger("autobahn_fast.twisted.component")
    framework = TwistedFramework
    session_factory: Any = Session
    _last_connection: Any = None

    def start(self, reactor: Any = None) -> Any:
        """Begin to connect.

        :param reactor: the installed one when None.
        :returns: a Deferred: None when the component is done, the exception when it gave up.
        """
        if reactor is None:
            reactor = current_reactor()
        elif reactor is not current_reactor():
            self.framework = on_reactor(reactor)
        return self._start(reactor)

    def _begin_delay(self, seconds: float) -> None:
        if seconds:
            super()._begin_delay(seconds)
            return
        # The first attempt is made by the reactor that runs, even where another clock was given for the delays.
        future = self._delay_f = TwistedFramework.create_future()
        self._timer = Timer(TwistedFramework.call_soon(lambda: TwistedFramework.resolve(future)))

    def _check_endpoint(self, endpoint: Any) -> None:
        if IStreamClientEndpoint.providedBy(endpoint):
            return
        if not isinstance(endpoint, dict):
            raise ValueError("'endpoint' configuration must be a dict or IStreamClientEndpoint provider")
        tls = endpoint.get("tls")
        if tls is not None and not isinstance(tls, (bool, dict)) and not _is_tls_options(tls):
            raise ValueError(
                "'tls' configuration must be a dict, bool, CertificateOptions or another IOpenSSLClientConnectionCreator"
            )
        port = endpoint.get("port")
        if isinstance(port, str) and port.isdigit():
            endpoint["port"] = int(port)
        check_endpoint(endpoint)

    @staticmethod
    def _factory_class(kind: str) -> Any:
        if kind == "websocket":
            from autobahn_fast.twisted.websocket import WampWebSocketClientFactory

            return WampWebSocketClientFactory
        from autobahn_fast.twisted.rawsocket import WampRawSocketClientFactory

        return WampRawSocketClientFactory

    async def _connect(self, loop: Any, transport: Transport, create_session: Any) -> Any:
        """Make a connection. :returns: its protocol. :raises Exception: it could not be made."""
        factory = _create_transport_factory(loop, transport, create_session)
        if transport.type == "rawsocket":
            factory.framework = self.framework
        endpoint = transport.endpoint
        if not isinstance(endpoint, dict):
            if transport.proxy is None:
                return await endpoint.connect(factory)
            endpoint = {"type": "tcp", "host": factory.host, "port": factory.port, "tls": factory.isSecure}
        timeout = endpoint.get("timeout", 10)
        connecting = _endpoint(loop, factory, endpoint, check_proxy(transport.proxy), timeout).connect(factory)
        connecting.addTimeout(timeout, loop)
        try:
            return await connecting
        except (CancelledError, ConnectTimeout):
            raise TimeoutError(f"no connection to {transport.describe()} within {timeout} s") from None

    async def _closed(self, protocol: Any) -> None:
        """Wait until the session is over and its connection closed or closing: on Twisted, that is the end of an attempt."""
        over: Any = Deferred()

        def ended(result: Any = None, **_kwargs: Any) -> Any:
            session = self._session
            if protocol.is_closed.called or (session is not None and session._ended and not protocol.isOpen()):
                self.framework.resolve(over)
            return result

        self._last_connection = protocol
        protocol.is_closed.addBoth(ended)
        if self._session is not None:
            self._session.on("leave", lambda *_args: ended())
        ended()
        await over


def _is_tls_options(value: Any) -> bool:
    from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLContextFactory

    return (
        IOpenSSLClientConnectionCreator.providedBy(value)
        or IOpenSSLContextFactory.providedBy(value)
        or hasattr(value, "getContext")
    )


def _endpoint(reactor: Any, factory: Any, endpoint: dict[str, Any], proxy: Proxy | None, timeout: float) -> Any:
    """Return the endpoint that a transport's configuration stands for."""
    tls = endpoint.get("tls")
    if factory is not None:
        factory.contextFactory = tls if tls or tls == {} else None  # for TLS through the proxy, and behind redirects
    version = endpoint.get("version")
    if endpoint["type"] == "unix":
        made = unix_endpoint(reactor, endpoint["path"], timeout)
        host = "localhost"
    elif proxy is not None:
        factory.connect_to = endpoint["host"], endpoint["port"]
        return tcp_endpoint(reactor, proxy.host, proxy.port, timeout, version)
    else:
        host = endpoint["host"]
        made = tcp_endpoint(reactor, host, endpoint["port"], timeout, version)
    if not tls and tls != {}:
        return made
    return wrapped_in_tls(client_tls(tls, host), made)


def _create_transport_factory(reactor: Any, transport: Transport, session_factory: Any) -> Any:
    """Return the factory of a transport's connections; Crossbar makes its own connections with it."""
    more = {"reactor": reactor} if transport.type == "websocket" else {}
    return Component._transport_factory(transport, session_factory, **more)


def _create_transport_endpoint(reactor: Any, endpoint_config: Any) -> Any:
    """Return the endpoint of a transport's ``endpoint`` configuration, which may be one already."""
    if IStreamClientEndpoint.providedBy(endpoint_config):
        return endpoint_config
    return _endpoint(reactor, None, endpoint_config, None, endpoint_config.get("timeout", 10))


def run(
    components: Component | Sequence[Component],
    log_level: str | None = "info",
    stop_at_close: bool = True,
) -> None:
    """Start components in ``task.react``: run the reactor until all of them are done, or until Ctrl-C or SIGTERM.

    One that fails is logged; the others go on.

    :param log_level: ``"critical"`` ... ``"trace"``; None leaves logging alone.
    :param stop_at_close: False: run the reactor on when all are done, until somebody stops it.
    :raises ValueError: no component, or something that is none.
    :raises SystemExit: always in the end, as ``task.react`` does; code 1 when a component failed.
    """
    from twisted.internet.task import react

    components = component.check_components(components)
    if log_level is not None:
        start_logging(log_level)
    react(_run_all, (components, stop_at_close))


def _run_all(reactor: Any, components: Sequence[Component], stop_at_close: bool) -> Any:
    return Deferred.fromCoroutine(_until_all_are_done(reactor, components, stop_at_close))


async def _until_all_are_done(reactor: Any, components: Sequence[Component], stop_at_close: bool) -> None:
    all_done = TwistedFramework.gather([_run_one(reactor, item) for item in components])
    reactor.addSystemEventTrigger("before", "shutdown", _stop_all, components, all_done)
    results = await all_done
    if not stop_at_close:
        await Deferred()  # ends with the reactor
    if not all(results):
        raise SystemExit(1)


async def _run_one(reactor: Any, item: Component) -> bool:
    """Run a component; whether it ended well."""
    try:
        await item.start(reactor)
    except Exception as e:
        item.log.error("component failed: {error}", error=e, log_failure=e)
        return False
    finally:
        if item._last_connection is not None:
            await closed_within(reactor, item._last_connection, 2.0)
    return True


def _stop_all(components: Sequence[Component], all_done: Any) -> Any:
    """The reactor shuts down: leave in good order, and have it wait for that."""
    for item in components:
        item.stop()
    waiting: Any = Deferred()

    def done(result: Any) -> Any:
        waiting.callback(None)
        return result

    all_done.addBoth(done)
    return waiting


also_from(__name__, "wamp.serializer", "twisted.rawsocket", "twisted.websocket")
