# SPDX-License-Identifier: MIT
"""A download as a progressive call: the file comes piece by piece, with a bar, and is checked at the end.

    python docs/examples/download.py [FILE] [--url ws://127.0.0.1:8080/ws]

Without a file it makes 20 MB up, without ``--url`` it starts a router of its own.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import pathlib

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp.types import CallDetails, CallOptions, RegisterOptions

PROCEDURE = "com.example.download"
PIECE = 256 * 1024


def bar(done: int, total: int, width: int = 40) -> None:
    """Draw a progress bar over the line before."""
    full = width if total == 0 else width * done // total
    print(f"\r[{'#' * full}{'.' * (width - full)}] {done / 1e6:6.1f} of {total / 1e6:.1f} MB", end="", flush=True)


async def program(options: argparse.Namespace) -> None:
    content = pathlib.Path(options.file).read_bytes() if options.file else os.urandom(20_000_000)
    async with contextlib.AsyncExitStack() as stack:
        url = options.url or (await stack.enter_async_context(Router())).urls[0]
        offered, done = asyncio.Event(), asyncio.Event()

        async def server(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            async def download(details: CallDetails) -> str:
                for start in range(0, len(content), PIECE):
                    details.progress(content[start : start + PIECE], len(content))
                    await session.drain()  # no faster than the network
                return hashlib.sha256(content).hexdigest()

            await session.register(download, PROCEDURE, options=RegisterOptions(details=True))
            offered.set()
            await done.wait()

        async def client(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
            await offered.wait()
            received = bytearray()

            def on_progress(piece: bytes, total: int) -> None:
                received.extend(piece)
                bar(len(received), total)

            digest = await session.call(PROCEDURE, options=CallOptions(on_progress=on_progress))
            print("\nintact" if hashlib.sha256(received).hexdigest() == digest else "\ndamaged")
            done.set()

        await asyncio.gather(
            *(Component(main=main, transports=url, realm=options.realm).start() for main in (server, client))
        )


parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
parser.add_argument("file", nargs="?")
parser.add_argument("--url", help="of a router that runs already")
parser.add_argument("--realm", default="realm1")
asyncio.run(program(parser.parse_args()))
