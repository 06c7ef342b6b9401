# SPDX-License-Identifier: MIT
"""Checks of ids, URIs, realm names and the names used with encrypted payloads. ``wamp.message`` exports them.

Knows the rules for single values. Does not know messages.
"""

from __future__ import annotations

import re
from typing import Any

from autobahn_fast.wamp.exception import InvalidUriError, ProtocolError

# URIs (WAMP basic profile, "URIs"): loose and strict, each without empty components, with an empty last one (prefix
# matching) and with any empty component (wildcard matching).
_URI_PAT_LOOSE_NON_EMPTY = re.compile(r"^([^\s\.#]+\.)*([^\s\.#]+)\Z")
_URI_PAT_LOOSE_LAST_EMPTY = re.compile(r"^([^\s\.#]+\.)*([^\s\.#]*)\Z")
_URI_PAT_LOOSE_EMPTY = re.compile(r"^(([^\s\.#]+\.)|\.)*([^\s\.#]+)?\Z")
_URI_PAT_STRICT_NON_EMPTY = re.compile(r"^([\da-z_]+\.)*([\da-z_]+)\Z", re.ASCII)
_URI_PAT_STRICT_LAST_EMPTY = re.compile(r"^([\da-z_]+\.)*([\da-z_]*)\Z", re.ASCII)
_URI_PAT_STRICT_EMPTY = re.compile(r"^(([\da-z_]+\.)|\.)*([\da-z_]+)?\Z", re.ASCII)
_URI_PAT_REALM_NAME = re.compile(r"^[A-Za-z][A-Za-z\d_\-@\.]{2,254}\Z", re.ASCII)
_URI_PAT_REALM_NAME_ETH = re.compile(r"^0x([A-Fa-f\d]{40})\Z", re.ASCII)
_URI_PAT_REALM_NAME_ENS = re.compile(r"^([a-z\d_\-@\.]{2,250})\.eth\Z", re.ASCII)
_URI_PAT_REALM_NAME_ENS_REVERSE = re.compile(r"^eth\.([a-z\d_\-@\.]{2,250})\Z", re.ASCII)
_CUSTOM_ATTRIBUTE = re.compile(r"^x_([a-z][\da-z_]+)?\Z", re.ASCII)

# (strict, empty components allowed, last empty allowed) -> pattern
URI_PATTERNS = {
    (False, False, False): _URI_PAT_LOOSE_NON_EMPTY,
    (False, False, True): _URI_PAT_LOOSE_LAST_EMPTY,
    (False, True, False): _URI_PAT_LOOSE_EMPTY,
    (False, True, True): _URI_PAT_LOOSE_LAST_EMPTY,
    (True, False, False): _URI_PAT_STRICT_NON_EMPTY,
    (True, False, True): _URI_PAT_STRICT_LAST_EMPTY,
    (True, True, False): _URI_PAT_STRICT_EMPTY,
    (True, True, True): _URI_PAT_STRICT_LAST_EMPTY,
}

MAX_ID = 9007199254740992  # 2**53

# The older end-to-end encryption form ("payload transparency"): algorithms and serializers with their numbers.
PAYLOAD_ENC_CRYPTO_BOX = "cryptobox"
PAYLOAD_ENC_MQTT = "mqtt"
PAYLOAD_ENC_XBR = "xbr"
PAYLOAD_ENC_STANDARD_IDENTIFIERS = [PAYLOAD_ENC_CRYPTO_BOX, PAYLOAD_ENC_MQTT, PAYLOAD_ENC_XBR]
PAYLOAD_ENC_STANDARD_SERIALIZERS = ["json", "msgpack", "cbor", "ubjson", "flatbuffers"]

ENC_ALGO_NONE, ENC_ALGO_CRYPTOBOX, ENC_ALGO_MQTT, ENC_ALGO_XBR = range(4)
ENC_ALGOS = dict(enumerate(("null", *PAYLOAD_ENC_STANDARD_IDENTIFIERS)))
ENC_ALGOS_FROMSTR = {name: number for number, name in ENC_ALGOS.items()}

(
    ENC_SER_NONE,
    ENC_SER_JSON,
    ENC_SER_MSGPACK,
    ENC_SER_CBOR,
    ENC_SER_UBJSON,
    ENC_SER_OPAQUE,
    ENC_SER_FLATBUFFERS,
) = range(7)
ENC_SERS = dict(enumerate(("null", "json", "msgpack", "cbor", "ubjson", "opaque", "flatbuffers")))
ENC_SERS_FROMSTR = {name: number for number, name in ENC_SERS.items()}


def shown(value: Any) -> str:
    """Return a value for an error text: short whatever the peer sent."""
    if type(value) is int and abs(value) > 1 << 64:
        return f"an integer of {value.bit_length()} bits"
    if type(value) is str and len(value) > 200:
        return f"{value[:200]!r}..."
    if type(value) in (int, str, bool, float):
        return repr(value)
    return f"of {type(value)}"


def b2a(data: bytes | str | None, max_len: int = 40) -> str:
    """Return binary data as hex (text as it is) for display, cut to ``max_len`` characters."""
    if not data:
        return "-"
    shown_data = data.hex() if isinstance(data, (bytes, bytearray, memoryview)) else str(data)
    return shown_data if len(shown_data) <= max_len else shown_data[:max_len] + ".."


def is_valid_enc_algo(enc_algo: Any) -> bool:
    """Is this a payload encryption algorithm: a standard one or a custom ``x_...``?"""
    return type(enc_algo) is str and (
        enc_algo in PAYLOAD_ENC_STANDARD_IDENTIFIERS or _CUSTOM_ATTRIBUTE.match(enc_algo) is not None
    )


def is_valid_enc_serializer(enc_serializer: Any) -> bool:
    """Is this the serializer of an encrypted payload: a standard one or a custom ``x_...``?"""
    return type(enc_serializer) is str and (
        enc_serializer in PAYLOAD_ENC_STANDARD_SERIALIZERS or _CUSTOM_ATTRIBUTE.match(enc_serializer) is not None
    )


def check_or_raise_id(value: Any, message: str = "WAMP message invalid") -> int:
    """Return a WAMP id: an int (no bool) from 0 to 2**53.

    :param message: begins the text of the error.
    :raises ProtocolError: it is none.
    """
    if type(value) is not int:
        raise ProtocolError(f"{message}: invalid type {type(value)} for ID")
    if not 0 <= value <= MAX_ID:
        raise ProtocolError(f"{message}: invalid value {shown(value)} for ID")
    return value


def check_or_raise_uri(
    value: Any,
    message: str = "WAMP message invalid",
    strict: bool = False,
    allow_empty_components: bool = False,
    allow_last_empty: bool = False,
    allow_none: bool = False,
) -> str | None:
    """Return a WAMP URI.

    :param message: begins the text of the error.
    :param strict: components of ``[0-9a-z_]`` only; otherwise anything but whitespace, ``.`` and ``#``.
    :param allow_empty_components: any component may be empty (wildcard matching).
    :param allow_last_empty: the last one may be (prefix matching), whatever ``allow_empty_components`` says.
    :param allow_none: None is passed through.
    :raises InvalidUriError: it is none.
    """
    if value is None and allow_none:
        return None
    if type(value) is not str:
        what = "URI cannot be null" if value is None else f"invalid type {type(value)} for URI"
        raise InvalidUriError(f"{message}: {what}")
    rules = (bool(strict), bool(allow_empty_components), bool(allow_last_empty))
    if not URI_PATTERNS[rules].match(value):
        allowed = ", ".join(
            name for name, on in zip(("strict", "allow_empty_components", "allow_last_empty"), rules, strict=True) if on
        )
        raise InvalidUriError(f"{message}: invalid value {shown(value)} for URI (rules: {allowed or 'loose'})")
    return value


def check_or_raise_realm_name(value: Any, message: str = "WAMP message invalid", allow_eth: bool = True) -> str:
    """Return a realm name: 3 to 255 characters of ``[A-Za-z0-9_-@.]`` that begin with a letter.

    :param message: begins the text of the error.
    :param allow_eth: a hexadecimal Ethereum address is a realm name too.
    :raises InvalidUriError: it is none.
    """
    if type(value) is not str:
        what = "realm name cannot be null" if value is None else f"invalid type {type(value)} for realm name"
        raise InvalidUriError(f"{message}: {what}")
    if not (_URI_PAT_REALM_NAME.match(value) or (allow_eth and _URI_PAT_REALM_NAME_ETH.match(value))):
        raise InvalidUriError(f"{message}: invalid value {shown(value)} for realm name")
    return value


def check_or_raise_extra(value: Any, message: str = "WAMP message invalid") -> dict[str, Any]:
    """Return a dict with str keys.

    :param message: begins the text of the error.
    :raises ProtocolError: it is none.
    """
    if type(value) is not dict:
        raise ProtocolError(f"{message}: invalid type {type(value)} for WAMP extra")
    for key in value:
        if type(key) is not str:
            raise ProtocolError(f"{message}: invalid type {type(key)} for key in WAMP extra ({shown(key)})")
    return value


def identify_realm_name_category(value: Any) -> str | None:
    """Return ``eth`` (an address), ``ens`` (``x.eth``), ``reverse_ens`` (``eth.x``), ``standalone``; None: no name."""
    if type(value) is not str:
        return None
    for category, pattern in (
        ("eth", _URI_PAT_REALM_NAME_ETH),
        ("ens", _URI_PAT_REALM_NAME_ENS),
        ("reverse_ens", _URI_PAT_REALM_NAME_ENS_REVERSE),
        ("standalone", _URI_PAT_REALM_NAME),
    ):
        if pattern.match(value):
            # An ENS name is a realm name only if it would be one by itself.
            return category if category == "eth" or _URI_PAT_REALM_NAME.match(value) else None
    return None
