# SPDX-License-Identifier: MIT
"""A chat for browsers: Twisted serves the page, the embedded router carries the messages, a component remembers the last ones.

    cd docs/examples/chat && npm install && python server.py [--port 8000]

Then open http://127.0.0.1:8000/ in two windows. The page speaks WAMP with AutobahnJS.
"""

import argparse
import asyncio
import collections
import json
import pathlib
import sys
from typing import Any

from twisted.internet import asyncioreactor

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from twisted.web.static import File

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE / "node_modules" / "autobahn-browser" / "autobahn.min.js"


class Settings(Resource):
    """Tells the page where the router is."""

    isLeaf = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"application/json")
        return json.dumps({"url": self.url, "realm": "chat"}).encode()


async def remember(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
    """Keep the last messages for those who come later."""
    last: collections.deque[tuple[Any, ...]] = collections.deque(maxlen=50)
    await session.subscribe(lambda *message: last.append(message), "com.example.chat.message")
    await session.register(lambda: list(last), "com.example.chat.last")
    await asyncio.Event().wait()


async def program(options: argparse.Namespace) -> None:
    async with Router(["ws://127.0.0.1:0/ws"], ["chat"]) as router:
        site = Resource()
        site.putChild(b"", File(str(HERE / "index.html")))
        site.putChild(b"autobahn.js", File(str(SCRIPT)))
        site.putChild(b"settings", Settings(router.urls[0]))
        port = reactor.listenTCP(options.port, Site(site), interface="127.0.0.1")
        print(f"the chat is at http://127.0.0.1:{port.getHost().port}/", flush=True)
        await Component(main=remember, transports=router.urls[0], realm="chat").start()


parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
parser.add_argument("--port", type=int, default=8000)
options = parser.parse_args()
if not SCRIPT.exists():
    sys.exit(f"AutobahnJS is not there: run 'npm install' in {HERE}")
task = loop.create_task(program(options))
task.add_done_callback(lambda _task: reactor.running and reactor.stop())
reactor.addSystemEventTrigger("before", "shutdown", task.cancel)
reactor.run()
