# SPDX-License-Identifier: MIT
"""WebSocket frames (RFC 6455). See docs/design.md, "Engines"."""

from typing import Any

from autobahn_fast._core.frames_out import FrameWriter

class WebSocketEngine(FrameWriter):
    max_frame: int
    max_message: int
    require_masked: bool
    validate_utf8: bool
    frame_mode: bool
    compression: Any
    def __init__(
        self,
        handler: Any,
        is_server: bool,
        *,
        max_frame: int = 0,
        max_message: int = 0,
        require_masked: bool = True,
        accept_masked: bool = False,
        mask_outgoing: bool | None = None,
        apply_mask: bool = True,
        validate_utf8: bool = True,
        auto_fragment: int = 0,
        max_send: int = 0,
    ) -> None: ...
    @property
    def accept_masked(self) -> bool: ...
    @property
    def close_received(self) -> bool: ...
