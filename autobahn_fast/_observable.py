# SPDX-License-Identifier: MIT
"""ObservableMixin: named events, and functions that want to hear of them. ``autobahn_fast.util`` exports it.

Knows no event loop: the class it is mixed into may have one as ``framework``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

__all__ = ("ObservableMixin",)


class ObservableMixin:
    """``on(event, handler)``, ``off(event, handler)``, ``fire(event, ...)``."""

    _valid_events: frozenset[str] | None = None
    _listeners: dict[str, list[Callable[..., Any]]] | None = None
    _parent: Any = None

    def set_valid_events(self, valid_events: Iterable[str] | None = None) -> None:
        """Say which events there are; None: any. Handlers added so far stay."""
        self._valid_events = _as_set(tuple(valid_events)) if valid_events is not None else None

    def _check_event(self, event: str) -> None:
        if self._valid_events is not None and event not in self._valid_events:
            known = ", ".join(sorted(self._valid_events))
            raise RuntimeError(f"Invalid event '{event}'. Expected one of: {known}")

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Call ``handler`` when the event is fired.

        :raises RuntimeError: there is no such event.
        """
        self._check_event(event)
        if self._listeners is None:
            self._listeners = {}
        self._listeners.setdefault(event, []).append(handler)

    def off(self, event: str | None = None, handler: Callable[..., Any] | None = None) -> None:
        """Stop calling a handler, all handlers of an event (no handler given), or all of all (nothing given).

        :raises RuntimeError: there is no such event, or a handler without an event.
        """
        if event is None:
            if handler is not None:
                raise RuntimeError("off(): a handler needs its event")
            self._listeners = None
            return
        self._check_event(event)
        if self._listeners is None:
            return
        if handler is None:
            self._listeners.pop(event, None)
        elif handler in self._listeners.get(event, ()):
            self._listeners[event].remove(handler)

    def fire(self, event: str, *args: Any, **kwargs: Any) -> Any:
        """Call the handlers of an event, in the order they were added.

        :returns: a future of the list of their results, empty when nobody listens. The first exception of a handler is the
            future's.
        """
        framework: Any = getattr(self, "framework", None)
        if framework is None:
            # Mixed into a class of its own, away from sessions and protocols.
            from autobahn_fast._framework import NoLoop

            framework = NoLoop
        results: list[Any] = []
        for handler in list((self._listeners or {}).get(event, ())):
            try:
                result = handler(*args, **kwargs)
            except Exception as e:
                failed = framework.create_future()
                framework.reject(failed, e)
                result = failed
            results.append(framework.as_awaitable(result))
        return framework.spawn(_gathered(framework, results))


@lru_cache(maxsize=64)
def _as_set(events: tuple[str, ...]) -> frozenset[str]:
    return frozenset(events)  # one for all objects of a class: it takes 700 octets


async def _gathered(framework: Any, results: list[Any]) -> list[Any]:
    return await framework.gather(results)  # type: ignore[no-any-return]
