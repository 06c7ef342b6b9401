# SPDX-License-Identifier: MIT
"""A certificate authority for tests: issues certificates for names and addresses, valid ones and others."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """Issues certificates; ``path`` is its own one, which clients trust."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.path = directory / f"{name}.pem"
        builder = self._builder(self._name, self._key).add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
        )
        certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        signed = certificate.sign(self._key, hashes.SHA256())
        self.path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: Any, days: int = 1) -> Any:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=10))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def issue(self, *names: str, expired: bool = False) -> Path:
        """Write a certificate for the names with its key into one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(_name(names[0]), key, -1 if expired else 1)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        path = self._directory / f"{self._name.rdns[0].rfc4514_string()}-{names[0]}{'-expired' * expired}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return path

    def client_context(self, own: Path | None = None) -> ssl.SSLContext:
        """Return what a client uses that trusts this authority alone. :param own: a certificate to present."""
        context = ssl.create_default_context(cafile=str(self.path))
        if own is not None:
            context.load_cert_chain(own)
        return context

    def server_context(self, pem: Path, ask: bool = False) -> ssl.SSLContext:
        """Return what a server uses. :param pem: its certificate. :param ask: clients must present one of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        if ask:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.path))
        return context
