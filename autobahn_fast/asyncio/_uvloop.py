# SPDX-License-Identifier: MIT
"""Which loop the ``run`` functions use: uvloop's when it is installed and the program has not chosen one."""

from __future__ import annotations

import asyncio
import sys

__all__ = ("use_uvloop",)


def _program_has_a_loop() -> bool:
    """Whether a loop runs or was set in this thread. Makes none."""
    try:
        asyncio.get_running_loop()
        return True
    except RuntimeError:
        pass
    if sys.version_info >= (3, 14):
        try:
            return not asyncio.get_event_loop().is_closed()
        except RuntimeError:
            return False
    # before 3.14 get_event_loop() makes a loop when none is set, so the policy has to be looked at
    local = getattr(asyncio.get_event_loop_policy(), "_local", None)
    loop = getattr(local, "_loop", None)
    return loop is not None and not loop.is_closed()


def use_uvloop() -> bool:
    """Set a new uvloop as this thread's loop, unless the program has set one, one is running, or uvloop is missing.

    :returns: whether it was set.
    """
    if _program_has_a_loop():
        return False
    try:
        import uvloop
    except ImportError:
        return False
    asyncio.set_event_loop(uvloop.new_event_loop())
    return True
