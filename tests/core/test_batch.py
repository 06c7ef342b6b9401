# SPDX-License-Identifier: MIT
"""Batches: several WAMP messages in one transport message, through Batch, Wire and RouterWire."""

import copy
from typing import Any

import pytest
from _frame_model import Recorder
from hypothesis import given
from hypothesis import strategies as st
from test_frames_compress import Deflate
from test_wire import CODECS, Message, Pair, Session, codecs

from autobahn_fast._core.batch import Batch
from autobahn_fast._core.codec import Codec, DecodeError
from autobahn_fast._core.engine import CallbackSink, EngineClosed
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.relay import Payload, RouterWire, fan_out
from autobahn_fast._core.wire import Wire

TEXTS = st.lists(st.text().map(lambda text: text.replace("\x18", "").replace("\x1e", "").encode()), min_size=1)


def batch_for(codec: Codec) -> Batch:
    return Batch(None if codec.binary else 0x18)


# --- Batch -----------------------------------------------------------------------------------------------------------


@given(messages=st.lists(st.binary(max_size=300), min_size=1))
def test_lengths(messages: list[bytes]) -> None:
    batch = Batch()
    joined = b"".join(map(batch.join, messages))
    assert joined == b"".join(len(message).to_bytes(4, "big") + message for message in messages)
    assert batch.split(joined) == messages
    assert batch.split(bytearray(joined)) == messages


@given(
    messages=TEXTS, separators=st.lists(st.sampled_from([0x18, 0x1E]), min_size=1), first=st.sampled_from([0x18, 0x1E])
)
def test_separators_in_any_mix(messages: list[bytes], separators: list[int], first: int) -> None:
    batch = Batch(first)
    used = (separators * len(messages))[: len(messages)]
    joined = b"".join(m + bytes([s]) for m, s in zip(messages, used, strict=True))
    assert batch.split(joined) == messages
    assert batch.separator == used[-1]
    assert batch.join(b"[1]") == b"[1]" + bytes([used[-1]])


@given(st.binary(max_size=60), st.sampled_from([None, 0x18, 0x1E]))
def test_any_octets_are_a_batch_or_an_error(octets: bytes, separator: int | None) -> None:
    batch = Batch(separator)
    try:
        messages = batch.split(octets)
    except DecodeError:
        return
    extra = 4 if separator is None else 1
    assert sum(len(message) + extra for message in messages) == len(octets) > 0


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0",
        b"\0\0\0",
        b"\0\0\0\1",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xffabc",
        b"\0\0\0\1a\0",
        b"\0\0\0\0\0\0\0\2a",
    ],
)
def test_lengths_that_lie(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="batch"):
        Batch().split(octets)


@pytest.mark.parametrize("octets", [b"", b"[1]", b"[1]\x18[2]", b"\x1e\x18 "])
def test_text_without_a_separator_behind_it(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="batch"):
        Batch(0x18).split(octets)


def test_a_batch_is_for_one_connection() -> None:
    batch = Batch(0x18)
    other = copy.copy(batch)
    other.split(b"[]\x1e")
    assert (batch.separator, other.separator, copy.copy(other).separator) == (0x18, 0x1E, 0x1E)
    assert copy.copy(Batch()).separator == Batch().separator == -1
    for bad in (0, 0x19, -1, "\x18"):
        with pytest.raises(ValueError, match="separated"):
            Batch(bad)  # type: ignore[arg-type]


# --- Wire ------------------------------------------------------------------------------------------------------------


@codecs
def test_out(codec: Codec) -> None:
    pair, plain = Pair(codec, batch=batch_for(codec)), Pair(codec)
    for wire in (pair.wire, plain.wire):
        wire.publish(1, "a.b", (1, "two"), {"k": b"\0"}, {"acknowledge": True})
        wire.call(2, "a.b", (), {})
        wire.yield_(3, ("x" * 70000,), {})
        wire.send(Message(1, "realm1", {}))
    assert pair.sent == [batch_for(codec).join(octets) for octets in plain.sent]
    assert pair.statistics.serialized_messages == 4
    assert pair.statistics.serialized_bytes == sum(map(len, pair.sent))


@codecs
def test_what_cannot_be_encoded_leaves_nothing_behind(codec: Codec) -> None:
    pair = Pair(codec, batch=batch_for(codec))
    for call in (lambda: pair.wire.publish(1, "a.b", (object(),), {}), lambda: pair.wire.send(Message(object()))):
        with pytest.raises(ValueError, match="."):
            call()
    assert pair.sent == [] and pair.engine.unsent == 0
    pair.wire.call(1, "a.b", (), {})
    assert pair.sent == [batch_for(codec).join(codec.dumps([48, 1, {}, "a.b"]))]


@codecs
def test_several_in_one_message(codec: Codec) -> None:
    pair, join = Pair(codec, batch=batch_for(codec)), batch_for(codec).join
    values: list[Any] = [[36, 1, 2, {}, ["x" * 600]], [50, 3, {}], [33, 4, 5], [17, 6, 7]]
    octets = b"".join(join(codec.dumps(value)) for value in values)
    pair.deliver_octets(octets)
    assert pair.session.calls == [
        ("event", 1, 2, None, ("x" * 600,), None),
        ("result", 3, None, (), None),
        ("message", (33, 4, 5)),
        ("published", 6, 7),
    ]
    assert pair.errors() == []
    assert pair.statistics.unserialized_messages == 4
    assert pair.statistics.unserialized_bytes == len(octets)
    assert pair.statistics.unserialized_rated_messages == 2  # of all octets together, as autobahn counts


@codecs
def test_a_bad_message_behind_good_ones(codec: Codec) -> None:
    join = batch_for(codec).join
    good, bad = join(codec.dumps([17, 1, 2])), join(codec.dumps([17, 1, 2])[:-1])
    for rest in (bad + good, good[:-1], b"\x05", join(b"")):
        pair = Pair(codec, batch=batch_for(codec))
        pair.deliver_octets(good + rest)
        assert pair.session.calls == [("published", 1, 2)]
        assert [type(exc) for exc in pair.errors()] == [DecodeError]
    pair = Pair(codec, batch=batch_for(codec))
    pair.deliver_octets(b"")
    assert [type(exc) for exc in pair.errors()] == [DecodeError]


@codecs
def test_nothing_is_delivered_once_the_session_has_closed(codec: Codec) -> None:
    pair, join = Pair(codec, batch=batch_for(codec)), batch_for(codec).join
    session = pair.session

    def close(*args: Any) -> None:
        session.calls.append(args)
        pair.engine.detach()

    session._on_published = close
    pair = Pair(codec, session=session, batch=batch_for(codec))
    pair.deliver_octets(join(codec.dumps([17, 1, 2])) * 3)
    assert session.calls == [(1, 2)]


def test_json_is_written_as_the_peer_writes_it() -> None:
    pair = Pair(JsonCodec(), batch=Batch(0x18))
    pair.wire.send(Message(1))
    pair.deliver_octets(b"[17,1,2]\x1e")
    pair.wire.send(Message(2))
    pair.deliver_octets(b"[17,1,2]\x18")
    pair.wire.send(Message(3))
    assert pair.sent == [b"[1]\x18", b"[2]\x1e", b"[3]\x18"]


# --- router ----------------------------------------------------------------------------------------------------------


class RouterSession:
    """Writes down what a RouterWire calls; its ``_on_publish`` may be replaced."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append((name, *args))


def router_wire(codec: Codec, batch: Batch | None) -> tuple[RouterWire, RouterSession, Pair]:
    """A router's wire; what it sends arrives at the wire of a Pair."""
    session, pair = RouterSession(), Pair(codec)
    engine = WebSocketEngine(session, True)
    pair.wire = Wire(pair.engine, codec, pair.statistics, pair.session, list, True, copy.copy(batch))
    pair.engine.set_sink(pair.wire)
    engine.attach(pair.engine.feed)
    wire = RouterWire(engine, codec, session, list, pair.statistics, batch)
    wire.joined = True
    return wire, session, pair


@codecs
def test_router_takes_several(codec: Codec) -> None:
    batch = batch_for(codec)
    wire, session, pair = router_wire(codec, batch)
    octets = b"".join(batch.join(codec.dumps([16, i, {}, "a.b", [i]])) for i in (1, 2, 3))
    wire.receive(octets, codec.binary)
    assert [call[:4] for call in session.calls] == [("_on_publish", i, None, "a.b") for i in (1, 2, 3)]
    assert [call[4].values() for call in session.calls] == [[[1]], [[2]], [[3]]]
    assert (pair.statistics.unserialized_messages, pair.statistics.unserialized_bytes) == (3, len(octets))


@codecs
def test_router_says_so_once_when_a_batch_is_broken(codec: Codec) -> None:
    batch = batch_for(codec)
    wire, session, _ = router_wire(codec, batch)
    good = batch.join(codec.dumps([16, 1, {}, "a.b"]))
    wire.receive(good + b"\x05", codec.binary)
    wire.receive(b"", codec.binary)
    assert [call[0] for call in session.calls] == ["_on_publish", "_on_failure", "_on_failure"]
    # A message that fails does not keep those behind it from a session that goes on, as with messages of their own.
    session.calls.clear()
    wire.receive(good + batch.join(codec.dumps([16, 0])) + good, codec.binary)
    assert [call[0] for call in session.calls] == ["_on_publish", "_on_failure", "_on_publish"]
    session.calls.clear()
    session.__dict__["_on_failure"] = lambda exc: wire.close()
    wire.close()
    wire.receive(good, codec.binary)
    assert session.calls == []


def test_an_event_to_plain_and_batched_receivers() -> None:
    ends = [router_wire(codec, batch) for codec in CODECS for batch in (None, batch_for(codec))]
    payload = Payload(CODECS[1], [["ä", 1], {"k": b"\0"}])
    assert fan_out(tuple(wire for wire, _, _ in ends), None, 5, 6, None, payload) == len(ends)
    for wire, _, pair in ends:
        wire.result(7, None, payload)
        assert pair.session.calls == [
            ("event", 5, 6, None, ("ä", 1), {"k": b"\0"}),
            ("result", 7, None, ("ä", 1), {"k": b"\0"}),
        ]
        assert pair.errors() == []


# --- joining ---------------------------------------------------------------------------------------------------------


class Turns:
    """A wire whose engine has loop turns: ``end()`` ends one. ``sent`` are the transport messages, joined or not."""

    def __init__(self, codec: Codec, is_server: bool = False, **options: Any) -> None:
        self.codec, self.batch = codec, batch_for(codec)
        self.writes, self.deferred = [], []  # type: ignore[var-annotated]
        self.sent: list[bytes] = []
        self.engine = WebSocketEngine(Recorder(), is_server, **options)
        self.engine.attach(self.write, self.deferred.append)
        self.peer = WebSocketEngine(Recorder(), not is_server)
        self.peer.attach(lambda octets: None)
        self.peer.set_sink(CallbackSink(lambda payload, binary: self.sent.append(payload)))
        self.wire = Wire(self.engine, codec, None, Session(), list, True, self.batch)

    def write(self, octets: bytes) -> None:
        self.writes.append(octets)
        self.peer.feed(octets)

    def end(self) -> list[list[Any]]:
        deferred, self.deferred[:] = list(self.deferred), []
        for each in deferred:
            each()
        sent, self.sent = self.sent, []
        return [[self.codec.loads(octets)[1] for octets in self.batch.split(message)] for message in sent]


both_sides = pytest.mark.parametrize("is_server", [False, True], ids=["client", "server"])


@codecs
@both_sides
def test_messages_of_one_turn_share_one_transport_message(codec: Codec, is_server: bool) -> None:
    turns = Turns(codec, is_server)
    for request in range(1, 9):
        turns.wire.publish(request, "a.b", ("x" * 20,), {})
    assert (turns.end(), len(turns.writes)) == ([[1], [2, 3, 4, 5, 6, 7, 8]], 2)
    turns.wire.publish(9, "a.b", (), {})
    assert turns.end() == [[9]]
    assert turns.engine.messages_out == 3


@given(
    sizes=st.lists(st.sampled_from([0, 1, 60, 90, 110, 117, 118, 300, 3000, 4100]), min_size=2, max_size=40),
    is_server=st.booleans(),
    codec=st.sampled_from(CODECS),
    options=st.sampled_from(
        [{}, {"apply_mask": False}, {"max_send": 5000}, {"max_send": 4500}, {"auto_fragment": 200}]
    ),
)
def test_nothing_is_lost_or_changed_whatever_the_sizes(
    sizes: list[int], is_server: bool, codec: Codec, options: dict[str, Any]
) -> None:
    turns = Turns(codec, is_server, **options)
    turns.peer.apply_mask = options.get("apply_mask", True)
    expected = [batch_for(codec).join(codec.dumps([16, i, {}, "a.b", ["x" * n]])) for i, n in enumerate(sizes, 1)]
    for request, size in enumerate(sizes, 1):
        turns.wire.publish(request, "a.b", ("x" * size,), {})
    for deferred in turns.deferred:
        deferred()
    assert b"".join(turns.sent) == b"".join(expected)
    assert all(len(message) <= 4096 or message in expected for message in turns.sent)
    assert turns.engine.payload_out == sum(map(len, expected))


@codecs
@both_sides
def test_what_comes_between_ends_a_joined_message(codec: Codec, is_server: bool) -> None:
    turns = Turns(codec, is_server)
    publish = turns.wire.publish
    publish(1, "a.b", (), {})
    publish(2, "a.b", (), {})
    turns.engine.ping(b"between")
    publish(3, "a.b", (), {})
    with pytest.raises(ValueError, match="."):
        publish(4, "a.b", (object(),), {})
    publish(5, "a.b", (), {})
    turns.engine.flush()
    publish(6, "a.b", (), {})
    turns.engine.send(turns.batch.join(codec.dumps([16, 7])), codec.binary)
    publish(8, "a.b", (), {})
    publish(9, "a.b", (), {})
    turns.engine.close(1000)
    with pytest.raises(EngineClosed):
        publish(10, "a.b", (), {})
    assert turns.end() == [[1], [2], [3, 5], [6], [7], [8, 9]]


def test_compressed_messages_are_not_joined() -> None:
    turns = Turns(CODECS[1])
    turns.engine.compression, turns.peer.compression = Deflate(), Deflate()
    for request in (1, 2, 3):
        turns.wire.publish(request, "a.b", (), {})
    assert turns.end() == [[1], [2], [3]]
