# SPDX-License-Identifier: MIT
"""Which loop ``run`` takes, in programs of their own: uvloop when it is there, unless the program has chosen another."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
{first}
from autobahn_fast.asyncio.component import Component, run

component = Component(transports=[{{"url": "ws://127.0.0.1:9/ws", "max_retries": 0}}])

@component.on_connectfailure
def failed(component, reason):
    print(type(asyncio.get_running_loop()).__module__)

run([component], log_level="critical")
"""


@pytest.mark.parametrize(
    ("first", "module"),
    [
        ("", "uvloop"),
        ('sys.modules["uvloop"] = None  # as if it were not installed', "asyncio"),
        ("asyncio.set_event_loop(asyncio.SelectorEventLoop())", "asyncio"),
    ],
    ids=["installed", "missing", "chosen"],
)
def test_the_loop_of_run(first: str, module: str) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM.format(first=first)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().split(".")[0] == module
