# SPDX-License-Identifier: MIT
"""The compression extensions that are there, by name. What an extension needs is imported when it is first used.

permessage-deflate and permessage-bzip2 come with Python; permessage-brotli and permessage-snappy are there when the
packages ``brotli`` and ``python-snappy`` are installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from autobahn_fast._names import also_from
from autobahn_fast.websocket.compress_base import (
    PerMessageCompress,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
)
from autobahn_fast.websocket.compress_deflate import (
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

if TYPE_CHECKING:
    from autobahn_fast.websocket.compress_brotli import (  # noqa: F401
        PerMessageBrotli,
        PerMessageBrotliOffer,
        PerMessageBrotliOfferAccept,
        PerMessageBrotliResponse,
        PerMessageBrotliResponseAccept,
    )
    from autobahn_fast.websocket.compress_bzip2 import (  # noqa: F401
        PerMessageBzip2,
        PerMessageBzip2Offer,
        PerMessageBzip2OfferAccept,
        PerMessageBzip2Response,
        PerMessageBzip2ResponseAccept,
    )
    from autobahn_fast.websocket.compress_snappy import (  # noqa: F401
        PerMessageSnappy,
        PerMessageSnappyOffer,
        PerMessageSnappyOfferAccept,
        PerMessageSnappyResponse,
        PerMessageSnappyResponseAccept,
    )

__all__ = [
    "PERMESSAGE_COMPRESSION_EXTENSION",
    "PerMessageCompress",
    "PerMessageCompressOffer",
    "PerMessageCompressOfferAccept",
    "PerMessageCompressResponse",
    "PerMessageCompressResponseAccept",
    "PerMessageDeflate",
    "PerMessageDeflateOffer",
    "PerMessageDeflateOfferAccept",
    "PerMessageDeflateResponse",
    "PerMessageDeflateResponseAccept",
]

PMCE: dict[str, Any] = {
    "Offer": PerMessageDeflateOffer,
    "OfferAccept": PerMessageDeflateOfferAccept,
    "Response": PerMessageDeflateResponse,
    "ResponseAccept": PerMessageDeflateResponseAccept,
    "PMCE": PerMessageDeflate,
}

PERMESSAGE_COMPRESSION_EXTENSION: dict[str, dict[str, Any]] = {"permessage-deflate": PMCE}
"""Name of an extension to its classes: ``Offer``, ``OfferAccept``, ``Response``, ``ResponseAccept``, ``PMCE``."""


def _register(extension: str, needs: str) -> None:
    """Add an extension if what it needs is installed, and its classes to this module."""
    if find_spec(needs) is None:
        return
    try:
        module = import_module(f"autobahn_fast.websocket.compress_{extension}")
    except ImportError:
        return
    prefix = f"PerMessage{extension.capitalize()}"
    classes = {part: getattr(module, prefix + part) for part in ("Offer", "OfferAccept", "Response", "ResponseAccept")}
    classes["PMCE"] = getattr(module, prefix)
    PERMESSAGE_COMPRESSION_EXTENSION[f"permessage-{extension}"] = classes
    for c in classes.values():
        globals()[c.__name__] = c
        __all__.append(c.__name__)


for _extension, _needs in (("bzip2", "_bz2"), ("brotli", "brotli"), ("snappy", "snappy")):
    _register(_extension, _needs)


also_from(__name__, "websocket.compress_brotli", "websocket.compress_bzip2", "websocket.compress_deflate")
