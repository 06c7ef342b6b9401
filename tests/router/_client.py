# SPDX-License-Identifier: MIT
"""A scripted WAMP client: raw messages as lists over WebSocket or RawSocket. No session, nothing is checked for it."""

import asyncio
from urllib.parse import urlsplit

from autobahn_fast._core.batch import Batch
from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.engine import CallbackSink
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.packets import RawSocketEngine
from autobahn_fast._core.ubjson import UbjsonCodec

CODECS = {
    "json": (JsonCodec(), 1),
    "msgpack": (MsgPackCodec(), 2),
    "cbor": (CborCodec(), 3),
    "ubjson": (UbjsonCodec(), 4),
}
ROLES = {
    "publisher": {},
    "subscriber": {},
    "caller": {},
    "callee": {"features": {"progressive_call_results": True, "call_canceling": True}},
}
TIMEOUT = 10


class Client(asyncio.Protocol):
    """One connection; ``receive`` gives the messages in order."""

    def __init__(self, url, serializer):
        name, _, batched = serializer.partition(".")
        self.url, self.codec = url, CODECS[name][0]
        self.batch = Batch(None if self.codec.binary else 0x1E) if batched else None
        self.messages, self.gone, self.ready = (
            asyncio.Queue(),
            asyncio.Event(),
            asyncio.get_running_loop().create_future(),
        )
        self.close_code = None
        self.head = b""
        self.web = url.startswith("ws")
        if self.web:
            self.engine = WebSocketEngine(self, False)
        else:
            self.engine = RawSocketEngine(self, False, serializers=[CODECS[name][1]])
        self.engine.set_sink(CallbackSink(self.on_message))
        self.serializer = serializer

    def on_message(self, payload, _):
        for octets in [payload] if self.batch is None else self.batch.split(payload):
            self.messages.put_nowait(self.codec.loads(octets))

    @classmethod
    async def connect(cls, url, serializer="msgpack"):
        loop = asyncio.get_running_loop()
        if url.startswith("unix:"):
            _, client = await loop.create_unix_connection(lambda: cls(url, serializer), url[5:])
        else:
            parts = urlsplit(url)
            _, client = await loop.create_connection(lambda: cls(url, serializer), parts.hostname, parts.port)
        await asyncio.wait_for(client.ready, TIMEOUT)
        return client

    @classmethod
    async def joined(cls, url, serializer="msgpack", roles=ROLES):
        client = await cls.connect(url, serializer)
        welcome = await client.ask(1, "realm1", {"roles": roles})
        assert welcome[0] == 2, welcome
        client.id, client.welcome = welcome[1:]
        return client

    def connection_made(self, transport):
        self.transport = transport
        self.engine.attach(transport.write, asyncio.get_running_loop().call_soon)
        if self.web:
            transport.write(
                f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: wamp.2.{self.serializer}\r\n\r\n".encode()
            )
        else:
            self.engine.start()

    def data_received(self, data):
        if self.web and not self.ready.done():
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            head, _, data = self.head.partition(b"\r\n\r\n")
            assert b" 101 " in head, head
            self.ready.set_result(None)
        self.engine.feed(data)

    def connection_lost(self, exc):
        self.engine.detach()
        self.gone.set()
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("refused"))

    def on_handshake(self, serializer, max_send):
        self.ready.set_result(None)

    def on_handshake_error(self, code, reason):
        self.ready.set_exception(ConnectionError(reason))

    def on_close_frame(self, code, reason):
        self.close_code = code
        self.engine.close(code)
        self.engine.flush()

    def on_ping(self, payload):
        self.engine.pong(payload)

    def on_pong(self, payload):
        pass

    def on_violation(self, code, reason):
        raise AssertionError(reason)

    def on_sink_error(self, exc):
        self.messages.put_nowait(exc)

    def send(self, *raw):
        self.send_all(list(raw))

    def send_all(self, *messages):
        """Send several messages: in one batch, where there are batches."""
        octets = [self.codec.dumps(raw) for raw in messages]
        if self.batch is None:
            for one in octets:
                self.send_octets(one)
        else:
            self.send_octets(b"".join(map(self.batch.join, octets)))

    def send_octets(self, octets):
        self.engine.send(octets, self.codec.binary)
        self.engine.flush()

    async def receive(self):
        return await asyncio.wait_for(self.messages.get(), TIMEOUT)

    async def ask(self, *raw):
        self.send(*raw)
        return await self.receive()

    async def quiet(self):
        """Nothing has come in, and nothing comes before the answer to one more request."""
        answer = await self.ask(34, 999_999, 2**53)
        assert answer[:3] == [8, 34, 999_999], answer

    async def lost(self):
        await asyncio.wait_for(self.gone.wait(), TIMEOUT)

    def cut(self):
        self.transport.abort()

    async def end(self):
        """Leave and close in good order."""
        if not self.gone.is_set():
            assert (await self.ask(6, {}, "wamp.close.close_realm"))[0] == 6
            self.engine.close()
            self.engine.flush()
            self.transport.close()
        await self.lost()
