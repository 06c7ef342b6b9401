# SPDX-License-Identifier: MIT
"""WebSocket connections driven by hand: a transport that keeps what is written, a clock that is moved, both roles."""

from __future__ import annotations

from typing import Any

from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._framework import NoLoop
from autobahn_fast.websocket import _http
from autobahn_fast.websocket.protocol import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Transport:
    """Keeps what was written and whether it was closed."""

    def __init__(self) -> None:
        self.out = b""
        self.closed: str | None = None

    def write(self, data: bytes) -> None:
        assert self.closed is None, f"written after {self.closed}: {data!r}"
        self.out += data

    def close(self) -> None:
        self.closed = self.closed or "close"

    def abort(self) -> None:
        self.closed = "abort"

    def take(self) -> bytes:
        out, self.out = self.out, b""
        return out


class Timer:
    def __init__(self, clock: type[Clock], when: float, function: Any) -> None:
        self.when, self.function, self.clock = when, function, clock

    def cancel(self) -> None:
        if self in self.clock.timers:
            self.clock.timers.remove(self)


class Clock(NoLoop):
    """A framework whose time is moved by ``advance``."""

    now = 0.0
    timers: list[Timer] = []  # noqa: RUF012 - make_clock() gives every class its own

    @classmethod
    def call_later(cls, seconds: float, function: Any) -> Timer:
        timer = Timer(cls, cls.now + seconds, function)
        cls.timers.append(timer)
        return timer

    @classmethod
    def advance(cls, seconds: float) -> None:
        until = cls.now + seconds
        while due := [t for t in cls.timers if t.when <= until]:
            timer = min(due, key=lambda t: t.when)
            cls.timers.remove(timer)
            cls.now = timer.when
            timer.function()
        cls.now = until


def make_clock() -> type[Clock]:
    return type("OwnClock", (Clock,), {"timers": [], "now": 0.0})


class Events:
    """Mix-in: what was called, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def onOpen(self) -> None:
        self.events.append("open")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.events.append(("message", payload, isBinary))

    def onPong(self, payload: bytes) -> None:
        self.events.append(("pong", payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.events.append(("close", wasClean, code))

    @property
    def seen(self) -> list[Any]:
        return self.events


class Server(Events, WebSocketServerProtocol):
    pass


class Client(Events, WebSocketClientProtocol):
    pass


def make(cls: Any, clock: Any = NoLoop, factory: dict[str, Any] | None = None, **options: Any) -> tuple[Any, Transport]:
    """A connection on a transport, its opening handshake begun."""
    server = issubclass(cls, WebSocketServerProtocol)
    maker = (WebSocketServerFactory if server else WebSocketClientFactory)("ws://localhost:9000", **(factory or {}))
    if options:
        maker.setProtocolOptions(**options)
    own = type(cls.__name__, (cls,), {"framework": clock})
    connection = own()
    connection.factory = maker
    connection.transport = Transport()
    connection.peer = "test"
    connection._connectionMade()
    return connection, connection.transport


def request(
    line: str = "GET / HTTP/1.1", drop: tuple[str, ...] = (), extra: tuple[str, ...] = (), **headers: str
) -> bytes:
    """A client's opening handshake; keyword arguments replace headers (``_`` for ``-``)."""
    fields = {
        "Host": "localhost:9000",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [line, *(f"{n}: {v}" for n, v in fields.items() if n not in drop), *extra]
    return "".join(f"{text}\r\n" for text in lines).encode("latin-1") + b"\r\n"


def response(
    key: str | bytes,
    line: str = "HTTP/1.1 101 Switching Protocols",
    drop: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    **headers: str,
) -> bytes:
    """A server's answer to a key."""
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": _http.accept_key(key if isinstance(key, str) else key.decode()),
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [line, *(f"{n}: {v}" for n, v in fields.items() if n not in drop), *extra]
    return "".join(f"{text}\r\n" for text in lines).encode("latin-1") + b"\r\n"


def open_server(cls: Any = Server, clock: Any = NoLoop, **options: Any) -> tuple[Any, Transport]:
    connection, transport = make(cls, clock, **options)
    connection._dataReceived(request())
    assert connection.state == connection.STATE_OPEN
    transport.take()
    return connection, transport


def open_client(cls: Any = Client, clock: Any = NoLoop, **options: Any) -> tuple[Any, Transport]:
    connection, transport = make(cls, clock, **options)
    connection._dataReceived(response(connection.websocket_key))
    assert connection.state == connection.STATE_OPEN
    transport.take()
    return connection, transport


class Peer:
    """The other side's frames, decoded; made for one role."""

    def __init__(self, is_server: bool) -> None:
        self.engine = WebSocketEngine(self, is_server)
        self.got: list[Any] = []
        from autobahn_fast._core.engine import CallbackSink

        self.engine.set_sink(CallbackSink(lambda payload, binary: self.got.append(("message", payload, binary))))

    def on_ping(self, payload: bytes) -> None:
        self.got.append(("ping", payload))

    def on_pong(self, payload: bytes) -> None:
        self.got.append(("pong", payload))

    def on_close_frame(self, code: int | None, reason: str) -> None:
        self.got.append(("close", code, reason))

    def on_violation(self, code: int, reason: str) -> None:
        self.got.append(("violation", code, reason))

    def on_sink_error(self, exc: Exception) -> None:
        raise exc

    def read(self, octets: bytes) -> list[Any]:
        self.engine.feed(octets)
        got, self.got = self.got, []
        return got

    def frame(self, opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0) -> bytes:
        return self.engine.encode_frame(opcode, payload, fin, rsv)


def client_peer() -> Peer:
    """What speaks to a server under test."""
    return Peer(is_server=False)


def server_peer() -> Peer:
    """What speaks to a client under test."""
    return Peer(is_server=True)
