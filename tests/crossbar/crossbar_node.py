# SPDX-License-Identifier: MIT
"""A Crossbar.io node for tests: writes its configuration into a folder, starts it, stops it.

One router worker with the realm ``realm1``, in which an anonymous client may do everything, and five transports: WebSocket
(json, msgpack, cbor), RawSocket over TCP and RawSocket over a Unix socket; and WebSocket and WebSocket over TLS where clients have
to authenticate, as one of ``CREDENTIALS``. As a program: ``crossbar_node.py CROSSBAR FOLDER`` runs a
node until it is interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REALM = "realm1"
SERIALIZERS = [
    "msgpack",
    "cbor",
    "ubjson",
    "json",
]  # Crossbar 26.10 does not start with FlatBuffers in its configuration
CREDENTIALS: dict[str, dict[str, Any]] = {
    "ticket": {"authid": "ticket-user", "ticket": "ticket-secret"},
    "wampcra": {"authid": "cra-user", "secret": "cra-secret"},
    "wampcra-salted": {"authid": "cra-salted", "secret": "cra-salted-secret"},
    "scram": {"authid": "scram-user", "password": "scram-password"},
    "scram-pbkdf2": {"authid": "scram-pbkdf2", "password": "scram-password"},
    "cryptosign": {"authid": "cs-user", "privkey": bytes(range(32)).hex()},
}
"""What clients prove themselves with: the arguments of ``create_authenticator``. The method is what is before the hyphen."""
_SALT = "00112233445566778899aabbccddeeff"
# The other side of CREDENTIALS. The SCRAM keys were computed with argon2-cffi and hashlib.
_AUTH: dict[str, Any] = {
    "ticket": {"type": "static", "principals": {"ticket-user": {"ticket": "ticket-secret", "role": "user"}}},
    "wampcra": {
        "type": "static",
        "users": {
            "cra-user": {"secret": "cra-secret", "role": "user"},
            "cra-salted": {
                "secret": "cra-salted-secret",
                "role": "user",
                "salt": "salt123",
                "iterations": 100,
                "keylen": 16,
            },
        },
    },
    "scram": {
        "type": "static",
        "principals": {
            "scram-user": {
                "kdf": "argon2id-13",
                "iterations": 4,
                "memory": 512,
                "salt": _SALT,
                "stored-key": "a8b8c266f52c48218ea94c1b02bb5fcf19906ce4e456ad9b4502084e8ed32bc0",
                "server-key": "862012646989f843dd46a0b8bc251f28b8c0d63cee81f963ed8241f44b7b16a0",
                "role": "user",
            },
            "scram-pbkdf2": {
                "kdf": "pbkdf2",
                "iterations": 4096,
                "memory": 0,
                "salt": _SALT,
                "stored-key": "41b8eceae9798b863a90f90ee5f997c4251768a03eb8d36b94e834ac37c70313",
                "server-key": "0ddb83723cd58f2053986ff75201652ce6131ef1bc52df2bb4d45dc274aff02f",
                "role": "user",
            },
        },
    },
    "cryptosign": {
        "type": "static",
        "principals": {
            "cs-user": {
                "realm": REALM,
                "role": "user",
                "authorized_keys": ["03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"],
            }
        },
    },
}
READY = "NODE_BOOT_COMPLETE"
START_TIMEOUT = 90.0
STOP_TIMEOUT = 20.0


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_certificate(folder: Path, name: str = "server") -> None:
    """Write ``NAME.key``, ``NAME.pem`` and both in ``NAME-both.pem``: a certificate for localhost that is its own authority."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    unencrypted = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted)
    (folder / f"{name}.key").write_bytes(private)
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    (folder / f"{name}-both.pem").write_bytes(private + certificate.public_bytes(pem))


def make_config(
    ws_port: int, rs_port: int, auth_port: int, auth_rs_port: int, tls_port: int, tls_client_port: int
) -> dict[str, Any]:
    """The node configuration, as it goes into ``config.json``."""
    everything = {
        "uri": "",
        "match": "prefix",
        "allow": {"call": True, "register": True, "publish": True, "subscribe": True},
        "disclose": {"caller": True, "publisher": True},
        "cache": True,
    }
    realm = {
        "name": REALM,
        "options": {"enable_meta_api": True},
        "store": {
            "type": "memory",
            "event-history": [{"uri": "com.test.history", "limit": 5}],
        },
        "roles": [{"name": name, "permissions": [everything]} for name in ("anonymous", "user")],
    }
    common = {"serializers": SERIALIZERS, "auth": {"anonymous": {"type": "static", "role": "anonymous"}}}

    def tcp(port: int) -> dict[str, Any]:
        return {"type": "tcp", "interface": "127.0.0.1", "port": port}

    tls = {**tcp(tls_port), "tls": {"key": "server.key", "certificate": "server.pem"}}
    tls_client = {**tcp(tls_client_port), "tls": {**tls["tls"], "ca_certificates": ["client.pem"]}}
    strict = {"type": "websocket", "serializers": SERIALIZERS, "auth": _AUTH, "options": {"tcp_nodelay": True}}

    transports = [
        {"type": "websocket", "id": "web_socket", "endpoint": tcp(ws_port), "options": {"tcp_nodelay": True}, **common},
        {"type": "rawsocket", "id": "raw_tcp", "endpoint": tcp(rs_port), "options": {}, **common},
        {
            "type": "rawsocket",
            "id": "raw_unix",
            "endpoint": {"type": "unix", "path": "raw.sock"},
            "options": {},
            **common,
        },
        {"id": "auth", "endpoint": tcp(auth_port), **strict},
        {"id": "auth_tls", "endpoint": tls, **strict},
        {"type": "rawsocket", "id": "auth_rs", "endpoint": tcp(auth_rs_port), "options": {}, **common, "auth": _AUTH},
        {"type": "websocket", "id": "tls_client", "endpoint": tls_client, **common},
    ]
    worker = {"type": "router", "id": "router1", "realms": [realm], "transports": transports}
    return {"version": 2, "controller": {}, "workers": [worker]}


def descendants(pid: int) -> list[int]:
    """The processes that ``pid`` started, and those that they started."""
    found: list[int] = []
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
    todo = [pid]
    while todo:
        parent = todo.pop()
        for child, its_parent in pairs:
            if its_parent == parent:
                found.append(child)
                todo.append(child)
    return found


class Node:
    """A node in ``folder``, run by the program ``crossbar``. It can be stopped and started again, on the same ports."""

    def __init__(self, crossbar: str, folder: Path) -> None:
        ports = [free_port() for _ in range(6)]
        ws_port, rs_port, auth_port, auth_rs_port, tls_port, tls_client_port = ports
        self._crossbar = str(Path(crossbar).absolute())
        self._folder = folder / ".crossbar"
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "config.json").write_text(json.dumps(make_config(*ports), indent=1))
        for name in ("server", "client"):
            make_certificate(self._folder, name)
        self.certificate = self._folder / "server.pem"
        self._log = folder / "node.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.urls = {
            "ws": f"ws://127.0.0.1:{ws_port}/ws",
            "rs": f"rs://127.0.0.1:{rs_port}",
            "auth": f"ws://127.0.0.1:{auth_port}/ws",
            "auth_rs": f"rs://127.0.0.1:{auth_rs_port}",
            "tls_client": f"wss://localhost:{tls_client_port}/ws",
            "tls": f"wss://localhost:{tls_port}/ws",
            "unix": f"unix:{self._folder / 'raw.sock'}",
        }

    def describe(self) -> dict[str, Any]:
        """What a client may want to know: URLs, the public key of the running node, files with certificates."""
        tags = dict(line.split(": ", 1) for line in (self._folder / "key.pub").read_text().splitlines() if ": " in line)
        return {
            **self.urls,
            "public_key": tags["public-key-ed25519"].strip(),
            "certificate": str(self.certificate),
            "client_certificate": str(self._folder / "client-both.pem"),
        }

    def start(self) -> None:
        """Start the node and wait until it is up. Raises RuntimeError with the end of its log if it does not come up."""
        command = [self._crossbar, "start", "--cbdir", str(self._folder), "--color", "false", "--loglevel", "info"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while READY not in self.log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the Crossbar node did not start:\n" + self.log()[-4000:])
            time.sleep(0.1)

    def log(self) -> str:
        """What the node wrote since its last start."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop(self) -> None:
        """Stop the node and its worker processes."""
        process, self._process = self._process, None
        if process is None:
            return
        family = descendants(process.pid)
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


if __name__ == "__main__":
    _node = Node(sys.argv[1], Path(sys.argv[2]))
    _node.start()
    print(*_node.urls.values(), sep="\n", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        _node.stop()
