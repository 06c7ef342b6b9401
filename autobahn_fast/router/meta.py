# SPDX-License-Identifier: MIT
"""The router's own procedures, ``wamp.session.*``, ``wamp.registration.*``, ``wamp.subscription.*``: how they are called.

Knows how arguments reach a procedure and how its result is sent. What the procedures do is in ``meta_sessions``,
``meta_tables`` and ``testament``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from autobahn_fast.router.options import Refused, whole
from autobahn_fast.wamp import message

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("NOTHING", "Meta", "Procedures")

NOTHING = object()
"""What a procedure without a result returns."""


class Procedures(Protocol):
    """A part of the meta API."""

    def procedures(self) -> Mapping[str, Callable[..., Any]]:
        """URI -> function; its first argument is the session that calls, the others are those of the call."""


class Meta:
    """All procedures of the router in one realm.

    :param parts: where they are.
    """

    def __init__(self, *parts: Procedures) -> None:
        self._procedures: dict[str, tuple[Callable[..., Any], inspect.Signature]] = {}
        for part in parts:
            self.add(part)

    def add(self, part: Procedures) -> None:
        """Add the procedures of a part."""
        for uri, f in part.procedures().items():
            self._procedures[uri] = (f, inspect.signature(f))

    def call(self, session: RouterSession, request: int, procedure: str, payload: Any) -> None:
        """Answer a CALL of ``session``.

        :raises Refused: there is no such procedure, it cannot take the arguments, or it refuses.
        :raises EncodeError, PayloadTooLarge: the result cannot be sent to the caller.
        """
        known = self._procedures.get(procedure)
        if known is None:
            raise Refused("wamp.error.no_such_procedure", f"the router has no procedure {procedure[:200]!r}")
        f, signature = known
        values = payload.values()
        args = values[0] if values else []
        kwargs = values[1] if len(values) > 1 else {}
        try:
            bound = signature.bind(session, *_list(args), **kwargs)
        except TypeError as exc:
            raise Refused("wamp.error.invalid_argument", f"{procedure}: {exc}") from None
        result = f(*bound.args, **bound.kwargs)
        session.wire.send(message.Result(request, args=None if result is NOTHING else [result]))


def _list(args: Any) -> list[Any]:
    if type(args) is not list:
        raise Refused("wamp.error.invalid_argument", "procedures of the router take plain arguments")
    return args


def check(value: Any, kind: type, name: str) -> Any:
    """``value`` if it is of this type; for an id also one that came as a float.

    :raises Refused: it is not.
    """
    if kind is int:
        value = whole(value)
    if type(value) is not kind:
        raise Refused("wamp.error.invalid_argument", f"{name} must be of type {kind.__name__}")
    return value
