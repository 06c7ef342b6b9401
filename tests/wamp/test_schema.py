# SPDX-License-Identifier: MIT
"""The generator of messages: what a declaration becomes."""

from __future__ import annotations

import inspect

import pytest

from autobahn_fast.wamp._kinds import count, flag, ident, one_of, text
from autobahn_fast.wamp._schema import BASE_FIELDS
from autobahn_fast.wamp.exception import ProtocolError
from autobahn_fast.wamp.message import ENC, MESSAGE_CLASSES, Message


class Sample(Message, code=900, word="detail", spec="SAM_PLE"):
    """``[SAM_PLE, Request|id, Details|dict, Name|string, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request": ident, "*": None, "name": text, "payload": None}
    options = {"some-flag": flag, "mode": one_of("a", "b", default="a"), **ENC}
    extra = {"level": count}
    defaults = {"name": "n"}
    last = ("mode",)

    def _finish(self, details: dict[str, object]) -> None:
        if self.level == 7:
            raise ProtocolError("not seven")


class Short(Message, code=901):
    """``[SHORT, Request|id]`` and perhaps ``Options|dict``"""

    wire = {"request": ident, "*?": None}
    options = {"flag": flag}


def test_signature() -> None:
    parameters = inspect.signature(Sample).parameters
    assert list(parameters) == [
        "request", "name", "args", "kwargs", "payload", "some_flag", "mode", "enc_algo", "enc_key", "enc_serializer",
        "from_fbs", "level",
    ]  # fmt: skip
    assert parameters["name"].default == "n"
    assert all(p.default is None for name, p in parameters.items() if name != "name")


def test_slots_and_names() -> None:
    assert set(Sample.__slots__) == set(Sample.SCHEMA.fields)
    assert Sample.__init__.__qualname__ == "Sample.__init__"
    assert Sample.parse.__module__ == __name__
    assert Sample.MESSAGE_TYPE == 900
    assert not hasattr(Sample(), "__dict__")
    assert not hasattr(Sample, "wire")
    assert not hasattr(Sample, "options")


def test_new_and_parsed_objects_have_every_attribute() -> None:
    for cls in (*MESSAGE_CLASSES.values(), Sample, Short):
        made = cls()
        for field in (*cls.SCHEMA.fields, *BASE_FIELDS):
            getattr(made, field)
    parsed = Short.parse([901, 1])
    assert all(hasattr(parsed, field) for field in (*Short.SCHEMA.fields, *BASE_FIELDS))
    assert (parsed._from_fbs, parsed._serialized, parsed.correlation_id) == (None, {}, None)
    assert Sample(from_fbs=5)._from_fbs == 5


def test_options_keep_their_name_on_the_wire() -> None:
    msg = Sample(1, some_flag=False, level=3)
    assert msg.marshal() == [900, 1, {"some-flag": False, "level": 3}, "n"]
    assert Sample.parse(msg.marshal()) == msg


def test_defaults_are_kept_and_never_written() -> None:
    assert Sample(1).mode == "a"
    assert Sample(1, mode="a").marshal_options() == {}
    assert Sample.parse([900, 1, {}, "x"]).mode == "a"
    assert list(Sample(1, mode="b", some_flag=True, level=1).marshal_options()) == ["some-flag", "level", "mode"]


def test_checks_across_elements_come_last() -> None:
    with pytest.raises(ProtocolError, match="not seven"):
        Sample.parse([900, 1, {"level": 7}, "x"])
    with pytest.raises(ProtocolError, match="'mode' detail in SAM_PLE"):
        Sample.parse([900, 1, {"mode": "c", "level": 7}, "x"])


def test_options_left_out_when_empty() -> None:
    assert Short(1).marshal() == [901, 1]
    assert Short(1, flag=False).marshal() == [901, 1, {"flag": False}]
    assert Short.parse([901, 1, {}]).marshal() == [901, 1]
    for wmsg in ([901], [901, 1, {}, {}], [901, 1, None], [901, 1, []]):
        with pytest.raises(ProtocolError):
            Short.parse(wmsg)


def test_a_binary_payload_and_what_describes_it() -> None:
    msg = Sample(1, payload=b"x", enc_algo="cryptobox", args=[1])
    assert msg.marshal() == [900, 1, {"enc_algo": "cryptobox"}, "n", b"x"]
    assert Sample(1, enc_algo="cryptobox", args=[1]).marshal() == [900, 1, {}, "n", [1]]


def test_bodies_of_parsed_messages_are_their_own() -> None:
    first, second = Sample.parse([900, 1, {}, "x"]), Sample.parse([900, 2, {}, "x"])
    first._serialized["k"] = b""
    assert second._serialized == {}


def test_a_kind_refuses_what_it_does_not_accept() -> None:
    kinds = [
        kind for cls in MESSAGE_CLASSES.values() for kind in {**cls.SCHEMA.elements, **cls.SCHEMA.all_options}.values()
    ]
    for kind in kinds:
        assert kind.accepts(object()) is False
        if not kind.on_wire:
            continue
        with pytest.raises(ProtocolError):
            kind.take(object(), "here")
