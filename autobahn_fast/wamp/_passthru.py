# SPDX-License-Identifier: MIT
"""Payload passthru mode: ``{args, kwargs}`` as one value that the router passes on as it is (WAMP, "Payload Passthru Mode").

Knows how the value is made and read, with a serializer of its own or a payload codec. Knows no messages and no sessions.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast.wamp.exception import ApplicationError, SerializationError
from autobahn_fast.wamp.serializer import SERID_TO_OBJSER
from autobahn_fast.wamp.types import EncodedPayload

__all__ = ("FIELDS", "pack", "unpack")

FIELDS = ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")

_NATIVE = (None, "native")
"""Serializers that stand for the one of the message: the value is then an object in it."""

_ALGORITHMS = {"xsalsa20poly1305": "cryptobox"}
"""What payload codecs call a cipher, where that is not the same."""


def pack(
    options: dict[str, Any], codec: Any, is_originating: bool, uri: str, args: Any, kwargs: dict[str, Any] | None
) -> tuple[Any, ...]:
    """Return the arguments of a message in payload passthru mode.

    :param options: the ``ppt_...`` options among others; what the payload codec says about its work is written here.
    :param codec: an ``IPayloadCodec`` or None. Only asked when there is ``ppt_cipher``.
    :raises ApplicationError: there is no payload codec, no key, or it does not make what ``ppt_cipher`` says.
    :raises SerializationError: the payload cannot be written in ``ppt_serializer``.
    """
    if options.get("ppt_cipher") is not None:
        return (_encrypt(options, codec, is_originating, uri, args, kwargs),)
    payload = {"args": list(args or ()), "kwargs": kwargs or {}}
    name = options.get("ppt_serializer")
    if name in _NATIVE:
        return (payload,)
    serializer = SERID_TO_OBJSER.get(name)
    if serializer is None:
        raise SerializationError(
            f"ppt_serializer {name!r} is not known here: one of native, {', '.join(SERID_TO_OBJSER)}"
        )
    try:
        return (serializer().serialize(payload),)
    except ValueError as e:
        raise SerializationError(f"the payload cannot be written as {name}: {e}") from e


def _encrypt(options: dict[str, Any], codec: Any, is_originating: bool, uri: str, args: Any, kwargs: Any) -> bytes:
    cipher = options["ppt_cipher"]
    algorithm = _ALGORITHMS.get(cipher, cipher)
    if codec is None:
        raise ApplicationError(
            ApplicationError.ENC_NO_PAYLOAD_CODEC,
            f"ppt_cipher {cipher!r} needs a payload codec: see set_payload_codec()",
        )
    encoded: EncodedPayload | None = codec.encode(is_originating, uri, list(args or ()), kwargs or {})
    if encoded is None:
        raise ApplicationError(
            ApplicationError.ENC_NO_PAYLOAD_CODEC, f"ppt_cipher {cipher!r}: the payload codec has no key for {uri}"
        )
    if encoded.enc_algo != algorithm:
        raise ApplicationError(
            ApplicationError.ENC_NO_PAYLOAD_CODEC,
            f"ppt_cipher is {cipher!r}, but the payload codec makes {encoded.enc_algo!r}",
        )
    if encoded.enc_serializer is not None:
        options["ppt_serializer"] = encoded.enc_serializer
    if encoded.enc_key is not None:
        options["ppt_keyid"] = encoded.enc_key
    return encoded.payload  # type: ignore[no-any-return]


def unpack(ppt: dict[str, Any], args: Any, kwargs: Any, decode: Any) -> tuple[Any, Any]:
    """Return the args and kwargs that a message in payload passthru mode carries.

    :param ppt: its ``ppt_...`` details.
    :param args: its arguments; there must be one. :param kwargs: must be empty.
    :param decode: called with an ``EncodedPayload`` when it is encrypted; returns args and kwargs.
    :raises ApplicationError: it cannot be read. What ``decode`` raises.
    """
    if not isinstance(args, (list, tuple)) or len(args) != 1 or kwargs:
        raise _unreadable("there must be exactly one positional value, and no keyword values")
    value = args[0]
    name, cipher = ppt.get("ppt_serializer"), ppt.get("ppt_cipher")
    if cipher is not None:
        if type(value) is not bytes:
            raise _unreadable(f"an encrypted payload is binary, not {type(value).__name__}")
        return decode(  # type: ignore[no-any-return]
            EncodedPayload(value, _ALGORITHMS.get(cipher, cipher), name, ppt.get("ppt_keyid"))
        )
    if name not in _NATIVE:
        serializer = SERID_TO_OBJSER.get(name)
        if serializer is None:
            raise _unreadable(f"its serializer {name!r} is not known here")
        if type(value) is not bytes:
            raise _unreadable(f"a payload in {name} is binary, not {type(value).__name__}")
        try:
            value = serializer().unserialize(value)[0]
        except ValueError as e:
            raise _unreadable(f"it is not {name}: {e}") from e
    if type(value) is not dict:
        raise _unreadable(f"it must be an object of args and kwargs, not {type(value).__name__}")
    inner_args, inner_kwargs = value.get("args"), value.get("kwargs")
    if not (inner_args is None or isinstance(inner_args, (list, tuple))):
        raise _unreadable(f"its args must be a list, not {type(inner_args).__name__}")
    if not (inner_kwargs is None or (type(inner_kwargs) is dict and all(type(key) is str for key in inner_kwargs))):
        raise _unreadable("its kwargs must be an object with texts as keys")
    return inner_args, inner_kwargs


def _unreadable(why: str) -> ApplicationError:
    return ApplicationError(ApplicationError.INVALID_PAYLOAD, f"a payload in passthru mode cannot be read: {why}")
