# SPDX-License-Identifier: MIT
"""What all tests share: the option that says where Crossbar is, without which its tests are not collected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CROSSBAR_TESTS = Path(__file__).parent / "crossbar"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--crossbar PROGRAM``."""
    parser.addoption("--crossbar", default=os.environ.get("CROSSBAR"), help="the crossbar program, for tests/crossbar")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the live tests out unless there is a Crossbar to run them against."""
    if collection_path == CROSSBAR_TESTS and not config.getoption("--crossbar"):
        return True
    return None
