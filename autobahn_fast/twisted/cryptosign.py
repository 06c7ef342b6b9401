# SPDX-License-Identifier: MIT
"""WAMP-cryptosign with keys that an SSH agent keeps: the private key never leaves it.

Knows the agent's protocol (draft-ietf-sshm-ssh-agent) as far as listing keys and signing go.
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
from autobahn_fast.wamp import _sshkeys
from autobahn_fast.wamp.cryptosign import HAS_CRYPTOSIGN, CryptosignKey, octets_to_sign

__all__ = ("HAS_CRYPTOSIGN_SSHAGENT", "SSHAgentCryptosignKey")

HAS_CRYPTOSIGN_SSHAGENT = HAS_CRYPTOSIGN and os.name == "posix"
"""Whether keys of an SSH agent can be used."""

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_NO_FLAGS = b"\x00\x00\x00\x00"


class _Agent(Int32StringReceiver):
    """A connection to the agent for one question."""

    MAX_LENGTH = 256 * 1024  # the agent's own limit
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


async def _ask(reactor: Any, kind: int, octets: bytes, expected: int) -> Any:
    """Ask the agent. :returns: a reader of its answer. :raises RuntimeError: there is no agent, or it refuses."""
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        raise RuntimeError("there is no SSH agent: SSH_AUTH_SOCK is not set")
    factory: Any = Factory.forProtocol(lambda: _Agent(bytes([kind]) + octets))
    factory.noisy = False
    connection = await unix_endpoint(reactor, path).connect(factory)
    try:
        answer = await connection.answer
    except ConnectionClosed:
        raise RuntimeError("the SSH agent closed the connection without an answer") from None
    if answer[:1] != bytes([expected]):
        raise RuntimeError("the SSH agent refused: is it locked, or was the use of the key not confirmed?")
    return _sshkeys.Reader(answer[1:])


async def _find_key(reactor: Any, wanted: bytes | None) -> tuple[bytes, str]:
    """Return key and comment of an Ed25519 key the agent has. :raises RuntimeError: it does not have it."""
    answer = await _ask(reactor, _REQUEST_IDENTITIES, b"", _IDENTITIES_ANSWER)
    for _ in range(answer.number()):
        packet, comment = answer.string(), answer.string()
        try:
            key = _sshkeys.read_key_packet(packet)
        except ValueError:
            continue  # of another type
        if wanted is None or key == wanted:
            return key, comment.decode("utf8", "replace")
    if wanted is None:
        raise RuntimeError("the SSH agent holds no Ed25519 key")
    raise RuntimeError("Ed25519 key not held in the SSH agent: add it with ssh-add")


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
        key, comment = await _find_key(reactor, wanted)
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
        key = _sshkeys.pack_strings(_sshkeys.ED25519.encode("ascii"), bytes(self._key))
        answer = await _ask(self._reactor, _SIGN_REQUEST, _sshkeys.pack_strings(key, data) + _NO_FLAGS, _SIGN_RESPONSE)
        signature = _sshkeys.Reader(answer.string())
        kind, octets = signature.string(), signature.string()
        if kind != _sshkeys.ED25519.encode("ascii") or len(octets) != 64:
            raise RuntimeError("the SSH agent answered with a signature that is not Ed25519")
        return bytes(octets)
