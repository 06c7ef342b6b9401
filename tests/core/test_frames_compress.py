# SPDX-License-Identifier: MIT
"""The engine with a codec: where RSV1 may stand, what is delivered, limits, corrupt octets, frames by hand."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from typing import Any

import pytest
from _frame_model import feed_pieces, frame, make
from hypothesis import given, settings
from hypothesis import strategies as st

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4
KEY = b"\x01\x82\x03\xf4"


class TooLarge(Exception):
    pass


class Deflate:
    """RFC 7692 in the fewest lines, with context takeover."""

    too_large = TooLarge

    def __init__(self) -> None:
        self.deflate = zlib.compressobj(wbits=-15)
        self.inflate = zlib.decompressobj(-15)

    def start_compress_message(self) -> None:
        pass

    def compress_message_data(self, data: bytes) -> bytes:
        return self.deflate.compress(data)

    def end_compress_message(self) -> bytes:
        return self.deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]

    def start_decompress_message(self) -> None:
        self.size = 0

    def decompress_message_data(self, data: bytes, limit: int | None = None) -> bytes:
        if limit is None:
            return self.inflate.decompress(data)
        out = self.inflate.decompress(data, limit - self.size + 1)
        self.size += len(out)
        if self.size > limit:
            raise TooLarge("too much")
        return out

    def end_decompress_message(self) -> None:
        self.inflate.decompress(TAIL)


def pack(codec: Deflate, payload: bytes) -> bytes:
    return codec.compress_message_data(payload) + codec.end_compress_message()


def peers(is_server: bool = True, **options: Any) -> tuple[Any, Any, Any, Deflate]:
    """An engine with a codec, its recorder and wire, and the other side's codec."""
    engine, recorder, wire = make(is_server, **options)
    engine.compression = Deflate()
    return engine, recorder, wire, Deflate()


def masked(*args: Any, **kwargs: Any) -> bytes:
    return frame(*args, **kwargs, mask=KEY)


@pytest.mark.parametrize("kind", [1, 2])
def test_messages_in(kind):
    engine, recorder, _, peer = peers()
    for payload in (b"hello", b"", b"hello" * 1000, b"hello"):
        engine.feed(masked(kind, pack(peer, payload), rsv=RSV1))
        assert recorder.events.pop() == ("message", payload, kind == 2)
    assert engine.messages_in == 4
    engine.feed(masked(kind, b"as it is"))
    assert recorder.events == [("message", b"as it is", kind == 2)]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=300).map(str.encode), st.booleans(), st.integers(1, 9)), min_size=1, max_size=4
    ),
    st.lists(st.integers(0, 3000), max_size=8),
    st.sampled_from(["feed", "get_buffer"]),
    st.booleans(),
)
def test_any_split_with_control_frames_between(messages, cuts, how, is_server):
    engine, recorder, _, peer = peers(is_server)
    key = KEY if is_server else None
    octets = b""
    for payload, packed, fragments in messages:
        data = pack(peer, payload) if packed else payload
        step = len(data) // fragments + 1
        pieces = [data[i : i + step] for i in range(0, len(data), step)] or [b""]
        for i, piece in enumerate(pieces):
            last = i == len(pieces) - 1
            octets += frame(0 if i else 1, piece, last, rsv=RSV1 if packed and not i else 0, mask=key)
            octets += frame(9, b"between", mask=key)
    feed_pieces(engine, octets, cuts, how)
    assert [e for e in recorder.events if e[0] != "ping"] == [("message", payload, False) for payload, *_ in messages]
    assert all(e == ("ping", b"between") for e in recorder.events if e[0] == "ping")


def codes(recorder: Any) -> list[Any]:
    return [e[1] if e[0] == "violation" else e for e in recorder.events]


def test_rsv1_only_where_it_belongs():
    plain, recorder, _ = make(True)
    plain.feed(masked(2, b"x", rsv=RSV1))
    assert codes(recorder) == [1002]
    for bad in (
        masked(2, b"x", False, rsv=RSV1) + masked(0, b"x", rsv=RSV1),
        masked(2, b"x", False) + masked(0, b"x", rsv=RSV1),
        masked(9, b"x", rsv=RSV1),
        masked(8, b"", rsv=RSV1),
        masked(2, b"x", rsv=RSV1 | 2),
        masked(2, b"x", rsv=1),
    ):
        engine, recorder, _, _ = peers()
        engine.feed(bad)
        assert codes(recorder) == [1002], bad
        assert not engine.reading
    engine, recorder, _, _ = peers()
    engine.compression = None
    engine.feed(masked(2, b"x", rsv=RSV1))
    assert codes(recorder) == [1002]


def test_corrupt_octets():
    engine, recorder, _, _ = peers()
    engine.feed(masked(2, b"\xff\xfe\xfd nonsense", rsv=RSV1))
    assert codes(recorder) == [1007]
    assert not engine.reading
    assert engine.writable


@pytest.mark.parametrize("payload", [b"\xff", b"abc\xe2\x82"])
def test_text_is_checked_when_it_is_unpacked(payload):
    engine, recorder, _, peer = peers()
    engine.feed(masked(1, pack(peer, payload), rsv=RSV1))
    assert codes(recorder) == [1007]
    lenient, recorder, _, peer = peers(validate_utf8=False)
    lenient.feed(masked(1, pack(peer, payload), rsv=RSV1))
    assert codes(recorder) == [("message", payload, False)]


def test_text_fails_before_the_message_is_complete():
    engine, recorder, _, peer = peers()
    data = peer.compress_message_data(b"\xff") + peer.deflate.flush(zlib.Z_SYNC_FLUSH)
    engine.feed(masked(1, data, False, rsv=RSV1))
    assert codes(recorder) == [1007]


@pytest.mark.parametrize("frame_mode", [False, True])
def test_limit_is_for_unpacked_octets_of_all_fragments(frame_mode):
    for size, fine in ((1000, True), (1001, False)):
        engine, recorder, _, peer = peers(max_message=1000)
        engine.frame_mode = frame_mode
        data = pack(peer, b"x" * size)
        engine.feed(masked(2, data[:3], False, rsv=RSV1) + masked(0, data[3:]))
        assert (1009 in codes(recorder)) is not fine
        if not frame_mode:
            assert codes(recorder) == ([("message", b"x" * 1000, True)] if fine else [1009])
    # what does not shrink may be larger on the wire than the limit
    engine, recorder, _, _ = peers(max_message=1000)
    noise = zlib.compress(bytes(range(256)) * 40)[:10] * 100
    stored = b"".join(b"\x00\x0a\x00\xf5\xff" + noise[i : i + 10] for i in range(0, 1000, 10)) + b"\x00"
    engine.feed(masked(2, stored, rsv=RSV1))
    assert codes(recorder) == [("message", noise, True)]
    # and the limit of frames is for the wire
    engine, recorder, _, peer = peers(max_frame=100)
    engine.feed(masked(2, pack(peer, b"x" * 10_000), rsv=RSV1))
    assert codes(recorder) == [("message", b"x" * 10_000, True)]
    engine.feed(masked(2, b"y" * 101, rsv=RSV1))
    assert codes(recorder)[1:] == [1009]


def test_a_bomb_costs_no_more_memory_than_the_limit():
    deflate = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(200)) + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    assert len(bomb) < 300_000
    engine, recorder, _, _ = peers(max_message=1 << 20)
    octets = masked(2, bomb, rsv=RSV1)
    tracemalloc.start()
    try:
        for i in range(0, len(octets), 10_000):
            engine.feed(octets[i : i + 10_000])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert codes(recorder) == [1009]
    assert peak < 6 << 20
    assert engine.allocated < 1 << 20


def test_a_codec_that_does_not_keep_to_the_limit_is_stopped():
    class Careless(Deflate):
        def decompress_message_data(self, data, limit=None):
            return self.inflate.decompress(data)

    engine, recorder, _, peer = peers(max_message=100)
    engine.compression = Careless()
    engine.feed(masked(2, pack(peer, b"x" * 101), rsv=RSV1))
    assert codes(recorder) == [1009]


@pytest.mark.parametrize(
    ("method", "raises", "code"),
    [
        ("start_decompress_message", ImportError("no library"), 1011),
        ("decompress_message_data", RuntimeError("odd"), 1007),
        ("decompress_message_data", MemoryError(), 1009),
        ("end_decompress_message", ValueError("not complete"), 1007),
    ],
)
def test_nothing_a_codec_raises_escapes(method, raises, code):
    engine, recorder, _, peer = peers()

    def fail(*args: Any) -> None:
        raise raises

    setattr(engine.compression, method, fail)
    engine.feed(masked(2, pack(peer, b"hello"), rsv=RSV1))
    assert codes(recorder) == [code]


def test_a_large_compressed_message_in_one_piece():
    payload = random.Random(3).randbytes(300_000)
    engine, recorder, _, codec = peers()
    engine.feed(masked(2, pack(codec, payload), rsv=RSV1) + masked(2, b"next"))
    assert codes(recorder) == [("message", payload, True), ("message", b"next", True)]
    assert engine.unread == 0


def test_frame_mode_gets_unpacked_octets():
    engine, recorder, _, peer = peers()
    engine.frame_mode = True
    data = pack(peer, b"hello " * 50)
    engine.feed(masked(1, data[:5], False, rsv=RSV1))
    engine.feed(masked(0, data[5:]))
    kinds = [e[0] for e in recorder.events]
    assert [k for k in kinds if k != "frame_data"] == [
        "message_begin", "frame_begin", "frame_end", "frame_begin", "frame_end", "message_end"
    ]  # fmt: skip
    assert b"".join(e[1] for e in recorder.events if e[0] == "frame_data") == b"hello " * 50
    assert all(e[1] for e in recorder.events if e[0] == "frame_data")
    assert [e[1] for e in recorder.events if e[0] == "frame_begin"] == [5, len(data) - 5]


# --- out ---


def through(wire: Any, is_server: bool = False) -> list[Any]:
    """What a peer with a codec makes of what was written."""
    engine, recorder, _, _ = peers(is_server)
    engine.feed(wire.octets)
    return recorder.events


@pytest.mark.parametrize("is_server", [True, False])
def test_messages_out(is_server):
    engine, _, wire, _ = peers(is_server, auto_fragment=50)
    engine.send(b"hello" * 10_000, True)
    engine.send(b"", False)
    engine.send_message(b"hello" * 100, False, 3)
    engine.send_message(b"hello", False, None, False)
    engine.flush()
    wire.end_turn()
    assert through(wire, not is_server) == [
        ("message", b"hello" * 10_000, True),
        ("message", b"", False),
        ("message", b"hello" * 100, False),
        ("message", b"hello", False),
    ]
    assert len(wire.octets) < 600
    assert engine.messages_out == 4
    assert engine.auto_fragment == 50


def test_headers_out():
    engine, _, wire, _ = peers(True)
    engine.send(b"hello", True)
    engine.send_message(b"hello", True, None, False)
    engine.send_message(b"hello", False, 4)
    wire.end_turn()
    octets = wire.octets
    assert octets[:2] == b"\xc2\x07"
    assert octets[9:16] == b"\x82\x05hello"
    assert octets[16:18] == b"\x41\x04"
    assert octets[22] == 0x80
    assert octets[23] == len(octets) - 24


def test_limit_out_is_for_what_was_handed_over():
    from autobahn_fast._core.engine import PayloadTooLarge

    engine, _, wire, _ = peers(True, max_send=100)
    with pytest.raises(PayloadTooLarge):
        engine.send(b"x" * 101)
    engine.send(b"x" * 100)
    assert through(wire) == [("message", b"x" * 100, False)]


def test_a_compressor_that_fails_leaves_nothing_behind():
    engine, _, wire, _ = peers(True)
    codec = engine.compression

    class Broken(Deflate):
        def compress_message_data(self, data):
            raise RuntimeError("broken")

    engine.compression = Broken()
    with pytest.raises(RuntimeError, match="broken"):
        engine.send(b"x")
    engine.compression = codec
    engine.send(b"next")
    assert through(wire) == [("message", b"next", False)]


def test_frames_by_hand():
    engine, _, wire, _ = peers(False)
    engine.begin_message(True)
    engine.begin_frame(3)
    assert engine.frame_data(b"ab") == 1
    engine.ping(b"between")
    assert engine.frame_data(b"cd") == -1
    engine.begin_frame(0)
    engine.begin_frame(100_000)
    assert engine.frame_data(b"x" * 100_000) == 0
    engine.end_message()
    engine.begin_message(False, False)
    engine.begin_frame(2)
    engine.frame_data(b"as")
    engine.end_message()
    engine.begin_message()
    engine.end_message()
    wire.end_turn()
    assert through(wire, True) == [
        ("ping", b"between"),
        ("message", b"abc" + b"x" * 100_000, True),
        ("message", b"as", False),
        ("message", b"", False),
    ]
    assert engine.messages_out == 3


def test_close_inside_a_message_by_hand():
    engine, _, wire, _ = peers(False)
    engine.begin_message()
    engine.begin_frame(10)
    engine.frame_data(b"abc")
    assert engine.close(1000) is True
    wire.end_turn()
    assert through(wire, True)[-1] == ("close_frame", 1000, "")
