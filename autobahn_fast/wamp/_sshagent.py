# SPDX-License-Identifier: MIT
"""What is said to an SSH agent to list keys and to have it sign (draft-ietf-sshm-ssh-agent), and what its answers mean.

Knows messages, no sockets. A message is what is behind the length of four octets.
"""

from __future__ import annotations

import os

from autobahn_fast.wamp import _sshkeys

__all__ = ("LIST_KEYS", "MAX_LENGTH", "agent_path", "find_key", "signature_in", "to_sign")

MAX_LENGTH = 256 * 1024
"""The longest message there is: the agent's own limit."""

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = b"\x0b", b"\x0c"
_SIGN_REQUEST, _SIGN_RESPONSE = b"\x0d", b"\x0e"
_NO_FLAGS = b"\x00\x00\x00\x00"
_ED25519 = _sshkeys.ED25519.encode("ascii")

LIST_KEYS = _REQUEST_IDENTITIES
"""The question which keys there are."""


def agent_path() -> str:
    """Return the path of the agent's socket. :raises RuntimeError: the environment variable ``SSH_AUTH_SOCK`` is not set."""
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        raise RuntimeError("there is no SSH agent: SSH_AUTH_SOCK is not set")
    return path


def _reader(answer: bytes, expected: bytes) -> _sshkeys.Reader:
    if answer[:1] != expected:
        raise RuntimeError("the SSH agent refused: is it locked, or was the use of the key not confirmed?")
    return _sshkeys.Reader(answer[1:])


def find_key(answer: bytes, wanted: bytes | None) -> tuple[bytes, str]:
    """Return key (32 octets) and comment of an Ed25519 key in the answer to ``LIST_KEYS``.

    :param wanted: the key; None: the first.
    :raises RuntimeError: the agent refused, or does not hold it. :raises ValueError: the answer is damaged.
    """
    reader = _reader(answer, _IDENTITIES_ANSWER)
    for _ in range(reader.number()):
        packet, comment = reader.string(), reader.string()
        try:
            key = _sshkeys.read_key_packet(packet)
        except ValueError:
            continue  # of another type
        if wanted is None or key == wanted:
            return key, comment.decode("utf8", "replace")
    if wanted is None:
        raise RuntimeError("the SSH agent holds no Ed25519 key")
    raise RuntimeError("Ed25519 key not held in the SSH agent: add it with ssh-add")


def to_sign(key: bytes, data: bytes) -> bytes:
    """Return the request to sign data with a key."""
    packet = _sshkeys.pack_strings(_ED25519, key)
    return _SIGN_REQUEST + _sshkeys.pack_strings(packet, data) + _NO_FLAGS


def signature_in(answer: bytes) -> bytes:
    """Return the signature, 64 octets.

    :raises RuntimeError: the agent refused, or its signature is of another type. :raises ValueError: the answer is damaged.
    """
    packet = _sshkeys.Reader(_reader(answer, _SIGN_RESPONSE).string())
    kind, octets = packet.string(), packet.string()
    if kind != _ED25519 or len(octets) != 64:
        raise RuntimeError("the SSH agent answered with a signature that is not Ed25519")
    return octets
