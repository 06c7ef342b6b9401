# SPDX-License-Identifier: MIT
"""WAMP over RawSocket (WAMP specification, "RawSocket Transport"), without a framework: one connection, and the options of a factory.

Knows what follows from a handshake, a violation or a lost transport. Packets and handshake octets are the engine's, sessions
``wamp._channel``'s. A transport is an object with ``write``, ``close`` and ``abort``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autobahn_fast._framework import why_lost
from autobahn_fast._reading import NO_GATE, ReadingGate
from autobahn_fast.exception import InvalidArgument
from autobahn_fast.wamp._channel import WampChannel, own_serializer, serializer_map
from autobahn_fast.wamp.exception import TransportLost

__all__ = (
    "ERRMAP",
    "ERR_SERIALIZER_UNSUPPORTED",
    "FRAME_TYPE_DATA",
    "FRAME_TYPE_PING",
    "FRAME_TYPE_PONG",
    "MAGIC_BYTE",
    "HandshakeError",
    "RawSocketFactoryOptions",
    "WampRawSocketChannel",
)

MAGIC_BYTE = 0x7F
FRAME_TYPE_DATA = 0
FRAME_TYPE_PING = 1
FRAME_TYPE_PONG = 2

ERR_SERIALIZER_UNSUPPORTED = 1
ERRMAP = {
    0: "illegal error code",
    1: "serializer unsupported",
    2: "maximum message length unacceptable",
    3: "use of reserved bits",
    4: "maximum connection count reached",
}


class HandshakeError(Exception):
    """A RawSocket handshake failed."""

    def __init__(self, msg: str, code: int = 0) -> None:
        """
        :param msg: what was wrong. :param code: error code of the handshake, a key of ``ERRMAP``; 0: none.
        """
        super().__init__(f"{msg}: {ERRMAP.get(code, code)}" if code else msg)
        self.code = code


class WampRawSocketChannel(WampChannel):
    """Mix-in: a WAMP transport over RawSocket. The class it is mixed into hands octets to ``_engine.feed``."""

    framework: Any
    log: Any
    factory: Any
    transport: Any
    peer: Any
    _transport_details: Any
    _on_handshake_complete: Any

    handshake_timeout: float = 10
    """Seconds the peer has for its part of the handshake; 0: without end."""

    close_timeout: float = 2
    """Seconds a peer that broke the protocol has to take the ABORT that tells it so."""

    _engine: Any = None
    _timer: Any = None
    _wire_open = False
    wasNotCleanReason: str | None = None
    """Why the connection ended, where it did not end in good order."""
    _reading_gate: Any = NO_GATE
    _set_reading: Any

    # --- life ---

    def _transport_socket(self) -> tuple[Any, ...]:
        """Arguments of ``Engine.attach`` from ``fd`` on. For the class of a framework."""
        return ()

    def _start_engine(self, serializers: Iterable[int], is_server: bool, defer: Callable[..., Any] | None) -> None:
        """The transport is there: begin the handshake."""
        from autobahn_fast._core.packets import RawSocketEngine

        self._engine = RawSocketEngine(
            self, is_server, serializers=serializers, max_receive=getattr(self.factory, "_max_message_size", 2**24)
        )
        self._engine.attach(self.transport.write, defer, *self._transport_socket())
        self._reading_gate = ReadingGate(self._set_reading, self.framework.call_later)
        if self.handshake_timeout and defer is not None:
            self._timer = self.framework.call_later(self.handshake_timeout, self._handshake_took_too_long)
        self._engine.start()

    def _lose_engine(self, was_clean: bool, reason: Any = None) -> None:
        """The transport is gone. :param reason: what the loop says about it."""
        if self.wasNotCleanReason is None and self._engine is not None and not self._engine.is_open:
            self.wasNotCleanReason = f"the connection ended before the RawSocket handshake was done{why_lost(reason)}"
        elif self.wasNotCleanReason is None and not was_clean:
            self.wasNotCleanReason = f"the connection was lost{why_lost(reason)}"
        self._stop_timer()
        self._wire_open = False
        self._reading_gate.close()
        if self._engine is not None:
            self._engine.detach()
        self._close_session(was_clean)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _handshake_took_too_long(self) -> None:
        self._timer = None
        self.wasNotCleanReason = f"the RawSocket handshake took more than {self.handshake_timeout} s"
        self.log.warn("RawSocket {peer}: the handshake took more than {s} s", peer=self.peer, s=self.handshake_timeout)
        self._engine.stop_reading()
        self._lose_transport(abort=True)

    def _lose_transport(self, abort: bool) -> None:
        """Close the transport. :param abort: without sending what is still to be written."""
        if abort:
            self.transport.abort()
        else:
            self.transport.close()

    # --- engine's handler ---

    def on_handshake(self, serializer: int, max_send: int) -> None:
        """Engine: both sides agree on a serializer; messages can be sent."""
        self._stop_timer()
        self._serializer = self._serializer_for(serializer)
        self.max_length_send = max_send
        details = self._transport_details
        name = (self._serializer.SERIALIZER_ID or "").removesuffix(".batched")
        details.channel_serializer = details.CHANNEL_SERIALIZER_FROM_STR.get(name)
        self._wire_open = True
        self._on_handshake_complete()

    def _serializer_for(self, serializer: int) -> Any:
        """Return this connection's own serializer of that RawSocket id."""
        raise RuntimeError("a mixin for RawSocket transports")

    def on_handshake_error(self, code: int, reason: str) -> None:
        """Engine: there will be no messages."""
        self._stop_timer()
        self.wasNotCleanReason = f"the RawSocket handshake failed: {reason}"
        self.log.warn("RawSocket {peer}: handshake failed: {reason}", peer=self.peer, reason=reason)
        self._lose_transport(abort=False)

    def on_violation(self, code: int, reason: str) -> None:
        """Engine: the peer broke the protocol."""
        self.protocol_error(reason)

    def stringReceived(self, payload: bytes) -> None:
        """A message came in that no Wire took: parse it and give it to the session."""
        try:
            self._take_octets(payload, self._serializer.RAWSOCKET_SERIALIZER_ID != 1)
        except Exception as e:  # noqa: BLE001 - sorted out there
            self.on_sink_error(e)

    def protocol_error(self, msg: str) -> None:
        """The peer broke the protocol: the connection is closed.

        :param msg: what it did.
        """
        self.wasNotCleanReason = f"the peer broke the protocol: {msg}"
        self.log.warn("RawSocket {peer}: protocol error: {msg}", peer=self.peer, msg=msg)
        self._end(abort=False)

    def on_ping(self, payload: bytes) -> None:
        """Engine: a ping came in."""
        self._engine.pong(payload)

    def on_pong(self, payload: bytes) -> None:
        """Engine: a pong came in. Any traffic is a sign of life; nothing is to be done."""

    # --- channel ---

    def _channel_engine(self) -> Any:
        return self._engine

    def _channel_failed(self, code: int, reason: str) -> None:
        # RawSocket has no close frame: a session that knows how has said why in an ABORT, which is worth some patience.
        self.wasNotCleanReason = reason
        is_told = code == 1002 and hasattr(self._session, "_violated")
        self._end(abort=not is_told)
        if is_told and self.transport is not None:
            self._stop_timer()
            self._timer = self.framework.call_later(self.close_timeout, self._close_took_too_long)

    def _close_took_too_long(self) -> None:
        self._timer = None
        if self.transport is not None:
            self._lose_transport(abort=True)

    def _end(self, abort: bool) -> None:
        self._wire_open = False
        self._reading_gate.release()
        self._engine.stop_reading()
        self._engine.flush()  # nothing is written once the transport is closing
        self._engine.close()
        self._lose_transport(abort)

    def isOpen(self) -> bool:
        """Whether messages can be sent."""
        return self._session is not None and self._wire_open

    def close(self) -> None:
        """Close after what was written so far is sent.

        :raises TransportLost: the transport is not open.
        """
        if not self.isOpen():
            raise TransportLost("the transport is not open")
        self._end(abort=False)

    def abort(self) -> None:
        """Drop the connection.

        :raises TransportLost: the transport is not open.
        """
        if not self.isOpen():
            raise TransportLost("the transport is not open")
        self._end(abort=True)


class RawSocketFactoryOptions:
    """Mix-in: the options of WAMP RawSocket factories."""

    _max_message_size = 2**24

    def resetProtocolOptions(self) -> None:
        """Set all options to their defaults."""
        self._max_message_size = 2**24

    def setProtocolOptions(self, maxMessagePayloadSize: int | None = None) -> None:
        """Set options of connections made from now on; None leaves one as it is.

        :param maxMessagePayloadSize: octets of a message accepted, 512 to 2^24; connections announce the next power of two.
        :raises InvalidArgument: no int, or out of range.
        """
        if maxMessagePayloadSize is None:
            return
        if isinstance(maxMessagePayloadSize, bool) or not isinstance(maxMessagePayloadSize, int):
            raise InvalidArgument(f"maxMessagePayloadSize is a number of octets (int), not {maxMessagePayloadSize!r}")
        if not 512 <= maxMessagePayloadSize <= 2**24:
            raise InvalidArgument(f"maxMessagePayloadSize is 512 to 2^24 octets, not {maxMessagePayloadSize}")
        self._max_message_size = maxMessagePayloadSize

    @staticmethod
    def _check_factory(factory: Any) -> None:
        if not callable(factory):
            raise InvalidArgument(f"a session factory is called to make sessions; {type(factory).__name__} cannot be")

    @staticmethod
    def _serializer_map(serializers: Iterable[Any] | None) -> dict[int, Any]:
        return serializer_map(serializers, "RAWSOCKET_SERIALIZER_ID", batched=False)

    def _own_serializer(self, serializers: dict[int, Any], key: int) -> Any:
        return own_serializer(serializers, key)
