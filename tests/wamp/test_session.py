# SPDX-License-Identifier: MIT
"""Sessions over a scripted transport: what goes out for each action, what an answer does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _session_peer import Peer, joined, plain, turns

from autobahn_fast import wamp
from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.wamp import message
from autobahn_fast.wamp._wire import raise_documented
from autobahn_fast.wamp.exception import (
    ApplicationError,
    InvalidUriError,
    ProtocolError,
    SerializationError,
    SessionNotReady,
    TransportLost,
)
from autobahn_fast.wamp.types import (
    CallOptions,
    CallResult,
    EncodedPayload,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)

# --- publish ---


@joined
async def test_publish_without_acknowledge(p: Peer) -> None:
    assert p.session.publish("com.x", 1, k=2) is None
    assert p.take_wire() == [16, 1, {}, "com.x", [1], {"k": 2}]


@joined
async def test_publish_acknowledged(p: Peer) -> None:
    future = p.session.publish("com.x", options=PublishOptions(acknowledge=True, exclude_me=False))
    assert p.take_wire() == [16, 1, {"acknowledge": True, "exclude_me": False}, "com.x"]
    p.say(message.Published(1, 99))
    assert (await future).id == 99


@joined
async def test_publish_refused(p: Peer) -> None:
    future = p.session.publish("com.x", options=PublishOptions(acknowledge=True))
    p.say(message.Error(16, 1, "wamp.error.not_authorized", args=["no"]))
    with pytest.raises(ApplicationError) as e:
        await future
    assert e.value.error == "wamp.error.not_authorized"
    assert e.value.args == ("no",)


@pytest.mark.parametrize("uri", ["a b", "a.#", "", "a..b", None, 5, ["x"]])
def test_bad_uri_is_refused_at_the_call(uri: Any) -> None:
    @joined
    async def run(p: Peer) -> None:
        with pytest.raises(InvalidUriError):
            p.session.publish(uri)
        with pytest.raises(InvalidUriError):
            p.session.call(uri)
        assert p.sent == []
        p.session.publish("com.x")
        assert p.take().request == 1  # no gap

    run()


@joined
async def test_wrong_options_are_refused(p: Peer) -> None:
    with pytest.raises(TypeError, match="PublishOptions"):
        p.session.publish("com.x", options=CallOptions())
    with pytest.raises(TypeError, match="CallOptions"):
        p.session.call("com.x", options=PublishOptions())
    assert p.sent == []
    p.session.call("com.x")
    assert p.take().request == 1


@joined
async def test_request_ids_have_no_gaps(p: Peer) -> None:
    p.session.publish("com.x")
    p.session.call("com.x")
    p.session.subscribe(print, "com.x")
    p.session.register(print, "com.x")
    assert [m.request for m in p.sent] == [1, 2, 3, 4]


def test_nothing_is_half_sent_when_the_transport_refuses() -> None:
    from autobahn_fast._core.codec import EncodeError
    from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge

    for cause, documented in (
        (EncodeError("x"), SerializationError),
        (EngineClosed("x"), TransportLost),
        (PayloadTooLarge(10, 5), PayloadExceededError),
        (KeyError("as it is"), KeyError),
    ):

        @joined
        async def run(p: Peer, cause: Exception = cause, documented: Any = documented) -> None:
            good = p.transport.send

            def bad(msg: Any) -> None:
                raise cause

            p.transport.send = bad  # type: ignore[method-assign]
            for action in (
                lambda: p.session.publish("com.x", object()),
                lambda: p.session.publish("com.x", object(), options=PublishOptions(acknowledge=True)),
                lambda: p.session.call("com.x", object()),
                lambda: p.session.subscribe(print, "com.x"),
                lambda: p.session.register(print, "com.x"),
            ):
                with pytest.raises(documented):
                    action()
            p.transport.send = good  # type: ignore[method-assign]
            p.session.publish("com.x")
            assert p.take().request == 1
            assert not p.session._calls
            assert not p.session._publishes

        run()


def test_an_unknown_exception_is_raised_as_it_is() -> None:
    cause = KeyError("x")
    with pytest.raises(KeyError) as e:
        raise_documented(cause)
    assert e.value is cause
    assert cause.__cause__ is None


def test_a_closed_session_refuses_everything() -> None:
    @joined
    async def run(p: Peer) -> None:
        p.lose()
        await turns()
        s = p.session
        for action in (
            lambda: s.publish("a.b"),
            lambda: s.call("a.b"),
            lambda: s.subscribe(print, "a.b"),
            lambda: s.register(print, "a.b"),
            lambda: s.join("realm1"),
        ):
            with pytest.raises(TransportLost):
                action()
        s.leave()
        s.disconnect()

    run()


def test_a_session_that_has_not_joined_refuses_everything() -> None:
    async def run() -> None:
        p = await Peer().open()
        p.take()
        for action in (lambda: p.session.publish("a.b"), lambda: p.session.call("a.b")):
            with pytest.raises(SessionNotReady):
                action()
        assert p.sent == []

    asyncio.run(run())


# --- subscribe ---


@joined
async def test_events_reach_every_handler_with_its_own_kwargs(p: Peer) -> None:
    seen: list[Any] = []

    def first(*args: Any, **kwargs: Any) -> None:
        seen.append((args, dict(kwargs)))
        kwargs.clear()

    await p.subscribed(first)
    await p.subscribed(lambda *a, **k: seen.append((a, k)))
    p.say(message.Event(100, 1, args=[1], kwargs={"k": [2]}))
    assert seen == [((1,), {"k": [2]})] * 2


@joined
async def test_event_details(p: Peer) -> None:
    seen: list[Any] = []
    sub = await p.subscribed(lambda det: seen.append(det), options=SubscribeOptions(details_arg="det"))
    p.say(message.Event(100, 7, publisher=5, publisher_authid="u", topic="com.x.y", retained=True))
    p.say(message.Event(100, 8))
    assert seen[0].subscription is sub
    assert (seen[0].publication, seen[0].publisher, seen[0].publisher_authid) == (7, 5, "u")
    assert (seen[0].topic, seen[0].retained) == ("com.x.y", True)
    assert (seen[1].topic, seen[1].publisher) == ("com.x", None)


@joined
async def test_failing_handlers_stop_nothing(p: Peer) -> None:
    seen: list[int] = []

    async def late() -> None:
        await asyncio.sleep(0)
        raise ValueError("late")

    def bad() -> None:
        raise KeyError("bad")

    await p.subscribed(bad)
    await p.subscribed(late)
    await p.subscribed(lambda: seen.append(1))
    p.say(message.Event(100, 1))
    await turns()
    assert seen == [1]
    assert [type(e) for e, _ in p.errors] == [KeyError, ValueError]
    assert all(e.__traceback__ is not None for e, _ in p.errors)
    p.session.publish("com.still.alive")
    assert p.take().topic == "com.still.alive"


@joined
async def test_unsubscribe_sends_only_for_the_last_handler(p: Peer) -> None:
    seen: list[str] = []
    a = await p.subscribed(lambda: seen.append("a"))
    b = await p.subscribed(lambda: seen.append("b"))
    assert await a.unsubscribe() == 1
    assert p.sent == []
    assert (a.active, b.active) == (False, True)
    p.say(message.Event(100, 1))
    assert seen == ["b"]
    future = b.unsubscribe()
    assert not b.active
    assert p.take_wire() == [34, 3, 100]
    p.say(message.Event(100, 2))  # was on its way: harmless
    p.say(message.Unsubscribed(3))
    assert await future == 0
    p.say(message.Event(100, 3))
    assert seen == ["b"]
    with pytest.raises(Exception, match="active"):
        b.unsubscribe()


@joined
async def test_a_handler_that_unsubscribes_while_an_event_is_delivered(p: Peer) -> None:
    seen: list[str] = []
    subs: list[Any] = []

    def first() -> None:
        seen.append("first")
        subs[0].unsubscribe()

    subs.append(await p.subscribed(first))
    await p.subscribed(lambda: seen.append("second"))
    p.say(message.Event(100, 1), message.Event(100, 2))
    assert seen == ["first", "second", "second"]


@joined
async def test_subscription_revoked_by_the_router(p: Peer) -> None:
    sub = await p.subscribed(print)
    p.say(message.Unsubscribed(0, subscription=100, reason="wamp.x"))
    assert not sub.active
    p.say(message.Event(100, 1))  # harmless
    assert p.errors == []


class Handlers:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @wamp.subscribe("com.a")
    def on_a(self, x: Any) -> None:
        self.seen.append(("a", x))

    @wamp.subscribe("com.b", options=SubscribeOptions(details_arg="details"))
    def on_b(self, details: Any) -> None:
        self.seen.append(("b", details.publication))

    @wamp.register("com.p")
    def p(self) -> str:
        return "p"


@joined
async def test_decorated_object(p: Peer) -> None:
    obj = Handlers()
    future = p.session.subscribe(obj)
    assert [m.topic for m in p.sent] == ["com.a", "com.b"]
    p.say(message.Subscribed(1, 11), message.Subscribed(2, 12))
    subscriptions = await future
    assert [s.id for s in subscriptions] == [11, 12]
    p.say(message.Event(11, 1, args=[5]), message.Event(12, 2))
    assert obj.seen == [("a", 5), ("b", 2)]
    p.sent.clear()
    future = p.session.register(obj, prefix="pre.")
    assert p.take_wire() == [64, 3, {}, "pre.com.p"]
    p.say(message.Error(64, 3, "wamp.error.procedure_already_exists"))
    (result,) = await future
    assert isinstance(result, ApplicationError)


@joined
async def test_decorated_function(p: Peer) -> None:
    @wamp.subscribe("com.f")
    def handler() -> None:
        pass

    future = p.session.subscribe(handler)
    assert p.take().topic == "com.f"
    p.say(message.Subscribed(1, 5))
    assert (await future).topic == "com.f"


# --- call ---


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        (None, None, None),
        ([1], None, 1),
        ([[1, 2]], None, [1, 2]),
        ([1, 2], None, ((1, 2), {})),
        ([1], {"a": 1}, ((1,), {"a": 1})),
        (None, {"callee": 1, "self": 2}, ((), {"callee": 1, "self": 2})),
    ],
)
def test_call_results(args: Any, kwargs: Any, expected: Any) -> None:
    @joined
    async def run(p: Peer) -> None:
        future = p.session.call("com.p", 1, k=2)
        assert p.take_wire() == [48, 1, {}, "com.p", [1], {"k": 2}]
        p.say(message.Result(1, args=args, kwargs=kwargs))
        result = await future
        if isinstance(result, CallResult):
            assert (tuple(result.results), result.kwresults) == expected
        else:
            assert result == expected

    run()


@joined
async def test_call_with_details_and_timeout(p: Peer) -> None:
    future = p.session.call("com.p", options=CallOptions(details=True, timeout=5))
    assert p.take_wire() == [48, 1, {"timeout": 5}, "com.p"]
    p.say(message.Result(1, args=[1], callee=7, callee_authid="c"))
    result = await future
    assert (tuple(result.results), result.callee, result.callee_authid) == ((1,), 7, "c")


@joined
async def test_progressive_results(p: Peer) -> None:
    seen: list[Any] = []

    def on_progress(*args: Any, **kwargs: Any) -> None:
        seen.append((args, kwargs))
        if len(seen) == 2:
            raise ValueError("in on_progress")

    future = p.session.call("com.p", options=CallOptions(on_progress=on_progress))
    assert p.take_wire() == [48, 1, {"receive_progress": True}, "com.p"]
    p.say(message.Result(1, args=[1], kwargs={"z": 1}, progress=True))
    p.say(message.Result(1, progress=True))
    p.say(message.Result(1, args=[3]))
    assert await future == 3
    assert seen == [((1,), {"z": 1}), ((), {})]
    assert [type(e) for e, _ in p.errors] == [ValueError]


@joined
async def test_progress_that_was_not_asked_for_is_dropped(p: Peer) -> None:
    future = p.session.call("com.p")
    p.say(message.Result(1, args=[1], progress=True), message.Result(1, args=[2]))
    assert await future == 2


@joined
async def test_cancelled_call(p: Peer) -> None:
    future = p.session.call("com.p")
    p.take()
    assert future.cancel()
    assert not future.cancel()
    assert p.take_wire() == [49, 1, {}]
    p.say(message.Error(49, 1, "wamp.error.canceled"))  # some routers answer the CANCEL
    p.say(message.Result(1, args=[1]))  # and the result was on its way
    with pytest.raises(ProtocolError):
        p.say(message.Result(1, args=[1]))


@joined
async def test_cancelling_the_waiting_task_cancels_the_call(p: Peer) -> None:
    async def wait() -> Any:
        return await p.session.call("com.p")

    task = asyncio.create_task(wait())
    await turns()
    p.take()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert p.take_wire() == [49, 1, {}]
    p.say(message.Error(48, 1, "wamp.error.canceled"))
    p.session.publish("com.alive")


# --- errors ---


@wamp.error("com.e.decorated")
class Decorated(Exception):
    pass


class Defined(Exception):
    def __init__(self, only: Any) -> None:
        super().__init__(only)


@pytest.mark.parametrize(
    ("uri", "args", "kwargs", "cls"),
    [
        ("com.e.other", [1], {"a": 1}, ApplicationError),
        ("com.e.other", [1], {"error": 1, "self": 2, "callee": 3}, ApplicationError),
        ("wamp.error.payload_size_exceeded", ["x"], None, PayloadExceededError),
        ("wamp.error.invalid_payload", ["x"], None, SerializationError),
        ("com.e.decorated", [1], None, Decorated),
        ("com.e.defined", [1], None, Defined),
        ("com.e.defined", [1, 2], None, ApplicationError),
    ],
)
def test_errors_become_exceptions(uri: str, args: Any, kwargs: Any, cls: type[Exception]) -> None:
    @joined
    async def run(p: Peer) -> None:
        p.session.define(Decorated)
        p.session.define(Defined, "com.e.defined")
        future = p.session.call("com.p")
        p.say(message.Error(48, 1, uri, args=args, kwargs=kwargs))
        with pytest.raises(cls) as e:
            await future
        assert type(e.value) is cls
        assert list(e.value.args) == args
        if cls is ApplicationError:
            assert (e.value.error, e.value.kwargs) == (uri, kwargs or {})

    run()


@joined
async def test_define_needs_a_uri(p: Peer) -> None:
    with pytest.raises(RuntimeError, match="@error"):
        p.session.define(Defined)


UNKNOWN = [
    message.Event(1, 2),
    message.Result(5),
    message.Published(1, 2),
    message.Subscribed(1, 2),
    message.Unsubscribed(1),
    message.Registered(1, 2),
    message.Unregistered(1),
    message.Error(48, 7, "a.b"),
    message.Error(16, 7, "a.b"),
    message.Error(49, 7, "a.b"),
    message.Error(68, 7, "a.b"),
    message.Invocation(1, 2),
    message.Yield(4),
    message.Publish(1, "a.b"),
    message.Challenge("ticket"),
]


@pytest.mark.parametrize("msg", UNKNOWN, ids=lambda m: type(m).__name__)
def test_messages_out_of_place_are_protocol_errors(msg: Any) -> None:
    @joined
    async def run(p: Peer) -> None:
        with pytest.raises(ProtocolError):
            p.say(msg)

    run()


# --- callee ---


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (lambda: None, [70, 9, {}, [None]]),
        (lambda: 1, [70, 9, {}, [1]]),
        (lambda: [1, 2], [70, 9, {}, [[1, 2]]]),
        (lambda: CallResult(1, 2, a=3), [70, 9, {}, [1, 2], {"a": 3}]),
    ],
)
def test_results_of_endpoints(endpoint: Any, expected: Any) -> None:
    @joined
    async def run(p: Peer) -> None:
        await p.registered(endpoint)
        p.say(message.Invocation(9, 200))
        assert p.take_wire() == expected

        async def later() -> Any:
            await asyncio.sleep(0)
            return endpoint()

        await p.registered(later, "com.later", 201)
        p.say(message.Invocation(9, 201))
        assert p.sent == []
        await turns()
        assert p.take_wire() == expected
        assert not p.session._invocations

    run()


def raising(exc: BaseException) -> Any:
    def endpoint() -> None:
        raise exc

    return endpoint


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (ApplicationError("com.x", 1, k=2), [8, 68, 9, {}, "com.x", [1], {"k": 2}]),
        (RuntimeError("boo", 3), [8, 68, 9, {}, "wamp.error.runtime_error", ["boo", 3]]),
        (Decorated(1), [8, 68, 9, {}, "com.e.decorated", [1]]),
        (asyncio.CancelledError(), [8, 68, 9, {}, "wamp.error.canceled", ["the call was canceled"]]),
    ],
)
def test_exceptions_of_endpoints(exc: BaseException, expected: Any) -> None:
    @joined
    async def run(p: Peer) -> None:
        p.session.define(Decorated)
        await p.registered(raising(exc))
        p.say(message.Invocation(9, 200))
        assert p.take_wire() == expected
        assert [e for e, _ in p.errors] == ([] if isinstance(exc, asyncio.CancelledError) else [exc])

    run()


@joined
async def test_traceback_app_sends_the_traceback(p: Peer) -> None:
    p.session.traceback_app = True
    await p.registered(raising(ValueError("x")))
    p.say(message.Invocation(9, 200))
    assert "ValueError: x" in p.take().kwargs["traceback"]


@joined
async def test_call_details_and_progress(p: Peer) -> None:
    seen: list[Any] = []

    def endpoint(details: Any) -> int:
        seen.append(details)
        if details.progress:
            details.progress(1, x=2)
        return 3

    reg = await p.registered(endpoint, options=RegisterOptions(details_arg="details"))
    p.say(message.Invocation(8, 200, caller=5, caller_authid="u"))
    assert p.take_wire() == [70, 8, {}, [3]]
    assert (seen[0].registration, seen[0].caller, seen[0].caller_authid) == (reg, 5, "u")
    assert (seen[0].progress, seen[0].procedure) == (None, "com.p")
    p.say(message.Invocation(9, 200, receive_progress=True))
    assert [plain(m.marshal()) for m in p.sent] == [[70, 9, {"progress": True}, [1], {"x": 2}], [70, 9, {}, [3]]]
    p.sent.clear()
    seen[1].progress(4)  # too late
    assert p.sent == []


@pytest.mark.parametrize("started", [False, True])
def test_interrupt_cancels_the_endpoint(started: bool) -> None:
    @joined
    async def run(p: Peer) -> None:
        ended: list[str] = []

        async def slow() -> None:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        await p.registered(slow)
        p.say(message.Invocation(9, 200))
        if started:
            await turns()
        p.say(message.Interrupt(9))
        await turns()
        assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.canceled"]
        assert ended == (["cancelled"] if started else [])
        p.say(message.Interrupt(9))  # finished: harmless
        assert p.sent == []
        assert p.errors == []

    run()


@joined
async def test_an_endpoint_may_survive_its_interrupt(p: Peer) -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return "partial"
        return "never"

    await p.registered(stubborn)
    p.say(message.Invocation(9, 200))
    await turns()
    p.say(message.Interrupt(9))
    await turns()
    assert p.take_wire() == [70, 9, {}, ["partial"]]


@joined
async def test_a_result_that_cannot_be_sent_ends_the_call_with_an_error(p: Peer) -> None:
    from autobahn_fast._core.codec import EncodeError

    good = p.transport.send

    def send(msg: Any) -> None:
        if type(msg) is message.Yield:
            raise EncodeError("no")
        good(msg)

    p.transport.send = send  # type: ignore[method-assign]
    await p.registered(lambda: object())
    p.say(message.Invocation(9, 200))
    assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.invalid_payload"]
    assert isinstance(p.errors[0][0], SerializationError)


@joined
async def test_the_same_invocation_twice_is_a_protocol_error(p: Peer) -> None:
    await p.registered(lambda: asyncio.sleep(100))
    p.say(message.Invocation(9, 200))
    with pytest.raises(ProtocolError):
        p.say(message.Invocation(9, 200))
    p.say(message.Interrupt(9))
    await turns()


@joined
async def test_unregister(p: Peer) -> None:
    reg = await p.registered(lambda: 1)
    future = reg.unregister()
    assert p.take_wire() == [66, 2, 200]
    p.say(message.Unregistered(2))
    await future
    assert not reg.active
    p.say(message.Invocation(9, 200))  # was on its way
    assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.no_such_registration"]


@joined
async def test_registration_revoked_by_the_router(p: Peer) -> None:
    reg = await p.registered(lambda: 1)
    p.say(message.Unregistered(0, registration=200))
    assert not reg.active


@joined
async def test_type_check(p: Peer) -> None:
    def endpoint(a: int, b: str | None = None) -> int:
        return a

    future = p.session.register(endpoint, "com.t", check_types=True)
    p.say(message.Registered(p.take().request, 200))
    await future
    for args, kwargs, uri in (
        (["no"], None, "wamp.error.type_check_error"),
        ([1], {"b": 3}, "wamp.error.type_check_error"),
        ([1, 2, 3], None, "wamp.error.type_check_error"),
    ):
        p.say(message.Invocation(9, 200, args=args, kwargs=kwargs))
        assert p.take().error == uri
    p.say(message.Invocation(9, 200, args=[1], kwargs={"b": "x"}), message.Invocation(10, 200, args=[2]))
    assert [plain(m.marshal()) for m in p.sent] == [[70, 9, {}, [1]], [70, 10, {}, [2]]]


# --- payload codec ---


class Codec:
    def __init__(self) -> None:
        self.fail = False

    def encode(self, is_originating: bool, uri: str, args: Any = None, kwargs: Any = None) -> Any:
        if self.fail:
            raise ZeroDivisionError("codec")
        return EncodedPayload(f"{is_originating} {uri}".encode(), "cryptobox", "json")

    def decode(self, is_originating: bool, uri: str, encoded_payload: Any) -> Any:
        return uri, [7], {"k": 1}


@joined
async def test_payload_codec(p: Peer) -> None:
    p.session.set_payload_codec(Codec())
    p.session.publish("com.x", 1)
    assert p.take().payload == b"True com.x"
    future = p.session.call("com.p", 1)
    assert p.take().payload == b"True com.p"
    p.say(message.Result(2, payload=b"x", enc_algo="cryptobox", enc_serializer="json"))
    result = await future
    assert (tuple(result.results), result.kwresults, result.enc_algo) == ((7,), {"k": 1}, "cryptobox")
    seen: list[Any] = []
    await p.subscribed(lambda *a, **k: seen.append((a, k)))
    p.say(message.Event(100, 1, payload=b"x", enc_algo="cryptobox", enc_serializer="json"))
    assert seen == [((7,), {"k": 1})]
    await p.registered(lambda *a, **k: (a, k))
    p.say(message.Invocation(9, 200, payload=b"x", enc_algo="cryptobox", enc_serializer="json"))
    assert p.take().payload == b"False com.p"
    p.session.set_payload_codec(None)
    p.session.publish("com.x", 1)
    assert p.take().payload is None


@joined
async def test_a_codec_that_fails_raises_at_the_call(p: Peer) -> None:
    codec = Codec()
    codec.fail = True
    p.session.set_payload_codec(codec)
    for action in (lambda: p.session.publish("com.x"), lambda: p.session.call("com.x")):
        with pytest.raises(ZeroDivisionError):
            action()
    assert p.sent == []


@joined
async def test_an_encrypted_result_without_a_codec(p: Peer) -> None:
    future = p.session.call("com.p")
    p.say(message.Result(1, payload=b"x", enc_algo="cryptobox", enc_serializer="json"))
    with pytest.raises(ApplicationError) as e:
        await future
    assert e.value.error == "wamp.error.no_payload_codec"
