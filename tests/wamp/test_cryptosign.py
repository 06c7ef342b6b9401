# SPDX-License-Identifier: MIT
"""Cryptosign: the vectors of the WAMP specification, keys in every form, details of HELLO."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast.util import write_keyfile
from autobahn_fast.wamp import _sshkeys, auth, mnemonic
from autobahn_fast.wamp.cryptobox import KeyRing
from autobahn_fast.wamp.cryptosign import HAS_CRYPTOSIGN, CryptosignAuthextra, CryptosignKey, _makepad
from autobahn_fast.wamp.interfaces import ICryptosignKey
from autobahn_fast.wamp.types import Challenge, TransportDetails

SEED = bytes.fromhex("4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510")
PUBLIC = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d"
CHANNEL = bytes.fromhex("62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff")
SPECIFICATION = [
    # private key, challenge, bound to the channel, first 16 octets of the signature
    (SEED.hex(), "ff" * 32, False, "b32675b221f08593213737bef8240e7c"),
    (SEED.hex(), "ff" * 32, True, "9b6f41540c9b95b4b7b281c3042fa9c5"),
    (
        "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        False,
        "d4209ad10d5aff6bfbc009d7e924795d",
    ),
    (
        "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        True,
        "305aaa3ac25e98f651427688b3fc43fe",
    ),
    (
        "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        False,
        "7beb282184baadd08f166f16dd683b39",
    ),
    (
        "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        True,
        "ee3c7644fd8070532bc1fde3d70d7422",
    ),
]


def challenge(value: Any = "ff" * 32, method: str = "cryptosign", **extra: Any) -> Challenge:
    return Challenge(method, {"challenge": value, **extra})


@pytest.mark.parametrize(("private", "value", "bound", "start"), SPECIFICATION)
@pytest.mark.parametrize("binding", ["tls-unique", "tls-exporter"])
def test_vectors_of_the_specification(private: str, value: str, bound: bool, start: str, binding: str) -> None:
    key = CryptosignKey.from_bytes(bytes.fromhex(private))
    arguments = {"channel_id": CHANNEL, "channel_id_type": binding} if bound else {}
    future = key.sign_challenge(challenge(value), **arguments)

    async def wait() -> Any:
        assert (await asyncio.gather(future, future))[0] == await future
        return await future

    answer = asyncio.run(wait())
    assert type(answer) is str
    assert len(answer) == 192
    assert answer.startswith(start)
    octets = bytes.fromhex(answer)
    signed = bytes(a ^ b for a, b in zip(bytes.fromhex(value), CHANNEL, strict=True)) if bound else bytes.fromhex(value)
    assert octets[64:] == signed
    ed25519.Ed25519PublicKey.from_public_bytes(key.public_key(binary=True)).verify(octets[:64], signed)  # type: ignore[arg-type]


def test_the_future_has_callbacks() -> None:
    seen: list[Any] = []
    future = CryptosignKey.from_bytes(SEED).sign(b"abc")
    future.add_done_callback(lambda f: seen.append(f.result()))
    assert seen == [future.result()]
    assert future.done()
    assert not future.cancelled()
    assert not future.cancel()
    assert future.exception() is None
    assert future.result().hex().startswith("3fbb4bef204cbc97b63bd353a0415288")
    assert future.result().hex() not in repr(future)


def test_on_twisted_the_future_is_one_of_twisted(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = SimpleNamespace(using_twisted=True, create_future_success=lambda value: ("deferred", value))
    monkeypatch.setitem(sys.modules, "txaio", chosen)
    assert CryptosignKey.from_bytes(SEED).sign(b"abc")[0] == "deferred"


@pytest.mark.parametrize(
    ("missing", "extra", "call"),
    [
        ("nacl.signing", "crypto", lambda: CryptosignKey.from_bytes(SEED)),
        ("nacl.signing", "crypto", lambda: auth.create_authenticator("cryptosign", privkey=SEED.hex())),
        ("nacl.public", "crypto", lambda: KeyRing().generate_key()),
        ("argon2.low_level", "scram", lambda: auth.derive_scram_credential("a", "b")),
        ("cryptography.hazmat.primitives.asymmetric", "crypto", lambda: mnemonic.derive_public_key(SEED)),
    ],
)
def test_missing_packages(monkeypatch: pytest.MonkeyPatch, missing: str, extra: str, call: Any) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(RuntimeError, match=rf"pip install autobahn_fast\[{extra}\]"):
        call()


@pytest.mark.parametrize(
    ("what", "arguments", "text"),
    [
        (challenge("ff" * 31), {}, "length: was 62"),
        (challenge("zz" * 32), {}, "not hex"),
        (challenge(None), {}, "missing challenge"),
        (challenge(7), {}, "was int"),
        (challenge(method="wampcra"), {}, "unexpected cryptosign challenge"),
        (challenge(), {"channel_id": CHANNEL}, "needs its type"),
        (challenge(), {"channel_id_type": "tls-unique"}, "was None"),
        (challenge(), {"channel_id": b"short", "channel_id_type": "tls-unique"}, "was 5"),
        (challenge(), {"channel_id": CHANNEL.hex(), "channel_id_type": "tls-unique"}, "was 64"),
        (challenge(), {"channel_id": CHANNEL, "channel_id_type": "smoke"}, "invalid channel_id_type"),
    ],
)
def test_what_is_not_signed(what: Challenge, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        CryptosignKey.from_bytes(SEED).sign_challenge(what, **arguments)


# --- keys ---


def test_key_from_octets() -> None:
    key = CryptosignKey.from_bytes(SEED, "mine")
    assert (key.public_key(), key.public_key(binary=True)) == (PUBLIC, bytes.fromhex(PUBLIC))
    assert (key.can_sign, key.comment, key.key_no, key.key_type, key.security_module) == (
        True,
        "mine",
        None,
        "cryptosign",
        None,
    )
    assert isinstance(key, ICryptosignKey)
    assert HAS_CRYPTOSIGN is True
    assert SEED.hex() not in repr(key) + str(vars(key))
    with pytest.raises(ValueError, match="must be binary"):
        key.sign("abc")  # type: ignore[arg-type]


def test_public_key_cannot_sign() -> None:
    key = CryptosignKey.from_pubkey(bytes.fromhex(PUBLIC))
    assert (key.public_key(), key.can_sign) == (PUBLIC, False)
    for call in (lambda: key.sign(b"a"), lambda: key.sign_challenge(challenge())):
        with pytest.raises(ValueError, match="a signing key required"):
            call()


@pytest.mark.parametrize("value", [b"", b"a", SEED + b"a", "a" * 32, None, bytearray(SEED)])
def test_what_is_no_key(value: Any) -> None:
    for constructor in (CryptosignKey.from_bytes, CryptosignKey.from_pubkey):
        with pytest.raises(ValueError, match="invalid key"):
            constructor(value)
    with pytest.raises(ValueError, match="invalid type"):
        CryptosignKey(value, True)


def test_key_from_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(SEED)
    assert CryptosignKey.from_file(str(file)).public_key() == PUBLIC
    file.write_bytes(SEED[1:])
    with pytest.raises(ValueError, match="length 31"):
        CryptosignKey.from_file(str(file))
    with pytest.raises(FileNotFoundError):
        CryptosignKey.from_file(str(tmp_path / "none"))


def test_key_from_keyfile(tmp_path: Path) -> None:
    def load(**tags: str) -> CryptosignKey:
        file = str(tmp_path / "key.priv")
        write_keyfile(file, {name.replace("_", "-"): value for name, value in tags.items()}, "A key.\n\n")
        return CryptosignKey.from_keyfile(file)

    key = load(creator="me@here", public_key_ed25519=PUBLIC, private_key_ed25519=SEED.hex())
    assert (key.public_key(), key.can_sign, key.comment) == (PUBLIC, True, "me@here")
    key = load(public_key_ed25519=PUBLIC)
    assert (key.public_key(), key.can_sign, key.comment) == (PUBLIC, False, None)
    with pytest.raises(RuntimeError, match="neither"):
        load(creator="me")
    with pytest.raises(ValueError, match="do not belong together"):
        load(public_key_ed25519="00" * 32, private_key_ed25519=SEED.hex())
    with pytest.raises(ValueError, match="not hex"):
        load(private_key_ed25519="zz" * 32)


@pytest.mark.parametrize(
    ("phrase", "index", "public"),
    [
        ("abandon " * 11 + "about", 0, "d75d9504a00ba114a2314428fc84318843a2df2f266e08973cc102f74f661cce"),
        ("abandon " * 11 + "about", 1, "a6033533a41780e5e0477c80c0aa471bed2549ce6cb8fcadd5160d477d90ada5"),
        ("abandon " * 11 + "about", 5, "d14e323b73c56937bc2bf1b1d323d0bc08083ab9b25099700a044bd3f62f711a"),
        ("abandon " * 23 + "art", 0, "5396f7a4dbd2f69800e1a5d0ad520566cfd1b000be81b0fc0f8665541b41c4b0"),
    ],
)
def test_key_from_seed_phrase(phrase: str, index: int, public: str) -> None:
    """The expected keys were made by autobahn 26.10.2."""
    assert CryptosignKey.from_seedphrase(phrase, index).public_key() == public


def ssh_private(comment: bytes = b"joe @ home", **changes: Any) -> str:
    """An OpenSSH private key, by the book or changed."""
    public = bytes.fromhex(PUBLIC)
    parts = {
        "check": b"abcdabcd",
        "type": b"ssh-ed25519",
        "secret": SEED + public,
        "cipher": b"none",
        "count": 1,
        **changes,
    }
    private = parts["check"] + _sshkeys.pack_strings(parts["type"], public, parts["secret"], comment)
    private += _makepad(-len(private) % 8) if "padding" not in changes else changes["padding"]
    octets = b"openssh-key-v1\0" + _sshkeys.pack_strings(parts["cipher"], parts["cipher"], b"")
    octets += parts["count"].to_bytes(4, "big")
    octets += _sshkeys.pack_strings(_sshkeys.pack_strings(b"ssh-ed25519", public), private)
    octets = octets[: changes.get("cut")]
    return f"{_sshkeys._BEGIN}\n{base64.encodebytes(octets).decode()}{_sshkeys._END}\n"


def test_ssh_keys_as_another_library_writes_them(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    for octets, can_sign in ((private, True), (public, False)):
        file = tmp_path / "id"
        file.write_bytes(octets)
        for loaded in (
            CryptosignKey.from_ssh_file(str(file)),
            CryptosignKey.from_ssh_bytes(octets),
            CryptosignKey.from_ssh_bytes(octets.decode()),
        ):
            assert (loaded.public_key(), loaded.can_sign, loaded.comment) == (PUBLIC, can_sign, None)


def test_ssh_keys_have_comments() -> None:
    public = base64.b64encode(_sshkeys.pack_strings(b"ssh-ed25519", bytes.fromhex(PUBLIC))).decode()
    key = CryptosignKey.from_ssh_bytes(f"ssh-ed25519 {public} joe @ home\n")
    assert (key.public_key(), key.comment, key.can_sign) == (PUBLIC, "joe @ home", False)
    key = CryptosignKey.from_ssh_bytes(ssh_private())
    assert (key.public_key(), key.comment, key.can_sign) == (PUBLIC, "joe @ home", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid SSH Ed25519 public key"),
        ("garbage", "invalid SSH Ed25519 public key"),
        ("ssh-rsa AAAA joe", "only ssh-ed25519"),
        ("ssh-ed25519 AAAA joe", "cut off"),
        ("ssh-ed25519 !!!! joe", "not base64"),
        (f"ssh-ed25519 {base64.b64encode(_sshkeys.pack_strings(b'ssh-rsa', b'x' * 32)).decode()}", "only ssh-ed25519"),
        (f"ssh-ed25519 {base64.b64encode(_sshkeys.pack_strings(b'ssh-ed25519', b'x')).decode()}", "32 octets"),
        ("-----BEGIN RSA PRIVATE KEY-----", "does not begin"),
        (ssh_private(cipher=b"aes256-ctr"), "encrypted"),
        (ssh_private(type=b"ssh-rsa"), "only ssh-ed25519"),
        (ssh_private(check=b"abcdabce"), "check numbers"),
        (ssh_private(secret=SEED + b"x" * 32), "do not match"),
        (ssh_private(padding=b"\x02\x01"), "wrong padding"),
        (ssh_private(count=2), "exactly one key"),
        (ssh_private(cut=100), "cut off"),
        (ssh_private(cut=3), "cut off"),
    ],
)
def test_ssh_keys_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as e:
        CryptosignKey.from_ssh_bytes(text)
    assert base64.b64encode(SEED).decode()[:20] not in str(e.value)


def test_ssh_keys_of_other_kinds_are_refused() -> None:
    octets = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="ecdsa-sha2-nistp256"):
        CryptosignKey.from_ssh_bytes(octets)


@given(
    st.text() | st.binary(max_size=300).map(lambda b: f"{_sshkeys._BEGIN}{base64.b64encode(b).decode()}{_sshkeys._END}")
)
def test_nothing_but_value_errors_from_ssh_keys(text: str) -> None:
    try:
        CryptosignKey.from_ssh_bytes(text)
    except ValueError:
        pass


def test_padding() -> None:
    assert (_makepad(0), _makepad(3)) == (b"", b"\x01\x02\x03")


# --- the authenticator ---


class Session:
    """As much of a session as an authenticator looks at."""

    def __init__(self, **channel_id: bytes) -> None:
        details = TransportDetails(channel_id={name.replace("_", "-"): value for name, value in channel_id.items()})
        self._transport = type("Transport", (), {"transport_details": details})


@pytest.mark.parametrize("name", ["cryptosign", "cryptosign-proxy"])
@pytest.mark.parametrize("privkey", [SEED.hex(), SEED.hex().encode()])
def test_authenticator(name: str, privkey: Any) -> None:
    a = auth.create_authenticator(name, authid="joe", privkey=privkey)
    assert (a.name, a.authextra) == (name, {"pubkey": PUBLIC})
    assert a.on_challenge(Session(), challenge()).result().startswith(SPECIFICATION[0][3])
    assert a.on_welcome(None, {}) is None
    assert SEED.hex() not in repr(a) + str(vars(a))


@pytest.mark.parametrize("binding", ["tls-unique", "tls-exporter"])
def test_authenticator_binds_to_the_channel(binding: str) -> None:
    given = {"channel_binding": binding}
    a = auth.create_authenticator("cryptosign", privkey=SEED.hex(), authextra=given)
    assert a.authextra == {"pubkey": PUBLIC, "channel_binding": binding}
    assert given == {"channel_binding": binding}
    session = Session(**{binding.replace("-", "_"): CHANNEL})
    for what in (challenge(), challenge(channel_binding=binding)):
        assert a.on_challenge(session, what).result().startswith(SPECIFICATION[1][3])
    for what in (challenge(channel_binding=None), challenge(channel_binding="other")):
        with pytest.raises(RuntimeError, match="was asked for"):
            a.on_challenge(session, what)
    for session in (Session(), Session(**{binding.replace("-", "_"): bytes(32)})):
        with pytest.raises(RuntimeError, match="no channel id"):
            a.on_challenge(session, challenge())


def test_authenticator_does_not_bind_unasked() -> None:
    a = auth.create_authenticator("cryptosign", privkey=SEED.hex())
    assert a.on_challenge(Session(), challenge(channel_binding=None)).result()
    with pytest.raises(RuntimeError, match="was asked for"):
        a.on_challenge(Session(tls_unique=CHANNEL), challenge(channel_binding="tls-unique"))
    with pytest.raises(RuntimeError, match="challenged for 'ticket'"):
        a.on_challenge(Session(), challenge(method="ticket"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Must provide 'privkey'"),
        ({"privkey": "00" * 31}, "invalid key length 31"),
        ({"privkey": "zz" * 32}, "32 octets as hex"),
        ({"privkey": 3}, "32 octets as hex"),
        ({"privkey": "é"}, "32 octets as hex"),
        ({"privkey": SEED.hex(), "foo": 1}, "Unexpected key 'foo'"),
        ({"privkey": SEED.hex(), "authextra": {"pubkey": "aa"}}, "doesn't correspond"),
        ({"privkey": SEED.hex(), "authextra": {"channel_binding": "smoke"}}, "channel_binding must be one of"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        auth.create_authenticator("cryptosign", **arguments)


# --- details ---


FULL = {
    "pubkey": "90" * 32,
    "challenge": "fe" * 32,
    "channel_binding": "tls-unique",
    "channel_id": "2e" * 32,
    "trustroot": "0x" + "e7" * 20,
    "reservation": {
        "chain_id": 999,
        "block_no": 123456789,
        "realm": "0x" + "16" * 20,
        "delegate": "0x" + "72" * 20,
        "seeder": "0x" + "52" * 20,
        "bandwidth": 200,
    },
    "signature": "74" * 65,
}


def test_authextra_there_and_back() -> None:
    extra = CryptosignAuthextra.parse({**FULL, "unknown": 1})
    assert extra.marshal() == FULL
    assert (extra.pubkey, extra.realm, extra.chain_id) == (b"\x90" * 32, b"\x16" * 20, 999)
    assert extra == CryptosignAuthextra.parse(extra.marshal()) != CryptosignAuthextra()
    assert CryptosignAuthextra().marshal() == {}
    assert CryptosignAuthextra.parse({"trustroot": "0x" + "AB" * 20}).marshal() == {"trustroot": "0x" + "ab" * 20}
    assert CryptosignAuthextra.parse({"channel_binding": "tls-exporter"}).channel_binding == "tls-exporter"
    extra = CryptosignAuthextra(bandwidth=1)
    extra.seeder = b"s" * 20
    assert extra.marshal() == {"reservation": {"bandwidth": 1, "seeder": "0x" + "73" * 20}}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([], "dict expected"),
        ({"pubkey": "00"}, "length 2 of pubkey"),
        ({"pubkey": 3}, "for pubkey"),
        ({"pubkey": "zz" * 32}, "not hex"),
        ({"channel_binding": "smoke"}, "for channel_binding"),
        ({"reservation": 3}, "for reservation"),
        ({"reservation": {"chain_id": "a"}}, "reservation.chain_id"),
        ({"reservation": {"realm": "0x" + "ab" * 19}}, "reservation.realm"),
        ({"trustroot": "ab" * 21}, "Ethereum address"),
        ({"trustroot": "0x" + "zz" * 20}, "Ethereum address"),
        ({"signature": "ab"}, "signature"),
    ],
)
def test_authextra_that_is_refused(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        CryptosignAuthextra.parse(data)


@pytest.mark.parametrize(
    "values", [{"pubkey": "ab"}, {"pubkey": b"ab"}, {"chain_id": "1"}, {"channel_binding": "smoke"}]
)
def test_authextra_values_that_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        CryptosignAuthextra(**values)
