# SPDX-License-Identifier: MIT
"""Authentication over sockets and TLS on asyncio, uvloop and Twisted; nothing secret is in the log of any of it."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _auth_cases import CASES, Collector, check_log
from _live import make_certificate, run

HERE = Path(__file__).parent
TWISTEDS_OWN = ["-W", "ignore:Passing pyOpenSSL:DeprecationWarning"]  # Twisted does that
LOOPS = ["asyncio", "uvloop", "twisted"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files with certificate and key: the server's, and a client's."""
    folder = tmp_path_factory.mktemp("tls")
    (folder / "client").mkdir()
    return {"server": str(make_certificate(folder)), "client": str(make_certificate(folder / "client", "client"))}


@pytest.fixture
def log() -> Iterator[Collector]:
    """Everything that any logger writes, at any level."""
    root, package, collector = logging.getLogger(), logging.getLogger("autobahn_fast"), Collector()
    levels = root.level, package.level
    root.addHandler(collector)
    root.setLevel(1)
    package.setLevel(1)
    yield collector
    root.removeHandler(collector)
    root.setLevel(levels[0])
    package.setLevel(levels[1])


def run_case(loop: str, log: Collector, name: str, *arguments: str) -> None:
    """Run a case of ``_auth_cases``."""
    if loop != "twisted":
        run(loop, CASES[name]("asyncio", *arguments))
        check_log(name, "\n".join(log.lines))
        return
    done = subprocess.run(
        [sys.executable, "-W", "error", *TWISTEDS_OWN, str(HERE / "_auth_cases.py"), name, "default", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": f"{HERE.parents[1]}:{HERE}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unhandled" not in done.stderr, done.stderr


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", ["every_method", "cheating_routers", "replayed_challenges", "router_authentication"])
def test_methods(loop: str, log: Collector, name: str) -> None:
    run_case(loop, log, name)


@pytest.mark.parametrize("loop", LOOPS)
def test_channel_binding(loop: str, log: Collector, certificates: dict[str, str]) -> None:
    run_case(loop, log, "channel_binding", certificates["server"])


@pytest.mark.parametrize("loop", LOOPS)
def test_client_certificates(loop: str, log: Collector, certificates: dict[str, str]) -> None:
    run_case(loop, log, "client_certificates", certificates["server"], certificates["client"])
