# SPDX-License-Identifier: MIT
from collections.abc import Callable
from typing import Any

from autobahn_fast._core.batch import Batch
from autobahn_fast._core.codec import Codec, Statistics
from autobahn_fast._core.engine import Engine, Sink
from autobahn_fast._core.exchange import Exchange

class Payload:
    codec: Codec
    count: int
    octets: bytes
    def __init__(self, codec: Codec, values: list[Any]) -> None: ...
    def values(self) -> list[Any]: ...
    def octets_in(self, codec: Codec) -> bytes: ...

class RouterWire(Sink):
    engine: Engine
    codec: Codec
    statistics: Statistics | None
    joined: bool
    left: bool
    max_lag: int
    @property
    def batch(self) -> Batch | None: ...
    def __init__(
        self,
        engine: Engine,
        codec: Codec,
        session: Any,
        parse: Callable[[list[Any]], Any],
        statistics: Statistics | None = None,
        batch: Batch | None = None,
        exchange: Exchange | None = None,
    ) -> None: ...
    def close(self) -> None: ...
    def receive(self, data: bytes | bytearray | memoryview, binary: bool) -> None: ...
    def invocation(self, request: int, registration: int, details: dict[str, Any] | None, payload: Payload) -> None: ...
    def result(self, request: int, details: dict[str, Any] | None, payload: Payload) -> None: ...
    def error(
        self, request_type: int, request: int, error: str, details: dict[str, Any] | None, payload: Payload | None
    ) -> None: ...
    def error_text(self, request_type: int, request: int, error: str, text: str) -> None: ...
    def send(self, msg: Any) -> None: ...
    @property
    def paused(self) -> bool: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set_lag(self, octets: int) -> None: ...

def fan_out(
    wires: tuple[RouterWire, ...],
    exclude: RouterWire | None,
    subscription: int,
    publication: int,
    details: dict[str, Any] | None,
    payload: Payload,
) -> int: ...
