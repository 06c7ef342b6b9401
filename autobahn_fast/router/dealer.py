# SPDX-License-Identifier: MIT
"""The dealer of a realm: who registered what, and which callee gets a call.

Knows registrations, invocation policies, sharding and the terms of callees. Calls under way are in ``calls``. Does not know
transports, serializers or payloads: a session is here an object with ``id``, ``authid``, ``authrole``, ``wire``,
``features`` (texts such as "callee.call_canceling"), the dicts ``registrations``, ``calls``, ``invocations``,
``unfinished`` and ``next_invocation()``, and its wire has ``invocation``, ``result`` and ``error`` (which raise one of
``CANNOT_FORWARD`` when the payload cannot reach that peer), ``error_text`` and ``send``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.calls import CANNOT_FORWARD, Call, Calls, Special, cannot_forward
from autobahn_fast.router.options import (
    CACHED,
    CACHED_LENGTH,
    DISCLOSURE_REFUSED,
    FEATURE_NOT_SUPPORTED,
    InvalidOption,
    InvalidUri,
    Refused,
    can_passthru,
    identity,
    passed_on,
    shard_key,
    wants_disclosure,
)
from autobahn_fast.router.patterns import PatternTable, is_valid_uri
from autobahn_fast.router.registrations import INVOKE_POLICIES, Registration, Terms
from autobahn_fast.util import utcnow
from autobahn_fast.wamp import message

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = ("CANNOT_FORWARD", "INVOKE_POLICIES", "Dealer", "Refused", "Registration", "cannot_forward")

MAX_CONCURRENCY = "crossbar.error.max_concurrency_reached"  # Crossbar.io's name: WAMP has none
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"
REVOKED = "wamp.error.unregistered"

_NO_TERMS = Terms()


def _no_timer(seconds: float, f: Callable[[], None]) -> Any:
    raise RuntimeError("this dealer has no timers")


def _unheard(event: str, *args: Any) -> None:
    pass


class Dealer:
    """Registrations and calls of one realm.

    :param new_id: gives ids of registrations (router scope: unique in the realm).
    :param call_later: ``call_later(seconds, f)`` returns an object with ``cancel()``; for timeouts.
    :param tell: ``tell(event, *args)`` hears of the meta events of registrations.
    :param meta: ``meta(session, request, procedure, payload)`` answers calls of procedures that begin with ``wamp.``;
        raises :class:`Refused`.
    :param may_disclose: whether callers may be disclosed on their own or the callee's request.
    """

    def __init__(
        self,
        new_id: Callable[[], int],
        call_later: Callable[[float, Callable[[], None]], Any] = _no_timer,
        tell: Callable[..., None] = _unheard,
        meta: Callable[..., None] | None = None,
        may_disclose: bool = True,
    ) -> None:
        self._new_id = new_id
        self._tell = tell
        self._meta = meta
        self._may_disclose = may_disclose
        self._table: PatternTable[Registration] = PatternTable()
        self._by_id: dict[int, Registration] = {}
        self._winners: dict[str, Registration] = {}  # procedure -> the registration that wins now
        self.calls = calls = Calls(call_later, self._reroute)
        self.cancel = calls.cancel
        self.yield_ = calls.yield_
        self.error = calls.error
        self.proceed = calls.proceed

    @property
    def registrations(self) -> PatternTable[Registration]:
        """All registrations by match policy and URI."""
        return self._table

    @property
    def by_id(self) -> dict[int, Registration]:
        """All registrations by their id."""
        return self._by_id

    # --- registrations ---

    def register(
        self,
        session: RouterSession,
        uri: str,
        match: str,
        invoke: str,
        terms: Terms = _NO_TERMS,
        force: bool = False,
    ) -> int:
        """Make ``session`` a callee.

        :param terms: what it asks for, besides.
        :param force: revoke the registrations that are in the way.
        :returns: the id of the registration, the same for all callees that share it.
        :raises Refused: somebody has the procedure and does not share it on the same terms; or it may not know its callers.
        """
        if terms.disclose_caller and not self._may_disclose:
            raise Refused(DISCLOSURE_REFUSED, "this realm does not disclose callers")
        registration = self._table.get(match, uri)
        if registration is not None and force:
            for callee in list(registration.callees):
                self.revoke(registration, callee, REVOKED)
            registration = self._table.get(match, uri)
        if registration is None:
            registration = Registration(self._new_id(), uri, match, invoke, utcnow())
            self._table.add(match, uri, registration)
            self._by_id[registration.id] = registration
            self._forget_winners(match, uri)
            self._tell("wamp.registration.on_create", session.id, registration.details())
        elif (
            registration.invoke == "single" or invoke != registration.invoke or registration.id in session.registrations
        ):
            raise Refused(PROCEDURE_ALREADY_EXISTS, _why_not_shared(registration, invoke))
        registration.add(session, terms)
        session.registrations[registration.id] = registration
        self._tell("wamp.registration.on_register", session.id, registration.id)
        return registration.id

    def unregister(self, session: RouterSession, registration_id: int) -> bool:
        """End a registration of ``session``; False when it has none with this id. Calls under way go on."""
        registration = session.registrations.pop(registration_id, None)
        if registration is None:
            return False
        self._drop(session, registration)
        return True

    def revoke(self, registration: Registration, session: RouterSession, reason: str | None) -> bool:
        """Take a registration from ``session``; False when it has not got it. It is told when it can understand that."""
        if not self.unregister(session, registration.id):
            return False
        if "callee.registration_revocation" in session.features:
            session.wire.send(message.Unregistered(0, registration=registration.id, reason=reason))
        return True

    def _drop(self, session: RouterSession, registration: Registration) -> None:
        registration.discard(session)
        if not registration.callees:
            self._table.remove(registration.match, registration.uri)
            del self._by_id[registration.id]
            self._forget_winners(registration.match, registration.uri)
        self._tell("wamp.registration.on_unregister", session.id, registration.id)
        if not registration.callees:
            self._tell("wamp.registration.on_delete", session.id, registration.id)

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
        self,
        session: RouterSession,
        request: int,
        procedure: str,
        options: dict[str, Any] | None,
        payload: Any,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Forward a CALL to a callee. ``request`` must not be the id of a call of ``session`` under way.

        :param extra: details for the callee that the caller did not ask for.
        :raises Refused: there is no callee, or it cannot do what is asked.
        :raises InvalidUri: the procedure is no URI.
        :raises InvalidOption: an option of the wrong type, or of a feature that was not announced.
        :raises EncodeError, PayloadTooLarge: the payload cannot be sent to the callee.
        """
        registration = self._winners.get(procedure)
        if registration is None:
            if procedure.startswith("wamp.") and self._meta is not None:
                if options is not None and options.get("progress") is True:
                    raise Refused(FEATURE_NOT_SUPPORTED, "procedures of the router take no progressive calls")
                self._meta(session, request, procedure, payload)
                return
            registration = self._winner(procedure)
        callee = registration.only
        if options is not None or extra is not None or callee is None:
            self._call_with(session, request, registration, procedure, options or {}, payload, extra)
            return
        invocation = callee.next_invocation()
        call = Call(session, request, callee, invocation, False, None)
        session.calls[request] = callee.invocations[invocation] = call
        try:
            callee.wire.invocation(
                invocation,
                registration.id,
                None if registration.match == "exact" else {"procedure": procedure},
                payload,
            )
        except CANNOT_FORWARD:
            call.forget()
            raise

    def _call_with(
        self,
        session: RouterSession,
        request: int,
        registration: Registration,
        procedure: str,
        options: dict[str, Any],
        payload: Any,
        extra: dict[str, Any] | None,
    ) -> None:
        """A call that has options, or a registration that has several callees or terms."""
        details = passed_on(options, session, "caller") or {}
        if extra:
            details.update(extra)
        if registration.match != "exact":
            details["procedure"] = procedure
        special = Special(registration, procedure, details)
        special.more = options.get("progress") is True
        special.timeout = _milliseconds(options)
        special.rkey = _partition(options)
        if special.more and not {"caller.progressive_call_invocations", "caller.call_canceling"} <= session.features:
            raise InvalidOption("a CALL with progress, but the caller did not announce progressive_call_invocations")
        if wants_disclosure(options, self._may_disclose):
            details.update(identity(session, "caller"))
        if len(registration.callees) > 1 and not special.more:
            special.payload = payload
        call = Call(session, request, session, 0, options.get("receive_progress") is True, special)
        if not self._send(call, special, payload):
            raise Refused(MAX_CONCURRENCY, "all callees have as many calls under way as they take")

    def _send(self, call: Call, special: Special, payload: Any) -> bool:
        """Send a call to the callee whose turn it is; False when there is none.

        :raises Refused: the callee cannot do what is asked.
        :raises EncodeError, PayloadTooLarge: the payload cannot be sent to it.
        """
        registration, caller = special.registration, call.caller
        if not special.tried and special.rkey is None and not registration.terms:
            callee = registration.pick()
        else:
            chosen = registration.pick_among(special.tried, special.rkey)
            if chosen is None:
                return False
            callee = chosen
        details = dict(special.details or {})
        _check_callee(callee, special.more, details)
        terms = registration.terms.get(callee, _NO_TERMS)
        if call.progressive:  # whatever the callee announced: some that send progress, and well, do not say so
            details["receive_progress"] = True
        if terms.disclose_caller:
            details.update(identity(caller, "caller"))
        watched = special.timeout > 0
        if watched and terms.forward_timeout and "callee.call_timeout" in callee.features:
            details["timeout"] = special.timeout
            watched = False
        call.callee = callee
        call.invocation = callee.next_invocation()
        caller.calls[call.request] = callee.invocations[call.invocation] = call
        if terms.concurrency:
            terms.running += 1
            special.terms = terms
        try:
            callee.wire.invocation(
                call.invocation,
                registration.id,
                {**details, "progress": True} if special.more else details or None,
                payload,
            )
        except CANNOT_FORWARD:
            call.forget()
            raise
        if special.more:
            special.details = details
        if watched and special.timer is None:
            self.calls.watch(call)
        return True

    def _reroute(self, call: Call) -> bool:
        """The callee says that it is not available: have another one do it. False when there is none."""
        special = call.special
        if special is None or special.payload is None:
            return False
        special.tried.append(call.callee)
        call.callee.invocations.pop(call.invocation, None)
        if special.terms is not None:
            special.terms.running -= 1
            special.terms = None
        try:
            return bool(special.registration.callees) and self._send(call, special, special.payload)
        except CANNOT_FORWARD:
            return self._reroute(call)

    def remove(self, session: RouterSession) -> None:
        """``session`` is gone: end its registrations and its calls."""
        while session.registrations:
            self._drop(session, session.registrations.popitem()[1])
        self.calls.remove(session)


def _why_not_shared(registration: Registration, invoke: str) -> str:
    uri = repr(registration.uri[:200])
    if registration.invoke == "single":
        return f"the procedure {uri} is registered already, and not shared"
    if invoke != registration.invoke:
        return f"the procedure {uri} is shared with the policy {registration.invoke!r}, not {invoke!r}"
    return f"this session has registered the procedure {uri} already"


def _check_callee(callee: RouterSession, more: bool, details: dict[str, Any]) -> None:
    """Raise Refused when ``callee`` lacks a feature that the call cannot do without."""
    if more and not {"callee.progressive_call_invocations", "callee.call_canceling"} <= callee.features:
        raise Refused(FEATURE_NOT_SUPPORTED, "the callee takes no progressive call invocations")
    if "ppt_scheme" in details and not can_passthru(callee, "callee"):
        raise Refused(FEATURE_NOT_SUPPORTED, "the callee does not know payload passthru mode")


def _milliseconds(options: dict[str, Any]) -> int:
    timeout = options.get("timeout", 0)
    if type(timeout) is not int or not 0 <= timeout <= 2**53:
        raise InvalidOption("option 'timeout' of CALL must be a number of milliseconds, 0 or more")
    return timeout


def _partition(options: dict[str, Any]) -> str | None:
    """The key of a call to one shard; None: not such a call."""
    runmode = options.get("runmode")
    if runmode is None:
        return None
    if runmode != "partition":
        raise Refused("wamp.error.option_not_allowed", "the only runmode is 'partition'")
    key = shard_key(options, "rkey")
    if key is None:
        raise Refused("wamp.error.invalid_argument", "runmode 'partition' needs the option 'rkey'")
    return key
