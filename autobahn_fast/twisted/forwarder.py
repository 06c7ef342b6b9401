# SPDX-License-Identifier: MIT
"""A service that listens on one endpoint and forwards every connection to another, both ways: ``twistd endpointforward``.

Knows endpoint descriptions (``tcp:8080``, ``unix:/path``, ``autobahn:...``) and nothing of what is forwarded.
"""

from __future__ import annotations

from typing import Any

from twisted.application import service
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python import usage
from twisted.python.failure import Failure

from autobahn_fast.twisted._framework import current_reactor
from autobahn_fast.twisted._logging import make_logger

__all__ = (
    "DestEndpointForwardingFactory",
    "DestEndpointForwardingProtocol",
    "EndpointForwardingProtocol",
    "EndpointForwardingService",
    "Options",
    "makeService",
)

_log = make_logger("autobahn_fast.twisted.forwarder")


class _Side(Protocol):
    """One of the two connections. While the transport of one is full, nothing is read from the other."""

    log: Any = _log
    factory: Any
    transport: Any
    _other: Any = None
    _lost = False

    def _join(self, other: _Side) -> None:
        self._other, other._other = other, self
        other.transport.registerProducer(self.transport, True)
        self.transport.registerProducer(other.transport, True)

    def dataReceived(self, data: bytes) -> None:
        """Twisted: octets came in; they go out on the other side."""
        if self._other is not None:
            self._other.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: this side is closed; so is the other, when what is on its way there is sent."""
        self._lost = True
        other, self._other = self._other, None
        if other is not None:
            other._other = None
            other.transport.unregisterProducer()
            other.transport.loseConnection()


class DestEndpointForwardingProtocol(_Side):
    """The connection to the destination."""

    def connectionMade(self) -> None:
        """Twisted: the destination is there; what the client sends is forwarded from now on."""
        source = self.factory._sourceProtocol
        if source._lost:
            self.transport.loseConnection()  # the client did not wait
            return
        self.factory._proto = self
        self._join(source)
        source.transport.resumeProducing()


class DestEndpointForwardingFactory(Factory):
    """Makes the connection to the destination."""

    noisy = False

    def __init__(self, sourceProtocol: Any) -> None:
        """:param sourceProtocol: the client's connection."""
        self._sourceProtocol = sourceProtocol
        self._proto: Any = None

    def buildProtocol(self, addr: Any) -> Any:
        """Return the connection to the destination."""
        proto = DestEndpointForwardingProtocol()
        proto.factory = self
        return proto


class EndpointForwardingProtocol(_Side):
    """A client's connection."""

    _connecting: Any = None

    def connectionMade(self) -> None:
        """Twisted: a client is there. Nothing is read from it until the destination is."""
        self.transport.pauseProducing()
        self._connecting = self.factory.service._connect(DestEndpointForwardingFactory(self))
        self._connecting.addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        if self._lost:
            return  # the attempt was cancelled
        self.log.error(
            "{to} cannot be reached: {error}", to=self.factory.service._destEndpointDescriptor, error=failure.value
        )
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the client is gone; the connection to the destination is closed, or no longer waited for."""
        super().connectionLost(reason)
        self._connecting.cancel()


class EndpointForwardingService(service.Service):
    """Listens, and forwards."""

    def __init__(self, endpointDescriptor: str, destEndpointDescriptor: str, reactor: Any = None) -> None:
        """
        :param endpointDescriptor: where to listen, as ``serverFromString`` takes it.
        :param destEndpointDescriptor: where to forward to, as ``clientFromString`` takes it.
        :param reactor: the installed one when None.
        """
        self._reactor = reactor if reactor is not None else current_reactor()
        self._endpointDescriptor = endpointDescriptor
        self._destEndpointDescriptor = destEndpointDescriptor
        self._endpointPort: Any = None

    def _connect(self, factory: Any) -> Any:
        return clientFromString(self._reactor, self._destEndpointDescriptor).connect(factory)

    def startService(self) -> Any:
        """Begin to listen.

        :returns: a Deferred, called when it listens.
        :raises Exception: the description is not valid, or what the endpoint says at once: the address is in use.
        """
        super().startService()
        factory: Any = Factory.forProtocol(EndpointForwardingProtocol)
        factory.noisy = False
        factory.service = self
        listening = serverFromString(self._reactor, self._endpointDescriptor).listen(factory)
        failure = getattr(listening, "result", None)
        if isinstance(failure, Failure):  # known at once: twistd shall not run on without a port
            listening.addErrback(lambda _: None)
            failure.raiseException()
        return listening.addCallback(self._listens)

    def _listens(self, port: Any) -> None:
        self._endpointPort = port

    def stopService(self) -> Any:
        """Listen no longer. Connections that are there stay.

        :returns: a Deferred, called when the port is closed.
        """
        super().stopService()
        port, self._endpointPort = self._endpointPort, None
        return port.stopListening() if port is not None else None


class Options(usage.Options):
    """The command line of ``twistd endpointforward``."""

    synopsis = "[options]"
    longdesc = "Forwards connections from one endpoint to another."
    optParameters = [
        ["endpoint", "e", None, "Endpoint to listen on, for example tcp:8080."],
        ["dest_endpoint", "d", None, "Endpoint to forward to, for example tcp:example.com:80."],
    ]

    def postOptions(self) -> None:
        """Check that both are there.

        :raises UsageError: one is missing.
        """
        for name in ("endpoint", "dest_endpoint"):
            if self[name] is None:
                raise usage.UsageError(f"--{name} is missing")


def makeService(config: Any) -> EndpointForwardingService:
    """Return the service that the options describe.

    :param config: parsed :class:`Options`.
    """
    return EndpointForwardingService(config["endpoint"], config["dest_endpoint"])
