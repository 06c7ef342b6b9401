# SPDX-License-Identifier: MIT
"""Row 15: octets that are no message, or one that costs more than it should. What the values become is in tests/core."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
import tracemalloc
from typing import Any

import pytest
from _wamp_peer import SERIALIZERS, Client, Log, turns

from autobahn_fast.wamp.serializer import create_transport_serializer

# Arrays of so many levels, as the first argument of an event to subscription 100.
DEEP = {
    "json": lambda n: b"[36,100,33,{},[[" + b"[" * n + b"]" * n + b"]]]",
    "msgpack": lambda n: b"\x95\x24\x64\x21\x80\x91" + b"\x91" * n + b"\x90",
    "cbor": lambda n: b"\x85\x18\x24\x18\x64\x18\x21\xa0\x81" + b"\x81" * n + b"\x80",
    "ubjson": lambda n: b"[U$U\x64U\x21{}[[" + b"[" * n + b"]" * n + b"]]]",
}
# An event whose arguments are said to be very many, and are not there.
LIES = {
    "json": [],
    "msgpack": [b"\x95\x24\x64\x21\x80" + head for head in (
        b"\xdd\xff\xff\xff\xff", b"\xdc\xff\xff", b"\x91\xdb\x7f\xff\xff\xff", b"\x91\xc6\xff\xff\xff\xff",
        b"\x91\xdf\xff\xff\xff\xff", b"\x91\xc9\xff\xff\xff\xff\x05")],
    "cbor": [b"\x85\x18\x24\x18\x64\x18\x21\xa0" + head for head in (
        b"\x9b" + b"\x7f" + b"\xff" * 7, b"\x9a\xff\xff\xff\xff", b"\x81\x7a\xff\xff\xff\xff", b"\x81\x5b" + b"\xff" * 8,
        b"\x81\xba\xff\xff\xff\xff", b"\x81\xbb" + b"\xff" * 8)],
    "ubjson": [b"[U$U\x64U\x21{}" + head for head in (
        b"[#l\x7f\xff\xff\xff", b"[$U#L\x7f\xff\xff\xff\xff\xff\xff\xff", b"[SL\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$Z#l\xff\xff\xff\x7f")],
}  # fmt: skip
NOT_UTF8 = {
    "json": b'[36,100,33,{},["\xff"]]',
    "msgpack": b"\x95\x24\x64\x21\x80\x91\xa1\xff",
    "cbor": b"\x85\x18\x24\x18\x64\x18\x21\xa0\x81\x61\xff",
    "ubjson": b"[U$U\x64U\x21{}[SU\x01\xff]]",
}


def outcome(serializer: str, octets: bytes) -> Any:
    """The arguments of the event that arrived; None when the session ended as it has to."""

    async def main() -> Any:
        log = Log()
        client = await Client(serializer).busy()
        client.say_octets(octets)
        await turns()
        if client.events:
            assert client.session.is_attached()
            result = client.events[0][0]
        else:
            client.check_violation(octets[:60])
            assert len(log.records) == 1
            result = None
        await client.end()
        log.stop()
        return result

    return asyncio.run(main())


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_deep_nesting(serializer: str) -> None:
    (value,) = outcome(serializer, DEEP[serializer](100))
    for _ in range(100):
        (value,) = value
    assert value == []
    for depth in (5_000, 1_000_000):
        assert outcome(serializer, DEEP[serializer](depth)) is None


@pytest.mark.parametrize("serializer", ["msgpack", "cbor", "ubjson"])
def test_lengths_that_lie_allocate_nothing(serializer: str) -> None:
    for octets in LIES[serializer]:
        tracemalloc.start()
        try:
            assert outcome(serializer, octets) is None
            assert tracemalloc.get_traced_memory()[1] < 4_000_000, octets
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_cut_off_and_trailing_octets(serializer: str) -> None:
    octets = create_transport_serializer(serializer).codec.dumps(
        [36, 100, 33, {}, [1, "text", b"octets", 1.5], {"a": None}]
    )
    assert outcome(serializer, octets) == (1, "text", b"octets", 1.5)
    for length in range(len(octets)):
        assert outcome(serializer, octets[:length]) is None
    for more in (b"\x00", b"x", octets):
        assert outcome(serializer, octets + more) is None
    assert outcome(serializer, NOT_UTF8[serializer]) is None


def event(text: str) -> bytes:
    return f"[36,100,33,{{}},[{text}]]".encode()


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("1" * 400, (int("1" * 400),)),
        ("-" + "9" * 77, (-int("9" * 77),)),
        ("1" * 5000, None),  # more digits than Python turns into an int
        ('{"a":1,"a":2}', ({"a": 2},)),
        ('"\\u0000QUI="', (b"AB",)),
        ("01", None),
        ("+1", None),
        ("1.", None),
        ("'x'", None),
        ('"a\nb"', None),
        ("[1,]", None),
        ("nul", None),
    ],
)
def test_json(text: str, args: Any) -> None:
    assert outcome("json", event(text)) == args


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '"\\ud800"', '"\\u0000QUI"', '"\\u0000!"', "1e999"])
def test_json_that_is_let_through_or_refused_as_pythons_json(text: str) -> None:
    """Whatever becomes of it: an event or a clean end, never an exception in the application's face."""
    outcome("json", event(text))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**64 - 1, -(2**63), 0.1])
@pytest.mark.parametrize("serializer", ["msgpack", "cbor"])
def test_numbers_of_binary_formats(serializer: str, value: Any) -> None:
    head = b"\x95\x24\x64\x21\x80\x91" if serializer == "msgpack" else b"\x85\x18\x24\x18\x64\x18\x21\xa0\x81"
    if isinstance(value, float):
        octets = (b"\xcb" if serializer == "msgpack" else b"\xfb") + struct.pack(">d", value)
    elif value > 0:
        octets = (b"\xcf" if serializer == "msgpack" else b"\x1b") + struct.pack(">Q", value)
    else:
        octets = (
            b"\xd3" + struct.pack(">q", value) if serializer == "msgpack" else b"\x3b" + struct.pack(">Q", -1 - value)
        )
    (got,) = outcome(serializer, head + octets)
    assert got == value or (math.isnan(value) and math.isnan(got))


@pytest.mark.parametrize(
    "tagged",
    [
        b"\xc0\x74" + b"2013-03-21T20:04:00Z",  # a time
        b"\xc0\x63abc",  # none
        b"\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",  # seconds without end
        b"\xc2\x58\x40" + b"\xff" * 64,  # a large integer
        b"\xc4\x82\x1b" + b"\xff" * 8 + b"\x01",  # 10 to a power that nobody can write out
        b"\xc5\x82\x1b" + b"\xff" * 8 + b"\x01",
        b"\xd8\x1e\x82\x01\x00",  # 1/0
        b"\xd8\x23\x65((((a",  # a regular expression that is none
        b"\xd8\x25\x41x",  # a UUID that is none
        b"\xd8\x1d\x05",  # refers to nothing
        b"\xd8\x1c\x81\xd8\x1d\x00",  # contains itself
        b"\xd9\xd9\xf7\x01",  # says that it is CBOR
        b"\xda\xff\xff\xff\xff\x01",  # nobody's
        b"\xc0" * 500 + b"\x00",
    ],
)
def test_cbor_tags(tagged: bytes) -> None:
    """An event or a clean end; see ``outcome``."""
    outcome("cbor", b"\x85\x18\x24\x18\x64\x18\x21\xa0\x81" + tagged)


def test_msgpack_extensions() -> None:
    head = b"\x95\x24\x64\x21\x80\x91"
    for octets in (
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xd7\xff" + b"\xff" * 8,
        b"\xc7\x0c\xff" + b"\xff" * 12,
        b"\xc7\x01\xff\x00",
        b"\xd4\x05x",
    ):
        outcome("msgpack", head + octets)


def test_sloppy_base64_is_no_octets() -> None:
    good = base64.b64encode(b"octets").decode()
    assert outcome("json", event(f'"\\u0000{good}"')) == (b"octets",)
