# SPDX-License-Identifier: MIT
"""Abstract base classes: what sessions, transports, serializers, keys and payload codecs offer to one another.

Nothing here does anything; ``@abstractmethod`` names what an implementation must have.
"""

from __future__ import annotations

import abc
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from autobahn_fast._names import also_from

if TYPE_CHECKING:
    from autobahn_fast.wamp.message import Challenge, Message, Welcome
    from autobahn_fast.wamp.types import CloseDetails, ComponentConfig, EncodedPayload, SessionDetails, TransportDetails

__all__ = (
    "IAuthenticator",
    "ICryptosignKey",
    "IEthereumKey",
    "IKey",
    "IMessage",
    "IObjectSerializer",
    "IPayloadCodec",
    "ISecurityModule",
    "ISerializer",
    "ISession",
    "ITransport",
    "ITransportHandler",
)


# --- messages and serializers ----------------------------------------------------------------------------------------


class IObjectSerializer(abc.ABC):
    """Turns values into octets and back."""

    @property
    @abstractmethod
    def NAME(self) -> str:
        """The format's name: ``json``."""

    @property
    @abstractmethod
    def BINARY(self) -> bool:
        """The octets are binary, not text."""

    @abstractmethod
    def serialize(self, obj: Any) -> bytes:
        """Return a value in octets."""

    @abstractmethod
    def unserialize(self, payload: bytes) -> list[Any]:
        """Return the values in a transport message."""


class IMessage(abc.ABC):
    """A WAMP message."""

    @property
    @abstractmethod
    def MESSAGE_TYPE(self) -> int:
        """The type code."""

    @staticmethod
    @abstractmethod
    def parse(wmsg: list[Any]) -> Message:
        """Make a message of a list. :raises ProtocolError: it is not a valid one."""

    @abstractmethod
    def serialize(self, serializer: IObjectSerializer) -> bytes:
        """Return the message in octets, which are kept per serializer."""

    @abstractmethod
    def uncache(self) -> None:
        """Forget the octets."""


class ISerializer(abc.ABC):
    """Turns messages into octets and back."""

    @property
    @abstractmethod
    def MESSAGE_TYPE_MAP(self) -> dict[int, type[Message]]:
        """Type code to message class."""

    @property
    @abstractmethod
    def SERIALIZER_ID(self) -> str:
        """The name in WebSocket subprotocols: ``json``, ``json.batched``."""

    @property
    @abstractmethod
    def RAWSOCKET_SERIALIZER_ID(self) -> int:
        """The number in RawSocket handshakes."""

    @property
    @abstractmethod
    def MIME_TYPE(self) -> str:
        """The MIME type of the octets."""

    @property
    @abstractmethod
    def PAYLOAD_SERIALIZER_ID(self) -> str:
        """The format of application payloads."""

    @abstractmethod
    def serialize(self, message: Message) -> tuple[bytes, bool]:
        """Return a message in octets, and whether they are binary."""

    @abstractmethod
    def unserialize(self, payload: bytes, is_binary: bool | None = None) -> list[Message]:
        """Return the messages in a transport message. :raises ProtocolError: they are not valid."""


# --- transports ------------------------------------------------------------------------------------------------------


class ITransport(abc.ABC):
    """Carries messages of one session."""

    @property
    @abstractmethod
    def transport_details(self) -> TransportDetails | None:
        """What is known about the transport."""

    @abstractmethod
    def send(self, message: Message) -> None:
        """Send a message.

        :raises SerializationError: it cannot be serialized. :raises TransportLost: the transport is not open.
        """

    @abstractmethod
    def isOpen(self) -> bool:
        """Whether messages can be sent."""

    @abstractmethod
    def close(self) -> None:
        """Close in good order. :raises TransportLost: the transport is not open."""

    @abstractmethod
    def abort(self) -> None:
        """Close at once. :raises TransportLost: the transport is not open."""


class ITransportHandler(abc.ABC):
    """Is told what happens on a transport."""

    @abstractmethod
    def onOpen(self, transport: ITransport) -> None:
        """The transport is open."""

    @abstractmethod
    def onMessage(self, message: Message) -> None:
        """A message came in."""

    @abstractmethod
    def onClose(self, wasClean: bool) -> None:
        """The transport is closed. :param wasClean: in good order."""


# --- sessions --------------------------------------------------------------------------------------------------------


class _ABC(abc.ABC):
    """Lets ``ISession`` have a method ``register`` of its own beside that of abstract base classes."""

    @classmethod
    def abc_register(cls, *subclass: type) -> Any:
        """Register classes as virtual subclasses: what ``register`` of an abstract base class does. Returns the last."""
        registered: list[type] = [abc.ABCMeta.register(cls, each) for each in subclass]
        return registered[-1] if registered else None


class ISession(_ABC):
    """A WAMP session."""

    @property
    @abstractmethod
    def config(self) -> ComponentConfig:
        """What it was constructed with."""

    @property
    @abstractmethod
    def transport(self) -> ITransport | None:
        """The transport it runs over."""

    @property
    @abstractmethod
    def session_details(self) -> SessionDetails | None:
        """What is known about it since it joined."""

    @abstractmethod
    def onUserError(self, fail: Any, msg: str) -> None:
        """User code raised. :param fail: the failure. :param msg: where."""

    @abstractmethod
    def onConnect(self) -> Any:
        """The transport is open: usually the time to :meth:`join`."""

    @abstractmethod
    def onWelcome(self, welcome: Welcome) -> Any:
        """The router accepts. :returns: a reason not to join, or None."""

    @abstractmethod
    def onChallenge(self, challenge: Challenge) -> Any:
        """The router wants proof. :returns: the signature, or a future of it."""

    @abstractmethod
    def onJoin(self, details: SessionDetails) -> Any:
        """The session has joined."""

    @abstractmethod
    def onLeave(self, details: CloseDetails) -> Any:
        """The session has left, or could not join."""

    @abstractmethod
    def onDisconnect(self) -> Any:
        """The transport is closed."""

    @abstractmethod
    def is_connected(self) -> bool:
        """Whether the transport is open."""

    @abstractmethod
    def is_attached(self) -> bool:
        """Whether the session has joined a realm over an open transport."""

    @abstractmethod
    def join(
        self,
        realm: str,
        authmethods: list[str] | None = None,
        authid: str | None = None,
        authrole: str | None = None,
        authextra: dict[str, Any] | None = None,
        resumable: bool | None = None,
        resume_session: int | None = None,
        resume_token: str | None = None,
    ) -> Any:
        """Ask to join a realm."""

    @abstractmethod
    def leave(self, reason: str | None = None, message: str | None = None) -> Any:
        """Leave the realm."""

    @abstractmethod
    def disconnect(self) -> Any:
        """Close the transport."""

    @abstractmethod
    def define(self, exception: type[Exception], error: str | None = None) -> None:
        """Let an exception class stand for an error URI, both ways."""

    @abstractmethod
    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure. :returns: a future of the result."""

    @abstractmethod
    def register(
        self,
        endpoint: Any,
        procedure: str | None = None,
        options: Any = None,
        prefix: str | None = None,
        check_types: bool | None = None,
    ) -> Any:
        """Register a procedure, or the decorated methods of an object. :returns: a future of the registration(s)."""

    @abstractmethod
    def publish(self, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Publish. :returns: None, or with ``acknowledge`` a future of the publication."""

    @abstractmethod
    def subscribe(
        self, handler: Any, topic: str | None = None, options: Any = None, check_types: bool | None = None
    ) -> Any:
        """Subscribe a handler, or the decorated methods of an object. :returns: a future of the subscription(s)."""

    @abstractmethod
    def set_payload_codec(self, payload_codec: IPayloadCodec | None) -> None:
        """Encode and decode payloads with this from now on."""

    @abstractmethod
    def get_payload_codec(self) -> IPayloadCodec | None:
        """Return the payload codec."""


class IAuthenticator(abc.ABC):
    """Answers for one authentication method."""

    @abstractmethod
    def on_challenge(self, session: ISession, challenge: Challenge) -> Any:
        """Return the signature, or a future of it."""

    @abstractmethod
    def on_welcome(self, authextra: dict[str, Any] | None) -> str | None:
        """Check what the router proves. :returns: a reason not to join, or None."""


class IPayloadCodec(abc.ABC):
    """Encodes application payloads end to end."""

    @abstractmethod
    def encode(
        self, is_originating: bool, uri: str, args: list[Any] | None = None, kwargs: dict[str, Any] | None = None
    ) -> EncodedPayload | None:
        """Return a payload encoded, or None: it goes as it is.

        :param is_originating: True for PUBLISH and CALL.
        """

    @abstractmethod
    def decode(
        self, is_originating: bool, uri: str, encoded_payload: EncodedPayload
    ) -> tuple[str, list[Any] | None, dict[str, Any] | None]:
        """Return the trusted URI, args and kwargs."""


# --- keys ------------------------------------------------------------------------------------------------------------


class IKey(abc.ABC):
    """A key, or the public half of one."""

    @property
    @abstractmethod
    def security_module(self) -> ISecurityModule | None:
        """Where it is kept, None: in memory."""

    @property
    @abstractmethod
    def key_no(self) -> int | None:
        """Its number there."""

    @property
    @abstractmethod
    def key_type(self) -> str:
        """``cryptosign`` or ``ethereum``."""

    @abstractmethod
    def public_key(self, binary: bool = False) -> str | bytes:
        """Return the public key as hex or octets."""

    @abstractmethod
    def can_sign(self) -> bool:
        """Whether the private key is there."""

    @abstractmethod
    def sign(self, data: bytes) -> Any:
        """Sign. :returns: a future of the signature."""

    @abstractmethod
    def recover(self, data: bytes, signature: bytes) -> Any:
        """Return a future of the public key that made a signature."""


class ICryptosignKey(IKey):
    """An Ed25519 key for WAMP-cryptosign."""

    @abstractmethod
    def sign_challenge(
        self, challenge: Challenge, channel_id: bytes | None = None, channel_id_type: str | None = None
    ) -> Any:
        """Return a future of the answer to a challenge."""

    @abstractmethod
    def verify_challenge(
        self,
        challenge: Challenge,
        signature: bytes,
        channel_id: bytes | None = None,
        channel_id_type: str | None = None,
    ) -> Any:
        """Return a future of whether an answer is right."""


class IEthereumKey(IKey):
    """A secp256k1 key."""

    @abstractmethod
    def address(self, binary: bool = False) -> str | bytes:
        """Return the address, as hex with checksum or as octets."""

    @abstractmethod
    def sign_typed_data(self, data: dict[str, Any]) -> Any:
        """Sign EIP-712 data. :returns: a future of the signature."""

    @abstractmethod
    def verify_typed_data(self, data: dict[str, Any], signature: bytes, signer_address: str | bytes) -> Any:
        """Return a future of whether a signature over EIP-712 data is right."""


class ISecurityModule(abc.ABC):
    """Keeps keys, counters and a random source: in memory, a file or a device."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __contains__(self, key_no: int) -> bool: ...

    @abstractmethod
    def __getitem__(self, key_no: int) -> Any: ...

    @abstractmethod
    def __setitem__(self, key_no: int, key: Any) -> None: ...

    @abstractmethod
    def __delitem__(self, key_no: int) -> None: ...

    @abstractmethod
    def open(self) -> Any:
        """Open it."""

    @abstractmethod
    def close(self) -> Any:
        """Close it."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it is open."""

    @property
    @abstractmethod
    def can_lock(self) -> bool:
        """Whether it can be locked."""

    @property
    @abstractmethod
    def is_locked(self) -> bool:
        """Whether it is locked."""

    @abstractmethod
    def lock(self) -> Any:
        """Lock it."""

    @abstractmethod
    def unlock(self) -> Any:
        """Unlock it."""

    @abstractmethod
    def create_key(self, key_type: str) -> Any:
        """Make a key. :returns: a future of its number."""

    @abstractmethod
    def delete_key(self, key_no: int) -> Any:
        """Delete a key."""

    @abstractmethod
    def get_random(self, octets: int) -> Any:
        """Return a future of random octets."""

    @abstractmethod
    def get_counter(self, counter_no: int) -> Any:
        """Return a future of a counter's value."""

    @abstractmethod
    def increment_counter(self, counter_no: int) -> Any:
        """Count. :returns: a future of the counter's new value."""


also_from(__name__, "wamp.types", "wamp.request", "wamp.message", "util")
