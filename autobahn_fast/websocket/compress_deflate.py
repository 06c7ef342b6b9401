# SPDX-License-Identifier: MIT
"""permessage-deflate (RFC 7692): its offer, answer and acceptance, and the compression of messages.

Knows the parameters and the rules of section 7. Which zlib is used is told by ``_zlib``; frames are the engine's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.exception import PayloadCorruptError
from autobahn_fast.websocket import compress_base as base
from autobahn_fast.websocket._compress_takeover import check_takeover
from autobahn_fast.websocket._zlib import choose
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
    "PerMessageDeflate",
    "PerMessageDeflateMixin",
    "PerMessageDeflateOffer",
    "PerMessageDeflateOfferAccept",
    "PerMessageDeflateResponse",
    "PerMessageDeflateResponseAccept",
)

CLIENT_TAKEOVER, SERVER_TAKEOVER = "client_no_context_takeover", "server_no_context_takeover"
CLIENT_BITS, SERVER_BITS = "client_max_window_bits", "server_max_window_bits"
WINDOWS = [9, 10, 11, 12, 13, 14, 15]
"""Window sizes as powers of two. RFC 7692 has 8 as well, which zlib does not do."""
LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9]

TAIL = b"\x00\x00\xff\xff"
"""Section 7.2.1: the end of an empty stored block; a sender leaves it out, a receiver puts it back."""
FINAL = b"\x03\x00"
"""An empty last block: where no message can refer to this one, the stream is ended after it, to see that it can be."""
PROBE = b"\x00" + TAIL
PROBE *= 32
"""Empty stored blocks: nothing where a block may begin, an error inside of one, even in the longest table of codes."""
MAX_STREAMS = 256
"""Streams in one message (a sender may end a stream inside of it, section 7.2.3.4): they cost more than octets do."""


class PerMessageDeflateMixin:
    """What all classes of this extension know."""

    EXTENSION_NAME = "permessage-deflate"
    WINDOW_SIZE_PERMISSIBLE_VALUES = WINDOWS
    MEM_LEVEL_PERMISSIBLE_VALUES = LEVELS


class PerMessageDeflateOffer(PerMessageCompressOffer, PerMessageDeflateMixin):
    """What a client offers."""

    _fields = (
        "accept_no_context_takeover",
        "accept_max_window_bits",
        "request_no_context_takeover",
        "request_max_window_bits",
    )

    @classmethod
    def parse(cls, params: Mapping[str, Sequence[Any]]) -> PerMessageDeflateOffer:
        """Read the parameters of an offer.

        :param params: see ``parse_extensions``. :raises ExtensionError: they are not valid.
        """
        bits = base.one_of(WINDOWS)
        readers = {CLIENT_BITS: base.flag_or(bits), CLIENT_TAKEOVER: flag, SERVER_BITS: bits, SERVER_TAKEOVER: flag}
        read = base.read_parameters(cls.EXTENSION_NAME, params, readers)
        # Every client can do without context takeover, and has to when it is asked to (section 7.1.1.2).
        return cls(True, CLIENT_BITS in read, read.get(SERVER_TAKEOVER, False), read.get(SERVER_BITS, 0))

    def __init__(
        self,
        accept_no_context_takeover: bool = True,
        accept_max_window_bits: bool = True,
        request_no_context_takeover: bool = False,
        request_max_window_bits: int = 0,
    ) -> None:
        """
        :param accept_no_context_takeover: the server may ask this client to compress every message by itself.
        :param accept_max_window_bits: the server may ask this client for a smaller window.
        :param request_no_context_takeover: the server shall compress every message by itself.
        :param request_max_window_bits: window (9 to 15) the server shall use at most; 0: any.
        """
        check_type("accept_no_context_takeover", accept_no_context_takeover, bool)
        check_type("accept_max_window_bits", accept_max_window_bits, bool)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        check_choice("request_max_window_bits", request_max_window_bits, WINDOWS, none_is=0)
        self.accept_no_context_takeover = accept_no_context_takeover
        self.accept_max_window_bits = accept_max_window_bits
        self.request_no_context_takeover = request_no_context_takeover
        self.request_max_window_bits = request_max_window_bits

    def get_extension_string(self) -> str:
        """Return the offer as it stands in the header."""
        return base.extension_string(
            self.EXTENSION_NAME,
            (CLIENT_TAKEOVER, self.accept_no_context_takeover),
            (CLIENT_BITS, self.accept_max_window_bits),
            (SERVER_TAKEOVER, self.request_no_context_takeover),
            (SERVER_BITS, self.request_max_window_bits),
        )

    def _refusal(self, response: Any) -> str | None:
        if response.client_max_window_bits and not self.accept_max_window_bits:
            return f"the server asks for {CLIENT_BITS}, which was not offered"
        if self.request_no_context_takeover and not response.server_no_context_takeover:
            return f"the server does not accept {SERVER_TAKEOVER}"
        if self.request_max_window_bits and not 0 < response.server_max_window_bits <= self.request_max_window_bits:
            return f"the server does not accept {SERVER_BITS}={self.request_max_window_bits}"
        return None


class PerMessageDeflateOfferAccept(PerMessageCompressOfferAccept, PerMessageDeflateMixin):
    """What a server answers to an offer it accepts."""

    _fields = (
        "offer",
        "request_no_context_takeover",
        "request_max_window_bits",
        "no_context_takeover",
        "window_bits",
        "mem_level",
        "max_message_size",
    )

    def __init__(
        self,
        offer: PerMessageDeflateOffer,
        request_no_context_takeover: bool = False,
        request_max_window_bits: int = 0,
        no_context_takeover: bool | None = None,
        window_bits: int | None = None,
        mem_level: int | None = None,
        max_message_size: int | None = None,
    ) -> None:
        """
        :param offer: what is accepted.
        :param request_no_context_takeover: the client shall compress every message by itself.
        :param request_max_window_bits: window (9 to 15) the client shall use at most; 0: any.
        :param no_context_takeover: this server compresses every message by itself; None: as the client asked.
        :param window_bits: window this server uses; None: as the client asked.
        :param mem_level: memory for compression, 1 to 9; None: 8.
        :param max_message_size: uncompressed octets of a message in, at most; None: any number.
        :raises ExtensionError: the offer does not allow that.
        """
        check_instance("offer", offer, PerMessageDeflateOffer)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        if request_no_context_takeover and not offer.accept_no_context_takeover:
            raise ExtensionError("request_no_context_takeover: the client does not accept it")
        check_choice("request_max_window_bits", request_max_window_bits, WINDOWS, none_is=0)
        if request_max_window_bits and not offer.accept_max_window_bits:
            raise ExtensionError("request_max_window_bits: the client does not accept it")
        check_takeover(no_context_takeover, offer.request_no_context_takeover, "client")
        _check_window(window_bits, offer.request_max_window_bits, "client")
        check_choice("mem_level", mem_level, LEVELS)
        self.offer = offer
        self.request_no_context_takeover = request_no_context_takeover
        self.request_max_window_bits = request_max_window_bits
        self.no_context_takeover = no_context_takeover
        self.window_bits = window_bits
        self.mem_level = mem_level
        self.max_message_size = max_message_size

    def get_extension_string(self) -> str:
        """Return the answer as it stands in the header."""
        return base.extension_string(
            self.EXTENSION_NAME,
            (SERVER_TAKEOVER, self.offer.request_no_context_takeover),
            (SERVER_BITS, self.offer.request_max_window_bits),
            (CLIENT_TAKEOVER, self.request_no_context_takeover),
            (CLIENT_BITS, self.request_max_window_bits),
        )


class PerMessageDeflateResponse(PerMessageCompressResponse, PerMessageDeflateMixin):
    """What a server answered."""

    _fields = (CLIENT_BITS, CLIENT_TAKEOVER, SERVER_BITS, SERVER_TAKEOVER)

    @classmethod
    def parse(cls, params: Mapping[str, Sequence[Any]]) -> PerMessageDeflateResponse:
        """Read the parameters of an answer.

        :param params: see ``parse_extensions``. :raises ExtensionError: they are not valid.
        """
        bits = base.one_of(WINDOWS)
        readers = {CLIENT_BITS: bits, CLIENT_TAKEOVER: flag, SERVER_BITS: bits, SERVER_TAKEOVER: flag}
        read = base.read_parameters(cls.EXTENSION_NAME, params, readers)
        return cls(
            read.get(CLIENT_BITS, 0),
            read.get(CLIENT_TAKEOVER, False),
            read.get(SERVER_BITS, 0),
            read.get(SERVER_TAKEOVER, False),
        )

    def __init__(
        self,
        client_max_window_bits: int,
        client_no_context_takeover: bool,
        server_max_window_bits: int,
        server_no_context_takeover: bool,
    ) -> None:
        """
        :param client_max_window_bits: window the client has to use at most; 0: any.
        :param client_no_context_takeover: the client has to compress every message by itself.
        :param server_max_window_bits: window the server uses at most; 0: any.
        :param server_no_context_takeover: the server compresses every message by itself.
        """
        self.client_max_window_bits = client_max_window_bits
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.server_no_context_takeover = server_no_context_takeover


class PerMessageDeflateResponseAccept(PerMessageCompressResponseAccept, PerMessageDeflateMixin):
    """How a client uses what the server answered."""

    _fields = ("response", "no_context_takeover", "window_bits", "mem_level")

    def __init__(
        self,
        response: PerMessageDeflateResponse,
        no_context_takeover: bool | None = None,
        window_bits: int | None = None,
        mem_level: int | None = None,
        max_message_size: int | None = None,
    ) -> None:
        """
        :param response: the server's answer.
        :param no_context_takeover: this client compresses every message by itself; None: as the server asked.
        :param window_bits: window this client uses; None: as the server asked.
        :param mem_level: memory for compression, 1 to 9; None: 8.
        :param max_message_size: uncompressed octets of a message in, at most; None: any number.
        :raises ExtensionError: the server asked for something else.
        """
        check_instance("response", response, PerMessageDeflateResponse)
        check_takeover(no_context_takeover, response.client_no_context_takeover, "server")
        _check_window(window_bits, response.client_max_window_bits, "server")
        check_choice("mem_level", mem_level, LEVELS)
        self.response = response
        self.no_context_takeover = no_context_takeover
        self.window_bits = window_bits
        self.mem_level = mem_level
        self.max_message_size = max_message_size


def _check_window(bits: Any, wanted: int, peer: str) -> None:
    check_choice("window_bits", bits, WINDOWS)
    if bits is not None and wanted and bits > wanted:
        raise ExtensionError(f"window_bits {bits} is more than the {peer} asked for ({wanted})")


class PerMessageDeflate(PerMessageCompress, PerMessageDeflateMixin):
    """Compressor and decompressor of one connection."""

    EXTENSION_NAME = PerMessageDeflateMixin.EXTENSION_NAME
    DEFAULT_WINDOW_BITS = 15
    DEFAULT_MEM_LEVEL = 8
    _fields = ("is_server", SERVER_TAKEOVER, CLIENT_TAKEOVER, SERVER_BITS, CLIENT_BITS, "mem_level")

    @classmethod
    def create_from_response_accept(cls, is_server: bool, accept: PerMessageDeflateResponseAccept) -> PerMessageDeflate:
        """Make the one of a client.

        :param accept: how it uses the answer it got.
        """
        response, alone, bits = accept.response, accept.no_context_takeover, accept.window_bits
        return cls(
            is_server,
            response.server_no_context_takeover,
            response.client_no_context_takeover if alone is None else alone,
            response.server_max_window_bits,
            response.client_max_window_bits if bits is None else bits,
            accept.mem_level,
            accept.max_message_size,
        )

    @classmethod
    def create_from_offer_accept(cls, is_server: bool, accept: PerMessageDeflateOfferAccept) -> PerMessageDeflate:
        """Make the one of a server.

        :param accept: the answer it sent.
        """
        offer, alone, bits = accept.offer, accept.no_context_takeover, accept.window_bits
        return cls(
            is_server,
            offer.request_no_context_takeover if alone is None else alone,
            accept.request_no_context_takeover,
            offer.request_max_window_bits if bits is None else bits,
            accept.request_max_window_bits,
            accept.mem_level,
            accept.max_message_size,
        )

    def __init__(
        self,
        is_server: bool,
        server_no_context_takeover: bool,
        client_no_context_takeover: bool,
        server_max_window_bits: int,
        client_max_window_bits: int,
        mem_level: int | None,
        max_message_size: int | None = None,
    ) -> None:
        """
        :param is_server: the side this is used on.
        :param server_no_context_takeover: the server compresses every message by itself.
        :param client_no_context_takeover: the client does so.
        :param server_max_window_bits: window of the server, 9 to 15; 0: 15.
        :param client_max_window_bits: window of the client.
        :param mem_level: memory for compression, 1 to 9; None: 8.
        :param max_message_size: uncompressed octets of a message in, at most; None: any number.
        """
        self.is_server = is_server
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits or self.DEFAULT_WINDOW_BITS
        self.client_max_window_bits = client_max_window_bits or self.DEFAULT_WINDOW_BITS
        self.mem_level = mem_level or self.DEFAULT_MEM_LEVEL
        self.max_message_size = max_message_size
        if is_server:
            self._alone_out, self._alone_in = server_no_context_takeover, client_no_context_takeover
            self._bits_out, self._bits_in = self.server_max_window_bits, self.client_max_window_bits
        else:
            self._alone_out, self._alone_in = client_no_context_takeover, server_no_context_takeover
            self._bits_out, self._bits_in = self.client_max_window_bits, self.server_max_window_bits
        self._deflate = choose()
        self._sync = self._deflate.module.Z_SYNC_FLUSH
        self._compressor: Any = None
        self._decompressor: Any = None
        self._rest = b""  # not decompressed yet
        self._streams = 0  # that ended inside the message that comes in

    # --- out: section 7.2.1 ---

    def start_compress_message(self) -> None:
        """A message out begins."""
        if self._compressor is None or self._alone_out:
            deflate = self._deflate
            module = deflate.module
            self._compressor = module.compressobj(deflate.level, module.DEFLATED, -self._bits_out, self.mem_level)

    def compress_message_data(self, data: bytes) -> bytes:
        """Compress a part of the message.

        :param data: the octets. :returns: octets for the wire, possibly none yet.
        """
        return self._compressor.compress(data)  # type: ignore[no-any-return]

    def end_compress_message(self) -> bytes:
        """The message out ends. Return the last octets for the wire."""
        data: bytes = self._compressor.flush(self._sync)
        if self._alone_out:
            self._compressor = None
        # Section 7.2.3.6: a compressor that has nothing to flush writes nothing; the message is one empty block then.
        return data[:-4] if data[-4:] == TAIL else data + b"\x00"

    # --- in: section 7.2.2 ---

    def _errors(self) -> tuple[type[Exception], ...]:
        return (self._deflate.error,)

    def _begin(self) -> None:
        self._streams = 0
        self._rest = b""
        if self._alone_in:
            self._decompressor = None

    def _inflate(self, data: bytes, room: int) -> bytes:
        decompressor = self._decompressor
        if decompressor is None:
            decompressor = self._decompressor = self._deflate.module.decompressobj(-self._bits_in)
        data = self._rest + data if self._rest else data
        out: bytes = decompressor.decompress(data, room)
        if decompressor.eof:
            # The last block had BFINAL set: what follows is another stream, which cannot refer to what came before.
            self._rest = decompressor.unused_data
            self._decompressor = None
            self._streams += 1
            if self._streams > MAX_STREAMS:
                raise PayloadCorruptError(
                    f"permessage-deflate data with more than {MAX_STREAMS} final blocks in a message"
                )
            self.more = bool(self._rest)
        else:
            self._rest = decompressor.unconsumed_tail
            # A decompressor that stopped for want of room may keep something back that it has read. One that did nothing
            # at all is not asked again.
            self.more = len(out) >= room or (bool(self._rest) and (bool(out) or len(self._rest) < len(data)))
        return out

    def _finish(self) -> None:
        decompressor = self._decompressor
        if decompressor is None:
            if not self._streams:
                raise PayloadCorruptError("permessage-deflate data without any block")
            return
        # Nothing comes out of the end of a message that is complete.
        more = decompressor.decompress(TAIL + FINAL if self._alone_in else TAIL + PROBE, 1)
        if self._alone_in or self._streams:
            self._decompressor = None
        if more or decompressor.eof is not self._alone_in:
            raise PayloadCorruptError("permessage-deflate data that ends inside a block")


also_from(__name__, "exception", "util")
