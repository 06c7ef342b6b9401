# SPDX-License-Identifier: MIT
"""What importing loads: little. Every module is imported in a fresh interpreter of its own kind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
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
    """The top-level modules that ``import module`` loads in a new interpreter, beyond what it, or coverage, starts with."""
    code = (
        f"import sys; before = set(sys.modules); import {module}; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
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
    assert not loaded_by(module) & (HEAVY | {"twisted", "txaio", "uvloop", "zope"})


def test_a_client_does_not_load_what_only_some_need() -> None:
    """Each of them takes a millisecond or more of a program's start."""
    seldom = {
        "datetime",
        "hashlib",
        "hmac",
        "platform",
        "pprint",
        "random",
        "secrets",
        "stringprep",
        "unicodedata",
        "urllib",
    }
    assert not loaded_by("autobahn_fast.asyncio.component") & seldom


def test_messages_are_compiled_when_they_are_used() -> None:
    code = """
        import inspect
        from autobahn_fast.wamp import message, types
        from autobahn_fast.wamp._later import Later
        waiting = lambda cls: [name for name, value in vars(cls).items() if type(value) is Later]
        assert all(waiting(cls) for cls in message.MESSAGE_CLASSES.values())
        assert waiting(message.Publish) == ["__init__", "parse", "marshal", "__eq__", "marshal_options"]
        assert list(inspect.signature(message.Publish).parameters)[:2] == ["request", "topic"]
        assert waiting(message.Publish) == [] and waiting(message.Published) == ["__init__", "parse", "marshal", "__eq__"]

        class Mine(message.Subscribe):
            def __init__(self, *args):
                super().__init__(*args)

        assert Mine(1, "a.b").marshal() == [32, 1, {}, "a.b"] and Mine(1, "a.b") == Mine(1, "a.b")
        assert message.parse_message([17, 1, 2]) == message.Published(1, 2) != message.Published(1, 3)
        assert waiting(types.PublishOptions) == ["__init__", "_written"]
        assert types.PublishOptions(acknowledge=True).message_attr() == {"acknowledge": True}
        assert waiting(types.PublishOptions) == []
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True, timeout=60)


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
