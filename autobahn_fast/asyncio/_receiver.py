# SPDX-License-Identifier: MIT
"""The short way from an asyncio transport to an engine: no method of the connection in between.

Octets are handed over by ``data_received``, not into a buffer of the engine (``asyncio.BufferedProtocol``): see docs/design.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ("feed_directly",)


class Receiver(asyncio.Protocol):
    """Stands in for a connection at its transport: octets go straight to the engine, all else to the connection."""

    __slots__ = ("connection_lost", "data_received", "eof_received", "pause_writing", "resume_writing")

    def __init__(self, connection: Any, feed: Callable[[bytes], Any]) -> None:
        self.data_received = feed  # type: ignore[method-assign]
        self.connection_lost = connection.connection_lost
        self.eof_received = connection.eof_received
        self.pause_writing = connection.pause_writing
        self.resume_writing = connection.resume_writing


def feed_directly(transport: Any, connection: Any, feed: Callable[[bytes], Any]) -> bool:
    """Have a transport hand what comes in to ``feed``.

    :param transport: its protocol is ``connection`` so far. :param feed: called with bytes.
    :returns: False: this transport cannot; octets still come by way of the connection's ``data_received``.
    """
    set_protocol = getattr(transport, "set_protocol", None)
    if set_protocol is None:
        return False
    try:
        set_protocol(Receiver(connection, feed))
    except NotImplementedError:
        return False
    return True
