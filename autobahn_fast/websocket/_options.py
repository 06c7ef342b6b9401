# SPDX-License-Identifier: MIT
"""Every option of a WebSocket factory in one table: its name, default value and check.

``setProtocolOptions`` and ``resetProtocolOptions`` of both factories, and what a protocol takes over when it connects, are
derived from it. Knows nothing of what an option does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from autobahn_fast._reading import MAX_HANDLERS, MAX_OCTETS
from autobahn_fast.exception import InvalidArgument
from autobahn_fast.websocket._http import DEFAULT_LIMITS

__all__ = (
    "CLIENT",
    "COMMON",
    "SERVER",
    "Option",
    "OptionValues",
    "check",
    "client_options",
    "origin_patterns",
    "server_options",
)

FLASH_POLICY = '<cross-domain-policy>\n     <allow-access-from domain="*" to-ports="*" />\n</cross-domain-policy>\x00'

SPEC_TO_PROTOCOL_VERSION = {10: 8, 11: 8, 12: 8, 13: 13, 14: 13, 15: 13, 16: 13, 17: 13, 18: 13}
"""Drafts of the WebSocket specification (18 is RFC 6455), and the number each has on the wire."""

PROTOCOL_VERSIONS = (8, 13)


class Option(NamedTuple):
    """One option: its name, how its default is made, and a check that raises on a bad value and returns the good one."""

    name: str
    default: Callable[[], Any]
    check: Callable[[str, Any], Any]


def _bool(name: str, value: Any) -> bool:
    if value not in (True, False):
        raise InvalidArgument(f"{name} is True or False, not {value!r}")
    return bool(value)


def _octets(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(f"{name} is a number of octets (int; 0 for no limit), not {value!r}")
    if value < 0:
        raise InvalidArgument(f"{name} is 0 (no limit) or more, not {value}")
    return value


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(f"{name} is an int, not {value!r}")
    if value < 0:
        raise InvalidArgument(f"{name} is 0 or more, not {value}")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(f"{name} is a number of seconds (0 for never), not {value!r}")
    if not value >= 0:
        raise InvalidArgument(f"{name} is 0 (never) or more seconds, not {value}")
    return value


def _ping_size(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(f"{name} is a number of octets (int), not {value!r}")
    if not 12 <= value <= 125:
        raise InvalidArgument(f"{name} is 12 to 125 octets, not {value}")
    return value


def _versions(name: str, value: Any) -> list[int]:
    versions = list(value)
    for v in versions:
        if v not in PROTOCOL_VERSIONS:
            raise InvalidArgument(
                f"{name} holds WebSocket protocol versions out of {list(PROTOCOL_VERSIONS)}, not {v!r}"
            )
    return versions


def _spec_version(name: str, value: Any) -> int:
    if value not in SPEC_TO_PROTOCOL_VERSION:
        raise InvalidArgument(f"{name} is a draft version out of {sorted(SPEC_TO_PROTOCOL_VERSION)}, not {value!r}")
    return value  # type: ignore[no-any-return]


def _callable(name: str, value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise InvalidArgument(f"{name} is a function, not {type(value).__name__}")
    return value  # type: ignore[no-any-return]


def _list(name: str, value: Any) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidArgument(f"{name} is a list, not {type(value).__name__}")
    return list(value)


def _origins(name: str, value: Any) -> list[str]:
    origins = _list(name, value)
    for origin in origins:
        if not isinstance(origin, str):
            raise InvalidArgument(f"{name} holds str, not {type(origin).__name__}")
    return origins


def _at_least_one(name: str, value: Any) -> int:
    if _count(name, value) == 0:
        raise InvalidArgument(f"{name} is 1 or more")
    return value  # type: ignore[no-any-return]


def _policy(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"{name} is a str, not {type(value).__name__}")
    return value if value.endswith("\x00") else value + "\x00"


def _no_compression(_: Any) -> None:
    """Accept none of the compression extensions offered."""
    return


def _const(value: Any) -> Callable[[], Any]:
    return lambda: value


def shared_values(factory: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return a factory's options as they are now: the same dict as long as they stay the same.

    :raises AttributeError: it does not have one of them.
    """
    values = {name: getattr(factory, name) for name in names}
    shared = getattr(factory, "_shared_values", None)
    if type(shared) is dict and shared.keys() == values.keys() and all(values[n] is shared[n] for n in values):
        return shared
    factory._shared_values = values
    return values


class Taken:
    """Stands in a connection's class for an option that is its factory's: of the connection once it is made.

    What a class or a connection sets itself comes before it.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, connection: Any, owner: Any = None) -> Any:
        try:
            return connection._option_values[self._name]
        except (AttributeError, KeyError):
            shown = owner.__name__ if connection is None else type(connection).__name__
            raise AttributeError(f"{shown} has no attribute {self._name!r} before it is connected") from None


class OptionValues:
    """The options as attributes of factories and connections; types only, for what is written about them."""

    utf8validateIncoming: bool
    applyMask: bool
    maxFramePayloadSize: int
    maxMessagePayloadSize: int
    autoFragmentSize: int
    failByDrop: bool
    echoCloseCodeReason: bool
    openHandshakeTimeout: float
    closeHandshakeTimeout: float
    tcpNoDelay: bool
    autoPingInterval: float
    autoPingTimeout: float
    autoPingSize: int
    autoPingRestartOnAnyTraffic: bool
    perMessageCompressionAccept: Callable[..., Any]
    orderedMessages: bool
    maxPendingMessages: int
    maxPendingOctets: int
    maxHandshakeLine: int
    maxHandshakeHeaders: int
    maxHandshakeSize: int
    versions: list[int]
    webStatus: bool
    requireMaskedClientFrames: bool
    maskServerFrames: bool
    serveFlashSocketPolicy: bool
    flashSocketPolicy: str
    allowedOrigins: list[str]
    allowNullOrigin: bool
    maxConnections: int
    trustXForwardedFor: int
    version: int
    acceptMaskedServerFrames: bool
    maskClientFrames: bool
    serverConnectionDropTimeout: float
    perMessageCompressionOffers: list[Any]
    followRedirects: int
    logOctets: bool
    logFrames: bool
    trackTimings: bool
    allowedOriginsPatterns: list[re.Pattern[str]]


COMMON = (
    Option("utf8validateIncoming", _const(True), _bool),
    Option("applyMask", _const(True), _bool),
    Option("maxFramePayloadSize", _const(0), _octets),
    Option("maxMessagePayloadSize", _const(0), _octets),
    Option("autoFragmentSize", _const(0), _octets),
    Option("failByDrop", _const(True), _bool),
    Option("echoCloseCodeReason", _const(False), _bool),
    Option("openHandshakeTimeout", _const(5), _seconds),
    Option("closeHandshakeTimeout", _const(1), _seconds),
    Option("tcpNoDelay", _const(True), _bool),
    Option("autoPingInterval", _const(0), _seconds),
    Option("autoPingTimeout", _const(0), _seconds),
    Option("autoPingSize", _const(12), _ping_size),
    Option("autoPingRestartOnAnyTraffic", _const(True), _bool),
    Option("perMessageCompressionAccept", _const(_no_compression), _callable),
    # Not autobahn's: coroutines of onMessage, and how large the peer's part of the opening handshake may be
    Option("orderedMessages", _const(False), _bool),
    Option("maxPendingMessages", _const(MAX_HANDLERS), _count),
    Option("maxPendingOctets", _const(MAX_OCTETS), _octets),
    Option("maxHandshakeLine", _const(DEFAULT_LIMITS.line), _at_least_one),
    Option("maxHandshakeHeaders", _const(DEFAULT_LIMITS.headers), _at_least_one),
    Option("maxHandshakeSize", _const(DEFAULT_LIMITS.total), _at_least_one),
)

SERVER = (
    Option("versions", lambda: list(PROTOCOL_VERSIONS), _versions),
    Option("webStatus", _const(True), _bool),
    Option("requireMaskedClientFrames", _const(True), _bool),
    Option("maskServerFrames", _const(False), _bool),
    Option("serveFlashSocketPolicy", _const(False), _bool),
    Option("flashSocketPolicy", _const(FLASH_POLICY), _policy),
    Option("allowedOrigins", lambda: ["*"], _origins),
    Option("allowNullOrigin", _const(True), _bool),
    Option("maxConnections", _const(0), _count),
    Option("trustXForwardedFor", _const(0), _count),
)

CLIENT = (
    Option("version", _const(18), _spec_version),
    Option("acceptMaskedServerFrames", _const(False), _bool),
    Option("maskClientFrames", _const(True), _bool),
    Option("serverConnectionDropTimeout", _const(1), _seconds),
    Option("perMessageCompressionOffers", list, _list),
    Option("followRedirects", _const(0), _count),
)

LOGGING = ("logOctets", "logFrames", "trackTimings")
"""Attributes of a factory that are no options but are taken over in the same way."""

server_options = {option.name: option for option in COMMON + SERVER}
client_options = {option.name: option for option in COMMON + CLIENT}


def check(table: dict[str, Option], values: dict[str, Any]) -> dict[str, Any]:
    """Check the values given (those that are not None) and return them; nothing is set before all are good.

    :raises TypeError: a value of the wrong type. :raises ValueError: a value out of range.
    """
    return {name: table[name].check(name, value) for name, value in values.items() if value is not None}


def origin_patterns(origins: Iterable[str]) -> list[re.Pattern[str]]:
    """Return allowed origins as anchored patterns: ``*`` stands for any characters but those that end a host or port."""
    patterns = []
    for origin in origins:
        if origin == "*":
            patterns.append(re.compile(r".*", re.DOTALL))
        else:
            any_scheme = r"(?:[a-z][a-z0-9+.-]*://)?" if "://" not in origin else ""
            patterns.append(re.compile(any_scheme + re.escape(origin.lower()).replace(r"\*", r"[^/?#@\s]*")))
    return patterns
