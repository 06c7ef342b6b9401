# SPDX-License-Identifier: MIT
"""A router that does nothing but authenticate: one thread, RawSocket, JSON. It computes the other side of each method by itself.

Written with hashlib, hmac, argon2 and PyNaCl directly, so that it shares no code with what it tests. It can be told to cheat.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

USERS = {
    "ticket": {"authid": "joe", "ticket": "hush-ticket-0"},
    "wampcra": {"authid": "joe", "secret": "hush-secret-1"},
    "wampcra-salted": {"authid": "joe", "secret": "hush-secret-2"},
    "scram": {"authid": "joe", "password": "hush-password-3"},
    "scram-argon2id-13": {"authid": "joe", "password": "hush-password-4"},
    "wamp-scram": {"authid": "joe", "password": "hush-password-5"},
    "wamp-scram-argon2id13": {"authid": "joe", "password": "hush-password-6"},
    "cryptosign": {"authid": "joe", "privkey": "51" * 32},
    "cryptosign-proxy": {"authid": "joe", "privkey": "52" * 32},
}
"""What a client proves itself with, by method and kind."""

SECRETS = ("ticket", "secret", "password", "privkey")
ROUTER_KEY = b"\x77" * 32
REFUSED = "wamp.error.authentication_failed"

Challenge = tuple[dict[str, Any], Callable[[str, dict[str, Any]], dict[str, Any] | None]]
"""The extra of CHALLENGE, and what checks the answer: returns authextra of WELCOME, or None when it is wrong."""


def method_of(kind: str) -> str:
    """``scram`` for ``scram-argon2id-13``."""
    names = ("wamp-scram", "scram", "wampcra", "ticket", "cryptosign-proxy", "cryptosign")
    return next(name for name in names if kind.startswith(name))


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def digest(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def router_public_key() -> str:
    from nacl.signing import SigningKey

    return bytes(SigningKey(ROUTER_KEY).verify_key).hex()


class AuthRouter:
    """Listens in a thread; ``with AuthRouter(kind) as router`` serves one method of authentication.

    :param kind: a key of ``USERS``, or ``anonymous``. :param cheat: what it does wrong, see the tests.
    :param tls: makes the ``OpenSSL.SSL.Context``.
    """

    def __init__(self, kind: str, cheat: str | None = None, tls: Any = None) -> None:
        self.kind, self.cheat, self.tls = kind, cheat, tls
        self.hellos: list[dict[str, Any]] = []
        self.peer_certificates: list[str] = []
        self.aborts: list[list[Any]] = []
        self.problems: list[BaseException] = []
        self._first: dict[str, Any] | None = None  # the first challenge, to be replayed
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.url = f"{'rss' if tls else 'rs'}://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.settimeout(10)
            try:
                self._serve(connection)
            except (ConnectionError, TimeoutError):
                pass
            except Exception as e:  # noqa: BLE001 - the test looks at it
                if type(e).__module__ != "OpenSSL.SSL":
                    self.problems.append(e)
            finally:
                connection.close()

    def _serve(self, connection: Any) -> None:
        self.channel: Any = None
        if self.tls:
            from OpenSSL import SSL

            connection.setblocking(True)
            self.channel = SSL.Connection(self.tls, connection)
            self.channel.set_accept_state()
            self.channel.do_handshake()
            certificate = self.channel.get_peer_certificate()
            if certificate is not None:
                self.peer_certificates.append(certificate.to_cryptography().subject.rfc4514_string())
            connection = self.channel
        self.connection = connection
        if self._take(4)[0] != 0x7F:
            raise ConnectionError("no RawSocket")
        connection.sendall(b"\x7f\xf1\x00\x00")
        self._talk()

    def _take(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            more = self.connection.recv(count - len(octets))
            if not more:
                raise ConnectionError("gone")
            octets += more
        return octets

    def _receive(self) -> list[Any]:
        message: list[Any] = json.loads(self._take(int.from_bytes(self._take(4), "big")))
        if message[0] == 3:
            self.aborts.append(message)
            raise ConnectionError("aborted")
        return message

    def _send(self, *message: Any) -> None:
        octets = json.dumps(message).encode()
        packet = len(octets).to_bytes(4, "big") + octets
        if self.cheat == "stray" and message[0] == 2:
            packet += b"\x00\x00\x00\x0b[36,9,9,{}]"  # an event of no subscription, right behind WELCOME
        self.connection.sendall(packet)

    def _talk(self) -> None:
        _, realm, details = self._receive()
        self.hellos.append(details)
        method = "anonymous" if self.kind == "anonymous" else method_of(self.kind)
        authextra: dict[str, Any] | None = {}
        if method != "anonymous" and self.cheat != "skip":
            extra, check = getattr(self, "_" + method.partition("-proxy")[0].replace("-", "_"))(details)
            if self.cheat == "replay":
                extra = self._first = self._first or extra
            self._send(4, "ticket" if self.cheat == "other" else method, extra)
            _, signature, more = self._receive()
            authextra = check(signature, more)
        if authextra is None:
            self._send(3, {"message": "no such user, or not with this secret"}, REFUSED)
            return
        welcome = {"roles": {"broker": {}, "dealer": {}}, "realm": realm, "authid": details.get("authid", "anon")}
        welcome |= {"authrole": "user", "authmethod": method, "authprovider": "static", "authextra": authextra}
        self._send(2, 4711, welcome)
        while self._receive()[0] != 6:
            pass
        self._send(6, {}, "wamp.close.goodbye_and_out")

    # --- methods ---

    def _ticket(self, details: dict[str, Any]) -> Challenge:
        return {}, lambda signature, _: {} if signature == USERS["ticket"]["ticket"] else None

    def _wampcra(self, details: dict[str, Any]) -> Challenge:
        text = json.dumps({"nonce": os.urandom(8).hex(), "authid": details["authid"]})
        key, extra = USERS[self.kind]["secret"].encode(), {"challenge": text}
        if self.kind.endswith("salted"):
            extra |= {"salt": "pepper", "iterations": 77, "keylen": 24}
            key = base64.b64encode(hashlib.pbkdf2_hmac("sha256", key, b"pepper", 77, 24))
        return extra, lambda signature, _: {} if signature == b64(digest(key, text.encode())) else None

    def _salted(self, salt: bytes) -> tuple[dict[str, Any], bytes]:
        password, kdf = USERS[self.kind]["password"].encode(), self.kind.rpartition("scram")[2].lstrip("-")
        if not kdf:
            parameters: dict[str, Any] = {"kdf": "pbkdf2", "iterations": 1500, "memory": None}
            return parameters, hashlib.pbkdf2_hmac("sha256", password, salt, 1500, 32)
        from argon2.low_level import Type, hash_secret_raw

        raw = hash_secret_raw(password, salt, 4, 512, 1, 32, Type.ID, 19)
        if kdf == "argon2id-13":
            raw = base64.b64encode(raw).rstrip(b"=")
        return {"kdf": kdf, "iterations": 4, "memory": 512}, raw

    def _scram(self, details: dict[str, Any], header: str = "") -> Challenge:
        salt, client_nonce = os.urandom(16), details["authextra"]["nonce"]
        parameters, salted = self._salted(salt)
        nonce = client_nonce + b64(os.urandom(12))
        stored = hashlib.sha256(digest(salted, b"Client Key")).digest()

        def check(signature: str, more: dict[str, Any]) -> dict[str, Any] | None:
            cbind = b64(header.encode()) if header else ""
            text = f"n=joe,r={client_nonce},r={nonce},s={b64(salt)},i={parameters['iterations']},c={cbind},r={nonce}"
            own = digest(stored, text.encode())
            key = bytes(a ^ b for a, b in zip(own, base64.b64decode(signature), strict=True))
            if hashlib.sha256(key).digest() != stored:
                return None
            if self.cheat == "no proof":
                return {}
            proof = digest(digest(salted, b"Server Key"), b"another" if self.cheat == "wrong proof" else text.encode())
            return {"verifier" if header else "scram_server_signature": b64(proof)}

        return {"nonce": nonce, "salt": b64(salt), **parameters}, check

    def _wamp_scram(self, details: dict[str, Any]) -> Challenge:
        return self._scram(details, "n,,")

    def _channel_id(self, kind: str | None) -> bytes:
        if self.channel is None:
            return bytes(32)
        if kind == "tls-unique":
            return hashlib.sha256(self.channel.get_peer_finished()).digest()
        if kind == "tls-exporter":
            exported: bytes = self.channel.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
            return exported
        return bytes(32)

    def _cryptosign(self, details: dict[str, Any]) -> Challenge:
        from nacl.exceptions import BadSignatureError
        from nacl.signing import SigningKey, VerifyKey

        public = bytes(SigningKey(bytes.fromhex(USERS[self.kind]["privkey"])).verify_key)
        given = details["authextra"]
        binding = given.get("channel_binding")
        channel = int.from_bytes(self._channel_id(binding), "big")
        challenge = os.urandom(32)
        extra = {"challenge": challenge.hex(), "channel_binding": binding}
        if "challenge" in given and self.cheat != "no proof":
            key = SigningKey(b"\x78" * 32 if self.cheat == "other key" else ROUTER_KEY)
            value = (int.from_bytes(bytes.fromhex(given["challenge"]), "big") ^ channel).to_bytes(32, "big")
            if self.cheat == "wrong proof":
                value = bytes(32)
            extra |= {"pubkey": bytes(key.verify_key).hex(), "signature": bytes(key.sign(value)).hex()}

        def check(signature: str, more: dict[str, Any]) -> dict[str, Any] | None:
            octets = bytes.fromhex(signature)
            signed = (int.from_bytes(challenge, "big") ^ channel).to_bytes(32, "big")
            if octets[64:] != signed or given["pubkey"] != public.hex():
                return None
            try:
                VerifyKey(public).verify(signed, octets[:64])
            except BadSignatureError:
                return None
            return {}

        return extra, check
