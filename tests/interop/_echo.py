# SPDX-License-Identifier: MIT
"""What our side of the interop tests is on every framework: an echo that takes permessage-deflate."""

from __future__ import annotations

from typing import Any

from autobahn_fast.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)


def accept_deflate(offers: Any) -> Any:
    """Server: take the first deflate offer."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
    return None


def take_deflate(response: Any) -> Any:
    """Client: take what the server chose."""
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None


def echo_class(base: Any) -> Any:
    """A connection class of ours that echoes."""

    class Echo(base):  # type: ignore[misc]
        def onConnect(self, request: Any) -> str | None:
            return "echo" if "echo" in request.protocols else None

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if not isBinary and payload.startswith(b"close "):
                self.sendClose(int(payload[6:]), "as you wish")
            elif payload == b"extensions?":
                names = [extension.EXTENSION_NAME for extension in self.websocket_extensions_in_use]
                self.sendMessage(",".join(names).encode())
            else:
                self.sendMessage(payload, isBinary)

    return Echo
