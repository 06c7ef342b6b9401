# SPDX-License-Identifier: MIT
"""Open connections: messages, pings, violations, the closing handshake; bytes in, outcome out."""

from __future__ import annotations

import logging

import pytest
from _ws_helpers import (
    Client,
    Peer,
    Server,
    client_peer,
    make,
    open_client,
    open_server,
    request,
    response,
    server_peer,
)

from autobahn_fast.exception import Disconnected, PayloadExceededError
from autobahn_fast.websocket.protocol import WebSocketServerFactory

BOTH = pytest.mark.parametrize("opener", [open_server, open_client])


def peer_of(connection) -> Peer:
    return client_peer() if connection.factory.isServer else server_peer()


@BOTH
def test_messages_both_ways(opener):
    connection, transport = opener()
    peer = peer_of(connection)
    connection._dataReceived(peer.frame(1, b"in") + peer.frame(2, b"\xff"))
    connection.sendMessage(b"out")
    connection.sendMessage(bytearray(b"\x00"), True)
    connection.sendMessage(b"abcdef", fragmentSize=4)
    assert connection.seen == ["open", ("message", b"in", False), ("message", b"\xff", True)]
    assert peer.read(transport.out) == [
        ("message", b"out", False),
        ("message", b"\x00", True),
        ("message", b"abcdef", False),
    ]


@BOTH
def test_pings(opener):
    connection, transport = opener()
    peer = peer_of(connection)
    connection._dataReceived(peer.frame(9, b"are you there"))
    assert peer.read(transport.take()) == [("pong", b"are you there")]
    connection.sendPing(b"x")
    connection.sendPong()
    assert peer.read(transport.take()) == [("ping", b"x"), ("pong", b"")]
    connection._dataReceived(peer.frame(10, b"y"))
    assert connection.seen[1:] == [("pong", b"y")]
    with pytest.raises(ValueError, match="125"):
        connection.sendPing(b"x" * 126)
    with pytest.raises(TypeError):
        connection.sendPong("x")


def test_prepared_message():
    connection, transport = open_server()
    prepared = WebSocketServerFactory("ws://localhost").prepareMessage(b"hi")
    assert prepared.payloadHybi == b"\x81\x02hi"
    connection.sendPreparedMessage(prepared)
    assert transport.out == b"\x81\x02hi"
    client, transport = open_client()
    client.sendPreparedMessage(client.factory.prepareMessage(b"hi"))
    client.sendPreparedMessage(client.factory.prepareMessage(b"hi"))
    assert server_peer().read(transport.out) == [("message", b"hi", False)] * 2


def test_single_frames():
    connection, transport = open_server()
    connection.sendFrame(1, b"ab", fin=False)
    connection.sendFrame(0, b"xy", payload_len=5)
    connection.sendFrame(2, b"q", rsv=4, chopsize=1, sync=True)
    assert transport.out == b"\x01\x02ab\x80\x05xyxyx\xc2\x01q"


@BOTH
def test_too_large_to_send(opener):
    connection, transport = opener(maxMessagePayloadSize=3)
    with pytest.raises(PayloadExceededError):
        connection.sendMessage(b"1234")
    assert connection.wasMaxMessagePayloadSizeExceeded
    assert transport.out == b""


@BOTH
def test_not_open(opener):
    connection, transport = opener()
    connection._connectionLost(None)
    for send in (lambda: connection.sendMessage(b"x"), lambda: connection.sendPreparedMessage(None)):
        with pytest.raises(Disconnected):
            send()
    connection.sendPing(b"x")
    connection.sendClose()
    connection.beginMessage()
    connection.dropConnection()
    assert transport.out == b""


VIOLATIONS = [
    (b"\x83\x00", 1002),
    (b"\xc1\x00", 1002),
    (b"\x91\x00", 1002),
    (b"\x09\x00", 1002),
    (b"\x80\x00", 1002),
    (b"\x88\x01\x00", 1002),
    (b"\x88\x02\x03\xec", 1002),
    (b"\x88\x02\x03\xed", 1002),
    (b"\x88\x02\x03\xf7", 1002),
    (b"\x88\x02\x07\xd0", 1002),
    (b"\x88\x02\x13\x88", 1002),
    (b"\x88\x02\x00\x00", 1002),
    (b"\x88\x04\x03\xe8\xff\xff", 1007),
    (b"\x81\x02h\xff", 1007),
    (b"\x81\x03\xed\xa0\x80", 1007),
    (b"\x82\x05hello", 1009),
    (b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1002),
    (b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
    (b"\x82\x7e\x00\x02ab", 1002),
    (b"\x82\x80abcd", 1002),
]


@pytest.mark.parametrize(("octets", "code"), VIOLATIONS)
@pytest.mark.parametrize("drop", [True, False])
def test_violations_of_a_server(octets, code, drop, caplog):
    connection, transport = open_client(failByDrop=drop, maxMessagePayloadSize=4)
    with caplog.at_level(logging.WARNING):
        for octet in octets:
            connection._dataReceived(bytes([octet]))
            if connection.failedByMe:
                break
    assert connection.failedByMe
    assert len(caplog.records) == 1
    if drop:
        assert (transport.out, transport.closed) == (b"", "abort")
    else:
        assert server_peer().read(transport.take())[0][:2] == ("close", code)
        assert connection.localCloseCode == code
        connection._dataReceived(b"\x88\x02\x03\xe8")  # the peer's own close frame
        assert transport.closed == "close"
    connection._connectionLost(None)
    assert connection.seen == ["open", ("close", False, 1006)]
    assert connection.wasMaxMessagePayloadSizeExceeded is (code == 1009)


@BOTH
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xec", 1002),
        (b"\x13\x88", 1002),
        (b"\x03\xe8\xff\xff", 1007),
        (b"\x03\xe8" + b"x" * 124, 1002),
    ],
)
def test_a_bad_close_frame_is_the_last_thing_from_the_peer(opener, payload, code):
    connection, transport = opener(failByDrop=False)
    peer = peer_of(connection)
    connection._dataReceived(peer.frame(8, payload))
    assert peer.read(transport.take())[0][:2] == ("close", code)
    # the server closes TCP at once, as after a good one; the client leaves that to the server
    assert transport.closed == ("close" if connection.factory.isServer else None)
    connection._connectionLost(None)
    assert connection.seen == ["open", ("close", False, 1006)]


def test_unmasked_frame_from_a_client():
    connection, transport = open_server(failByDrop=False)
    connection._dataReceived(b"\x81\x01x")
    assert client_peer().read(transport.out)[0][:2] == ("close", 1002)
    assert connection.seen == ["open"]
    connection, _ = open_server(requireMaskedClientFrames=False)
    connection._dataReceived(b"\x81\x01x")
    assert connection.seen == ["open", ("message", b"x", False)]


def test_frame_limit():
    connection, _ = open_client(maxFramePayloadSize=4)
    connection._dataReceived(b"\x82\x05hello")
    assert connection.wasMaxFramePayloadSizeExceeded


def test_a_callback_that_raises_closes_with_1011(caplog):
    class Bad(Server):
        def onMessage(self, payload, isBinary):
            raise RuntimeError("my fault")

    class BadLater(Server):
        async def onMessage(self, payload, isBinary):
            raise RuntimeError("my fault")

    for cls in (Bad, BadLater):
        caplog.clear()
        connection, transport = open_server(cls)
        connection._dataReceived(client_peer().frame(1, b"x"))
        assert client_peer().read(transport.out) == [("close", 1011, "internal error")]
        assert "my fault" in caplog.text
        assert "Traceback" in caplog.text


def test_observers_of_messages():
    connection, _ = open_server()
    seen = []
    connection.on("message", lambda *args, **kwargs: seen.append((args, kwargs)))
    connection._dataReceived(client_peer().frame(1, b"x"))
    assert seen == [((connection, b"x"), {"is_binary": False})]


# --- closing ---


@BOTH
def test_peer_closes(opener):
    connection, transport = opener()
    peer = peer_of(connection)
    connection._dataReceived(peer.frame(8, b"\x0b\xb8bye") + peer.frame(1, b"too late"))
    assert peer.read(transport.take()) == [("close", 1000, "")]
    assert transport.closed == ("close" if connection.factory.isServer else None)
    connection._connectionLost(None)
    assert connection.seen == ["open", ("close", True, 3000)]
    assert (connection.remoteCloseCode, connection.remoteCloseReason) == (3000, "bye")
    assert connection.is_closed.done()


@BOTH
def test_peer_closes_without_a_code(opener):
    connection, transport = opener()
    peer = peer_of(connection)
    connection._dataReceived(peer.frame(8))
    assert peer.read(transport.take()) == [("close", 1000, "")]
    connection._connectionLost(None)
    assert connection.seen == ["open", ("close", True, None)]


def test_echo_of_code_and_reason():
    connection, transport = open_server(echoCloseCodeReason=True)
    connection._dataReceived(client_peer().frame(8, b"\x0b\xb8bye"))
    assert client_peer().read(transport.out) == [("close", 3000, "bye")]


@BOTH
def test_this_side_closes(opener):
    connection, transport = opener()
    peer = peer_of(connection)
    connection.sendClose(3001, "done")
    assert peer.read(transport.take()) == [("close", 3001, "done")]
    assert (connection.state, connection.localCloseCode, connection.localCloseReason) == (2, 3001, "done")
    connection.sendClose(3002)
    with pytest.raises(Disconnected):
        connection.sendMessage(b"x")
    assert transport.out == b""
    connection._dataReceived(peer.frame(1, b"still on its way") + peer.frame(8, b"\x03\xe8"))
    assert transport.out == b""
    connection._connectionLost(None)
    assert connection.seen == ["open", ("message", b"still on its way", False), ("close", True, 1000)]


def test_the_shortest_close_frame():
    connection, transport = open_server()
    connection.sendClose()
    assert transport.out == b"\x88\x00"


@pytest.mark.parametrize(
    ("reason", "kept"), [("x" * 200, "x" * 123), ("é" * 62, "é" * 61), ("\U0001f600" * 40, "\U0001f600" * 30)]
)
def test_long_reasons_are_cut_between_characters(reason, kept):
    connection, transport = open_server()
    connection.sendClose(1000, reason)
    assert client_peer().read(transport.out) == [("close", 1000, kept)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((10,), "invalid close code 10"),
        ((1001,), "invalid close code 1001"),
        ((5000,), "invalid close code"),
        (("x",), "invalid type"),
        ((True,), "invalid type"),
        ((1000, b"x"), "invalid type"),
        ((None, "x"), "close reason without close code"),
    ],
)
def test_wrong_arguments_send_nothing(arguments, text):
    connection, transport = open_server()
    with pytest.raises((TypeError, ValueError), match=text):
        connection.sendClose(*arguments)
    assert (transport.out, connection.state) == (b"", connection.STATE_OPEN)


def test_close_inside_a_callback():
    class Own(Server):
        def onMessage(self, payload, isBinary):
            super().onMessage(payload, isBinary)
            self.sendClose(1000)

    connection, transport = open_server(Own)
    connection._dataReceived(client_peer().frame(1, b"a") + client_peer().frame(1, b"b"))
    assert client_peer().read(transport.out) == [("close", 1000, "")]


def test_drop_inside_a_callback():
    class Own(Client):
        def onMessage(self, payload, isBinary):
            super().onMessage(payload, isBinary)
            self.dropConnection(abort=True)

    connection, transport = open_client(Own)
    connection._dataReceived(b"\x81\x01a\x81\x01b")
    assert (transport.closed, transport.out) == ("abort", b"")
    assert connection.seen == ["open", ("message", b"a", False)]
    connection._connectionLost(None)
    assert connection.seen[-1] == ("close", False, 1006)


def test_what_was_written_goes_out_before_the_drop():
    connection, transport = open_server()
    connection.sendMessage(b"last")
    connection.dropConnection()
    assert (transport.out, transport.closed) == (b"\x81\x04last", "close")


def test_lost_once_only():
    connection, _ = open_server()
    connection._connectionLost(None)
    connection._connectionLost(None)
    assert connection.seen == ["open", ("close", False, 1006)]


def test_octets_through_send_data_when_it_is_overridden():
    class Own(Server):
        def sendData(self, data, sync=False, chopsize=None):
            self.events.append(("octets", len(data)))
            super().sendData(data, sync, chopsize)

    connection, transport = open_server(Own)
    connection.sendMessage(b"x")
    assert connection.seen[-1] == ("octets", 3)
    assert transport.out == b"\x81\x01x"


def test_a_large_message_right_behind_the_handshake():
    payload = b"x" * 200_000
    client, _ = make(Client)
    client._dataReceived(response(client.websocket_key) + server_peer().frame(2, payload))
    assert client.seen == ["open", ("message", payload, True)]
    server, _ = make(Server)
    server._dataReceived(request() + client_peer().frame(2, payload))
    assert server.seen == ["open", ("message", payload, True)]


@BOTH
def test_a_message_is_refused_in_every_state_but_open(opener):
    connection, _ = opener()
    connection.sendMessage(b"open")
    connection.dropConnection()
    with pytest.raises(Disconnected):
        connection.sendMessage(b"dropped")
    connection, _ = opener()
    connection.sendClose(1000)
    with pytest.raises(Disconnected):
        connection.sendMessage(b"closing")
    connection._connectionLost(None)
    with pytest.raises(Disconnected):
        connection.sendMessage(b"closed")
    connection, _ = make(type(connection))
    assert connection.engine is not None  # somebody had a look at it too early
    with pytest.raises(Disconnected):
        connection.sendMessage(b"connecting")


@BOTH
def test_callbacks_may_be_replaced_while_the_connection_is_open(opener):
    connection, _ = opener()
    peer, seen = peer_of(connection), []
    connection._dataReceived(peer.frame(1, b"a"))
    connection.onMessage = lambda payload, isBinary: seen.append(("own", payload, isBinary))
    connection.on("message", lambda source, payload, is_binary: seen.append(("listener", payload, is_binary)))
    connection._dataReceived(peer.frame(2, b"b"))
    assert connection.seen == ["open", ("message", b"a", False)]
    assert seen == [("own", b"b", True), ("listener", b"b", True)]
    connection.off()
    connection._dataReceived(peer.frame(1, b"c"))
    assert seen[2:] == [("own", b"c", False)]


@BOTH
def test_the_step_before_onMessage_may_be_overridden(opener):
    class Own(Server if opener is open_server else Client):
        def _onMessage(self, payload, isBinary):
            super()._onMessage(payload.upper(), isBinary)

    connection, _ = opener(Own)
    connection._dataReceived(peer_of(connection).frame(1, b"a"))
    assert connection.seen == ["open", ("message", b"A", False)]
