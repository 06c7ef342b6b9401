# SPDX-License-Identifier: MIT
"""Frames and messages without socket and loop: our engines beside the parsers of wsproto and websockets, and the wire by codec.

Messages come in chunks of about 64 KiB, as from a busy socket. Our engine hands them to an empty sink, where they lie; the
others make new octets of each, which for large messages is most of what they take.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from _harness import Case
from serializing import CODECS
from timing import Calibrated, Needing
from websocket_cases import name_of

from autobahn_fast._core.codec import Codec, Statistics
from autobahn_fast._core.engine import Sink
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.packets import RawSocketEngine
from autobahn_fast._core.wire import Wire

SIZES = (16, 256, 16 << 10, 256 << 10, 4 << 20)
SHORT = (256,)
CHUNK = 64 << 10
PAYLOAD = b"x" * 256


class Owner:
    """Hears of nothing; what is measured must not fail."""

    def on_handshake(self, serializer: int, max_send: int) -> None:
        """Messages can flow."""

    def on_sink_error(self, exc: BaseException) -> None:
        """A handler failed."""
        raise exc

    def _on_event(self, subscription: int, publication: int, details: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        pass


def looped(prepare: Callable[[int], Callable[[], None]]) -> Calibrated:
    """A side out of ``prepare(count)``, which gives what is to be timed."""

    def run(count: int) -> float:
        timed = prepare(count)
        start = time.process_time()
        timed()
        return time.process_time() - start

    return Calibrated(run)


def make_engine(server: bool, raw: bool, write: Callable[[bytes], Any]) -> Any:
    """Past its handshake."""
    if not raw:
        engine: Any = WebSocketEngine(Owner(), server)
    else:
        engine = RawSocketEngine(Owner(), server, serializers=[2], max_receive=1 << 24)
        engine.attach(lambda octets: None, lambda f: None)
        if not server:
            engine.start()
        engine.feed(b"\x7f\xf2\x00\x00")
        engine.flush()
    engine.attach(write, lambda f: None)
    return engine


def engine_sends(server: bool, raw: bool, binary: bool, size: int) -> Calibrated:
    """Our engine writes ``count`` messages, to nothing."""
    payload = b"x" * size

    def prepare(count: int) -> Callable[[], None]:
        engine = make_engine(server, raw, lambda octets: None)

        def timed() -> None:
            send = engine.send
            for _ in range(count):
                send(payload, binary)
            engine.flush()

        return timed

    return looped(prepare)


def chunks_of(frame: bytes, count: int) -> list[bytes]:
    """``count`` frames in chunks."""
    per_chunk = max(CHUNK // len(frame), 1)
    chunk = frame * per_chunk
    left = count % per_chunk
    return [chunk] * (count // per_chunk) + ([frame * left] if left else [])


def frame_from(server: bool, raw: bool, binary: bool, size: int) -> bytes:
    """What our engine sends as a frame."""
    out: list[bytes] = []
    engine = make_engine(server, raw, out.append)
    engine.send(b"x" * size, binary)
    engine.flush()
    return b"".join(out)


def engine_takes(server: bool, raw: bool, binary: bool, size: int) -> Calibrated:
    """Our engine reads ``count`` messages from the other side, into an empty sink."""
    frame = frame_from(not server, raw, binary, size)

    def prepare(count: int) -> Callable[[], None]:
        engine = make_engine(server, raw, lambda octets: None)
        engine.set_sink(Sink())
        chunks = chunks_of(frame, count)

        def timed() -> None:
            feed = engine.feed
            for chunk in chunks:
                feed(chunk)

        return timed

    return looped(prepare)


def wsproto_sends(size: int) -> Calibrated:
    """wsproto as a client."""
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import BytesMessage

    event = BytesMessage(data=b"x" * size)

    def prepare(count: int) -> Callable[[], None]:
        send = Connection(ConnectionType.CLIENT).send

        def timed() -> None:
            for _ in range(count):
                send(event)

        return timed

    return looped(prepare)


def wsproto_takes(server: bool, size: int) -> Calibrated:
    """wsproto on the side of the server or the client."""
    from wsproto.connection import Connection, ConnectionType

    frame = frame_from(not server, False, True, size)

    def prepare(count: int) -> Callable[[], None]:
        connection = Connection(ConnectionType.SERVER if server else ConnectionType.CLIENT)
        chunks = chunks_of(frame, count)

        def timed() -> None:
            for chunk in chunks:
                connection.receive_data(chunk)
                for _ in connection.events():
                    pass

        return timed

    return looped(prepare)


def websockets_sends(size: int) -> Calibrated:
    """The protocol without I/O of websockets, as a client."""
    from websockets.protocol import Protocol, Side

    payload = b"x" * size

    def prepare(count: int) -> Callable[[], None]:
        protocol = Protocol(Side.CLIENT)

        def timed() -> None:
            for _ in range(count):
                protocol.send_binary(payload)
                protocol.data_to_send()

        return timed

    return looped(prepare)


def websockets_takes(server: bool, size: int) -> Calibrated:
    """The same, receiving."""
    from websockets.protocol import Protocol, Side

    frame = frame_from(not server, False, True, size)

    def prepare(count: int) -> Callable[[], None]:
        protocol = Protocol(Side.SERVER if server else Side.CLIENT, max_size=None)
        chunks = chunks_of(frame, count)

        def timed() -> None:
            for chunk in chunks:
                protocol.receive_data(chunk)
                protocol.events_received()

        return timed

    return looped(prepare)


def frame_cases() -> list[Case]:
    """Out, and in on either side."""
    made = []
    for size in SIZES:
        full = size not in SHORT
        out = {
            "autobahn_fast": engine_sends(False, False, True, size),
            "autobahn_fast text": engine_sends(False, False, False, size),
            "autobahn_fast server": engine_sends(True, False, True, size),
            "autobahn_fast RawSocket": engine_sends(False, True, True, size),
            "websockets": Needing(functools.partial(websockets_sends, size)),
            "wsproto": Needing(functools.partial(wsproto_sends, size)),
        }
        made.append(Case(f"frame out {name_of(size)}", out, "frame out, by octets", size, "ns", full))
        into = {
            "autobahn_fast": engine_takes(False, False, True, size),
            "autobahn_fast text": engine_takes(False, False, False, size),
            "autobahn_fast server": engine_takes(True, False, True, size),
            "autobahn_fast RawSocket": engine_takes(False, True, True, size),
            "websockets": Needing(functools.partial(websockets_takes, False, size)),
            "wsproto": Needing(functools.partial(wsproto_takes, False, size)),
        }
        made.append(Case(f"frame in {name_of(size)}", into, "frame in, by octets", size, "ns", full))
    return made


def make_wire(codec: Codec) -> tuple[WebSocketEngine, Wire]:
    """A wire on a client's engine that writes to nothing."""
    owner: Any = Owner()
    engine = WebSocketEngine(owner, False)
    engine.attach(lambda octets: None, lambda f: None)
    wire = Wire(engine, codec, Statistics(), owner, list)
    engine.set_sink(wire)
    return engine, wire


def wire_publishes(codec: Codec) -> Calibrated:
    """PUBLISH from arguments to a masked frame."""

    def prepare(count: int) -> Callable[[], None]:
        _, wire = make_wire(codec)

        def timed() -> None:
            publish, args, kwargs = wire.publish, (PAYLOAD,), {}
            for _ in range(count):
                publish(239714735, "com.example.topic", args, kwargs)

        return timed

    return looped(prepare)


def wire_takes_events(codec: Codec) -> Calibrated:
    """EVENT from frame to an empty handler."""
    payload = codec.dumps([36, 5512315355, 4429313566, {}, [PAYLOAD]])
    frame = bytes([0x82 if codec.binary else 0x81, 126, len(payload) >> 8, len(payload) & 255]) + payload

    def prepare(count: int) -> Callable[[], None]:
        engine, _ = make_wire(codec)
        chunks = chunks_of(frame, count)

        def timed() -> None:
            for chunk in chunks:
                engine.feed(chunk)

        return timed

    return looped(prepare)


def wire_cases() -> list[Case]:
    """By codec."""
    return [
        Case("wire: publish 256 B", {name: wire_publishes(codec) for name, codec in CODECS.items()}, unit="ns"),
        Case("wire: event 256 B", {name: wire_takes_events(codec) for name, codec in CODECS.items()}, unit="ns"),
    ]
