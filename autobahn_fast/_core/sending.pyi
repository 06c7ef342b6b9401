# SPDX-License-Identifier: MIT
"""``sendMessage`` of a WebSocket connection. See docs/design.md, "Engines"."""

from typing import Any

from typing_extensions import Buffer

def send_message(
    self: Any,
    payload: Buffer,
    isBinary: bool = False,
    fragmentSize: int | None = None,
    sync: bool = False,
    doNotCompress: bool = False,
) -> None: ...
