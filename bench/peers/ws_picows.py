# SPDX-License-Identifier: MIT
"""picows, with callbacks, which is the one way it has. It uses aiofastnet when that is installed, unless the option is ``plain``."""

from __future__ import annotations

from typing import Any

import picows
from ws_turns import CallbackClient, Turns


class Listener(picows.WSListener):  # type: ignore[misc]
    """One connection."""

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        self.missing = 0
        self.stamps = None

    def emit(self, payload: bytes, binary: bool) -> None:
        """Send a message."""
        self.transport.send(picows.WSMsgType.BINARY if binary else picows.WSMsgType.TEXT, payload)

    step, take, finish = Turns.step, Turns.take, Turns.finish


class Echo(Listener):
    """Takes the payload as octets, as the others do."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        frame.get_payload_as_bytes()
        self.step()


class Count(Listener):
    """The same."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        payload = frame.get_payload_as_bytes()
        self.missing -= 1
        if self.missing <= 0:
            self.last = payload
            self.finish()


class Client(CallbackClient):
    """Connections are listeners."""

    def __init__(self, option: str, _loop: str) -> None:
        self.options: dict[str, Any] = {"use_aiofastnet": False} if option == "plain" else {}

    async def connect(self, url: str, path: str, context: Any, deflate: bool) -> Any:
        """An open connection."""
        if deflate:
            raise ValueError("picows has no permessage-deflate")
        made = Echo if path == "echo" else Count
        _, listener = await picows.ws_connect(made, url, ssl_context=context, max_frame_size=1 << 30, **self.options)
        return listener

    async def close(self, connection: Any) -> None:
        """End a connection."""
        connection.transport.disconnect()
