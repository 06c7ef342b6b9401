# SPDX-License-Identifier: MIT
"""Headless Chromium, driven over its DevTools protocol: pages, JavaScript in them, screenshots."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--ignore-certificate-errors",
)  # fmt: skip


class Page:
    """A tab."""

    def __init__(self, connection: websockets.ClientConnection, session: str) -> None:
        self._connection, self._session = connection, session
        self._ids = itertools.count(1)

    async def send(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol. Raises RuntimeError when it fails."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(await self._connection.recv())
            if answer.get("id") == number and answer.get("sessionId", "") == self._session:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited. Raises RuntimeError with what it threw."""
        answer = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true; its value."""
        while True:
            value = await self.run(script)
            if value:
                return value
            await asyncio.sleep(0.05)

    async def screenshot(self, path: Path) -> None:
        """Write a PNG of what is seen."""
        path.write_bytes(base64.b64decode((await self.send("Page.captureScreenshot"))["data"]))


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Any]:
    """A browser with an empty profile; what it gives is ``await open_page(url)``."""
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", "--window-size=700,600", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        url = ""
        while not url:
            line = (await process.stderr.readline()).decode()
            if not line:
                raise RuntimeError("Chromium ended at once")
            url = line.partition("DevTools listening on ")[2].strip()
        reading = asyncio.ensure_future(process.stderr.read())

        connections = []

        async def open_page(address: str) -> Page:
            connection = await websockets.connect(url, max_size=None, compression=None)
            connections.append(connection)
            whole = Page(connection, "")
            target = (await whole.send("Target.createTarget", url="about:blank"))["targetId"]
            session = (await whole.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            page = Page(connection, session)
            await page.send("Page.navigate", url=address)
            return page

        yield open_page
        for connection in connections:
            await connection.close()
        reading.cancel()
    finally:
        process.kill()
        await process.wait()
