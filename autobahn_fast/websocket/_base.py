# SPDX-License-Identifier: MIT
"""One WebSocket connection over any transport: its states, its closing, its callbacks. Both roles share it.

Knows RFC 6455, sections 5.5 and 7, above the frames: when to answer a close frame, what to do about a violation, which
callback follows. Frames are the engine's, the opening handshake the subclasses' (``_client``, ``_server``), loops the
framework's. A transport is an object with ``write``, ``close`` and ``abort``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from autobahn_fast._framework import NoLoop, make_logger, why_lost
from autobahn_fast._overriding import is_own
from autobahn_fast._reading import ReadingGate
from autobahn_fast.util import ObservableMixin
from autobahn_fast.websocket import _options
from autobahn_fast.websocket._callbacks import CallbacksMixin
from autobahn_fast.websocket._http import HeadReader, Limits, parse_head
from autobahn_fast.websocket._records import Timings, TrafficStats
from autobahn_fast.websocket._sending import SendingMixin
from autobahn_fast.websocket._streaming import StreamingMixin
from autobahn_fast.websocket._timers import TimersMixin

__all__ = ("WebSocketProtocol",)

MAX_EARLY = 65536
"""Octets a peer may send behind its handshake before our part of it is done: reading pauses then."""


class WebSocketProtocol(
    CallbacksMixin, SendingMixin, StreamingMixin, TimersMixin, ObservableMixin, _options.OptionValues
):
    """A WebSocket connection. Subclass the client or server class of a framework and override the ``on...`` callbacks."""

    framework: Any = NoLoop
    log: Any = make_logger("autobahn_fast.websocket")

    _WS_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    _QUEUED_WRITE_DELAY = 0.00001

    SUPPORTED_SPEC_VERSIONS: ClassVar[list[Any]] = sorted(_options.SPEC_TO_PROTOCOL_VERSION)
    SUPPORTED_PROTOCOL_VERSIONS: ClassVar[list[Any]] = list(_options.PROTOCOL_VERSIONS)
    SPEC_TO_PROTOCOL_VERSION = _options.SPEC_TO_PROTOCOL_VERSION
    PROTOCOL_TO_SPEC_VERSION: ClassVar[dict[int, int]] = {8: 12, 13: 18}
    DEFAULT_SPEC_VERSION = 18

    MESSAGE_TYPE_TEXT = 1
    MESSAGE_TYPE_BINARY = 2

    STATE_CLOSED = 0
    STATE_CONNECTING = 1
    STATE_CLOSING = 2
    STATE_OPEN = 3
    STATE_PROXY_CONNECTING = 4

    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_GOING_AWAY = 1001
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_UNSUPPORTED_DATA = 1003
    CLOSE_STATUS_CODE_RESERVED1 = 1004
    CLOSE_STATUS_CODE_NULL = 1005
    CLOSE_STATUS_CODE_ABNORMAL_CLOSE = 1006
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007
    CLOSE_STATUS_CODE_POLICY_VIOLATION = 1008
    CLOSE_STATUS_CODE_MESSAGE_TOO_BIG = 1009
    CLOSE_STATUS_CODE_MANDATORY_EXTENSION = 1010
    CLOSE_STATUS_CODE_INTERNAL_ERROR = 1011
    CLOSE_STATUS_CODE_SERVICE_RESTART = 1012
    CLOSE_STATUS_CODE_TRY_AGAIN_LATER = 1013
    CLOSE_STATUS_CODE_UNASSIGNED1 = 1014
    CLOSE_STATUS_CODE_TLS_HANDSHAKE_FAILED = 1015
    CLOSE_STATUS_CODES_ALLOWED: ClassVar[list[int]] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013]

    CONFIG_ATTRS_COMMON: ClassVar[list[Any]] = [
        *_options.LOGGING,
        *(o.name for o in _options.COMMON if "Compression" not in o.name),
    ]
    CONFIG_ATTRS_CLIENT: ClassVar[list[Any]] = [*(o.name for o in _options.CLIENT), "perMessageCompressionAccept"]
    CONFIG_ATTRS_SERVER: ClassVar[list[Any]] = [
        *(o.name for o in _options.SERVER),
        "perMessageCompressionAccept",
        "allowedOriginsPatterns",
    ]
    CONFIG_ATTRS: ClassVar[list[str]] = CONFIG_ATTRS_COMMON

    factory: Any
    transport: Any = None
    is_server: bool | None = None
    state = STATE_CLOSED
    peer = "<never connected>"
    data: bytes | bytearray = b""
    trackedTimings: Timings | None = None

    wasClean = False
    failedByMe = False
    droppedByMe = False
    closedByMe = False
    localCloseCode: int | None = None
    localCloseReason: str | None = None
    remoteCloseCode: int | None = None
    remoteCloseReason: str | None = None
    wasMaxFramePayloadSizeExceeded = False
    wasMaxMessagePayloadSizeExceeded = False

    websocket_version: int = 0
    websocket_protocols: Sequence[str] = ()
    websocket_extensions: Sequence[Any] = ()
    websocket_protocol_in_use: str | None = None
    websocket_extensions_in_use: Sequence[Any] = ()
    _compression: Any = None

    control_frame_data: bytes | bytearray = b""
    _engine: Any = None
    _stats: TrafficStats | None = None
    _lost = _over = False
    _open_future: Any = None
    _was_open = False
    _closed_future: Any = None
    _early_paused = False
    _head: HeadReader | None = None
    _option_values: Mapping[str, Any] = {}
    _valid_events = frozenset(("message",))

    # A client's connection has 27 attributes of its own. Up to 30 Python keeps without a dict for each, of 1.3 KiB.

    def __init__(self) -> None:
        self._transport_details = self._no_details()

    @staticmethod
    def _no_details() -> Any:
        from autobahn_fast.wamp.types import TransportDetails

        return TransportDetails()

    @property
    def _perMessageCompress(self) -> Any:
        """What compresses and decompresses messages on this connection, or None."""
        return self._compression

    @_perMessageCompress.setter
    def _perMessageCompress(self, pmce: Any) -> None:
        if pmce is not self._compression:
            self._compression = pmce
        if self._engine is not None:
            self._engine.compression = pmce

    @property
    def transport_details(self) -> Any:
        """TransportDetails of the connection."""
        return self._transport_details

    @property
    def is_open(self) -> Any:
        """A future that is done when the opening handshake is."""
        if self._open_future is not None:
            return self._open_future
        future = self.framework.create_future()
        if self._was_open:
            self.framework.resolve(future, None)
        else:
            self._open_future = future
        return future

    @property
    def is_closed(self) -> Any:
        """A future that has this connection as its result when the transport is gone and ``onClose`` was called."""
        if self._closed_future is not None:
            return self._closed_future
        future = self.framework.create_future()
        if self._over:
            # Not kept: the connection and the future would hold each other, for the garbage collector to find.
            self.framework.resolve(future, self)
        else:
            self._closed_future = future
        return future

    @property
    def trafficStats(self) -> TrafficStats:
        """TrafficStats of the connection."""
        if self._stats is None:
            self._stats = TrafficStats()
            self._stats.follow(self._engine)
        return self._stats

    # ------------------------------------------------------------------------------------------- what a transport calls

    def _connectionMade(self) -> None:
        """The transport is there: ``factory`` and ``transport`` are set."""
        if not self._option_values:
            self._option_values = values = _options.shared_values(self.factory, self.CONFIG_ATTRS)
            for name in values:
                if not hasattr(self, name):  # what a subclass has added to CONFIG_ATTRS
                    setattr(self, name, values[name])
        if self.trackTimings:
            self.setTrackTimings(True)
        self.state = self.STATE_CONNECTING
        self.data = b""
        self._head = HeadReader(Limits(self.maxHandshakeLine, self.maxHandshakeHeaders, self.maxHandshakeSize))
        self._set_timer("openHandshakeTimeoutCall", self.openHandshakeTimeout, "onOpenHandshakeTimeout")

    def _dataReceived(self, data: bytes) -> None:
        """Octets came in."""
        if self.logOctets:
            self.logRxOctets(data)
        if self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            if self.failedByMe:
                # The close frame was sent; what comes now is the peer's, and not read any more.
                self.dropConnection(abort=False)
            else:
                self.engine.feed(data)
        elif self.state in (self.STATE_CONNECTING, self.STATE_PROXY_CONNECTING):
            self.trafficStats.preopenIncomingOctetsWireLevel += len(data)
            if self.data:
                # in time linear in the octets, also when they come one by one
                if not isinstance(self.data, bytearray):
                    self.data = bytearray(self.data)
                self.data += data
            else:
                self.data = data
            self.consumeData()
            waiting = self.state in (self.STATE_CONNECTING, self.STATE_PROXY_CONNECTING)
            if waiting and len(self.data) > MAX_EARLY and not self._early_paused:
                self._early_paused = True
                if not self._set_reading(False):
                    self.wasNotCleanReason = (
                        f"more than {MAX_EARLY} octets came in before the opening handshake was done"
                    )
                    self.dropConnection(abort=True)

    def _connectionLost(self, reason: Any = None) -> None:
        """The transport is gone."""
        if self._lost:
            return
        self._lost = True
        self._cancel_timers()
        self._reading_gate.close()
        was = self.state
        self.state = self.STATE_CLOSED
        if self._engine is not None:
            self._engine.detach()
        if not self.wasClean and self.wasNotCleanReason is None:
            if self.droppedByMe:
                self.wasNotCleanReason = "this side closed the TCP connection"
            elif was == self.STATE_PROXY_CONNECTING:
                self.wasNotCleanReason = f"the proxy ended the TCP connection without an answer{why_lost(reason)}"
            elif was == self.STATE_CONNECTING:
                self.wasNotCleanReason = (
                    f"the TCP connection ended before the opening handshake was done{why_lost(reason)}"
                )
            else:
                self.wasNotCleanReason = (
                    f"the peer ended the TCP connection without a closing handshake{why_lost(reason)}"
                )
        if self.wasClean:
            self._onClose(True, self.remoteCloseCode, self.remoteCloseReason)
        else:
            self._onClose(
                False,
                self.CLOSE_STATUS_CODE_ABNORMAL_CLOSE,
                f"connection was closed uncleanly: {self.wasNotCleanReason}",
            )
        self._over = True
        future, self._closed_future = self._closed_future, None
        if future is not None:
            self.framework.resolve(future, self)

    def _closeConnection(self, abort: bool = False) -> None:
        """Close the transport.

        :param abort: without waiting for what is still to be written.
        """
        if self.transport is None:
            return
        if abort and hasattr(self.transport, "abort"):
            self.transport.abort()
        else:
            self.transport.close()

    def _set_reading(self, reading: bool) -> bool:
        """Have the transport stop reading or go on; False: it cannot. For the class of a framework."""
        return False

    def consumeData(self) -> None:
        """Go on with what is in ``data``."""
        if self.state in (self.STATE_CONNECTING, self.STATE_PROXY_CONNECTING):
            if self.state == self.STATE_CONNECTING:
                self.processHandshake()
            else:
                self.processProxyConnect()
        elif self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            self.processData()

    def processData(self) -> bool:
        """Give what is in ``data`` to the engine; False: nothing is left of it."""
        data, self.data = self.data, b""
        if data:
            self.engine.feed(data)
        return False

    def processHandshake(self) -> None:
        """Read the peer's part of the opening handshake from ``data``."""
        raise RuntimeError("use WebSocketClientProtocol or WebSocketServerProtocol")

    def processProxyConnect(self) -> None:
        """Read a proxy's answer from ``data``."""
        raise RuntimeError("only clients connect through a proxy")

    def _read_head(self) -> Any:
        """Return the HTTP head that came in, parsed; None while it is not complete. What is behind it stays in ``data``.

        :raises HttpError: it is refused.
        """
        data, self.data = self.data, b""
        reader: Any = self._head
        found = reader.feed(data)
        if found is None:
            return None
        head, self.data = found
        return parse_head(head, reader.limits)

    # ------------------------------------------------------------------------------------------------------ opening

    def _opened(self) -> None:
        """The opening handshake is done on both sides."""
        self._cancel_timer("openHandshakeTimeoutCall")
        self.state = self.STATE_OPEN
        self._attach_engine()
        if self._early_paused:
            self._early_paused = False
            self._set_reading(True)
        if self.trackedTimings is not None:
            self.trackedTimings.track("onOpen")
        self._start_keepalive()
        self._forget_handshake()
        self._was_open = True
        if self._open_future is not None:
            future, self._open_future = self._open_future, None
            self.framework.resolve(future, None)
        try:
            self._onOpen()
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            self.on_sink_error(e)
        if self.data and self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            self.processData()

    def _forget_handshake(self) -> None:
        """Drop what only the opening handshake needs: a connection may be idle for long."""
        self._head = None

    # ------------------------------------------------------------------------------------- what the engine calls

    @property
    def engine(self) -> Any:
        """The engine under this connection."""
        if self._engine is None:
            self._attach_engine()
        return self._engine

    def _attach_engine(self) -> None:
        from autobahn_fast._core.engine import CallbackSink, MessageSink
        from autobahn_fast._core.frames import WebSocketEngine

        server = self.factory.isServer
        engine = WebSocketEngine(
            self,
            server,
            max_frame=self.maxFramePayloadSize,
            max_message=self.maxMessagePayloadSize,
            require_masked=self.requireMaskedClientFrames if server else True,
            accept_masked=True if server else self.acceptMaskedServerFrames,
            mask_outgoing=self.maskServerFrames if server else self.maskClientFrames,
            apply_mask=self.applyMask,
            validate_utf8=self.utf8validateIncoming,
            auto_fragment=self.autoFragmentSize,
            max_send=self.maxMessagePayloadSize,
        )
        self._engine = engine
        if self._stats is not None:
            self._stats.follow(engine)
        engine.compression = self._compression
        engine.frame_mode = self._wants_frames()
        plain = is_own(self, "_onMessage", CallbacksMixin._onMessage)
        if self.orderedMessages:
            engine.set_sink(CallbackSink(self._onMessageInOrder))
        else:
            engine.set_sink(MessageSink(self) if plain else CallbackSink(self._onMessage))
        if self._sees_octets():
            engine.attach(self.sendData, self._transport_defer())
        else:
            engine.attach(self.transport.write, self._transport_defer(), *self._transport_socket())
        engine.is_open = self.state == self.STATE_OPEN
        self._reading_gate = ReadingGate(
            self._set_reading, self.framework.call_later, self.maxPendingMessages, self.maxPendingOctets
        )

    def _sees_octets(self) -> bool:
        """Whether somebody wants to see what goes out; else it goes straight to the transport."""
        return self.logOctets or not is_own(self, "sendData", SendingMixin.sendData)

    def _transport_socket(self) -> tuple[Any, ...]:
        """Arguments of ``Engine.attach`` from ``fd`` on. For the class of a framework."""
        return ()

    def _transport_defer(self) -> Callable[[Callable[[], None]], Any] | None:
        """How to have a function called at the end of the loop turn; None: nothing is joined."""
        return None if self.framework is NoLoop else self.framework.call_soon

    def _octets_in(self) -> int:
        return self._engine.octets_in if self._engine is not None else 0

    def on_ping(self, payload: bytes) -> None:
        """Engine: a ping came in."""
        self._onPing(payload)

    def on_pong(self, payload: bytes) -> None:
        """Engine: a pong came in."""
        self._got_pong(payload)
        self._onPong(payload)

    def on_close_frame(self, code: int | None, reason: str) -> None:
        """Engine: a valid close frame came in."""
        self.onCloseFrame(code, reason.encode() if reason else None)

    def processControlFrame(self) -> bool:
        """Deal with the control frame whose header is ``current_frame`` and whose payload is ``control_frame_data``.

        For programs that read frames themselves: the engine calls ``on_ping``, ``on_pong`` and ``on_close_frame`` directly.
        """
        frame, payload = self.current_frame, bytes(self.control_frame_data)
        if frame is None:
            return False
        if frame.opcode == 8:
            self.onCloseFrame(int.from_bytes(payload[:2], "big") if len(payload) > 1 else None, payload[2:] or None)
        elif frame.opcode == 9:
            self.on_ping(payload)
        elif frame.opcode == 10:
            self.on_pong(payload)
        self.current_frame = None
        return True

    def on_violation(self, code: int, reason: str) -> None:
        """Engine: the peer broke the protocol."""
        if code == self.CLOSE_STATUS_CODE_MESSAGE_TOO_BIG:
            if reason.startswith("a frame"):
                self.wasMaxFramePayloadSizeExceeded = True
            else:
                self.wasMaxMessagePayloadSizeExceeded = True
        # txaio loggers, which users may set as log, have warn only
        self.log.warn("WebSocket {peer}: {reason} (close code {code})", peer=self.peer, reason=reason, code=code)
        self._fail_connection(code, reason)

    def on_sink_error(self, exc: Exception) -> None:
        """Engine: a callback raised. The traceback is logged and the connection closed with 1011."""
        self.log.error("WebSocket {peer}: a callback raised {exc!r}", peer=self.peer, exc=exc, log_failure=exc)
        self._close_with(self.CLOSE_STATUS_CODE_INTERNAL_ERROR, "internal error")

    # --------------------------------------------------------------------------------------------------- closing

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> None:
        """A close frame came in (section 5.5.1): finish the closing handshake.

        :param code: its close code, or None. :param reasonRaw: its reason as UTF-8, or None.
        """
        self.remoteCloseCode = code
        self.remoteCloseReason = reasonRaw.decode("utf-8", "replace") if reasonRaw is not None else None
        if self.state == self.STATE_CLOSING:
            self._cancel_timer("closeHandshakeTimeoutCall")
            self.wasClean = True
        elif self.state == self.STATE_OPEN:
            self.wasClean = True
            if self.echoCloseCodeReason:
                self.sendCloseFrame(code, reasonRaw, isReply=True)
            else:
                self.sendCloseFrame(self.CLOSE_STATUS_CODE_NORMAL, isReply=True)
        else:
            return
        if self.factory.isServer:
            self.dropConnection(abort=False)
        else:
            # Section 7.1.1: the server closes TCP first
            self._set_timer(
                "serverConnectionDropTimeoutCall", self.serverConnectionDropTimeout, "onServerConnectionDropTimeout"
            )

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake.

        :param code: 1000 or 3000 to 4999; None: no code.
        :param reason: text, cut to 123 octets of UTF-8; needs a code.
        :raises TypeError: an argument of another type. :raises ValueError: another code, or a reason without a code.
        """
        if code is not None:
            if isinstance(code, bool) or not isinstance(code, int):
                raise TypeError(f"invalid type {type(code).__name__} for a close code (an int is needed)")
            if code != 1000 and not 3000 <= code <= 4999:
                raise ValueError(f"invalid close code {code}: applications may send 1000 and 3000 to 4999")
        raw = None
        if reason is not None:
            if code is None:
                raise ValueError("close reason without close code")
            if not isinstance(reason, str):
                raise TypeError(f"invalid type {type(reason).__name__} for a close reason (a str is needed)")
            raw = _cut(reason)
        self.sendCloseFrame(code, raw, isReply=False)

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        """Send a close frame, once.

        :param code: any close code that may stand in a frame. :param reasonUtf8: the reason, at most 123 octets.
        :param isReply: it answers the peer's.
        :raises RuntimeError: the connection is not open yet.
        """
        if self.state in (self.STATE_CONNECTING, self.STATE_PROXY_CONNECTING):
            raise RuntimeError("the connection is not open yet: it cannot be closed, only dropped (dropConnection)")
        if self.state != self.STATE_OPEN:
            return
        self.state = self.STATE_CLOSING
        self.closedByMe = not isReply
        self.localCloseCode = code
        self.localCloseReason = reasonUtf8.decode("utf-8", "replace") if reasonUtf8 else None
        self._cancel_timer("autoPingPendingCall")
        self._cancelAutoPingTimeoutCall()
        self._reading_gate.release()  # the peer's close frame has to be read
        self.engine.close(code, reasonUtf8 or b"")
        self.engine.flush()
        if self.closedByMe:
            self._set_timer("closeHandshakeTimeoutCall", self.closeHandshakeTimeout, "onCloseHandshakeTimeout")

    def _close_with(self, code: int, reason: str) -> None:
        """Close because of something that went wrong here: with a close frame where one can be sent."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code, _cut(reason))
        elif self.state in (self.STATE_CONNECTING, self.STATE_PROXY_CONNECTING):
            self.wasNotCleanReason = reason
            self.dropConnection(abort=True)

    def _fail_connection(self, code: int = CLOSE_STATUS_CODE_GOING_AWAY, reason: str = "going away") -> bool:
        """Fail the connection (section 7.1.7); True: nothing more is read."""
        if self.state == self.STATE_CLOSED:
            return True
        self.failedByMe = True
        self.wasClean = False
        self.wasNotCleanReason = f"this side failed the connection: {reason}"
        if self._engine is not None:
            self._engine.stop_reading()
        if self.failByDrop or self.state != self.STATE_OPEN:
            self.dropConnection(abort=True)
        else:
            self.sendCloseFrame(code, _cut(reason), isReply=False)
            if self.factory.isServer and self.engine.close_received:
                # What was wrong is the peer's close frame: it sends nothing any more, and the server closes TCP first.
                self.dropConnection(abort=False)
        return True

    def _protocol_violation(self, reason: str) -> bool:
        """The peer broke the protocol: fail the connection with 1002."""
        self.on_violation(self.CLOSE_STATUS_CODE_PROTOCOL_ERROR, reason)
        return True

    def _invalid_payload(self, reason: str) -> bool:
        """The payload is not what it should be: fail the connection with 1007."""
        self.on_violation(self.CLOSE_STATUS_CODE_INVALID_PAYLOAD, reason)
        return True

    def _max_message_size_exceeded(self, msg_size: int, max_size: int, reason: str) -> None:
        """A message is too big: fail the connection with 1009."""
        self.on_violation(self.CLOSE_STATUS_CODE_MESSAGE_TOO_BIG, reason)

    def dropConnection(self, abort: bool = False) -> None:
        """Close the transport without a closing handshake.

        :param abort: at once; else what was written so far is sent first.
        """
        if self.state == self.STATE_CLOSED:
            return
        self.droppedByMe = True
        self.state = self.STATE_CLOSED
        self._reading_gate.release()
        if self._early_paused:
            self._set_reading(True)
        if self._engine is not None:
            self._engine.stop_reading()
            self._engine.flush()  # nothing is written once the transport is closing
        self._closeConnection(abort)


_protocol = WebSocketProtocol
for _name in {*_protocol.CONFIG_ATTRS_COMMON, *_protocol.CONFIG_ATTRS_CLIENT, *_protocol.CONFIG_ATTRS_SERVER}:
    setattr(_protocol, _name, _options.Taken(_name))


def _cut(reason: str) -> bytes:
    """A close reason as UTF-8 of at most 123 octets, cut between characters."""
    return reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore").encode()
