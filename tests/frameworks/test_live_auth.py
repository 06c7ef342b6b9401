# SPDX-License-Identifier: MIT
"""Authentication over sockets and TLS on asyncio, uvloop and Twisted; nothing secret is in the log of any of it."""

from __future__ import annotations

import asyncio
import logging
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from _auth_cases import CASES, Collector, check_log
from _live import make_certificate, run

from autobahn_fast.router import Router

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
def test_protocol_violations(loop: str, log: Collector) -> None:
    run_case(loop, log, "protocol_violations")


@pytest.mark.parametrize("loop", LOOPS)
def test_channel_binding(loop: str, log: Collector, certificates: dict[str, str]) -> None:
    run_case(loop, log, "channel_binding", certificates["server"])


@pytest.mark.parametrize("loop", LOOPS)
def test_client_certificates(loop: str, log: Collector, certificates: dict[str, str]) -> None:
    run_case(loop, log, "client_certificates", certificates["server"], certificates["client"])


class AskingRouter(Router):
    """Keeps what the certificates of its clients say."""

    seen: list[Any]

    def session_factory(self) -> Any:
        session = super().session_factory()
        opened = session.onOpen

        def on_open(transport: Any) -> None:
            self.seen.append(transport.transport_details.peer_cert)
            opened(transport)

        session.onOpen = on_open
        return session


class RouterThread:
    """A router that asks clients for a certificate, on a loop of its own."""

    def __init__(self, scheme: str, certificates: dict[str, str]) -> None:
        self.scheme, self.certificates = scheme, certificates
        self.ready = threading.Event()
        self.seen: list[Any] = []
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates["server"])
        context.load_verify_locations(self.certificates["client"])
        context.verify_mode = ssl.CERT_REQUIRED
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        router = AskingRouter([f"{self.scheme}://127.0.0.1:0/ws"], ["realm1"], ssl=context)
        router.seen = self.seen
        async with router:
            self.url = router.urls[0]
            self.ready.set()
            await self.stop.wait()

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.ready.wait(20)
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(20)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["wss", "rss"])
def test_a_router_sees_the_clients_certificate(
    loop: str, scheme: str, log: Collector, certificates: dict[str, str]
) -> None:
    with RouterThread(scheme, certificates) as router:
        run_case(loop, log, "certificates_of_clients", router.url, certificates["server"], certificates["client"])
        assert [certificate["subject"] for certificate in router.seen] == [((("commonName", "client"),),)]
