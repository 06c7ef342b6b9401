# SPDX-License-Identifier: MIT
"""The map in README.md names tests that exist, and leaves out no row."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
TABLE = [
    [cell.strip() for cell in line.strip("|\n ").split("|")]
    for line in Path(__file__).with_name("README.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| *\d", line)
]


@cache
def functions_of(path: str) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("row", "clause", "tests"), TABLE, ids=[f"{row[0]}-{row[1][:40]}" for row in TABLE])
def test_tests_named_exist(row, clause, tests):
    names = re.findall(r"`([^`]+)::(\w+)`", tests)
    assert names
    assert len(names) == tests.count("`") // 2
    for path, name in names:
        assert name in functions_of(path), f"row {row}, {clause}: {path} has no {name}"
        assert name.startswith("test_")


def test_every_row_has_a_test():
    assert set(range(1, 24)) <= {int(row) for row, *_ in TABLE}
