# SPDX-License-Identifier: MIT
"""What there is to know about a Twisted transport: its peer, its TLS channel, its details; and how to wait."""

from __future__ import annotations

import os
import threading
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from autobahn_fast import _channel_id
from autobahn_fast._names import also_from
from autobahn_fast.twisted._framework import TwistedFramework, on_reactor

__all__ = (
    "create_transport_details",
    "extract_peer_certificate",
    "peer2str",
    "sleep",
    "transport_channel_id",
)


def sleep(delay: float, reactor: Any = None) -> Any:
    """Return a Deferred that is called after so many seconds; cancelling it is possible.

    :param delay: seconds. :param reactor: the installed one when None.
    """
    framework = TwistedFramework if reactor is None else on_reactor(reactor)
    return framework.sleep(delay)


def peer2str(transport: Any) -> str:
    """Return the peer of a transport as text: ``tcp4:127.0.0.1:52914``, ``tcp6:[::1]:52914``, ``unix:/path``, ``process:PID``, ``pipe``.

    ``?`` with what is known when it is none of these. An address object is taken, too.
    """
    return _address(*_ends(transport))


def _ends(transport: Any) -> tuple[Any, Any]:
    """The peer's address and our own."""
    get_peer, get_host = getattr(transport, "getPeer", None), getattr(transport, "getHost", None)
    try:
        peer = get_peer() if get_peer is not None else transport
        host = get_host() if get_host is not None else None
    except (OSError, AttributeError, NotImplementedError):
        return None, None  # gone already, or an object that only has the names
    return peer, host


def _address(address: Any, other: Any = None) -> str:
    if isinstance(address, IPv4Address):
        return f"tcp4:{address.host}:{address.port}"
    if isinstance(address, IPv6Address):
        return f"tcp6:[{address.host}]:{address.port}"
    if isinstance(address, UNIXAddress):
        # The socket file is bound to one side only: the other side has no name.
        name = address.name or (other.name if isinstance(other, UNIXAddress) else None) or b""
        return f"unix:{os.fsdecode(name)}"
    kind = type(address).__name__
    if kind == "PipeAddress":
        return "pipe"
    if kind == "ProcessAddress" or isinstance(getattr(address, "pid", None), int):
        return f"process:{getattr(address, 'pid', '?')}"
    return "?" if address is None else f"?:{address}"


def _tls(transport: Any) -> Any:
    """Return the pyOpenSSL connection of a transport, or None."""
    handle = getattr(transport, "getHandle", None)
    connection = handle() if handle is not None else None
    return connection if _channel_id.is_openssl(connection) else None


def transport_channel_id(transport: Any, is_server: bool, channel_id_type: str | None = None) -> bytes:
    """Return what identifies the TLS channel under a transport, the same octets on both sides.

    :param transport: the transport, its TLS handshake done. :param is_server: which side this is.
    :param channel_id_type: ``"tls-unique"`` (RFC 5929), ``"tls-exporter"`` (RFC 9266, TLS 1.3 only) or None.
    :returns: 32 octets: for ``tls-unique`` the SHA-256 of the client's TLS Finished message (the server's when the TLS session was
        resumed), for ``tls-exporter`` exported keying material; zeros without TLS, before its handshake is done, and where the
        channel has no such id.
    :raises ValueError: another type.
    """
    if channel_id_type is None:
        return _channel_id.NO_ID
    _channel_id.check_type(channel_id_type)
    tls = _tls(transport)
    return _channel_id.NO_ID if tls is None else _channel_id.of_openssl(tls, is_server, channel_id_type)


def extract_peer_certificate(transport: Any) -> dict[str, Any] | None:
    """Return what the peer's certificate says (see ``autobahn_fast.util.peer_certificate_details``); None without one.

    :param transport: the transport, its TLS handshake done.
    """
    get = getattr(transport, "getPeerCertificate", None)
    if get is None:
        get = getattr(_tls(transport), "get_peer_certificate", None)
    certificate = get() if get is not None else None
    if certificate is None:
        return None
    from autobahn_fast._certificates import peer_certificate_details

    return peer_certificate_details(certificate.to_cryptography(), certificate.subject_name_hash())


def create_transport_details(transport: Any, is_server: bool) -> Any:
    """Return the TransportDetails of a connected transport.

    Over TLS the channel id and the peer's certificate are there once the TLS handshake is done.

    :param transport: the transport. :param is_server: which side this is.
    """
    from autobahn_fast.wamp.types import TransportDetails

    peer, host = _ends(transport)
    tls = _tls(transport)
    certificate = None
    if tls is not None:
        certificate = extract_peer_certificate(transport)
    fileno = getattr(transport, "fileno", None)
    fd = fileno() if fileno is not None else None
    return TransportDetails(
        channel_type=TransportDetails.CHANNEL_TYPE_TLS if tls is not None else TransportDetails.CHANNEL_TYPE_TCP,
        channel_framing=TransportDetails.CHANNEL_FRAMING_WEBSOCKET,
        own=_address(host, peer),
        peer=_address(peer, host),
        is_server=is_server,
        own_pid=os.getpid(),
        own_tid=threading.get_ident(),
        own_fd=fd if isinstance(fd, int) and fd >= 0 else None,
        is_secure=tls is not None,
        channel_id=_channel_id.all_of_openssl(tls, is_server) if tls is not None else {},
        peer_cert=certificate,
    )


also_from(__name__, "wamp.types", "util")
