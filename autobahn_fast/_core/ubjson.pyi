# SPDX-License-Identifier: MIT
"""UBJSON (BJData draft 2). See docs/design.md, "Codecs"."""

from autobahn_fast._core.codec import Codec

class UbjsonCodec(Codec):
    def __init__(self) -> None: ...
