# SPDX-License-Identifier: MIT
"""CBOR. See docs/design.md, "Codecs"."""

from autobahn_fast._core.codec import Codec

class CborCodec(Codec):
    def __init__(self) -> None: ...
