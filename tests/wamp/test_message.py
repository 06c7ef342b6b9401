# SPDX-License-Identifier: MIT
"""Messages: what is taken, what is refused and how, what goes on the wire; checks of ids, URIs and realm names."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import cbor2
import msgpack
import pytest

from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import InvalidUriError, ProtocolError
from autobahn_fast.wamp.message import MESSAGE_CLASSES, Message, parse_message
from autobahn_fast.wamp.role import RoleBrokerFeatures, RoleCallerFeatures

CALLER = {"roles": {"caller": {}}}
BROKER = {"roles": {"broker": {}}}
HOP = {"session": 1, "authid": "x", "authrole": "y"}

SAME: list[list[Any]] = [
    [1, "realm1", {"roles": {"caller": {"features": {"call_canceling": True}}}}],
    [1, None, CALLER],
    [
        1,
        "realm1",
        {
            **CALLER,
            "authmethods": ["a"],
            "authid": "",
            "authrole": "y",
            "authextra": {},
            "resumable": False,
            "resume-session": 5,
            "resume-token": "t",
        },
    ],
    [2, 1, {**BROKER, "resumed": True, "resumable": True, "resume_token": "t", "x_cb_node": 5, "x_": None}],
    [2, 0, {**BROKER, "realm": "r", "authid": "a", "authrole": "b", "authmethod": "c", "authprovider": "d"}],
    [3, {"message": "a"}, "wamp.error.X"],
    [4, "", {"a": 1}],
    [5, "sig", {}],
    [6, {"message": "m", "resumable": False}, "wamp.close.x"],
    [8, 48, 1, {"callee": 1, "callee_authid": "x", "callee_authrole": "y", "forward_for": [HOP]}, "a.b", [], {"a": 1}],
    [8, 49, 1, {}, "a.b"],
    [8, 68, 1, {"enc_algo": "cryptobox", "enc_key": "k", "enc_serializer": "json"}, "a.b", b"x"],
    [16, 1, {"acknowledge": False, "exclude_me": False, "exclude": [], "eligible": [1, 2]}, "a.b"],
    [
        16,
        1,
        {
            "exclude_authid": ["a"],
            "exclude_authrole": ["r"],
            "eligible_authid": [],
            "eligible_authrole": [],
            "retain": True,
            "transaction_hash": "ab",
        },
        "a.b",
    ],
    [16, 1, {"disclose_me": True, "rkey": "k", "ppt_scheme": "x_s", "ppt_cipher": "c"}, "a.b", [b"x"]],
    [16, 1, {}, "a.b", [], {"k": 1}],
    [16, 2**53, {}, "com.ä", b""],
    [17, 0, 2**53],
    [32, 1, {"match": "wildcard", "get_retained": False, "nkey": "x"}, "a..b"],
    [32, 1, {}, ""],
    [33, 1, 2],
    [34, 1, 2],
    [34, 1, 2, {"forward_for": [HOP]}],
    [35, 1],
    [35, 0, {"subscription": 5, "reason": "a.b"}],
    [36, 1, 2, {"publisher": 1, "publisher_authid": "a", "publisher_authrole": "b", "topic": "x.y"}, [1], {"a": 1}],
    [36, 1, 2, {"retained": True, "x_acknowledged_delivery": True, "trustlevel": 0, "transaction_hash": "x"}],
    [337, 1],
    [
        48,
        1,
        {
            "timeout": 0,
            "receive_progress": True,
            "caller": 1,
            "caller_authid": "a",
            "caller_authrole": "r",
            "progress": True,
        },
        "a.b",
    ],
    [48, 1, {"disclose_me": False, "rkey": "k", "runmode": "partition"}, "a.b"],
    [49, 1, {"mode": "killnowait"}],
    [50, 1, {"progress": False, "callee": 1}, [None]],
    [64, 1, {"match": "prefix", "invoke": "roundrobin", "concurrency": 2, "force_reregister": False}, "a."],
    [64, 1, {"match": "wildcard", "disclose_caller": True, "forward_timeout": True}, "a..b"],
    [65, 1, 2],
    [66, 1, 2],
    [67, 0, {"registration": 5}],
    [68, 1, 2, {"timeout": 5, "receive_progress": True, "procedure": "a.b", "caller": 3, "trustlevel": 1}, [1]],
    [69, 1, {"mode": "kill", "reason": "a.b", "forward_for": []}],
    [70, 1, {"progress": True, "ppt_scheme": "mqtt", "ppt_keyid": "k", "ppt_serializer": "cbor"}, [b""]],
]

CHANGED: list[tuple[list[Any], list[Any]]] = [
    ([16, 1, {"unknown": [1]}, "a.b", [], {}], [16, 1, {}, "a.b"]),
    ([32, 1, {"match": "exact"}, "a.b"], [32, 1, {}, "a.b"]),
    ([64, 1, {"match": "exact", "invoke": "single"}, "a.b"], [64, 1, {}, "a.b"]),
    ([34, 1, 2, {}], [34, 1, 2]),
    ([35, 0, {}], [35, 0]),
    # autobahn writes None for no positional arguments.
    ([50, 1, {}, None, {"a": 1}], [50, 1, {}, [], {"a": 1}]),
    # The older encryption form describes one binary, nothing else.
    ([16, 1, {"enc_algo": "anything"}, "a.b", [b"x"]], [16, 1, {}, "a.b", [b"x"]]),
    ([1, "realm1", {"roles": {"caller": {"features": {"later": True}}}}], [1, "realm1", CALLER]),
    ([2, 1, {**BROKER, "x": 1, "x_CB": 1}], [2, 1, BROKER]),
    ([2, 1, {**BROKER, "custom": 1}], [2, 1, BROKER]),
]

BAD: list[tuple[Any, str]] = [
    (None, "invalid type"),
    ((16, 1, {}, "a.b"), "invalid type"),
    ({}, "invalid type"),
    ([], "empty"),
    ([[]], "type code"),
    (["16", 1], "type code"),
    ([True, "realm1", CALLER], "type code"),
    ([16.0, 1, {}, "a.b"], "type code"),
    ([7], "message type 7"),
    ([10**5000], "bits"),
    ([16], "invalid message length 1 for PUBLISH"),
    ([16, 1, {}, "a.b", [], {}, 5], "invalid message length 7 for PUBLISH"),
    ([17, 1], "invalid message length 2 for PUBLISHED"),
    ([35, 0, {}, 1], "invalid message length"),
    ([16, True, {}, "a.b"], "invalid type <class 'bool'> for 'request' in PUBLISH"),
    ([16, 1.0, {}, "a.b"], "'request' in PUBLISH"),
    ([16, -1, {}, "a.b"], "invalid value -1 for 'request' in PUBLISH"),
    ([16, 2**53 + 1, {}, "a.b"], "'request' in PUBLISH"),
    ([16, 10**5000, {}, "a.b"], "bits"),
    ([16, 1, 5, "a.b"], "'options' in PUBLISH: invalid type"),
    ([16, 1, {5: 1}, "a.b"], "'options' in PUBLISH: invalid type <class 'int'> for key"),
    ([16, 1, {}, ""], "'topic' in PUBLISH"),
    ([16, 1, {}, "a..b"], "'topic' in PUBLISH"),
    ([16, 1, {}, "a b"], "'topic' in PUBLISH"),
    ([16, 1, {}, "a.b\n"], "'topic' in PUBLISH"),
    ([16, 1, {}, "a#b"], "'topic' in PUBLISH"),
    ([16, 1, {}, None], "'topic' in PUBLISH"),
    ([16, 1, {}, "a.b", "x"], "'args' in PUBLISH"),
    ([16, 1, {}, "a.b", None], "'args' in PUBLISH"),
    ([16, 1, {}, "a.b", (1,)], "'args' in PUBLISH"),
    ([16, 1, {}, "a.b", [], None], "'kwargs' in PUBLISH"),
    ([16, 1, {}, "a.b", [], {1: 2}], "'kwargs' in PUBLISH"),
    ([16, 1, {}, "a.b", b"x", {}], "'args' in PUBLISH"),
    ([16, 1, {"acknowledge": 1}, "a.b"], "invalid type <class 'int'> for 'acknowledge' option in PUBLISH"),
    ([16, 1, {"acknowledge": None}, "a.b"], "acknowledge"),
    ([16, 1, {"exclude": 5}, "a.b"], "exclude"),
    ([16, 1, {"exclude": [True]}, "a.b"], "value in 'exclude' option"),
    ([16, 1, {"exclude": [-1]}, "a.b"], "value in 'exclude' option"),
    ([16, 1, {"eligible_authid": [5]}, "a.b"], "value in 'eligible_authid' option"),
    ([16, 1, {"forward_for": [{}]}, "a.b"], "forward_for"),
    ([16, 1, {"forward_for": [5]}, "a.b"], "forward_for"),
    ([16, 1, {"forward_for": [{**HOP, "session": "1"}]}, "a.b"], "forward_for"),
    ([16, 1, {"ppt_scheme": 5}, "a.b"], "ppt_scheme"),
    ([36, 1, 2, {"enc_serializer": "json"}, b"x"], "enc_algo"),
    ([36, 1, 2, {"enc_algo": "cryptobox", "enc_serializer": "opaque"}, b"x"], "enc_serializer"),
    ([36, 1, 2, {"enc_algo": "cryptobox", "enc_key": b"k"}, b"x"], "enc_key"),
    ([36, 1, 2, {"publisher": True}], "publisher"),
    ([36, 1, 2, {"topic": "a b"}], "topic"),
    ([36, 1, 2, {"trustlevel": -1}], "trustlevel"),
    ([1, 5, CALLER], "'realm' in HELLO"),
    ([1, "a b", CALLER], "'realm' in HELLO"),
    ([1, "realm1", {}], "roles"),
    ([1, "realm1", {"roles": {}}], "empty 'roles'"),
    ([1, "realm1", {"roles": []}], "roles"),
    ([1, "realm1", BROKER], "broker"),
    ([1, "realm1", {"roles": {5: {}}}], "invalid role 5"),
    ([1, "realm1", {"roles": {"caller": 5}}], "role 'caller'"),
    ([1, "realm1", {"roles": {"caller": {"features": 5}}}], "role 'caller'"),
    ([1, "realm1", {"roles": {"caller": {"features": {1: True}}}}], "role 'caller'"),
    ([1, "realm1", {"roles": {"caller": {"features": {"call_canceling": 1}}}}], "call_canceling"),
    ([1, "realm1", {**CALLER, "authmethods": ["a", 5]}], "authmethods"),
    ([1, "realm1", {**CALLER, "resume-session": 5}], "resume-token"),
    ([2, 1, {**BROKER, "resumable": True}], "resume_token"),
    ([2, 1, CALLER], "caller"),
    ([3, {"message": None}, "a.b"], "message"),
    ([4, "t", {1: 2}], "'extra' in CHALLENGE"),
    ([5, b"x", {}], "'signature' in AUTHENTICATE"),
    ([6, {}, "a.b."], "'reason' in GOODBYE"),
    ([8, 5, 1, {}, "a.b"], "'request_type' in ERROR"),
    ([8, "48", 1, {}, "a.b"], "'request_type' in ERROR"),
    ([8, 48, 1, {}, "a..b"], "'error' in ERROR"),
    ([32, 1, {"match": "foo"}, "a"], "invalid value 'foo' for 'match' option in SUBSCRIBE"),
    ([32, 1, {"match": []}, "a"], "match"),
    ([35, 1, {"subscription": 5}], "request 0 only"),
    ([67, 1, {"reason": "a.b"}], "request 0 only"),
    ([48, 1, {"timeout": -1}, "a.b"], "timeout"),
    ([48, 1, {"timeout": 1.5}, "a.b"], "timeout"),
    ([48, 1, {"timeout": 2**60}, "a.b"], "timeout"),
    ([49, 1, {"mode": "abort"}], "mode"),
    ([64, 1, {}, "a..b"], "'procedure' in REGISTER"),
    ([64, 1, {}, "a."], "'procedure' in REGISTER"),
    ([64, 1, {"match": "prefix"}, "a..b"], "'procedure' in REGISTER"),
    ([64, 1, {"concurrency": 0}, "a.b"], "concurrency"),
    ([69, 1, {"mode": "skip"}], "mode"),
]


@pytest.mark.parametrize("wmsg", SAME, ids=repr)
def test_what_is_parsed_is_marshaled_again(wmsg: list[Any]) -> None:
    msg = parse_message(wmsg)
    assert msg.marshal() == wmsg
    assert type(msg) is MESSAGE_CLASSES[wmsg[0]]
    assert msg == type(msg).parse(wmsg)


def test_every_message_and_every_option_is_among_the_samples() -> None:
    seen: dict[type[Message], set[str]] = {cls: set() for cls in MESSAGE_CLASSES.values()}
    for wmsg in SAME:
        msg = parse_message(wmsg)
        seen[type(msg)] |= {field for field in msg.SCHEMA.fields if getattr(msg, field) is not None}
    missing = {cls.__name__: sorted(set(cls.SCHEMA.elements) - fields) for cls, fields in seen.items()}
    assert not any(missing.values()), missing
    options = {field for cls in MESSAGE_CLASSES.values() for field in cls.SCHEMA.fields}
    assert options - set().union(*seen.values()) == set()


@pytest.mark.parametrize(("wmsg", "marshaled"), CHANGED, ids=repr)
def test_what_means_nothing_is_left_out(wmsg: list[Any], marshaled: list[Any]) -> None:
    assert parse_message(wmsg).marshal() == marshaled


@pytest.mark.parametrize(("wmsg", "text"), BAD, ids=[f"{i}-{text}" for i, (_, text) in enumerate(BAD)])
def test_bad_messages_are_protocol_errors(wmsg: Any, text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_message(wmsg)
    assert text in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_checks_do_not_vanish_under_optimization() -> None:
    code = (
        "from autobahn_fast.wamp.message import parse_message as p\n"
        "from autobahn_fast.wamp.exception import ProtocolError\n"
        "for m in ([16, 'x', {}, 'a'], [16, 1, {'exclude': [None]}, 'a'], [35, 1, {'subscription': 1}]):\n"
        "    try: p(m)\n"
        "    except ProtocolError: continue\n"
        "    raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-O", "-c", code], check=True, timeout=60)


def test_a_bad_uri_is_both_errors() -> None:
    with pytest.raises(InvalidUriError) as caught:
        message.Publish.parse([16, 1, {}, "a b"])
    assert isinstance(caught.value, ProtocolError)


def test_a_class_parses_its_own_messages_only() -> None:
    with pytest.raises(ProtocolError, match="must be 16"):
        message.Publish.parse([36, 1, {}, "a.b"])
    assert isinstance(Message.parse([17, 1, 2]), message.Published)


def test_undefined_is_absent() -> None:
    for undefined in (cbor2.undefined, msgpack.ExtType(0, b"\0")):
        msg = parse_message([32, 1, {"match": undefined, "get_retained": undefined}, "a.b"])
        assert (msg.match, msg.get_retained) == ("exact", None)
    with pytest.raises(ProtocolError):
        parse_message([32, 1, {"match": msgpack.ExtType(1, b"\0")}, "a.b"])


def test_parsed_values() -> None:
    msg = parse_message([16, 1, {"acknowledge": True}, "a.b"])
    assert (msg.args, msg.kwargs, msg.payload, msg.enc_algo, msg.forward_for) == (None, None, None, None, None)
    assert (msg.request, msg.topic, msg.acknowledge, msg.exclude_me) == (1, "a.b", True, None)
    msg = parse_message([16, 1, {}, "a.b", [1], {"k": 2}])
    assert (msg.args, msg.kwargs) == ([1], {"k": 2})
    msg = parse_message([2, 1, {**BROKER, "x_a1": 5}])
    assert msg.custom == {"x_a1": 5}
    assert msg.roles == {"broker": RoleBrokerFeatures()}


def test_constructor_defaults() -> None:
    assert message.Goodbye().marshal() == [6, {}, "wamp.close.normal"]
    assert message.Challenge("t").marshal() == [4, "t", {}]
    assert message.Authenticate("s").extra == {}
    assert message.Subscribe(1, "a").match == message.Subscribe.MATCH_EXACT
    assert message.Register(1, "a").invoke == message.Register.INVOKE_SINGLE
    assert message.Welcome(1, {"broker": RoleBrokerFeatures()}).custom == {}
    assert message.Publish(1, "a", kwargs={"k": 1}).marshal() == [16, 1, {}, "a", [], {"k": 1}]
    hello = message.Hello("realm1", {"caller": RoleCallerFeatures(call_canceling=True)})
    assert hello.marshal() == [1, "realm1", {"roles": {"caller": {"features": {"call_canceling": True}}}}]


def test_constants() -> None:
    assert (message.Cancel.SKIP, message.Cancel.KILL, message.Cancel.KILLNOWAIT) == ("skip", "kill", "killnowait")
    assert (message.Interrupt.KILL, message.Interrupt.KILLNOWAIT) == ("kill", "killnowait")
    invoke = [getattr(message.Register, f"INVOKE_{n}") for n in ("SINGLE", "FIRST", "LAST", "ROUNDROBIN", "RANDOM")]
    assert invoke == ["single", "first", "last", "roundrobin", "random"]
    assert message.EventReceived.MESSAGE_TYPE == 337


def test_parameters_are_in_autobahns_order() -> None:
    def names(cls: type[Message]) -> list[str]:
        return list(inspect.signature(cls).parameters)

    payload = ["args", "kwargs", "payload"]
    enc = ["enc_algo", "enc_key", "enc_serializer"]
    assert names(message.Result)[:12] == [
        "request", *payload, "progress", *enc, "callee", "callee_authid", "callee_authrole", "forward_for",
    ]  # fmt: skip
    assert names(message.Call)[:16] == [
        "request", "procedure", *payload, "timeout", "receive_progress", "transaction_hash", *enc, "caller",
        "caller_authid", "caller_authrole", "forward_for", "from_fbs",
    ]  # fmt: skip
    assert names(message.Error)[:3] == ["request_type", "request", "error"]
    assert names(message.Unsubscribed) == ["request", "subscription", "reason", "from_fbs"]


def test_attributes_have_autobahns_private_names_too() -> None:
    msg = message.Publish(1, "a.b", exclude_authid=["a"])
    assert msg._request == 1
    assert msg._exclude_authid == ["a"]
    msg.correlation_id = "c"
    msg._router_internal = True
    assert (msg._correlation_id, msg._router_internal) == ("c", True)
    with pytest.raises(AttributeError):
        msg.something = 1


def test_equality_is_that_of_the_fields() -> None:
    one, other = message.Publish(1, "a.b", args=[1]), message.Publish(1, "a.b", args=[1])
    other.correlation_id = "x"
    assert one == other
    assert one != message.Publish(1, "a.b", args=[2])
    assert one != message.Publish(2, "a.b", args=[1])
    assert one != [16, 1, {}, "a.b", [1]]
    assert message.Publish(1, "a.b", args=[], kwargs={}) == message.Publish(1, "a.b")
    with pytest.raises(TypeError):
        hash(one)


class Upper:
    NAME = "upper"
    count = 0

    def serialize(self, obj: Any) -> bytes:
        self.count += 1
        return repr(obj).upper().encode()


def test_serialized_forms_are_kept_until_uncached() -> None:
    msg, serializer = message.Published(1, 2), Upper()
    assert msg._serialized == {}
    assert msg.serialize(serializer) == msg.serialize(serializer) == b"[17, 1, 2]"
    assert (serializer.count, msg._serialized) == (1, {serializer: b"[17, 1, 2]"})
    msg.request = 3
    msg.uncache()
    assert msg._serialized == {}
    assert msg.serialize(serializer) == b"[17, 3, 2]"


def test_repr_is_short_and_hides_secrets() -> None:
    assert repr(message.Publish(1, "a.b", args=[1])) == "Publish(request=1, topic='a.b', args=[1])"
    assert "s3cret" not in repr(message.Authenticate("s3cret", {"nonce": "s3cret"}))
    assert "s3cret" not in str(message.Hello("r", {}, authextra={"ticket": "s3cret"}, resume_token="s3cret"))
    assert (
        len(repr(message.Publish(1, "a", args=["x" * 10**6, 10**5000], kwargs={str(i): i for i in range(9999)}))) < 500
    )


def test_messages_without_a_declaration_have_no_wire_form() -> None:
    with pytest.raises(ProtocolError):
        Message().marshal()
    with pytest.raises(AttributeError):
        _ = message.MessageWithForwardFor().forward_for


# --- checks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, 2**53])
def test_ids(value: int) -> None:
    assert message.check_or_raise_id(value) == value


@pytest.mark.parametrize("value", [True, -1, 2**53 + 1, 1.0, "1", None, 1 << 4000])
def test_not_ids(value: Any) -> None:
    with pytest.raises(ProtocolError, match="^here: "):
        message.check_or_raise_id(value, "here")


LOOSE, LAST, EMPTY, STRICT = {}, {"allow_last_empty": True}, {"allow_empty_components": True}, {"strict": True}


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ("a", LOOSE),
        ("com.A-b.ä", LOOSE),
        ("a.b.", LAST),
        ("", LAST),
        ("a..b", EMPTY),
        ("..", EMPTY),
        ("", EMPTY),
        ("a_1.b", STRICT),
        ("a.", {**STRICT, **LAST}),
        (".a", {**STRICT, **EMPTY}),
    ],
)
def test_uris(value: str, rules: dict[str, bool]) -> None:
    assert message.check_or_raise_uri(value, **rules) == value


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        (None, LOOSE),
        (5, LOOSE),
        (b"a", LOOSE),
        ("", LOOSE),
        ("a.b.", LOOSE),
        (".a", LAST),
        ("a..b", LAST),
        ("a b", EMPTY),
        ("a#", EMPTY),
        ("a\n", LOOSE),
        ("A", STRICT),
        ("ä", STRICT),
        ("a-b", STRICT),
        ("a\n", STRICT),
        ("x" * 10**6 + "#", LOOSE),
    ],
)
def test_not_uris(value: Any, rules: dict[str, bool]) -> None:
    with pytest.raises(InvalidUriError) as caught:
        message.check_or_raise_uri(value, "here", **rules)
    assert str(caught.value).startswith("here: ")
    assert len(str(caught.value)) < 400


def test_no_uri_where_that_is_allowed() -> None:
    assert message.check_or_raise_uri(None, allow_none=True) is None


def test_known_uris_are_bounded() -> None:
    from autobahn_fast.wamp import _kinds

    for i in range(_kinds._KNOWN_URIS_MAX + 10):
        assert _kinds.is_uri(f"a.b{i}")
    assert len(_kinds._known_uris) <= _kinds._KNOWN_URIS_MAX
    assert _kinds.is_uri("x" * 10**5)
    assert "x" * 10**5 not in _kinds._known_uris
    assert not _kinds.is_uri("a b")


ADDRESS = "0x" + "aF" * 20


@pytest.mark.parametrize(
    ("value", "category"),
    [
        ("realm1", "standalone"),
        ("abc", "standalone"),
        ("a" * 255, "standalone"),
        ("realm@x", "standalone"),
        ("a.eth", "standalone"),
        ("wamp-proto.eth", "ens"),
        ("eth.wamp-proto", "reverse_ens"),
        (ADDRESS, "eth"),
        ("ab", None),
        ("a" * 256, None),
        ("1abc", None),
        ("foo bar", None),
        ("abc\n", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_realm_names(value: Any, category: str | None) -> None:
    assert message.identify_realm_name_category(value) == category
    if category is not None:
        assert message.check_or_raise_realm_name(value) == value
    else:
        with pytest.raises(InvalidUriError):
            message.check_or_raise_realm_name(value)


def test_an_address_is_a_realm_name_only_if_allowed() -> None:
    with pytest.raises(InvalidUriError):
        message.check_or_raise_realm_name(ADDRESS, allow_eth=False)


def test_extra() -> None:
    assert message.check_or_raise_extra({"a": 1}) == {"a": 1}
    for value in (None, [], {1: 2}):
        with pytest.raises(ProtocolError):
            message.check_or_raise_extra(value)


def test_encryption_names() -> None:
    assert [bool(message.is_valid_enc_algo(v)) for v in ("cryptobox", "xbr", "x_own", "own", "", None, 5)] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip
    assert [bool(message.is_valid_enc_serializer(v)) for v in ("json", "flatbuffers", "x_own", "opaque", None)] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_b2a() -> None:
    assert message.b2a(b"abc") == "616263"
    assert message.b2a(None) == "-"
    assert message.b2a("x" * 50) == "x" * 40 + ".."
