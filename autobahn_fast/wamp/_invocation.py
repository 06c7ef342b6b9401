# SPDX-License-Identifier: MIT
"""The callee's part of a session: INVOCATION to endpoint, its result or error to YIELD or ERROR, INTERRUPT.

Knows the registrations and the running invocations of the session it is mixed into; does not know how messages come in.
"""

from __future__ import annotations

import traceback
from typing import Any

from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.wamp import message
from autobahn_fast.wamp._inbound import message_details
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
    "enc_algo", "forward_for",
)  # fmt: skip


class Running:
    """An invocation whose endpoint is not through yet."""

    __slots__ = ("awaitable", "registration", "started", "task")

    def __init__(self, registration: Any) -> None:
        self.registration = registration
        self.task: Any = None
        self.awaitable: Any = None
        self.started = False


class InvocationMixin(SessionPart):
    """INVOCATION, INTERRUPT, YIELD and the ERRORs of a callee."""

    def _on_invocation(
        self, request: int, registration: int, details: dict[str, Any] | None, args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """INVOCATION: run the endpoint; answer at once when its result is there, else when it is."""
        reg = self._registrations.get(registration)
        if reg is None or request in self._invocations:
            self._on_bad_invocation(request, registration)
            return
        endpoint = reg.endpoint
        try:
            if details is None and endpoint.details_arg is None:
                result = endpoint.fn(*args, **kwargs) if kwargs is not None else endpoint.fn(*args)
            else:
                result = self._call_endpoint(request, reg, details, args, kwargs)
        except self._cancelled_errors as e:
            self._answer_error(request, reg, e)
        except Exception as e:
            self._answer_error(request, reg, e)
        else:
            if type(result) not in _PLAIN and self._is_awaitable(result):
                running = Running(reg)
                running.awaitable = result
                self._invocations[request] = running
                running.task = self._spawn(self._await_endpoint(request, running))
            else:
                self._answer(request, reg, result)

    def _on_bad_invocation(self, request: int, registration: int) -> None:
        if request in self._invocations:
            raise ProtocolError(f"INVOCATION received for request {request}, which is still being worked on")
        if registration not in self._gone_registrations:
            raise ProtocolError(
                f"INVOCATION received for registration {registration}, which this session does not have"
            )
        self._send_if_open(
            message.Error(
                message.Invocation.MESSAGE_TYPE,
                request,
                ApplicationError.NO_SUCH_REGISTRATION,
                args=[f"registration {registration} was just given up"],
            )
        )

    def _call_endpoint(
        self, request: int, reg: Any, details: dict[str, Any] | None, args: Any, kwargs: dict[str, Any] | None
    ) -> Any:
        """Call an endpoint that wants details, or that came with some."""
        endpoint = reg.endpoint
        if endpoint.details_arg is None:
            return endpoint.fn(*args, **(kwargs or _EMPTY))
        get = (details or _EMPTY).get
        keywords = dict(kwargs) if kwargs else {}
        keywords[endpoint.details_arg] = CallDetails(
            reg,
            progress=self._make_progress(request, reg) if get("receive_progress") else None,
            caller=get("caller"),
            caller_authid=get("caller_authid"),
            caller_authrole=get("caller_authrole"),
            procedure=get("procedure") or reg.procedure,
            transaction_hash=get("transaction_hash"),
            enc_algo=get("enc_algo"),
            forward_for=get("forward_for"),
        )
        if not get("receive_progress"):
            return endpoint.fn(*args, **keywords)
        self._invocations[request] = Running(reg)
        try:
            return endpoint.fn(*args, **keywords)
        finally:
            self._invocations.pop(request, None)

    def _make_progress(self, request: int, reg: Any) -> Any:
        def progress(*args: Any, **kwargs: Any) -> None:
            """Send an interim result to the caller.

            :raises TransportLost: the connection is gone.
            :raises SerializationError: the values cannot be serialized.
            """
            if request not in self._invocations:
                self.log.warn("progressive result for invocation {id} dropped: it has been answered", id=request)
                return
            self._send_yield(request, reg, args, kwargs, {"progress": True})

        return progress

    async def _await_endpoint(self, request: int, running: Running) -> None:
        running.started = True
        reg = running.registration
        try:
            result = await running.awaitable
        except self._cancelled_errors as e:
            if self._end_invocation(request, running):
                self._answer_error(request, reg, e)
        except Exception as e:
            if self._end_invocation(request, running):
                self._answer_error(request, reg, e)
            else:
                self._user_error(e, f"endpoint of {reg.procedure}, whose session is gone, failed: {e}")
        else:
            if self._end_invocation(request, running):
                self._answer(request, reg, result)

    def _end_invocation(self, request: int, running: Running) -> bool:
        """Whether the invocation is still to be answered (it is not when its session was lost meanwhile)."""
        if self._invocations.get(request) is not running:
            return False
        del self._invocations[request]
        return True

    # --- answers ---

    def _send_yield(
        self,
        request: int,
        reg: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
    ) -> None:
        wire = self._live
        if wire is None:
            raise TransportLost("the session is closed")
        try:
            if self._payload_codec is not None and isinstance(wire, MessageWire):
                wire.yield_(request, args, kwargs, options, procedure=reg.procedure)
            else:
                wire.yield_(request, args, kwargs, options)
        except Exception as e:
            raise_documented(e)

    def _answer(self, request: int, reg: Any, result: Any) -> None:
        wire = self._live
        if wire is None:
            self.log.debug("result of {procedure} dropped: the session is closed", procedure=reg.procedure)
            return
        try:
            if isinstance(result, CallResult):
                options = self._result_options(result)
                self._send_yield(request, reg, tuple(result.results), result.kwresults or _EMPTY, options)
            elif self._payload_codec is None:
                wire.yield_(request, (result,), _EMPTY)
            else:
                self._send_yield(request, reg, (result,), _EMPTY)
        except Exception as e:
            self._answer_failed(request, reg, translated(e))

    @staticmethod
    def _result_options(result: CallResult) -> dict[str, Any] | None:
        options = {
            name: getattr(result, name)
            for name in ("callee", "callee_authid", "callee_authrole", "forward_for")
            if getattr(result, name) is not None
        }
        return options or None

    def _answer_failed(self, request: int, reg: Any, exc: BaseException) -> None:
        """The result could not be sent: tell the caller why, so that the call ends."""
        if isinstance(exc, TransportLost):
            self.log.debug("result of {procedure} dropped: the transport is closed", procedure=reg.procedure)
            return
        self._user_error(exc, f"result of {reg.procedure} could not be sent: {exc}")
        too_large = isinstance(exc, PayloadExceededError)
        uri = ApplicationError.PAYLOAD_SIZE_EXCEEDED if too_large else ApplicationError.INVALID_PAYLOAD
        text = f"the result of {reg.procedure} could not be sent: {exc}"
        self._send_if_open(message.Error(message.Invocation.MESSAGE_TYPE, request, uri, args=[text]))

    def _answer_error(self, request: int, reg: Any, exc: BaseException) -> None:
        """The endpoint raised: hand the exception to ``onUserError``, then to the caller as an ERROR."""
        cancelled = isinstance(exc, self._cancelled_errors)
        if not cancelled:
            self._user_error(exc, f"{type(exc).__name__}: {exc}")
        if self._live is None:
            return
        text = "".join(traceback.format_exception(exc)) if self.traceback_app and not cancelled else None
        try:
            self._live.send(self._error_message(request, reg, exc, text))
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

    def _error_message(self, request: int, reg: Any, exc: BaseException, text: str | None) -> Any:
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
        payload = encode_payload(self._payload_codec, False, uri, args, kwargs)
        return message.Error(message.Invocation.MESSAGE_TYPE, request, uri, **payload)

    # --- message objects ---

    def _on_invocation_message(self, msg: Any) -> None:
        args, kwargs = msg.args, msg.kwargs
        reg = self._registrations.get(msg.registration)
        if msg.enc_algo is not None and reg is not None:
            try:
                args, kwargs = self._decode_payload(False, msg.procedure or reg.procedure, msg)
            except ApplicationError as e:
                self._answer_error(msg.request, reg, e)
                return
        details = message_details(msg, INVOCATION_FIELDS)
        self._on_invocation(msg.request, msg.registration, details, tuple(args or ()), kwargs)

    def _on_interrupt(self, msg: Any) -> None:
        """INTERRUPT: cancel the endpoint; it answers ``wamp.error.canceled``, or what it makes of its cancellation."""
        running = self._invocations.get(msg.request)
        if running is None or running.task is None:
            self.log.debug("INTERRUPT for invocation {id}, which is finished: ignored", id=msg.request)
            return
        if not running.started:  # a task cancelled before it ran never reaches _await_endpoint
            del self._invocations[msg.request]
            running.task.cancel()
            if hasattr(running.awaitable, "close"):
                running.awaitable.close()
            elif hasattr(running.awaitable, "cancel"):
                running.awaitable.cancel()
            error = ApplicationError(ApplicationError.CANCELED, "the call was canceled")
            self._send_if_open(
                message.Error(message.Invocation.MESSAGE_TYPE, msg.request, error.error, args=list(error.args))
            )
            return
        running.task.cancel()
