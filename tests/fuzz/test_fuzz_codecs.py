# SPDX-License-Identifier: MIT
"""Any octets, and valid messages broken in every way: a value or a DecodeError, never anything else; Wire never raises."""

import sys
from pathlib import Path
from typing import Any

import cbor2
import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import DecodeError
from autobahn_fast._core.engine import Engine, EngineClosed
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.ubjson import UbjsonCodec
from autobahn_fast._core.wire import Wire

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from _codec_checks import check_any, values

MSGPACK, CBOR, JSON, UBJSON = MsgPackCodec(), CborCodec(), JsonCodec(), UbjsonCodec()
OPTIONS = JsonCodec(use_binary_hex_encoding=True, use_decimal_from_str=True, use_decimal_from_float=True)
CODECS = [MSGPACK, CBOR, UBJSON, JSON, OPTIONS]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.integers(0, 2**53) | st.integers(-(2**63), 2**64 - 1) | texts | st.none()
anything = values(texts, st.integers(-(2**63), 2**64 - 1))
messages = st.one_of(
    st.tuples(st.just(36), ids, ids, anything, anything, anything),
    st.tuples(st.just(68), ids, ids, st.dictionaries(texts, anything, max_size=3), st.lists(anything, max_size=5)),
    st.tuples(
        st.just(50), ids, st.just({}), st.lists(anything, max_size=5), st.dictionaries(texts, anything, max_size=4)
    ),
    st.tuples(st.just(17), ids, ids),
    st.lists(anything, max_size=6),
).map(list)


@st.composite
def broken(draw: Any, octets: bytes) -> bytes:
    """``octets`` with some of them changed, taken out, doubled or put in."""
    data = bytearray(octets)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.integers(0, 3))
        if how == 0:
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
        elif how == 1:
            del data[at : at + draw(st.integers(1, 9))]
        elif how == 2:
            data[at:at] = data[at : at + draw(st.integers(1, 30))]
        else:
            data[at:at] = draw(
                st.sampled_from(
                    [
                        b"\xdd\xff\xff\xff\xff",
                        b"[$i#m\xff\xff\xff\xff",
                        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
                        b"[[[",
                        b'\\ud800"',
                    ]
                )
            )
    return bytes(data)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_broken_messages(data: Any) -> None:
    codec = data.draw(st.sampled_from(CODECS))
    check_any(codec, data.draw(broken(codec.dumps(data.draw(messages)))))


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_octets(octets: bytes) -> None:
    for codec in CODECS:
        check_any(codec, octets)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_binary_formats_read_what_the_packages_read(data: Any) -> None:
    codec, read = data.draw(st.sampled_from([(MSGPACK, msgpack.unpackb), (CBOR, cbor2.loads)]))
    octets = data.draw(broken(codec.dumps(data.draw(messages))))
    try:
        value = codec.loads(octets)
    except DecodeError:
        return
    assert repr(value) == repr(read(octets))


class Session:
    """Takes everything, and answers from inside."""

    wire: Wire
    calls = 0

    def _on_event(self, subscription: int, publication: int, details: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        assert 0 <= subscription <= 2**53 and 0 <= publication <= 2**53
        assert details is None or type(details) is dict and details
        assert type(args) is tuple
        assert kwargs is None or type(kwargs) is dict and all(type(key) is str for key in kwargs)
        self.calls += 1
        if all(type(arg) in (int, bytes) for arg in args):
            self.wire.yield_(publication, args, {})

    def _on_invocation(self, request: int, registration: int, details: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        self._on_event(request, registration, details, args, kwargs)

    def _on_result(self, request: int, details: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        self._on_event(request, 0, details, args, kwargs)

    def _on_published(self, request: int, publication: int) -> None:
        self._on_event(request, publication, None, (), None)

    def onMessage(self, msg: Any) -> None:
        assert type(msg) is list
        self.calls += 1


class Owner:
    """An engine's handler that keeps what the sink raised."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def on_sink_error(self, exc: BaseException) -> None:
        self.errors.append(exc)

    def on_violation(self, code: int, reason: str) -> None:
        raise RuntimeError(f"the frames are valid: {code} {reason}")


def parse(value: Any) -> list[Any]:
    if type(value) is not list:
        raise DecodeError("a message is a list")
    return value


def message_frame(engine: Engine, octets: bytes, binary: bool) -> None:
    """One message into a client's engine."""
    size = len(octets)
    head = (
        bytes([0x82 if binary else 0x81, size])
        if size < 126
        else bytes([0x82 if binary else 0x81, 126, size >> 8, size & 255])
    )
    engine.feed(head + octets)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_wire_delivers_once_or_reports_once(data: Any) -> None:
    codec = data.draw(st.sampled_from([MSGPACK, CBOR, UBJSON]))
    owner, session = Owner(), Session()
    engine = WebSocketEngine(owner, False)
    engine.attach(lambda octets: None)
    session.wire = Wire(engine, codec, None, session, parse)
    engine.set_sink(session.wire)
    for count in range(1, data.draw(st.integers(1, 3)) + 1):
        octets = data.draw(broken(codec.dumps(data.draw(messages))))
        message_frame(engine, octets[:60000], True)
        assert all(isinstance(exc, DecodeError) for exc in owner.errors), owner.errors
        assert session.calls + len(owner.errors) == count
    engine.detach()
    try:
        session.wire.publish(1, "a.b", (), {})
    except EngineClosed:
        return
    raise AssertionError("a detached engine took a message")
