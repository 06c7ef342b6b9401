# SPDX-License-Identifier: MIT
"""Every public name of autobahn 26.10.2, with its signature and base classes; and the private ones that programs lean on."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import _surface_names as names
import flatbuffers
import numpy
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*command: str) -> str:
    """What a program printed; in an interpreter of its own, as choosing a framework is global."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("framework", ["asyncio", "twisted"])
def test_names_signatures_and_bases(framework: str) -> None:
    *problems, last = run(names.__file__, "check", "autobahn_fast", framework).splitlines()
    assert problems == []
    assert int(last.split()[0]) > 200


def test_every_module_is_in_the_record() -> None:
    recorded = {line.split(" ")[0] for line in names.RECORD.read_text(encoding="ascii").splitlines()}
    listed = {module or "." for modules in names.MODULES.values() for module in modules}
    assert listed - recorded <= {"rawsocket"}  # has no names
    assert recorded <= listed


@pytest.mark.parametrize(
    ("theirs", "ours", "reason"),
    [
        ("(a,b=...)", "(a, b=1, c=2)", None),
        ("(a,b=...)", "(a, b)", "requires b"),
        ("(a)", "(a, b)", "requires b, too"),
        ("(a,b)", "(b, a)", "has a at another position"),
        ("(a,b)", "(a)", "has no parameter b"),
        ("(a,*,b=...)", "(a, **more)", None),
        ("(*args,**kwargs)", "(*args)", "takes no **kwargs"),
        ("(*args)", "()", "takes no *args"),
        ("(a,b)", "(*args, **kwargs)", None),
    ],
)
def test_the_comparison_compares(theirs: str, ours: str, reason: str | None) -> None:
    assert names.mismatch(names.parsed(theirs), names.parsed(ours)) == reason


def test_what_is_missing_is_noticed() -> None:
    assert names.problems("autobahn_fast", "util nothing function () -") == "util.nothing is missing"
    assert names.problems("autobahn_fast", "util utcnow class () -") == "util.utcnow is a function, not a class"
    assert names.problems("autobahn_fast", "wamp.types CallOptions class () wamp.types:EventDetails") is not None


PRIVATE = {
    "asyncio.rawsocket": ("WampRawSocketServerProtocol._on_handshake_complete",),
    "asyncio.component": ("_create_transport_factory",),
    "util": ("_LazyHexFormatter",),
    "wamp.component": ("_create_transport", "_run"),
    "wamp.cryptosign": (
        "_makepad",
        "_qrcode_from_signify_ed25519_pubkey",
        "_read_signify_ed25519_pubkey",
        "_read_signify_ed25519_signature",
        "_verify_signify_ed25519_signature",
    ),
    "wamp.message": (
        "_CUSTOM_ATTRIBUTE",
        "_URI_PAT_LOOSE_EMPTY",
        "_URI_PAT_LOOSE_LAST_EMPTY",
        "_URI_PAT_LOOSE_NON_EMPTY",
        "_URI_PAT_REALM_NAME",
        "_URI_PAT_REALM_NAME_ENS",
        "_URI_PAT_REALM_NAME_ETH",
        "_URI_PAT_STRICT_EMPTY",
        "_URI_PAT_STRICT_LAST_EMPTY",
        "_URI_PAT_STRICT_NON_EMPTY",
    ),
    "wamp.protocol": (
        "ApplicationSession._swallow_error",
        "ApplicationSession._unregister",
        "ApplicationSession._unsubscribe",
    ),
    "websocket.protocol": (
        "_SERVER_STATUS_TEMPLATE",
        "WebSocketProtocol._WS_MAGIC",
        "WebSocketProtocol._connectionLost",
        "WebSocketProtocol._connectionMade",
        "WebSocketProtocol._dataReceived",
        "WebSocketProtocol._onMessage",
        "WebSocketProtocol._onMessageBegin",
        "WebSocketProtocol._onMessageEnd",
        "WebSocketProtocol._onMessageFrame",
        "WebSocketProtocol._onMessageFrameBegin",
        "WebSocketProtocol._onMessageFrameData",
        "WebSocketProtocol._onMessageFrameEnd",
        "WebSocketProtocol._sendAutoPing",
    ),
}


@pytest.mark.parametrize("module", PRIVATE)
def test_private_names_that_programs_use(module: str) -> None:
    for dotted in PRIVATE[module]:
        value = import_module(f"autobahn_fast.{module}")
        for part in dotted.split("."):
            value = getattr(value, part)


def test_private_attributes_of_sessions_and_serializers() -> None:
    from autobahn_fast.asyncio.wamp import ApplicationSession
    from autobahn_fast.wamp.cryptosign import CryptosignKey
    from autobahn_fast.wamp.message import Publish
    from autobahn_fast.wamp.serializer import JsonSerializer
    from autobahn_fast.wamp.types import ComponentConfig

    session = ApplicationSession(ComponentConfig("realm1"))
    for name in (
        "_authextra",
        "_authid",
        "_authmethod",
        "_authprovider",
        "_authrole",
        "_config",
        "_goodbye_sent",
        "_invocations",
        "_payload_codec",
        "_realm",
        "_session_details",
        "_session_id",
        "_session_roles",
        "_subscriptions",
        "_transport",
    ):
        assert hasattr(session, name), name
    assert session.config is session._config
    session.config = ComponentConfig("realm2")
    assert session._config.realm == "realm2"

    serializer = JsonSerializer()
    message = Publish(1, "com.example.topic", args=[1])
    octets, _ = serializer.serialize(message)
    assert message._serialized[serializer._serializer] == octets
    assert CryptosignKey.from_bytes(b"\1" * 32)._key.verify_key is not None


def test_run_of_components_in_a_loop_that_runs() -> None:
    """``wamp.component._run``, as Crossbar uses it."""
    import asyncio

    from autobahn_fast.asyncio.component import Component
    from autobahn_fast.wamp.component import _run

    async def main() -> None:
        transport = {"type": "websocket", "url": "ws://127.0.0.1:1/", "max_retries": 0}
        called: list[object] = []
        component = Component(transports=transport, realm="realm1")
        running = _run(asyncio.get_running_loop(), [component], lambda *arguments: called.append(arguments))
        with pytest.raises(RuntimeError, match="Exhausted all transport connect attempts"):
            await running
        ((loop, failure),) = called
        assert loop is asyncio.get_running_loop() and isinstance(failure.value, RuntimeError)
        with pytest.raises(ValueError, match="not a Component"):
            _run(loop, [1])

    asyncio.run(main())


def test_what_the_flatbuffers_compiler_generates_is_found() -> None:
    generated = import_module("autobahn_fast.wamp.gen.wamp.proto.Publish")
    from autobahn_fast.wamp.gen.wamp.proto import Hello, Match

    from autobahn_fast.wamp import message_fbs

    assert generated.Publish is message_fbs.Publish and Match.Match is message_fbs.Match
    assert Hello.Hello.GetRootAsHello is not None


def test_the_elements_of_vectors_in_flatbuffers() -> None:
    from autobahn_fast.wamp import _flatbuffers_schema as schema
    from autobahn_fast.wamp import message_fbs

    slots = list(schema.MESSAGES["Publish"])
    builder = flatbuffers.Builder(0)
    args = builder.CreateByteVector(b"\x01\x02\x03")
    exclude = builder.CreateNumpyVector(numpy.array([7, 2**53], dtype="<u8"))
    builder.StartObject(len(slots))
    builder.PrependUOffsetTRelativeSlot(slots.index("args"), args, 0)
    builder.PrependUOffsetTRelativeSlot(slots.index("exclude"), exclude, 0)
    builder.Finish(builder.EndObject())
    table = message_fbs.Publish.GetRootAs(bytes(builder.Output()))
    assert [table.Args(j) for j in range(table.ArgsLength())] == [1, 2, 3] and table.Args() == b"\x01\x02\x03"
    assert [table.Exclude(j) for j in range(table.ExcludeLength())] == table.ExcludeAsNumpy().tolist() == [7, 2**53]
    assert table.ArgsAsNumpy().tolist() == [1, 2, 3] and not table.ArgsIsNone()
    assert table.KwargsIsNone() and table.KwargsLength() == 0 and table.KwargsAsNumpy() == 0
