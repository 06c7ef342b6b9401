# SPDX-License-Identifier: MIT
"""Keys of an SSH agent on asyncio and uvloop: with OpenSSH's agent, and with agents that do not what they should."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _auth_router import USERS, AuthRouter
from _live import LOOPS, run

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.cryptosign import HAS_CRYPTOSIGN_SSHAGENT, SSHAgentCryptosignKey
from autobahn_fast.wamp._sshkeys import make_padding, pack_strings
from autobahn_fast.wamp.cryptosign import CryptosignKey
from autobahn_fast.wamp.types import Challenge

USER = CryptosignKey.from_bytes(bytes.fromhex(USERS["cryptosign"]["privkey"]))
"""The key that ``AuthRouter`` knows."""


def openssh_file(key: CryptosignKey, seed: bytes) -> str:
    """A private key as ``ssh-keygen`` writes it."""
    import base64

    public = bytes(key.public_key(binary=True))  # type: ignore[arg-type]
    packet = pack_strings(b"ssh-ed25519", public)
    private = b"\x00\x00\x00\x05" * 2 + packet + pack_strings(seed + public, b"the key")
    private += make_padding(-len(private) % 8)
    octets = (
        b"openssh-key-v1\x00"
        + pack_strings(b"none", b"none", b"")
        + b"\x00\x00\x00\x01"
        + pack_strings(packet, private)
    )
    text = base64.encodebytes(octets).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """OpenSSH's agent with an RSA key and that of the user."""
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "rsa")], check=True)
    (tmp_path / "key").write_text(openssh_file(USER, bytes.fromhex(USERS["cryptosign"]["privkey"])))
    (tmp_path / "key").chmod(0o600)
    socket = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert socket in process.stdout.readline()  # it listens
            monkeypatch.setenv("SSH_AUTH_SOCK", socket)
            subprocess.run(["ssh-add", "-q", str(tmp_path / "rsa"), str(tmp_path / "key")], check=True)
            yield
        finally:
            process.terminate()


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="there is no ssh-agent")
@pytest.mark.parametrize("loop", LOOPS)
def test_a_component_signs_with_the_agents_key(loop: str, agent: None) -> None:
    async def main() -> None:
        assert HAS_CRYPTOSIGN_SSHAGENT
        key = await SSHAgentCryptosignKey.new()
        assert (key.public_key(), key.comment, key.can_sign) == (USER.public_key(), "the key", True)
        assert await key.sign(b"octets") == await USER.sign(b"octets")
        challenge = Challenge("cryptosign", {"challenge": "a5" * 32})
        bound: dict[str, Any] = {"channel_id": b"\x07" * 32, "channel_id_type": "tls-exporter"}
        assert await key.sign_challenge(challenge, **bound) == await USER.sign_challenge(challenge, **bound)
        with pytest.raises(ValueError, match="binary"):
            key.sign("text")  # type: ignore[arg-type]
        joined: list[str] = []

        async def work(_loop: Any, session: Any) -> None:
            joined.append(session.session_details.authid)

        with AuthRouter("cryptosign") as router:
            transport = {"type": "rawsocket", "url": router.url, "serializer": "json", "max_retries": 0}
            transport["endpoint"] = {"type": "tcp", "host": "127.0.0.1", "port": router.port}
            authentication = {"cryptosign": {"authid": "joe", "privkey": key}}
            await Component(work, transports=transport, authentication=authentication).start()
        assert joined == ["joe"]
        with pytest.raises(ValueError, match="ssh-rsa"):
            await SSHAgentCryptosignKey.new("ssh-rsa AAAA")
        other = pack_strings(b"ssh-ed25519", bytes(CryptosignKey.from_bytes(b"\x01" * 32).public_key(binary=True)))  # type: ignore[arg-type]
        import base64

        with pytest.raises(RuntimeError, match="not held"):
            await SSHAgentCryptosignKey.new(f"ssh-ed25519 {base64.b64encode(other).decode()}")

    run(loop, main())


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"", "without an answer"),
        (b"\x00\x00\x00\x01\x05", "refused"),
        (b"\x00\x00\x00\x05\x0c\x00\x00\x00\x00", "holds no Ed25519 key"),
        (b"\x00\x00\x00\x05\x0c\x00\x00\x00\x01", "damaged|cut off"),
        (b"\xff\xff\xff\xff", "more than an agent may"),
        (b"\x00\x00\x00\x05\x0c", "without an answer"),
    ],
)
def test_agents_that_do_not_what_they_should(
    answer: bytes, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        writer.write(answer)
        writer.close()

    async def main() -> None:
        path = str(tmp_path / "agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        async with await asyncio.start_unix_server(serve, path):
            with pytest.raises((RuntimeError, ValueError), match=text):
                await SSHAgentCryptosignKey.new()

    run("asyncio", main())


def test_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        with pytest.raises(RuntimeError, match="SSH_AUTH_SOCK is not set"):
            await SSHAgentCryptosignKey.new()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
        with pytest.raises(RuntimeError, match="cannot be reached"):
            await SSHAgentCryptosignKey.new()

    run("asyncio", main())
