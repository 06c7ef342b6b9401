# SPDX-License-Identifier: MIT
"""One-time passwords: the vectors of RFC 6238."""

from __future__ import annotations

import pytest

from autobahn_fast.wamp import auth


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_totp_of_rfc_6238(monkeypatch: pytest.MonkeyPatch, now: int, code: str) -> None:
    monkeypatch.setattr(auth.time, "time", lambda: now)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert auth.compute_totp(secret) == code
    for offset, valid in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        assert auth.check_totp(secret, auth.compute_totp(secret, offset)) is valid
    assert not auth.check_totp(secret, "é")


def test_totp_secret() -> None:
    assert len(auth.generate_totp_secret(10)) == 16
    assert len(auth.compute_totp(auth.generate_totp_secret())) == 6
    with pytest.raises(ValueError, match="base32"):
        auth.compute_totp("!")


@pytest.mark.parametrize("length", [0, -1, "10", None])
def test_totp_secret_of_no_length(length: object) -> None:
    with pytest.raises(ValueError, match="positive"):
        auth.generate_totp_secret(length)  # type: ignore[arg-type]


def test_qrcode() -> None:
    image = auth.qrcode_from_totp("GEZDGNBVGY3TQOJQ", "joe@example.com", "My & Co")
    assert image.startswith(b"<")
    assert b"svg" in image[:100]
    assert image != auth.qrcode_from_totp("GEZDGNBVGY3TQOJR", "joe@example.com", "My & Co")
