# SPDX-License-Identifier: MIT
"""A WAMP client over RawSocket in memory and the router's side of it: octets in, outcome out. Nothing here uses ``assert``.

The client is the real one: connection, engine, codec, wire and session. A program may run the cases under ``python -O``.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from autobahn_fast.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn_fast.asyncio.wamp import ApplicationSession
from autobahn_fast.wamp import message
from autobahn_fast.wamp.serializer import create_transport_serializer
from autobahn_fast.wamp.types import ComponentConfig

SERIALIZERS = ("json", "msgpack", "cbor", "ubjson")  # of lists: any wrong form of a message can be written
EVERY_SERIALIZER = (*SERIALIZERS, "flatbuffers")
VIOLATION = "wamp.error.protocol_violation"
WELCOME = [2, 1, {"roles": {"broker": {}, "dealer": {}}, "realm": "realm1", "authid": "a", "authrole": "r"}]


def verify(condition: object, *what: object) -> None:
    """``assert`` that is there under ``python -O``, too."""
    if not condition:
        raise AssertionError(*what)


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class Log(logging.Handler):
    """Keeps the records of this package."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        logging.getLogger("autobahn_fast").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def stop(self) -> None:
        logging.getLogger("autobahn_fast").removeHandler(self)


async def turns(count: int = 8) -> None:
    """Let the loop run what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


class FlatBuffersCodec:
    """Messages as lists, to the octets of FlatBuffers and back: those that the tables of its schema can hold."""

    def __init__(self, serializer: Any) -> None:
        self.serializer = serializer
        self.classes = {cls.MESSAGE_TYPE: cls for cls in vars(message).values() if hasattr(cls, "MESSAGE_TYPE")}

    def dumps(self, raw: list[Any]) -> bytes:
        return self.write(self.classes[raw[0]].parse(raw))

    def write(self, msg: Any) -> bytes:
        """A message object, which may have values that no ``parse`` would let through."""
        octets: bytes = self.serializer.serialize(msg)[0]
        return octets

    def loads(self, octets: bytes) -> Any:
        return plain(self.serializer.unserialize(octets)[0].marshal())


def plain(value: Any) -> Any:
    """Tuples to lists."""
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


class Client:
    """A client with one of everything pending and under way: see ``busy``."""

    def __init__(self, serializer: str, authenticator: Any = None) -> None:
        self.serializer = create_transport_serializer(serializer)
        self.codec = getattr(self.serializer, "codec", None) or FlatBuffersCodec(self.serializer)
        self.left: list[Any] = []
        self.user_errors: list[BaseException] = []
        client = self

        class Session(ApplicationSession):
            def onLeave(self, details: Any) -> None:
                client.left.append(details)

            def onUserError(self, fail: Any, msg: str) -> None:
                client.user_errors.append(fail.value)

        self.session = Session(ComponentConfig("realm1"))
        factory: Any = WampRawSocketClientFactory(lambda: self.session, self.serializer)
        self.connection, self.transport = factory(), Transport()
        self.connection.connection_made(self.transport)
        self.connection.data_received(bytes([0x7F, 0xF0 | self.serializer.RAWSOCKET_SERIALIZER_ID, 0, 0]))
        self.pending: dict[str, Any] = {}

    def say_octets(self, octets: bytes) -> None:
        """The router sends a message of these octets."""
        self.connection.data_received(len(octets).to_bytes(4, "big") + octets)

    def say(self, *messages: Any) -> None:
        """The router sends messages."""
        for raw in messages:
            self.say_octets(self.codec.dumps(raw))

    def take(self) -> list[Any]:
        """What the client has sent since the last time."""
        written, self.transport.written = bytes(self.transport.written), bytearray()
        if written[:1] == b"\x7f":
            written = written[4:]
        messages = []
        while written:
            length = int.from_bytes(written[:4], "big")
            messages.append(self.codec.loads(written[4 : 4 + length]))
            written = written[4 + length :]
        return messages

    async def joined(self) -> Client:
        """The session has joined."""
        await turns()
        self.take()
        self.say(WELCOME)
        await turns()
        verify(self.session.is_attached(), "not joined")
        return self

    async def busy(self) -> Client:
        """Requests 1 to 5 are pending (PUBLISH, SUBSCRIBE, REGISTER, CALL, UNSUBSCRIBE); subscription 100; registration 200."""
        from autobahn_fast.wamp.types import PublishOptions

        await self.joined()
        session = self.session
        self.events: list[Any] = []
        self.interrupted = asyncio.get_running_loop().create_future()

        async def endpoint(*args: Any) -> Any:
            if args:
                return args[0]
            return await self.interrupted

        subscribed = session.subscribe(lambda *args, **kwargs: self.events.append((args, kwargs)), "com.x")
        other = session.subscribe(lambda: None, "com.y")
        registered = session.register(endpoint, "com.p")
        self.say([33, 1, 100], [33, 2, 101], [65, 3, 200])
        await subscribed
        await registered
        self.pending = {
            "publish": session.publish("com.x", options=PublishOptions(acknowledge=True)),  # 4
            "subscribe": session.subscribe(print, "com.z"),  # 5
            "register": session.register(print, "com.q"),  # 6
            "call": session.call("com.r"),  # 7
            "unsubscribe": (await other).unsubscribe(),  # 8
            "unregister": (await registered).unregister(),  # 9
        }
        self.say([68, 1, 200, {}])  # an invocation under way
        await turns()
        self.take()
        return self

    def check_violation(self, what: object) -> None:
        """The session has ended as it has to: ABORT, connection closed, everything pending rejected, one line logged."""
        sent = self.take()
        verify(len(sent) >= 1 and sent[-1][0] == 3 and sent[-1][2] == VIOLATION, what, sent)
        verify(sent[-1][1].get("message"), what, "no text")
        verify(self.transport.closed, what, "not closed")
        verify(not self.user_errors, what, self.user_errors)
        for name, future in self.pending.items():
            verify(future.done() and future.exception() is not None, what, name, "still pending")
            verify(VIOLATION in str(future.exception()), what, future.exception())
        verify([details.reason for details in self.left] == [VIOLATION], what, self.left)

    async def end(self) -> None:
        """The connection is gone."""
        self.connection.connection_lost(None)
        for future in self.pending.values():
            if future.done() and not future.cancelled():
                future.exception()
        if self.pending:
            self.interrupted.cancel()
        await turns()
