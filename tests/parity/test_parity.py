# SPDX-License-Identifier: MIT
"""The same calls, octets and events for autobahn and for autobahn_fast: the same outcome, or a difference of the table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import _differences
import _strategies as given_to
import pytest
from _messages import messages, mutated
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autobahn_fast.wamp import types
from autobahn_fast.wamp.message import MESSAGE_CLASSES
from autobahn_fast.wamp.role import ROLE_NAME_TO_CLASS
from autobahn_fast.websocket.protocol import WebSocketClientFactory, WebSocketServerFactory

Ask = Callable[..., tuple[Any, ...]]
Agree = Callable[..., None]
PHASES = (Phase.explicit, Phase.generate)  # outcomes are read as they are: shrinking takes minutes
# The same examples each time: what is found anew is a difference to look into, no reason to hold up others
some = settings(
    max_examples=60, deadline=None, phases=PHASES, derandomize=True, suppress_health_check=list(HealthCheck)
)
many = settings(
    max_examples=200, deadline=None, phases=PHASES, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def agree(theirs: Ask, ours: Ask) -> Agree:
    """``agree(action, *arguments)``: both do the same."""

    def check(action: str, *arguments: Any) -> None:
        expected, got = theirs(action, *arguments), ours(action, *arguments)
        if not _differences.same(expected, got) and not _differences.is_deliberate(action, arguments, expected, got):
            pytest.fail(f"{action}{arguments!r}\n  autobahn:      {expected!r}\n  autobahn_fast: {got!r}")

    return check


@pytest.mark.parametrize("difference", _differences.DIFFERENCES, ids=lambda each: f"{each.action}: {each.why}")
def test_every_difference_is_one(difference: _differences.Difference, theirs: Ask, ours: Ask) -> None:
    expected = theirs(difference.action, *difference.example)
    got = ours(difference.action, *difference.example)
    assert not _differences.same(expected, got)
    assert difference.applies(difference.example, expected, got), (expected, got)


# --- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", MESSAGE_CLASSES.values(), ids=lambda cls: cls.__name__)
def test_valid_messages(cls: Any, agree: Agree) -> None:
    @given(messages(cls))
    @settings(some, max_examples=40)
    def check(message: Any) -> None:
        agree("parse", message.marshal())

    check()


@given(wmsg=mutated().filter(lambda wmsg: wmsg and isinstance(wmsg[0], int) and len(repr(wmsg)) < 4000))
@many
def test_mutated_messages(wmsg: Any, agree: Agree) -> None:
    agree("parse", wmsg)


SERIALIZERS = ["JsonSerializer", "MsgPackSerializer", "CBORSerializer"]
PLAIN = {
    "Publish": {
        "request": 1,
        "topic": "com.example.topic",
        "args": [1, "ü", None, 1.5],
        "kwargs": {"a": [True]},
        "acknowledge": True,
    },
    "Call": {"request": 2**53, "procedure": "com.example.add", "args": [2, 3]},
    "Yield": {"request": 1, "args": [], "kwargs": {}},
    "Register": {"request": 1, "procedure": "com.example.add", "match": "prefix", "invoke": "roundrobin"},
    "Goodbye": {"reason": "wamp.close.normal", "message": "bye"},
    "Event": {"subscription": 1, "publication": 2, "args": [b"\x00\xff"]},
}


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("name", PLAIN)
def test_octets_are_the_same_and_are_read_by_both(serializer: str, name: str, agree: Agree, ours: Ask) -> None:
    agree("construct", name, PLAIN[name])
    agree("serialize", serializer, name, PLAIN[name])
    octets, binary = ours("serialize", serializer, name, PLAIN[name])[1]
    agree("unserialize", serializer, octets, binary)
    agree("unserialize", serializer, octets[:-1], binary)
    agree("unserialize", serializer, octets, not binary)


# --- options, details, roles, exceptions -----------------------------------------------------------------------------

DETAILS = [
    "Accept",
    "CallDetails",
    "CallOptions",
    "CallResult",
    "Challenge",
    "CloseDetails",
    "ComponentConfig",
    "Deny",
    "EncodedPayload",
    "EventDetails",
    "HelloDetails",
    "HelloReturn",
    "PublishOptions",
    "RegisterOptions",
    "SessionDetails",
    "SessionIdent",
    "SubscribeOptions",
    "TransportDetails",
]


@pytest.mark.parametrize("name", DETAILS)
def test_options_and_details(name: str, agree: Agree, theirs: Ask) -> None:
    signature = inspect.signature(getattr(types, name))
    known = [
        p
        for p in signature.parameters
        if theirs("details", name, {p: None}, ())[0] == "value" or p in REQUIRED.get(name, ())
    ]
    required = [
        p for p, parameter in signature.parameters.items() if parameter.default is parameter.empty and p in known
    ]

    @given(st.dictionaries(st.sampled_from(known), given_to.VALUES, max_size=2))
    @some
    def check(arguments: dict[str, Any]) -> None:
        arguments = {**dict.fromkeys(required), **arguments}
        agree("details", name, arguments, tuple(known))
        if hasattr(getattr(types, name), "message_attr"):
            agree("details", name, arguments, (), "message_attr")

    if known:
        check()


REQUIRED = {
    "Accept": ("realm",),
    "CallDetails": ("registration",),
    "Challenge": ("method",),
    "EncodedPayload": ("payload", "enc_algo"),
    "EventDetails": ("subscription", "publication"),
}

TRANSPORT = {
    "channel_type": ["tcp", "tls", "memory", "nothing", None],
    "channel_framing": ["websocket", "rawsocket", None],
    "channel_serializer": ["json", "msgpack", "cbor", None],
    "channel_id": [{"tls-unique": "ab"}, {}, None],
    "own": ["ws://localhost:9000", None],
    "peer": ["tcp4:127.0.0.1:9000", None],
    "is_server": [True, False, None],
    "own_pid": [1, None],
    "own_tid": [2, None],
    "is_secure": [True, False],
    "http_headers_received": [{"host": "x"}, None],
    "http_cbtid": ["abc", None],
    "websocket_protocol": ["wamp.2.json", None],
}


@given(data=st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in TRANSPORT.items()}))
@some
def test_transport_details(data: Any, agree: Agree) -> None:
    if data.get("channel_type") != "nothing":
        agree("parsed_details", "TransportDetails", data)
    agree("parsed_details", "SessionDetails", {"realm": "realm1", "session": 7, "authid": "joe", "transport": data})
    agree("parsed_details", "SessionDetails", {"realm": "realm1", "session": 7, "authrole": "user"})


@given(
    name=st.sampled_from(sorted(ROLE_NAME_TO_CLASS)),
    features=st.dictionaries(
        st.sampled_from(
            ["caller_identification", "call_timeout", "payload_transparency", "pattern_based_subscription", "x_own"]
        ),
        given_to.VALUES,
        max_size=2,
    ),
)
@some
def test_roles(name: str, features: Any, agree: Agree) -> None:
    agree("role", name, features)


def test_default_roles_and_constants(agree: Agree) -> None:
    agree("default_roles")
    agree("error_constants")


@pytest.mark.parametrize(
    "name",
    [
        "ApplicationError",
        "Disconnected",
        "Error",
        "InvalidUriError",
        "PayloadCorruptError",
        "PayloadExceededError",
        "ProtocolError",
        "SerializationError",
        "SessionNotReady",
        "TransportLost",
        "TypeCheckError",
    ],
)
def test_exceptions(name: str, theirs: Ask, ours: Ask) -> None:
    expected, got = theirs("exception_classes", name), ours("exception_classes", name)
    assert expected[0] == got[0] == "value"
    assert set(expected[1][0]) <= set(got[1][0])
    assert set(expected[1][1]) <= set(got[1][1])


@given(
    arguments=st.lists(st.sampled_from(["a.b", "text", "ü", 1, None]), max_size=3),
    keywords=st.dictionaries(st.sampled_from(["a", "callee", "enc_algo"]), st.sampled_from(["ü", 1]), max_size=2),
)
@some
def test_what_an_application_error_says(arguments: Any, keywords: Any, agree: Agree) -> None:
    agree("application_error", ("com.example.error", *arguments), keywords)


# --- URLs, URIs, headers ---------------------------------------------------------------------------------------------


@given(url=given_to.URLS)
@many
def test_urls(url: str, agree: Agree) -> None:
    agree("parse_url", "websocket", url)
    agree("parse_url", "rawsocket", url)


@given(
    arguments=given_to.URL_ARGUMENTS,
    path=st.sampled_from([None, "", "a", "/a", "a b"]),
    params=st.sampled_from([None, {}, {"a": 1}]),
)
@some
def test_urls_put_together(arguments: Any, path: Any, params: Any, agree: Agree) -> None:
    agree("create_url", "rawsocket", arguments)
    agree("create_url", "websocket", {**arguments, "path": path, "params": params})


@given(uri=given_to.PATTERNS, target=st.sampled_from([1, 2, 3, 0, None]), against=given_to.PATTERNS)
@many
def test_patterns(uri: str, target: Any, against: str, agree: Agree) -> None:
    agree("pattern", uri, target, against)
    agree("pattern", uri, target, uri)
    agree("starred", uri)


@given(value=given_to.URIS | given_to.VALUES, flags=st.tuples(*[st.booleans()] * 4))
@many
def test_uris(value: Any, flags: Any, agree: Agree) -> None:
    agree("check_uri", value, *flags)


@given(value=given_to.REALMS | given_to.VALUES, eth=st.booleans())
@some
def test_realms(value: Any, eth: bool, agree: Agree) -> None:
    agree("check_realm", value, eth)
    if isinstance(value, str):
        agree("realm_category", value)


@given(name=st.sampled_from(["check_or_raise_id", "check_or_raise_extra"]), value=given_to.VALUES)
@some
def test_ids_and_dicts(name: str, value: Any, agree: Agree) -> None:
    agree("check_other", name, value)


@pytest.mark.parametrize(
    "name",
    [
        "wamp.2.json",
        "wamp.2.msgpack.batched",
        "wamp.2",
        "wamp",
        "",
        "wamp.3.cbor",
        "wamp.x.json",
        None,
        1,
        "WAMP.2.json",
    ],
)
def test_subprotocols(name: Any, agree: Agree) -> None:
    agree("subprotocol", name)


# --- connections -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_server", [True, False], ids=["server", "client"])
def test_protocol_options(is_server: bool, agree: Agree, theirs: Ask) -> None:
    factory = WebSocketServerFactory if is_server else WebSocketClientFactory
    parameters = [name for name in inspect.signature(factory.setProtocolOptions).parameters if name != "self"]
    known = tuple(
        name for name in parameters if theirs("protocol_options", is_server, {name: None}, (name,))[0] == "value"
    )
    assert len(known) > 18
    plain = tuple(name for name in known if "Compression" not in name)
    agree("protocol_options", is_server, {}, plain)

    @given(
        st.dictionaries(
            st.sampled_from(known),
            given_to.VALUES | st.sampled_from([[13], [8, 13], [7], 12, 125, 126, 13, 18, 8]),
            max_size=2,
        )
    )
    @many
    def check(options: dict[str, Any]) -> None:
        agree("protocol_options", is_server, options, plain)

    check()


@given(case=given_to.SERVER_HANDSHAKES)
@many
def test_what_a_server_answers(case: Any, agree: Agree) -> None:
    agree("server_handshake", *case)


@given(case=given_to.CLIENT_HANDSHAKES)
@many
def test_what_a_client_makes_of_an_answer(case: Any, agree: Agree) -> None:
    agree("client_handshake", *case)


@given(octets=given_to.FRAMES, options=given_to.FRAME_OPTIONS)
@many
def test_frames_and_close_codes(octets: Any, options: Any, agree: Agree) -> None:
    agree("frames", octets, options)


@given(script=given_to.SCRIPTS)
@many
def test_the_life_of_a_session(script: Any, agree: Agree) -> None:
    agree("session_life", script, {})


@pytest.mark.parametrize("behaviour", ["onChallenge", "onConnect", "onDisconnect", "onJoin", "onWelcome"])
def test_callbacks_that_raise(behaviour: str, agree: Agree) -> None:
    agree("session_life", [[4, "ticket", {}], given_to.WELCOME, "call"], {behaviour: "raise"})
