# SPDX-License-Identifier: MIT
"""The FlatBuffers schemas of the WAMP project as tables: which field of which table stands where.

Knows names, types and order of fields and the values of enumerations (``wamp/flatbuffers/*.fbs`` of the specification).
Does not know how any of it is read or written, nor the message classes.

A field's place in its table is its *slot*. Its type is a scalar (``bool``, ``u8`` to ``u64``, or an enumeration), ``str``,
``octets``, another table, or a vector of one of these, in brackets.
"""

from __future__ import annotations

__all__ = ("CODES", "ENUMS", "MESSAGES", "TABLES", "message_name")

# Values in order, from 0. None: not set.
ENUMS: dict[str, tuple[str | None, ...]] = {
    "AuthMethod": ("anonymous", "ticket", "wampcra", "wamp-scram", "cryptosign"),
    "CancelMode": ("skip", "kill", "killnowait"),
    "InvocationPolicy": ("single", "first", "last", "roundrobin", "random"),
    "Match": ("exact", "prefix", "wildcard"),
    "PPTScheme": (None, "cryptobox", "mqtt", "xbr", "opaque"),
    "PPTSerializer": (None, "json", "msgpack", "cbor", "ubjson", "opaque", "flatbuffers", "flexbuffers"),
    "PPTCipher": (None, "xsalsa20poly1305", "aes256gcm"),
}

_PAYLOAD = {
    "args": "octets",
    "kwargs": "octets",
    "payload": "octets",
    "ppt_scheme": "PPTScheme",
    "ppt_serializer": "PPTSerializer",
    "ppt_cipher": "PPTCipher",
    "ppt_keyid": "str",
}
_REQUEST = {"session": "u64", "request": "u64"}
_HOPS = {"forward_for": "[Principal]"}
_CALLER = {"caller": "u64", "caller_authid": "str", "caller_authrole": "str"}
_CALLEE = {"callee": "u64", "callee_authid": "str", "callee_authrole": "str"}


def _flags(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "bool")


# The tables of messages, by name; ``session`` is the session on the sending node and not part of WAMP but in WELCOME.
MESSAGES: dict[str, dict[str, str]] = {
    "Hello": {
        "session": "u64",
        "roles": "ClientRoles",
        "realm": "str",
        "authmethods": "[AuthMethod]",
        "authid": "str",
        "authrole": "str",
        "authextra": "Map",
        "resumable": "bool",
        "resume_session": "u64",
        "resume_token": "str",
    },
    "Welcome": {
        "session": "u64",
        "roles": "RouterRoles",
        "realm": "str",
        "authid": "str",
        "authrole": "str",
        "authmethod": "AuthMethod",
        "authprovider": "str",
        "authextra": "Map",
        "resumed": "bool",
        "resumable": "bool",
        "resume_token": "str",
    },
    "Abort": {"session": "u64", "reason": "str", "message": "str"},
    "Challenge": {"session": "u64", "method": "AuthMethod", "extra": "Map"},
    "Authenticate": {"session": "u64", "signature": "str", "extra": "Map"},
    "Goodbye": {"session": "u64", "reason": "str", "message": "str", "resumable": "bool"},
    "Error": {"session": "u64", "request_type": "u16", "request": "u64", "error": "str", **_PAYLOAD, **_HOPS},
    "Publish": {
        **_REQUEST,
        "topic": "str",
        **_PAYLOAD,
        "acknowledge": "bool",
        "exclude_me": "bool",
        "exclude": "[u64]",
        "exclude_authid": "[str]",
        "exclude_authrole": "[str]",
        "eligible": "[u64]",
        "eligible_authid": "[str]",
        "eligible_authrole": "[str]",
        "retain": "bool",
        "transaction_hash": "str",
        **_HOPS,
    },
    "Published": {**_REQUEST, "publication": "u64"},
    "Subscribe": {**_REQUEST, "topic": "str", "match": "Match", "get_retained": "bool"},
    "Subscribed": {**_REQUEST, "subscription": "u64"},
    "Unsubscribe": {**_REQUEST, "subscription": "u64"},
    "Unsubscribed": {**_REQUEST, "subscription": "u64", "reason": "str"},
    "Event": {
        "session": "u64",
        "subscription": "u64",
        "publication": "u64",
        **_PAYLOAD,
        "publisher": "u64",
        "publisher_authid": "str",
        "publisher_authrole": "str",
        "topic": "str",
        "retained": "bool",
        "transaction_hash": "str",
        "acknowledge": "bool",
        **_HOPS,
    },
    "EventReceived": {"session": "u64", "publication": "u64", **_HOPS},
    "Call": {
        **_REQUEST,
        "procedure": "str",
        **_PAYLOAD,
        "timeout": "u32",
        "receive_progress": "bool",
        "transaction_hash": "str",
        **_CALLER,
        **_HOPS,
    },
    "Cancel": {**_REQUEST, "mode": "CancelMode", **_HOPS},
    "Result": {**_REQUEST, **_PAYLOAD, "progress": "bool", **_CALLEE, **_HOPS},
    "Register": {
        **_REQUEST,
        "procedure": "str",
        "match": "Match",
        "invoke": "InvocationPolicy",
        "concurrency": "u16",
        "force_reregister": "bool",
    },
    "Registered": {**_REQUEST, "registration": "u64"},
    "Unregister": {**_REQUEST, "registration": "u64"},
    "Unregistered": {**_REQUEST, "registration": "u64", "reason": "str"},
    "Invocation": {
        **_REQUEST,
        "registration": "u64",
        **_PAYLOAD,
        "procedure": "str",
        "timeout": "u32",
        "receive_progress": "bool",
        "transaction_hash": "str",
        **_CALLER,
        **_HOPS,
    },
    "Interrupt": {**_REQUEST, "mode": "CancelMode", "reason": "str", **_HOPS},
    "Yield": {**_REQUEST, **_PAYLOAD, "progress": "bool", **_CALLEE, **_HOPS},
}

# All tables, by name.
TABLES: dict[str, dict[str, str]] = {
    **MESSAGES,
    "Map": {"key": "str", "value": "str"},
    "Principal": {"session": "u64", "authid": "str", "authrole": "str"},
    "ClientRoles": {
        "publisher": "PublisherFeatures",
        "subscriber": "SubscriberFeatures",
        "caller": "CallerFeatures",
        "callee": "CalleeFeatures",
    },
    "RouterRoles": {"broker": "BrokerFeatures", "dealer": "DealerFeatures"},
    "BrokerFeatures": _flags(
        "publisher_identification publisher_exclusion subscriber_blackwhite_listing pattern_based_subscription "
        "publication_trustlevels subscription_revocation session_meta_api subscription_meta_api event_retention "
        "event_history acknowledge_event_received acknowledge_subscriber_received payload_transparency "
        "payload_encryption_cryptobox"
    ),
    "PublisherFeatures": _flags(
        "publisher_identification publisher_exclusion subscriber_blackwhite_listing acknowledge_event_received "
        "payload_transparency payload_encryption_cryptobox"
    ),
    "SubscriberFeatures": _flags(
        "publisher_identification pattern_based_subscription publication_trustlevels subscription_revocation "
        "event_history acknowledge_subscriber_received payload_transparency payload_encryption_cryptobox"
    ),
    "DealerFeatures": _flags(
        "caller_identification call_trustlevels call_timeout call_canceling progressive_call_results "
        "registration_revocation pattern_based_registration shared_registration session_meta_api registration_meta_api "
        "testament_meta_api payload_transparency payload_encryption_cryptobox"
    ),
    "CallerFeatures": _flags(
        "caller_identification call_timeout call_canceling progressive_call_results payload_transparency "
        "payload_encryption_cryptobox"
    ),
    "CalleeFeatures": _flags(
        "caller_identification call_trustlevels call_timeout call_canceling progressive_call_results "
        "registration_revocation pattern_based_registration shared_registration payload_transparency "
        "payload_encryption_cryptobox"
    ),
}

# What says in ``Message.msg_type`` which table ``Message.msg`` is: the type codes of WAMP, but for EVENT_RECEIVED, whose
# code does not fit into the octet.
CODES: dict[int, str] = {
    1: "Hello",
    2: "Welcome",
    3: "Abort",
    4: "Challenge",
    5: "Authenticate",
    6: "Goodbye",
    8: "Error",
    16: "Publish",
    17: "Published",
    32: "Subscribe",
    33: "Subscribed",
    34: "Unsubscribe",
    35: "Unsubscribed",
    36: "Event",
    37: "EventReceived",
    48: "Call",
    49: "Cancel",
    50: "Result",
    64: "Register",
    65: "Registered",
    66: "Unregister",
    67: "Unregistered",
    68: "Invocation",
    69: "Interrupt",
    70: "Yield",
}


def message_name(table: str) -> str:
    """Return a message's name in the specification (``EVENT_RECEIVED``) by that of its table."""
    return "EVENT_RECEIVED" if table == "EventReceived" else table.upper()
