# SPDX-License-Identifier: MIT
"""Workers behind one procedure: each registers it, and the router deals the calls out to them in turn.

    python docs/examples/workers.py [--url ws://127.0.0.1:8080/ws] [--workers 4] [--calls 1000]

Without ``--url`` it starts a router of its own. The workers could as well be processes on as many machines.
"""

import argparse
import asyncio
import collections
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp.types import RegisterOptions

PROCEDURE = "com.example.square"


async def program(options: argparse.Namespace) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url = options.url or (await stack.enter_async_context(Router())).urls[0]
        done = asyncio.Event()
        ready = [asyncio.Event() for _ in range(options.workers)]

        def worker(number: int) -> Callable[..., Coroutine[Any, Any, None]]:
            async def main(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
                def square(value: int) -> tuple[int, int]:
                    return value * value, number

                await session.register(square, PROCEDURE, options=RegisterOptions(invoke="roundrobin"))
                ready[number].set()
                await done.wait()

            return main

        async def client(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            for event in ready:
                await event.wait()
            results = await asyncio.gather(*(session.call(PROCEDURE, value) for value in range(options.calls)))
            assert [square for square, _ in results] == [value * value for value in range(options.calls)]
            for number, count in sorted(collections.Counter(number for _, number in results).items()):
                print(f"worker {number}: {count} calls")
            done.set()

        mains = [*map(worker, range(options.workers)), client]
        await asyncio.gather(*(Component(main=main, transports=url, realm=options.realm).start() for main in mains))


parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
parser.add_argument("--url", help="of a router that runs already")
parser.add_argument("--realm", default="realm1")
parser.add_argument("--workers", type=int, default=4)
parser.add_argument("--calls", type=int, default=1000)
asyncio.run(program(parser.parse_args()))
