# SPDX-License-Identifier: MIT
"""What WebSocket and RawSocket connections have in common on Twisted: closing a transport, hearing of its full buffer,
sending over its socket directly while there is nothing in that, and receiving from it into an engine's own buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from autobahn_fast._overriding import is_own

__all__ = ("Backpressure", "TransportMixin")


@implementer(IPushProducer)
class Backpressure:
    """Registered as the producer of a transport, tells its owner when the transport's buffer is full and when it has room."""

    def __init__(self, tell: Callable[[bool], Any]) -> None:
        """:param tell: called with whether there is room."""
        self._tell = tell

    def pauseProducing(self) -> None:
        """Twisted: the buffer is full."""
        self._tell(False)

    def resumeProducing(self) -> None:
        """Twisted: there is room."""
        self._tell(True)

    def stopProducing(self) -> None:
        """Twisted: the transport is gone; ``connectionLost`` tells."""


class Forwarding(Backpressure):
    """The same for a transport with another push producer, which hears of it, too."""

    def __init__(self, tell: Callable[[bool], Any], producer: Any) -> None:
        super().__init__(tell)
        self._producer = producer

    def pauseProducing(self) -> None:
        """Twisted: the buffer is full."""
        super().pauseProducing()
        self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Twisted: there is room."""
        super().resumeProducing()
        self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Twisted: the transport is gone."""
        self._producer.stopProducing()


def direct_socket(transport: Any) -> tuple[int, tuple[Callable[[], Any], ...], bool, bool]:
    """Return how an engine can send over a transport's socket: arguments ``fd``, ``busy``, ``joins`` and ``views`` of its ``attach``.

    What is written goes out at once then, not in the next iteration of the reactor, which also has to be told that there is
    something to write, and that there is nothing any more. Measured for a round trip of 256 octets: a third less time.
    """
    from twisted.internet.tcp import Connection

    if not isinstance(transport, Connection) or transport.TLS or hasattr(transport, "sendFileDescriptor"):
        return -1, (), False, False  # not a socket and nothing else

    def busy() -> Any:
        return (
            transport.dataBuffer
            or transport._tempDataBuffer
            or transport.disconnecting
            or not transport.connected
            or transport.TLS
            or transport._writeDisconnecting
            or transport._writeDisconnected
        )

    return transport.fileno(), (busy,), False, False


def passes_on(protocol: Any, connection: Any) -> bool:
    """Whether a protocol does nothing but pass on to a connection what it hears, as the one that client endpoints put in between."""
    kind = type(protocol)
    return (
        (kind.__module__, kind.__name__) == ("twisted.internet.endpoints", "_WrappingProtocol")
        and protocol._wrappedProtocol is connection
        and is_own(protocol, "dataReceived", kind.dataReceived)
    )


def receive_directly(
    transport: Any, connection: Any, feed: Callable[[bytes], Any], engine: Any
) -> Callable[[], Any] | None:
    """Have a transport of TCP receive into an engine: in a flood up to 512 KiB with each turn of the reactor, and not copied,
    where Twisted reads 64 KiB into an object of its own. Measured with messages of 256 octets: a third less time for each.

    :param connection: whose transport it is. :param feed: its ``dataReceived``; as soon as it has another one, and as
        soon as the transport has another protocol, as with ``startTLS``, Twisted's own method reads again.
    :param engine: takes what comes in.
    :returns: what is ``transport.doRead`` now; None: that is as it was, since this is not one of Twisted's own TCP transports.
    """
    from twisted.internet import tcp
    from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST

    kind = type(transport)
    if kind not in (tcp.Client, tcp.Server) or transport.TLS or not is_own(transport, "doRead", kind.doRead):
        return None
    protocol = transport.protocol
    if protocol is not connection and not passes_on(protocol, connection):
        return None
    get_buffer, buffer_updated = engine.get_buffer, engine.buffer_updated
    receive_into = transport.socket.recv_into

    def read() -> Any:
        if connection.dataReceived is not feed or transport.protocol is not protocol:
            return kind.doRead(transport)
        try:
            count = receive_into(get_buffer(-1))
        except OSError as exc:
            buffer_updated(0)  # the room is not needed
            return None if isinstance(exc, BlockingIOError) else CONNECTION_LOST
        buffer_updated(count)
        return None if count else CONNECTION_DONE

    transport.doRead = read
    return read


class TransportMixin:
    """Mix-in: a connection whose transport is Twisted's."""

    transport: Any
    _registered = False
    _short_way: Any = None
    """While octets go to an engine directly: what is at ``transport.doRead``, False if that is Twisted's own."""

    def _receive_into(self, engine: Any) -> None:
        """From now on octets go to the engine without a step of this connection in between."""
        # A transport looks the method up with every read.
        self.dataReceived = engine.feed
        self._short_way = receive_directly(self.transport, self, self.dataReceived, engine) or False

    def _receive_as_before(self) -> None:
        """Octets come by way of the class's ``dataReceived`` again."""
        read = self._short_way
        if read is None:
            return
        del self.dataReceived
        self._short_way = None
        # Twisted puts a method of its own there when the connection is aborted.
        if read and self.transport.doRead is read:
            del self.transport.doRead

    def _transport_writable(self, writable: bool) -> None:
        """Who wants to know whether there is room overrides this."""

    def _watch_transport(self) -> None:
        """Have ``_transport_writable`` called, if somebody wants to know."""
        if type(self)._transport_writable is TransportMixin._transport_writable:
            return
        register = getattr(self.transport, "registerProducer", None)
        if register is not None:
            register(Backpressure(self._transport_writable), True)
            self._registered = True

    def _unwatch_transport(self) -> None:
        """A transport does not close while it has a producer."""
        if self._registered:
            self._registered = False
            self.transport.unregisterProducer()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer of this connection: paused while the transport's buffer is full.

        :param producer: an ``IPushProducer`` (streaming) or ``IPullProducer``.
        """
        self._unwatch_transport()
        if streaming:
            producer = Forwarding(self._transport_writable, producer)
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer has nothing more to send."""
        self.transport.unregisterProducer()
        self._watch_transport()

    def _transport_socket(self) -> tuple[int, tuple[Callable[[], Any], ...], bool, bool]:
        return direct_socket(self.transport)

    def _set_reading(self, reading: bool) -> bool:
        """Have the transport stop reading or go on; False: it cannot."""
        method = getattr(self.transport, "resumeProducing" if reading else "pauseProducing", None)
        if method is not None:
            method()
        return method is not None

    def _lose_transport(self, abort: bool) -> None:
        """Close the transport. :param abort: without sending what is still to be written."""
        transport = self.transport
        if transport is None:
            return
        self._unwatch_transport()
        if abort and hasattr(transport, "abortConnection"):
            transport.abortConnection()
        else:
            transport.loseConnection()
