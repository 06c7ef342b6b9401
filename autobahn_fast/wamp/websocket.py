# SPDX-License-Identifier: MIT
"""WAMP over WebSocket (WAMP specification, "WebSocket Transport"): the subprotocol decides on the serializer.

Mixins for the WebSocket classes of a framework. Knows the subprotocols ``wamp.2.<serializer>``; sessions and messages are
``_channel``'s, connections ``autobahn_fast.websocket``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autobahn_fast._framework import make_logger
from autobahn_fast._names import also_from
from autobahn_fast.wamp._channel import WampChannel, own_serializer, serializer_map
from autobahn_fast.wamp.exception import TransportLost
from autobahn_fast.websocket.types import ConnectionDeny

__all__ = (
    "WampWebSocketClientFactory",
    "WampWebSocketClientProtocol",
    "WampWebSocketFactory",
    "WampWebSocketProtocol",
    "WampWebSocketServerFactory",
    "WampWebSocketServerProtocol",
    "parseSubprotocolIdentifier",
)


def parseSubprotocolIdentifier(subprotocol: Any) -> tuple[int | None, str | None]:
    """Take a WAMP subprotocol apart.

    :param subprotocol: for instance ``wamp.2.msgpack``.
    :returns: (WAMP version, serializer id), or (None, None) when it is none.
    """
    parts = subprotocol.split(".") if isinstance(subprotocol, str) else []
    if len(parts) < 2 or parts[0] != "wamp" or not (parts[1].isascii() and parts[1].isdigit()):
        return None, None
    return int(parts[1]), ".".join(parts[2:])


class WampWebSocketProtocol(WampChannel):
    """A WAMP transport over a WebSocket connection."""

    log: Any = make_logger("autobahn_fast.wamp.websocket")
    peer: Any = None
    _session: Any = None

    # --- WebSocket callbacks ---

    def onOpen(self) -> None:
        """The connection is open: make a session."""
        self._open_session()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is closed: tell the session."""
        if self._session is None:
            return  # it never was open
        self.log.debug(
            "WAMP over WebSocket {peer} closed: clean {clean}, code {code}, reason {reason}",
            peer=self.peer,
            clean=wasClean,
            code=code,
            reason=reason,
        )
        self._close_session(wasClean)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A message came in that no Wire took: parse it and give it to the session."""
        try:
            self._take_octets(payload, isBinary)
        except Exception as e:  # noqa: BLE001 - sorted out there
            self.on_sink_error(e)

    def _channel_engine(self) -> Any:
        return self.engine  # type: ignore[attr-defined]

    def _channel_failed(self, code: int, reason: str) -> None:
        self._close_with(code, reason)  # type: ignore[attr-defined]

    # --- ITransport ---

    def isOpen(self) -> bool:
        """Whether messages can be sent."""
        return self._session is not None and self.state == 3  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close in good order, with a closing handshake.

        :raises TransportLost: the transport is not open.
        """
        if not self.isOpen():
            raise TransportLost("the transport is not open")
        self.sendClose(1000)  # type: ignore[attr-defined]

    def abort(self) -> None:
        """Drop the connection.

        :raises TransportLost: the transport is not open.
        """
        if not self.isOpen():
            raise TransportLost("the transport is not open")
        self.dropConnection(abort=True)  # type: ignore[attr-defined]

    @property
    def transport_details(self) -> Any:
        """TransportDetails of the connection."""
        return self._transport_details  # type: ignore[attr-defined]

    def _serializer_chosen(self, name: str) -> None:
        self._serializer = own_serializer(self.factory._serializers, name)
        details = self._transport_details  # type: ignore[attr-defined]
        details.channel_serializer = details.CHANNEL_SERIALIZER_FROM_STR.get(name.removesuffix(".batched"))


class WampWebSocketServerProtocol(WampWebSocketProtocol):
    """A WAMP server's connection."""

    STRICT_PROTOCOL_NEGOTIATION = True
    """Refuse clients that offer no WAMP subprotocol known here; otherwise they get JSON."""

    def onConnect(self, request: Any) -> tuple[str | None, dict[str, str]]:
        """Choose the first subprotocol the client offers that is known here.

        :raises ConnectionDeny: there is none.
        """
        for subprotocol in request.protocols:
            version, name = parseSubprotocolIdentifier(subprotocol)
            if version == 2 and name is not None and name in self.factory._serializers:
                self._serializer_chosen(name)
                return subprotocol, {}
        if self.STRICT_PROTOCOL_NEGOTIATION:
            raise ConnectionDeny(
                ConnectionDeny.BAD_REQUEST, f"this server speaks the WebSocket subprotocols {self.factory.protocols}"
            )
        self._serializer_chosen("json")
        return None, {}


class WampWebSocketClientProtocol(WampWebSocketProtocol):
    """A WAMP client's connection."""

    STRICT_PROTOCOL_NEGOTIATION = True
    """Refuse servers that choose no subprotocol; otherwise JSON is spoken with them."""

    def onConnect(self, response: Any) -> None:
        """Take the serializer the server has chosen.

        :raises RuntimeError: it has chosen none.
        """
        if response.protocol is None:
            if self.STRICT_PROTOCOL_NEGOTIATION:
                raise RuntimeError(f"the server speaks none of the WebSocket subprotocols {self.factory.protocols}")
            self._serializer_chosen("json")
            return
        name = parseSubprotocolIdentifier(response.protocol)[1]
        if name is None or name not in self.factory._serializers:
            raise RuntimeError(
                f"the server chose the WebSocket subprotocol {response.protocol!r}, which was not offered"
            )
        self._serializer_chosen(name)


class WampWebSocketFactory:
    """What WAMP factories of both roles share."""

    def __init__(self, factory: Callable[..., Any], serializers: Iterable[Any] | None = None) -> None:
        """
        :param factory: called without arguments, returns a session.
        :param serializers: what to speak, best first; None: everything there is.
        :raises TypeError: ``factory`` cannot be called. :raises ValueError: no serializer.
        """
        if not callable(factory):
            raise TypeError(f"a session factory is called to make sessions; {type(factory).__name__} cannot be")
        self._factory = factory
        self._serializers = serializer_map(serializers, "SERIALIZER_ID", batched=True)
        self._protocols = [f"wamp.2.{name}" for name in self._serializers]


class WampWebSocketServerFactory(WampWebSocketFactory):
    """Makes WAMP server connections."""


class WampWebSocketClientFactory(WampWebSocketFactory):
    """Makes WAMP client connections."""


also_from(__name__, "websocket.types", "wamp.interfaces", "wamp.exception", "wamp.types", "util")
