# SPDX-License-Identifier: MIT
"""The callbacks of a WebSocket connection: how users' functions and coroutines are called, and what their exceptions do.

Knows that a coroutine runs beside the connection, that too many of them pause reading (``ReadingGate``), and how those of
``onMessage`` are kept in order when that is asked for. Does not know frames or states, but for "closed".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from autobahn_fast._reading import NO_GATE

__all__ = ("CallbacksMixin",)


MAX_BACKLOG = 1 << 20
"""Octets the transport has not sent yet at which pings are not answered any more."""


class CallbacksMixin:
    """The ``on...`` callbacks of a WebSocketProtocol."""

    framework: Any
    log: Any
    peer: Any
    state: int
    STATE_CLOSED: int
    orderedMessages: bool
    on_sink_error: Callable[[Exception], None]
    sendPong: Callable[..., None]
    _write_backlog: Callable[[], int]
    fire: Callable[..., Any]
    _listeners: Any
    _engine: Any

    _reading_gate: Any = NO_GATE
    """Counts coroutines of callbacks that are not through; ``NO_GATE`` before the connection is open."""
    _waiting: deque[tuple[bytes, bool]] | None = None
    """(``orderedMessages``) Messages that came in while the coroutine of one before them runs; None: none runs."""
    _close_waiting: tuple[bool, int | None, str | None] | None = None

    def _run_hook(self, hook: Callable[..., Any], *args: Any) -> None:
        """Call a user's callback; an exception that comes late, from a coroutine, fails the connection (1011)."""
        result = hook(*args)
        if result is not None and self.framework.is_awaitable(result):
            self.framework.spawn(self._finish_hook(result))

    def _ask(
        self, callback: Callable[..., Any], arg: Any, then: Callable[[Any], None], failed: Callable[[Any], None]
    ) -> None:
        """Call a user's callback and go on with its result, at once or when its awaitable has it."""
        try:
            result = callback(arg)
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            failed(e)
            return
        if result is not None and self.framework.is_awaitable(result):
            self.framework.spawn(self._ask_later(result, then, failed))
        else:
            then(result)

    async def _ask_later(self, awaitable: Any, then: Callable[[Any], None], failed: Callable[[Any], None]) -> None:
        try:
            result = await awaitable
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            if self.state != self.STATE_CLOSED:
                failed(e)
            return
        if self.state != self.STATE_CLOSED:
            then(result)

    def _onOpen(self) -> None:
        self._run_hook(self.onOpen)

    def _onPing(self, payload: bytes) -> None:
        self._run_hook(self.onPing, payload)

    def _onPong(self, payload: bytes) -> None:
        self._run_hook(self.onPong, payload)

    async def _finish_hook(self, awaitable: Any, octets: int = 0) -> None:
        """Wait for a callback's coroutine. One that is cancelled just ends; one that raises fails the connection (1011)."""
        gate = self._reading_gate
        gate.begin(octets)
        try:
            await awaitable
        except self.framework.cancelled_errors:
            self.log.debug("WebSocket {peer}: a callback's coroutine was cancelled", peer=self.peer)
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            self.on_sink_error(e)
        finally:
            gate.end(octets)

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Call ``handler`` when the event is fired.

        :raises RuntimeError: there is no such event.
        """
        super().on(event, handler)  # type: ignore[misc]
        if self._engine is not None:
            self._engine.observed()

    # --- messages ---

    def _onMessageInOrder(self, payload: bytes, isBinary: bool) -> None:
        """(``orderedMessages``) A message came in."""
        if self._waiting is None:
            self._onMessage(payload, isBinary)
        else:
            self._reading_gate.begin(len(payload))
            self._waiting.append((payload, isBinary))

    def _onMessage(self, payload: bytes, isBinary: bool) -> None:
        self._after_message(payload, isBinary, self.onMessage(payload, isBinary))

    def _after_message(self, payload: bytes, isBinary: bool, result: Any) -> None:
        """``onMessage`` returned something, or there are listeners."""
        if result is not None and self.framework.is_awaitable(result):
            if self.orderedMessages:
                self._waiting = deque()
                self.framework.spawn(self._in_order(result, len(payload)))
            else:
                self.framework.spawn(self._finish_hook(result, len(payload)))
        if self._listeners:
            self.fire("message", self, payload, is_binary=isBinary)

    async def _in_order(self, awaitable: Any, octets: int) -> None:
        """Wait for the coroutine of a message, then deal with the messages that came in meanwhile, one after the other."""
        gate, waiting = self._reading_gate, self._waiting
        if waiting is None:
            return
        gate.begin(octets)
        through = False
        try:
            await awaitable
            while waiting:
                gate.end(octets)
                payload, is_binary = waiting.popleft()
                octets = len(payload)
                result = self.onMessage(payload, is_binary)
                if self._listeners:
                    self.fire("message", self, payload, is_binary=is_binary)
                if result is not None and self.framework.is_awaitable(result):
                    await result
            through = True
        except self.framework.cancelled_errors:
            self.on_sink_error(
                RuntimeError("onMessage was cancelled: the messages behind it cannot be handled in order")
            )
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            self.on_sink_error(e)
        finally:
            gate.end(octets)
            self._waiting = None if through else self._drop_waiting(waiting)
            if self._close_waiting is not None:
                close, self._close_waiting = self._close_waiting, None
                self._onClose(*close)

    def _drop_waiting(self, waiting: deque[tuple[bytes, bool]]) -> deque[tuple[bytes, bool]]:
        """A message failed: those behind it are dropped; what is returned drops those that still come in."""
        if waiting:
            self.log.warn(
                "WebSocket {peer}: {n} messages behind the one that failed are dropped", peer=self.peer, n=len(waiting)
            )
        for payload, _ in waiting:
            self._reading_gate.end(len(payload))
        return deque(maxlen=0)

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self._waiting is not None and self._waiting.maxlen is None:
            self._close_waiting = (wasClean, code, reason)  # it is called behind the messages that came before
            return
        try:
            self._run_hook(self.onClose, wasClean, code, reason)
        except Exception as e:  # noqa: BLE001 - whatever user code raises
            self.log.error("WebSocket {peer}: onClose raised", peer=self.peer, log_failure=e)

    # --- for subclasses ---

    def onOpen(self) -> Any:
        """The connection is open: messages can be sent. For subclasses; may be a coroutine."""

    def onMessage(self, payload: bytes, isBinary: bool) -> Any:
        """A message came in. For subclasses; may be a coroutine.

        Coroutines run side by side, unless the option ``orderedMessages`` is set: then each runs when the one before is
        through, and ``onClose`` behind the last. One that raises (or, in order, is cancelled) is logged and fails the
        connection with 1011; messages that wait behind it are dropped. While many run, reading pauses (``maxPendingMessages``,
        ``maxPendingOctets``), and with it pings are not answered.

        :param payload: the octets; UTF-8 when not binary. :param isBinary: binary or text.
        """

    def onPing(self, payload: bytes) -> Any:
        """A ping came in. The default answers with a pong, unless the peer does not read: more than 1 MiB waits for it then.

        (A peer that pings and does not read would have this side keep all the answers.)
        """
        if self._write_backlog() <= MAX_BACKLOG:
            self.sendPong(payload)

    def onPong(self, payload: bytes) -> Any:
        """A pong came in. For subclasses."""

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> Any:
        """The connection is closed. For subclasses; may be a coroutine.

        :param wasClean: whether the closing handshake was done.
        :param code: the peer's close code; 1006 when not clean; None: it sent none.
        :param reason: the peer's close reason, or what happened.
        """
