# SPDX-License-Identifier: MIT
"""Older ways to write a program: ``Application`` with its decorators, ``Service`` for ``twistd``, two authenticators.

``autobahn_fast.twisted.wamp`` exports it. Knows nothing that sessions and runners do not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import inlineCallbacks

from autobahn_fast.twisted._connecting import client_tls
from autobahn_fast.twisted._logging import make_logger
from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession
from autobahn_fast.twisted.websocket import WampWebSocketClientFactory
from autobahn_fast.wamp.types import ComponentConfig
from autobahn_fast.websocket.util import parse_url

__all__ = ("Application", "AuthCryptoSign", "AuthWampCra", "Service")


def _handler(function: Any) -> Any:
    """Return what a session takes: generator functions become coroutines of Deferreds."""
    return inlineCallbacks(function) if inspect.isgeneratorfunction(function) else function


class _AppSession(ApplicationSession):
    """The session of an Application."""

    def __init__(self, config: Any, app: Any) -> None:
        super().__init__(config)
        self.app = app

    async def onConnect(self) -> None:
        await self.app._fire_signal("onconnect")
        self.join(self.config.realm)

    async def onJoin(self, details: Any) -> None:
        for uri, function in self.app._procs:
            await self.register(_handler(function), uri)
        for uri, function in self.app._handlers:
            await self.subscribe(_handler(function), uri)
        await self.app._fire_signal("onjoined")

    async def onLeave(self, details: Any) -> None:
        await self.app._fire_signal("onleave")
        self.disconnect()

    async def onDisconnect(self) -> None:
        await self.app._fire_signal("ondisconnect")


class Application:
    """A WAMP program written with decorators. It is its own session factory."""

    log: Any = make_logger("autobahn_fast.twisted.wamp")

    def __init__(self, prefix: str | None = None) -> None:
        """:param prefix: put before the names of functions that are registered or subscribed without a URI."""
        self._prefix = prefix
        self._procs: list[tuple[str, Any]] = []
        self._handlers: list[tuple[str, Any]] = []
        self._signals: dict[str, list[Any]] = {}
        self.session: Any = None

    def __call__(self, config: Any) -> Any:
        """Make the session, which is then ``session``."""
        self.session = _AppSession(config, self)
        return self.session

    def run(self, url: str = "ws://localhost:8080/ws", realm: str = "realm1", start_reactor: bool = True) -> Any:
        """Connect and run the reactor, as ``ApplicationRunner.run``."""
        return ApplicationRunner(url, realm).run(self, start_reactor=start_reactor)

    def _uri(self, uri: str | None, function: Any) -> str:
        if uri is not None:
            return uri
        if self._prefix is None:
            raise AssertionError("a function without URI needs an Application with a prefix")
        return f"{self._prefix}.{function.__name__}"

    def register(self, uri: str | None = None) -> Callable[[Any], Any]:
        """Decorator: register the function as a procedure. Generators work as with ``inlineCallbacks``.

        :param uri: its URI; None: the prefix and the function's name.
        """

        def decorate(function: Any) -> Any:
            self._procs.append((self._uri(uri, function), function))
            return function

        return decorate

    def subscribe(self, uri: str | None = None) -> Callable[[Any], Any]:
        """Decorator: subscribe the function to a topic. Generators work as with ``inlineCallbacks``.

        :param uri: its URI; None: the prefix and the function's name.
        """

        def decorate(function: Any) -> Any:
            self._handlers.append((self._uri(uri, function), function))
            return function

        return decorate

    def signal(self, name: str) -> Callable[[Any], Any]:
        """Decorator: call the function at a point of the session's life.

        :param name: ``onconnect``, ``onjoined``, ``onleave`` or ``ondisconnect``.
        """

        def decorate(function: Any) -> Any:
            self._signals.setdefault(name, []).append(function)
            return function

        return decorate

    async def _fire_signal(self, name: str, *args: Any) -> None:
        """Call the functions of a signal one after the other; what one raises is logged."""
        for function in self._signals.get(name, ()):
            try:
                result = _handler(function)(*args)
                if result is not None and ApplicationSession._is_awaitable(result):
                    await result
            except Exception as e:
                self.log.error("handler of signal {name} failed: {error!r}", name=name, error=e, log_failure=e)


class Service(MultiService):
    """A WAMP client as a Twisted service, for ``twistd``."""

    factory: Any = WampWebSocketClientFactory

    def __init__(self, url: str, realm: str, make: Any, extra: Any = None, context_factory: Any = None) -> None:
        """
        :param url: WebSocket URL of the router. :param realm: realm to join.
        :param make: called with a ``ComponentConfig``, returns the session. :param extra: for ``config.extra``.
        :param context_factory: TLS options for ``wss``; default: certificates are verified as browsers do.
        """
        MultiService.__init__(self)
        self.url = url
        self.realm = realm
        self.extra = extra if extra is not None else {}
        self.make = make
        self.context_factory = context_factory
        self.setupService()

    def setupService(self) -> None:
        """Add the service that connects, as a child of this one.

        :raises ValueError: TLS options for a URL that is not secure.
        """
        from twisted.application.internet import SSLClient, TCPClient

        secure, host, port = parse_url(self.url)[:3]

        def create() -> Any:
            return self.make(ComponentConfig(self.realm, self.extra))

        transport_factory = self.factory(create, url=self.url)
        if secure:
            context = self.context_factory if self.context_factory is not None else client_tls(True, host)
            client: Any = SSLClient(host, port, transport_factory, contextFactory=context)
        elif self.context_factory is not None:
            raise ValueError(f"context_factory is for wss URLs, but the URL is {self.url}")
        else:
            client = TCPClient(host, port, transport_factory)
        client.setServiceParent(self)


class _Auth:
    """An authenticator of a method, with the keys it takes."""

    _method = ""
    _secret = ""

    def __init__(self, **kw: Any) -> None:
        """:param kw: the method's arguments: its secret, ``authid``, ``authrole``, ``authextra``.

        :raises ValueError: the secret is missing, or an argument is unknown.
        """
        from autobahn_fast.wamp.auth import create_authenticator

        for key in kw:
            if key not in ("authextra", "authid", "authrole", self._secret):
                raise ValueError(f"Unexpected key '{key}' for {type(self).__name__}")
        if self._secret not in kw:
            raise ValueError(f"Must provide '{self._secret}' for {self._method}")
        self._authenticator = create_authenticator(self._method, **{"authid": "", **kw})

    def on_challenge(self, session: Any, challenge: Any) -> Any:
        """Return the answer to a router's challenge."""
        return self._authenticator.on_challenge(session, challenge)


class AuthWampCra(_Auth):
    """Answers WAMP-CRA challenges: ``AuthWampCra(secret=...)``."""

    _method = "wampcra"
    _secret = "secret"


class AuthCryptoSign(_Auth):
    """Answers cryptosign challenges: ``AuthCryptoSign(privkey=...)``."""

    _method = "cryptosign"
    _secret = "privkey"
