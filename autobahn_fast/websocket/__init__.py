# SPDX-License-Identifier: MIT
"""WebSocket (RFC 6455): the types every WebSocket program meets. Connections are in the frameworks' modules."""

import os

from autobahn_fast.websocket.interfaces import IWebSocketChannel
from autobahn_fast.websocket.types import (
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    IncomingMessage,
    Message,
    OutgoingMessage,
)

__all__ = (
    "HAS_NVX",
    "USES_NVX",
    "ConnectionAccept",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
    "IWebSocketChannel",
    "IncomingMessage",
    "Message",
    "OutgoingMessage",
)

HAS_NVX: bool = True
"""Whether masking and UTF-8 validation are compiled: always, here."""

USES_NVX: bool = os.environ.get("AUTOBAHN_USE_NVX", "1") not in ("0", "no", "false")
"""What AUTOBAHN_USE_NVX in the environment asks for. The compiled code is used either way."""
