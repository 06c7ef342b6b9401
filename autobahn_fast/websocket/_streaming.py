# SPDX-License-Identifier: MIT
"""Messages frame by frame and octet by octet: the frame and streaming API of a WebSocket connection, both ways.

Knows in which order the hooks are called and what their default versions do: collect what comes in until a message is
whole. Used only by classes that override a hook; everybody else gets whole messages straight from the engine.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast._overriding import is_own
from autobahn_fast.websocket._records import FrameHeader

__all__ = ("StreamingMixin",)

HOOKS = (
    "onMessageBegin",
    "onMessageFrameBegin",
    "onMessageFrameData",
    "onMessageFrameEnd",
    "onMessageFrame",
    "onMessageEnd",
    "onFrameBegin",
    "onFrameData",
    "onFrameEnd",
    "_onMessageBegin",
    "_onMessageFrameBegin",
    "_onMessageFrameData",
    "_onMessageFrameEnd",
    "_onMessageFrame",
    "_onMessageEnd",
)


class StreamingMixin:
    """The frame API of a WebSocketProtocol."""

    SEND_STATE_GROUND = 0
    SEND_STATE_MESSAGE_BEGIN = 1
    SEND_STATE_INSIDE_MESSAGE = 2
    SEND_STATE_INSIDE_MESSAGE_FRAME = 3

    state: int
    engine: Any
    orderedMessages: bool
    _onMessage: Any
    _onMessageInOrder: Any
    _run_hook: Any

    send_state = SEND_STATE_GROUND
    inside_message = False
    current_frame: FrameHeader | None = None
    message_is_binary = False
    _frame_left = 0

    def _wants_frames(self) -> bool:
        """Whether the class or the instance overrides one of the hooks."""
        return not all(is_own(self, name, getattr(StreamingMixin, name)) for name in HOOKS)

    # --- in: what the engine calls in frame mode ---

    def on_message_begin(self, is_binary: bool) -> None:
        """Engine: a message begins."""
        self.inside_message = True
        self.message_is_binary = is_binary
        self._onMessageBegin(is_binary)

    def on_frame_begin(self, length: int) -> None:
        """Engine: a data frame of that many octets begins."""
        self.current_frame = FrameHeader(2 if self.message_is_binary else 1, False, 0, length, None)
        self.onFrameBegin()

    def on_frame_data(self, payload: bytes) -> None:
        """Engine: payload of the frame, unmasked and checked."""
        self.onFrameData(payload)

    def on_frame_end(self) -> None:
        """Engine: the frame is complete."""
        self.onFrameEnd()
        self.current_frame = None

    def on_message_end(self) -> None:
        """Engine: the message is complete."""
        self.inside_message = False
        self._onMessageEnd()

    def onFrameBegin(self) -> None:
        """A data frame begins; ``current_frame`` says which."""
        frame = self.current_frame
        self._onMessageFrameBegin((frame.length or 0) if frame is not None else 0)

    def onFrameData(self, payload: bytes) -> None:
        """Payload of a data frame came in."""
        self._onMessageFrameData(payload)

    def onFrameEnd(self) -> None:
        """A data frame is complete."""
        self._onMessageFrameEnd()

    def _onMessageBegin(self, isBinary: bool) -> None:
        self._run_hook(self.onMessageBegin, isBinary)

    def _onMessageFrameBegin(self, length: int) -> None:
        self._run_hook(self.onMessageFrameBegin, length)

    def _onMessageFrameData(self, payload: bytes) -> None:
        self._run_hook(self.onMessageFrameData, payload)

    def _onMessageFrameEnd(self) -> None:
        self._run_hook(self.onMessageFrameEnd)

    def _onMessageFrame(self, payload: list[bytes]) -> None:
        self._run_hook(self.onMessageFrame, payload)

    def _onMessageEnd(self) -> None:
        self._run_hook(self.onMessageEnd)

    def onMessageBegin(self, isBinary: bool) -> Any:
        """A message begins. Overridden: every hook of this API is called; the default ones collect the message.

        :param isBinary: binary or text.
        """
        self.message_is_binary = isBinary
        self._message_parts: list[bytes] = []

    def onMessageFrameBegin(self, length: int) -> Any:
        """A frame of the message begins.

        :param length: its octets of payload.
        """
        self._frame_parts: list[bytes] = []

    def onMessageFrameData(self, payload: bytes) -> Any:
        """Payload of the frame came in.

        :param payload: the octets, unmasked.
        """
        self._frame_parts.append(payload)

    def onMessageFrameEnd(self) -> Any:
        """The frame is complete. The default calls ``onMessageFrame``."""
        parts, self._frame_parts = self._frame_parts, []
        self._onMessageFrame(parts)

    def onMessageFrame(self, payload: list[bytes]) -> Any:
        """A frame of the message is complete.

        :param payload: its octets, as a list of parts.
        """
        self._message_parts.extend(payload)

    def onMessageEnd(self) -> Any:
        """The message is complete. The default calls ``onMessage``."""
        parts, self._message_parts = self._message_parts, []
        take = self._onMessageInOrder if self.orderedMessages else self._onMessage
        take(b"".join(parts), self.message_is_binary)

    # --- out ---

    def _expect(self, allowed: tuple[int, ...], what: str) -> None:
        if self.send_state not in allowed:
            raise RuntimeError(f"{what} invalid in current sending state [{self.send_state}]")

    def beginMessage(self, isBinary: bool = False, doNotCompress: bool = False) -> None:
        """Begin a message that is sent frame by frame; does nothing when the connection is not open.

        :param isBinary: binary or text. :param doNotCompress: no compression for this message.
        :raises RuntimeError: another message is being sent.
        """
        if self.state != 3:
            return
        self._expect((self.SEND_STATE_GROUND,), "beginMessage")
        self.engine.begin_message(isBinary, not doNotCompress)
        self.send_state = self.SEND_STATE_MESSAGE_BEGIN

    def beginMessageFrame(self, length: int) -> None:
        """Begin a frame of the message.

        :param length: its octets of payload, 0 to 2^63-1.
        :raises ValueError: the length is out of range. :raises RuntimeError: no message was begun, or a frame is not complete.
        """
        if self.state != 3:
            return
        self._expect((self.SEND_STATE_MESSAGE_BEGIN, self.SEND_STATE_INSIDE_MESSAGE), "beginMessageFrame")
        if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length < 1 << 63:
            raise ValueError(f"a frame has 0 to 2^63-1 octets of payload, not {length!r}")
        self.engine.begin_frame(length)
        self._frame_left = length
        self.send_state = self.SEND_STATE_INSIDE_MESSAGE_FRAME

    def sendMessageFrameData(self, payload: bytes, sync: bool = False) -> int | None:
        """Send payload of the frame begun.

        :param payload: octets. :param sync: hand them to the transport at once.
        :returns: octets the frame still needs; negative: octets of ``payload`` that did not fit and were not sent.
        :raises RuntimeError: no frame was begun.
        """
        if self.state != 3:
            return None
        self._expect((self.SEND_STATE_INSIDE_MESSAGE_FRAME,), "sendMessageFrameData")
        # to the engine a frame without payload is complete at once; here it takes its empty payload first
        left = self.engine.frame_data(payload) if self._frame_left else -memoryview(payload).nbytes
        if left <= 0:
            self.send_state = self.SEND_STATE_INSIDE_MESSAGE
        self._frame_left = max(left, 0)
        if sync:
            self.engine.flush()
        return left

    def endMessage(self) -> None:
        """End the message, by an empty last frame.

        :raises RuntimeError: no message was begun, or a frame is not complete.
        """
        if self.state != 3:
            return
        if self.send_state != self.SEND_STATE_INSIDE_MESSAGE_FRAME or self._frame_left:
            self._expect((self.SEND_STATE_MESSAGE_BEGIN, self.SEND_STATE_INSIDE_MESSAGE), "endMessage")
        self.engine.end_message()
        self.send_state = self.SEND_STATE_GROUND

    def sendMessageFrame(self, payload: bytes, sync: bool = False) -> None:
        """Send a whole frame of the message begun.

        :param payload: its octets. :param sync: hand it to the transport at once.
        :raises RuntimeError: no message was begun, or a frame is not complete.
        """
        if self.state != 3:
            return
        self.beginMessageFrame(len(payload))
        self.sendMessageFrameData(payload, sync)
