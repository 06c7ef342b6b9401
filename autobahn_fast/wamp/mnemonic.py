# SPDX-License-Identifier: MIT
"""Seed phrases to keys: BIP39 (phrase to seed) and BIP32 (seed to a tree of keys on secp256k1).

Knows the derivations, not the list of words: a phrase is taken as it is, as BIP39 allows. The package ``cryptography`` is
imported when a public key is needed. References: BIP32, BIP39, BIP44.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

__all__ = (
    "BIP32_CURVE",
    "BIP32_PRIVDEV",
    "BIP32_SEED_MODIFIER",
    "BIP39_PBKDF2_ROUNDS",
    "BIP39_SALT_MODIFIER",
    "LEDGER_ETH_DERIVATION_PATH",
    "Curve",
    "b58xprv",
    "b58xpub",
    "bip39seed_to_bip32masternode",
    "derive_bip32childkey",
    "derive_public_key",
    "fingerprint",
    "mnemonic_to_bip39seed",
    "mnemonic_to_private_key",
    "parse_derivation_path",
)


class Curve(NamedTuple):
    """An elliptic curve: what BIP32 needs to know of it."""

    name: str
    order: int
    """Number of points of the group."""
    baselen: int
    """Octets of a private key."""


BIP39_PBKDF2_ROUNDS = 2048
BIP39_SALT_MODIFIER = "mnemonic"
BIP32_PRIVDEV = 0x80000000
"""Added to the index of a hardened key."""
BIP32_CURVE = Curve("SECP256k1", 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141, 32)
BIP32_SEED_MODIFIER = b"Bitcoin seed"
LEDGER_ETH_DERIVATION_PATH = "m/44'/60'/0'/0"

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_XPRV = bytes.fromhex("0488ade4")
_XPUB = bytes.fromhex("0488b21e")


def mnemonic_to_bip39seed(mnemonic: str, passphrase: str) -> bytes:
    """Return the seed (64 octets) of a phrase.

    :param mnemonic: the words, with spaces between. :param passphrase: a second secret; may be empty. Both are taken as they are;
        BIP39 wants letters outside of ASCII in the form NFKD (``unicodedata.normalize``).
    """
    salt = (BIP39_SALT_MODIFIER + passphrase).encode("utf8")
    return hashlib.pbkdf2_hmac("sha512", mnemonic.encode("utf8"), salt, BIP39_PBKDF2_ROUNDS)


def bip39seed_to_bip32masternode(seed: bytes) -> tuple[bytes, bytes]:
    """Return the master key and its chain code (32 octets each). :raises ValueError: no key comes out of this seed."""
    digest = hmac.digest(BIP32_SEED_MODIFIER, seed, "sha512")
    _scalar(digest[:32])
    return digest[:32], digest[32:]


def _scalar(key: bytes) -> int:
    number = int.from_bytes(key, "big")
    if len(key) != BIP32_CURVE.baselen or not 0 < number < BIP32_CURVE.order:
        raise ValueError("not a private key of secp256k1: 32 octets below the order of the curve are needed")
    return number


def derive_public_key(private_key: bytes) -> bytes:
    """Return the public key in its compressed form, 33 octets.

    :raises ValueError: not a private key. :raises RuntimeError: the package ``cryptography`` is not installed.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as e:
        raise RuntimeError("public keys need the package cryptography: pip install autobahn_fast[crypto]") from e
    public = ec.derive_private_key(_scalar(private_key), ec.SECP256K1()).public_key()
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def derive_bip32childkey(parent_key: bytes, parent_chain_code: bytes, i: int) -> tuple[bytes, bytes]:
    """Return key and chain code of a child.

    :param parent_key: private key, 32 octets. :param parent_chain_code: 32 octets.
    :param i: index, with ``BIP32_PRIVDEV`` added for a hardened one.
    :raises ValueError: an argument out of its range.
    """
    if len(parent_chain_code) != 32:
        raise ValueError("a chain code has 32 octets")
    if not 0 <= i < 1 << 32:
        raise ValueError(f"the index of a key must be in 0 .. 2^32-1, not {i}")
    parent = _scalar(parent_key)
    head = b"\x00" + parent_key if i & BIP32_PRIVDEV else derive_public_key(parent_key)
    data = head + i.to_bytes(4, "big")
    while True:
        digest = hmac.digest(parent_chain_code, data, "sha512")
        tweak = int.from_bytes(digest[:32], "big")
        child = (tweak + parent) % BIP32_CURVE.order
        if tweak < BIP32_CURVE.order and child:
            return child.to_bytes(32, "big"), digest[32:]
        data = b"\x01" + digest[32:] + i.to_bytes(4, "big")


def fingerprint(public_key: bytes) -> bytes:
    """Return the first four octets of the hash (RIPEMD-160 of SHA-256) of a public key.

    :raises RuntimeError: the OpenSSL of this Python has no RIPEMD-160.
    """
    digest = hashlib.sha256(public_key).digest()
    try:
        return hashlib.new("ripemd160", digest, usedforsecurity=False).digest()[:4]
    except ValueError as e:
        raise RuntimeError("the OpenSSL of this Python has no RIPEMD-160") from e


def _b58check(octets: bytes) -> bytes:
    octets += hashlib.sha256(hashlib.sha256(octets).digest()).digest()[:4]
    number, digits = int.from_bytes(octets, "big"), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    zeros = len(octets) - len(octets.lstrip(b"\x00"))
    return ("1" * zeros + "".join(reversed(digits))).encode("ascii")


def _extended(prefix: bytes, depth: int, parent_fingerprint: bytes, childnr: int, chain: bytes, key: bytes) -> bytes:
    return _b58check(prefix + depth.to_bytes(1, "big") + parent_fingerprint + childnr.to_bytes(4, "big") + chain + key)


def b58xprv(parent_fingerprint: bytes, private_key: bytes, chain: bytes, depth: int, childnr: int) -> bytes:
    """Return an extended private key (``xprv...``) of BIP32."""
    return _extended(_XPRV, depth, parent_fingerprint, childnr, chain, b"\x00" + private_key)


def b58xpub(parent_fingerprint: bytes, public_key: bytes, chain: bytes, depth: int, childnr: int) -> bytes:
    """Return an extended public key (``xpub...``) of BIP32."""
    return _extended(_XPUB, depth, parent_fingerprint, childnr, chain, public_key)


def parse_derivation_path(str_derivation_path: str) -> list[int]:
    """Return the indexes of a path such as ``m/44'/60'/0'/0``; an apostrophe marks a hardened one.

    :raises ValueError: it is no such path.
    """
    if not str_derivation_path.startswith("m/"):
        raise ValueError(
            f"Can't recognize derivation path {str_derivation_path!r}: it should look like \"m/44'/60'/0'/0\""
        )
    path = []
    for part in str_derivation_path[2:].strip("/").split("/"):
        digits, hardened = part.removesuffix("'"), part.endswith("'")
        if not (digits.isascii() and digits.isdigit() and int(digits) < (BIP32_PRIVDEV if hardened else 1 << 32)):
            raise ValueError(f"{part!r} in derivation path {str_derivation_path!r} is not an index")
        path.append(int(digits) + (BIP32_PRIVDEV if hardened else 0))
    return path


def mnemonic_to_private_key(
    mnemonic: str, str_derivation_path: str = LEDGER_ETH_DERIVATION_PATH, passphrase: str = ""
) -> bytes:
    """Return the private key (32 octets) of a phrase at a path.

    :param mnemonic: the words. :param str_derivation_path: path below the master key. :param passphrase: a second secret.
    :raises ValueError: no such path.
    """
    path = parse_derivation_path(str_derivation_path)
    key, chain_code = bip39seed_to_bip32masternode(mnemonic_to_bip39seed(mnemonic, passphrase))
    for index in path:
        key, chain_code = derive_bip32childkey(key, chain_code, index)
    return key
