# SPDX-License-Identifier: MIT
"""Small helpers: ids, tokens, time, key files, colours in log lines. Knows nothing about sessions or transports."""

from __future__ import annotations

import base64
import os
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from autobahn_fast._observable import ObservableMixin
from autobahn_fast.exception import InvalidArgument

if TYPE_CHECKING:
    from datetime import datetime

__all__ = (
    "EqualityMixin",
    "IdGenerator",
    "ObservableMixin",
    "Stopwatch",
    "Tracker",
    "encode_truncate",
    "generate_activation_code",
    "generate_serial_number",
    "generate_token",
    "generate_user_password",
    "hl",
    "hlcontract",
    "hlid",
    "hltype",
    "hluserid",
    "hlval",
    "id",
    "machine_id",
    "newid",
    "parse_activation_code",
    "parse_keyfile",
    "peer_certificate_details",
    "public",
    "rid",
    "rtime",
    "tls_unique",
    "utcnow",
    "utcstr",
    "wildcards2patterns",
    "with_0x",
    "without_0x",
    "write_keyfile",
    "xor",
)

T = TypeVar("T")


def public(obj: T) -> T:
    """Mark something as part of the public API: sets ``_is_public`` where that can be set."""
    try:
        obj._is_public = True  # type: ignore[attr-defined]
    except AttributeError:
        pass
    return obj


# --- text and octets -------------------------------------------------------------------------------------------------


def xor(d1: bytes, d2: bytes) -> bytes:
    """Return two byte strings of the same length XORed.

    :raises TypeError: one is not bytes. :raises ValueError: their lengths differ.
    """
    for name, value in (("d1", d1), ("d2", d2)):
        if type(value) is not bytes:
            raise InvalidArgument(f"invalid type {type(value)} for {name} - must be binary")
    if len(d1) != len(d2):
        raise InvalidArgument(f"cannot XOR binary string of differing length ({len(d1)} != {len(d2)})")
    return (int.from_bytes(d1, "big") ^ int.from_bytes(d2, "big")).to_bytes(len(d1), "big")


def encode_truncate(text: str, limit: int, encoding: str = "utf8", return_encoded: bool = True) -> bytes | str:
    """Return a text cut, between characters, so that it takes at most ``limit`` octets when encoded.

    :param return_encoded: return the octets; otherwise the text.
    """
    if type(text) is not str or type(limit) is not int or limit < 0:
        raise InvalidArgument(f"a str and a limit >= 0 are needed, not {type(text)} and {limit!r}")
    cut = text.encode(encoding)[:limit].decode(encoding, "ignore")
    return cut.encode(encoding) if return_encoded else cut


def wildcards2patterns(wildcards: list[str]) -> list[re.Pattern[str]]:
    """Return one anchored pattern per wildcard; ``*`` stands for any characters, everything else for itself."""
    return [re.compile("^" + re.escape(wildcard).replace(r"\*", ".*") + "$") for wildcard in wildcards]


def with_0x(address: str | None) -> str | None:
    """Return a hex string with ``0x`` in front. None and an empty string stay."""
    return f"0x{address}" if address and not address.startswith("0x") else address


def without_0x(address: str | None) -> str | None:
    """Return a hex string without ``0x`` in front. None stays."""
    return address[2:] if address and address.startswith("0x") else address


class _LazyHexFormatter:
    """Octets that are turned into hex only when a log line is really written."""

    __slots__ = ("obj",)

    def __init__(self, obj: bytes) -> None:
        self.obj = obj

    def __str__(self) -> str:
        return self.obj.hex()


# --- time ------------------------------------------------------------------------------------------------------------


def utcstr(ts: datetime | None = None) -> str:
    """Return a time (UTC; now, when None) as ``2026-01-31T12:34:56.789Z``."""
    from datetime import UTC, datetime

    if ts is None:
        ts = datetime.now(UTC)
    elif not isinstance(ts, datetime):
        raise InvalidArgument(f"a datetime or None is needed, not {type(ts)}")
    elif ts.tzinfo is not None:
        ts = ts.astimezone(UTC)
    return ts.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def utcnow() -> str:
    """Return the time now, UTC, as ``2026-01-31T12:34:56.789Z``."""
    return utcstr()


def rtime() -> float:
    """Return the time in seconds since the epoch, as precisely as the system knows it."""
    return time.time()


class Stopwatch:
    """Measures elapsed time; can be paused. :param start: start it now."""

    def __init__(self, start: bool = True) -> None:
        self._elapsed = 0.0
        self._running = start
        self._started = time.perf_counter()

    def elapsed(self) -> float:
        """Return the seconds counted so far."""
        return self._elapsed + (time.perf_counter() - self._started if self._running else 0.0)

    def pause(self) -> float:
        """Stop counting. :returns: the seconds counted so far."""
        self._elapsed = self.elapsed()
        self._running = False
        return self._elapsed

    def resume(self) -> float:
        """Go on counting. :returns: the seconds counted so far."""
        if not self._running:
            self._started = time.perf_counter()
            self._running = True
        return self.elapsed()

    def stop(self) -> float:
        """Stop counting and set it back to zero. :returns: the seconds counted."""
        elapsed = self.pause()
        self._elapsed = 0.0
        return elapsed


class Tracker:
    """Keeps the times of named events.

    :param tracker: who keeps them. :param tracked: what they belong to. Both are for the user alone.
    """

    def __init__(self, tracker: Any, tracked: Any) -> None:
        from datetime import UTC, datetime

        self.tracker = tracker
        self.tracked = tracked
        self._timings: dict[str, float] = {}
        self._offset = rtime()
        self._dt_offset = datetime.now(UTC).replace(tzinfo=None)

    def track(self, key: str) -> None:
        """Remember that the event ``key`` happens now."""
        self._timings[key] = rtime() - self._offset

    def diff(self, start_key: str, end_key: str, formatted: bool = True) -> str | float | None:
        """Return the seconds between two events, None when one has not happened; formatted: 8 characters of text."""
        if start_key not in self._timings or end_key not in self._timings:
            return "n.a.".rjust(8) if formatted else None
        d = self._timings[end_key] - self._timings[start_key]
        if not formatted:
            return d
        for limit, factor, unit in ((1e-5, 1e9, "ns"), (1e-2, 1e6, "us"), (10.0, 1e3, "ms")):
            if abs(d) < limit:
                return f"{round(d * factor):5d} {unit}"
        return f"{round(d):6d} s"

    def absolute(self, key: str) -> datetime:
        """Return when an event happened, in UTC.

        :raises KeyError: it has not happened.
        """
        if key not in self._timings:
            raise KeyError(f"event {key!r} was not tracked")
        from datetime import timedelta

        return self._dt_offset + timedelta(seconds=self._timings[key])

    def __getitem__(self, key: str) -> float | None:
        return self._timings.get(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._timings)

    def __str__(self) -> str:
        return str(self._timings)


# --- ids and tokens --------------------------------------------------------------------------------------------------

# Characters that are hard to mistake for one another, upper and lower case.
DEFAULT_TOKEN_CHARS = "345679ACEFGHJKLMNPQRSTUVWXY"
DEFAULT_ZBASE32_CHARS = "13456789abcdefghijkmnopqrstuwxyz"
_ACTIVATION_CODE = "-".join([f"([{DEFAULT_TOKEN_CHARS}]{{4}})"] * 3)

_MAX_ID = 1 << 53


class EqualityMixin:
    """Equality by attributes: equal when of the same class with equal public attributes."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        mine = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return mine == {name: value for name, value in vars(other).items() if not name.startswith("_")}

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


class IdGenerator:
    """WAMP ids in session scope: 1, 2, 3, up to 2**53, then 1 again."""

    def __init__(self) -> None:
        self._next = 0

    def next(self) -> int:
        """Return the next id."""
        self._next = self._next + 1 if self._next < _MAX_ID else 1
        return self._next

    __next__ = next


def id() -> int:
    """Return a random WAMP id in global scope: 1 to 2**53, from a cryptographic source."""
    import secrets

    return secrets.randbelow(_MAX_ID) + 1


def rid() -> int:
    """Return a random WAMP id in global scope."""
    return id()


def newid(length: int = 16) -> str:
    """Return a random text of ``length`` base64 characters."""
    return base64.b64encode(os.urandom(length * 3 // 4 + 3)).decode("ascii")[:length]


def machine_id() -> str:
    """Return a text that is the same on this machine and on no other."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path, encoding="ascii") as f:
                found = f.read().strip()
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return found
    import uuid

    return f"{uuid.getnode():032x}"


def generate_token(
    char_groups: int, chars_per_group: int, chars: str | None = None, sep: str | None = None, lower_case: bool = False
) -> str:
    """Return a random token such as ``SF3U-CSKM-PTKQ``.

    :param char_groups: number of groups. :param chars_per_group: characters in each.
    :param chars: what to choose from; default: characters that are hard to mistake for one another.
    :param sep: between the groups; default ``-``. :param lower_case: return it in lower case.
    """
    import secrets

    choice = chars or DEFAULT_TOKEN_CHARS
    groups = ("".join(secrets.choice(choice) for _ in range(chars_per_group)) for _ in range(char_groups))
    token = ("-" if sep is None else sep).join(groups)
    return token.lower() if lower_case else token


def generate_activation_code() -> str:
    """Return a random code such as ``SF3U-CSKM-PTKQ``."""
    return generate_token(3, 4)


def parse_activation_code(code: str) -> re.Match[str] | None:
    """Match what :func:`generate_activation_code` makes: a match with three groups, or None."""
    return re.fullmatch(_ACTIVATION_CODE, code)


def generate_user_password() -> str:
    """Return a random password of 16 characters."""
    return generate_token(16, 1, chars=DEFAULT_ZBASE32_CHARS, sep="", lower_case=True)


def generate_serial_number() -> str:
    """Return a random serial number such as ``WLS4-39NV-QPRK-MSQW-PF5S-PX3J``."""
    return generate_token(6, 4)


# --- key files -------------------------------------------------------------------------------------------------------

_PUBLIC_TAGS = (
    "creator",
    "created-at",
    "user-id",
    "machine-id",
    "node-authid",
    "node-cluster-ip",
    "public-key-ed25519",
    "public-adr-eth",
)
_PRIVATE_TAGS = ("private-key-ed25519", "private-key-eth")


def parse_keyfile(key_path: str, private: bool = True) -> OrderedDict[str, str]:
    """Read a key file: a text, an empty line, then ``tag: value`` lines.

    :param private: tags of private keys are allowed.
    :raises Exception: a tag is not known, not allowed, or there twice.
    :raises ValueError: a line has no colon.
    """
    allowed = _PUBLIC_TAGS + (_PRIVATE_TAGS if private else ())
    tags: OrderedDict[str, str] = OrderedDict()
    in_header = True
    with open(key_path, encoding="utf8") as f:
        for raw_line in f:
            line = raw_line.strip()
            if not line:
                in_header = False
            elif not in_header:
                tag, colon, value = line.partition(":")
                tag = tag.strip().lower()
                if not colon:
                    # The line is not shown: it may be a key.
                    raise ValueError(f"a line of key file {key_path} is not of the form 'tag: value'")
                if tag not in allowed:
                    raise Exception(f"Invalid tag '{tag}' in key file {key_path}")
                if tag in tags:
                    raise Exception(f"Duplicate tag '{tag}' in key file {key_path}")
                tags[tag] = value.strip()
    return tags


def write_keyfile(filepath: str, tags: dict[str, Any], msg: str) -> None:
    """Write a key file that :func:`parse_keyfile` reads. Only the owner may read one with a private key.

    :param tags: tag to value, in the order they are written; values of None are left out.
    :param msg: the text in front; its last line should be empty.
    """
    mode = 0o600 if any(tag in _PRIVATE_TAGS for tag in tags) else 0o644
    descriptor = os.open(filepath, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf8") as f:
        f.write(msg)
        for tag, value in tags.items():
            if value is not None:
                f.write(f"{tag}: {value}\n")
    if os.name == "posix" and mode == 0o600:
        os.chmod(filepath, mode)


# --- certificates ----------------------------------------------------------------------------------------------------


def tls_unique(ssl_object: Any) -> bytes | None:
    """Return the channel binding ``tls-unique`` (RFC 5929) of a connection, or None: there is none (TLS 1.3).

    :param ssl_object: an ``ssl.SSLObject`` or ``ssl.SSLSocket``.
    """
    from autobahn_fast import _certificates

    return _certificates.tls_unique(ssl_object)


def peer_certificate_details(cert: Any, subject_name_hash: int | None = None) -> dict[str, Any]:
    """Describe a ``cryptography.x509.Certificate`` as a dict.

    :param subject_name_hash: OpenSSL's hash of the subject, for ``hash``.
    :returns: ``md5``, ``sha1``, ``sha256``, ``expired``, ``hash``, ``serial``, ``signature_algorithm``, ``version``,
        ``not_before``, ``not_after``, ``subject``, ``issuer``, ``extensions``.
    """
    from autobahn_fast import _certificates

    return _certificates.peer_certificate_details(cert, subject_name_hash)


# --- colours ---------------------------------------------------------------------------------------------------------

_COLORS = {
    name: 30 + i for i, name in enumerate(("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"))
}
_COLORS.update({f"bright_{name}": code + 60 for name, code in list(_COLORS.items())})


def hl(text: Any, bold: bool = False, color: str = "yellow") -> str:
    """Return a text in colour, for log lines; as it is when nobody looks (no terminal, or NO_COLOR is set)."""
    text = str(text)
    code = _COLORS.get(color)
    if "NO_COLOR" in os.environ or not (sys.stderr and sys.stderr.isatty()):
        return text  # type: ignore[no-any-return]
    codes = [str(c) for c in (1 if bold else None, code) if c is not None]
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text


def hltype(obj: Any) -> str:
    """Return the full name of a class, function or method (or of the class of an object) in ``<>``, in colour."""
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    return hl(f"<{named.__module__}.{named.__qualname__}>", bold=True)


def hlid(oid: Any) -> str:
    """Return an id in colour."""
    return hl(oid, color="blue", bold=True)


def hlval(val: Any, color: str = "white", bold: bool = True) -> str:
    """Return a value in colour."""
    return hl(val, color=color, bold=bold)


def hluserid(oid: Any) -> str:
    """Return the name of a user, in quotes and colour."""
    return hl(f'"{oid}"', color="yellow", bold=True)


def hlcontract(oid: Any) -> str:
    """Return the name of a contract, in ``<>`` and colour."""
    return hl(f"<{oid}>", color="magenta", bold=True)
