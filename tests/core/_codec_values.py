# SPDX-License-Identifier: MIT
"""Values of every kind that an application may pass, by name, for the codec tests. ``_codec_cases`` says what becomes of them."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import uuid
from typing import Any

import msgpack


class Int(int):
    """Writes as the number it is, whatever it says."""

    def __repr__(self) -> str:
        return "zz"

    __str__ = __repr__


class Color(enum.IntEnum):
    RED = 5


class Word(str, enum.Enum):
    ABC = "abc"


class Float(float):
    def __repr__(self) -> str:
        return "zz"


class Str(str):
    def __str__(self) -> str:
        return "zz"


class Bytes(bytes):
    pass


class Dict(dict):
    pass


class OtherItems(dict):
    def items(self) -> Any:
        return [("x", 1)]


class List(list):
    pass


class OtherIter(list):
    def __iter__(self) -> Any:
        return iter([7])


class Tuple(tuple):
    pass


Pair = collections.namedtuple("Pair", "a b")


def nested(depth: int, value: Any = None) -> Any:
    """``value`` inside ``depth`` lists."""
    for _ in range(depth):
        value = [value]
    return value


NAN, INF = float("nan"), float("inf")

VALUES: dict[str, Any] = {
    "none": None, "true": True, "false": False,
    **{f"int {n}": n for n in (
        0, 23, 24, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**256,
        -1, -24, -25, -32, -33, -128, -129, -256, -257, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**32), -(2**63),
        -(2**63) - 1, -(2**64), -(2**64) - 1, -(2**300), 10**4299,
    )},
    "int too long for text": 10**5000,
    **{f"float {x!r}": x for x in (
        0.0, -0.0, 1.5, 0.1, 100.0, 1e16, 1e22, 1e-7, 123456789.123456789, 1.7976931348623157e308, 5e-324, INF, -INF, NAN,
    )},
    "str empty": "", "str": "abc", "str 31": "a" * 31, "str 32": "a" * 32, "str 255": "a" * 255, "str 256": "a" * 256,
    "str 65536": "a" * 65536, "str é": "é", "str €": "€", "str emoji": "\U0001f600", "str controls": "\0\1\n\r\t\x7f\u2028\b\f\"\\/\x1f",
    "str lone high": "\ud800", "str lone low": "a\udfffb", "str two lone": "\ud83d\ude00", "str nul": "\0abc",
    "str like octets": "\0YWJj", "str like hex": "0x616263", "str like number": "1.5",
    "bytes": b"abc", "bytes empty": b"", "bytes 1": b"\xff", "bytes 2": b"\xff\xfe", "bytes 256": bytes(range(256)),
    "bytes 65536": b"x" * 65536,
    "bytearray": bytearray(b"abc"), "memoryview": memoryview(b"abc"), "memoryview strided": memoryview(b"abcdef")[::2],
    "array": array.array("i", [1, 2]),
    "list": [1, [2, []]], "list 15": [0] * 15, "list 16": [0] * 16, "list 65536": [0] * 65536, "tuple": (1, (2, ())),
    "dict": {"a": 1, "b": {"c": []}}, "dict 15": {str(i): i for i in range(15)}, "dict 16": {str(i): i for i in range(16)},
    "dict 65536": {str(i): i for i in range(65536)}, "dict order": {"b": 1, "a": 2},
    "key int": {1: 2}, "key float": {1.5: 2}, "key bool": {True: 1, False: 3}, "key none": {None: 2}, "key bytes": {b"a": 1},
    "key tuple": {(1, 2): 3}, "key nan": {NAN: 1}, "key inf": {INF: 1}, "key big": {2**70: 1}, "key enum": {Color.RED: 1},
    "key word": {Word.ABC: 1}, "key Int": {Int(3): 1}, "key Float": {Float(1.5): 1}, "key twice as text": {1: 1, "1": 2},
    "key decimal": {decimal.Decimal(1): 1}, "key lone": {"\ud800": 1}, "key control": {"\n": 1}, "key nul": {"\0YWJj": 1},
    "Int": Int(3), "Color": Color.RED, "Word": Word.ABC, "Float": Float(1.5), "Str": Str("x"), "Bytes": Bytes(b"x"),
    "Dict": Dict(a=1), "OtherItems": OtherItems(a=1), "List": List([1]), "OtherIter": OtherIter([1]), "Tuple": Tuple((1,)),
    "Pair": Pair(1, b"z"), "OrderedDict": collections.OrderedDict(a=1), "defaultdict": collections.defaultdict(int, a=1),
    "ExtType": msgpack.ExtType(5, b"xx"), "Timestamp": msgpack.Timestamp(1, 2),
    "datetime": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), "datetime naive": datetime.datetime(2020, 1, 1),
    "date": datetime.date(2020, 1, 1), "set": {1}, "frozenset": frozenset([1]), "object": object(), "range": range(3),
    "dict_keys": {1: 2}.keys(), "complex": 1j, "uuid": uuid.UUID(int=1), "fraction": fractions.Fraction(1, 2),
    "deque": collections.deque([1]), "class": int, "decimal": decimal.Decimal("1.50"), "decimal nan": decimal.Decimal("NaN"),
    "decimal exponent": decimal.Decimal("1E+5"), "nested 300": nested(300),
    "message": [16, 1, {"acknowledge": True}, "com.example.topic", [b"\0\1", 1.5, None, "é"], {"k": [True, -1]}],
}  # fmt: skip
