# SPDX-License-Identifier: MIT
"""Authenticators and their helpers. The expected signatures were made by autobahn 26.10.2."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from autobahn_fast.wamp import auth
from autobahn_fast.wamp.types import Challenge


@pytest.mark.parametrize(
    ("extra", "signature"),
    [
        ({"challenge": "abc"}, "BzCJQriZDQUnZrocAcsuUg5Kk87cUOqimV8kwcw/ajA="),
        (
            {"challenge": "abc", "salt": "sa", "iterations": 100, "keylen": 16},
            "p53nBIbYiCDVXdLtflwOCDf8e/5Gw+BIwxicwGsB0sE=",
        ),
    ],
)
@pytest.mark.parametrize("secret", ["sec", b"sec"])
def test_wampcra(extra: dict[str, Any], signature: str, secret: Any) -> None:
    a = auth.create_authenticator("wampcra", authid="s", secret=secret)
    assert a.on_challenge(None, Challenge("wampcra", extra)) == signature
    assert a.on_welcome(None, {}) is None


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"challenge": 3},
        {"challenge": "x", "salt": 3},
        {"challenge": "x", "salt": "s", "iterations": "many"},
        {"challenge": "x", "salt": "s", "iterations": 10**12},
        {"challenge": "x", "salt": "s", "keylen": 0},
    ],
)
def test_wampcra_refuses_a_bad_challenge(extra: dict[str, Any]) -> None:
    a = auth.create_authenticator("wampcra", authid="s", secret="hush")
    with pytest.raises(RuntimeError, match="challenge") as e:
        a.on_challenge(None, Challenge("wampcra", extra))
    assert "hush" not in str(e.value)


@pytest.mark.parametrize(
    ("name", "kwargs", "text"),
    [
        ("foo", {}, "Unknown authenticator 'foo'"),
        ("ticket", {}, "requires 'ticket='"),
        ("wampcra", {}, "Must provide 'secret'"),
        ("wampcra", {"secret": "s"}, "Must provide 'authid'"),
        ("wampcra", {"secret": "s", "authid": "a", "foo": 1}, "Unexpected key 'foo'"),
    ],
)
def test_bad_arguments(name: str, kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        auth.create_authenticator(name, **kwargs)


def test_ticket_and_anonymous() -> None:
    a = auth.create_authenticator("ticket", ticket="t", authid="joe", authextra={"a": 1})
    assert a.on_challenge(None, Challenge("ticket", {})) == "t"
    assert a.authextra == {"a": 1}
    assert a.name == "ticket"
    assert "'joe'" in repr(a)
    with pytest.raises(RuntimeError):
        a.on_challenge(None, Challenge("wampcra", {}))
    for name in ("anonymous", "anonymous-proxy"):
        with pytest.raises(RuntimeError):
            auth.create_authenticator(name).on_challenge(None, Challenge("anonymous", {}))


def test_secrets_are_not_shown() -> None:
    for a in (
        auth.create_authenticator("ticket", ticket="hush", authid="joe"),
        auth.create_authenticator("wampcra", secret="hush", authid="joe"),
    ):
        assert "hush" not in repr(a)


def test_keys() -> None:
    assert auth.derive_key("a", "b") == b"qa2Dkprp7FOLwPRONq2mb+2wBCUxBYOWCteYpBbuw6o="
    assert auth.derive_key("a", b"b", 10, 16) == b"gDXOjjtnHMNuwswct6QrNA=="
    assert auth.pbkdf2(b"a", b"b", 10, 16) == b"\x805\xce\x8e;g\x1c\xc3n\xc2\xcc\x1c\xb7\xa4+4"
    assert auth.pbkdf2(b"a", b"b", 10, 16, "sha1") == hashlib.pbkdf2_hmac("sha1", b"a", b"b", 10, 16)
    assert auth.compute_wcs("k", b"c") == b"eqKr9Ue/Gh8Jbu3uq2G2CqZDXzTX+08Jq+PzDPXAD08="
    with pytest.raises(ValueError, match="bytes"):
        auth.pbkdf2("a", "b")  # type: ignore[arg-type]
    secret = auth.generate_wcs(20)
    assert len(secret) == 20
    assert set(secret.decode()) <= set(auth.WCS_SECRET_CHARSET)
