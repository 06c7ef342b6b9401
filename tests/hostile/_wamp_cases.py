# SPDX-License-Identifier: MIT
"""Every message a router can send, changed in every way that makes it wrong. As a program: all of them, with or without -O."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

from _wamp_peer import SERIALIZERS, WELCOME, Client, Log, turns, verify

ID, URI, TEXT, DETAILS, ARGS, KWARGS = "id", "uri", "text", "dict", "list", "kwargs"

# Good messages to a client in the state of ``Client.busy``, and what their elements are.
JOINED: dict[str, tuple[list[Any], list[str]]] = {
    "ABORT": ([3, {}, "wamp.error.x"], [DETAILS, URI]),
    "GOODBYE": ([6, {}, "wamp.close.x"], [DETAILS, URI]),
    "ERROR": ([8, 48, 7, {}, "com.error", [1], {"a": 1}], ["code", ID, DETAILS, URI, ARGS, KWARGS]),
    "PUBLISHED": ([17, 4, 33], [ID, ID]),
    "SUBSCRIBED": ([33, 5, 33], [ID, ID]),
    "UNSUBSCRIBED": ([35, 8], [ID]),
    "EVENT": ([36, 100, 33, {}, [1], {"a": 1}], [ID, ID, DETAILS, ARGS, KWARGS]),
    "RESULT": ([50, 7, {}, [1], {"a": 1}], [ID, DETAILS, ARGS, KWARGS]),
    "REGISTERED": ([65, 6, 33], [ID, ID]),
    "UNREGISTERED": ([67, 9], [ID]),
    "INVOCATION": ([68, 2, 200, {}, [1], {"a": 1}], [ID, ID, DETAILS, ARGS, KWARGS]),
    "INTERRUPT": ([69, 1, {}], [ID, DETAILS]),
}
BEFORE_WELCOME: dict[str, tuple[list[Any], list[str]]] = {
    "WELCOME": (WELCOME, [ID, DETAILS]),
    "CHALLENGE": ([4, "ticket", {}], [TEXT, DETAILS]),
    "ABORT": ([3, {}, "wamp.error.x"], [DETAILS, URI]),
}
WRONG: dict[str, list[Any]] = {
    ID: [-1, 2**53 + 1, 2**64 - 1, 1.5, True, None, "1", [], {}],
    URI: ["", " ", "a b", "com..x", "#", ".", None, 5, [], {}, b"com.x"],
    TEXT: [None, 5, [], {}],
    DETAILS: [None, 5, "x", [], [1]],
    ARGS: [5, "x", {}, True],
    KWARGS: [5, "x", [], True],
    "code": [0, 999, -1, "48", None, 50],
}
WRONG_DETAILS: dict[str, list[dict[str, Any]]] = {
    "WELCOME": [{}, {"roles": None}, {"roles": {}}, {"roles": {"broker": 5}}, {**WELCOME[2], "authid": 5},
                {"roles": {"caller": {}}}, {**WELCOME[2], "realm": 5}, {**WELCOME[2], "resumable": 1}],
    "ERROR": [{"callee": -1}, {"callee_authid": 5}],
    "EVENT": [{"publisher": "x"}, {"topic": 5}, {"retained": 1}, {"publisher_authid": 7}],
    "RESULT": [{"progress": 1}, {"progress": "yes"}],
    "INVOCATION": [{"caller": -1}, {"timeout": "x"}, {"receive_progress": 1}, {"procedure": 5}, {"caller_authid": []}],
    "INTERRUPT": [{"mode": "gently"}, {"mode": 5}],
}  # fmt: skip
STRAY: list[Any] = [
    [1, "realm1", {"roles": {"caller": {}}}], [5, "x", {}], [16, 1, {}, "com.x"], [32, 1, {}, "com.x"], [34, 1, 2],
    [48, 1, {}, "com.x"], [49, 1, {}], [64, 1, {}, "com.x"], [66, 1, 2], [70, 1, {}],  # a client sends these
    WELCOME, [4, "ticket", {}],  # too late
    [17, 99, 1], [33, 99, 1], [35, 99], [36, 999, 1, {}], [50, 99, {}], [65, 99, 1], [67, 99], [68, 5, 999, {}],
    [8, 48, 99, {}, "com.error"], [8, 16, 99, {}, "com.error"], [8, 68, 1, {}, "com.error"],  # nobody asked
    [17, 7, 1], [50, 4, {}], [33, 6, 1], [65, 5, 1],  # asked something else
    [68, 1, 200, {}],  # an invocation that is under way
    [], [0], [999, 1], [2**60], [-1], [None], ["36", 100, 33, {}], [1.5], [True, 1], {}, "text", 5, None, [[36]],
]  # fmt: skip


def mutations(name: str, good: list[Any], kinds: list[str]) -> Iterator[list[Any]]:
    """All wrong forms of a message."""
    least = 1 + sum(kind not in (ARGS, KWARGS) for kind in kinds)
    if name in ("UNSUBSCRIBED", "UNREGISTERED"):
        yield [*good, 5]
    for length in range(1, least):
        yield good[:length]
    yield [*good, {}, 5, 6]
    for position, kind in enumerate(kinds, 1):
        for wrong in WRONG[kind]:
            yield [*good[:position], wrong, *good[position + 1 :]]
        if kind == DETAILS:
            for details in WRONG_DETAILS.get(name, []):
                yield [*good[:position], details, *good[position + 1 :]]


async def check_all(serializer: str) -> int:
    """Send each to a client of its own. :returns: how many there were."""
    count = 0
    for state, table in (("joined", JOINED), ("before", BEFORE_WELCOME)):
        cases = [(name, raw) for name, (good, kinds) in table.items() for raw in mutations(name, good, kinds)]
        if state == "joined":
            cases += [("stray", raw) for raw in STRAY]
        else:
            cases += [("too early", good) for name, (good, _) in JOINED.items() if name != "ABORT"]
        for name, raw in cases:
            client = Client(serializer)
            await check_one(client, state == "joined", client.codec.dumps(raw), (serializer, name, raw))
            count += 1
    return count


async def check_one(client: Client, joined: bool, octets: bytes, what: object) -> None:
    """Send a message that ends the session."""
    log = Log()
    await (client.busy() if joined else turns())
    client.take()
    client.say_octets(octets)
    client.say([36, 100, 77, {}])
    await turns()
    client.check_violation(what)
    if joined:
        verify((77,) not in [event[0] for event in client.events], "an event behind the violation was delivered")
    verify([r.levelname for r in log.records] == ["WARNING"], what, [r.getMessage() for r in log.records])
    await client.end()
    log.stop()


async def check_flatbuffers() -> int:
    """The same for what tables of the schema can hold: numbers out of range, texts that are no URIs, messages out of place."""
    codec: Any = Client("flatbuffers").codec
    attributes = {
        "ABORT": ["reason"], "GOODBYE": ["reason"], "ERROR": ["request", "error"], "PUBLISHED": ["request", "publication"],
        "SUBSCRIBED": ["request", "subscription"], "UNSUBSCRIBED": ["request"], "EVENT": ["subscription", "publication"],
        "RESULT": ["request"], "REGISTERED": ["request", "registration"], "UNREGISTERED": ["request"],
        "INVOCATION": ["request", "registration"], "INTERRUPT": ["request"],
    }  # fmt: skip
    cases: list[tuple[bool, Any, bytes]] = []
    for name, names in attributes.items():
        for attribute in names:
            text = attribute in ("reason", "error")
            for wrong in ["", " ", "a b", "com..x", "#"] if text else [2**53 + 1, 2**64 - 1]:
                msg = codec.classes[JOINED[name][0][0]].parse(JOINED[name][0])
                setattr(msg, attribute, wrong)
                cases.append((True, (name, attribute, wrong), codec.write(msg)))
    for raw in STRAY:
        if isinstance(raw, list) and raw and type(raw[0]) is int and raw[0] in codec.classes:
            cases.append((True, ("stray", raw), codec.dumps(raw)))
    cases += [(False, ("too early", name), codec.dumps(good)) for name, (good, _) in JOINED.items() if name != "ABORT"]
    good = codec.dumps(JOINED["EVENT"][0])
    cases += [(True, ("cut off", n), good[:n]) for n in range(0, len(good), 7)]
    for joined, what, octets in cases:
        await check_one(Client("flatbuffers"), joined, octets, what)
    return len(cases)


async def check_good(serializer: str) -> None:
    """The messages that the others are made of are good, with options nobody knows as well: the session lives."""
    for unknown in ({}, {"x_own": 1, "future": [{"a": None}]}):
        for name, (good, kinds) in JOINED.items():
            client = await Client(serializer).busy()
            position = kinds.index(DETAILS) + 1 if DETAILS in kinds else None
            client.say([{**e, **unknown} if i == position else e for i, e in enumerate(good)])
            await turns()
            verify(not client.transport.closed, serializer, name, client.take())
            verify(client.session.is_attached() == (name not in ("ABORT", "GOODBYE")), name)
            await client.end()


if __name__ == "__main__":
    total = 0
    for each in SERIALIZERS:
        asyncio.run(check_good(each))
        total += asyncio.run(check_all(each))
    total += asyncio.run(check_flatbuffers())
    print(total, "optimized" if sys.flags.optimize else "plain")
