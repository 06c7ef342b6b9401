# SPDX-License-Identifier: MIT
"""Describes X.509 certificates as plain dicts, for ``autobahn_fast.util``. Needs the ``cryptography`` package."""

from __future__ import annotations

import datetime
from typing import Any

__all__ = ("peer_certificate_details", "tls_unique")

# Names of RFC 4519 for the usual parts of a distinguished name; others go by the name of their OID.
_SHORT_NAMES = {
    "commonName": "cn",
    "countryName": "c",
    "localityName": "l",
    "organizationName": "o",
    "organizationalUnitName": "ou",
    "stateOrProvinceName": "st",
    "domainComponent": "dc",
    "emailAddress": "emailaddress",
}
_GENERAL_NAMES = {
    "DNSName": "DNS",
    "IPAddress": "IP Address",
    "RFC822Name": "email",
    "UniformResourceIdentifier": "URI",
    "RegisteredID": "Registered ID",
    "DirectoryName": "DirName",
    "OtherName": "othername",
}


def tls_unique(ssl_object: Any) -> bytes | None:
    """Return the channel binding ``tls-unique`` (RFC 5929) of a connection, or None: there is none (TLS 1.3).

    :param ssl_object: an ``ssl.SSLObject`` or ``ssl.SSLSocket``.
    """
    binding: bytes | None = ssl_object.get_channel_binding("tls-unique")
    return binding


def _oid_name(oid: Any) -> str:
    name = getattr(oid, "_name", "Unknown OID")
    return oid.dotted_string if name == "Unknown OID" else name


def _text(value: Any) -> str:
    return value.decode("utf8", "replace") if isinstance(value, bytes) else str(value)


def _name(name: Any) -> dict[str, str]:
    result = {}
    for part in name:
        oid_name = _oid_name(part.oid)
        result[_SHORT_NAMES.get(oid_name, oid_name.lower())] = _text(part.value)
    return result


def _extension(extension: Any) -> dict[str, Any]:
    name = _oid_name(extension.oid)
    try:
        if name == "subjectAltName":
            parts = (
                f"{_GENERAL_NAMES.get(type(n).__name__, type(n).__name__)}:{_text(n.value)}" for n in extension.value
            )
            value = ", ".join(parts)
        else:
            value = str(extension.value)
    except Exception as e:  # whatever the library makes of what the peer wrote
        value = f"<cannot be shown: {type(e).__name__}>"
    return {"name": name, "value": value, "critical": extension.critical}


def _fingerprint(cert: Any, algorithm: Any) -> str | None:
    try:
        return ":".join(f"{octet:02X}" for octet in cert.fingerprint(algorithm))
    except Exception:  # an algorithm the library is built without (MD5 in FIPS mode)
        return None


def peer_certificate_details(cert: Any, subject_name_hash: int | None = None) -> dict[str, Any]:
    """Describe a certificate.

    :param cert: a ``cryptography.x509.Certificate``.
    :param subject_name_hash: OpenSSL's hash of the subject, for ``hash``.
    :returns: fingerprints ``md5``, ``sha1``, ``sha256`` as ``AA:BB:..``; ``expired``, ``hash``, ``serial``,
        ``signature_algorithm``, ``version`` (2 is X.509v3), ``not_before``, ``not_after`` (``YYYYMMDDhhmmssZ``),
        ``subject``, ``issuer``, ``extensions``. What cannot be parsed is left out; nothing is raised for it.
    """
    from cryptography.hazmat.primitives import hashes

    try:
        extensions = [_extension(extension) for extension in cert.extensions]
    except Exception:  # one malformed extension makes the library refuse them all
        extensions = []
    return {
        "md5": _fingerprint(cert, hashes.MD5()),
        "sha1": _fingerprint(cert, hashes.SHA1()),
        "sha256": _fingerprint(cert, hashes.SHA256()),
        "expired": cert.not_valid_after_utc < datetime.datetime.now(datetime.UTC),
        "hash": f"{subject_name_hash:08x}" if subject_name_hash is not None else None,
        "serial": cert.serial_number,
        "signature_algorithm": _oid_name(cert.signature_algorithm_oid),
        "version": cert.version.value,
        "not_before": cert.not_valid_before_utc.strftime("%Y%m%d%H%M%SZ"),
        "not_after": cert.not_valid_after_utc.strftime("%Y%m%d%H%M%SZ"),
        "subject": _name(cert.subject),
        "issuer": _name(cert.issuer),
        "extensions": extensions,
    }
