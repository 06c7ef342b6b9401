# SPDX-License-Identifier: MIT
"""Any Twisted stream protocol inside of WebSocket messages: factories that wrap the program's own factory.

Knows the subprotocols ``binary`` and ``base64``. ``autobahn_fast.twisted.websocket`` exports it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from autobahn_fast.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn_fast.websocket._extensions import deflate_options, deflate_server_options
from autobahn_fast.websocket.types import ConnectionDeny, ConnectionRequest

__all__ = (
    "WrappingWebSocketAdapter",
    "WrappingWebSocketClientFactory",
    "WrappingWebSocketClientProtocol",
    "WrappingWebSocketServerFactory",
    "WrappingWebSocketServerProtocol",
)

UNSUPPORTED_DATA = 1003
BASE64 = "base64"


class WrappingWebSocketAdapter:
    """The transport of a wrapped protocol: what it writes is sent in messages, what comes in is given to it as octets."""

    transport: Any
    factory: Any
    _proto: Any = None
    _binaryMode = True
    _begun = False

    # --- WebSocket ---

    def onConnect(self, requestOrResponse: Any) -> Any:
        """Agree on ``binary``, ``base64`` or the factory's own subprotocol.

        :raises ConnectionDeny: (server) the client speaks none of them. :raises RuntimeError: (client) the server does not.
        """
        known = self.factory._subprotocols
        if isinstance(requestOrResponse, ConnectionRequest):
            for name in requestOrResponse.protocols:
                if name in known:
                    self._binaryMode = name != BASE64
                    return name
            raise ConnectionDeny(
                ConnectionDeny.NOT_ACCEPTABLE, f"this server speaks the WebSocket subprotocols {', '.join(known)}"
            )
        chosen = requestOrResponse.protocol
        if chosen not in known:
            raise RuntimeError(f"the server speaks none of the WebSocket subprotocols {', '.join(known)}")
        self._binaryMode = chosen != BASE64
        return None

    def onOpen(self) -> None:
        """The connection is open: the wrapped protocol's is, too."""
        self._begun = True
        self._proto.makeConnection(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A message came in: its octets are the wrapped protocol's."""
        if isBinary != self._binaryMode:
            self._fail_connection(UNSUPPORTED_DATA, "a text message where binary ones are expected, or the reverse")  # type: ignore[attr-defined]
            return
        if not isBinary:
            try:
                payload = base64.b64decode(payload, validate=True)
            except binascii.Error:
                self._fail_connection(UNSUPPORTED_DATA, "a text message that is not Base64")  # type: ignore[attr-defined]
                return
        self._proto.dataReceived(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is closed: the wrapped protocol's is lost."""
        if self._begun:
            self._begun = False
            error = ConnectionDone if wasClean else ConnectionLost
            self._proto.connectionLost(Failure(error(reason) if reason else error()))

    # --- ITransport, IPushProducer ---

    def write(self, data: bytes) -> None:
        """Send octets, as one message. Does nothing when the connection is not open.

        :raises TypeError: not bytes.
        """
        if not isinstance(data, bytes):
            raise TypeError(f"a transport takes bytes, not {type(data).__name__}")
        if self.state != 3:  # type: ignore[attr-defined]
            return
        if self._binaryMode:
            self.sendMessage(data, isBinary=True)  # type: ignore[attr-defined]
        else:
            self.sendMessage(base64.b64encode(data), isBinary=False)  # type: ignore[attr-defined]

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send octets, as one message."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close in good order."""
        self.sendClose()  # type: ignore[attr-defined]

    def abortConnection(self) -> None:
        """Close at once."""
        self.dropConnection(abort=True)  # type: ignore[attr-defined]

    def pauseProducing(self) -> None:
        """Read no more for now."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Read no more at all: close."""
        self.loseConnection()

    def getPeer(self) -> Any:
        """Return the peer's address."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """Return our own address."""
        return self.transport.getHost()


class WrappingWebSocketServerProtocol(WrappingWebSocketAdapter, WebSocketServerProtocol):
    """A server connection with a wrapped protocol."""


class WrappingWebSocketClientProtocol(WrappingWebSocketAdapter, WebSocketClientProtocol):
    """A client connection with a wrapped protocol."""


class _WrappingFactory:
    """What both wrapping factories are."""

    protocol: Any
    _compression: Callable[[], dict[str, Any]]

    def __init__(
        self,
        factory: Any,
        url: str,
        reactor: Any = None,
        enableCompression: bool = True,
        autoFragmentSize: int = 0,
        subprotocol: str | None = None,
    ) -> None:
        """
        :param factory: the program's factory. :param url: WebSocket URL of the server. :param reactor: the installed one when None.
        :param enableCompression: whether permessage-deflate is offered (client) and accepted; with it on, a client takes whatever
            parameters the server selects.
        :param autoFragmentSize: send frames of at most so many octets; 0: no limit.
        :param subprotocol: spoken, too, behind ``binary`` and ``base64``.
        """
        self._factory = factory
        self._subprotocols = ["binary", BASE64, *([subprotocol] if subprotocol else [])]
        super().__init__(url=url, reactor=reactor, protocols=self._subprotocols)  # type: ignore[call-arg]
        self.setProtocolOptions(  # type: ignore[attr-defined]
            autoFragmentSize=autoFragmentSize,
            failByDrop=False,
            **(self._compression() if enableCompression else {}),
        )

    def buildProtocol(self, addr: Any) -> Any:
        """Return a connection with the program's protocol in it, or None: the program's factory does not want one."""
        proto = self._factory.buildProtocol(addr)
        if proto is None:
            return None
        connection = self.protocol()
        connection.factory = self
        connection._proto = proto
        return connection


class WrappingWebSocketServerFactory(_WrappingFactory, WebSocketServerFactory):
    """Serves a program's stream protocol over WebSocket."""

    protocol = WrappingWebSocketServerProtocol
    _compression = staticmethod(deflate_server_options)

    def startFactory(self) -> None:
        """Twisted: listening begins."""
        self._factory.startFactory()
        super().startFactory()

    def stopFactory(self) -> None:
        """Twisted: listening has ended."""
        self._factory.stopFactory()
        super().stopFactory()


class WrappingWebSocketClientFactory(_WrappingFactory, WebSocketClientFactory):
    """Connects a program's stream protocol over WebSocket."""

    protocol = WrappingWebSocketClientProtocol
    _compression = staticmethod(deflate_options)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """Twisted: the connection could not be made."""
        self._tell("clientConnectionFailed", connector, reason)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        """Twisted: the connection is lost."""
        self._tell("clientConnectionLost", connector, reason)

    def _tell(self, name: str, connector: Any, reason: Any) -> None:
        method = getattr(self._factory, name, None)
        if method is not None:
            method(connector, reason)
