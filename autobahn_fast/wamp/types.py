# SPDX-License-Identifier: MIT
"""The option, detail and result classes of the session API.

Each declares its fields in a table; the constructor checks them (:class:`InvalidArgument`, which is an
``AssertionError``, as with autobahn, and a ``TypeError`` and ``ValueError``). Knows how options look in a message;
knows no messages and no sessions.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.exception import InvalidArgument
from autobahn_fast.wamp._chunks import Chunk, Chunks
from autobahn_fast.wamp._details import Record, SessionDetails, TransportDetails, anything
from autobahn_fast.wamp._kinds import Kind, count, flag, hops, ident, ids, mapping, one_of, positive, text, texts
from autobahn_fast.wamp.request import Publication, Registration, Subscription

__all__ = (
    "Accept",
    "CallDetails",
    "CallOptions",
    "CallResult",
    "Challenge",
    "Chunk",
    "Chunks",
    "CloseDetails",
    "ComponentConfig",
    "Deny",
    "EncodedPayload",
    "EventDetails",
    "HelloDetails",
    "HelloReturn",
    "Publication",
    "PublishOptions",
    "RegisterOptions",
    "Registration",
    "SessionDetails",
    "SessionIdent",
    "SubscribeOptions",
    "Subscription",
    "TransportDetails",
)

_function = Kind("callable", "callable(v)")
_seconds = Kind("a number > 0", "type(v) in (int, float) and 0 < v <= 9007199254740992")
_match = one_of("exact", "prefix", "wildcard")
_invoke = one_of("single", "first", "last", "roundrobin", "random")
_cancel_mode = one_of("skip", "kill", "killnowait")
_runmode = one_of("partition")
# Session ids and names may be given one by one.
_ids = Kind("an id or a list of ids", f"({ident.test}) or ({ids.test})")
_texts = Kind("a str or a list of str", f"type(v) is str or ({texts.test})")
_bytes = Kind("bytes", "type(v) is bytes", bytes)
_subscription = Kind("a Subscription", "isinstance(v, Subscription)")
_registration = Kind("a Registration", "isinstance(v, Registration)")
_PPT = {"ppt_scheme": text, "ppt_serializer": text, "ppt_cipher": text, "ppt_keyid": text}
_LISTS = ("exclude", "exclude_authid", "exclude_authrole", "eligible", "eligible_authid", "eligible_authrole")
_CORRELATION = {
    "correlation_id": anything,
    "correlation_uri": anything,
    "correlation_is_anchor": anything,
    "correlation_is_last": anything,
}


class IPublication:
    """What a publication offers."""

    def id(self) -> int:
        """The id the broker gave it."""
        raise AttributeError("id")


class ISubscription:
    """What a subscription offers."""

    def id(self) -> int:
        """The id the broker gave it."""
        raise AttributeError("id")

    def active(self) -> bool:
        """True until it is given up or revoked."""
        raise AttributeError("active")

    def unsubscribe(self) -> Any:
        """Give it up."""
        raise AttributeError("unsubscribe")


class IRegistration:
    """What a registration offers."""

    def id(self) -> int:
        """The id the dealer gave it."""
        raise AttributeError("id")

    def active(self) -> bool:
        """True until it is given up or revoked."""
        raise AttributeError("active")

    def unregister(self) -> Any:
        """Give it up."""
        raise AttributeError("unregister")


class _WithPassthru(Record):
    """Options that may ask for payload passthru mode."""

    __slots__ = ()

    def _normalize(self) -> None:
        if self.ppt_scheme is None and not (self.ppt_serializer is self.ppt_cipher is self.ppt_keyid is None):
            raise InvalidArgument(f"{type(self).__name__}: ppt_scheme must be given with the other ppt_... options")


# --- components and joining ------------------------------------------------------------------------------------------


class ComponentConfig(Record):
    """What a session is constructed with.

    :param realm: the realm to join.
    :param extra: anything for the application.
    :param keyring: a payload codec for end-to-end encryption.
    :param controller: a session that controls this component (routers).
    :param shared: a dict shared by all components of a container.
    :param runner: the runner that started it.
    """

    fields = {
        "realm": text,
        "extra": anything,
        "keyring": anything,
        "controller": anything,
        "shared": anything,
        "runner": anything,
    }
    HIDDEN = ("extra", "keyring")


class HelloReturn:
    """Base of the answers to HELLO and AUTHENTICATE: :class:`Accept`, :class:`Deny`, :class:`Challenge`."""


class _Answer(Record):
    __slots__ = ()


class Accept(HelloReturn, _Answer):
    """Let the session join, as whom and how that was found out."""

    fields = {
        "realm": text,
        "authid": text,
        "authrole": text,
        "authmethod": text,
        "authprovider": text,
        "authextra": mapping,
    }


class Deny(HelloReturn, _Answer):
    """Turn the session away. :param reason: an error URI. :param message: for humans."""

    fields = {"reason": text, "message": text}
    required = ("reason",)
    defaults = {"reason": "wamp.error.not_authorized"}


class Challenge(HelloReturn, _Answer):
    """Ask the session to prove who it is. :param method: the authentication method. :param extra: its parameters."""

    fields = {"method": text, "extra": mapping}
    required = ("method",)

    def _normalize(self) -> None:
        if self.extra is None:
            self.extra: dict[str, Any] = {}


class HelloDetails(Record):
    """What a session announced in HELLO."""

    fields = {
        "realm": text,
        "authmethods": texts,
        "authid": text,
        "authrole": text,
        "authextra": mapping,
        "session_roles": anything,
        "pending_session": ident,
        "resumable": flag,
        "resume_session": ident,
        "resume_token": text,
    }


class CloseDetails(Record):
    """Why a session left its realm. :param reason: a URI. :param message: for humans."""

    REASON_DEFAULT = "wamp.close.normal"
    REASON_TRANSPORT_LOST = "wamp.close.transport_lost"

    fields = {"reason": text, "message": text}

    def marshal(self) -> dict[str, Any]:
        """Return it as a dict."""
        return {"reason": self.reason, "message": self.message}


class SessionIdent(Record):
    """Who a session is: session id, authid, authrole."""

    fields = {"session": ident, "authid": text, "authrole": text}

    def marshal(self) -> dict[str, Any]:
        """Return it as a dict, as ``forward_for`` has it."""
        return {"session": self.session, "authid": self.authid, "authrole": self.authrole}

    @staticmethod
    def _origin(details: Any, who: str) -> SessionIdent:
        # The first hop is where it came from.
        if details.forward_for:
            first = details.forward_for[0]
            return SessionIdent(first.get("session"), first.get("authid"), first.get("authrole"))
        return SessionIdent(*(getattr(details, f"{who}{suffix}") for suffix in ("", "_authid", "_authrole")))

    @staticmethod
    def from_calldetails(call_details: CallDetails) -> SessionIdent:
        """Return who called, seen through any routers in between."""
        if not isinstance(call_details, CallDetails):
            raise InvalidArgument(f"CallDetails needed, not {type(call_details)}")
        return SessionIdent._origin(call_details, "caller")

    @staticmethod
    def from_eventdetails(event_details: EventDetails) -> SessionIdent:
        """Return who published, seen through any routers in between."""
        if not isinstance(event_details, EventDetails):
            raise InvalidArgument(f"EventDetails needed, not {type(event_details)}")
        return SessionIdent._origin(event_details, "publisher")


# --- publish and subscribe -------------------------------------------------------------------------------------------


class PublishOptions(_WithPassthru):
    """How to publish.

    :param acknowledge: have the broker confirm; :meth:`publish` then returns a future.
    :param exclude_me: False: this session gets its own event, too.
    :param exclude, exclude_authid, exclude_authrole: who must not get the event: one or a list of session ids,
        authids, authroles.
    :param eligible, eligible_authid, eligible_authrole: who alone may get it.
    :param retain: the broker keeps the event for later subscribers.
    :param forward_for: the sessions it came through.
    :param transaction_hash: an application transaction it belongs to.
    :param disclose_me: ask that subscribers are told who published.
    :param rkey: sharded subscriptions: names the shard.
    :param ppt_scheme, ppt_serializer, ppt_cipher, ppt_keyid: payload passthru mode: the payload travels as one binary that
        the router does not look into. See docs/howto/advanced.md.
    """

    fields = {
        "acknowledge": flag,
        "exclude_me": flag,
        "exclude": _ids,
        "exclude_authid": _texts,
        "exclude_authrole": _texts,
        "eligible": _ids,
        "eligible_authid": _texts,
        "eligible_authrole": _texts,
        "retain": flag,
        "forward_for": hops,
        "transaction_hash": text,
        **_CORRELATION,
        "disclose_me": flag,
        "rkey": text,
        **_PPT,
    }
    written = tuple(name for name in fields if name not in _CORRELATION)

    def message_attr(self) -> dict[str, Any]:
        """Return the options as a PUBLISH message has them."""
        options: dict[str, Any] = self._written()
        for name in _LISTS:
            if name in options and type(options[name]) is not list:
                options[name] = [options[name]]
        return options


class _WithDetailsArg(Record):
    __slots__ = ()

    def _normalize(self) -> None:
        if self.details is not None and self.details_arg is not None:
            raise InvalidArgument(f"{type(self).__name__}: give details or details_arg, not both")
        if self.details:
            self.details_arg: str | None = "details"


class SubscribeOptions(_WithDetailsArg):
    """How to subscribe.

    :param match: ``exact``, ``prefix`` or ``wildcard``.
    :param details: True: the handler takes :class:`EventDetails` in its keyword argument ``details``.
    :param details_arg: the same under another name.
    :param get_retained: deliver the event the broker keeps for this topic.
    :param forward_for: the sessions it came through.
    :param nkey: sharded subscriptions: names this node.
    :param on_revoked: called with the :class:`Subscription` and the reason (a URI or None) when the router takes it away.
    """

    fields = {
        "match": _match,
        "details": flag,
        "details_arg": text,
        "forward_for": hops,
        "get_retained": flag,
        **_CORRELATION,
        "nkey": text,
        "on_revoked": _function,
    }
    written = ("match", "get_retained", "forward_for", "nkey")

    def message_attr(self) -> dict[str, Any]:
        """Return the options as a SUBSCRIBE message has them."""
        return self._written()  # type: ignore[no-any-return]


class EventDetails(Record):
    """What is known about an event.

    :param subscription: the :class:`Subscription` it came through.
    :param publication: id of the publication.
    :param publisher, publisher_authid, publisher_authrole: who published it, when disclosed.
    :param topic: the topic.
    :param retained: the broker had kept it.
    :param transaction_hash: the application transaction it belongs to.
    :param enc_algo: the payload was encrypted this way.
    :param forward_for: the sessions it came through.
    :param trustlevel: how far the router trusts the publisher.
    :param ppt: the ``ppt_...`` options, when the payload came in payload passthru mode.
    """

    TESTS = {"Subscription": Subscription}
    fields = {
        "subscription": _subscription,
        "publication": ident,
        "publisher": ident,
        "publisher_authid": text,
        "publisher_authrole": text,
        "topic": text,
        "retained": flag,
        "transaction_hash": text,
        "enc_algo": text,
        "forward_for": hops,
        "trustlevel": count,
        "ppt": mapping,
    }
    required = ("subscription", "publication")


# --- remote procedure calls ------------------------------------------------------------------------------------------


class RegisterOptions(_WithDetailsArg):
    """How to register.

    :param match: ``exact``, ``prefix`` or ``wildcard``.
    :param invoke: how several callees share the procedure: ``single``, ``first``, ``last``, ``roundrobin``, ``random``.
    :param concurrency: most invocations that run at a time.
    :param force_reregister: take the procedure over from whoever has it.
    :param forward_for: the sessions it came through.
    :param details: True: the endpoint takes :class:`CallDetails` in its keyword argument ``details``.
    :param details_arg: the same under another name.
    :param disclose_caller: ask that the endpoint is told who calls.
    :param forward_timeout: the callee, not the router, watches over the timeout of calls.
    :param progressive: True: the endpoint takes its input in pieces. It is called with nothing but its details (so
        ``details`` is implied), and ``details.chunks`` has the pieces: see :class:`Chunks`.
    :param on_revoked: called with the :class:`Registration` and the reason (a URI or None) when the router takes it away.
    """

    fields = {
        "match": _match,
        "invoke": _invoke,
        "concurrency": positive,
        "force_reregister": flag,
        "forward_for": hops,
        "details": flag,
        "details_arg": text,
        **_CORRELATION,
        "disclose_caller": flag,
        "forward_timeout": flag,
        "progressive": flag,
        "on_revoked": _function,
    }
    written = (
        "match",
        "invoke",
        "concurrency",
        "force_reregister",
        "forward_for",
        "disclose_caller",
        "forward_timeout",
    )

    def _normalize(self) -> None:
        super()._normalize()
        if self.progressive and self.details_arg is None:
            self.details_arg = "details"

    def message_attr(self) -> dict[str, Any]:
        """Return the options as a REGISTER message has them."""
        return self._written()  # type: ignore[no-any-return]


class CallDetails(Record):
    """What is known about an invocation.

    :param registration: the :class:`Registration` it came through.
    :param progress: call it with interim results, or None: the caller takes none.
    :param caller, caller_authid, caller_authrole: who called, when disclosed.
    :param procedure: the procedure.
    :param transaction_hash: the application transaction it belongs to.
    :param enc_algo: the payload was encrypted this way.
    :param forward_for: the sessions it came through.
    :param timeout: seconds after which the call is given up, when this session is to see to that.
    :param trustlevel: how far the router trusts the caller.
    :param chunks: the input, for an endpoint registered with ``progressive``: :class:`Chunks`.
    :param ppt: the ``ppt_...`` options, when the payload came in payload passthru mode.
    """

    TESTS = {"Registration": Registration}
    fields = {
        "registration": _registration,
        "progress": _function,
        "caller": ident,
        "caller_authid": text,
        "caller_authrole": text,
        "procedure": text,
        "transaction_hash": text,
        "enc_algo": text,
        "forward_for": hops,
        "timeout": _seconds,
        "trustlevel": count,
        "chunks": anything,
        "ppt": mapping,
    }
    required = ("registration",)


class CallOptions(_WithPassthru):
    """How to call.

    :param on_progress: called with each interim result.
    :param timeout: seconds after which the call ends with ``wamp.error.timeout``; between two interim results, when there
        are some. The router is told, in its unit, and this session watches, too.
    :param transaction_hash: an application transaction it belongs to.
    :param caller, caller_authid, caller_authrole: on whose behalf (router-to-router links).
    :param forward_for: the sessions it came through.
    :param details: True: the result is always a :class:`CallResult`.
    :param cancel_mode: what cancelling the future asks the router for: ``skip``, ``kill`` or ``killnowait``; None leaves it
        to the router.
    :param disclose_me: ask that the callee is told who calls.
    :param rkey: sharded registrations: names the shard; written with ``runmode="partition"``.
    :param runmode: ``partition``, which is what ``rkey`` implies.
    :param ppt_scheme, ppt_serializer, ppt_cipher, ppt_keyid: payload passthru mode: the payload travels as one binary that
        the router does not look into. See docs/howto/advanced.md.
    """

    fields = {
        "on_progress": _function,
        "timeout": _seconds,
        "transaction_hash": text,
        "caller": ident,
        "caller_authid": text,
        "caller_authrole": text,
        "forward_for": hops,
        **_CORRELATION,
        "details": flag,
        "cancel_mode": _cancel_mode,
        "disclose_me": flag,
        "rkey": text,
        "runmode": _runmode,
        **_PPT,
    }
    written = (
        "timeout",
        "transaction_hash",
        "forward_for",
        "caller",
        "caller_authid",
        "caller_authrole",
        "disclose_me",
        "rkey",
        "runmode",
        *_PPT,
    )

    def message_attr(self) -> dict[str, Any]:
        """Return the options as a CALL message has them."""
        options: dict[str, Any] = self._written()
        if self.on_progress is not None:
            options["receive_progress"] = True
        if self.rkey is not None:
            options["runmode"] = "partition"
        return options


class CallResult(Record):
    """A result with keyword values, more than one positional value, or details.

    :param results: positional values.
    :param kwresults: keyword values. ``enc_algo``, ``callee``, ``callee_authid``, ``callee_authrole`` and
        ``forward_for`` are not values: they become attributes.
    """

    FIELDS = {
        "results": anything,
        "kwresults": anything,
        "enc_algo": text,
        "callee": ident,
        "callee_authid": text,
        "callee_authrole": text,
        "forward_for": hops,
    }
    __slots__ = tuple(FIELDS)

    def __init__(self, *results: Any, **kwresults: Any) -> None:
        for name in ("enc_algo", "callee", "callee_authid", "callee_authrole", "forward_for"):
            value = kwresults.pop(name, None)
            if value is not None and not self.FIELDS[name].accepts(value):
                raise InvalidArgument(f"CallResult: {name} must be {self.FIELDS[name].name}, not {type(value)}")
            setattr(self, name, value)
        self.results = results
        self.kwresults = kwresults


class EncodedPayload(Record):
    """What a payload codec makes of a payload.

    :param payload: the octets.
    :param enc_algo: how they were made.
    :param enc_serializer: the serializer of the plain payload.
    :param enc_key: names the key.
    """

    fields = {"payload": _bytes, "enc_algo": text, "enc_serializer": text, "enc_key": text}
    required = ("payload", "enc_algo")
    HIDDEN = ("payload", "enc_key")


also_from(__name__, "util")
