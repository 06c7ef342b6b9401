# SPDX-License-Identifier: MIT
"""What a connection keeps while it is idle: its factory's options are shared, the opening handshake is forgotten."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any, ClassVar

import pytest
from _ws_helpers import Client, Server, Transport, make, open_client, open_server, request, response

from autobahn_fast.websocket.protocol import WebSocketClientFactory, WebSocketClientProtocol, WebSocketServerFactory

BOTH = pytest.mark.parametrize("opener", [open_server, open_client])

MOST = {"Client": 3300, "Server": 3800}
"""Octets of memory for a connection without its transport: 5500 where each has options of its own and keeps its handshake."""


def connected(cls: Any, factory: Any) -> Any:
    connection = cls()
    connection.factory, connection.transport, connection.peer = factory, Transport(), "test"
    connection._connectionMade()
    return connection


def test_options_are_those_of_the_factory_when_the_connection_was_made() -> None:
    factory = WebSocketClientFactory("ws://localhost:9000")
    first, second = connected(Client, factory), connected(Client, factory)
    assert first._option_values is second._option_values
    assert "openHandshakeTimeout" not in vars(first)
    before = first.openHandshakeTimeout
    factory.setProtocolOptions(openHandshakeTimeout=before + 1)
    third = connected(Client, factory)
    assert (first.openHandshakeTimeout, third.openHandshakeTimeout) == (before, before + 1)
    assert third._option_values is connected(Client, factory)._option_values
    factory.openHandshakeTimeout = before  # set past setProtocolOptions
    assert connected(Client, factory).openHandshakeTimeout == before


def test_what_a_class_or_a_connection_sets_itself_comes_first() -> None:
    class Own(Client):
        openHandshakeTimeout = 77
        CONFIG_ATTRS: ClassVar[list[str]] = [*Client.CONFIG_ATTRS, "url"]

    factory = WebSocketClientFactory("ws://localhost:9000")
    connection = Own()
    connection.closeHandshakeTimeout = 78
    connection.factory, connection.transport, connection.peer = factory, Transport(), "test"
    connection._connectionMade()
    assert (connection.openHandshakeTimeout, connection.closeHandshakeTimeout) == (77, 78)
    assert connection.url == factory.url  # an option of its own
    connection.autoPingSize = 100
    assert connection.autoPingSize == 100 != connected(Own, factory).autoPingSize


def test_before_a_connection_is_made_it_has_no_options() -> None:
    connection = Client()
    assert not hasattr(connection, "version")
    assert not hasattr(WebSocketClientProtocol, "version")
    with pytest.raises(AttributeError, match="Client has no attribute 'version' before it is connected"):
        connection.version  # noqa: B018


@BOTH
def test_the_handshake_is_forgotten(opener: Any) -> None:
    connection, _ = opener()
    for name in ("_head", "_request"):
        assert getattr(connection, name, None) is None
    assert not getattr(connection, "_visited", ())
    assert connection.is_open.done()
    assert connection.is_open.result() is None


@pytest.mark.parametrize(("cls", "maker"), [(Server, WebSocketServerFactory), (Client, WebSocketClientFactory)])
def test_connections_need_no_dict_of_their_own(cls: Any, maker: Any) -> None:
    factory = maker("ws://localhost:9000")
    own = type(cls.__name__, (cls,), {})
    connection = connected(own, factory)
    connection._dataReceived(request() if cls is Server else response(connection.websocket_key))
    for number in range(5):
        setattr(connection, f"of_a_program_{number}", number)  # Python makes a dict where there are about thirty
    assert connection.state == connection.STATE_OPEN
    before = [referent for referent in gc.get_referents(connection) if type(referent) is dict]
    assert not any(referent is vars(connection) for referent in before)


def test_what_a_client_asked_for_can_be_changed() -> None:
    before, _ = make(Server)
    assert (before.http_request_path, before.websocket_protocols, before.websocket_origin) == ("", [], "")
    connection, _ = open_server()
    other, _ = open_server()
    path = connection.http_request_path
    connection.http_request_path = "/other"
    assert (connection.http_request_path, other.http_request_path, before.http_request_path) == ("/other", path, "")


@pytest.mark.parametrize("cls", [Server, Client])
def test_whoever_asked_before_hears_that_it_is_open(cls: Any) -> None:
    connection, _ = make(cls)
    opened = connection.is_open
    assert opened is connection.is_open
    assert not opened.done()
    connection._dataReceived(request() if cls is Server else response(connection.websocket_key))
    assert opened.done()
    assert connection.is_open.done()


@pytest.mark.parametrize(("cls", "maker"), [(Server, WebSocketServerFactory), (Client, WebSocketClientFactory)])
def test_an_idle_connection_takes_little_memory(cls: Any, maker: Any) -> None:
    factory, count = maker("ws://localhost:9000"), 100
    own = type(cls.__name__, (cls,), {})  # Python shares the names of attributes among the objects of a class

    def opened() -> Any:
        connection = connected(own, factory)
        connection._dataReceived(request() if cls is Server else response(connection.websocket_key))
        connection.transport.out = b""
        return connection

    kept = [opened() for _ in range(10)]
    gc.collect()
    tracemalloc.start()
    try:
        kept += [opened() for _ in range(count)]
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] / count
    finally:
        tracemalloc.stop()
    assert kept[-1].state == kept[-1].STATE_OPEN
    assert taken < MOST[cls.__name__], taken
