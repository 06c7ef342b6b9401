# SPDX-License-Identifier: MIT
"""What importing loads: little. Every module is imported in a fresh interpreter of its own kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "argon2",
    "bjdata",
    "brotli",
    "cbor2",
    "cryptography",
    "flatbuffers",
    "msgpack",
    "nacl",
    "numpy",
    "snappy",
    "ujson",
}
"""Serializers, compression and cryptography: imported when first used."""

LOOPS = {"asyncio", "twisted", "txaio", "uvloop", "zope"}


def loaded_by(module: str) -> set[str]:
    """The top-level modules in ``sys.modules`` after ``import module`` in a new interpreter."""
    code = f"import {module}, sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_package_itself_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import autobahn_fast; "
        "print(*(set(sys.modules) - before - {'autobahn_fast'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def test_version() -> None:
    import autobahn_fast

    assert autobahn_fast.version == autobahn_fast.__version__
    assert autobahn_fast.__version__.startswith("26.10.2")


@pytest.mark.parametrize(
    "module",
    [
        "autobahn_fast.wamp",
        "autobahn_fast.wamp.types",
        "autobahn_fast.wamp.message",
        "autobahn_fast.wamp.serializer",
        "autobahn_fast.wamp.protocol",
        "autobahn_fast.wamp.component",
        "autobahn_fast.websocket.types",
        "autobahn_fast.websocket.protocol",
        "autobahn_fast.rawsocket.util",
    ],
)
def test_below_the_frameworks_no_loop_is_loaded(module: str) -> None:
    assert not loaded_by(module) & (HEAVY | LOOPS)


@pytest.mark.parametrize(
    "module",
    [
        "autobahn_fast.asyncio.component",
        "autobahn_fast.asyncio.wamp",
        "autobahn_fast.asyncio.websocket",
        "autobahn_fast.asyncio.rawsocket",
        "autobahn_fast.router",
        "autobahn_fast.__main__",
    ],
)
def test_frameworks_load_nothing_heavy(module: str) -> None:
    assert not loaded_by(module) & (HEAVY | {"twisted", "uvloop", "zope"})


def test_without_twisted_it_is_said_what_to_install() -> None:
    """The plugins for twistd make ``twisted`` a namespace package: ``import twisted`` alone does not fail."""
    import autobahn_fast

    place = str(Path(autobahn_fast.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {place!r}); import twisted; import autobahn_fast.twisted.websocket"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        "ImportError: autobahn_fast.twisted needs Twisted: pip install 'autobahn_fast[twisted]'"
    )
