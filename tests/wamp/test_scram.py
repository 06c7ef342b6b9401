# SPDX-License-Identifier: MIT
"""SCRAM: the vector of RFC 7677, credentials and proofs as autobahn 26.10.2 makes them, a router that cheats."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from _session_peer import Peer, turns, welcome

from autobahn_fast.asyncio.wamp import Session
from autobahn_fast.wamp import _scram, auth, message
from autobahn_fast.wamp.types import Challenge, ComponentConfig, TransportDetails

# RFC 7677, section 3
RFC = {
    "name": "user",
    "client_nonce": "rOprNGfwEbeRWgbNEkqO",
    "server_nonce": "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    "salt": "W22ZaJ0SNY7soEsUEjb6gQ==",
    "proof": "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "verifier": "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
}


def rfc_authenticator(name: str = "wamp-scram", **kwargs: Any) -> Any:
    a = auth.create_authenticator(name, authid="user", password="pencil", **kwargs)
    a._client_nonce = RFC["client_nonce"]
    return a


def rfc_challenge(method: str = "wamp-scram", **changes: Any) -> Challenge:
    extra = {"nonce": RFC["server_nonce"], "salt": RFC["salt"], "kdf": "pbkdf2", "iterations": 4096, "memory": None}
    return Challenge(method, {**extra, **changes})


def test_vector_of_rfc_7677() -> None:
    a = rfc_authenticator()
    signature, details = a.on_challenge(None, rfc_challenge())
    assert signature == RFC["proof"]
    assert details == {"nonce": RFC["server_nonce"], "channel_binding": None, "cbind_data": None}
    assert a.on_welcome(None, {"verifier": "v=" + RFC["verifier"]}) is None


def test_proof_in_the_dialect_of_crossbar() -> None:
    a = auth.create_authenticator("scram", authid="joe", password="pé")
    a._client_nonce = "QQ=="
    extra = {"nonce": "QQ==QQ==", "salt": "c2FsdHNhbHQ=", "kdf": "argon2id-13", "iterations": 4, "memory": 512}
    assert a.on_challenge(None, Challenge("scram", extra)) == b"I66uSQ8w58rC0gAuAAfDhc2KfsEt3bYqAbo1jLtnGWU="
    message = b"n=joe,r=QQ==,r=QQ==QQ==,s=c2FsdHNhbHQ=,i=4,c=,r=QQ==QQ=="
    salted = _scram.salted_password("argon2id-13", "pé".encode(), b"saltsalt", 4, 512)
    verifier = base64.b64encode(_scram.server_signature(salted, message)).decode()
    assert a.on_welcome(None, {"scram_server_signature": verifier}) is None


def test_the_two_forms_of_argon2_keys() -> None:
    octets = _scram.salted_password("argon2id13", b"pw", b"saltsalt", 4, 512)
    text = _scram.salted_password("argon2id-13", b"pw", b"saltsalt", 4, 512)
    assert len(octets) == 32
    assert text == base64.b64encode(octets).rstrip(b"=") == b"+PVeUbuzQ134sY1QlFcvesug2CJhICZsEZqc1/5LXc8"


@pytest.mark.parametrize(
    ("email", "password", "salt", "expected"),
    [
        (
            "foobar@example.com",
            "pw",
            None,
            (
                "3bc3ca01dd1d501ca1c22e1c5d7d16fe",
                "13e3427455e30a9b06567718a2cca124b4afd110037f2d045a7304185019d480",
                "0e9ccbe88d3b27bffaf61777650e3fa94485d2d6fefe89dae63297a98103b3d5",
            ),
        ),
        (
            "a",
            "b",
            b"1" * 16,
            (
                "31313131313131313131313131313131",
                "3a2b29d0d31a1fbc7d284cfe30ac8e305515154e7846f3fd9d807cb0f15552d5",
                "eab256304efa43ef71229ff444d81f7b2651d5f1e3bd7e3dd5d4b422f5f25bb2",
            ),
        ),
    ],
)
def test_credentials(email: str, password: str, salt: bytes | None, expected: tuple[str, str, str]) -> None:
    credential = auth.derive_scram_credential(email, password, salt)
    assert (credential.pop("salt"), credential.pop("stored-key"), credential.pop("server-key")) == expected
    assert credential == {"kdf": "argon2id-13", "iterations": 4096, "memory": 512}
    with pytest.raises(ValueError, match="16 octets"):
        auth.derive_scram_credential("a", "b", b"short")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"nonce": None}, "needs 'nonce'"),
        ({"nonce": RFC["client_nonce"]}, "does not continue"),
        ({"nonce": "somebody else's"}, "does not continue"),
        ({"salt": 3}, "needs 'salt'"),
        ({"salt": "!"}, "not base64"),
        ({"kdf": "rot13"}, "rot13"),
        ({"iterations": "many"}, "needs 'iterations'"),
        ({"iterations": True}, "needs 'iterations'"),
        ({"iterations": 1}, "1 iterations of PBKDF2: refused"),
        ({"iterations": 1 << 40}, "refused"),
        ({"kdf": "argon2id13"}, "needs 'memory'"),
        ({"kdf": "argon2id13", "memory": 1 << 30}, "refused"),
        ({"kdf": "argon2id13", "memory": 1 << 20, "iterations": 4096}, "refused"),
        ({"kdf": "argon2id13", "memory": 8, "iterations": 1}, "refused"),
        ({"kdf": "argon2id13", "memory": -8, "iterations": -1024}, "cannot use|refused"),
        ({"kdf": "argon2id13", "memory": 1, "iterations": 4096}, "cannot use"),
        ({"channel_binding": "tls-unique"}, "channel binding None was asked for"),
    ],
)
def test_challenges_that_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=text) as e:
        rfc_authenticator().on_challenge(None, rfc_challenge(**changes))
    assert "pencil" not in str(e.value)


def test_a_challenge_is_answered_once() -> None:
    a = rfc_authenticator()
    a.on_challenge(None, rfc_challenge())
    with pytest.raises(RuntimeError, match="second"):
        a.on_challenge(None, rfc_challenge())
    assert a.authextra["nonce"] == a.authextra["nonce"] != RFC["client_nonce"]
    assert len({auth.create_authenticator("scram", authid="u", password="p").authextra["nonce"] for _ in range(9)}) == 9


@pytest.mark.parametrize(
    ("authextra", "text"),
    [
        (None, "has no SCRAM server signature"),
        ({}, "has no SCRAM server signature"),
        ({"verifier": 3}, "has no SCRAM server signature"),
        ({"verifier": "!"}, "Verification of server SCRAM signature failed"),
        ({"verifier": RFC["proof"]}, "Verification of server SCRAM signature failed"),
        ({"scram_server_signature": RFC["verifier"][4:]}, "Verification of server SCRAM signature failed"),
    ],
)
def test_a_router_without_proof(authextra: Any, text: str) -> None:
    a = rfc_authenticator()
    a.on_challenge(None, rfc_challenge())
    assert text in a.on_welcome(None, authextra)
    assert "without a SCRAM challenge" in a.on_welcome(None, {"verifier": RFC["verifier"]})


def test_channel_binding() -> None:
    class OnTls:
        class _transport:
            transport_details = TransportDetails(channel_id={"tls-unique": b"c" * 32})

    a = rfc_authenticator(authextra={"channel_binding": "tls-unique"})
    assert a.authextra == {"nonce": RFC["client_nonce"], "channel_binding": "tls-unique"}
    signature, details = a.on_challenge(OnTls, rfc_challenge(channel_binding="tls-unique"))
    assert signature != RFC["proof"]
    assert details["channel_binding"] == "tls-unique"
    assert base64.b64decode(details["cbind_data"]) == b"c" * 32
    OnTls._transport.transport_details = TransportDetails()
    a = rfc_authenticator(authextra={"channel_binding": "tls-unique"})
    with pytest.raises(RuntimeError, match="no channel id"):
        a.on_challenge(OnTls, rfc_challenge())


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        # RFC 4013, section 3
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_saslprep(text: str, prepared: str) -> None:
    assert _scram.saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "\u0627a\u0628", "\u0221", "\ue000"])
def test_saslprep_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="SASLprep"):
        _scram.saslprep(text)


@pytest.mark.parametrize("missing", ["authid", "password"])
def test_missing_arguments(missing: str) -> None:
    arguments = {"authid": "a", "password": "b"}
    del arguments[missing]
    with pytest.raises(ValueError, match=f"Must provide '{missing}' for scram"):
        auth.create_authenticator("scram", **arguments)


# --- in a session ---


async def offering(*authenticators: Any) -> Peer:
    session = Session(ComponentConfig("realm1"))
    for a in authenticators:
        session.add_authenticator(a)
    return await Peer(session).open()


def ended_with(peer: Peer) -> str:
    assert not peer.session.is_attached()
    abort = peer.take()
    assert type(abort) is message.Abort
    assert abort.reason == "wamp.error.cannot_authenticate"
    return abort.message


def test_joins_when_the_router_proves_itself() -> None:
    async def main() -> None:
        a = rfc_authenticator()
        peer = await offering(a)
        hello = peer.take()
        assert (hello.authmethods, hello.authid, hello.authextra) == (
            ["wamp-scram"],
            "user",
            {"nonce": RFC["client_nonce"]},
        )
        peer.say(message.Challenge("wamp-scram", rfc_challenge().extra))
        await turns()
        answer = peer.take()
        assert (answer.signature, answer.extra["nonce"]) == (RFC["proof"], RFC["server_nonce"])
        peer.say(welcome(authmethod="wamp-scram", authextra={"verifier": RFC["verifier"]}))
        await turns()
        assert peer.session.is_attached()
        assert not peer.sent
        assert not peer.errors

    asyncio.run(main())


@pytest.mark.parametrize("authmethod", ["wamp-scram", "anonymous", "ticket", "cookie", None])
@pytest.mark.parametrize("challenged", [True, False])
def test_a_router_that_cannot_prove_itself_is_left(authmethod: str | None, challenged: bool) -> None:
    async def main() -> None:
        peer = await offering(rfc_authenticator())
        peer.take()
        if challenged:
            peer.say(message.Challenge("wamp-scram", rfc_challenge().extra))
            await turns()
            peer.take()
        peer.say(welcome(authmethod=authmethod, authextra={"verifier": RFC["proof"]}))
        await turns()
        text = ended_with(peer)
        assert "signature failed" in text if challenged else "without" in text

    asyncio.run(main())


@pytest.mark.parametrize("method", ["ticket", "wampcra", "cryptosign"])
@pytest.mark.parametrize("authmethod", ["same", "anonymous", None])
def test_a_router_that_skips_the_challenge_is_left(method: str, authmethod: str | None) -> None:
    arguments = {"ticket": {"ticket": "t"}, "wampcra": {"secret": "s"}, "cryptosign": {"privkey": "11" * 32}}[method]

    async def main() -> None:
        peer = await offering(auth.create_authenticator(method, authid="joe", **arguments))
        peer.take()
        peer.say(welcome(authmethod=method if authmethod == "same" else authmethod))
        await turns()
        assert "without a challenge" in ended_with(peer)

    asyncio.run(main())


@pytest.mark.parametrize("details", [{"authmethod": "cookie"}, {"authmethod": "ticket", "authprovider": "cookie"}])
def test_a_router_that_knows_us_by_cookie_needs_no_challenge(details: dict[str, str]) -> None:
    async def main() -> None:
        peer = await offering(auth.create_authenticator("ticket", authid="joe", ticket="t"))
        peer.take()
        peer.say(welcome(**details))
        await turns()
        assert peer.session.is_attached()

    asyncio.run(main())


def test_both_spellings_offered_at_once() -> None:
    async def main() -> None:
        both = [auth.create_authenticator(n, authid="user", password="pencil") for n in ("scram", "wamp-scram")]
        peer = await offering(*both, auth.create_authenticator("cryptosign", privkey="11" * 32))
        hello = peer.take()
        assert hello.authmethods == ["scram", "wamp-scram", "cryptosign"]
        assert set(hello.authextra) == {"nonce", "pubkey"}
        nonce = hello.authextra["nonce"] + "more"
        peer.say(message.Challenge("scram", {**rfc_challenge().extra, "nonce": nonce}))
        await turns()
        assert type(peer.take()) is message.Authenticate
        assert not peer.errors

    asyncio.run(main())


def test_a_nonce_is_used_for_one_session() -> None:
    async def main() -> None:
        a = auth.create_authenticator("scram", authid="user", password="pencil")
        nonces = []
        for _ in range(2):
            peer = await offering(a)
            nonces.append(peer.take().authextra["nonce"])
            peer.say(message.Challenge("scram", {**rfc_challenge().extra, "nonce": nonces[-1] + "x"}))
            await turns()
            assert type(peer.take()) is message.Authenticate
        assert nonces[0] != nonces[1]

    asyncio.run(main())


def test_a_refused_challenge_ends_the_attempt() -> None:
    async def main() -> None:
        peer = await offering(rfc_authenticator())
        peer.take()
        peer.say(message.Challenge("wamp-scram", rfc_challenge(iterations=1).extra))
        await turns()
        assert "refused" in ended_with(peer)

    asyncio.run(main())
