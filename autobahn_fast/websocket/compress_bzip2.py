# SPDX-License-Identifier: MIT
"""permessage-bzip2: every message is a complete bzip2 stream.

There is no context to take over, only a level to agree on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.exception import PayloadCorruptError
from autobahn_fast.websocket import compress_base as base
from autobahn_fast.websocket.compress_base import (
    ExtensionError,
    PerMessageCompress,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
    check_choice,
    check_instance,
    check_type,
    flag,
)

__all__ = (
    "PerMessageBzip2",
    "PerMessageBzip2Mixin",
    "PerMessageBzip2Offer",
    "PerMessageBzip2OfferAccept",
    "PerMessageBzip2Response",
    "PerMessageBzip2ResponseAccept",
)

CLIENT = "client_max_compress_level"
SERVER = "server_max_compress_level"
LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9]


class PerMessageBzip2Mixin:
    """What all classes of this extension know."""

    EXTENSION_NAME = "permessage-bzip2"
    COMPRESS_LEVEL_PERMISSIBLE_VALUES = LEVELS


class PerMessageBzip2Offer(PerMessageCompressOffer, PerMessageBzip2Mixin):
    """What a client offers."""

    _fields = ("accept_max_compress_level", "request_max_compress_level")

    @classmethod
    def parse(cls, params: Mapping[str, Sequence[Any]]) -> PerMessageBzip2Offer:
        """Read the parameters of an offer.

        :param params: see ``parse_extensions``. :raises ExtensionError: they are not valid.
        """
        read = base.read_parameters(cls.EXTENSION_NAME, params, {CLIENT: flag, SERVER: base.one_of(LEVELS)})
        return cls(read.get(CLIENT, False), read.get(SERVER, 0))

    def __init__(self, accept_max_compress_level: bool = True, request_max_compress_level: int = 0) -> None:
        """
        :param accept_max_compress_level: the server may ask this client for a level.
        :param request_max_compress_level: level (1 to 9) the server shall compress with at most; 0: any.
        """
        check_type("accept_max_compress_level", accept_max_compress_level, bool)
        check_choice("request_max_compress_level", request_max_compress_level, LEVELS, none_is=0)
        self.accept_max_compress_level = accept_max_compress_level
        self.request_max_compress_level = request_max_compress_level

    def get_extension_string(self) -> str:
        """Return the offer as it stands in the header."""
        return base.extension_string(
            self.EXTENSION_NAME, (CLIENT, self.accept_max_compress_level), (SERVER, self.request_max_compress_level)
        )

    def _refusal(self, response: Any) -> str | None:
        if response.client_max_compress_level and not self.accept_max_compress_level:
            return f"the server asks for {CLIENT}, which was not offered"
        if self.request_max_compress_level and not (
            0 < response.server_max_compress_level <= self.request_max_compress_level
        ):
            return f"the server does not accept {SERVER}={self.request_max_compress_level}"
        return None


class PerMessageBzip2OfferAccept(PerMessageCompressOfferAccept, PerMessageBzip2Mixin):
    """What a server answers to an offer it accepts."""

    _fields = ("offer", "request_max_compress_level", "compress_level")

    def __init__(
        self, offer: PerMessageBzip2Offer, request_max_compress_level: int = 0, compress_level: int | None = None
    ) -> None:
        """
        :param offer: what is accepted.
        :param request_max_compress_level: level the client shall compress with at most; 0: any.
        :param compress_level: level this server compresses with; None: what the client asked for.
        :raises ExtensionError: the offer does not allow that.
        """
        check_instance("offer", offer, PerMessageBzip2Offer)
        check_choice("request_max_compress_level", request_max_compress_level, LEVELS, none_is=0)
        if request_max_compress_level and not offer.accept_max_compress_level:
            raise ExtensionError("request_max_compress_level: the client does not accept it")
        _check_level(compress_level, offer.request_max_compress_level, "client")
        self.offer = offer
        self.request_max_compress_level = request_max_compress_level
        self.compress_level = compress_level

    def get_extension_string(self) -> str:
        """Return the answer as it stands in the header."""
        return base.extension_string(
            self.EXTENSION_NAME,
            (SERVER, self.offer.request_max_compress_level),
            (CLIENT, self.request_max_compress_level),
        )


class PerMessageBzip2Response(PerMessageCompressResponse, PerMessageBzip2Mixin):
    """What a server answered."""

    _fields = (CLIENT, SERVER)

    @classmethod
    def parse(cls, params: Mapping[str, Sequence[Any]]) -> PerMessageBzip2Response:
        """Read the parameters of an answer.

        :param params: see ``parse_extensions``. :raises ExtensionError: they are not valid.
        """
        level = base.one_of(LEVELS)
        read = base.read_parameters(cls.EXTENSION_NAME, params, {CLIENT: level, SERVER: level})
        return cls(read.get(CLIENT, 0), read.get(SERVER, 0))

    def __init__(self, client_max_compress_level: int, server_max_compress_level: int) -> None:
        """
        :param client_max_compress_level: level the client has to compress with at most; 0: any.
        :param server_max_compress_level: level the server compresses with at most; 0: any.
        """
        self.client_max_compress_level = client_max_compress_level
        self.server_max_compress_level = server_max_compress_level


class PerMessageBzip2ResponseAccept(PerMessageCompressResponseAccept, PerMessageBzip2Mixin):
    """How a client uses what the server answered."""

    _fields = ("response", "compress_level")

    def __init__(self, response: PerMessageBzip2Response, compress_level: int | None = None) -> None:
        """
        :param response: the server's answer.
        :param compress_level: level this client compresses with; None: what the server asked for.
        :raises ExtensionError: the server asked for less.
        """
        check_instance("response", response, PerMessageBzip2Response)
        _check_level(compress_level, response.client_max_compress_level, "server")
        self.response = response
        self.compress_level = compress_level


def _check_level(level: Any, wanted: int, peer: str) -> None:
    check_choice("compress_level", level, LEVELS)
    if level is not None and wanted and level > wanted:
        raise ExtensionError(f"compress_level {level} is more than the {peer} asked for ({wanted})")


class PerMessageBzip2(PerMessageCompress, PerMessageBzip2Mixin):
    """Compressor and decompressor of one connection."""

    EXTENSION_NAME = PerMessageBzip2Mixin.EXTENSION_NAME
    DEFAULT_COMPRESS_LEVEL = 9
    _fields = ("is_server", SERVER, CLIENT)

    @classmethod
    def create_from_offer_accept(cls, is_server: bool, accept: PerMessageBzip2OfferAccept) -> PerMessageBzip2:
        """Make the one of a server.

        :param accept: the answer it sent.
        """
        own = accept.compress_level
        return cls(
            is_server,
            accept.offer.request_max_compress_level if own is None else own,
            accept.request_max_compress_level,
        )

    @classmethod
    def create_from_response_accept(cls, is_server: bool, accept: PerMessageBzip2ResponseAccept) -> PerMessageBzip2:
        """Make the one of a client.

        :param accept: how it uses the answer it got.
        """
        own, response = accept.compress_level, accept.response
        return cls(
            is_server,
            response.server_max_compress_level,
            response.client_max_compress_level if own is None else own,
        )

    def __init__(self, is_server: bool, server_max_compress_level: int, client_max_compress_level: int) -> None:
        """
        :param is_server: the side this is used on.
        :param server_max_compress_level: level (1 to 9) of the server; 0: the default.
        :param client_max_compress_level: level of the client; 0: the default.
        """
        self.is_server = is_server
        self.server_max_compress_level = server_max_compress_level or self.DEFAULT_COMPRESS_LEVEL
        self.client_max_compress_level = client_max_compress_level or self.DEFAULT_COMPRESS_LEVEL
        self._compressor: Any = None
        self._decompressor: Any = None

    def start_compress_message(self) -> None:
        """A message out begins."""
        import bz2

        level = self.server_max_compress_level if self.is_server else self.client_max_compress_level
        self._compressor = bz2.BZ2Compressor(level)

    def compress_message_data(self, data: bytes) -> bytes:
        """Compress a part of the message."""
        return self._compressor.compress(data)  # type: ignore[no-any-return]

    def end_compress_message(self) -> bytes:
        """The message out ends. Return the last octets for the wire."""
        compressor, self._compressor = self._compressor, None
        return compressor.flush()  # type: ignore[no-any-return]

    def _errors(self) -> tuple[type[Exception], ...]:
        return (OSError, EOFError, ValueError)

    def _begin(self) -> None:
        import bz2

        self._decompressor = bz2.BZ2Decompressor()

    def _inflate(self, data: bytes, room: int) -> bytes:
        decompressor = self._decompressor
        if decompressor.eof:
            self.more = False
            if data:
                raise PayloadCorruptError("octets behind the end of a permessage-bzip2 stream")
            return b""
        out: bytes = decompressor.decompress(data, room)
        self.more = bool(out) and not decompressor.eof and not decompressor.needs_input
        if decompressor.unused_data:
            raise PayloadCorruptError("octets behind the end of a permessage-bzip2 stream")
        return out

    def _finish(self) -> None:
        decompressor, self._decompressor = self._decompressor, None
        if not decompressor.eof:
            raise PayloadCorruptError("a permessage-bzip2 stream that is not complete")


also_from(__name__, "exception")
