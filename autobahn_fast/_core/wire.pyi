# SPDX-License-Identifier: MIT
"""Hot WAMP messages without message objects. See docs/design.md, "Wire and session"."""

from collections.abc import Callable
from typing import Any

from autobahn_fast._core.batch import Batch
from autobahn_fast._core.codec import Codec, Statistics
from autobahn_fast._core.engine import Engine, Sink

class Wire(Sink):
    def __init__(
        self,
        engine: Engine,
        codec: Codec,
        statistics: Statistics | None,
        session: Any,
        parse: Callable[[Any], Any],
        hot: bool = True,
        batch: Batch | None = None,
    ) -> None: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def codec(self) -> Codec: ...
    @property
    def batch(self) -> Batch | None: ...
    @property
    def statistics(self) -> Statistics | None: ...
    @property
    def session(self) -> Any: ...
    @property
    def hot(self) -> bool: ...
    def publish(
        self,
        request: int,
        topic: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
    ) -> None: ...
    def call(
        self,
        request: int,
        procedure: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any] | None = None,
    ) -> None: ...
    def start_call(self, request: int, procedure: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...
    @property
    def starts_calls(self) -> bool: ...
    def yield_(
        self, request: int, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any] | None = None
    ) -> None: ...
    def send(self, msg: Any) -> None: ...

LOOKED_AT: frozenset[str]
