# SPDX-License-Identifier: MIT
"""Timeouts and keepalive, on a clock that is moved by hand."""

from __future__ import annotations

import pytest
from _ws_helpers import Client, Server, client_peer, make, make_clock, open_client, open_server, request, server_peer


@pytest.mark.parametrize("cls", [Server, Client])
def test_opening_takes_too_long(cls):
    clock = make_clock()
    connection, transport = make(cls, clock, openHandshakeTimeout=2.5)
    clock.advance(2.4)
    assert transport.closed is None
    clock.advance(0.2)
    assert transport.closed == "abort"
    assert connection.wasOpenHandshakeTimeout
    connection._connectionLost(None)
    assert "openHandshakeTimeout" in connection.wasNotCleanReason


def test_octets_one_at_a_time_do_not_stretch_the_opening():
    clock = make_clock()
    connection, transport = make(Server, clock, openHandshakeTimeout=2)
    for octet in request()[:40]:
        connection._dataReceived(bytes([octet]))
        clock.advance(0.1)
    assert transport.closed == "abort"


def test_no_timers_are_left():
    clock = make_clock()
    connection, _ = open_server(clock=clock, autoPingInterval=1, autoPingTimeout=1)
    connection.sendClose()
    connection._connectionLost(None)
    assert clock.timers == []


@pytest.mark.parametrize("opener", [open_server, open_client])
def test_closing_takes_too_long(opener):
    clock = make_clock()
    connection, transport = opener(clock=clock, closeHandshakeTimeout=1)
    connection.sendClose(1000)
    clock.advance(1.1)
    assert transport.closed == "abort"
    assert connection.wasCloseHandshakeTimeout
    connection._connectionLost(None)
    assert connection.seen[-1] == ("close", False, 1006)


def test_server_does_not_close_tcp():
    clock = make_clock()
    connection, transport = open_client(clock=clock, serverConnectionDropTimeout=1)
    connection._dataReceived(b"\x88\x00")
    clock.advance(0.9)
    assert transport.closed is None
    clock.advance(0.2)
    assert transport.closed == "abort"
    assert connection.wasServerConnectionDropTimeout


def test_timeout_of_zero_is_never():
    clock = make_clock()
    _, transport = make(Server, clock, openHandshakeTimeout=0)
    clock.advance(10**6)
    assert transport.closed is None


def pings(transport):
    return [event for event in client_peer().read(transport.take()) if event[0] == "ping"]


def test_keepalive_and_its_pong():
    clock = make_clock()
    seen = []

    class Own(Server):
        def onAutoPong(self, *args):
            seen.append(args)

    connection, transport = open_server(Own, clock, autoPingInterval=10, autoPingTimeout=5, autoPingSize=20)
    for number in (1, 2, 3):
        clock.advance(10.1)
        (ping,) = pings(transport)
        assert len(ping[1]) == 20
        clock.advance(4)
        connection._dataReceived(client_peer().frame(10, ping[1]))
        sent, sequence, received, took, payload = seen[-1]
        assert (sequence, payload, received - sent) == (number, ping[1], took)
    assert transport.closed is None
    assert len(seen) == 3


def test_a_silent_peer_is_noticed():
    clock = make_clock()
    connection, transport = open_server(clock=clock, autoPingInterval=10, autoPingTimeout=5)
    clock.advance(15.1)
    assert transport.closed == "abort"
    connection._connectionLost(None)
    assert "ping timeout" in connection.wasNotCleanReason
    assert connection.seen[-1] == ("close", False, 1006)


def test_any_traffic_counts_as_life():
    clock = make_clock()
    connection, transport = open_server(clock=clock, autoPingInterval=10, autoPingTimeout=5)
    for _ in range(20):
        connection._dataReceived(client_peer().frame(1, b"x"))
        clock.advance(4)
    assert pings(transport) == []
    clock.advance(11)
    assert len(pings(transport)) == 1
    connection._dataReceived(client_peer().frame(1, b"x"))  # no pong, but life
    clock.advance(5)
    assert transport.closed is None
    clock.advance(20)
    assert transport.closed == "abort"


def test_only_pongs_count_when_asked_for():
    clock = make_clock()
    connection, transport = open_server(
        clock=clock, autoPingInterval=10, autoPingTimeout=5, autoPingRestartOnAnyTraffic=False
    )
    clock.advance(9)
    connection._dataReceived(client_peer().frame(1, b"x"))
    clock.advance(1.5)
    assert len(pings(transport)) == 1
    connection._dataReceived(client_peer().frame(10, b"another pong"))
    clock.advance(5)
    assert transport.closed == "abort"


def test_a_large_send_in_progress_is_life():
    clock = make_clock()
    connection, transport = open_server(clock=clock, autoPingInterval=10, autoPingTimeout=5)
    backlog = [1000]
    connection._write_backlog = lambda: backlog[0]
    clock.advance(10)
    for left in (900, 500, 100):
        backlog[0] = left
        clock.advance(5)
        assert transport.closed is None
    clock.advance(5)
    assert transport.closed == "abort"


def test_pings_without_timeout_go_on():
    clock = make_clock()
    _, transport = open_client(clock=clock, autoPingInterval=1)
    clock.advance(3.5)
    got = [event for event in server_peer().read(transport.take()) if event[0] == "ping"]
    assert len(got) == 3
    assert transport.closed is None
