# SPDX-License-Identifier: MIT
"""Twisted's TCP transports receive into the engine of a connection: nothing of what a program sees is different for that."""

from __future__ import annotations

import pytest
from _live import run_twisted


@pytest.mark.parametrize("way", ["direct", "usual"])
@pytest.mark.parametrize("reactor", ["default", "uvloop"])
@pytest.mark.parametrize("program", ["flood", "large", "endings", "others", "client"])
def test_receiving(program: str, reactor: str, way: str) -> None:
    run_twisted("_twisted_receiving.py", program, reactor, way)
