# SPDX-License-Identifier: MIT
"""End-to-end encryption of payloads with NaCl boxes: keys by URI in a key ring, which a session takes as its payload codec.

Knows URIs and payloads, no sessions and no wire. A router sees neither arguments nor results, and cannot move a payload to
another URI: the URI is inside. PyNaCl is imported when the first key is made. Keys are in no message and no ``repr``.
"""

from __future__ import annotations

import base64
import importlib.util
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.wamp.interfaces import IPayloadCodec
from autobahn_fast.wamp.types import EncodedPayload

__all__ = ("HAS_CRYPTOBOX", "EncodedPayload", "Key", "KeyRing", "SymKey")

HAS_CRYPTOBOX = importlib.util.find_spec("nacl") is not None
"""Whether payloads can be encrypted (package PyNaCl, extra ``crypto``)."""

_ALGORITHM = "cryptobox"
_SERIALIZER = "json"
_codec: Any = None


def _nacl_public() -> Any:
    try:
        import nacl.public
    except ImportError as e:
        raise RuntimeError("encrypted payloads need the package PyNaCl: pip install autobahn_fast[crypto]") from e
    return nacl.public


def _key_octets(value: str | bytes, name: str) -> bytes:
    try:
        octets = base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        octets = b""
    if len(octets) != 32:
        raise ValueError(f"{name} must be 32 octets as base64")
    return octets


def _json() -> Any:
    global _codec
    if _codec is None:
        from autobahn_fast._core.json import JsonCodec

        _codec = JsonCodec()
    return _codec


class SymKey:
    """A symmetric key. It only holds its octets: boxes are made with :class:`Key`."""

    def __init__(self, raw: bytes | None = None) -> None:
        """:param raw: the octets."""
        self._raw = raw

    def __repr__(self) -> str:
        return "<SymKey>"


class Key:
    """The keys of both ends of a payload's way: the originator (caller, publisher) and the responder (callee, subscriber)."""

    def __init__(
        self,
        originator_priv: str | None = None,
        originator_pub: str | None = None,
        responder_priv: str | None = None,
        responder_pub: str | None = None,
    ) -> None:
        """Each is base64. An end that has its own private key and the other end's public key can take part; with both private
        keys it can be either. A public key whose private key is given may be left out.

        :raises ValueError: a key that is none, a pair that does not belong together, or not enough keys.
        """
        self.originator_priv, self.originator_pub = self._pair("originator", originator_priv, originator_pub)
        self.responder_priv, self.responder_pub = self._pair("responder", responder_priv, responder_pub)
        if not (self.originator_priv or self.responder_priv):
            raise ValueError("a Key needs the private key of the originator or of the responder")
        box = _nacl_public().Box
        self.originator_box = box(self.originator_priv, self.responder_pub) if self.originator_priv else None
        self.responder_box = box(self.responder_priv, self.originator_pub) if self.responder_priv else None

    def __repr__(self) -> str:
        ends = [end for end in ("originator", "responder") if getattr(self, end + "_priv")]
        return f"<Key of {' and '.join(ends)}>"

    @staticmethod
    def _pair(end: str, private: str | None, public: str | None) -> tuple[Any, Any]:
        nacl_public = _nacl_public()
        private_key = public_key = None
        if private is not None:
            private_key = nacl_public.PrivateKey(_key_octets(private, end + "_priv"))
            public_key = private_key.public_key
        if public is not None:
            given = nacl_public.PublicKey(_key_octets(public, end + "_pub"))
            if public_key is not None and public_key != given:
                raise ValueError(f"{end}_pub does not belong to {end}_priv")
            public_key = given
        if public_key is None:
            raise ValueError(f"a Key needs {end}_priv or {end}_pub")
        return private_key, public_key


class KeyRing:
    """Keys by URI; a payload codec for ``session.set_payload_codec``.

    A key set for a URI is also that of all URIs that begin with it; the longest one wins. Payloads of URIs without a key are not
    encrypted, unless there is a default key.
    """

    def __init__(self, default_key: Key | str | None = None) -> None:
        """
        :param default_key: for all URIs without a key: a :class:`Key`, or one private key (base64) that both ends share.
        :raises ValueError: it is neither.
        """
        self._uri_to_key: dict[str, Key] = {}
        self._lengths: list[int] = []  # of the URIs, longest first
        self._default_key = self._as_key(default_key) if default_key is not None else None

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._uri_to_key)} URIs{', with default key' if self._default_key else ''}>"

    @staticmethod
    def _as_key(key: Any) -> Key:
        if isinstance(key, str):
            return Key(originator_priv=key, responder_priv=key)
        if not isinstance(key, Key):
            raise ValueError(f"a Key or a private key as base64 is needed, not {type(key)}")
        return key

    def generate_key(self) -> tuple[str, str]:
        """Return a new private key and its public key, base64."""
        key = _nacl_public().PrivateKey.generate()
        return base64.b64encode(bytes(key)).decode("ascii"), base64.b64encode(bytes(key.public_key)).decode("ascii")

    def generate_key_hex(self) -> tuple[str, str]:
        """Return a new private key and its public key, as hex."""
        key = _nacl_public().PrivateKey.generate()
        return bytes(key).hex(), bytes(key.public_key).hex()

    def set_key(self, uri: str, key: Key | str | None) -> None:
        """Set the key of a URI and those that begin with it.

        :param key: a :class:`Key`, one private key (base64) that both ends share, or None to remove the key.
        :raises ValueError: it is none of these, or the URI is no str.
        """
        if not isinstance(uri, str):
            raise ValueError(f"the URI must be a str, not {type(uri)}")
        if key is None:
            self._uri_to_key.pop(uri, None)
        else:
            self._uri_to_key[uri] = self._as_key(key)
        self._lengths = sorted({len(known) for known in self._uri_to_key}, reverse=True)

    def rotate_key(self, uri: str) -> str:
        """Replace the key of a URI by a new one that both ends share.

        :returns: the new private key (base64), for the other ends to ``set_key``.
        :raises KeyError: there is no key of exactly this URI.
        """
        if uri not in self._uri_to_key:
            raise KeyError(uri)
        private, _ = self.generate_key()
        self.set_key(uri, private)
        return private

    def _box(self, is_originating: bool, uri: str) -> Any:
        key = self._default_key
        for length in self._lengths:
            found = self._uri_to_key.get(uri[:length]) if length <= len(uri) else None
            if found is not None:
                key = found
                break
        if key is None:
            return None
        return key.originator_box if is_originating else key.responder_box

    def encode(
        self,
        is_originating: bool,
        uri: str,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> EncodedPayload | None:
        """Encrypt a payload.

        :param is_originating: whether this end is the originator. :param uri: topic or procedure.
        :returns: what goes on the wire; None when there is no key, and the payload goes unencrypted.
        :raises ValueError: the payload cannot be serialized.
        """
        box = self._box(is_originating, uri)
        if box is None:
            return None
        data = _json().dumps({"uri": uri, "args": args, "kwargs": kwargs})
        return EncodedPayload(bytes(box.encrypt(data)), _ALGORITHM, _SERIALIZER)

    def decode(self, is_originating: bool, uri: str, encoded_payload: EncodedPayload) -> tuple[str, Any, Any]:
        """Decrypt a payload.

        :param is_originating: whether this end is the originator. :param uri: topic or procedure it came under.
        :returns: the URI it was encrypted for, which the caller compares; args; kwargs.
        :raises ValueError: no key, another algorithm or serializer, or it was made with another key or changed on its way.
        """
        if encoded_payload.enc_algo != _ALGORITHM:
            raise ValueError(
                f"the payload is encoded by {encoded_payload.enc_algo!r}, this key ring knows {_ALGORITHM!r}"
            )
        if encoded_payload.enc_serializer != _SERIALIZER:
            raise ValueError(
                f"the encrypted payload is in {encoded_payload.enc_serializer!r}, {_SERIALIZER!r} expected"
            )
        box = self._box(is_originating, uri)
        if box is None:
            raise ValueError("received encrypted payload, but can't find key!")
        from nacl.exceptions import CryptoError

        try:
            data = box.decrypt(encoded_payload.payload)
        except (CryptoError, ValueError, TypeError):
            raise ValueError("the payload cannot be decrypted: made with another key, or changed on its way") from None
        value = _json().loads(data)
        if not isinstance(value, dict):
            raise ValueError("the decrypted payload is not an object of uri, args and kwargs")
        inner_uri, args, kwargs = value.get("uri"), value.get("args"), value.get("kwargs")
        if not (
            isinstance(inner_uri, str)
            and (args is None or isinstance(args, list))
            and (kwargs is None or isinstance(kwargs, dict))
        ):
            raise ValueError("the decrypted payload is not an object of uri (str), args (list) and kwargs (object)")
        return inner_uri, args, kwargs


IPayloadCodec.register(KeyRing)


also_from(__name__, "util")
