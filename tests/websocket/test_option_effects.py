# SPDX-License-Identifier: MIT
"""What every option of ``setProtocolOptions`` does, one function for each; a new option without one fails here."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from _ws_helpers import (
    Client,
    Server,
    client_peer,
    make,
    make_clock,
    open_client,
    open_server,
    request,
    response,
    server_peer,
)  # fmt: skip

from autobahn_fast._framework import NoLoop
from autobahn_fast.websocket import _options
from autobahn_fast.websocket.compress_deflate import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponseAccept,
)

BOTH = [(open_server, client_peer), (open_client, server_peer)]


def sent(connection: Any) -> list[Any]:
    """What the peer makes of what was sent."""
    peer = client_peer() if connection.factory.isServer else server_peer()
    return peer.read(connection.transport.take())


def status(connection: Any) -> int:
    return int(connection.transport.out.split(b" ", 2)[1])


def asked(**options: Any) -> Any:
    """A server that got a request."""
    headers = options.pop("headers", {})
    connection, _ = make(Server, **options)
    connection._dataReceived(request(**headers))
    return connection


class Slow(Server):
    """Handlers that do not come to their end."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[bytes] = []
        self.told: list[bool] = []

    def _set_reading(self, reading: bool) -> bool:
        self.told.append(reading)
        return True

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.begun.append(payload)
        await NoLoop.create_future()


# --- both roles ---


def effect_utf8validateIncoming() -> None:
    for opener, peer in BOTH:
        connection, _ = opener(utf8validateIncoming=False)
        connection._dataReceived(peer().frame(1, b"\xff"))
        assert connection.seen[-1] == ("message", b"\xff", False)
        connection, transport = opener(utf8validateIncoming=True)
        connection._dataReceived(peer().frame(1, b"\xff"))
        assert transport.closed == "abort"


def effect_applyMask() -> None:
    connection, transport = open_client(applyMask=False)
    connection.sendMessage(b"plain")
    assert transport.take().endswith(b"plain")
    connection, _ = open_server(applyMask=False)
    connection._dataReceived(b"\x81\x85abcdplain")
    assert connection.seen[-1] == ("message", b"plain", False)


def effect_maxFramePayloadSize() -> None:
    for opener, peer in BOTH:
        connection, _ = opener(maxFramePayloadSize=10, failByDrop=False)
        connection._dataReceived(peer().frame(2, b"x" * 10, fin=False) + peer().frame(0, b"x" * 10))
        assert connection.seen[-1] == ("message", b"x" * 20, True)
        connection._dataReceived(peer().frame(2, b"x" * 11))
        assert sent(connection)[0][1] == 1009
        assert connection.wasMaxFramePayloadSizeExceeded


def effect_maxMessagePayloadSize() -> None:
    for opener, peer in BOTH:
        connection, _ = opener(maxMessagePayloadSize=10, failByDrop=False)
        connection._dataReceived(peer().frame(2, b"x" * 10, fin=False) + peer().frame(0, b"x"))
        assert sent(connection)[0][1] == 1009
        assert connection.wasMaxMessagePayloadSizeExceeded


def effect_autoFragmentSize() -> None:
    for opener, _ in BOTH:
        connection, _ = opener(autoFragmentSize=4)
        connection.sendMessage(b"x" * 10)
        assert connection.trafficStats.outgoingWebSocketFrames == 3
        assert sent(connection) == [("message", b"x" * 10, False)]


def effect_failByDrop() -> None:
    for drop, closed in ((True, "abort"), (False, None)):
        connection, transport = open_client(failByDrop=drop)
        connection._dataReceived(b"\x83\x00")
        assert transport.closed == closed
        assert [event[:2] for event in sent(connection)] == ([] if drop else [("close", 1002)])


def effect_echoCloseCodeReason() -> None:
    for echo, expected in ((False, ("close", 1000, "")), (True, ("close", 3001, "bye"))):
        connection, _ = open_server(echoCloseCodeReason=echo)
        connection._dataReceived(client_peer().frame(8, (3001).to_bytes(2) + b"bye"))
        assert sent(connection) == [expected]


def effect_openHandshakeTimeout() -> None:
    clock = make_clock()
    _, transport = make(Server, clock, openHandshakeTimeout=7)
    clock.advance(6.9)
    assert transport.closed is None
    clock.advance(0.2)
    assert transport.closed == "abort"


def effect_closeHandshakeTimeout() -> None:
    clock = make_clock()
    connection, transport = open_client(clock=clock, closeHandshakeTimeout=7)
    connection.sendClose()
    clock.advance(6.9)
    assert transport.closed is None
    clock.advance(0.2)
    assert transport.closed == "abort"


def effect_tcpNoDelay() -> None:
    from autobahn_fast.asyncio.websocket import WebSocketClientFactory

    async def main() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            for wanted in (True, False):
                factory = WebSocketClientFactory()
                factory.setProtocolOptions(tcpNoDelay=wanted)
                transport, connection = await asyncio.get_running_loop().create_connection(
                    factory, *server.sockets[0].getsockname()
                )
                sock = transport.get_extra_info("socket")
                assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is wanted
                await connection.is_closed

    asyncio.run(main())


def pings(**options: Any) -> tuple[Any, Any, list[Any]]:
    clock = make_clock()
    _, transport = open_server(clock=clock, **options)
    clock.advance(10.5)
    return clock, transport, [event for event in client_peer().read(transport.take()) if event[0] == "ping"]


def effect_autoPingInterval() -> None:
    assert len(pings(autoPingInterval=5)[2]) == 2
    assert pings(autoPingInterval=0)[2] == []


def effect_autoPingTimeout() -> None:
    clock, transport, _ = pings(autoPingInterval=10, autoPingTimeout=3)
    clock.advance(2)
    assert transport.closed is None
    clock.advance(1)
    assert transport.closed == "abort"


def effect_autoPingSize() -> None:
    assert [len(ping[1]) for ping in pings(autoPingInterval=10, autoPingSize=77)[2]] == [77]


def effect_autoPingRestartOnAnyTraffic() -> None:
    for restart, expected in ((True, 0), (False, 1)):
        clock = make_clock()
        connection, transport = open_server(
            clock=clock, autoPingInterval=10, autoPingTimeout=5, autoPingRestartOnAnyTraffic=restart
        )
        clock.advance(9)
        connection._dataReceived(client_peer().frame(1, b"x"))
        clock.advance(2)
        assert len(client_peer().read(transport.take())) == expected


def effect_perMessageCompressionAccept() -> None:
    accepts = {"perMessageCompressionAccept": lambda offers: PerMessageDeflateOfferAccept(offers[0])}
    headers = {"Sec_WebSocket_Extensions": "permessage-deflate"}
    assert b"Extensions: permessage-deflate" in asked(headers=headers, **accepts).transport.out
    assert b"permessage-deflate" not in asked(headers=headers).transport.out
    options = {"perMessageCompressionOffers": [PerMessageDeflateOffer()]}
    for accept, opened in ((PerMessageDeflateResponseAccept, True), (lambda _: None, False)):
        connection, _ = make(Client, perMessageCompressionAccept=accept, **options)
        connection._dataReceived(response(connection.websocket_key, **headers))
        assert (connection.seen == ["open"]) is opened


def effect_orderedMessages() -> None:
    for ordered, begun in ((False, [b"a", b"b"]), (True, [b"a"])):
        connection, _ = open_server(Slow, orderedMessages=ordered)
        connection._dataReceived(client_peer().frame(1, b"a") + client_peer().frame(1, b"b"))
        assert connection.begun == begun


def effect_maxPendingMessages() -> None:
    for limit, told in ((3, []), (2, [False]), (0, [])):
        connection, _ = open_server(Slow, maxPendingMessages=limit)
        connection._dataReceived(client_peer().frame(1, b"a") * 2)
        assert connection.told == told


def effect_maxPendingOctets() -> None:
    for limit, told in ((101, []), (100, [False]), (0, [])):
        connection, _ = open_server(Slow, maxPendingOctets=limit)
        connection._dataReceived(client_peer().frame(1, b"a" * 100))
        assert connection.told == told


def effect_maxHandshakeLine() -> None:
    assert status(asked(maxHandshakeLine=100, headers={"X": "y" * 90})) == 101
    assert status(asked(maxHandshakeLine=90, headers={"X": "y" * 90})) == 431


def effect_maxHandshakeHeaders() -> None:
    assert status(asked(maxHandshakeHeaders=6, headers={"X": "y"})) == 101
    assert status(asked(maxHandshakeHeaders=5, headers={"X": "y"})) == 431


def effect_maxHandshakeSize() -> None:
    size = len(request())
    assert status(asked(maxHandshakeSize=size)) == 101
    assert status(asked(maxHandshakeSize=size - 10)) == 431


# --- server ---


def effect_versions() -> None:
    assert status(asked(versions=[8], headers={"Sec_WebSocket_Version": "8"})) == 101
    assert status(asked(versions=[8])) == 400


def effect_webStatus() -> None:
    for wanted, expected in ((True, 200), (False, 426)):
        connection, _ = make(Server, webStatus=wanted)
        connection._dataReceived(request(drop=("Upgrade",)))
        assert status(connection) == expected


def effect_maskServerFrames() -> None:
    for mask, second in ((False, 0x02), (True, 0x82)):
        connection, transport = open_server(maskServerFrames=mask)
        connection.sendMessage(b"hi")
        assert transport.take()[1] == second


def effect_requireMaskedClientFrames() -> None:
    connection, _ = open_server(requireMaskedClientFrames=False)
    connection._dataReceived(b"\x81\x02hi")
    assert connection.seen[-1] == ("message", b"hi", False)
    connection, transport = open_server(requireMaskedClientFrames=True)
    connection._dataReceived(b"\x81\x02hi")
    assert transport.closed == "abort"


def flash(**options: Any) -> bytes:
    connection, transport = make(Server, **options)
    connection._dataReceived(b"<policy-file-request/>\x00")
    return transport.out


def effect_serveFlashSocketPolicy() -> None:
    assert flash(serveFlashSocketPolicy=True).startswith(b"<cross-domain-policy>")
    assert flash() == b""


def effect_flashSocketPolicy() -> None:
    assert flash(serveFlashSocketPolicy=True, flashSocketPolicy="<own/>") == b"<own/>\x00"


def effect_allowedOrigins() -> None:
    for origin, expected in (("http://a.example", 101), ("http://b.example", 403)):
        assert status(asked(allowedOrigins=["http://a.example"], headers={"Origin": origin})) == expected


def effect_allowNullOrigin() -> None:
    assert status(asked(allowNullOrigin=True, headers={"Origin": "null"})) == 101
    assert status(asked(allowNullOrigin=False, headers={"Origin": "null"})) == 403


def effect_maxConnections() -> None:
    connection, _ = make(Server, maxConnections=1)
    connection.factory.countConnections = 2
    connection._dataReceived(request())
    assert status(connection) == 503


def effect_trustXForwardedFor() -> None:
    headers = {"X_Forwarded_For": "1.1.1.1, 2.2.2.2, 3.3.3.3"}
    for trusted, peer in ((0, "test"), (1, "3.3.3.3"), (2, "2.2.2.2"), (9, "1.1.1.1")):
        assert asked(trustXForwardedFor=trusted, headers=headers).peer == peer


# --- client ---


def effect_version() -> None:
    for version, header in ((18, b"Sec-WebSocket-Version: 13"), (10, b"Sec-WebSocket-Version: 8")):
        assert header in make(Client, version=version)[1].out


def effect_acceptMaskedServerFrames() -> None:
    masked = client_peer().frame(1, b"hi")
    connection, _ = open_client(acceptMaskedServerFrames=True)
    connection._dataReceived(masked)
    assert connection.seen[-1] == ("message", b"hi", False)
    connection, transport = open_client()
    connection._dataReceived(masked)
    assert transport.closed == "abort"


def effect_maskClientFrames() -> None:
    for mask, second in ((True, 0x82), (False, 0x02)):
        connection, transport = open_client(maskClientFrames=mask)
        connection.sendMessage(b"hi")
        assert transport.take()[1] == second


def effect_followRedirects() -> None:
    for allowed, reason in ((0, "the server refused to upgrade to WebSocket: 302 Found"), (1, None)):
        connection, transport = make(Client, followRedirects=allowed)
        connection._dataReceived(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        assert transport.closed == "abort"
        assert connection.wasNotCleanReason == reason
        assert [target.resource for target in connection._visited] == ["/", "/elsewhere"][: allowed + 1]


def effect_serverConnectionDropTimeout() -> None:
    clock = make_clock()
    connection, transport = open_client(clock=clock, serverConnectionDropTimeout=7)
    connection._dataReceived(server_peer().frame(8))
    clock.advance(6.9)
    assert transport.closed is None
    clock.advance(0.2)
    assert transport.closed == "abort"


def effect_perMessageCompressionOffers() -> None:
    out = make(Client, perMessageCompressionOffers=[PerMessageDeflateOffer()])[1].out
    assert b"Sec-WebSocket-Extensions: permessage-deflate" in out
    assert b"Extensions" not in make(Client)[1].out


EFFECTS = {name.removeprefix("effect_"): function for name, function in globals().items() if name.startswith("effect_")}


@pytest.mark.parametrize("option", EFFECTS)
def test_effect(option):
    EFFECTS[option]()


def test_every_option_has_an_effect_that_is_tested():
    assert set(EFFECTS) == set(_options.server_options) | set(_options.client_options)
