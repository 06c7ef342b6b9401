# SPDX-License-Identifier: MIT
"""MessageWire: the methods of the compiled ``Wire`` over message objects and a transport that has ``send(msg)``.

Used when a payload codec is set and over transports without ``open_wire``. Knows the message classes and the payload codec;
knows no session, no loop, and never what a handler is.
"""

from __future__ import annotations

from typing import Any, NoReturn

from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import SerializationError, TransportLost
from autobahn_fast.wamp.types import EncodedPayload

__all__ = ("MessageWire", "encode_payload", "raise_documented", "translated")


def encode_payload(codec: Any, is_originating: bool, uri: str, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the payload fields of a message: encoded when the codec wants to, plain otherwise.

    :param codec: an ``IPayloadCodec`` or None.
    :param is_originating: True for PUBLISH and CALL, False for YIELD and ERROR.
    :raises Exception: whatever the codec's ``encode`` raises.
    """
    if codec is not None:
        encoded: EncodedPayload | None = codec.encode(is_originating, uri, list(args) if args else args, kwargs)
        if encoded is not None:
            return {
                "payload": encoded.payload,
                "enc_algo": encoded.enc_algo,
                "enc_serializer": encoded.enc_serializer,
                "enc_key": encoded.enc_key,
            }
    if kwargs:
        return {"args": args or (), "kwargs": kwargs}
    return {"args": args or None}


class MessageWire:
    """Builds a message object per call and hands it to ``transport.send``."""

    __slots__ = ("codec", "transport")

    def __init__(self, transport: Any, codec: Any = None) -> None:
        """:param transport: anything with ``send(msg)``. :param codec: an ``IPayloadCodec`` or None."""
        self.transport = transport
        self.codec = codec

    def publish(
        self,
        request: int,
        topic: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
    ) -> None:
        """Send PUBLISH."""
        payload = encode_payload(self._codec_for(options), True, topic, args, kwargs)
        self.transport.send(message.Publish(request, topic, **payload, **(options or {})))

    def call(
        self,
        request: int,
        procedure: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
    ) -> None:
        """Send CALL."""
        payload = encode_payload(self._codec_for(options), True, procedure, args, kwargs)
        self.transport.send(message.Call(request, procedure, **payload, **(options or {})))

    def yield_(
        self,
        request: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
        procedure: str | None = None,
    ) -> None:
        """Send YIELD. The procedure is needed (and given by the session) only when there is a codec."""
        codec = self._codec_for(options) if procedure is not None else None
        payload = encode_payload(codec, False, procedure or "", args, kwargs)
        self.transport.send(message.Yield(request, **payload, **(options or {})))

    def send(self, msg: Any) -> None:
        """Send any message object."""
        self.transport.send(msg)

    def _codec_for(self, options: dict[str, Any] | None) -> Any:
        """Return the payload codec; None when the payload is encoded already, in payload passthru mode."""
        return None if options and "ppt_scheme" in options else self.codec


_translations: dict[type[BaseException], type[Exception]] | None = None


def _translation_table() -> dict[type[BaseException], type[Exception]]:
    """Return what the engine and the codecs raise, and what an application gets for each."""
    global _translations
    if _translations is None:
        from autobahn_fast._core.codec import EncodeError
        from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge

        _translations = {
            EncodeError: SerializationError,
            EngineClosed: TransportLost,
            PayloadTooLarge: PayloadExceededError,
        }
    return _translations


def translated(exc: BaseException) -> BaseException:
    """Return the documented exception for one that came out of a wire; the same exception when it needs none."""
    for cause, documented in _translation_table().items():
        if isinstance(exc, cause):
            if isinstance(exc, documented):
                return exc
            return documented(str(exc) or "the transport is closed")
    return exc


def raise_documented(exc: Exception) -> NoReturn:
    """Raise the documented exception for one that came out of a wire."""
    documented = translated(exc)
    if documented is exc:
        raise exc
    raise documented from exc
