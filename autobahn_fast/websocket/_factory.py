# SPDX-License-Identifier: MIT
"""What WebSocket client and server factories share: the options of their connections, and prepared messages.

Knows no connection and no loop.
"""

from __future__ import annotations

from typing import Any, ClassVar

from autobahn_fast._framework import make_logger
from autobahn_fast.websocket import _options
from autobahn_fast.websocket._records import PreparedMessage

__all__ = ("WebSocketFactory",)


class WebSocketFactory(_options.OptionValues):
    """Options for the connections it makes, and messages encoded once for many of them."""

    isServer: bool = False
    log: Any = make_logger("autobahn_fast.websocket")
    _option_table: ClassVar[dict[str, _options.Option]] = {}

    def _reset_options(self) -> None:
        for option in self._option_table.values():
            setattr(self, option.name, option.default())

    def _set_options(self, values: dict[str, Any]) -> None:
        for name, value in _options.check(self._option_table, values).items():
            setattr(self, name, value)

    def prepareMessage(self, payload: bytes, isBinary: bool = False, doNotCompress: bool = False) -> PreparedMessage:
        """Encode a message for ``sendPreparedMessage`` on any number of connections.

        :param payload: the octets; UTF-8 when not binary. :param isBinary: binary or text.
        :param doNotCompress: no compression for this message.
        """
        return PreparedMessage(payload, isBinary, not self.isServer, doNotCompress)
