# SPDX-License-Identifier: MIT
"""The 25 WAMP messages, each declared once, and the checks of ids, URIs and realm names.

A declaration names the elements and options of a message in the order of the constructor's parameters; ``_schema``
makes ``__init__``, ``parse``, ``marshal`` and ``__eq__`` of it. Knows nothing about sessions, codecs or transports.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from autobahn_fast._names import also_from
from autobahn_fast.wamp._checks import (  # noqa: F401 - names of autobahn's module, some of which Crossbar imports
    _CUSTOM_ATTRIBUTE,
    _URI_PAT_LOOSE_EMPTY,
    _URI_PAT_LOOSE_LAST_EMPTY,
    _URI_PAT_LOOSE_NON_EMPTY,
    _URI_PAT_REALM_NAME,
    _URI_PAT_REALM_NAME_ENS,
    _URI_PAT_REALM_NAME_ENS_REVERSE,
    _URI_PAT_REALM_NAME_ETH,
    _URI_PAT_STRICT_EMPTY,
    _URI_PAT_STRICT_LAST_EMPTY,
    _URI_PAT_STRICT_NON_EMPTY,
    ENC_ALGO_CRYPTOBOX,
    ENC_ALGO_MQTT,
    ENC_ALGO_NONE,
    ENC_ALGO_XBR,
    ENC_ALGOS,
    ENC_ALGOS_FROMSTR,
    ENC_SER_CBOR,
    ENC_SER_FLATBUFFERS,
    ENC_SER_JSON,
    ENC_SER_MSGPACK,
    ENC_SER_NONE,
    ENC_SER_OPAQUE,
    ENC_SER_UBJSON,
    ENC_SERS,
    ENC_SERS_FROMSTR,
    PAYLOAD_ENC_CRYPTO_BOX,
    PAYLOAD_ENC_MQTT,
    PAYLOAD_ENC_STANDARD_IDENTIFIERS,
    PAYLOAD_ENC_STANDARD_SERIALIZERS,
    PAYLOAD_ENC_XBR,
    URI_PATTERNS,
    b2a,
    check_or_raise_extra,
    check_or_raise_id,
    check_or_raise_realm_name,
    check_or_raise_uri,
    identify_realm_name_category,
    is_valid_enc_algo,
    is_valid_enc_serializer,
    shown,
)
from autobahn_fast.wamp._kinds import (
    Kind,
    UriKind,
    count,
    flag,
    hops,
    ident,
    ids,
    mapping,
    one_of,
    pattern_uri,
    positive,
    roles_kind,
    text,
    texts,
    uri,
)
from autobahn_fast.wamp._schema import BASE_FIELDS, MessageType, Schema, WithTable
from autobahn_fast.wamp.exception import ProtocolError

__all__ = (
    "PAYLOAD_ENC_CRYPTO_BOX",
    "PAYLOAD_ENC_MQTT",
    "PAYLOAD_ENC_STANDARD_IDENTIFIERS",
    "Abort",
    "Authenticate",
    "Call",
    "Cancel",
    "Challenge",
    "Error",
    "Event",
    "EventReceived",
    "Goodbye",
    "Hello",
    "Interrupt",
    "Invocation",
    "Message",
    "MessageWithAppPayload",
    "MessageWithForwardFor",
    "Publish",
    "Published",
    "Register",
    "Registered",
    "Result",
    "Subscribe",
    "Subscribed",
    "Unregister",
    "Unregistered",
    "Unsubscribe",
    "Unsubscribed",
    "Welcome",
    "Yield",
    "check_or_raise_extra",
    "check_or_raise_id",
    "check_or_raise_realm_name",
    "check_or_raise_uri",
    "identify_realm_name_category",
    "is_valid_enc_algo",
    "is_valid_enc_serializer",
    "parse_message",
)

# --- base classes ----------------------------------------------------------------------------------------------------


class Message(WithTable, metaclass=MessageType):
    """Base of all messages.

    ``correlation_id``, ``correlation_uri``, ``correlation_is_anchor``, ``correlation_is_last`` tie messages of one
    transaction together for tracing; they are local and never sent.
    """

    __slots__ = tuple(BASE_FIELDS)
    SCHEMA: Schema
    MESSAGE_TYPE: int | None = None

    if TYPE_CHECKING:
        _serialized: dict[Any, bytes]

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    else:

        def __init__(self, from_fbs=None):
            self._from_fbs = from_fbs
            self._serialized = {}
            self.correlation_id = None
            self.correlation_uri = None
            self.correlation_is_anchor = None
            self.correlation_is_last = None
            self._router_internal = None

    @staticmethod
    def parse(wmsg: list[Any]) -> Message:
        """Make a message of a list as it came off the wire, whatever its type. See :func:`parse_message`."""
        return parse_message(wmsg)

    def marshal(self) -> list[Any]:
        """Return the message as a list, ready for a serializer."""
        raise ProtocolError(f"{type(self).__name__} is no WAMP message")

    def serialize(self, serializer: Any) -> bytes:
        """Return the message in octets.

        :param serializer: an object serializer. The octets are kept per serializer until :meth:`uncache`.
        """
        data: bytes | None = self._serialized.get(serializer)
        if data is None:
            value = self if getattr(serializer, "NAME", "") == "flatbuffers" else self.marshal()
            data = self._serialized[serializer] = serializer.serialize(value)
        return data

    def uncache(self) -> None:
        """Forget the serialized forms. To be called after an attribute was changed."""
        self._serialized = {}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Values are cut short, secrets are not shown: this is what ends up in logs.
        shown_fields = []
        for field in self.SCHEMA.fields if self.MESSAGE_TYPE else ():
            value = getattr(self, field)
            if value is not None:
                shown_fields.append(f"{field}={'<hidden>' if field in _SECRET else _short.repr(value)}")
        return f"{type(self).__name__}({', '.join(shown_fields)})"

    __str__ = __repr__


for _name in ("correlation_id", "correlation_uri", "correlation_is_anchor", "correlation_is_last"):
    setattr(Message, f"_{_name}", vars(Message)[_name])


class _Short(reprlib.Repr):
    """Short whatever is in it; Python refuses to write out integers of more than a few thousand digits."""

    def repr_int(self, x: int, level: int) -> str:
        return shown(x)


_short = _Short()
_SECRET = ("signature", "authextra", "extra", "resume_token", "enc_key")


def _field(name: str, doc: str) -> property:
    def missing(self: Any, *value: Any) -> Any:  # stands for the slot that each message class has under this name
        raise AttributeError(f"{type(self).__name__} has no {name}")

    return property(missing, missing, doc=doc)


class MessageWithAppPayload:
    """What all messages with an application payload have."""

    __slots__ = ()

    args = _field("args", "Positional payload: a list, or None.")
    kwargs = _field("kwargs", "Keyword payload: a dict, or None.")
    payload = _field("payload", "The payload as one binary, encoded by a payload codec, or None.")
    enc_algo = _field("enc_algo", "With ``payload``: the algorithm.")
    enc_key = _field("enc_key", "With ``payload``: names the key.")
    enc_serializer = _field("enc_serializer", "With ``payload``: the serializer of the plain payload.")


class MessageWithForwardFor:
    """What all messages that are passed on between routers have."""

    __slots__ = ()

    forward_for = _field("forward_for", "The sessions it came through: a list of {session, authid, authrole}, or None.")


# --- options that occur in several messages --------------------------------------------------------------------------

_custom_name = "is_custom_name(v) is not None"
ENC: dict[str, Kind] = {
    "enc_algo": Kind(
        "encryption algorithm",
        f"type(v) is str and (v in {tuple(PAYLOAD_ENC_STANDARD_IDENTIFIERS)!r} or {_custom_name})",
        str,
    ),
    "enc_key": text,
    "enc_serializer": Kind(
        "payload serializer",
        f"type(v) is str and (v in {tuple(PAYLOAD_ENC_STANDARD_SERIALIZERS)!r} or {_custom_name})",
        str,
    ),
}
# Payload passthru mode: describes the one binary that args hold.
PPT: dict[str, Kind] = {"ppt_scheme": text, "ppt_serializer": text, "ppt_cipher": text, "ppt_keyid": text}
FORWARD_FOR: dict[str, Kind] = {"forward_for": hops}
CALLER: dict[str, Kind] = {"caller": ident, "caller_authid": text, "caller_authrole": text}
CALLEE: dict[str, Kind] = {"callee": ident, "callee_authid": text, "callee_authrole": text}
PUBLISHER: dict[str, Kind] = {"publisher": ident, "publisher_authid": text, "publisher_authrole": text}

_MATCH = ("exact", "prefix", "wildcard")
_INVOKE = ("single", "first", "last", "roundrobin", "random")
_realm = UriKind("realm, or None", f"v is None or ({uri.test})", str)
_request_type = Kind("type code of a request", "type(v) is int and v in (16, 32, 34, 48, 49, 64, 66, 68)", int)
_custom = Kind("dict of x_...", "False", dict, on_wire=False)
_router_roles = roles_kind(("broker", "dealer"))
_client_roles = roles_kind(("publisher", "subscriber", "caller", "callee"))


def _check_match(value: str, match: str, where: str) -> None:
    if match != "wildcard" and not URI_PATTERNS[False, False, match == "prefix"].match(value):
        uri.refuse(value, where)


# --- the session's life ----------------------------------------------------------------------------------------------


class Hello(Message, code=1, word="detail"):
    """``[HELLO, Realm|uri, Details|dict]``"""

    wire = {"realm": _realm, "*": None}
    options = {
        "roles": _client_roles,
        "authmethods": texts,
        "authid": text,
        "authrole": text,
        "authextra": mapping,
        "resumable": flag,
        "resume-session": ident,
        "resume-token": text,
    }

    def _finish(self, details: dict[str, Any]) -> None:
        if self.roles is None:
            raise ProtocolError("missing mandatory 'roles' detail in HELLO")
        if (self.resume_session is None) != (self.resume_token is None):
            raise ProtocolError("'resume-session' and 'resume-token' in HELLO must be given together")


class Welcome(Message, code=2, word="detail"):
    """``[WELCOME, Session|id, Details|dict]``; ``custom`` holds the router's own details, named ``x_...``."""

    wire = {"session": ident, "*": None}
    options = {
        "roles": _router_roles,
        "realm": uri,
        "authid": text,
        "authrole": text,
        "authmethod": text,
        "authprovider": text,
        "authextra": mapping,
        "resumed": flag,
        "resumable": flag,
        "resume_token": text,
        "custom": _custom,
    }
    empty = ("custom",)
    last = ("roles",)

    def _finish(self, details: dict[str, Any]) -> None:
        if self.roles is None:
            raise ProtocolError("missing mandatory 'roles' detail in WELCOME")
        if self.resumable and self.resume_token is None:
            raise ProtocolError("'resume_token' detail is needed with 'resumable' in WELCOME")
        self.custom = {key: value for key, value in details.items() if _CUSTOM_ATTRIBUTE.match(key)}


class Abort(Message, code=3, word="detail"):
    """``[ABORT, Details|dict, Reason|uri]``"""

    wire = {"*": None, "reason": uri}
    options = {"message": text}


class Challenge(Message, code=4):
    """``[CHALLENGE, AuthMethod|string, Extra|dict]``"""

    wire = {"method": text, "extra": mapping}
    empty = ("extra",)


class Authenticate(Message, code=5):
    """``[AUTHENTICATE, Signature|string, Extra|dict]``"""

    wire = {"signature": text, "extra": mapping}
    empty = ("extra",)


class Goodbye(Message, code=6, word="detail"):
    """``[GOODBYE, Details|dict, Reason|uri]``"""

    DEFAULT_REASON = "wamp.close.normal"

    wire = {"*": None, "reason": uri}
    options = {"message": text, "resumable": flag}
    defaults = {"reason": DEFAULT_REASON}


class Error(MessageWithAppPayload, MessageWithForwardFor, Message, code=8, word="detail"):
    """``[ERROR, REQUEST.Type|int, REQUEST.Request|id, Details|dict, Error|uri, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request_type": _request_type, "request": ident, "*": None, "error": uri, "payload": None}
    options = {**ENC, **CALLEE, **FORWARD_FOR}
    last = tuple(ENC)
    extra = PPT


# --- publish and subscribe -------------------------------------------------------------------------------------------


class Publish(MessageWithAppPayload, MessageWithForwardFor, Message, code=16):
    """``[PUBLISH, Request|id, Options|dict, Topic|uri, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request": ident, "*": None, "topic": uri, "payload": None}
    options = {
        "acknowledge": flag,
        "exclude_me": flag,
        "exclude": ids,
        "exclude_authid": texts,
        "exclude_authrole": texts,
        "eligible": ids,
        "eligible_authid": texts,
        "eligible_authrole": texts,
        "retain": flag,
        "transaction_hash": text,
        **ENC,
        **FORWARD_FOR,
    }
    extra = {"disclose_me": flag, "rkey": text, **PPT}


class Published(Message, code=17):
    """``[PUBLISHED, PUBLISH.Request|id, Publication|id]``"""

    wire = {"request": ident, "publication": ident}


class Subscribe(MessageWithForwardFor, Message, code=32):
    """``[SUBSCRIBE, Request|id, Options|dict, Topic|uri]``"""

    MATCH_EXACT, MATCH_PREFIX, MATCH_WILDCARD = _MATCH

    wire = {"request": ident, "*": None, "topic": pattern_uri}
    options = {"match": one_of(*_MATCH, default="exact"), "get_retained": flag, **FORWARD_FOR}
    extra = {"nkey": text}


class Subscribed(Message, code=33):
    """``[SUBSCRIBED, SUBSCRIBE.Request|id, Subscription|id]``"""

    wire = {"request": ident, "subscription": ident}


class Unsubscribe(MessageWithForwardFor, Message, code=34):
    """``[UNSUBSCRIBE, Request|id, SUBSCRIBED.Subscription|id]``, and perhaps ``Options|dict``"""

    wire = {"request": ident, "subscription": ident, "*?": None}
    options = FORWARD_FOR


class Unsubscribed(Message, code=35, word="detail"):
    """``[UNSUBSCRIBED, UNSUBSCRIBE.Request|id]``; ``[UNSUBSCRIBED, 0, Details|dict]``: revoked by the router"""

    wire = {"request": ident, "*?": None}
    options = {"subscription": ident, "reason": uri}
    last = ("subscription",)

    def _finish(self, details: dict[str, Any]) -> None:
        if self.request and (self.subscription is not None or self.reason is not None):
            raise ProtocolError("'subscription' and 'reason' details in UNSUBSCRIBED go with request 0 only")


class Event(MessageWithAppPayload, MessageWithForwardFor, Message, code=36, word="detail"):
    """``[EVENT, Subscription|id, Publication|id, Details|dict, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"subscription": ident, "publication": ident, "*": None, "payload": None}
    options = {
        **PUBLISHER,
        "topic": pattern_uri,
        "retained": flag,
        "transaction_hash": text,
        "x_acknowledged_delivery": flag,
        **ENC,
        **FORWARD_FOR,
    }
    last = tuple(ENC)
    extra = {"trustlevel": count, **PPT}


class EventReceived(Message, code=337, spec="EVENT_RECEIVED"):
    """``[EVENT_RECEIVED, EVENT.Publication|id]``"""

    wire = {"publication": ident}


# --- remote procedure calls ------------------------------------------------------------------------------------------


class Call(MessageWithAppPayload, MessageWithForwardFor, Message, code=48):
    """``[CALL, Request|id, Options|dict, Procedure|uri, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request": ident, "*": None, "procedure": uri, "payload": None}
    options = {
        "timeout": count,
        "receive_progress": flag,
        "transaction_hash": text,
        **ENC,
        **CALLER,
        **FORWARD_FOR,
    }
    extra = {"progress": flag, "disclose_me": flag, "rkey": text, "runmode": text, **PPT}


class Cancel(MessageWithForwardFor, Message, code=49):
    """``[CANCEL, CALL.Request|id, Options|dict]``"""

    SKIP = "skip"
    KILL = "kill"
    KILLNOWAIT = "killnowait"

    wire = {"request": ident, "*": None}
    options = {"mode": one_of(SKIP, KILL, KILLNOWAIT), **FORWARD_FOR}


class Result(MessageWithAppPayload, MessageWithForwardFor, Message, code=50, word="detail"):
    """``[RESULT, CALL.Request|id, Details|dict, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request": ident, "*": None, "payload": None}
    options = {"progress": flag, **ENC, **CALLEE, **FORWARD_FOR}
    last = tuple(ENC)
    extra = PPT


class Register(MessageWithForwardFor, Message, code=64):
    """``[REGISTER, Request|id, Options|dict, Procedure|uri]``"""

    MATCH_EXACT, MATCH_PREFIX, MATCH_WILDCARD = _MATCH
    INVOKE_SINGLE, INVOKE_FIRST, INVOKE_LAST, INVOKE_ROUNDROBIN, INVOKE_RANDOM = _INVOKE

    wire = {"request": ident, "*": None, "procedure": pattern_uri}
    options = {
        "match": one_of(*_MATCH, default="exact"),
        "invoke": one_of(*_INVOKE, default="single"),
        "concurrency": positive,
        "force_reregister": flag,
        **FORWARD_FOR,
    }
    extra = {"disclose_caller": flag, "forward_timeout": flag}

    def _finish(self, options: dict[str, Any]) -> None:
        _check_match(self.procedure, self.match, "'procedure' in REGISTER")


class Registered(Message, code=65):
    """``[REGISTERED, REGISTER.Request|id, Registration|id]``"""

    wire = {"request": ident, "registration": ident}


class Unregister(MessageWithForwardFor, Message, code=66):
    """``[UNREGISTER, Request|id, REGISTERED.Registration|id]``, and perhaps ``Options|dict``"""

    wire = {"request": ident, "registration": ident, "*?": None}
    options = FORWARD_FOR


class Unregistered(Message, code=67, word="detail"):
    """``[UNREGISTERED, UNREGISTER.Request|id]``; ``[UNREGISTERED, 0, Details|dict]``: revoked by the router"""

    wire = {"request": ident, "*?": None}
    options = {"registration": ident, "reason": uri}
    last = ("registration",)

    def _finish(self, details: dict[str, Any]) -> None:
        if self.request and (self.registration is not None or self.reason is not None):
            raise ProtocolError("'registration' and 'reason' details in UNREGISTERED go with request 0 only")


class Invocation(MessageWithAppPayload, MessageWithForwardFor, Message, code=68, word="detail"):
    """``[INVOCATION, Request|id, REGISTERED.Registration|id, Details|dict, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request": ident, "registration": ident, "*": None, "payload": None}
    options = {
        "timeout": count,
        "receive_progress": flag,
        **CALLER,
        "procedure": pattern_uri,
        "transaction_hash": text,
        **ENC,
        **FORWARD_FOR,
    }
    last = tuple(ENC)
    extra = {"progress": flag, "trustlevel": count, **PPT}


class Interrupt(MessageWithForwardFor, Message, code=69):
    """``[INTERRUPT, INVOCATION.Request|id, Options|dict]``"""

    KILL = "kill"
    KILLNOWAIT = "killnowait"

    wire = {"request": ident, "*": None}
    options = {"mode": one_of(KILL, KILLNOWAIT), "reason": uri, **FORWARD_FOR}


class Yield(MessageWithAppPayload, MessageWithForwardFor, Message, code=70):
    """``[YIELD, INVOCATION.Request|id, Options|dict, Arguments|list, ArgumentsKw|dict]``"""

    wire = {"request": ident, "*": None, "payload": None}
    options = {"progress": flag, **ENC, **CALLEE, **FORWARD_FOR}
    last = tuple(ENC)
    extra = PPT


MESSAGE_CLASSES: dict[int, type[Message]] = {cls.SCHEMA.code: cls for cls in Message.__subclasses__()}
_PARSERS: dict[int, Any] = {}  # those that were needed


def parse_message(wmsg: Any) -> Message:
    """Make a message of a list as it came off the wire.

    :raises ProtocolError: it is not a valid WAMP message.
    """
    if type(wmsg) is not list:
        raise ProtocolError(f"invalid type {type(wmsg)} for a WAMP message: must be a list")
    if not wmsg:
        raise ProtocolError("invalid WAMP message: empty list")
    code = wmsg[0]
    if type(code) is not int:
        raise ProtocolError(f"invalid type {type(code)} for the type code of a WAMP message")
    parse = _PARSERS.get(code)
    if parse is None:
        if code not in MESSAGE_CLASSES:
            raise ProtocolError(f"invalid WAMP message type {shown(code)}")
        parse = _PARSERS[code] = MESSAGE_CLASSES[code].parse
    return parse(wmsg)


also_from(__name__, "wamp.exception", "wamp.role", "util")
