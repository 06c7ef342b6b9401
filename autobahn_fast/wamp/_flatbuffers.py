# SPDX-License-Identifier: MIT
"""WAMP messages to FlatBuffers and back: which attribute of a message stands in which field of its table.

Knows the declarations of the messages (``message``) and the tables of the schema. An option that is None is a field that is
absent, and the other way round. Args and kwargs are octets of another serializer inside. What the schema has no field or
value for is refused when it is written, except features of roles, which are left out: a peer must not rely on what was
not announced. Does not know transports.

Absent roles are those of the specification's test vectors: publisher and subscriber in HELLO, broker and dealer in
WELCOME, without features.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from autobahn_fast.wamp import message
from autobahn_fast.wamp._flatbuffers_builder import Builder
from autobahn_fast.wamp._flatbuffers_schema import CODES, ENUMS, MESSAGES, TABLES
from autobahn_fast.wamp._flatbuffers_tables import Reader, Table, build_table
from autobahn_fast.wamp._schema import ENC_FIELDS, PAYLOAD_FIELDS, attribute
from autobahn_fast.wamp.exception import ProtocolError
from autobahn_fast.wamp.message import Message

__all__ = ("MessageCodec", "build_message", "cast_message", "message_tables")

# Fields called otherwise than the attributes they hold.
_ATTRIBUTES = {("Event", "acknowledge"): "x_acknowledged_delivery"}
_FEATURES = {"acknowledge_event_received": "x_acknowledged_event_delivery"}
# The binary of the older end-to-end encryption form is described by the fields of payload passthru mode.
_ENC = dict(zip(("ppt_scheme", "ppt_keyid", "ppt_serializer"), ENC_FIELDS, strict=True))
_PPT = ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")
_NO_ROLES: dict[str, dict[str, Any]] = {
    "Hello": {"publisher": {}, "subscriber": {}},
    "Welcome": {"broker": {}, "dealer": {}},
}
# What an absent field of this type is where WAMP has an element, which is never absent.
_ABSENT: dict[str, Any] = {"u16": 0, "u64": 0, "Map": {}, **{name: values[0] for name, values in ENUMS.items()}}


class _Mapping:
    """What one message class and its table have in common."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cls: Any = getattr(message, name)
        schema = self.cls.SCHEMA
        self.table = MESSAGES[name]
        special = {*PAYLOAD_FIELDS, *_PPT, *(() if name == "Welcome" else ("session",))}
        #: field -> attribute, of what goes straight from one to the other
        self.plain = {f: _ATTRIBUTES.get((name, f), f) for f in self.table if f not in special}
        self.option_names = {attribute(option): option for option in schema.all_options}
        self.defaults = {attribute(option): kind.default for option, kind in schema.all_options.items()}
        covered = {*self.plain.values(), *(PAYLOAD_FIELDS + ENC_FIELDS + _PPT if schema.has_payload else ())}
        #: attributes the schema has no field for
        self.homeless = tuple(f for f in schema.fields if f not in covered)


@cache
def _mapping(name: str) -> _Mapping:
    return _Mapping(name)


# --- out -------------------------------------------------------------------------------------------------------------


def _refuse(mapping: _Mapping, field: str) -> ValueError:
    return ValueError(f"FlatBuffers has no field for {field} in {mapping.cls.SCHEMA.name}")


def _payload_values(msg: Any, mapping: _Mapping, serializer: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = set(mapping.cls.SCHEMA.fields)
    ppt = {field: getattr(msg, field) for field in _PPT if field in known and getattr(msg, field) is not None}
    if msg.payload is not None:
        if ppt:
            raise ValueError("payload passthru options cannot stand beside enc_algo in FlatBuffers")
        values["payload"] = msg.payload
        values.update({field: getattr(msg, name) for field, name in _ENC.items()})
        return values
    if msg.args:
        values["args"] = serializer.serialize(list(msg.args))
    if msg.kwargs:
        values["kwargs"] = serializer.serialize(msg.kwargs)
    return {**values, **ppt}


def _role_values(name: str, roles: dict[str, Any]) -> dict[str, Any] | None:
    tables = TABLES[MESSAGES[name]["roles"]]
    values = {}
    for role, features in roles.items():
        if role not in tables:
            raise ValueError(f"FlatBuffers has no role {role!r} in {name.upper()}")
        announced = features.announced()
        values[role] = {field: announced.get(_FEATURES.get(field, field)) for field in TABLES[tables[role]]}
    plain = not any(features.announced() for features in roles.values())
    return None if plain and roles.keys() == _NO_ROLES[name].keys() else values


def _map_value(value: dict[str, Any], field: str) -> dict[str, Any] | None:
    # The schema has a single pair of texts where WAMP has a dict.
    if not value:
        return None
    (key, text), *others = value.items()
    if others or type(key) is not str or type(text) is not str:
        raise ValueError(f"FlatBuffers has room for one pair of texts in {field}, not for {len(value)} of any type")
    return {"key": key, "value": text}


def build_message(msg: Any, builder: Any, serializer: Any) -> int:
    """Write the table of a message into a builder, ours or ``flatbuffers.Builder``; return its offset.

    :param serializer: the object serializer for args and kwargs; None: CBOR.
    :raises ValueError: the schema has no field, or no such value, for something in the message.
    """
    mapping = _mapping(type(msg).__name__)
    for field in mapping.homeless:
        if getattr(msg, field) not in (None, {}, mapping.defaults.get(field)):
            raise _refuse(mapping, field)
    values = _payload_values(msg, mapping, serializer or _default()) if mapping.cls.SCHEMA.has_payload else {}
    for field, name in mapping.plain.items():
        value, kind = getattr(msg, name, None), mapping.table[field]
        if value is None or (name in mapping.defaults and value == mapping.defaults[name]):
            continue
        if kind == "Map":
            value = _map_value(value, field)
        elif field == "roles":
            value = _role_values(mapping.name, value)
        elif name not in mapping.defaults and value == _ABSENT.get(kind):
            continue
        values[field] = value
    return build_table(builder, mapping.name, values)


@cache
def _code(name: str) -> int:
    return next(code for code, table in CODES.items() if table == name)


# --- in --------------------------------------------------------------------------------------------------------------


def _one(serializer: Any, octets: bytes, field: str) -> Any:
    values = serializer.unserialize(octets)
    if len(values) != 1:
        raise ValueError(f"{field} are {len(values)} values instead of one")
    return values[0]


def _payload(fields: dict[str, Any], serializer: Any, options: dict[str, Any]) -> list[Any]:
    if "payload" in fields:
        if "args" in fields or "kwargs" in fields:
            raise ProtocolError("a FlatBuffers message has args or kwargs beside an encrypted payload")
        options.update({name: fields[field] for field, name in _ENC.items() if fields.get(field) is not None})
        return [fields["payload"]]
    options.update({field: fields[field] for field in _PPT if fields.get(field) is not None})
    if "kwargs" in fields:
        args = _one(serializer, fields["args"], "args") if "args" in fields else []
        return [args, _one(serializer, fields["kwargs"], "kwargs")]
    return [_one(serializer, fields["args"], "args")] if "args" in fields else []


def _to_dict(pair: dict[str, Any]) -> dict[str, Any]:
    if "key" not in pair:
        raise ValueError("a map has no key")
    return {pair["key"]: pair.get("value", "")}


def _roles(found: dict[str, Any]) -> dict[str, Any]:
    return {
        role: {"features": {_FEATURES.get(field, field): flag for field, flag in features.items()}}
        for role, features in found.items()
    }


def _hop(principal: dict[str, Any]) -> dict[str, Any]:
    return {
        "session": principal.get("session", 0),
        "authid": principal.get("authid"),
        "authrole": principal.get("authrole"),
    }


def _message(name: str, table: Table, serializer: Any) -> Message:
    mapping = _mapping(name)
    schema = mapping.cls.SCHEMA
    fields = table.fields(name)
    elements: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for field, attr in mapping.plain.items():
        kind = mapping.table[field]
        value = fields.get(field)
        if field == "roles":
            value = _roles(_NO_ROLES[name] if value is None else value)
        elif value is not None and kind == "Map":
            value = _to_dict(value)
        elif value is not None and field == "forward_for":
            value = [_hop(principal) for principal in value]
        if attr in schema.elements:
            elements[attr] = _ABSENT.get(kind) if value is None else value
        elif value is not None and attr in mapping.option_names:
            options[mapping.option_names[attr]] = value
    payload = _payload(fields, serializer, options) if schema.has_payload else []
    wmsg: list[Any] = [schema.code]
    for element in schema.wire:
        if element == "*" or (element == "*?" and options):
            wmsg.append(options)
        elif element in elements:
            wmsg.append(elements[element])
    return mapping.cls.parse(wmsg + payload)  # type: ignore[no-any-return]


def _default() -> Any:
    from autobahn_fast.wamp.serializer import CBORObjectSerializer

    return CBORObjectSerializer()


class MessageCodec:
    """Messages to octets and back; what an object serializer asks of a codec.

    :param serializer: the object serializer of args and kwargs.
    """

    def __init__(self, serializer: Any) -> None:
        self._serializer = serializer

    def dumps(self, msg: Any) -> bytes:
        """Return a message in octets.

        :param msg: a message object, or the list it is marshalled to.
        :raises ValueError: the schema has no field, or no such value, for something in it.
        :raises ProtocolError: a list that is no message.
        """
        if not isinstance(msg, Message):
            msg = message.parse_message(msg)
        builder = Builder()
        offset = build_message(msg, builder, self._serializer)
        builder.StartObject(2)
        builder.PrependUint8Slot(0, _code(type(msg).__name__), 0)
        builder.PrependUOffsetTRelativeSlot(1, offset, 0)
        builder.Finish(builder.EndObject())
        return builder.Output()

    def loads(self, octets: bytes) -> Message:
        """Make a message of its octets.

        :raises ValueError: they are no message in FlatBuffers.
        :raises ProtocolError: they are, but not a valid one.
        """
        root = Reader(octets).root()
        name = CODES.get(root.scalar(0, "u8") or 0)
        table = root.table(1)
        if name is None or table is None:
            raise ValueError("no message of a known type in it")
        return _message(name, table, self._serializer)


def cast_message(cls: Any, octets: bytes | bytearray | memoryview) -> Message:
    """Make a message of a buffer that is its table alone, with args and kwargs in CBOR.

    :raises ProtocolError: the octets are no valid message of this class.
    """
    try:
        return _message(cls.__name__, Reader(octets).root(), _default())
    except (ValueError, TypeError) as e:
        raise ProtocolError(f"invalid FlatBuffers {cls.__name__}: {e}") from e


def message_tables() -> dict[int, tuple[Any, type[Message]]]:
    """Return the table class (of ``message_fbs``) and the message class of each type octet."""
    from autobahn_fast.wamp import message_fbs

    return {code: (message_fbs.table_class(name), getattr(message, name)) for code, name in CODES.items()}
