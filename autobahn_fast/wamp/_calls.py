# SPDX-License-Identifier: MIT
"""The caller's part of a session beyond a plain call: options, timeouts, cancelling, calls whose input goes out in pieces.

Knows the pending calls of the session it is mixed into and what the router announces; does not know how results come in.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

from autobahn_fast.wamp import _passthru, message
from autobahn_fast.wamp._part import SessionPart
from autobahn_fast.wamp._wire import raise_documented
from autobahn_fast.wamp.exception import ApplicationError
from autobahn_fast.wamp.types import CallOptions

__all__ = ("CallContext", "CallerMixin", "ProgressiveCall")

CANCEL_MODES = (message.Cancel.SKIP, message.Cancel.KILL, message.Cancel.KILLNOWAIT)

ROUTER_FIRST = 1.0
"""Seconds this session waits longer than a router that watches over the timeout itself: its answer tells more."""

LONGEST_TIMER = 2_000_000.0
"""Seconds. A longer timeout (23 days) is left to the router: not every loop has timers like that."""

_MAX_INT = 2**53


class CallContext:
    """What is kept about a pending call that was made with options, or with a payload codec set."""

    __slots__ = ("options", "procedure", "timer")

    def __init__(self, procedure: str, options: CallOptions | None) -> None:
        self.procedure = procedure
        self.options = options
        self.timer: Any = None


class ProgressiveCall:
    """A call whose input goes out in pieces, all to the same callee: what ``session.call_progressively`` returns.

    It can be awaited for the result once something was sent.
    """

    __slots__ = ("_finished", "_future", "_options", "_procedure", "_request", "_session")

    def __init__(self, session: Any, procedure: str, options: CallOptions | None) -> None:
        self._session = session
        self._procedure = procedure
        self._options = options
        self._request: int = 0  # none yet: ids go out in order, so it gets its own with the first piece
        self._future: Any = None
        self._finished = False

    @property
    def result(self) -> Any:
        """The future of the result, as ``call()`` returns one. Cancelling it cancels the call.

        :raises RuntimeError: nothing was sent yet.
        """
        if self._future is None:
            raise RuntimeError("a progressive call has no result before its first send() or finish()")
        return self._future

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.result.__await__()  # type: ignore[no-any-return]

    def send(self, *args: Any, **kwargs: Any) -> bool:
        """Send a piece of the input; more follow.

        :returns: False when the call has ended already, by a result, an error or cancelling: nothing was sent.
        :raises RuntimeError: ``finish()`` was called before.
        :raises TransportLost: the connection is gone. :raises SerializationError: an argument cannot be serialized.
        """
        return self._send(args, kwargs, last=False)

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Send the last piece, or only the end of the input when there are no arguments.

        :returns: the future of the result.
        :raises RuntimeError: it was called before. :raises Exception: as with ``send()``.
        """
        self._send(args, kwargs, last=True)
        self._finished = True
        return self._future

    def cancel(self, mode: str = message.Cancel.KILLNOWAIT) -> bool:
        """Cancel the call: ``session.cancel(call.result, mode)``."""
        return self._future is not None and self._session.cancel(self._future, mode)

    def _send(self, args: Any, kwargs: Any, last: bool) -> bool:
        if self._finished:
            raise RuntimeError("the input of this call is finished: nothing more can be sent")
        if self._future is None:
            self._request, self._future = self._session._begin_call(
                self._procedure, args, kwargs, self._options, {} if last else {"progress": True}
            )
            return True
        return self._session._continue_call(self._request, self._procedure, args, kwargs, self._options, last)  # type: ignore[no-any-return]


class CallerMixin(SessionPart):
    """Calls with options, their timeouts and their end before the result."""

    def _announced(self, role: str, feature: str) -> bool:
        """Whether the router announced a feature for one of its roles."""
        features = (self._router_roles or {}).get(role)
        return features is not None and getattr(features, feature) is True

    def _require(self, role: str, feature: str, what: str) -> None:
        """Raise ``ApplicationError`` when the router did not announce a feature that something cannot do without."""
        if not self._announced(role, feature):
            raise ApplicationError(
                ApplicationError.FEATURE_NOT_SUPPORTED,
                f"{what} needs a router whose {role} announces {feature}; this one does not",
            )

    def _pack_payload(self, role: str, options: dict[str, Any], uri: str, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """Return the arguments of a PUBLISH or CALL in payload passthru mode."""
        self._require(role, "payload_passthru_mode", "payload passthru mode")
        return _passthru.pack(options, self._payload_codec, True, uri, args, kwargs)

    # --- options and timeouts ---

    def _keep_call_options(self, request: int, procedure: str, options: Any) -> dict[str, Any] | None:
        if options is not None and not isinstance(options, CallOptions):
            raise TypeError(f"call(): options must be CallOptions, not {type(options).__name__}")
        self._call_options[request] = context = CallContext(procedure, options)
        if options is None:
            return None
        attributes = options.message_attr()
        if options.timeout is not None:
            attributes["timeout"] = self._timeout_on_wire(options.timeout)
            self._watch_call(request, context)
        return attributes

    def _timeout_on_wire(self, seconds: float) -> int:
        """Milliseconds for a router that announces ``call_timeout``, else whole seconds, as Crossbar takes them."""
        scale = 1000 if self._announced("dealer", "call_timeout") else 1
        return min(math.ceil(seconds * scale), _MAX_INT)

    def _watch_call(self, request: int, context: CallContext) -> None:
        """Set the timer of a call, anew after each interim result."""
        if context.timer is not None:
            context.timer.cancel()
        seconds: float = context.options.timeout  # type: ignore[union-attr]
        if self._announced("dealer", "call_timeout"):
            seconds += ROUTER_FIRST
        if seconds <= LONGEST_TIMER:
            context.timer = self.framework.call_later(seconds, lambda: self._call_timed_out(request, context))

    def _call_timed_out(self, request: int, context: CallContext) -> None:
        context.timer = None
        options: Any = context.options
        text = f"no result of {context.procedure} within {options.timeout} seconds"
        mode = options.cancel_mode or message.Cancel.KILLNOWAIT
        self._give_up_call(request, ApplicationError(ApplicationError.TIMEOUT, text), mode)

    def _forget_context(self, request: int) -> CallContext | None:
        """Drop what was kept about a call that is over, and its timer."""
        context: CallContext | None = self._call_options.pop(request, None)
        if context is not None and context.timer is not None:
            context.timer.cancel()
        return context

    # --- cancelling ---

    def _cancel_call(self, request: int) -> None:
        """The application cancelled a call's future: CANCEL goes out, what still comes for it is dropped."""
        context = self._call_options.get(request)
        mode = context.options.cancel_mode if context is not None and context.options is not None else None
        self._give_up_call(request, None, mode)

    def _give_up_call(self, request: int, error: BaseException | None, mode: str | None) -> None:
        """End a call without its result."""
        future = self._calls.pop(request, None)
        if future is None:
            return
        self._forget_context(request)
        self._cancelled_calls.add(request)
        self._send_if_open(message.Cancel(request, mode))
        if error is not None:
            self._reject(future, error)

    def cancel(self, call: Any, mode: str = message.Cancel.KILLNOWAIT) -> bool:
        """Cancel a call, and have it end as a call: with an ``ApplicationError`` of ``wamp.error.canceled``.

        Cancelling the future itself ends it at once, as any future; its mode is that of ``CallOptions(cancel_mode=...)``.

        :param call: what ``call()`` or ``call_progressively()`` returned.
        :param mode: ``skip``: the callee is not told. ``kill``: the callee is interrupted, and the call ends with what it
            makes of that, which may be a result. ``killnowait``: the callee is interrupted, the call ends right away.
        :returns: False when the call has ended already.
        :raises ValueError: another mode.
        """
        if mode not in CANCEL_MODES:
            raise ValueError(f"mode must be one of {', '.join(CANCEL_MODES)}, not {mode!r}")
        future = call.result if isinstance(call, ProgressiveCall) else call
        request: int | None = getattr(future, "request", None)
        if request is None or self._calls.get(request) is not future:
            return False
        if mode == message.Cancel.SKIP or not self._announced("dealer", "call_canceling"):
            # Crossbar never answers a call cancelled by "skip"; a router without the feature answers none.
            error = ApplicationError(ApplicationError.CANCELED, "the call was canceled")
            self._give_up_call(request, error, mode)
        else:
            self._send_if_open(message.Cancel(request, mode))
        return True

    # --- input in pieces ---

    def call_progressively(self, procedure: str, options: CallOptions | None = None) -> ProgressiveCall:
        """Call a procedure with input that goes out in pieces: ``send(...)`` them, then ``finish(...)``.

        :param procedure: URI. :param options: as for ``call()``.
        :returns: a :class:`ProgressiveCall`. Nothing was sent yet.
        :raises InvalidUriError: the procedure is no URI.
        :raises TransportLost: the connection is gone. :raises SessionNotReady: not joined (yet, or any more).
        :raises ApplicationError: ``wamp.error.feature_not_supported``: not with this router.
        """
        if self._live is None:
            self._not_live()
        if options is not None and not isinstance(options, CallOptions):
            raise TypeError(f"call_progressively(): options must be CallOptions, not {type(options).__name__}")
        message.check_or_raise_uri(procedure, message="call_progressively()")
        self._require("dealer", "progressive_call_invocations", "call_progressively()")
        return ProgressiveCall(self, str.__str__(procedure), options)

    def _begin_call(
        self, procedure: str, args: Any, kwargs: Any, options: CallOptions | None, more: dict[str, Any]
    ) -> tuple[int, Any]:
        """Send the first piece of a call. :returns: its request id and its future."""
        wire = self._live if self._live is not None else self._not_live()
        request = self._last_request + 1
        self._last_request: int = request
        future = self._calls[request] = self._create_call_future(request)
        try:
            attributes = {**(self._keep_call_options(request, procedure, options) or {}), **more}
            if "ppt_scheme" in attributes:
                args, kwargs = self._pack_payload("dealer", attributes, procedure, args, kwargs), {}
            wire.call(request, procedure, args, kwargs, attributes)
        except Exception as e:
            self._calls.pop(request, None)
            self._forget_context(request)
            self._give_back(request)
            raise_documented(e)
        return request, future

    def _continue_call(
        self, request: int, procedure: str, args: Any, kwargs: Any, options: CallOptions | None, last: bool
    ) -> bool:
        """Send a further piece; its options say nothing but whether it is the last, and how to read it."""
        if request not in self._calls:
            return False
        wire = self._live if self._live is not None else self._not_live()
        attributes: dict[str, Any] = {} if last else {"progress": True}
        try:
            if options is not None and options.ppt_scheme is not None:
                written = options.message_attr()
                attributes.update((name, written[name]) for name in _passthru.FIELDS if name in written)
                args, kwargs = self._pack_payload("dealer", attributes, procedure, args, kwargs), {}
            wire.call(request, procedure, args, kwargs, attributes)
        except Exception as e:
            raise_documented(e)
        return True
