# SPDX-License-Identifier: MIT
"""What may not take forever on a WebSocket connection: the handshakes, the peer's silence.

Knows when a time is up and what follows. Any octet that comes in is a sign of life; nothing is done per message: the
keepalive timer compares counters when it fires. Loops and clocks are the framework's.
"""

from __future__ import annotations

import os
import struct
import time
from typing import Any

__all__ = ("TimersMixin",)

_PING_HEAD = struct.Struct(">QL")  # when it was sent (ns since the epoch), sequence number


class TimersMixin:
    """The timers of a WebSocketProtocol. Each is None or a handle with ``cancel()``."""

    framework: Any
    log: Any
    state: int
    autoPingInterval: float
    autoPingTimeout: float
    autoPingSize: int
    autoPingRestartOnAnyTraffic: bool
    dropConnection: Any
    _reading_gate: Any

    openHandshakeTimeoutCall: Any = None
    closeHandshakeTimeoutCall: Any = None
    serverConnectionDropTimeoutCall: Any = None
    autoPingPendingCall: Any = None
    autoPingTimeoutCall: Any = None

    autoPingPending: bytes | None = None
    """Payload of the ping whose pong is awaited."""
    _ping_sequence = 0
    _octets_seen = 0
    _backlog_seen = 0

    wasOpenHandshakeTimeout = False
    wasCloseHandshakeTimeout = False
    wasServerConnectionDropTimeout = False
    wasServingFlashSocketPolicyFile = False
    wasNotCleanReason: str | None = None

    _TIMERS = (
        "openHandshakeTimeoutCall",
        "closeHandshakeTimeoutCall",
        "serverConnectionDropTimeoutCall",
        "autoPingPendingCall",
        "autoPingTimeoutCall",
    )

    def _set_timer(self, name: str, seconds: float, method: str) -> None:
        """(Re)start one of the timers; 0 seconds: none. The method is looked up when it fires."""
        self._cancel_timer(name)
        if seconds:
            setattr(self, name, self.framework.call_later(seconds, lambda: self._fire(name, method)))

    def _fire(self, name: str, method: str) -> None:
        setattr(self, name, None)
        getattr(self, method)()

    def _cancel_timer(self, name: str) -> None:
        timer = getattr(self, name)
        if timer is not None:
            setattr(self, name, None)
            timer.cancel()

    def _cancel_timers(self) -> None:
        for name in self._TIMERS:
            self._cancel_timer(name)

    # --- handshakes ---

    def onOpenHandshakeTimeout(self) -> None:
        """The peer did not finish the opening handshake in time: the connection is dropped."""
        self.openHandshakeTimeoutCall = None
        if self.state in (1, 4):  # CONNECTING, PROXY_CONNECTING
            self.wasClean = False
            self.wasOpenHandshakeTimeout = True
            who = "the proxy's answer" if self.state == 4 else "the opening handshake"
            self.wasNotCleanReason = f"{who} took longer than openHandshakeTimeout"
            self.dropConnection(abort=True)

    def onCloseHandshakeTimeout(self) -> None:
        """The peer did not answer the close frame in time: the connection is dropped."""
        self.closeHandshakeTimeoutCall = None
        if self.state != 0:
            self.wasClean = False
            self.wasCloseHandshakeTimeout = True
            if self.wasNotCleanReason is None:
                self.wasNotCleanReason = "the closing handshake took longer than closeHandshakeTimeout"
            self.dropConnection(abort=True)

    def onServerConnectionDropTimeout(self) -> None:
        """(Client) The server did not close the TCP connection in time after the closing handshake: it is dropped."""
        self.serverConnectionDropTimeoutCall = None
        if self.state != 0:
            self.wasClean = False
            self.wasServerConnectionDropTimeout = True
            self.wasNotCleanReason = "the server did not close TCP within serverConnectionDropTimeout"
            self.dropConnection(abort=True)

    # --- keepalive ---

    def _octets_in(self) -> int:
        """Octets received so far."""
        raise RuntimeError("a mixin for WebSocketProtocol")

    def _write_backlog(self) -> int:
        """Octets the transport has taken but not yet sent; 0 where that is not known."""
        return 0

    def _start_keepalive(self) -> None:
        if self.autoPingInterval:
            self._octets_seen = self._octets_in()
            self._set_timer("autoPingPendingCall", self.autoPingInterval, "_sendAutoPing")

    def _sendAutoPing(self) -> None:
        """An interval is over: ping, unless something came in meanwhile."""
        self.autoPingPendingCall = None
        if self.state != 3:
            return
        octets = self._octets_in()
        if self.autoPingRestartOnAnyTraffic and octets != self._octets_seen:
            self._start_keepalive()
            return
        self._octets_seen = octets
        self._backlog_seen = self._write_backlog()
        self._ping_sequence = (self._ping_sequence + 1) & 0xFFFFFFFF
        head = _PING_HEAD.pack(time.time_ns(), self._ping_sequence)
        self.autoPingPending = head + os.urandom(max(0, self.autoPingSize - len(head)))
        if self.autoPingTimeout:
            self._set_timer("autoPingTimeoutCall", self.autoPingTimeout, "_auto_ping_time_up")
        else:
            self._set_timer("autoPingPendingCall", self.autoPingInterval, "_sendAutoPing")
        self.sendPing(self.autoPingPending)

    def sendPing(self, payload: bytes | None = None) -> None:
        """Send a ping."""
        raise RuntimeError("a mixin for WebSocketProtocol")

    def _auto_ping_time_up(self) -> None:
        if self._reading_gate.paused:
            # What the peer sends is not read because this side is busy: nothing can be said about the peer.
            self._set_timer("autoPingTimeoutCall", self.autoPingTimeout, "_auto_ping_time_up")
            return
        backlog = self._write_backlog()
        alive = self.autoPingRestartOnAnyTraffic and self._octets_in() != self._octets_seen
        if alive:
            self.autoPingPending = None
            self._start_keepalive()
        elif self.state == 3 and 0 < backlog < self._backlog_seen:
            # Our own octets are still on their way to a peer that takes them: it cannot have seen the ping yet.
            self._backlog_seen = backlog
            self._set_timer("autoPingTimeoutCall", self.autoPingTimeout, "_auto_ping_time_up")
        else:
            self.onAutoPingTimeout()

    def onAutoPingTimeout(self) -> None:
        """The peer gave no sign of life within autoPingTimeout of a ping: the connection is dropped."""
        self.autoPingTimeoutCall = None
        if self.state != 0:
            self.wasClean = False
            self.wasNotCleanReason = "ping timeout: the peer gave no sign of life within autoPingTimeout of a ping"
            self.dropConnection(abort=True)

    def _cancelAutoPingTimeoutCall(self) -> None:
        """The ping was answered, or something else came in."""
        self._cancel_timer("autoPingTimeoutCall")

    def _got_pong(self, payload: bytes) -> None:
        """A pong came in: is it the answer to our keepalive ping?"""
        if self.autoPingPending is None or payload != self.autoPingPending:
            return
        self.autoPingPending = None
        self._cancelAutoPingTimeoutCall()
        sent, sequence = _PING_HEAD.unpack_from(payload)
        now = time.time_ns()
        self.onAutoPong(sent, sequence, now, now - sent, payload)
        if self.state == 3:
            self._start_keepalive()

    def onAutoPong(self, ping_sent: int, ping_seq: int, pong_received: int, pong_rtt: int, payload: bytes) -> None:
        """A keepalive ping was answered. For subclasses; does nothing.

        :param ping_sent: when the ping was sent, in ns since the epoch.
        :param ping_seq: its number, counted from 1.
        :param pong_received: when the pong came in, in ns since the epoch.
        :param pong_rtt: ns between the two.
        :param payload: the payload of both.
        """
