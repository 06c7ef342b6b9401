# SPDX-License-Identifier: MIT
"""TLS by pyOpenSSL on an asyncio transport, for clients that need what Python's ``ssl`` does not tell: ``tls-exporter``.

Knows TLS records and asyncio transports, no WAMP. Certificates and host names are verified as Python's ``ssl`` does by default.
Needs the packages pyopenssl and service_identity, which are imported when the first connection is made.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from typing import Any

__all__ = ("TlsConnection", "client_context", "connect")

_READ_SIZE = 65536
_INSTALL = "channel binding 'tls-exporter' on asyncio needs pyOpenSSL: pip install pyopenssl service_identity"


def client_context(tls: Any) -> Any:
    """Return the ``OpenSSL.SSL.Context`` for what an endpoint's ``tls`` says.

    :param tls: True, a dict that may have ``trust_root`` (name of a PEM file), or such a context, which is taken as it is.
    :raises ImportError: a package is not installed. :raises OSError: the file cannot be read, or holds no certificate.
    :raises ValueError: an ``ssl.SSLContext``, of which no ``OpenSSL.SSL.Context`` can be made.
    """
    try:
        from OpenSSL import SSL
    except ImportError as e:
        raise ImportError(_INSTALL) from e
    if isinstance(tls, SSL.Context):
        return tls
    if isinstance(tls, ssl.SSLContext):
        raise ValueError(
            "an ssl.SSLContext cannot be used with channel binding 'tls-exporter', because Python's ssl has no exporter: "
            "give 'tls' as True, as a dict with 'trust_root', or as an OpenSSL.SSL.Context"
        )
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_PEER, lambda connection, certificate, error, depth, ok: bool(ok))
    root = tls.get("trust_root") if isinstance(tls, dict) else None
    if root is None:
        context.set_default_verify_paths()
        return context
    try:
        context.load_verify_locations(root)
    except SSL.Error as e:
        raise OSError(f"cannot read certificates from {root!r}") from e
    return context


async def connect(
    loop: asyncio.AbstractEventLoop,
    factory: Callable[[], Any],
    tls: Any,
    hostname: str,
    open_below: Callable[[Callable[[], Any]], Any],
) -> tuple[Any, Any]:
    """Make a connection over TLS. The counterpart of ``loop.create_connection(..., ssl=...)``.

    :param factory: makes the protocol above. :param tls: see :func:`client_context`. :param hostname: name or address that the
        server's certificate must be for. :param open_below: makes the connection below: called with a factory of protocols,
        returns an awaitable.
    :returns: transport and protocol. :raises OSError: there is no connection, or ``ssl.SSLError``: no TLS over it.
    """
    context = client_context(tls)
    connection = TlsConnection(loop, factory(), context, hostname)
    try:
        await open_below(lambda: connection)
        await connection.ready
    except BaseException:
        connection.abort()
        raise
    return connection, connection.get_protocol()


class TlsConnection(asyncio.Transport, asyncio.Protocol):
    """A client's TLS connection: a protocol to the transport below it, a transport to the protocol above it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any, context: Any, hostname: str) -> None:
        """
        :param protocol: the one above; its ``connection_made`` is called when the server's certificate is verified.
        :param context: an ``OpenSSL.SSL.Context``. :param hostname: whom the certificate must be for.
        :raises ImportError: service_identity is not installed.
        """
        super().__init__()
        from OpenSSL import SSL

        try:
            import service_identity.pyopenssl as identity
        except ImportError as e:
            raise ImportError(_INSTALL) from e
        self._errors = SSL
        self._loop = loop
        self._below: Any = None
        self._tls = SSL.Connection(context, None)
        self._tls.set_connect_state()
        self._verified = context.get_verify_mode() != SSL.VERIFY_NONE
        try:
            ipaddress.ip_address(hostname)
            self._verify: Callable[[Any, str], None] = identity.verify_ip_address
        except ValueError:
            self._tls.set_tlsext_host_name(hostname.encode("idna"))
            self._verify = identity.verify_hostname
        self._hostname = hostname
        self.ready: asyncio.Future[None] = loop.create_future()
        self._is_open = self._closing = self._paused = False
        self._unsent = bytearray()  # what TLS does not take before it has read something
        self.set_protocol(protocol)

    # --- protocol of the transport below ---

    def connection_made(self, transport: Any) -> None:
        """asyncio: the transport below is there. The handshake begins."""
        self._below = transport
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """asyncio: records came in."""
        if self._closing:
            return
        self._tls.bio_write(data)
        if not self._is_open:
            self._shake_hands()
        if self._is_open:
            self._read()
            if self._unsent:
                self._write()
        self._flush()

    def eof_received(self) -> bool | None:
        """asyncio: the server has sent its last octet. The connection is closed."""
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the transport below is gone."""
        self._closing = True
        if self._is_open:
            self._is_open = False
            self._protocol.connection_lost(exc)
        elif not self.ready.done():
            self.ready.set_exception(
                exc or ConnectionResetError("the server closed the connection in the TLS handshake")
            )

    def pause_writing(self) -> None:
        """asyncio: the transport below has more to write than its limit."""
        if self._is_open:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """asyncio: the transport below has room again."""
        if self._is_open:
            self._protocol.resume_writing()

    # --- TLS ---

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
            if self._verified:
                self._verify(self._tls, self._hostname)
        except self._errors.WantReadError:
            self._flush()
            return
        except Exception as e:
            self._flush()  # an alert says why
            self._fail_handshake(e)
            return
        self._flush()
        self._is_open = True
        if not self.ready.done():
            self.ready.set_result(None)
        self._protocol.connection_made(self)

    def _fail_handshake(self, error: Exception) -> None:
        self._closing = True
        self._below.close()
        if self.ready.done():
            return
        text = _reason(error)
        if not isinstance(error, self._errors.Error) or "certificate verify failed" in text:
            self.ready.set_exception(
                ssl.SSLCertVerificationError(1, f"the certificate of {self._hostname!r} is refused: {text}")
            )
        else:
            self.ready.set_exception(ssl.SSLError(1, f"the TLS handshake with {self._hostname!r} failed: {text}"))

    def _flush(self) -> None:
        """Hand down the records that TLS has ready."""
        while not self._below.is_closing():
            try:
                records = self._tls.bio_read(_READ_SIZE)
            except self._errors.WantReadError:
                return
            self._below.write(records)

    def _read(self) -> None:
        while not (self._paused or self._closing):
            try:
                data = self._tls.recv(_READ_SIZE)
            except self._errors.WantReadError:
                return
            except self._errors.ZeroReturnError:  # the server has said goodbye
                if not self._protocol.eof_received():
                    self.close()
                return
            except self._errors.Error as e:
                self._fail(ssl.SSLError(1, f"TLS with {self._hostname!r} failed: {_reason(e)}"))
                return
            try:
                self._deliver(data)
            except Exception as e:
                self._loop.call_exception_handler(
                    {"message": "a protocol failed on what it received", "exception": e, "protocol": self._protocol}
                )
                self._fail(e)

    def _deliver(self, data: bytes) -> None:
        protocol = self._protocol
        if not isinstance(protocol, asyncio.BufferedProtocol):
            protocol.data_received(data)
            return
        view = memoryview(data)
        while view and self._protocol is protocol:
            buffer = protocol.get_buffer(len(view))
            count = min(len(buffer), len(view))
            if not count:
                raise RuntimeError("get_buffer() returned an empty buffer")
            buffer[:count] = view[:count]
            protocol.buffer_updated(count)
            view = view[count:]
        if view:  # another protocol was set meanwhile
            self._deliver(bytes(view))

    def _write(self) -> None:
        with memoryview(self._unsent) as view:
            sent = 0
            try:
                while sent < len(view):
                    sent += self._tls.send(view[sent : sent + _READ_SIZE])
            except self._errors.WantReadError:
                pass
            except self._errors.Error as e:
                self._fail(ssl.SSLError(1, f"TLS with {self._hostname!r} failed: {_reason(e)}"))
        del self._unsent[:sent]

    def _fail(self, error: Exception) -> None:
        self._closing = True
        self._flush()
        self._below.abort()

    # --- transport of the protocol above ---

    def set_protocol(self, protocol: Any) -> None:
        """Set who hears of this connection from now on."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """Return who hears of this connection."""
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport below says; ``openssl_connection`` is the ``OpenSSL.SSL.Connection``."""
        if name == "openssl_connection":
            return self._tls
        return self._below.get_extra_info(name, default) if self._below is not None else default

    def is_closing(self) -> bool:
        """Whether the connection is closed, or is being closed."""
        return self._closing

    def is_reading(self) -> bool:
        """Whether octets are delivered."""
        return not (self._paused or self._closing)

    def pause_reading(self) -> None:
        """Deliver nothing until ``resume_reading``."""
        if not (self._paused or self._closing):
            self._paused = True
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Deliver again, beginning with what is there."""
        if self._paused and not self._closing:
            self._paused = False
            self._below.resume_reading()
            self._loop.call_soon(self._read)

    def write(self, data: Any) -> None:
        """Send octets."""
        if self._closing or not data:
            return
        self._unsent += data
        self._write()
        self._flush()

    def writelines(self, list_of_data: Any) -> None:
        """Send octets, one piece after another."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Return False: TLS is closed as a whole."""
        return False

    def get_write_buffer_size(self) -> int:
        """Return how many octets wait to be sent."""
        return len(self._unsent) + (self._below.get_write_buffer_size() if self._below is not None else 0)

    def get_write_buffer_limits(self) -> Any:
        """Return the limits of the transport below."""
        return self._below.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits of the transport below."""
        self._below.set_write_buffer_limits(high, low)

    def close(self) -> None:
        """Send what is to be sent, say goodbye, close."""
        if self._closing:
            return
        self._closing = True
        try:
            self._tls.shutdown()
        except self._errors.Error:
            pass  # it is broken already
        self._flush()
        self._below.close()

    def abort(self) -> None:
        """Close now; what is not sent yet is lost."""
        self._closing = True
        if self._below is not None:
            self._below.abort()


def _reason(error: Exception) -> str:
    """Return what OpenSSL or service_identity says, as text."""
    first = error.args[0] if error.args else None
    if isinstance(first, list) and first and isinstance(first[0], tuple):
        return "; ".join(str(entry[-1]) for entry in first)
    return str(error) or type(error).__name__
