# SPDX-License-Identifier: MIT
"""The helpers of ``autobahn_fast.util``."""

from __future__ import annotations

import datetime
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast import util


def test_names() -> None:
    assert all(hasattr(util, name) for name in util.__all__)


def test_xor() -> None:
    assert util.xor(b"\x01\xff\x00", b"\x03\xff\x80") == b"\x02\x00\x80"
    assert util.xor(b"", b"") == b""
    for d1, d2 in ((b"a", b"ab"), ("a", b"a"), (b"a", 5)):
        with pytest.raises(ValueError, match=r"."):
            util.xor(d1, d2)  # type: ignore[arg-type]


@given(text=st.text(), limit=st.integers(0, 12))
def test_truncating_keeps_whole_characters(text: str, limit: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    octets = util.encode_truncate(text, limit)
    cut = util.encode_truncate(text, limit, return_encoded=False)
    assert isinstance(octets, bytes)
    assert isinstance(cut, str)
    assert cut.encode() == octets
    assert len(octets) <= limit
    assert text.startswith(cut)
    assert cut == text or len(octets) + len(text[len(cut)].encode()) > limit


def test_truncating_in_other_encodings() -> None:
    assert util.encode_truncate("äöü", 2, encoding="latin1") == b"\xe4\xf6"
    with pytest.raises(AssertionError):
        util.encode_truncate(b"x", 1)  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        util.encode_truncate("x", -1)


def test_wildcards() -> None:
    one, two = util.wildcards2patterns(["*.example.com:80*", "a+b"])
    assert one.match("x.example.com:8080")
    assert not one.match("x.exampleXcom:80")
    assert not one.match("example.com:80")
    assert two.match("a+b")
    assert not two.match("aab")
    assert util.wildcards2patterns([]) == []
    assert util.wildcards2patterns(["*"])[0].match("")


def test_0x() -> None:
    assert [util.with_0x(v) for v in ("ab", "0xab", "", None)] == ["0xab", "0xab", "", None]
    assert [util.without_0x(v) for v in ("ab", "0xab", "", None)] == ["ab", "ab", "", None]
    assert f"{util._LazyHexFormatter(b'ab')}" == "6162"


def test_time() -> None:
    assert util.utcstr(datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)) == "2020-01-02T03:04:05.678Z"
    east = datetime.timezone(datetime.timedelta(hours=2))
    assert util.utcstr(datetime.datetime(2020, 1, 2, 2, tzinfo=east)) == "2020-01-02T00:00:00.000Z"
    now = datetime.datetime.fromisoformat(util.utcnow())
    assert abs(now - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)
    assert util.rtime() > 1.6e9
    with pytest.raises(AssertionError):
        util.utcstr(5)  # type: ignore[arg-type]


def test_ids() -> None:
    assert all(1 <= util.id() <= 2**53 for _ in range(100))
    assert len({util.rid() for _ in range(100)}) == 100
    generator = util.IdGenerator()
    assert [generator.next(), next(generator), generator.next()] == [1, 2, 3]
    generator._next = 2**53 - 1
    assert [generator.next(), generator.next(), generator.next()] == [2**53, 1, 2]
    assert util.machine_id() == util.machine_id() != ""


@pytest.mark.parametrize("length", [0, 1, 2, 3, 16, 33])
def test_newid(length: int) -> None:
    assert len(util.newid(length)) == length
    assert length < 16 or util.newid(length) != util.newid(length)


def test_tokens() -> None:
    token = util.generate_token(4, 3)
    assert [len(group) for group in token.split("-")] == [3, 3, 3, 3]
    assert set(token) <= set(util.DEFAULT_TOKEN_CHARS + "-")
    assert set(util.generate_token(2, 40, "AB", "+")) == set("AB+")
    lower = util.generate_token(2, 40, lower_case=True)
    assert lower == lower.lower() != lower.upper()
    code = util.generate_activation_code()
    match = util.parse_activation_code(code)
    assert match is not None
    assert "-".join(match.groups()) == code
    for bad in ("ABCD-EFGH", code + "-AAAA", code + "\n", code.lower(), ""):
        assert util.parse_activation_code(bad) is None
    assert len(util.generate_user_password()) == 16
    assert [len(group) for group in util.generate_serial_number().split("-")] == [4] * 6


def test_key_files(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    tags = {"creator": "x", "created-at": "12:00", "user-id": None, "public-key-ed25519": "ab"}
    util.write_keyfile(path, tags, "A key\n\n")
    assert list(util.parse_keyfile(path, private=False).items()) == [
        ("creator", "x"),
        ("created-at", "12:00"),
        ("public-key-ed25519", "ab"),
    ]
    util.write_keyfile(path, {"creator": "x", "private-key-ed25519": "cd"}, "A key\n\n")
    assert util.parse_keyfile(path)["private-key-ed25519"] == "cd"
    with pytest.raises(Exception, match="Invalid tag 'private-key-ed25519'"):
        util.parse_keyfile(path, private=False)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_private_key_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("was there before")
    path.chmod(0o644)
    util.write_keyfile(str(path), {"private-key-ed25519": "cd"}, "A key\n\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x\n\nfoo: y\n", "Invalid tag 'foo'"),
        ("x\n\ncreator: x\ncreator: y\n", "Duplicate tag 'creator'"),
        ("x\n\ncreator: x\nsomething secret\n", "not of the form"),
    ],
)
def test_bad_key_files(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(Exception, match=error) as caught:
        util.parse_keyfile(str(path))
    assert "secret" not in str(caught.value)


def test_equality() -> None:
    class Thing(util.EqualityMixin):
        def __init__(self, **values: Any) -> None:
            self.__dict__.update(values)

    class Other(Thing): ...

    assert Thing(a=1, _b=1) == Thing(a=1, _b=2)
    assert Thing(a=1) != Thing(a=2)
    assert Thing(a=1) != Thing(a=1, b=None)
    assert Thing(a=1) != 5
    assert Thing() != Other(a=1)


def test_stopwatch() -> None:
    watch = util.Stopwatch(start=False)
    assert watch.elapsed() == 0
    watch.resume()
    watch._started -= 5
    assert watch.elapsed() >= 5
    paused = watch.pause()
    assert watch.elapsed() == paused >= 5
    watch.resume()
    assert watch.stop() >= paused
    assert watch.elapsed() == 0
    assert util.Stopwatch().elapsed() >= 0


def test_tracker() -> None:
    tracker = util.Tracker("me", "you")
    tracker.track("a")
    tracker.track("b")
    assert list(tracker) == ["a", "b"]
    assert tracker["c"] is None
    assert tracker.diff("a", "b", formatted=False) >= 0  # type: ignore[operator]
    assert tracker.diff("a", "c", formatted=False) is None
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert abs(tracker.absolute("a") - now) < datetime.timedelta(minutes=1)
    with pytest.raises(KeyError):
        tracker.absolute("c")
    tracker._timings = {"a": 1.0, "us": 1.0005, "ms": 3.5, "s": 1000.123, "ns": 1.00000012}
    assert [tracker.diff("a", k) for k in ("ns", "us", "ms", "s", "c")] == [
        "  120 ns",
        "  500 us",
        " 2500 ms",
        "   999 s",
        "    n.a.",
    ]
    assert "us" in str(tracker)


def test_public() -> None:
    @util.public
    def f() -> None: ...

    assert f._is_public  # type: ignore[attr-defined]
    assert util.public(5) == 5


def test_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert util.hl("x", bold=True, color="red") == "\x1b[1;31mx\x1b[0m"
    assert util.hl("x", color="unknown") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert util.hl("x", bold=True) == "x"
    assert util.hlid(5) == "5"
    assert util.hlval(None) == "None"
    assert util.hluserid("u") == '"u"'
    assert util.hlcontract("c") == "<c>"
    assert util.hltype(util.Stopwatch) == util.hltype(util.Stopwatch()) == "<autobahn_fast.util.Stopwatch>"
    assert util.hltype(util.Stopwatch.stop) == "<autobahn_fast.util.Stopwatch.stop>"


# --- certificates ----------------------------------------------------------------------------------------------------


def make_certificate(**changes: Any) -> Any:
    oid = x509.NameOID
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(oid.COUNTRY_NAME, "DE"),
            x509.NameAttribute(oid.ORGANIZATION_NAME, "Örg"),
            x509.NameAttribute(oid.COMMON_NAME, "a.b"),
            x509.NameAttribute(oid.EMAIL_ADDRESS, "x@y"),
            x509.NameAttribute(oid.GIVEN_NAME, "g"),
        ]
    )
    names = [x509.DNSName("a.b"), x509.IPAddress(__import__("ipaddress").ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1234567890123)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(changes.get("until", datetime.datetime(2099, 1, 1)))
        .add_extension(x509.BasicConstraints(True, 3), True)
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"abc"), False)
    )
    if changes.get("malformed"):
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\xff"), False)
    return builder.sign(key, hashes.SHA256())


def test_certificate_details() -> None:
    details = util.peer_certificate_details(make_certificate(), 0xAB)
    assert [len(details[name]) for name in ("md5", "sha1", "sha256")] == [47, 59, 95]
    assert (details["expired"], details["hash"], details["serial"]) == (False, "000000ab", 1234567890123)
    assert (details["version"], details["signature_algorithm"]) == (2, "ecdsa-with-SHA256")
    assert (details["not_before"], details["not_after"]) == ("20200101000000Z", "20990101000000Z")
    name = {"c": "DE", "o": "Örg", "cn": "a.b", "emailaddress": "x@y", "givenname": "g"}
    assert details["subject"] == details["issuer"] == name
    extensions = {e["name"]: e for e in details["extensions"]}
    assert set(extensions) == {"basicConstraints", "subjectAltName", "1.2.3.4.5"}
    assert extensions["basicConstraints"]["critical"] is True
    assert extensions["subjectAltName"]["value"] == "DNS:a.b, IP Address:127.0.0.1"


def test_expired_and_malformed_certificates() -> None:
    details = util.peer_certificate_details(make_certificate(until=datetime.datetime(2021, 1, 1), malformed=True))
    assert (details["expired"], details["hash"], details["extensions"]) == (True, None, [])


def test_tls_unique() -> None:
    class Connection:
        def get_channel_binding(self, kind: str) -> bytes | None:
            return b"finished" if kind == "tls-unique" else None

    assert util.tls_unique(Connection()) == b"finished"


def test_events_away_from_sessions() -> None:
    import asyncio

    class Plain(util.ObservableMixin): ...

    async def main() -> list[int]:
        async def two() -> int:
            return 2

        plain = Plain()
        plain.on("x", lambda: 1)
        plain.on("x", two)
        return await plain.fire("x")

    assert asyncio.run(main()) == [1, 2]
