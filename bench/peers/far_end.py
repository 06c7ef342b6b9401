# SPDX-License-Identifier: MIT
"""Compiles and runs the far end (``far_end.c``). Knows how to build it and how it says where it listens, nothing of clients."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _harness import FAR_PROCESSOR, place

SOURCES = [Path(__file__).with_name(name) for name in ("far_end.c", "far_end_wamp.c", "far_end.h")]
CACHE = Path(tempfile.gettempdir()) / f"autobahn_fast-bench-{os.getuid()}"


class Unavailable(Exception):
    """What a bench needs is not on this machine; the text says what."""


@dataclass(frozen=True)
class FarEnd:
    """Where it listens on 127.0.0.1; ``tls_port`` is 0 when it was built without OpenSSL."""

    port: int
    tls_port: int


def compiled(name: str, sources: list[Path], *attempts: list[str]) -> Path:
    """The program ``name`` made of ``sources``; each of ``attempts`` is options of the compiler, the first that works counts.

    It is kept and used again while sources, options and compiler stay the same.

    :raises Unavailable: no attempt works.
    """
    compiler = os.environ.get("CC", "cc")
    CACHE.mkdir(mode=0o700, exist_ok=True)
    code = b"".join(path.read_bytes() for path in sources)
    units = [str(path) for path in sources if path.suffix == ".c"]
    error = ""
    for options in attempts:
        key = hashlib.sha256(code + repr((compiler, options)).encode()).hexdigest()[:16]
        path = CACHE / f"{name}-{key}"
        if path.exists():
            return path
        part = path.with_suffix(f".{os.getpid()}")
        command = [compiler, "-O3", *units, *options, "-o", str(part)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as exc:
            raise Unavailable(f"the benches need a C compiler: {exc}") from None
        if done.returncode == 0:
            part.rename(path)
            return path
        error = done.stderr
    raise Unavailable(f"{name} could not be compiled with {compiler}:\n{error[-2000:]}")


def certificate() -> tuple[Path, Path]:
    """A certificate of this machine for 127.0.0.1, and its key; made once.

    :raises Unavailable: there is no ``openssl`` command.
    """
    CACHE.mkdir(mode=0o700, exist_ok=True)
    cert, key = CACHE / "certificate.pem", CACHE / "key.pem"
    if not cert.exists():
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "3650", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        try:
            subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as exc:
            raise Unavailable(f"no certificate for TLS: {exc}") from None
    return cert, key


@contextlib.contextmanager
def running() -> Iterator[FarEnd]:
    """A far end in a process of its own.

    :raises Unavailable: it cannot be built here.
    """
    if not sys.platform.startswith("linux"):
        raise Unavailable("the far end of the benches is written for Linux")
    arguments: list[str] = []
    try:
        program = compiled("far_end_tls", SOURCES, ["-DFAR_END_TLS", "-lssl", "-lcrypto"])
        arguments = [str(path) for path in certificate()]
    except Unavailable:
        program = compiled("far_end", SOURCES, [])
    process = subprocess.Popen(
        [str(program), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        if process.stdout is None:
            raise Unavailable("the far end has no output")
        place(process.pid, {FAR_PROCESSOR})
        ports = [int(process.stdout.readline()) for _ in range(2 if arguments else 1)]
        yield FarEnd(ports[0], ports[1] if arguments else 0)
        process.communicate()
