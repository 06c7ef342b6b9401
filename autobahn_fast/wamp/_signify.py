# SPDX-License-Identifier: MIT
"""Files of OpenBSD's signify: Ed25519 public keys and signatures, as they are published with releases.

Knows the two lines of such a file, a comment and Base64 of the algorithm "Ed", eight octets of key number, and the key or
signature. Knows nothing of WAMP.
"""

from __future__ import annotations

import binascii

__all__ = ("qrcode_of_pubkey", "read_pubkey", "read_signature", "verify")

_PREFIX = 2 + 8  # algorithm and key number


def _read(path: str, size: int, what: str) -> tuple[bytes, bytes, str]:
    """Return key number, key or signature, and the Base64 line of a signify file.

    :raises ValueError: it is none.
    """
    with open(path, encoding="utf8") as file:
        lines = file.read().splitlines()
    if len(lines) < 2 or not lines[0].startswith("untrusted comment:"):
        raise ValueError(
            f"{path} is not a signify file: a line 'untrusted comment: ...' and one in Base64 are expected"
        )
    try:
        octets = binascii.a2b_base64(lines[1], strict_mode=True)
    except binascii.Error as exc:
        raise ValueError(f"{path}: the second line is not Base64 ({exc})") from exc
    if len(octets) != _PREFIX + size or octets[:2] != b"Ed":
        raise ValueError(f"{path} does not hold an Ed25519 {what} in signify's form")
    return octets[2:_PREFIX], octets[_PREFIX:], lines[1]


def read_pubkey(pubkey_file: str) -> bytes:
    """Return the 32 octets of the public key in a signify file.

    :raises OSError: the file cannot be read. :raises ValueError: it is not such a file.
    """
    return _read(pubkey_file, 32, "public key")[1]


def read_signature(signature_file: str) -> bytes:
    """Return the 64 octets of the signature in a signify file.

    :raises OSError: the file cannot be read. :raises ValueError: it is not such a file.
    """
    return _read(signature_file, 64, "signature")[1]


def verify(pubkey_file: str, signature_file: str, message: bytes) -> None:
    """Check a signature over ``message``.

    :raises OSError: a file cannot be read. :raises ValueError: a file is not of this kind.
    :raises nacl.exceptions.BadSignatureError: the signature is not the key's.
    """
    from nacl.signing import VerifyKey

    VerifyKey(read_pubkey(pubkey_file)).verify(message, read_signature(signature_file))


def qrcode_of_pubkey(pubkey_file: str, mode: str = "text") -> str | bytes:
    """Return the Base64 line of a public key file as a QR code.

    :param mode: ``"text"``, a str to print on a terminal, or ``"svg"``, the octets of a picture.
    :raises ValueError: another mode, or not such a file. :raises ImportError: qrcode is not installed.
    """
    if mode not in ("text", "svg"):
        raise ValueError(f"mode must be 'text' or 'svg', not {mode!r}")
    import io

    import qrcode
    import qrcode.image.svg

    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_L, box_size=3, image_factory=qrcode.image.svg.SvgImage)
    code.add_data(_read(pubkey_file, 32, "public key")[2])
    code.make()
    if mode == "text":
        text = io.StringIO()
        code.print_ascii(out=text, invert=True)
        return text.getvalue()
    picture: bytes = code.make_image().to_string()
    return picture
