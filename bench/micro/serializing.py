# SPDX-License-Identifier: MIT
"""Messages to octets and back: the serializers as programs call them, our codecs bare, and the packages others are built on."""

from __future__ import annotations

import base64
import functools
import importlib
import json
from collections.abc import Callable
from typing import Any

from _harness import Case
from timing import Calibrated, Needing, call

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import Codec
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.ubjson import UbjsonCodec

CODECS: dict[str, Codec] = {
    "JSON": JsonCodec(),
    "msgpack": MsgPackCodec(),
    "CBOR": CborCodec(),
    "UBJSON": UbjsonCodec(),
}
SERIALIZERS = {
    "JSON": "JsonSerializer",
    "msgpack": "MsgPackSerializer",
    "CBOR": "CBORSerializer",
    "UBJSON": "UBJSONSerializer",
}
SMALL: list[Any] = [
    16,
    239714735,
    {"acknowledge": True},
    "com.example.topic",
    ["Hello", 23, 1.5],
    {"level": 5, "name": "ü"},
]
TABLE: list[Any] = [
    16,
    239714735,
    {},
    "com.example.topic",
    [[{"id": i, "price": i / 7, "name": f"item {i}"} for i in range(100)]],
]
HELLO: list[Any] = [["Hello", 23, 1.5], {"level": 5, "name": "ü"}]
MESSAGES: dict[str, tuple[str, list[Any]]] = {
    "PUBLISH": ("Publish", SMALL),
    "EVENT": ("Event", [36, 5512315355, 4429313566, {}, *HELLO]),
    "CALL": ("Call", [48, 7814135, {}, "com.example.procedure", *HELLO]),
    "INVOCATION": ("Invocation", [68, 6131533, 9823526, {}, *HELLO]),
    "RESULT": ("Result", [50, 7814135, {}, *HELLO]),
    "PUBLISH of 100 rows": ("Publish", TABLE),
}
"""By name: the class of the message, and what it is as a list."""
Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def octets_in_json(value: Any) -> str:
    """How WAMP has octets in JSON."""
    return "\0" + base64.b64encode(value).decode()


def json_module() -> Pair:
    """The standard library."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=octets_in_json).encode
    return lambda value: encode(value).encode(), json.loads


def orjson() -> Pair:
    """As it is: integers beyond 64 bits and octets are errors."""
    module: Any = importlib.import_module("orjson")
    return module.dumps, module.loads


def ujson() -> Pair:
    """As it is."""
    module: Any = importlib.import_module("ujson")
    return lambda value: module.dumps(value, ensure_ascii=False).encode(), module.loads


def msgspec(kind: str) -> Pair:
    """Its JSON or MessagePack, untyped."""
    module: Any = importlib.import_module(f"msgspec.{kind}")
    return module.Encoder().encode, module.Decoder().decode


def msgpack() -> Pair:
    """The msgpack package."""
    module: Any = importlib.import_module("msgpack")
    return module.packb, module.unpackb


def cbor2() -> Pair:
    """The cbor2 package."""
    module: Any = importlib.import_module("cbor2")
    return module.dumps, module.loads


def bjdata() -> Pair:
    """The bjdata package."""
    module: Any = importlib.import_module("bjdata")
    return module.dumpb, module.loadb


PEERS: dict[str, dict[str, Callable[[], Pair]]] = {
    "JSON": {
        "orjson": orjson,
        "msgspec": functools.partial(msgspec, "json"),
        "ujson": ujson,
        "json module": json_module,
    },
    "msgpack": {"msgspec": functools.partial(msgspec, "msgpack"), "msgpack package": msgpack},
    "CBOR": {"cbor2 package": cbor2},
    "UBJSON": {"bjdata package": bjdata},
}


def of_pair(make: Callable[[], Pair], encode: bool, value: Any) -> Calibrated:
    """Encode ``value``, or decode what it was encoded to."""
    dumps, loads = make()
    return call(dumps, value) if encode else call(loads, dumps(value))


def of_serializer(package: str, kind: str, name: str, encode: bool, value: Any) -> Calibrated:
    """The serializer with message objects: WAMP as programs see it."""
    importlib.import_module(f"{package}.asyncio")
    module = importlib.import_module(f"{package}.wamp.message")
    message = getattr(module, kind).parse(value)
    serializer = getattr(importlib.import_module(f"{package}.wamp.serializer"), SERIALIZERS[name])()
    octets, binary = serializer.serialize(message)
    if encode:

        def serialize() -> None:
            if hasattr(message, "uncache"):
                message.uncache()
            serializer.serialize(message)

        return call(serialize)
    return call(serializer.unserialize, octets, binary)


def codec_cases() -> list[Case]:
    """Small messages of the kinds that come often, and one with a table of 100 rows."""
    made = []
    for label, (kind, value) in MESSAGES.items():
        for name, codec in CODECS.items():
            for encode in (True, False):
                ours: Pair = (codec.dumps, codec.loads)
                sides = {
                    "autobahn_fast": Needing(
                        functools.partial(of_serializer, "autobahn_fast", kind, name, encode, value)
                    ),
                    "autobahn_fast codec": of_pair(lambda pair=ours: pair, encode, value),  # type: ignore[misc]
                    **{
                        peer: Needing(functools.partial(of_pair, make, encode, value))
                        for peer, make in PEERS[name].items()
                    },
                    "autobahn": Needing(functools.partial(of_serializer, "autobahn", kind, name, encode, value)),
                }
                full = label != "PUBLISH" or name == "UBJSON"
                made.append(Case(f"{label} {'to' if encode else 'from'} {name}", sides, unit="ns", full=full))
    return made
