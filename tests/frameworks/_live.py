# SPDX-License-Identifier: MIT
"""Loops, listeners and certificates for tests over real sockets."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

LOOPS = ("asyncio", "uvloop")
CARRIERS = ("tcp", "tls", "unix")


def run(kind: str, coroutine: Any, seconds: float = 30) -> Any:
    """Run a coroutine to its end on a new loop of that kind; an exception nobody caught fails the test."""
    factory: Any = asyncio.new_event_loop
    if kind == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    problems: list[dict[str, Any]] = []

    async def main() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        return await asyncio.wait_for(coroutine, seconds)

    with asyncio.Runner(loop_factory=factory) as runner:
        result = runner.run(main())
    assert problems == [], problems[0]
    return result


def make_certificate(directory: Path, common_name: str = "localhost") -> Path:
    """Write a certificate for ``localhost`` and 127.0.0.1 with its key; it is its own issuer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Carrier:
    """TCP, TLS or a Unix domain socket: how to listen and how to connect."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.path = str(directory / "socket")
        self.port = 0
        self.server_context: ssl.SSLContext | None = None
        self.client_context: ssl.SSLContext | None = None
        if kind == "tls":
            pem = make_certificate(directory)
            self.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.server_context.load_cert_chain(pem)
            self.client_context = ssl.create_default_context(cafile=str(pem))

    @asynccontextmanager
    async def listen(self, factory: Callable[[], Any]) -> AsyncIterator[None]:
        """Serve connections made by ``factory``."""
        loop = asyncio.get_running_loop()
        if self.kind == "unix":
            server = await loop.create_unix_server(factory, self.path)
        else:
            server = await loop.create_server(factory, "127.0.0.1", 0, ssl=self.server_context)
            self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await asyncio.sleep(0)

    async def connect(self, factory: Callable[[], Any]) -> Any:
        """Connect; return the connection."""
        loop = asyncio.get_running_loop()
        if self.kind == "unix":
            return (await loop.create_unix_connection(factory, self.path))[1]
        name = "localhost" if self.kind == "tls" else None
        return (
            await loop.create_connection(factory, "127.0.0.1", self.port, ssl=self.client_context, server_hostname=name)
        )[1]


# what Twisted itself calls although pyOpenSSL has deprecated it
_TWISTED_WARNINGS = ("-W", "ignore:Passing pyOpenSSL:DeprecationWarning")


def run_twisted(file: str, *arguments: str, seconds: float = 30) -> str:
    """Run a program on Twisted in a process of its own; return what it prints. Its output is the test's when it fails."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-W", "error", *_TWISTED_WARNINGS, str(here / file), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=here.parents[1],
        env={**os.environ, "PYTHONPATH": str(here.parents[1])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unhandled" not in done.stderr, done.stderr
    return done.stdout
