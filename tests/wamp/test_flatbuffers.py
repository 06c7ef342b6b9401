# SPDX-License-Identifier: MIT
"""FlatBuffers: every message both ways, what the schema has no place for, hostile octets, tables by hand."""

from __future__ import annotations

import copy
import random
import struct
import tracemalloc
from typing import Any

import flatbuffers
import pytest
from _messages import messages
from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast.wamp import message, message_fbs
from autobahn_fast.wamp._flatbuffers_builder import Builder
from autobahn_fast.wamp._flatbuffers_schema import CODES, ENUMS, MESSAGES, TABLES
from autobahn_fast.wamp._flatbuffers_tables import Reader, Table, build_table
from autobahn_fast.wamp.exception import ProtocolError, SerializationError
from autobahn_fast.wamp.message import (
    MESSAGE_CLASSES,
    Abort,
    Authenticate,
    Call,
    Challenge,
    Error,
    Event,
    Hello,
    Message,
    Publish,
    Published,
    Register,
    Result,
    Subscribe,
    Unsubscribed,
    Welcome,
)
from autobahn_fast.wamp.role import (
    RoleBrokerFeatures,
    RoleCallerFeatures,
    RoleDealerFeatures,
    RolePublisherFeatures,
    RoleSubscriberFeatures,
)
from autobahn_fast.wamp.serializer import FlatBuffersObjectSerializer, FlatBuffersSerializer

S = FlatBuffersSerializer()
HOPS = [{"session": 1, "authid": "a", "authrole": "b"}, {"session": 2, "authid": None, "authrole": ""}]
PAYLOAD: dict[str, Any] = {"args": [1, b"\xff", {"a": None}], "kwargs": {"ключ": [1.5]}}
WITH_PAYLOAD = {
    "Publish": (1, "com.ä"),
    "Event": (1, 2),
    "Call": (1, "a.b"),
    "Result": (1,),
    "Invocation": (1, 2),
    "Yield": (1,),
    "Error": (48, 1, "a.b"),
}


def again(msg: Message, serializer: FlatBuffersSerializer = S) -> Message:
    """The message after a trip."""
    data, binary = serializer.serialize(msg)
    assert binary is True
    (other,) = serializer.unserialize(data, True)
    assert type(other) is type(msg)
    return other


# --- messages --------------------------------------------------------------------------------------------------------


def test_every_message_has_a_table() -> None:
    assert {getattr(message, name) for name in CODES.values()} == set(MESSAGE_CLASSES.values())
    assert set(CODES.values()) == set(MESSAGES)
    kinds = {kind.strip("[]") for fields in TABLES.values() for kind in fields.values()}
    assert kinds <= {"bool", "u8", "u16", "u32", "u64", "str", "octets", *ENUMS, *TABLES}


@pytest.mark.parametrize("name", WITH_PAYLOAD)
def test_payloads(name: str) -> None:
    cls, head = getattr(message, name), WITH_PAYLOAD[name]
    for payload in ({}, {"args": [1]}, {"kwargs": {"a": 1}}, PAYLOAD):
        msg = cls(*head, **payload, forward_for=HOPS)
        assert again(msg) == msg
    for more in ({}, {"enc_algo": "mqtt"}, {"enc_algo": "cryptobox", "enc_key": "ключ", "enc_serializer": "ubjson"}):
        msg = cls(*head, payload=b"\x00\xff", **more)
        assert again(msg) == msg
    ppt = {"ppt_scheme": "mqtt", "ppt_serializer": "cbor", "ppt_cipher": "aes256gcm", "ppt_keyid": "k"}
    msg = cls(*head, args=[b"\x00"], **ppt)
    assert again(msg) == msg


def test_options_that_are_false_or_the_default_are_not_the_same_as_absent() -> None:
    for flag in (None, False, True):
        msg = Publish(1, "a.b", acknowledge=flag, exclude_me=flag, retain=flag, exclude=[], eligible_authid=["ä", ""])
        assert again(msg).marshal() == msg.marshal()
    for mode in (None, "skip", "kill", "killnowait"):
        assert again(message.Cancel(1, mode=mode)).marshal() == message.Cancel(1, mode=mode).marshal()
    for match in ("exact", "prefix", "wildcard"):
        for invoke in ("single", "first", "last", "roundrobin", "random"):
            msg = Register(1, "a.b", match=match, invoke=invoke, concurrency=65535, force_reregister=False)
            assert again(msg).marshal() == msg.marshal()
    revoked = Unsubscribed(0, subscription=5, reason="a.b")
    assert again(revoked) == revoked


@given(msg=messages())
@settings(max_examples=300, deadline=None)
def test_every_message_arrives_or_is_refused(msg: Message) -> None:
    try:
        other = again(msg)
    except SerializationError as e:
        assert "FlatBuffers" in str(e)
        return
    if isinstance(msg, Hello | Welcome):
        assert sorted(other.roles) == sorted(msg.roles)
        other.roles = msg.roles  # features that have no field are left out
    for field in ("extra", "authextra"):
        if getattr(msg, field, None) == {}:
            setattr(other, field, {})
    assert other.marshal() == msg.marshal()


def test_roles() -> None:
    broker = RoleBrokerFeatures(event_history=True, pattern_based_subscription=False, reflection=True)
    roles = again(Welcome(1, {"broker": broker, "dealer": RoleDealerFeatures()}, realm="a.b")).roles
    assert roles["broker"].announced() == {"event_history": True, "pattern_based_subscription": False}
    assert roles["dealer"].announced() == {}
    caller = again(Hello("a.b", {"caller": RoleCallerFeatures(call_timeout=True)})).roles
    assert {role: features.announced() for role, features in caller.items()} == {"caller": {"call_timeout": True}}
    acknowledged = RolePublisherFeatures(x_acknowledged_event_delivery=True)
    assert again(Hello("a.b", {"publisher": acknowledged})).roles["publisher"].x_acknowledged_event_delivery is True


def test_absent_roles_are_those_of_the_vectors() -> None:
    plain = {"publisher": RolePublisherFeatures(), "subscriber": RoleSubscriberFeatures()}
    assert len(S.serialize(Hello("a.b", plain))[0]) < len(
        S.serialize(Hello("a.b", {"caller": RoleCallerFeatures()}))[0]
    )
    assert sorted(again(Hello("a.b", plain)).roles) == ["publisher", "subscriber"]
    assert list(again(Hello("a.b", {"publisher": RolePublisherFeatures()})).roles) == ["publisher"]


def test_authentication() -> None:
    methods = ["anonymous", "ticket", "wampcra", "wamp-scram", "cryptosign"]
    hello = Hello("a.b", {"caller": RoleCallerFeatures()}, authmethods=methods, authid="ä", authextra={"pubkey": "00"})
    assert again(hello) == hello
    for method in methods:
        msg = Challenge(method, {"challenge": "{}"})
        assert again(msg) == msg
    assert again(Authenticate("sig")) == Authenticate("sig")


@pytest.mark.parametrize(
    ("msg", "what"),
    [
        (Publish(1, "a.b", disclose_me=True), "no field for disclose_me in PUBLISH"),
        (Subscribe(1, "a.b", forward_for=HOPS), "no field for forward_for in SUBSCRIBE"),
        (Welcome(1, {"broker": RoleBrokerFeatures()}, custom={"x_a": 1}), "no field for custom"),
        (Challenge("tls"), "no method 'tls'"),
        (Challenge("scram"), "no method 'scram'"),
        (Challenge("wampcra", {"challenge": "a", "salt": "b"}), "one pair of texts in extra"),
        (Authenticate("sig", {"a": 1}), "one pair of texts in extra"),
        (Hello("a.b", {"caller": RoleCallerFeatures()}, authmethods=["x"]), "no authmethods 'x'"),
        (Publish(1, "a.b", payload=b"", enc_algo="x_own"), "no ppt_scheme 'x_own'"),
        (Publish(1, "a.b", args=[b""], ppt_scheme="wamp"), "no ppt_scheme 'wamp'"),
        (Publish(1, "a.b", payload=b"", enc_algo="xbr", ppt_scheme="mqtt"), "beside enc_algo"),
        (Call(1, "a.b", timeout=2**32), "no timeout 4294967296"),
        (Register(1, "a.b", concurrency=65536), "no concurrency 65536"),
        (Published(-1, 2), "no request -1"),
        (Published("1", 2), "no request '1'"),
        (Abort(5), "reason cannot be a int"),
        (Abort("\ud800"), "surrogates not allowed"),
        (Event(1, 2, args=[object()]), "object"),
        (Publish(1, "a.b", exclude="abc"), "exclude cannot be a str"),
        (Publish(1, "a.b", acknowledge=1), "no acknowledge 1"),
    ],
)
def test_what_the_schema_has_no_place_for(msg: Message, what: str) -> None:
    with pytest.raises(SerializationError, match=what):
        S.serialize(msg)


# --- the serializer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload_serializer", ["json", "msgpack", "cbor", "ubjson"])
@pytest.mark.parametrize("batched", [False, True], ids=["plain", "batched"])
def test_payload_serializers(payload_serializer: str, batched: bool) -> None:
    s = FlatBuffersSerializer(batched, payload_serializer)
    assert s.PAYLOAD_SERIALIZER_ID == payload_serializer
    assert s.SERIALIZER_ID == ("flatbuffers.batched" if batched else "flatbuffers")
    assert s.codec is None
    msg = Publish(1, "a.b", **PAYLOAD)
    assert again(msg, s) == msg
    octets = s.serialize_payload([1, "a"])
    assert s._payload_serializer.unserialize(octets) == [[1, "a"]]
    with pytest.raises(SerializationError, match=payload_serializer):
        s.serialize_payload(object())
    other = copy.copy(s)
    assert again(msg, other) == msg
    assert (s.stats_messages(), other.stats_messages()) == (2, 2)


def test_batches() -> None:
    s = FlatBuffersSerializer(batched=True)
    one, two = s.serialize(Published(1, 2))[0], s.serialize(Published(3, 4))[0]
    assert s.unserialize(one + two) == [Published(1, 2), Published(3, 4)]
    for bad in (b"", one[:-1], one + b"\0", one[4:]):
        with pytest.raises(ProtocolError):
            s.unserialize(bad)


def test_unknown_payload_serializer() -> None:
    for name in ("flatbuffers", "foo", "cbor.batched"):
        with pytest.raises(ValueError, match="unknown payload serializer"):
            FlatBuffersSerializer(payload_serializer=name)


def test_object_serializer_takes_lists_too() -> None:
    objects = FlatBuffersObjectSerializer()
    msg = Publish(1, "a.b", args=[1])
    assert objects.serialize(msg.marshal()) == objects.serialize(msg) == S.serialize(msg)[0]
    assert objects.unserialize(objects.serialize(msg)) == [msg]
    assert objects.FLATBUFFERS_MODULE is flatbuffers
    assert objects.MESSAGE_TYPE_MAP[16] == (message_fbs.Publish, Publish)
    assert {cls for _, cls in objects.MESSAGE_TYPE_MAP.values()} == set(MESSAGE_CLASSES.values())


@given(msg=messages())
@settings(max_examples=100, deadline=None)
def test_build_and_cast(msg: Message) -> None:
    builder = flatbuffers.Builder(0)
    try:
        builder.Finish(msg.build(builder))
    except ValueError:
        return
    octets = bytes(builder.Output())
    own = Builder()
    own.Finish(msg.build(own))
    assert own.Output() == octets
    other = type(msg).cast(octets)
    assert type(other) is type(msg)
    assert S.serialize(other)[0] == S.serialize(msg)[0]
    for wrong in (b"", octets[:-1] and b"\xff" * 8, octets[:6]):
        with pytest.raises(ProtocolError):
            type(msg).cast(wrong)


def test_only_messages_can_be_cast() -> None:
    with pytest.raises(ProtocolError):
        Message.cast(b"")


KINDS = st.sampled_from(["Event", "Publish", "Call", "Invocation", "Hello", "Welcome"])


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_the_builder_writes_what_that_of_the_package_does(data: Any) -> None:
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    forms: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        "u16": st.integers(0, 2**16 - 1),
        "u32": st.integers(0, 2**32 - 1),
        "u64": st.integers(0, 2**64 - 1),
        "str": texts,
        "octets": st.binary(max_size=9),
        **{name: st.sampled_from([v for v in values if v]) for name, values in ENUMS.items()},
    }

    def table(name: str) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({}, optional={field: value(kind) for field, kind in TABLES[name].items()})

    def value(kind: str) -> st.SearchStrategy[Any]:
        if kind.startswith("["):
            return st.lists(value(kind[1:-1]), max_size=3)
        return forms[kind] if kind in forms else table(kind)

    name = data.draw(KINDS)
    values = data.draw(table(name))
    own, other = Builder(), flatbuffers.Builder(0)
    for builder in (own, other):
        builder.Finish(build_table(builder, name, values))
    assert own.Output() == bytes(other.Output())
    assert Reader(own.Output()).root().fields(name) == values


# --- hostile octets --------------------------------------------------------------------------------------------------

SAMPLES: list[Message] = [
    Publish(
        1,
        "a.b",
        args=[1],
        kwargs={"a": 2},
        exclude=[1, 2],
        exclude_authid=["x", "y"],
        acknowledge=True,
        transaction_hash="h",
        forward_for=HOPS,
    ),
    Publish(1, "a.b", payload=b"abc", enc_algo="cryptobox", enc_key="k", enc_serializer="json"),
    Hello("a.b", {"caller": RoleCallerFeatures(call_timeout=True)}, authmethods=["ticket"], authextra={"a": "b"}),
    Welcome(5, {"broker": RoleBrokerFeatures(event_history=True)}, realm="a.b", authmethod="ticket"),
    Error(48, 1, "a.b", args=["x"]),
    Result(1, args=[1], progress=True),
]


def check(data: bytes) -> bool:
    """Whatever the octets are: a message or a protocol error."""
    try:
        (msg,) = S.unserialize(data)
    except ProtocolError as e:
        assert 0 < len(str(e)) < 1000
        return False
    assert isinstance(msg, Message)
    return True


@pytest.mark.parametrize("msg", SAMPLES, ids=lambda msg: type(msg).__name__)
def test_every_prefix_and_mutation(msg: Message) -> None:
    data = S.serialize(msg)[0]
    assert check(data)
    for end in range(len(data)):
        check(data[:end])
    assert not check(data[:20])
    for at in range(len(data)):
        for value in (0, 1, 3, 4, 0x7F, 0x80, 0xFF, data[at] ^ 1, data[at] ^ 8):
            check(data[:at] + bytes([value]) + data[at + 1 :])
    for at in range(len(data) - 3):
        for word in (0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, len(data), len(data) - at):
            check(data[:at] + struct.pack("<I", word) + data[at + 4 :])


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: b"\x0c\0\0\0\x08\0\x0c\0\x0b\0\x04\0" + tail))
@settings(max_examples=500, deadline=None)
def test_any_octets(data: bytes) -> None:
    check(data)


def test_many_faults_at_once() -> None:
    rng = random.Random(5)
    originals = [S.serialize(msg)[0] for msg in SAMPLES]
    for _ in range(3000):
        data = bytearray(rng.choice(originals))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 2, 4, 8, 12, 0x10, 0xFF, rng.randrange(256)))
        check(bytes(data))


def test_unknown_types_and_values() -> None:
    data = bytearray(S.serialize(Published(1, 2))[0])
    at = data.index(17)
    for code in (0, 7, 9, 38, 255):
        data[at] = code
        with pytest.raises(ProtocolError, match="known type"):
            S.unserialize(bytes(data))
    builder = flatbuffers.Builder(0)
    builder.Finish(build_table(builder, "Cancel", {"request": 1, "mode": "kill"}))
    octets = bytearray(builder.Output())
    place = Reader(octets).root().at(2, 1)
    octets[place] = 3
    with pytest.raises(ProtocolError, match="3 is no CancelMode"):
        message.Cancel.cast(bytes(octets))


def test_missing_elements_and_contradictions() -> None:
    def cast(name: str, **values: Any) -> Message:
        builder = flatbuffers.Builder(0)
        builder.Finish(build_table(builder, name, values))
        return getattr(message, name).cast(bytes(builder.Output()))  # type: ignore[no-any-return]

    assert cast("Published") == Published(0, 0)
    assert cast("Publish", topic="a.b", kwargs=b"\xa1\x61a\x01") == Publish(0, "a.b", args=[], kwargs={"a": 1})
    for name, values in [
        ("Publish", {}),
        ("Publish", {"topic": "a b"}),
        ("Publish", {"topic": "a.b", "args": b"\xa0"}),
        ("Publish", {"topic": "a.b", "args": b""}),
        ("Publish", {"topic": "a.b", "args": b"\x80\x80"}),
        ("Publish", {"topic": "a.b", "kwargs": b"\x80"}),
        ("Publish", {"topic": "a.b", "args": b"\x80", "payload": b""}),
        ("Publish", {"topic": "a.b", "exclude": [2**60]}),
        ("Published", {"request": 2**60}),
        ("Abort", {}),
        ("Hello", {"realm": "a b"}),
        ("Challenge", {"extra": {"value": "x"}}),
        ("Register", {"procedure": "a..b"}),
        ("Error", {"request_type": 5, "error": "a.b"}),
        ("Unsubscribed", {"request": 1, "subscription": 1}),
    ]:
        with pytest.raises(ProtocolError):
            cast(name, **values)


def bomb(count: int, kind: str) -> bytes:
    """A message whose vector of ``exclude_authid`` or ``forward_for`` names one large string, or one table, again and again."""
    builder = flatbuffers.Builder(0)
    if kind == "str":
        target = builder.CreateString("x" * 4 * count)
    else:
        target = build_table(builder, "Principal", {"session": 1, "authid": "x" * 200})
    topic = builder.CreateString("a.b")
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(target)
    vector = builder.EndVector()
    builder.StartObject(21)
    builder.PrependUint64Slot(1, 1, 0)
    builder.PrependUOffsetTRelativeSlot(2, topic, 0)
    builder.PrependUOffsetTRelativeSlot(13 if kind == "str" else 20, vector, 0)
    table = builder.EndObject()
    builder.StartObject(2)
    builder.PrependUint8Slot(0, 16, 0)
    builder.PrependUOffsetTRelativeSlot(1, table, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


@pytest.mark.parametrize("kind", ["str", "table"])
def test_octets_that_are_named_again_and_again(kind: str) -> None:
    assert check(bomb(2, kind))
    data = bomb(20_000, kind)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="again and again"):
            S.unserialize(data)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(data)
    finally:
        tracemalloc.stop()


def test_reader_by_itself() -> None:
    for octets, at in ((b"", 0), (b"\0\0\0", 0), (b"\xff\xff\xff\xff", 0), (bytes(8), 5), (bytes(8), -1)):
        with pytest.raises(ValueError, match="outside"):
            Reader(octets).follow(at)
    for position in (-1, 0, 5, 100):
        with pytest.raises(ValueError, match="."):
            Table(Reader(bytes(8)), position)


# --- tables by hand --------------------------------------------------------------------------------------------------


def test_message_fbs() -> None:
    builder = flatbuffers.Builder(0)
    msg = Publish(7, "a.b", args=[1], kwargs={"a": 1}, acknowledge=True, exclude_authid=["x"])
    builder.Finish(msg.build(builder))
    octets = bytes(builder.Output())
    for table in (message_fbs.Publish.GetRootAsPublish(octets, 0), message_fbs.Publish.GetRootAsEvent(octets, 0)):
        assert (table.ArgsAsBytes(), table.KwargsAsBytes()) == (b"\x81\x01", b"\xa1\x61a\x01")
        assert (table.PayloadAsBytes(), table.EncKeyAsBytes(), table.TransactionHash()) == (None, None, None)
        assert (table.Request(), table.Topic(), table.Acknowledge(), table.ExcludeAuthid()) == (7, "a.b", True, ["x"])
        for _ in range(100):
            assert table.Topic() == "a.b"
    builder = flatbuffers.Builder(0)
    builder.Finish(Event(1, 2, payload=b"xyz", enc_algo="mqtt", enc_key="ä").build(builder))
    event = message_fbs.Event.GetRootAsEvent(bytes(builder.Output()), 0)
    assert (event.PayloadAsBytes(), event.EncKeyAsBytes(), event.PptScheme()) == (b"xyz", "ä".encode(), "mqtt")
    for bad in (b"", b"\xff\xff\xff\xff", b"\4\0\0\0\0\0\0\0"):
        with pytest.raises(ValueError, match="."):
            message_fbs.Call.GetRootAsCall(bad, 0)
    with pytest.raises(ValueError, match="no buffer yet"):
        message_fbs.Call().ArgsAsBytes()
    assert (message_fbs.MessageType.EVENT_RECEIVED, message_fbs.MessageType.YIELD) == (37, 70)
    assert (message_fbs.CancelMode.SKIP, message_fbs.CancelMode.KILLNOWAIT) == (0, 2)
    assert (message_fbs.Match.WILDCARD, message_fbs.InvocationPolicy.RANDOM) == (2, 4)
    assert message_fbs.table_class("Hello").GetRootAsHello is not None


def test_other_names() -> None:
    from autobahn_fast import flatbuffers as alias
    from autobahn_fast import nvx
    from autobahn_fast.websocket.utf8validator import Utf8Validator

    assert nvx.Utf8Validator is Utf8Validator
    assert alias.Builder is flatbuffers.Builder
    assert alias.__version__ == flatbuffers.__version__
    assert alias.version()[:3] == tuple(int(part) for part in flatbuffers.__version__.split(".")[:3])
    with pytest.raises(AttributeError):
        _ = alias.nothing_of_this_name
