# SPDX-License-Identifier: MIT
"""A router that is killed in the middle of everything, and cryptobox end to end: the same programs on every framework.

On Twisted: ``python _kill_cases.py NAME REACTOR ARGUMENTS...``.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from typing import Any

from autobahn_fast.wamp.exception import ApplicationError, TransportLost
from autobahn_fast.wamp.types import PublishOptions, RegisterOptions

ACKNOWLEDGED = PublishOptions(acknowledge=True, exclude_me=False)


class RouterProcess:
    """The embedded router in a process of its own, which can be killed and started again on the same port."""

    def __init__(self, listen: str) -> None:
        self.url = listen

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "autobahn_fast", "router", "--listen", self.url]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()
        assert line[:2] == ["router", "ready:"], line
        self.url = line[2]

    def freeze(self) -> None:
        """It takes nothing more in, and nothing comes out."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Loop:
    """What the programs ask of a framework."""

    def __init__(self, framework: str) -> None:
        self.Component = importlib.import_module(f"autobahn_fast.{framework}.component").Component
        self.framework = self.Component.framework
        self.sleep = self.framework.sleep

    async def until(self, condition: Any, seconds: float = 10) -> None:
        """Wait until something is so."""
        for _ in range(int(seconds / 0.005)):
            if condition():
                return
            await self.sleep(0.005)
        raise TimeoutError(f"{condition} never came true")

    def outcome(self, future: Any, into: list[Any]) -> Any:
        """Keep what becomes of a request: its result or its exception."""

        async def wait() -> None:
            try:
                into.append(await future)
            except Exception as e:  # noqa: BLE001 - the test looks at it
                into.append(e)

        return self.framework.spawn(wait())


async def killed_router(framework: str, scheme: str) -> None:
    """Everything pending ends with TransportLost; the component comes back with all it had; nothing is counted twice or lost."""
    loop = Loop(framework)
    router = RouterProcess(f"{scheme}://127.0.0.1:0" + ("/ws" if scheme == "ws" else ""))
    router.start()
    transport: dict[str, Any] = {"url": router.url, "initial_retry_delay": 0.02, "max_retry_delay": 0.1}
    if scheme == "rs":
        transport |= {"type": "rawsocket", "serializer": "cbor"}
    component = loop.Component(transports=transport)
    sessions: list[Any] = []
    received: list[int] = []
    late: list[Any] = []
    served = 0

    @component.register("com.kill.echo")
    def echo(value: int) -> int:
        nonlocal served
        served += 1
        return value

    @component.register("com.kill.late", options=RegisterOptions(details_arg="details"))
    async def never(details: Any = None) -> str:
        future = loop.framework.create_future()
        late.append(future)
        await future
        return "too late"

    @component.subscribe("com.kill.topic")
    async def on_topic(number: int) -> None:
        await loop.sleep(0)
        received.append(number)

    component.on_ready(lambda session: sessions.append(session))
    done = loop.framework.as_awaitable(component.start())
    await loop.until(lambda: sessions)
    session = sessions[0]

    # traffic of which some is answered, some is in flight, and some is never taken in
    publications: list[Any] = []
    calls: list[Any] = []
    forever: list[Any] = []
    others: list[Any] = []
    waiting = [loop.outcome(session.call("com.kill.late"), forever)]
    number = 0
    for burst in range(40):
        for _ in range(10):
            waiting.append(loop.outcome(session.publish("com.kill.topic", number, options=ACKNOWLEDGED), publications))
            waiting.append(loop.outcome(session.call("com.kill.echo", number), calls))
            number += 1
        await loop.sleep(0.001)
        if burst == 30:
            await loop.until(lambda: len(publications) > 50 and late)
            router.freeze()
    waiting += [
        loop.outcome(future, others)
        for future in (
            session.subscribe(print, "com.kill.other"),
            session.register(print, "com.kill.other"),
            session.publish("com.kill.topic", -1, options=ACKNOWLEDGED),
        )
    ]
    router.kill()
    await loop.until(lambda: len(publications) == len(calls) == number and forever and len(others) == 3, 5)
    for future in waiting:
        await future
    failures = [e for e in (*publications, *calls, *forever, *others) if isinstance(e, Exception)]
    assert all(isinstance(e, TransportLost) and isinstance(e, ApplicationError) for e in failures), failures[:3]
    assert all(isinstance(e, TransportLost) for e in (*forever, *others))
    acknowledged = sum(not isinstance(e, Exception) for e in publications)
    answered = [e for e in calls if not isinstance(e, Exception)]
    assert 50 < acknowledged < number
    assert answered == list(range(len(answered))), "answers in the order of the calls"
    await loop.until(lambda: len(received) >= acknowledged)
    assert len(received) == len(set(received)) <= number, "an event came twice"
    assert len(answered) <= served <= number
    loop.framework.resolve(late[0])  # its call is long gone

    try:
        router.start()
        await loop.until(lambda: len(sessions) == 2)
        again = sessions[1]
        assert again is not session
        before = len(received)
        assert await again.call("com.kill.echo", 77) == 77
        await again.publish("com.kill.topic", 1_000_000, options=ACKNOWLEDGED)
        await loop.until(lambda: len(received) == before + 1)
        assert received[-1] == 1_000_000
        component.stop()
        await done
    finally:
        router.kill()


async def cryptobox(framework: str, url: str) -> None:
    """Calls, results, errors and events that the router cannot read; a wrong key ends in a clear error."""
    from autobahn_fast.wamp.cryptobox import Key, KeyRing

    loop = Loop(framework)
    mine, theirs = KeyRing(), KeyRing()
    my_private, my_public = mine.generate_key()
    their_private, their_public = theirs.generate_key()
    mine.set_key("com.secret", Key(originator_priv=my_private, responder_pub=their_public))
    theirs.set_key("com.secret", Key(originator_pub=my_public, responder_priv=their_private))
    sessions: dict[str, Any] = {}
    events: list[Any] = []
    seen: list[Any] = []

    def component(name: str) -> Any:
        made = loop.Component(transports={"url": url, "max_retries": 0})
        made.on_ready(lambda session: sessions.__setitem__(name, session))
        return made, loop.framework.as_awaitable(made.start())

    components = [component(name) for name in ("originator", "responder", "stranger")]
    await loop.until(lambda: len(sessions) == 3)
    originator, responder, stranger = (sessions[name] for name in ("originator", "responder", "stranger"))
    originator.set_payload_codec(mine)
    responder.set_payload_codec(theirs)

    def add(a: int, b: int = 0, details: Any = None) -> int:
        seen.append(details.enc_algo)
        return a + b

    def fails() -> None:
        raise ApplicationError("com.secret.error", "hush", why="because")

    await responder.register(add, "com.secret.add", options=RegisterOptions(details_arg="details"))
    await responder.register(fails, "com.secret.fails")
    await responder.subscribe(lambda *args, **kwargs: events.append((args, kwargs)), "com.secret.topic")
    assert await originator.call("com.secret.add", 2, b=3) == 5
    assert seen == ["cryptobox"]
    await originator.publish("com.secret.topic", 1, b"\x00\xff", k="v", options=PublishOptions(acknowledge=True))
    await loop.until(lambda: events)
    assert events == [((1, b"\x00\xff"), {"k": "v"})]
    try:
        await originator.call("com.secret.fails")
    except ApplicationError as e:
        assert (e.error, e.args, e.kwargs) == ("com.secret.error", ("hush",), {"why": "because"})
        assert e.enc_algo == "cryptobox"
    # somebody without the key can neither call nor read
    other = KeyRing()
    other.set_key("com.secret", Key(originator_priv=other.generate_key()[0], responder_pub=their_public))
    stranger.set_payload_codec(other)
    try:
        await stranger.call("com.secret.add", 1)
    except ApplicationError as e:
        assert "decrypt" in str(e), e
    else:
        raise AssertionError("a call with the wrong key was answered")
    assert seen == ["cryptobox"]
    await stranger.publish("com.secret.topic", "forged", options=PublishOptions(acknowledge=True))
    assert await originator.call("com.secret.add", 1) == 1
    assert len(events) == 1
    for made, done in components:
        made.stop()
        await done


CASES = {f.__name__: f for f in (killed_router, cryptobox)}

if __name__ == "__main__":
    from _twisted_base import RouterThread, install
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    install(sys.argv[2])

    def run(*arguments: str) -> None:
        react(lambda _: Deferred.fromCoroutine(CASES[sys.argv[1]]("twisted", *arguments)))

    if sys.argv[1] == "cryptobox":
        with RouterThread(sys.argv[3]) as thread:
            run(thread.url)
    else:
        run(*sys.argv[3:])
