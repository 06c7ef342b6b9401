# SPDX-License-Identifier: MIT
"""Flow control of the reading side: while too many of a connection's handlers are not through, nothing more is read.

Knows how many handlers there are and how large what they were given is. Does not know what they do, nor any transport: that
reading stops and goes on is carried out by a function it is given.

Handlers may wait for something the peer is still to send (the result of a call, say). So reading never stops for good: when no
handler has come to its end for a while, it goes on until the next one starts, after waits that grow up to two seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ("MAX_HANDLERS", "MAX_OCTETS", "NO_GATE", "ReadingGate")

MAX_HANDLERS = 10_000
"""Handlers under way at which reading pauses, unless said otherwise; it goes on below half of them."""
MAX_OCTETS = 64 * 1024 * 1024
"""Octets of the messages they were given, the same."""

FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0


def _ignore(reading: bool) -> None:
    """There is no transport."""


class ReadingGate:
    """Counts the handlers of one connection that are not through."""

    __slots__ = (
        "_call_later", "_ended", "_open", "_set_reading", "_timer", "_wait", "handlers", "max_handlers", "max_octets",
        "octets", "paused",
    )  # fmt: skip

    def __init__(
        self,
        set_reading: Callable[[bool], Any],
        call_later: Callable[[float, Callable[[], Any]], Any],
        max_handlers: int = MAX_HANDLERS,
        max_octets: int = MAX_OCTETS,
    ) -> None:
        """
        :param set_reading: ``set_reading(False)`` has the transport stop reading, ``set_reading(True)`` go on.
        :param call_later: the framework's.
        :param max_handlers: reading pauses at so many; 0: never.
        :param max_octets: and at so many octets in messages; 0: never.
        """
        self._set_reading = set_reading
        self._call_later = call_later
        self.max_handlers = max_handlers
        self.max_octets = max_octets
        self.handlers = 0
        self.octets = 0
        self.paused = False
        self._open = False
        self._ended = False
        self._wait = FIRST_WAIT
        self._timer: Any = None

    def begin(self, octets: int = 0) -> None:
        """A handler starts.

        :param octets: size of the message it was given, where that is known.
        """
        self.handlers += 1
        self.octets += octets
        if not self.paused and not self._open and self._over(1):
            self.paused = True
            self._ended = False
            self._timer = self._call_later(self._wait, self._look_again)
            self._set_reading(False)

    def end(self, octets: int = 0) -> None:
        """A handler is through, in whatever way.

        :param octets: as in ``begin``.
        """
        self.handlers -= 1
        self.octets -= octets
        self._ended = True
        if self.paused and not self._over(2):
            self._wait = FIRST_WAIT
            self._go_on()

    def release(self) -> None:
        """Reading goes on, whatever there is: the connection is being closed."""
        self._open = True
        if self.paused:
            self._go_on()

    def close(self) -> None:
        """The transport is gone. Handlers may still come to their end."""
        self._set_reading = _ignore
        self.release()

    def _over(self, part: int) -> bool:
        return (0 < self.max_handlers <= self.handlers * part) or (0 < self.max_octets <= self.octets * part)

    def _go_on(self) -> None:
        self.paused = False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._set_reading(True)

    def _look_again(self) -> None:
        self._timer = None
        if not self.paused:
            return
        if self._ended:
            self._ended = False
            self._wait = FIRST_WAIT
            self._timer = self._call_later(self._wait, self._look_again)
        else:
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            self._go_on()


class _NoGate(ReadingGate):
    """For transports that cannot pause: nothing is counted."""

    __slots__ = ()

    def begin(self, octets: int = 0) -> None:
        """A handler starts."""

    def end(self, octets: int = 0) -> None:
        """A handler is through."""


NO_GATE = _NoGate(lambda _: None, lambda _, __: None)
