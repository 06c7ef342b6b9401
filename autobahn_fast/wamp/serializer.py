# SPDX-License-Identifier: MIT
"""Serializers: WAMP messages to octets and back, one class for each format, plain and batched.

An *object serializer* turns values into octets; a *serializer* turns message objects into octets with one and counts
what passes. Both stand on the compiled codecs, which a ``Wire`` uses directly (:attr:`Serializer.codec`). Knows no
transport.
The codecs and the libraries behind them are imported when the first serializer is made.
"""

from __future__ import annotations

import copy
import importlib
import time
from collections.abc import Callable
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.exception import InvalidArgument
from autobahn_fast.wamp.exception import ProtocolError, SerializationError
from autobahn_fast.wamp.message import MESSAGE_CLASSES, Message, parse_message

__all__ = [
    "JSON_SEPARATOR",
    "SERID_TO_OBJSER",
    "SERID_TO_SER",
    "CBORObjectSerializer",
    "CBORSerializer",
    "FlatBuffersObjectSerializer",
    "FlatBuffersSerializer",
    "JsonObjectSerializer",
    "JsonSerializer",
    "MsgPackObjectSerializer",
    "MsgPackSerializer",
    "Serializer",
    "UBJSONObjectSerializer",
    "UBJSONSerializer",
    "create_transport_serializer",
    "create_transport_serializers",
    "parse_message",
]

# What ends a message in batched JSON until the peer was seen to use another: what autobahn and Crossbar write (and alone
# understand). The record separator that the WAMP specification names is 0x1e.
JSON_SEPARATOR = 0x18


# --- object serializers ----------------------------------------------------------------------------------------------


class _Library:
    """Class attribute that is a module, imported when first read."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return importlib.import_module(self.name)


class _Computed(_Library):
    """Class attribute that is what a function returns, called when first read."""

    def __init__(self, name: str, function: str) -> None:
        super().__init__(name)
        self.function = function

    def __get__(self, instance: Any, owner: Any) -> Any:
        return getattr(super().__get__(instance, owner), self.function)()


class _ObjectSerializer:
    """Base of the object serializers: a codec, and what delimits messages in a batch.

    :param codec: has ``dumps`` and ``loads``, both of which raise ValueError only.
    :param batched: each message is delimited, so that several fit into one transport message.
    :param separator: what delimits them; None: their length.
    """

    NAME = ""
    BINARY = True

    def __init__(self, codec: Any, batched: bool, separator: int | None = None) -> None:
        self.codec = codec
        self._batched = batched
        self.batch = None
        if batched:
            from autobahn_fast._core.batch import Batch

            self.batch = Batch(separator)

    def __copy__(self) -> _ObjectSerializer:
        # What the peer of one connection was seen to use is for that connection.
        other: _ObjectSerializer = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.batch = copy.copy(self.batch)
        return other

    def serialize(self, obj: Any) -> bytes:
        """Return a value in octets.

        :raises ValueError: the format has no form for it, or it is nested too deeply.
        """
        data: bytes = self.codec.dumps(obj)
        return data if self.batch is None else self.batch.join(data)

    def unserialize(self, payload: bytes) -> list[Any]:
        """Return the values in a transport message: one, or any number when batched.

        :raises ValueError: the octets are no such value.
        """
        if self.batch is None:
            return [self.codec.loads(payload)]
        return [self.codec.loads(part) for part in self.batch.split(payload)]


class JsonObjectSerializer(_ObjectSerializer):
    """JSON; binaries are strings of ``\\0`` and base64.

    :param batched: each message is followed by a separator. Read are 0x18 (autobahn, Crossbar) and 0x1e (the WAMP
        specification); written is the one the peer was seen to use last.
    :param use_binary_hex_encoding: binaries are strings of ``0x`` and hex instead.
    :param use_decimal_from_str: strings that hold a decimal number become ``Decimal``.
    :param use_decimal_from_float: numbers with a point become ``Decimal``.
    :param batch_separator: what is written before the peer has sent anything: 0x18, or 0x1e for a router that goes by
        the specification. A client writes first, so it cannot know.
    """

    JSON_MODULE = _Library("json")
    NAME = "json"
    BINARY = False

    def __init__(
        self,
        batched: bool = False,
        use_binary_hex_encoding: bool = False,
        use_decimal_from_str: bool = False,
        use_decimal_from_float: bool = False,
        *,
        batch_separator: int = JSON_SEPARATOR,
    ) -> None:
        from autobahn_fast._core.json import JsonCodec

        codec = JsonCodec(use_binary_hex_encoding, use_decimal_from_str, use_decimal_from_float)
        super().__init__(codec, batched, batch_separator)


class MsgPackObjectSerializer(_ObjectSerializer):
    """MessagePack. :param batched: each message has its length in front, in 4 octets."""

    MSGPACK_MODULE = _Library("msgpack")
    NAME = "msgpack"

    def __init__(self, batched: bool = False) -> None:
        from autobahn_fast._core.codec import MsgPackCodec

        super().__init__(MsgPackCodec(), batched)


class CBORObjectSerializer(_ObjectSerializer):
    """CBOR. :param batched: each message has its length in front, in 4 octets."""

    CBOR_MODULE = _Library("cbor2")
    NAME = "cbor"

    def __init__(self, batched: bool = False) -> None:
        from autobahn_fast._core.codec import CborCodec

        super().__init__(CborCodec(), batched)


class UBJSONObjectSerializer(_ObjectSerializer):
    """UBJSON (BJData draft 2). :param batched: each message has its length in front, in 4 octets."""

    UBJSON_MODULE = _Library("bjdata")
    NAME = "ubjson"

    def __init__(self, batched: bool = False) -> None:
        from autobahn_fast._core.codec import UbjsonCodec

        super().__init__(UbjsonCodec(), batched)


class FlatBuffersObjectSerializer(_ObjectSerializer):
    """FlatBuffers by the schemas of WAMP; its values are whole messages: objects, or lists as they are marshalled.

    :param batched: each message has its length in front, in 4 octets.
    :param payload_serializer: the object serializer of args and kwargs; None: CBOR.
    """

    FLATBUFFERS_MODULE = _Library("flatbuffers")
    MESSAGE_TYPE_MAP = _Computed("autobahn_fast.wamp._flatbuffers", "message_tables")
    NAME = "flatbuffers"

    def __init__(self, batched: bool = False, payload_serializer: Any = None) -> None:
        from autobahn_fast.wamp._flatbuffers import MessageCodec

        super().__init__(MessageCodec(payload_serializer or CBORObjectSerializer()), batched)


# --- serializers of messages -----------------------------------------------------------------------------------------


def _compiled(codec: Any) -> Any:
    from autobahn_fast._core.codec import Codec

    return codec if isinstance(codec, Codec) else None


class Serializer:
    """Base of the serializers: messages to octets and back, with statistics.

    :param serializer: the object serializer.
    """

    # A rated message is this many octets: a message of 600 octets counts as two.
    RATED_MESSAGE_SIZE = 512
    MESSAGE_TYPE_MAP: dict[int, type[Message]] = MESSAGE_CLASSES

    SERIALIZER_ID = ""
    PAYLOAD_SERIALIZER_ID = ""
    RAWSOCKET_SERIALIZER_ID = 0
    MIME_TYPE = ""

    def __init__(self, serializer: Any) -> None:
        self._serializer = serializer
        self._batched = bool(getattr(serializer, "_batched", False))
        #: The compiled codec behind it, which a Wire uses; None when there is none.
        self.codec: Any = _compiled(getattr(serializer, "codec", None))
        own = getattr(type(serializer), "unserialize", None) is _ObjectSerializer.unserialize
        # What reads a transport message that is one message; None: only the object serializer knows.
        self._loads = self.codec.loads if own and self.codec is not None and serializer.batch is None else None
        self._autoreset: tuple[int, int, Callable[[dict[str, Any]], Any]] | None = None
        self._start_statistics()

    def __copy__(self) -> Serializer:
        # A copy counts for itself.
        other: Serializer = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        if self.batch is not None:
            other._serializer = copy.copy(self._serializer)
        other._start_statistics()
        return other

    def _start_statistics(self) -> None:
        from autobahn_fast._core.codec import Statistics

        #: The counters, which a Wire counts into as well.
        self.statistics = Statistics()
        self._stats_reset = time.time_ns()
        self._stats_cycle = 1
        if self._autoreset:
            self._watch_statistics()

    @property
    def batch(self) -> Any:
        """How messages are told apart in a batch, which a Wire uses (``Batch``); None when they are not sent in batches."""
        return getattr(self._serializer, "batch", None)

    # --- messages ---

    def serialize(self, msg: Message) -> tuple[bytes, bool]:
        """Return a message in octets, and whether they are binary.

        :raises SerializationError: something in it has no form in this format.
        """
        try:
            data = msg.serialize(self._serializer)
        except (ValueError, TypeError) as e:
            raise SerializationError(
                f"{type(msg).__name__} cannot be serialized as {self._serializer.NAME}: {e}"
            ) from e
        self.statistics.serialized(len(data))
        return data, self._serializer.BINARY

    def serialize_payload(self, data: Any) -> bytes:
        """Return an application payload in octets.

        :raises SerializationError: it has no form in this format.
        """
        try:
            return self._serializer.serialize(data)  # type: ignore[no-any-return]
        except (ValueError, TypeError) as e:
            raise SerializationError(f"payload cannot be serialized as {self._serializer.NAME}: {e}") from e

    def unserialize(self, payload: bytes, isBinary: bool | None = None) -> list[Message]:
        """Return the messages in a transport message.

        :param isBinary: whether it came as a binary message; checked when given.
        :raises ProtocolError: the octets are no valid messages.
        """
        if isBinary is not None and bool(isBinary) != self._serializer.BINARY:
            raise ProtocolError(
                f"invalid serialization of WAMP message (binary {isBinary}, but expected {self._serializer.BINARY})"
            )
        try:
            if self._loads is not None:
                raw = self._loads(payload)
            else:
                raw_messages = self._serializer.unserialize(payload)
        except (ValueError, TypeError) as e:
            raise ProtocolError(f"invalid serialization of WAMP message: {type(e).__name__} {e}") from e
        if self._loads is not None:
            messages = [parse_message(raw)]
        else:
            messages = [raw if isinstance(raw, Message) else parse_message(raw) for raw in raw_messages]
        self.statistics.unserialized(len(payload), len(messages))
        return messages

    # --- statistics ---

    def stats_reset(self) -> int:
        """Set all counters to zero. :returns: the time, in ns since the epoch."""
        self.statistics.reset()
        self._stats_reset = time.time_ns()
        return self._stats_reset

    def stats_bytes(self) -> int:
        """Return the octets since the last reset, both ways."""
        s = self.statistics
        return s.serialized_bytes + s.unserialized_bytes

    def stats_messages(self) -> int:
        """Return the messages since the last reset, both ways."""
        s = self.statistics
        return s.serialized_messages + s.unserialized_messages

    def stats_rated_messages(self) -> int:
        """Return the rated messages since the last reset, both ways."""
        s = self.statistics
        return s.serialized_rated_messages + s.unserialized_rated_messages

    def stats(self, reset: bool = True, details: bool = False) -> dict[str, Any]:
        """Return the counters since the last reset.

        :param reset: set them to zero.
        :param details: tell out (``serialized``) and in (``unserialized``) apart.
        :returns: ``cycle`` (counts the calls of this method), ``serializer``, ``timestamp`` (of the beginning) and ``duration`` in ns, and the counters.
        """
        s = self.statistics
        result: dict[str, Any] = {
            "cycle": self._stats_cycle,
            "serializer": self.SERIALIZER_ID,
            "timestamp": self._stats_reset,
            "duration": time.time_ns() - self._stats_reset,
        }
        if details:
            result["serialized"] = {
                "bytes": s.serialized_bytes,
                "messages": s.serialized_messages,
                "rated_messages": s.serialized_rated_messages,
            }
            result["unserialized"] = {
                "bytes": s.unserialized_bytes,
                "messages": s.unserialized_messages,
                "rated_messages": s.unserialized_rated_messages,
            }
        else:
            result["bytes"] = self.stats_bytes()
            result["messages"] = self.stats_messages()
            result["rated_messages"] = self.stats_rated_messages()
        self._stats_cycle += 1
        if reset:
            self.stats_reset()
        return result

    def set_stats_autoreset(
        self,
        rated_messages: int | None,
        duration: int | None,
        callback: Callable[[dict[str, Any]], Any],
        reset_now: bool = False,
    ) -> None:
        """Have a callback called with :meth:`stats` and the counters reset, again and again.

        :param rated_messages: after so many rated messages; 0 or None: not by count.
        :param duration: after so many ns, looked at with each message; 0 or None: not by time.
        :param reset_now: set them to zero now.
        """
        for name, value in (("rated_messages", rated_messages), ("duration", duration)):
            if value is not None and (type(value) is not int or value < 0):
                raise InvalidArgument(f"{name} must be an int >= 0 or None, not {value!r}")
        if not rated_messages and not duration:
            raise InvalidArgument("rated_messages or duration must be greater than 0")
        if not callable(callback):
            raise InvalidArgument(f"callback must be callable, not {callback!r}")
        self._autoreset = (rated_messages or 0, duration or 0, callback)
        if reset_now:
            self.stats_reset()
        self._watch_statistics()

    def _watch_statistics(self) -> None:
        if self._autoreset:
            rated_messages, duration, _ = self._autoreset
            self.statistics.autoreset = self._check_statistics
            self.statistics.autoreset_rated_messages = 1 if duration else rated_messages

    def _check_statistics(self) -> None:
        if self._autoreset:
            rated_messages, duration, callback = self._autoreset
            by_count = rated_messages and self.stats_rated_messages() >= rated_messages
            if by_count or (duration and time.time_ns() - self._stats_reset >= duration):
                callback(self.stats())


class JsonSerializer(Serializer):
    """WAMP over JSON. The parameters are those of :class:`JsonObjectSerializer`."""

    SERIALIZER_ID = "json"
    PAYLOAD_SERIALIZER_ID = "json"
    RAWSOCKET_SERIALIZER_ID = 1
    MIME_TYPE = "application/json"

    def __init__(
        self,
        batched: bool = False,
        use_binary_hex_encoding: bool = False,
        use_decimal_from_str: bool = False,
        *,
        use_decimal_from_float: bool = False,
        batch_separator: int = JSON_SEPARATOR,
    ) -> None:
        super().__init__(
            JsonObjectSerializer(
                batched=batched,
                use_binary_hex_encoding=use_binary_hex_encoding,
                use_decimal_from_str=use_decimal_from_str,
                use_decimal_from_float=use_decimal_from_float,
                batch_separator=batch_separator,
            )
        )
        if batched:
            self.SERIALIZER_ID = "json.batched"


class _Plain(Serializer):
    """A serializer whose format has no options."""

    def __init__(self, batched: bool = False) -> None:
        super().__init__(SERID_TO_OBJSER[self.PAYLOAD_SERIALIZER_ID](batched=batched))
        if batched:
            self.SERIALIZER_ID = f"{self.PAYLOAD_SERIALIZER_ID}.batched"


class MsgPackSerializer(_Plain):
    """WAMP over MessagePack. :param batched: several messages fit into one transport message."""

    SERIALIZER_ID = "msgpack"
    PAYLOAD_SERIALIZER_ID = "msgpack"
    RAWSOCKET_SERIALIZER_ID = 2
    MIME_TYPE = "application/x-msgpack"


class CBORSerializer(_Plain):
    """WAMP over CBOR. :param batched: several messages fit into one transport message."""

    SERIALIZER_ID = "cbor"
    PAYLOAD_SERIALIZER_ID = "cbor"
    RAWSOCKET_SERIALIZER_ID = 3
    MIME_TYPE = "application/cbor"


class UBJSONSerializer(_Plain):
    """WAMP over UBJSON. :param batched: several messages fit into one transport message."""

    SERIALIZER_ID = "ubjson"
    PAYLOAD_SERIALIZER_ID = "ubjson"
    RAWSOCKET_SERIALIZER_ID = 4
    MIME_TYPE = "application/ubjson"


class FlatBuffersSerializer(Serializer):
    """WAMP over FlatBuffers.

    :param batched: several messages fit into one transport message.
    :param payload_serializer: id of the serializer for args and kwargs, the same on both sides; other routers and clients
        know ``cbor`` only.
    :raises ValueError: there is none of that name.
    """

    SERIALIZER_ID = "flatbuffers"
    RAWSOCKET_SERIALIZER_ID = 5
    MIME_TYPE = "application/x-flatbuffers"

    def __init__(self, batched: bool = False, payload_serializer: str = "cbor") -> None:
        available = [name for name in SERID_TO_OBJSER if name != "flatbuffers"]
        if payload_serializer not in available:
            raise ValueError(f"unknown payload serializer {payload_serializer!r}: must be one of {available}")
        self._payload_serializer = SERID_TO_OBJSER[payload_serializer]()
        super().__init__(FlatBuffersObjectSerializer(batched, self._payload_serializer))
        if batched:
            self.SERIALIZER_ID = "flatbuffers.batched"

    @property
    def PAYLOAD_SERIALIZER_ID(self) -> str:  # type: ignore[override]
        """The id of the serializer for args and kwargs."""
        return self._payload_serializer.NAME  # type: ignore[no-any-return]

    def serialize_payload(self, data: Any) -> bytes:
        """Return an application payload in octets.

        :raises SerializationError: it has no form in the payload serializer's format.
        """
        try:
            return self._payload_serializer.serialize(data)  # type: ignore[no-any-return]
        except (ValueError, TypeError) as e:
            raise SerializationError(f"payload cannot be serialized as {self.PAYLOAD_SERIALIZER_ID}: {e}") from e


SERID_TO_OBJSER: dict[str, type[Any]] = {
    "json": JsonObjectSerializer,
    "msgpack": MsgPackObjectSerializer,
    "cbor": CBORObjectSerializer,
    "ubjson": UBJSONObjectSerializer,
    "flatbuffers": FlatBuffersObjectSerializer,
}
BEST_FIRST: tuple[type[Any], ...] = (CBORSerializer, MsgPackSerializer, UBJSONSerializer, JsonSerializer)
"""What connections speak unless told otherwise."""
SERID_TO_SER: dict[str, type[Serializer]] = {
    "json": JsonSerializer,
    "msgpack": MsgPackSerializer,
    "cbor": CBORSerializer,
    "ubjson": UBJSONSerializer,
    "flatbuffers": FlatBuffersSerializer,
}


# --- by name ---------------------------------------------------------------------------------------------------------


def create_transport_serializer(serializer_id: str) -> Serializer:
    """Make a serializer by its id: ``cbor``, or ``cbor.batched``.

    :raises RuntimeError: there is none of that name.
    """
    name, dot, kind = serializer_id.partition(".")
    if name not in SERID_TO_SER or (dot and kind != "batched"):
        raise RuntimeError(f'could not create serializer for "{serializer_id}" (available: {sorted(SERID_TO_SER)})')
    cls: Any = SERID_TO_SER[name]
    return cls(batched=True) if dot else cls()  # type: ignore[no-any-return]


def create_transport_serializers(transport: Any) -> list[Serializer]:
    """Make the serializers a transport's configuration names in ``transport.serializers``.

    :raises RuntimeError: there is none of that name.
    """
    return [create_transport_serializer(name) for name in transport.serializers or SERID_TO_SER]


also_from(__name__, "wamp.interfaces")
