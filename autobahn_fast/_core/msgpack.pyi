# SPDX-License-Identifier: MIT
"""MessagePack. See docs/design.md, "Codecs"."""

from autobahn_fast._core.codec import Codec

class MsgPackCodec(Codec):
    def __init__(self) -> None: ...
