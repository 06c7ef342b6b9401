# SPDX-License-Identifier: MIT
"""publish(), call() and prepared publications take their arguments from where the interpreter has them: every way to pass some, and
reference counts on all of them.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest
from _session_peer import turns
from test_session_wire import WELCOME, WireTransport, codec, join  # noqa: F401 - a fixture

from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.wamp.exception import InvalidUriError, SerializationError
from autobahn_fast.wamp.types import CallOptions, ComponentConfig, PublishOptions


class Text(str):
    """No plain str."""


def test_any_number_of_arguments_any_way(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        send = s.prepare_publish("com.x")
        call_x: Callable[..., Any] = functools.partial(s.call, "com.x")
        for n in (0, 1, 2, 3, 15, 16, 17, 40):
            args = list(range(n))
            ways: tuple[Callable[[], Any], ...] = (
                lambda args=args: s.publish("com.x", *args),  # type: ignore[misc]
                lambda args=args: ApplicationSession.publish(s, "com.x", *args),  # type: ignore[misc]
                lambda args=args: s.publish("com.x", *args),  # type: ignore[misc]
                lambda args=args: s.publish("com.x", *args, options=None),  # type: ignore[misc]
                lambda args=args: functools.partial(s.publish, "com.x")(*args),  # type: ignore[misc]
                lambda args=args: send(*args),  # type: ignore[misc]
                lambda args=args: send(*args),  # type: ignore[misc]
                lambda args=args: send.__call__(*args),  # type: ignore[misc]
                lambda args=args: functools.partial(send)(*args),  # type: ignore[misc]
                lambda args=args: call_x(*args),  # type: ignore[misc]
                lambda args=args: s.call("com.x", *args, options=None),  # type: ignore[misc]
            )
            for way in ways:
                way()
                (message,) = t.take()
                assert message[0] in (16, 48)
                assert message[2:] == [{}, "com.x", args][: 3 if n else 2]
        s.publish("com.x", 1, a=2, b=[3])
        s.call("com.x", a=2)
        send(1, a=2)
        s.publish(topic="com.x", a=2)
        assert [message[3:] for message in t.take()] == [
            ["com.x", [1], {"a": 2, "b": [3]}],
            ["com.x", [], {"a": 2}],
            ["com.x", [1], {"a": 2}],
            ["com.x", [], {"a": 2}],
        ]
        assert list(map(send, (1, 2))) == [None, None]
        assert [message[4] for message in t.take()] == [[1], [2]]

    asyncio.run(main())


def test_what_is_no_call_at_all(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        for method in (s.publish, s.call):
            with pytest.raises(TypeError, match="argument"):
                method()
            with pytest.raises(TypeError, match="options"):
                method("com.x", options=1)
            for uri in ("com..x#", "", None, 5, b"com.x", ["com.x"], Text("com.x")):
                with pytest.raises((InvalidUriError, TypeError)):
                    method(uri, 1)
        for function in (ApplicationSession.publish, ApplicationSession.call):
            with pytest.raises(TypeError):
                function(object(), "com.x")  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                function()  # type: ignore[call-arg]
        assert t.take() == []
        s.publish("com.x")
        assert t.take() == [[16, 1, {}, "com.x"]]

    asyncio.run(main())


def test_super_reaches_the_compiled_methods(codec: Any) -> None:  # noqa: F811
    class Session(ApplicationSession):
        def publish(self, topic: str, *args: Any, **kwargs: Any) -> Any:
            return super().publish(topic, "more", *args, **kwargs)

        def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
            return super().call(procedure, "more", *args, **kwargs)

    async def main() -> None:
        s, t = Session(ComponentConfig("realm1")), WireTransport(codec)
        s.onOpen(t)
        await turns()
        t.say(WELCOME)
        await turns()
        t.take()
        s.publish("com.x", 1)
        s.prepare_publish("com.x")(2)
        future = s.call("com.x", 3)
        assert [message[4] for message in t.take()] == [["more", 1], ["more", 2], ["more", 3]]
        t.say((50, 3, {}, ["result"]))
        assert await future == "result"

    asyncio.run(main())


def counts(*objects: Any) -> list[int]:
    """Reference counts, once tracebacks are gone."""
    gc.collect()
    return [sys.getrefcount(each) for each in objects]


def test_nothing_is_leaked_nor_released_too_often(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        topic, payload, unsendable = "com.example.counted", ["payload " * 9], object()
        send = s.prepare_publish(topic)
        wire = s._live

        def ways() -> None:
            s.publish(topic, payload, payload)
            s.publish(topic, payload, key=payload)
            s.publish(topic, payload, options=PublishOptions())
            send(payload)
            send(payload, key=payload)
            for method in (s.publish, s.call):
                with pytest.raises(SerializationError):
                    method(topic, payload, unsendable)
                with pytest.raises(InvalidUriError):
                    method("com..x#", payload)
            with pytest.raises(SerializationError):
                send(payload, unsendable)
            with pytest.raises(TypeError):
                send(payload, options=payload)

        async def answered() -> None:
            first = s._last_request + 1
            futures = [s.call(topic, payload), s.call(topic, payload, options=CallOptions())]
            for number, future in enumerate(futures):
                t.say((50, first + number, {}, [number]))
                assert await future == number

        ways()
        await answered()
        t.take()
        await turns()
        before = counts(topic, payload, unsendable, send, wire)
        nothing = sys.getrefcount(None)
        for _ in range(300):
            ways()
            await answered()
            t.take()
        await turns()
        assert counts(topic, payload, unsendable, send, wire) == before
        assert abs(sys.getrefcount(None) - nothing) < 100

    asyncio.run(main())


def test_a_wire_that_goes_away_while_arguments_are_encoded(codec: Any) -> None:  # noqa: F811
    async def main() -> None:
        s, t = await join(codec)
        send = s.prepare_publish("com.x")

        class Leaver(dict[str, Any]):
            """Its items are read by Python code when it is encoded, and that ends the session."""

            def items(self) -> Any:
                s.onClose(False)
                return super().items()

            def __iter__(self) -> Any:
                s.onClose(False)
                return super().__iter__()

        try:
            send(Leaver(a=1))
        except (SerializationError, RuntimeError):
            pass  # what each format makes of such a class is its own matter; here it is about memory
        s.onClose(False)
        with pytest.raises(Exception, match="transport|connection|joined"):
            send(1)
        t.take()

    asyncio.run(main())
