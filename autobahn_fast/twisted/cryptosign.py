# SPDX-License-Identifier: MIT
"""WAMP-cryptosign with keys that an SSH agent keeps: the private key never leaves it.

Knows Twisted's endpoints; what is said to the agent is in ``autobahn_fast.wamp._sshagent``.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from autobahn_fast.twisted._connecting import unix_endpoint
from autobahn_fast.twisted._framework import current_reactor
from autobahn_fast.wamp import _sshagent, _sshkeys
from autobahn_fast.wamp.cryptosign import HAS_CRYPTOSIGN, CryptosignKey, octets_to_sign

__all__ = ("HAS_CRYPTOSIGN_SSHAGENT", "SSHAgentCryptosignKey")

HAS_CRYPTOSIGN_SSHAGENT = HAS_CRYPTOSIGN and os.name == "posix"
"""Whether keys of an SSH agent can be used."""


class _Agent(Int32StringReceiver):
    """A connection to the agent for one question."""

    MAX_LENGTH = _sshagent.MAX_LENGTH
    transport: Any

    def __init__(self, question: bytes) -> None:
        self._question = question
        self.answer: Any = Deferred(lambda _: self.transport.abortConnection())

    def connectionMade(self) -> None:
        self.sendString(self._question)

    def stringReceived(self, string: bytes) -> None:
        if not self.answer.called:
            self.answer.callback(string)
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.answer.called:
            self.answer.errback(reason)


async def _ask(reactor: Any, question: bytes) -> Any:
    """Ask the agent, over a connection for this question. :raises RuntimeError: there is no agent, or it does not answer."""
    path = _sshagent.agent_path()
    factory: Any = Factory.forProtocol(lambda: _Agent(question))
    factory.noisy = False
    connection = await unix_endpoint(reactor, path).connect(factory)
    try:
        return await connection.answer
    except ConnectionClosed:
        raise RuntimeError("the SSH agent closed the connection without an answer") from None


class SSHAgentCryptosignKey(CryptosignKey):
    """An Ed25519 key that an SSH agent keeps. ``await SSHAgentCryptosignKey.new()`` makes it."""

    def __init__(self, key: Any, comment: str | None = None, reactor: Any = None) -> None:
        """
        :param key: the public key, a ``nacl.signing.VerifyKey``. :param comment: the agent's text about it.
        :param reactor: the installed one when None.
        :raises ValueError: ``key`` is of another type.
        """
        super().__init__(key, False, comment=comment)
        self._reactor = reactor if reactor is not None else current_reactor()

    @classmethod
    def new(cls, pubkey: str | None = None, reactor: Any = None) -> Any:
        """Ask the agent for a key. Which agent it is, the environment variable ``SSH_AUTH_SOCK`` says.

        :param pubkey: the public key as in ``id_ed25519.pub``; None: the agent's first Ed25519 key.
        :param reactor: the installed one when None.
        :returns: a Deferred of the key. It fails with a ``RuntimeError`` when there is no agent or it does not have the key, with what
            the endpoint says when it cannot be reached, with a ``ValueError`` when ``pubkey`` is no Ed25519 key.
        """
        return Deferred.fromCoroutine(cls._new(pubkey, reactor))

    @classmethod
    async def _new(cls, pubkey: str | None, reactor: Any) -> SSHAgentCryptosignKey:
        from nacl.signing import VerifyKey

        if reactor is None:
            reactor = current_reactor()
        wanted = _sshkeys.read_public_key(pubkey)[0] if pubkey is not None else None
        key, comment = _sshagent.find_key(await _ask(reactor, _sshagent.LIST_KEYS), wanted)
        return cls(VerifyKey(key), comment, reactor)

    @property
    def can_sign(self) -> bool:
        """True: the agent does."""
        return True

    def sign(self, challenge: bytes) -> Any:
        """Have the agent sign.

        :param challenge: the octets.
        :returns: a Deferred of the signature, 64 octets. It fails with a ``RuntimeError`` when the agent does not sign.
        :raises ValueError: no octets.
        """
        if not isinstance(challenge, bytes):
            raise ValueError("data to be signed must be binary")
        return Deferred.fromCoroutine(self._ask_to_sign(challenge))

    def sign_challenge(
        self, challenge: Any, channel_id: bytes | None = None, channel_id_type: str | None = None
    ) -> Any:
        """Answer a challenge of WAMP-cryptosign. See ``CryptosignKey.sign_challenge``; the future is a Deferred."""
        data = octets_to_sign(challenge, channel_id, channel_id_type)
        return self.sign(data).addCallback(lambda signature: (signature + data).hex())

    async def _ask_to_sign(self, data: bytes) -> bytes:
        return _sshagent.signature_in(await _ask(self._reactor, _sshagent.to_sign(bytes(self._key), data)))
