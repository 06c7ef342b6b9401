# SPDX-License-Identifier: MIT
"""The limit of compressed messages: the time that zlib itself takes to deflate and inflate them, without any connection."""

from __future__ import annotations

import zlib
from typing import Any

TAIL = b"\x00\x00\xff\xff"


class Client:
    """A connection is a pair of streams as permessage-deflate has them."""

    def __init__(self, _option: str, _loop: str) -> None:
        pass

    async def connect(self, url: str, path: str, context: Any, deflate: bool) -> tuple[Any, Any]:
        """A deflater and an inflater."""
        return zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

    async def echo(
        self, connections: list[Any], payload: bytes, binary: bool, count: int, stamps: list[float] | None
    ) -> None:
        """Deflate and inflate."""
        (deflater, inflater) = connections[0]
        for _ in range(count):
            octets = deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
            inflater.decompress(octets[:-4] + TAIL)

    async def close(self, connection: Any) -> None:
        """There is nothing to close."""
