# SPDX-License-Identifier: MIT
"""The advanced profile as a client does it: cancel modes, timeouts, input in pieces, revocation, passthru, sharding."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _session_peer import Peer, joined, plain, turns

from autobahn_fast.exception import InvalidArgument
from autobahn_fast.wamp import message, role
from autobahn_fast.wamp._invocation import MAX_ENDED
from autobahn_fast.wamp.exception import ApplicationError, ProtocolError, SerializationError, TransportLost
from autobahn_fast.wamp.serializer import SERID_TO_OBJSER
from autobahn_fast.wamp.types import (
    CallOptions,
    Chunk,
    Chunks,
    EncodedPayload,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)

ALL = {
    "broker": role.RoleBrokerFeatures(payload_passthru_mode=True),
    "dealer": role.RoleDealerFeatures(
        call_canceling=True, call_timeout=True, progressive_call_invocations=True, payload_passthru_mode=True
    ),
}


def with_router(**dealer: bool) -> Any:
    """Decorator: as ``joined``, with a router that announces everything but what is said here."""
    roles = {"broker": ALL["broker"], "dealer": role.RoleDealerFeatures(**{**ALL["dealer"].announced(), **dealer})}

    def decorate(test: Any) -> Any:
        def run() -> None:
            async def main() -> None:
                p = await Peer().open()
                p.take()
                p.session.onMessage(message.Welcome(1, roles, realm="realm1"))
                await turns()
                await test(p)

            asyncio.run(main())

        run.__name__ = test.__name__
        return run

    return decorate


async def failure(future: Any) -> ApplicationError:
    with pytest.raises(ApplicationError) as e:
        await future
    return e.value


def wire(p: Peer) -> list[Any]:
    """Everything sent since the last time, as lists."""
    sent = [plain(m.marshal()) for m in p.sent]
    p.sent.clear()
    return sent


# --- cancelling ---


@pytest.mark.parametrize("mode", [None, "skip", "kill", "killnowait"])
def test_cancelling_the_future_sends_the_mode_of_the_options(mode: str | None) -> None:
    @joined
    async def run(p: Peer) -> None:
        future = p.session.call("com.p", options=CallOptions(cancel_mode=mode))
        assert p.take_wire() == [48, 1, {}, "com.p"]
        future.cancel()
        assert p.take_wire() == [49, 1, {"mode": mode} if mode else {}]
        p.say(message.Result(1, args=[1], progress=True), message.Error(48, 1, "wamp.error.canceled"))
        assert not p.session._call_options
        p.session.publish("com.alive")

    run()


@pytest.mark.parametrize("mode", ["kill", "killnowait"])
def test_cancel_leaves_the_end_to_the_router(mode: str) -> None:
    @with_router()
    async def run(p: Peer) -> None:
        future, partial = p.session.call("com.p"), p.session.call("com.q")
        p.sent.clear()
        assert p.session.cancel(future, mode)
        assert p.session.cancel(partial, mode)
        assert wire(p) == [[49, 1, {"mode": mode}], [49, 2, {"mode": mode}]]
        assert not future.done()
        p.say(message.Error(48, 1, "wamp.error.canceled"), message.Result(2, args=["half"]))
        assert (await failure(future)).error == "wamp.error.canceled"
        assert await partial == "half"
        assert p.session.cancel(future, mode) is False
        assert p.sent == []

    run()


def test_cancel_with_skip_or_an_old_router_ends_at_once() -> None:
    async def run(p: Peer, mode: str) -> None:
        future = p.session.call("com.p")
        p.sent.clear()
        assert p.session.cancel(future, mode)
        assert p.take_wire() == [49, 1, {"mode": mode}]
        assert (await failure(future)).error == "wamp.error.canceled"
        p.say(message.Result(1, args=[1]))  # late: dropped

    with_router()(lambda p: run(p, "skip"))()
    with_router(call_canceling=False)(lambda p: run(p, "kill"))()


@joined
async def test_cancel_takes_three_modes(p: Peer) -> None:
    future = p.session.call("com.p")
    with pytest.raises(ValueError, match="skip, kill, killnowait"):
        p.session.cancel(future, "now")
    with pytest.raises(InvalidArgument):
        CallOptions(cancel_mode="now")


@joined
async def test_an_error_for_a_cancel_that_came_too_late_is_harmless(p: Peer) -> None:
    future = p.session.call("com.p")
    future.cancel()
    p.say(message.Result(1, args=[1]))
    p.say(message.Error(49, 1, "wamp.error.invalid_argument"))
    with pytest.raises(ProtocolError):
        p.say(message.Error(49, 2, "wamp.error.invalid_argument"))  # there was no such request


# --- timeouts of the caller ---


@joined
async def test_timeout_ends_the_call_when_the_router_does_not(p: Peer) -> None:
    future = p.session.call("com.p", options=CallOptions(timeout=0.01))
    assert p.take_wire() == [48, 1, {"timeout": 1}, "com.p"]  # whole seconds: Crossbar's unit
    error = await failure(future)
    assert error.error == "wamp.error.timeout"
    assert "com.p" in error.args[0]
    assert p.take_wire() == [49, 1, {"mode": "killnowait"}]
    p.say(message.Result(1, args=[1]))  # late: dropped
    assert not p.session._call_options


@with_router()
async def test_timeout_is_milliseconds_for_a_router_of_the_specification(p: Peer) -> None:
    for seconds, written in ((0.0001, 1), (1.5, 1500), (30, 30000), (2**53, 2**53)):
        future = p.session.call("com.p", options=CallOptions(timeout=seconds))
        assert p.take().timeout == written
        future.cancel()
        p.sent.clear()


@with_router()
async def test_the_routers_timeout_comes_first(p: Peer) -> None:
    future = p.session.call("com.p", options=CallOptions(timeout=0.01))
    p.take()
    await asyncio.sleep(0.03)
    assert p.sent == []
    p.say(message.Error(48, 1, "wamp.error.timeout", args=["router"]))
    assert (await failure(future)).args == ("router",)


@joined
async def test_interim_results_start_the_timeout_anew(p: Peer) -> None:
    options = CallOptions(timeout=100, on_progress=lambda: None)
    future = p.session.call("com.p", options=options)
    first = p.session._call_options[1].timer
    p.say(message.Result(1, progress=True))
    second = p.session._call_options[1].timer
    assert first.cancelled()
    assert not second.cancelled()
    p.say(message.Result(1, args=[1]))
    assert await future == 1
    assert second.cancelled()


@joined
async def test_a_lost_transport_ends_the_timers(p: Peer) -> None:
    future = p.session.call("com.p", options=CallOptions(timeout=100))
    timer = p.session._call_options[1].timer
    p.lose()
    with pytest.raises(TransportLost):
        await future
    assert timer.cancelled()


# --- timeouts of the callee ---


async def forever() -> None:
    await asyncio.sleep(100)


@pytest.mark.parametrize("started", [False, True])
def test_a_callee_honours_the_timeout(started: bool) -> None:
    @with_router()
    async def run(p: Peer) -> None:
        await p.registered(forever)
        p.say(message.Invocation(9, 200, timeout=1 if started else 5))
        if started:
            await turns()
        await asyncio.sleep(0.02)
        await turns()
        assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.timeout"]
        assert p.errors == []
        assert not p.session._invocations

    run()


@pytest.mark.parametrize(("forward", "watched"), [(True, True), (None, False)])
def test_a_router_that_watches_itself_is_left_to_it(forward: bool | None, watched: bool) -> None:
    @joined
    async def run(p: Peer) -> None:
        seen: list[Any] = []

        async def endpoint(details: Any) -> None:
            seen.append(details.timeout)
            await forever()

        options = RegisterOptions(details=True, forward_timeout=forward)
        future = p.session.register(endpoint, "com.p", options)
        assert p.take_wire() == [64, 1, {"forward_timeout": True} if forward else {}, "com.p"]
        p.say(message.Registered(1, 200))
        await future
        p.say(message.Invocation(9, 200, timeout=7))
        await turns()
        assert seen == [7]  # Crossbar's unit
        assert (p.session._invocations[9].timer is not None) is watched
        p.say(message.Interrupt(9))
        await turns()
        assert p.take().error == "wamp.error.canceled"

    run()


@with_router()
async def test_the_timer_ends_with_the_endpoint(p: Peer) -> None:
    async def endpoint() -> str:
        await asyncio.sleep(0)
        return "done"

    await p.registered(endpoint)
    p.say(message.Invocation(9, 200, timeout=10))
    await turns()
    assert p.take_wire() == [70, 9, {}, ["done"]]
    await asyncio.sleep(0.02)
    assert p.sent == []


# --- input in pieces: the caller ---


@with_router()
async def test_a_progressive_call(p: Peer) -> None:
    call = p.session.call_progressively("com.sum", CallOptions(disclose_me=True, on_progress=print))
    with pytest.raises(RuntimeError, match="before its first"):
        _ = call.result
    p.session.publish("com.between")  # takes id 1: the call gets its own with the first piece
    assert call.send(1, a=2)
    assert call.send()
    future = call.finish(3)
    options = {"receive_progress": True, "disclose_me": True, "progress": True}
    assert wire(p) == [
        [16, 1, {}, "com.between"],
        [48, 2, options, "com.sum", [1], {"a": 2}],
        [48, 2, {"progress": True}, "com.sum"],
        [48, 2, {}, "com.sum", [3]],
    ]
    for action in (call.send, call.finish):
        with pytest.raises(RuntimeError, match="finished"):
            action()
    p.say(message.Result(2, args=[6]))
    assert await call == 6
    assert future is call.result
    p.session.publish("com.after")
    assert p.take().request == 3


@with_router()
async def test_a_progressive_call_of_one_piece_is_a_plain_call(p: Peer) -> None:
    future = p.session.call_progressively("com.sum").finish(1)
    assert p.take_wire() == [48, 1, {}, "com.sum", [1]]
    p.say(message.Result(1))
    assert await future is None


@with_router()
async def test_a_progressive_call_that_ended_early(p: Peer) -> None:
    call = p.session.call_progressively("com.sum")
    call.send(1)
    p.say(message.Error(48, 1, "com.e"))
    p.sent.clear()
    assert call.send(2) is False
    assert (await failure(call.finish(3))).error == "com.e"
    assert p.sent == []
    assert call.cancel() is False


@with_router()
async def test_a_progressive_call_can_be_cancelled(p: Peer) -> None:
    call = p.session.call_progressively("com.sum")
    assert call.cancel() is False
    call.send(1)
    assert call.cancel("kill")
    assert wire(p)[1:] == [[49, 1, {"mode": "kill"}]]
    p.say(message.Error(48, 1, "wamp.error.canceled"))
    assert (await failure(call)).error == "wamp.error.canceled"


@with_router()
async def test_a_piece_that_cannot_be_sent(p: Peer) -> None:
    from autobahn_fast._core.codec import EncodeError

    good = p.transport.send

    def bad(msg: Any) -> None:
        raise EncodeError("no")

    call = p.session.call_progressively("com.sum")
    p.transport.send = bad  # type: ignore[method-assign]
    with pytest.raises(SerializationError):
        call.send(object())
    assert not p.session._calls
    p.transport.send = good  # type: ignore[method-assign]
    call.send(1)
    p.transport.send = bad  # type: ignore[method-assign]
    with pytest.raises(SerializationError):
        call.send(object())
    p.transport.send = good  # type: ignore[method-assign]
    call.finish(2)
    assert [m[1] for m in wire(p)] == [1, 1]


@joined
async def test_a_progressive_call_needs_the_router(p: Peer) -> None:
    with pytest.raises(ApplicationError, match="progressive_call_invocations") as e:
        p.session.call_progressively("com.sum")
    assert e.value.error == "wamp.error.feature_not_supported"


# --- input in pieces: the callee ---

PIECES = RegisterOptions(progressive=True)


@joined
async def test_an_endpoint_reads_its_input_piece_by_piece(p: Peer) -> None:
    seen: list[Any] = []

    async def total(details: Any) -> int:
        async for chunk in details.chunks:
            seen.append(chunk)
            if details.progress:
                details.progress(len(seen))
        assert details.chunks.ended
        assert await details.chunks.get() is None
        return sum(chunk.args[0] for chunk in seen)

    await p.registered(total, options=PIECES)
    p.say(message.Invocation(9, 200, args=[1], kwargs={"k": 2}, progress=True, receive_progress=True))
    await turns()
    p.say(message.Invocation(9, 200, args=[2], progress=True), message.Invocation(9, 200, args=[3]))
    await turns()
    assert seen == [Chunk((1,), {"k": 2}), Chunk((2,), {}), Chunk((3,), {})]
    assert wire(p) == [[70, 9, {"progress": True}, [n]] for n in (1, 2, 3)] + [[70, 9, {}, [6]]]
    seen.clear()
    p.say(message.Invocation(10, 200, args=[5]))  # a plain call is one piece
    await turns()
    assert p.take_wire() == [70, 10, {}, [5]]
    seen.clear()
    p.say(message.Invocation(11, 200, args=[5], progress=True), message.Invocation(11, 200))  # the end alone is none
    await turns()
    assert p.take_wire() == [70, 11, {}, [5]]
    assert not p.session._invocations


@joined
async def test_pieces_behind_the_answer_are_dropped(p: Peer) -> None:
    async def first_only(details: Any) -> Any:
        return (await details.chunks.get()).args[0]

    await p.registered(first_only, options=PIECES)
    p.say(message.Invocation(9, 200, args=[1], progress=True))
    await turns()
    assert p.take_wire() == [70, 9, {}, [1]]
    p.say(message.Invocation(9, 200, args=[2], progress=True), message.Invocation(9, 200, args=[3]))
    await turns()
    assert p.sent == []
    assert not p.session._invocations
    for request in range(10, 10 + 2 * MAX_ENDED):
        p.say(message.Invocation(request, 200, args=[1], progress=True))
    await turns()
    assert len(p.session._invocations) == len(p.session._ended_invocations) == MAX_ENDED


@joined
async def test_an_ordinary_endpoint_takes_no_pieces(p: Peer) -> None:
    calls: list[int] = []
    await p.registered(calls.append)
    p.say(message.Invocation(9, 200, args=[1], progress=True))
    assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.feature_not_supported"]
    p.say(message.Invocation(9, 200, args=[2]))  # was on its way: no call by itself
    assert (calls, p.sent) == ([], [])
    p.say(message.Invocation(10, 200, args=[2]))
    assert calls == [2]


@joined
async def test_a_piece_behind_the_last_one_is_a_protocol_error(p: Peer) -> None:
    async def endpoint(details: Any) -> None:
        await forever()

    await p.registered(endpoint, options=PIECES)
    p.say(message.Invocation(9, 200, args=[1], progress=True), message.Invocation(9, 200))
    with pytest.raises(ProtocolError):
        p.say(message.Invocation(9, 200))
    p.say(message.Interrupt(9))
    await turns()


@pytest.mark.parametrize("end", ["interrupt", "lose", "goodbye"])
def test_an_endpoint_that_waits_for_input_is_ended(end: str) -> None:
    @joined
    async def run(p: Peer) -> None:
        ended: list[str] = []

        async def endpoint(details: Any) -> None:
            try:
                async for _ in details.chunks:
                    pass
            except BaseException as e:
                ended.append(type(e).__name__)
                raise

        await p.registered(endpoint, options=PIECES)
        p.say(message.Invocation(9, 200, args=[1], progress=True))
        await turns()
        if end == "interrupt":
            p.say(message.Interrupt(9, "killnowait"))
        elif end == "goodbye":
            p.say(message.Goodbye())
        else:
            p.lose()
        await turns()
        assert len(ended) == 1
        if end == "interrupt":
            assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.canceled"]
            p.say(message.Invocation(9, 200, args=[2], progress=True))
        assert p.errors == []

    run()


@joined
async def test_input_nobody_reads_is_bounded(p: Peer) -> None:
    async def endpoint(details: Any) -> None:
        await forever()

    await p.registered(endpoint, options=PIECES)
    p.say(message.Invocation(9, 200, args=[1], progress=True))
    await turns()
    limit, Chunks.MAX_WAITING = Chunks.MAX_WAITING, 5
    try:
        for _ in range(6):
            p.say(message.Invocation(9, 200, args=[1], progress=True))
    finally:
        Chunks.MAX_WAITING = limit
    await turns()
    assert p.take_wire()[:5] == [8, 68, 9, {}, "wamp.error.payload_size_exceeded"]


@joined
async def test_a_reader_that_gave_up_loses_nothing(p: Peer) -> None:
    seen: list[Any] = []

    async def endpoint(details: Any) -> None:
        waiting = details.chunks.get()
        seen.append(await waiting)
        details.chunks.get().cancel()
        seen.append(await details.chunks.get())
        seen.append(await details.chunks.get())

    await p.registered(endpoint, options=PIECES)
    p.say(message.Invocation(9, 200, progress=True))
    await turns()
    p.say(message.Invocation(9, 200, args=[2]))
    await turns()
    assert seen == [Chunk((), {}), Chunk((2,), {}), None]


@joined
async def test_nothing_is_answered_behind_goodbye(p: Peer) -> None:
    progress: list[Any] = []

    async def endpoint(details: Any) -> None:
        progress.append(details.progress)
        await forever()

    await p.registered(endpoint, options=RegisterOptions(details=True))
    await p.registered(lambda x: 1 / x, "com.q", 201)
    p.say(message.Invocation(9, 200, receive_progress=True))
    call = p.session.call("com.p")
    await turns()
    p.sent.clear()
    p.session.leave()
    assert type(p.take()) is message.Goodbye
    p.say(message.Interrupt(9), message.Invocation(10, 201, args=[0]), message.Invocation(11, 201, args=[1]))
    call.cancel()
    with pytest.raises(TransportLost):
        progress[0](1)
    await turns()
    assert p.sent == []
    p.say(message.Goodbye("wamp.close.goodbye_and_out"))


# --- revocation ---


@joined
async def test_a_revoked_subscription_tells(p: Peer) -> None:
    told: list[Any] = []

    async def late(sub: Any, reason: Any) -> None:
        told.append(reason)
        raise ValueError("late")

    def bad(sub: Any, reason: Any) -> None:
        raise KeyError("bad")

    a = await p.subscribed(print, options=SubscribeOptions(on_revoked=lambda *args: told.append(args)))
    b = await p.subscribed(print, options=SubscribeOptions(on_revoked=late))
    await p.subscribed(print, options=SubscribeOptions(on_revoked=bad))
    await p.subscribed(print)
    p.say(message.Unsubscribed(0, subscription=100, reason="com.gone"))
    await turns()
    assert told == [(a, "com.gone"), "com.gone"]
    assert not a.active
    assert not b.active
    assert sorted(type(e).__name__ for e, _ in p.errors) == ["KeyError", "ValueError"]
    assert p.session._subscriptions == {}
    p.say(message.Event(100, 1))
    p.session.publish("com.alive")


@joined
async def test_a_revoked_registration_tells(p: Peer) -> None:
    told: list[Any] = []
    reg = await p.registered(print, options=RegisterOptions(on_revoked=lambda *args: told.append(args)))
    p.say(message.Unregistered(0, registration=200, reason="com.gone"))
    assert told == [(reg, "com.gone")]
    assert not reg.active
    p.say(message.Invocation(9, 200, progress=True))  # both were on their way
    assert p.take().error == "wamp.error.no_such_registration"
    p.say(message.Invocation(9, 200))
    assert p.sent == []


@joined
async def test_revoked_while_it_is_given_up(p: Peer) -> None:
    reg, sub = await p.registered(print), await p.subscribed(print)
    futures = [reg.unregister(), sub.unsubscribe()]
    p.say(message.Unregistered(0, registration=200), message.Unsubscribed(0, subscription=100))
    p.say(message.Error(66, 3, "wamp.error.no_such_registration"))
    p.say(message.Error(34, 4, "wamp.error.no_such_subscription"))
    assert await asyncio.gather(*futures) == [None, 0]


@joined
async def test_a_revocation_must_say_of_what(p: Peer) -> None:
    for msg in (message.Unsubscribed(0), message.Unregistered(0)):
        with pytest.raises(ProtocolError, match="request 0 without"):
            p.say(msg)


# --- options and details ---


@joined
async def test_options_on_the_wire(p: Peer) -> None:
    p.session.publish("com.x", options=PublishOptions(disclose_me=True, rkey="k"))
    p.session.subscribe(print, "com.x", SubscribeOptions(nkey="n", match="prefix"))
    p.session.register(print, "com.x", RegisterOptions(disclose_caller=True, forward_timeout=False))
    p.session.call("com.x", options=CallOptions(disclose_me=False, rkey="k"))
    p.session.call("com.x", options=CallOptions(runmode="partition"))
    assert wire(p) == [
        [16, 1, {"disclose_me": True, "rkey": "k"}, "com.x"],
        [32, 2, {"match": "prefix", "nkey": "n"}, "com.x"],
        [64, 3, {"disclose_caller": True, "forward_timeout": False}, "com.x"],
        [48, 4, {"disclose_me": False, "rkey": "k", "runmode": "partition"}, "com.x"],
        [48, 5, {"runmode": "partition"}, "com.x"],
    ]


@joined
async def test_trust_levels(p: Peer) -> None:
    levels: list[Any] = []
    await p.subscribed(
        lambda details: levels.append(details.trustlevel), "com.t", options=SubscribeOptions(details=True)
    )
    await p.registered(lambda details: details.trustlevel, options=RegisterOptions(details=True))
    p.say(message.Event(100, 1, trustlevel=3), message.Event(100, 1))
    assert levels == [3, None]
    p.say(message.Invocation(9, 200, trustlevel=0), message.Invocation(10, 200))
    assert [m[3:] for m in wire(p)] == [[[0]], [[None]]]


# --- payload passthru mode ---

PPT = {"ppt_scheme": "x_test"}


@pytest.mark.parametrize("serializer", [None, "native", "json", "msgpack", "cbor", "ubjson"])
def test_passthru_both_ways(serializer: str | None) -> None:
    @with_router()
    async def run(p: Peer) -> None:
        ppt = {**PPT, **({"ppt_serializer": serializer} if serializer else {})}
        p.session.publish("com.x", 1, k="v", options=PublishOptions(**ppt))
        topic_message = p.take()
        assert (topic_message.ppt_scheme, topic_message.ppt_serializer) == ("x_test", serializer)
        (payload,) = topic_message.args
        assert not topic_message.kwargs
        if serializer in (None, "native"):
            assert payload == {"args": [1], "kwargs": {"k": "v"}}
        else:
            assert SERID_TO_OBJSER[serializer]().unserialize(payload) == [{"args": [1], "kwargs": {"k": "v"}}]
        seen: list[Any] = []

        def handler(*args: Any, details: Any, **kwargs: Any) -> None:
            seen.append((args, kwargs, details.ppt))

        await p.subscribed(handler, options=SubscribeOptions(details=True))
        p.say(message.Event(100, 1, args=[payload], **ppt))
        assert seen == [((1,), {"k": "v"}, ppt)]

        future = p.session.call("com.p", 1, k="v", options=CallOptions(**ppt))
        call = p.take()
        await p.registered(lambda *args, **kwargs: [args, kwargs])
        p.say(message.Invocation(9, 200, args=call.args, **ppt))
        answer = p.take()  # goes back the same way
        assert {name: getattr(answer, name) for name in ppt} == ppt
        p.say(message.Result(call.request, args=answer.args, **ppt))
        assert plain(await future) == [[1], {"k": "v"}]

        def bad() -> None:
            raise ApplicationError("com.e", 1, k=2)

        await p.registered(bad, "com.bad", 201)
        p.say(message.Invocation(10, 201, args=[{"args": [], "kwargs": {}}], ppt_scheme="x_test"))
        error = p.take()
        assert error.ppt_scheme == "x_test"
        future = p.session.call("com.bad")
        p.say(message.Error(48, p.take().request, "com.e", args=error.args, ppt_scheme="x_test"))
        raised = await failure(future)
        assert (raised.args, raised.kwargs) == ((1,), {"k": 2})

    run()


class Codec:
    """Its cipher is XOR with 1."""

    def encode(self, is_originating: bool, uri: str, args: Any = None, kwargs: Any = None) -> Any:
        if uri == "com.nokey":
            return None
        data = SERID_TO_OBJSER["json"]().serialize([uri, args, kwargs])
        return EncodedPayload(bytes(o ^ 1 for o in data), "cryptobox", "json", "key1")

    def decode(self, is_originating: bool, uri: str, encoded: EncodedPayload) -> Any:
        assert (encoded.enc_algo, encoded.enc_serializer, encoded.enc_key) == ("cryptobox", "json", "key1")
        return SERID_TO_OBJSER["json"]().unserialize(bytes(o ^ 1 for o in encoded.payload))[0]


CIPHER = {**PPT, "ppt_cipher": "xsalsa20poly1305"}


@with_router()
async def test_passthru_with_a_cipher(p: Peer) -> None:
    p.session.set_payload_codec(Codec())
    future = p.session.call("com.p", 1, k=2, options=CallOptions(**CIPHER))
    call = p.take()
    assert call.marshal()[2] == {**CIPHER, "ppt_serializer": "json", "ppt_keyid": "key1"}
    assert type(call.args[0]) is bytes
    assert call.payload is None
    await p.registered(lambda *args, **kwargs: [args, kwargs])
    p.say(message.Invocation(9, 200, args=call.args, **call.marshal()[2]))
    answer = p.take()
    assert type(answer.args[0]) is bytes
    p.say(message.Result(1, args=answer.args, **answer.marshal()[2]))
    assert plain(await future) == [[1], {"k": 2}]
    for uri, cipher in (("com.nokey", "xsalsa20poly1305"), ("com.p", "aes256gcm")):
        with pytest.raises(ApplicationError, match="payload codec") as e:
            p.session.publish(uri, 1, options=PublishOptions(ppt_scheme="x_test", ppt_cipher=cipher))
        assert e.value.error == "wamp.error.no_payload_codec"
    p.session.set_payload_codec(None)
    with pytest.raises(ApplicationError, match="set_payload_codec"):
        p.session.call("com.p", options=CallOptions(**CIPHER))
    assert p.sent == []
    assert not p.session._calls


@with_router()
async def test_input_in_pieces_through_a_payload_codec(p: Peer) -> None:
    p.session.set_payload_codec(Codec())
    call = p.session.call_progressively("com.p")
    call.send(1)
    call.finish(2)
    first, second = p.sent
    p.sent.clear()
    assert (first.enc_algo, first.progress, second.progress) == ("cryptobox", True, None)

    async def total(details: Any) -> list[Any]:
        return [chunk.args[0] async for chunk in details.chunks]

    await p.registered(total, options=PIECES)
    for each in (first, second):
        enc = {name: getattr(each, name) for name in ("payload", "enc_algo", "enc_serializer", "enc_key")}
        p.say(message.Invocation(9, 200, progress=each.progress, **enc))
        await turns()
    answer = p.take()
    assert Codec().decode(False, "com.p", EncodedPayload(answer.payload, "cryptobox", "json", "key1"))[1] == [[1, 2]]
    call.result.cancel()


@with_router()
async def test_passthru_in_pieces(p: Peer) -> None:
    call = p.session.call_progressively("com.p", CallOptions(**PPT, ppt_serializer="json", timeout=5))
    call.send(1)
    call.finish(2)
    first, second = wire(p)
    assert first[2] == {**PPT, "ppt_serializer": "json", "timeout": 5000, "progress": True}
    assert second[2] == {**PPT, "ppt_serializer": "json"}

    async def total(details: Any) -> list[Any]:
        return [chunk.args[0] async for chunk in details.chunks]

    await p.registered(total, options=PIECES)
    p.say(message.Invocation(9, 200, args=first[4], progress=True, **second[2]))
    p.say(message.Invocation(9, 200, args=second[4], **second[2]))
    await turns()
    assert SERID_TO_OBJSER["json"]().unserialize(p.take().args[0]) == [{"args": [[1, 2]], "kwargs": {}}]
    call.result.cancel()


@joined
async def test_passthru_needs_the_router(p: Peer) -> None:
    for action in (
        lambda: p.session.publish("com.x", options=PublishOptions(**PPT)),
        lambda: p.session.call("com.x", options=CallOptions(**PPT)),
    ):
        with pytest.raises(ApplicationError, match="payload_passthru_mode") as e:
            action()
        assert e.value.error == "wamp.error.feature_not_supported"
    assert p.sent == []
    p.session.publish("com.x")
    assert p.take().request == 1


@with_router()
async def test_passthru_options_are_checked(p: Peer) -> None:
    for options in (CallOptions, PublishOptions):
        with pytest.raises(InvalidArgument, match="ppt_scheme"):
            options(ppt_serializer="json")
    with pytest.raises(SerializationError, match="morse"):
        p.session.publish("com.x", options=PublishOptions(**PPT, ppt_serializer="morse"))
    with pytest.raises(SerializationError, match="msgpack"):
        p.session.publish("com.x", object(), options=PublishOptions(**PPT, ppt_serializer="msgpack"))


BAD_PASSTHRU: list[dict[str, Any]] = [
    {"args": []},
    {"args": None},
    {"args": [1, 2]},
    {"args": [{}], "kwargs": {"a": 1}},
    {"args": ["text"]},
    {"args": [{"args": 1}]},
    {"args": [{"kwargs": []}]},
    {"args": [{"kwargs": {1: 2}}]},
    {"args": [b"\xff"], "ppt_serializer": "json"},
    {"args": [b"[1]"], "ppt_serializer": "json"},
    {"args": ["text"], "ppt_serializer": "json"},
    {"args": [b"{}"], "ppt_serializer": "morse"},
    {"args": ["text"], "ppt_cipher": "x"},
    {"args": [b"text"], "ppt_cipher": "x"},
]


@pytest.mark.parametrize("bad", BAD_PASSTHRU, ids=str)
def test_passthru_that_cannot_be_read_is_an_error_of_that_message_only(bad: dict[str, Any]) -> None:
    @joined
    async def run(p: Peer) -> None:
        seen: list[Any] = []
        await p.subscribed(seen.append)
        await p.registered(seen.append)
        p.say(message.Event(100, 1, ppt_scheme="x", **bad), message.Invocation(9, 200, ppt_scheme="x", **bad))
        uri = p.take().error
        assert uri in ("wamp.error.invalid_payload", "wamp.error.no_payload_codec")
        futures = [p.session.call("com.p"), p.session.call("com.p"), p.session.call("com.p")]
        p.say(
            message.Result(3, ppt_scheme="x", **bad),
            message.Error(48, 4, "com.e", ppt_scheme="x", **bad),
            message.Result(5, ppt_scheme="x", progress=True, **bad),
        )
        assert [(await failure(future)).error for future in futures] == [uri] * 3
        assert seen == []
        p.say(message.Result(5))  # of the call that was given up
        p.session.publish("com.alive")

    run()


@joined
async def test_a_piece_that_cannot_be_read_ends_the_call(p: Peer) -> None:
    async def endpoint(details: Any) -> None:
        async for _ in details.chunks:
            pass

    await p.registered(endpoint, options=PIECES)
    p.say(message.Invocation(9, 200, args=[{"args": [1]}], ppt_scheme="x", progress=True))
    await turns()
    p.say(message.Invocation(9, 200, args=[5], ppt_scheme="x", progress=True))
    await turns()
    assert p.take().error == "wamp.error.invalid_payload"
    p.say(message.Invocation(9, 200, args=[5], ppt_scheme="x"))
    assert p.sent == []
    assert p.session._invocations == {}


# --- details of the wrong type, as the compiled wire hands them over ---

BAD_DETAILS: list[dict[str, Any]] = [
    {"caller": "x"},
    {"caller_authid": 5},
    {"timeout": "1"},
    {"timeout": -1},
    {"timeout": 1.5},
    {"trustlevel": -1},
    {"forward_for": 5},
    {"procedure": 5},
]


@pytest.mark.parametrize("details", BAD_DETAILS, ids=str)
def test_bad_details_of_an_invocation_are_a_protocol_error(details: dict[str, Any]) -> None:
    @joined
    async def run(p: Peer) -> None:
        await p.registered(lambda details: 1, options=RegisterOptions(details=True))
        await p.registered(forever, "com.q", 201)
        with pytest.raises(ProtocolError, match=next(iter(details))):
            p.session._on_invocation(9, 200, details, (), None)
        if "timeout" in details:
            with pytest.raises(ProtocolError, match="timeout"):
                p.session._on_invocation(10, 201, details, (), None)
        assert (p.sent, p.errors, p.session._invocations) == ([], [], {})

    run()


@pytest.mark.parametrize("more", [{}, {"x_acknowledged_delivery": True}], ids=["plain", "acknowledged"])
@pytest.mark.parametrize("details", [{"publisher": "x"}, {"trustlevel": -1}, {"retained": 1}, {"topic": 5}], ids=str)
def test_bad_details_of_an_event_are_a_protocol_error(details: dict[str, Any], more: dict[str, Any]) -> None:
    @joined
    async def run(p: Peer) -> None:
        ran: list[int] = []

        async def first() -> None:
            ran.append(1)

        await p.subscribed(first)
        await p.subscribed(lambda details: 1, options=SubscribeOptions(details=True))
        with pytest.raises(ProtocolError, match=next(iter(details))):
            p.session._on_event(100, 1, {**details, **more}, (), None)
        await turns()
        assert (ran, p.sent, p.errors) == ([1], [], [])

    run()


# --- acknowledged delivery ---


@joined
async def test_an_event_is_acknowledged_when_all_handlers_are_through(p: Peer) -> None:
    gate = asyncio.get_running_loop().create_future()
    seen: list[Any] = []

    async def slow(x: int) -> None:
        await gate
        seen.append(x)

    def bad(x: int) -> None:
        raise ValueError(x)

    await p.subscribed(slow)
    await p.subscribed(bad)
    await p.subscribed(lambda x, details: seen.append(details.publication), options=SubscribeOptions(details=True))
    p.say(message.Event(100, 7, args=[1], x_acknowledged_delivery=True))
    await turns()
    assert p.sent == []
    gate.set_result(None)
    await turns()
    assert p.take_wire() == [337, 7]
    assert seen == [7, 1]
    assert [type(e) for e, _ in p.errors] == [ValueError]
    p.say(message.Event(100, 8, args=[2], x_acknowledged_delivery=False))
    await turns()
    assert (seen, p.sent) == ([7, 1, 8, 2], [])
