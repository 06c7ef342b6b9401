# SPDX-License-Identifier: MIT
"""A program that uses Autobahn|Python on Twisted: it goes through what a client does, and prints a line for each thing that held.

Run by the interpreter of another environment, which has autobahn and not autobahn_fast:
``python plain_client.py URL SERIALIZER [METHOD AUTHENTICATION-AS-JSON]``. The last line is ``done``.
"""

import json
import sys
from typing import Any

import txaio
from autobahn.twisted.component import Component
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions, SubscribeOptions
from twisted.internet import reactor, task
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, inlineCallbacks

REALM = "realm1"
NESTED = {"list": [1, 2.5, None, True, "ü\N{MUSICAL SYMBOL G CLEF}"], "map": {"a": {"b": [[]]}}, "big": 2**53}
URL, SERIALIZER = sys.argv[1:3]


def say(*words: Any) -> None:
    """Print past txaio, for which standard output is a log."""
    print(*words, file=sys.__stdout__, flush=True)


def check(name: str, held: Any, *what: Any) -> None:
    if not held:
        raise RuntimeError(f"{name} did not hold: {what!r}")
    say("ok", name)


def transport() -> dict[str, Any]:
    """The transport's configuration, for each kind of URL."""
    if URL.startswith("unix:"):
        endpoint = {"type": "unix", "path": URL[5:]}
        return {"type": "rawsocket", "url": "rs://localhost", "endpoint": endpoint, "serializer": SERIALIZER}
    if URL.startswith("rs:"):
        host, port = URL.removeprefix("rs://").split(":")
        endpoint = {"type": "tcp", "host": host, "port": int(port)}
        return {"type": "rawsocket", "url": URL, "endpoint": endpoint, "serializer": SERIALIZER}
    return {"type": "websocket", "url": URL, "serializers": [SERIALIZER]}


def joined(authentication: Any = None) -> "tuple[Component, Deferred[Any]]":
    """A component that is started, and its session when that has joined."""
    ready: Deferred[Any] = Deferred()
    component = Component(
        transports=[{**transport(), "max_retries": 0}], realm=REALM, authentication=authentication or {"anonymous": {}}
    )

    @component.on_join
    def _(session: Any, _details: Any) -> None:
        ready.callback(session)

    def ended(result: Any) -> None:
        if not ready.called:
            ready.errback(result if isinstance(result, Exception) else RuntimeError(repr(result)))

    component.start(reactor).addBoth(ended)
    return component, ready


def sleep(seconds: float) -> "Deferred[None]":
    return task.deferLater(reactor, seconds, lambda: None)


async def rpc(a: Any, b: Any) -> None:
    await a.register(lambda *args, **kwargs: CallResult(*args, **kwargs), "plain.echo")
    result = await b.call("plain.echo", 1, NESTED, key="ü")
    check("arguments and results", result.results[0] == 1 and result.results[1] == NESTED, result)
    check("keyword results", result.kwresults == {"key": "ü"}, result)

    def fail() -> None:
        raise ApplicationError("plain.failed", 7, code="x")

    registration = await a.register(fail, "plain.fail")
    try:
        await b.call("plain.fail")
        check("error", False)
    except ApplicationError as e:
        check("error", (e.error, e.args, e.kwargs) == ("plain.failed", (7,), {"code": "x"}), e)
    await registration.unregister()
    try:
        await b.call("plain.fail")
        check("unregistered", False)
    except ApplicationError as e:
        check("unregistered", e.error == "wamp.error.no_such_procedure", e)
    try:
        await b.register(fail, "plain.echo")
        check("second registration", False)
    except ApplicationError as e:
        check("second registration", e.error == "wamp.error.procedure_already_exists", e)


async def progressive_and_cancelled(a: Any, b: Any) -> None:
    async def count(n: int, details: Any) -> int:
        for i in range(n):
            details.progress(i)
            await sleep(0)
        return n

    await a.register(count, "plain.count", options=RegisterOptions(details=True))
    seen: list[int] = []
    total = await b.call("plain.count", 5, options=CallOptions(on_progress=seen.append))
    check("progressive results", (seen, total) == ([0, 1, 2, 3, 4], 5), seen, total)

    cancelled: Deferred[None] = Deferred()

    @inlineCallbacks
    def slow() -> Any:
        try:
            yield sleep(60)
        except CancelledError:
            cancelled.callback(None)
            raise

    await a.register(slow, "plain.slow")
    call = b.call("plain.slow")
    await sleep(0.2)
    call.cancel()
    try:
        await call
        check("cancelled call", False)
    except (CancelledError, ApplicationError):
        check("cancelled call", True)
    cancelled.addTimeout(10, reactor)
    await cancelled
    check("the handler was cancelled", True)
    result = await b.call("plain.echo", "after")
    check("session lives on after a cancelled call", result == "after", result)


async def patterns(a: Any, b: Any) -> None:
    async def where(details: Any) -> str:
        return str(details.procedure)

    await a.register(where, "plain.pre", options=RegisterOptions(match="prefix", details=True))
    await a.register(where, "plain..wild", options=RegisterOptions(match="wildcard", details=True))
    check("prefix registration", await b.call("plain.pre.x.y") == "plain.pre.x.y")
    check("wildcard registration", await b.call("plain.z.wild") == "plain.z.wild")
    names = []
    for name in ("one", "two"):
        await (a if name == "one" else b).register(
            lambda name=name: name, "plain.shared", options=RegisterOptions(invoke="roundrobin")
        )
    for _ in range(4):
        names.append(await b.call("plain.shared"))
    check("shared registration", names == ["one", "two", "one", "two"], names)


async def pubsub(a: Any, b: Any) -> None:
    seen: list[Any] = []
    arrived: list[Deferred[None]] = []

    def on_event(*args: Any, details: Any, **kwargs: Any) -> None:
        seen.append((details.topic, args, kwargs))
        if len(seen) == 4:
            arrived[0].callback(None)

    arrived.append(Deferred())
    with_details = SubscribeOptions(details=True)
    subscription = await a.subscribe(on_event, "plain.topic", options=with_details)
    await a.subscribe(on_event, "plain.top", options=SubscribeOptions(match="prefix", details=True))
    await a.subscribe(on_event, "plain..leaf", options=SubscribeOptions(match="wildcard", details=True))
    acknowledged = PublishOptions(acknowledge=True)
    publication = await b.publish("plain.topic", 1, NESTED, key="v", options=acknowledged)
    check("acknowledged publication", publication.id > 0)
    await b.publish("plain.x.leaf", 2, options=acknowledged)
    await b.publish("plain.top.sub", 3, options=acknowledged)
    arrived[0].addTimeout(10, reactor)
    await arrived[0]
    topics = sorted((str(topic), args[0]) for topic, args, _ in seen)
    wanted = [("plain.top.sub", 3), ("plain.topic", 1), ("plain.topic", 1), ("plain.x.leaf", 2)]
    check("events by topic, prefix and wildcard", topics == wanted, topics)
    check("event payload", any(args[1:] == (NESTED,) and kwargs == {"key": "v"} for _, args, kwargs in seen), seen)
    await subscription.unsubscribe()

    got: Deferred[Any] = Deferred()
    await b.publish("plain.kept", "kept", options=PublishOptions(acknowledge=True, retain=True))
    await a.subscribe(
        lambda value, details: got.called or got.callback((value, details.retained)), "plain.kept",
        options=SubscribeOptions(details=True, get_retained=True),
    )  # fmt: skip
    got.addTimeout(10, reactor)
    check("retained event", await got == ("kept", True))

    mine: Deferred[Any] = Deferred()
    await b.subscribe(mine.callback, "plain.own")
    b.publish("plain.own", "own", options=PublishOptions(exclude_me=False))
    mine.addTimeout(10, reactor)
    check("own event with exclude_me=False", await mine == "own")


async def meta(a: Any, b: Any) -> None:
    sessions = await b.call("wamp.session.list")
    check("wamp.session.list", a._session_id in sessions and b._session_id in sessions, sessions)
    check("wamp.session.count", await b.call("wamp.session.count") == len(sessions))
    details = await b.call("wamp.session.get", a._session_id)
    check("wamp.session.get", details["session"] == a._session_id, details)
    registration = await b.call("wamp.registration.lookup", "plain.echo")
    found = await b.call("wamp.registration.get", registration)
    check("wamp.registration.get", found["uri"] == "plain.echo", found)
    check("callees", await b.call("wamp.registration.list_callees", registration) == [a._session_id])
    subscription = await b.call("wamp.subscription.lookup", "plain.own")
    check("subscribers", await b.call("wamp.subscription.list_subscribers", subscription) == [b._session_id])
    left: Deferred[Any] = Deferred()
    await b.subscribe(lambda *args: left.called or left.callback(args), "wamp.session.on_leave")
    gone = a._session_id
    a.leave()
    left.addTimeout(10, reactor)
    check("wamp.session.on_leave", (await left)[0] == gone)


async def everything() -> None:
    a, b = await joined()[1], await joined()[1]
    check("joined", a._session_id != b._session_id)
    for part in (rpc, progressive_and_cancelled, patterns, pubsub, meta):
        await part(a, b)
    b.leave()


async def authentication(method: str, arguments: dict[str, Any]) -> None:
    session = await joined({method: arguments})[1]
    check(f"joined with {method}", session._authid == arguments["authid"], session._authid)
    check("authenticated by it", session._authmethod == method, session._authmethod)
    session.leave()


def main(_reactor: Any) -> Any:
    if len(sys.argv) > 3:
        return ensureDeferred(authentication(sys.argv[3], json.loads(sys.argv[4])))
    return ensureDeferred(everything())


if __name__ == "__main__":
    import autobahn

    say("autobahn", autobahn.__version__, autobahn.__file__)
    txaio.start_logging(level="warn")
    task.react(lambda r: main(r).addCallback(lambda _: say("done")))
