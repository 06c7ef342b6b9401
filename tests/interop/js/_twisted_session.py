# SPDX-License-Identifier: MIT
"""A session of ours on Twisted, in a process of its own: _twisted_session.py URL SERIALIZER THEIRS OURS TOPIC

Registers an echo as OURS, calls THEIRS, publishes what comes back to TOPIC, and leaves when it is called with ``stop``.
"""

from __future__ import annotations

import sys
from typing import Any

from autobahn_fast.twisted.component import Component, run
from autobahn_fast.wamp.types import CallResult, PublishOptions

url, serializer, theirs, ours, topic = sys.argv[1:]
component = Component(transports={"type": "websocket", "url": url, "serializers": [serializer]}, realm="realm1")


@component.register(ours)
def echo(*args: Any, **kwargs: Any) -> CallResult:
    if args == ("stop",):
        component.stop()
    return CallResult(*args, **kwargs)


@component.on_ready
async def ready(session: Any) -> None:
    result = await session.call(theirs, b"\x00\xff" if serializer != "json" else "text", 1.5, word="w")
    await session.publish(topic, *result.results, options=PublishOptions(acknowledge=True), **result.kwresults)


run([component], log_level="warn")
