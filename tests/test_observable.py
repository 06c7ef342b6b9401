# SPDX-License-Identifier: MIT
"""ObservableMixin: events, handlers, and what firing one comes to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from autobahn_fast.asyncio._framework import AsyncioFramework
from autobahn_fast.util import ObservableMixin


class Observable(ObservableMixin):
    framework = AsyncioFramework


def test_handlers_are_called_in_order_and_their_results_gathered() -> None:
    async def main() -> None:
        async def later(*args: Any) -> int:
            await asyncio.sleep(0)
            return 6

        def five(*args: Any, **kwargs: Any) -> int:
            return 5

        o = Observable()
        o.set_valid_events(["a", "b"])
        assert await o.fire("a") == []
        o.on("a", five)
        o.on("a", later)
        o.on("a", five)
        assert await o.fire("a", 1) == [5, 6, 5]
        assert await o.fire("b") == []
        o.off("a", five)
        assert await o.fire("a") == [6, 5]
        o.off("a")
        assert await o.fire("a") == []
        o.on("a", five)
        o.off()
        assert await o.fire("a") == []

    asyncio.run(main())


@pytest.mark.parametrize("awaited", [False, True])
def test_an_exception_is_the_futures(awaited: bool) -> None:
    async def main() -> None:
        def bad() -> None:
            raise KeyError("z")

        async def bad_later() -> None:
            raise KeyError("z")

        called = []
        o = Observable()
        o.on("x", bad_later if awaited else bad)
        o.on("x", lambda: called.append(1))
        with pytest.raises(KeyError):
            await o.fire("x")
        assert called == [1]

    asyncio.run(main())


def test_unknown_events() -> None:
    o = Observable()
    o.set_valid_events(["a"])
    with pytest.raises(RuntimeError, match="Invalid event 'x'. Expected one of: a"):
        o.on("x", print)
    with pytest.raises(RuntimeError, match="Invalid event"):
        o.off("x")
    with pytest.raises(RuntimeError, match="needs its event"):
        o.off(None, print)
    o.off("a", print)
    o.set_valid_events()
    o.on("anything", print)
