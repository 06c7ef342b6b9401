# SPDX-License-Identifier: MIT
"""What identifies a TLS channel, the same octets on both sides: ``tls-unique`` (RFC 5929) and ``tls-exporter`` (RFC 9266).

Knows the methods of the objects of Python's ``ssl`` and of pyOpenSSL. The id of ``tls-unique`` is, as
WAMP uses it, the SHA-256 of the TLS Finished message. ``tls-exporter`` is given for TLS 1.3 only: for TLS 1.2 it is safe only
with the extended master secret, of which neither library tells.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ("NO_ID", "TYPES", "all_of_openssl", "all_of_ssl", "check_type", "is_openssl", "of_openssl", "of_ssl")

TYPES = ("tls-unique", "tls-exporter")
NO_ID = b"\x00" * 32
"""Stands for: this channel has no such id."""

_LABEL = b"EXPORTER-Channel-Binding"
_TLS_1_3 = 0x0304


def check_type(kind: str) -> None:
    """Check the type of a channel id. :raises ValueError: neither ``tls-unique`` nor ``tls-exporter``."""
    if kind not in TYPES:
        raise ValueError(f"the channel id type is {', '.join(TYPES)} or None, not {kind!r}")


def _sha256(octets: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(octets).digest()


def is_openssl(value: Any) -> bool:
    """Whether this is an ``OpenSSL.SSL.Connection``."""
    openssl = sys.modules.get("OpenSSL.SSL")  # not loaded: then nothing here can be one
    return openssl is not None and isinstance(value, openssl.Connection)


def of_ssl(tls: Any, kind: str) -> bytes:
    """Return the channel id of an ``ssl.SSLObject`` whose handshake is done, 32 octets; ``NO_ID`` when it has none.

    :param kind: ``tls-unique``, or ``tls-exporter``, which Python's ``ssl`` has once its ``CHANNEL_BINDING_TYPES`` says so.
    """
    if kind == "tls-unique":
        binding = tls.get_channel_binding("tls-unique")
        return _sha256(binding) if isinstance(binding, bytes) and binding else NO_ID
    import ssl

    if kind not in ssl.CHANNEL_BINDING_TYPES or tls.version() != "TLSv1.3":
        return NO_ID
    binding = tls.get_channel_binding(kind)
    return binding if isinstance(binding, bytes) and len(binding) == len(NO_ID) else NO_ID


def of_openssl(tls: Any, is_server: bool, kind: str) -> bytes:
    """Return the channel id of an ``OpenSSL.SSL.Connection``, 32 octets; ``NO_ID`` when it has none, or its handshake is not done.

    :param is_server: which side this is. :param kind: ``tls-unique`` or ``tls-exporter``.
    """
    if kind == "tls-unique":
        # The first Finished message of the handshake: the client's, and the server's when the TLS session was resumed.
        reused = getattr(tls, "session_reused", None)
        own_is_first = is_server == bool(reused is not None and reused())
        finished = tls.get_finished() if own_is_first else tls.get_peer_finished()
        return _sha256(finished) if finished else NO_ID
    if tls.get_protocol_version() != _TLS_1_3 or not (tls.get_finished() and tls.get_peer_finished()):
        return NO_ID
    exported: bytes = tls.export_keying_material(_LABEL, len(NO_ID), b"")
    return exported


def _found(ids: dict[str, bytes]) -> dict[str, bytes]:
    # As in Autobahn tls-unique is always there, if only as zeros.
    return {kind: value for kind, value in ids.items() if kind == "tls-unique" or value != NO_ID}


def all_of_ssl(tls: Any) -> dict[str, bytes]:
    """Return the ids of an ``ssl.SSLObject`` by type."""
    return _found({kind: of_ssl(tls, kind) for kind in TYPES})


def all_of_openssl(tls: Any, is_server: bool) -> dict[str, bytes]:
    """Return the ids of an ``OpenSSL.SSL.Connection`` by type."""
    return _found({kind: of_openssl(tls, is_server, kind) for kind in TYPES})
