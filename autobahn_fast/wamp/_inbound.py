# SPDX-License-Identifier: MIT
"""What a joined session does with the messages a router sends to a client: events, results, acknowledgements, errors.

Knows the pending requests and the subscriptions of the session it is mixed into. Does not know how a message came in: the
compiled ``Wire`` calls ``_on_event`` and friends directly, ``onMessage`` calls them for message objects. INVOCATION and
INTERRUPT are in ``_invocation.py``.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast.exception import InvalidArgument, PayloadExceededError
from autobahn_fast.wamp import _passthru, message
from autobahn_fast.wamp._part import SessionPart
from autobahn_fast.wamp.exception import ApplicationError, ProtocolError, SerializationError
from autobahn_fast.wamp.request import Publication, Registration, Subscription
from autobahn_fast.wamp.types import CallResult, EncodedPayload, EventDetails

__all__ = ("InboundMixin", "Remembered")


class DetailsError(ProtocolError):
    """The router sent details of the wrong type. Not the application's error, although it shows when its callback is called."""


class Remembered:
    """A bounded set of ids that are gone but may still be mentioned by messages on their way; the oldest are forgotten."""

    __slots__ = ("_ids", "_limit")

    def __init__(self, limit: int = 4096) -> None:
        self._ids: dict[int, None] | None = None  # until there is one
        self._limit = limit

    def add(self, ident: int) -> None:
        """Remember an id."""
        if self._ids is None:
            self._ids = {}
        self._ids[ident] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]

    def discard(self, ident: int) -> None:
        """Forget an id."""
        if self._ids is not None:
            self._ids.pop(ident, None)

    def clear(self) -> None:
        """Forget all."""
        self._ids = None

    def __contains__(self, ident: int) -> bool:
        return self._ids is not None and ident in self._ids


def make_call_result(args: Any, kwargs: Any, details: dict[str, Any] | None) -> CallResult:
    """Build a CallResult whose payload cannot be mistaken for its own fields, whatever keys the peer chose."""
    result = CallResult(*(args or ()))
    result.kwresults = kwargs or {}
    if details:
        for name in ("enc_algo", "callee", "callee_authid", "callee_authrole", "forward_for"):
            if name in details:
                setattr(result, name, details[name])
    return result


def message_details(msg: Any, names: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the set ones of these fields of a message as the dict that came over the wire, None when none is set."""
    found = {name: value for name in names if (value := getattr(msg, name)) is not None}
    return found or None


PPT_FIELDS = _passthru.FIELDS


def ppt_details(details: dict[str, Any]) -> dict[str, Any] | None:
    """Return the ``ppt_...`` ones of a message's details, None when it did not come in payload passthru mode."""
    if "ppt_scheme" not in details:
        return None
    return {name: details[name] for name in PPT_FIELDS if name in details}


EVENT_FIELDS = (
    "publisher", "publisher_authid", "publisher_authrole", "topic", "retained", "transaction_hash",
    "x_acknowledged_delivery", "enc_algo", "forward_for", "trustlevel", *PPT_FIELDS,
)  # fmt: skip
RESULT_FIELDS = ("progress", "enc_algo", "callee", "callee_authid", "callee_authrole", "forward_for")


class InboundMixin(SessionPart):
    """Messages to publishers, subscribers, callers and callees (all but INVOCATION and INTERRUPT)."""

    # --- EVENT ---

    def _on_event(
        self,
        subscription: int,
        publication: int,
        details: dict[str, Any] | None,
        args: Any,
        kwargs: dict[str, Any] | None,
    ) -> None:
        """EVENT: call every handler of the subscription; each gets fresh kwargs."""
        subscriptions = self._subscriptions.get(subscription)
        if subscriptions is None:
            self._on_unknown_event(subscription)
            return
        if details is not None and "x_acknowledged_delivery" in details:
            self._on_acknowledged_event(subscriptions, publication, details, args, kwargs)
            return
        for sub in subscriptions:
            handler = sub.handler
            try:
                if handler.details_arg is None:
                    result = handler.fn(*args, **kwargs) if kwargs is not None else handler.fn(*args)
                else:
                    result = self._call_with_event_details(sub, publication, details, args, kwargs)
            except DetailsError:
                raise
            except Exception as e:
                self._handler_failed(sub, e)
            else:
                if result is not None:
                    self._on_handled(sub, result)

    def _on_handled(self, sub: Subscription, result: Any) -> None:
        """What a handler has returned: something to wait for, or nothing of interest. ``Wire`` calls this, too."""
        if self._is_awaitable(result):
            self._spawn(self._await_handler(sub, result))

    def _call_with_event_details(
        self,
        sub: Subscription,
        publication: int,
        details: dict[str, Any] | None,
        args: Any,
        kwargs: dict[str, Any] | None,
    ) -> Any:
        handler = sub.handler
        keywords = dict(kwargs) if kwargs else {}
        if not details:
            keywords[handler.details_arg] = EventDetails(sub, publication, topic=sub.topic)
            return handler.fn(*args, **keywords)
        get = details.get
        try:
            keywords[handler.details_arg] = EventDetails(
                sub,
                publication,
                publisher=get("publisher"),
                publisher_authid=get("publisher_authid"),
                publisher_authrole=get("publisher_authrole"),
                topic=get("topic") or sub.topic,
                retained=get("retained"),
                transaction_hash=get("transaction_hash"),
                enc_algo=get("enc_algo"),
                forward_for=get("forward_for"),
                trustlevel=get("trustlevel"),
                ppt=ppt_details(details),
            )
        except InvalidArgument as e:
            raise DetailsError(f"EVENT: {e}") from e
        return handler.fn(*args, **keywords)

    async def _await_handler(self, sub: Subscription, result: Any) -> None:
        gate = self._gate
        gate.begin()
        try:
            await result
        except Exception as e:
            self._handler_failed(sub, e)
        finally:
            gate.end()

    def _handler_failed(self, sub: Subscription, exc: Exception) -> None:
        self._user_error(exc, f"While firing {sub.handler.fn} subscribed under {sub.id}.")

    def _on_unknown_event(self, subscription: int) -> None:
        if subscription not in self._gone_subscriptions:
            raise ProtocolError(f"EVENT received for subscription {subscription}, which this session does not have")
        self.log.debug("EVENT for subscription {id}, which was just given up: dropped", id=subscription)

    def _on_acknowledged_event(
        self, subscriptions: Any, publication: int, details: dict[str, Any], args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """EVENT with acknowledged delivery: EVENT_RECEIVED goes out when all handlers are through."""
        wanted = details.pop("x_acknowledged_delivery")
        waiting: list[Any] = []
        for sub in subscriptions:
            try:
                if sub.handler.details_arg is None:
                    result = sub.handler.fn(*args, **(kwargs or {}))
                else:
                    result = self._call_with_event_details(sub, publication, details, args, kwargs)
                if result is not None and self._is_awaitable(result):
                    waiting.append(self._await_handler(sub, result))
            except DetailsError:
                for coroutine in waiting:
                    self._spawn(coroutine)
                raise
            except Exception as e:
                self._handler_failed(sub, e)
        if wanted:
            self._spawn(self._acknowledge_event(publication, waiting))
        else:
            for coroutine in waiting:
                self._spawn(coroutine)

    async def _acknowledge_event(self, publication: int, waiting: list[Any]) -> None:
        for done in [self._spawn(coroutine) for coroutine in waiting]:
            await done
        self._send_if_open(message.EventReceived(publication))

    def _on_event_message(self, msg: Any) -> None:
        args, kwargs = msg.args, msg.kwargs
        subscriptions = self._subscriptions.get(msg.subscription)
        if subscriptions and (msg.enc_algo is not None or msg.ppt_scheme is not None):
            topic = msg.topic or subscriptions[0].topic
            try:
                args, kwargs = self._open_payload(False, topic, msg)
            except ApplicationError as e:
                self.log.warn("EVENT for subscription {id} dropped: {error}", id=msg.subscription, error=e)
                return
        details = message_details(msg, EVENT_FIELDS)
        self._on_event(msg.subscription, msg.publication, details, tuple(args or ()), kwargs)

    # --- RESULT ---

    def _on_result(
        self, request: int, details: dict[str, Any] | None, args: Any, kwargs: dict[str, Any] | None
    ) -> None:
        """RESULT: progressive ones go to ``on_progress``, the final one completes the call's future."""
        if details is not None and details.get("progress"):
            self._on_progress(request, details, args, kwargs)
            return
        future = self._calls.pop(request, None)
        if future is None:
            self._on_unknown_result(request)
            return
        context = self._forget_context(request) if self._call_options else None
        options = context.options if context is not None else None
        if kwargs or len(args) > 1 or (options is not None and options.details):
            self._resolve(future, make_call_result(args, kwargs, details))
        else:
            self._resolve(future, args[0] if args else None)

    def _on_unknown_result(self, request: int) -> None:
        if request not in self._cancelled_calls:
            raise ProtocolError(f"RESULT received for request {request}, which is not a pending call of this session")
        self._cancelled_calls.discard(request)
        self.log.debug("RESULT for call {id}, which was cancelled or timed out: dropped", id=request)

    def _on_progress(self, request: int, details: dict[str, Any], args: Any, kwargs: dict[str, Any] | None) -> None:
        if request not in self._calls:
            if request in self._cancelled_calls:
                return
            raise ProtocolError(f"RESULT received for request {request}, which is not a pending call of this session")
        context = self._call_options.get(request)
        options = context.options if context is not None else None
        if options is not None and options.timeout is not None:
            self._watch_call(request, context)
        if options is None or options.on_progress is None:
            self.log.debug("progressive RESULT for call {id}, which did not ask for any: dropped", id=request)
            return
        try:
            if options.details:
                result = options.on_progress(make_call_result(args, kwargs, details))
            else:
                result = options.on_progress(*args, **(kwargs or {}))
        except Exception as e:
            self._user_error(e, "While firing on_progress")
        else:
            if result is not None and self._is_awaitable(result):
                self._spawn(self._guard(result, "While firing on_progress"))

    def _on_result_message(self, msg: Any) -> None:
        args, kwargs = msg.args, msg.kwargs
        if msg.request in self._calls and (msg.enc_algo is not None or msg.ppt_scheme is not None):
            context = self._call_options.get(msg.request)
            try:
                args, kwargs = self._open_payload(True, context.procedure if context is not None else "", msg)
            except ApplicationError as e:
                if msg.progress:
                    self._give_up_call(msg.request, e, message.Cancel.KILLNOWAIT)
                    return
                self._forget_context(msg.request)
                self._reject(self._calls.pop(msg.request), e)
                return
        self._on_result(msg.request, message_details(msg, RESULT_FIELDS), tuple(args or ()), kwargs)

    # --- acknowledgements ---

    def _on_published(self, request: int, publication: int) -> None:
        """PUBLISHED: complete the future of an acknowledged publish."""
        future = self._publishes.pop(request, None)
        if future is None:
            raise ProtocolError(f"PUBLISHED received for request {request}, which is not pending")
        self._resolve(future, Publication(publication, was_encrypted=self._payload_codec is not None))

    def _on_published_message(self, msg: Any) -> None:
        self._on_published(msg.request, msg.publication)

    def _on_subscribed(self, msg: Any) -> None:
        future, topic, handler = self._take(self._subscribes, msg)
        subscription = Subscription(msg.subscription, topic, self, handler)
        # copied on write: an event that is being delivered keeps the handlers it started with
        self._subscriptions[msg.subscription] = (*self._subscriptions.get(msg.subscription, ()), subscription)
        self._gone_subscriptions.discard(msg.subscription)
        self._resolve(future, subscription)

    def _on_unsubscribed(self, msg: Any) -> None:
        if msg.request == 0:
            self._on_subscription_revoked(msg.subscription, msg.reason)
            return
        future, _ = self._take(self._unsubscribes, msg)
        self._resolve(future, 0)

    def _on_registered(self, msg: Any) -> None:
        future, procedure, endpoint = self._take(self._registers, msg)
        registration = Registration(self, msg.registration, procedure, endpoint)
        self._registrations[msg.registration] = registration
        self._gone_registrations.discard(msg.registration)
        self._resolve(future, registration)

    def _on_unregistered(self, msg: Any) -> None:
        if msg.request == 0:
            self._on_registration_revoked(msg.registration, msg.reason)
            return
        future, registration = self._take(self._unregisters, msg)
        self._forget_registration(registration)
        self._resolve(future)

    def _forget_registration(self, registration: int) -> Registration | None:
        gone: Registration | None = self._registrations.pop(registration, None)
        if gone is not None:
            gone.active = False
        self._gone_registrations.add(registration)
        return gone

    # --- revocation: the router takes a subscription or registration away ---

    def _on_subscription_revoked(self, subscription: int | None, reason: str | None) -> None:
        if subscription is None:
            raise ProtocolError("UNSUBSCRIBED received for request 0 without 'subscription'")
        gone = self._subscriptions.pop(subscription, ())
        self._gone_subscriptions.add(subscription)
        self.log.info("subscription {id} revoked by the router: {reason}", id=subscription, reason=reason)
        for each in gone:
            each.active = False
        for each in gone:
            self._tell_revoked(each.handler.on_revoked, each, reason)

    def _on_registration_revoked(self, registration: int | None, reason: str | None) -> None:
        if registration is None:
            raise ProtocolError("UNREGISTERED received for request 0 without 'registration'")
        gone = self._forget_registration(registration)
        self.log.info("registration {id} revoked by the router: {reason}", id=registration, reason=reason)
        if gone is not None:
            self._tell_revoked(gone.endpoint.on_revoked, gone, reason)

    def _tell_revoked(self, on_revoked: Any, what: Any, reason: str | None) -> None:
        if on_revoked is None:
            return
        try:
            result = on_revoked(what, reason)
        except Exception as e:
            self._user_error(e, "While firing on_revoked")
        else:
            if result is not None and self._is_awaitable(result):
                self._spawn(self._guard(result, "While firing on_revoked"))

    def _take(self, pending: dict[int, Any], msg: Any) -> Any:
        entry = pending.pop(msg.request, None)
        if entry is None:
            raise ProtocolError(
                f"{type(msg).__name__.upper()} received for request {msg.request}, which is not pending"
            )
        return entry

    # --- ERROR ---

    def _on_error(self, msg: Any) -> None:
        """ERROR: reject the future of the request it answers."""
        request = msg.request
        if msg.request_type == message.Cancel.MESSAGE_TYPE and 0 < request <= self._last_request:
            self.log.debug("CANCEL of call {id} refused: {error}", id=request, error=msg.error)
            return  # the call had ended before the router saw it, or ends by itself
        if msg.request_type == message.Call.MESSAGE_TYPE and request in self._cancelled_calls:
            self._cancelled_calls.discard(request)
            return
        name = self._pending_by_type.get(msg.request_type)
        pending = getattr(self, name) if name is not None else {}
        entry = pending.pop(request, None)
        if entry is None:
            raise ProtocolError(
                f"ERROR received for request {request} of type {msg.request_type}, which is not pending"
            )
        if pending is self._calls:
            self._forget_context(request)
        elif pending is self._unregisters and entry[1] in self._gone_registrations:
            self._resolve(entry[0])  # revoked while it was given up
            return
        if pending is self._unsubscribes and msg.error == ApplicationError.NO_SUCH_SUBSCRIPTION:
            self._resolve(entry[0], 0)  # the router has given it up already, which is what was asked for
            return
        future = entry[0] if type(entry) is tuple else entry
        self._reject(future, self._exception_from(msg))

    def _exception_from(self, msg: Any) -> BaseException:
        """Return the exception an ERROR stands for: the class defined for its URI, else an ApplicationError."""
        args, kwargs = msg.args, msg.kwargs
        if msg.enc_algo is not None or msg.ppt_scheme is not None:
            try:
                args, kwargs = self._open_payload(True, msg.error, msg)
            except ApplicationError as e:
                return e
        exc: BaseException | None = None
        cls = self._uri_to_exception.get(msg.error)
        if cls is not None:
            try:
                exc = cls(*(args or ()), **(kwargs or {}))
            except Exception as e:
                self._user_error(e, "While re-constructing exception")
        elif msg.error == ApplicationError.INVALID_PAYLOAD:
            exc = SerializationError(*(args or ()))
        elif msg.error == ApplicationError.PAYLOAD_SIZE_EXCEEDED:
            exc = PayloadExceededError(*(args or ()))
        if exc is None:
            exc = ApplicationError(msg.error, *(args or ()))
            exc.kwargs = kwargs or {}  # not as keyword arguments: the peer may use the names of our own parameters
        for name in ("enc_algo", "callee", "callee_authid", "callee_authrole", "forward_for"):
            if isinstance(exc, ApplicationError) and getattr(msg, name) is not None:
                setattr(exc, name, getattr(msg, name))
        return exc

    # --- payload codec ---

    def _open_payload(self, is_originating: bool, uri: str, msg: Any) -> tuple[Any, Any]:
        """Return args and kwargs of a message whose payload is encoded, or in payload passthru mode.

        :raises ApplicationError: that fails.
        """
        if msg.enc_algo is not None:
            encoded = EncodedPayload(msg.payload, msg.enc_algo, msg.enc_serializer, msg.enc_key)
            return self._decode_payload(is_originating, uri, encoded)
        ppt = message_details(msg, PPT_FIELDS) or {}
        return _passthru.unpack(
            ppt, msg.args, msg.kwargs, lambda encoded: self._decode_payload(is_originating, uri, encoded)
        )

    def _decode_payload(self, is_originating: bool, uri: str, encoded: EncodedPayload) -> tuple[Any, Any]:
        """Decode an end-to-end encrypted payload; ``ApplicationError`` with the matching error URI when that fails."""
        codec = self._payload_codec
        if codec is None:
            raise ApplicationError(
                ApplicationError.ENC_NO_PAYLOAD_CODEC,
                "received an encrypted payload, but the session has no payload codec: see set_payload_codec()",
                enc_algo=encoded.enc_algo,
            )
        try:
            inner_uri, args, kwargs = codec.decode(is_originating, uri, encoded)
        except Exception as e:
            self.log.debug("payload of {uri} could not be decoded: {error}", uri=uri, error=e)
            raise ApplicationError(
                ApplicationError.ENC_DECRYPT_ERROR, f"the payload could not be decoded: {e}", enc_algo=encoded.enc_algo
            ) from e
        if uri and inner_uri != uri:
            raise ApplicationError(
                ApplicationError.ENC_TRUSTED_URI_MISMATCH,
                f"the encoded payload is for {inner_uri!r}, but came under {uri!r}",
                enc_algo=encoded.enc_algo,
            )
        return args, kwargs
