# SPDX-License-Identifier: MIT
"""How clients prove who they are: anonymous, ticket, WAMP-CRA, SCRAM and cryptosign, seen from the router.

Knows users, challenges and answers. Does not know sessions or transports: an :class:`Attempt` asks the client and tells the
channel id. Secrets are in no text and no log line, and are compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from autobahn_fast.util import utcnow, xor
from autobahn_fast.wamp import _scram
from autobahn_fast.wamp.auth import compute_wcs
from autobahn_fast.wamp.cryptosign import CHANNEL_BINDINGS, CryptosignKey, is_signed_by
from autobahn_fast.wamp.exception import ApplicationError

__all__ = ("METHODS", "Attempt", "Authentication", "Denied", "Principal", "new_authid")

log = logging.getLogger("autobahn_fast.router")

DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"
REQUIRED = "wamp.error.authentication_required"
NO_SUCH_PRINCIPAL = "wamp.error.no_such_principal"
NO_MATCHING_METHOD = "wamp.error.no_matching_auth_method"


class Denied(Exception):
    """The client does not get in.

    :param reason: the URI for ABORT.
    :param text: says why, without giving anything away.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Principal(NamedTuple):
    """Who a client has proved to be."""

    authid: str
    authrole: str
    authmethod: str
    authprovider: str
    authextra: dict[str, Any]


class Attempt(Protocol):
    """One client that wants to join."""

    realm: str
    authid: str | None
    authextra: dict[str, Any]
    authmethods: list[str] | None

    async def ask(self, method: str, extra: dict[str, Any]) -> Any:
        """Send CHALLENGE; returns the AUTHENTICATE message."""

    def channel_id(self, kind: str) -> bytes | None:
        """What identifies the TLS channel, None without one."""


def new_authid() -> str:
    """A random authid for a client that is nobody in particular."""
    text = secrets.token_hex(10).upper()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def _same(a: bytes, b: bytes) -> bool:
    return hmac.compare_digest(a, b)


def _octets(text: str) -> bytes:
    return text.encode("utf8", "surrogatepass")


class Method:
    """One method with its users.

    :param users: authid -> record, what is known of the user; its ``authrole`` (or ``role``) is who he is here.
    :param authenticator: ``authenticator(realm, authid, details)`` returns the record instead, or an awaitable of it; a text is
        a record with this role, None is nobody.
    :param authrole: of users whose record has none.
    """

    names: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()  # further ones, see configure

    def __init__(
        self,
        users: Mapping[str, dict[str, Any]] | None = None,
        authenticator: Callable[..., Any] | None = None,
        authrole: str | None = None,
    ) -> None:
        self.authenticator = authenticator
        self.authrole = authrole
        self.users = {authid: self.prepared(authid, dict(record)) for authid, record in (users or {}).items()}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take the settings that only this method has.

        :raises ValueError: one makes no sense.
        """

    def prepared(self, authid: str, record: dict[str, Any]) -> dict[str, Any]:
        """A static record, checked.

        :raises ValueError: something is missing or wrong.
        """
        return record

    def knows(self, attempt: Attempt) -> bool:
        """Whether the client may be one of the users."""
        return self.authenticator is not None or attempt.authid in self.users

    async def record(self, attempt: Attempt, method: str, **details: Any) -> dict[str, Any]:
        """What is known of the user who the client claims to be.

        :raises Denied: there is none, or finding out failed.
        """
        if self.authenticator is None:
            record = self.users.get(attempt.authid or "")
            if record is None:
                raise Denied(NO_SUCH_PRINCIPAL, f"there is no user {str(attempt.authid)[:100]!r} for method {method!r}")
            return {"authid": attempt.authid, **record}
        told = {"authmethod": method, "authextra": attempt.authextra, **details}
        try:
            answer = self.authenticator(attempt.realm, attempt.authid, told)
            if inspect.isawaitable(answer):
                answer = await answer
            if answer is None or answer is False:
                raise Denied(DENIED, "the authenticator does not let this client in")
            record = {"authrole": answer} if isinstance(answer, str) else dict(answer)
            return {"authid": attempt.authid, **self.prepared(str(attempt.authid), record)}
        except Denied:
            raise
        except ApplicationError as exc:
            raise Denied(exc.error, "the authenticator does not let this client in") from None
        except Exception as exc:
            # Without the traceback's values: they may be secrets.
            log.error("the authenticator for method %r raised %s", method, type(exc).__name__)
            raise Denied(FAILED, "the authenticator failed") from None

    async def verify(self, attempt: Attempt, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Have the client prove it; returns the user's record and authextra for WELCOME.

        :raises Denied: it did not.
        """
        raise RuntimeError("a base class")


class Anonymous(Method):
    """Everybody is let in."""

    names = ("anonymous",)

    def knows(self, attempt: Attempt) -> bool:
        return True

    async def verify(self, attempt: Attempt, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if self.authenticator is None:
            return {"authid": new_authid(), "authrole": self.authrole or "anonymous"}, {}
        return await self.record(attempt, method), {}


class Ticket(Method):
    """A shared secret as it is; ``ticket`` in the record. An authenticator gets it in its details and judges itself."""

    names = ("ticket",)

    def prepared(self, authid: str, record: dict[str, Any]) -> dict[str, Any]:
        if "ticket" in record:
            _text(record, "ticket", authid)
        elif self.authenticator is None:
            raise ValueError(f"user {authid!r} needs a 'ticket'")
        return record

    async def verify(self, attempt: Attempt, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        known = await self.record(attempt, method) if self.authenticator is None else None
        answer = await attempt.ask(method, {})
        record = known if known is not None else await self.record(attempt, method, ticket=answer.signature)
        if "ticket" in record and not _same(_octets(record["ticket"]), _octets(answer.signature)):
            raise Denied(DENIED, "the ticket is not valid")
        return record, {}


class WampCra(Method):
    """Challenge and response; ``secret`` in the record, which with ``salt``, ``iterations``, ``keylen`` is the derived key."""

    names = ("wampcra",)

    def prepared(self, authid: str, record: dict[str, Any]) -> dict[str, Any]:
        _text(record, "secret", authid)
        return record

    async def verify(self, attempt: Attempt, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        record = await self.record(attempt, method)
        challenge = json.dumps(
            {
                "authid": record.get("authid"),
                "authrole": record.get("authrole", self.authrole),
                "authmethod": method,
                "nonce": secrets.token_urlsafe(32),
                "timestamp": utcnow(),
            }
        )
        extra: dict[str, Any] = {"challenge": challenge}
        if "salt" in record:
            extra.update({"salt": record["salt"], "iterations": 1000, "keylen": 32})
            extra.update({name: record[name] for name in ("iterations", "keylen") if name in record})
        answer = await attempt.ask(method, extra)
        if not _same(compute_wcs(record["secret"], challenge), _octets(answer.signature)):
            raise Denied(DENIED, "the signature is not valid")
        return record, {}


class Scram(Method):
    """SCRAM as the specification has it and as Autobahn and Crossbar.io do it; in the record ``kdf``, ``salt`` (hex),
    ``iterations``, ``memory``, ``stored-key``, ``server-key`` (hex), or a ``password``, of which they are derived."""

    names = ("scram", "wamp-scram")

    def prepared(self, authid: str, record: dict[str, Any]) -> dict[str, Any]:
        if "password" in record:
            password = _scram.saslprep(_text(record, "password", authid))
            salt, iterations = secrets.token_bytes(16), 4096
            stored, server = _scram.stored_keys(
                _scram.salted_password("pbkdf2", _octets(password), salt, iterations, 0)
            )
            del record["password"]
            found = {"kdf": "pbkdf2", "salt": salt, "iterations": iterations, "memory": 0}
            return {**record, **found, "stored-key": stored, "server-key": server}
        for name in ("salt", "stored-key", "server-key"):
            record[name] = _hex(_text(record, name, authid), f"{name!r} of user {authid!r}")
        _text(record, "kdf", authid)
        for name in ("iterations", "memory"):
            if type(record.setdefault(name, 0)) is not int:
                raise ValueError(f"{name!r} of user {authid!r} must be an integer")
        return record

    async def verify(self, attempt: Attempt, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        record = await self.record(attempt, method)
        client_nonce, binding = attempt.authextra.get("nonce"), attempt.authextra.get("channel_binding")
        if not isinstance(client_nonce, str) or not client_nonce:
            raise Denied(DENIED, "SCRAM needs a nonce in the authextra of HELLO")
        channel_id = _channel_id(attempt, binding)
        nonce = client_nonce + base64.b64encode(secrets.token_bytes(18)).decode("ascii")
        salt = base64.b64encode(record["salt"]).decode("ascii")
        extra = {"nonce": nonce, "salt": salt, "kdf": record["kdf"], "iterations": record["iterations"]}
        if record["memory"]:
            extra["memory"] = record["memory"]
        if binding is not None:
            extra["channel_binding"] = binding
        answer = await attempt.ask(method, extra)
        name = str(attempt.authid)
        if method == "wamp-scram":
            bound = _bound_by_the_book(answer.extra, nonce, binding, channel_id)
            name = _prepared_name(name)
        else:
            bound = binding or ""
        message = _scram.auth_message(name, client_nonce, nonce, salt, record["iterations"], bound)
        proof = _unbase64(answer.signature)
        signature = hmac.digest(record["stored-key"], message, "sha256")
        if len(proof) != len(signature) or not _same(
            hashlib.sha256(xor(proof, signature)).digest(), record["stored-key"]
        ):
            raise Denied(DENIED, "the proof is not valid")
        verifier = base64.b64encode(hmac.digest(record["server-key"], message, "sha256")).decode("ascii")
        return record, {"verifier": verifier, "scram_server_signature": verifier}


class Cryptosign(Method):
    """A signature with an Ed25519 key; ``authorized_keys`` (hex) in the record. Without authid, the key says who it is.

    With the setting ``privkey`` (hex) the router proves who it is to clients that want it.
    """

    names = ("cryptosign",)
    settings = ("privkey",)
    _key: CryptosignKey | None = None

    def __init__(
        self,
        users: Mapping[str, dict[str, Any]] | None = None,
        authenticator: Callable[..., Any] | None = None,
        authrole: str | None = None,
    ) -> None:
        super().__init__(users, authenticator, authrole)
        self._owners: dict[bytes, str] = {}
        for authid, record in self.users.items():
            for key in record.get("authorized_keys", ()):
                self._owners.setdefault(key, authid)

    def configure(self, settings: Mapping[str, Any]) -> None:
        if "privkey" in settings:
            self._key = CryptosignKey.from_bytes(_hex(settings["privkey"], "the router's 'privkey'", 32))

    async def _proof(self, attempt: Attempt, channel_id: bytes | None) -> dict[str, Any]:
        """The router's answer to the challenge of the client, if there is one ("Router Authentication")."""
        if self._key is None or "challenge" not in attempt.authextra:
            return {}
        try:
            challenge = _hex(attempt.authextra["challenge"], "challenge", 32)
        except ValueError:
            raise Denied(DENIED, "the challenge in the authextra of HELLO must be 32 octets as hex") from None
        value = xor(challenge, channel_id) if channel_id is not None else challenge
        signed = await self._key.sign(value)
        return {"pubkey": self._key.public_key(), "signature": (signed + value).hex()}

    def prepared(self, authid: str, record: dict[str, Any]) -> dict[str, Any]:
        keys = record.get("authorized_keys", [record["pubkey"]] if "pubkey" in record else None)
        if keys is not None:
            record["authorized_keys"] = [_hex(key, f"a key of user {authid!r}", 32) for key in keys]
        elif self.authenticator is None:
            raise ValueError(f"user {authid!r} needs 'authorized_keys'")
        return record

    def knows(self, attempt: Attempt) -> bool:
        if attempt.authid is not None or self.authenticator is not None:
            return super().knows(attempt)
        try:
            return _pubkey(attempt) in self._owners
        except Denied:
            return False

    async def verify(self, attempt: Attempt, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        key = _pubkey(attempt)
        if self.authenticator is None and attempt.authid is None:
            attempt.authid = self._owners.get(key)
        record = await self.record(attempt, method)
        if key not in record.get("authorized_keys", [key]):
            raise Denied(DENIED, "this key does not belong to the user")
        binding = attempt.authextra.get("channel_binding")
        channel_id = _channel_id(attempt, binding)
        challenge = secrets.token_bytes(32)
        extra = {"challenge": challenge.hex(), **await self._proof(attempt, channel_id)}
        if binding is not None:
            extra["channel_binding"] = binding
        answer = await attempt.ask(method, extra)
        wanted = xor(challenge, channel_id) if channel_id is not None else challenge
        if not _is_signed(key, answer.signature, wanted):
            raise Denied(DENIED, "the signature is not valid")
        return record, {}


METHODS: dict[str, type[Method]] = {
    "anonymous": Anonymous,
    "ticket": Ticket,
    "wampcra": WampCra,
    "scram": Scram,
    "cryptosign": Cryptosign,
}
"""Methods by their name in the configuration."""


class Authentication:
    """The methods of one realm.

    :param methods: those there are.
    """

    def __init__(self, methods: list[Method]) -> None:
        self._methods = {name: method for method in methods for name in method.names}

    async def authenticate(self, attempt: Attempt) -> Principal:
        """Find out who a client is.

        :raises Denied: it did not prove it.
        """
        offered = [name for name in attempt.authmethods or ["anonymous"] if name in self._methods]
        if not offered:
            if attempt.authmethods and set(attempt.authmethods) != {"anonymous"}:
                raise Denied(NO_MATCHING_METHOD, f"the methods here are {', '.join(self._methods)}")
            raise Denied(REQUIRED, f"authentication is required, by {', '.join(self._methods)}")
        name = next((name for name in offered if self._methods[name].knows(attempt)), offered[0])
        method = self._methods[name]
        record, extra = await method.verify(attempt, name)
        authrole = record.get("authrole", record.get("role", method.authrole))
        if not isinstance(authrole, str):
            raise Denied("wamp.error.no_such_role", "this user has no role")
        provider = "static" if method.authenticator is None else "dynamic"
        more = record.get("extra")
        told = {**(more if isinstance(more, dict) else {}), **extra}
        return Principal(str(record.get("authid") or new_authid()), authrole, name, provider, told)


# --- records and answers ---


def _text(record: dict[str, Any], name: str, authid: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"user {authid!r} needs {name!r}, a text")
    return value


def _hex(text: Any, what: str, length: int = 0) -> bytes:
    try:
        octets = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be hex") from None
    if length and len(octets) != length:
        raise ValueError(f"{what} must be {length} octets as hex")
    return octets


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(_octets(text), validate=True)
    except ValueError:
        return b""


def _channel_id(attempt: Attempt, binding: Any) -> bytes | None:
    if binding is None:
        return None
    channel_id = attempt.channel_id(binding) if binding in CHANNEL_BINDINGS else None
    if not channel_id:
        raise Denied(DENIED, f"this connection has no channel binding {str(binding)[:50]!r}")
    return channel_id


def _bound_by_the_book(extra: Any, nonce: str, binding: str | None, channel_id: bytes | None) -> str:
    """What AUTHENTICATE says that is behind ``c=``; Denied when it is not true."""
    extra = extra if isinstance(extra, dict) else {}
    data = _unbase64(extra.get("cbind_data") or "") if isinstance(extra.get("cbind_data"), str | None) else b""
    if extra.get("nonce") != nonce or extra.get("channel_binding") != binding or not _same(data, channel_id or b""):
        raise Denied(DENIED, "nonce or channel binding of AUTHENTICATE are not those of the challenge")
    return _scram.channel_binding(binding, channel_id or b"")


def _prepared_name(name: str) -> str:
    try:
        return _scram.prepared_name(name)
    except ValueError:
        raise Denied(DENIED, "the authid has characters that SCRAM does not allow") from None


def _pubkey(attempt: Attempt) -> bytes:
    try:
        return _hex(attempt.authextra.get("pubkey"), "pubkey", 32)
    except ValueError:
        raise Denied(DENIED, "cryptosign needs a pubkey, 32 octets as hex, in the authextra of HELLO") from None


def _is_signed(key: bytes, answer: str, wanted: bytes) -> bool:
    """Whether ``answer`` (signature and what was signed, as hex) is a signature of ``wanted``."""
    try:
        octets = bytes.fromhex(answer)
    except ValueError:
        return False
    return len(octets) == 96 and _same(octets[64:], wanted) and is_signed_by(key, octets[:64], wanted)
