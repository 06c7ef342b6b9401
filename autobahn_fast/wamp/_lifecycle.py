# SPDX-License-Identifier: MIT
"""The life of a session on one transport: connect, join, ready, leave, disconnect, and what ends it early.

Knows HELLO, WELCOME, CHALLENGE, AUTHENTICATE, ABORT and GOODBYE and the order of the callbacks. Each stage is a coroutine, so that
callbacks run in order whether they are plain functions or coroutines; a callback that never ends holds up the rest of its own
stage only. What must not depend on user code (rejecting pending requests, refusing messages) is no part of a stage: it happens
at once, in the call itself.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast._reading import NO_GATE
from autobahn_fast.wamp import message
from autobahn_fast.wamp._failure import Failure
from autobahn_fast.wamp._part import SessionPart
from autobahn_fast.wamp._wire import raise_documented
from autobahn_fast.wamp.exception import ApplicationError, ProtocolError, TransportLost
from autobahn_fast.wamp.types import Challenge, CloseDetails, SessionDetails

__all__ = ("LifecycleMixin", "SessionLost")

_Goodbye = message.Goodbye  # leave() has a parameter named message

CANNOT_AUTHENTICATE = "wamp.error.cannot_authenticate"
PROTOCOL_VIOLATION = "wamp.error.protocol_violation"


class SessionLost(TransportLost, ApplicationError):
    """What pending requests get when the transport is lost: a TransportLost, and an ApplicationError with that URI."""

    def __init__(self, text: str) -> None:
        ApplicationError.__init__(self, CloseDetails.REASON_TRANSPORT_LOST, text)


class LifecycleMixin(SessionPart):
    """The stages of a session."""

    # --- stages ---

    def _closing(self, stage: Any, *args: Any) -> None:
        """Run a closing stage (leave, disconnect) after the closing stages before it."""
        self._last_closing: Any = self._spawn(self._run_closing(self._last_closing, stage, *args))

    async def _run_closing(self, previous: Any, stage: Any, *args: Any) -> None:
        if previous is not None:
            await previous
        await stage(*args)

    async def _fire(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the handlers of an event and wait for all of them; what one raises stops neither the others nor the session."""
        waiting = []
        for handler in self._event_handlers(event):
            try:
                result = handler(*args, **kwargs)
                if result is not None and self._is_awaitable(result):
                    waiting.append(self._spawn(self._guard(result, f"While notifying '{event}'")))
            except Exception as e:
                self._user_error(e, f"While notifying '{event}'")
        for future in waiting:
            await future

    async def _hook(self, name: str, *args: Any, text: str | None = None) -> Exception | None:
        """Call an overridable method, wait for it, and report what it raises, which is returned, too."""
        try:
            result = getattr(self, name)(*args)
            if result is not None and self._is_awaitable(result):
                await result
            return None
        except Exception as e:
            self._user_error(e, text or f"While firing {name}")
            return e

    async def _connect_stage(self, transport: Any) -> None:
        await self._fire("connect", self, transport)
        if self._transport is not transport:
            return
        error = await self._hook("onConnect")
        if error is not None and self._transport is transport:
            self._connect_error: Exception | None = error
            self._ended_by: str | None = self._ended_by or "failure"
            self.disconnect()  # nothing would ever happen on this transport

    async def _join_stage(self, msg: Any) -> None:
        transport = self._transport
        try:
            veto = self.onWelcome(msg)
            if veto is not None and self._is_awaitable(veto):
                veto = await veto
        except Exception as e:
            self._user_error(e, "While firing onWelcome")
            veto = "Error calling onWelcome handler"
        if self._transport is None or self._transport is not transport or self._ended:
            return  # lost, aborted or left while onWelcome was thinking
        if veto is not None:
            await self._abort(CANNOT_AUTHENTICATE, str(veto))
            return
        self._session_id = msg.session
        self._authid, self._authrole = msg.authid, msg.authrole
        self._authmethod, self._authprovider = msg.authmethod, msg.authprovider
        self._authextra = msg.authextra
        if msg.realm is not None:
            self._realm = msg.realm
        self._router_roles = msg.roles
        self._session_details = details = SessionDetails(
            realm=self._realm,
            session=msg.session,
            authid=msg.authid,
            authrole=msg.authrole,
            authmethod=msg.authmethod,
            authprovider=msg.authprovider,
            authextra=msg.authextra,
            serializer=getattr(getattr(transport, "_serializer", None), "SERIALIZER_ID", None),
            transport=getattr(transport, "transport_details", None),
            resumed=bool(msg.resumed),
            resumable=bool(msg.resumable),
            resume_token=msg.resume_token,
        )
        self._set_live()
        await self._fire("join", self, details)
        if self._transport is not transport:
            return
        try:
            result = self.onJoin(details)
            if result is not None and self._is_awaitable(result):
                # not waited for: a session's whole work may be in onJoin
                self._spawn(self._guard(result, "While firing onJoin"))
        except Exception as e:
            self._user_error(e, "While firing onJoin")
        await self._fire("ready", self)

    async def _leave_stage(self, details: CloseDetails) -> None:
        await self._hook(
            "onLeave",
            details,
            text=f'While firing onLeave for reason "{details.reason}" and message "{details.message}"',
        )
        self._session_id = None
        await self._fire("leave", self, details)

    async def _disconnect_stage(self, was_clean: bool) -> None:
        await self._hook("onDisconnect")
        await self._fire("disconnect", self, was_clean=was_clean)

    # --- transport side ---

    def onOpen(self, transport: Any) -> None:
        """The transport is open: ``connect`` is fired, then ``onConnect()`` is called (which joins by default).

        :param transport: an ``ITransport``.
        """
        self._transport = transport
        self._gate = getattr(transport, "_reading_gate", NO_GATE)
        self._ended = self._goodbye_sent = self._joining = self._hello_sent = False
        self._writable = True
        self._ended_by = self._connect_error = None
        self._attach(transport)
        self._spawn(self._connect_stage(transport))

    def onMessage(self, msg: Any) -> None:
        """A message came in. Overriding it makes every message come this way, as an object.

        :raises ProtocolError: the message does not fit what went before.
        """
        if self._ended:
            return  # GOODBYE or ABORT is through: what the router sent before it saw that is of no use to anyone
        if self._live is not None or self._goodbye_sent or self._live_wire() is not None:
            handler = self._joined_handlers.get(type(msg))
        else:
            handler = self._joining_handlers.get(type(msg))
            if handler is None and type(msg) in self._joined_handlers:
                raise ProtocolError(f"{type(msg).__name__.upper()} received, but the session is not established")
        if handler is None:
            raise ProtocolError(f"{type(msg).__name__.upper()} received, which has no place in the session now")
        getattr(self, handler)(msg)

    def onClose(self, wasClean: bool) -> None:
        """The transport is gone: pending requests are rejected, ``onLeave`` (unless left already) and ``onDisconnect`` follow.

        :param wasClean: whether the transport was closed in good order.
        """
        if self._transport is None:
            return
        joined = self._session_id is not None and not self._ended
        self._ended_by = self._ended_by or "peer"
        text = "the transport was lost before the request was answered"
        self._transport = None
        self._wire = self._live = None
        self._ended = True
        self._reject_pending(SessionLost, text)
        self._subscriptions.clear()
        self._registrations.clear()
        self._wake_drainers()
        if joined:
            details = CloseDetails(
                CloseDetails.REASON_TRANSPORT_LOST,
                f"WAMP transport was lost without closing the session {self._session_id} before",
            )
            self._closing(self._leave_stage, details)
        self._closing(self._disconnect_stage, wasClean)

    # --- messages of the life cycle ---

    def _on_welcome(self, msg: Any) -> None:
        if self._joining:
            raise ProtocolError("WELCOME received twice")
        if not self._hello_sent:
            raise ProtocolError("WELCOME received before HELLO was sent")
        self._joining = True
        self._spawn(self._join_stage(msg))

    def _on_abort(self, msg: Any) -> None:
        self._ended_by = self._ended_by or "peer"
        self._end(CloseDetails(msg.reason, msg.message))

    def _on_challenge(self, msg: Any) -> None:
        self._spawn(self._challenge_stage(Challenge(msg.method, msg.extra)))

    async def _challenge_stage(self, challenge: Challenge) -> None:
        try:
            answer = self.onChallenge(challenge)
            if answer is not None and self._is_awaitable(answer):
                answer = await answer
            extra: dict[str, Any] = {}
            if isinstance(answer, tuple) and len(answer) == 2:
                answer, extra = answer
            if isinstance(answer, bytes):
                answer = answer.decode("utf8")
            if not isinstance(answer, str):
                raise TypeError(f"onChallenge must return the signature as a str, not {type(answer).__name__}")
            if self._wire is not None and not self._ended:
                self._wire.send(message.Authenticate(answer, extra))
        except Exception as e:
            self._user_error(e, "Authentication failed")
            await self._abort(CANNOT_AUTHENTICATE, str(e))

    def _on_goodbye(self, msg: Any) -> None:
        if not (self._goodbye_sent or self._joining or self._live_wire() is not None):
            raise ProtocolError("GOODBYE received, but the session is not established")
        if not self._goodbye_sent:
            self._goodbye_sent = True
            self._ended_by = self._ended_by or "peer"
            self._send_if_open(message.Goodbye("wamp.close.goodbye_and_out"))
        self._end(CloseDetails(msg.reason, msg.message))

    async def _abort(self, reason: str, text: str) -> None:
        """Give up joining: ABORT goes out, then the session is over."""
        if self._wire is None or self._ended:
            return
        try:
            self._wire.send(message.Abort(reason, text))
        except Exception as e:
            self.log.debug("ABORT could not be sent: {error}", error=e)
        self._ended_by = self._ended_by or "failure"
        self._end(CloseDetails(reason, text))

    def _violated(self, text: str) -> None:
        """The router broke the protocol; the transport, which found out, closes next: ABORT goes out, the session is over."""
        if self._transport is None or self._ended or not self._hello_sent:
            return
        self._ended_by = self._ended_by or "failure"
        self._send_if_open(message.Abort(PROTOCOL_VIOLATION, text[:500]))
        self._end(CloseDetails(PROTOCOL_VIOLATION, text))

    def _end(self, details: CloseDetails) -> None:
        """The session is over while its transport still stands."""
        self._ended = True
        self._live = None
        self._reject_pending(ApplicationError, details.reason, *([details.message] if details.message else []))
        self._subscriptions.clear()
        self._registrations.clear()
        self._closing(self._leave_stage, details)

    # --- actions ---

    def join(
        self,
        realm: str | None,
        authmethods: list[str] | None = None,
        authid: str | None = None,
        authrole: str | None = None,
        authextra: dict[str, Any] | None = None,
        resumable: bool | None = None,
        resume_session: int | None = None,
        resume_token: str | None = None,
    ) -> None:
        """Send HELLO.

        :param realm: the realm to join; None leaves the choice to the router.
        :param authmethods: authentication methods offered, in order.
        :raises TransportLost: there is no open transport.
        :raises ProtocolError: the session has joined already.
        """
        if self._wire is None and self._transport is not None:
            self._attach(self._transport)  # set by hand
        if self._wire is None:
            raise TransportLost("join() needs an open transport")
        if self._session_id is not None:
            raise ProtocolError("join() called, but the session has joined already")
        hello = message.Hello(
            realm,
            self._session_roles,
            authmethods=authmethods,
            authid=authid,
            authrole=authrole,
            authextra=authextra,
            resumable=resumable,
            resume_session=resume_session,
            resume_token=resume_token,
        )
        self._realm = realm
        self._goodbye_sent = self._ended = self._joining = False
        self._hello_sent = True
        self._last_request: int = 0
        try:
            self._wire.send(hello)
        except Exception as e:
            raise_documented(e)

    def leave(self, reason: str | None = None, message: str | None = None) -> None:
        """Send GOODBYE; ``onLeave`` follows when the router has answered. Does nothing when the session has not joined.

        Nothing more can be sent from here on (section 4.2.5 of the specification); answers that are on their way still come in.

        :param reason: URI, ``wamp.close.normal`` when None.
        :param message: text for humans.
        """
        wire = self._live_wire()
        if wire is None or self._goodbye_sent:
            self.log.debug("leave() on a session that has not joined, or that is leaving: ignored")
            return
        try:
            wire.send(_Goodbye(reason or _Goodbye.DEFAULT_REASON, message))
        except Exception as e:
            raise_documented(e)
        self._goodbye_sent = True
        self._live = None
        self._ended_by = self._ended_by or "application"

    def disconnect(self) -> None:
        """Close the transport. Harmless when it is closed already."""
        if self._transport is not None:
            self._ended_by = self._ended_by or "application"
            try:
                self._transport.close()
            except TransportLost:
                pass  # it is closing already

    # --- overridables ---

    def onConnect(self) -> Any:
        """The transport is open. Default: join the realm of the config. May be async."""
        self.join(self.config.realm)

    def onChallenge(self, challenge: Challenge) -> Any:
        """The router asks for a proof. Return the signature: a str, or ``(str, extra dict)``. May be async.

        :raises RuntimeError: by default; joining is aborted then.
        """
        raise RuntimeError("received an authentication challenge, but onChallenge() is not implemented")

    def onWelcome(self, welcome: Any) -> Any:
        """The router accepts the session. Return None to go on, a text to refuse. May be async."""

    def onJoin(self, details: SessionDetails) -> Any:
        """The session has joined its realm. May be async."""

    def onLeave(self, details: CloseDetails) -> Any:
        """The session has ended. Default: close the transport. May be async."""
        if details.reason.startswith("wamp.error."):
            self.log.warn(
                'session closed with reason {reason} "{details}"', reason=details.reason, details=details.message
            )
        self.disconnect()

    def onDisconnect(self) -> Any:
        """The transport is closed. May be async."""

    def onUserError(self, fail: Failure, msg: str) -> Any:
        """A callback of the application raised. Default: log it with its traceback. The session goes on.

        :param fail: has ``value`` (the exception), ``getErrorMessage()``, ``getTraceback()``.
        :param msg: where it happened.
        """
        if isinstance(fail.value, ApplicationError):
            self.log.error("{cls}.onUserError(): {msg}", cls=type(self).__name__, msg=str(fail.value) or msg)
        else:
            self.log.error('{cls}.onUserError(): "{msg}"', cls=type(self).__name__, msg=msg, log_failure=fail.value)
