# SPDX-License-Identifier: MIT
"""WebSocket without a framework: protocol and factory classes of both roles. The frameworks' modules derive theirs from these.

Knows where everything is, and nothing else: ``_base`` (both roles), ``_client``, ``_server``, ``_http``, ``_records``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobahn_fast import __version__  # noqa: F401
from autobahn_fast._names import also_from
from autobahn_fast.websocket._base import WebSocketProtocol
from autobahn_fast.websocket._client import WebSocketClientFactory, WebSocketClientProtocol
from autobahn_fast.websocket._factory import WebSocketFactory
from autobahn_fast.websocket._http import parse_head
from autobahn_fast.websocket._records import FrameHeader, PreparedMessage, Timings, TrafficStats
from autobahn_fast.websocket._server import (  # noqa: F401
    _SERVER_STATUS_TEMPLATE,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

if TYPE_CHECKING:
    from autobahn_fast.websocket.utf8validator import Utf8Validator  # noqa: TC004 - it loads compiled code
    from autobahn_fast.websocket.xormasker import create_xor_masker  # noqa: TC004

__all__ = (
    "FrameHeader",
    "PreparedMessage",
    "Timings",
    "TrafficStats",
    "Utf8Validator",
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketFactory",
    "WebSocketProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
    "create_xor_masker",
    "parseHttpHeader",
)

for _class in (
    FrameHeader,
    PreparedMessage,
    Timings,
    TrafficStats,
    WebSocketFactory,
    WebSocketProtocol,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
):
    _class.__module__ = __name__


def parseHttpHeader(data: bytes) -> tuple[str, dict[str, str], dict[str, int]]:
    """Parse the head of an HTTP message.

    :param data: the octets up to the empty line.
    :returns: (first line, headers with names in lower case and repeated ones joined, how often each appeared).
    :raises HttpError: it is not well formed.
    """
    head = parse_head(data.partition(b"\r\n\r\n")[0])
    return head.start_line, head.headers, head.counts


# The last two load compiled code: they come last, so that nothing else does
also_from(
    __name__,
    "websocket.types",
    "exception",
    "websocket.interfaces",
    "wamp.types",
    "util",
    "websocket.util",
    "websocket.compress",
    "websocket.utf8validator",
    "websocket.xormasker",
)
