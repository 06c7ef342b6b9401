# SPDX-License-Identifier: MIT
"""A WAMP session on a message transport: what WAMP over WebSocket and over RawSocket have in common.

Knows how a session is made, fed and told that it is over, and what an exception out of it means for the connection. Does
not know WAMP messages (the session and Wire do), framing, or a loop.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from autobahn_fast._overriding import is_own
from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.wamp.exception import ProtocolError, SerializationError, TransportLost

__all__ = ("WampChannel", "default_serializers")


def default_serializers(batched: bool) -> list[Any]:
    """Return a serializer of each kind that can be used here, best first.

    :param batched: include the kinds that send several messages at once, each before its plain one.
    """
    from autobahn_fast.wamp.serializer import BEST_FIRST

    kinds = (True, False) if batched else (False,)
    return [cls(batched=kind) for cls in BEST_FIRST for kind in kinds]


def own_serializer(serializers: dict[Any, Any], key: Any) -> Any:
    """Return a connection's own serializer out of its factory's, so that statistics are the connection's."""
    return copy.copy(serializers[key])


class WampChannel:
    """Mix-in: the ``ITransport`` of a session. The class it is mixed into has the engine and closes the connection."""

    log: Any
    factory: Any
    peer: Any

    _session: Any = None
    _serializer: Any = None
    _wire: Any = None

    # --- what the transport class provides ---

    def _channel_engine(self) -> Any:
        """Return the engine, open for messages."""
        raise RuntimeError("a mixin for transports")

    def _channel_failed(self, code: int, reason: str) -> None:
        """Close the connection: 1002 for the peer's fault, 1011 for ours."""
        raise RuntimeError("a mixin for transports")

    def isOpen(self) -> bool:
        """Whether messages can be sent."""
        raise RuntimeError("a mixin for transports")

    # --- life of the session ---

    def _open_session(self) -> None:
        """The transport is open: make a session and tell it."""
        from autobahn_fast._core.engine import CallbackSink

        self._channel_engine().set_sink(CallbackSink(self._take_octets))
        try:
            self._session = self.factory._factory()
            self._session.onOpen(self)
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            self.log.error("{peer}: the session could not be opened: {exc!r}", peer=self.peer, exc=e, log_failure=e)
            self._channel_failed(1011, "the session could not be opened")

    def _close_session(self, was_clean: bool) -> None:
        """The transport is gone: tell the session, once."""
        session, self._session = self._session, None
        self._wire = None
        if session is None:
            return
        try:
            session.onClose(was_clean)
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            self.log.error("{peer}: the session's onClose raised {exc!r}", peer=self.peer, exc=e, log_failure=e)

    def _transport_writable(self, writable: bool) -> None:
        """The transport's buffer is full, or has room again: the session may want to know."""
        tell = getattr(self._session, "_transport_writable", None)
        if tell is not None:
            tell(writable)

    # --- messages ---

    def open_wire(self, session: Any) -> Any:
        """Return a Wire between the session and this transport: the fast way for messages, both ways.

        :param session: has the methods of docs/design.md, "Wire and session".
        :returns: None when the serializer cannot: messages then pass as objects (``send`` and ``session.onMessage``).
        """
        serializer = self._serializer
        codec = getattr(serializer, "codec", None)
        batch = getattr(serializer, "batch", None)
        if codec is None or (batch is None and "batched" in (serializer.SERIALIZER_ID or "")):
            return None
        from autobahn_fast._core.wire import Wire
        from autobahn_fast.wamp.serializer import parse_message

        on_message = getattr(type(session), "onMessage", None)
        ours = getattr(on_message, "__module__", "").startswith("autobahn_fast.wamp.")
        overridden = not (ours and is_own(session, "onMessage", on_message))
        engine = self._channel_engine()
        wire = Wire(engine, codec, serializer.statistics, session, parse_message, not overridden, batch)
        engine.set_sink(wire)
        self._wire = wire
        return wire

    def _take_octets(self, payload: bytes, is_binary: bool) -> None:
        for msg in self._serializer.unserialize(payload, is_binary):
            session = self._session
            if session is None:
                return
            session.onMessage(msg)

    def send(self, msg: Any) -> None:
        """Send a WAMP message.

        :param msg: a message object.
        :raises SerializationError: it cannot be encoded. :raises TransportLost: the transport is not open.
        :raises PayloadExceededError: it is larger than the peer or an option allows. Nothing is sent in any of these cases.
        """
        from autobahn_fast._core.codec import EncodeError
        from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge

        if not self.isOpen():
            raise TransportLost("the transport is not open: nothing was sent")
        try:
            if self._wire is not None:
                self._wire.send(msg)
            else:
                payload, is_binary = self._serializer.serialize(msg)
                self._channel_engine().send(payload, is_binary)
        except EncodeError as e:
            raise SerializationError(f"{type(msg).__name__} cannot be serialized: {e}") from e
        except EngineClosed as e:
            raise TransportLost(str(e)) from None
        except PayloadTooLarge as e:
            raise PayloadExceededError(str(e)) from None

    def on_sink_error(self, exc: Exception) -> None:
        """Engine: what taking a message raised. The peer's fault is a protocol error, all else is logged with its traceback."""
        from autobahn_fast._core.codec import DecodeError

        if isinstance(exc, ProtocolError | DecodeError | SerializationError):
            self.log.warn("{peer}: WAMP protocol error: {exc}", peer=self.peer, exc=exc)
            tell = getattr(self._session, "_violated", None)
            if tell is not None:
                tell(str(exc))
            self._channel_failed(1002, f"WAMP protocol error: {exc}")
        else:
            self.log.error("{peer}: taking a message raised {exc!r}", peer=self.peer, exc=exc, log_failure=exc)
            self._channel_failed(1011, "internal error")

    # --- the rest of ITransport ---

    def get_channel_id(self, channel_id_type: str = "tls-unique") -> bytes | None:
        """Return what identifies the secure channel under this transport, the same on both sides; None without one."""
        details = self.transport_details  # type: ignore[attr-defined]
        return (details.channel_id or {}).get(channel_id_type)


def serializer_map(serializers: Iterable[Any] | None, key: str, batched: bool) -> dict[Any, Any]:
    """Return serializers by ``SERIALIZER_ID`` or ``RAWSOCKET_SERIALIZER_ID``, in order; None: all there are.

    :param batched: whether the transport carries batches.
    :raises ValueError: there is none.
    """
    chosen = list(serializers) if serializers is not None else default_serializers(batched)
    if not batched:
        # RawSocket has no batches: where a kind is given both ways, as Crossbar does, the plain one is meant
        chosen.sort(key=lambda one: bool(getattr(one, "_batched", False)))
    by_key: dict[Any, Any] = {}
    for one in chosen:
        by_key.setdefault(getattr(one, key), one)
    if not by_key:
        raise ValueError("at least one serializer is needed")
    return by_key
