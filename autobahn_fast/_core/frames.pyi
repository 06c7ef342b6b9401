# SPDX-License-Identifier: MIT
"""WebSocket frames (RFC 6455). See docs/design.md, "Engines"."""

from typing import Any

from typing_extensions import Buffer

from autobahn_fast._core.engine import Engine

class WebSocketEngine(Engine):
    max_frame: int
    max_message: int
    max_send: int
    auto_fragment: int
    require_masked: bool
    mask_outgoing: bool
    apply_mask: bool
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
    def frames_in(self) -> int: ...
    @property
    def frames_out(self) -> int: ...
    @property
    def payload_in(self) -> int: ...
    @property
    def payload_out(self) -> int: ...
    @property
    def unpacked_in(self) -> int: ...
    @property
    def unpacked_out(self) -> int: ...
    @property
    def accept_masked(self) -> bool: ...
    @property
    def close_received(self) -> bool: ...
    def send_message(
        self, payload: Buffer, binary: bool = False, fragment_size: int | None = None, compress: bool = True
    ) -> None: ...
    def begin_message(self, binary: bool = False, compress: bool = True) -> None: ...
    def begin_frame(self, length: int) -> None: ...
    def frame_data(self, payload: Buffer) -> int: ...
    def end_message(self) -> None: ...
    def encode_frame(
        self, opcode: int, payload: Buffer = b"", fin: bool = True, rsv: int = 0, mask: Buffer | None = None
    ) -> bytes: ...
    def send_frame(
        self, opcode: int, payload: Buffer = b"", fin: bool = True, rsv: int = 0, mask: Buffer | None = None
    ) -> None: ...
    def write_raw(self, frames: bytes, messages: int = 0, data_frames: int = 0, payload: int = 0) -> None: ...
    def ping(self, payload: Buffer | None = b"") -> bool: ...
    def pong(self, payload: Buffer | None = b"") -> bool: ...
    def close(self, code: int | None = None, reason: Buffer | str = b"") -> bool: ...
