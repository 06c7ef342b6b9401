# SPDX-License-Identifier: MIT
"""Connecting and listening: ``connectWS``, ``listenWS``, the client agent, and endpoints out of hosts, ports and TLS settings.

Knows Twisted's endpoints and TLS options. ``autobahn_fast.twisted.websocket`` exports the WebSocket part.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from twisted.internet.defer import Deferred

from autobahn_fast.exception import Disconnected
from autobahn_fast.twisted._framework import current_reactor
from autobahn_fast.websocket._proxy import check_proxy
from autobahn_fast.websocket.interfaces import IWebSocketClientAgent
from autobahn_fast.websocket.util import parse_url

__all__ = (
    "check_client_options",
    "check_transport_config",
    "client_tls",
    "closed_within",
    "connectWS",
    "create_client_agent",
    "listenWS",
    "tcp_endpoint",
    "unix_endpoint",
    "wrapped_in_tls",
)

_CLIENT_OPTIONS = ("origin", "protocols", "useragent", "headers", "proxy")


def tcp_endpoint(reactor: Any, host: str, port: int, timeout: float = 30, version: int | None = None) -> Any:
    """Return a client endpoint: for an address the plain one, for a name one that tries all its addresses.

    :param timeout: seconds an attempt may take. :param version: 4 or 6: only that version of IP.
    """
    from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
    from twisted.internet.interfaces import IReactorPluggableNameResolver

    if version is None:
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            if not IReactorPluggableNameResolver.providedBy(reactor):
                return TCP4ClientEndpoint(reactor, host, port, timeout)
            return HostnameEndpoint(reactor, host, port, timeout)
    return (TCP6ClientEndpoint if version == 6 else TCP4ClientEndpoint)(reactor, host, port, timeout)


def unix_endpoint(reactor: Any, path: str, timeout: float = 30) -> Any:
    """Return a client endpoint for a Unix domain socket."""
    from twisted.internet.endpoints import UNIXClientEndpoint

    return UNIXClientEndpoint(reactor, path, timeout)


def client_tls(tls: Any, host: str) -> Any:
    """Return what ``wrapClientTLS``, ``startTLS`` and ``connectSSL`` take, of what a program may say about TLS.

    :param tls: True: certificates are verified as browsers do; a dict with ``hostname`` and ``trust_root`` (a PEM file, or a list
        of them); anything else is taken as it is (``CertificateOptions``, an ``IOpenSSLClientConnectionCreator``, a context factory).
    :param host: whom the certificate must be for.
    :raises OSError: a file cannot be read.
    """
    if tls is not True and not isinstance(tls, dict):
        return tls
    from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

    if tls is True:
        return optionsForClientTLS(host)
    root = None
    files = tls.get("trust_root")
    if files:
        certificates = []
        for name in [files] if isinstance(files, str) else files:
            with open(name, "rb") as file:
                certificates.append(Certificate.loadPEM(file.read()))
        root = trustRootFromCertificates(certificates)
    hostname = tls.get("hostname") or host
    return optionsForClientTLS(hostname, trustRoot=root) if root is not None else optionsForClientTLS(hostname)


def wrapped_in_tls(options: Any, endpoint: Any) -> Any:
    """Return a client endpoint that speaks TLS over another. :param options: what ``client_tls`` returns."""
    from twisted.internet.endpoints import wrapClientTLS

    return wrapClientTLS(options, endpoint)


def closed_within(reactor: Any, connection: Any, seconds: float) -> Any:
    """Return a Deferred: whether the connection was closed within so many seconds."""
    result: Any = Deferred()
    call = reactor.callLater(seconds, result.callback, False)

    def closed(value: Any) -> Any:
        if not result.called:
            call.cancel()
            result.callback(True)
        return value

    connection.is_closed.addBoth(closed)
    return result


def connectWS(factory: Any, contextFactory: Any = None, timeout: float = 30, bindAddress: Any = None) -> Any:
    """Connect a WebSocket client factory to the server of its URL, through its proxy if it has one.

    :param contextFactory: for ``wss``; default: certificates are verified as browsers do.
    :param timeout: seconds the TCP connection may take. :param bindAddress: ``(host, port)`` to connect from.
    :returns: the ``IConnector``.
    """
    reactor = factory.reactor if getattr(factory, "reactor", None) is not None else current_reactor()
    factory.contextFactory = contextFactory  # for TLS through the proxy, and behind redirects
    proxy = check_proxy(factory.proxy)
    if proxy is not None:
        return reactor.connectTCP(proxy.host, proxy.port, factory, timeout, bindAddress)
    if factory.isSecure and contextFactory is None:
        contextFactory = client_tls(True, factory.host)
    if factory.host == "unix":
        return reactor.connectUNIX(factory.port, factory, timeout)
    if factory.isSecure:
        return reactor.connectSSL(factory.host, factory.port, factory, contextFactory, timeout, bindAddress)
    return reactor.connectTCP(factory.host, factory.port, factory, timeout, bindAddress)


def listenWS(factory: Any, contextFactory: Any = None, backlog: int = 50, interface: str = "") -> Any:
    """Listen on the port of a WebSocket server factory's URL.

    :param contextFactory: for ``wss``: has the certificate and its key. :param backlog: connections that may wait.
    :param interface: address to listen on; all when empty.
    :returns: the ``IListeningPort``.
    :raises ValueError: ``wss`` without ``contextFactory``.
    """
    reactor = factory.reactor if getattr(factory, "reactor", None) is not None else current_reactor()
    if factory.host == "unix":
        return reactor.listenUNIX(factory.port, factory, backlog)
    if factory.isSecure:
        if contextFactory is None:
            raise ValueError(
                "a secure WebSocket server needs a contextFactory, which has its certificate: "
                "twisted.internet.ssl.DefaultOpenSSLContextFactory or CertificateOptions"
            )
        return reactor.listenSSL(factory.port, factory, contextFactory, backlog, interface)
    return reactor.listenTCP(factory.port, factory, backlog, interface)


# --- the client agent ---


def check_transport_config(transport_config: Any) -> None:
    """Check what ``agent.open`` is to connect to.

    :raises ValueError: not a ``ws`` or ``wss`` URL.
    """
    if not isinstance(transport_config, str):
        raise ValueError(f"'transport_config' must be a string, found {type(transport_config)}")
    if not transport_config.startswith(("ws://", "wss://")):
        raise ValueError("'transport_config' must start with 'ws://' or 'wss://'")


def check_client_options(options: Any) -> None:
    """Check the options of ``agent.open``.

    :raises ValueError: not a dict, or with keys that are no arguments of ``WebSocketClientFactory``.
    """
    if not isinstance(options, dict):
        raise ValueError("'options' must be a dict")
    for key in options:
        if key not in _CLIENT_OPTIONS:
            raise ValueError(f"'options' may not contain '{key}'")


class ClientAgent(IWebSocketClientAgent):
    """Opens WebSocket connections over TCP."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def open(self, transport_config: Any, options: Any, protocol_class: Any = None) -> Any:
        """Open a connection.

        :param transport_config: a ``ws://`` or ``wss://`` URL.
        :param options: dict of ``origin``, ``protocols``, ``useragent``, ``headers``, ``proxy``.
        :param protocol_class: class of the connection, ``WebSocketClientProtocol`` when None.
        :returns: a Deferred of the connection, called when it is open. Its failure is ``Disconnected`` when the opening handshake
            failed, else what the endpoint says.
        :raises ValueError: what is wrong with the arguments.
        """
        from autobahn_fast.twisted.websocket import WebSocketClientFactory

        check_transport_config(transport_config)
        check_client_options(options)
        factory = WebSocketClientFactory(url=transport_config, reactor=self._reactor, **options)
        if protocol_class is not None:
            factory.protocol = protocol_class
        return Deferred.fromCoroutine(self._opened(factory))

    async def _opened(self, factory: Any) -> Any:
        return await until_open(await self._connect(factory))

    def _connect(self, factory: Any) -> Any:
        proxy = check_proxy(factory.proxy)
        if proxy is not None:
            return tcp_endpoint(self._reactor, proxy.host, proxy.port).connect(factory)
        secure, host, port = parse_url(factory.url)[:3]
        if host == "unix":
            return unix_endpoint(self._reactor, str(port)).connect(factory)
        endpoint = tcp_endpoint(self._reactor, host, int(port))
        if secure:
            endpoint = wrapped_in_tls(client_tls(True, host), endpoint)
        return endpoint.connect(factory)


def until_open(connection: Any) -> Any:
    """Return a Deferred of a connection, called when it is open; its failure is ``Disconnected`` when it never will be."""
    done: Any = Deferred(lambda _: connection.dropConnection(abort=True))

    def opened(result: Any) -> Any:
        if not done.called:
            done.callback(connection)
        return result

    def closed(result: Any) -> Any:
        if not done.called:
            done.errback(Disconnected(f"the connection could not be opened: {connection.wasNotCleanReason}"))
        return result

    connection.is_open.addCallback(opened)
    connection.is_closed.addCallback(closed)
    return done


def create_client_agent(reactor: Any) -> Any:
    """Return an ``IWebSocketClientAgent``.

    :param reactor: what its connections run on.
    """
    return ClientAgent(reactor)
