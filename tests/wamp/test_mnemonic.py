# SPDX-License-Identifier: MIT
"""Seed phrases: the published vectors of BIP39 and BIP32."""

from __future__ import annotations

import pytest

from autobahn_fast.wamp import mnemonic as m

PHRASE = "abandon " * 11 + "about"


def test_seed_of_a_phrase() -> None:
    """The first vector of BIP39, with and without its passphrase."""
    assert m.mnemonic_to_bip39seed(PHRASE, "TREZOR").hex().startswith("c55257c360c07c72029aebc1b53c05ed")
    assert m.mnemonic_to_bip39seed(PHRASE, "").hex().startswith("5eb00bbddcf069084889a8ab91555681")


def test_chain_of_bip32() -> None:
    """Test vector 1 of BIP32: m, m/0' and m/0'/1."""
    key, chain = m.bip39seed_to_bip32masternode(bytes(range(16)))
    public = m.derive_public_key(key)
    assert m.b58xprv(bytes(4), key, chain, 0, 0) == (
        b"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
    )
    assert m.b58xpub(bytes(4), public, chain, 0, 0) == (
        b"xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
    )
    first, first_chain = m.derive_bip32childkey(key, chain, m.BIP32_PRIVDEV)
    first_public = m.derive_public_key(first)
    assert m.b58xpub(m.fingerprint(public), first_public, first_chain, 1, m.BIP32_PRIVDEV) == (
        b"xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw"
    )
    second, second_chain = m.derive_bip32childkey(first, first_chain, 1)
    assert m.b58xprv(m.fingerprint(first_public), second, second_chain, 2, 1) == (
        b"xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs"
    )


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("m/44'/60'/0'/0/0", "1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727"),
        (m.LEDGER_ETH_DERIVATION_PATH, "a29ac2cb17e31cdab42a8fe2d83f04f4b69c5e73bc8d3bf6b5dc96ac239b145a"),
    ],
)
def test_private_key_at_a_path(path: str, key: str) -> None:
    assert m.mnemonic_to_private_key(PHRASE, path).hex() == key
    assert m.mnemonic_to_private_key(PHRASE, path, "x").hex() != key


def test_paths() -> None:
    assert m.parse_derivation_path("m/44'/60'/0'/0") == [2147483692, 2147483708, 2147483648, 0]
    for path in ("", "m", "44'/1", "/1", "m/", "m/x", "m/-1", "m/1h", "m/4294967296", "m/2147483648'", "m/²"):
        with pytest.raises(ValueError, match="derivation path"):
            m.parse_derivation_path(path)


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"\x01" * 31, b"\x01" * 33])
def test_what_is_no_private_key(key: bytes) -> None:
    for call in (lambda: m.derive_public_key(key), lambda: m.derive_bip32childkey(key, bytes(32), 0)):
        with pytest.raises(ValueError, match="secp256k1"):
            call()


def test_what_is_no_index_or_chain_code() -> None:
    for i in (-1, 1 << 32):
        with pytest.raises(ValueError, match="index"):
            m.derive_bip32childkey(b"\x01" * 32, bytes(32), i)
    with pytest.raises(ValueError, match="chain code"):
        m.derive_bip32childkey(b"\x01" * 32, b"", 0)
