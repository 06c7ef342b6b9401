# SPDX-License-Identifier: MIT
"""The chat of docs/examples in headless Chromium: AutobahnJS in two tabs, the embedded router between them.

Skipped where Chromium or npm is missing, or npm finds no registry.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from _browser import CHROMIUM, browser

ROOT = Path(__file__).resolve().parent.parent.parent
CHAT = ROOT / "docs" / "examples" / "chat"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed"),
]


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with what npm installs."""
    folder = tmp_path_factory.mktemp("examples") / "chat"
    shutil.copytree(CHAT, folder, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"npm install: {done.stderr.strip()[-200:]}")
    return folder


MESSAGES = "[...document.querySelectorAll('#messages li')].map((e) => e.querySelector('b').textContent + ': ' + e.lastChild.data)"


async def say(page: object, text: str) -> None:
    await page.run(f"document.querySelector('#text').value = {text!r}; document.querySelector('#form').requestSubmit()")  # type: ignore[attr-defined]


def test_two_people_talk(chat: Path, tmp_path: Path) -> None:
    async def main() -> None:
        server = await asyncio.create_subprocess_exec(
            sys.executable, str(chat / "server.py"), "--port", "0",
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            address = (await server.stdout.readline()).decode().split()[-1]
            async with asyncio.timeout(60), browser(tmp_path / "profile") as open_page:
                ready = "document.body?.dataset.ready"
                ann = await open_page(f"{address}?name=Ann")
                await ann.until(ready)
                await say(ann, "Is anybody there?")
                await ann.until(f"{MESSAGES}.length === 1")
                ben = await open_page(f"{address}?name=Ben")
                await ben.until(ready)
                assert await ben.run(MESSAGES) == ["Ann: Is anybody there?"]
                await say(ben, "Yes: <b>me</b> ü \U0001f600")
                for page in (ann, ben):
                    await page.until(f"{MESSAGES}.length === 2")
                    assert await page.run(MESSAGES) == ["Ann: Is anybody there?", "Ben: Yes: <b>me</b> ü \U0001f600"]
                assert await ann.run("[...document.querySelectorAll('.own')].length") == 1
                picture = tmp_path / "chat.png"
                await ann.screenshot(picture)
                assert picture.read_bytes().startswith(b"\x89PNG")
                if "KEEP_SCREENSHOT" in os.environ:
                    shutil.copy(picture, os.environ["KEEP_SCREENSHOT"])
        finally:
            server.terminate()
            await server.wait()

    asyncio.run(main())


def test_without_its_script(chat: Path, tmp_path: Path) -> None:
    bare = tmp_path / "chat"
    shutil.copytree(chat, bare, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(
        [sys.executable, str(bare / "server.py"), "--port", "0"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1 and "run 'npm install'" in done.stderr
