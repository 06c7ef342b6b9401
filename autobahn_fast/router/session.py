# SPDX-License-Identifier: MIT
"""The router's side of one client: its life from HELLO to GOODBYE, and its requests to broker and dealer.

Knows the order of messages, who may send which, and what is answered. Does not know sockets or loops (``server`` does),
nor who subscribed or registered (``broker`` and ``dealer`` do).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast._core.codec import DecodeError
from autobahn_fast._core.relay import RouterWire
from autobahn_fast.router.authentication import Authentication, Denied, Principal, new_authid
from autobahn_fast.router.authorization import Gate
from autobahn_fast.router.broker import Subscription
from autobahn_fast.router.calls import Call
from autobahn_fast.router.features import announced, router_roles
from autobahn_fast.router.flow import Flow
from autobahn_fast.router.options import InvalidOption
from autobahn_fast.router.registrations import Registration
from autobahn_fast.router.requests import REQUESTS, Requests
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import InvalidUriError, ProtocolError

if TYPE_CHECKING:
    from autobahn_fast.router import Router
    from autobahn_fast.router.realm import Realm

__all__ = ("RouterSession", "message_of")

log = logging.getLogger("autobahn_fast.router")

INVALID_URI = "wamp.error.invalid_uri"
VIOLATION = "wamp.error.protocol_violation"
GOODBYE_TIMEOUT = 10  # seconds for a client to answer GOODBYE
AUTHENTICATION_TIMEOUT = 30  # seconds for a client, or an authenticator, to answer


class _Attempt:
    """A client that is proving who it is; see :class:`~autobahn_fast.router.authentication.Attempt`."""

    def __init__(self, session: RouterSession, hello: message.Hello) -> None:
        self._session = session
        self.realm: str = hello.realm
        self.authid: str | None = hello.authid or None
        self.authmethods: list[str] | None = hello.authmethods
        self.authextra: dict[str, Any] = hello.authextra or {}
        self.asked: Any = None  # the future of AUTHENTICATE, while a challenge is out

    async def ask(self, method: str, extra: dict[str, Any]) -> Any:
        """Send CHALLENGE; returns the AUTHENTICATE message."""
        self.asked = self._session.router.create_future()
        self._session.wire.send(message.Challenge(method, extra))
        return await self.asked

    def channel_id(self, kind: str) -> bytes | None:
        """What identifies the TLS channel, None without one."""
        transport = self._session.transport
        channel_id = None if transport is None else transport.get_channel_id(kind)
        return channel_id if channel_id and any(channel_id) else None  # zeros stand for none


class RouterSession(Requests):
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
        self.authmethod = self.authprovider = ""
        self.features: frozenset[str] = frozenset()  # what the client announced: "callee.call_canceling" and so on
        self.gate: Gate | None = None  # what its requests have to pass
        self.subscriptions: dict[int, Subscription] = {}
        self.registrations: dict[int, Registration] = {}
        self.calls: dict[int, Call] = {}  # by the caller's request id
        self.invocations: dict[int, Call] = {}  # by the id the callee got
        self.unfinished: dict[int, None] = {}  # calls that are over, of which the caller may still send parts
        self._goodbye_timer: Any = None
        self._attempt: _Attempt | None = None
        self._attempt_over: Callable[[], None] | None = None
        self._last_invocation = 0
        self._leaving = False  # GOODBYE was sent, its answer is awaited
        self._over = False  # ABORT was sent, or the transport is gone

    def __repr__(self) -> str:
        return f"<RouterSession {self.id} realm={self.realm.name if self.realm else None}>"

    def details(self) -> dict[str, Any]:
        """What the meta API and authorizers are told about it."""
        return {
            "session": self.id,
            "authid": self.authid,
            "authrole": self.authrole,
            "authmethod": self.authmethod,
            "authprovider": self.authprovider,
        }

    # --- transport ---

    def make_wire(self, engine: Any, codec: Any, statistics: Any = None, batch: Any = None) -> RouterWire:
        """A wire over ``engine`` for this session; not yet its sink."""
        self.wire = RouterWire(engine, codec, self, self._parse, statistics, batch, self.router.exchange)
        self.wire.max_lag = self.flow.alert
        return self.wire  # type: ignore[no-any-return]

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
        if self._goodbye_timer is not None:
            self._goodbye_timer.cancel()
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

    def goodbye(self, reason: str = "wamp.close.system_shutdown", text: str | None = None) -> None:
        """End the session from the router's side; the transport closes when the client has answered, or does not."""
        if self._over or self._leaving:
            return
        if self.realm is None:
            self._over = True
            self.router.close(self)
            return
        self._leaving = True
        self._goodbye_timer = self.router.call_later(GOODBYE_TIMEOUT, lambda: self.router.drop(self))
        self.wire.send(message.Goodbye(reason, text))
        self._leave_realm()

    def _leave_realm(self) -> None:
        realm, self.realm = self.realm, None
        self.gate = None
        self._end_attempt()
        if self.wire is not None:
            self.wire.joined = False
        if realm is not None:
            realm.leave(self)
            log.debug("%r has left %s", self, realm.name)

    def _on_hello(self, msg: message.Hello) -> None:
        if self.realm is not None or self._attempt is not None or self._leaving:
            raise ProtocolError("HELLO in a session that is established already, or is being so")
        realm = self.router.realms.get(msg.realm)
        if realm is None:
            self.abort("wamp.error.no_such_realm", f"there is no realm {str(msg.realm)[:200]!r} here")
            return
        self.features = announced(msg.roles)
        if realm.authentication is not None:
            self._authenticate(realm, realm.authentication, msg)
        elif msg.authmethods and "anonymous" not in msg.authmethods:
            self.abort(
                "wamp.error.no_matching_auth_method", "this realm has the authentication method 'anonymous' only"
            )
        else:
            self._welcome(realm, Principal(new_authid(), "anonymous", "anonymous", "static", {}))

    def _authenticate(self, realm: Realm, authentication: Authentication, msg: message.Hello) -> None:
        self._attempt = attempt = _Attempt(self, msg)

        def done(principal: Any, exc: BaseException | None) -> None:
            if self._attempt is not attempt:
                return
            self._end_attempt()
            if exc is None:
                try:
                    self._welcome(realm, principal)
                except Exception as failure:  # noqa: BLE001 - such as authextra that cannot be written
                    self._on_failure(failure)
            elif isinstance(exc, Denied):
                self.abort(exc.reason, exc.text)
            elif isinstance(exc, TimeoutError):
                self.abort("wamp.error.authentication_failed", "the authentication took too long")
            else:
                log.error("%r: the authentication failed", self, exc_info=exc)
                self.abort("wamp.error.authentication_failed", "the router failed; see its log")

        self._attempt_over = self.router.run(authentication.authenticate(attempt), done, AUTHENTICATION_TIMEOUT)

    def _end_attempt(self) -> None:
        over, self._attempt, self._attempt_over = self._attempt_over, None, None
        if over is not None:
            over()

    def _on_authenticate(self, msg: message.Authenticate) -> None:
        asked = self._attempt.asked if self._attempt is not None else None
        if asked is None or asked.done():
            raise ProtocolError("AUTHENTICATE without a challenge")
        asked.set_result(msg)

    def _welcome(self, realm: Realm, principal: Principal) -> None:
        role = realm.role(principal.authrole)
        if role is None:
            self.abort("wamp.error.no_such_role", f"realm {realm.name!r} has no role {principal.authrole!r}")
            return
        self.id = realm.new_id()
        self.realm = realm
        self.authid, self.authrole, self.authmethod, self.authprovider, extra = principal
        self.gate = realm.gate(self, role)
        self._last_invocation = 0
        self.wire.joined, self.wire.left = True, False
        self.wire.send(
            message.Welcome(
                self.id,
                router_roles(),
                realm=realm.name,
                authid=self.authid,
                authrole=self.authrole,
                authmethod=self.authmethod,
                authprovider=self.authprovider,
                authextra={**extra, "x_router": "autobahn_fast"},
            )
        )
        realm.join(self)
        log.debug("%r has joined %s", self, realm.name)

    def _on_goodbye(self, msg: message.Goodbye) -> None:
        if self._leaving:
            self._over = True
            self.router.close(self)
            return
        if self.realm is None:
            raise ProtocolError("a GOODBYE message before HELLO")
        self._leave_realm()
        self.wire.left = True
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
        kind = type(msg)
        if self.gate is not None and self.gate.busy and kind is not message.Abort:
            self.gate.defer(lambda: self.on_message(msg))
            return
        self.router.sender = self
        handler = _BEFORE_JOIN.get(kind)
        if handler is None and self.realm is not None:
            handler = REQUESTS.get(kind)
        if handler is not None:
            handler(self, msg)
        elif not self._leaving:
            name = kind.__name__
            if self.realm is None:
                if self.wire.left and kind in REQUESTS:
                    log.debug("%r: a %s message after GOODBYE is dropped", self, name)
                    return
                raise ProtocolError(f"a {name} message before HELLO")
            raise ProtocolError(f"a client may not send a {name} message now")


_BEFORE_JOIN: dict[type[message.Message], Callable[[RouterSession, Any], None]] = {
    message.Hello: RouterSession._on_hello,
    message.Authenticate: RouterSession._on_authenticate,
    message.Abort: RouterSession._on_abort,
    message.Goodbye: RouterSession._on_goodbye,
}
# What a client may send as a message object. PUBLISH, CALL, YIELD and ERROR never become one here.
_CLASSES: dict[int | None, Any] = {cls.MESSAGE_TYPE: cls for cls in (*_BEFORE_JOIN, *REQUESTS)}
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
    if cls in REQUESTS and msg.request == 0:
        raise ProtocolError("0 is no request id: ids are from 1 to 2^53")
    return msg
