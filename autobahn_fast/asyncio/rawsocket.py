# SPDX-License-Identifier: MIT
"""RawSocket connections as asyncio protocols, and factories for ``loop.create_connection`` and ``loop.create_server``.

``PrefixProtocol`` and ``RawSocketProtocol`` are for programs that carry their own messages over RawSocket framing. The WAMP
classes do their framing in the engine. Knows asyncio transports; WAMP over RawSocket is in ``autobahn_fast.rawsocket``.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable
from typing import Any

from autobahn_fast._framework import make_logger
from autobahn_fast._names import also_from
from autobahn_fast._overriding import is_own
from autobahn_fast.asyncio._framework import AsyncioFramework
from autobahn_fast.asyncio._receiver import direct_socket, receive_directly, set_reading
from autobahn_fast.asyncio.util import create_transport_details, get_serializers, peer2str
from autobahn_fast.rawsocket._protocol import (
    ERR_SERIALIZER_UNSUPPORTED,
    ERRMAP,
    FRAME_TYPE_DATA,
    FRAME_TYPE_PING,
    FRAME_TYPE_PONG,
    MAGIC_BYTE,
    HandshakeError,
    RawSocketFactoryOptions,
    WampRawSocketChannel,
)

__all__ = (
    "ERRMAP",
    "ERR_SERIALIZER_UNSUPPORTED",
    "FRAME_TYPE_DATA",
    "FRAME_TYPE_PING",
    "FRAME_TYPE_PONG",
    "MAGIC_BYTE",
    "HandshakeError",
    "PrefixProtocol",
    "RawSocketClientProtocol",
    "RawSocketProtocol",
    "RawSocketServerProtocol",
    "WampRawSocketClientFactory",
    "WampRawSocketClientProtocol",
    "WampRawSocketFactory",
    "WampRawSocketMixinAsyncio",
    "WampRawSocketMixinGeneral",
    "WampRawSocketServerFactory",
    "WampRawSocketServerProtocol",
)

_log = make_logger("autobahn_fast.asyncio.rawsocket")

RESERVED = 0xF0
LENGTH_25 = 0x08
"""In the first octet of a header: the length is 2^24, which three octets cannot say."""


class PrefixProtocol(asyncio.Protocol):
    """Messages with a header of one octet for the kind and three for the length; no handshake."""

    framework = AsyncioFramework
    log: Any = _log
    is_server: bool | None = None
    peer: str | None = None
    transport: Any = None
    factory: Any = None

    prefix_format = "!L"
    prefix_length = struct.calcsize(prefix_format)
    max_length = 2**24
    max_length_send = max_length

    _closed_future: Any = None
    _transport_details: Any = None
    _buffer: bytes | bytearray = b""

    @property
    def transport_details(self) -> Any:
        """TransportDetails of the connection, None before there is one."""
        return self._transport_details

    @property
    def is_closed(self) -> Any:
        """A future that is done when the transport is gone; done before there is one, too."""
        if self._closed_future is None:
            self._closed_future = AsyncioFramework.create_future()
            self._closed_future.set_result(None)
        return self._closed_future

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there."""
        self.transport = transport
        self.peer = peer2str(transport)
        details = create_transport_details(transport, bool(self.is_server))
        details.channel_framing = details.CHANNEL_FRAMING_RAWSOCKET
        self._transport_details = details
        self._buffer = bytearray()
        self._closed_future = AsyncioFramework.create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the transport is gone."""
        self.transport = None
        if self._closed_future is not None and not self._closed_future.done():
            self._closed_future.set_result(None)
        self._on_connection_lost(exc)

    def _on_connection_lost(self, exc: Exception | None) -> None:
        """For subclasses."""

    def protocol_error(self, msg: str) -> None:
        """The peer broke the protocol: the connection is closed.

        :param msg: what it did.
        """
        self.log.warn("RawSocket {peer}: protocol error: {msg}", peer=self.peer, msg=msg)
        self.transport.close()

    def sendString(self, data: bytes) -> None:
        """Send a message.

        :param data: its octets, at most ``max_length_send``.
        :raises ValueError: too many.
        """
        if len(data) > self.max_length_send:
            raise ValueError(
                f"a message of {len(data)} octets is larger than the {self.max_length_send} the peer accepts"
            )
        self._send_packet(FRAME_TYPE_DATA, data)

    def _send_packet(self, kind: int, data: bytes) -> None:
        head = (kind | LENGTH_25) << 24 if len(data) == 1 << 24 else kind << 24 | len(data)
        self.transport.write(struct.pack(self.prefix_format, head))
        self.transport.write(data)

    def ping(self, data: bytes) -> None:
        """A ping came in: answered with a pong. :param data: its payload."""
        self._send_packet(FRAME_TYPE_PONG, data)

    def pong(self, data: bytes) -> None:
        """A pong came in. For subclasses. :param data: its payload."""

    def stringReceived(self, data: bytes) -> None:
        """A message came in. Subclasses override it. :param data: its octets."""
        raise NotImplementedError("override stringReceived to take messages")

    def data_received(self, data: bytes) -> None:
        """asyncio: octets came in."""
        if not isinstance(self._buffer, bytearray):
            self._buffer = bytearray(self._buffer)
        self._buffer += data
        self._take_packets()

    def _take_packets(self) -> None:
        handlers = {FRAME_TYPE_DATA: "stringReceived", FRAME_TYPE_PING: "ping", FRAME_TYPE_PONG: "pong"}
        buffer, start, size = self._buffer, 0, self.prefix_length
        try:
            while len(buffer) - start >= size:
                first = buffer[start]
                (head,) = struct.unpack_from(self.prefix_format, buffer, start)
                length = head & 0xFFFFFF
                if first & RESERVED or first & 0x07 not in handlers or (first & LENGTH_25 and length):
                    self.protocol_error(f"not the header of a packet: 0x{head:08x}")
                    return
                if first & LENGTH_25:
                    length = 1 << 24
                if length > self.max_length:
                    self.protocol_error(f"a packet of {length} octets; {self.max_length} are accepted")
                    return
                end = start + size + length
                if len(buffer) < end:
                    return
                payload = bytes(buffer[start + size : end])
                start = end
                getattr(self, handlers[first & 0x07])(payload)
        finally:
            if start:
                self._buffer = buffer[start:]


class RawSocketProtocol(PrefixProtocol):
    """PrefixProtocol after the RawSocket handshake. Base of the client's and the server's."""

    _length_exp = 15
    _handshake_done = False

    def _set_max_message_size(self, size: int) -> None:
        """Accept messages up to the next power of two."""
        exponent = max(9, (size - 1).bit_length())
        self._length_exp = exponent - 9
        self.max_length = 1 << exponent

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there."""
        super().connection_made(transport)
        self._handshake_done = False
        size = getattr(self.factory, "_max_message_size", None)
        if isinstance(size, int):
            self._set_max_message_size(size)

    def _on_handshake_complete(self) -> None:
        """Messages can be sent. For subclasses."""

    def parse_handshake(self) -> tuple[int, int]:
        """Return (what the peer's handshake says of lengths or errors, its serializer id).

        :raises HandshakeError: the first octet is not that of RawSocket, or reserved bits are used.
        """
        magic, options, *reserved = self._buffer[:4]
        if magic != MAGIC_BYTE:
            raise HandshakeError(f"the first octet is 0x{magic:02x}, not 0x7f: the peer does not speak RawSocket")
        if any(reserved):
            raise HandshakeError("reserved octets are not zero", 3)
        return options >> 4, options & 0x0F

    def process_handshake(self) -> None:
        """Answer, or take, the peer's handshake.

        :raises HandshakeError: it is refused.
        """
        raise NotImplementedError("use RawSocketClientProtocol or RawSocketServerProtocol")

    def data_received(self, data: bytes) -> None:
        """asyncio: octets came in."""
        if not isinstance(self._buffer, bytearray):
            self._buffer = bytearray(self._buffer)
        self._buffer += data
        if not self._handshake_done:
            if len(self._buffer) < 4:
                return
            try:
                self.process_handshake()
            except HandshakeError as e:
                self._buffer = bytearray()
                self.protocol_error(f"handshake: {e}")
                return
            self._handshake_done = True
            self._buffer = self._buffer[4:]
            self._on_handshake_complete()
        self._take_packets()


class RawSocketServerProtocol(RawSocketProtocol):
    """The server's side."""

    is_server = True

    def supports_serializer(self, ser_id: int) -> bool:
        """Whether messages of that RawSocket serializer id (1 to 15) can be exchanged. Subclasses override it."""
        raise NotImplementedError("override supports_serializer")

    def process_handshake(self) -> None:
        """Answer the client's handshake.

        :raises HandshakeError: it is refused.
        """
        exponent, serializer = self.parse_handshake()
        if not self.supports_serializer(serializer):
            self.transport.write(bytes((MAGIC_BYTE, ERR_SERIALIZER_UNSUPPORTED << 4, 0, 0)))
            raise HandshakeError(f"serializer {serializer}", ERR_SERIALIZER_UNSUPPORTED)
        self.max_length_send = 1 << (exponent + 9)
        self.transport.write(bytes((MAGIC_BYTE, self._length_exp << 4 | serializer, 0, 0)))


class RawSocketClientProtocol(RawSocketProtocol):
    """The client's side."""

    is_server = False

    @property
    def serializer_id(self) -> int:
        """The RawSocket serializer id to ask for. Subclasses override it."""
        raise NotImplementedError("override serializer_id")

    def check_serializer(self, ser_id: int) -> bool:
        """Whether the server's answer is what was asked for."""
        return ser_id == self.serializer_id

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there. Begins the handshake."""
        super().connection_made(transport)
        self.transport.write(bytes((MAGIC_BYTE, self._length_exp << 4 | self.serializer_id, 0, 0)))

    def process_handshake(self) -> None:
        """Take the server's answer.

        :raises HandshakeError: it refused, or answered with something else.
        """
        exponent, serializer = self.parse_handshake()
        if serializer == 0:
            raise HandshakeError("the server refused", exponent)
        if not self.check_serializer(serializer):
            raise HandshakeError(f"the server answered with serializer {serializer}, which was not asked for")
        self.max_length_send = 1 << (exponent + 9)


class WampRawSocketMixinGeneral(WampRawSocketChannel):
    """WAMP messages over RawSocket."""


class WampRawSocketMixinAsyncio:
    """A WAMP RawSocket connection on an asyncio transport."""

    framework = AsyncioFramework
    _engine: Any
    _start_engine: Any
    _session: Any
    _fast_path = False

    def close(self) -> None:
        """Close after what was written so far is sent.

        :raises TransportLost: the transport is not open.
        """
        super().close()  # type: ignore[misc]

    def abort(self) -> None:
        """Drop the connection.

        :raises TransportLost: the transport is not open.
        """
        super().abort()  # type: ignore[misc]

    def _connected(self, transport: Any, serializers: Iterable[int]) -> None:
        """The transport is there: hand it to the engine."""
        PrefixProtocol.connection_made(self, transport)  # type: ignore[arg-type]
        try:
            defer = asyncio.get_running_loop().call_soon
        except RuntimeError:
            defer = None  # driven by hand: nothing is joined
        self._start_engine(serializers, self.is_server, defer)  # type: ignore[attr-defined]
        self.max_length = self._engine.max_receive

    def data_received(self, data: bytes) -> None:
        """asyncio: octets came in."""
        if self._engine.reading:
            self._engine.feed(data)

    def _end(self, abort: bool) -> None:
        # Closing a TLS transport may read from it once more, inside this call and maybe inside one of the engine's.
        if self._fast_path:
            self._fast_path = False
            self.transport.set_protocol(self)  # type: ignore[attr-defined]
        super()._end(abort)  # type: ignore[misc]

    def _on_handshake_complete(self) -> None:
        self._open_session()  # type: ignore[attr-defined]
        transport = self.transport  # type: ignore[attr-defined]
        plain = is_own(self, "data_received", WampRawSocketMixinAsyncio.data_received)
        if transport is not None and self._wire_open and plain:  # type: ignore[attr-defined]
            self._fast_path = receive_directly(transport, self, self._engine)

    def _transport_socket(self) -> tuple[Any, ...]:
        return direct_socket(self.transport)  # type: ignore[attr-defined]

    def _set_reading(self, reading: bool) -> bool:
        return set_reading(self.transport, reading)  # type: ignore[attr-defined]

    def _on_connection_lost(self, exc: Exception | None) -> None:
        self._lose_engine(exc is None, exc)  # type: ignore[attr-defined]

    def eof_received(self) -> bool | None:
        """asyncio: the peer has sent its last octet. The transport is closed."""
        return None

    def pause_writing(self) -> None:
        """asyncio: the transport has more to write than its limit."""
        self._transport_writable(False)  # type: ignore[attr-defined]

    def resume_writing(self) -> None:
        """asyncio: the transport has room again."""
        self._transport_writable(True)  # type: ignore[attr-defined]


class WampRawSocketServerProtocol(WampRawSocketMixinAsyncio, WampRawSocketMixinGeneral, RawSocketServerProtocol):
    """A WAMP server's connection."""

    def supports_serializer(self, ser_id: int) -> bool:
        """Whether the factory has a serializer of that RawSocket id."""
        return ser_id in self.factory._serializers

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there."""
        self._connected(transport, [i for i in range(1, 16) if self.supports_serializer(i)])

    def _serializer_for(self, serializer: int) -> Any:
        return self.factory._own_serializer(self.factory._serializers, serializer)


class WampRawSocketClientProtocol(WampRawSocketMixinAsyncio, WampRawSocketMixinGeneral, RawSocketClientProtocol):
    """A WAMP client's connection."""

    @property
    def serializer_id(self) -> int:
        """RawSocket id of the factory's serializer."""
        return self.factory._serializer.RAWSOCKET_SERIALIZER_ID  # type: ignore[no-any-return]

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport is there. Begins the handshake."""
        self._serializer = self.factory._own_serializer({0: self.factory._serializer}, 0)
        self._connected(transport, [self.serializer_id])

    def _serializer_for(self, serializer: int) -> Any:
        return self._serializer


class WampRawSocketFactory(RawSocketFactoryOptions):
    """Makes connections when called, as loops do."""

    log: Any = _log
    framework = AsyncioFramework
    protocol: Any

    def __call__(self) -> Any:
        """Return a new connection."""
        connection = self.protocol()
        connection.factory = self
        return connection


class WampRawSocketServerFactory(WampRawSocketFactory):
    """Makes WAMP server connections: ``await loop.create_server(factory, host, port)``."""

    protocol = WampRawSocketServerProtocol

    def __init__(self, factory: Callable[..., Any], serializers: Iterable[Any] | None = None) -> None:
        """
        :param factory: called without arguments, returns a session.
        :param serializers: what to speak; None: everything there is.
        :raises InvalidArgument: ``factory`` cannot be called. :raises ValueError: no serializer.
        """
        self._check_factory(factory)
        self._factory = factory
        self._serializers = self._serializer_map(serializers)


class WampRawSocketClientFactory(WampRawSocketFactory):
    """Makes WAMP client connections: ``await loop.create_connection(factory, host, port)``."""

    protocol = WampRawSocketClientProtocol

    def __init__(self, factory: Callable[..., Any], serializer: Any = None) -> None:
        """
        :param factory: called without arguments, returns a session.
        :param serializer: what to speak; None: the best there is (CBOR).
        :raises InvalidArgument: ``factory`` cannot be called.
        """
        self._check_factory(factory)
        self._factory = factory
        self._serializer = serializer if serializer is not None else get_serializers()[0]()


also_from(__name__, "wamp.exception", "wamp.types", "util", "asyncio.util")
