# SPDX-License-Identifier: MIT
"""WAMP sessions: what an application calls (publish, subscribe, call, register ...), whatever the event loop.

Knows request ids, pending requests, subscriptions and registrations. What every session has is in ``_base.py``, the stages
of its life are in ``_lifecycle.py``, incoming messages in ``_inbound.py`` and ``_invocation.py``. Knows no loop: a subclass
carries one as ``framework`` (``autobahn_fast.asyncio.wamp.ApplicationSession``).
"""

from __future__ import annotations

from abc import ABCMeta
from typing import Any, NoReturn

from autobahn_fast._core.pending import Pending
from autobahn_fast._core.requests import CHECKED_URIS, PreparedPublication, Requests
from autobahn_fast._names import also_from
from autobahn_fast.wamp import message
from autobahn_fast.wamp._base import NOTHING, BaseSession
from autobahn_fast.wamp._calls import CallContext, CallerMixin
from autobahn_fast.wamp._functions import (
    decorated_members,
    is_method_or_function,
    pattern_uri_and_match,
    type_checked,
)
from autobahn_fast.wamp._inbound import InboundMixin, Remembered
from autobahn_fast.wamp._invocation import InvocationMixin
from autobahn_fast.wamp._lifecycle import LifecycleMixin
from autobahn_fast.wamp._wire import MessageWire, raise_documented
from autobahn_fast.wamp.exception import SessionNotReady, TransportLost
from autobahn_fast.wamp.interfaces import ISession
from autobahn_fast.wamp.request import Endpoint, Handler
from autobahn_fast.wamp.types import (
    ComponentConfig,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)
from autobahn_fast.wamp.uri import Pattern

__all__ = ("ApplicationSession", "ApplicationSessionFactory", "BaseSession", "is_method_or_function")

_CHECKED_URIS_MAX = 8192
"""``CHECKED_URIS`` is emptied when it has grown that large."""


def check_uri(uri: Any, what: str) -> str:
    """Return a URI that may be published to or called, as exactly a str.

    :raises InvalidUriError: it may not.
    """
    message.check_or_raise_uri(uri, message=what)
    text: str = str.__str__(uri)  # an enum member or another subclass: its text
    if len(CHECKED_URIS) >= _CHECKED_URIS_MAX:
        CHECKED_URIS.clear()
    CHECKED_URIS.add(text)
    return text


class ApplicationSession(LifecycleMixin, InvocationMixin, InboundMixin, CallerMixin, Requests, BaseSession):
    """A client's WAMP session: all four client roles.

    Subclass it and override the ``on...`` methods, or use the events of ``on(event, handler)``: ``connect``, ``join``,
    ``ready``, ``leave``, ``disconnect``; the handlers' first argument is the session.
    """

    __slots__ = (  # noqa: RUF023 - in the order of __init__
        "_wire", "_native_wire", "_direct_wire", "_writable", "_drainers", "_hello_sent", "_joining",
        "_goodbye_sent", "_ended",
        "_ended_by", "_connect_error", "_last_closing", "_calls", "_call_options", "_publishes", "_subscribes",
        "_unsubscribes", "_registers", "_unregisters", "_subscriptions", "_registrations", "_invocations",
        "_ended_invocations", "_cancelled_calls", "_gone_subscriptions", "_gone_registrations",
    )  # fmt: skip
    # Measured: with these, and without tables of bound methods, a session takes 2.4 KB instead of 5.8, and is in no cycle.

    _pending_by_type = {
        message.Call.MESSAGE_TYPE: "_calls",
        message.Publish.MESSAGE_TYPE: "_publishes",
        message.Subscribe.MESSAGE_TYPE: "_subscribes",
        message.Unsubscribe.MESSAGE_TYPE: "_unsubscribes",
        message.Register.MESSAGE_TYPE: "_registers",
        message.Unregister.MESSAGE_TYPE: "_unregisters",
    }
    """Where a request waits for its answer, by the type of its message."""

    _joining_handlers = {
        message.Welcome: "_on_welcome",
        message.Abort: "_on_abort",
        message.Challenge: "_on_challenge",
        message.Goodbye: "_on_goodbye",
    }
    """Who takes a message before the session is established."""

    _joined_handlers = {
        message.Event: "_on_event_message",
        message.Result: "_on_result_message",
        message.Published: "_on_published_message",
        message.Invocation: "_on_invocation_message",
        message.Interrupt: "_on_interrupt",
        message.Error: "_on_error",
        message.Subscribed: "_on_subscribed",
        message.Unsubscribed: "_on_unsubscribed",
        message.Registered: "_on_registered",
        message.Unregistered: "_on_unregistered",
        message.Goodbye: "_on_goodbye",
        message.Abort: "_on_abort",
    }
    """Who takes a message after that."""

    def __init__(self, config: ComponentConfig | None = None) -> None:
        """:param config: realm and further settings; realm ``realm1`` when None."""
        BaseSession.__init__(self)
        self._config = config or ComponentConfig(realm="realm1")
        self.factory: Any = None
        self._wire: Any = None  # where messages go while the transport is open
        self._live: Any = None  # the same while the session has joined
        self._native_wire: Any = None  # the transport's own wire
        self._direct_wire: Any = None  # the same when it makes the futures of calls by itself
        self._writable = True
        self._drainers: list[Any] = []
        self._hello_sent = self._joining = self._goodbye_sent = self._ended = False
        self._ended_by = None  # who began to end it: "application", "peer" or "failure"
        self._connect_error = None  # what onConnect raised
        self._last_closing = None
        self._last_request: int = 0  # ids have session scope: 1, 2, 3 ... without gaps
        self._calls = Pending()  # request: future
        self._call_options: dict[int, CallContext] = {}  # only for calls that need one later
        self._publishes: dict[int, Any] = NOTHING  # request: future
        self._subscribes: dict[int, Any] = NOTHING  # request: (future, topic, handler)
        self._unsubscribes: dict[int, Any] = NOTHING  # request: (future, subscription id)
        self._registers: dict[int, Any] = NOTHING  # request: (future, procedure, endpoint)
        self._unregisters: dict[int, Any] = NOTHING  # request: (future, registration id)
        self._subscriptions: dict[int, tuple[Any, ...]] = {}
        self._registrations: dict[int, Any] = {}
        self._invocations: dict[int, Any] = {}
        self._ended_invocations: list[int] = []  # of those whose input had not ended: ENDED in _invocations
        self._cancelled_calls = Remembered()
        self._gone_subscriptions = Remembered()
        self._gone_registrations = Remembered()

    @property
    def config(self) -> ComponentConfig:
        """What it was constructed with."""
        return self._config

    @config.setter
    def config(self, config: ComponentConfig) -> None:
        self._config = config

    def _swallow_error(self, fail: Any, msg: str) -> None:
        """Hand a failure to ``onUserError``: an errback of programs."""
        self._user_error(fail.value, msg)

    # --- transport and pending requests ---

    def _attach(self, transport: Any) -> None:
        """Take a transport's own wire when it has one; messages are sent as objects otherwise, and with a payload codec."""
        open_wire = getattr(type(transport), "open_wire", None)
        self._native_wire = transport.open_wire(self) if open_wire is not None else None
        self._direct_wire = self._native_wire if getattr(self._native_wire, "starts_calls", False) else None
        self._wire = self._choose_wire(transport)

    def _choose_wire(self, transport: Any) -> Any:
        if self._native_wire is not None and self._payload_codec is None:
            return self._native_wire
        return MessageWire(transport, self._payload_codec)

    def _set_live(self) -> None:
        self._live = self._wire

    def _live_wire(self) -> Any:
        """The wire while the session has joined, or None. A router that embeds the session sets transport and id by hand."""
        if self._live is None and self._may_send() and self._transport is not None:
            if self._wire is None:
                self._attach(self._transport)
            if self._native_wire is None:
                self._set_live()
        return self._live

    def _may_send(self) -> bool:
        return self._session_id is not None and not (self._ended or self._goodbye_sent)

    def _not_live(self) -> Any:
        """Return a wire for a session that was given its transport by hand; raise for one that cannot send."""
        if self._transport is None:
            raise TransportLost("the session has no open transport")
        if self._live_wire() is not None:
            return self._live
        if self._wire is not None:
            raise SessionNotReady("the session has not joined a realm, or has left it")
        return MessageWire(self._transport, self._payload_codec)

    def _send_if_open(self, msg: Any) -> None:
        """Send a message that nobody waits for. Nothing goes out behind GOODBYE but the answer to one."""
        if self._wire is None or (self._goodbye_sent and type(msg) is not message.Goodbye):
            return
        try:
            self._wire.send(msg)
        except Exception as e:
            self.log.debug("{name} could not be sent: {error}", name=type(msg).__name__, error=e)

    def _pending(self, name: str) -> dict[int, Any]:
        """Return the dict where requests of a kind wait, to add one."""
        pending: dict[int, Any] = getattr(self, name)
        if pending is NOTHING:
            pending = {}
            setattr(self, name, pending)
        return pending

    def _send_request(self, kind: str, entry: tuple[Any, ...], build: Any) -> Any:
        """Send a request built by ``build(id)`` and keep ``(future, *entry)`` until it is answered."""
        wire = self._live if self._live is not None else self._not_live()
        pending = self._pending(kind)
        request = self._last_request + 1
        msg = build(request)
        self._last_request = request
        future = self.framework.create_future()
        pending[request] = (future, *entry)
        try:
            wire.send(msg)
        except Exception as e:
            del pending[request]
            self._give_back(request)
            raise_documented(e)
        return future

    def _give_back(self, request: int) -> None:
        """A request was not sent: its id is the next one's, for the router wants them without gaps."""
        if self._last_request == request:
            self._last_request = request - 1

    def _unsent(self, request: int, exc: Exception) -> NoReturn:
        """A request could not be sent: raise what the application gets."""
        self._give_back(request)
        raise_documented(exc)

    def _reject_pending(self, cls: type[BaseException], *args: Any) -> None:
        """End every request that waits for an answer, and stop answering invocations."""
        for pending in (getattr(self, name) for name in self._pending_by_type.values()):
            entries = list(pending.values())
            pending.clear()
            for entry in entries:
                self._reject_lost(entry[0] if type(entry) is tuple else entry, cls(*args))
        for request in list(self._call_options):
            self._forget_context(request)
        running = list(self._invocations.values())
        self._invocations.clear()  # the same dict from now on, too: the wire has it
        for each in running:
            each.lose(cls(*args))
        self._ended_invocations.clear()
        for remembered in (self._cancelled_calls, self._gone_subscriptions, self._gone_registrations):
            remembered.clear()

    def _reject_lost(self, future: Any, exc: BaseException) -> None:
        self._reject(future, exc)

    # --- backpressure ---

    @property
    def is_writable(self) -> bool:
        """False while the transport has more to write than its limit: time to wait with ``drain()``."""
        return self._writable

    def _transport_writable(self, writable: bool) -> None:
        """The transport tells whether its write buffer has room."""
        self._writable = writable
        if writable:
            self._wake_drainers()

    def _wake_drainers(self) -> None:
        drainers, self._drainers = self._drainers, []
        for future in drainers:
            self._resolve(future)

    async def drain(self) -> None:
        """Wait until the transport has room for more: for programs that publish faster than the network takes it.

        :raises TransportLost: the transport is gone.
        """
        while self._transport is not None:
            if self._writable:
                return
            future = self.framework.create_future()
            self._drainers.append(future)
            await future
        raise TransportLost("the session has no open transport")

    # --- payload codec ---

    def set_payload_codec(self, payload_codec: Any) -> None:
        """Encode and decode payloads end to end with an ``IPayloadCodec``; None turns it off."""
        self._payload_codec = payload_codec
        if self._transport is not None and self._wire is not None:
            wire = self._choose_wire(self._transport)
            if self._live is not None:
                self._live = wire
            self._wire = wire

    def get_payload_codec(self) -> Any:
        """Return the payload codec, or None."""
        return self._payload_codec

    # --- publisher ---

    def _publish(self, topic: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What ``publish()`` does not do by itself."""
        options = kwargs.pop("options", None) if kwargs else None
        wire = self._live
        if wire is None:
            wire = self._not_live()
        if type(topic) is not str or topic not in CHECKED_URIS:
            topic = check_uri(topic, "publish()")
        if options is not None:
            return self._publish_with_options(wire, topic, args, kwargs, options)
        self._last_request = request = self._last_request + 1
        try:
            wire.publish(request, topic, args, kwargs)
        except Exception as e:
            self._unsent(request, e)
        return None

    def _publish_with_options(self, wire: Any, topic: str, args: Any, kwargs: Any, options: PublishOptions) -> Any:
        if not isinstance(options, PublishOptions):
            raise TypeError(f"publish(): options must be PublishOptions, not {type(options).__name__}")
        self._last_request = request = self._last_request + 1
        future = None
        if options.acknowledge:
            future = self._pending("_publishes")[request] = self.framework.create_future()
        try:
            attributes = options.message_attr()
            if options.ppt_scheme is not None:
                args, kwargs = self._pack_payload("broker", attributes, topic, args, kwargs), {}
            wire.publish(request, topic, args, kwargs, attributes)
        except Exception as e:
            self._publishes.pop(request, None)
            self._give_back(request)
            raise_documented(e)
        return future

    def prepare_publish(self, topic: str, options: PublishOptions | None = None) -> PreparedPublication:
        """Return a function that publishes to a topic: for topics that are published to many times.

        ``send = session.prepare_publish("com.example.ticks")``, then ``send(17, price=4.2)`` does what
        ``publish("com.example.ticks", 17, price=4.2)`` does, in less time. The session need not have joined yet.

        :param topic: URI. :param options: for each of the publications; not to be changed any more.
        :raises InvalidUriError: the topic is no URI. :raises TypeError: options of another class.
        """
        topic = check_uri(topic, "prepare_publish()")
        attributes = None
        if options is not None:
            if not isinstance(options, PublishOptions):
                raise TypeError(f"prepare_publish(): options must be PublishOptions, not {type(options).__name__}")
            attributes = options.message_attr()
        overridden = "publish" in vars(self) or type(self).publish is not Requests.publish
        special = options is not None and (options.acknowledge or options.ppt_scheme is not None)
        return PreparedPublication(self, topic, options, attributes, not special, overridden)

    # --- caller ---

    def _call(self, procedure: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What ``call()`` does not do by itself."""
        options = kwargs.pop("options", None) if kwargs else None
        wire = self._live
        if wire is None:
            wire = self._not_live()
        if type(procedure) is not str or procedure not in CHECKED_URIS:
            procedure = check_uri(procedure, "call()")
        if options is not None or self._payload_codec is not None:
            return self._begin_call(procedure, args, kwargs, options, {})[1]
        self._last_request = request = self._last_request + 1
        try:
            if wire is self._direct_wire:
                return wire.start_call(request, procedure, args, kwargs)
            future = self._calls[request] = self._create_call_future(request)
            wire.call(request, procedure, args, kwargs)
        except Exception as e:
            self._calls.pop(request, None)
            self._give_back(request)
            raise_documented(e)
        return future

    def _create_call_future(self, request: int) -> Any:
        """Return the future of a call, with its ``request``; when it is cancelled it calls ``_cancel_call``."""
        raise RuntimeError("use the session class of a framework")

    # --- subscriber ---

    def subscribe(
        self,
        handler: Any,
        topic: str | None = None,
        options: SubscribeOptions | None = None,
        check_types: bool | None = None,
    ) -> Any:
        """Subscribe a function to a topic, or every decorated method of an object.

        :param handler: called with the arguments of each event; may be a coroutine function.
        :param topic: URI; None for an object, or for a function decorated with ``@subscribe``.
        :param options: how URIs match, whether the handler wants details, and more.
        :param check_types: check events against the function's annotations; mismatches go to ``onUserError``.
        :returns: a future of the ``Subscription``; for an object of the list of them.
        """
        if callable(handler) and topic is None and getattr(handler, "_wampuris", None):
            found = [(handler, pattern) for pattern in handler._wampuris if pattern.is_handler()]
            futures = [self._subscribe_decorated(*each, options, check_types) for each in found]
            return futures[0] if len(futures) == 1 else self.framework.gather(futures)
        if callable(handler):
            return self._subscribe(handler, topic, options, check_types)
        found = decorated_members(handler, "is_handler")
        return self._gathered([self._subscribe_decorated(*each, options, check_types) for each in found])

    def _subscribe_decorated(self, fn: Any, pattern: Pattern, options: Any, check_types: bool | None) -> Any:
        options = pattern.options or options
        topic, match = pattern_uri_and_match(pattern, options)
        return self._subscribe(fn, topic, options, check_types or pattern._check_types, match)

    def _subscribe(self, fn: Any, topic: Any, options: Any, check_types: bool | None, match: str | None = None) -> Any:
        message.check_or_raise_uri(
            topic, message="subscribe()", strict=False, allow_empty_components=True, allow_none=False
        )
        if options is not None and not isinstance(options, SubscribeOptions):
            raise TypeError(f"subscribe(): options must be SubscribeOptions, not {type(options).__name__}")
        if check_types:
            fn = self.type_check(fn)
        attributes = options.message_attr() if options is not None else {}
        if match is not None:
            attributes["match"] = match
        handler = Handler(fn)
        if options is not None:
            handler.details_arg, handler.on_revoked = options.details_arg, options.on_revoked
        return self._send_request(
            "_subscribes", (topic, handler), lambda request: message.Subscribe(request, topic, **attributes)
        )

    def _unsubscribe(self, subscription: Any) -> Any:
        """Give a subscription up; UNSUBSCRIBE goes out with the last handler of its id.

        :returns: a future of the number of handlers that are left.
        """
        if not subscription.active:
            raise RuntimeError("the subscription is not active any more")
        if self._transport is None:
            raise TransportLost("the session has no open transport")
        left = tuple(s for s in self._subscriptions.get(subscription.id, ()) if s is not subscription)
        if left:
            self._subscriptions[subscription.id] = left
            subscription.active = False
            future = self.framework.create_future()
            self._resolve(future, len(left))
            return future
        future = self._send_request(
            "_unsubscribes", (subscription.id,), lambda request: message.Unsubscribe(request, subscription.id)
        )
        subscription.active = False
        self._subscriptions.pop(subscription.id, None)
        self._gone_subscriptions.add(subscription.id)
        return future

    # --- callee ---

    def register(
        self,
        endpoint: Any,
        procedure: str | None = None,
        options: RegisterOptions | None = None,
        prefix: str | None = None,
        check_types: bool | None = None,
    ) -> Any:
        """Register a function as a procedure, or every decorated method of an object.

        :param endpoint: called with the arguments of each call; returns the result; may be a coroutine function.
        :param procedure: URI; None for an object, or for a function decorated with ``@register``.
        :param options: how URIs match, how calls are spread, whether the endpoint wants details, and more.
        :param prefix: put before the URI.
        :param check_types: check calls against the function's annotations; mismatches are answered with
            ``wamp.error.type_check_error``.
        :returns: a future of the ``Registration``; for an object of the list of them.
        """
        if callable(endpoint) and procedure is None and getattr(endpoint, "_wampuris", None):
            found = [(endpoint, pattern) for pattern in endpoint._wampuris if pattern.is_endpoint()]
            futures = [self._register_decorated(*each, options, prefix, check_types) for each in found]
            return futures[0] if len(futures) == 1 else self.framework.gather(futures)
        if callable(endpoint):
            return self._register(endpoint, procedure, options, prefix, check_types)
        found = decorated_members(endpoint, "is_endpoint")
        return self._gathered([self._register_decorated(*each, options, prefix, check_types) for each in found])

    def _register_decorated(
        self, fn: Any, pattern: Pattern, options: Any, prefix: str | None, check_types: bool | None
    ) -> Any:
        options = pattern.options or options
        procedure, match = pattern_uri_and_match(pattern, options)
        return self._register(fn, procedure, options, prefix, check_types or pattern._check_types, match)

    def _register(
        self,
        fn: Any,
        procedure: Any,
        options: Any,
        prefix: str | None,
        check_types: bool | None,
        match: str | None = None,
    ) -> Any:
        if prefix is not None and procedure is not None:
            procedure = prefix + procedure
        message.check_or_raise_uri(
            procedure, message="register()", strict=False, allow_empty_components=True, allow_none=False
        )
        if options is not None and not isinstance(options, RegisterOptions):
            raise TypeError(f"register(): options must be RegisterOptions, not {type(options).__name__}")
        if check_types:
            fn = self.type_check(fn)
        attributes = options.message_attr() if options is not None else {}
        if match is not None:
            attributes["match"] = match
        endpoint = Endpoint(fn, None, options.details_arg if options is not None else None, options)
        return self._send_request(
            "_registers", (procedure, endpoint), lambda request: message.Register(request, procedure, **attributes)
        )

    def _unregister(self, registration: Any) -> Any:
        """Give a registration up. :returns: a future that is done when the router has confirmed it."""
        if not registration.active or registration.id not in self._registrations:
            raise RuntimeError("the registration is not active any more")
        return self._send_request(
            "_unregisters", (registration.id,), lambda request: message.Unregister(request, registration.id)
        )

    def _gathered(self, futures: list[Any]) -> Any:
        """Return a future of all results; exceptions are results here, so that one refusal does not hide the others."""
        return self.framework.gather(futures, return_exceptions=True)

    def type_check(self, func: Any) -> Any:
        """Return func wrapped so that calls which do not fit its annotations raise ``TypeCheckError``."""
        return type_checked(func)


ABCMeta.register(ISession, ApplicationSession)  # ISession has a method of that name


class ApplicationSessionFactory:
    """Makes sessions of one class with one config. Calling it makes a session."""

    session: Any = ApplicationSession

    def __init__(self, config: ComponentConfig | None = None) -> None:
        """:param config: handed to every session; realm ``realm1`` when None."""
        self.config = config or ComponentConfig(realm="realm1")

    def __call__(self) -> Any:
        """Return a new session."""
        session = self.session(self.config)
        session.factory = self
        return session


also_from(__name__, "wamp.exception", "wamp.request", "wamp.types", "wamp.interfaces", "exception", "util")
