# SPDX-License-Identifier: MIT
"""Sessions on Twisted: Application, Service, retry options of runner and component, both frameworks on one loop."""

from __future__ import annotations

import pytest
from _live import run_twisted

both_reactors = pytest.mark.parametrize("reactor", ["default", "uvloop"])


def run(*arguments: str) -> None:
    run_twisted("_twisted_apps.py", *arguments)


@both_reactors
@pytest.mark.parametrize("program", ["application", "service", "retries", "runner_gives_up"])
def test_program(program: str, reactor: str) -> None:
    run(program, reactor)


@pytest.mark.parametrize("reactor", ["asyncio", "uvloop"])
def test_asyncio_twisted_and_a_router_on_one_loop(reactor: str) -> None:
    run("one_loop", reactor)


def test_own_data_received() -> None:
    run("own_data_received", "default")
