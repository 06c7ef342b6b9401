# SPDX-License-Identifier: MIT
"""What a WebSocket connection sends: messages, prepared messages, pings, single frames, raw octets; and the logging of octets.

Knows which of these a connection's state allows and how an argument is refused. Encoding is the engine's.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast._core.engine import PayloadTooLarge
from autobahn_fast._core.sending import send_message
from autobahn_fast.exception import Disconnected, PayloadExceededError
from autobahn_fast.websocket._records import FrameHeader, PreparedMessage, Timings

__all__ = ("SendingMixin",)

STATE_CONNECTING = 1
STATE_OPEN = 3
STATE_PROXY_CONNECTING = 4


class SendingMixin:
    """The sending methods of a WebSocketProtocol."""

    state: int
    engine: Any
    transport: Any
    trafficStats: Any
    peer: Any
    log: Any
    logOctets: bool
    logFrames: bool
    wasMaxMessagePayloadSizeExceeded: bool
    trackTimings: bool
    trackedTimings: Timings | None
    _engine: Any = None
    _perMessageCompress: Any

    sendMessage = send_message

    def _send_message(
        self, payload: bytes, is_binary: bool, fragment_size: int | None, sync: bool, do_not_compress: bool
    ) -> None:
        """What ``sendMessage`` does when there is more to it than to hand the payload to an engine."""
        if self.state != STATE_OPEN:
            raise Disconnected("the WebSocket connection is not open: nothing was sent")
        engine = self.engine
        try:
            engine.send_message(payload, is_binary, fragment_size, not do_not_compress)
        except PayloadTooLarge as e:
            self.wasMaxMessagePayloadSizeExceeded = True
            raise PayloadExceededError(str(e)) from None
        if sync:
            engine.flush()

    def sendPreparedMessage(self, preparedMsg: PreparedMessage) -> None:
        """Send a message made by ``factory.prepareMessage``.

        :raises Disconnected: the connection is not open.
        """
        if self.state != STATE_OPEN:
            raise Disconnected("the WebSocket connection is not open: nothing was sent")
        if self.engine.mask_outgoing or (self._perMessageCompress is not None and not preparedMsg.doNotCompress):
            # Section 5.3 of RFC 6455: a masking key is never used twice. RFC 7692: every connection has a context of its own
            self.engine.send_message(preparedMsg.payload, preparedMsg.binary, None, not preparedMsg.doNotCompress)
        else:
            self.engine.write_raw(preparedMsg.payloadHybi, 1, 1, len(preparedMsg.payload))

    def sendPing(self, payload: bytes | None = None) -> None:
        """Send a ping; does nothing when the connection is not open.

        :param payload: up to 125 octets.
        :raises TypeError: not bytes. :raises ValueError: too long.
        """
        if self.state == STATE_OPEN:
            self.engine.ping(_control_payload(payload))

    def sendPong(self, payload: bytes | None = None) -> None:
        """Send a pong; as ``sendPing``."""
        if self.state == STATE_OPEN:
            self.engine.pong(_control_payload(payload))

    def sendFrame(
        self,
        opcode: int,
        payload: bytes = b"",
        fin: bool = True,
        rsv: int = 0,
        mask: bytes | None = None,
        payload_len: int | None = None,
        chopsize: int | None = None,
        sync: bool = False,
    ) -> None:
        """Send one frame as it is given, valid or not; for tests of other implementations.

        :param payload_len: repeat ``payload`` up to so many octets. :param chopsize: write so many octets at a time.
        :param mask: the masking key; None: a random one where frames are masked.
        """
        if payload_len is not None:
            if not payload:
                raise ValueError("payload_len repeats a payload: it must not be empty")
            payload = (payload * (payload_len // len(payload) + 1))[:payload_len]
        frame = self.engine.encode_frame(opcode, payload, fin, rsv, mask)
        if self.logFrames:
            self.logTxFrame(FrameHeader(opcode, fin, rsv, len(payload), mask), payload, payload_len, chopsize, sync)
        if chopsize:
            self.engine.flush()
            self.sendData(frame, sync, chopsize)
        else:
            self.engine.write_raw(frame, 0, *((1, len(payload)) if opcode < 8 else (0, 0)))
            if sync:
                self.engine.flush()

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Hand octets to the transport.

        :param chopsize: so many at a time.
        """
        if self.logOctets:
            self.logTxOctets(data, sync)
        if self.state in (STATE_CONNECTING, STATE_PROXY_CONNECTING):
            self.trafficStats.preopenOutgoingOctetsWireLevel += len(data)
        if chopsize:
            for i in range(0, len(data), chopsize):
                self.transport.write(data[i : i + chopsize])
        else:
            self.transport.write(data)

    # ------------------------------------------------------------------------------------------- logging and timings

    def setTrackTimings(self, enable: bool) -> None:
        """Take the times of events on this connection in ``trackedTimings``, or stop it."""
        self.trackTimings = enable
        if not enable:
            self.trackedTimings = None
        elif self.trackedTimings is None:
            self.trackedTimings = Timings()

    def logRxOctets(self, data: bytes) -> None:
        """Log octets that came in (option ``logOctets`` of the factory)."""
        self.log.debug("RX octets from {peer}: {octets}", peer=self.peer, octets=data.hex())

    def logTxOctets(self, data: bytes, sync: bool) -> None:
        """Log octets that go out."""
        self.log.debug("TX octets to {peer}: {octets} (sync {sync})", peer=self.peer, octets=data.hex(), sync=sync)

    def logRxFrame(self, frameHeader: FrameHeader, payload: bytes) -> None:
        """Log a frame that came in."""
        self.log.debug("RX frame from {peer}: {h} {octets}", peer=self.peer, h=vars(frameHeader), octets=payload.hex())

    def logTxFrame(
        self, frameHeader: FrameHeader, payload: bytes, repeatLength: int | None, chopsize: int | None, sync: bool
    ) -> None:
        """Log a frame that goes out."""
        self.log.debug("TX frame to {peer}: {h} {octets}", peer=self.peer, h=vars(frameHeader), octets=payload.hex())


def _control_payload(payload: bytes | None) -> bytes:
    if payload is None:
        return b""
    if not isinstance(payload, bytes | bytearray | memoryview):
        raise TypeError(f"the payload of a ping or pong is bytes, not {type(payload).__name__}")
    if len(payload) > 125:
        raise ValueError(f"the payload of a ping or pong has at most 125 octets, not {len(payload)}")
    return bytes(payload)
