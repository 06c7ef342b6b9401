# SPDX-License-Identifier: MIT
"""How a client proves who it is: anonymous, ticket, WAMP-CRA, SCRAM, cryptosign; helpers for one-time passwords and keys.

Knows the methods' signatures; of a session it knows the TLS channel id of its transport and nothing else. Secrets never appear
in messages of exceptions or in ``repr``. An authenticator serves one session at a time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.util import xor
from autobahn_fast.wamp import _scram
from autobahn_fast.wamp.interfaces import IAuthenticator

__all__ = (
    "HAS_ARGON",
    "WCS_SECRET_CHARSET",
    "AuthAnonymous",
    "AuthAnonymousProxy",
    "AuthCryptoSign",
    "AuthCryptoSignProxy",
    "AuthScram",
    "AuthTicket",
    "AuthWampCra",
    "check_totp",
    "compute_totp",
    "compute_wcs",
    "create_authenticator",
    "derive_key",
    "derive_scram_credential",
    "generate_totp_secret",
    "generate_wcs",
    "pbkdf2",
    "qrcode_from_totp",
)

WCS_SECRET_CHARSET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""Characters of the secrets that ``generate_wcs`` makes."""

HAS_ARGON = _scram.HAS_ARGON
"""Whether SCRAM can use Argon2 (package argon2-cffi, extra ``scram``)."""

_TOTP_PERIOD = 30
_IDENTITY = ("authid", "authrole", "authextra")


def create_authenticator(name: str, **kwargs: Any) -> Any:
    """Return an authenticator.

    :param name: ``anonymous``, ``anonymous-proxy``, ``ticket``, ``wampcra``, ``scram`` (as Crossbar.io does it), ``wamp-scram`` (as
        the specification has it), ``cryptosign`` or ``cryptosign-proxy``.
    :param kwargs: ``authid``, ``authrole``, ``authextra`` and what the method needs: ``ticket``, ``secret`` (wampcra), ``password``
        (scram), ``privkey``, ``router_pubkey`` (cryptosign).
    :raises ValueError: unknown method, missing or unknown argument.
    :raises RuntimeError: a package that the method needs is not installed.
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
    _challenged = True  # whether a router that lets us in without a challenge is suspect
    _mutual = False  # whether the router has to prove itself

    def __init__(self, **kw: Any) -> None:
        if self._strict:
            for key in kw:
                if key not in _IDENTITY:
                    raise ValueError(f"Unexpected key {key!r} for {type(self).__name__}")
        self._args = kw

    @property
    def authextra(self) -> dict[str, Any]:
        """Details for HELLO."""
        return self._args.get("authextra", {})  # type: ignore[no-any-return]

    def on_welcome(self, msg: Any, authextra: Any) -> str | None:
        """Check what the router says of itself in WELCOME. :returns: None to go on, a text to refuse."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} authid={self._args.get('authid')!r}>"


class AuthAnonymous(_Authenticator):
    """No proof at all."""

    name = "anonymous"
    _challenged = False

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
        return self._ticket  # type: ignore[no-any-return]


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


class AuthScram(_Authenticator):
    """Salted challenge response, in which the router proves that it knows the user, too (RFC 5802, over WAMP)."""

    name = "scram"
    _mutual = True
    _by_the_book = False  # whether the AuthMessage is that of the specification; see _scram

    def __init__(self, **kw: Any) -> None:
        """:param kw: ``authid``, ``password`` (str or bytes), ``authrole``, ``authextra``. :raises ValueError: missing."""
        for key in ("password", "authid"):
            if key not in kw:
                raise ValueError(f"Must provide '{key}' for {self.name}")
        password = kw.pop("password")
        super().__init__(**kw)
        self._password: str = password.decode("utf8") if isinstance(password, bytes) else password
        self._client_nonce: str | None = None
        self._expected: bytes | None = None  # the signature by which the router has to prove itself

    @property
    def authextra(self) -> dict[str, Any]:
        """Details for HELLO: those given, and a nonce that is used for one challenge only."""
        if self._client_nonce is None:
            self._client_nonce = base64.b64encode(secrets.token_bytes(18)).decode("ascii")
        return {**self._args.get("authextra", {}), "nonce": self._client_nonce}

    def _sent(self, authextra: dict[str, Any]) -> None:
        """Told what HELLO really says, where several authenticators had to agree on a nonce."""
        self._client_nonce = authextra["nonce"]
        self._expected = None

    def on_challenge(self, session: Any, challenge: Any) -> Any:
        """Return the client's proof, base64; for ``wamp-scram`` with the details of AUTHENTICATE.

        :raises RuntimeError: challenged for another method, twice, or with a nonce that is not for our HELLO; no Argon2.
        :raises ValueError: the challenge is not complete or asks for what is not safe to give.
        """
        _expect_method(self.name, challenge)
        client_nonce, self._client_nonce = self._client_nonce, None
        if client_nonce is None:
            raise RuntimeError("the router sent a SCRAM challenge without a HELLO before, or a second one")
        nonce, salt, kdf = (_entry(challenge, key, str) for key in ("nonce", "salt", "kdf"))
        iterations = _entry(challenge, "iterations", int)
        memory = _entry(challenge, "memory", int) if kdf.startswith("argon2") else 0
        if len(nonce) <= len(client_nonce) or not nonce.startswith(client_nonce):
            raise RuntimeError("the nonce of the SCRAM challenge does not continue the one in HELLO: a replay?")
        name, password = str(self._args["authid"]), self._password
        if self._by_the_book:
            name = _scram.prepared_name(name)
            password = _scram.saslprep(password)
        binding, details = self._channel_binding(session, challenge, nonce)
        salted = _scram.salted_password(kdf, password.encode("utf8"), _unbase64(salt, "salt"), iterations, memory)
        message = _scram.auth_message(name, client_nonce, nonce, salt, iterations, binding)
        self._expected = _scram.server_signature(salted, message)
        proof = base64.b64encode(_scram.client_proof(salted, message))
        return (proof.decode("ascii"), details) if details is not None else proof

    def _channel_binding(self, session: Any, challenge: Any, nonce: str) -> tuple[str, dict[str, Any] | None]:
        """Return what goes behind ``c=`` in the AuthMessage, and the details of AUTHENTICATE."""
        wanted = self._args.get("authextra", {}).get("channel_binding")
        offered = challenge.extra.get("channel_binding", wanted)
        if offered != wanted:
            raise RuntimeError(
                f"channel binding {wanted!r} was asked for, but the router's challenge is for {offered!r}"
            )
        if not self._by_the_book:
            return wanted or "", None
        data = _channel_id(session, wanted) if wanted else b""
        details = {
            "nonce": nonce,
            "channel_binding": wanted,
            "cbind_data": base64.b64encode(data).decode("ascii") if wanted else None,
        }
        return _scram.channel_binding(wanted, data), details

    def on_welcome(self, session: Any, authextra: Any) -> str | None:
        """Check that the router has proved that it knows the user. :returns: None, or why the session must not go on."""
        expected, self._expected = self._expected, None
        if expected is None:
            return "the router accepted the session without a SCRAM challenge: it has not proved who it is"
        extra = authextra if isinstance(authextra, dict) else {}
        given = extra.get("scram_server_signature") or extra.get("verifier")
        if isinstance(given, str):
            given = given.encode("utf8")
        if not isinstance(given, bytes):
            return "the router has not proved who it is: WELCOME has no SCRAM server signature"
        try:
            given = base64.b64decode(given.removeprefix(b"v="), validate=True)
        except binascii.Error:
            given = b""
        if not hmac.compare_digest(given, expected):
            return "Verification of server SCRAM signature failed: the router does not know this user's keys"
        return None


class _AuthWampScram(AuthScram):
    """SCRAM as the WAMP specification has it."""

    name = "wamp-scram"
    _by_the_book = True


class AuthCryptoSign(_Authenticator):
    """A signature over the challenge with an Ed25519 key, bound to the TLS channel where that is asked for.

    The router can be made to prove who it is, too ("Router Authentication" of the specification): it gets a challenge in HELLO.
    """

    name = "cryptosign"
    _strict = True

    def __init__(self, **kw: Any) -> None:
        """
        :param kw: ``privkey`` (32 octets as hex, str or bytes, or a :class:`~autobahn_fast.wamp.cryptosign.CryptosignKey`), ``authid``,
            ``authrole``, ``authextra``, in which ``channel_binding`` may be ``tls-unique`` or ``tls-exporter``; ``router_pubkey`` (32
            octets as hex): the router has to prove that it has the private key of this public key, by signing a challenge that is
            new for each HELLO. An ``authextra`` with a ``challenge`` (32 octets as hex) has it prove that it has some key.
        :raises ValueError: missing or unknown argument, or a key that is none.
        :raises RuntimeError: the package PyNaCl is not installed.
        """
        from autobahn_fast.wamp.cryptosign import CHANNEL_BINDINGS

        if "privkey" not in kw:
            raise ValueError(f"Must provide 'privkey' for {self.name}")
        self._privkey = _signing_key(kw.pop("privkey"), self.name)
        router_pubkey = kw.pop("router_pubkey", None)
        super().__init__(**kw)
        extra = dict(kw.get("authextra") or {})
        pubkey = self._privkey.public_key()
        if extra.setdefault("pubkey", pubkey) != pubkey:
            raise ValueError("Public key doesn't correspond to private key")
        self._channel_binding = extra.get("channel_binding")
        if self._channel_binding not in (None, *CHANNEL_BINDINGS):
            raise ValueError(f"channel_binding must be one of {CHANNEL_BINDINGS}, not {self._channel_binding!r}")
        self._router_pubkey = None if router_pubkey is None else _hex_octets(router_pubkey, 32, "router_pubkey")
        self._challenge = extra.get("challenge")  # the router's, from now on until it has answered
        if self._challenge is not None:
            _hex_octets(self._challenge, 32, "challenge in 'authextra'")
        self._mutual = self._router_pubkey is not None or self._challenge is not None
        self._proved = False
        self._args["authextra"] = extra

    @property
    def authextra(self) -> dict[str, Any]:
        """Details for HELLO: those given, and the router's challenge where it has to prove who it is."""
        extra: dict[str, Any] = self._args["authextra"]
        if not self._mutual or "challenge" in extra:
            return extra
        if self._challenge is None:
            self._challenge = secrets.token_hex(32)
        return {**extra, "challenge": self._challenge}

    def _sent(self, authextra: dict[str, Any]) -> None:
        """Told what HELLO really says, where several authenticators had to agree on a challenge."""
        self._proved = False
        if self._mutual:
            self._challenge = authextra["challenge"]

    def on_challenge(self, session: Any, challenge: Any) -> Any:
        """Return a future of the signature and the octets signed, as hex.

        :raises RuntimeError: challenged for another method, with another channel binding, the channel has no id, or the router has
            not proved who it is.
        :raises ValueError: the challenge is not 32 octets as hex.
        """
        _expect_method(self.name, challenge)
        wanted = self._channel_binding
        offered = challenge.extra.get("channel_binding", wanted)
        if offered != wanted:
            raise RuntimeError(
                f"channel binding {wanted!r} was asked for, but the router's challenge is for {offered!r}"
            )
        channel_id = _channel_id(session, wanted) if wanted else None
        if self._mutual:
            self._check_router(challenge.extra, channel_id)
        return self._privkey.sign_challenge(challenge, channel_id=channel_id, channel_id_type=wanted)

    def _check_router(self, extra: dict[str, Any], channel_id: bytes | None) -> None:
        """Check the router's answer to our challenge. :raises RuntimeError: it has not proved who it is."""
        from autobahn_fast.wamp.cryptosign import is_signed_by

        given, self._challenge = self._challenge, None
        self._proved = False
        if given is None:
            raise RuntimeError("the router sent a cryptosign challenge without a HELLO before, or a second one")
        if self._args["authextra"].get("challenge") is not None:
            self._challenge = given  # the application's own, which it gave for every HELLO
        try:
            pubkey = _hex_octets(extra.get("pubkey"), 32, "pubkey")
            answer = _hex_octets(extra.get("signature"), 96, "signature")
        except ValueError as e:
            raise RuntimeError(f"the router has not proved who it is: its challenge is incomplete: {e}") from None
        if self._router_pubkey is not None and not hmac.compare_digest(pubkey, self._router_pubkey):
            raise RuntimeError(f"the router has not proved who it is: its public key is {pubkey.hex()}")
        expected = bytes.fromhex(given)
        if channel_id is not None:
            expected = xor(expected, channel_id)
        if not (hmac.compare_digest(answer[64:], expected) and is_signed_by(pubkey, answer[:64], expected)):
            raise RuntimeError("the router has not proved who it is: its signature is not that of our challenge")
        self._proved = True

    def on_welcome(self, msg: Any, authextra: Any) -> str | None:
        """Check that the router has proved who it is, if it has to. :returns: None, or why the session must not go on."""
        proved, self._proved = self._proved, False
        if self._mutual and not proved:
            return "the router accepted the session without a cryptosign challenge: it has not proved who it is"
        return None


class AuthCryptoSignProxy(AuthCryptoSign):
    """Cryptosign, over a router that acts as proxy."""

    name = "cryptosign-proxy"
    _challenged = False  # the proxy has done that


def _hex_octets(value: Any, size: int, what: str) -> bytes:
    try:
        octets = binascii.a2b_hex(value)
    except (ValueError, TypeError):
        octets = b""
    if len(octets) != size:
        raise ValueError(f"{what} must be {size} octets as hex")
    return octets


def _signing_key(value: Any, method: str) -> Any:
    from autobahn_fast.wamp.cryptosign import CryptosignKey

    if not isinstance(value, CryptosignKey):
        try:
            octets = binascii.a2b_hex(value)
        except (TypeError, ValueError):
            raise ValueError(f"'privkey' of {method} must be 32 octets as hex, or a CryptosignKey") from None
        return CryptosignKey.from_bytes(octets)
    if not value.can_sign:
        raise ValueError(f"'privkey' of {method} is a public key, which cannot sign")
    return value


def _expect_method(name: str, challenge: Any) -> None:
    if challenge.method.removesuffix("-proxy") != name.removesuffix("-proxy"):
        raise RuntimeError(f"the router challenged for {challenge.method!r}, but this is {name!r}")


def _entry(challenge: Any, key: str, kind: type) -> Any:
    value = challenge.extra.get(key)
    if type(value) is bytes and kind is str:
        value = value.decode("ascii", "replace")
    if type(value) is not kind:
        raise ValueError(f"the router's {challenge.method} challenge needs {key!r} of type {kind.__name__}")
    return value


def _unbase64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"the {what} of the router's challenge is not base64") from None


def _channel_id(session: Any, kind: str) -> bytes:
    """Return what identifies the TLS channel under a session. :raises RuntimeError: there is no such thing."""
    details = getattr(session._transport, "transport_details", None)
    channel_id: bytes | None = ((details and details.channel_id) or {}).get(kind)
    if not channel_id or not any(channel_id):
        needed = "TLS 1.3, on asyncio in a Component" if kind == "tls-exporter" else "TLS"
        raise RuntimeError(f"the transport has no channel id of type {kind!r}: this channel binding needs {needed}")
    return channel_id


_AUTHENTICATORS: dict[str, Any] = {
    cls.name: cls
    for cls in (
        AuthAnonymous,
        AuthAnonymousProxy,
        AuthTicket,
        AuthWampCra,
        AuthScram,
        _AuthWampScram,
        AuthCryptoSign,
        AuthCryptoSignProxy,
    )
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


def derive_scram_credential(email: str, password: str, salt: bytes | None = None) -> dict[str, Any]:
    """Return what Crossbar.io keeps of a SCRAM user: ``kdf``, ``iterations``, ``memory``, ``salt``, ``stored-key``, ``server-key``.

    :param email: the user; the salt is derived from it when none is given, so that the result can be computed again.
    :param password: the password. :param salt: 16 octets.
    :raises ValueError: an argument of the wrong type, or a salt of another length.
    :raises RuntimeError: the package argon2-cffi is not installed.
    """
    if not (isinstance(email, str) and isinstance(password, str)):
        raise ValueError("email and password must be str")
    if salt is None:
        salt = hashlib.sha256(email.encode("utf8")).digest()[:16]
    elif not (isinstance(salt, bytes) and len(salt) == 16):
        raise ValueError("the salt must be 16 octets")
    kdf, iterations, memory = "argon2id-13", 4096, 512
    salted = _scram.salted_password(kdf, password.encode("utf8"), salt, iterations, memory)
    stored_key, server_key = _scram.stored_keys(salted)
    return {
        "kdf": kdf,
        "iterations": iterations,
        "memory": memory,
        "salt": salt.hex(),
        "stored-key": stored_key.hex(),
        "server-key": server_key.hex(),
    }


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
        import qrcode
        from qrcode.image.svg import SvgImage
    except ImportError as e:
        raise ImportError("qrcode_from_totp() needs the package qrcode: pip install autobahn_fast[totp]") from e
    uri = f"otpauth://totp/{quote(label)}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    buffer = io.BytesIO()
    qrcode.make(uri, box_size=3, image_factory=SvgImage).save(buffer)
    return buffer.getvalue()


also_from(__name__, "util", xor_array="util:xor")
