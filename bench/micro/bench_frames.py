# SPDX-License-Identifier: MIT
"""The engines alone: processor time per message of framing, without socket, loop or codec.

``python bench/micro/bench_frames.py [--rounds N]``. Messages are handed to an empty sink, and written to nothing; one chunk
of octets in is about 64 KiB, as from a busy socket. Figures are nanoseconds per message, the median of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

from _rounds import Round, interleave, median, spread, table

from autobahn_fast._core.engine import Engine, Sink
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.packets import RawSocketEngine

SIZES = (16, 256, 16_384, 262_144)
OCTETS = 8 << 20
"""Payload octets per path and round, at most; and at most 20,000 messages."""


class Owner:
    """A handler that hears of nothing but the RawSocket handshake."""

    def on_handshake(self, serializer: int, max_send: int) -> None:
        """Messages can flow."""


def client(write: Callable[[bytes], Any]) -> WebSocketEngine:
    """Masks what it sends."""
    engine = WebSocketEngine(Owner(), False)
    engine.attach(write, lambda f: None)
    return engine


def server(write: Callable[[bytes], Any]) -> WebSocketEngine:
    """Unmasks what it gets."""
    engine = WebSocketEngine(Owner(), True)
    engine.attach(write, lambda f: None)
    return engine


def raw_client(write: Callable[[bytes], Any]) -> RawSocketEngine:
    """RawSocket, past the handshake; msgpack."""
    engine = RawSocketEngine(Owner(), False, serializers=[2])
    engine.attach(lambda octets: None, lambda f: None)
    engine.start()
    engine.feed(b"\x7f\xf2\x00\x00")
    engine.attach(write, lambda f: None)
    return engine


def raw_server(write: Callable[[bytes], Any]) -> RawSocketEngine:
    """RawSocket, past the handshake; msgpack."""
    engine = RawSocketEngine(Owner(), True, serializers=[2])
    engine.feed(b"\x7f\xf2\x00\x00")
    engine.flush()
    return engine


Make = Callable[[Callable[[bytes], Any]], Engine]
SIDES: dict[str, tuple[Make, Make, bool]] = {
    "client to server, binary": (client, server, True),
    "client to server, text": (client, server, False),
    "server to client, binary": (server, client, True),
    "server to client, text": (server, client, False),
    "RawSocket": (raw_client, raw_server, True),
}
"""Name: who sends, who receives, binary messages or text."""


def measure(side: str) -> Round:
    """One round of one side: path ("16 B"), then figure ("send", "feed", "get_buffer"), then nanoseconds per message."""
    make_sender, make_receiver, binary = SIDES[side]
    result: Round = {}
    for size in SIZES:
        count = min(20_000, OCTETS // size)
        payload = b"x" * size
        chunks: list[bytes] = []
        sender = make_sender(chunks.append)
        sender.flush()
        chunks.clear()

        start = time.process_time_ns()
        for _ in range(count):
            sender.send(payload, binary)
        sender.flush()
        sent = time.process_time_ns() - start

        receiver = make_receiver(lambda octets: None)
        receiver.set_sink(Sink())
        start = time.process_time_ns()
        for chunk in chunks:
            receiver.feed(chunk)
        fed = time.process_time_ns() - start

        filled = 0
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                room = receiver.get_buffer(-1)
                n = min(len(room), len(left))
                room[:n] = left[:n]
                left = left[n:]
                start = time.process_time_ns()
                receiver.buffer_updated(n)
                filled += time.process_time_ns() - start
        if receiver.messages_in != 2 * count:
            raise RuntimeError(f"{receiver.messages_in} of {2 * count} messages arrived")
        result[f"{size} B"] = {"send": sent / count, "feed": fed / count, "get_buffer": filled / count}
    return result


def main() -> None:
    """Measure all sides in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    results = interleave(list(SIDES), rounds, measure)
    rows = [["ns per message", "payload", "send", "in: feed", "in: get_buffer", "spread"]]
    for side, entries in results.items():
        for path in entries[0]:
            figures = [f"{median(entries, path, figure):.0f}" for figure in ("send", "feed", "get_buffer")]
            rows.append([side, path, *figures, f"{spread(entries, path, 'feed'):.0%}"])
    print(table(rows))


if __name__ == "__main__":
    main()
