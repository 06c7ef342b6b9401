# SPDX-License-Identifier: MIT
"""What the kernels of csrc/ must compute, in plain Python and CPython's own decoder."""

from __future__ import annotations

from itertools import cycle, islice

# Octets at both sides of every border that RFC 3629 draws.
BORDERS = bytes.fromhex("007f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f3f4f5ff")

# Code points of every length, at both ends of every range.
CODE_POINTS = [
    chr(n).encode()
    for n in (0x00, 0x22, 0x61, 0x7F, 0x80, 0xE9, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFE)
    + (0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF)
]


def mask_model(data: bytes, key: bytes, phase: int) -> bytes:
    """RFC 6455 section 5.3, octet by octet."""
    return bytes(a ^ b for a, b in zip(data, islice(cycle(key), phase % 4, None), strict=False))


def utf8_model(data: bytes) -> tuple[int, bool]:
    """Index of the octet at which data can no longer become valid (its length if there is none), and whether it ends on
    a code point."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        if e.reason == "unexpected end of data":
            return len(data), False
        # An octet that cannot begin a code point is the error itself; else the error is what follows the good ones.
        return (e.start if e.reason == "invalid start byte" else e.end), False
    return len(data), True


def json_model(data: bytes) -> int:
    """Length of the prefix that needs no escape in a JSON string."""
    for i, c in enumerate(data):
        if c < 0x20 or c in b'"\\':
            return i
    return len(data)
