# SPDX-License-Identifier: MIT
"""The router's side of one client: its life from HELLO to GOODBYE, and its requests to broker and dealer.

Knows the order of messages, who may send which, and what is answered. Does not know sockets or loops (``server`` does),
nor who subscribed or registered (``broker`` and ``dealer`` do).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast._core.codec import DecodeError
from autobahn_fast._core.relay import Payload, RouterWire
from autobahn_fast.router.broker import InvalidOption, InvalidUri, Subscription
from autobahn_fast.router.dealer import (
    CALL,
    CANNOT_FORWARD,
    INVOKE_POLICIES,
    Call,
    Refused,
    Registration,
    cannot_forward,
)
from autobahn_fast.router.flow import Flow
from autobahn_fast.router.patterns import MATCH_POLICIES, is_valid_pattern
from autobahn_fast.wamp import message, role
from autobahn_fast.wamp.exception import InvalidUriError, ProtocolError

if TYPE_CHECKING:
    from autobahn_fast.router import Router
    from autobahn_fast.router.realm import Realm

__all__ = ("RouterSession", "router_roles")

log = logging.getLogger("autobahn_fast.router")

PUBLISH = 16
INVALID_URI = "wamp.error.invalid_uri"
VIOLATION = "wamp.error.protocol_violation"


def router_roles() -> dict[str, Any]:
    """The roles and features that this router announces: those it has, and no others."""
    return {
        "broker": role.RoleBrokerFeatures(
            pattern_based_subscription=True,
            publisher_exclusion=True,
            subscriber_blackwhite_listing=True,
            payload_transparency=True,
            payload_encryption_cryptobox=True,
        ),
        "dealer": role.RoleDealerFeatures(
            call_canceling=True,
            pattern_based_registration=True,
            progressive_call_results=True,
            shared_registration=True,
            payload_transparency=True,
            payload_encryption_cryptobox=True,
        ),
    }


def new_authid() -> str:
    """A random authid for a client that is nobody in particular."""
    text = secrets.token_hex(10).upper()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


class RouterSession:
    """One client of the router. Transports see ``onOpen``, ``onClose``; its :class:`RouterWire` everything else.

    :param router: its realms and limits.
    """

    def __init__(self, router: Router) -> None:
        self.router = router
        self.transport: Any = None
        self.wire: Any = None
        self.flow = Flow(self, router)
        self.realm: Realm | None = None
        self.id = 0
        self.authid: str | None = None
        self.authrole: str | None = None
        self.can_cancel = False  # the callee announced call_canceling
        self.subscriptions: dict[int, Subscription] = {}
        self.registrations: dict[int, Registration] = {}
        self.calls: dict[int, Call] = {}  # by the caller's request id
        self.invocations: dict[int, Call] = {}  # by the id the callee got
        self._last_invocation = 0
        self._leaving = False  # GOODBYE was sent, its answer is awaited
        self._over = False  # ABORT was sent, or the transport is gone

    def __repr__(self) -> str:
        return f"<RouterSession {self.id} realm={self.realm.name if self.realm else None}>"

    # --- transport ---

    def make_wire(self, engine: Any, codec: Any, statistics: Any = None, batch: Any = None) -> RouterWire:
        """A wire over ``engine`` for this session; not yet its sink."""
        self.wire = RouterWire(engine, codec, self, self._parse, statistics, batch)
        self.wire.max_lag = self.flow.alert
        return self.wire

    def _parse(self, raw: list[Any]) -> Any:
        try:
            return message_of(raw)
        except InvalidUriError as exc:
            # A request for a bad URI is answered; the session goes on.
            request = raw[0] in (message.Subscribe.MESSAGE_TYPE, message.Register.MESSAGE_TYPE)
            if self.realm is None or not request or not isinstance(raw[3], str):
                raise ProtocolError(str(exc)) from exc
            self.wire.error_text(raw[0], raw[1], INVALID_URI, str(exc))
            return None

    def onOpen(self, transport: Any) -> None:
        """A transport is there. Called by it."""
        self.transport = transport
        self.router._opened(self)

    def onMessage(self, msg: Any) -> None:
        """A message object from a transport without an engine."""
        self.on_message(msg)

    def onClose(self, wasClean: bool) -> None:
        """The transport is gone: whatever this client had ends."""
        self._over = True
        self.flow.close()
        self._leave_realm()
        if self.wire is not None:
            self.wire.close()
        self.transport = None
        self.router._closed(self)

    def _transport_writable(self, writable: bool) -> None:
        # The transport holds more than it likes, or has room again.
        if self.wire is not None:
            if writable:
                self.wire.resume()
                self.flow.writable()
            else:
                self.wire.pause()

    def _on_lag(self) -> None:
        if not self._over and not self.flow.lagging():
            self._over = True
            self.wire.close()

    def _on_dropped(self, exc: Exception, subscription: int) -> None:
        log.warning("%r: an event of subscription %d is dropped: %s", self, subscription, exc)

    # --- life ---

    def _on_failure(self, exc: Exception) -> None:
        if self._over or self._leaving:
            return
        if isinstance(exc, (DecodeError, ProtocolError, InvalidOption)):
            self.abort(VIOLATION, str(exc))
        else:
            log.error("%r: the router failed on a message", self, exc_info=exc)
            self.abort("wamp.error.runtime_error", "the router failed on a message; see its log")

    def abort(self, reason: str, text: str) -> None:
        """Send ABORT and close the transport."""
        if self._over:
            return
        self._over = True
        log.warning("%r: aborted with %s: %s", self, reason, text)
        self._leave_realm()
        self.wire.send(message.Abort(reason, text[:500]))
        self.wire.close()
        self.router.close(self)

    def goodbye(self, reason: str = "wamp.close.system_shutdown") -> None:
        """End the session from the router's side; the transport closes when the client has answered."""
        if self._over or self._leaving:
            return
        if self.realm is None:
            self._over = True
            self.router.close(self)
            return
        self._leaving = True
        self.wire.send(message.Goodbye(reason))
        self._leave_realm()

    def _leave_realm(self) -> None:
        realm, self.realm = self.realm, None
        if self.wire is not None:
            self.wire.joined = False
        if realm is not None:
            realm.leave(self)
            log.debug("%r has left %s", self, realm.name)

    def _on_hello(self, msg: message.Hello) -> None:
        if self.realm is not None:
            raise ProtocolError("HELLO in a session that is established already")
        realm = self.router.realms.get(msg.realm)
        if realm is None:
            self.abort("wamp.error.no_such_realm", f"there is no realm {str(msg.realm)[:200]!r} here")
            return
        if msg.authmethods and "anonymous" not in msg.authmethods:
            self.abort(
                "wamp.error.no_matching_auth_method", "this router knows the authentication method 'anonymous' only"
            )
            return
        callee = (msg.roles or {}).get("callee")
        self.can_cancel = bool(getattr(callee, "call_canceling", False))
        self.id = realm.join(self)
        self.realm = realm
        self.authid = new_authid()
        self.authrole = "anonymous"
        self._last_invocation = 0
        self.wire.joined = True
        self.wire.send(
            message.Welcome(
                self.id,
                router_roles(),
                realm=realm.name,
                authid=self.authid,
                authrole=self.authrole,
                authmethod="anonymous",
                authprovider="static",
                authextra={"x_router": "autobahn_fast"},
            )
        )
        log.debug("%r has joined %s", self, realm.name)

    def _on_goodbye(self, msg: message.Goodbye) -> None:
        if self._leaving:
            self._over = True
            self.router.close(self)
            return
        if self.realm is None:
            raise ProtocolError("a GOODBYE message before HELLO")
        self._leave_realm()
        self.wire.send(message.Goodbye("wamp.close.goodbye_and_out"))

    def _on_abort(self, msg: message.Abort) -> None:
        log.debug("%r: aborted by the client: %s", self, msg.reason)
        self._over = True
        self._leave_realm()
        self.router.close(self)

    def on_message(self, msg: Any) -> None:
        """Anything but PUBLISH, CALL, YIELD and ERROR.

        :raises ProtocolError: the message has no place here.
        """
        if self._over or msg is None:
            return
        self.router.sender = self
        kind = type(msg)
        handler = _BEFORE_JOIN.get(kind)
        if handler is None and self.realm is not None:
            handler = _JOINED.get(kind)
        if handler is not None:
            handler(self, msg)
        elif not self._leaving:
            name = kind.__name__
            if self.realm is None:
                raise ProtocolError(f"a {name} message before HELLO, or after GOODBYE")
            raise ProtocolError(f"a client may not send a {name} message now")

    # --- requests ---

    def next_invocation(self) -> int:
        """A fresh id for an INVOCATION (session scope)."""
        self._last_invocation = id = self._last_invocation % 2**53 + 1
        return id

    def _on_publish(self, request: int, options: dict[str, Any] | None, topic: str, payload: Payload) -> None:
        self.router.sender = self
        if options is None:
            try:
                self.realm.broker.publish(self, topic, None, payload)  # type: ignore[union-attr]
            except InvalidUri as exc:
                log.warning("%r: a publication is dropped: %s", self, exc)
            return
        acknowledge = options.pop("acknowledge", False) is True
        try:
            publication = self.realm.broker.publish(self, topic, options or None, payload)  # type: ignore[union-attr]
        except InvalidUri as exc:
            if acknowledge:
                self.wire.error_text(PUBLISH, request, INVALID_URI, str(exc))
            else:
                log.warning("%r: a publication is dropped: %s", self, exc)
            return
        if acknowledge:
            self.wire.send(message.Published(request, publication))

    def _on_call(self, request: int, options: dict[str, Any] | None, procedure: str, payload: Payload) -> None:
        self.router.sender = self
        if request in self.calls:
            raise ProtocolError(f"CALL with request id {request}, which is the id of a call under way")
        try:
            self.realm.dealer.call(self, request, procedure, options, payload)  # type: ignore[union-attr]
        except Refused as exc:
            self.wire.error_text(CALL, request, exc.error, exc.text)
        except InvalidUri as exc:
            self.wire.error_text(CALL, request, INVALID_URI, str(exc))
        except CANNOT_FORWARD as exc:
            self.wire.error_text(CALL, request, *cannot_forward(exc))

    def _on_yield(self, request: int, options: dict[str, Any] | None, payload: Payload) -> None:
        self.router.sender = self
        if request > self._last_invocation:
            raise ProtocolError(f"YIELD for invocation {request}, which never was")
        self.realm.dealer.yield_(self, request, options, payload)  # type: ignore[union-attr]

    def _on_error(self, request: int, details: dict[str, Any] | None, error: str, payload: Payload) -> None:
        if request > self._last_invocation:
            raise ProtocolError(f"ERROR for invocation {request}, which never was")
        self.realm.dealer.error(self, request, error, details, payload)  # type: ignore[union-attr]

    def _on_subscribe(self, msg: message.Subscribe) -> None:
        match = msg.match or "exact"
        if match not in MATCH_POLICIES:
            raise ProtocolError(f"SUBSCRIBE with the unknown match policy {match!r}")
        if not is_valid_pattern(msg.topic, match):
            self._refuse(msg, INVALID_URI, f"{msg.topic[:200]!r} is not a valid topic URI for match policy {match!r}")
            return
        subscription = self.realm.broker.subscribe(self, msg.topic, match)  # type: ignore[union-attr]
        self.wire.send(message.Subscribed(msg.request, subscription))

    def _on_unsubscribe(self, msg: message.Unsubscribe) -> None:
        if self.realm.broker.unsubscribe(self, msg.subscription):  # type: ignore[union-attr]
            self.wire.send(message.Unsubscribed(msg.request))
        else:
            self._refuse(msg, "wamp.error.no_such_subscription", f"no subscription {msg.subscription} in this session")

    def _on_register(self, msg: message.Register) -> None:
        match, invoke, uri = msg.match or "exact", msg.invoke or "single", msg.procedure
        if match not in MATCH_POLICIES:
            raise ProtocolError(f"REGISTER with the unknown match policy {match!r}")
        if invoke not in INVOKE_POLICIES:
            raise ProtocolError(f"REGISTER with the unknown invocation policy {invoke!r}")
        if not is_valid_pattern(uri, match) or uri.startswith("wamp."):
            self._refuse(
                msg, INVALID_URI, f"{uri[:200]!r} is reserved or not a valid procedure URI for match policy {match!r}"
            )
            return
        try:
            registration = self.realm.dealer.register(self, uri, match, invoke)  # type: ignore[union-attr]
        except Refused as exc:
            self._refuse(msg, exc.error, exc.text)
            return
        self.wire.send(message.Registered(msg.request, registration))

    def _on_unregister(self, msg: message.Unregister) -> None:
        if self.realm.dealer.unregister(self, msg.registration):  # type: ignore[union-attr]
            self.wire.send(message.Unregistered(msg.request))
        else:
            self._refuse(msg, "wamp.error.no_such_registration", f"no registration {msg.registration} in this session")

    def _on_cancel(self, msg: message.Cancel) -> None:
        self.realm.dealer.cancel(self, msg.request, msg.mode)  # type: ignore[union-attr]

    def _refuse(self, msg: Any, error: str, text: str) -> None:
        self.wire.error_text(type(msg).MESSAGE_TYPE, msg.request, error, text)


_BEFORE_JOIN: dict[type[message.Message], Callable[[RouterSession, Any], None]] = {
    message.Hello: RouterSession._on_hello,
    message.Abort: RouterSession._on_abort,
    message.Goodbye: RouterSession._on_goodbye,
}

_JOINED: dict[type[message.Message], Callable[[RouterSession, Any], None]] = {
    message.Subscribe: RouterSession._on_subscribe,
    message.Unsubscribe: RouterSession._on_unsubscribe,
    message.Register: RouterSession._on_register,
    message.Unregister: RouterSession._on_unregister,
    message.Cancel: RouterSession._on_cancel,
}

# What a client may send as a message object. PUBLISH, CALL, YIELD and ERROR never become one here.
_CLASSES: dict[int | None, Any] = {cls.MESSAGE_TYPE: cls for cls in (*_BEFORE_JOIN, *_JOINED)}
_ROUTER_ONLY = {
    2: "WELCOME",
    4: "CHALLENGE",
    17: "PUBLISHED",
    33: "SUBSCRIBED",
    35: "UNSUBSCRIBED",
    36: "EVENT",
    50: "RESULT",
    65: "REGISTERED",
    67: "UNREGISTERED",
    68: "INVOCATION",
    69: "INTERRUPT",
}


def message_of(raw: list[Any]) -> Any:
    """The message object of a decoded message.

    :raises ProtocolError: it is none, or none that a client may send.
    """
    code = raw[0]
    cls = _CLASSES.get(code)
    if cls is None:
        if code in _ROUTER_ONLY:
            raise ProtocolError(f"a client may not send {_ROUTER_ONLY[code]}")
        raise ProtocolError(f"a message of type {code} has no place here")
    msg = cls.parse(raw)
    if cls in _JOINED and msg.request == 0:
        raise ProtocolError("0 is no request id: ids are from 1 to 2^53")
    return msg
