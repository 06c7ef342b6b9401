# SPDX-License-Identifier: MIT
"""The dealer of a realm: who registered what, and which calls are under way.

Knows registrations, invocation policies, calls, cancelling and what happens when a caller or callee goes away. Does not
know transports, serializers or payloads: a session is here an object with ``wire``, ``can_cancel``, the dicts
``registrations``, ``calls``, ``invocations`` and ``next_invocation()``, and its wire has ``invocation``, ``result``
and ``error`` (which raise one of ``CANNOT_FORWARD`` when the payload cannot reach that peer), ``error_text`` and ``send``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast._core.codec import EncodeError
from autobahn_fast._core.engine import PayloadTooLarge
from autobahn_fast.router.broker import CACHED, CACHED_LENGTH, InvalidUri, encryption_details
from autobahn_fast.router.patterns import PatternTable, is_valid_uri
from autobahn_fast.wamp import message

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("CANNOT_FORWARD", "INVOKE_POLICIES", "Call", "Dealer", "Refused", "Registration", "cannot_forward")

INVOKE_POLICIES = ("single", "first", "last", "roundrobin", "random")

CALL = 48  # message type that an ERROR to a caller answers
CANNOT_FORWARD = (EncodeError, PayloadTooLarge)

CANCELED = "wamp.error.canceled"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"

_choice = random.Random().choice


class Refused(Exception):
    """A request cannot be done; answered with an ERROR.

    :param error: its URI.
    :param text: says why, for the peer's log.
    """

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error
        self.text = text


def cannot_forward(exc: Exception) -> tuple[str, str]:
    """URI and text of the ERROR for what one of ``CANNOT_FORWARD`` says."""
    if isinstance(exc, PayloadTooLarge):
        return "wamp.error.payload_size_exceeded", f"the other side takes no message of this size: {exc}"
    return "wamp.error.invalid_payload", f"the payload cannot be written in the other side's serializer: {exc}"


class Registration:
    """One procedure or pattern with its callees, in the order they registered."""

    __slots__ = ("_next", "callees", "id", "invoke", "match", "uri")

    def __init__(self, id: int, uri: str, match: str, invoke: str) -> None:
        self.id = id
        self.uri = uri
        self.match = match
        self.invoke = invoke
        self.callees: list[RouterSession] = []
        self._next = 0

    def pick(self) -> RouterSession:
        """The callee for the next call, by the invocation policy."""
        callees = self.callees
        if self.invoke == "roundrobin":
            callee = callees[self._next % len(callees)]
            self._next = (self._next + 1) % len(callees)
            return callee
        if self.invoke == "random":
            return _choice(callees)
        return callees[-1] if self.invoke == "last" else callees[0]

    def discard(self, session: RouterSession) -> None:
        """``session`` is no callee any more. The turn of the others in a round robin stays as it was."""
        position = self.callees.index(session)
        del self.callees[position]
        if position < self._next:
            self._next -= 1


class Call:
    """A call under way: between INVOCATION and the callee's final answer, or until it is canceled."""

    __slots__ = ("callee", "caller", "invocation", "progressive", "request")

    def __init__(
        self, caller: RouterSession, request: int, callee: RouterSession, invocation: int, progressive: bool
    ) -> None:
        self.caller = caller
        self.request = request
        self.callee = callee
        self.invocation = invocation
        self.progressive = progressive

    def forget(self) -> None:
        """The call is over for both sides; what the callee still sends is dropped."""
        self.caller.calls.pop(self.request, None)
        self.callee.invocations.pop(self.invocation, None)


class Dealer:
    """Registrations and calls of one realm.

    :param new_id: gives ids of registrations (router scope: unique in the realm).
    """

    def __init__(self, new_id: Callable[[], int]) -> None:
        self._new_id = new_id
        self._table: PatternTable[Registration] = PatternTable()
        self._winners: dict[str, Registration] = {}  # procedure -> the registration that wins now

    @property
    def registrations(self) -> PatternTable[Registration]:
        """All registrations by match policy and URI."""
        return self._table

    # --- registrations ---

    def register(self, session: RouterSession, uri: str, match: str, invoke: str) -> int:
        """Make ``session`` a callee.

        :returns: the id of the registration, the same for all callees that share it.
        :raises Refused: somebody has the procedure and does not share it on the same terms.
        """
        registration = self._table.get(match, uri)
        if registration is None:
            registration = Registration(self._new_id(), uri, match, invoke)
            self._table.add(match, uri, registration)
            self._forget_winners(match, uri)
        elif registration.invoke == "single" or invoke != registration.invoke or session in registration.callees:
            raise Refused(PROCEDURE_ALREADY_EXISTS, _why_not_shared(registration, invoke))
        registration.callees.append(session)
        session.registrations[registration.id] = registration
        return registration.id

    def unregister(self, session: RouterSession, registration_id: int) -> bool:
        """End a registration of ``session``; False when it has none with this id. Calls under way go on."""
        registration = session.registrations.pop(registration_id, None)
        if registration is None:
            return False
        self._drop(session, registration)
        return True

    def _drop(self, session: RouterSession, registration: Registration) -> None:
        registration.discard(session)
        if not registration.callees:
            self._table.remove(registration.match, registration.uri)
            self._forget_winners(registration.match, registration.uri)

    def _forget_winners(self, match: str, uri: str) -> None:
        if match == "exact":
            self._winners.pop(uri, None)
        else:
            self._winners.clear()

    def _winner(self, procedure: str) -> Registration:
        if not is_valid_uri(procedure):
            raise InvalidUri(f"{procedure[:200]!r} is not a valid procedure URI")
        registration = self._table.best(procedure)
        if registration is None:
            raise Refused(NO_SUCH_PROCEDURE, f"no callee has registered the procedure {procedure[:200]!r}")
        if len(procedure) <= CACHED_LENGTH:
            if len(self._winners) >= CACHED:
                self._winners.clear()
            self._winners[procedure] = registration
        return registration

    # --- calls ---

    def call(
        self, session: RouterSession, request: int, procedure: str, options: dict[str, Any] | None, payload: Any
    ) -> None:
        """Forward a CALL to a callee. ``request`` must not be the id of a call of ``session`` under way.

        :raises Refused: there is no callee.
        :raises InvalidUri: the procedure is no URI.
        :raises EncodeError, PayloadTooLarge: the payload cannot be sent to the callee.
        """
        registration = self._winners.get(procedure)
        if registration is None:
            registration = self._winner(procedure)
        callees = registration.callees
        callee = callees[0] if registration.invoke == "single" else registration.pick()
        details = None if registration.match == "exact" else {"procedure": procedure}
        progressive = False
        if options is not None:
            progressive = options.get("receive_progress") is True
            details = _invocation_details(details, options, progressive)
        invocation = callee.next_invocation()
        call = Call(session, request, callee, invocation, progressive)
        session.calls[request] = callee.invocations[invocation] = call
        try:
            callee.wire.invocation(invocation, registration.id, details, payload)
        except CANNOT_FORWARD:
            call.forget()
            raise

    def yield_(self, session: RouterSession, invocation: int, options: dict[str, Any] | None, payload: Any) -> None:
        """Forward a result of the callee ``session`` to the caller. Dropped when the call is over already."""
        call = session.invocations.get(invocation)
        if call is None:
            return
        details = None
        if options is not None:
            details = encryption_details(options)
            if options.get("progress") is True:
                if call.progressive:
                    details = {"progress": True, **(details or {})}
                    self._forward_result(call, details, payload, True)
                return
        self._forward_result(call, details, payload, False)

    def _forward_result(self, call: Call, details: dict[str, Any] | None, payload: Any, progress: bool) -> None:
        if not progress:
            call.forget()
        try:
            call.caller.wire.result(call.request, details, payload)
        except CANNOT_FORWARD as exc:
            if progress:
                call.forget()
                self._interrupt(call, "killnowait")
            call.caller.wire.error_text(CALL, call.request, *cannot_forward(exc))

    def error(
        self, session: RouterSession, invocation: int, error: str, details: dict[str, Any] | None, payload: Any
    ) -> None:
        """Forward the error of the callee ``session`` to the caller. Dropped when the call is over already."""
        call = session.invocations.get(invocation)
        if call is None:
            return
        call.forget()
        try:
            call.caller.wire.error(CALL, call.request, error, encryption_details(details) if details else None, payload)
        except CANNOT_FORWARD as exc:
            call.caller.wire.error_text(CALL, call.request, error, cannot_forward(exc)[1])

    def cancel(self, session: RouterSession, request: int, mode: str | None) -> None:
        """Cancel a call of ``session``. Nothing happens when it is over already.

        ``skip`` (also when there is no mode, and for a callee without the feature): the caller gets its ERROR now, the
        callee hears nothing. ``killnowait``: it is interrupted, too. ``kill``: it is interrupted, and its answer is what
        the caller gets.
        """
        call = session.calls.get(request)
        if call is None:
            return
        if mode is None or not call.callee.can_cancel:
            mode = "skip"
        if mode == "kill":
            self._interrupt(call, mode)
            return
        call.forget()
        if mode == "killnowait":
            self._interrupt(call, mode)
        session.wire.error_text(CALL, request, CANCELED, "the call was canceled by the caller")

    def _interrupt(self, call: Call, mode: str) -> None:
        if call.callee.can_cancel:
            call.callee.wire.send(message.Interrupt(call.invocation, mode=mode))

    def remove(self, session: RouterSession) -> None:
        """``session`` is gone: end its registrations, interrupt what works for it, and answer who waits for it."""
        while session.registrations:
            self._drop(session, session.registrations.popitem()[1])
        while session.calls:
            call = session.calls.popitem()[1]
            call.forget()
            if call.callee is not session:
                self._interrupt(call, "killnowait")
        while session.invocations:
            call = session.invocations.popitem()[1]
            call.forget()
            call.caller.wire.error_text(CALL, call.request, CANCELED, "the callee left before it answered")


def _why_not_shared(registration: Registration, invoke: str) -> str:
    uri = repr(registration.uri[:200])
    if registration.invoke == "single":
        return f"the procedure {uri} is registered already, and not shared"
    if invoke != registration.invoke:
        return f"the procedure {uri} is shared with the policy {registration.invoke!r}, not {invoke!r}"
    return f"this session has registered the procedure {uri} already"


def _invocation_details(
    details: dict[str, Any] | None, options: dict[str, Any], progressive: bool
) -> dict[str, Any] | None:
    more = encryption_details(options) or {}
    if progressive:
        more["receive_progress"] = True
    return {**(details or {}), **more} if more else details
