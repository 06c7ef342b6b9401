# SPDX-License-Identifier: MIT
"""Every compression extension, and permessage-deflate over every zlib there is, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autobahn_fast.websocket import _zlib
from autobahn_fast.websocket.compress import PERMESSAGE_COMPRESSION_EXTENSION

ZLIBS = ("zlib", "zlib_ng", "isal")
CODECS = (*(f"deflate/{z}" for z in ZLIBS), "bzip2", "brotli", "snappy")


@contextmanager
def zlib_of(name: str) -> Iterator[None]:
    """Inside, the codecs made use that zlib, where they use one."""
    before = _zlib._chosen
    _zlib._chosen = _zlib._load(name.partition("/")[2] or "zlib")
    try:
        yield
    finally:
        _zlib._chosen = before


def classes(name: str) -> dict[str, Any]:
    """The classes of an extension, by part."""
    return PERMESSAGE_COMPRESSION_EXTENSION[f"permessage-{name.partition('/')[0]}"]


def pair(name: str, alone: bool = False) -> tuple[Any, Any]:
    """A client's and a server's codec, after a negotiation with or without context takeover."""
    parts = classes(name)
    options: dict[str, Any] = {} if name == "bzip2" else {"request_no_context_takeover": alone}
    with zlib_of(name):
        offer = parts["Offer"](**options)
        accept = parts["OfferAccept"](offer, **options)
        server = parts["PMCE"].create_from_offer_accept(True, accept)
        params = read(accept.get_extension_string())
        response = parts["ResponseAccept"](parts["Response"].parse(params))
        return parts["PMCE"].create_from_response_accept(False, response), server


def read(header: str) -> dict[str, Any]:
    """The parameters in an extension's text."""
    from autobahn_fast.websocket._http import parse_extensions

    return parse_extensions(header)[0][1]


def pack(codec: Any, *parts: bytes) -> bytes:
    codec.start_compress_message()
    return b"".join(codec.compress_message_data(part) for part in parts) + codec.end_compress_message()


def unpack(codec: Any, data: bytes, *limit: int) -> bytes:
    codec.start_decompress_message()
    out = codec.decompress_message_data(data, *limit)
    codec.end_decompress_message()
    return out
