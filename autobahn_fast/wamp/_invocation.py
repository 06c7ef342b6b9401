# SPDX-License-Identifier: MIT
"""The callee's part of a session: INVOCATION to endpoint, its result or error to YIELD or ERROR, INTERRUPT, timeouts.

Knows the registrations and the running invocations of the session it is mixed into; does not know how messages come in.
"""

from __future__ import annotations

import traceback
from typing import Any

from autobahn_fast.exception import InvalidArgument, PayloadExceededError
from autobahn_fast.wamp import _passthru, message
from autobahn_fast.wamp._calls import LONGEST_TIMER
from autobahn_fast.wamp._checks import shown
from autobahn_fast.wamp._chunks import Chunks
from autobahn_fast.wamp._inbound import PPT_FIELDS, DetailsError, message_details, ppt_details
from autobahn_fast.wamp._part import SessionPart
from autobahn_fast.wamp._wire import MessageWire, encode_payload, raise_documented, translated
from autobahn_fast.wamp.exception import ApplicationError, ProtocolError, SerializationError, TransportLost
from autobahn_fast.wamp.types import CallDetails, CallResult

__all__ = ("InvocationMixin",)

RUNTIME_ERROR = "wamp.error.runtime_error"
_EMPTY: dict[str, Any] = {}
_PLAIN = frozenset({type(None), bool, int, float, str, bytes, list, dict, tuple, CallResult})
"""Result types that are certainly no awaitables: spares the question."""

INVOCATION_FIELDS = (
    "timeout", "receive_progress", "caller", "caller_authid", "caller_authrole", "procedure", "transaction_hash",
    "enc_algo", "forward_for", "progress", "trustlevel", *PPT_FIELDS,
)  # fmt: skip

MAX_ENDED = 1024
"""How many invocations that ended before the last piece of their input came are remembered: pieces may be on their way."""


class Running:
    """An invocation whose endpoint is not through yet."""

    __slots__ = ("awaitable", "chunks", "ppt", "registration", "started", "stopped_by", "task", "timer")

    def __init__(self, registration: Any) -> None:
        self.registration = registration
        self.task: Any = None
        self.awaitable: Any = None
        self.started = False
        self.chunks: Chunks | None = None
        self.ppt: dict[str, Any] | None = None  # of the input; the result goes out the same way
        self.timer: Any = None
        self.stopped_by: Any = None  # the exception this session ended it with

    def lose(self, error: BaseException) -> None:
        """The session is over: nobody waits for the answer any more, no more input will come."""
        if self.timer is not None:
            self.timer.cancel()
        if self.chunks is not None:
            self.stopped_by = error
            self.chunks.fail(error)


SPECIAL = frozenset({"progress", "receive_progress", "timeout", "ppt_scheme"})
"""Details of an INVOCATION that ask for more than calling the endpoint and sending what it returns."""

PLAIN = Running(None)
"""Stands for an invocation without any of these, while its endpoint is called."""

ENDED = Running(None)
"""Stands for an invocation that ended before the last piece of its input came."""


class InvocationMixin(SessionPart):
    """INVOCATION, INTERRUPT, YIELD and the ERRORs of a callee."""

    def _on_invocation(
        self, request: int, registration: int, details: dict[str, Any] | None, args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """INVOCATION: run the endpoint; answer at once when its result is there, else when it is."""
        reg = self._registrations.get(registration)
        if reg is None or request in self._invocations:
            self._on_other_invocation(request, registration, details, args, kwargs)
            return
        endpoint = reg.endpoint
        if details is not None or endpoint.details_arg is not None:
            self._invoke_with_details(request, reg, details or _EMPTY, args, kwargs)
            return
        try:
            result = endpoint.fn(*args, **kwargs) if kwargs is not None else endpoint.fn(*args)
        except (Exception, *self._cancelled_errors) as e:
            self._answer_error(request, reg, e)
        else:
            self._on_returned(request, reg, result)

    def _on_returned(self, request: int, reg: Any, result: Any) -> None:
        """What an endpoint has returned: the answer, or something to wait for. ``Wire`` calls this, too."""
        if type(result) not in _PLAIN and self._is_awaitable(result):
            self._run(request, Running(reg), result)
        else:
            self._answer(request, reg, result)

    def _on_raised(self, request: int, reg: Any, exc: BaseException) -> None:
        """``Wire`` called an endpoint, which raised."""
        if not isinstance(exc, (Exception, *self._cancelled_errors)):
            raise exc
        self._answer_error(request, reg, exc)

    def _run(self, request: int, running: Running, awaitable: Any) -> None:
        """Wait for what an endpoint returned."""
        running.awaitable = awaitable
        self._invocations[request] = running
        running.task = self._spawn(self._await_endpoint(request, running))

    def _on_other_invocation(
        self, request: int, registration: int, details: dict[str, Any] | None, args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """An INVOCATION of a registration that is gone, or a further piece of the input of one that came before."""
        running = self._invocations.get(request)
        last = details is None or not details.get("progress")
        if running is ENDED:
            if last:
                del self._invocations[request]
            self.log.debug("input of invocation {id} dropped: it has been answered", id=request)
            return
        if running is not None:
            if running.chunks is None or running.chunks.ended:
                raise ProtocolError(f"INVOCATION received for request {request}, which is still being worked on")
            if not running.chunks.put(args, kwargs, last):
                self._stop_invocation(
                    request,
                    ApplicationError(ApplicationError.PAYLOAD_SIZE_EXCEEDED, "input comes in faster than it is read"),
                )
            return
        if registration not in self._gone_registrations:
            raise ProtocolError(
                f"INVOCATION received for registration {registration}, which this session does not have"
            )
        self._refuse(
            request, last, ApplicationError.NO_SUCH_REGISTRATION, f"registration {registration} was just given up"
        )

    def _refuse(self, request: int, last: bool, uri: str, text: str) -> None:
        """Answer an INVOCATION without running anything."""
        if not last:
            self._remember_ended(request)
        self._send_if_open(message.Error(message.Invocation.MESSAGE_TYPE, request, uri, args=[text]))

    def _remember_ended(self, request: int) -> None:
        """More pieces of the input of an invocation that is over may come: they are no new invocation."""
        self._invocations[request] = ENDED
        self._ended_invocations.append(request)
        if len(self._ended_invocations) > MAX_ENDED:
            oldest = self._ended_invocations.pop(0)
            if self._invocations.get(oldest) is ENDED:
                del self._invocations[oldest]

    def _invoke_with_details(
        self, request: int, reg: Any, details: dict[str, Any], args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """Run an endpoint that wants details, or an invocation that came with some."""
        if reg.endpoint.progressive or not SPECIAL.isdisjoint(details):
            self._invoke_special(request, reg, details, args, kwargs)
            return
        try:
            result = self._call_with_details(request, reg, PLAIN, details, args, kwargs)
        except DetailsError:
            raise
        except (Exception, *self._cancelled_errors) as e:
            self._answer_error(request, reg, e)
        else:
            self._on_returned(request, reg, result)

    def _invoke_special(
        self, request: int, reg: Any, details: dict[str, Any], args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """Run an invocation with input in pieces, interim results, a timeout, or in payload passthru mode."""
        endpoint = reg.endpoint
        last = not details.get("progress")
        if not (last or endpoint.progressive):
            text = f"{reg.procedure} does not take its input in pieces"
            self._refuse(request, last, ApplicationError.FEATURE_NOT_SUPPORTED, text)
            return
        timeout = details.get("timeout")
        if timeout is not None and (type(timeout) is not int or timeout < 0):
            raise DetailsError(f"INVOCATION: timeout must be an integer >= 0, not {shown(timeout)}")
        running = self._invocations[request] = Running(reg)
        running.ppt = ppt_details(details)
        if endpoint.progressive:
            running.chunks = Chunks(self.framework)
            running.chunks.put(args, kwargs, last)
            args, kwargs = (), None
        try:
            result = self._call_with_details(request, reg, running, details, args, kwargs)
        except DetailsError:
            self._end_invocation(request, running)
            raise
        except (Exception, *self._cancelled_errors) as e:
            self._end_invocation(request, running)
            self._answer_error(request, reg, e, running.ppt)
        else:
            if type(result) not in _PLAIN and self._is_awaitable(result):
                self._limit(request, running, timeout)
                self._run(request, running, result)
            else:
                self._end_invocation(request, running)
                self._answer(request, reg, result, running.ppt)

    def _call_with_details(
        self,
        request: int,
        reg: Any,
        running: Running,
        details: dict[str, Any],
        args: Any,
        kwargs: dict[str, Any] | None,
    ) -> Any:
        """Call an endpoint with its details, if it wants them."""
        endpoint = reg.endpoint
        if endpoint.details_arg is None:
            return endpoint.fn(*args, **(kwargs or _EMPTY))
        keywords = dict(kwargs) if kwargs else {}
        if not details and running is PLAIN:
            keywords[endpoint.details_arg] = CallDetails(reg, procedure=reg.procedure)
            return endpoint.fn(*args, **keywords)
        get = details.get
        timeout = get("timeout")
        try:
            keywords[endpoint.details_arg] = CallDetails(
                reg,
                progress=self._make_progress(request, running) if get("receive_progress") else None,
                caller=get("caller"),
                caller_authid=get("caller_authid"),
                caller_authrole=get("caller_authrole"),
                procedure=get("procedure") or reg.procedure,
                transaction_hash=get("transaction_hash"),
                enc_algo=get("enc_algo"),
                forward_for=get("forward_for"),
                timeout=self._seconds(timeout) if timeout else None,
                trustlevel=get("trustlevel"),
                chunks=running.chunks,
                ppt=running.ppt,
            )
        except InvalidArgument as e:
            raise DetailsError(f"INVOCATION: {e}") from e
        return endpoint.fn(*args, **keywords)

    # --- ends that do not come from the endpoint ---

    def _seconds(self, timeout: int) -> float:
        """Return INVOCATION.timeout in seconds: milliseconds come from a router that announces ``call_timeout``."""
        return timeout / 1000 if self._announced("dealer", "call_timeout") else timeout

    def _limit(self, request: int, running: Running, timeout: int | None) -> None:
        """Watch over the timeout of an invocation, when that is left to this session.

        Crossbar passes the timeout on to everybody, in seconds, and watches itself: two would answer the same call.
        """
        if not timeout:
            return
        if not (running.registration.endpoint.forward_timeout or self._announced("dealer", "call_timeout")):
            return
        seconds = self._seconds(timeout)
        if seconds <= LONGEST_TIMER:
            text = f"{running.registration.procedure} was not done within {seconds} seconds"
            error = ApplicationError(ApplicationError.TIMEOUT, text)
            running.timer = self.framework.call_later(seconds, lambda: self._stop_invocation(request, error, running))

    def _stop_invocation(self, request: int, error: ApplicationError, running: Running | None = None) -> None:
        """Cancel an endpoint; the caller gets this error, unless the endpoint makes something else of it.

        :param running: the one that is meant, when it may be over by now.
        """
        found: Running | None = self._invocations.get(request)
        if found is None or found.task is None or (running is not None and found is not running):
            return
        found.stopped_by = error
        if found.chunks is not None:
            found.chunks.fail(error)
        if found.started:
            found.task.cancel()
            return
        # a task cancelled before it ran never reaches _await_endpoint
        self._end_invocation(request, found)
        found.task.cancel()
        if hasattr(found.awaitable, "close"):
            found.awaitable.close()
        elif hasattr(found.awaitable, "cancel"):
            found.awaitable.cancel()
        self._answer_stopped(request, error)

    def _answer_stopped(self, request: int, error: Any) -> None:
        self._send_if_open(message.Error(message.Invocation.MESSAGE_TYPE, request, error.error, args=list(error.args)))

    # --- results ---

    def _make_progress(self, request: int, running: Running) -> Any:
        def progress(*args: Any, **kwargs: Any) -> None:
            """Send an interim result to the caller.

            :raises TransportLost: the connection is gone.
            :raises SerializationError: the values cannot be serialized.
            """
            if self._invocations.get(request) is not running:
                self.log.warn("progressive result for invocation {id} dropped: it has been answered", id=request)
                return
            self._send_yield(request, running.registration, args, kwargs, {"progress": True}, running.ppt)

        return progress

    async def _await_endpoint(self, request: int, running: Running) -> None:
        running.started = True
        reg = running.registration
        gate = self._gate
        gate.begin()
        try:
            result = await running.awaitable
        except self._cancelled_errors as e:
            if self._end_invocation(request, running):
                if running.stopped_by is not None:
                    self._answer_stopped(request, running.stopped_by)
                else:
                    self._answer_error(request, reg, e, running.ppt)
        except Exception as e:
            awaited = self._end_invocation(request, running)
            if e is running.stopped_by:  # raised by details.chunks
                if awaited:
                    self._answer_stopped(request, running.stopped_by)
            elif not awaited:
                self._user_error(e, f"endpoint of {reg.procedure}, whose session is gone, failed: {e}")
            else:
                self._answer_error(request, reg, e, running.ppt)
        else:
            if self._end_invocation(request, running):
                self._answer(request, reg, result, running.ppt)
        finally:
            gate.end()

    def _end_invocation(self, request: int, running: Running) -> bool:
        """Whether the invocation is still to be answered (it is not when its session was lost meanwhile)."""
        if running.timer is not None:
            running.timer.cancel()
        if self._invocations.get(request) is not running:
            return False
        del self._invocations[request]
        if running.chunks is not None and not running.chunks.ended:
            self._remember_ended(request)
        return True

    # --- answers ---

    def _send_yield(
        self,
        request: int,
        reg: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
        ppt: dict[str, Any] | None = None,
    ) -> None:
        wire = self._live
        if wire is None or self._goodbye_sent:
            raise TransportLost("the session is closed")
        if ppt is not None:
            options = {**(options or _EMPTY), **ppt}
            args = _passthru.pack(options, self._payload_codec, False, reg.procedure, args, kwargs)
            kwargs = _EMPTY
        try:
            if self._payload_codec is not None and isinstance(wire, MessageWire):
                wire.yield_(request, args, kwargs, options, procedure=reg.procedure)
            else:
                wire.yield_(request, args, kwargs, options)
        except Exception as e:
            raise_documented(e)

    def _answer(self, request: int, reg: Any, result: Any, ppt: dict[str, Any] | None = None) -> None:
        wire = self._live
        if wire is None or self._goodbye_sent:
            self.log.debug("result of {procedure} dropped: the session is closed", procedure=reg.procedure)
            return
        try:
            if isinstance(result, CallResult):
                options = self._result_options(result)
                self._send_yield(request, reg, tuple(result.results), result.kwresults or _EMPTY, options, ppt)
            elif self._payload_codec is None and ppt is None:
                wire.yield_(request, (result,), _EMPTY)
            else:
                self._send_yield(request, reg, (result,), _EMPTY, None, ppt)
        except Exception as e:
            self._on_unsent(request, reg, e)

    @staticmethod
    def _result_options(result: CallResult) -> dict[str, Any] | None:
        options = {
            name: getattr(result, name)
            for name in ("callee", "callee_authid", "callee_authrole", "forward_for")
            if getattr(result, name) is not None
        }
        return options or None

    def _on_unsent(self, request: int, reg: Any, exc: BaseException) -> None:
        """The result could not be sent: tell the caller why, so that the call ends. ``Wire`` calls this, too."""
        exc = translated(exc)
        if isinstance(exc, TransportLost):
            self.log.debug("result of {procedure} dropped: the transport is closed", procedure=reg.procedure)
            return
        self._user_error(exc, f"result of {reg.procedure} could not be sent: {exc}")
        too_large = isinstance(exc, PayloadExceededError)
        uri = ApplicationError.PAYLOAD_SIZE_EXCEEDED if too_large else ApplicationError.INVALID_PAYLOAD
        text = f"the result of {reg.procedure} could not be sent: {exc}"
        self._send_if_open(message.Error(message.Invocation.MESSAGE_TYPE, request, uri, args=[text]))

    def _answer_error(self, request: int, reg: Any, exc: BaseException, ppt: dict[str, Any] | None = None) -> None:
        """The endpoint raised: hand the exception to ``onUserError``, then to the caller as an ERROR."""
        cancelled = isinstance(exc, self._cancelled_errors)
        if not cancelled:
            self._user_error(exc, f"{type(exc).__name__}: {exc}")
        if self._live is None or self._goodbye_sent:
            return
        text = "".join(traceback.format_exception(exc)) if self.traceback_app and not cancelled else None
        try:
            self._live.send(self._error_message(request, reg, exc, text, ppt))
        except Exception as e:
            e = translated(e)  # type: ignore[assignment]
            if isinstance(e, TransportLost):
                return
            self.log.warn("error of {procedure} could not be sent as it is: {error}", procedure=reg.procedure, error=e)
            uri = (
                ApplicationError.PAYLOAD_SIZE_EXCEEDED
                if isinstance(e, PayloadExceededError)
                else ApplicationError.INVALID_PAYLOAD
                if isinstance(e, SerializationError)
                else RUNTIME_ERROR
            )
            reply = message.Error(
                message.Invocation.MESSAGE_TYPE, request, uri, args=[f"{type(exc).__name__} could not be sent: {e}"]
            )
            self._send_if_open(reply)

    def _error_message(
        self, request: int, reg: Any, exc: BaseException, text: str | None, ppt: dict[str, Any] | None
    ) -> Any:
        args: list[Any]
        kwargs: dict[str, Any] = {}
        if isinstance(exc, ApplicationError):
            uri, args, kwargs = exc.error, list(exc.args), dict(exc.kwargs or {})
        elif isinstance(exc, self._cancelled_errors):
            uri, args = ApplicationError.CANCELED, ["the call was canceled"]
        else:
            uri, args = self._exception_to_uri.get(type(exc), RUNTIME_ERROR), list(exc.args)
            extra = getattr(exc, "kwargs", None)
            if isinstance(extra, dict):
                kwargs = dict(extra)
        if text is not None:
            kwargs["traceback"] = text
        if ppt is not None:
            options = dict(ppt)
            packed = _passthru.pack(options, self._payload_codec, False, uri, args, kwargs)
            return message.Error(message.Invocation.MESSAGE_TYPE, request, uri, args=list(packed), **options)
        payload = encode_payload(self._payload_codec, False, uri, args, kwargs)
        return message.Error(message.Invocation.MESSAGE_TYPE, request, uri, **payload)

    # --- message objects ---

    def _on_invocation_message(self, msg: Any) -> None:
        args, kwargs = msg.args, msg.kwargs
        reg = self._registrations.get(msg.registration)
        details = message_details(msg, INVOCATION_FIELDS)
        if reg is not None and (msg.enc_algo is not None or msg.ppt_scheme is not None):
            running = self._invocations.get(msg.request)
            try:
                args, kwargs = self._open_payload(False, msg.procedure or reg.procedure, msg)
            except ApplicationError as e:
                if running is None:
                    self._refuse(msg.request, not msg.progress, e.error, " ".join(map(str, e.args)))
                    return
                self._stop_invocation(msg.request, e)
                args = kwargs = None
        self._on_invocation(msg.request, msg.registration, details, tuple(args or ()), kwargs)

    def _on_interrupt(self, msg: Any) -> None:
        """INTERRUPT: cancel the endpoint; it answers ``wamp.error.canceled``, or what it makes of its cancellation."""
        running = self._invocations.get(msg.request)
        if running is None or running.task is None:
            self.log.debug("INTERRUPT for invocation {id}, which is finished: ignored", id=msg.request)
            return
        self._stop_invocation(msg.request, ApplicationError(ApplicationError.CANCELED, "the call was canceled"))
