# SPDX-License-Identifier: MIT
"""Hypothesis strategies for WAMP messages, made from the table of each message class."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from autobahn_fast.wamp import message
from autobahn_fast.wamp._kinds import Kind
from autobahn_fast.wamp._schema import ENC_FIELDS, attribute
from autobahn_fast.wamp.message import MESSAGE_CLASSES, Message
from autobahn_fast.wamp.role import ROLE_NAME_TO_CLASS

# JSON takes a string that begins with NUL for a binary.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
IDS = st.integers(0, 2**53)
COMPONENT = st.text(
    st.characters(codec="utf-8", exclude_characters=".#", exclude_categories=("Z", "C")), min_size=1, max_size=5
)
URIS = st.lists(COMPONENT, min_size=1, max_size=3).map(".".join).filter(message._URI_PAT_LOOSE_NON_EMPTY.match)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KWARGS = st.dictionaries(TEXT, VALUES, min_size=1, max_size=3)
HOPS = st.lists(st.fixed_dictionaries({"session": IDS, "authid": TEXT | st.none(), "authrole": TEXT}), max_size=2)

STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "id": IDS,
    "bool": st.booleans(),
    "str": TEXT,
    "int >= 0": st.integers(0, 2**53),
    "int > 0": st.integers(1, 2**53),
    "dict": st.dictionaries(TEXT, VALUES, max_size=3),
    "list of ids": st.lists(IDS, max_size=3),
    "list of str": st.lists(TEXT, max_size=3),
    "uri": URIS,
    "uri, components may be empty": URIS,
    "realm, or None": st.none() | URIS,
    "list of {session, authid, authrole}": HOPS,
    "encryption algorithm": st.sampled_from(["cryptobox", "mqtt", "xbr", "x_own"]),
    "payload serializer": st.sampled_from(["json", "msgpack", "cbor", "ubjson", "flatbuffers", "x_own"]),
    "type code of a request": st.sampled_from([16, 32, 34, 48, 49, 64, 66, 68]),
}


def values_of(kind: Kind, cls: type[Message]) -> st.SearchStrategy[Any]:
    """Values an element or option of this kind may have in a message object."""
    if kind.values:
        return st.sampled_from(kind.values)
    if kind.name == "dict of roles":
        names = ("broker", "dealer") if cls is message.Welcome else ("publisher", "subscriber", "caller", "callee")
        return st.dictionaries(st.sampled_from(names), st.booleans(), min_size=1).map(
            lambda roles: {n: ROLE_NAME_TO_CLASS[n](payload_transparency=flag or None) for n, flag in roles.items()}
        )
    if not kind.on_wire:
        return st.dictionaries(st.sampled_from(["x_", "x_cb_node", "x_a1"]), VALUES, max_size=2)
    return STRATEGIES[kind.name]


@st.composite
def messages(draw: Any, cls: type[Message] | None = None) -> Message:
    """Any valid message (of a class)."""
    cls = cls or draw(st.sampled_from(list(MESSAGE_CLASSES.values())))
    schema = cls.SCHEMA
    fields = {name: draw(values_of(kind, cls)) for name, kind in schema.elements.items()}
    form = draw(st.sampled_from(["none", "args", "kwargs", "payload"])) if schema.has_payload else "none"
    if form in ("args", "kwargs"):
        fields["args"] = draw(st.lists(VALUES, min_size=form == "args", max_size=3))
    if form == "kwargs":
        fields["kwargs"] = draw(KWARGS)
    if form == "payload":
        fields["payload"] = draw(st.binary(max_size=20))
        fields["enc_algo"] = draw(values_of(schema.options["enc_algo"], cls))
    required = {"roles"}
    for option, kind in schema.all_options.items():
        if option in ENC_FIELDS and (form != "payload" or option == "enc_algo"):
            continue
        if option in required or draw(st.booleans()):
            fields[attribute(option)] = draw(values_of(kind, cls))
    settle(cls, fields)
    return cls(**fields)


def settle(cls: type[Message], fields: dict[str, Any]) -> None:
    """Make the fields of a message agree with one another where the protocol asks for it."""
    if cls in (message.Unsubscribed, message.Unregistered) and fields["request"]:
        for name in ("subscription", "registration", "reason"):
            fields.pop(name, None)
    if cls is message.Hello and ("resume_session" in fields) != ("resume_token" in fields):
        fields.pop("resume_session", None)
        fields.pop("resume_token", None)
    if cls is message.Welcome and fields.get("resumable"):
        fields.setdefault("resume_token", "t")


# What to put where something else belongs.
JUNK: st.SearchStrategy[Any] = st.one_of(
    VALUES,
    st.floats(),
    st.sampled_from(
        [
            2**53 + 1,
            -1,
            True,
            "",
            "a..b",
            " ",
            "a b",
            "#",
            b"",
            [],
            {},
            [None],
            {"": None},
            (),
            10**5000,
            [[[[]]]],
            {1: 2},
        ]
    ),
    st.dictionaries(st.integers() | TEXT, VALUES, max_size=2),
    st.builds(object),
)


@st.composite
def mutated(draw: Any) -> Any:
    """The list of a valid message in which something was replaced, left out, added or put into another order."""
    msg = draw(messages())
    wmsg = msg.marshal()
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["replace", "drop", "add", "option", "option", "shuffle"]))
        dicts = [element for element in wmsg if type(element) is dict]
        if how == "replace" and wmsg:
            wmsg[draw(st.integers(0, len(wmsg) - 1))] = draw(JUNK)
        elif how == "drop" and wmsg:
            del wmsg[draw(st.integers(0, len(wmsg) - 1))]
        elif how == "add":
            wmsg.insert(draw(st.integers(0, len(wmsg))), draw(JUNK))
        elif how == "option" and dicts:
            known = [*msg.SCHEMA.all_options, "unknown"]
            draw(st.sampled_from(dicts))[draw(st.sampled_from(known))] = draw(JUNK)
        elif how == "shuffle":
            wmsg = draw(st.permutations(wmsg))
    return wmsg


__all__ = ("JUNK", "KWARGS", "VALUES", "messages", "mutated")
