# SPDX-License-Identifier: MIT
"""daphne, unmodified, on autobahn_fast: its own tests, and an ASGI WebSocket application served to the websockets library."""

from __future__ import annotations

import asyncio
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets
from crossbar_node import free_port

APPLICATION = """
    async def application(scope, receive, send):
        assert scope["type"] == "websocket"
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/refused":
            await send({"type": "websocket.close", "code": 4000})
            return
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0] if scope["subprotocols"] else None})
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            if event.get("text") == "close":
                await send({"type": "websocket.close", "code": 4001})
                return
            await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})
"""


@pytest.mark.timeout(600)  # 20 s on a quiet machine
def test_its_own_tests(environment: Path) -> None:
    (source,) = (environment / "daphne").glob("daphne-*/")
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=source, capture_output=True, text=True, timeout=570, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 60, done.stdout[-500:]


@pytest.fixture
def port(environment: Path, tmp_path: Path) -> Iterator[int]:
    """The port at which daphne serves the application."""
    (tmp_path / "application.py").write_text(textwrap.dedent(APPLICATION))
    port = free_port()
    command = [str(environment / "bin" / "daphne"), "-b", "127.0.0.1", "-p", str(port), "application:application"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_an_application(port: int) -> None:
    async def connect(path: str = "/", **options: object) -> websockets.ClientConnection:
        for _ in range(100):
            try:
                return await websockets.connect(f"ws://127.0.0.1:{port}{path}", max_size=None, **options)  # type: ignore[arg-type]
            except OSError:
                await asyncio.sleep(0.1)
        raise RuntimeError("daphne does not listen")

    async def main() -> None:
        async with asyncio.timeout(60):
            client = await connect(subprotocols=["chat"])
            assert client.subprotocol == "chat"
            for message in ("hello", "ü\U0001d11e" * 1000, bytes(range(256)) * 4000, "x" * 1_000_000):
                await client.send(message)
                assert await client.recv() == message
            await client.send("close")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 4001
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connect("/refused")
            assert refused.value.response.status_code == 403

    asyncio.run(main())
