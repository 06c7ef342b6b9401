# SPDX-License-Identifier: MIT
"""What comes with Twisted: connections in memory, plugins, forwarding, SSH agents, the choice of a reactor."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from _live import run_twisted

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> None:
    run_twisted("_twisted_tools.py", *arguments)


def test_connections_in_memory() -> None:
    run("memory", "default")


@pytest.mark.parametrize("reactor", ["default", "uvloop"])
def test_connections_in_memory_with_a_reactor(reactor: str) -> None:
    run("memory_with_reactor", reactor)


def test_forwarding_service(tmp_path: Path) -> None:
    run("forward", "default", str(tmp_path / "socket"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("select", "SelectReactor"),
        ("poll", "PollReactor"),
        ("asyncio", "AsyncioSelectorReactor"),
        pytest.param("", "EPollReactor", marks=pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")),
    ],
)
def test_choice_of_a_reactor(name: str, expected: str) -> None:
    run("reactors", "default", name, expected)


def test_importing_installs_no_reactor() -> None:
    run("imports", "default")


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="there is no ssh-agent")
def test_keys_of_an_ssh_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("rsa", "rsa"), ("key", "ed25519")):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "the key", "-f", str(tmp_path / name)], check=True
        )
    path = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            assert path in agent.stdout.readline()  # it listens
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            subprocess.run(["ssh-add", "-q", str(tmp_path / "rsa"), str(tmp_path / "key")], check=True)
            run("ssh_agent", "default", str(tmp_path / "key.pub"), str(tmp_path / "key"))
        finally:
            agent.terminate()


# --- plugins: each in a process of its own, as Twisted remembers where it looked ---


def python(code: str, *paths: Path, arguments: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, *paths))}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
    )


TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv = ['twistd', {}]; run()"


def test_the_command_of_twistd() -> None:
    listed = python(TWISTD.format("'--help'"))
    assert re.search(r"^    endpointforward ", listed.stdout, re.MULTILINE), listed.stdout + listed.stderr
    told = python(TWISTD.format("'endpointforward', '--help'"))
    assert "--dest_endpoint" in told.stdout
    assert "--endpoint is missing" in python(TWISTD.format("'-n', 'endpointforward'")).stdout


def serve_forwarding(listen: str, to: str) -> subprocess.Popen[bytes]:
    arguments = ["twistd", "-n", "--pidfile=", "endpointforward", "-e", listen, "-d", to]
    code = f"import sys; from twisted.scripts.twistd import run; sys.argv = {arguments!r}; run()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL)


def test_a_tunnel_of_two_forwarders(tmp_path: Path) -> None:
    """A stream into WebSocket in one process and out of it in another, to an echo server that is neither's."""
    paths = {name: str(tmp_path / name) for name in ("entry", "tunnel", "echo")}
    websocket = f"autobahn:unix\\:{paths['tunnel']}:url=ws\\://localhost"
    octets = os.urandom(1000) * 500
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(paths["echo"])
        listener.listen()
        listener.settimeout(20)
        client.settimeout(20)
        with (
            serve_forwarding(f"unix:{paths['entry']}", websocket) as first,
            serve_forwarding(websocket, f"unix:{paths['echo']}") as second,
        ):
            try:
                while not os.path.exists(paths["tunnel"]) or client.connect_ex(paths["entry"]):
                    assert first.poll() is second.poll() is None, "a forwarder ended"
                    time.sleep(0.01)
                client.sendall(b"hello")
                server = listener.accept()[0]
                with server:
                    server.settimeout(20)
                    assert server.recv(100) == b"hello"
                    server.sendall(octets)
                    got = b""
                    while len(got) < len(octets):
                        got += client.recv(100_000)
                    assert got == octets
                    client.close()
                    assert server.recv(100) == b""
            finally:
                first.terminate()
                second.terminate()


def test_names_where_autobahn_is_installed_too(tmp_path: Path) -> None:
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "autobahn_endpoints.py").write_text("")
    listed = python(TWISTD.format("'--help'"), tmp_path)
    assert "autobahn_fast-endpointforward" in listed.stdout, listed.stdout + listed.stderr
    assert not re.search(r"^    endpointforward ", listed.stdout, re.MULTILINE)
    code = (
        "from twisted.internet import reactor; from twisted.internet.endpoints import serverFromString as s\n"
        "print(type(s(reactor, r'autobahn_fast:tcp\\:9000:url=ws\\://localhost')).__name__)\n"
        "s(reactor, r'autobahn:tcp\\:9000:url=ws\\://localhost')"
    )
    done = python(code, tmp_path)
    assert done.stdout == "ServerEndpoint\n", done.stderr
    assert "Unknown endpoint type: 'autobahn'" in done.stderr


WRONG_DESCRIPTIONS = {
    r"{0}": "needs the option url",
    r"{0}:url=ws\://localhost:autofrag=-1": "invalid value '-1' for autofrag",
    r"{0}:url=ws\://localhost:autofrag=x": "invalid value 'x' for autofrag",
    r"{0}:url=ws\://localhost:compression=1": "invalid value '1' for compression",
    r"{0}:url=ws\://localhost:debug=yes": "invalid value 'yes' for debug",
    r"url=ws\://localhost": "needs another one first",
}
PARSE = r"""
import sys
from twisted.internet import reactor
from twisted.internet.endpoints import clientFromString, serverFromString
for options in sys.argv[1:]:
    for parse, below in ((serverFromString, r"tcp\:9000"), (clientFromString, r"tcp\:localhost\:9000")):
        try:
            print(parse(reactor, "autobahn:" + options.format(below)))
        except ValueError as e:
            print(e)
"""


def test_descriptions_that_are_wrong() -> None:
    done = python(PARSE, arguments=[*WRONG_DESCRIPTIONS])
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(WRONG_DESCRIPTIONS), done.stdout + done.stderr
    for line, expected in zip(lines, [text for text in WRONG_DESCRIPTIONS.values() for _ in "sc"], strict=True):
        assert expected in line
