# SPDX-License-Identifier: MIT
"""A fast WebSocket (RFC 6455) and WAMP library for Python: client, server and a small embedded router.

Importing this package loads nothing else. What you use lives in the same places as in Autobahn|Python:
``autobahn_fast.asyncio.component``, ``autobahn_fast.asyncio.wamp``, ``autobahn_fast.asyncio.websocket``, ``autobahn_fast.wamp``.
The router is ``autobahn_fast.router``.
"""

__all__ = ("__version__", "check_zlmdb_flatbuffers_version_in_sync", "version")

__version__: str = "26.10.2.dev0"
"""Version of this package; the numbers say which release of Autobahn|Python its interface follows."""

version: str = __version__
"""The same, under the name that Autobahn|Python uses."""


def _choose_backend() -> None:
    """Tell txaio the framework named by USE_ASYNCIO or USE_TWISTED in the environment; load nothing when there is none."""
    import os

    asyncio, twisted = "USE_ASYNCIO" in os.environ, "USE_TWISTED" in os.environ
    if asyncio and twisted:
        raise RuntimeError(
            "USE_ASYNCIO and USE_TWISTED are both set in the environment: only one framework can be meant"
        )
    if asyncio or twisted:
        from importlib import import_module

        txaio = import_module("txaio")
        (txaio.use_asyncio if asyncio else txaio.use_twisted)()


def check_zlmdb_flatbuffers_version_in_sync() -> str:
    """Return the version of ``flatbuffers`` that ``autobahn_fast.flatbuffers`` gives, when zlmdb has the same.

    :raises RuntimeError: zlmdb has another one. :raises ModuleNotFoundError: zlmdb or flatbuffers is not installed.
    """
    from importlib import import_module

    ours: str = import_module("autobahn_fast.flatbuffers").__version__
    theirs = import_module("zlmdb.flatbuffers").__version__
    if ours != theirs:
        raise RuntimeError(
            f"flatbuffers is {ours} here and {theirs} in zlmdb: what one has written, the other may not read; "
            "install the release of flatbuffers that zlmdb has"
        )
    return ours


_choose_backend()
