# SPDX-License-Identifier: MIT
"""The option table: defaults as autobahn 26.10.2 has them, checks, and what a connection takes over."""

from __future__ import annotations

import inspect

import pytest
from _ws_helpers import Client, Server, make

from autobahn_fast.websocket import _options
from autobahn_fast.websocket.protocol import WebSocketClientFactory, WebSocketProtocol, WebSocketServerFactory

COMMON = {
    "utf8validateIncoming": True,
    "applyMask": True,
    "maxFramePayloadSize": 0,
    "maxMessagePayloadSize": 0,
    "autoFragmentSize": 0,
    "failByDrop": True,
    "echoCloseCodeReason": False,
    "openHandshakeTimeout": 5,
    "closeHandshakeTimeout": 1,
    "tcpNoDelay": True,
    "autoPingInterval": 0,
    "autoPingTimeout": 0,
    "autoPingSize": 12,
    "autoPingRestartOnAnyTraffic": True,
    "logOctets": False,
    "logFrames": False,
    "trackTimings": False,
}
SERVER = {
    "versions": [8, 13],
    "webStatus": True,
    "maskServerFrames": False,
    "requireMaskedClientFrames": True,
    "serveFlashSocketPolicy": False,
    "allowedOrigins": ["*"],
    "allowNullOrigin": True,
    "maxConnections": 0,
    "trustXForwardedFor": 0,
}
CLIENT = {
    "version": 18,
    "acceptMaskedServerFrames": False,
    "maskClientFrames": True,
    "serverConnectionDropTimeout": 1,
    "perMessageCompressionOffers": [],
    "followRedirects": 0,
}


@pytest.mark.parametrize(("factory", "own"), [(WebSocketServerFactory, SERVER), (WebSocketClientFactory, CLIENT)])
def test_defaults(factory, own):
    made = factory("ws://localhost:9000")
    assert {name: getattr(made, name) for name in COMMON | own} == COMMON | own
    assert made.perMessageCompressionAccept([]) is None


@pytest.mark.parametrize("factory", [WebSocketServerFactory, WebSocketClientFactory])
def test_every_parameter_is_in_the_table_and_the_other_way_round(factory):
    parameters = set(inspect.signature(factory.setProtocolOptions).parameters) - {"self"}
    assert parameters == set(factory._option_table)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maxFramePayloadSize", -1),
        ("maxMessagePayloadSize", "x"),
        ("maxMessagePayloadSize", 1.5),
        ("autoFragmentSize", True),
        ("autoPingSize", 11),
        ("autoPingSize", 126),
        ("autoPingInterval", -1),
        ("autoPingTimeout", "x"),
        ("openHandshakeTimeout", float("nan")),
        ("applyMask", 2),
        ("failByDrop", "yes"),
        ("perMessageCompressionAccept", 5),
    ],
)
@pytest.mark.parametrize("factory", [WebSocketServerFactory, WebSocketClientFactory])
def test_bad_values_change_nothing(factory, name, value):
    made = factory("ws://localhost:9000")
    before = dict(vars(made))
    with pytest.raises((TypeError, ValueError), match=name):
        made.setProtocolOptions(tcpNoDelay=False, **{name: value})
    assert vars(made) == before


@pytest.mark.parametrize(
    ("factory", "name", "value"),
    [
        (WebSocketServerFactory, "versions", [13, 14]),
        (WebSocketServerFactory, "allowedOrigins", "*"),
        (WebSocketServerFactory, "allowedOrigins", [5]),
        (WebSocketServerFactory, "maxConnections", -1),
        (WebSocketServerFactory, "flashSocketPolicy", 5),
        (WebSocketClientFactory, "version", 9),
        (WebSocketClientFactory, "perMessageCompressionOffers", 5),
    ],
)
def test_bad_values_of_one_role(factory, name, value):
    with pytest.raises((TypeError, ValueError)):
        factory("ws://localhost:9000").setProtocolOptions(**{name: value})


def test_none_leaves_an_option_except_null_origin():
    made = WebSocketServerFactory("ws://localhost:9000")
    made.setProtocolOptions(maxConnections=5, allowNullOrigin=True)
    assert made.allowNullOrigin is True
    made.setProtocolOptions(autoPingSize=20)
    assert (made.maxConnections, made.autoPingSize, made.allowNullOrigin) == (5, 20, False)
    made.resetProtocolOptions()
    assert (made.maxConnections, made.autoPingSize, made.allowNullOrigin) == (0, 12, True)


def test_a_value_on_the_class_or_instance_wins():
    class Own(Server):
        failByDrop = False

    connection, _ = make(Own, failByDrop=True, autoPingSize=20)
    assert connection.failByDrop is False
    assert connection.autoPingSize == 20


def test_config_attributes_are_the_table():
    assert set(WebSocketProtocol.CONFIG_ATTRS_CLIENT) <= set(_options.client_options)
    assert set(Client.CONFIG_ATTRS) - set(_options.LOGGING) == set(_options.client_options)


def test_urls():
    server = WebSocketServerFactory("wss://example.com/ws", protocols=["a"], server="x", headers={"a": "b"})
    assert (server.isSecure, server.host, server.port, server.path) == (True, "example.com", 443, "/ws")
    assert (server.protocols, server.server, server.headers, server.externalPort) == (["a"], "x", {"a": "b"}, None)
    assert WebSocketClientFactory().url == "ws://localhost"
    with pytest.raises(ValueError, match="query"):
        WebSocketServerFactory("ws://localhost/?a=1")
    with pytest.raises(ValueError, match="URL"):
        WebSocketClientFactory("http://localhost")
