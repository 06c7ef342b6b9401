# SPDX-License-Identifier: MIT
"""The Autobahn TestSuite, all but its long cases, against our client and our server on asyncio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
NOTHING_RUN = 3  # the exit status of run.py where the suite is not there


@pytest.mark.timeout(240)
@pytest.mark.parametrize("role", ["client", "server"])
def test_every_case_ends_as_it_must(role: str) -> None:
    command = [
        sys.executable,
        str(RUN),
        "--roles",
        role,
        "--frameworks",
        "asyncio",
        "--cases",
        "quick",
        "--timeout",
        "100",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == NOTHING_RUN:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every case ended as it must: 247 runs" in done.stdout
