# SPDX-License-Identifier: MIT
"""Hot messages in, in every form that MessagePack has for their ids and texts; attributes of handlers that are no plain slots."""

import sys
from typing import Any

import msgpack
import pytest
from test_wire import Call, Pair, Parsed, Session

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import Codec, DecodeError
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.pending import Pending
from autobahn_fast.wamp.request import Endpoint, Handler, Registration, Subscription

FORMS = {
    "fixint": (1, lambda v: bytes([v])),
    "uint8": (0xCC, lambda v: b"\xcc" + v.to_bytes(1, "big")),
    "uint16": (0xCD, lambda v: b"\xcd" + v.to_bytes(2, "big")),
    "uint32": (0xCE, lambda v: b"\xce" + v.to_bytes(4, "big")),
    "uint64": (0xCF, lambda v: b"\xcf" + v.to_bytes(8, "big")),
    "int8": (0xD0, lambda v: b"\xd0" + v.to_bytes(1, "big")),
    "int16": (0xD1, lambda v: b"\xd1" + v.to_bytes(2, "big")),
    "int32": (0xD2, lambda v: b"\xd2" + v.to_bytes(4, "big")),
    "int64": (0xD3, lambda v: b"\xd3" + v.to_bytes(8, "big")),
}
NAMES = {36: "event", 68: "invocation", 50: "result", 17: "published"}


def message(code: int, ids: list[bytes], rest: bytes, elements: int) -> bytes:
    """The octets of a message; what is in ``rest`` counts as that many elements."""
    return bytes([0x90 | (1 + len(ids) + elements), code]) + b"".join(ids) + rest


@pytest.mark.parametrize("second", FORMS)
@pytest.mark.parametrize("first", FORMS)
def test_ids_in_every_form(first: str, second: str) -> None:
    pair = Pair(MsgPackCodec())
    a, b = FORMS[first][1](5), FORMS[second][1](100)
    for text in ("", "x" * 5, "x" * 40):
        args = b"\x91" + msgpack.packb(text)
        for code in (36, 68):
            pair.deliver_octets(message(code, [a, b], b"\x80" + args, 2))
            assert pair.session.calls.pop() == (NAMES[code], 5, 100, None, (text,), None)
        pair.deliver_octets(message(50, [a], b"\x80" + args, 2))
        assert pair.session.calls.pop() == ("result", 5, None, (text,), None)
    pair.deliver_octets(message(17, [a, b], b"", 0))
    assert pair.session.calls == [("published", 5, 100)]
    assert pair.errors() == []


@pytest.mark.parametrize("wrong", [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -1, -128, -(2**63), None, 1.0, "5", [], {}])
@pytest.mark.parametrize("where", [0, 1])
def test_what_is_no_id_goes_the_slow_way(wrong: Any, where: int) -> None:
    pair = Pair(MsgPackCodec())
    ids: list[Any] = [7, 2**53]
    ids[where] = wrong
    value = [36, *ids, {}, ["some text that makes it long"]]
    pair.deliver_octets(msgpack.packb(value))
    assert pair.session.calls == [("message", Parsed(value))]


def test_too_few_and_too_many_elements() -> None:
    pair = Pair(MsgPackCodec())
    long = "some text that makes it long enough"
    for value in (
        [36],
        [36, 2**40],
        [36, 2**40, 2**40],
        [50, 2**50],
        [36, 1, 2, {}, [long], {"a": long}, 1],
        [36, 1, long, {}],
    ):
        pair.deliver_octets(msgpack.packb(value))
        assert pair.session.calls.pop() == ("message", Parsed(value))
    assert pair.errors() == []


@pytest.mark.parametrize("n", [0, 1, 7, 8, 31, 32, 63, 64, 65, 127, 128, 255, 256, 257, 65535, 65536])
def test_text_of_every_length(n: int) -> None:
    codec = MsgPackCodec()
    ascii_text = ("0123456789" * (n // 10 + 1))[:n]
    for text in {ascii_text, ascii_text[:-1] + "\x7f", ascii_text[:-2] + "\xe9", "\u20ac" + ascii_text[3:]}:
        octets = codec.dumps([text, 1])
        assert octets == msgpack.packb([text, 1])
        assert codec.loads(octets) == [text, 1]
        for cut in {1, 2, len(octets) // 2, len(octets) - 1}:
            with pytest.raises(DecodeError):
                codec.loads(octets[:cut])
    if n:
        bad = bytearray(codec.dumps([ascii_text]))
        bad[-1] = 0x80
        with pytest.raises(DecodeError):
            codec.loads(bytes(bad))


class Calling(Session):
    """As much of a session as has the wire call handlers and endpoints."""

    def __init__(self) -> None:
        super().__init__()
        self._subscriptions: dict[int, Any] = {}
        self._registrations: dict[int, Any] = {}
        self._invocations: dict[int, Any] = {}
        self._live: Any = None

    def _on_handled(self, *args: Any) -> None:
        self.calls.append(("handled", *args))

    def _handler_failed(self, *args: Any) -> None:
        self.calls.append(("failed", *args))

    def _on_returned(self, *args: Any) -> None:
        self.calls.append(("returned", *args))

    def _on_raised(self, *args: Any) -> None:
        self.calls.append(("raised", *args))

    def _on_unsent(self, *args: Any) -> None:
        self.calls.append(("unsent", *args))


class ComputedHandler(Handler):
    """Attributes that are no slots."""

    made: list[Any]

    @property
    def fn(self) -> Any:  # type: ignore[override]
        return self.made.append

    @fn.setter
    def fn(self, value: Any) -> None:
        self.made = value

    @property
    def details_arg(self) -> Any:  # type: ignore[override]
        return None

    @details_arg.setter
    def details_arg(self, value: Any) -> None:
        pass


class Loose:
    """Neither."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn
        self.details_arg = None


def test_handlers_of_any_make() -> None:
    session = Calling()
    pair = Pair(MsgPackCodec(), session=session)
    seen: list[Any] = []
    handlers: list[Any] = [Handler(seen.append), ComputedHandler(seen), Loose(seen.append), Handler(seen.append)]  # type: ignore[arg-type]
    for number, handler in enumerate(handlers):
        session._subscriptions[number] = (Subscription(number, "a.b", session, handler),)
    for turn in range(3):
        for number in range(len(handlers)):
            pair.deliver([36, number, 1, {}, [(turn, number)]])
    assert seen == [[turn, number] for turn in range(3) for number in range(4)]
    handlers[0].fn = lambda value: seen.append(("new", value))
    pair.deliver([36, 0, 1, {}, [1]])
    assert seen[-1] == ("new", 1)
    handlers[0].details_arg = "details"
    assert pair.deliver([36, 0, 1, {}, [2]]) == [("event", 0, 1, None, (2,), None)]
    del handlers[3].fn
    pair.deliver([36, 3, 1, {}, [2]])
    assert [type(error) for error in pair.errors()] == [AttributeError]


def test_endpoints_of_any_make() -> None:
    session = Calling()
    pair = Pair(MsgPackCodec(), session=session)
    session._live = pair.wire
    endpoints: list[Any] = [Endpoint(lambda v: v + 1), Loose(lambda v: v + 2)]
    for number, endpoint in enumerate(endpoints):
        session._registrations[number] = Registration(session, number, "a.b", endpoint)
    for request in range(6):
        pair.deliver([68, request, request % 2, {}, [request]])
    assert [pair.codec.loads(octets) for octets in pair.sent] == [
        [70, request, {}, [request + 1 + request % 2]] for request in range(6)
    ]
    del endpoints[0].fn
    (call,) = pair.deliver([68, 7, 0, {}, [1]])
    assert call[0] == "raised"
    assert isinstance(call[3], AttributeError)


ONE = ("only", None, 5, 2**60, 1.5, b"octets", [], ["x"], {"k": [1]})
ARRAYS = {
    # heads of an array with n elements, and what stands behind them
    "msgpack, short": (MsgPackCodec, lambda n: bytes([0x90 | n]), b""),
    "msgpack, array 16": (MsgPackCodec, lambda n: b"\xdc" + n.to_bytes(2, "big"), b""),
    "msgpack, array 32": (MsgPackCodec, lambda n: b"\xdd" + n.to_bytes(4, "big"), b""),
    "cbor, short": (CborCodec, lambda n: bytes([0x80 | n]), b""),
    "cbor, 1 octet": (CborCodec, lambda n: bytes([0x98, n]), b""),
    "cbor, 8 octets": (CborCodec, lambda n: b"\x9b" + n.to_bytes(8, "big"), b""),
    "cbor, indefinite": (CborCodec, lambda n: b"\x9f", b"\xff"),
}


@pytest.mark.parametrize("form", ARRAYS)
@pytest.mark.parametrize("args", [(), *((value,) for value in ONE), ("x", "y")], ids=repr)
def test_arguments_in_every_form_of_an_array(form: str, args: tuple[Any, ...]) -> None:
    """One argument goes its own way: handlers, endpoints and futures of calls get the same as by any other."""
    kind, head, tail = ARRAYS[form]
    codec = kind()
    array = head(len(args)) + b"".join(map(codec.dumps, args)) + tail
    session = Calling()
    session._plain_calls = Pending()  # type: ignore[attr-defined]
    session._call_options = {}  # type: ignore[attr-defined]
    pair = Pair(codec, session=session)
    session._live = pair.wire
    seen: list[Any] = []

    def handler(*args: Any, **kwargs: Any) -> str:
        seen.append((args, kwargs))
        return "answer"

    def deliver(value: list[Any], kwargs: dict[str, Any] | None = None) -> list[Any]:
        octets = bytearray(codec.dumps([*value, {}]))  # the place of the arguments, and of no more
        octets[-1:] = array
        if kwargs is not None:
            octets[0] += 1
            octets += codec.dumps(kwargs)
        pair.deliver_octets(bytes(octets))
        calls, session.calls = session.calls, []
        return calls

    session._subscriptions[1] = (Subscription(1, "a.b", session, Handler(handler)),)
    session._subscriptions[2] = session._subscriptions[1] * 2
    session._registrations[1] = Registration(session, 1, "a.b", Endpoint(handler))
    for kwargs in (None, {"k": 1}):
        assert deliver([36, 1, 9, {}], kwargs) == []
        assert deliver([36, 2, 9, {}], kwargs) == []
        assert deliver([68, 7, 1, {}], kwargs) == []
        assert seen == [(args, kwargs or {})] * 4
        assert codec.loads(pair.sent.pop()) == [70, 7, {}, ["answer"]]
        seen.clear()
        # what is for the session
        assert deliver([36, 3, 9, {}], kwargs) == [("event", 3, 9, None, args, kwargs)]
        assert deliver([68, 7, 3, {}], kwargs) == [("invocation", 7, 3, None, args, kwargs)]
        assert deliver([50, 4, {}], kwargs) == [("result", 4, None, args, kwargs)]
        for number, name in ((36, "event"), (68, "invocation")):
            expected = [(name, 1, 1, {"trustlevel": 3}, args, kwargs)]
            assert deliver([number, 1, 1, {"trustlevel": 3}], kwargs) == expected
        assert deliver([50, 4, {"progress": True}], kwargs) == [("result", 4, {"progress": True}, args, kwargs)]
    call = Call()
    session._plain_calls[4] = call  # type: ignore[attr-defined]
    if len(args) < 2:
        assert deliver([50, 4, {}]) == []
        assert call.results == [args[0] if args else None]
    else:
        assert deliver([50, 4, {}]) == [("result", 4, None, args, None)]
    assert pair.errors() == []


@pytest.mark.parametrize("codec", [MsgPackCodec(), CborCodec()], ids=lambda codec: str(codec.name))
def test_the_only_argument_is_not_kept_or_lost(codec: Codec) -> None:
    session = Calling()
    pair = Pair(codec, session=session)
    seen: list[Any] = []
    session._subscriptions[1] = (Subscription(1, "a.b", session, Handler(seen.append)),)
    for _ in range(3):
        assert pair.deliver([36, 1, 9, {}, ["a text of its own"]]) == []
        assert sys.getrefcount(seen.pop()) == sys.getrefcount(object())
    # octets that end in the middle of it, or go on behind it
    for octets in (codec.dumps([36, 1, 9, {}, ["x"]])[:-1], codec.dumps([36, 1, 9, {}, ["x"]]) + b"\x01"):
        pair.deliver_octets(octets)
        assert [type(error) for error in pair.errors()] == [DecodeError]
        pair = Pair(codec, session=session)
    assert seen == []


def test_handlers_that_take_no_argument() -> None:
    """What they raise is what they raise when they are called with one."""
    session = Calling()
    pair = Pair(MsgPackCodec(), session=session)

    def handler() -> None: ...

    with pytest.raises(TypeError) as raised:
        handler(1)  # type: ignore[call-arg]
    session._subscriptions[1] = (Subscription(1, "a.b", session, Handler(handler)),)
    ((what, _, error),) = pair.deliver([36, 1, 9, {}, [1]])
    assert what == "failed"
    assert (type(error), str(error)) == (TypeError, str(raised.value))
