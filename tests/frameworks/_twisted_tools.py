# SPDX-License-Identifier: MIT
"""Programs about what comes with Twisted: connections in memory, endpoint forwarding, SSH agents, reactors. See ``_twisted_base.py``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from _twisted_base import react, start


def _memory_classes() -> tuple[Any, Any]:
    from autobahn_fast.twisted.websocket import WebSocketClientProtocol, WebSocketServerProtocol
    from autobahn_fast.websocket.types import ConnectionDeny

    class Server(WebSocketServerProtocol):
        def onConnect(self, request: Any) -> None:
            if request.path == "/deny":
                raise ConnectionDeny(403, "no")

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    class Client(WebSocketClientProtocol):
        def __init__(self) -> None:
            super().__init__()
            self.log_: list[Any] = []

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.log_.append(payload)

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            self.log_.append((wasClean, code))

    return Server, Client


def memory() -> None:
    """A client and a server in memory, without a reactor: what is written moves when told to, and time when told to."""
    from autobahn_fast.exception import Disconnected
    from autobahn_fast.twisted.testing import MemoryReactorClockResolver, create_memory_agent, create_pumper
    from autobahn_fast.websocket.interfaces import IWebSocketClientAgent

    Server, Client = _memory_classes()
    clock, pumper = MemoryReactorClockResolver(), create_pumper()
    agent = create_memory_agent(clock, pumper, Server)
    assert isinstance(agent, IWebSocketClientAgent)
    for url in ("ws://localhost:1234/ws?x=1", "wss://localhost/"):
        client = agent.open(url, {"headers": {"x-y": "z"}}, Client).result
        assert client.peer == f"tcp4:127.0.0.1:{1234 if '1234' in url else 443}"
        client.sendMessage(b"one")
        client.sendMessage(b"two", True)
        assert client.log_ == []
        pumper.flush()
        assert client.log_ == [b"one", b"two"]
        client.sendClose(1000)
        pumper.flush()
        assert client.log_[2:] == [(True, 1000)]
    assert not pumper._pumps, "closed connections are forgotten"

    failed = agent.open("ws://localhost/deny", {}, Client)
    assert failed.result.check(Disconnected)
    assert "403" in failed.result.getErrorMessage()
    failed.addErrback(lambda _: None)
    for arguments, text in ((("tcp:x", {}), "ws://"), (("ws://x", {"foo": 1}), "foo"), (("ws://x", None), "dict")):
        try:
            agent.open(*arguments)
        except ValueError as e:
            assert text in str(e), e
        else:
            raise AssertionError(f"{arguments} are accepted")

    class Silent(Server):  # type: ignore[misc, valid-type]
        def _dataReceived(self, data: bytes) -> None:
            """Never answers."""

    waiting = create_memory_agent(clock, pumper, Silent).open("ws://localhost/", {}, Client)
    assert not waiting.called
    clock.advance(4.9)
    assert not waiting.called
    clock.advance(0.2)  # openHandshakeTimeout is 5 s
    pumper.flush()
    assert waiting.result.check(Disconnected)
    waiting.addErrback(lambda _: None)


def memory_with_reactor() -> None:
    """The same in a running reactor: a started pumper moves what is written; a stopped one does not."""
    from autobahn_fast.twisted.testing import MemoryReactorClockResolver, create_memory_agent, create_pumper
    from autobahn_fast.twisted.util import sleep

    Server, Client = _memory_classes()

    async def main(reactor: Any) -> None:
        pumper = create_pumper()
        pumper.start()
        agent = create_memory_agent(MemoryReactorClockResolver(), pumper, Server)
        client = await agent.open("ws://localhost/", {}, Client)
        client.sendMessage(b"one")
        assert client.log_ == []
        while not client.log_:
            await sleep(0)
        await pumper.stop()
        client.sendMessage(b"two")
        await sleep(0.01)
        assert client.log_ == [b"one"]
        pumper.start()
        client.sendClose()
        await client.is_closed
        assert client.log_ == [b"one", b"two", (True, 1000)]
        await pumper.stop()

    react(main)


def forward(path: str) -> None:
    """The forwarding service: both ways, whoever closes, a client that does not read, a destination that is not there."""
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import clientFromString
    from twisted.internet.error import ConnectError
    from twisted.internet.protocol import Factory, Protocol

    from autobahn_fast.twisted.forwarder import EndpointForwardingService, Options, makeService
    from autobahn_fast.twisted.util import sleep

    ended: list[Any] = []

    class Echo(Protocol):
        transport: Any

        def dataReceived(self, data: bytes) -> None:
            if data == b"bye":
                self.transport.write(b"x" * 1_000_000)
                self.transport.loseConnection()
            else:
                self.transport.write(data)

        def connectionLost(self, reason: Any = None) -> None:
            ended.append(self)

    class Client(Protocol):
        transport: Any

        def __init__(self) -> None:
            self.octets = 0
            self.some: Any = Deferred()
            self.lost: Any = Deferred()

        def dataReceived(self, data: bytes) -> None:
            self.octets += len(data)
            if not self.some.called:
                self.some.callback(data)

        def connectionLost(self, reason: Any = None) -> None:
            self.lost.callback(None)

    async def main(reactor: Any) -> None:
        echo = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
        options = Options()
        options.parseOptions(["-e", f"unix:{path}", "-d", f"tcp:127.0.0.1:{echo.getHost().port}"])
        service = makeService(options)
        await service.startService()

        async def connect() -> Any:
            return await clientFromString(reactor, f"unix:{path}").connect(Factory.forProtocol(Client))

        client = await connect()
        client.transport.write(b"hello")  # before the destination is connected
        assert await client.some == b"hello"
        client.transport.loseConnection()
        await client.lost
        while not ended:
            await sleep(0.001)

        client = await connect()
        client.transport.pauseProducing()
        client.transport.write(b"bye")
        while len(ended) < 2:
            await sleep(0.001)
        client.transport.resumeProducing()
        await client.lost
        assert client.octets == 1_000_000, client.octets

        await echo.stopListening()
        client = await connect()
        await client.lost  # nobody is there
        await service.stopService()
        try:
            await connect()
        except ConnectError:
            pass
        else:
            raise AssertionError("it still listens")
        for wrong in ("tcp:nonsense", "unix:/no/such/folder/socket"):
            try:
                await EndpointForwardingService(wrong, "tcp:127.0.0.1:1").startService()
            except (ValueError, OSError):
                continue
            raise AssertionError(f"{wrong} is listened on")

    react(main)


def ssh_agent(public_key: str, private_key: str) -> None:
    """Keys of the SSH agent that ``SSH_AUTH_SOCK`` names sign as the same keys from files do."""
    from autobahn_fast.twisted.cryptosign import HAS_CRYPTOSIGN_SSHAGENT, SSHAgentCryptosignKey
    from autobahn_fast.wamp.cryptosign import CryptosignKey
    from autobahn_fast.wamp.types import Challenge

    assert HAS_CRYPTOSIGN_SSHAGENT

    async def fails(pubkey: str | None, error: type[Exception], text: str) -> None:
        try:
            await SSHAgentCryptosignKey.new(pubkey)
        except error as e:
            assert text in str(e), e
        else:
            raise AssertionError("there is such a key")

    async def main(reactor: Any) -> None:
        text = Path(public_key).read_text(encoding="ascii")
        file = CryptosignKey.from_ssh_file(private_key)
        challenge = Challenge("cryptosign", {"challenge": "a5" * 32})
        for wanted in (text, None):
            key = await SSHAgentCryptosignKey.new(wanted)
            assert key.public_key() == file.public_key()
            assert key.comment == "the key"
            assert key.can_sign
            assert await key.sign(b"octets") == await file.sign(b"octets")
            bound = {"channel_id": b"\x07" * 32, "channel_id_type": "tls-unique"}
            assert await key.sign_challenge(challenge) == await file.sign_challenge(challenge)
            assert await key.sign_challenge(challenge, **bound) == await file.sign_challenge(challenge, **bound)
        other = CryptosignKey.from_bytes(b"\x01" * 32).public_key(binary=True)
        from base64 import b64encode

        from autobahn_fast.wamp._sshkeys import pack_strings

        absent = f"ssh-ed25519 {b64encode(pack_strings(b'ssh-ed25519', bytes(other))).decode()}"
        await fails(absent, RuntimeError, "not held")
        await fails("ssh-rsa AAAA", ValueError, "ssh-rsa")
        del os.environ["SSH_AUTH_SOCK"]
        await fails(None, RuntimeError, "SSH_AUTH_SOCK")

    react(main)


def reactors(name: str, expected: str) -> None:
    """``install_reactor`` by name, or the best; another one afterwards is an error, or a warning where it is not required."""
    from twisted.internet.error import ReactorAlreadyInstalledError

    from autobahn_fast.twisted.choosereactor import current_reactor_klass, install_optimal_reactor, install_reactor

    assert current_reactor_klass() is None, "importing installs no reactor"
    reactor = install_reactor(name or None)
    from twisted.internet import reactor as installed

    assert reactor is installed
    assert current_reactor_klass() == expected, current_reactor_klass()
    if expected == "SelectReactor":
        assert install_optimal_reactor(require_optimal_reactor=False) is installed
        try:
            install_optimal_reactor()
        except ReactorAlreadyInstalledError as e:
            assert "SelectReactor" in str(e)
        else:
            raise AssertionError("a second reactor is installed")
    for wrong in ("nonsense", "select"):
        try:
            install_reactor(wrong)
        except SystemExit as e:
            assert e.code == 1
        else:
            raise AssertionError(f"{wrong} is installed, too")


def imports() -> None:
    """No module of the package installs a reactor when it is imported, the plugins neither."""
    import importlib
    import pkgutil
    import sys

    import autobahn_fast.twisted as package

    names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    public = [name for name in names if "._" not in name]
    assert len(public) > 8
    for name in [*public, "twisted.plugins.autobahn_fast_plugins"]:
        importlib.import_module(name)
        assert "twisted.internet.reactor" not in sys.modules, name


if __name__ == "__main__":
    start(memory, memory_with_reactor, forward, ssh_agent, reactors, imports)
