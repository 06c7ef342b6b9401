# SPDX-License-Identifier: MIT
"""End-to-end encryption: what a key ring makes of payloads, and sessions that use one through the embedded router."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router
from autobahn_fast.wamp.cryptobox import HAS_CRYPTOBOX, EncodedPayload, Key, KeyRing, SymKey
from autobahn_fast.wamp.exception import ApplicationError
from autobahn_fast.wamp.interfaces import IPayloadCodec
from autobahn_fast.wamp.types import PublishOptions, SubscribeOptions

ONE, TWO, THREE = (base64.b64encode(bytes([i]) * 32).decode() for i in (0x11, 0x22, 0x33))


def public(private: str) -> str:
    from nacl.public import PrivateKey

    return base64.b64encode(bytes(PrivateKey(base64.b64decode(private)).public_key)).decode()


def ring(uri: str = "com.secret", **keys: str) -> KeyRing:
    result = KeyRing()
    result.set_key(uri, Key(**(keys or {"originator_priv": ONE, "responder_priv": TWO})))
    return result


ORIGINATOR = {"originator_priv": ONE, "responder_pub": public(TWO)}
RESPONDER = {"originator_pub": public(ONE), "responder_priv": TWO}
STRANGER = {"originator_pub": public(ONE), "responder_priv": THREE}


def test_there_and_back() -> None:
    originator, responder = ring(**ORIGINATOR), ring(**RESPONDER)
    args, kwargs = [1, "\u00e4", b"\x00\xff", None, {"a": [1.5]}], {"k": True}
    sent = originator.encode(True, "com.secret.x", args, kwargs)
    assert sent is not None
    assert (sent.enc_algo, sent.enc_serializer, sent.enc_key) == ("cryptobox", "json", None)
    assert responder.decode(False, "com.secret.x", sent) == ("com.secret.x", args, kwargs)
    answer = responder.encode(False, "com.secret.x", args)
    assert answer is not None
    assert originator.decode(True, "com.secret.x", answer) == ("com.secret.x", args, None)
    again = originator.encode(True, "com.secret.x", args, kwargs)
    assert again is not None
    assert again.payload != sent.payload


def test_a_payload_made_by_autobahn() -> None:
    """With the keys ONE and TWO, by autobahn 26.10.2."""
    payload = bytes.fromhex(
        "31f21bbef937873c64720f259591ec5209b6c7041f0629c06dceff107b523665b922cb7d91d5bdeb6b9fae9856226360a5dc"
        "b55dc3c8d15ea7a1310c6527e6343efdfe7f6967f55eef661c660fefd64688120ccc2128211daf885b7fd4f4363a0d23d7e5"
        "869a5241ac04b560ffe0"
    )
    decoded = ring().decode(False, "com.secret.x", EncodedPayload(payload, "cryptobox", "json"))
    assert decoded == ("com.secret.x", [1, "\u00e4", b"\x00"], {"k": 1.5})


def test_which_uris_have_keys() -> None:
    keys = KeyRing()
    assert keys.encode(True, "com.a", [1]) is None
    keys.set_key("com.a", ONE)
    keys.set_key("com.a.b", TWO)
    long, short = keys.encode(True, "com.a.b.c", [1]), keys.encode(True, "com.a.c", [1])
    assert long is not None
    assert short is not None
    with pytest.raises(ValueError, match="cannot be decrypted"):
        keys.decode(False, "com.a.c", long)
    assert keys.decode(False, "com.a.b", long)[0] == "com.a.b.c"
    assert keys.decode(False, "com.a.d", short)[0] == "com.a.c"
    keys.set_key("com.a.b", None)
    keys.set_key("com.never", None)
    assert keys.decode(False, "com.a.b", short)[0] == "com.a.c"
    assert keys.encode(True, "com.b", [1]) is None
    default = KeyRing(default_key=THREE)
    assert default.encode(True, "com.b", [1]) is not None


def test_only_who_can() -> None:
    assert ring(**ORIGINATOR).encode(False, "com.secret", [1]) is None
    assert ring(**RESPONDER).encode(True, "com.secret", [1]) is None
    sent = ring(**ORIGINATOR).encode(True, "com.secret", [1])
    assert sent is not None
    with pytest.raises(ValueError, match="find key"):
        ring(**ORIGINATOR).decode(False, "com.secret", sent)
    with pytest.raises(ValueError, match="cannot be decrypted"):
        ring(**STRANGER).decode(False, "com.secret", sent)


def sealed(data: bytes) -> bytes:
    box = Key(originator_priv=ONE, responder_priv=TWO).originator_box
    return bytes(box.encrypt(data))


@pytest.mark.parametrize(
    ("payload", "algorithm", "serializer", "text"),
    [
        (b"x", "cryptobox", "json", "cannot be decrypted"),
        (b"", "cryptobox", "json", "cannot be decrypted"),
        (bytes(100), "cryptobox", "json", "cannot be decrypted"),
        (sealed(b"{}"), "other", "json", "'other'"),
        (sealed(b"{}"), "cryptobox", "cbor", "'cbor'"),
        (sealed(b"{}"), "cryptobox", None, "None"),
        (sealed(b"["), "cryptobox", "json", "."),
        (sealed(b"[]"), "cryptobox", "json", "not an object"),
        (sealed(b"{}"), "cryptobox", "json", "not an object"),
        (sealed(b'{"uri":3}'), "cryptobox", "json", "not an object"),
        (sealed(b'{"uri":"com.secret","args":3}'), "cryptobox", "json", "not an object"),
        (sealed(b'{"uri":"com.secret","kwargs":[]}'), "cryptobox", "json", "not an object"),
    ],
)
def test_payloads_that_are_refused(payload: bytes, algorithm: str, serializer: str | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ring().decode(False, "com.secret", EncodedPayload(payload, algorithm, serializer))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({}, "needs originator_priv or originator_pub"),
        ({"originator_priv": ONE}, "needs responder_priv"),
        ({"originator_pub": public(ONE), "responder_pub": public(TWO)}, "needs the private key"),
        ({"originator_priv": ONE, "originator_pub": public(TWO), "responder_priv": TWO}, "does not belong"),
        ({"originator_priv": "zz", "responder_priv": TWO}, "originator_priv must be 32 octets"),
        ({"originator_priv": ONE, "responder_pub": "0" * 64}, "responder_pub must be 32 octets"),
        ({"originator_priv": b"x" * 32, "responder_pub": TWO}, "must be 32 octets"),
        ({"originator_priv": 3, "responder_pub": TWO}, "must be 32 octets"),
    ],
)
def test_keys_that_are_refused(keys: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Key(**keys)


def test_key_rings_that_are_refused() -> None:
    for call in (lambda: KeyRing(3), lambda: KeyRing().set_key("a", 3), lambda: KeyRing().set_key(3, ONE)):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="needed|must be"):
            call()


def test_new_keys() -> None:
    keys = KeyRing()
    private, its_public = keys.generate_key()
    assert public(private) == its_public
    private_hex, public_hex = keys.generate_key_hex()
    assert (
        public(base64.b64encode(bytes.fromhex(private_hex)).decode())
        == base64.b64encode(bytes.fromhex(public_hex)).decode()
    )
    keys.set_key("com.a", ONE)
    before = keys.encode(True, "com.a", [1])
    other = KeyRing()
    other.set_key("com.a", keys.rotate_key("com.a"))
    assert before is not None
    with pytest.raises(ValueError, match="cannot be decrypted"):
        keys.decode(False, "com.a", before)
    after = keys.encode(True, "com.a", [1])
    assert after is not None
    assert other.decode(False, "com.a", after)[1] == [1]
    with pytest.raises(KeyError):
        keys.rotate_key("com.b")


def test_nothing_shows_keys() -> None:
    for thing in (ring(), Key(originator_priv=ONE, responder_priv=TWO), KeyRing(ONE), SymKey(b"secret"), SymKey()):
        for secret in (ONE, TWO, "secret", repr(b"\x11" * 32)):
            assert secret not in repr(thing).replace("com.secret", "")
    assert HAS_CRYPTOBOX is True
    assert isinstance(KeyRing(), IPayloadCodec)


# --- live ---

LOOPS = ["asyncio"] if sys.platform == "win32" else ["asyncio", "uvloop"]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine on each loop."""
    factory = None
    if request.param == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop

    def run_it(coroutine: Coroutine[Any, Any, None]) -> None:
        async def limited() -> None:
            async with asyncio.timeout(30):
                await coroutine

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(limited())

    return run_it


class Joined:
    """A session with a key ring, joined to the router."""

    def __init__(self, router: Router, serializer: str, codec: KeyRing | None) -> None:
        transport = {"type": "websocket", "url": router.urls[0], "serializers": [serializer], "max_retries": 0}
        self._component = Component(self._main, transports=[transport])
        self._session: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._codec = codec

    async def _main(self, _loop: Any, session: Any) -> None:
        session.set_payload_codec(self._codec)
        self._session.set_result(session)
        await self._leave.wait()

    async def __aenter__(self) -> Any:
        self._done = asyncio.ensure_future(self._component.start(asyncio.get_running_loop()))
        await asyncio.wait([self._session, self._done], return_when=asyncio.FIRST_COMPLETED)
        return self._session.result() if self._session.done() else self._done.result()

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        await self._done


@pytest.mark.parametrize("serializer", ["msgpack", "json", "cbor"])
def test_encrypted_calls_and_events(run: Callable[..., None], serializer: str) -> None:
    async def test() -> None:
        async with (
            Router() as router,
            Joined(router, serializer, ring(**ORIGINATOR)) as caller,
            Joined(router, "msgpack", ring(**RESPONDER)) as callee,
            Joined(router, "cbor", ring(**STRANGER)) as stranger,
            Joined(router, "json", None) as plain,
        ):
            seen: asyncio.Queue[Any] = asyncio.Queue()

            def add(a: int, b: int, note: str = "") -> Any:
                if note == "fail":
                    raise ApplicationError("com.secret.failed", "because", n=1)
                return [a + b, note]

            await callee.register(add, "com.secret.add")
            await callee.register(lambda: "open", "com.open")
            assert await caller.call("com.secret.add", 2, 3, note="\u00e4") == [5, "\u00e4"]
            assert await caller.call("com.open") == "open"
            with pytest.raises(ApplicationError) as e:
                await caller.call("com.secret.add", 2, 3, note="fail")
            assert (e.value.error, e.value.args, e.value.kwargs) == ("com.secret.failed", ("because",), {"n": 1})
            with pytest.raises(ApplicationError) as e:
                await plain.call("com.secret.add", 2, 3)
            assert e.value.error.startswith("wamp.error.")

            def on_event(*args: Any, details: Any = None, **kwargs: Any) -> None:
                seen.put_nowait((args, kwargs, details.enc_algo))

            for session in (callee, stranger, plain):
                await session.subscribe(on_event, "com.secret.topic", SubscribeOptions(details_arg="details"))
                await session.subscribe(on_event, "com.open.topic", SubscribeOptions(details_arg="details"))
            published = await caller.publish(
                "com.secret.topic", 1, b"\x00", k=[2], options=PublishOptions(acknowledge=True)
            )
            assert published.was_encrypted
            await caller.publish("com.open.topic", 2, options=PublishOptions(acknowledge=True))
            events = [await seen.get() for _ in range(4)]
            assert events.count(((1, b"\x00"), {"k": [2]}, "cryptobox")) == 1, events
            assert events.count(((2,), {}, None)) == 3
            assert seen.empty()

    run(test())
