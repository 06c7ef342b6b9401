# SPDX-License-Identifier: MIT
"""Writes a FlatBuffer: the methods of ``flatbuffers.Builder`` that messages need, and the same octets, several times faster.

Knows the format: alignment, vectors, tables and the sharing of equal vtables. Knows no schema.

A FlatBuffer is written from its end to its beginning. An *offset* is the distance of something's first octet from the end.
"""

from __future__ import annotations

import struct

__all__ = ("Builder",)

_U16, _U32, _I32, _U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<Q")
_PADDING = tuple(bytes(n) for n in range(8))
_OCTETS = tuple(bytes((n,)) for n in range(256))
_LARGEST = 2**31 - 1


class Builder:
    """One FlatBuffer in the making. Values are not checked: they have to fit. One use."""

    __slots__ = ("_align", "_count", "_parts", "_size", "_slots", "_start", "_vtables")

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # the last comes first
        self._size = 0
        self._align = 1
        self._vtables: dict[bytes, int] = {}
        self._slots: list[int] = []  # of the open table: offset of each field, 0 when absent
        self._start = 0  # of the open table: octets there were before it
        self._count = 0  # of the open vector: elements

    def _pad(self, width: int, behind: int) -> None:
        # So that something of this width is aligned when `behind` more octets were written.
        self._align = max(self._align, width)
        octets = -(self._size + behind) & (width - 1)
        if octets:
            self._put(_PADDING[octets])

    def _put(self, octets: bytes) -> None:
        self._parts.append(octets)
        self._size += len(octets)
        if self._size > _LARGEST:
            raise ValueError("a FlatBuffer has at most 2^31 - 1 octets")

    # --- vectors ---

    def CreateString(self, text: str) -> int:
        """Write a string, return its offset. :raises UnicodeEncodeError: it has lone surrogates."""
        octets = text.encode("utf8")
        self._pad(4, len(octets) + 1)
        self._put(b"%b%b\0" % (_U32.pack(len(octets)), octets))
        return self._size

    def CreateByteVector(self, octets: bytes) -> int:
        """Write a vector of octets, return its offset."""
        self._pad(4, len(octets))
        self._put(_U32.pack(len(octets)) + octets)
        return self._size

    def StartVector(self, width: int, count: int, alignment: int) -> None:
        """Begin a vector; its elements are prepended now, the last first."""
        self._count = count
        self._pad(4, width * count)
        self._pad(alignment, width * count)

    def EndVector(self) -> int:
        """End the vector, return its offset."""
        self._put(_U32.pack(self._count))
        return self._size

    # --- elements and fields ---

    def PrependUint8(self, value: int) -> None:
        """Write one octet."""
        self._put(_OCTETS[value])

    def PrependUint16(self, value: int) -> None:
        """Write a number of two octets."""
        self._pad(2, 0)
        self._put(_U16.pack(value))

    def PrependUint32(self, value: int) -> None:
        """Write a number of four octets."""
        self._pad(4, 0)
        self._put(_U32.pack(value))

    def PrependUint64(self, value: int) -> None:
        """Write a number of eight octets."""
        self._pad(8, 0)
        self._put(_U64.pack(value))

    def PrependUOffsetTRelative(self, offset: int) -> None:
        """Write where something is that was written before."""
        self._pad(4, 0)
        self._put(_U32.pack(self._size - offset + 4))

    # --- tables ---

    def StartObject(self, fields: int) -> None:
        """Begin a table of so many fields; each is prepended now and given its slot."""
        self._slots = [0] * fields
        self._start = self._size

    def Slot(self, slot: int) -> None:
        """What was written last is the field in this slot."""
        self._slots[slot] = self._size

    def PrependUint8Slot(self, slot: int, value: int, default: int) -> None:
        """Write a field of one octet unless it has its default."""
        if value != default:
            self.PrependUint8(value)
            self.Slot(slot)

    def PrependUOffsetTRelativeSlot(self, slot: int, offset: int, default: int) -> None:
        """Write a field that is somewhere else unless it has its default."""
        if offset != default:
            self.PrependUOffsetTRelative(offset)
            self.Slot(slot)

    def EndObject(self) -> int:
        """End the table, return its offset."""
        self._pad(4, 0)
        table = self._size + 4
        slots = self._slots
        while slots and not slots[-1]:
            slots.pop()
        places = [table - offset if offset else 0 for offset in slots]
        vtable = struct.pack(f"<{2 + len(places)}H", 4 + 2 * len(places), table - self._start, *places)
        known = self._vtables.get(vtable)
        if known is not None:
            self._put(_I32.pack(known - table))
            return table
        # The vtable comes right in front of its table. Its size is even, which is all the alignment it needs.
        self._put(_I32.pack(len(vtable)))
        self._put(vtable)
        self._vtables[vtable] = self._size
        return table

    def Finish(self, root: int) -> None:
        """Write where the root table is; nothing more is written then."""
        self._pad(self._align, 4)
        self.PrependUOffsetTRelative(root)

    def Output(self) -> bytes:
        """Return all octets."""
        return b"".join(reversed(self._parts))
