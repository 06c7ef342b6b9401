# SPDX-License-Identifier: MIT
"""RFC 6455 in plain Python, written for clarity and from the RFC alone: what the compiled engine is compared with.

Also what the tests of both engines share: a handler that records, and ways to feed octets.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterator
from typing import Any

from autobahn_fast._core.engine import CallbackSink, Engine
from autobahn_fast._core.frames import WebSocketEngine

Event = tuple[Any, ...]


class Recorder:
    """Records every handler call and every message as a tuple; ``raises`` maps an event name to what it raises."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.raises: dict[str, BaseException] = {}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)

        def record(*args: object) -> None:
            self.events.append((name[3:], *args))
            if name[3:] in self.raises:
                raise self.raises[name[3:]]

        return record

    def message(self, payload: bytes, binary: bool) -> None:
        self.events.append(("message", payload, binary))
        if "message" in self.raises:
            raise self.raises["message"]


class Wire(list[bytes]):
    """A transport and a loop that only remember: what was written, and what waits for the turn's end."""

    def __init__(self) -> None:
        super().__init__()
        self.deferred: list[Any] = []

    def attach(self, engine: Engine) -> None:
        engine.attach(self.append, self.deferred.append)

    def end_turn(self) -> None:
        deferred = self.deferred[:]
        self.deferred.clear()
        for f in deferred:
            f()

    @property
    def octets(self) -> bytes:
        return b"".join(self)


def make(is_server: bool, **options: Any) -> tuple[WebSocketEngine, Recorder, Wire]:
    recorder, wire = Recorder(), Wire()
    engine = WebSocketEngine(recorder, is_server, **options)
    engine.set_sink(CallbackSink(recorder.message))
    wire.attach(engine)
    return engine, recorder, wire


def feed_pieces(engine: Engine, octets: bytes, cuts: list[int], how: str = "feed") -> None:
    """Give the engine the octets, cut at the given places, by ``feed`` or by ``get_buffer`` and ``buffer_updated``."""
    edges = [0, *sorted(cut % (len(octets) + 1) for cut in cuts), len(octets)]
    for start, end in itertools.pairwise(edges):
        piece = octets[start:end]
        if how == "feed":
            engine.feed(piece)
            continue
        while piece:
            room = engine.get_buffer(-1)
            n = min(len(room), len(piece))
            room[:n] = piece[:n]
            engine.buffer_updated(n)
            piece = piece[n:]


def frame(
    opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, mask: bytes | None = None, size: int = 0
) -> bytes:
    """One frame; ``size`` is the number of octets of the length field (1, 3 or 9), 0 for the shortest."""
    n = len(payload)
    size = size or (1 if n < 126 else 3 if n < 65536 else 9)
    head = bytes([fin << 7 | rsv << 4 | opcode])
    m = 0x80 if mask is not None else 0
    if size == 1:
        head += bytes([m | n])
    else:
        head += bytes([m | (126 if size == 3 else 127)]) + n.to_bytes(size - 1)
    if mask is None:
        return head + payload
    return head + mask + bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))


class Violation(Exception):
    """The peer broke RFC 6455; the argument is the close code."""


def model(octets: bytes, is_server: bool, max_frame: int = 0, max_message: int = 0) -> list[Event]:
    """What a strict peer makes of all these octets: messages, control frames, and how it ends."""
    events: list[Event] = []
    try:
        for event in _messages(octets, is_server, max_frame, max_message):
            events.append(event)
            if event[0] == "close_frame":
                break
    except Violation as violation:
        events.append(("violation", violation.args[0]))
    return events


def _messages(octets: bytes, is_server: bool, max_frame: int, max_message: int) -> Iterator[Event]:
    kind, joined, announced = 0, b"", 0
    text: Any = None
    at = 0
    while at + 2 <= len(octets):
        b0, b1 = octets[at], octets[at + 1]
        fin, opcode, masked, length = b0 >> 7, b0 & 15, b1 >> 7, b1 & 127
        if b0 & 0x70 or opcode not in (0, 1, 2, 8, 9, 10) or bool(masked) != is_server:
            raise Violation(1002)
        control = opcode >= 8
        if control and (not fin or length > 125 or (opcode == 8 and length == 1)):
            raise Violation(1002)
        if not control and (opcode == 0) != (kind != 0):
            raise Violation(1002)
        at += 2
        if length > 125:
            size = 2 if length == 126 else 8
            if len(octets) < at + size:
                return
            length = int.from_bytes(octets[at : at + size])
            at += size
            if length >= 1 << 63 or length < (126 if size == 2 else 65536):
                raise Violation(1002)
        if not control:
            announced = announced if opcode == 0 else 0
            if (max_frame and length > max_frame) or (max_message and announced + length > max_message):
                raise Violation(1009)
        key = octets[at : at + 4 * masked]
        if len(key) < 4 * masked:
            return
        at += 4 * masked
        payload = octets[at : at + length]
        if masked:
            payload = bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))
        at += length
        complete = len(payload) == length
        if control:
            if not complete:
                return
            yield _control(opcode, payload)
            continue
        if opcode:
            kind, joined, text = opcode, b"", codecs.getincrementaldecoder("utf-8")()
        announced += length
        if kind == 1:
            try:
                text.decode(payload, final=bool(fin and complete))
            except UnicodeDecodeError:
                raise Violation(1007) from None
        joined += payload
        if not complete:
            return
        if fin:
            yield ("message", joined, kind == 2)
            kind = 0


def _control(opcode: int, payload: bytes) -> Event:
    if opcode != 8:
        return ("ping" if opcode == 9 else "pong", payload)
    if not payload:
        return ("close_frame", None, "")
    code = int.from_bytes(payload[:2])
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise Violation(1002)
    try:
        return ("close_frame", code, payload[2:].decode())
    except UnicodeDecodeError:
        raise Violation(1007) from None


def comparable(events: list[Event]) -> list[Event]:
    """Events without the text of a violation's reason, which the model does not have."""
    return [event[:2] if event[0] == "violation" else event for event in events]
