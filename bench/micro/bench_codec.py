# SPDX-License-Identifier: MIT
"""Codecs and Wire: processor time per WAMP message, beside the packages that others use.

``python bench/micro/bench_codec.py [--rounds N]``. "encode" and "decode" are one ``dumps`` and one ``loads`` of a small
PUBLISH; "publish" is ``Wire.publish`` with 256 octets through a masking WebSocket engine, "event" the same in an EVENT from
frame to an empty handler. All sides take turns. Figures are nanoseconds per message, the median of the rounds.

Why the codecs are our own (CPython 3.11, msgpack 1.2.4, cbor2 6.2.1, ujson 6.1.0; small message, encode and decode): 2.9 and
1.4 times the msgpack package, 18 and 2.6 times cbor2, 10 and 4 times the json module, 3.3 and 1.1 times ujson. Against ujson,
long fractions (17 digits) take longer, 1.7 times as long to write; ujson writes floats differently and knows no octets.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

import cbor2
import msgpack
import ujson
from _rounds import Round, interleave, median, spread, table

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import Codec, Statistics
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.wire import Wire

COUNT = 10_000
CODECS: dict[str, Codec] = {"msgpack": MsgPackCodec(), "cbor": CborCodec(), "json": JsonCodec()}
PUBLISH: list[Any] = [
    16,
    239714735,
    {"acknowledge": True},
    "com.example.topic",
    ["Hello", 23, 1.5],
    {"level": 5, "name": "ü"},
]
BATCH: list[Any] = [
    16,
    239714735,
    {},
    "com.example.topic",
    [[{"id": i, "price": i / 7, "name": f"item {i}"} for i in range(100)]],
]
OCTETS = b"x" * 256


def encode_octets(value: Any) -> str:
    """How WAMP has octets in JSON."""
    return "\0" + base64.b64encode(value).decode()


PEERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "msgpack package": (msgpack.packb, msgpack.unpackb),
    "cbor2 package": (cbor2.dumps, cbor2.loads),
    "json module": (
        lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":"), default=encode_octets).encode(),
        lambda octets: json.loads(octets.decode()),
    ),
    "ujson package": (lambda v: ujson.dumps(v, ensure_ascii=False).encode(), ujson.loads),
}
SIDES = [*CODECS, *PEERS]


class Quiet:
    """A handler and a session that do nothing."""

    def on_sink_error(self, exc: BaseException) -> None:
        """What is measured must not fail."""
        raise exc

    def _on_event(self, subscription: int, publication: int, details: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        pass


def per_call(call: Callable[..., Any], argument: Any, count: int = COUNT) -> float:
    """Nanoseconds of processor time for one ``call(argument)``."""
    start = time.process_time_ns()
    for _ in range(count):
        call(argument)
    return (time.process_time_ns() - start) / count


def measure_wire(codec: Codec) -> dict[str, float]:
    """Publish and event."""
    engine = WebSocketEngine(Quiet(), False)
    engine.attach(lambda octets: None, lambda f: None)
    wire = Wire(engine, codec, Statistics(), Quiet(), list)
    engine.set_sink(wire)
    publish, args, kwargs = wire.publish, (OCTETS,), {}
    start = time.process_time_ns()
    for _ in range(COUNT):
        publish(239714735, "com.example.topic", args, kwargs)
    published = time.process_time_ns() - start

    payload = codec.dumps([36, 5512315355, 4429313566, {}, [OCTETS]])
    frame = bytes([0x82 if codec.binary else 0x81, 126, len(payload) >> 8, len(payload) & 255]) + payload
    chunk = frame * 200
    start = time.process_time_ns()
    for _ in range(COUNT // 200):
        engine.feed(chunk)
    return {"publish": published / COUNT, "event": (time.process_time_ns() - start) / COUNT}


def measure(side: str) -> Round:
    """One round of one side."""
    if side in CODECS:
        dumps, loads = CODECS[side].dumps, CODECS[side].loads
    else:
        dumps, loads = PEERS[side]
    result: Round = {
        "small": {"encode": per_call(dumps, PUBLISH), "decode": per_call(loads, dumps(PUBLISH))},
        "100 objects": {"encode": per_call(dumps, BATCH, 100), "decode": per_call(loads, dumps(BATCH), 100)},
    }
    if side in CODECS:
        result["wire"] = measure_wire(CODECS[side])
    return result


def main() -> None:
    """Measure all sides in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    results = interleave(SIDES, parser.parse_args().rounds, measure)
    columns = [("small", "encode"), ("small", "decode"), ("100 objects", "encode"), ("100 objects", "decode")]
    rows = [["ns per message", *(" ".join(reversed(column)) for column in columns), "publish", "event", "spread"]]
    for side, entries in results.items():
        figures = [f"{median(entries, *column):.0f}" for column in columns]
        figures += [
            f"{median(entries, 'wire', figure):.0f}" if side in CODECS else "" for figure in ("publish", "event")
        ]
        rows.append([side, *figures, f"{spread(entries, 'small', 'decode'):.0%}"])
    print(table(rows))


if __name__ == "__main__":
    main()
