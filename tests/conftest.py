# SPDX-License-Identifier: MIT
"""What all tests share: the options that say where other programs are, without which their tests are not collected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# What these tests need, and the option that says where it is
LIVE = {
    Path(__file__).parent / "crossbar": "--crossbar",
    Path(__file__).parent / "dropin": "--dropin",
    Path(__file__).parent / "parity": "--oracle",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--crossbar PROGRAM``, ``--dropin FOLDER``, ``--plain PYTHON`` and ``--oracle PYTHON``."""
    parser.addoption("--oracle", help="the python of an environment with autobahn 26.10.2, for tests/parity")
    parser.addoption("--crossbar", default=os.environ.get("CROSSBAR"), help="the crossbar program, for tests/crossbar")
    parser.addoption("--dropin", help="an environment with Crossbar and daphne on autobahn_fast, for tests/dropin")
    parser.addoption("--plain", help="the python of an environment with autobahn itself, for tests/dropin")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the live tests out unless there is what they run against."""
    option = LIVE.get(collection_path)
    return True if option is not None and not config.getoption(option) else None
