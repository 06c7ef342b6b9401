# SPDX-License-Identifier: MIT
"""A page in headless Chromium with our servers: ws and wss, permessage-deflate, text, ArrayBuffer and Blob, clean closes.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from _authority import Authority
from _browser import CHROMIUM, FLAGS
from _live import run
from _peers import our_server

HERE = Path(__file__).parent
MESSAGES = 6 + 2 * 7

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")


@asynccontextmanager
async def page_server(report: asyncio.Future[Any]) -> AsyncIterator[int]:
    """Serve the page, and take its report."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            body = b""
            if head.startswith("post /report "):
                length = int(head.partition("content-length:")[2].split("\r\n")[0])
                report.set_result(json.loads(await reader.readexactly(length)))
            elif head.startswith("get /page"):
                body = (HERE / "chromium.html").read_bytes()
            kind = b"Content-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (kind, len(body), body))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:  # uvloop's close() waits forever for a server that a failing test leaves open
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)


async def open_page(urls: list[str], closing: str, profile: Path) -> Any:
    """Have Chromium talk to the servers; return its report."""
    report: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    async with page_server(report) as port:
        query = urlencode([("closing", closing), *(("url", url) for url in urls)])
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0",
            f"http://127.0.0.1:{port}/page?{query}",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return await asyncio.wait_for(report, 50)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def check(results: list[dict[str, Any]], urls: list[str], closing: str) -> None:
    """What the page found is what it should be."""
    assert [result["url"] for result in results] == urls
    for result in results:
        assert result["wrong"] == [], result
        assert result["got"] == MESSAGES
        assert result["protocol"] == "echo"
        assert result["extensions"].startswith("permessage-deflate")
        assert result["server"] == "permessage-deflate"
        assert result["clean"] is True
        if closing == "server":
            assert (result["code"], result["reason"]) == (4711, "as you wish")
        else:
            assert result["code"] in (1000, 3001)


@pytest.mark.parametrize(("loop", "closing"), [("asyncio", "page"), ("uvloop", "server")])
def test_our_asyncio_server(loop: str, closing: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server_context(authority.issue("127.0.0.1"))

    async def main() -> None:
        async with AsyncExitStack() as stack:
            plain = await stack.enter_async_context(our_server(None))
            secure = await stack.enter_async_context(our_server(tls))
            urls = [f"ws://127.0.0.1:{plain}/", f"wss://127.0.0.1:{secure}/"]
            check(await open_page(urls, closing, tmp_path / "profile"), urls, closing)

    run(loop, main(), 60)


@pytest.mark.parametrize("closing", ["page", "server"])
def test_our_twisted_resource(closing: str, tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("127.0.0.1")
    program = HERE / "_twisted_peer.py"

    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), "server", str(pem),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": str(program.parents[2])},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            plain, secure = (await process.stdout.readline()).split()
            urls = [f"ws://127.0.0.1:{int(plain)}/", f"wss://127.0.0.1:{int(secure)}/"]
            check(await open_page(urls, closing, tmp_path / "profile"), urls, closing)
        finally:
            process.stdin.close()
            await process.wait()
        assert process.returncode == 0

    run("asyncio", main(), 60)
