# SPDX-License-Identifier: MIT
"""What broker and dealer share: how requests are refused, what a message tells about its payload and its sender, sharding.

Knows the names of options and details. Does not know subscriptions, registrations or calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from autobahn_fast.router.session import RouterSession

__all__ = (
    "CACHED",
    "CACHED_LENGTH",
    "InvalidOption",
    "InvalidUri",
    "Refused",
    "identity",
    "passed_on",
    "shard",
    "whole",
)

T = TypeVar("T")

# Topics and procedures remembered with what they match, at most; longer URIs are looked up each time.
CACHED = 10_000
CACHED_LENGTH = 512

_ENCRYPTION = ("enc_algo", "enc_serializer", "enc_key")
_PASSTHRU = ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")
_MORE = ("transaction_hash",)

DISCLOSURE_REFUSED = "wamp.error.option_disallowed.disclose_me"
FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"


class InvalidOption(ValueError):
    """An option of a peer's message has a value of a wrong type, or was not announced: a protocol violation."""


class InvalidUri(ValueError):
    """A URI of a peer is none, or is reserved for the router (``wamp.``). Answered with ``wamp.error.invalid_uri``."""


class Refused(Exception):
    """A request cannot be done; answered with an ERROR.

    :param error: its URI.
    :param text: says why, for the peer's log.
    """

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error
        self.text = text


def passed_on(options: dict[str, Any], session: RouterSession, role: str) -> dict[str, Any] | None:
    """What a message tells its receiver about its payload; None when there is nothing to tell.

    :param session: the sender, who acts as ``role`` (publisher, caller or callee).
    :raises InvalidOption: payload passthru mode that the sender did not announce, or without its scheme.
    """
    found: dict[str, Any] = {}
    if "enc_algo" in options:
        found = {name: options[name] for name in _ENCRYPTION if isinstance(options.get(name), str)}
    for name in _MORE:
        if isinstance(options.get(name), str):
            found[name] = options[name]
    given = [name for name in _PASSTHRU if name in options]
    if given:
        for name in given:
            if type(options[name]) is not str:
                raise InvalidOption(f"option {name!r} must be text")
            found[name] = options[name]
        if "ppt_scheme" not in options:
            raise InvalidOption(f"option {given[0]!r} without 'ppt_scheme'")
        if not can_passthru(session, role):
            raise InvalidOption(f"payload passthru mode, which the {role} did not announce")
    return found or None


def can_passthru(session: RouterSession, role: str) -> bool:
    """Whether ``session`` announced payload passthru mode in this role."""
    return f"{role}.payload_passthru_mode" in session.features


def whole(value: Any) -> Any:
    """An integer for a float that is one, anything else as it is.

    JavaScript has one type of numbers: its libraries write integers above 2^32 as floats in MessagePack and CBOR, and ids of
    sessions are as large as that.
    """
    return int(value) if type(value) is float and value.is_integer() else value


def identity(session: RouterSession, name: str) -> dict[str, Any]:
    """Details that disclose ``session``; ``name`` is "caller" or "publisher"."""
    return {name: session.id, f"{name}_authid": session.authid, f"{name}_authrole": session.authrole}


def wants_disclosure(options: dict[str, Any], allowed: bool) -> bool:
    """Whether ``disclose_me`` asks that the sender is disclosed.

    :param allowed: whether the realm has it.
    :raises Refused: it asks, and may not.
    """
    if options.get("disclose_me") is not True:
        return False
    if not allowed:
        raise Refused(DISCLOSURE_REFUSED, "this realm does not disclose callers and publishers")
    return True


def shard(key: str, nodes: Iterable[tuple[str, T]]) -> T:
    """The node that is responsible for ``key``: the same one as long as it is there, whatever others come and go.

    :param nodes: (name, node) pairs, at least one.
    """
    octets = key.encode("utf8", "surrogatepass")

    def weight(item: tuple[str, T]) -> bytes:
        return hashlib.blake2b(item[0].encode("utf8", "surrogatepass") + b"\0" + octets, digest_size=8).digest()

    return max(nodes, key=weight)[1]


def shard_key(options: dict[str, Any], name: str) -> str | None:
    """The option ``rkey`` or ``nkey`` as text, None when absent. Numbers count as their text.

    :raises InvalidOption: it is neither text nor a number.
    """
    key = options.get(name)
    if key is None or type(key) is str:
        return key
    if type(key) is int:
        return str(key)
    raise InvalidOption(f"option {name!r} must be text")
