# SPDX-License-Identifier: MIT
"""Runs a coroutine on each loop."""

import asyncio
import sys

import pytest

LOOPS = ["asyncio"] if sys.platform == "win32" else ["asyncio", "uvloop"]


@pytest.fixture(params=LOOPS)
def run(request):
    """``run(coroutine)``: run it to its end on a new loop of one kind; what the loop has to complain about fails the test."""
    factory = None
    if request.param == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    complaints = []

    async def watched(coroutine):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        async with asyncio.timeout(60):
            return await coroutine

    def run_it(coroutine):
        with asyncio.Runner(loop_factory=factory) as runner:
            result = runner.run(watched(coroutine))
        assert complaints == []
        return result

    return run_it
