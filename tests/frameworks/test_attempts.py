# SPDX-License-Identifier: MIT
"""The attempts of ``_attempts.py`` on asyncio, uvloop and Twisted."""

from __future__ import annotations

import pytest
from _attempts import CASES, PROGRAMS
from _live import LOOPS, run, run_twisted


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", CASES)
def test_on_asyncio(loop: str, name: str) -> None:
    run(loop, CASES[name]("asyncio"))


@pytest.mark.parametrize("reactor", ["default", "uvloop"])
@pytest.mark.parametrize("name", CASES)
def test_on_twisted(name: str, reactor: str) -> None:
    run_twisted("_attempts.py", name, reactor)


@pytest.mark.parametrize("reactor", ["none", "default"])  # none: asyncio
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, reactor: str) -> None:
    run_twisted("_attempts.py", name, reactor)
