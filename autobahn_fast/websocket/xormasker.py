# SPDX-License-Identifier: MIT
"""XOR maskers with the interface of autobahn (RFC 6455 section 5.3).

Knows which class to hand out. The work is done by the kernels behind :mod:`autobahn_fast._core.masking`; the engines do
not come through here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobahn_fast._core.masking import XorMasker
from autobahn_fast._names import also_from

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ("XorMaskerNull", "XorMaskerShifted1", "XorMaskerSimple", "create_xor_masker")

# Two algorithms have two names in autobahn; the kernels serve every length.
XorMaskerSimple = XorMasker
XorMaskerShifted1 = XorMasker


class XorMaskerNull:
    """A masker that changes nothing and only counts: what ``applyMask=False`` uses.

    :param mask: ignored.
    """

    __slots__ = ("_ptr",)

    def __init__(self, mask: object = None) -> None:
        self._ptr = 0

    def pointer(self) -> int:
        """Number of octets seen since construction or the last reset."""
        return self._ptr

    def reset(self) -> None:
        """Count from 0 again."""
        self._ptr = 0

    def process(self, data: Any) -> Any:
        """Count the octets of data.

        :param data: anything with a length.
        :returns: data itself.
        """
        self._ptr += len(data)
        return data


def create_xor_masker(mask: Buffer, length: int | None = None) -> XorMasker:
    """Make a masker for one frame.

    :param mask: the masking key, 4 octets.
    :param length: how many octets are to be masked; a hint that autobahn chooses its algorithm by, ignored here.
    :returns: an object with ``process(data)``, ``pointer()`` and ``reset()``.
    :raises ValueError: the key does not have 4 octets.
    :raises TypeError: the key is not bytes-like.
    """
    return XorMasker(mask)


also_from(__name__, USES_NVX="websocket:USES_NVX")
