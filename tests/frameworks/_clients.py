# SPDX-License-Identifier: MIT
"""Clients for tests of how connections are made: the same order on asyncio here, and on Twisted in a process of its own.

An order is a dict: ``way`` (``factory``, ``component`` or ``runner``), ``url``, ``address`` (host and port to connect to, for
``factory``), ``proxy``, ``trust_root`` (a PEM file), ``certificate`` (one to present, asyncio only), ``headers``, ``options``. The
answer says whether it came to an open connection (or a joined session), and why not.

``python _clients.py REACTOR ORDER`` is the Twisted side: it prints the answer as JSON.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

HELLO = "grüße".encode()


def answer(connection: Any, opened: bool, got: list[Any] | None = None) -> dict[str, Any]:
    """What came of a connection that is closed."""
    return {
        "opened": opened,
        "clean": connection.wasClean,
        "reason": connection.wasNotCleanReason,
        "secure": bool(connection.transport_details.is_secure),
        "got": got,
    }


async def connect(framework: str, order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order in the running loop, or, on Twisted, in a process."""
    if not framework.startswith("twisted"):
        return await WAYS[order["way"]](order)
    reactor = framework.partition("-")[2] or "default"
    here = Path(__file__)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", str(here), reactor, json.dumps(order),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(here.parents[2])},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"Unhandled" not in err, err.decode()
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    result["log"] = err.decode() + out.decode()
    return result


def echo_client(base: Any, seen: dict[str, Any]) -> Any:
    """A connection class that says hello, waits for the echo and closes."""

    class Client(base):  # type: ignore[misc]
        def onOpen(self) -> None:
            seen["opened"] = True
            self.sendMessage(HELLO, False)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            seen["got"] = [payload.decode(), isBinary]
            self.sendClose(1000)

    return Client


def transport(order: dict[str, Any], tls: Any) -> dict[str, Any]:
    """The transport of a component."""
    from autobahn_fast.websocket.util import parse_url

    secure, host, port = parse_url(order["url"])[:3]
    config = {"url": order["url"], "max_retries": 0, "options": order.get("options", {})}
    config["endpoint"] = {"type": "tcp", "host": host, "port": port, "tls": tls if secure else False}
    if order.get("proxy") is not None:
        config["proxy"] = order["proxy"]
    return config


# --- asyncio ---


def context(order: dict[str, Any]) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=order.get("trust_root"))
    if order.get("certificate"):
        made.load_cert_chain(order["certificate"])
    return made


async def by_factory(order: dict[str, Any]) -> dict[str, Any]:
    from autobahn_fast.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

    seen: dict[str, Any] = {"opened": False, "got": None}
    factory = WebSocketClientFactory(order["url"], proxy=order.get("proxy"), headers=order.get("headers"))
    factory.protocol = echo_client(WebSocketClientProtocol, seen)
    factory.setProtocolOptions(**order.get("options", {}))
    arguments: dict[str, Any] = {}
    factory.ssl_context = context(order)
    if factory.isSecure and factory.proxy is None:
        arguments = {"ssl": context(order), "server_hostname": factory.host}
    _, connection = await asyncio.get_running_loop().create_connection(factory, *order["address"], **arguments)
    await connection.is_closed
    return answer(connection, seen["opened"], seen["got"])


async def by_component(order: dict[str, Any]) -> dict[str, Any]:
    from autobahn_fast.asyncio.component import Component

    return await with_component(Component(transports=[transport(order, context(order))]))


async def with_component(component: Any) -> dict[str, Any]:
    result: dict[str, Any] = {"opened": False, "reason": None}
    component.on_connectfailure(lambda _, error: result.update(reason=f"{type(error).__name__}: {error}"))

    @component.on_join
    def joined(session: Any, details: Any) -> None:
        result.update(opened=True, secure=session.transport.transport_details.is_secure)
        session.leave()

    try:
        await component.start()
    except RuntimeError:
        pass
    return result


async def by_runner(order: dict[str, Any]) -> dict[str, Any]:
    from autobahn_fast.asyncio.wamp import ApplicationRunner, ApplicationSession

    seen = {"opened": False}
    secure = order["url"].startswith("wss")
    runner = ApplicationRunner(
        order["url"],
        "realm1",
        ssl=context(order) if secure else None,
        proxy=order.get("proxy"),
        websocket_options=order.get("options"),
    )
    _, connection = await runner.run(leaver(ApplicationSession, seen), start_loop=False)
    await connection.is_closed
    return answer(connection, seen["opened"])


def leaver(base: Any, seen: dict[str, Any]) -> Any:
    """A session class that leaves as soon as it has joined."""

    class Session(base):  # type: ignore[misc]
        def onJoin(self, details: Any) -> None:
            seen["opened"] = True
            self.leave()

        def onDisconnect(self) -> None:
            """The loop is the test's: it runs on."""

    return Session


WAYS: dict[str, Any] = {"factory": by_factory, "component": by_component, "runner": by_runner}


# --- Twisted ---


async def twisted_factory(reactor: Any, order: dict[str, Any]) -> dict[str, Any]:
    from autobahn_fast.twisted._connecting import client_tls
    from autobahn_fast.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS

    seen: dict[str, Any] = {"opened": False, "got": None}
    base = echo_client(WebSocketClientProtocol, seen)
    closed: Any = []

    from twisted.internet.defer import Deferred

    done: Any = Deferred()

    class Client(base):  # type: ignore[misc]
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            closed.append(self)
            done.callback(None)

    factory = WebSocketClientFactory(order["url"], proxy=order.get("proxy"), headers=order.get("headers"))
    factory.protocol = Client
    factory.setProtocolOptions(**order.get("options", {}))
    setting = {"trust_root": order["trust_root"]} if order.get("trust_root") else None
    if factory.isSecure:
        connectWS(factory, client_tls(setting, factory.host))
    else:
        connectWS(factory)
        factory.contextFactory = setting
    await done
    return answer(closed[0], seen["opened"], seen["got"])


async def twisted_component(reactor: Any, order: dict[str, Any]) -> dict[str, Any]:
    from autobahn_fast.twisted.component import Component

    tls = {"trust_root": order["trust_root"]} if order.get("trust_root") else True
    return await with_component(Component(transports=[transport(order, tls)]))


async def twisted_runner(reactor: Any, order: dict[str, Any]) -> dict[str, Any]:
    from autobahn_fast.twisted._connecting import client_tls
    from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession
    from autobahn_fast.websocket.util import parse_url

    seen = {"opened": False}
    secure, host = parse_url(order["url"])[:2]
    tls = client_tls({"trust_root": order["trust_root"]}, host) if secure else None
    runner = ApplicationRunner(
        order["url"], "realm1", ssl=tls, proxy=order.get("proxy"), websocket_options=order.get("options")
    )
    connection = await runner.run(leaver(ApplicationSession, seen), start_reactor=False)
    await connection.is_closed
    return answer(connection, seen["opened"])


def main() -> None:
    reactor_name, order = sys.argv[1], json.loads(sys.argv[2])
    if reactor_name == "uvloop":
        import uvloop
        from twisted.internet import asyncioreactor

        asyncioreactor.install(uvloop.new_event_loop())
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    from autobahn_fast.twisted._logging import start_logging

    start_logging("debug")
    ways = {"factory": twisted_factory, "component": twisted_component, "runner": twisted_runner}

    async def carry_out(reactor: Any) -> None:
        result = await ways[order["way"]](reactor, order)
        print(json.dumps(result))

    react(lambda reactor: Deferred.fromCoroutine(carry_out(reactor)))


if __name__ == "__main__":
    main()
