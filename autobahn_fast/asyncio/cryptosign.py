# SPDX-License-Identifier: MIT
"""WAMP-cryptosign on asyncio with keys that an SSH agent keeps: the private key never leaves it.

Knows asyncio's streams; what is said to the agent is in ``autobahn_fast.wamp._sshagent``.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from autobahn_fast.wamp import _sshagent, _sshkeys
from autobahn_fast.wamp.cryptosign import HAS_CRYPTOSIGN, CryptosignKey, octets_to_sign

__all__ = ("HAS_CRYPTOSIGN_SSHAGENT", "SSHAgentCryptosignKey")

HAS_CRYPTOSIGN_SSHAGENT = HAS_CRYPTOSIGN and os.name == "posix"
"""Whether keys of an SSH agent can be used."""


async def _ask(question: bytes) -> bytes:
    """Ask the agent, over a connection for this question. :raises RuntimeError: there is no agent, or it does not answer."""
    try:
        reader, writer = await asyncio.open_unix_connection(_sshagent.agent_path())
    except OSError as e:
        raise RuntimeError(f"the SSH agent cannot be reached: {e}") from e
    try:
        writer.write(_sshkeys.pack_strings(question))
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > _sshagent.MAX_LENGTH:
            raise RuntimeError(f"the SSH agent answered with {length} octets, which is more than an agent may")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise RuntimeError("the SSH agent closed the connection without an answer") from None
    finally:
        writer.close()


class SSHAgentCryptosignKey(CryptosignKey):
    """An Ed25519 key that an SSH agent keeps. ``await SSHAgentCryptosignKey.new()`` makes it."""

    def __init__(self, key: Any, comment: str | None = None) -> None:
        """
        :param key: the public key, a ``nacl.signing.VerifyKey``. :param comment: the agent's text about it.
        :raises ValueError: ``key`` is of another type.
        """
        super().__init__(key, False, comment=comment)

    @classmethod
    async def new(cls, pubkey: str | None = None) -> SSHAgentCryptosignKey:
        """Ask the agent for a key. Which agent it is, the environment variable ``SSH_AUTH_SOCK`` says.

        :param pubkey: the public key as in ``id_ed25519.pub``; None: the agent's first Ed25519 key.
        :raises RuntimeError: there is no agent, or it does not have the key. :raises ValueError: ``pubkey`` is no Ed25519 key.
        """
        from nacl.signing import VerifyKey

        wanted = _sshkeys.read_public_key(pubkey)[0] if pubkey is not None else None
        key, comment = _sshagent.find_key(await _ask(_sshagent.LIST_KEYS), wanted)
        return cls(VerifyKey(key), comment)

    @property
    def can_sign(self) -> bool:
        """True: the agent does."""
        return True

    def sign(self, data: bytes) -> Any:
        """Have the agent sign.

        :param data: the octets.
        :returns: a future of the signature, 64 octets. It fails with a ``RuntimeError`` when the agent does not sign.
        :raises ValueError: no octets.
        """
        if not isinstance(data, bytes):
            raise ValueError("data to be signed must be binary")
        return asyncio.ensure_future(self._have_signed(data))

    def sign_challenge(
        self, challenge: Any, channel_id: bytes | None = None, channel_id_type: str | None = None
    ) -> Any:
        """Answer a challenge of WAMP-cryptosign. See ``CryptosignKey.sign_challenge``."""
        data = octets_to_sign(challenge, channel_id, channel_id_type)

        async def answer() -> str:
            return (await self._have_signed(data) + data).hex()

        return asyncio.ensure_future(answer())

    async def _have_signed(self, data: bytes) -> bytes:
        return _sshagent.signature_in(await _ask(_sshagent.to_sign(bytes(self._key), data)))
