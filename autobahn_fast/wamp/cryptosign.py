# SPDX-License-Identifier: MIT
"""WAMP-cryptosign: Ed25519 keys from octets, files, SSH keys and seed phrases, and the signatures that answer a challenge.

Knows keys and challenges, no sessions. PyNaCl is imported when the first key is made. A private key is in no message and no
``repr``. Which details go with HELLO and CHALLENGE is in ``CryptosignAuthextra``.
"""

from __future__ import annotations

import binascii
import importlib.util
from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.util import parse_keyfile, xor
from autobahn_fast.wamp import _signify, _sshkeys
from autobahn_fast.wamp._done import succeeded
from autobahn_fast.wamp.interfaces import ICryptosignKey, ISecurityModule

__all__ = (
    "CHANNEL_BINDINGS",
    "HAS_CRYPTOSIGN",
    "CryptosignAuthextra",
    "CryptosignKey",
    "is_signed_by",
    "octets_to_sign",
)

HAS_CRYPTOSIGN = importlib.util.find_spec("nacl") is not None
"""Whether there can be keys (package PyNaCl, extra ``crypto``)."""

CHANNEL_BINDINGS = ("tls-unique", "tls-exporter")
"""Ways to bind a signature to the TLS channel it is sent over (RFC 5929, RFC 9266)."""

_KEY_LENGTH = 32
_SEED_PATH = "m/44'/655'/0'/0/{}"

# Under these names programs (Crossbar) and tests of autobahn use them
_makepad = _sshkeys.make_padding
_read_signify_ed25519_pubkey = _signify.read_pubkey
_read_signify_ed25519_signature = _signify.read_signature
_verify_signify_ed25519_signature = _signify.verify
_qrcode_from_signify_ed25519_pubkey = _signify.qrcode_of_pubkey


def _nacl_signing() -> Any:
    try:
        import nacl.signing
    except ImportError as e:
        raise RuntimeError("cryptosign needs the package PyNaCl: pip install autobahn_fast[crypto]") from e
    return nacl.signing


def _check_key(key: Any) -> bytes:
    if type(key) is not bytes:
        raise ValueError(f"invalid key type {type(key)} (expected binary)")
    if len(key) != _KEY_LENGTH:
        raise ValueError(f"invalid key length {len(key)} (expected {_KEY_LENGTH})")
    return key


class CryptosignKey:
    """An Ed25519 key, or the public half of one."""

    def __init__(
        self,
        key: Any,
        can_sign: bool,
        security_module: ISecurityModule | None = None,
        key_no: int | None = None,
        comment: str | None = None,
    ) -> None:
        """
        :param key: a ``nacl.signing.SigningKey`` when ``can_sign``, else a ``VerifyKey``. :param can_sign: which of them.
        :param security_module: where the key is kept. :param key_no: its number there. :param comment: a text about it.
        :raises ValueError: an argument of the wrong type.
        """
        signing = _nacl_signing()
        expected = signing.SigningKey if can_sign else signing.VerifyKey
        if not isinstance(key, expected):
            raise ValueError(f"invalid type {type(key)} for key: {expected.__name__} expected")
        self._key = key
        self._can_sign = bool(can_sign)
        self._security_module = security_module
        self._key_no = key_no
        self._comment = comment

    def __repr__(self) -> str:
        return f"CryptosignKey(public_key={self.public_key()!r}, can_sign={self.can_sign}, comment={self._comment!r})"

    # --- constructors ---

    @classmethod
    def from_bytes(cls, key: bytes, comment: str | None = None) -> CryptosignKey:
        """Return the key with this private key (seed) of 32 octets. :raises ValueError: no such octets."""
        return cls(_nacl_signing().SigningKey(_check_key(key)), True, comment=comment)

    @classmethod
    def from_pubkey(cls, pubkey: bytes, comment: str | None = None) -> CryptosignKey:
        """Return the public key of these 32 octets; it cannot sign. :raises ValueError: no such octets."""
        return cls(_nacl_signing().VerifyKey(_check_key(pubkey)), False, comment=comment)

    @classmethod
    def from_file(cls, filename: str, comment: str | None = None) -> CryptosignKey:
        """Return the key whose private key is in a file of 32 octets.

        :raises OSError: the file cannot be read. :raises ValueError: it has another length.
        """
        with open(filename, "rb") as f:
            return cls.from_bytes(f.read(), comment)

    @classmethod
    def from_keyfile(cls, keyfile: str) -> CryptosignKey:
        """Return the key of a file with tags, as Crossbar.io writes them (``private-key-ed25519`` or ``public-key-ed25519``).

        :raises OSError: the file cannot be read. :raises RuntimeError: it has neither.
        :raises ValueError: what it has is no key, or the two do not belong together.
        """
        tags = parse_keyfile(keyfile)
        comment = tags.get("creator")
        private, public = tags.get("private-key-ed25519"), tags.get("public-key-ed25519")
        if private is None and public is None:
            raise RuntimeError(f'neither "private-key-ed25519" nor "public-key-ed25519" found in keyfile {keyfile}')
        try:
            octets = bytes.fromhex(private if private is not None else public or "")
        except ValueError:
            raise ValueError(f"the key in keyfile {keyfile} is not hex") from None
        if private is None:
            return cls.from_pubkey(octets, comment)
        key = cls.from_bytes(octets, comment)
        if public is not None and public.lower() != key.public_key():
            raise ValueError(f"private and public key in keyfile {keyfile} do not belong together")
        return key

    @classmethod
    def from_ssh_file(cls, filename: str) -> CryptosignKey:
        """Return the key of an OpenSSH file, private (without passphrase) or public.

        :raises OSError: the file cannot be read. :raises ValueError: see :meth:`from_ssh_bytes`.
        """
        with open(filename, "rb") as f:
            return cls.from_ssh_bytes(f.read().decode("utf8", "replace"))

    @classmethod
    def from_ssh_bytes(cls, key_data: str | bytes) -> CryptosignKey:
        """Return the key of the content of an OpenSSH file, private (without passphrase) or public.

        :raises ValueError: it is no key, not an Ed25519 key, damaged, or encrypted.
        """
        text = key_data.decode("utf8", "replace") if isinstance(key_data, bytes) else key_data
        if text.lstrip().startswith("-----BEGIN"):
            return cls.from_bytes(*_sshkeys.read_private_key(text))
        return cls.from_pubkey(*_sshkeys.read_public_key(text))

    @classmethod
    def from_seedphrase(cls, seedphrase: str, index: int = 0) -> CryptosignKey:
        """Return a key derived from a BIP39 seed phrase.

        :param seedphrase: its words, with spaces between. They are not checked: other words give another key.
        :param index: which key of the phrase, from 0.
        :raises ValueError: a negative or too large index.
        """
        from autobahn_fast.wamp.mnemonic import mnemonic_to_private_key

        return cls.from_bytes(mnemonic_to_private_key(seedphrase, _SEED_PATH.format(index)))

    # --- properties ---

    @property
    def security_module(self) -> ISecurityModule | None:
        """Where the key is kept; None: in memory."""
        return self._security_module

    @property
    def key_no(self) -> int | None:
        """Its number there."""
        return self._key_no

    @property
    def key_type(self) -> str:
        """``cryptosign``."""
        return "cryptosign"

    @property
    def comment(self) -> str | None:
        """A text about the key."""
        return self._comment

    @property
    def can_sign(self) -> bool:
        """Whether the private key is there."""
        return self._can_sign

    def public_key(self, binary: bool = False) -> str | bytes:
        """Return the public key: 64 hex digits, or 32 octets."""
        octets = bytes(self._key.verify_key if self._can_sign else self._key)
        return octets if binary else octets.hex()

    # --- signatures ---

    def _sign(self, data: bytes) -> bytes:
        if not self._can_sign:
            raise ValueError("a signing key required to sign: this is a public key")
        if not isinstance(data, bytes):
            raise ValueError("data to be signed must be binary")
        return bytes(self._key.sign(data).signature)

    def sign(self, data: bytes) -> Any:
        """Sign. :returns: a future of the signature, 64 octets. :raises ValueError: no octets, or a public key."""
        return succeeded(self._sign(data))

    def sign_challenge(
        self, challenge: Any, channel_id: bytes | None = None, channel_id_type: str | None = None
    ) -> Any:
        """Answer a challenge of WAMP-cryptosign.

        :param challenge: a ``Challenge`` whose extra has ``challenge``: 32 octets as hex.
        :param channel_id: 32 octets that identify the TLS channel. :param channel_id_type: ``tls-unique`` or ``tls-exporter``.
        :returns: a future of 192 hex digits: the signature (64 octets) and what was signed (32 octets), which is the challenge,
            XORed with the channel id where there is one.
        :raises ValueError: what is wrong with challenge or channel id.
        """
        data = octets_to_sign(challenge, channel_id, channel_id_type)
        return succeeded((self._sign(data) + data).hex())


def is_signed_by(pubkey: bytes, signature: bytes, data: bytes) -> bool:
    """Whether this is the signature (64 octets) of the data by the private key of a public key (32 octets)."""
    from nacl.exceptions import BadSignatureError

    try:
        _nacl_signing().VerifyKey(pubkey).verify(data, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True


ICryptosignKey.register(CryptosignKey)


def octets_to_sign(challenge: Any, channel_id: bytes | None, channel_id_type: str | None) -> bytes:
    """Return the 32 octets that answer a challenge when signed. See :meth:`CryptosignKey.sign_challenge`."""
    if challenge.method not in ("cryptosign", "cryptosign-proxy"):
        raise ValueError(f"unexpected cryptosign challenge with method {challenge.method!r}")
    text = challenge.extra.get("challenge")
    if text is None:
        raise ValueError("missing challenge value in challenge.extra")
    if not isinstance(text, str) or len(text) != 2 * _KEY_LENGTH:
        shown = len(text) if isinstance(text, str) else type(text).__name__
        raise ValueError(f"unexpected challenge (hex) length: was {shown}, but expected {2 * _KEY_LENGTH}")
    try:
        data = binascii.a2b_hex(text)
    except ValueError:
        raise ValueError("the challenge is not hex") from None
    if channel_id_type is None:
        if channel_id is not None:
            raise ValueError("a channel id needs its type: 'tls-unique' or 'tls-exporter'")
    else:
        if channel_id_type not in CHANNEL_BINDINGS:
            raise ValueError(f"invalid channel_id_type {channel_id_type!r}: one of {CHANNEL_BINDINGS} expected")
        if type(channel_id) is not bytes or len(channel_id) != _KEY_LENGTH:
            shown = len(channel_id) if channel_id is not None else "None"
            raise ValueError(f"unexpected TLS transport channel ID length (was {shown}, but expected {_KEY_LENGTH})")
        data = xor(data, channel_id)
    return data


# --- details of HELLO and CHALLENGE ---


def _hex_octets(size: int) -> Any:
    def parse(value: Any, name: str) -> bytes:
        if not isinstance(value, str):
            raise ValueError(f"invalid type {type(value)} for {name}")
        if len(value) != 2 * size:
            raise ValueError(f"invalid length {len(value)} of {name}: {2 * size} hex digits are needed")
        try:
            return binascii.a2b_hex(value)
        except ValueError:
            raise ValueError(f"invalid value for {name}: not hex") from None

    return parse


def _address(value: Any, name: str) -> bytes:
    if isinstance(value, str) and len(value) == 42 and value.startswith("0x"):
        try:
            return binascii.a2b_hex(value[2:])
        except ValueError:
            pass
    raise ValueError(f"invalid value for {name}: an Ethereum address (0x and 40 hex digits) is needed")


def _integer(value: Any, name: str) -> int:
    if type(value) is not int:
        raise ValueError(f"invalid type {type(value)} for {name} - expected an integer")
    return value


def _binding(value: Any, name: str) -> str:
    if value not in CHANNEL_BINDINGS:
        raise ValueError(f'invalid value "{value}" for {name}')
    return str(value)


def _hex(value: bytes) -> str:
    return value.hex()


def _hex_address(value: bytes) -> str:
    return "0x" + value.hex()


def _plain(value: Any) -> Any:
    return value


# name: (length in octets, or the Python type; how it is read; how it is written; whether it is below "reservation")
_FIELDS: dict[str, tuple[Any, Any, Any, bool]] = {
    "pubkey": (32, _hex_octets(32), _hex, False),
    "challenge": (32, _hex_octets(32), _hex, False),
    "channel_binding": (str, _binding, _plain, False),
    "channel_id": (32, _hex_octets(32), _hex, False),
    "trustroot": (20, _address, _hex_address, False),
    "realm": (20, _address, _hex_address, True),
    "chain_id": (int, _integer, _plain, True),
    "block_no": (int, _integer, _plain, True),
    "delegate": (20, _address, _hex_address, True),
    "seeder": (20, _address, _hex_address, True),
    "bandwidth": (int, _integer, _plain, True),
    "signature": (65, _hex_octets(65), _hex, False),
}
_RESERVATION = "reservation"


def _field(name: str) -> Any:
    kind, _, _, _ = _FIELDS[name]
    slot = "_" + name

    def get(self: Any) -> Any:
        return getattr(self, slot)

    def put(self: Any, value: Any) -> None:
        if value is not None:
            if isinstance(kind, type):
                if type(value) is not kind:
                    raise ValueError(f"invalid type {type(value)} for {name}: {kind.__name__} expected")
                if kind is str:
                    _binding(value, name)
            elif type(value) is not bytes or len(value) != kind:
                raise ValueError(f"invalid value for {name}: {kind} octets are needed")
        setattr(self, slot, value)

    what = kind.__name__ if isinstance(kind, type) else f"{kind} octets"
    return property(get, put, doc=f"``{name}``: {what}, or None.")


class CryptosignAuthextra:
    """The details (``authextra``) of HELLO and CHALLENGE in WAMP-cryptosign. Everything is optional."""

    __slots__ = tuple("_" + name for name in _FIELDS)

    def __init__(
        self,
        pubkey: bytes | None = None,
        challenge: bytes | None = None,
        channel_binding: str | None = None,
        channel_id: bytes | None = None,
        trustroot: bytes | None = None,
        realm: bytes | None = None,
        chain_id: int | None = None,
        block_no: int | None = None,
        delegate: bytes | None = None,
        seeder: bytes | None = None,
        bandwidth: int | None = None,
        signature: bytes | None = None,
    ) -> None:
        """
        :param pubkey: the client's public key, 32 octets. :param challenge: 32 octets for the router to sign.
        :param channel_binding: ``tls-unique`` or ``tls-exporter``. :param channel_id: of the TLS channel, 32 octets.
        :param trustroot: address (20 octets) of the trust root of the client's certificate.
        :param realm: address of the realm. :param chain_id: number of the chain. :param block_no: number of the block.
        :param delegate: address. :param seeder: address. :param bandwidth: what is asked for.
        :param signature: over these details, 65 octets.
        :raises ValueError: what is wrong.
        """
        self.pubkey, self.challenge, self.signature = pubkey, challenge, signature
        self.channel_binding, self.channel_id = channel_binding, channel_id
        self.trustroot, self.realm, self.delegate, self.seeder = trustroot, realm, delegate, seeder
        self.chain_id, self.block_no, self.bandwidth = chain_id, block_no, bandwidth

    pubkey = _field("pubkey")
    challenge = _field("challenge")
    channel_binding = _field("channel_binding")
    channel_id = _field("channel_id")
    trustroot = _field("trustroot")
    realm = _field("realm")
    chain_id = _field("chain_id")
    block_no = _field("block_no")
    delegate = _field("delegate")
    seeder = _field("seeder")
    bandwidth = _field("bandwidth")
    signature = _field("signature")

    def __repr__(self) -> str:
        return f"CryptosignAuthextra({self.marshal()!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CryptosignAuthextra) and self.marshal() == other.marshal()

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    @staticmethod
    def parse(data: dict[str, Any]) -> CryptosignAuthextra:
        """Return the details of a dict as it came. Keys that are not known are left out.

        :raises ValueError: what is wrong with it.
        """
        if not isinstance(data, dict):
            raise ValueError(f"invalid type {type(data)} for authextra: dict expected")
        reservation = data.get(_RESERVATION)
        if reservation is None:
            reservation = {}
        if not isinstance(reservation, dict):
            raise ValueError(f"invalid type {type(reservation)} for {_RESERVATION}")
        values = {}
        for name, (_, read, _, reserved) in _FIELDS.items():
            value = (reservation if reserved else data).get(name)
            if value is not None:
                values[name] = read(value, f"{_RESERVATION}.{name}" if reserved else name)
        return CryptosignAuthextra(**values)

    def marshal(self) -> dict[str, Any]:
        """Return a dict as it goes on the wire, with what is set; addresses are in lower case."""
        result: dict[str, Any] = {}
        for name, (_, _, write, reserved) in _FIELDS.items():
            value = getattr(self, name)
            if value is not None:
                (result.setdefault(_RESERVATION, {}) if reserved else result)[name] = write(value)
        return result


also_from(__name__, "wamp.types", "wamp.mnemonic")
