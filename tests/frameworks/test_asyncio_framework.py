# SPDX-License-Identifier: MIT
"""What sessions ask of a loop, on asyncio and uvloop; and the logger."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from _live import LOOPS, run

from autobahn_fast._framework import TRACE, NoLoop, make_logger
from autobahn_fast.asyncio._framework import AsyncioFramework as Asyncio
from autobahn_fast.asyncio.util import get_or_create_event_loop, peer2str

both_loops = pytest.mark.parametrize("loop", LOOPS)


@both_loops
def test_futures(loop):
    async def main():
        future = Asyncio.create_future()
        assert not Asyncio.is_done(future)
        Asyncio.resolve(future, 5)
        Asyncio.resolve(future, 6)
        Asyncio.reject(future, ValueError())
        assert await future == 5
        failed = Asyncio.create_future()
        Asyncio.reject(failed, ValueError("x"))
        with pytest.raises(ValueError, match="x"):
            await failed
        cancelled = Asyncio.create_future()
        cancelled.cancel()
        Asyncio.resolve(cancelled, 5)

    run(loop, main())


@both_loops
def test_tasks_are_kept_alive_until_they_end(loop):
    ended = []

    async def work():
        await asyncio.sleep(0.02)
        ended.append(1)
        return 7

    async def main():
        Asyncio.spawn(work())
        gc.collect()
        assert await Asyncio.spawn(work()) == 7
        await asyncio.sleep(0.01)
        assert ended == [1, 1]

    run(loop, main())


@both_loops
def test_time(loop):
    async def main():
        calls = []
        Asyncio.call_later(0, lambda: calls.append("later"))
        Asyncio.call_later(0, lambda: calls.append("never")).cancel()
        Asyncio.call_soon(lambda: calls.append("soon"))
        assert calls == []
        await Asyncio.sleep(0.01)
        assert sorted(calls) == ["later", "soon"]
        assert await Asyncio.gather([Asyncio.sleep(0), Asyncio.as_awaitable(3)]) == [None, 3]

    run(loop, main())


def test_awaitables():
    async def coroutine():
        return 1

    made = coroutine()
    assert Asyncio.is_awaitable(made)
    assert asyncio.run(made) == 1
    for value in (None, 5, "x", coroutine, coroutine.__class__):
        assert not Asyncio.is_awaitable(value)


def test_outside_of_any_loop():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert get_or_create_event_loop() is loop
        assert Asyncio.create_future().get_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_loop_is_made_when_there_is_none():
    asyncio.set_event_loop(None)
    loop = get_or_create_event_loop()
    try:
        assert not loop.is_closed()
        assert get_or_create_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_no_loop():
    async def coroutine(future):
        return await future + 1

    future = NoLoop.create_future()
    result = NoLoop.spawn(coroutine(future))
    assert not result.done()
    NoLoop.resolve(future, 4)
    assert result.result() == 5
    failed = NoLoop.create_future()
    NoLoop.reject(failed, ValueError("x"))
    assert isinstance(NoLoop.spawn(NoLoop.gather([failed], True)).result()[0], ValueError)
    NoLoop.call_later(0, pytest.fail).cancel()


class Transport:
    def __init__(self, **extra):
        self.extra = extra

    def get_extra_info(self, name, default=None):
        return self.extra.get(name, default)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"peername": ("127.0.0.1", 52914)}, "tcp4:127.0.0.1:52914"),
        ({"peername": ("::1", 52914, 0, 0)}, "tcp6:::1:52914"),
        ({"peername": "/tmp/x"}, "unix:/tmp/x"),
        ({"peername": "", "sockname": "/tmp/x"}, "unix:/tmp/x"),
        ({"pipe": object()}, "pipe"),
        ({}, "?"),
    ],
)
def test_peers(extra, expected):
    assert peer2str(Transport(**extra)) == expected


# --- logger ---


def test_logger_formats_only_when_enabled(caplog):
    class Value:
        asked = 0

        def __format__(self, spec):
            self.asked += 1
            return "value"

    log, value = make_logger("autobahn_fast.test"), Value()
    with caplog.at_level(logging.INFO, "autobahn_fast.test"):
        log.debug("{v}", v=value)
        log.trace("{v}", v=value)
        assert value.asked == 0
        for level in ("critical", "error", "warn", "warning", "info"):
            getattr(log, level)("{v} at 100%", v=value)
    assert [record.getMessage() for record in caplog.records] == ["value at 100%"] * 5
    assert [record.levelno for record in caplog.records] == [50, 40, 30, 30, 20]
    assert caplog.records[0].funcName == "test_logger_formats_only_when_enabled"


def test_logger_of_failures(caplog):
    log = make_logger("autobahn_fast.test")
    try:
        raise ValueError("the cause")
    except ValueError as e:
        log.failure("{what} failed", what="it")
        caught = e
    log.failure("later", failure=caught)
    log.error("with", log_failure=caught)
    assert caplog.text.count("ValueError: the cause") == 3
    assert caplog.text.count("Traceback") == 3


def test_logger_never_raises(caplog):
    log = make_logger("autobahn_fast.test")
    log.error("{missing} {", here=1)
    log.error("braces {} %s without values")
    assert "braces {} %s without values" in caplog.text
    assert logging.getLevelName(TRACE) == "TRACE"
