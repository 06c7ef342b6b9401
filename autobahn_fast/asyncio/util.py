# SPDX-License-Identifier: MIT
"""What there is to know about an asyncio transport: its peer, its TLS channel, its details; and which loop and serializers to use."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

from autobahn_fast import _channel_id
from autobahn_fast._names import also_from
from autobahn_fast.asyncio._framework import current_loop

__all__ = (
    "create_transport_details",
    "extract_peer_certificate",
    "get_or_create_event_loop",
    "get_serializers",
    "peer2str",
    "transport_channel_id",
)


def get_or_create_event_loop() -> asyncio.AbstractEventLoop:
    """Return the running loop; else the loop that was set for this thread; else a new one, set for this thread."""
    return current_loop()


def get_serializers() -> list[type[Any]]:
    """Return the serializer classes that can be used here, best first: CBOR, MessagePack, UBJSON, JSON."""
    from autobahn_fast.wamp.serializer import BEST_FIRST

    return list(BEST_FIRST)


def peer2str(transport: asyncio.BaseTransport) -> str:
    """Return the peer of a transport as text: ``tcp4:127.0.0.1:52914``, ``tcp6:[::1]:52914``, ``unix:/path``, ``process:PID``, ``pipe``.

    ``?`` with what is known when it is none of these.
    """
    get = getattr(transport, "get_extra_info", None)
    if get is None:
        return "?"
    return _address(get("peername"), get("sockname"), get)


def _address(name: Any, other: Any, get: Any) -> str:
    if isinstance(name, tuple):
        if len(name) == 2:
            return f"tcp4:{name[0]}:{name[1]}"
        if len(name) == 4:
            return f"tcp6:{name[0]}:{name[1]}"
    if isinstance(name, str | bytes):
        # The socket file is bound to one side only: the other side's name is empty.
        path = name or (other if isinstance(other, str | bytes) else "")
        return f"unix:{os.fsdecode(path)}"
    process = get("subprocess")
    if process is not None:
        return f"process:{process.pid}"
    if get("pipe") is not None:
        return "pipe"
    return f"?:{name}" if name is not None else "?"


def transport_channel_id(
    transport: asyncio.BaseTransport, is_server: bool, channel_id_type: str | None = None
) -> bytes:
    """Return what identifies the TLS channel under a transport, the same octets on both sides.

    :param transport: the transport. :param is_server: which side this is.
    :param channel_id_type: ``"tls-unique"`` (RFC 5929), ``"tls-exporter"`` (RFC 9266, TLS 1.3 only) or None.
    :returns: 32 octets: for ``tls-unique`` the SHA-256 of the TLS Finished message, for ``tls-exporter`` exported keying material
        (of Pythons whose ``ssl`` has it, and over pyOpenSSL); zeros without TLS, or where the channel has no such id.
    :raises ValueError: another type.
    """
    if channel_id_type is None:
        return _channel_id.NO_ID
    _channel_id.check_type(channel_id_type)
    openssl = transport.get_extra_info("openssl_connection")
    if _channel_id.is_openssl(openssl):
        return _channel_id.of_openssl(openssl, is_server, channel_id_type)
    tls = transport.get_extra_info("ssl_object")
    return _channel_id.NO_ID if tls is None else _channel_id.of_ssl(tls, channel_id_type)


def extract_peer_certificate(ssl_obj: Any) -> dict[str, Any] | None:
    """Return what the peer's certificate says (``ssl.SSLObject.getpeercert``), with its fingerprints; None without one.

    :param ssl_obj: the transport's ``ssl_object``, or None.
    """
    if ssl_obj is None:
        return None
    der = ssl_obj.getpeercert(True)
    if not isinstance(der, bytes) or not der:
        return None
    import hashlib

    result: dict[str, Any] = dict(ssl_obj.getpeercert() or {})
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, der, usedforsecurity=False).hexdigest().upper()
        result[name] = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    return result


def _openssl_certificate(connection: Any) -> dict[str, Any] | None:
    certificate = connection.get_peer_certificate()
    if certificate is None:
        return None
    from autobahn_fast._certificates import peer_certificate_details

    return peer_certificate_details(certificate.to_cryptography(), certificate.subject_name_hash())


def create_transport_details(transport: asyncio.BaseTransport, is_server: bool) -> Any:
    """Return the TransportDetails of a connected transport.

    :param transport: the transport. :param is_server: which side this is.
    """
    from autobahn_fast.wamp.types import TransportDetails

    get = transport.get_extra_info
    peer, own = get("peername"), get("sockname")
    tls, openssl = get("ssl_object"), get("openssl_connection")
    channel_id: dict[str, bytes] = {}
    certificate = None
    is_secure = tls is not None
    if _channel_id.is_openssl(openssl):
        is_secure = True
        channel_id = _channel_id.all_of_openssl(openssl, is_server)
        certificate = _openssl_certificate(openssl)
    elif tls is not None:
        channel_id = _channel_id.all_of_ssl(tls)
        certificate = extract_peer_certificate(tls)
    sock = get("socket")
    fd = sock.fileno() if sock is not None and hasattr(sock, "fileno") else None
    return TransportDetails(
        channel_type=TransportDetails.CHANNEL_TYPE_TLS if is_secure else TransportDetails.CHANNEL_TYPE_TCP,
        channel_framing=TransportDetails.CHANNEL_FRAMING_WEBSOCKET,
        own=_address(own, peer, get),
        peer=_address(peer, own, get),
        is_server=is_server,
        own_pid=os.getpid(),
        own_tid=threading.get_ident(),
        own_fd=fd if isinstance(fd, int) and fd >= 0 else None,
        is_secure=is_secure,
        channel_id=channel_id,
        peer_cert=certificate,
    )


also_from(__name__, "wamp.types", "util")
