# SPDX-License-Identifier: MIT
"""Sessions over real engines and codecs in memory: octets in, outcome out. And: Wire and MessageWire say the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _session_peer import plain, turns
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.engine import CallbackSink
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.wire import Wire
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.wamp import message
from autobahn_fast.wamp._wire import MessageWire
from autobahn_fast.wamp.exception import ApplicationError, ProtocolError, SerializationError, TransportLost
from autobahn_fast.wamp.types import (
    CallOptions,
    CallResult,
    ComponentConfig,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
    TransportDetails,
)

CLASSES = {
    cls.MESSAGE_TYPE: cls
    for cls in (
        message.Abort, message.Challenge, message.Error, message.Event, message.Goodbye, message.Interrupt,
        message.Invocation, message.Published, message.Registered, message.Result, message.Subscribed,
        message.Unregistered, message.Unsubscribed, message.Welcome,
    )
}  # fmt: skip


def parse(raw: list[Any]) -> Any:
    cls = CLASSES.get(raw[0]) if isinstance(raw, list) and raw and isinstance(raw[0], int) else None
    if cls is None:
        raise ProtocolError("not a message for a client")
    return cls.parse(raw)


class Handler:
    """What an engine asks of its owner."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def on_sink_error(self, exc: BaseException) -> None:
        self.errors.append(exc)

    def on_violation(self, code: int, reason: str) -> None:
        self.errors.append(RuntimeError(f"{code} {reason}"))


class WireTransport:
    """A client's transport over a pair of engines; ``received`` is what arrived at the far end, decoded."""

    def __init__(self, codec: Any, max_message: int = 0) -> None:
        self.codec = codec
        self.handler = Handler()
        self.engine = WebSocketEngine(self.handler, False)
        self.far = WebSocketEngine(Handler(), True)
        self.received: list[Any] = []
        self.far.set_sink(CallbackSink(lambda payload, binary: self.received.append(codec.loads(payload))))
        self.engine.attach(self.far.feed, None)
        self.far.attach(self.engine.feed, None)
        self.transport_details = TransportDetails()

    def open_wire(self, session: Any) -> Wire:
        wire = Wire(self.engine, self.codec, None, session, parse)
        self.engine.set_sink(wire)
        return wire

    def send(self, msg: Any) -> None:
        self.engine.send(self.codec.dumps(msg.marshal()), self.codec.binary)

    def isOpen(self) -> bool:
        return True

    def close(self) -> None:
        self.engine.detach()

    def say(self, *raw: Any) -> None:
        """Let the far end send messages, and flush."""
        for each in raw:
            self.far.send(self.codec.dumps(list(each)), self.codec.binary)
        self.far.flush()

    def take(self) -> list[Any]:
        """Return what arrived since the last time."""
        self.engine.flush()
        taken, self.received[:] = list(self.received), []
        return taken


WELCOME = (2, 1, {"roles": {"broker": {}, "dealer": {}}, "realm": "realm1", "authid": "a", "authrole": "r"})


async def join(codec: Any) -> tuple[Any, WireTransport]:
    transport = WireTransport(codec)
    session = ApplicationSession(ComponentConfig("realm1"))
    session.onOpen(transport)
    await turns()
    (hello,) = transport.take()
    assert hello[:2] == [1, "realm1"]
    transport.say(WELCOME)
    await turns()
    assert session.is_attached()
    return session, transport


@pytest.fixture(params=[MsgPackCodec, JsonCodec], ids=["msgpack", "json"])
def codec(request: pytest.FixtureRequest) -> Any:
    return request.param()


def test_every_action_and_its_answer(codec: Any) -> None:
    async def main() -> None:
        s, t = await join(codec)
        seen: list[Any] = []
        s.publish("com.x", 1, [2], k={"a": None})
        ack = s.publish("com.x", options=PublishOptions(acknowledge=True))
        call = s.call("com.p", "é")
        sub = s.subscribe(lambda *a, **k: seen.append((a, k)), "com.t")
        detailed = s.subscribe(lambda d: seen.append(d), "com.d", SubscribeOptions(details_arg="d"))
        reg = s.register(lambda *a, **k: CallResult(*a, **k), "com.r")
        assert t.take() == [
            [16, 1, {}, "com.x", [1, [2]], {"k": {"a": None}}],
            [16, 2, {"acknowledge": True}, "com.x"],
            [48, 3, {}, "com.p", ["é"]],
            [32, 4, {}, "com.t"],
            [32, 5, {}, "com.d"],
            [64, 6, {}, "com.r"],
        ]
        t.say((17, 2, 99), (50, 3, {}, [7]), (33, 4, 40), (33, 5, 50), (65, 6, 60))
        assert (await ack).id == 99
        assert await call == 7
        assert ((await sub).id, (await detailed).id, (await reg).id) == (40, 50, 60)
        t.say((36, 40, 1, {}, [1], {"k": 2}), (36, 40, 2, {}), (36, 50, 3, {"publisher": 4, "topic": "com.d.e"}))
        assert seen[:2] == [((1,), {"k": 2}), ((), {})]
        assert (seen[2].publication, seen[2].publisher, seen[2].topic) == (3, 4, "com.d.e")
        t.say((68, 1, 60, {}, [1, 2], {"a": 3}), (68, 2, 60, {}), (68, 3, 60, {}, [5]))
        assert t.take() == [[70, 1, {}, [1, 2], {"a": 3}], [70, 2, {}], [70, 3, {}, [5]]]
        assert t.handler.errors == []

    asyncio.run(main())


def test_errors_and_progress(codec: Any) -> None:
    async def main() -> None:
        s, t = await join(codec)
        seen: list[Any] = []
        future = s.call("com.p", options=CallOptions(on_progress=lambda *a: seen.append(a)))
        assert t.take() == [[48, 1, {"receive_progress": True}, "com.p"]]
        t.say((50, 1, {"progress": True}, [1]), (50, 1, {"progress": True}), (8, 48, 1, {}, "com.e", ["x"], {"y": 1}))
        with pytest.raises(ApplicationError) as e:
            await future
        assert (e.value.error, e.value.args, e.value.kwargs) == ("com.e", ("x",), {"y": 1})
        assert seen == [(1,), ()]

        def endpoint(details: Any) -> int:
            details.progress(1, k=2)
            return 3

        reg = s.register(endpoint, "com.r", RegisterOptions(details_arg="details"))
        t.take()
        t.say((65, 2, 60))
        await reg
        t.say((68, 1, 60, {"receive_progress": True}))
        assert t.take() == [[70, 1, {"progress": True}, [1], {"k": 2}], [70, 1, {}, [3]]]

    asyncio.run(main())


@pytest.mark.parametrize(
    "raw",
    [
        (36, 1, 2, {}),
        (50, 5, {}),
        (17, 1, 2),
        (68, 1, 2, {}),
        (36, "x", 2, {}),
        (36, 2**53 + 1, 2, {}),
        (50, 1, []),
        (50,),
        (16, 1, {}, "com.x"),
        (999,),
        (),
        ("x",),
    ],
)
def test_bad_messages_are_protocol_errors(codec: Any, raw: Any) -> None:
    async def main() -> None:
        _, t = await join(codec)
        t.say(raw)
        assert len(t.handler.errors) == 1
        assert isinstance(t.handler.errors[0], ProtocolError)

    asyncio.run(main())


def test_what_cannot_be_sent_is_not_half_sent(codec: Any) -> None:
    async def main() -> None:
        s, t = await join(codec)
        for action in (lambda: s.publish("com.x", object()), lambda: s.call("com.x", a=object())):
            with pytest.raises(SerializationError):
                action()
        s.publish("com.x")
        assert t.take() == [[16, 1, {}, "com.x"]]
        assert not s._calls
        t.engine.detach()
        for action in (lambda: s.publish("com.x"), lambda: s.call("com.x"), lambda: s.subscribe(print, "com.x")):
            with pytest.raises(TransportLost):
                action()

    asyncio.run(main())


def test_a_result_that_cannot_be_encoded_becomes_an_error(codec: Any) -> None:
    async def main() -> None:
        s, t = await join(codec)
        s.onUserError = lambda fail, msg: None
        reg = s.register(lambda: object(), "com.r")
        t.take()
        t.say((65, 1, 60))
        await reg
        t.say((68, 1, 60, {}))
        (answer,) = t.take()
        assert answer[:5] == [8, 68, 1, {}, "wamp.error.invalid_payload"]

    asyncio.run(main())


def test_a_handler_may_close_the_transport_inside_itself(codec: Any) -> None:
    async def main() -> None:
        s, t = await join(codec)
        sub = s.subscribe(lambda: t.close(), "com.t")
        t.take()
        t.say((33, 1, 40))
        await sub
        t.say((36, 40, 1, {}), (36, 40, 2, {}))
        assert t.handler.errors == []
        with pytest.raises(TransportLost):
            s.publish("com.x")

    asyncio.run(main())


# --- Wire and MessageWire ---


def test_no_yield_goes_out_behind_goodbye(codec: Any) -> None:
    async def main() -> None:
        s, t = await join(codec)
        called: list[int] = []
        s.register(called.append, "com.plain")
        s.register(lambda: asyncio.sleep(0), "com.coroutine")
        t.take()
        t.say((65, 1, 60), (65, 2, 61))
        s.leave()
        assert [raw[0] for raw in t.take()] == [6]
        t.say((68, 1, 60, {}, [7]), (68, 2, 61, {}), (68, 3, 60, {}, []))
        await turns()
        assert called == [7]
        assert t.take() == []

    asyncio.run(main())


def text(min_size: int = 0, max_size: int | None = None) -> st.SearchStrategy[str]:
    """Strings without NUL: in WAMP's JSON a string that begins with it stands for octets in Base64."""
    return st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=min_size, max_size=max_size
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False, width=32) | text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
arguments = st.lists(values, max_size=3).map(tuple)
keywords = st.dictionaries(text(max_size=5), values, max_size=3)
publish_options = st.fixed_dictionaries(
    {},
    optional={
        "acknowledge": st.booleans(),
        "exclude_me": st.booleans(),
        "exclude": st.integers(1, 9) | st.lists(st.integers(1, 9), max_size=2),
        "eligible": st.lists(st.integers(1, 9), max_size=2),
        "exclude_authid": text(min_size=1, max_size=3) | st.lists(text(min_size=1, max_size=3), max_size=2),
        "eligible_authrole": st.lists(text(min_size=1, max_size=3), max_size=2),
        "retain": st.booleans(),
        "transaction_hash": text(min_size=1, max_size=3),
        "forward_for": st.just([{"session": 1, "authid": "a", "authrole": "b"}]),
    },
)
call_options = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.integers(1, 100),
        "caller": st.integers(1, 9),
        "caller_authid": text(min_size=1, max_size=3),
        "transaction_hash": text(min_size=1, max_size=3),
    },
)


@given(args=arguments, kwargs=keywords, publish=publish_options, call=call_options, binary=st.booleans())
def test_wire_and_message_wire_say_the_same(
    args: Any, kwargs: Any, publish: dict[str, Any], call: dict[str, Any], binary: bool
) -> None:
    taken = []
    for compiled in (True, False):
        transport = WireTransport(MsgPackCodec() if binary else JsonCodec())
        wire: Any = transport.open_wire(None) if compiled else MessageWire(transport)
        wire.publish(1, "com.x", args, kwargs)
        wire.publish(2, "com.x", args, kwargs, PublishOptions(**publish).message_attr())
        wire.call(3, "com.p", args, kwargs, CallOptions(**call).message_attr())
        wire.yield_(4, args, kwargs)
        wire.yield_(5, args, kwargs, {"progress": True})
        wire.send(message.Cancel(6))
        taken.append(plain(transport.take()))
    assert taken[0] == taken[1]
    assert len(taken[0]) == 6


def test_a_message_beyond_the_transports_limit(codec: Any) -> None:
    from autobahn_fast._core.engine import PayloadTooLarge

    async def main() -> None:
        s, t = await join(codec)
        good = s._live

        class TooLarge:
            def __getattr__(self, name: str) -> Any:
                def refuse(*args: Any) -> None:
                    raise PayloadTooLarge(20, 10)

                return refuse

        s._live = TooLarge()
        with pytest.raises(PayloadExceededError):
            s.publish("com.x", "x" * 20)
        s._live = good
        s.publish("com.x")
        assert t.take() == [[16, 1, {}, "com.x"]]

    asyncio.run(main())
