# SPDX-License-Identifier: MIT
"""What holds for every message: strategies are drawn from the same table the classes are made of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from _messages import JUNK, messages, mutated
from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast.wamp.exception import ProtocolError
from autobahn_fast.wamp.message import MESSAGE_CLASSES, Message, parse_message
from autobahn_fast.wamp.serializer import create_transport_serializer

NAMES = ["json", "msgpack", "cbor", "ubjson", "json.batched", "msgpack.batched"]


@pytest.fixture(autouse=True, scope="module")
def any_integer_has_a_repr() -> Iterator[None]:
    """These tests compare and report by ``repr``, integers of more than 4300 digits included."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize("cls", MESSAGE_CLASSES.values(), ids=lambda cls: cls.__name__)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_parse_is_the_inverse_of_marshal(cls: type[Message], data: Any) -> None:
    msg = data.draw(messages(cls))
    wmsg = msg.marshal()
    again = parse_message(list(wmsg))
    assert type(again) is cls
    assert again.marshal() == wmsg
    assert again == msg


@given(wmsg=mutated())
@settings(max_examples=1500, deadline=None)
def test_a_mutated_message_is_a_message_or_a_protocol_error(wmsg: Any) -> None:
    try:
        msg = parse_message(wmsg)
    except ProtocolError as e:
        assert 0 < len(str(e)) < 1000
    else:
        assert repr(parse_message(list(msg.marshal())).marshal()) == repr(msg.marshal())  # == is not for NaN
        assert len(repr(msg)) < 5000


@given(junk=JUNK)
@settings(max_examples=300, deadline=None)
def test_anything_else_is_a_protocol_error(junk: Any) -> None:
    for cls in MESSAGE_CLASSES.values():
        with pytest.raises(ProtocolError):
            cls.parse(junk)


@given(msg=messages(), name=st.sampled_from(NAMES))
@settings(max_examples=300, deadline=None)
def test_every_serializer_carries_every_message(msg: Message, name: str) -> None:
    serializer = create_transport_serializer(name)
    data, binary = serializer.serialize(msg)
    (again,) = serializer.unserialize(data, binary)
    assert again.marshal() == msg.marshal()


@given(data=st.binary(max_size=60), name=st.sampled_from(NAMES))
@settings(max_examples=500, deadline=None)
def test_octets_are_messages_or_a_protocol_error(data: bytes, name: str) -> None:
    serializer = create_transport_serializer(name)
    try:
        serializer.unserialize(data)
    except ProtocolError:
        pass


@given(msg=messages(), cut=st.floats(0, 1), flip=st.integers(0, 255), name=st.sampled_from(NAMES))
@settings(max_examples=500, deadline=None)
def test_octets_with_a_fault_are_messages_or_a_protocol_error(msg: Message, cut: float, flip: int, name: str) -> None:
    serializer = create_transport_serializer(name)
    data = bytearray(serializer.serialize(msg)[0])
    data[int(cut * (len(data) - 1))] ^= flip
    try:
        serializer.unserialize(bytes(data))
    except ProtocolError:
        pass
