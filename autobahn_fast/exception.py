# SPDX-License-Identifier: MIT
"""Exceptions that belong to no single protocol. Knows nothing about WAMP, WebSocket or any framework."""

from __future__ import annotations

from autobahn_fast._names import also_from

__all__ = ("Disconnected", "PayloadCorruptError", "PayloadExceededError")


class Disconnected(RuntimeError):
    """Something was to be sent, but the connection is closed."""


class PayloadExceededError(RuntimeError):
    """A message is larger than the transport (or the peer) takes. Nothing of it was sent."""


class PayloadCorruptError(RuntimeError):
    """A payload cannot be brought into (or back from) the form that goes over the wire."""


class InvalidArgument(TypeError, ValueError, AssertionError):
    """An argument has the wrong type or value.

    autobahn checks such arguments with ``assert``. This class is raised explicitly, so it is also there under
    ``python -O``, and it is an ``AssertionError`` for code that was written against autobahn.
    """


also_from(__name__, "util")
