# SPDX-License-Identifier: MIT
"""Frames in: octets in, outcome out. Tables follow RFC 6455 and the ways in which peers break it."""

import pytest
from _frame_model import comparable, feed_pieces, frame, make, model
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.engine import CallbackSink, ProtocolViolation

KEY = b"\x11\x22\x33\x44"

# What a client gets from a server (not masked), and what it is worth.
GOOD = {
    "text": (frame(1, b"Hello"), [("message", b"Hello", False)]),
    "binary": (frame(2, b"\xff\x00"), [("message", b"\xff\x00", True)]),
    "empty text": (frame(1), [("message", b"", False)]),
    "126 octets": (frame(2, b"x" * 126), [("message", b"x" * 126, True)]),
    "65536 octets": (frame(2, b"x" * 65536), [("message", b"x" * 65536, True)]),
    "two messages": (frame(1, b"a") + frame(2, b"b"), [("message", b"a", False), ("message", b"b", True)]),
    "fragments": (frame(1, b"a", fin=False) + frame(0, b"", fin=False) + frame(0, b"b"), [("message", b"ab", False)]),
    "empty fragments": (frame(2, fin=False) + frame(0), [("message", b"", True)]),
    "ping between fragments": (
        frame(1, b"a", fin=False) + frame(9, b"p") + frame(0, b"b"),
        [("ping", b"p"), ("message", b"ab", False)],
    ),
    "code point over two fragments": (
        frame(1, b"\xe2\x82", fin=False) + frame(0, b"\xac"),
        [("message", "€".encode(), False)],
    ),
    "non-character": (frame(1, "\uffff\U0010ffff".encode()), [("message", "\uffff\U0010ffff".encode(), False)]),
    "ping of 125": (frame(9, b"p" * 125), [("ping", b"p" * 125)]),
    "pong": (frame(10, b"x"), [("pong", b"x")]),
    "close": (frame(8), [("close_frame", None, "")]),
    "close 1000": (frame(8, b"\x03\xe8bye"), [("close_frame", 1000, "bye")]),
    "nothing after close": (frame(8) + frame(1, b"x"), [("close_frame", None, "")]),
    "half a frame": (frame(1, b"Hello")[:-1], []),
}

BAD = {
    "RSV1": (1002, frame(1, b"x", rsv=4)),
    "RSV2": (1002, frame(1, b"x", rsv=2)),
    "RSV3": (1002, frame(2, b"x", rsv=1)),
    "RSV1 on ping": (1002, frame(9, b"x", rsv=4)),
    "RSV1 on continuation": (1002, frame(1, b"x", fin=False) + frame(0, b"x", rsv=4)),
    "length bit 63": (1002, b"\x82\x7f" + b"\x80" + bytes(7)),
    "length 2^64-1": (1002, b"\x82\x7f" + b"\xff" * 8),
    "16-bit length for 125": (1002, frame(2, b"x" * 125, size=3)),
    "64-bit length for 65535": (1002, frame(2, b"x" * 65535, size=9)),
    "masked by the server": (1002, frame(2, b"x", mask=KEY)),
    "ping of 126": (1002, frame(9, b"x" * 126)),
    "fragmented ping": (1002, frame(9, b"x", fin=False)),
    "fragmented close": (1002, frame(8, fin=False)),
    "continuation first": (1002, frame(0, b"x")),
    "new message inside": (1002, frame(1, b"x", fin=False) + frame(1, b"x")),
    "close of one octet": (1002, frame(8, b"\x03")),
    "surrogate": (1007, frame(1, b"\xed\xa0\x80")),
    "overlong": (1007, frame(1, b"\xc0\x80")),
    "above U+10FFFF": (1007, frame(1, b"\xf4\x90\x80\x80")),
    "text cut inside a code point": (1007, frame(1, b"\xe2\x82")),
    "fragments cut inside a code point": (1007, frame(1, b"\xe2", fin=False) + frame(0, b"\x82")),
    "close reason": (1007, frame(8, b"\x03\xe8\xff")),
    **{f"opcode {i}": (1002, frame(i, b"x")) for i in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{
        f"close code {code}": (1002, frame(8, code.to_bytes(2)))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)
    },
}


def masked(octets: bytes) -> bytes:
    """The same frames from a client; only for tables above, whose frames are all complete or all header."""
    out = b""
    while octets:
        n = octets[1] & 127
        head = 2 if n < 126 else 4 if n == 126 else 10
        if n > 125:
            n = int.from_bytes(octets[2:head])
        payload = octets[head : head + n]
        key = KEY if len(octets) > head or n == 0 else b""
        out += bytes([octets[0], octets[1] | 128]) + octets[2:head] + key
        out += bytes(c ^ KEY[i % 4] for i, c in enumerate(payload))
        octets = octets[head + n :]
    return out


@pytest.mark.parametrize("how", ["feed", "get_buffer"])
@pytest.mark.parametrize("is_server", [False, True])
@pytest.mark.parametrize("name", GOOD)
def test_well_formed(name, is_server, how):
    octets, expected = GOOD[name]
    octets = masked(octets) if is_server else octets
    for cuts in ([], list(range(min(len(octets), 200))), [1, 2, 3, len(octets) - 1]):
        engine, recorder, _ = make(is_server)
        feed_pieces(engine, octets, cuts, how)
        assert recorder.events == expected
        assert engine.octets_in == len(octets)
        assert engine.messages_in == sum(event[0] == "message" for event in expected)


@pytest.mark.parametrize("how", ["feed", "get_buffer"])
@pytest.mark.parametrize("name", BAD)
def test_violations(name, how):
    code, octets = BAD[name]
    for is_server in (False, True):
        if is_server and name == "masked by the server":
            continue
        data = masked(octets) if is_server else octets
        for cuts in ([], list(range(min(len(data), 200)))):
            engine, recorder, _ = make(is_server)
            feed_pieces(engine, data + masked(frame(1, b"late")), cuts, how)
            assert comparable(recorder.events) == [("violation", code)]
            assert recorder.events[0][2]
            assert not engine.reading
            assert engine.allocated == 0


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
def test_close_codes_that_may_be_sent(code):
    engine, recorder, _ = make(False)
    engine.feed(frame(8, code.to_bytes(2)))
    assert recorder.events == [("close_frame", code, "")]


def test_unmasked_at_server_is_refused_before_delivery():
    engine, recorder, _ = make(True)
    engine.feed(frame(1, b"x")[:2])
    assert comparable(recorder.events) == [("violation", 1002)]


def test_continuation_after_the_end():
    engine, recorder, _ = make(False)
    engine.feed(frame(1, b"x", fin=False) + frame(0) + frame(0))
    assert comparable(recorder.events) == [("message", b"x", False), ("violation", 1002)]


def test_masking_may_be_optional():
    engine, recorder, _ = make(True, require_masked=False)
    engine.feed(frame(1, b"x") + frame(1, b"y", mask=KEY))
    assert recorder.events == [("message", b"x", False), ("message", b"y", False)]
    engine, recorder, _ = make(False, accept_masked=True)
    data = frame(1, b"x" * 300, mask=KEY)
    feed_pieces(engine, data + frame(1, b"y"), [5, 9, 100])
    assert recorder.events == [("message", b"x" * 300, False), ("message", b"y", False)]
    assert data == frame(1, b"x" * 300, mask=KEY)  # the caller's octets were not written to


def test_fails_at_two_octets():
    for first, second in ((0xC1, 0x05), (0x83, 0x00), (0x89, 126), (0x80, 0x00), (0x09, 0x00)):
        engine, recorder, _ = make(False)
        engine.feed(bytes([first]))
        assert recorder.events == []
        engine.feed(bytes([second]))
        assert comparable(recorder.events) == [("violation", 1002)]


@pytest.mark.parametrize("fin", [True, False])
def test_text_fails_at_its_first_bad_octet(fin):
    octets = frame(1, b"ok" * 40 + b"\xe2\x28" + b"x" * 100, fin=fin)
    engine, recorder, _ = make(False)
    for i in range(len(octets)):
        engine.feed(octets[i : i + 1])
        if recorder.events:
            break
    assert octets[i] == 0x28
    assert comparable(recorder.events) == [("violation", 1007)]


def test_utf8_check_can_be_off():
    engine, recorder, _ = make(False, validate_utf8=False)
    engine.feed(frame(1, b"\xff") + frame(1, b"\xfe", fin=False) + frame(0, b"\xc0"))
    assert recorder.events == [("message", b"\xff", False), ("message", b"\xfe\xc0", False)]


@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ({"max_frame": 10}, frame(2, b"x" * 10), frame(2, b"x" * 11)),
        ({"max_message": 10}, frame(2, b"x" * 10), frame(2, b"x" * 11)),
        ({"max_frame": 10}, frame(2, b"x" * 10, fin=False) + frame(0, b"x" * 10), frame(2, b"x" * 11, fin=False)),
        (
            {"max_message": 10},
            frame(2, b"x" * 9, fin=False) + frame(0, b"x"),
            frame(2, b"", fin=False) + frame(0, b"x" * 11),
        ),
        ({"max_message": 300}, frame(2, b"x" * 300), frame(2, b"x" * 301)),
        ({"max_message": 10}, frame(2, b"x" * 10) + frame(2, b"x" * 10), b"\x82\x7f" + b"\x7f" + b"\xff" * 7),
        ({"max_message": 10}, frame(9, b"p" * 125), frame(2, b"x" * 9, fin=False) + b"\x80\x7f\x7f" + b"\xff" * 7),
    ],
)
@pytest.mark.parametrize("frame_mode", [False, True])
def test_limits(options, good, bad, frame_mode):
    engine, recorder, _ = make(False, **options)
    engine.frame_mode = frame_mode
    engine.feed(good)
    assert recorder.events
    assert not any(event[0] == "violation" for event in recorder.events)
    engine, recorder, _ = make(False, **options)
    engine.feed(bad)
    assert comparable(recorder.events) == [("violation", 1009)]


def test_nothing_is_allocated_from_a_declared_length():
    engine, recorder, _ = make(False)
    engine.feed(b"\x82\x7f" + (1 << 62).to_bytes(8) + b"x" * 10)
    assert engine.allocated < 200_000
    engine.get_buffer(-1)
    assert engine.allocated < 200_000
    assert recorder.events == []


def test_empty_fragments_are_counted():
    engine, recorder, _ = make(False)
    engine.feed(frame(1, b"", fin=False) + frame(0, b"", fin=False) * 65535)
    assert recorder.events == []
    engine.feed(frame(0, b"", fin=False))
    assert comparable(recorder.events) == [("violation", 1009)]


def test_many_small_fragments_are_fine():
    engine, recorder, _ = make(False)
    engine.feed(frame(2, b"", fin=False) + frame(0, b"x", fin=False) * 70_000 + frame(0))
    assert recorder.events == [("message", b"x" * 70_000, True)]


def test_frame_mode_hands_out_payload_as_it_comes():
    for is_server in (False, True):
        engine, recorder, _ = make(is_server)
        engine.frame_mode = True
        mask = KEY if is_server else None
        octets = frame(1, b"abcd", fin=False, mask=mask) + frame(9, b"p", mask=mask) + frame(0, b"", mask=mask)
        cut = 6 if is_server else 2
        engine.feed(octets[: cut + 1])
        assert recorder.events == [("message_begin", False), ("frame_begin", 4), ("frame_data", b"a")]
        engine.feed(octets[cut + 1 :])
        assert recorder.events[3:] == [
            ("frame_data", b"bcd"),
            ("frame_end",),
            ("ping", b"p"),
            ("frame_begin", 0),
            ("frame_end",),
            ("message_end",),
        ]
        assert engine.messages_in == 1


def test_frame_mode_checks_text():
    engine, recorder, _ = make(False)
    engine.frame_mode = True
    engine.feed(frame(1, b"a\xe2", fin=False) + frame(0, b"\x82"))
    assert comparable(recorder.events)[-1] == ("violation", 1007)
    assert ("message_end",) not in recorder.events


@pytest.mark.parametrize(
    "name", ["message_begin", "frame_begin", "frame_data", "frame_end", "message_end", "ping", "pong"]
)
@pytest.mark.parametrize("how", ["feed", "get_buffer"])
def test_a_handler_that_raises_does_not_disturb_parsing(name, how):
    octets = (
        frame(1, b"ab", fin=False) + frame(9, b"p") + frame(10, b"q") + frame(0, b"c") + frame(2, b"") + frame(1, b"d")
    )
    events = []
    for raises in ({}, {name: ValueError("boom")}):
        engine, recorder, _ = make(False)
        engine.frame_mode = True
        recorder.raises = raises
        feed_pieces(engine, octets, [], how)
        events.append([event for event in recorder.events if event[0] != "sink_error"])
        failed = [event for event in recorder.events if event[0] == "sink_error"]
        assert len(failed) == (sum(event[0] == name for event in recorder.events) if raises else 0)
    assert events[0] == events[1]


@pytest.mark.parametrize("is_server", [False, True])
def test_a_sink_that_raises(is_server):
    mask = KEY if is_server else None
    octets = frame(1, b"a", mask=mask) + frame(1, b"b", fin=False, mask=mask) + frame(0, b"c", mask=mask) * 1
    octets += frame(2, b"x" * 70_000, mask=mask) + frame(9, mask=mask)
    engine, recorder, _ = make(is_server)
    error = ValueError("boom")
    recorder.raises["message"] = error
    engine.feed(octets)
    assert recorder.events == [
        ("message", b"a", False),
        ("sink_error", error),
        ("message", b"bc", False),
        ("sink_error", error),
        ("message", b"x" * 70_000, True),
        ("sink_error", error),
        ("ping", b""),
    ]


def test_a_base_exception_propagates_and_nothing_is_lost():
    engine, recorder, _wire = make(False)
    recorder.raises["message"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        engine.feed(frame(1, b"a") + frame(1, b"b") + frame(1, b"c")[:-1])
    recorder.raises.clear()
    engine.feed(b"c")
    assert recorder.events == [("message", b"a", False), ("message", b"b", False), ("message", b"c", False)]


def test_a_sink_may_fail_the_connection():
    engine, recorder, _ = make(False)
    recorder.raises["message"] = ProtocolViolation(1003, "no text here")
    engine.feed(frame(1, b"a") + frame(1, b"b"))
    assert recorder.events == [("message", b"a", False), ("violation", 1003, "no text here")]


@pytest.mark.parametrize("action", ["stop_reading", "detach"])
def test_stopping_inside_a_callback(action):
    engine, recorder, wire = make(False)

    def take(payload, binary):
        recorder.message(payload, binary)
        engine.send(b"answer")
        getattr(engine, action)()

    engine.set_sink(CallbackSink(take))
    engine.feed(frame(1, b"a") + frame(1, b"b"))
    assert recorder.events == [("message", b"a", False)]
    assert len(wire) == (action == "stop_reading")
    engine.feed(frame(1, b"c"))
    room = engine.get_buffer(-1)
    room[:3] = frame(1, b"d")
    engine.buffer_updated(3)
    assert recorder.events == [("message", b"a", False)]
    assert engine.allocated == 0


def test_the_sink_may_be_replaced_inside_its_take():
    engine, recorder, _ = make(False)
    engine.set_sink(CallbackSink(lambda payload, binary: engine.set_sink(CallbackSink(recorder.message))))
    engine.feed(frame(1, b"a") + frame(1, b"b"))
    assert recorder.events == [("message", b"b", False)]


def test_feeding_from_inside_a_callback_is_refused():
    engine, recorder, _ = make(False)
    engine.set_sink(CallbackSink(lambda payload, binary: engine.feed(b"x")))
    engine.feed(frame(1, b"a"))
    assert recorder.events[0][0] == "sink_error"
    assert isinstance(recorder.events[0][1], RuntimeError)


def test_any_bytes_like_object_can_be_fed():
    for kind in (bytes, bytearray, memoryview):
        engine, recorder, _ = make(False)
        engine.feed(kind(frame(1, b"a")))
        assert recorder.events == [("message", b"a", False)]


@pytest.mark.parametrize("n", [-1, 1 << 40])
def test_buffer_updated_checks_its_argument(n):
    engine, _, _ = make(False)
    engine.get_buffer(-1)
    with pytest.raises(ValueError, match="not asked for"):
        engine.buffer_updated(n)


def test_an_old_view_stays_valid_memory():
    engine, recorder, _ = make(False)
    views = [engine.get_buffer(-1) for _ in range(50)]
    engine.feed(frame(2, b"x" * 1_000_000))
    for view in views:
        view[:] = bytes(len(view))
    del engine
    assert recorder.events[0][0] == "message"
    views[0][0] = 1


def test_a_large_message_costs_linear_memory():
    engine, recorder, _ = make(False)
    octets = frame(2, b"x" * (4 << 20))
    for i in range(0, len(octets), 50_000):
        feed_pieces(engine, octets[i : i + 50_000], [], "get_buffer")
        assert engine.allocated <= 2 * i + 400_000
    assert recorder.events == [("message", b"x" * (4 << 20), True)]
    assert engine.allocated == 0


payloads = st.one_of(st.binary(max_size=20), st.text(max_size=8).map(str.encode), st.binary(min_size=120, max_size=300))
frames = st.builds(
    frame,
    st.sampled_from([0, 0, 1, 1, 2, 2, 8, 9, 10, 3]),
    payloads,
    st.booleans() | st.just(True),
    st.sampled_from([0] * 12 + [1, 2, 4]),
    st.none() | st.just(KEY),
    st.sampled_from([0] * 12 + [3, 9]),
)


@given(
    st.lists(frames, max_size=8),
    st.lists(st.integers(0, 3000), max_size=6),
    st.sampled_from(["feed", "get_buffer"]),
    st.booleans(),
    st.sampled_from([0, 0, 10, 200]),
    st.integers(0, 9),
)
def test_same_as_the_model(frames, cuts, how, is_server, limit, cut_off):
    octets = b"".join(frames)
    octets = octets[: max(0, len(octets) - cut_off)]
    engine, recorder, _ = make(is_server, max_frame=limit, max_message=2 * limit)
    feed_pieces(engine, octets, cuts, how)
    assert comparable(recorder.events) == model(octets, is_server, limit, 2 * limit)
