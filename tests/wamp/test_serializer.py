# SPDX-License-Identifier: MIT
"""Serializers: formats, batches, errors, the cache, statistics."""

from __future__ import annotations

import copy
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from autobahn_fast.wamp import serializer as module
from autobahn_fast.wamp.exception import ProtocolError, SerializationError
from autobahn_fast.wamp.message import Call, Event, Message, Publish, Published
from autobahn_fast.wamp.serializer import (
    SERID_TO_OBJSER,
    SERID_TO_SER,
    CBORSerializer,
    JsonObjectSerializer,
    JsonSerializer,
    MsgPackSerializer,
    Serializer,
    UBJSONSerializer,
    create_transport_serializer,
    create_transport_serializers,
)

SERIALIZERS = [JsonSerializer, MsgPackSerializer, CBORSerializer, UBJSONSerializer]
PLAIN_AND_BATCHED = pytest.mark.parametrize("batched", [False, True], ids=["plain", "batched"])
EVERY = pytest.mark.parametrize("cls", SERIALIZERS, ids=lambda cls: cls.SERIALIZER_ID)


def publish(payload: Any = "x", request: int = 1) -> Publish:
    return Publish(request, "com.ä", args=[payload])


@EVERY
@PLAIN_AND_BATCHED
def test_round_trip(cls: Any, batched: bool) -> None:
    s = cls(batched=batched)
    for payload in ("ä", None, True, 2**63, -1, 0.1, [1, [2]], {"a": {"b": None}}, b"\x00\xff", ""):
        msg = publish(payload)
        data, binary = s.serialize(msg)
        assert binary is s._serializer.BINARY
        assert s.unserialize(data, binary) == [msg]
        assert s.unserialize(data) == [msg]


@EVERY
def test_identifiers(cls: Any) -> None:
    s, b = cls(), cls(batched=True)
    assert s.SERIALIZER_ID == s._serializer.NAME == s.PAYLOAD_SERIALIZER_ID
    assert b.SERIALIZER_ID == s.SERIALIZER_ID + ".batched"
    assert cls.SERIALIZER_ID == s.SERIALIZER_ID
    assert SERID_TO_SER[s.SERIALIZER_ID] is cls
    assert isinstance(s._serializer, SERID_TO_OBJSER[s.SERIALIZER_ID])
    assert s.codec.name == s.SERIALIZER_ID
    numbers = {"json": 1, "msgpack": 2, "cbor": 3, "ubjson": 4}
    assert s.RAWSOCKET_SERIALIZER_ID == numbers[s.SERIALIZER_ID]
    assert s.MESSAGE_TYPE_MAP[16] is Publish
    assert s.serialize_payload({"a": 1}) == s._serializer.serialize({"a": 1})


def test_a_serializer_over_something_else_has_no_codec() -> None:
    class Own:
        NAME, BINARY = "own", True

        def serialize(self, obj: Any) -> bytes:
            return repr(obj).encode()

        def unserialize(self, payload: bytes) -> list[Any]:
            return [eval(payload)]

    s = Serializer(Own())
    assert s.codec is None
    assert s.unserialize(s.serialize(publish())[0]) == [publish()]


def test_batched_json() -> None:
    s = JsonSerializer(batched=True)
    assert s.serialize(Published(1, 2)) == (b"[17,1,2]\x18", False)
    messages = [Published(1, 2), Published(3, 4)]
    for data in (b"[17,1,2]\x18[17,3,4]\x18", b"[17,1,2]\x1e[17,3,4]\x1e", b"[17,1,2]\x1e[17,3,4]\x18"):
        assert s.unserialize(data) == messages
    for bad in (b"", b"[17,1,2]", b"\x18", b"[17,1,2]\x18\x18", b"[17,1,2]\x18x\x18"):
        with pytest.raises(ProtocolError):
            s.unserialize(bad)


@pytest.mark.parametrize(
    "cls", [MsgPackSerializer, CBORSerializer, UBJSONSerializer], ids=lambda cls: cls.SERIALIZER_ID
)
def test_batched_binary(cls: Any) -> None:
    s = cls(batched=True)
    one, two = s.serialize(Published(1, 2))[0], s.serialize(Published(3, 4))[0]
    assert one[:4] == (len(one) - 4).to_bytes(4, "big")
    assert s.unserialize(one + two) == [Published(1, 2), Published(3, 4)]
    for bad in (b"", one[:3], one[:-1], one + b"\0", one + b"\0\0\0\1", b"\xff\xff\xff\xff" + one, b"\0\0\0\0"):
        with pytest.raises(ProtocolError):
            s.unserialize(bad)


@EVERY
@PLAIN_AND_BATCHED
def test_octets_that_are_no_message(cls: Any, batched: bool) -> None:
    s = cls(batched=batched)
    good = s.serialize(publish())[0]
    for bad in (b"", b"\xff", b"\x00", good[:-2], good + good[:3], good[1:]):
        with pytest.raises(ProtocolError):
            s.unserialize(bad)
    for value in (5, {}, [], None, "x", [9999], ["a"], [True], [16], [[16]]):
        with pytest.raises(ProtocolError):
            s.unserialize(s._serializer.serialize(value))
    with pytest.raises(ProtocolError, match="binary"):
        s.unserialize(good, not s._serializer.BINARY)


@EVERY
def test_deep_nesting_is_an_error_and_no_crash(cls: Any) -> None:
    s = cls()
    value: Any = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(SerializationError):
        s.serialize(publish(value))
    opening = {"json": b"[", "msgpack": b"\x91", "cbor": b"\x81", "ubjson": b"["}[s.SERIALIZER_ID]
    with pytest.raises(ProtocolError):
        s.unserialize(opening * 10**5)


@EVERY
def test_what_cannot_be_written(cls: Any) -> None:
    s = cls()
    msg = publish(object())
    with pytest.raises(SerializationError, match="Publish cannot be serialized"):
        s.serialize(msg)
    with pytest.raises(SerializationError, match="payload cannot be serialized"):
        s.serialize_payload(object())
    assert msg._serialized == {}
    assert s.stats_messages() == 0


@EVERY
def test_messages_are_serialized_once(cls: Any) -> None:
    s, msg = cls(), publish()
    data, _ = s.serialize(msg)
    assert msg._serialized == {s._serializer: data}
    msg.args = ["other"]
    assert s.serialize(msg)[0] is data
    msg.uncache()
    assert s.unserialize(s.serialize(msg)[0]) == [publish("other")]


def test_a_message_keeps_the_octets_of_each_serializer() -> None:
    msg = publish()
    serializers = [cls() for cls in SERIALIZERS]
    for s in serializers:
        s.serialize(msg)
    assert len(msg._serialized) == len(serializers)


def test_json_options() -> None:
    assert JsonObjectSerializer().serialize(b"ab") == b'"\\u0000YWI="'
    hexed = JsonObjectSerializer(use_binary_hex_encoding=True)
    assert hexed.serialize(b"ab") == b'"0x6162"'
    assert hexed.unserialize(b'["0x6162"]') == [[b"ab"]]
    texts = b'["1.5","abc","10","1e5","NaN",""]'
    decimals = JsonObjectSerializer(use_decimal_from_str=True)
    # As autobahn reads them: an exponent has a capital E, as str(Decimal) writes it.
    exponents = b'["1E5","-1.5E-3",".5E+05","1E","E5","1E5.","1E99999999999999999999"]'
    expected = [Decimal("1E5"), Decimal("-0.0015"), Decimal("5E4"), "1E", "E5", "1E5.", "1E99999999999999999999"]
    assert decimals.unserialize(exponents) == [expected]
    assert decimals.unserialize(decimals.serialize([Decimal("1E+30"), Decimal("1E-30")])) == [
        [Decimal("1E+30"), Decimal("1E-30")]
    ]
    assert decimals.unserialize(texts) == [[Decimal("1.5"), "abc", Decimal(10), "1e5", "NaN", ""]]
    assert decimals.serialize(Decimal("1.50")) == b'"1.50"'
    assert JsonObjectSerializer(use_decimal_from_float=True).unserialize(b"[1.5,2]") == [[Decimal("1.5"), 2]]
    s = JsonSerializer(use_decimal_from_str=True)
    value = Decimal("1." + "9" * 75)
    assert s.unserialize(s.serialize(publish(value))[0])[0].args == [value]


# --- statistics ------------------------------------------------------------------------------------------------------


@EVERY
def test_statistics(cls: Any) -> None:
    s = cls()
    assert (s.stats_bytes(), s.stats_messages(), s.stats_rated_messages()) == (0, 0, 0)
    small, large = publish(), publish("x" * 600)
    octets = [s.serialize(m)[0] for m in (small, large, large)]
    s.unserialize(octets[0])
    sizes = [len(o) for o in octets]
    assert (s.stats_messages(), s.stats_rated_messages()) == (4, 1 + 2 + 2 + 1)
    assert s.stats_bytes() == sum(sizes) + sizes[0]
    stats = s.stats(reset=False, details=True)
    assert stats["serialized"] == {"bytes": sum(sizes), "messages": 3, "rated_messages": 5}
    assert stats["unserialized"] == {"bytes": sizes[0], "messages": 1, "rated_messages": 1}
    assert (stats["serializer"], stats["cycle"]) == (s.SERIALIZER_ID, 1)
    assert stats["duration"] > 0
    stats = s.stats()
    assert (stats["bytes"], stats["messages"], stats["rated_messages"]) == (sum(sizes) + sizes[0], 4, 6)
    later = s.stats()
    assert (later["bytes"], later["messages"], later["rated_messages"], later["cycle"]) == (0, 0, 0, 3)
    assert later["timestamp"] >= stats["timestamp"] + stats["duration"]


def test_cycles_count_calls_of_stats() -> None:
    s = JsonSerializer()
    cycles = [s.stats()["cycle"], s.stats(reset=False)["cycle"], s.stats_reset() > 0, s.stats(details=True)["cycle"]]
    assert cycles == [1, 2, True, 3]


def test_statistics_of_a_batch() -> None:
    # The messages one by one, the rated ones of all octets together.
    s = JsonSerializer(batched=True)
    octets = [s.serialize(publish("x" * size))[0] for size in (10, 600, 1200)]
    assert s.stats()["rated_messages"] == 1 + 2 + 3
    s.unserialize(b"".join(octets))
    size = sum(map(len, octets))
    assert (s.stats_messages(), s.stats_bytes(), s.stats_rated_messages()) == (3, size, -(-size // 512))


def test_autoreset_by_count() -> None:
    s, seen = JsonSerializer(), []  # type: ignore[var-annotated]
    s.set_stats_autoreset(3, 0, seen.append)
    data = b"".join(s.serialize(publish(i))[0] for i in range(2))
    assert seen == []
    s.unserialize(s.serialize(publish())[0])
    assert [(stats["messages"], stats["bytes"] > len(data)) for stats in seen] == [(3, True)]
    assert s.stats_messages() == 1


def test_autoreset_by_time() -> None:
    s, seen = MsgPackSerializer(), []  # type: ignore[var-annotated]
    s.set_stats_autoreset(None, 10**15, seen.append)
    s.serialize(publish())
    assert seen == []
    s.set_stats_autoreset(0, 1, seen.append, reset_now=True)
    s.serialize(publish())
    assert [stats["messages"] for stats in seen] == [1]


def test_autoreset_arguments() -> None:
    s = JsonSerializer()
    for rated, duration, callback in (
        (0, 0, print),
        (None, None, print),
        (5, 5, None),
        (-1, 5, print),
        (True, 0, print),
    ):
        with pytest.raises(AssertionError):
            s.set_stats_autoreset(rated, duration, callback)  # type: ignore[arg-type]


def test_copies_count_for_themselves() -> None:
    s, seen = CBORSerializer(batched=True), []  # type: ignore[var-annotated]
    s.set_stats_autoreset(2, 0, seen.append)
    other = copy.copy(s)
    assert type(other) is type(s)
    assert other.SERIALIZER_ID == "cbor.batched"
    assert other.codec is s.codec
    s.serialize(publish())
    other.serialize(publish())
    assert (s.stats_messages(), other.stats_messages(), seen) == (1, 1, [])
    other.serialize(publish())
    assert len(seen) == 1


# --- by name, imports ------------------------------------------------------------------------------------------------


def test_by_name() -> None:
    for name, cls in SERID_TO_SER.items():
        assert type(create_transport_serializer(name)) is cls
        assert create_transport_serializer(f"{name}.batched").SERIALIZER_ID == f"{name}.batched"
    for bad in ("foo", "json.foo", "", "json."):
        with pytest.raises(RuntimeError, match="could not create serializer"):
            create_transport_serializer(bad)

    class Transport:
        serializers: list[str] | None = ["msgpack", "json.batched"]

    assert [s.SERIALIZER_ID for s in create_transport_serializers(Transport())] == ["msgpack", "json.batched"]
    Transport.serializers = None
    assert [s.SERIALIZER_ID for s in create_transport_serializers(Transport())] == list(SERID_TO_SER)
    assert all(hasattr(module, name) for name in module.__all__)


def test_importing_loads_no_library() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"  # what counts coverage has loaded some already
        "import autobahn_fast.wamp.serializer as s; loaded = set(sys.modules) - before\n"
        "assert not {'json', 'msgpack', 'cbor2', 'bjdata', 'ujson'} & loaded, loaded\n"
        "assert s.MsgPackObjectSerializer.MSGPACK_MODULE is sys.modules['msgpack']\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_messages_with_other_uris_are_equal_across_serializers() -> None:
    messages: list[Message] = [
        publish("ü"),
        Event(1, 2, kwargs={"ключ": "значение"}, topic="com.тема"),
        Call(1, "com.日本", args=[1], forward_for=[{"session": 1, "authid": "ä", "authrole": "b"}]),
    ]
    for msg in messages:
        for cls in SERIALIZERS:
            s = cls()
            (again,) = s.unserialize(s.serialize(msg)[0])
            assert again == msg
            again.uncache()
            assert JsonSerializer().serialize(again) == JsonSerializer().serialize(msg)
