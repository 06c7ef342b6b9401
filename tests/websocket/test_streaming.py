# SPDX-License-Identifier: MIT
"""The frame and streaming API, both ways."""

from __future__ import annotations

import pytest
from _ws_helpers import Server, client_peer, open_server


class Frames(Server):
    def onMessageBegin(self, isBinary):
        super().onMessageBegin(isBinary)
        self.events.append(("begin", isBinary))

    def onMessageFrame(self, payload):
        self.events.append(("frame", b"".join(payload)))
        super().onMessageFrame(payload)

    def onMessageEnd(self):
        self.events.append("end")
        super().onMessageEnd()


class Streams(Server):
    def onMessageBegin(self, isBinary):
        self.events.append(("begin", isBinary))

    def onMessageFrameBegin(self, length):
        self.events.append(("frame begin", length))

    def onMessageFrameData(self, payload):
        self.events.append(("data", payload))

    def onMessageFrameEnd(self):
        self.events.append("frame end")

    def onMessageEnd(self):
        self.events.append("end")


def two_frames() -> bytes:
    peer = client_peer()
    return peer.frame(1, b"abc", fin=False) + peer.frame(9, b"p") + peer.frame(0, b"de")


def test_frames_in():
    connection, _ = open_server(Frames)
    connection._dataReceived(two_frames())
    assert connection.seen[1:] == [
        ("begin", False),
        ("frame", b"abc"),
        ("frame", b"de"),
        "end",
        ("message", b"abcde", False),
    ]


def test_octets_in_at_any_split():
    raw = two_frames()
    for cut in range(len(raw) + 1):
        connection, transport = open_server(Streams)
        connection._dataReceived(raw[:cut])
        connection._dataReceived(raw[cut:])
        got = connection.seen[1:]
        assert b"".join(e[1] for e in got if e[0] == "data") == b"abcde"
        assert [e for e in got if e[0] != "data"] == [
            ("begin", False), ("frame begin", 3), "frame end", ("frame begin", 2), "frame end", "end"
        ]  # fmt: skip
        assert client_peer().read(transport.out) == [("pong", b"p")]


def test_hooks_on_the_instance():
    connection, _ = open_server()
    assert connection.engine.frame_mode is False

    class Own(Server):
        def onOpen(self):
            super().onOpen()

    connection, _ = open_server(Own)
    seen = []
    connection._onMessageEnd = lambda: seen.append("end")
    connection.engine.frame_mode = connection._wants_frames()
    connection._dataReceived(two_frames())
    assert seen == ["end"]


def test_frames_out():
    connection, transport = open_server()
    connection.beginMessage(isBinary=True)
    connection.sendMessageFrame(b"abc")
    connection.beginMessageFrame(4)
    assert connection.sendMessageFrameData(b"d") == 3
    connection.sendPing(b"between")
    assert connection.sendMessageFrameData(b"efgHI") == -2
    connection.endMessage()
    assert client_peer().read(transport.out) == [("ping", b"between"), ("message", b"abcdefg", True)]
    connection.sendMessage(b"next")


def test_an_empty_frame_takes_its_empty_payload():
    connection, transport = open_server()
    connection.beginMessage()
    connection.beginMessageFrame(0)
    with pytest.raises(RuntimeError, match="sending state"):
        connection.beginMessageFrame(1)
    assert connection.sendMessageFrameData(b"") == 0
    with pytest.raises(RuntimeError, match="sending state"):
        connection.sendMessageFrameData(b"")
    connection.beginMessageFrame(0)
    assert connection.sendMessageFrameData(b"abc") == -3
    connection.sendMessageFrame(b"")
    connection.sendMessageFrame(b"x")
    connection.beginMessageFrame(0)
    connection.endMessage()
    assert transport.out == b"\x01\x00" + b"\x00\x00" * 2 + b"\x00\x01x" + b"\x00\x00" + b"\x80\x00"


def test_a_frame_that_lacks_payload_is_not_the_end_of_a_message():
    connection, _ = open_server()
    connection.beginMessage()
    connection.beginMessageFrame(2)
    connection.sendMessageFrameData(b"a")
    with pytest.raises(RuntimeError, match="sending state"):
        connection.endMessage()


def test_out_of_order():
    connection, transport = open_server()
    for wrong in (
        lambda: connection.endMessage(),
        lambda: connection.beginMessageFrame(1),
        lambda: connection.sendMessageFrameData(b"x"),
        lambda: connection.sendMessageFrame(b"x"),
    ):
        with pytest.raises(RuntimeError, match="sending state"):
            wrong()
    assert transport.out == b""
    connection.beginMessage()
    with pytest.raises(RuntimeError, match="sending state"):
        connection.beginMessage()
    with pytest.raises(RuntimeError):
        connection.sendMessage(b"x")
    with pytest.raises(ValueError, match="octets"):
        connection.beginMessageFrame(-1)
    connection.endMessage()
    assert transport.out == b"\x81\x00"
