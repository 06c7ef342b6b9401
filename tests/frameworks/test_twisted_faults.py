# SPDX-License-Identifier: MIT
"""WebSocket on Twisted when things go wrong: slow handlers, dead peers, leaks; on the default reactor and on uvloop's."""

from __future__ import annotations

import pytest
from _live import run_twisted


@pytest.mark.parametrize("reactor", ["default", "uvloop"])
@pytest.mark.parametrize("program", ["slow_handlers", "slow_on_connect", "dead_peer", "leaks", "end_of_turn"])
def test_faults(program: str, reactor: str) -> None:
    run_twisted("_twisted_faults.py", program, reactor)


@pytest.mark.parametrize("reactor", ["default", "uvloop"])
def test_slow_handlers_over_tls(reactor: str) -> None:
    run_twisted("_twisted_faults.py", "slow_handlers", reactor, "tls")
