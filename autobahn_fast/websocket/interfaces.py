# SPDX-License-Identifier: MIT
"""What WebSocket channels, factories and agents offer, as abstract classes. Nothing here does anything."""

from __future__ import annotations

import abc
from typing import Any

from autobahn_fast._names import also_from

__all__ = (
    "IWebSocketChannel",
    "IWebSocketChannelFrameApi",
    "IWebSocketChannelStreamingApi",
    "IWebSocketClientAgent",
    "IWebSocketClientChannelFactory",
    "IWebSocketServerChannelFactory",
)


class IWebSocketClientAgent(abc.ABC):
    """Opens WebSocket connections."""

    def open(self, transport_config: Any, options: Any, protocol_class: Any = None) -> Any:
        """Open a connection.

        :param transport_config: where to: a URL or an endpoint. :param options: keyword arguments of the client factory.
        :param protocol_class: class of the connection.
        :returns: a future of the connection once it is open.
        """


class IWebSocketServerChannelFactory(abc.ABC):
    """Makes server connections."""

    @abc.abstractmethod
    def __init__(
        self,
        url: str | None = None,
        protocols: list[str] | None = None,
        server: str | None = None,
        headers: dict[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> None:
        """See ``setSessionParameters``."""

    @abc.abstractmethod
    def setSessionParameters(
        self,
        url: str | None = None,
        protocols: list[str] | None = None,
        server: str | None = None,
        headers: dict[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> Any:
        """Set URL, subprotocols, Server header, more headers, and the port clients see."""

    @abc.abstractmethod
    def setProtocolOptions(
        self,
        versions: Any = None,
        webStatus: Any = None,
        utf8validateIncoming: Any = None,
        maskServerFrames: Any = None,
        requireMaskedClientFrames: Any = None,
        applyMask: Any = None,
        maxFramePayloadSize: Any = None,
        maxMessagePayloadSize: Any = None,
        autoFragmentSize: Any = None,
        failByDrop: Any = None,
        echoCloseCodeReason: Any = None,
        openHandshakeTimeout: Any = None,
        closeHandshakeTimeout: Any = None,
        tcpNoDelay: Any = None,
        perMessageCompressionAccept: Any = None,
        autoPingInterval: Any = None,
        autoPingTimeout: Any = None,
        autoPingSize: Any = None,
        serveFlashSocketPolicy: Any = None,
        flashSocketPolicy: Any = None,
        allowedOrigins: Any = None,
        allowNullOrigin: Any = False,
        maxConnections: Any = None,
        trustXForwardedFor: Any = 0,
    ) -> Any:
        """Set options of connections made from now on."""

    @abc.abstractmethod
    def resetProtocolOptions(self) -> Any:
        """Set all options to their defaults."""


class IWebSocketClientChannelFactory(abc.ABC):
    """Makes client connections."""

    @abc.abstractmethod
    def __init__(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: list[str] | None = None,
        useragent: str | None = None,
        headers: dict[str, Any] | None = None,
        proxy: dict[str, Any] | None = None,
    ) -> None:
        """See ``setSessionParameters``."""

    @abc.abstractmethod
    def setSessionParameters(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: list[str] | None = None,
        useragent: str | None = None,
        headers: dict[str, Any] | None = None,
        proxy: dict[str, Any] | None = None,
    ) -> Any:
        """Set URL, origin, subprotocols, User-Agent header, more headers, and the proxy."""

    @abc.abstractmethod
    def setProtocolOptions(
        self,
        version: Any = None,
        utf8validateIncoming: Any = None,
        acceptMaskedServerFrames: Any = None,
        maskClientFrames: Any = None,
        applyMask: Any = None,
        maxFramePayloadSize: Any = None,
        maxMessagePayloadSize: Any = None,
        autoFragmentSize: Any = None,
        failByDrop: Any = None,
        echoCloseCodeReason: Any = None,
        serverConnectionDropTimeout: Any = None,
        openHandshakeTimeout: Any = None,
        closeHandshakeTimeout: Any = None,
        tcpNoDelay: Any = None,
        perMessageCompressionOffers: Any = None,
        perMessageCompressionAccept: Any = None,
        autoPingInterval: Any = None,
        autoPingTimeout: Any = None,
        autoPingSize: Any = None,
    ) -> Any:
        """Set options of connections made from now on."""

    @abc.abstractmethod
    def resetProtocolOptions(self) -> Any:
        """Set all options to their defaults."""


class IWebSocketChannel(abc.ABC):
    """A WebSocket connection, message by message."""

    @abc.abstractmethod
    def onConnecting(self, transport_details: Any) -> Any:
        """(Client) The transport is there; may return a ConnectingRequest."""

    @abc.abstractmethod
    def onConnect(self, request_or_response: Any) -> Any:
        """The peer's part of the opening handshake came in: ConnectionRequest or ConnectionResponse."""

    @abc.abstractmethod
    def onOpen(self) -> Any:
        """The connection is open."""

    @abc.abstractmethod
    def sendMessage(self, payload: bytes, isBinary: bool) -> Any:
        """Send a message."""

    @abc.abstractmethod
    def onMessage(self, payload: bytes, isBinary: bool) -> Any:
        """A message came in."""

    @abc.abstractmethod
    def sendClose(self, code: int | None = None, reason: str | None = None) -> Any:
        """Begin the closing handshake."""

    @abc.abstractmethod
    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> Any:
        """The connection is closed."""

    @abc.abstractmethod
    def sendPing(self, payload: bytes | None = None) -> Any:
        """Send a ping."""

    @abc.abstractmethod
    def onPing(self, payload: bytes) -> Any:
        """A ping came in."""

    @abc.abstractmethod
    def sendPong(self, payload: bytes | None = None) -> Any:
        """Send a pong."""

    @abc.abstractmethod
    def onPong(self, payload: bytes) -> Any:
        """A pong came in."""


class IWebSocketChannelFrameApi(IWebSocketChannel):
    """A WebSocket connection, frame by frame."""

    @abc.abstractmethod
    def onMessageBegin(self, isBinary: bool) -> Any:
        """A message begins."""

    @abc.abstractmethod
    def onMessageFrame(self, payload: Any) -> Any:
        """A frame is complete."""

    @abc.abstractmethod
    def onMessageEnd(self) -> Any:
        """The message is complete."""

    @abc.abstractmethod
    def beginMessage(self, isBinary: bool = False, doNotCompress: bool = False) -> Any:
        """Begin a message."""

    @abc.abstractmethod
    def sendMessageFrame(self, payload: bytes, sync: bool = False) -> Any:
        """Send a frame of it."""

    @abc.abstractmethod
    def endMessage(self) -> Any:
        """End it."""


class IWebSocketChannelStreamingApi(IWebSocketChannelFrameApi):
    """A WebSocket connection, octet by octet."""

    @abc.abstractmethod
    def onMessageFrameBegin(self, length: int) -> Any:
        """A frame begins."""

    @abc.abstractmethod
    def onMessageFrameData(self, payload: bytes) -> Any:
        """Payload of it came in."""

    @abc.abstractmethod
    def onMessageFrameEnd(self) -> Any:
        """It is complete."""

    @abc.abstractmethod
    def beginMessageFrame(self, length: int) -> Any:
        """Begin a frame."""

    @abc.abstractmethod
    def sendMessageFrameData(self, payload: bytes, sync: bool = False) -> Any:
        """Send payload of it."""


also_from(__name__, "websocket.types", "wamp.types", "util")
