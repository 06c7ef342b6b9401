# SPDX-License-Identifier: MIT
"""A live plot of message rates: subscribes to a prefix, and draws how many events came in each fraction of a second.

    python docs/examples/rates.py --url ws://127.0.0.1:8080/ws --topic com.example [--seconds 60] [--svg FILE]

Without ``--url`` it starts a router and a publisher of its own, whose rate goes up and down. ``--svg`` keeps the plot.
"""

import argparse
import asyncio
import contextlib
import math
import pathlib
import shutil
import time
from typing import Any

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp.types import SubscribeOptions

BLOCKS = " ▁▂▃▄▅▆▇█"
STEP = 0.1  # seconds a column


def line(rates: list[float], width: int) -> str:
    """The last columns of the plot, as one line of text."""
    shown = rates[-width:]
    top = max(max(shown, default=0), 1)
    return "".join(BLOCKS[math.ceil(rate * (len(BLOCKS) - 1) / top)] for rate in shown)


def svg(rates: list[float], width: int = 900, height: int = 300) -> str:
    """The whole plot as a picture."""
    top = max(max(rates, default=0), 1)
    points = " ".join(
        f"{50 + (width - 60) * i / max(len(rates) - 1, 1):.1f},{height - 30 - (height - 50) * rate / top:.1f}"
        for i, rate in enumerate(rates)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f'<path d="M50 20V{height - 30}H{width - 10}" fill="none" stroke="#888"/>'
        f'<text x="5" y="24">{top:,.0f}/s</text><text x="30" y="{height - 26}">0</text>'
        f'<text x="{width - 60}" y="{height - 10}">{len(rates) * STEP:.1f} s</text>'
        f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="2"/></svg>\n'
    )


async def program(options: argparse.Namespace) -> list[float]:
    async with contextlib.AsyncExitStack() as stack:
        own = options.url is None
        url = options.url or (await stack.enter_async_context(Router())).urls[0]
        subscribed, done = asyncio.Event(), asyncio.Event()
        count = 0
        rates: list[float] = []

        def on_event(*_args: Any, **_kwargs: Any) -> None:
            nonlocal count
            count += 1

        async def plot(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            await session.subscribe(on_event, options.topic, options=SubscribeOptions(match="prefix"))
            subscribed.set()
            end = last = time.monotonic()
            end += options.seconds
            before = count
            while last < end:
                await asyncio.sleep(STEP)
                now = time.monotonic()
                rates.append((count - before) / (now - last))
                before, last = count, now
                width = shutil.get_terminal_size().columns - 14
                print(f"\r{line(rates, width):{width}} {rates[-1]:>9,.0f}/s", end="", flush=True)
            print(f"\n{count:,} events, {max(rates):,.0f}/s at most")
            done.set()

        async def waves(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            await subscribed.wait()
            while not done.is_set():
                for _ in range(int(200 + 190 * math.sin(time.monotonic() * 3))):
                    session.publish(f"{options.topic}.wave", time.time())
                await session.drain()
                await asyncio.sleep(0.01)

        mains = [plot, waves] if own else [plot]
        await asyncio.gather(*(Component(main=main, transports=url, realm=options.realm).start() for main in mains))
        return rates


parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
parser.add_argument("--url", help="of a router that runs already")
parser.add_argument("--realm", default="realm1")
parser.add_argument("--topic", default="com.example")
parser.add_argument("--seconds", type=float, default=10)
parser.add_argument("--svg", metavar="FILE")
options = parser.parse_args()
rates = asyncio.run(program(options))
if options.svg:
    pathlib.Path(options.svg).write_text(svg(rates))
