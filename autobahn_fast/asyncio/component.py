# SPDX-License-Identifier: MIT
"""Component on asyncio: how its connections are made, and ``run`` for programs that consist of components.

Knows asyncio's connections, TLS arguments and signals. What a component does otherwise is ``autobahn_fast.wamp.component``.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autobahn_fast._framework import make_logger
from autobahn_fast._logging import start_logging
from autobahn_fast._names import also_from
from autobahn_fast.asyncio._connecting import create_connection
from autobahn_fast.asyncio._framework import AsyncioFramework, current_loop
from autobahn_fast.asyncio._uvloop import use_uvloop
from autobahn_fast.asyncio.wamp import Session
from autobahn_fast.wamp import component
from autobahn_fast.wamp._transports import Transport, check_endpoint

if TYPE_CHECKING:
    from autobahn_fast.websocket._proxy import Proxy

__all__ = ("Component", "run")


class Component(component.Component):
    """A WAMP application on asyncio: ``start()`` it in a loop, or hand it to :func:`run`."""

    log: Any = make_logger("autobahn_fast.asyncio.component")
    framework = AsyncioFramework
    session_factory: Any = Session

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> asyncio.Future[None]:
        """Begin to connect.

        :param loop: the current one when None.
        :returns: a future: None when the component is done, the exception when it gave up.
        """
        return self._start(loop if loop is not None else current_loop())  # type: ignore[no-any-return]

    def _check_endpoint(self, endpoint: Any) -> None:
        if not isinstance(endpoint, dict):
            raise ValueError("'endpoint' configuration must be a dict")
        tls = endpoint.get("tls")
        if tls is not None and not isinstance(tls, (bool, dict)) and not _is_ssl_context(tls) and not _is_openssl(tls):
            raise ValueError("'tls' configuration must be a dict, bool or SSLContext instance")
        check_endpoint(endpoint)

    async def _connect(self, loop: Any, transport: Transport, create_session: Any) -> Any:
        """Make a connection. :returns: its protocol. :raises OSError: it could not be made."""
        from autobahn_fast.websocket._proxy import check_proxy

        factory = self._transport_factory(transport, create_session)
        endpoint = transport.endpoint
        timeout = endpoint.get("timeout", 10)
        try:
            _, protocol = await asyncio.wait_for(
                _open(loop, factory, endpoint, check_proxy(transport.proxy), self._wants_exporter()), timeout
            )
        except TimeoutError:
            raise TimeoutError(f"no connection to {transport.describe()} within {timeout} s") from None
        return protocol

    def _wants_exporter(self) -> bool:
        """Whether an authenticator binds to the TLS channel in the way that Python's ``ssl`` may not know."""
        for value in self._authentication.values():
            arguments = value if isinstance(value, dict) else getattr(value, "_args", {})
            if (arguments.get("authextra") or {}).get("channel_binding") == "tls-exporter":
                import ssl

                return "tls-exporter" not in ssl.CHANNEL_BINDING_TYPES
        return False

    @staticmethod
    def _factory_class(kind: str) -> Any:
        if kind == "websocket":
            from autobahn_fast.asyncio.websocket import WampWebSocketClientFactory

            return WampWebSocketClientFactory
        from autobahn_fast.asyncio.rawsocket import WampRawSocketClientFactory

        return WampRawSocketClientFactory


def _create_transport_factory(loop: Any, transport: Transport, session_factory: Any) -> Any:
    """Return the factory of a transport's connections, for programs that make their own."""
    return Component._transport_factory(transport, session_factory)


def _is_ssl_context(value: Any) -> bool:
    import ssl

    return isinstance(value, ssl.SSLContext)


def _is_openssl(value: Any) -> bool:
    """Whether this is an ``OpenSSL.SSL.Context``."""
    openssl = sys.modules.get("OpenSSL.SSL")  # not loaded: then nothing here can be one
    return openssl is not None and isinstance(value, openssl.Context)


def _tls_arguments(endpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``create_connection`` for an endpoint's ``tls``."""
    tls = endpoint.get("tls")
    if not tls and tls != {}:
        return {}
    import ssl

    if not isinstance(tls, dict):
        context = tls if isinstance(tls, ssl.SSLContext) else ssl.create_default_context()
        return {"ssl": context, "server_hostname": endpoint.get("host", "localhost")}
    context = ssl.create_default_context(cafile=tls.get("trust_root"))
    return {"ssl": context, "server_hostname": tls.get("hostname") or endpoint.get("host", "localhost")}


async def _open(loop: Any, factory: Any, endpoint: dict[str, Any], proxy: Proxy | None, exporter: bool = False) -> Any:
    tls = endpoint.get("tls")
    if _is_openssl(tls) or (exporter and (tls or tls == {})):
        from autobahn_fast.asyncio import _openssl

        if proxy is not None:
            raise ValueError("TLS of pyOpenSSL, as channel binding 'tls-exporter' needs it, cannot go through a proxy")
        host = (tls.get("hostname") if isinstance(tls, dict) else None) or endpoint.get("host", "localhost")
        plain = {**endpoint, "tls": None}
        return await _openssl.connect(loop, factory, tls, host, lambda below: _open(loop, below, plain, None))
    if endpoint["type"] == "unix":
        return await loop.create_unix_connection(factory, endpoint["path"], **_tls_arguments(endpoint))
    family = {4: socket.AF_INET, 6: socket.AF_INET6}.get(endpoint.get("version", 0), socket.AF_UNSPEC)
    tls = _tls_arguments(endpoint)
    if proxy is not None:  # TLS to the router begins inside the tunnel, when the proxy has opened it
        factory.connect_to = endpoint["host"], endpoint["port"]
        factory.ssl_context, factory.server_hostname = tls.get("ssl"), tls.get("server_hostname")
        return await loop.create_connection(factory, proxy.host, proxy.port, family=family)
    return await create_connection(loop, factory, endpoint["host"], endpoint["port"], family=family, **tls)


def run(
    components: Component | Sequence[Component],
    start_loop: bool = True,
    log_level: str | None = "info",
) -> Any:
    """Start components and run the loop until all of them are done, or until Ctrl-C or SIGTERM.

    One that fails is logged; the others go on. The loop is uvloop's when that is installed and the program has set none.

    :param start_loop: False: return a future that is done when all are (its result: None or an exception for each).
    :param log_level: ``"critical"`` ... ``"trace"``; None leaves logging alone.
    :raises ValueError: no component, or something that is none.
    """
    chosen = component.check_components(components)
    if log_level is not None:
        start_logging(log_level)
    if not start_loop:
        return asyncio.ensure_future(_run_all(chosen), loop=current_loop())
    use_uvloop()
    loop = current_loop()
    if loop.is_running():
        raise RuntimeError("run() called inside a running loop: use start_loop=False, or component.start()")
    task = loop.create_task(_run_all(chosen))
    handled = [number for number in (signal.SIGINT, signal.SIGTERM) if _handle(loop, number, chosen)]
    try:
        loop.run_until_complete(task)
    except KeyboardInterrupt:  # where the loop has no signal handlers
        _stop_all(chosen)
        loop.run_until_complete(task)
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    return None


async def _run_all(components: Sequence[Component]) -> list[Any]:
    loop = asyncio.get_running_loop()
    return await asyncio.gather(*(_run_one(loop, item) for item in components), return_exceptions=True)


async def _run_one(loop: Any, item: Component) -> None:
    try:
        await item.start(loop)
    except Exception as e:
        item.log.error("component failed: {error}", error=e, log_failure=e)
        raise


def _handle(loop: Any, number: int, components: Sequence[Component]) -> bool:
    try:
        loop.add_signal_handler(number, _stop_all, components)
    except (NotImplementedError, RuntimeError, ValueError):
        return False  # Windows, or not the main thread
    return True


def _stop_all(components: Sequence[Component]) -> None:
    for item in components:
        item.stop()


also_from(__name__, "wamp.exception", "wamp.serializer", "asyncio.util", "asyncio.rawsocket", "asyncio.websocket")
