# SPDX-License-Identifier: MIT
"""Compression on a connection: what is sent compressed, what comes in, limits and corrupt octets with every codec."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from _compress_helpers import CODECS, classes, pack, pair, zlib_of
from _ws_helpers import Client, Server, client_peer, make, request, response, server_peer

from autobahn_fast.exception import PayloadExceededError
from autobahn_fast.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponseAccept
from autobahn_fast.websocket.compress_base import PART

RSV1 = 4
every = pytest.mark.parametrize("name", CODECS)


def accept(offers: list[Any]) -> Any:
    return classes(offers[0].EXTENSION_NAME.partition("-")[2])["OfferAccept"](offers[0])


def serve(name: str = "deflate/zlib", cls: Any = Server, **options: Any) -> tuple[Any, Any, Any]:
    """An open server connection with that compression, its transport, and a peer with the client's codec."""
    with zlib_of(name):
        connection, transport = make(cls, perMessageCompressionAccept=accept, **options)
        extension = f"permessage-{name.partition('/')[0]}"
        connection._dataReceived(request(Sec_WebSocket_Extensions=extension))
        assert connection.state == connection.STATE_OPEN
        transport.take()
        peer = client_peer()
        peer.engine.compression = pair(name)[0]
        return connection, transport, peer


def connect(cls: Any = Client, **options: Any) -> tuple[Any, Any, Any]:
    """The same for a client, with permessage-deflate."""
    with zlib_of("deflate/zlib"):
        connection, transport = make(
            cls,
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=PerMessageDeflateResponseAccept,
            **options,
        )
        transport.take()
        answer = ("Sec-WebSocket-Extensions: permessage-deflate",)
        connection._dataReceived(response(connection.websocket_key, extra=answer))
        assert connection.state == connection.STATE_OPEN
        peer = server_peer()
        peer.engine.compression = pair("deflate/zlib")[1]
        return connection, transport, peer


def message(peer: Any, payload: bytes, binary: bool = False) -> bytes:
    """A compressed message as the peer sends it."""
    return peer.frame(2 if binary else 1, pack(peer.engine.compression, payload), rsv=RSV1)


@every
def test_both_ways(name):
    connection, transport, peer = serve(name)
    for payload in (b"hello", b"", b"hello" * 10_000):
        connection._dataReceived(message(peer, payload, True))
        assert connection.seen.pop() == ("message", payload, True)
        connection.sendMessage(payload)
        octets = transport.take()
        assert octets[0] == 0xC1
        assert len(octets) < 3000
        assert peer.read(octets) == [("message", payload, False)]


@pytest.mark.parametrize("opened", [serve, connect])
def test_what_is_compressed(opened):
    connection, transport, peer = opened()

    def first_octets(send: Any) -> int:
        send()
        octets = transport.take()
        got = peer.read(octets)
        assert got == [("message", b"hello", False)], got
        return octets[0]

    factory = connection.factory
    assert first_octets(lambda: connection.sendMessage(b"hello")) == 0xC1
    assert first_octets(lambda: connection.sendMessage(b"hello", doNotCompress=True)) == 0x81
    assert first_octets(lambda: connection.sendMessage(b"hello", fragmentSize=2)) == 0x41
    assert first_octets(lambda: connection.sendMessage(b"hello", fragmentSize=2, doNotCompress=True)) == 0x01
    assert first_octets(lambda: connection.sendPreparedMessage(factory.prepareMessage(b"hello"))) == 0xC1
    plain = factory.prepareMessage(b"hello", doNotCompress=True)
    assert first_octets(lambda: connection.sendPreparedMessage(plain)) == 0x81

    def by_frames(**options: Any) -> None:
        connection.beginMessage(**options)
        connection.sendMessageFrame(b"he")
        connection.beginMessageFrame(3)
        assert connection.sendMessageFrameData(b"l") == 2
        assert connection.sendMessageFrameData(b"lo") == 0
        connection.endMessage()

    assert first_octets(by_frames) & 0x7F == 0x41
    assert first_octets(lambda: by_frames(doNotCompress=True)) == 0x01
    assert first_octets(lambda: connection.sendMessage(b"hello")) == 0xC1
    assert connection.trafficStats.outgoingWebSocketMessages == 9


def test_prepared_message_for_connections_with_and_without():
    with_it, transport, peer = serve()
    prepared = with_it.factory.prepareMessage(b"hello" * 100, True)
    for _ in range(2):
        with_it.sendPreparedMessage(prepared)
        octets = transport.take()
        assert len(octets) < 50
        assert peer.read(octets) == [("message", b"hello" * 100, True)]
    without, transport = make(Server)
    without._dataReceived(request())
    transport.take()
    without.sendPreparedMessage(prepared)
    assert transport.take() == prepared.payloadHybi


def test_too_large_to_send():
    connection, transport, peer = serve(maxMessagePayloadSize=100)
    with pytest.raises(PayloadExceededError):
        connection.sendMessage(b"x" * 101)
    assert connection.wasMaxMessagePayloadSizeExceeded
    connection.sendMessage(b"x" * 100)
    assert peer.read(transport.take()) == [("message", b"x" * 100, False)]


class Streams(Server):
    def onMessageFrameBegin(self, length: int) -> None:
        self.events.append(("frame begin", length))

    def onMessageFrameData(self, payload: bytes) -> None:
        self.events.append(("data", payload))

    def onMessageFrameEnd(self) -> None:
        self.events.append("frame end")

    def onMessageEnd(self) -> None:
        self.events.append("end")


@every
def test_streaming_hooks_get_uncompressed_octets(name):
    connection, _, peer = serve(name, Streams)
    payload = b"hello " * 3000
    octets = message(peer, payload)
    for i in range(0, len(octets), 11):
        connection._dataReceived(octets[i : i + 11])
    seen = connection.seen[1:]
    assert seen[0][0] == "frame begin"
    assert seen[-2:] == ["frame end", "end"]
    assert b"".join(e[1] for e in seen if e[0] == "data") == payload


@every
@pytest.mark.parametrize("cls", [Server, Streams])
def test_limit(name, cls):
    connection, transport, peer = serve(name, cls, maxMessagePayloadSize=1024)
    connection._dataReceived(message(peer, b"x" * 1024))
    assert not connection.wasMaxMessagePayloadSizeExceeded
    before = list(connection.seen)
    connection._dataReceived(message(peer, b"x" * 100_000))
    assert connection.wasMaxMessagePayloadSizeExceeded
    assert not connection.wasMaxFramePayloadSizeExceeded
    assert connection.failedByMe
    assert connection.droppedByMe
    assert transport.closed == "abort"
    assert [e for e in connection.seen[len(before) :] if e[0] in ("data", "message")] == []
    connection._connectionLost(None)
    assert connection.seen[-1] == ("close", False, 1006)
    assert "too large" in connection.wasNotCleanReason


@every
@pytest.mark.parametrize("cls", [Server, Streams])
@pytest.mark.parametrize("drop", [True, False])
def test_corrupt(name, cls, drop):
    connection, transport, peer = serve(name, cls, failByDrop=drop)
    connection._dataReceived(peer.frame(2, b"\xff\xfe\xfd nonsense of a peer", rsv=RSV1))
    assert connection.failedByMe
    assert "cannot be decompressed" in connection.wasNotCleanReason
    if drop:
        assert transport.closed == "abort"
    else:
        assert connection.localCloseCode == 1007
        assert peer.read(transport.take())[0][:2] == ("close", 1007)
    assert [e for e in connection.seen if e[0] in ("data", "message")] == []
    connection._dataReceived(message(peer, b"more"))
    assert [e for e in connection.seen if e[0] in ("data", "message")] == []


def test_rsv1_without_compression():
    connection, _ = make(Server, failByDrop=False)
    connection._dataReceived(request())
    connection._dataReceived(client_peer().frame(1, b"x", rsv=RSV1))
    assert connection.localCloseCode == 1002


def test_text_that_is_not_utf8():
    connection, _, peer = serve(failByDrop=False)
    connection._dataReceived(message(peer, b"\xed\xa0\x80"))
    assert connection.localCloseCode == 1007


def test_compression_set_by_hand_reaches_an_engine_that_is_there():
    connection, transport = make(Server)
    connection._dataReceived(request())
    transport.take()
    client, server = pair("deflate/zlib")
    connection._perMessageCompress = server
    assert connection.engine.compression is server
    connection._dataReceived(client_peer().frame(1, pack(client, b"hello"), rsv=RSV1))
    assert connection.seen[-1] == ("message", b"hello", False)


class Counting(Server):
    """Takes messages as they come and keeps only their size."""

    size = largest = 0
    failing = False

    def onMessageFrameData(self, payload: bytes) -> None:
        self.size += len(payload)
        self.largest = max(self.largest, len(payload))
        if self.failing:
            raise RuntimeError("on purpose")

    def onMessageFrameEnd(self) -> None:
        pass

    def onMessageEnd(self) -> None:
        self.events.append("end")


BOMB = 48 << 20


@pytest.mark.parametrize("name", [c for c in CODECS if c != "snappy"])
def test_without_a_limit_a_bomb_is_taken_in_parts(name):
    connection, _, peer = serve(name, Counting)
    codec = peer.engine.compression
    codec.start_compress_message()
    zeros = bytes(1 << 20)
    packed = b"".join(codec.compress_message_data(zeros) for _ in range(BOMB >> 20)) + codec.end_compress_message()
    octets = peer.frame(2, packed, rsv=RSV1)
    tracemalloc.start()
    try:
        for i in range(0, len(octets), 65536):
            connection._dataReceived(octets[i : i + 65536])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert connection.size == BOMB
    assert connection.seen[-1] == "end"
    assert connection.largest <= 2 * PART
    assert peak < 8 << 20
    assert connection.engine.allocated == 0


def test_a_hook_that_raises_at_every_part():
    connection, transport, peer = serve("deflate/zlib", Counting)
    connection.failing = True
    connection._dataReceived(message(peer, bytes(20 * PART)) + message(peer, b"x"))
    assert connection.size == 20 * PART + 1
    assert connection.seen[-2:] == ["end", "end"]
    (close,) = client_peer().read(transport.take())
    assert close[:2] == ("close", 1011)
