# SPDX-License-Identifier: MIT
"""permessage-snappy: messages in the framing format of Snappy. Needs the package ``python-snappy``.

With context takeover the stream identifier stands in the first message only; the chunks of a message never refer to
others. Chunks are told apart here, so that a message that ends inside one is noticed, and one that says it is large
is not unpacked.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.exception import PayloadCorruptError
from autobahn_fast.websocket import _compress_takeover as takeover
from autobahn_fast.websocket.compress_base import (
    PerMessageCompress,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
)

__all__ = (
    "PerMessageSnappy",
    "PerMessageSnappyMixin",
    "PerMessageSnappyOffer",
    "PerMessageSnappyOfferAccept",
    "PerMessageSnappyResponse",
    "PerMessageSnappyResponseAccept",
)

if find_spec("snappy") is None:
    raise ImportError("permessage-snappy needs the package python-snappy: pip install autobahn_fast[compress]")

# Framing format, sections 2 to 4: a chunk is a type, the length of what follows (3 octets, little-endian), and that.
HEADER = 4
CHECKSUM = 4
COMPRESSED, UNCOMPRESSED, STREAM_IDENTIFIER, SKIPPABLE = 0x00, 0x01, 0xFF, 0x80
CHUNK_OUT = 65536
"""Octets a chunk holds, uncompressed."""
CHUNK_IN = CHECKSUM + 32 + CHUNK_OUT + CHUNK_OUT // 6
"""Octets a chunk has at most: Snappy makes data larger by no more than that."""


class PerMessageSnappyMixin:
    """What all classes of this extension know."""

    EXTENSION_NAME = "permessage-snappy"


class PerMessageSnappyOffer(PerMessageSnappyMixin, takeover.TakeoverOffer, PerMessageCompressOffer):
    """What a client offers."""


class PerMessageSnappyOfferAccept(PerMessageSnappyMixin, takeover.TakeoverOfferAccept, PerMessageCompressOfferAccept):
    """What a server answers to an offer it accepts."""

    _offer_class = PerMessageSnappyOffer


class PerMessageSnappyResponse(PerMessageSnappyMixin, takeover.TakeoverResponse, PerMessageCompressResponse):
    """What a server answered."""


class PerMessageSnappyResponseAccept(
    PerMessageSnappyMixin, takeover.TakeoverResponseAccept, PerMessageCompressResponseAccept
):
    """How a client uses what the server answered."""

    _response_class = PerMessageSnappyResponse


class PerMessageSnappy(PerMessageSnappyMixin, takeover.Takeover, PerMessageCompress):
    """Compressor and decompressor of one connection."""

    _pending = b""  # the beginning of a chunk
    _skip = 0  # octets still to come of a chunk that is skipped

    def start_compress_message(self) -> None:
        """A message out begins."""
        import snappy

        alone = self.server_no_context_takeover if self.is_server else self.client_no_context_takeover
        if alone or self._compressor is None:
            self._compressor = snappy.StreamCompressor()

    def compress_message_data(self, data: bytes) -> bytes:
        """Compress a part of the message."""
        return self._compressor.add_chunk(data) if data else b""

    def end_compress_message(self) -> bytes:
        """The message out ends. There are no more octets for the wire."""
        return b""

    def _errors(self) -> tuple[type[Exception], ...]:
        import snappy

        return (snappy.UncompressError, OSError, ValueError, RuntimeError)

    def _begin(self) -> None:
        import snappy

        alone = self.client_no_context_takeover if self.is_server else self.server_no_context_takeover
        if alone or self._decompressor is None:
            self._decompressor = snappy.StreamDecompressor()
        self._pending = b""
        self._skip = 0

    def _inflate(self, data: bytes, room: int) -> bytes:
        data = self._pending + data if self._pending else data
        self.more = False
        parts: list[bytes] = []
        size = at = 0
        while at < len(data):
            if size >= room:
                self.more = True
                break
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            if len(data) - at < HEADER:
                break
            kind, length = data[at], int.from_bytes(data[at + 1 : at + HEADER], "little")
            if SKIPPABLE <= kind < STREAM_IDENTIFIER:
                self._skip = HEADER + length
                continue
            _check_chunk(kind, length)
            end = at + HEADER + length
            if end > len(data):
                break
            parts.append(self._unpack(kind, data[at:end]))
            at = end
            size += len(parts[-1])
        self._pending = data[at:]
        return b"".join(parts)

    def _unpack(self, kind: int, chunk: bytes) -> bytes:
        if kind == COMPRESSED and _announced(chunk) > CHUNK_OUT:
            raise PayloadCorruptError("a chunk of permessage-snappy data that says it is larger than chunks are")
        decompressor: Any = self._decompressor
        return decompressor.decompress(chunk)  # type: ignore[no-any-return]

    def _finish(self) -> None:
        if self._pending or self._skip:
            raise PayloadCorruptError("permessage-snappy data that ends inside a chunk")


def _check_chunk(kind: int, length: int) -> None:
    allowed = {
        COMPRESSED: range(CHECKSUM + 1, CHUNK_IN + 1),
        UNCOMPRESSED: range(CHECKSUM, CHECKSUM + CHUNK_OUT + 1),
        STREAM_IDENTIFIER: range(6, 7),
    }.get(kind)
    if allowed is None or length not in allowed:
        raise PayloadCorruptError(f"not permessage-snappy data: a chunk of type {kind} with {length} octets")


def _announced(chunk: bytes) -> int:
    """How many octets a compressed chunk says it holds: a number in groups of 7 bits, the lowest first."""
    size = 0
    for i, octet in enumerate(chunk[HEADER + CHECKSUM : HEADER + CHECKSUM + 4]):
        size |= (octet & 0x7F) << (7 * i)
        if octet < 0x80:
            return size
    return CHUNK_OUT + 1


also_from(__name__, "exception")
