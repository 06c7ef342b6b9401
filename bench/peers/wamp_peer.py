# SPDX-License-Identifier: MIT
"""The far end of the side-by-side run: a WAMP router played by a few lines that know octets and nothing else.

It speaks WebSocket with ``wamp.2.msgpack`` and answers just enough for a client under measurement: HELLO with WELCOME,
SUBSCRIBE with SUBSCRIBED; PUBLISH is counted and dropped; CALL is answered with a RESULT that was encoded beforehand. It uses
neither autobahn nor autobahn_fast, decodes no payload, and takes less time for a message than any client here, so that
what is measured is the client. Every client sees the same octets.

Three procedures are special: ``bench.flood`` with a count as its first argument answers, then sends that many EVENT messages;
``bench.invoke`` answers, then sends that many INVOCATION messages, in bursts of 100, the next when all have been answered;
``bench.count`` answers with the number of PUBLISH messages that came in on the connection so far.

As a program: prints its port, serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import struct
import sys

import msgpack

PAYLOAD = ("The quick brown fox jumps over the lazy dog 0123456789. " * 5)[:256]
SUBSCRIPTION = 5512315355
EVENTS_AHEAD = 512
"""Different EVENT frames encoded beforehand; a flood repeats them."""

REGISTRATION = 4711
BURST = 100
"""INVOCATION messages that go out together; ``bench.invoke`` is asked for a multiple of it."""

PUBLISH, CALL, YIELD = 16, 48, 70
FIRST = 24
"""Octets of a message that are unmasked: head, code, request id, empty options and the procedure's name lie within them."""
ECHO = b"bench.echo"
ID_OCTETS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
"""MessagePack: octets that follow the first one of an unsigned integer."""


def server_frame(message: list[object]) -> bytes:
    """A WebSocket frame, as a server sends it, with the message in MessagePack."""
    payload = msgpack.packb(message)
    if len(payload) < 126:
        return struct.pack("!BB", 0x82, len(payload)) + payload
    return struct.pack("!BBH", 0x82, 126, len(payload)) + payload


def event_frames() -> list[bytes]:
    """EVENT messages with publication ids drawn from the whole range, as a router does."""
    ids = random.Random(1)
    return [server_frame([36, SUBSCRIPTION, ids.randrange(1, 2**53), {}, [PAYLOAD]]) for _ in range(EVENTS_AHEAD)]


RESULT_TAIL = msgpack.packb({}) + msgpack.packb([PAYLOAD])
EVENTS = event_frames()
EVENTS_JOINED = b"".join(EVENTS)
INVOCATIONS = b"".join(server_frame([68, number + 1, REGISTRATION, {}, [PAYLOAD]]) for number in range(BURST))


class WampPeer(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.open = False
        self.published = 0
        self.owed = 0
        self.bursts = 0
        self.unanswered = 0
        self.paused = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.transport.set_write_buffer_limits(high=1 << 20)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.flood()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open and not self.handshake():
            return
        self.frames()

    def handshake(self) -> bool:
        """Answer the opening request once it is complete."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")[1:]
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        accept = hashlib.sha1(headers["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: wamp.2.msgpack\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
        )
        del self.buffer[: end + 4]
        self.open = True
        return True

    def frames(self) -> None:
        """Take all complete frames from the buffer: count publications, answer the rest."""
        buffer, end, pos, published, answered = self.buffer, len(self.buffer), 0, 0, 0
        out: list[bytes] = []
        while end - pos >= 6:
            length, head = buffer[pos + 1] & 127, pos + 6
            if length == 126:
                length, head = (buffer[pos + 2] << 8) | buffer[pos + 3], pos + 8
            elif length == 127:
                length, head = int.from_bytes(buffer[pos + 2 : pos + 10], "big"), pos + 14
            if head + length > end:
                break
            opcode = buffer[pos] & 15
            code = buffer[head + 1] ^ buffer[head - 3] if opcode == 2 and length > 2 else 0
            if code == PUBLISH:
                published += 1
            elif code == YIELD:
                answered += 1
            else:
                self.other(opcode, bytes(buffer[head - 4 : head]), bytes(buffer[head : head + length]), published, out)
            pos = head + length
        self.published += published
        self.unanswered -= answered
        if pos:
            del buffer[:pos]
        if out:
            self.transport.write(b"".join(out))
        if self.owed:
            self.flood()
        if self.bursts and not self.unanswered:
            self.bursts -= 1
            self.unanswered = BURST
            self.transport.write(INVOCATIONS)

    def other(self, opcode: int, mask: bytes, masked: bytes, published: int, out: list[bytes]) -> None:
        """Anything but a publication. ``published`` came in the same read before it and is not in the count yet."""
        if opcode != 2:
            if opcode == 8:
                self.transport.write(b"".join(out) + b"\x88\x02\x03\xe8")
                self.transport.close()
            elif opcode == 9:
                payload = bytes(b ^ mask[i & 3] for i, b in enumerate(masked))
                out.append(bytes((0x8A, len(payload))) + payload)
            return
        first = bytes(b ^ mask[i & 3] for i, b in enumerate(masked[:FIRST]))
        if first[1] == CALL and ECHO in first:
            request = first[2 : 3 + ID_OCTETS.get(first[2], 0)]
            payload = b"\x94\x32" + request + RESULT_TAIL
            out.append(struct.pack("!BBH", 0x82, 126, len(payload)) + payload)
        else:
            message = msgpack.unpackb(bytes(b ^ mask[i & 3] for i, b in enumerate(masked)))
            self.command(message, published, out)

    def command(self, message: list[object], published: int, out: list[bytes]) -> None:
        """A message that is decoded whole: the few that set up and end a measurement."""
        code = message[0]
        if code == 1:
            roles = {"broker": {"features": {}}, "dealer": {"features": {"progressive_call_results": True}}}
            out.append(server_frame([2, 7_813_462_911, {"roles": roles, "realm": message[1], "authid": "x"}]))
        elif code == 32:
            out.append(server_frame([33, message[1], SUBSCRIPTION]))
        elif code == CALL and message[3] == "bench.flood":
            out.append(server_frame([50, message[1], {}, []]))
            self.owed += int(message[4][0])  # type: ignore[index]
        elif code == 64:
            out.append(server_frame([65, message[1], REGISTRATION]))
        elif code == CALL and message[3] == "bench.invoke":
            out.append(server_frame([50, message[1], {}, []]))
            self.bursts += int(message[4][0]) // BURST  # type: ignore[index]
        elif code == CALL and message[3] == "bench.count":
            out.append(server_frame([50, message[1], {}, [self.published + published]]))
        elif code == CALL:
            out.append(server_frame([8, CALL, message[1], {}, "wamp.error.no_such_procedure"]))
        elif code == 6:
            out.append(server_frame([6, {}, "wamp.close.goodbye_and_out"]))

    def flood(self) -> None:
        """Send the EVENT messages that are owed, as far as the client takes them."""
        while self.owed and not self.paused:
            if self.owed >= EVENTS_AHEAD:
                self.owed -= EVENTS_AHEAD
                self.transport.write(EVENTS_JOINED)
            else:
                self.transport.write(b"".join(EVENTS[: self.owed]))
                self.owed = 0


async def main() -> None:
    """Serve on a free port until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(WampPeer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
