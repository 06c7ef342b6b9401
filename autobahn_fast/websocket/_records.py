# SPDX-License-Identifier: MIT
"""Small values around a WebSocket connection: a frame's header, a prepared message, traffic counts, timings."""

from __future__ import annotations

import json
import time
from typing import Any

__all__ = ("FrameHeader", "PreparedMessage", "Timings", "TrafficStats")


class FrameHeader:
    """What the header of a frame says (RFC 6455, section 5.2)."""

    def __init__(self, opcode: int, fin: bool, rsv: int, length: int | None, mask: bytes | None) -> None:
        """
        :param opcode: 0 to 15. :param fin: whether this is the last frame of a message. :param rsv: the three RSV bits.
        :param length: octets of payload. :param mask: the masking key, or None.
        """
        self.opcode = opcode
        self.fin = fin
        self.rsv = rsv
        self.length = length
        self.mask = mask


class PreparedMessage:
    """A message encoded once, to be sent on many connections; made by ``WebSocketFactory.prepareMessage``."""

    def __init__(self, payload: bytes, isBinary: bool, applyMask: bool, doNotCompress: bool) -> None:
        """
        :param payload: the octets; UTF-8 when not binary.
        :param isBinary: binary or text.
        :param applyMask: mask the frame (clients).
        :param doNotCompress: send it uncompressed even when compression was negotiated.
        """
        from autobahn_fast._core.frames import WebSocketEngine

        if not isinstance(payload, bytes):
            raise TypeError(f"the payload of a message is bytes, not {type(payload).__name__}")
        self.payload = payload
        self.binary = isBinary
        self.doNotCompress = doNotCompress
        self.payloadHybi = WebSocketEngine(None, not applyMask).encode_frame(2 if isBinary else 1, payload)


_COUNTERS = {
    "outgoingOctetsWireLevel": "octets_out",
    "outgoingOctetsWebSocketLevel": "payload_out",
    "outgoingOctetsAppLevel": "unpacked_out",
    "outgoingWebSocketFrames": "frames_out",
    "outgoingWebSocketMessages": "messages_out",
    "incomingOctetsWireLevel": "octets_in",
    "incomingOctetsWebSocketLevel": "payload_in",
    "incomingOctetsAppLevel": "unpacked_in",
    "incomingWebSocketFrames": "frames_in",
    "incomingWebSocketMessages": "messages_in",
}
"""Counts since the connection is open, and the engine's counters they are read from."""


class TrafficStats:
    """How much went over a connection, each way.

    The wire level counts every octet, the WebSocket level the payload of messages as it stands in their frames, the
    application level the same before compression. Pings, pongs and close frames are on the wire level only. Always up to date.
    """

    __slots__ = ("_engine", "_from", "preopenIncomingOctetsWireLevel", "preopenOutgoingOctetsWireLevel")

    def __init__(self) -> None:
        self._engine: Any = None
        self.reset()

    def follow(self, engine: Any) -> None:
        """Count what goes through an engine."""
        self._engine = engine

    def reset(self) -> None:
        """Set all counts to zero."""
        counted = {name: getattr(self._engine, counter, 0) for name, counter in _COUNTERS.items()}
        self._from: dict[str, int] | None = counted if any(counted.values()) else None
        self.preopenOutgoingOctetsWireLevel = 0
        self.preopenIncomingOctetsWireLevel = 0

    def __getattr__(self, name: str) -> int:
        if name not in _COUNTERS:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        before = self._from[name] if self._from is not None else 0
        return getattr(self._engine, _COUNTERS[name], 0) - before

    def __json__(self) -> dict[str, Any]:
        """Return the counts, and what follows from them: compression ratio and overhead, None where nothing was sent."""
        values: dict[str, Any] = {}
        for way in ("outgoing", "incoming"):
            frames, app = getattr(self, f"{way}OctetsWebSocketLevel"), getattr(self, f"{way}OctetsAppLevel")
            wire = getattr(self, f"{way}OctetsWireLevel")
            values[f"{way}OctetsWireLevel"] = wire
            values[f"{way}OctetsWebSocketLevel"] = frames
            values[f"{way}OctetsAppLevel"] = app
            values[f"{way}CompressionRatio"] = frames / app if app else None
            values[f"{way}WebSocketOverhead"] = (wire - frames) / frames if frames else None
            values[f"{way}WebSocketFrames"] = getattr(self, f"{way}WebSocketFrames")
            values[f"{way}WebSocketMessages"] = getattr(self, f"{way}WebSocketMessages")
            preopen = f"preopen{way.capitalize()}OctetsWireLevel"
            values[preopen] = getattr(self, preopen)
        return values

    def __str__(self) -> str:
        return json.dumps(self.__json__())


class Timings:
    """Moments in the life of a connection, in seconds since the first of them could be taken."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._timings: dict[str, float] = {}

    def track(self, key: str) -> None:
        """Note the moment under a name."""
        self._timings[key] = time.perf_counter() - self._start

    def diff(self, startKey: str, endKey: str, formatted: bool = True) -> str | float | None:
        """Return the time between two moments.

        :param formatted: as text with a unit (``n.a.`` when a moment is missing), not as seconds (None when missing).
        """
        if startKey not in self._timings or endKey not in self._timings:
            return "n.a.".rjust(8) if formatted else None
        seconds = self._timings[endKey] - self._timings[startKey]
        if not formatted:
            return seconds
        for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
            if seconds * factor >= 1:
                return f"{round(seconds * factor)} {unit}".rjust(8)
        return f"{round(seconds * 1e9)} ns".rjust(8)

    def __getitem__(self, key: str) -> float | None:
        return self._timings.get(key)

    def __iter__(self) -> Any:
        return iter(self._timings)

    def __str__(self) -> str:
        return str(self._timings)
