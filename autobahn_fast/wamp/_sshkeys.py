# SPDX-License-Identifier: MIT
"""Reads Ed25519 keys from files of OpenSSH: ``ssh-ed25519 AAAA... comment`` and unencrypted private keys.

Knows the formats (RFC 4251, RFC 8709, OpenSSH's ``PROTOCOL.key``), no cryptography. What is wrong with a file is said without
showing any of it.
"""

from __future__ import annotations

import base64
import struct

__all__ = (
    "ED25519",
    "Reader",
    "make_padding",
    "pack_strings",
    "read_key_packet",
    "read_private_key",
    "read_public_key",
)

ED25519 = "ssh-ed25519"
_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
_END = "-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\x00"
_CHECK = struct.Struct(">II")
_LENGTH = struct.Struct(">I")


class Reader:
    """Takes an SSH packet apart.

    All methods raise ValueError when octets are missing.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._position = 0

    def take(self, count: int) -> bytes:
        """Return so many octets."""
        end = self._position + count
        if end > len(self._octets):
            raise ValueError("the SSH key is cut off or damaged")
        octets = self._octets[self._position : end]
        self._position = end
        return octets

    def number(self) -> int:
        """Return a uint32."""
        return int(_LENGTH.unpack(self.take(4))[0])

    def string(self) -> bytes:
        """Return a string: what stands behind its length."""
        return self.take(self.number())

    def rest(self) -> bytes:
        """Return all that was not taken."""
        return self.take(len(self._octets) - self._position)


def pack_strings(*strings: bytes) -> bytes:
    """Return strings as an SSH packet has them: each behind its length."""
    return b"".join(_LENGTH.pack(len(string)) + string for string in strings)


def make_padding(size: int) -> bytes:
    """Return the octets 1, 2, 3 ... by which OpenSSH fills the private part up to a block."""
    return bytes(i & 0xFF for i in range(1, size + 1))


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise ValueError("the SSH key is damaged: it is not base64") from None


def _expect_type(name: bytes) -> None:
    if name != ED25519.encode("ascii"):
        shown = name.decode("ascii", "replace")
        raise ValueError(f"invalid key type: only {ED25519} keys can be used, this one is {shown!r}")


def read_key_packet(octets: bytes) -> bytes:
    """Return the key (32 octets) of a packet with its type (RFC 8709, section 4).

    :raises ValueError: it is none, or not an Ed25519 key.
    """
    packet = Reader(octets)
    _expect_type(packet.string())
    key = packet.string()
    if len(key) != 32 or packet.rest():
        raise ValueError("invalid SSH Ed25519 public key: 32 octets are needed")
    return key


def read_public_key(text: str) -> tuple[bytes, str | None]:
    """Return key (32 octets) and comment of a public key in the format of ``authorized_keys``.

    :raises ValueError: it is none, or not an Ed25519 key.
    """
    parts = text.strip().split(None, 2)
    if len(parts) < 2:
        raise ValueError("invalid SSH Ed25519 public key: expected 'ssh-ed25519 AAAA... comment'")
    _expect_type(parts[0].encode("utf8"))
    return read_key_packet(_decode(parts[1])), parts[2] if len(parts) > 2 else None


def read_private_key(text: str) -> tuple[bytes, str | None]:
    """Return seed (32 octets) and comment of a private key that is not encrypted.

    :raises ValueError: it is none, is encrypted, or is not an Ed25519 key.
    """
    text = text.strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise ValueError("invalid OpenSSH private key: it does not begin and end as one")
    packet = Reader(_decode(text[len(_BEGIN) : -len(_END)]))
    if packet.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("invalid OpenSSH private key: unknown format")
    cipher, kdf, _options = packet.string(), packet.string(), packet.string()
    if cipher != b"none" or kdf != b"none":
        raise ValueError(
            "encrypted private keys are not supported: remove the passphrase (ssh-keygen -p) or use an SSH agent"
        )
    if packet.number() != 1:
        raise ValueError("an OpenSSH private key file must hold exactly one key")
    packet.string()  # the public key, which is in the private part, too
    private = Reader(packet.string())
    first, second = _CHECK.unpack(private.take(_CHECK.size))
    if first != second:
        raise ValueError("the OpenSSH private key is damaged: its check numbers differ")
    _expect_type(private.string())
    public, secret, comment = private.string(), private.string(), private.string()
    if len(secret) != 64 or secret[32:] != public:
        raise ValueError("the OpenSSH private key is damaged: private and public part do not match")
    padding = private.rest()
    if len(padding) > 255 or padding != make_padding(len(padding)):
        raise ValueError("the OpenSSH private key is damaged: wrong padding")
    return secret[:32], comment.decode("utf8", "replace") or None
