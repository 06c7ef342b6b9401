# SPDX-License-Identifier: MIT
"""Programs about Twisted's transports: TLS and who is believed, Unix sockets, twisted.web. See ``_twisted_base.py``."""

from __future__ import annotations

import os
from typing import Any

from _twisted_base import react, start


def certificate(pem: str) -> Any:
    """The certificate of a file, and options of a server that has its key."""
    from pathlib import Path

    from twisted.internet.ssl import PrivateCertificate

    return PrivateCertificate.loadPEM(Path(pem).read_bytes())


def echo_server(url: str | None = None) -> Any:
    from autobahn_fast.twisted import websocket as tx

    class Echo(tx.WebSocketServerProtocol):
        seen: list[Any] = []

        def onOpen(self) -> None:
            self.seen.append(self)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    factory = tx.WebSocketServerFactory(url)
    factory.protocol = Echo
    return factory


def client_factory(url: str, **options: Any) -> Any:
    """A client that sends a message, expects it back and closes; ``factory.done`` has what it saw."""
    from twisted.internet.defer import Deferred

    from autobahn_fast.twisted import websocket as tx

    class Client(tx.WebSocketClientProtocol):
        def onOpen(self) -> None:
            self.factory.opened = self
            self.sendMessage(b"x" * 300_000, True)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            assert (len(payload), isBinary) == (300_000, True)
            self.factory.echoed = True
            self.sendClose(1000)

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            if not self.factory.done.called:
                self.factory.done.callback(wasClean)

    factory: Any = tx.WebSocketClientFactory(url, **options)
    factory.protocol = Client
    factory.done = Deferred()
    factory.opened = None
    factory.echoed = False
    return factory


async def outcome(factory: Any) -> bool:
    """Whether the message came back and the connection was closed in good order."""
    clean = await factory.done
    assert clean == (factory.opened is not None), "a connection that was opened must end in good order"
    return bool(clean and factory.echoed)


def tls(pem: str) -> None:
    """connectWS and listenWS over TLS: who is believed, with every form of TLS options; what both ends know of the channel."""
    from twisted.internet.endpoints import HostnameEndpoint, serverFromString, wrapClientTLS
    from twisted.internet.ssl import CertificateOptions, DefaultOpenSSLContextFactory, optionsForClientTLS

    from autobahn_fast.twisted.websocket import connectWS, listenWS

    async def main(reactor: Any) -> None:
        server = echo_server("wss://localhost")
        server.port = 0
        try:
            listenWS(server)
        except ValueError as e:
            assert "contextFactory" in str(e), e
        else:
            raise AssertionError("a server without certificate listens")
        authority = certificate(pem)
        port = listenWS(server, authority.options(), interface="127.0.0.1")
        number = port.getHost().port

        def connect(options: Any, host: str = "localhost") -> Any:
            factory = client_factory(f"wss://{host}:{number}")
            connectWS(factory, options)
            return outcome(factory)

        assert await connect(optionsForClientTLS("localhost", trustRoot=authority))
        assert await connect(CertificateOptions(trustRoot=authority))  # any host, but this issuer
        assert await connect(optionsForClientTLS("127.0.0.1", trustRoot=authority), "127.0.0.1")
        assert not await connect(None)  # nobody vouches for it
        assert not await connect(None, "127.0.0.1")
        assert not await connect(optionsForClientTLS("wrong.example", trustRoot=authority))
        assert not await connect(optionsForClientTLS("localhost"))

        factory = client_factory(f"wss://localhost:{number}")
        endpoint = wrapClientTLS(
            optionsForClientTLS("localhost", trustRoot=authority), HostnameEndpoint(reactor, "127.0.0.1", number)
        )
        await endpoint.connect(factory)
        assert await outcome(factory)
        ours, theirs = factory.opened.transport_details, server.protocol.seen[-1].transport_details
        assert ours.is_secure
        assert theirs.is_secure
        assert ours.peer_cert["subject"]["cn"] == "localhost", ours.peer_cert
        await port.stopListening()

        # the older context factory, and an endpoint's description, on the server
        old = listenWS(server, DefaultOpenSSLContextFactory(pem, pem), interface="127.0.0.1")
        described = await serverFromString(reactor, f"ssl:0:interface=127.0.0.1:privateKey={pem}:certKey={pem}").listen(
            server
        )
        for port in (old, described):
            number = port.getHost().port
            assert await connect(optionsForClientTLS("localhost", trustRoot=authority))
            await port.stopListening()

    react(main)


def tls_component(pem: str) -> None:
    """Components and the runner over TLS: ``tls`` as dict, CertificateOptions, IOpenSSLClientConnectionCreator; True believes nobody here."""
    import ssl
    import threading

    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
    from twisted.internet.ssl import CertificateOptions, optionsForClientTLS

    from autobahn_fast.twisted.component import Component
    from autobahn_fast.twisted.wamp import ApplicationRunner, ApplicationSession

    ready, port = threading.Event(), [0]

    def serve() -> None:
        import asyncio

        from autobahn_fast.router import Router

        async def main() -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            listen = ["wss://127.0.0.1:0/ws", "rss://127.0.0.1:0"]
            async with Router(listen=listen, realms=["realm1"], ssl=context) as router:
                port[:] = router.urls
                ready.set()
                await asyncio.Event().wait()

        asyncio.run(main())

    threading.Thread(target=serve, daemon=True).start()
    assert ready.wait(20)
    ws_url, rs_url = str(port[0]), str(port[1])
    number = int(ws_url.rsplit(":", 1)[1].split("/")[0])

    async def main(reactor: Any) -> None:
        authority = certificate(pem)
        creator = optionsForClientTLS("localhost", trustRoot=authority)
        endpoint = {"type": "tcp", "host": "localhost", "port": number}

        async def joins(**transport: Any) -> bool:
            done: Any = Deferred()

            async def program(reactor: Any, session: Any) -> None:
                assert session.transport.transport_details.is_secure
                done.callback(None)

            component = Component(main=program, transports={"max_retries": 0, **transport})
            try:
                await component.start(reactor)
            except Exception:  # noqa: BLE001 - which one it is, is not the question
                return False
            return bool(done.called)

        trusted = {"hostname": "localhost", "trust_root": [pem]}
        for tls in (trusted, creator, CertificateOptions(trustRoot=authority)):
            assert await joins(url=ws_url, endpoint={**endpoint, "tls": tls}), tls
        rs_number = int(rs_url.rsplit(":", 1)[1])
        assert await joins(
            type="rawsocket", url=rs_url, serializer="cbor", endpoint={**endpoint, "port": rs_number, "tls": trusted}
        )
        assert await joins(url=ws_url, endpoint=wrapClientTLS(creator, HostnameEndpoint(reactor, "127.0.0.1", number)))
        assert not await joins(url=ws_url, endpoint={**endpoint, "tls": True})
        assert not await joins(url=ws_url)
        assert not await joins(url=ws_url, endpoint={**endpoint, "tls": {**trusted, "hostname": "wrong.example"}})

        joined: Any = Deferred()

        class App(ApplicationSession):
            def onJoin(self, details: Any) -> None:
                joined.callback(None)

        runner = ApplicationRunner(ws_url, "realm1", ssl=creator)
        await runner.run(App, start_reactor=False)
        await joined
        await runner.stop()

    react(main)


def unix(path: str) -> None:
    """Unix sockets: URLs of factories, endpoints, and an abstract look at the peer's name."""
    from twisted.internet.endpoints import clientFromString

    from autobahn_fast.twisted.websocket import connectWS, listenWS

    async def main(reactor: Any) -> None:
        server = echo_server(f"ws://unix:{path}")
        port = listenWS(server)
        factory = client_factory(f"ws://unix:{path}")
        connectWS(factory)
        assert await outcome(factory)
        factory = client_factory("ws://localhost")
        await clientFromString(reactor, f"unix:{path}").connect(factory)
        assert await outcome(factory)
        assert factory.opened.peer == f"unix:{path}", factory.opened.peer
        await port.stopListening()
        assert not os.path.exists(path)

    react(main)


def wamp_server(path: str, pem: str) -> None:
    """Twisted's WAMP servers, RawSocket over TCP, TLS and Unix sockets and WebSocket: messages of every serializer, both ways."""
    from twisted.internet.defer import Deferred, DeferredQueue
    from twisted.internet.endpoints import clientFromString, wrapClientTLS
    from twisted.internet.ssl import optionsForClientTLS

    from autobahn_fast.twisted import rawsocket, websocket
    from autobahn_fast.wamp import message
    from autobahn_fast.wamp.exception import TransportLost
    from autobahn_fast.wamp.serializer import create_transport_serializer

    class Session:
        transport: Any

        def __init__(self) -> None:
            self.opened: Any = Deferred()
            self.got: Any = DeferredQueue()

        def onOpen(self, transport: Any) -> None:
            self.transport = transport
            self.opened.callback(None)

        def onMessage(self, msg: Any) -> None:
            self.got.put(msg)

        def onClose(self, wasClean: bool) -> None:
            self.got.put(wasClean)

    async def main(reactor: Any) -> None:
        authority = certificate(pem)
        trust = optionsForClientTLS("localhost", trustRoot=authority)
        sessions: list[Session] = []

        def serve() -> Session:
            sessions.append(Session())
            return sessions[-1]

        server = rawsocket.WampRawSocketServerFactory(serve)
        tcp = reactor.listenTCP(0, server, interface="127.0.0.1")
        tls = reactor.listenSSL(0, server, authority.options(), interface="127.0.0.1")
        unix = reactor.listenUNIX(path, server)
        ws = reactor.listenTCP(0, websocket.WampWebSocketServerFactory(serve), interface="127.0.0.1")
        for port, name in (
            (tcp, "cbor"),
            (tcp, "json"),
            (tls, "cbor"),
            (unix, "cbor"),
            (unix, "msgpack"),
            (ws, "cbor"),
        ):
            here = Session()
            serializer = create_transport_serializer(name)
            if port is ws:
                factory: Any = websocket.WampWebSocketClientFactory(
                    lambda here=here: here, "ws://localhost", serializers=[serializer]
                )
            else:
                factory = rawsocket.WampRawSocketClientFactory(lambda here=here: here, serializer)
            where = f"unix:{path}" if port is unix else f"tcp:127.0.0.1:{port.getHost().port}"
            endpoint = clientFromString(reactor, where)
            connection = await (wrapClientTLS(trust, endpoint) if port is tls else endpoint).connect(factory)
            await here.opened
            there = sessions[-1]
            await there.opened
            assert connection.transport_details.is_secure is (port is tls)
            sent = [message.Abort("com.example.reason", "x" * size) for size in (0, 1, 1000, 70_000, 1_000_000)]
            for msg in sent:
                connection.send(msg)
            for msg in sent:
                assert await there.got.get() == msg
            there.transport.send(sent[-1])
            assert await here.got.get() == sent[-1]
            connection.close()
            assert await here.got.get() is True
            assert await there.got.get() is True
            try:
                connection.send(sent[0])
            except TransportLost:
                pass
            else:
                raise AssertionError("a closed connection sends")
            await connection.is_closed
        for port in (tcp, tls, unix, ws):
            await port.stopListening()

    react(main)


def site(pem: str) -> None:
    """twisted.web, plain and TLS: WebSocket, a page and a synchronous WSGI application on one port."""
    import warnings

    from twisted.internet.ssl import optionsForClientTLS
    from twisted.web.client import Agent, readBody
    from twisted.web.resource import Resource
    from twisted.web.server import Site
    from twisted.web.wsgi import WSGIResource

    from autobahn_fast.twisted.resource import WebSocketResource, WSGIRootResource
    from autobahn_fast.twisted.websocket import connectWS

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}".encode()]

    class Page(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            return b"a page"

    warnings.filterwarnings("ignore", "Using readBody with a transport", DeprecationWarning)  # Twisted's own transport

    async def main(reactor: Any) -> None:
        pool = reactor.getThreadPool()
        websocket, server = WebSocketResource(echo_server()), None
        root = WSGIRootResource(WSGIResource(reactor, pool, application), {b"ws": websocket, b"page": Page()})
        authority = certificate(pem)
        trust = optionsForClientTLS("localhost", trustRoot=authority)

        class Trust:
            def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
                return trust

        from twisted.web.iweb import IPolicyForHTTPS
        from zope.interface import directlyProvides

        policy = Trust()
        directlyProvides(policy, IPolicyForHTTPS)
        agent = Agent(reactor, policy)
        for secure in (False, True):
            if secure:
                server = reactor.listenSSL(0, Site(root), authority.options(), interface="127.0.0.1")
            else:
                server = reactor.listenTCP(0, Site(root), interface="127.0.0.1")
            where = f"{'s' if secure else ''}://localhost:{server.getHost().port}"
            for path, body in (("/page", b"a page"), ("/wsgi/a%20b?x=1", b"GET /wsgi/a b?x=1"), ("/", b"GET /?")):
                response = await agent.request(b"GET", f"http{where}{path}".encode())
                got = await readBody(response)
                assert got == body, (path, got)
            factory = client_factory(f"ws{where}/ws")
            connectWS(factory, trust if secure else None)
            assert await outcome(factory)
            response = await agent.request(b"GET", f"http{where}/ws".encode())  # a browser that goes there by hand
            assert response.code == 200, response.code
            assert b"WebSocket" in await readBody(response)
            await server.stopListening()

    react(main)


if __name__ == "__main__":
    start(tls, tls_component, unix, wamp_server, site)
