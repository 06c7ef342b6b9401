# SPDX-License-Identifier: MIT
"""The requests of a client that has joined: what it asks of broker and dealer, and what it is answered.

Knows options and errors of requests. Does not know how a client joins or leaves (``session`` does), nor who subscribed or
registered (``broker`` and ``dealer`` do).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autobahn_fast.router.calls import CALL, CANNOT_FORWARD, cannot_forward, expect_parts
from autobahn_fast.router.options import InvalidUri, Refused, shard_key
from autobahn_fast.router.patterns import MATCH_POLICIES, is_valid_pattern
from autobahn_fast.router.registrations import INVOKE_POLICIES, Terms
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import ProtocolError

if TYPE_CHECKING:
    from autobahn_fast._core.relay import Payload
    from autobahn_fast.router.authorization import Gate
    from autobahn_fast.router.calls import Call

__all__ = ("REQUESTS", "Requests")

log = logging.getLogger("autobahn_fast.router")

PUBLISH = 16
INVALID_URI = "wamp.error.invalid_uri"


class Requests:
    """Mix-in of :class:`~autobahn_fast.router.session.RouterSession`."""

    router: Any
    wire: Any
    gate: Gate | None
    calls: dict[int, Call]
    unfinished: dict[int, None]
    _last_invocation: int
    realm: Any  # the Realm: there while requests are taken

    def next_invocation(self) -> int:
        """A fresh id for an INVOCATION (session scope)."""
        self._last_invocation = id = self._last_invocation % 2**53 + 1
        return id

    # --- events ---

    def _on_publish(
        self,
        request: int,
        options: dict[str, Any] | None,
        topic: str,
        payload: Payload,
        admitted: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.router.sender = self
        if self.gate is not None and not admitted:
            self._may_publish(self.gate, request, options, topic, payload)
            return
        try:
            publication = self.realm.broker.publish(self, topic, options, payload, extra)
        except InvalidUri as exc:
            self._unpublished(request, options, INVALID_URI, str(exc))
            return
        except Refused as exc:
            self._unpublished(request, options, exc.error, exc.text)
            return
        if options is not None and options.get("acknowledge") is True:
            self.wire.send(message.Published(request, publication))

    def _may_publish(
        self, gate: Gate, request: int, options: dict[str, Any] | None, topic: str, payload: Payload
    ) -> None:
        gate.admit(
            "publish",
            topic,
            "exact",
            options,
            lambda extra: self._on_publish(request, options, topic, payload, True, extra),
            lambda error, text: self._unpublished(request, options, error, text),
        )

    def _unpublished(self, request: int, options: dict[str, Any] | None, error: str, text: str) -> None:
        if options is not None and options.get("acknowledge") is True:
            self.wire.error_text(PUBLISH, request, error, text)
        else:
            log.warning("%r: a publication is dropped: %s", self, text)

    def _on_subscribe(self, msg: message.Subscribe) -> None:
        match = msg.match or "exact"
        if match not in MATCH_POLICIES:
            raise ProtocolError(f"SUBSCRIBE with the unknown match policy {match!r}")
        if not is_valid_pattern(msg.topic, match):
            self._refuse(msg, INVALID_URI, f"{msg.topic[:200]!r} is not a valid topic URI for match policy {match!r}")
            return
        if self.gate is None:
            self._subscribe(msg, match)
            return
        self.gate.admit(
            "subscribe",
            msg.topic,
            match,
            msg.marshal_options(),
            lambda extra: self._subscribe(msg, match),
            lambda error, text: self._refuse(msg, error, text),
        )

    def _subscribe(self, msg: message.Subscribe, match: str) -> None:
        broker = self.realm.broker
        subscription = broker.subscribe(self, msg.topic, match, shard_key({"nkey": msg.nkey}, "nkey"))
        self.wire.send(message.Subscribed(msg.request, subscription))
        if msg.get_retained:
            broker.send_retained(self, subscription)

    def _on_unsubscribe(self, msg: message.Unsubscribe) -> None:
        if self.realm.broker.unsubscribe(self, msg.subscription):
            self.wire.send(message.Unsubscribed(msg.request))
        else:
            self._refuse(msg, "wamp.error.no_such_subscription", f"no subscription {msg.subscription} in this session")

    # --- calls ---

    def _on_call(
        self,
        request: int,
        options: dict[str, Any] | None,
        procedure: str,
        payload: Payload,
        admitted: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.router.sender = self
        dealer = self.realm.dealer
        try:
            known = request in self.calls or (self.unfinished and request in self.unfinished)
            if known and dealer.proceed(self, request, options, payload):
                return
            if self.gate is not None and not admitted:
                self._may_call(self.gate, request, options, procedure, payload)
            else:
                dealer.call(self, request, procedure, options, payload, extra)
        except Refused as exc:
            self._uncalled(request, options, exc.error, exc.text)
        except InvalidUri as exc:
            self._uncalled(request, options, INVALID_URI, str(exc))
        except CANNOT_FORWARD as exc:
            self._uncalled(request, options, *cannot_forward(exc))

    def _may_call(
        self, gate: Gate, request: int, options: dict[str, Any] | None, procedure: str, payload: Payload
    ) -> None:
        gate.admit(
            "call",
            procedure,
            "exact",
            options,
            lambda extra: self._on_call(request, options, procedure, payload, True, extra),
            lambda error, text: self._uncalled(request, options, error, text),
        )

    def _uncalled(self, request: int, options: dict[str, Any] | None, error: str, text: str) -> None:
        if options is not None and options.get("progress") is True:
            expect_parts(self, request)
        self.wire.error_text(CALL, request, error, text)

    def _on_cancel(self, msg: message.Cancel) -> None:
        self.realm.dealer.cancel(self, msg.request, msg.mode)

    def _on_yield(self, request: int, options: dict[str, Any] | None, payload: Payload) -> None:
        self.router.sender = self
        if request > self._last_invocation:
            raise ProtocolError(f"YIELD for invocation {request}, which never was")
        self.realm.dealer.yield_(self, request, options, payload)

    def _on_error(self, request: int, details: dict[str, Any] | None, error: str, payload: Payload) -> None:
        self.router.sender = self
        if request > self._last_invocation:
            raise ProtocolError(f"ERROR for invocation {request}, which never was")
        self.realm.dealer.error(self, request, error, details, payload)

    # --- registrations ---

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
        if self.gate is None:
            self._register(msg, match, invoke)
            return
        self.gate.admit(
            "register",
            uri,
            match,
            msg.marshal_options(),
            lambda extra: self._register(msg, match, invoke),
            lambda error, text: self._refuse(msg, error, text),
        )

    def _register(self, msg: message.Register, match: str, invoke: str) -> None:
        terms = Terms(msg.concurrency or 0, msg.disclose_caller is True, msg.forward_timeout is True)
        force = msg.force_reregister is True
        try:
            registration = self.realm.dealer.register(self, msg.procedure, match, invoke, terms, force)
        except Refused as exc:
            self._refuse(msg, exc.error, exc.text)
            return
        self.wire.send(message.Registered(msg.request, registration))

    def _on_unregister(self, msg: message.Unregister) -> None:
        if self.realm.dealer.unregister(self, msg.registration):
            self.wire.send(message.Unregistered(msg.request))
        else:
            self._refuse(msg, "wamp.error.no_such_registration", f"no registration {msg.registration} in this session")

    def _refuse(self, msg: Any, error: str, text: str) -> None:
        self.wire.error_text(type(msg).MESSAGE_TYPE, msg.request, error, text)


REQUESTS: dict[type[message.Message], Callable[[Any, Any], None]] = {
    message.Subscribe: Requests._on_subscribe,
    message.Unsubscribe: Requests._on_unsubscribe,
    message.Register: Requests._on_register,
    message.Unregister: Requests._on_unregister,
    message.Cancel: Requests._on_cancel,
}
"""Requests that come as message objects, and who takes them."""
