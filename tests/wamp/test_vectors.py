# SPDX-License-Identifier: MIT
"""The message vectors of the WAMP specification (tests/vectors), both ways, in each serializer we have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autobahn_fast.wamp.exception import ProtocolError
from autobahn_fast.wamp.message import MESSAGE_CLASSES, Message, parse_message
from autobahn_fast.wamp.serializer import create_transport_serializer

FILES = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))
SERIALIZERS = ("json", "msgpack", "cbor", "ubjson", "flatbuffers")
NAMES = {
    "request_id": "request",
    "subscription_id": "subscription",
    "publication_id": "publication",
    "registration_id": "registration",
    "session_id": "session",
}


def samples(kind: str) -> list[Any]:
    """All samples that have this key, each with a name."""
    found = []
    for path in FILES:
        vector = json.loads(path.read_text(encoding="utf8"))
        for index, sample in enumerate(vector["samples"]):
            if kind in sample:
                found.append(pytest.param(sample, id=f"{path.stem}-{index}"))
    return found


def octets(sample: dict[str, Any], serializer: str) -> list[bytes]:
    # UBJSON is there twice; the older one, with big-endian numbers, is no longer spoken.
    variants = [v for v in sample["serializers"].get(serializer, ()) if "py-ubjson" not in v.get("note", "")]
    return [bytes.fromhex(variant["bytes_hex"]) for variant in variants]


def in_each_serializer() -> list[Any]:
    """All samples with each serializer they are there for."""
    return [
        pytest.param(sample.values[0], serializer, id=f"{sample.id}-{serializer}")
        for sample in samples("serializers")
        for serializer in SERIALIZERS
        if octets(sample.values[0], serializer)
    ]


def check_attributes(msg: Message, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        field = NAMES.get(name, name)
        if name == "message_type":
            assert msg.MESSAGE_TYPE == value
        elif name == "roles":
            assert sorted(msg.roles) == sorted(value)
        elif name in ("options", "details"):
            options = msg.marshal_options()
            assert {k: v for k, v in value.items() if k in options and k != "roles"} == {
                k: v for k, v in options.items() if k != "roles"
            }
        elif name == "payload" and value is not None:
            assert msg.payload == bytes.fromhex(value)
        else:
            got = getattr(msg, field)
            assert got == value or (not got and not value), field


def test_every_message_has_a_vector() -> None:
    codes = {json.loads(path.read_text(encoding="utf8"))["wamp_message_code"] for path in FILES}
    assert codes == set(MESSAGE_CLASSES)
    there = [param.values[1] for param in in_each_serializer()]
    # One sample, of Autobahn's exclude_me, is not there in FlatBuffers.
    assert {name: there.count(name) for name in SERIALIZERS} == dict.fromkeys(SERIALIZERS, 35) | {"flatbuffers": 34}


@pytest.mark.parametrize(("sample", "serializer"), in_each_serializer())
def test_decode_and_encode_again(sample: dict[str, Any], serializer: str) -> None:
    variants = octets(sample, serializer)
    ser = create_transport_serializer(serializer)
    for data in variants:
        (msg,) = ser.unserialize(data, ser._serializer.BINARY)
        check_attributes(msg, sample["expected_attributes"])
        assert ser.serialize(msg) == (msg.serialize(ser._serializer), ser._serializer.BINARY)
        assert msg.serialize(ser._serializer) in variants


@pytest.mark.parametrize(("sample", "serializer"), in_each_serializer())
def test_a_message_is_the_same_in_every_serializer(sample: dict[str, Any], serializer: str) -> None:
    ser, json_ser = create_transport_serializer(serializer), create_transport_serializer("json")
    (msg,) = ser.unserialize(octets(sample, serializer)[0])
    (from_json,) = json_ser.unserialize(octets(sample, "json")[0])
    assert msg == from_json


@pytest.mark.parametrize("sample", samples("wmsg"))
def test_messages_are_accepted_or_refused(sample: dict[str, Any]) -> None:
    wmsg = list(sample["wmsg"])
    if isinstance(wmsg[-1], str) and any(isinstance(element, dict) and "enc_algo" in element for element in wmsg):
        wmsg[-1] = bytes.fromhex(wmsg[-1])  # JSON has no bytes
    expected = sample.get("expected_error")
    if expected is None:
        assert parse_message(wmsg).marshal()[0] == wmsg[0]
    else:
        with pytest.raises(ProtocolError, match=expected["contains"]):
            parse_message(wmsg)
