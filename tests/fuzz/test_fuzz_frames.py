# SPDX-License-Identifier: MIT
"""Any octets, split anywhere: the WebSocket engine never raises, and does what the model does."""

import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast._core.engine import EngineClosed
from autobahn_fast._core.frames import WebSocketEngine

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from _frame_model import comparable, feed_pieces, frame, make, model

KEY = b"\x9a\x00\xff\x81"
cuts = st.lists(st.integers(0, 5000), max_size=12)
ways = st.sampled_from(["feed", "get_buffer"])
payloads = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=6).map(str.encode),
    st.binary(min_size=124, max_size=130),
    st.integers(65534, 65538).map(lambda n: b"z" * n),
)


@st.composite
def conversations(draw, is_server):
    """Frames in a valid order, for the most part: messages whole and in fragments, control frames between them."""
    out = []
    mask = KEY if is_server else None
    for _ in range(draw(st.integers(1, 5))):
        opcode = draw(st.sampled_from([1, 2]))
        fragments = draw(st.lists(payloads, min_size=1, max_size=4))
        for i, payload in enumerate(fragments):
            out.append(frame(0 if i else opcode, payload, i == len(fragments) - 1, mask=mask))
            if draw(st.integers(0, 5)) == 0:
                out.append(frame(draw(st.sampled_from([9, 10])), b"control", mask=mask))
    if draw(st.booleans()):
        out.append(frame(8, draw(st.sampled_from([b"", b"\x03\xe8", b"\x03\xe8bye", b"\x0b\xb8\xff"])), mask=mask))
    return b"".join(out)


def run(octets, is_server, pieces=(), how="feed", **options):
    engine, recorder, _ = make(is_server, **options)
    feed_pieces(engine, octets, list(pieces), how)
    assert not any(event[0] == "sink_error" for event in recorder.events)
    return comparable(recorder.events)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.booleans(), cuts, ways)
def test_any_split_gives_the_same_events(data, is_server, pieces, how):
    octets = data.draw(conversations(is_server))
    assert run(octets, is_server, pieces, how) == run(octets, is_server) == model(octets, is_server)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.booleans(), cuts, ways, st.sampled_from([0, 0, 100, 70_000]))
def test_mutations(data, is_server, pieces, how, limit):
    octets = bytearray(data.draw(conversations(is_server)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(octets) - 1, 400)))
        octets[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        if not octets:
            break
    octets = bytes(octets)
    events = run(octets, is_server, pieces, how, max_frame=limit)
    assert events == model(octets, is_server, limit)
    assert all(event[0] != "violation" for event in events[:-1])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.booleans(), cuts, ways, st.booleans())
def test_noise(octets, is_server, pieces, how, frame_mode):
    engine, recorder, _ = make(is_server)
    engine.frame_mode = frame_mode
    feed_pieces(engine, octets, pieces, how)
    expected = model(octets, is_server)
    if frame_mode:
        recorder.events = [
            event for event in recorder.events if event[0] in ("violation", "close_frame", "ping", "pong")
        ]
        expected = [event for event in expected if event[0] != "message"]
    assert comparable(recorder.events) == expected


@settings(max_examples=100, deadline=None)
@given(st.data(), st.booleans(), cuts, ways)
def test_frame_mode_hands_out_the_same_messages(data, is_server, pieces, how):
    octets = data.draw(conversations(is_server))
    engine, recorder, _ = make(is_server)
    engine.frame_mode = True
    feed_pieces(engine, octets, pieces, how)
    joined, messages, left = b"", [], 0
    for event in comparable(recorder.events):
        if event[0] == "message_begin":
            joined, binary = b"", event[1]
        elif event[0] == "frame_begin":
            assert left == 0
            left = event[1]
        elif event[0] == "frame_data":
            joined += event[1]
            left -= len(event[1])
        elif event[0] == "frame_end":
            assert left == 0
        elif event[0] == "message_end":
            messages.append(("message", joined, binary))
        else:
            messages.append(event)
    assert messages == model(octets, is_server)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), payloads, st.booleans()),
            st.tuples(st.just("send_message"), payloads, st.booleans(), st.integers(0, 300)),
            st.tuples(st.just("ping"), st.binary(max_size=10)),
            st.tuples(st.just("begin_message"), st.booleans()),
            st.tuples(st.just("begin_frame"), st.integers(0, 20)),
            st.tuples(st.just("frame_data"), st.binary(max_size=30)),
            st.tuples(st.just("end_message")),
            st.tuples(st.just("flush")),
            st.tuples(st.just("close"), st.just(1000)),
        ),
        max_size=20,
    ),
    st.booleans(),
    st.sampled_from([0, 1, 100]),
)
def test_whatever_is_called_what_goes_out_is_well_formed(calls, is_server, fragment):
    engine, _, wire = make(is_server, auto_fragment=fragment)
    for name, *args in calls:
        if fragment == 1 and args and isinstance(args[0], bytes) and len(args[0]) > 1000:
            args[0] = args[0][:1000]
        try:
            getattr(engine, name)(*args)
        except (RuntimeError, EngineClosed):
            pass  # refused: nothing went out
    wire.end_turn()
    peer, recorder, _ = make(not is_server, validate_utf8=False)
    peer.feed(wire.octets)
    assert not any(event[0] == "violation" for event in recorder.events)
    assert isinstance(engine, WebSocketEngine)
