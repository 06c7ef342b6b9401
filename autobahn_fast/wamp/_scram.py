# SPDX-License-Identifier: MIT
"""The arithmetic of WAMP-SCRAM: key derivation, AuthMessage, client proof and server signature (RFC 5802, RFC 7677).

Knows no sessions and no messages. Two dialects are in use. The specification's (method ``wamp-scram``) writes the AuthMessage as
RFC 5802 has it, with names and passwords normalized by SASLprep. That of Autobahn|Python and Crossbar.io (method ``scram``)
takes names and passwords as they are and writes ``c=`` followed by the name of the channel binding, if any. Argon2 under the
name ``argon2id-13`` stands for the text form of the key (base64 without padding), under ``argon2id13`` for its octets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import stringprep
import unicodedata

__all__ = (
    "HAS_ARGON",
    "auth_message",
    "channel_binding",
    "client_proof",
    "prepared_name",
    "salted_password",
    "saslprep",
    "server_signature",
    "stored_keys",
)

HAS_ARGON = importlib.util.find_spec("argon2") is not None
"""Whether the key derivation Argon2 can be used (package argon2-cffi)."""

_KEY_LENGTH = 32
_MIN_PBKDF2 = 1000
_MAX_PBKDF2 = 10_000_000
_MIN_ARGON_COST = 1024  # iterations * KiB: a router that asks for less is after the password
_MAX_ARGON_COST = 1 << 24
_MAX_ARGON_MEMORY = 1 << 20  # KiB: what a router may have us allocate

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def saslprep(text: str) -> str:
    """Return a name or password normalized by SASLprep (RFC 4013), unassigned code points not allowed.

    :raises ValueError: it has characters that SASLprep forbids. The text is not part of the message.
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = (" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    result = unicodedata.normalize("NFKC", "".join(mapped))
    if any(prohibited(c) for c in result for prohibited in _PROHIBITED):
        raise ValueError("a name or password has characters that SASLprep (RFC 4013) does not allow")
    if any(map(stringprep.in_table_d1, result)):
        left_to_right = any(map(stringprep.in_table_d2, result))
        if left_to_right or not (stringprep.in_table_d1(result[0]) and stringprep.in_table_d1(result[-1])):
            raise ValueError(
                "a name or password mixes directions of writing in a way that SASLprep (RFC 4013) does not allow"
            )
    return result


def prepared_name(name: str) -> str:
    """Return a user name as it stands in messages (RFC 5802, section 5.1).

    :raises ValueError: a character that is not allowed.
    """
    return saslprep(name).replace("=", "=3D").replace(",", "=2C")


def channel_binding(kind: str | None, data: bytes) -> str:
    """Return what stands behind ``c=`` (RFC 5802, section 7).

    :param kind: ``tls-unique`` and so on; None: without. :param data: what identifies the channel.
    """
    header = f"p={kind},," if kind else "n,,"
    return base64.b64encode(header.encode("ascii") + data).decode("ascii")


def _argon2id(password: bytes, salt: bytes, iterations: int, memory: int) -> bytes:
    try:
        from argon2.exceptions import Argon2Error
        from argon2.low_level import Type, hash_secret_raw
    except ImportError as e:
        raise RuntimeError("SCRAM with Argon2 needs the package argon2-cffi: pip install autobahn_fast[scram]") from e
    if not (0 < memory <= _MAX_ARGON_MEMORY and _MIN_ARGON_COST <= iterations * memory <= _MAX_ARGON_COST):
        raise ValueError(f"the SCRAM challenge asks for {iterations} iterations of Argon2 over {memory} KiB: refused")
    try:
        return bytes(hash_secret_raw(password, salt, iterations, memory, 1, _KEY_LENGTH, Type.ID, 19))
    except Argon2Error as e:
        raise ValueError(f"Argon2 cannot use the parameters of the SCRAM challenge: {e}") from e


def salted_password(kdf: str, password: bytes, salt: bytes, iterations: int, memory: int) -> bytes:
    """Return the SaltedPassword.

    :param kdf: ``pbkdf2``, ``argon2id-13`` or ``argon2id13``. :param salt: octets. :param iterations: cost in time.
    :param memory: cost in memory in KiB; for Argon2 only.
    :raises ValueError: unknown function, or a cost so low that it gives the password away, or so high that it is an attack.
    :raises RuntimeError: the package for Argon2 is not installed.
    """
    if kdf == "pbkdf2":
        if not _MIN_PBKDF2 <= iterations <= _MAX_PBKDF2:
            raise ValueError(f"the SCRAM challenge asks for {iterations} iterations of PBKDF2: refused")
        return hashlib.pbkdf2_hmac("sha256", password, salt, iterations, _KEY_LENGTH)
    if kdf == "argon2id13":
        return _argon2id(password, salt, iterations, memory)
    if kdf == "argon2id-13":
        return base64.b64encode(_argon2id(password, salt, iterations, memory)).rstrip(b"=")
    raise ValueError(f"the SCRAM challenge asks for an unknown key derivation function {kdf!r}")


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def stored_keys(salted: bytes) -> tuple[bytes, bytes]:
    """Return StoredKey and ServerKey: what a router knows of a user."""
    return hashlib.sha256(_hmac(salted, b"Client Key")).digest(), _hmac(salted, b"Server Key")


def auth_message(name: str, client_nonce: str, server_nonce: str, salt: str, iterations: int, binding: str) -> bytes:
    """Return the AuthMessage.

    :param name: the user, escaped where the dialect wants it. :param client_nonce: from HELLO.
    :param server_nonce: from CHALLENGE. :param salt: base64, as it came. :param binding: what goes behind ``c=``.
    """
    first = f"n={name},r={client_nonce},r={server_nonce},s={salt},i={iterations}"
    return f"{first},c={binding},r={server_nonce}".encode()


def client_proof(salted: bytes, message: bytes) -> bytes:
    """Return the ClientProof of an AuthMessage."""
    client_key = _hmac(salted, b"Client Key")
    signature = _hmac(hashlib.sha256(client_key).digest(), message)
    return bytes(a ^ b for a, b in zip(client_key, signature, strict=True))


def server_signature(salted: bytes, message: bytes) -> bytes:
    """Return the ServerSignature that proves that the router knows the user's ServerKey."""
    return _hmac(_hmac(salted, b"Server Key"), message)
