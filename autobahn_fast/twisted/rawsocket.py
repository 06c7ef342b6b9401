# SPDX-License-Identifier: MIT
"""WAMP over RawSocket as Twisted protocols, and factories for endpoints and reactors.

Knows Twisted transports. What follows from a handshake or a violation is in ``autobahn_fast.rawsocket``, framing in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from autobahn_fast._names import also_from
from autobahn_fast._overriding import is_own
from autobahn_fast.rawsocket._protocol import RawSocketFactoryOptions, WampRawSocketChannel
from autobahn_fast.twisted._framework import TwistedFramework, end_of_turn
from autobahn_fast.twisted._logging import make_logger
from autobahn_fast.twisted._transport import TransportMixin
from autobahn_fast.twisted.util import create_transport_details, peer2str
from autobahn_fast.wamp._channel import default_serializers

__all__ = (
    "WampRawSocketClientFactory",
    "WampRawSocketClientProtocol",
    "WampRawSocketFactory",
    "WampRawSocketProtocol",
    "WampRawSocketServerFactory",
    "WampRawSocketServerProtocol",
)

_log = make_logger("autobahn_fast.twisted.rawsocket")


class WampRawSocketProtocol(WampRawSocketChannel, TransportMixin, Int32StringReceiver):
    """A WAMP connection over RawSocket. Base of the client's and the server's."""

    framework: Any = TwistedFramework
    log: Any = _log
    peer: str | None = None
    is_server: bool | None = None
    factory: Any = None
    _transport_details: Any = None
    _tls_pending = False
    _closed_future: Any = None

    _lose_transport = TransportMixin._lose_transport
    _transport_socket = TransportMixin._transport_socket

    @property
    def transport_details(self) -> Any:
        """TransportDetails of the connection, None before there is one."""
        return self._transport_details

    @property
    def is_closed(self) -> Any:
        """A Deferred that is called when the transport is gone; called already before there is one."""
        if self._closed_future is None:
            self._closed_future = succeed(None)
        return self._closed_future

    def connectionMade(self) -> None:
        """Twisted: the transport is there. The handshake begins."""
        self.framework = getattr(self.factory, "framework", self.framework)
        self.peer = peer2str(self.transport)
        details = create_transport_details(self.transport, bool(self.is_server))
        details.channel_framing = details.CHANNEL_FRAMING_RAWSOCKET
        self._transport_details = details
        self._tls_pending = bool(details.is_secure)
        self._closed_future = Deferred()
        switch = getattr(self.transport, "setTcpNoDelay", None)
        if switch is not None:
            try:
                switch(True)
            except (OSError, AttributeError, TypeError):
                pass  # not TCP
        self._watch_transport()
        self._start_engine(self._serializer_ids(), bool(self.is_server), end_of_turn(self.framework.reactor()))
        self.MAX_LENGTH = self._engine.max_receive

    def _serializer_ids(self) -> Iterable[int]:
        """Return the RawSocket ids of the serializers to offer or to accept."""
        raise RuntimeError("use WampRawSocketClientProtocol or WampRawSocketServerProtocol")

    def dataReceived(self, data: bytes) -> None:
        """Twisted: octets came in."""
        if self._tls_pending:
            self._tls_pending = False
            known = create_transport_details(self.transport, bool(self.is_server))
            self._transport_details.channel_id = known.channel_id
            self._transport_details.peer_cert = known.peer_cert
        self._engine.feed(data)

    def _on_handshake_complete(self) -> None:
        self._open_session()
        if is_own(self, "dataReceived", WampRawSocketProtocol.dataReceived):
            self._receive_into(self._engine)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the transport is gone."""
        self._registered = False
        self._receive_as_before()
        self._lose_engine(bool(reason.check(ConnectionDone)) if reason is not None else True, reason)
        if self._closed_future is not None:
            self.framework.resolve(self._closed_future)

    def lengthLimitExceeded(self, length: int) -> None:
        """A message is longer than what is accepted: the connection is closed.

        :param length: its octets.
        """
        self.protocol_error(f"a message of {length} octets; {self.MAX_LENGTH} are accepted")


class WampRawSocketServerProtocol(WampRawSocketProtocol):
    """A WAMP server's connection."""

    is_server = True

    def _serializer_ids(self) -> Iterable[int]:
        return list(self.factory._serializers)

    def _serializer_for(self, serializer: int) -> Any:
        return self.factory._own_serializer(self.factory._serializers, serializer)


class WampRawSocketClientProtocol(WampRawSocketProtocol):
    """A WAMP client's connection."""

    is_server = False

    def connectionMade(self) -> None:
        """Twisted: the transport is there. The handshake begins."""
        self._serializer = self.factory._own_serializer({0: self.factory._serializer}, 0)
        super().connectionMade()

    def _serializer_ids(self) -> Iterable[int]:
        return [self._serializer.RAWSOCKET_SERIALIZER_ID]

    def _serializer_for(self, serializer: int) -> Any:
        return self._serializer


class WampRawSocketFactory(RawSocketFactoryOptions, Factory):
    """Makes connections."""

    log: Any = _log
    framework: Any = TwistedFramework
    noisy = False
    protocol: Any

    def __init__(self, factory: Callable[..., Any]) -> None:
        """:param factory: called without arguments, returns a session.

        :raises InvalidArgument: it cannot be called.
        """
        self._check_factory(factory)
        self._factory = factory
        self.resetProtocolOptions()

    def buildProtocol(self, addr: Any) -> Any:
        """Return a new connection."""
        connection = self.protocol()
        connection.factory = self
        return connection


class WampRawSocketServerFactory(WampRawSocketFactory):
    """Makes WAMP server connections."""

    protocol = WampRawSocketServerProtocol

    def __init__(self, factory: Callable[..., Any], serializers: Iterable[Any] | None = None) -> None:
        """
        :param factory: called without arguments, returns a session.
        :param serializers: what to speak; None: everything there is.
        :raises InvalidArgument: ``factory`` cannot be called. :raises ValueError: no serializer.
        """
        super().__init__(factory)
        self._serializers = self._serializer_map(serializers)


class WampRawSocketClientFactory(WampRawSocketFactory):
    """Makes WAMP client connections."""

    protocol = WampRawSocketClientProtocol

    def __init__(self, factory: Callable[..., Any], serializer: Any = None) -> None:
        """
        :param factory: called without arguments, returns a session.
        :param serializer: what to speak; None: the best there is (CBOR).
        :raises InvalidArgument: ``factory`` cannot be called.
        """
        super().__init__(factory)
        self._serializer = serializer if serializer is not None else default_serializers(batched=False)[0]


also_from(__name__, "wamp.exception", "exception", "wamp.types", "twisted.util", "util")
