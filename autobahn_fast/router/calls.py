# SPDX-License-Identifier: MIT
"""Calls under way: results, errors, cancelling, timeouts, progress both ways, and what happens when one side goes away.

Knows a call from INVOCATION to its end. Does not know how a callee was found (``dealer`` does), nor transports, serializers
or payloads: see there for what a session is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast._core.codec import EncodeError
from autobahn_fast._core.engine import PayloadTooLarge
from autobahn_fast.router.options import FEATURE_NOT_SUPPORTED, InvalidOption, can_passthru, passed_on
from autobahn_fast.wamp import message

if TYPE_CHECKING:
    from autobahn_fast.router.registrations import Registration, Terms
    from autobahn_fast.router.session import RouterSession

__all__ = ("CALL", "CANNOT_FORWARD", "Call", "Calls", "Special", "cannot_forward", "expect_parts")

CALL = 48  # message type that an ERROR to a caller answers
CANNOT_FORWARD = (EncodeError, PayloadTooLarge)

CANCELED = "wamp.error.canceled"
TIMEOUT = "wamp.error.timeout"
UNAVAILABLE = "wamp.error.unavailable"
NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"

# Calls whose caller may still be sending parts though they are over, remembered for each caller, at most.
REMEMBERED = 1000


def cannot_forward(exc: Exception) -> tuple[str, str]:
    """URI and text of the ERROR for what one of ``CANNOT_FORWARD`` says."""
    if isinstance(exc, PayloadTooLarge):
        return "wamp.error.payload_size_exceeded", f"the other side takes no message of this size: {exc}"
    return "wamp.error.invalid_payload", f"the payload cannot be written in the other side's serializer: {exc}"


def can_cancel(callee: RouterSession) -> bool:
    """Whether a callee can be interrupted."""
    return "callee.call_canceling" in callee.features


class Special:
    """What only some calls have.

    :param registration: where the callee was found.
    :param details: those of the INVOCATION, without ``progress``.
    """

    __slots__ = (
        "details",
        "more",
        "payload",
        "procedure",
        "registration",
        "rkey",
        "terms",
        "timeout",
        "timer",
        "tried",
    )

    def __init__(self, registration: Registration, procedure: str, details: dict[str, Any] | None) -> None:
        self.registration = registration
        self.procedure = procedure
        self.details = details
        self.more = False  # the caller sends further parts
        self.rkey: str | None = None
        self.timeout = 0  # milliseconds, watched here
        self.timer: Any = None
        self.terms: Terms | None = None  # where the call is counted
        self.payload: Any = None  # kept as long as the call may go to another callee
        self.tried: list[RouterSession] = []

    def end(self) -> None:
        """The call is over, or goes to another callee."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.terms is not None:
            self.terms.running -= 1
            self.terms = None


class Call:
    """A call under way: between INVOCATION and the callee's final answer, or until it is canceled.

    ``shared`` says that other callees could be asked if this one is not available.
    """

    __slots__ = ("callee", "caller", "invocation", "progressive", "request", "special")

    def __init__(
        self,
        caller: RouterSession,
        request: int,
        callee: RouterSession,
        invocation: int,
        progressive: bool,
        special: Special | None,
    ) -> None:
        self.caller = caller
        self.request = request
        self.callee = callee
        self.invocation = invocation
        self.progressive = progressive
        self.special = special

    def forget(self) -> None:
        """The call is over for both sides; what the callee still sends is dropped, and so are parts from the caller."""
        self.caller.calls.pop(self.request, None)
        self.callee.invocations.pop(self.invocation, None)
        special = self.special
        if special is not None:
            special.end()
            if special.more:
                expect_parts(self.caller, self.request)


def expect_parts(caller: Any, request: int) -> None:
    """A call is over, and its caller may still be sending parts of it: these are to be dropped."""
    caller.unfinished[request] = None
    if len(caller.unfinished) > REMEMBERED:
        del caller.unfinished[next(iter(caller.unfinished))]


class Calls:
    """The calls of a dealer.

    :param call_later: ``call_later(seconds, f)`` returns an object with ``cancel()``.
    :param again: ``again(call)`` finds another callee and sends it the INVOCATION; False when there is none.
    """

    def __init__(self, call_later: Callable[..., Any], again: Callable[[Call], bool]) -> None:
        self._call_later = call_later
        self._again = again

    # --- from the caller ---

    def proceed(self, session: RouterSession, request: int, options: dict[str, Any] | None, payload: Any) -> bool:
        """A CALL with the id of an earlier one: the next part of a progressive call. False: it is a new call.

        A part for a call that is over is dropped.

        :raises InvalidOption: the call has had its last part already.
        :raises EncodeError, PayloadTooLarge: the payload cannot be sent to the callee; the call is over.
        """
        more = options is not None and options.get("progress") is True
        call = session.calls.get(request)
        if call is None:
            if request not in session.unfinished:
                return False
            if not more:
                del session.unfinished[request]
            return True
        special = call.special
        if special is None or not special.more:
            raise InvalidOption(f"CALL with request id {request}, which is the id of a call under way")
        special.more = more
        special.payload = None
        details = {**(special.details or {}), "progress": True} if more else special.details
        try:
            call.callee.wire.invocation(call.invocation, special.registration.id, details, payload)
        except CANNOT_FORWARD:
            call.forget()
            self.interrupt(call, "killnowait")
            raise
        return True

    def cancel(self, session: RouterSession, request: int, mode: str | None) -> None:
        """Cancel a call of ``session``. Nothing happens when it is over already.

        ``skip`` (also when there is no mode, and for a callee without the feature): the caller gets its ERROR now, the
        callee hears nothing. ``killnowait``: it is interrupted, too. ``kill``: it is interrupted, and its answer is what
        the caller gets.
        """
        call = session.calls.get(request)
        if call is None:
            return
        if mode is None or not can_cancel(call.callee):
            mode = "skip"
        if mode == "kill":
            if call.special is not None:
                call.special.payload = None
            self.interrupt(call, mode)
            return
        call.forget()
        if mode == "killnowait":
            self.interrupt(call, mode)
        session.wire.error_text(CALL, request, CANCELED, "the call was canceled by the caller")

    def interrupt(self, call: Call, mode: str, reason: str | None = None) -> None:
        """Tell the callee to stop, if it can be told."""
        if can_cancel(call.callee):
            call.callee.wire.send(message.Interrupt(call.invocation, mode=mode, reason=reason))

    # --- timeouts ---

    def watch(self, call: Call) -> None:
        """End the call when nothing comes for ``special.timeout`` milliseconds from now."""
        special = call.special
        if special is not None and special.timeout:
            if special.timer is not None:
                special.timer.cancel()
            special.timer = self._call_later(special.timeout / 1000, lambda: self._timed_out(call))

    def _timed_out(self, call: Call) -> None:
        if call.caller.calls.get(call.request) is not call:
            return
        timeout = call.special.timeout if call.special is not None else 0
        call.forget()
        self.interrupt(call, "killnowait", TIMEOUT)
        call.caller.wire.error_text(CALL, call.request, TIMEOUT, f"there was no result within {timeout} ms")

    # --- from the callee ---

    def yield_(self, session: RouterSession, invocation: int, options: dict[str, Any] | None, payload: Any) -> None:
        """Forward a result of the callee ``session`` to the caller. Dropped when the call is over already.

        :raises InvalidOption: payload passthru mode that the callee did not announce.
        """
        call = session.invocations.get(invocation)
        if call is None:
            return
        details: dict[str, Any] | None = None
        progress = False
        if options is not None:
            details = passed_on(options, session, "callee")
            progress = options.get("progress") is True
            if progress:
                if not call.progressive:
                    return
                details = {"progress": True, **(details or {})}
            if details is not None and "ppt_scheme" in details and not can_passthru(call.caller, "caller"):
                self._fail(
                    call, FEATURE_NOT_SUPPORTED, "the result is in payload passthru mode, which was not announced"
                )
                if progress:
                    self.interrupt(call, "killnowait")
                return
        if progress:
            self.watch(call)
            if call.special is not None:
                call.special.payload = None
        else:
            call.forget()
        try:
            call.caller.wire.result(call.request, details, payload)
        except CANNOT_FORWARD as exc:
            self._fail(call, *cannot_forward(exc))
            if progress:
                self.interrupt(call, "killnowait")

    def _fail(self, call: Call, error: str, text: str) -> None:
        call.forget()
        call.caller.wire.error_text(CALL, call.request, error, text)

    def error(
        self, session: RouterSession, invocation: int, error: str, details: dict[str, Any] | None, payload: Any
    ) -> None:
        """Forward the error of the callee ``session`` to the caller. Dropped when the call is over already.

        ``wamp.error.unavailable`` has the call go to another callee, if nothing was answered yet.

        :raises InvalidOption: payload passthru mode that the callee did not announce.
        """
        call = session.invocations.get(invocation)
        if call is None:
            return
        told = passed_on(details, session, "callee") if details else None
        if error == UNAVAILABLE:
            if self._again(call):
                return
            self._fail(call, NO_AVAILABLE_CALLEE, "no callee is available")
            return
        call.forget()
        if told is not None and "ppt_scheme" in told and not can_passthru(call.caller, "caller"):
            told, payload = None, None
        try:
            call.caller.wire.error(CALL, call.request, error, told, payload)
        except CANNOT_FORWARD as exc:
            call.caller.wire.error_text(CALL, call.request, error, cannot_forward(exc)[1])

    # --- the end of a session ---

    def remove(self, session: RouterSession) -> None:
        """``session`` is gone: interrupt what works for it, and answer who waits for it."""
        while session.calls:
            call = session.calls.popitem()[1]
            call.forget()
            if call.callee is not session:
                self.interrupt(call, "killnowait")
        session.unfinished.clear()
        while session.invocations:
            call = session.invocations.popitem()[1]
            call.forget()
            call.caller.wire.error_text(CALL, call.request, CANCELED, "the callee left before it answered")
