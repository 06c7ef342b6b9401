# SPDX-License-Identifier: MIT
"""Login with a key pair (WAMP-cryptosign): the router knows public keys only, and a stranger is turned away.

    python docs/examples/login.py

It starts a router of its own, because the router has to know who may join.
"""

import asyncio
import os

from autobahn_fast.asyncio.component import Component
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.router import Router
from autobahn_fast.wamp.cryptosign import CryptosignKey

URL = "ws://127.0.0.1:0/ws"


async def main(_loop: asyncio.AbstractEventLoop, session: ApplicationSession) -> None:
    print(f"{session.authid} is in, as {session.authrole}, by {session.authmethod}")


async def join(url: str, authid: str, private_key: bytes) -> None:
    """Join with a key; what came of it."""
    component = Component(
        main=main,
        transports=[{"url": url, "max_retries": 0}],
        realm="realm1",
        authentication={"cryptosign": {"authid": authid, "privkey": private_key.hex()}},
    )
    try:
        await component.start()
    except Exception as error:
        print(f"{authid} was refused: {getattr(error.__cause__, 'error', error)}")


async def program() -> None:
    anns_key, strangers_key = os.urandom(32), os.urandom(32)
    realm = {
        "name": "realm1",
        "auth": {
            "cryptosign": {
                "users": {
                    "ann": {"authorized_keys": [CryptosignKey.from_bytes(anns_key).public_key()], "authrole": "admin"}
                }
            }
        },
        "roles": {"admin": {"permissions": [{"uri": "*", "allow": True}]}},
    }
    async with Router([URL], [realm]) as router:
        await join(router.urls[0], "ann", anns_key)
        await join(router.urls[0], "ann", strangers_key)


asyncio.run(program())
