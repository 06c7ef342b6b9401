# SPDX-License-Identifier: MIT
"""More of what is done with both packages: connections and sessions on asyncio, with a transport that only remembers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

from _actions import module

CONNECTION_LOST = ConnectionResetError("gone")


class Transport(asyncio.Transport):
    """Remembers what is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.octets = b""
        self.closed = ""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Where it leads."""
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def get_protocol(self) -> Any:
        """Nobody asks."""
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        """Who takes what comes."""
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.octets += bytes(data)

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """Keep that it was closed."""
        self.closed = self.closed or "closed"

    def abort(self) -> None:
        """Keep that it was aborted."""
        self.closed = self.closed or "closed"

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return bool(self.closed)

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits."""

    def feed(self, data: bytes) -> None:
        """What the peer sent."""
        protocol = self.protocol
        if isinstance(protocol, asyncio.BufferedProtocol):
            while data and not self.closed:
                buffer = protocol.get_buffer(len(data))
                taken = min(len(buffer), len(data))
                buffer[:taken] = data[:taken]
                protocol.buffer_updated(taken)
                data = data[taken:]
        elif not self.closed:
            protocol.data_received(data)


async def settle() -> None:
    """Let everything happen that is due."""
    for _ in range(6):
        await asyncio.sleep(0)


def run(coroutine: Any) -> Any:
    """Run it on a loop of its own."""
    return asyncio.run(coroutine)


def protocol_options(is_server: bool, options: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Set options of a factory: what they all are then."""

    async def main() -> Any:
        factory = factory_of(is_server, {})
        factory.setProtocolOptions(**options)
        return {name: getattr(factory, name) for name in names}

    return run(main())


def factory_of(is_server: bool, arguments: dict[str, Any]) -> Any:
    """A factory of a role."""
    websocket = module("asyncio.websocket")
    cls = websocket.WebSocketServerFactory if is_server else websocket.WebSocketClientFactory
    return cls(**{"url": "ws://localhost:9000", **arguments})


def recording(base: Any, events: list[Any], answer: Any = None) -> Any:
    """A protocol class that keeps what it is told."""

    class Recording(base):  # type: ignore[misc]
        """Keeps what it is told."""

        def onConnect(self, request: Any) -> Any:
            """Keep what the peer said."""
            if self.factory.isServer:
                seen = [request.path, request.params, request.version, request.origin, request.protocols, request.host]
            else:
                seen = [request.version, request.protocol]
            headers = {name: value for name, value in request.headers.items() if name != "sec-websocket-accept"}
            events.append(["onConnect", *seen, headers])
            return answer

        def onOpen(self) -> None:
            """Keep it."""
            events.append(["onOpen", self.websocket_protocol_in_use])

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            """Keep it."""
            events.append(["onMessage", payload, isBinary])

        def onPing(self, payload: bytes) -> None:
            """Keep it and answer."""
            events.append(["onPing", payload])
            super().onPing(payload)

        def onPong(self, payload: bytes) -> None:
            """Keep it."""
            events.append(["onPong", payload])

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            """Keep all but the text, which is ours."""
            events.append(["onClose", wasClean, code])

    return Recording


def told(transport: Transport) -> Any:
    """What was written, without what may differ: the software's name, texts for people, the order of headers; of an answer
    that is no 101 only the status.
    """
    head, gap, rest = transport.octets.partition(b"\r\n\r\n")
    if not head.startswith((b"HTTP/", b"GET ")) or not gap:
        return [transport.octets, transport.closed]
    first, *lines = head.decode("latin-1").split("\r\n")
    status = " ".join(first.split(" ")[:2]) if first.startswith("HTTP/") else first
    names = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    for name in ("server", "user-agent", "date", "content-length", "content-type"):
        names.pop(name, None)
    if status.startswith("HTTP/") and status != "HTTP/1.1 101":
        return [status, transport.closed]
    return [status, names, rest, transport.closed]


def server_handshake(
    request: bytes, factory_arguments: dict[str, Any], options: dict[str, Any], answer: Any, then: bytes = b""
) -> Any:
    """A server is sent a request: what it answers and which callbacks it makes."""

    async def main() -> Any:
        events: list[Any] = []
        factory = factory_of(True, factory_arguments)
        factory.setProtocolOptions(
            **{"autoPingInterval": 0, "openHandshakeTimeout": 0, "closeHandshakeTimeout": 0, **options}
        )
        factory.protocol = recording(module("asyncio.websocket").WebSocketServerProtocol, events, answer)
        protocol, transport = factory(), Transport()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.feed(request)
        await settle()
        opened = transport.octets
        if then:
            transport.feed(then)
            await settle()
        said = told(transport)
        if not transport.closed:
            transport.closed = "lost"
        protocol.connection_lost(None)
        await settle()
        return [said, bool(opened), events]

    return run(main())


def accept(key: str) -> str:
    """The answer to a key."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return base64.b64encode(digest).decode()


def client_handshake(answer: str, factory_arguments: dict[str, Any], options: dict[str, Any], then: bytes = b"") -> Any:
    """A client is sent an answer: its request, and which callbacks it makes. ``{accept}`` stands for what its key needs."""

    async def main() -> Any:
        events: list[Any] = []
        factory = factory_of(False, factory_arguments)
        factory.setProtocolOptions(
            **{
                "autoPingInterval": 0,
                "openHandshakeTimeout": 0,
                "closeHandshakeTimeout": 0,
                "serverConnectionDropTimeout": 0,
            }
            | options
        )
        factory.protocol = recording(module("asyncio.websocket").WebSocketClientProtocol, events)
        protocol, transport = factory(), Transport()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        await settle()
        request = told(transport)
        key = request[1].pop("sec-websocket-key", "")
        written = len(transport.octets)
        transport.feed(answer.replace("{accept}", accept(key)).encode("latin-1") + then)
        await settle()
        wrote = len(transport.octets) > written
        closed = transport.closed
        if not transport.closed:
            transport.closed = "lost"
        protocol.connection_lost(None)
        await settle()
        return [request, wrote, closed, events]

    return run(main())


def session_life(script: list[Any], behaviour: dict[str, Any]) -> Any:
    """A session on a transport of message objects: which callbacks it makes, in their order, and what it sends.

    :param script: what comes: lists of messages, ``"leave"``, ``"disconnect"``, ``"lost"``, ``"call"``, ``"subscribe"`` ...
    :param behaviour: callback: ``"raise"`` for one that raises.
    """
    return run(_session_life(script, behaviour))


async def _session_life(script: list[Any], behaviour: dict[str, Any]) -> Any:
    events: list[Any] = []
    message = module("wamp.message")
    types = module("wamp.serializer").Serializer.MESSAGE_TYPE_MAP
    base = module("asyncio.wamp").ApplicationSession

    def act(name: str, result: Any = None) -> Any:
        events.append(name)
        if behaviour.get(name) == "raise":
            raise RuntimeError(f"{name} raises")
        return result

    class Session(base):  # type: ignore[misc]
        """Keeps which of its callbacks are called."""

        def onConnect(self) -> None:
            """Join."""
            act("onConnect")
            self.join("realm1", ["ticket"], "joe")

        def onChallenge(self, challenge: Any) -> Any:
            """Answer."""
            return (
                act(f"onChallenge {challenge.method}", "secret")
                if "onChallenge" not in behaviour
                else act("onChallenge")
            )

        def onWelcome(self, welcome: Any) -> Any:
            """Let it be."""
            act("onWelcome")

        def onJoin(self, details: Any) -> Any:
            """Keep what the router said."""
            events.append([details.realm, details.session, details.authid, details.authrole, details.authmethod])
            act("onJoin")

        def onLeave(self, details: Any) -> Any:
            """Keep why; the default disconnects."""
            act(f"onLeave {details.reason}")
            return super().onLeave(details)

        def onDisconnect(self) -> Any:
            """Keep it."""
            act("onDisconnect")

        def onUserError(self, fail: Any, msg: str) -> None:
            """Keep what was raised."""
            events.append(f"onUserError {type(fail.value).__name__} {fail.value}")

    session = Session(module("wamp.types").ComponentConfig("realm1"))
    for name in ("connect", "join", "ready", "leave", "disconnect"):
        session.on(name, lambda *_, _name=name, **__: events.append(f"on {_name}"))

    class Channel:
        """A transport that keeps what is sent."""

        def __init__(self) -> None:
            self.open = True
            self.transport_details = module("wamp.types").TransportDetails()
            self._serializer = module("wamp.serializer").JsonSerializer()
            self.is_closed = asyncio.get_running_loop().create_future()

        def send(self, msg: Any) -> None:
            """Keep it; HELLO's details have the software's own features."""
            wmsg = msg.marshal()
            events.append(["sent", type(msg).__name__, *([] if type(msg).__name__ == "Hello" else wmsg[1:])])

        def isOpen(self) -> bool:
            """Whether it is."""
            return self.open

        is_open = isOpen

        def close(self) -> None:
            """Close it: the session hears of it."""
            if self.open:
                self.open = False
                events.append("closed")
                asyncio.get_running_loop().call_soon(session.onClose, True)

        def abort(self) -> None:
            """Close it."""
            self.close()

    channel = Channel()
    session.onOpen(channel)
    await settle()
    outcomes: list[Any] = []

    def watch(what: str, future: Any) -> None:
        mine = [what, "pending"]
        outcomes.append(mine)

        def done(future: Any) -> None:
            if future.cancelled() or future.exception() is not None:
                error = None if future.cancelled() else future.exception()
                mine[1:] = ["failed", getattr(error, "error", type(error).__name__)]
            else:
                result = future.result()
                plain = isinstance(result, (int, str, float, type(None), list))
                mine[1:] = ["done", result if plain else type(result).__name__]

        future.add_done_callback(done)

    for step in script:
        if isinstance(step, list) and not channel.open:
            continue  # a transport that is closed delivers nothing
        if isinstance(step, list):
            try:
                session.onMessage(types[step[0]].parse(list(step)))
            except Exception as e:  # noqa: BLE001 - the transport would close
                events.append(["onMessage raised", "ProtocolError" in [cls.__name__ for cls in type(e).__mro__]])
                channel.close()
        elif step == "lost":
            if channel.open:
                channel.open = False
                session.onClose(False)
        elif step in ("leave", "disconnect"):
            try:
                getattr(session, step)()
            except Exception as e:  # noqa: BLE001
                events.append([step, "raised", str(e)])
        else:
            try:
                watch(step, start(session, step, message, act))
            except Exception as e:  # noqa: BLE001
                names = [cls.__name__ for cls in type(e).__mro__]
                events.append([step, "raised", "TransportLost" in names])
        await settle()
    if channel.open:
        channel.open = False
        session.onClose(False)
        await settle()
    return [events, outcomes, session.is_attached(), session.is_connected()]


def start(session: Any, step: str, message: Any, act: Any) -> Any:
    """Begin one request."""
    types = module("wamp.types")
    if step == "call":
        return session.call("com.example.add", 2, 3, more="x")
    if step == "subscribe":
        return asyncio.ensure_future(
            _await(session.subscribe(lambda *a, **k: act(f"event {a} {k}"), "com.example.topic"))
        )
    if step == "register":
        return asyncio.ensure_future(
            _await(session.register(lambda *a, **k: act(f"invoked {a} {k}", 5), "com.example.add"))
        )
    if step == "publish":
        return session.publish("com.example.topic", 1, options=types.PublishOptions(acknowledge=True))
    raise ValueError(step)


async def _await(value: Any) -> Any:
    return await value


def frames(octets: list[bytes], options: dict[str, Any]) -> Any:
    """An open server is sent frames: which callbacks it makes, and the frames it sends."""
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    request = (
        f"GET / HTTP/1.1\r\nHost: localhost:9000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    said, _, events = server_handshake(request, {}, options, None, b"".join(octets))
    sent = said[2]
    code: Any = None
    place = 0
    while place < len(sent):  # a close frame is the last one; its text is ours
        if sent[place] == 0x88:
            code = int.from_bytes(sent[place + 2 : place + 4]) if sent[place + 1] else 0
            sent = sent[:place]
            break
        place += 2 + sent[place + 1]
    return [sent, code, bool(said[3]), events[1:]]


ACTIONS = {
    function.__name__: function
    for function in (protocol_options, server_handshake, client_handshake, session_life, frames)
}
