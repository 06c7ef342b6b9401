# SPDX-License-Identifier: MIT
"""JSON: results as recorded from autobahn, parity with Python's json module, octets in Base64, hostile octets."""

import base64
import json
import sys
from decimal import Decimal
from typing import Any

import pytest
from _codec_cases import (
    JSON_DECIMAL_FLOAT_IN,
    JSON_DECIMAL_IN,
    JSON_HEX_DECIMAL_IN,
    JSON_HEX_IN,
    JSON_HEX_OUT,
    JSON_IN,
    JSON_OUT,
)
from _codec_checks import check_any, check_every_mutation, check_every_prefix, check_in, check_out, same, values
from _codec_values import VALUES, nested
from hypothesis import example, given
from hypothesis import strategies as st

from autobahn_fast._core.codec import DecodeError, EncodeError
from autobahn_fast._core.json import JsonCodec

CODEC = JsonCodec()
HEX = JsonCodec(use_binary_hex_encoding=True)
DECIMAL = JsonCodec(use_decimal_from_str=True)
HEX_DECIMAL = JsonCodec(use_binary_hex_encoding=True, use_decimal_from_str=True)
DECIMAL_FLOAT = JsonCodec(use_decimal_from_float=True)
# A text that begins with NUL is read as octets.
# A string that begins with a null character is octets in WAMP's JSON, at any depth.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(lambda s: not s.startswith("\0"))
KEYS = TEXT | st.integers() | st.floats() | st.booleans() | st.none()
ANY = values(KEYS, st.integers(), text=TEXT)


def wamp_json(value: Any) -> bytes:
    """What Python's json module writes with octets as WAMP has them."""
    text = json.dumps(
        value, default=lambda v: "\0" + base64.b64encode(v).decode(), ensure_ascii=False, separators=(",", ":")
    )
    return text.encode()


def read_octets(value: Any) -> Any:
    """Turn strings that are octets into them, everywhere but in keys."""
    if isinstance(value, str) and value.startswith("\0"):
        return base64.b64decode(value[1:])
    if isinstance(value, list):
        return [read_octets(v) for v in value]
    if isinstance(value, dict):
        return {k: read_octets(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("name", VALUES)
def test_out(name: str) -> None:
    check_out(CODEC, VALUES[name], JSON_OUT[name])


@pytest.mark.parametrize("name", JSON_HEX_OUT)
def test_out_hex(name: str) -> None:
    check_out(HEX, VALUES[name], JSON_HEX_OUT[name])


@pytest.mark.parametrize(("octets", "expected"), JSON_IN)
def test_in(octets: bytes, expected: str | None) -> None:
    check_in(CODEC, octets, expected)


@pytest.mark.parametrize(
    ("codec", "octets", "expected"),
    [
        (codec, *case)
        for codec, cases in (
            (HEX, JSON_HEX_IN),
            (DECIMAL, JSON_DECIMAL_IN),
            (HEX_DECIMAL, JSON_HEX_DECIMAL_IN),
            (DECIMAL_FLOAT, JSON_DECIMAL_FLOAT_IN),
        )
        for case in cases
    ],
)
def test_in_with_options(codec: JsonCodec, octets: bytes, expected: str | None) -> None:
    check_in(codec, octets, expected)


@given(ANY)
def test_same_as_the_module(value: Any) -> None:
    octets = wamp_json(value)
    assert CODEC.dumps(value) == octets
    assert same(CODEC.loads(octets), read_octets(json.loads(octets)))
    assert CODEC.skip_over(octets + b" 1") == len(octets)


@given(st.text(st.characters(), max_size=60))
@example("\ud83d\ude00")
@example("\ude00\ud83d\ude00")
@example("a\ud800\udc00é")
def test_escaped_text(text: str) -> None:
    # Python's own writer with everything escaped; lone surrogates come in as they are.
    octets = json.dumps(["x" + text]).encode()
    assert CODEC.loads(octets) == json.loads(octets)
    assert CODEC.skip_over(octets) == len(octets)


@given(st.binary(max_size=400))
def test_octets(octets: bytes) -> None:
    expected = b'"\\u0000' + base64.b64encode(octets) + b'"'
    assert CODEC.dumps(octets) == expected
    assert CODEC.loads(expected) == octets
    assert HEX.dumps(octets) == b'"0x' + octets.hex().encode() + b'"'
    assert HEX.loads(HEX.dumps(octets)) == octets


@given(st.text(st.sampled_from("AQz+/=9 \n-é"), max_size=12))
def test_sloppy_base64(text: str) -> None:
    octets = json.dumps("\0" + text).encode()
    try:
        expected = base64.b64decode(text)
    except ValueError:
        with pytest.raises(DecodeError):
            CODEC.loads(octets)
    else:
        assert CODEC.loads(octets) == expected


@given(st.floats())
def test_floats(value: float) -> None:
    assert CODEC.dumps(value) == json.dumps(value).encode()
    assert same(CODEC.loads(CODEC.dumps(value)), value)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
@example("9007199254740993.0")
@example("900719925474099300e-2")
@example("0.000000000000000000000000000001")
@example("123456789012345678e-22")
@example("1" * 400 + ".0")
def test_numbers(text: str) -> None:
    assert same(CODEC.loads(text.encode()), json.loads(text))
    assert same(CODEC.loads(f"[{text}]".encode()), [json.loads(text)])


@given(st.integers() | st.integers(-(2**64), 2**64) | st.integers(10**17, 10**20))
def test_integers(value: int) -> None:
    assert CODEC.dumps(value) == str(value).encode()
    assert CODEC.loads(str(value).encode()) == value


def test_integers_that_are_too_long() -> None:
    limit = sys.get_int_max_str_digits()
    assert CODEC.loads(b"9" * limit) == 10**limit - 1
    with pytest.raises(DecodeError, match="digits"):
        CODEC.loads(b"9" * (limit + 1))


@given(st.text(st.sampled_from('[]{},:"\\u0019e.-+ ntfNI\n'), max_size=40))
def test_any_text(text: str) -> None:
    octets = text.encode()
    check_any(CODEC, octets)
    try:
        expected = read_octets(json.loads(text))
    except ValueError:
        with pytest.raises(DecodeError):
            CODEC.loads(octets)
    else:
        assert same(CODEC.loads(octets), expected)


@given(st.binary(max_size=60))
def test_any_octets(octets: bytes) -> None:
    for codec in (CODEC, HEX_DECIMAL):
        check_any(codec, octets)
        check_any(codec, b'["' + octets + b'"]')


def test_invalid_utf8() -> None:
    for wrong in (b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        # Also beside escapes and lone surrogates, which must not complete or hide it.
        for octets in (wrong, wrong + b"\\n", b"\\u00e9" + wrong, b"\\ud800" + wrong, wrong + b"\\udc00"):
            with pytest.raises(DecodeError, match="utf-8"):
                CODEC.loads(b'["' + octets + b'"]')
            with pytest.raises(DecodeError, match="utf-8"):
                CODEC.loads(b'{"' + octets + b'":1}')


def test_every_prefix_and_mutation() -> None:
    octets = CODEC.dumps(VALUES["message"])
    check_every_prefix(CODEC, octets)
    check_every_mutation(CODEC, octets)
    octets = (
        b'[ {"a\\u00e9" : [true , false,null,NaN, -Infinity ] } ,-1.5e-7,"\\ud83d\\ude00\\ud800\\n", "\\u0000YWJj" ]'
    )
    check_every_prefix(CODEC, octets)
    check_every_mutation(CODEC, octets)


def test_depth() -> None:
    assert CODEC.loads(b"[" * 512 + b"]" * 512) == nested(511, [])
    assert CODEC.dumps(nested(512)) == b"[" * 512 + b"null" + b"]" * 512
    for opening in (b"[", b'{"a":', b'[{"a":'):
        for count in (513, 100_000):
            for read in (CODEC.loads, CODEC.get_from, CODEC.skip_over):
                with pytest.raises(DecodeError, match="deep"):
                    read(opening * count)
    for value in (nested(513), {"a": nested(512)}):
        with pytest.raises(EncodeError, match="deep"):
            CODEC.dumps(value)


def test_value_that_contains_itself() -> None:
    loop: list[Any] = []
    loop.append({"a": (loop,)})
    with pytest.raises(EncodeError, match="contains itself"):
        CODEC.dumps(loop)


def test_errors_have_text_and_cause() -> None:
    with pytest.raises(EncodeError, match="Object of type object is not JSON serializable"):
        CODEC.dumps([object()])
    with pytest.raises(EncodeError, match="keys must be str, int, float, bool or None, not tuple"):
        CODEC.dumps({(): 1})
    with pytest.raises(EncodeError, match="surrogates not allowed") as caught:
        CODEC.dumps(["\ud800"])
    assert isinstance(caught.value.__cause__, UnicodeEncodeError)
    with pytest.raises(DecodeError, match="padding") as decoded:
        CODEC.loads(b'"\\u0000YQ"')
    assert isinstance(decoded.value.__cause__, ValueError)


def test_decimals_keep_every_digit() -> None:
    value = Decimal("0." + "1234567890" * 8)
    assert DECIMAL.loads(DECIMAL.dumps([value, {"a": value}])) == [value, {"a": value}]
    assert str(DECIMAL.loads(b'"1.500"')) == "1.500"


def test_containers_that_change_while_being_written() -> None:
    class Growing(dict):
        def items(self) -> Any:
            mapping[f"more{len(mapping)}"] = Growing()
            sequence.append(Growing())
            return []

    mapping: dict[str, Any] = {"a": Growing()}
    sequence: list[Any] = [Growing(), 2]
    for value in (mapping, sequence):
        with pytest.raises(EncodeError, match="changed"):
            CODEC.dumps(value)
