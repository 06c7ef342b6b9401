# SPDX-License-Identifier: MIT
"""The scenarios of ``_features.py`` on asyncio, uvloop and Twisted."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from _features import REALM, SCENARIOS
from _live import LOOPS, run

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router

PROGRAM = Path(__file__).with_name("_features.py")


async def on_asyncio(scenario: Any, scheme: str) -> None:
    listen = "ws://127.0.0.1:0/ws" if scheme == "ws" else "rs://127.0.0.1:0"
    async with Router(listen=[listen], realms=[REALM]) as router:
        transport: dict[str, Any] = {"url": router.urls[0], "max_retries": 0}
        if scheme == "rs":
            transport.update(type="rawsocket", serializer="msgpack")
        running: list[Any] = []

        async def join() -> Any:
            joined = asyncio.get_running_loop().create_future()
            component = Component(transports=transport)
            component.on_join(lambda session, details: joined.set_result(session))
            running.append((component, component.start()))
            return await joined

        try:
            await scenario(join)
        finally:
            for component, _ in running:
                component.stop()
            await asyncio.gather(*(done for _, done in running), return_exceptions=True)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_on_asyncio(loop: str, name: str) -> None:
    run(loop, on_asyncio(SCENARIOS[name], "ws" if loop == "asyncio" else "rs"))


@pytest.mark.parametrize(("reactor", "scheme"), [("default", "rs"), ("uvloop", "ws")])
def test_on_twisted(reactor: str, scheme: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), reactor, scheme],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=PROGRAM.parents[2],
        env={"PYTHONPATH": str(PROGRAM.parents[2])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unhandled" not in done.stderr, done.stderr


def test_the_documentation_names_tests_that_exist() -> None:
    """docs/reference/profile.md: every scenario is on the page, and every test on the page is there."""
    root = PROGRAM.parents[2]
    page = (root / "docs" / "reference" / "profile.md").read_text(encoding="utf-8")
    rows = [line.split("|")[-2] for line in page.splitlines() if line.startswith("| ") and line.count("|") == 4]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)} - {""}
    live = set()
    for file in (root / "tests" / "crossbar").glob("test_*.py"):
        live |= set(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    for name in named:
        if name.startswith("tests/"):
            assert (root / name).is_file(), name
        else:
            assert name in SCENARIOS or name in live, name
    assert set(SCENARIOS) <= named, set(SCENARIOS) - named
