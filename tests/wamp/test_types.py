# SPDX-License-Identifier: MIT
"""Option, detail and result classes: what they take, what they refuse, and what goes into messages."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from autobahn_fast.exception import InvalidArgument
from autobahn_fast.wamp.message import Call, Publish, Register, Subscribe
from autobahn_fast.wamp.request import (
    CallRequest,
    Endpoint,
    Handler,
    InvocationRequest,
    Publication,
    PublishRequest,
    RegisterRequest,
    Registration,
    SubscribeRequest,
    Subscription,
    UnregisterRequest,
    UnsubscribeRequest,
)
from autobahn_fast.wamp.types import (
    Accept,
    CallDetails,
    CallOptions,
    CallResult,
    Challenge,
    CloseDetails,
    ComponentConfig,
    Deny,
    EncodedPayload,
    EventDetails,
    HelloDetails,
    HelloReturn,
    PublishOptions,
    RegisterOptions,
    SessionDetails,
    SessionIdent,
    SubscribeOptions,
    TransportDetails,
)

HOPS = [{"session": 7, "authid": "f", "authrole": "g"}]
SUB = Subscription(1, "com.t", None, Handler(print))
REG = Registration(None, 5, "com.p", Endpoint(print))

JUNK: dict[str, list[Any]] = {
    "bool": [0, 1, "x", [], 1.0],
    "str": [5, b"x", True, [], {}],
    "id": ["x", True, -1, 2**53 + 1, 1.0],
    "list": ["x", 5, (), {}],
}

WRONG: list[tuple[Any, dict[str, Any], str, list[Any]]] = [
    (CallOptions, {}, "on_progress", [5, "x", [], {}]),
    (CallOptions, {}, "timeout", [0, -1, True, "x", [], float("nan")]),
    (CallOptions, {}, "transaction_hash", JUNK["str"]),
    (CallOptions, {}, "caller", JUNK["id"]),
    (CallOptions, {}, "caller_authid", JUNK["str"]),
    (CallOptions, {}, "forward_for", [*JUNK["list"], [5], [{}], [{"session": "x"}], [{"session": 1, "authid": 5}]]),
    (CallOptions, {}, "details", JUNK["bool"]),
    (CallDetails, {"registration": REG}, "progress", [5, True, "x"]),
    (CallDetails, {"registration": REG}, "caller", JUNK["id"]),
    (CallDetails, {"registration": REG}, "procedure", JUNK["str"]),
    (CallDetails, {}, "registration", [None, 5, SUB]),
    (PublishOptions, {}, "acknowledge", JUNK["bool"]),
    (PublishOptions, {}, "exclude_me", JUNK["bool"]),
    (PublishOptions, {}, "exclude", ["x", True, ["x"], [True], (1,), {}]),
    (PublishOptions, {}, "eligible", ["x", 1.5, [None]]),
    (PublishOptions, {}, "exclude_authid", [5, [5], ("a",), {}]),
    (PublishOptions, {}, "eligible_authrole", [5, [5], b"x"]),
    (PublishOptions, {}, "retain", JUNK["bool"]),
    (EventDetails, {"subscription": SUB, "publication": 1}, "publisher", JUNK["id"]),
    (EventDetails, {"subscription": SUB, "publication": 1}, "retained", JUNK["bool"]),
    (EventDetails, {"subscription": SUB, "publication": 1}, "topic", JUNK["str"]),
    (EventDetails, {"subscription": SUB}, "publication", [None, *JUNK["id"]]),
    (EventDetails, {"publication": 1}, "subscription", [None, 1, REG]),
    (SubscribeOptions, {}, "match", ["x", 5, True, []]),
    (SubscribeOptions, {}, "details_arg", JUNK["str"]),
    (SubscribeOptions, {}, "get_retained", JUNK["bool"]),
    (RegisterOptions, {}, "invoke", ["x", 5, "exact"]),
    (RegisterOptions, {}, "concurrency", [0, -1, True, 1.5, "x"]),
    (RegisterOptions, {}, "force_reregister", JUNK["bool"]),
    (ComponentConfig, {}, "realm", JUNK["str"]),
    (CloseDetails, {}, "reason", JUNK["str"]),
    (Accept, {}, "authextra", [5, "x", [], {1: 2}]),
    (Deny, {}, "reason", [None, *JUNK["str"]]),
    (Challenge, {}, "method", [None, *JUNK["str"]]),
    (HelloDetails, {}, "authmethods", ["x", [5], ()]),
    (HelloDetails, {}, "resume_session", JUNK["id"]),
    (EncodedPayload, {"enc_algo": "x"}, "payload", [None, "x", 5]),
    (EncodedPayload, {"payload": b""}, "enc_algo", [None, 5]),
]


@pytest.mark.parametrize(("cls", "given", "field", "values"), WRONG, ids=lambda v: getattr(v, "__name__", None))
def test_wrong_arguments_are_refused(cls: Any, given: dict[str, Any], field: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(AssertionError, match=f"{cls.__name__}: {field} must be") as caught:
            cls(**given, **{field: value})
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, ValueError)


def test_the_checks_do_not_vanish_under_optimization() -> None:
    code = (
        "from autobahn_fast.wamp.types import PublishOptions\n"
        "try: PublishOptions(exclude='x')\n"
        "except AssertionError: raise SystemExit(0)\n"
        "raise SystemExit(1)"
    )
    subprocess.run([sys.executable, "-O", "-c", code], check=True, timeout=60)


def test_options_go_into_messages() -> None:
    assert CallOptions().message_attr() == {}
    options = CallOptions(on_progress=print, timeout=5, caller=1, forward_for=HOPS, transaction_hash="x", details=True)
    assert options.message_attr() == {
        "timeout": 5,
        "receive_progress": True,
        "transaction_hash": "x",
        "forward_for": HOPS,
        "caller": 1,
    }
    assert Call(1, "a.b", **options.message_attr()).timeout == 5

    publish = PublishOptions(
        acknowledge=True, exclude_me=False, exclude=5, exclude_authid="a", exclude_authrole=["r"], eligible=[1],
        eligible_authid=[], eligible_authrole="z", retain=True, correlation_id="c",
    )  # fmt: skip
    assert publish.message_attr() == {
        "acknowledge": True,
        "exclude_me": False,
        "exclude": [5],
        "exclude_authid": ["a"],
        "exclude_authrole": ["r"],
        "eligible": [1],
        "eligible_authid": [],
        "eligible_authrole": ["z"],
        "retain": True,
    }
    assert (publish.exclude, publish.exclude_authid) == (5, "a")
    assert Publish.parse(Publish(1, "a.b", **publish.message_attr()).marshal()).exclude == [5]

    subscribe = SubscribeOptions(match="prefix", details=True, get_retained=False, forward_for=[])
    assert subscribe.message_attr() == {"match": "prefix", "get_retained": False, "forward_for": []}
    assert Subscribe(1, "a", **subscribe.message_attr()).match == "prefix"

    register = RegisterOptions(match="wildcard", invoke="last", concurrency=2, force_reregister=True, details_arg="d")
    assert register.message_attr() == {
        "match": "wildcard",
        "invoke": "last",
        "concurrency": 2,
        "force_reregister": True,
    }
    assert Register(1, "a", **register.message_attr()).concurrency == 2


@pytest.mark.parametrize("cls", [SubscribeOptions, RegisterOptions])
def test_details(cls: Any) -> None:
    assert cls().details_arg is None
    assert cls(details=True).details_arg == "details"
    assert cls(details=False).details_arg is None
    assert cls(details_arg="d").details_arg == "d"
    with pytest.raises(InvalidArgument):
        cls(details=True, details_arg="d")


def test_positional_arguments() -> None:
    options = CallOptions(print, 5, "hash", 1, "id", "role", HOPS, "c", "u", True, False, True)
    assert (options.timeout, options.caller_authrole, options.correlation_is_last) == (5, "role", False)
    assert options.details is True
    details = EventDetails(SUB, 2, 3, "id", "role", "com.t", True, "hash", "cryptobox", HOPS)
    assert (details.publication, details.topic, details.forward_for) == (2, "com.t", HOPS)


def test_records_have_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        CallOptions().time_out = 5


def test_call_result() -> None:
    result = CallResult(1, 2, x=3, callee=5, callee_authid="a", callee_authrole="r", enc_algo="e", forward_for=HOPS)
    assert (result.results, result.kwresults) == ((1, 2), {"x": 3})
    assert (result.callee, result.callee_authid, result.enc_algo, result.forward_for) == (5, "a", "e", HOPS)
    with pytest.raises(AssertionError):
        CallResult(callee="x")
    assert "results=(1, 2)" in str(result)


def test_session_ident() -> None:
    call = CallDetails(REG, caller=1, caller_authid="a", caller_authrole="r")
    assert SessionIdent.from_calldetails(call).marshal() == {"session": 1, "authid": "a", "authrole": "r"}
    event = EventDetails(SUB, 1, publisher=2, publisher_authid="b", publisher_authrole="c")
    assert SessionIdent.from_eventdetails(event).marshal() == {"session": 2, "authid": "b", "authrole": "c"}
    relayed = CallDetails(REG, caller=1, forward_for=HOPS)
    assert SessionIdent.from_calldetails(relayed).marshal() == HOPS[0]
    with pytest.raises(AssertionError):
        SessionIdent.from_calldetails(event)
    with pytest.raises(AssertionError):
        SessionIdent.from_eventdetails(call)


def test_answers_to_hello() -> None:
    assert isinstance(Accept(realm="r"), HelloReturn)
    assert Deny().reason == "wamp.error.not_authorized"
    assert Challenge("ticket").extra == {}
    assert Challenge("ticket").extra is not Challenge("ticket").extra
    assert CloseDetails("a", "b").marshal() == {"reason": "a", "message": "b"}
    assert CloseDetails.REASON_DEFAULT == "wamp.close.normal"


def test_secrets_are_not_shown() -> None:
    for record in (
        Accept(authextra={"k": "s3cret"}),
        HelloDetails(resume_token="s3cret"),
        ComponentConfig("r", {"password": "s3cret"}),
        EncodedPayload(b"s3cret", "x", enc_key="s3cret"),
        SessionDetails(authextra={"k": "s3cret"}),
    ):
        assert "s3cret" not in str(record) + repr(record)


# --- transport and session details -----------------------------------------------------------------------------------

TRANSPORT = {
    "channel_type": "tls",
    "channel_framing": "websocket",
    "channel_serializer": "cbor",
    "own": "a",
    "peer": "b",
    "is_server": False,
    "own_pid": 1,
    "own_tid": 2,
    "own_fd": -1,
    "is_secure": True,
    "channel_id": {"tls-unique": b"a" * 32},
    "peer_cert": {"sha256": "AA"},
    "websocket_protocol": "wamp.2.cbor",
    "websocket_extensions_in_use": [{"extension": "x"}],
    "http_headers_received": {"a": "b"},
    "http_headers_sent": {"c": "d"},
    "http_cbtid": "q",
}


def test_transport_details() -> None:
    details = TransportDetails.parse(TRANSPORT)
    assert details.marshal() == TRANSPORT
    assert details == TransportDetails.parse(details.marshal())
    assert details != TransportDetails()
    assert (details.channel_type, details.channel_framing, details.channel_serializer) == (
        TransportDetails.CHANNEL_TYPE_TLS,
        TransportDetails.CHANNEL_FRAMING_WEBSOCKET,
        TransportDetails.CHANNEL_SERIALIZER_CBOR,
    )
    assert details.channel_typeid == "tls-websocket-cbor"
    assert TransportDetails().channel_typeid == "null-null-null"
    assert TransportDetails(channel_type=4).marshal()["channel_type"] == "tcp"
    details.http_cbtid = "other"
    assert (details._http_cbtid, details._peer_cert) == ("other", {"sha256": "AA"})
    with pytest.raises(AttributeError):
        details.channel_typeid = "x"
    parsed = TransportDetails.parse({"channel_id": {"tls-unique": "00" * 32}, "unknown": 1, "own": None})
    assert parsed.channel_id == {"tls-unique": bytes(32)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel_type", "foo"),
        ("channel_type", 4),
        ("channel_framing", []),
        ("own", 5),
        ("is_server", 1),
        ("own_pid", "x"),
        ("channel_id", 5),
        ("channel_id", {"tls-unique": "00ff"}),
        ("channel_id", {"tls-unique": "zz" * 32}),
        ("channel_id", {"tls-unique": 5}),
        ("channel_id", {"foo": "00" * 32}),
        ("peer_cert", "x"),
        ("websocket_extensions_in_use", "x"),
        ("http_headers_sent", []),
    ],
)
def test_bad_transport_details(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        TransportDetails.parse({field: value})


def test_constants_have_both_directions() -> None:
    for kind in ("TYPE", "FRAMING", "SERIALIZER"):
        names = getattr(TransportDetails, f"CHANNEL_{kind}_FROM_STR")
        numbers = getattr(TransportDetails, f"CHANNEL_{kind}_TO_STR")
        assert {number: name for name, number in names.items()} == numbers
        assert names["null"] == getattr(TransportDetails, f"CHANNEL_{kind}_NONE") == 0


def test_session_details() -> None:
    details = SessionDetails("realm1", 5, authid="a", transport=TransportDetails.parse(TRANSPORT), resumable=False)
    data = details.marshal()
    assert data["transport"] == TRANSPORT
    assert (data["realm"], data["session"], data["resumable"], data["resumed"]) == ("realm1", 5, False, None)
    assert SessionDetails.parse(data) == details
    assert SessionDetails.parse({"unknown": 1}) == SessionDetails()
    assert details != SessionDetails("realm1", 6)
    assert details != 5
    for field, value in (("realm", 5), ("session", "x"), ("authextra", {1: 2}), ("resumed", 5), ("transport", 5)):
        with pytest.raises(ValueError, match=r"."):
            SessionDetails.parse({field: value})
    with pytest.raises(AssertionError):
        SessionDetails.parse([])


# --- requests --------------------------------------------------------------------------------------------------------


class Session:
    def _unsubscribe(self, subscription: Subscription) -> str:
        return f"unsubscribe {subscription.id}"

    def _unregister(self, registration: Registration) -> str:
        return f"unregister {registration.id}"


def test_giving_up() -> None:
    subscription, registration = Subscription(1, "t", Session(), print), Registration(Session(), 2, "p", print)
    assert (subscription.unsubscribe(), registration.unregister()) == ("unsubscribe 1", "unregister 2")
    subscription.active = registration.active = False
    with pytest.raises(Exception, match="subscription no longer active"):
        subscription.unsubscribe()
    with pytest.raises(Exception, match="registration no longer active"):
        registration.unregister()


def test_request_records() -> None:
    assert str(Publication(5, False)) == "Publication(id=5, was_encrypted=False)"
    assert "id=1" in str(SUB)
    assert "com.p" in str(REG)
    assert PublishRequest(1, "f", True).was_encrypted is True
    assert SubscribeRequest(1, "t", "f", SUB.handler).topic == "t"
    assert UnsubscribeRequest(1, "f", 9).subscription_id == 9
    assert CallRequest(1, "p", "f", None).procedure == "p"
    assert InvocationRequest(1, "f").on_reply == "f"
    assert RegisterRequest(1, "f", "p", REG.endpoint).endpoint is REG.endpoint
    assert UnregisterRequest(1, "f", 8).registration_id == 8
    assert (Handler(print, 1, "d").obj, Endpoint(print, 1, "d").details_arg) == (1, "d")
