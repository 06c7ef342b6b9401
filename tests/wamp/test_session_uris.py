# SPDX-License-Identifier: MIT
"""What decorators make of a session's requests: patterns, checked types, error classes for error URIs."""

from __future__ import annotations

from typing import Any

import pytest
from _session_peer import Peer, joined, plain, turns

from autobahn_fast import wamp
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import ApplicationError, NotAuthorized
from autobahn_fast.wamp.types import RegisterOptions, SubscribeOptions
from autobahn_fast.wamp.uri import Pattern


class Patterns:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @wamp.register("com.<name>.update")
    def a_named(self) -> None: ...

    @wamp.register("com.<id:int>.<rest:suffix>")
    def b_typed(self) -> None: ...

    @wamp.register("com..get")
    def c_empty(self) -> None: ...

    @wamp.register("com.", RegisterOptions(match="prefix", details=True))
    def d_prefix(self, details: Any) -> Any:
        return Pattern("com.<id:int>", Pattern.URI_TARGET_ENDPOINT).match(details.procedure)[1]

    @wamp.register("com.plain")
    @wamp.register("com.other", RegisterOptions(invoke="roundrobin"))
    def e_twice(self) -> None: ...

    @wamp.subscribe("com.<name>.changed")
    def f_event(self, *args: Any) -> None:
        self.seen.append(args)

    @wamp.subscribe("com.topic", SubscribeOptions(match="prefix"))
    def g_prefix(self, *args: Any) -> None:
        self.seen.append(args)


@joined
async def test_patterns_on_the_wire(p: Peer) -> None:
    obj = Patterns()
    p.session.register(obj)
    p.session.subscribe(obj)
    assert [plain(m.marshal())[2:] for m in p.sent] == [
        [{"match": "wildcard"}, "com..update"],
        [{"match": "wildcard"}, "com.."],
        [{"match": "wildcard"}, "com..get"],
        [{"match": "prefix"}, "com."],
        [{"invoke": "roundrobin"}, "com.other"],
        [{}, "com.plain"],
        [{"match": "wildcard"}, "com..changed"],
        [{"match": "prefix"}, "com.topic"],
    ]
    p.sent.clear()
    p.say(
        *(message.Registered(n, 200 + n) for n in range(1, 7)), message.Subscribed(7, 307), message.Subscribed(8, 308)
    )
    await turns()
    p.say(message.Invocation(9, 204, procedure="com.17"))
    assert p.take_wire() == [70, 9, {}, [{"id": 17}]]
    p.say(message.Event(307, 1, args=[1], topic="com.x.changed"), message.Event(308, 2, args=[2], topic="com.topic.y"))
    assert obj.seen == [(1,), (2,)]


class Typed:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @wamp.register("com.typed", check_types=True)
    async def call(self, number: int, word: str = "w") -> Any:
        return [number, word]

    @wamp.subscribe("com.typed", check_types=True)
    def event(self, number: int) -> None:
        self.seen.append(number)


@joined
async def test_types_are_checked_where_asked_for(p: Peer) -> None:
    obj = Typed()
    p.session.register(obj)
    p.session.subscribe(obj)
    p.sent.clear()
    p.say(message.Registered(1, 200), message.Subscribed(2, 100))
    await turns()
    for args, kwargs in ((["x"], None), ([], None), ([1, 2], None), ([1], {"word": 3}), ([1], {"wrong": 3})):
        p.say(message.Invocation(9, 200, args=args, kwargs=kwargs))
        assert p.take().error == "wamp.error.type_check_error"
    p.say(message.Invocation(10, 200, args=[1]))
    await turns()
    assert p.take_wire() == [70, 10, {}, [[1, "w"]]]
    p.errors.clear()
    p.say(message.Event(100, 1, args=["x"]), message.Event(100, 2, args=[5]))
    assert obj.seen == [5]
    assert [e.error for e, _ in p.errors] == ["wamp.error.type_check_error"]
    assert p.sent == []


@wamp.error("com.error.one")
class One(Exception):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)
        self.kwargs = kwargs


class Two(Exception):
    """Takes no keyword arguments."""


@joined
async def test_error_classes_both_ways(p: Peer) -> None:
    p.session.define(One)
    p.session.define(Two, "com.error.two")
    cases: tuple[tuple[str, Any, type[Exception], int], ...] = (
        ("com.error.one", {"z": 2}, One, 0),
        ("com.error.two", None, Two, 0),
        ("com.error.two", {"z": 2}, ApplicationError, 1),  # the class does not take them: told to onUserError
        ("com.error.three", {"z": 2}, ApplicationError, 0),
        ("wamp.error.not_authorized", None, ApplicationError, 0),
    )
    for request, (uri, kwargs, cls, told) in enumerate(cases, 1):
        future = p.session.call("com.p")
        p.say(message.Error(48, request, uri, args=[1], kwargs=kwargs))
        with pytest.raises(cls) as e:
            await future
        assert type(e.value) is cls
        assert e.value.args == (1,)
        assert getattr(e.value, "kwargs", {}) == (kwargs or {})
        assert len(p.errors) == told
        p.errors.clear()
    p.sent.clear()

    def fail(number: int) -> None:
        raise (One(1, z=2), Two("x"), NotAuthorized("n"))[number]

    await p.registered(fail)
    for number in range(3):
        p.say(message.Invocation(9, 200, args=[number]))
    assert [plain(m.marshal())[4:] for m in p.sent] == [
        ["com.error.one", [1], {"z": 2}],
        ["com.error.two", ["x"]],
        ["wamp.error.runtime_error", ["n"]],  # not defined for this session
    ]
