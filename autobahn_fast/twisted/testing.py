# SPDX-License-Identifier: MIT
"""WebSocket clients and servers for tests: both ends in memory, without sockets, their timers on a clock that the test advances.

Knows Twisted's in-memory transports. What one side writes reaches the other in the next turn of the reactor that runs the test,
or with ``pumper.flush()`` where none runs::

    reactor, pumper = MemoryReactorClockResolver(), create_pumper()
    agent = create_memory_agent(reactor, pumper, MyServerProtocol)
    pumper.start()
    client = await agent.open("ws://localhost/ws", {}, MyClientProtocol)
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock as MemoryReactorClockResolver
from twisted.test import iosim

from autobahn_fast.twisted._connecting import check_client_options, check_transport_config, until_open
from autobahn_fast.twisted._framework import current_reactor
from autobahn_fast.twisted.websocket import WebSocketClientFactory, WebSocketServerFactory, WebSocketServerProtocol
from autobahn_fast.websocket.interfaces import IWebSocketClientAgent

__all__ = ("MemoryReactorClockResolver", "create_memory_agent", "create_pumper")

_CLIENT_PORT = 31337


class _Transport(iosim.FakeTransport):
    """One end in memory; tells the pumper when there is something to carry over."""

    pumper: Any = None

    def write(self, data: bytes) -> None:
        super().write(data)
        self.pumper._wake()

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        super().loseConnection()
        self.pumper._wake()

    def abortConnection(self) -> None:
        super().abortConnection()
        self.pumper._wake()


class Pumper:
    """Carries octets between the two ends of every connection of its agents."""

    def __init__(self) -> None:
        self._pumps: set[Any] = set()
        self._started = False
        self._flushing = False
        self._call: Any = None

    def add(self, pump: Any) -> None:
        """Carry for this connection, too.

        :param pump: a ``twisted.test.iosim.IOPump``.
        """
        self._pumps.add(pump)
        self._wake()

    def start(self) -> None:
        """Carry from now on what is written, in the next turn of the reactor."""
        self._started = True
        self._wake()

    def stop(self) -> Any:
        """Carry what was written so far, and no more.

        :returns: a Deferred, called already.
        """
        self.flush()
        self._started = False
        if self._call is not None:
            self._call.cancel()
            self._call = None
        return succeed(None)

    def flush(self) -> None:
        """Carry now, until neither side has more to say."""
        if self._flushing:
            return  # from inside of a callback: the loop below goes on
        self._flushing = True
        try:
            while any([pump.pump() for pump in list(self._pumps)]):  # noqa: C419 - all of them, not up to the first
                pass
        finally:
            self._flushing = False
        self._pumps = {p for p in self._pumps if not (p.clientIO.disconnected and p.serverIO.disconnected)}

    def _wake(self) -> None:
        if self._started and not self._flushing and self._call is None:
            self._call = current_reactor().callLater(0, self._turn)

    def _turn(self) -> None:
        self._call = None
        self.flush()


class MemoryAgent(IWebSocketClientAgent):
    """Opens WebSocket connections to a server protocol in this process."""

    def __init__(self, reactor: Any, pumper: Pumper, server_protocol: type[WebSocketServerProtocol]) -> None:
        self._reactor = reactor
        self._pumper = pumper
        self._server_protocol = server_protocol

    def open(self, transport_config: Any, options: Any, protocol_class: Any = None) -> Any:
        """Open a connection. See ``create_client_agent``; with ``wss://`` there is no TLS either.

        :raises ValueError: what is wrong with the arguments.
        """
        check_transport_config(transport_config)
        check_client_options(options)
        server_factory = WebSocketServerFactory(reactor=self._reactor)
        server_factory.protocol = self._server_protocol
        client_factory = WebSocketClientFactory(url=transport_config, reactor=self._reactor, **options)
        if protocol_class is not None:
            client_factory.protocol = protocol_class
        client_address: Any = IPv4Address("TCP", "127.0.0.1", _CLIENT_PORT)
        server_address: Any = IPv4Address("TCP", "127.0.0.1", int(client_factory.port))
        server = server_factory.buildProtocol(client_address)
        client = client_factory.buildProtocol(server_address)
        opened: Deferred[Any] = until_open(client)
        ends = (
            _Transport(server, True, hostAddress=server_address, peerAddress=client_address),
            _Transport(client, False, hostAddress=client_address, peerAddress=server_address),
        )
        for end in ends:
            end.pumper = self._pumper
        self._pumper.add(iosim.connect(server, ends[0], client, ends[1], greet=False))
        self._pumper.flush()
        return opened


def create_pumper() -> Pumper:
    """Return what carries the octets of connections in memory: ``start()`` it before the test, ``stop()`` it afterwards."""
    return Pumper()


def create_memory_agent(reactor: Any, pumper: Pumper, server_protocol: type[WebSocketServerProtocol]) -> MemoryAgent:
    """Return an ``IWebSocketClientAgent`` whose connections are in memory.

    :param reactor: what timers are set on: a ``MemoryReactorClockResolver``, which the test advances.
    :param pumper: of :func:`create_pumper`. :param server_protocol: called for the server's end of every connection.
    """
    return MemoryAgent(reactor, pumper, server_protocol)
