# SPDX-License-Identifier: MIT
"""The framework over Twisted: futures are Deferreds, coroutines run as ``Deferred.fromCoroutine`` does.

Knows which reactor to use: the installed one, looked up with every call, or the one ``on_reactor`` was given. Timers are
set on the one that a program has set with txaio, if any: the clock of a test.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from types import CoroutineType
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, FirstError, succeed
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.python.failure import Failure

from autobahn_fast._framework import Framework
from autobahn_fast._overriding import is_own
from autobahn_fast.twisted._logging import TwistedLogger, make_logger

__all__ = ("Timer", "TwistedFramework", "current_reactor", "end_of_turn", "on_reactor")


def current_reactor() -> Any:
    """Return the reactor; the default one is installed if none is."""
    from twisted.internet import reactor

    return reactor


def _clock(otherwise: Any = None) -> Any:
    """Return what timers are set on: ``txaio.config.loop`` where a program has set it, else what was given, else the reactor.

    txaio puts the installed reactor there by itself; that says nothing.
    """
    txaio: Any = sys.modules.get("txaio")
    chosen = txaio.config.loop if txaio is not None and txaio.using_twisted else None
    if chosen is None or chosen is sys.modules.get("twisted.internet.reactor"):
        return current_reactor() if otherwise is None else otherwise
    return chosen


_Defer = Callable[[Callable[[], Any]], None]
_last: list[tuple[Any, _Defer]] = []
"""The reactor that was asked for last, which is the only one of most programs, and what has functions called on it."""


def _with_one_call(reactor: Any) -> _Defer:
    """Return what has functions called at the end of the turn, those of all connections with one ``DelayedCall``.

    It is put where ``reactor.callLater`` puts new ones, and used again: a burst in each turn takes 0.5 us less.
    """
    call: Any = None
    functions: list[Callable[[], Any]] = []

    def run() -> None:
        remaining = iter(functions.copy())
        functions.clear()
        try:
            for function in remaining:
                function()
        except BaseException:
            for function in remaining:
                defer(function)
            raise  # the reactor logs it

    def defer(function: Callable[[], Any]) -> None:
        nonlocal call
        functions.append(function)
        if call is None or call.cancelled:  # as trial does with what a test leaves behind
            call = reactor.callLater(0, run)
        elif call.called:
            call.called, call.time = 0, 0.0
            reactor._newTimedCalls.append(call)

    return defer


def end_of_turn(reactor: Any) -> Callable[[Callable[[], Any]], Any] | None:
    """Return what has a function called at the end of the reactor's turn; None when it does not run."""
    from twisted.internet.base import ReactorBase

    if not getattr(reactor, "running", True):
        return None
    if not (
        hasattr(reactor, "_newTimedCalls")
        and is_own(reactor, "callLater", ReactorBase.callLater)
        and is_own(reactor, "_insertNewDelayedCalls", ReactorBase._insertNewDelayedCalls)
    ):  # only the reactors of epoll, poll, kqueue and select are known to keep them that way
        return partial(reactor.callLater, 0)
    if not _last or _last[0][0] is not reactor:
        _last[:] = [(reactor, _with_one_call(reactor))]
    return _last[0][1]


class Timer:
    """A delayed call that may be cancelled at any time."""

    __slots__ = ("_call",)

    def __init__(self, call: Any) -> None:
        self._call = call

    def cancel(self) -> None:
        """Do not make the call. Harmless when it was made or cancelled already."""
        try:
            self._call.cancel()
        except (AlreadyCalled, AlreadyCancelled):
            pass


def _start(awaitable: Any) -> Any:
    """Return a Deferred of an awaitable."""
    if isinstance(awaitable, Deferred):
        return awaitable
    if type(awaitable) is CoroutineType:
        return Deferred.fromCoroutine(awaitable)
    return Deferred.fromCoroutine(_wait(awaitable))


async def _wait(awaitable: Any) -> Any:
    return await awaitable


class TwistedFramework(Framework):
    """Twisted, on whatever reactor is installed."""

    name = "twisted"
    cancelled_errors = (CancelledError,)

    @staticmethod
    def reactor() -> Any:
        """Return the reactor that timers are set on."""
        return current_reactor()

    @staticmethod
    def create_future() -> Any:
        """Return a pending Deferred."""
        return Deferred()

    @staticmethod
    def resolve(future: Any, value: Any = None) -> None:
        """Call back the Deferred unless it was called or cancelled."""
        if not future.called:
            future.callback(value)

    @staticmethod
    def reject(future: Any, exc: BaseException) -> None:
        """Call back the Deferred with a Failure unless it was called or cancelled."""
        if not future.called:
            future.errback(Failure(exc, type(exc), exc.__traceback__))

    @staticmethod
    def is_done(future: Any) -> bool:
        """Whether the Deferred was called or cancelled."""
        return bool(future.called)

    @staticmethod
    def spawn(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run the coroutine up to its first wait, and on from there; return a Deferred of its result."""
        return Deferred.fromCoroutine(coroutine)

    @staticmethod
    def is_awaitable(value: Any) -> bool:
        """Whether ``await value`` means something: a Deferred, a coroutine, an object with ``__await__``."""
        return isinstance(value, Deferred) or hasattr(type(value), "__await__")

    @staticmethod
    def as_awaitable(value: Any) -> Awaitable[Any]:
        """Return an awaitable as it is; a plain value as a Deferred that has it."""
        return value if hasattr(type(value), "__await__") else succeed(value)

    @staticmethod
    def call_later(seconds: float, function: Callable[[], Any]) -> Any:
        """Call ``function()`` after so many seconds."""
        return Timer(_clock().callLater(seconds, function))

    @staticmethod
    def call_soon(function: Callable[[], Any]) -> Any:
        """Call ``function()`` in the next iteration of the reactor, which comes before it waits."""
        return current_reactor().callLater(0, function)

    @staticmethod
    def sleep(seconds: float) -> Any:
        """Return a Deferred that is called after so many seconds."""
        return _sleep(_clock(), seconds)

    @staticmethod
    def gather(awaitables: Iterable[Any], return_exceptions: bool = False) -> Any:
        """Return a Deferred of all results, waited for at the same time."""

        def finished(results: list[tuple[bool, Any]]) -> list[Any]:
            return [value if ok else value.value for ok, value in results]

        def first(failure: Any) -> Any:
            failure.trap(FirstError)
            return failure.value.subFailure

        waiting = DeferredList(
            [_start(a) for a in awaitables], fireOnOneErrback=not return_exceptions, consumeErrors=True
        )
        return waiting.addCallbacks(finished, first)

    @staticmethod
    def make_logger(name: str = "autobahn_fast") -> TwistedLogger:
        """Return the ``twisted.logger`` of that name."""
        return make_logger(name)


def _sleep(reactor: Any, seconds: float) -> Any:
    done: Any = Deferred(lambda _: call.cancel())
    call = reactor.callLater(seconds, done.callback, None)
    return done


def on_reactor(reactor: Any) -> type[TwistedFramework]:
    """Return the framework with its timers on one reactor: for programs that hand theirs to factories and runners."""

    class BoundFramework(TwistedFramework):
        """Twisted, on the reactor that was given."""

    bound: dict[str, Any] = {
        "reactor": lambda: reactor,
        "call_later": lambda seconds, function: Timer(_clock(reactor).callLater(seconds, function)),
        "call_soon": lambda function: reactor.callLater(0, function),
        "sleep": lambda seconds: _sleep(_clock(reactor), seconds),
    }
    for name, function in bound.items():
        setattr(BoundFramework, name, staticmethod(function))
    return BoundFramework
