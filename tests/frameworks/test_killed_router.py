# SPDX-License-Identifier: MIT
"""A router killed with SIGKILL, and end-to-end encryption, on asyncio, uvloop and Twisted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from _kill_cases import CASES
from _live import run

from autobahn_fast.router import Router

HERE = Path(__file__).parent
LOOPS = ["asyncio", "uvloop", "twisted"]


def on_twisted(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "_kill_cases.py"), name, "default", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": f"{HERE.parents[1]}:{HERE}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unhandled" not in done.stderr, done.stderr


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["ws", "rs"])
def test_everything_pending_ends_and_everything_comes_back(loop: str, scheme: str) -> None:
    if loop == "twisted":
        on_twisted("killed_router", scheme)
    else:
        run(loop, CASES["killed_router"]("asyncio", scheme))


@pytest.mark.parametrize("loop", LOOPS)
def test_cryptobox_end_to_end(loop: str) -> None:
    if loop == "twisted":
        on_twisted("cryptobox", "ws")
        return

    async def main() -> None:
        async with Router(["ws://127.0.0.1:0/ws"]) as router:
            await CASES["cryptobox"]("asyncio", router.urls[0])

    run(loop, main())
