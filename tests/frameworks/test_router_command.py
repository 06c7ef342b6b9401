# SPDX-License-Identifier: MIT
"""``python -m autobahn_fast router`` with a certificate: sessions over wss and rss."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from _authority import Authority
from _live import run

from autobahn_fast.__main__ import main
from autobahn_fast.asyncio.component import Component

COMMAND = [sys.executable, "-m", "autobahn_fast", "router"]


def test_a_router_with_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    words = ["--certificate", str(authority.issue("127.0.0.1"))]
    for scheme in ("wss", "rss"):
        words += ["--listen", f"{scheme}://127.0.0.1:0{'/ws' if scheme == 'wss' else ''}"]

    async def session_over(transport: dict[str, Any]) -> None:
        async def ask(_loop: Any, session: Any) -> None:
            assert session.transport.transport_details.is_secure
            assert await session.call("wamp.session.count") == 1

        await Component(main=ask, transports=[transport], realm="realm1").start()

    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            urls = process.stdout.readline().split()[2:4]
            assert [url.partition(":")[0] for url in urls] == ["wss", "rss"]
            for url in urls:
                kind = "websocket" if url.startswith("wss") else "rawsocket"
                port = int(url.split(":")[2].partition("/")[0])
                endpoint = {"type": "tcp", "host": "127.0.0.1", "port": port, "tls": authority.client_context()}
                transport = {"type": kind, "url": url, "endpoint": endpoint, "max_retries": 0}
                run("asyncio", session_over(transport), 30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "wss and rss URLs need an ssl context"),
        (["--certificate", "/nowhere/cert.pem"], "router: /nowhere/cert.pem cannot be used: No such file or directory"),
        (
            ["--certificate", "/nowhere/cert.pem", "--key", "/k"],
            "router: /nowhere/cert.pem with the key /k cannot be used: ",
        ),
        (["--certificate", __file__], f"router: {__file__} cannot be used: "),
    ],
)
def test_certificates_that_cannot_be_used(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["router", "--listen", "wss://127.0.0.1:0/", *words]) == 1
    assert complaint in capsys.readouterr().err
