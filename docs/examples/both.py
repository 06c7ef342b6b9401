# SPDX-License-Identifier: MIT
"""A Twisted and an asyncio component in one process, on one loop: one asks, the other answers.

    python docs/examples/both.py [--url ws://127.0.0.1:8080/ws]

Twisted has to run on asyncio's loop, which its reactor does when it is installed first. Without ``--url`` it starts a router
of its own.
"""

import argparse
import asyncio
import contextlib
from typing import Any

from twisted.internet import asyncioreactor

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)

from twisted.internet import reactor

from autobahn_fast.asyncio.component import Component as AsyncioComponent
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.twisted.component import Component as TwistedComponent

PROCEDURE = "com.example.greet"


async def program(options: argparse.Namespace) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url = options.url or (await stack.enter_async_context(Router())).urls[0]
        ready, done = asyncio.Event(), asyncio.Event()
        answering = TwistedComponent(transports=url, realm=options.realm)

        @answering.register(PROCEDURE)
        def greet(name: str) -> str:
            return f"hello {name}, from Twisted"

        @answering.on_ready
        def registered(session: Any) -> None:
            ready.set()
            loop.create_task(leave_when_done(session))

        async def leave_when_done(session: Any) -> None:
            await done.wait()
            session.leave()

        async def asking(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            await ready.wait()
            print(await session.call(PROCEDURE, "asyncio"))
            done.set()

        finished = answering.start(reactor).asFuture(loop)
        await AsyncioComponent(main=asking, transports=url, realm=options.realm).start()
        await finished


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--url", help="of a router that runs already")
    parser.add_argument("--realm", default="realm1")
    task = loop.create_task(program(parser.parse_args()))
    task.add_done_callback(lambda _task: reactor.stop())
    reactor.run()
    task.result()


main()
