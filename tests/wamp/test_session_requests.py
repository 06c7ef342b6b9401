# SPDX-License-Identifier: MIT
"""publish() and call() where they are compiled, prepared publications, and handlers that ``Wire`` calls by itself."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from _session_peer import turns
from test_session_wire import codec, join  # noqa: F401 - a fixture

from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.wamp.exception import InvalidUriError, SerializationError, SessionNotReady, TransportLost
from autobahn_fast.wamp.types import PublishOptions


def test_a_prepared_publication_says_what_publish_says(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        for options in (None, PublishOptions(), PublishOptions(exclude_me=False, eligible=[1, 2])):
            send = s.prepare_publish("com.x", options)
            assert (send.topic, send.options, send.session) == ("com.x", options, s)
            for args, kwargs in (((), {}), ((1, "é"), {}), ((), {"k": None}), (([],), {"self": 2})):
                assert send(*args, **kwargs) is None
                assert s.publish("com.x", *args, options=options, **kwargs) is None
                ours, theirs = t.take()
                assert theirs[1] == ours[1] + 1
                assert ours[2:] == theirs[2:]
        send(topic=1)  # no parameter is in the way of an argument here
        assert t.take()[0][4:] == [[], {"topic": 1}]

    asyncio.run(main())


def test_a_prepared_publication_that_is_acknowledged(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        send = s.prepare_publish("com.x", PublishOptions(acknowledge=True))
        future = send(1, topic=2)
        assert t.take() == [[16, 1, {"acknowledge": True}, "com.x", [1], {"topic": 2}]]
        t.say((17, 1, 4711))
        assert (await future).id == 4711

    asyncio.run(main())


def test_what_cannot_be_prepared_or_sent(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        with pytest.raises(InvalidUriError):
            s.prepare_publish("com..x#")
        with pytest.raises(TypeError, match="PublishOptions"):
            s.prepare_publish("com.x", {"acknowledge": True})
        send = s.prepare_publish("com.x")
        with pytest.raises(TypeError, match="prepare_publish"):
            send(1, options=PublishOptions())
        for attempt in (send, lambda *a: s.publish("com.x", *a), lambda *a: s.call("com.x", *a)):
            with pytest.raises(SerializationError):
                attempt(object())
        send(1)
        assert t.take() == [[16, 1, {}, "com.x", [1]]]  # the ids of what was not sent are used again
        s.onClose(True)
        with pytest.raises(TransportLost):
            send(1)

    asyncio.run(main())


def test_a_prepared_publication_outlives_its_connection_and_serializer() -> None:
    from test_session_wire import WELCOME, WireTransport

    from autobahn_fast._core.json import JsonCodec

    async def main() -> None:
        s = ApplicationSession()
        send = s.prepare_publish("com.x")
        with pytest.raises((TransportLost, SessionNotReady)):
            send(1)
        for one in (MsgPackCodec(), JsonCodec()):
            t = WireTransport(one)
            s.onOpen(t)
            await turns()
            t.say(WELCOME)
            await turns()
            t.take()
            send(1)
            assert t.take() == [[16, 1, {}, "com.x", [1]]]
            s.onClose(True)
            await turns()

    asyncio.run(main())


def test_overridden_methods_are_what_is_called() -> None:
    class Session(ApplicationSession):
        def publish(self, topic: str, *args: Any, **kwargs: Any) -> Any:
            return super().publish(topic, "mine", *args, **kwargs)

        def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
            return super().call(procedure, "mine", *args, **kwargs)

    async def main() -> None:
        from test_session_wire import WELCOME, WireTransport

        s, t = Session(), WireTransport(MsgPackCodec())
        s.onOpen(t)
        await turns()
        t.say(WELCOME)
        await turns()
        t.take()
        s.publish("com.x", 1)
        s.prepare_publish("com.x")(2)
        call = s.call("com.p", 3)
        assert t.take() == [
            [16, 1, {}, "com.x", ["mine", 1]],
            [16, 2, {}, "com.x", ["mine", 2]],
            [48, 3, {}, "com.p", ["mine", 3]],
        ]
        t.say((50, 3, {}, [4]))
        assert await call == 4

    asyncio.run(main())


def test_signatures_can_be_inspected() -> None:
    for name, first in (("publish", "topic"), ("call", "procedure")):
        parameters = list(inspect.signature(getattr(ApplicationSession, name)).parameters)
        assert parameters == ["self", first, "args", "kwargs"]


def test_several_handlers_of_one_event(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        seen: list[Any] = []
        errors: list[str] = []
        s.onUserError = lambda fail, msg: errors.append(str(fail.value))

        def changes(**kwargs: Any) -> str:
            kwargs["added"] = True
            seen.append(("changes", kwargs))
            return "not awaited"

        def fails(**kwargs: Any) -> None:
            raise ValueError("mine")

        async def waits(**kwargs: Any) -> None:
            await asyncio.sleep(0)
            seen.append(("waits", kwargs))

        def leaves(**kwargs: Any) -> Any:
            seen.append(("leaves", kwargs))
            subscriptions[-1].unsubscribe()  # the last handler still gets this event
            return asyncio.get_running_loop().create_future()

        pending = [s.subscribe(fn, "com.t") for fn in (changes, fails, waits, leaves, changes)]
        t.take()
        t.say(*((33, request, 77) for request in range(1, 6)))
        subscriptions = [await each for each in pending]
        t.say((36, 77, 1, {}, [], {"a": 1}))
        await turns()
        assert seen == [
            ("changes", {"a": 1, "added": True}),
            ("leaves", {"a": 1}),
            ("changes", {"a": 1, "added": True}),
            ("waits", {"a": 1}),
        ]
        assert errors == ["mine"]

    asyncio.run(main())
