# SPDX-License-Identifier: MIT
"""JSON. See docs/design.md, "Codecs"."""

from autobahn_fast._core.codec import Codec

class JsonCodec(Codec):
    def __init__(
        self,
        use_binary_hex_encoding: bool = False,
        use_decimal_from_str: bool = False,
        use_decimal_from_float: bool = False,
    ) -> None: ...
    @property
    def use_binary_hex_encoding(self) -> bool: ...
    @property
    def use_decimal_from_str(self) -> bool: ...
    @property
    def use_decimal_from_float(self) -> bool: ...
