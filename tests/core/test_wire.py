# SPDX-License-Identifier: MIT
"""Wire: hot messages out as they must be on the wire, in as calls of the session, everything else as objects."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from _frame_model import Recorder
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import Codec, DecodeError, EncodeError, Statistics
from autobahn_fast._core.engine import CallbackSink, EngineClosed, PayloadTooLarge
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.pending import Pending
from autobahn_fast._core.wire import Wire
from autobahn_fast.wamp.serializer import JsonSerializer

CODECS = [JsonCodec(), MsgPackCodec(), CborCodec()]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
codecs = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)


class Session:
    """Records what the wire calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def _on_event(self, *args: Any) -> None:
        self.calls.append(("event", *args))

    def _on_result(self, *args: Any) -> None:
        self.calls.append(("result", *args))

    def _on_published(self, *args: Any) -> None:
        self.calls.append(("published", *args))

    def _on_invocation(self, *args: Any) -> None:
        self.calls.append(("invocation", *args))

    def onMessage(self, msg: Any) -> None:
        self.calls.append(("message", msg))


class Message:
    """As much of a message object as Wire.send needs."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)

    def marshal(self) -> list[Any]:
        return self.parts


class Parsed(tuple):
    """What our parse function makes of a message."""


def parse(value: Any) -> Parsed:
    if type(value) is not list:
        raise ValueError("a message is a list")
    return Parsed(value)


class Pair:
    """Two engines back to back: what ``wire`` sends arrives in ``sent``; ``deliver`` lets octets arrive at ``wire``."""

    def __init__(self, codec: Codec, hot: bool = True, session: Any = None, batch: Any = None, **options: Any) -> None:
        self.recorder = Recorder()
        self.engine = WebSocketEngine(self.recorder, False, **options)
        self.peer = WebSocketEngine(Recorder(), True)
        self.sent: list[bytes] = []
        self.kinds: list[bool] = []
        self.peer.set_sink(CallbackSink(self.arrived))
        self.engine.attach(self.peer.feed)
        self.peer.attach(self.engine.feed)
        self.statistics = Statistics()
        self.session = session or Session()
        self.codec = codec
        self.wire = Wire(self.engine, codec, self.statistics, self.session, parse, hot, batch)
        self.engine.set_sink(self.wire)

    def arrived(self, payload: bytes, binary: bool) -> None:
        self.sent.append(payload)
        self.kinds.append(binary)

    def deliver(self, value: Any, binary: bool | None = None) -> list[tuple[Any, ...]]:
        self.deliver_octets(self.codec.dumps(value), binary)
        calls, self.session.calls = self.session.calls, []
        return calls

    def deliver_octets(self, octets: bytes, binary: bool | None = None) -> None:
        self.peer.send(octets, self.codec.binary if binary is None else binary)

    def errors(self) -> list[BaseException]:
        return [event[1] for event in self.recorder.events if event[0].endswith("sink_error")]


@codecs
def test_out(codec: Codec) -> None:
    pair = Pair(codec)
    wire = pair.wire
    wire.publish(1, "com.example.topic", (), {})
    wire.publish(2**53, "com.example.ü", (b"\0\1", 1.5), {})
    wire.publish(3, "a.b", (), {"x": [None]}, {"acknowledge": True})
    wire.publish(4, "a.b", (1,), {"x": 2}, {})
    wire.call(5, "com.example.proc", ("a",), {"k": True}, {"timeout": 5})
    wire.call(6, "com.example.proc", (), {})
    wire.yield_(7, (), {})
    wire.yield_(8, (1,), {}, {"progress": True})
    wire.yield_(9, (), {"r": 1})
    wire.send(Message(1, "realm1", {"roles": {}}))
    expected = [
        [16, 1, {}, "com.example.topic"],
        [16, 2**53, {}, "com.example.ü", [b"\0\1", 1.5]],
        [16, 3, {"acknowledge": True}, "a.b", [], {"x": [None]}],
        [16, 4, {}, "a.b", [1], {"x": 2}],
        [48, 5, {"timeout": 5}, "com.example.proc", ["a"], {"k": True}],
        [48, 6, {}, "com.example.proc"],
        [70, 7, {}],
        [70, 8, {"progress": True}, [1]],
        [70, 9, {}, [], {"r": 1}],
        [1, "realm1", {"roles": {}}],
    ]
    assert pair.sent == [codec.dumps(message) for message in expected]
    assert set(pair.kinds) == {codec.binary}
    assert pair.statistics.serialized_messages == len(expected)
    assert pair.statistics.serialized_bytes == sum(map(len, pair.sent))
    assert pair.statistics.serialized_rated_messages == len(expected)


@codecs
def test_hot_messages_in(codec: Codec) -> None:
    pair = Pair(codec)
    assert pair.deliver([36, 1, 2, {}]) == [("event", 1, 2, None, (), None)]
    assert pair.deliver([36, 1, 2**53, {"topic": "a"}, [1, b"x"]]) == [
        ("event", 1, 2**53, {"topic": "a"}, (1, b"x"), None)
    ]
    assert pair.deliver([36, 0, 0, {}, [], {"k": [1]}]) == [("event", 0, 0, None, (), {"k": [1]})]
    assert pair.deliver([36, 1, 2, {}, [], {}]) == [("event", 1, 2, None, (), None)]
    assert pair.deliver([50, 3, {"progress": True}, ["a"]]) == [("result", 3, {"progress": True}, ("a",), None)]
    assert pair.deliver([50, 3, {}]) == [("result", 3, None, (), None)]
    assert pair.deliver([17, 4, 5]) == [("published", 4, 5)]
    assert pair.deliver([68, 6, 7, {}, [1], {"a": 2}]) == [("invocation", 6, 7, None, (1,), {"a": 2})]
    assert pair.statistics.unserialized_messages == 8
    assert pair.errors() == []


@codecs
@pytest.mark.parametrize(
    "message",
    [
        [2, 1, {"roles": {}}],
        [8, 48, 1, {}, "a.b"],
        [33, 1, 2],
        [36],
        [36, 1],
        [36, 1, 2],
        [36, -1, 2, {}],
        [36, 2**53 + 1, 2, {}],
        [36, 1.0, 2, {}],
        [36, True, 2, {}],
        [36, "1", 2, {}],
        [36, None, 2, {}],
        [36, 1, 2, []],
        [36, 1, 2, None],
        [36, 1, 2, {}, {}],
        [36, 1, 2, {}, None],
        [36, 1, 2, {}, [], []],
        [36, 1, 2, {}, [], {}, 1],
        [36, 1, 2, {}, b"payload"],
        [36, 1, 2, {"enc_algo": "cryptobox"}, [1]],
        [50, 1, {"enc_algo": "cryptobox"}, b"payload"],
        [17, 1],
        [17, 1, 2, 3],
        [68, 1, 2],
        ["36", 1, 2, {}],
        [None],
        [],
        [300, 1],
    ],
)
def test_everything_else_goes_the_slow_way(codec: Codec, message: list[Any]) -> None:
    pair = Pair(codec)
    assert pair.deliver(message) == [("message", Parsed(codec.loads(codec.dumps(message))))]
    assert pair.errors() == []
    assert pair.statistics.unserialized_messages == 1


@pytest.mark.parametrize("codec", CODECS[1:], ids=lambda codec: codec.name)
def test_keyword_arguments_that_are_not_text_go_the_slow_way(codec: Codec) -> None:
    assert Pair(codec).deliver([36, 1, 2, {}, [], {b"k": 1}]) == [("message", Parsed([36, 1, 2, {}, [], {b"k": 1}]))]


@codecs
def test_a_session_with_its_own_onMessage(codec: Codec) -> None:
    pair = Pair(codec, hot=False)
    message = [36, 1, 2, {}, [1]]
    assert pair.deliver(message) == [("message", Parsed(message))]
    assert pair.wire.hot is False


@codecs
def test_a_session_without_a_hot_method(codec: Codec) -> None:
    class Caller:
        calls: list[Any]

        def onMessage(self, msg: Any) -> None:
            self.calls.append(msg)

    session = Caller()
    session.calls = []
    assert Pair(codec, session=session).deliver([36, 1, 2, {}]) == [Parsed([36, 1, 2, {}])]


@codecs
def test_octets_that_are_no_message(codec: Codec) -> None:
    pair = Pair(codec)
    good = codec.dumps([36, 1, 2, {}, ["abc", {"k": [1, 2]}], {"k": b"abc"}])
    bad = [good[:i] for i in range(len(good))] + [good + b"\0", good + good]
    for octets in bad:
        pair.deliver_octets(octets)
    assert [type(exc) for exc in pair.errors()] == [DecodeError] * len(bad)
    assert pair.session.calls == []
    pair.deliver_octets(codec.dumps({"not": "a list"}))
    assert str(pair.errors()[-1]) == "a message is a list"


@codecs
def test_the_wrong_kind_of_message(codec: Codec) -> None:
    pair = Pair(codec)
    pair.deliver_octets(b"[]" if codec.binary else codec.dumps([36, 1, 2, {}]), not codec.binary)
    (error,) = pair.errors()
    assert isinstance(error, DecodeError) and codec.name in str(error)
    assert pair.session.calls == []


def test_cbor_elements_that_refer_to_others_are_read_as_a_whole() -> None:
    pair = Pair(CborCodec())
    # [36, 1, 2, {}, [28([7]), 29(0)]]: a list, and the same list again.
    pair.deliver_octets(bytes.fromhex("85 1824 01 02 a0 82 d81c8107 d81d00"))
    # Indefinite lengths are plainly well formed; a tag inside of an argument goes through cbor2.
    pair.deliver_octets(bytes.fromhex("9f 1824 01 02 bfff 9f c2420100 ff bf 616b 00 ff ff"))
    assert pair.session.calls == [
        ("message", Parsed([36, 1, 2, {}, [[7], [7]]])),
        ("event", 1, 2, None, (256,), {"k": 0}),
    ]


def test_json_with_blanks() -> None:
    pair = Pair(JsonCodec())
    pair.deliver_octets(b' [ 36 ,1 , 2,{ } ,[ "\\u0000YWJj" ] , { "k" : 1 } ] \n')
    pair.deliver_octets(b"[17,1,2]")
    pair.deliver_octets(b"[17,-0,2]")
    pair.deliver_octets(b"[1.7e1,1,2]")
    assert pair.session.calls == [
        ("event", 1, 2, None, (b"abc",), {"k": 1}),
        ("published", 1, 2),
        ("message", Parsed([17, 0, 2])),
        ("message", Parsed([17.0, 1, 2])),
    ]


@codecs
def test_what_cannot_be_encoded_leaves_nothing_behind(codec: Codec) -> None:
    pair = Pair(codec)
    for call in (
        lambda: pair.wire.publish(1, "a.b", (object(),), {}),
        lambda: pair.wire.call(1, "a.b", (), {"k": "\ud800"}),
        lambda: pair.wire.yield_(1, ({object()},), {}),
        lambda: pair.wire.publish(1, "a.b", (), {}, {"k": object()}),
        lambda: pair.wire.publish(1, "\ud800", (), {}),
        lambda: pair.wire.publish(1, 5, (), {}),  # type: ignore[arg-type]
        lambda: pair.wire.send(Message(1, object())),
    ):
        with pytest.raises(EncodeError, match="."):
            call()
    assert pair.sent == [] and pair.engine.unsent == 0
    assert pair.statistics.serialized_messages == 0
    pair.wire.publish(1, "a.b", (), {})
    assert pair.sent == [codec.dumps([16, 1, {}, "a.b"])]


@codecs
def test_what_is_not_about_a_value_comes_out_as_it_is(codec: Codec) -> None:
    class Interrupted(BaseException):
        pass

    class Hostile(dict):
        def items(self) -> Any:
            raise Interrupted

    pair = Pair(codec, max_message=100)
    with pytest.raises(Interrupted):
        pair.wire.publish(1, "a.b", (Hostile(a=1),), {})
    pair.wire.publish(1, "a.b", (), {})
    pair.engine.detach()
    for call in (lambda: pair.wire.publish(1, "a.b", (), {}), lambda: pair.wire.send(Message(1))):
        with pytest.raises(EngineClosed):
            call()
    assert len(pair.sent) == 1


@codecs
def test_a_uri_of_a_subclass_of_str(codec: Codec) -> None:
    class Uri(str):
        pass

    pair = Pair(codec)
    pair.wire.publish(1, Uri("a.b"), (), {})
    assert pair.sent == [codec.dumps([16, 1, {}, "a.b"])]


@codecs
def test_sending_while_encoding_is_refused(codec: Codec) -> None:
    class Sends(dict):
        def items(self) -> Any:
            pair.wire.publish(2, "a.b", (), {})
            return []

    pair = Pair(codec)
    with pytest.raises(EncodeError, match="another"):
        pair.wire.publish(1, "a.b", (Sends(a=1),), {})
    pair.wire.publish(3, "a.b", (), {})
    assert pair.sent == [codec.dumps([16, 3, {}, "a.b"])]


@codecs
def test_answers_from_inside_a_call(codec: Codec) -> None:
    class Callee(Session):
        def _on_invocation(self, request: int, *rest: Any) -> None:
            super()._on_invocation(request, *rest)
            pair.wire.yield_(request, rest[2], {})
            raise LookupError(request)

    pair = Pair(codec, session=Callee())
    invocations = [[68, i, 1, {}, [f"argument {i}"]] for i in range(50)]
    for message in invocations:
        pair.deliver(message)
    assert pair.sent == [codec.dumps([70, i, {}, [f"argument {i}"]]) for i in range(50)]
    assert [type(exc) for exc in pair.errors()] == [LookupError] * 50


@codecs
def test_a_decode_error_of_the_session_does_not_deliver_twice(codec: Codec) -> None:
    class Broken(Session):
        def _on_event(self, *args: Any) -> None:
            super()._on_event(*args)
            raise DecodeError("from the session")

    pair = Pair(codec, session=Broken())
    assert pair.deliver([36, 1, 2, {}]) == [("event", 1, 2, None, (), None)]
    assert [str(exc) for exc in pair.errors()] == ["from the session"]


@codecs
def test_too_large(codec: Codec) -> None:
    pair = Pair(codec)
    pair.engine.max_send = 100
    with pytest.raises(PayloadTooLarge):
        pair.wire.publish(1, "a.b", ("x" * 200,), {})
    assert pair.sent == [] and pair.statistics.serialized_messages == 0


def test_statistics() -> None:
    seen: list[int] = []
    statistics = Statistics()
    statistics.autoreset_rated_messages = 4

    def autoreset() -> None:
        seen.append(statistics.serialized_rated_messages + statistics.unserialized_rated_messages)
        statistics.reset()

    statistics.autoreset = autoreset
    for octets in (0, 1, 512, 513):
        statistics.serialized(octets)
    assert seen == [4] and statistics.serialized_bytes == 0
    statistics.unserialized(512 * 5)
    assert seen == [4, 5]
    statistics.unserialized(7)
    assert (statistics.unserialized_messages, statistics.unserialized_bytes) == (1, 7)


@codecs
@given(
    args=st.lists(
        st.integers(-(2**53), 2**53) | TEXT.filter(lambda s: not s.startswith("\0")) | st.binary(), max_size=5
    ),
    kwargs=st.dictionaries(TEXT, st.none() | st.floats(allow_nan=False), max_size=5),
    options=st.dictionaries(st.sampled_from(["a", "b", "progress"]), st.booleans()),
)
def test_round_trip(codec: Codec, args: list[Any], kwargs: dict[str, Any], options: dict[str, Any]) -> None:
    pair = Pair(codec)
    pair.wire.publish(5, "com.example", tuple(args), kwargs, options)
    (octets,) = pair.sent
    expected = [16, 5, options, "com.example"] + ([args, kwargs] if kwargs else [args] if args else [])
    assert octets == codec.dumps(expected)
    assert pair.deliver([36, 5, 6, options, args, kwargs]) == [
        ("event", 5, 6, options or None, tuple(args), kwargs or None)
    ]


class Call:
    """A future, as far as a wire completes it."""

    def __init__(self) -> None:
        self.results: list[Any] = []
        self.failure: Exception | None = None
        self.completed_before = False

    def set_result(self, value: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.results.append(value)

    def done(self) -> bool:
        return self.completed_before


class CallingSession(Session):
    """A session that lets its wire complete calls."""

    def __init__(self) -> None:
        super().__init__()
        self._plain_calls = Pending()
        for request in range(1, 6):
            self._plain_calls[request] = Call()
        self._call_options: dict[int, Any] = {}


@codecs
def test_plain_results_complete_their_calls(codec: Codec) -> None:
    session = CallingSession()
    calls = dict(session._plain_calls)
    pair = Pair(codec, session=session)
    assert pair.deliver([50, 1, {}]) == []
    assert pair.deliver([50, 2, {}, ["x"]]) == []
    assert pair.deliver([50, 3, {}, [[1, {"y": None}]], {}]) == []
    assert [calls[request].results for request in (1, 2, 3)] == [[None], ["x"], [[1, {"y": None}]]]
    assert list(session._plain_calls) == [4, 5]
    # what is not plain, or not pending, is the session's business
    assert pair.deliver([50, 4, {"progress": True}, [1]]) == [("result", 4, {"progress": True}, (1,), None)]
    assert pair.deliver([50, 4, {}, [1, 2]]) == [("result", 4, None, (1, 2), None)]
    assert pair.deliver([50, 4, {}, [], {"k": 1}]) == [("result", 4, None, (), {"k": 1})]
    assert pair.deliver([50, 1, {}, ["again"]]) == [("result", 1, None, ("again",), None)]
    session._call_options[5] = "options"
    assert pair.deliver([50, 5, {}, [1]]) == [("result", 5, None, (1,), None)]
    assert list(session._plain_calls) == [4, 5]
    assert pair.deliver([50, 4, {}, [1]]) == []
    assert calls[4].results == [1]
    assert pair.errors() == []


@codecs
def test_a_call_that_the_application_completed_itself(codec: Codec) -> None:
    session = CallingSession()
    pair = Pair(codec, session=session)
    session._plain_calls[1].failure = RuntimeError("done already")
    session._plain_calls[1].completed_before = True
    assert pair.deliver([50, 1, {}, ["late"]]) == []
    assert pair.errors() == []
    session._plain_calls[2].failure = failure = RuntimeError("a loop that was closed")
    assert pair.deliver([50, 2, {}, ["x"]]) == []
    assert pair.errors() == [failure]


class Future(asyncio.Future):  # type: ignore[type-arg]
    """What a session has its wire make for each call."""

    __slots__ = ("request", "session")


@codecs
def test_futures_that_the_wire_makes(codec: Codec) -> None:
    session = CallingSession()
    assert Pair(codec, session=session).wire.starts_calls is False
    with pytest.raises(RuntimeError, match="itself"):
        Pair(codec, session=session).wire.start_call(9, "a.b", (), {})
    loop = asyncio.new_event_loop()
    session._future_of_calls = (Future, {"loop": loop})  # type: ignore[attr-defined]
    pair = Pair(codec, session=session)
    assert pair.wire.starts_calls is True
    future = pair.wire.start_call(9, "a.b", (1,), {"k": 2})
    assert type(future) is Future
    assert (future.get_loop(), future.session, future.request) == (loop, session, 9)
    assert session._plain_calls[9] is future
    assert pair.sent == [codec.dumps([48, 9, {}, "a.b", [1], {"k": 2}])]
    assert pair.deliver([50, 9, {}, ["x"]]) == []
    assert future.result() == "x"
    with pytest.raises(EncodeError):
        pair.wire.start_call(10, "a.b", (object(),), {})
    pair.engine.detach()
    with pytest.raises(EngineClosed):
        pair.wire.start_call(11, "a.b", (), {})
    assert list(session._plain_calls) == [1, 2, 3, 4, 5]
    loop.close()


class Endpoint:
    """A registered function, which is its own registration."""

    def __init__(self, fn: Any, details_arg: str | None = None) -> None:
        self.fn, self.details_arg, self.endpoint = fn, details_arg, self


class CalleeSession(Session):
    """A session that lets its wire call endpoints."""

    def __init__(self, **endpoints: Any) -> None:
        super().__init__()
        self._registrations = {i: Endpoint(fn) for i, fn in enumerate(endpoints.values())}
        self._invocations: dict[int, Any] = {}
        self._live: Any = None

    def _on_returned(self, *args: Any) -> None:
        self.calls.append(("returned", *args))

    def _on_raised(self, *args: Any) -> None:
        self.calls.append(("raised", *args))

    def _on_unsent(self, *args: Any) -> None:
        self.calls.append(("unsent", *args))


def fail() -> None:
    raise KeyError("x")


@codecs
def test_plain_endpoints_are_called_by_the_wire(codec: Codec) -> None:
    session = CalleeSession(echo=lambda *args, **kwargs: [list(args), kwargs], nothing=lambda: None)
    pair = Pair(codec, session=session)
    session._live = pair.wire
    assert pair.deliver([68, 1, 0, {}, [1, "x"], {"k": b"y"}]) == []
    assert pair.deliver([68, 2, 0, {}]) == []
    assert pair.deliver([68, 3, 1, {}]) == []
    for number, value in enumerate([True, 5, 1.5, "", b"\0", [1], {"a": 2}]):
        session._registrations[2] = Endpoint(lambda value=value: value)
        assert pair.deliver([68, 4 + number, 2, {}, []]) == []
        assert codec.loads(pair.sent.pop()) == [70, 4 + number, {}, [value]]
    assert [codec.loads(octets) for octets in pair.sent] == [
        [70, 1, {}, [[[1, "x"], {"k": b"y"}]]],
        [70, 2, {}, [[[], {}]]],
        [70, 3, {}, [None]],
    ]
    assert pair.errors() == []


@codecs
def test_what_is_not_plain_about_an_invocation_is_for_the_session(codec: Codec) -> None:
    session = CalleeSession(result=lambda: result, fail=fail, unsendable=lambda: [object()], wide=lambda x: x)
    pair = Pair(codec, session=session)
    session._live, result = pair.wire, object()
    regs = session._registrations
    assert pair.deliver([68, 1, 0, {}]) == [("returned", 1, regs[0], result)]
    ((kind, request, reg, exc),) = pair.deliver([68, 2, 1, {}])
    assert (kind, request, reg, type(exc)) == ("raised", 2, regs[1], KeyError)
    ((kind, request, reg, exc),) = pair.deliver([68, 3, 2, {}])
    assert (kind, request, reg, type(exc)) == ("unsent", 3, regs[2], EncodeError)
    ((kind, _, _, exc),) = pair.deliver([68, 4, 3, {}])
    assert (kind, type(exc)) == ("raised", TypeError)
    assert pair.deliver([68, 5, 9, {}]) == [("invocation", 5, 9, None, (), None)]
    assert pair.deliver([68, 6, 3, {"caller": 1}, [1]]) == [("invocation", 6, 3, {"caller": 1}, (1,), None)]
    regs[3].details_arg = "details"
    assert pair.deliver([68, 7, 3, {}, [1]]) == [("invocation", 7, 3, None, (1,), None)]
    regs[3].details_arg = None
    session._invocations[8] = "running"
    assert pair.deliver([68, 8, 3, {}, [1]]) == [("invocation", 8, 3, None, (1,), None)]
    session._live = None
    assert pair.deliver([68, 9, 3, {}, [1]]) == [("returned", 9, regs[3], 1)]
    assert pair.sent == [] and pair.errors() == []


def test_json_options() -> None:
    pair = Pair(JsonCodec(use_binary_hex_encoding=True, use_decimal_from_str=True, use_decimal_from_float=True))
    pair.deliver_octets(b'[36,1,2,{"x_own":"1"},["0x00ff","1.50","1E5",1.5,"\\u0000AAE="],{"k":"-2"}]')
    args = (b"\x00\xff", Decimal("1.50"), Decimal("1E5"), Decimal("1.5"), "\0AAE=")
    assert pair.session.calls == [("event", 1, 2, {"x_own": Decimal(1)}, args, {"k": Decimal(-2)})]
    assert repr(pair.session.calls[0][4][1:4]) == "(Decimal('1.50'), Decimal('1E+5'), Decimal('1.5'))"
    pair.wire.publish(1, "a.b", args[:4], {})
    assert pair.sent == [b'[16,1,{},"a.b",["0x00ff","1.50","1E+5","1.5"]]']


@pytest.mark.parametrize("batched", [False, True])
def test_statistics_of_a_serializer_that_a_wire_uses(batched: bool) -> None:
    serializer, seen = JsonSerializer(batched), []  # type: ignore[var-annotated]
    pair = Pair(serializer.codec, batch=serializer.batch)
    wire = Wire(pair.engine, serializer.codec, serializer.statistics, pair.session, parse, True, serializer.batch)
    pair.engine.set_sink(wire)
    serializer.set_stats_autoreset(4, 0, seen.append)
    octets = serializer._serializer.serialize([36, 1, 2, {}, ["x" * 600]])
    pair.deliver_octets(octets)
    wire.publish(1, "a.b", (), {})
    assert seen == [] and serializer.stats_rated_messages() == 3
    wire.call(2, "a.b", (), {})
    assert [(s["messages"], s["rated_messages"], s["cycle"]) for s in seen] == [(3, 4, 1)]
    assert seen[0]["bytes"] == len(octets) + sum(map(len, pair.sent))
    assert serializer.stats_messages() == 0
    serializer.set_stats_autoreset(0, 1, seen.append)
    pair.deliver_octets(octets)
    assert (seen[-1]["bytes"], seen[-1]["messages"]) == (len(octets), 1)


def test_every_option_of_the_hot_messages_is_looked_at() -> None:
    from autobahn_fast._core.wire import LOOKED_AT
    from autobahn_fast.wamp import message

    for cls in (message.Event, message.Result, message.Invocation):
        assert set(cls.SCHEMA.all_options) <= LOOKED_AT
