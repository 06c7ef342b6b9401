# SPDX-License-Identifier: MIT
"""RawSocket connections of both kinds (own messages, WAMP) and both roles, driven by hand: octets in, outcome out."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from autobahn_fast.asyncio import rawsocket as rs
from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.wamp import message
from autobahn_fast.wamp.exception import ProtocolError, SerializationError, TransportLost
from autobahn_fast.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer


@pytest.fixture(autouse=True)
def loop():
    import asyncio

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


class Transport:
    """Only what autobahn's protocols use of a transport."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed: list[str] = []

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed.append("close")

    def abort(self) -> None:
        self.closed.append("abort")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 6)}.get(name, default)

    @property
    def out(self) -> bytes:
        return b"".join(self.writes)


class Session:
    """A foreign session: takes message objects."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.transport: Any = None
        self.fail: Exception | None = None

    def onOpen(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("open")

    def onMessage(self, msg: Any) -> None:
        if self.fail is not None:
            raise self.fail
        self.events.append(msg)

    def onClose(self, wasClean: bool) -> None:
        self.events.append(("close", wasClean))


class Plain:
    def on_strings(self) -> list[bytes]:
        got: list[bytes] = []
        self.stringReceived = got.append
        return got


# --- PrefixProtocol ---


def prefix() -> tuple[Any, Transport, list[bytes]]:
    connection, transport, got = rs.PrefixProtocol(), Transport(), []
    connection.stringReceived = got.append
    connection.connection_made(transport)
    return connection, transport, got


def test_messages_at_any_split():
    raw = b"\x00\x00\x00\x05hello\x00\x00\x00\x00\x00\x00\x00\x02hi"
    for cut in range(len(raw) + 1):
        connection, _, got = prefix()
        connection.data_received(raw[:cut])
        connection.data_received(raw[cut:])
        assert got == [b"hello", b"", b"hi"]
        assert connection._buffer == b""


def test_the_rest_is_in_the_buffer():
    connection, _, got = prefix()
    connection.data_received(b"\x00\x00\x00\x02hi\x00\x00")
    assert (got, bytes(connection._buffer)) == ([b"hi"], b"\x00\x00")


def test_header_and_payload_are_two_writes():
    connection, transport, _ = prefix()
    connection.sendString(b"abc")
    assert transport.writes == [b"\x00\x00\x00\x03", b"abc"]


def test_too_long():
    connection, transport, _ = prefix()
    connection.max_length_send = connection.max_length = 4
    with pytest.raises(ValueError, match="5 octets"):
        connection.sendString(b"12345")
    connection.data_received(b"\x00\x00\x00\x05")
    assert (transport.writes, transport.closed) == ([], ["close"])


def test_the_longest_message_there_is():
    connection, transport, got = prefix()
    connection.sendString(b"x" * 2**24)
    assert transport.writes[0] == b"\x08\x00\x00\x00"
    connection.data_received(transport.out)
    assert [len(m) for m in got] == [2**24]


@pytest.mark.parametrize("head", [b"\x03\x00\x00\x00", b"\x10\x00\x00\x00", b"\x08\x00\x00\x01", b"\xff\xff\xff\xff"])
def test_no_header(head, caplog):
    connection, transport, got = prefix()
    connection.data_received(head)
    assert (got, transport.closed) == ([], ["close"])
    assert len(caplog.records) == 1


def test_pings_are_answered():
    connection, transport, _ = prefix()
    connection.data_received(b"\x01\x00\x00\x01p\x02\x00\x00\x01q")
    assert transport.out == b"\x02\x00\x00\x01p"


def test_is_closed():
    connection = rs.PrefixProtocol()
    assert connection.is_closed.done()
    connection.connection_made(Transport())
    assert not connection.is_closed.done()
    connection.connection_lost(None)
    assert connection.is_closed.done()


# --- handshakes without WAMP ---


def plain_server(supported: tuple[int, ...] = (1,)) -> tuple[Any, Transport, list[Any]]:
    connection, transport, got = rs.RawSocketServerProtocol(), Transport(), []
    connection.supports_serializer = lambda i: i in supported
    connection._on_handshake_complete = lambda: got.append("complete")
    connection.stringReceived = got.append
    connection.connection_made(transport)
    return connection, transport, got


def test_server_handshake_at_any_split():
    raw = b"\x7f\x31\x00\x00\x00\x00\x00\x02hi"
    for cut in range(len(raw) + 1):
        connection, transport, got = plain_server()
        connection.data_received(raw[:cut])
        connection.data_received(raw[cut:])
        assert got == ["complete", b"hi"]
        assert transport.out == b"\x7f\xf1\x00\x00"
        assert connection.max_length_send == 2**12


@pytest.mark.parametrize(
    ("raw", "out"), [(b"\x7f\xf5\x00\x00", b"\x7f\x10\x00\x00"), (b"\x7e\xf1\x00\x00", b""), (b"\x7f\xf1\x01\x00", b"")]
)
def test_server_refuses(raw, out):
    connection, transport, got = plain_server()
    connection.data_received(raw)
    assert (got, transport.out, transport.closed) == ([], out, ["close"])


class PlainClient(rs.RawSocketClientProtocol):
    serializer_id = 3


@pytest.mark.parametrize(
    ("raw", "complete"),
    [
        (b"\x7f\xf3\x00\x00", True),
        (b"\x7f\xf1\x00\x00", False),
        (b"\x7f\x10\x00\x00", False),
        (b"\x7e\xf3\x00\x00", False),
    ],
)
def test_client_handshake(raw, complete):
    connection, transport, got = PlainClient(), Transport(), []
    connection._on_handshake_complete = lambda: got.append("complete")
    connection.connection_made(transport)
    assert transport.out == b"\x7f\xf3\x00\x00"
    connection.data_received(raw)
    assert (got, transport.closed) == ((["complete"], []) if complete else ([], ["close"]))


# --- WAMP ---

SERIALIZERS = {1: JsonSerializer, 2: MsgPackSerializer, 3: CBORSerializer}


def wamp_server(size: int | None = None) -> tuple[Any, Transport, Session]:
    session = Session()
    factory = rs.WampRawSocketServerFactory(lambda: session, [cls() for cls in SERIALIZERS.values()])
    if size:
        factory.setProtocolOptions(maxMessagePayloadSize=size)
    connection, transport = factory(), Transport()
    connection.connection_made(transport)
    return connection, transport, session


def wamp_client(cls: Any = MsgPackSerializer) -> tuple[Any, Transport, Session]:
    session = Session()
    connection, transport = rs.WampRawSocketClientFactory(lambda: session, cls())(), Transport()
    connection.connection_made(transport)
    return connection, transport, session


HELLO = message.Abort("com.example.reason", "text")


def packet(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize("ident", SERIALIZERS)
def test_messages_at_any_split_over_wamp(ident):
    payload = SERIALIZERS[ident]().serialize(HELLO)[0]
    raw = bytes([0x7F, 0xF0 | ident, 0, 0]) + packet(payload) * 2
    for cut in range(len(raw) + 1):
        connection, transport, session = wamp_server()
        connection.data_received(raw[:cut])
        connection.data_received(raw[cut:])
        assert session.events == ["open", HELLO, HELLO]
        assert transport.out == bytes([0x7F, 0xF0 | ident, 0, 0])
        assert connection.isOpen()
        assert connection.transport_details.is_server is True
        assert connection.transport_details.channel_framing == connection.transport_details.CHANNEL_FRAMING_RAWSOCKET


@pytest.mark.parametrize("ident", SERIALIZERS)
def test_client_and_server(ident):
    client, client_transport, client_session = wamp_client(SERIALIZERS[ident])
    server, server_transport, server_session = wamp_server()
    server.data_received(client_transport.out)
    client.data_received(server_transport.out)
    assert client_session.events == server_session.events == ["open"]
    client_transport.writes.clear()
    client.send(HELLO)
    server.data_received(client_transport.out)
    assert server_session.events == ["open", HELLO]
    assert client_session.transport is client
    assert client.get_channel_id() is None


@pytest.mark.parametrize(("size", "exponent"), [(512, 0), (1000, 1), (1024, 1), (4096, 3), (2**20, 11), (2**24, 15)])
def test_the_limit_announced(size, exponent):
    connection, transport, _ = wamp_server(size)
    connection.data_received(b"\x7f\xf1\x00\x00")
    assert transport.out[1] >> 4 == exponent
    connection.data_received((2 ** (exponent + 9) + 1).to_bytes(4, "big") if exponent < 15 else b"\x08\x00\x00\x01")
    assert transport.closed == ["close"]


@pytest.mark.parametrize(
    "raw", [b"\x7f\xf5\x00\x00", b"\x7f\xf0\x00\x00", b"\x7f\xf1\x01\x00", b"GET / HTTP/1.1\r\n", b"\x00"]
)
def test_server_refuses_over_wamp(raw, caplog):
    connection, transport, session = wamp_server()
    connection.data_received(raw)
    assert transport.closed == ["close"]
    assert session.events == []
    assert len(caplog.records) == 1
    connection.connection_lost(None)
    assert session.events == []


def test_unsupported_serializer_is_answered():
    connection, transport, _ = wamp_server()
    connection.data_received(b"\x7f\xf5\x00\x00")
    assert transport.out == b"\x7f\x10\x00\x00"


def test_what_the_peer_accepts():
    connection, transport, _ = wamp_server()
    connection.data_received(b"\x7f\x01\x00\x00")
    with pytest.raises(PayloadExceededError):
        connection.send(message.Abort("com.example.reason", "x" * 600))
    assert transport.out == b"\x7f\xf1\x00\x00"
    connection.send(HELLO)
    assert len(transport.out) > 4


def test_unserializable():
    connection, transport, _ = wamp_server()
    connection.data_received(b"\x7f\xf1\x00\x00")
    before = transport.out
    with pytest.raises(SerializationError):
        connection.send(message.Publish(1, "com.example.topic", args=[object()]))
    assert transport.out == before
    connection.send(HELLO)


def test_pings_over_wamp():
    connection, transport, _ = wamp_server()
    connection.data_received(b"\x7f\xf1\x00\x00\x01\x00\x00\x03abc\x02\x00\x00\x01q")
    assert transport.out == b"\x7f\xf1\x00\x00\x02\x00\x00\x03abc"


@pytest.mark.parametrize("end", ["close", "abort"])
def test_ends(end):
    connection, transport, session = wamp_server()
    for call in (connection.close, connection.abort, lambda: connection.send(HELLO)):
        with pytest.raises(TransportLost):
            call()
    connection.data_received(b"\x7f\xf1\x00\x00")
    getattr(connection, end)()
    assert transport.closed == [end]
    assert not connection.isOpen()
    with pytest.raises(TransportLost):
        connection.send(HELLO)
    connection.connection_lost(None)
    assert session.events == ["open", ("close", True)]
    assert connection.is_closed.done()


def test_lost_in_the_middle_of_a_packet():
    connection, _, session = wamp_server()
    connection.data_received(b"\x7f\xf1\x00\x00\x00\x00\x00\x09[1,")
    connection.connection_lost(ConnectionResetError())
    assert session.events == ["open", ("close", False)]


@pytest.mark.parametrize(
    ("payload", "failure", "logged"),
    [
        (b"garbage", None, "protocol error"),
        (b"[9999]", None, "protocol error"),
        (b"{}", None, "protocol error"),
        (b"[3,{},5]", None, "protocol error"),
        (b"[" * 100000, None, "protocol error"),
        (b'[3,{},"a.b"]', ProtocolError("not now"), "not now"),
        (b'[3,{},"a.b"]', RuntimeError("my fault"), "Traceback"),
    ],
)
def test_bad_messages_and_sessions(payload, failure, logged, caplog):
    connection, transport, session = wamp_server()
    session.fail = failure
    connection.data_received(b"\x7f\xf1\x00\x00")
    with caplog.at_level(logging.WARNING):
        connection.data_received(packet(payload))
    assert transport.closed == ["abort"]
    assert session.events == ["open"]
    assert len(caplog.records) == 1
    assert logged in caplog.text


def test_a_session_that_does_not_open(caplog):
    def broken():
        raise RuntimeError("no session today")

    connection, transport = rs.WampRawSocketServerFactory(broken, [JsonSerializer()])(), Transport()
    connection.connection_made(transport)
    connection.data_received(b"\x7f\xf1\x00\x00")
    assert transport.closed == ["abort"]
    assert "no session today" in caplog.text


def test_backpressure_reaches_the_session():
    connection, _, session = wamp_server()
    seen = []
    session._transport_writable = seen.append
    connection.pause_writing()
    connection.data_received(b"\x7f\xf1\x00\x00")
    connection.pause_writing()
    connection.resume_writing()
    assert seen == [False, True]


@pytest.mark.parametrize("size", [511, 0, -1, 2**24 + 1, "x", True])
def test_options(size):
    factory = rs.WampRawSocketServerFactory(Session, [JsonSerializer()])
    with pytest.raises((TypeError, ValueError)):
        factory.setProtocolOptions(maxMessagePayloadSize=size)
    assert factory._max_message_size == 2**24


def test_factories():
    with pytest.raises((TypeError, ValueError)):
        rs.WampRawSocketServerFactory(5)
    with pytest.raises(ValueError, match="serializer"):
        rs.WampRawSocketServerFactory(Session, [])
    factory = rs.WampRawSocketServerFactory(Session)
    assert {1, 2, 3} <= set(factory._serializers)
    assert rs.WampRawSocketClientFactory(Session)._serializer.SERIALIZER_ID == "cbor"
    assert str(rs.HandshakeError("text", 1)) == "text: serializer unsupported"


def test_plain_serializers_are_taken_where_batched_ones_are_given_too():
    from autobahn_fast.asyncio.rawsocket import WampRawSocketServerFactory
    from autobahn_fast.wamp.serializer import JsonSerializer, UBJSONSerializer

    given = [UBJSONSerializer(batched=True), JsonSerializer(), UBJSONSerializer(), JsonSerializer(batched=True)]
    factory = WampRawSocketServerFactory(object, given)
    assert {one.SERIALIZER_ID for one in factory._serializers.values()} == {"ubjson", "json"}
