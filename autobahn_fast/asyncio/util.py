# SPDX-License-Identifier: MIT
"""What there is to know about an asyncio transport: its peer, its TLS channel, its details; and which loop and serializers to use."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from typing import Any

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
    from autobahn_fast.wamp import serializer

    names = ("CBORSerializer", "MsgPackSerializer", "UBJSONSerializer", "JsonSerializer")
    return [getattr(serializer, name) for name in names if getattr(serializer, name, None) is not None]


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
    :param channel_id_type: ``"tls-unique"`` (RFC 5929) or None.
    :returns: 32 octets: the SHA-256 of the TLS Finished message; zeros without TLS, or where the channel has no such id.
    :raises ValueError: another type.
    """
    if channel_id_type is None:
        return b"\x00" * 32
    if channel_id_type != "tls-unique":
        raise ValueError(f"the channel id type is tls-unique or None, not {channel_id_type!r}")
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return b"\x00" * 32
    binding = tls.get_channel_binding("tls-unique")
    return hashlib.sha256(binding).digest() if isinstance(binding, bytes) else b"\x00" * 32


def extract_peer_certificate(ssl_obj: Any) -> dict[str, Any] | None:
    """Return what the peer's certificate says (``ssl.SSLObject.getpeercert``), with its fingerprints; None without one.

    :param ssl_obj: the transport's ``ssl_object``, or None.
    """
    if ssl_obj is None:
        return None
    der = ssl_obj.getpeercert(True)
    if not isinstance(der, bytes) or not der:
        return None
    result: dict[str, Any] = dict(ssl_obj.getpeercert() or {})
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, der, usedforsecurity=False).hexdigest().upper()
        result[name] = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    return result


def create_transport_details(transport: asyncio.BaseTransport, is_server: bool) -> Any:
    """Return the TransportDetails of a connected transport.

    :param transport: the transport. :param is_server: which side this is.
    """
    from autobahn_fast.wamp.types import TransportDetails

    get = transport.get_extra_info
    peer, own = get("peername"), get("sockname")
    tls = get("ssl_object")
    channel_id = {}
    certificate = None
    if tls is not None:
        channel_id["tls-unique"] = transport_channel_id(transport, is_server, "tls-unique")
        certificate = extract_peer_certificate(tls)
    sock = get("socket")
    fd = sock.fileno() if sock is not None and hasattr(sock, "fileno") else None
    return TransportDetails(
        channel_type=TransportDetails.CHANNEL_TYPE_TLS if tls is not None else TransportDetails.CHANNEL_TYPE_TCP,
        channel_framing=TransportDetails.CHANNEL_FRAMING_WEBSOCKET,
        own=_address(own, peer, get),
        peer=_address(peer, own, get),
        is_server=is_server,
        own_pid=os.getpid(),
        own_tid=threading.get_ident(),
        own_fd=fd if isinstance(fd, int) and fd >= 0 else None,
        is_secure=tls is not None,
        channel_id=channel_id,
        peer_cert=certificate,
    )


also_from(__name__, "wamp.types", "util")
