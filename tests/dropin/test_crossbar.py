# SPDX-License-Identifier: MIT
"""Crossbar.io, unmodified, on autobahn_fast: an autobahn client of another environment finds everything in it that it needs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from crossbar_node import CREDENTIALS

CLIENT = str(Path(__file__).parent / "plain_client.py")
PARTS = [
    "progressive results",
    "the handler was cancelled",
    "retained event",
    "shared registration",
    "wamp.session.on_leave",
]


def client(plain_python: str, *arguments: str) -> list[str]:
    """Run the program; what it said."""
    done = subprocess.run(
        [plain_python, CLIENT, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = done.stdout.splitlines()
    said = [line for line in lines if line.startswith(("ok ", "autobahn ", "done"))]
    assert said[-1] == "done", f"{done.stdout}\n{done.stderr}"
    # it is autobahn itself on that side
    assert said[0].startswith("autobahn 26.10.") and "autobahn_fast" not in said[0], said[0]
    return said[1:-1]


@pytest.mark.parametrize(
    ("kind", "serializer"),
    [("ws", "json"), ("ws", "msgpack"), ("ws", "cbor"), ("rs", "msgpack"), ("rs", "json"), ("unix", "cbor")],
)
def test_an_autobahn_client(node: Any, plain_python: str, kind: str, serializer: str) -> None:
    held = client(plain_python, node.urls[kind], serializer)
    assert len(held) >= 24
    for part in PARTS:
        assert f"ok {part}" in held


# autobahn itself cannot answer a SCRAM challenge that names pbkdf2: it aborts with "Invalid argument types"
@pytest.mark.parametrize("name", [name for name in CREDENTIALS if name != "scram-pbkdf2"])
def test_authentication_of_an_autobahn_client(node: Any, plain_python: str, name: str) -> None:
    method = name.partition("-")[0]
    arguments = json.dumps(CREDENTIALS[name])
    assert f"ok joined with {method}" in client(plain_python, node.urls["auth"], "msgpack", method, arguments)


def test_crossbar_runs_on_autobahn_fast(environment: Path) -> None:
    ask = "import crossbar.router.session, autobahn.wamp.protocol as p; print(p.ApplicationSession.__module__)"
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-W", "ignore", "-c", ask],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert done.stdout.strip().startswith("autobahn_fast.")
