# SPDX-License-Identifier: MIT
"""A ticker that publishes as fast as the router takes it, and a subscriber that counts: nothing may be lost.

    python docs/examples/ticker.py [--url ws://127.0.0.1:8080/ws] [--seconds 3]

Without ``--url`` it starts a router of its own.
"""

import argparse
import asyncio
import contextlib
import random
import time

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router

SYMBOLS = [f"com.example.quote.{name}" for name in ("ash", "birch", "cedar", "elm", "fir", "oak", "pine", "yew")]


async def publish(session: ApplicationSession, seconds: float) -> int:
    """Publish quotes for some seconds; how many."""
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for symbol in SYMBOLS:
            session.publish(symbol, sent, price=round(random.uniform(90, 110), 2))
            sent += 1
        if sent % 256 == 0:
            await session.drain()  # waits only while the transport has enough to do
            await asyncio.sleep(0)
    return sent


async def program(options: argparse.Namespace) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url = options.url or (await stack.enter_async_context(Router())).urls[0]
        subscribed, published = asyncio.Event(), asyncio.Event()
        received = 0
        total = 0

        def on_quote(_number: int, price: float) -> None:
            nonlocal received
            received += 1

        async def subscriber(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            for symbol in SYMBOLS:
                await session.subscribe(on_quote, symbol)
            subscribed.set()
            while not (published.is_set() and received >= total):
                before = received
                await asyncio.sleep(0.5)
                print(f"\r{(received - before) * 2:>10,} events/s", end="", flush=True)

        async def ticker(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            nonlocal total
            await subscribed.wait()
            total = await publish(session, options.seconds)
            published.set()

        await asyncio.gather(
            *(Component(main=main, transports=url, realm=options.realm).start() for main in (subscriber, ticker))
        )
        print(f"\n{total:,} published, {received:,} received, {total - received} lost")


parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
parser.add_argument("--url", help="of a router that runs already")
parser.add_argument("--realm", default="realm1")
parser.add_argument("--seconds", type=float, default=3)
asyncio.run(program(parser.parse_args()))
