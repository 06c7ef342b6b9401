# SPDX-License-Identifier: MIT
"""Authentication against a Crossbar node: every method joins, and a wrong secret ends with a reason, at the first attempt."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from crossbar_auth_cases import CASES
from crossbar_node import Node

RunLoop = Callable[[Coroutine[Any, Any, None]], None]
HERE = Path(__file__).parent


@pytest.mark.parametrize("name", CASES)
def test_on_asyncio(run_loop: RunLoop, node: Node, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run_loop(CASES[name]("asyncio", node.describe()))


@pytest.mark.parametrize("reactor", ["default", "asyncio"])
def test_on_twisted(node: Node, reactor: str) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "crossbar_auth_cases.py"), reactor, json.dumps(node.describe())],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": f"{HERE.parents[1]}:{HERE}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unhandled" not in done.stderr, done.stderr
