# SPDX-License-Identifier: MIT
"""permessage-brotli: messages as Brotli streams (RFC 7932). Needs the package ``brotli`` when it is first used.

Every message is a complete stream, with ``no_context_takeover`` or without: that is what other implementations of this
extension, which no RFC defines, send and expect. The parameters are negotiated all the same.
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
    "PerMessageBrotli",
    "PerMessageBrotliMixin",
    "PerMessageBrotliOffer",
    "PerMessageBrotliOfferAccept",
    "PerMessageBrotliResponse",
    "PerMessageBrotliResponseAccept",
)

if find_spec("brotli") is None:
    raise ImportError("permessage-brotli needs the package brotli: pip install autobahn_fast[compress]")

QUALITY = 4
"""Effort, 0 to 11: more than this costs several times the time, and messages wait for it."""

STEP = 256
"""Octets decompressed at a time with versions of the package that cannot be told a limit."""


class PerMessageBrotliMixin:
    """What all classes of this extension know."""

    EXTENSION_NAME = "permessage-brotli"


class PerMessageBrotliOffer(PerMessageBrotliMixin, takeover.TakeoverOffer, PerMessageCompressOffer):
    """What a client offers."""


class PerMessageBrotliOfferAccept(PerMessageBrotliMixin, takeover.TakeoverOfferAccept, PerMessageCompressOfferAccept):
    """What a server answers to an offer it accepts."""

    _offer_class = PerMessageBrotliOffer


class PerMessageBrotliResponse(PerMessageBrotliMixin, takeover.TakeoverResponse, PerMessageCompressResponse):
    """What a server answered."""


class PerMessageBrotliResponseAccept(
    PerMessageBrotliMixin, takeover.TakeoverResponseAccept, PerMessageCompressResponseAccept
):
    """How a client uses what the server answered."""

    _response_class = PerMessageBrotliResponse


class PerMessageBrotli(PerMessageBrotliMixin, takeover.Takeover, PerMessageCompress):
    """Compressor and decompressor of one connection."""

    def start_compress_message(self) -> None:
        """A message out begins."""
        import brotli

        self._compressor = brotli.Compressor(quality=QUALITY)

    def compress_message_data(self, data: bytes) -> bytes:
        """Compress a part of the message."""
        return self._compressor.process(data)  # type: ignore[no-any-return]

    def end_compress_message(self) -> bytes:
        """The message out ends. Return the last octets for the wire."""
        compressor, self._compressor = self._compressor, None
        return compressor.finish()  # type: ignore[no-any-return]

    def _errors(self) -> tuple[type[Exception], ...]:
        import brotli

        return (brotli.error,)

    def _begin(self) -> None:
        import brotli

        self._decompressor = brotli.Decompressor()
        self._rest = b""

    _rest = b""  # not given to a decompressor that cannot be told a limit

    def _inflate(self, data: bytes, room: int) -> bytes:
        decompressor: Any = self._decompressor
        if data and decompressor.is_finished():
            raise PayloadCorruptError("octets behind the end of a permessage-brotli stream")
        if hasattr(decompressor, "can_accept_more_data"):
            out: bytes = decompressor.process(data, output_buffer_limit=room)
            # It may hold output back when it has taken all input.
            self.more = len(out) >= room or (bool(out) and not decompressor.can_accept_more_data())
            return out
        data = self._rest + data
        self._rest = data[STEP:]
        self.more = bool(self._rest)
        return decompressor.process(data[:STEP])  # type: ignore[no-any-return]

    def _finish(self) -> None:
        decompressor, self._decompressor = self._decompressor, None
        if not decompressor.is_finished():
            raise PayloadCorruptError("a permessage-brotli stream that is not complete")


also_from(__name__, "exception")
