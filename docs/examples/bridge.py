# SPDX-License-Identifier: MIT
"""A bridge between two realms: events below one prefix and calls of one procedure pass from ``inside`` to ``outside``.

    python docs/examples/bridge.py

It starts a router of its own with both realms; the two sides could as well be two routers far apart.
"""

import asyncio
from typing import Any

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp.types import CallDetails, EventDetails, RegisterOptions, SubscribeOptions

PUBLIC = "com.example.public"


async def bridge(inside: ApplicationSession, outside: ApplicationSession) -> None:
    """Forward events from the inside out, and calls from the outside in."""

    def forward_event(*args: Any, details: EventDetails, **kwargs: Any) -> None:
        outside.publish(details.topic, *args, **kwargs)

    async def forward_call(*args: Any, details: CallDetails, **kwargs: Any) -> Any:
        return await inside.call(details.procedure, *args, **kwargs)

    await inside.subscribe(forward_event, PUBLIC, options=SubscribeOptions(match="prefix", details=True))
    await outside.register(forward_call, PUBLIC, options=RegisterOptions(match="prefix", details=True))


async def program() -> None:
    loop = asyncio.get_running_loop()
    async with Router(["ws://127.0.0.1:0/ws"], ["inside", "outside"]) as router:
        finished = asyncio.Event()

        def member(realm: str) -> tuple[asyncio.Future[None], asyncio.Future[ApplicationSession]]:
            """A component of a realm, and its session."""
            joined: asyncio.Future[ApplicationSession] = loop.create_future()

            async def main(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
                joined.set_result(session)
                await finished.wait()

            return Component(main=main, transports=router.urls[0], realm=realm).start(), joined

        members = [member(realm) for realm in ("inside", "outside", "inside", "outside")]
        inside, outside, service, customer = [await joined for _, joined in members]
        await bridge(inside, outside)

        await service.register(lambda name: f"hello {name}, from inside", f"{PUBLIC}.greet")
        await service.register(lambda: "secret", "com.example.private.key")
        seen: asyncio.Future[str] = loop.create_future()
        await customer.subscribe(seen.set_result, f"{PUBLIC}.news")

        print(await customer.call(f"{PUBLIC}.greet", "outside"))
        service.publish(f"{PUBLIC}.news", "an event from inside")
        print(await seen)
        try:
            await customer.call("com.example.private.key")
        except Exception as error:
            print(error)
        finished.set()
        await asyncio.gather(*(done for done, _ in members))


asyncio.run(program())
