# SPDX-License-Identifier: MIT
"""The programs in README and docs run as they stand: each Python block by itself, in a process of its own.

A block marked ``text`` right after a ``python`` block is what it must print. The router that the texts tell to start runs
meanwhile; only its port is another one, so that nothing else on the machine is in the way.
"""

from __future__ import annotations

import itertools
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8080"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}


class Program(NamedTuple):
    """A Python block of a page, and what it must print, if the page says so."""

    page: Path
    line: int
    code: str
    output: str | None

    @property
    def name(self) -> str:
        return f"{self.page.name}:{self.line}"


def programs_in(page: Path) -> list[Program]:
    """The Python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    found = []
    for block, following in itertools.zip_longest(blocks, blocks[1:]):
        if block[1] == "python":
            is_next = (
                following is not None and following[1] == "text" and not text[block.end() : following.start()].strip()
            )
            output = following[2] if is_next and following is not None else None
            found.append(Program(page, text.count("\n", 0, block.start()) + 1, block[2], output))
    return found


PROGRAMS = [program for page in PAGES for program in programs_in(page)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Host and port of a running router."""
    command = [sys.executable, "-m", "autobahn_fast", "router", "--listen", "ws://127.0.0.1:0/ws"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as router:
        assert router.stdout is not None
        ready, _, _ = select.select([router.stdout], [], [], 30)
        line = router.stdout.readline() if ready else ""
        match = re.search(r"ws://([\d.]+:\d+)/ws", line)
        if match is None:
            router.kill()
            pytest.fail(f"the router did not start; it said {line!r}")
        yield match[1]
        router.terminate()


def test_there_are_programs() -> None:
    """If none were found, all of them would run."""
    assert {program.page.name for program in PROGRAMS} >= {"README.md", "start.md"}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program_runs(program: Program, address: str, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(program.code.replace(ADDRESS, address), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=ENVIRONMENT,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    if program.output is not None:
        assert done.stdout == program.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()))))
def test_make_targets_in_the_readme_exist(command: str) -> None:
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
