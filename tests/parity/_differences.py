# SPDX-License-Identifier: MIT
"""What autobahn_fast does otherwise than autobahn on purpose: for which outcomes, and why. Everything else must be equal.

Each difference has an example, which a test checks to be one: a difference that has gone must leave this table.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

Outcome = tuple[Any, ...]


class Difference(NamedTuple):
    """One deliberate difference."""

    action: str
    why: str
    applies: Callable[[tuple[Any, ...], Outcome, Outcome], bool]
    example: tuple[Any, ...]


def is_error(outcome: Outcome, name: str = "Exception") -> bool:
    """Whether it raised an exception of a class."""
    return outcome[0] == "raises" and name in outcome[1]


def same(theirs: Outcome, ours: Outcome) -> bool:
    """Whether two outcomes are equal: values, or an exception that everything catches which catches theirs."""
    if theirs[0] != ours[0]:
        return False
    return theirs == ours if theirs[0] == "value" else set(theirs[1]) <= set(ours[1])


def is_dict(value: Any) -> bool:
    """Whether it was a dict before it was made plain."""
    return isinstance(value, list) and all(isinstance(i, list) and len(i) == 2 and isinstance(i[0], str) for i in value)


EMPTY = (None, False, 0, "", b"", [], "0.0", "-0.0")


def covers(mine: Any, others: Any) -> bool:
    """Whether one message's list says all that another's does, empty options aside, and no more but options."""
    if is_dict(mine) and is_dict(others):
        return all(item[1] in EMPTY or any(covers(own, item) for own in mine) for item in others)
    if isinstance(mine, list) and isinstance(others, list):
        pairs = zip(mine, others, strict=False)
        more = mine[len(others) :] + others[len(mine) :]
        return all(covers(*pair) for pair in pairs) and all(is_dict(item) or item in EMPTY for item in more)
    return bool(mine == others)


def same_but_for_options(args: tuple[Any, ...], theirs: Outcome, ours: Outcome) -> bool:
    """The messages are equal but for options."""
    return theirs[0] == ours[0] == "value" and covers(ours[1], theirs[1])


def same_features(args: tuple[Any, ...], theirs: Outcome, ours: Outcome) -> bool:
    """Ours has the features that theirs has, and more of its own."""
    if theirs[0] != "value":
        return False
    if ours[0] != "value":
        known = {name for name, _ in theirs[1][1]}
        return is_error(ours, "ProtocolError") and any(name not in known for name in args[1])
    return theirs[1][0] == ours[1][0] and all(feature in ours[1][1] for feature in theirs[1][1])


def contains(mine: Any, others: Any) -> bool:
    """Whether everything of ``others`` is in ``mine``."""
    if isinstance(others, list) and isinstance(mine, list):
        return all(any(contains(each, other) for each in mine) for other in others)
    return bool(mine == others)


def events_are_those_before_the_violation(args: tuple[Any, ...], theirs: Outcome, ours: Outcome) -> bool:
    """Ours ends with the first frame that breaks the protocol."""
    if theirs[0] != "value" or ours[0] != "value":
        return False
    (_, code, _, events), (_, our_code, _, our_events) = theirs[1], ours[1]
    return code == our_code and code not in (None, 1000) and events[: len(our_events) - 1] == our_events[:-1]


def is_refused(outcome: Outcome) -> bool:
    """Whether a server has answered with an error."""
    return outcome[0] == "value" and outcome[1][0][0][9:10] in "45"


def callbacks(outcome: Outcome) -> list[Any]:
    """The events of a session's life, the order of ``onDisconnect`` and the listeners of ``leave`` settled."""
    events = [["sent", "Goodbye"] if event[:2] == ["sent", "Goodbye"] else event for event in outcome[1][0]]
    for place, (event, following) in enumerate(itertools.pairwise(events)):
        if (event, following) == ("onDisconnect", "on leave"):
            events[place], events[place + 1] = following, event
    return events


def same_life(args: tuple[Any, ...], theirs: Outcome, ours: Outcome) -> bool:
    """The same but for the order of two callbacks and the reason in the answer to GOODBYE."""
    return callbacks(theirs) == callbacks(ours) and theirs[1][1:] == ours[1][1:]


WELCOME = [2, 7, {"realm": "realm1", "authid": "joe", "authrole": "user", "roles": {"broker": {}, "dealer": {}}}]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    "GET / HTTP/1.1\r\nHost: localhost:9000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
)

DIFFERENCES = [
    Difference(
        "parse",
        "autobahn drops what is empty, and options that it does not know (payload passthru mode, rkey, disclose_me, forward_timeout ...)",
        same_but_for_options,
        ([48, 1, {"ppt_scheme": "x_own"}, "com.example.add"],),
    ),
    Difference(
        "parse",
        "a peer's message never raises anything but ProtocolError",
        lambda args, theirs, ours: is_error(theirs) and is_error(ours, "ProtocolError"),
        ([70, 1, {"enc_algo": "x_own", "enc_key": {}}, b"x"],),
    ),
    Difference(
        "parse",
        "the type of every option is checked",
        lambda args, theirs, ours: theirs[0] == "value" and is_error(ours, "ProtocolError") and "invalid" in ours[2],
        ([64, 1, {"force_reregister": 0.0}, "com.example.add"],),
    ),
    Difference(
        "parse",
        "the answer to CANCEL may be an ERROR of that type",
        lambda args, theirs, ours: is_error(theirs, "ProtocolError") and ours[0] == "value" and args[0][1] == 49,
        ([8, 49, 1, {}, "wamp.error.canceled"],),
    ),
    Difference(
        "parse",
        "id 0 in the answer that says that a subscription or registration was revoked is no crash",
        lambda args, theirs, ours: is_error(theirs, "AssertionError") and ours[0] == "value" and args[0][0] in (35, 67),
        ([35, 0, {"subscription": 0}],),
    ),
    Difference(
        "check_uri",
        "a line feed at the end does not belong to a URI",
        lambda args, theirs, ours: args[0].endswith("\n") and is_error(ours, "InvalidUriError"),
        ("com.example\n", False, False, False, False),
    ),
    Difference(
        "check_realm",
        "a line feed at the end does not belong to a realm",
        lambda args, theirs, ours: args[0].endswith("\n") and is_error(ours, "InvalidUriError"),
        ("realm1\n", True),
    ),
    Difference(
        "realm_category",
        "a line feed at the end does not belong to a realm",
        lambda args, theirs, ours: args[0].endswith("\n") and ours == ("value", None),
        ("realm1\n",),
    ),
    Difference(
        "create_url",
        "port 65535 is one, and a path of a Unix domain socket is needed",
        lambda args, theirs, ours: args[1].get("port") == 65535 or args[1].get("hostname") == "unix",
        ("websocket", {"hostname": "localhost", "port": 65535}),
    ),
    Difference(
        "create_url",
        "without an error where autobahn has one for an empty host name only with a port",
        lambda args, theirs, ours: not args[1].get("hostname") and ours[0] != theirs[0],
        ("websocket", {"hostname": "", "port": 65535}),
    ),
    Difference(
        "parse_url",
        "unix without a path is no IndexError; a colon may be in the path",
        lambda args, theirs, ours: "unix" in args[1],
        ("websocket", "ws://unix"),
    ),
    Difference(
        "pattern",
        "a URI that does not match is an error for every kind of pattern",
        lambda args, theirs, ours: is_error(ours, "ValueError") and "does not match" in ours[2],
        ("com.example", 1, "com.other"),
    ),
    Difference(
        "pattern",
        "what unnamed components match are arguments in their order, not keyword arguments",
        lambda args, theirs, ours: ours[0] == "value" and "" in args[0].split("."),
        ("com..<x:suffix>", 1, "com.a.b"),
    ),
    Difference("role", "the specification has more features", same_features, ("caller", {})),
    Difference(
        "default_roles",
        "more features are implemented and announced",
        lambda args, theirs, ours: contains(ours[1], theirs[1]),
        (),
    ),
    Difference(
        "error_constants",
        "ApplicationError has three constants more",
        lambda args, theirs, ours: contains(ours[1], theirs[1]) and len(ours[1]) == len(theirs[1]) + 3,
        (),
    ),
    Difference(
        "details",
        "SessionIdent without values can be marshalled",
        lambda args, theirs, ours: args[0] == "SessionIdent" and is_error(theirs, "AssertionError"),
        ("SessionIdent", {}, (), "marshal"),
    ),
    Difference(
        "details",
        "the type of every argument is checked",
        lambda args, theirs, ours: theirs[0] == "value" and is_error(ours, "InvalidArgument"),
        ("CallOptions", {"caller": 2**53 + 1}, ()),
    ),
    Difference(
        "protocol_options",
        "the type and range of every option is checked",
        lambda args, theirs, ours: is_error(ours, "InvalidArgument"),
        (True, {"tcpNoDelay": 8}, ("tcpNoDelay",)),
    ),
    Difference(
        "protocol_options",
        "0 and 1 are taken for False and True, everywhere",
        lambda args, theirs, ours: ours[0] == "value" and any(type(value) is int for value in args[1].values()),
        (False, {"autoPingRestartOnAnyTraffic": 0}, ("autoPingRestartOnAnyTraffic",)),
    ),
    Difference(
        "protocol_options",
        "a policy for Flash sockets ends with NUL, as Flash wants it",
        lambda args, theirs, ours: "flashSocketPolicy" in args[1] and ours[0] == theirs[0] == "value",
        (True, {"flashSocketPolicy": "<policy/>"}, ("flashSocketPolicy",)),
    ),
    Difference(
        "frames",
        "nothing is read behind a violation, and an invalid close frame is no clean close",
        events_are_those_before_the_violation,
        ([b"\x8a\xfe\x00\x7eabcd" + bytes(126)], {"failByDrop": False}),
    ),
    Difference(
        "server_handshake",
        "what is no well-formed request (RFC 9112) is refused with 400",
        lambda args, theirs, ours: ours[0] == "value" and ours[1][0][0] == "HTTP/1.1 400",
        (("GET  / HTTP/1.1\r\n" + REQUEST.partition("\r\n")[2] + "\r\n").encode(), {}, {}, None),
    ),
    Difference(
        "server_handshake",
        "a refusal has the status that says why: 403 for an origin, 426 for a request that is no handshake",
        lambda args, theirs, ours: is_refused(theirs) and ours[1][0][0] in ("HTTP/1.1 403", "HTTP/1.1 426"),
        (
            (REQUEST + "Origin: http://evil.example\r\n\r\n").encode(),
            {},
            {"allowedOrigins": ["http://localhost:*"]},
            None,
        ),
    ),
    Difference(
        "server_handshake",
        "a request that asks for no upgrade gets the status page, whatever port it names",
        lambda args, theirs, ours: is_refused(theirs) and ours[1][0][0] == "HTTP/1.1 200",
        (REQUEST.replace("Upgrade: websocket\r\n", "").encode() + b"\r\n", {"externalPort": 80}, {}, None),
    ),
    Difference(
        "server_handshake",
        "an offer of a compression that cannot be accepted is declined, not refused",
        lambda args, theirs, ours: (
            b"Sec-WebSocket-Extensions" in args[0] and is_refused(theirs) and not is_refused(ours)
        ),
        ((REQUEST + "Sec-WebSocket-Extensions: permessage-deflate; nonsense\r\n\r\n").encode(), {}, {}, None),
    ),
    Difference(
        "client_handshake",
        "a header may be repeated, and its value have octets behind ASCII (RFC 9110)",
        lambda args, theirs, ours: args[0].lower().count("upgrade:") > 1 or not args[0].isascii(),
        (
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nX: ü\r\n\r\n",
            {},
            {},
        ),
    ),
    Difference(
        "client_handshake",
        "an IPv6 address stands in brackets in the header Host",
        lambda args, theirs, ours: "[" in args[1].get("url", "") and theirs[1][1:] == ours[1][1:],
        (
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
            {"url": "ws://[::1]:9000/"},
            {},
        ),
    ),
    Difference(
        "session_life",
        "GOODBYE is answered with wamp.close.goodbye_and_out; listeners of leave come before onDisconnect",
        same_life,
        ([WELCOME, [6, {}, "wamp.close.normal"]], {}),
    ),
    Difference(
        "session_life",
        "behind leave() requests raise, as no answer would come; autobahn sends them behind GOODBYE",
        lambda args, theirs, ours: "leave" in args[0] and any(event[1:2] == ["raised"] for event in ours[1][0]),
        ([WELCOME, "leave", "call"], {}),
    ),
    Difference(
        "session_life",
        "ABORT of a router may come at any time",
        lambda args, theirs, ours: any(isinstance(step, list) and step[0] == 3 for step in args[0]),
        ([WELCOME, [3, {}, "wamp.error.system_shutdown"]], {}),
    ),
    Difference(
        "session_life",
        "what callbacks raise is reported to onUserError; onConnect, onChallenge and onWelcome that raise end the session",
        lambda args, theirs, ours: bool(args[1]),
        ([WELCOME], {"onJoin": "raise"}),
    ),
]


def is_deliberate(action: str, args: tuple[Any, ...], theirs: Outcome, ours: Outcome) -> bool:
    """Whether one of the differences explains it."""
    return any(each.action == action and each.applies(args, theirs, ours) for each in DIFFERENCES)
