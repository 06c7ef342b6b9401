# SPDX-License-Identifier: MIT
"""How a client proves who it is: anonymous, ticket, WAMP-CRA, and helpers for one-time passwords and derived keys.

Knows the methods' signatures; knows no session beyond what ``on_challenge`` is handed. Secrets never appear in messages of
exceptions or in ``repr``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time
from typing import Any

from autobahn_fast.wamp.interfaces import IAuthenticator

__all__ = (
    "WCS_SECRET_CHARSET",
    "AuthAnonymous",
    "AuthAnonymousProxy",
    "AuthTicket",
    "AuthWampCra",
    "check_totp",
    "compute_totp",
    "compute_wcs",
    "create_authenticator",
    "derive_key",
    "generate_totp_secret",
    "generate_wcs",
    "pbkdf2",
    "qrcode_from_totp",
)

WCS_SECRET_CHARSET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""Characters of the secrets that ``generate_wcs`` makes."""

_TOTP_PERIOD = 30
_IDENTITY = ("authid", "authrole", "authextra")


def create_authenticator(name: str, **kwargs: Any) -> Any:
    """Return an authenticator.

    :param name: ``anonymous``, ``anonymous-proxy``, ``ticket`` or ``wampcra``.
    :param kwargs: ``authid``, ``authrole``, ``authextra`` and what the method needs (``ticket``, ``secret``).
    :raises ValueError: unknown method, missing or unknown argument.
    """
    try:
        cls = _AUTHENTICATORS[name]
    except KeyError:
        known = ", ".join(sorted(_AUTHENTICATORS))
        raise ValueError(f"Unknown authenticator {name!r} (known: {known})") from None
    return cls(**kwargs)


class _Authenticator:
    """What all methods share: the identity asked for in HELLO."""

    name = ""
    _strict = False  # whether unknown keyword arguments are an error

    def __init__(self, **kw: Any) -> None:
        if self._strict:
            for key in kw:
                if key not in _IDENTITY:
                    raise ValueError(f"Unexpected key {key!r} for {type(self).__name__}")
        self._args = kw

    @property
    def authextra(self) -> dict[str, Any]:
        """Details for HELLO."""
        return self._args.get("authextra", {})

    def on_welcome(self, msg: Any, authextra: Any) -> str | None:
        """Check what the router says of itself in WELCOME. :returns: None to go on, a text to refuse."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} authid={self._args.get('authid')!r}>"


class AuthAnonymous(_Authenticator):
    """No proof at all."""

    name = "anonymous"

    def on_challenge(self, session: Any, challenge: Any) -> str:
        """A router does not challenge anonymous clients. :raises RuntimeError: always."""
        raise RuntimeError(f"received a challenge, but the method {self.name!r} has nothing to prove")


class AuthAnonymousProxy(AuthAnonymous):
    """Anonymous, over a router that acts as proxy and vouches for the identity."""

    name = "anonymous-proxy"


class AuthTicket(_Authenticator):
    """A shared secret sent as it is: for encrypted connections only."""

    name = "ticket"

    def __init__(self, **kw: Any) -> None:
        """:param kw: ``ticket`` (str), ``authid``, ``authrole``, ``authextra``. :raises ValueError: no ticket."""
        try:
            self._ticket = kw.pop("ticket")
        except KeyError:
            raise ValueError("ticket authentication requires 'ticket=' kwarg") from None
        super().__init__(**kw)

    def on_challenge(self, session: Any, challenge: Any) -> str:
        """Return the ticket. :raises RuntimeError: challenged for another method."""
        _expect_method(self.name, challenge)
        return self._ticket


class AuthWampCra(_Authenticator):
    """WAMP challenge-response: HMAC-SHA256 of the challenge, with the secret or a key derived from it."""

    name = "wampcra"
    _strict = True

    def __init__(self, **kw: Any) -> None:
        """:param kw: ``authid``, ``secret`` (str or bytes), ``authrole``, ``authextra``. :raises ValueError: missing or unknown."""
        for key in ("secret", "authid"):
            if key not in kw:
                raise ValueError(f"Must provide '{key}' for wampcra")
        secret = kw.pop("secret")
        super().__init__(**kw)
        self._secret = secret.decode("utf8") if isinstance(secret, bytes) else secret

    def on_challenge(self, session: Any, challenge: Any) -> str:
        """Return the signature of the challenge, base64.

        :raises RuntimeError: challenged for another method, or the challenge is not complete.
        """
        _expect_method(self.name, challenge)
        extra = challenge.extra
        text = extra.get("challenge")
        if not isinstance(text, str):
            raise RuntimeError("the router's wampcra challenge has no text to sign")
        key: bytes = self._secret.encode("utf8")
        if "salt" in extra:
            iterations, keylen = extra.get("iterations", 1000), extra.get("keylen", 32)
            if not (isinstance(extra["salt"], str) and type(iterations) is int and type(keylen) is int):
                raise RuntimeError("the router's wampcra challenge has a salt, iterations or keylen of the wrong type")
            if not (0 < iterations <= 10_000_000 and 0 < keylen <= 1024):
                raise RuntimeError(f"the router's wampcra challenge asks for {iterations} iterations, {keylen} octets")
            key = derive_key(key, extra["salt"], iterations, keylen)
        return compute_wcs(key, text).decode("ascii")


def _expect_method(name: str, challenge: Any) -> None:
    if challenge.method not in (name, name + "-proxy"):
        raise RuntimeError(f"the router challenged for {challenge.method!r}, but this is {name!r}")


_AUTHENTICATORS: dict[str, Any] = {
    cls.name: cls for cls in (AuthAnonymous, AuthAnonymousProxy, AuthTicket, AuthWampCra)
}

for _cls in _AUTHENTICATORS.values():
    IAuthenticator.register(_cls)


# --- keys ---


def _octets(value: Any, what: str) -> bytes:
    if isinstance(value, str):
        return value.encode("utf8")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ValueError(f"{what} must be bytes or str, not {type(value).__name__}")


def pbkdf2(data: bytes, salt: bytes, iterations: int = 1000, keylen: int = 32, hashfunc: str | None = None) -> bytes:
    """Return a key derived by PBKDF2 (RFC 8018).

    :param iterations: how often the hash is applied. :param keylen: length of the key in octets.
    :param hashfunc: name of a hash of hashlib; SHA-256 when None.
    :raises ValueError: an argument of the wrong type.
    """
    if not (
        isinstance(data, bytes) and isinstance(salt, bytes) and isinstance(iterations, int) and isinstance(keylen, int)
    ):
        raise ValueError("pbkdf2: data and salt must be bytes, iterations and keylen int")
    return hashlib.pbkdf2_hmac(hashfunc or "sha256", data, salt, iterations, keylen)


def derive_key(secret: bytes | str, salt: bytes | str, iterations: int = 1000, keylen: int = 32) -> bytes:
    """Return the key of salted WAMP-CRA, base64: what ``compute_wcs`` signs with.

    :raises ValueError: an argument of the wrong type.
    """
    key = pbkdf2(_octets(secret, "secret"), _octets(salt, "salt"), iterations, keylen)
    return base64.b64encode(key)


def generate_wcs(length: int = 14) -> bytes:
    """Return a random secret for WAMP-CRA of so many letters and digits."""
    return "".join(secrets.choice(WCS_SECRET_CHARSET) for _ in range(length)).encode("ascii")


def compute_wcs(key: bytes | str, challenge: bytes | str) -> bytes:
    """Return the WAMP-CRA signature of a challenge: HMAC-SHA256, base64."""
    digest = hmac.new(_octets(key, "key"), _octets(challenge, "challenge"), hashlib.sha256).digest()
    return base64.b64encode(digest)


# --- time-based one-time passwords (RFC 6238) ---


def generate_totp_secret(length: int = 10) -> str:
    """Return a random secret of so many octets, base32."""
    if not isinstance(length, int) or length <= 0:
        raise ValueError("length must be a positive int")
    return base64.b32encode(secrets.token_bytes(length)).decode("ascii")


def compute_totp(secret: str, offset: int = 0) -> str:
    """Return the six digits that are valid now.

    :param secret: base32. :param offset: so many periods of 30 s from now.
    :raises ValueError: the secret is no base32.
    """
    try:
        key = base64.b32decode(secret)
    except (ValueError, TypeError):
        raise ValueError("the TOTP secret is not valid base32") from None
    interval = offset + int(time.time()) // _TOTP_PERIOD
    digest = hmac.new(key, struct.pack(">q", interval), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = (struct.unpack_from(">I", digest, start)[0] & 0x7FFFFFFF) % 1_000_000
    return f"{number:06d}"


def check_totp(secret: str, ticket: str) -> bool:
    """Return whether the digits are valid now, one period ago or one period from now."""
    given = ticket.encode("utf8")
    valid = [hmac.compare_digest(compute_totp(secret, offset).encode("ascii"), given) for offset in (0, 1, -1)]
    return any(valid)


def qrcode_from_totp(secret: str, label: str, issuer: str) -> bytes:
    """Return an SVG image of the secret that authenticator apps can scan. Needs the package ``qrcode``.

    :raises ImportError: it is not installed.
    """
    import io
    from urllib.parse import quote, urlencode

    try:
        import qrcode  # type: ignore[import-untyped]
        from qrcode.image.svg import SvgImage  # type: ignore[import-untyped]
    except ImportError as e:
        raise ImportError("qrcode_from_totp() needs the package qrcode: pip install qrcode") from e
    uri = f"otpauth://totp/{quote(label)}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    buffer = io.BytesIO()
    qrcode.make(uri, box_size=3, image_factory=SvgImage).save(buffer)
    return buffer.getvalue()
