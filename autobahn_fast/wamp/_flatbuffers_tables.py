# SPDX-License-Identifier: MIT
"""FlatBuffers tables to values and back, by ``_flatbuffers_schema``. Knows no messages.

A table is a dict here: only the fields that are there. In, nothing is believed: every offset is checked before anything
is read through it, and what is read adds up to no more than a few times the octets there are, however often they refer
to one another. Out, a builder does the work: ours, or ``flatbuffers.Builder``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from autobahn_fast.wamp._checks import shown
from autobahn_fast.wamp._flatbuffers_schema import ENUMS, TABLES

__all__ = ("Reader", "Table", "build_table")

_SCALARS = {"bool": "<B", "u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", **dict.fromkeys(ENUMS, "<B")}
_UNPACK = {kind: struct.Struct(form) for kind, form in _SCALARS.items()}
_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")
_ABSENT: Any = object()  # None is a value some enumerations have
_TABLE_COST = 32  # what a table counts for, in octets: vectors may name the same one again and again


# --- in --------------------------------------------------------------------------------------------------------------


class Reader:
    """Checked access to the octets of one FlatBuffer.

    All methods raise ValueError when the octets are none.
    """

    __slots__ = ("budget", "data", "size")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = bytes(data)
        self.size = len(self.data)
        self.budget = 4 * self.size + 1024

    def _spend(self, octets: int) -> None:
        self.budget -= octets
        if self.budget < 0:
            raise ValueError("its parts refer to the same octets again and again")

    def follow(self, at: int) -> int:
        """Return where the offset at this position leads to; at least 4 octets are there."""
        if not 0 <= at <= self.size - 4:
            raise ValueError(f"an offset at {at} is outside of the {self.size} octets")
        target: int = at + _U32.unpack_from(self.data, at)[0]
        if target > self.size - 4:
            raise ValueError(f"the offset at {at} leads outside of the {self.size} octets")
        return target

    def root(self) -> Table:
        """Return the table the buffer is made of."""
        return Table(self, self.follow(0))

    def vector(self, at: int, width: int) -> tuple[int, int]:
        """Return where the elements of a vector begin and how many there are.

        :param at: where the offset to the vector stands.
        :param width: octets of an element.
        """
        start = self.follow(at)
        count: int = _U32.unpack_from(self.data, start)[0]
        start += 4
        if count * width > self.size - start:
            raise ValueError(f"a vector of {count} elements does not fit into {self.size - start} octets")
        self._spend(count * width)
        return start, count

    def octets(self, at: int) -> bytes:
        """Return the octets of the vector the offset at this position leads to."""
        start, count = self.vector(at, 1)
        return self.data[start : start + count]

    def text(self, at: int) -> str:
        """Return the string the offset at this position leads to."""
        return self.octets(at).decode("utf8")


class Table:
    """One table in a :class:`Reader`. ValueError when there is none at this position."""

    __slots__ = ("_end", "_position", "_vtable", "reader")
    ABSENT = _ABSENT

    def __init__(self, reader: Reader, position: int) -> None:
        data, size = reader.data, reader.size
        if not 0 <= position <= size - 4:
            raise ValueError(f"a table at {position} is outside of the {size} octets")
        reader._spend(_TABLE_COST)
        vtable = position - _I32.unpack_from(data, position)[0]
        if not 0 <= vtable <= size - 4:
            raise ValueError(f"the vtable of the table at {position} is outside of the {size} octets")
        length, extent = _U16.unpack_from(data, vtable)[0], _U16.unpack_from(data, vtable + 2)[0]
        if length < 4 or length > size - vtable or extent < 4 or extent > size - position:
            raise ValueError(f"the table at {position} does not fit into the {size} octets")
        self.reader = reader
        self._position = position
        self._vtable = data[vtable : vtable + (length & ~1)]
        self._end = position + extent

    def at(self, slot: int, width: int = 4) -> int:
        """Return where the field in this slot stands; 0 when it is absent.

        :param width: octets of the field.
        """
        place = 4 + 2 * slot
        if place >= len(self._vtable):
            return 0
        offset: int = _U16.unpack_from(self._vtable, place)[0]
        if not offset:
            return 0
        at = self._position + offset
        if offset < 4 or at > self._end - width:
            raise ValueError(f"field {slot} is outside of its table")
        return at

    def scalar(self, slot: int, kind: str) -> int | None:
        """Return a number, None when it is absent."""
        form = _UNPACK[kind]
        at = self.at(slot, form.size)
        return form.unpack_from(self.reader.data, at)[0] if at else None

    def table(self, slot: int) -> Table | None:
        """Return the table in a field, None when it is absent."""
        at = self.at(slot)
        return Table(self.reader, self.reader.follow(at)) if at else None

    def fields(self, name: str) -> dict[str, Any]:
        """Return the fields that are there, by name.

        :param name: of the table in the schema.
        """
        values = {field: self.field(slot, kind) for slot, (field, kind) in enumerate(TABLES[name].items())}
        return {field: value for field, value in values.items() if value is not _ABSENT}

    def field(self, slot: int, kind: str) -> Any:
        """Return the value of a field of a type of the schema; ``Table.ABSENT`` when it is absent."""
        at = self.at(slot, _UNPACK[kind].size if kind in _UNPACK else 4)
        return self._value(at, kind) if at else _ABSENT

    def _value(self, at: int, kind: str) -> Any:
        reader = self.reader
        if kind in _UNPACK:
            return _scalar(kind, _UNPACK[kind].unpack_from(reader.data, at)[0])
        if kind == "str":
            return reader.text(at)
        if kind == "octets":
            return reader.octets(at)
        if not kind.startswith("["):
            return Table(reader, reader.follow(at)).fields(kind)
        kind = kind[1:-1]
        if kind in _UNPACK:
            form = _UNPACK[kind]
            start, count = reader.vector(at, form.size)
            return [_scalar(kind, form.unpack_from(reader.data, start + i * form.size)[0]) for i in range(count)]
        start, count = reader.vector(at, 4)
        if kind == "str":
            return [reader.text(start + 4 * i) for i in range(count)]
        return [Table(reader, reader.follow(start + 4 * i)).fields(kind) for i in range(count)]


def _scalar(kind: str, value: int) -> Any:
    if kind == "bool":
        return value != 0
    names = ENUMS.get(kind)
    if names is None:
        return value
    if value >= len(names):
        raise ValueError(f"{value} is no {kind}")
    return names[value]


# --- out -------------------------------------------------------------------------------------------------------------

_LIMITS = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF, "u64": 0xFFFFFFFFFFFFFFFF}
_PREPEND = {"u16": "PrependUint16", "u32": "PrependUint32", "u64": "PrependUint64"}


def number(kind: str, value: Any, field: str) -> int:
    """Return a scalar as the number that stands for it.

    :param field: names it in the error text.
    :raises ValueError: it is no such value.
    """
    if kind == "bool":
        if type(value) is bool:
            return int(value)
    elif kind in ENUMS:
        if value in ENUMS[kind]:
            return ENUMS[kind].index(value)
    elif type(value) is int and 0 <= value <= _LIMITS[kind]:
        return value
    raise ValueError(f"FlatBuffers has no {field} {shown(value)}")


def _create(builder: Any, kind: str, value: Any, field: str) -> int:
    """Write what does not stand inside of the table itself; return its offset."""
    if kind == "str":
        return builder.CreateString(_checked(value, str, field))  # type: ignore[no-any-return]
    if kind == "octets":
        return builder.CreateByteVector(bytes(_checked(value, (bytes, bytearray, memoryview), field)))  # type: ignore[no-any-return]
    if kind in TABLES:
        return build_table(builder, kind, _checked(value, dict, field))
    kind = kind[1:-1]
    items = _checked(value, (list, tuple), field)
    if kind in _UNPACK:
        prepend: Callable[[int], None] = getattr(builder, _PREPEND.get(kind, "PrependUint8"))
        entries = [number(kind, item, field) for item in items]
        width = _UNPACK[kind].size
    else:
        prepend = builder.PrependUOffsetTRelative
        entries = [_create(builder, kind, item, field) for item in items]
        width = 4
    builder.StartVector(width, len(entries), width)
    for entry in reversed(entries):
        prepend(entry)
    return builder.EndVector()  # type: ignore[no-any-return]


def _checked(value: Any, types: type | tuple[type, ...], field: str) -> Any:
    if not isinstance(value, types):
        raise ValueError(f"{field} cannot be a {type(value).__name__}")
    return value


def _turn(kind: str) -> int:
    # Autobahn writes octets before texts before vectors; behind that, as the fields stand.
    return 0 if kind == "octets" else 1 if kind == "str" else 2


def build_table(builder: Any, name: str, values: dict[str, Any]) -> int:
    """Write a table and return its offset.

    :param builder: ours, or a ``flatbuffers.Builder``.
    :param name: of the table in the schema.
    :param values: its fields by name; None is the same as absent. What is there is written, default or not.
    :raises ValueError: a value does not fit its field.
    """
    fields = TABLES[name]
    present = [field for field in fields if values.get(field) is not None]
    offsets = {
        field: _create(builder, fields[field], values[field], field)
        for field in sorted(present, key=lambda field: _turn(fields[field]))
        if fields[field] not in _UNPACK
    }
    numbers = {f: number(fields[f], values[f], f) for f in present if fields[f] in _UNPACK}
    builder.StartObject(len(fields))
    for slot, (field, kind) in enumerate(fields.items()):
        if field in offsets:
            builder.PrependUOffsetTRelativeSlot(slot, offsets[field], 0)
        elif field in numbers:
            getattr(builder, _PREPEND.get(kind, "PrependUint8"))(numbers[field])
            builder.Slot(slot)
    return builder.EndObject()  # type: ignore[no-any-return]
