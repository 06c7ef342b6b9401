# SPDX-License-Identifier: MIT
"""A transport for tests of protocols: keeps what is written, and whether it was closed. Has the methods of a Twisted transport."""

from __future__ import annotations

from typing import Any

__all__ = ("FakeTransport",)


class FakeTransport:
    """A transport without a network."""

    def __init__(self) -> None:
        self._written = b""
        self._open = True
        self._abort_calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def write(self, msg: bytes) -> None:
        """Keep the octets in ``_written``.

        :raises RuntimeError: it was closed.
        """
        if not self._open:
            raise RuntimeError("the transport is closed: nothing can be written")
        self._written += msg

    def abortConnection(self, *args: Any, **kw: Any) -> None:
        """Note the call; nothing else."""
        self._abort_calls.append((args, kw))

    def abort_called(self) -> bool:
        """Whether ``abortConnection`` was called."""
        return bool(self._abort_calls)

    def loseConnection(self) -> None:
        """Close it."""
        self._open = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Nothing is paused here: nothing is done."""

    def unregisterProducer(self) -> None:
        """Nothing is paused here: nothing is done."""

    def getPeer(self) -> None:
        """There is no peer."""

    def getHost(self) -> None:
        """There is no address."""
