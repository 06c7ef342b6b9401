# SPDX-License-Identifier: MIT
"""Files of signify: keys and signatures are read, signatures checked, everything else refused with its name."""

from __future__ import annotations

import binascii
from pathlib import Path

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from autobahn_fast.wamp import _signify

KEY = SigningKey(bytes(range(32)))
NUMBER = b"\x01\x02\x03\x04\x05\x06\x07\x08"
MESSAGE = b"a release"


def signify(octets: bytes, algorithm: bytes = b"Ed") -> str:
    line = binascii.b2a_base64(algorithm + NUMBER + octets).decode()
    return f"untrusted comment: made for a test\n{line}"


@pytest.fixture
def pubkey(tmp_path: Path) -> str:
    path = tmp_path / "key.pub"
    path.write_text(signify(bytes(KEY.verify_key)))
    return str(path)


@pytest.fixture
def signature(tmp_path: Path) -> str:
    path = tmp_path / "release.sig"
    path.write_text(signify(KEY.sign(MESSAGE).signature))
    return str(path)


def test_reading(pubkey: str, signature: str) -> None:
    assert _signify.read_pubkey(pubkey) == bytes(KEY.verify_key)
    assert _signify.read_signature(signature) == KEY.sign(MESSAGE).signature


def test_a_signature_is_of_one_message(pubkey: str, signature: str) -> None:
    _signify.verify(pubkey, signature, MESSAGE)
    with pytest.raises(BadSignatureError):
        _signify.verify(pubkey, signature, MESSAGE + b".")


def test_a_signature_is_of_one_key(tmp_path: Path, signature: str) -> None:
    other = tmp_path / "other.pub"
    other.write_text(signify(bytes(SigningKey.generate().verify_key)))
    with pytest.raises(BadSignatureError):
        _signify.verify(str(other), signature, MESSAGE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a signify file"),
        ("untrusted comment: alone\n", "is not a signify file"),
        ("ssh-ed25519 AAAA\nAAAA\n", "is not a signify file"),
        ("untrusted comment: x\nno base 64!\n", "the second line is not Base64"),
        (signify(bytes(31)), "does not hold an Ed25519 public key"),
        (signify(bytes(64)), "does not hold an Ed25519 public key"),
        (signify(bytes(32), b"Ec"), "does not hold an Ed25519 public key"),
    ],
)
def test_other_files_are_refused_with_their_name(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        _signify.read_pubkey(str(path))
    assert str(path) in str(caught.value)


def test_qr_codes(pubkey: str) -> None:
    text = _signify.qrcode_of_pubkey(pubkey)
    assert isinstance(text, str)
    assert set(text) <= set(" \n\xa0█▀▄")
    picture = _signify.qrcode_of_pubkey(pubkey, "svg")
    assert isinstance(picture, bytes)
    assert b"<svg" in picture
    with pytest.raises(ValueError, match="mode must be 'text' or 'svg', not 'png'"):
        _signify.qrcode_of_pubkey(pubkey, "png")
