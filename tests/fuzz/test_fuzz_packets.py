# SPDX-License-Identifier: MIT
"""Any octets, split anywhere: the RawSocket engine never raises, and the same octets give the same events."""

import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast._core.engine import CallbackSink
from autobahn_fast._core.packets import RawSocketEngine

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from _frame_model import Recorder, Wire, feed_pieces

cuts = st.lists(st.integers(0, 5000), max_size=12)
ways = st.sampled_from(["feed", "get_buffer"])
packets = st.builds(
    lambda kind, payload: bytes([kind]) + len(payload).to_bytes(3) + payload,
    st.sampled_from([0, 0, 0, 1, 2]),
    st.binary(max_size=20) | st.just(b"x" * 512),
)


def run(octets, is_server, pieces=(), how="feed"):
    recorder, wire = Recorder(), Wire()
    engine = RawSocketEngine(recorder, is_server, serializers=[2], max_receive=512)
    engine.set_sink(CallbackSink(recorder.message))
    wire.attach(engine)
    engine.start()
    feed_pieces(engine, octets, list(pieces), how)
    wire.end_turn()
    assert engine.allocated < 2000
    return [event[:2] if "violation" in event[0] or "error" in event[0] else event for event in recorder.events]


def model(octets, is_server):
    """The specification in plain Python."""
    if len(octets) < 4:
        return [("handshake_error", 0)] if octets and octets[0] != 0x7F else []
    if octets[0] != 0x7F:
        return [("handshake_error", 0)]
    high, low = octets[1] >> 4, octets[1] & 15
    if not is_server and low == 0:
        return [("handshake_error", high)]
    if octets[2] or octets[3]:
        return [("handshake_error", 3)]
    if low != 2:
        return [("handshake_error", 1)]
    events = [("handshake", 2, 1 << (9 + high))]
    at = 4
    while at < len(octets):
        kind = octets[at]
        if kind & 0xF0 or kind & 7 > 2:
            return [*events, ("violation", 0)]
        if len(octets) < at + 4:
            break
        length = int.from_bytes(octets[at + 1 : at + 4])
        if length > 512 or kind & 8:
            return [*events, ("violation", 0)]
        payload = octets[at + 4 : at + 4 + length]
        if len(payload) < length:
            break
        events.append(("message", payload, True) if kind == 0 else (("", "ping", "pong")[kind], payload))
        at += 4 + length
    return events


@settings(max_examples=200, deadline=None)
@given(st.lists(packets, max_size=8), st.booleans(), cuts, ways)
def test_any_split_gives_the_same_events(frames, is_server, pieces, how):
    octets = b"\x7f\xf2\x00\x00" + b"".join(frames)
    assert run(octets, is_server, pieces, how) == run(octets, is_server) == model(octets, is_server)


@settings(max_examples=300, deadline=None)
@given(st.lists(packets, max_size=5), st.data(), st.booleans(), cuts, ways)
def test_mutations(frames, data, is_server, pieces, how):
    octets = bytearray(b"\x7f\xf2\x00\x00" + b"".join(frames))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(octets), 80)))
        octets[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    assert run(bytes(octets), is_server, pieces, how) == model(bytes(octets), is_server)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.booleans(), cuts, ways)
def test_noise(octets, is_server, pieces, how):
    assert run(octets, is_server, pieces, how) == model(octets, is_server)
