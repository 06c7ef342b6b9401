# SPDX-License-Identifier: MIT
"""docs/migrating.md names a test for each difference: those tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| what |")]


def test_there_are_differences() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:60])
def test_a_difference_has_a_test(row: str) -> None:
    match = re.search(r"\| `(tests/[\w/]+\.py)::(test_\w+)` \|$", row)
    assert match is not None, "the last column names a test"
    path = ROOT / match[1]
    assert path.exists(), match[1]
    assert re.search(rf"^(?:async )?def {match[2]}\(", path.read_text(encoding="utf-8"), re.MULTILINE), match[0]
