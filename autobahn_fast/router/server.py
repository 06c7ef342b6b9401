# SPDX-License-Identifier: MIT
"""The router's listeners: WebSocket and RawSocket, over TCP, TLS and Unix sockets, on asyncio.

Knows URLs, sockets and the transports of ``autobahn_fast.asyncio``. Does not know WAMP messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from autobahn_fast.wamp.exception import TransportLost

if TYPE_CHECKING:
    from autobahn_fast.router import Router
    from autobahn_fast.router.session import RouterSession

__all__ = ("Address", "Listener", "close", "connect", "drop", "parse_listen", "pause_reading", "unsent")

DEFAULT_PORTS = {"ws": 80, "wss": 443}
RAWSOCKET_LIMIT = 2**24


class Address(NamedTuple):
    """Where to listen. ``path`` is that of the URL, or of the Unix socket."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether connections are encrypted by TLS."""
        return self.scheme in ("wss", "rss")


def parse_listen(url: str) -> Address:
    """Understand a URL to listen on.

    :raises ValueError: it is none of the forms that :class:`autobahn_fast.router.Router` takes.
    """
    if url.startswith("unix:"):
        path = url[5:]
        path = path.removeprefix("//")
        if not path.strip("/"):
            raise ValueError(f"{url!r} names no socket: write unix:/path/to/socket")
        return Address("unix", "", 0, path)
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss", "rs", "rss") or not parts.hostname:
        raise ValueError(
            f"cannot listen on {url!r}: use ws://host:port/path, wss://..., rs://host:port, rss://... or unix:/path"
        )
    port = parts.port if parts.port is not None else DEFAULT_PORTS.get(parts.scheme)
    if port is None:
        raise ValueError(f"{url!r} has no port: write {parts.scheme}://{parts.hostname}:PORT (0 is any free port)")
    return Address(parts.scheme, parts.hostname, port, parts.path or "/")


def serializers_named(names: tuple[str, ...], batched: bool) -> list[Any]:
    """Serializer objects for the transports' negotiation. ``batched``: also those that send several messages at once."""
    from autobahn_fast.wamp import serializer

    classes: dict[str, Any] = dict(serializer.SERID_TO_SER)
    kinds = (True, False) if batched else (False,)
    return [classes[name](batched=kind) for name in names for kind in kinds]


def connect(session: RouterSession) -> None:
    """Have the messages of a session's transport go to a wire of the session."""
    transport = session.transport
    serializer, engine = transport._serializer, transport._channel_engine()
    engine.set_sink(session.make_wire(engine, serializer.codec, serializer.statistics, serializer.batch))


def close(session: RouterSession) -> None:
    """Close the connection in good order, after what has been sent."""
    with contextlib.suppress(TransportLost):
        session.transport.close()


def drop(session: RouterSession) -> None:
    """Cut the connection; what waits for the client is thrown away."""
    transport = session.transport.transport
    if transport is not None:
        transport.abort()


def pause_reading(session: RouterSession, pause: bool) -> None:
    """Take nothing more from the client, or go on."""
    transport = session.transport.transport
    if transport is not None and not transport.is_closing():
        if pause:
            transport.pause_reading()
        else:
            transport.resume_reading()


def unsent(session: RouterSession) -> int:
    """Octets that wait for the client: in the engine, and in the transport's buffer."""
    transport = session.transport.transport
    waiting = int(session.wire.engine.unsent)
    return waiting if transport is None else waiting + int(transport.get_write_buffer_size())


class Listener:
    """One listening socket of a router."""

    def __init__(self, router: Router, address: Address) -> None:
        self.router = router
        self.address = address
        self.url = ""
        self._server: asyncio.AbstractServer | None = None

    def _factory(self) -> Any:
        router, address = self.router, self.address
        serializers = serializers_named(router.serializers, batched=address.scheme in ("ws", "wss"))
        if address.scheme in ("ws", "wss"):
            from autobahn_fast.asyncio.websocket import WampWebSocketServerFactory

            factory: Any = WampWebSocketServerFactory(router.session_factory, serializers=serializers)
            factory.setProtocolOptions(
                maxMessagePayloadSize=router.max_message_size,
                maxFramePayloadSize=router.max_message_size,
            )
            return factory
        from autobahn_fast.asyncio.rawsocket import WampRawSocketServerFactory

        factory = WampRawSocketServerFactory(router.session_factory, serializers=serializers)
        factory.setProtocolOptions(maxMessagePayloadSize=min(router.max_message_size, RAWSOCKET_LIMIT))
        return factory

    async def start(self) -> None:
        """Listen.

        :raises OSError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        address, factory = self.address, self._factory()
        if address.scheme == "unix":
            self._server = await loop.create_unix_server(factory, address.path)
            self.url = f"unix:{address.path}"
            return
        context = self.router.ssl if address.secure else None
        self._server = server = await loop.create_server(
            factory, address.host, address.port, ssl=context, reuse_address=True
        )
        port = server.sockets[0].getsockname()[1]
        host = f"[{address.host}]" if ":" in address.host else address.host
        path = address.path if address.scheme in ("ws", "wss") else ""
        self.url = f"{address.scheme}://{host}:{port}{path}"

    def close(self) -> None:
        """Take no more connections. Those there are stay."""
        if self._server is not None:
            self._server.close()
        if self.address.scheme == "unix":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.address.path)

    async def wait_closed(self, timeout: float) -> None:
        """Wait until the socket, and on newer Pythons all its connections, are closed."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), timeout)
