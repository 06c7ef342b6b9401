# SPDX-License-Identifier: MIT
"""The programs of docs/examples, run as they stand. The chat has tests of its own, in a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
EXPECTED = {
    "ticker.py --seconds 0.5": r"events/s\n([\d,]+) published, \1 received, 0 lost\n$",
    "workers.py --calls 100": r"^(worker \d: 25 calls\n){4}$",
    "download.py": r"\[#{40}\]   20\.0 of 20\.0 MB\nintact\n$",
    "login.py": r"ann is in, as admin, by cryptosign\n(.*\n)*ann was refused: wamp\.error\.authentication_denied\n",
    "bridge.py": r"^hello outside, from inside\nan event from inside\n.*no_such_procedure",
    "both.py": r"^hello asyncio, from Twisted\n$",
    "rates.py --seconds 0.6 --svg {tmp}/rates.svg": r"\n[\d,]+ events, [\d,]+/s at most\n$",
}


@pytest.mark.parametrize("words", EXPECTED)
def test_example(words: str, tmp_path: Path) -> None:
    name, *arguments = words.format(tmp=tmp_path).split()
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, encoding="utf-8", check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(EXPECTED[words], done.stdout), done.stdout
    if "--svg" in words:
        assert (tmp_path / "rates.svg").read_text().startswith("<svg ")


def test_all_examples_are_tested_and_listed() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    assert names == {words.split()[0] for words in EXPECTED}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert names <= set(re.findall(r"\]\((\w+\.py)\)", page))
