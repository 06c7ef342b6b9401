# SPDX-License-Identifier: MIT
"""What a Component may be told, and when it tries again. No connection is made here."""

from __future__ import annotations

from typing import Any

import pytest

from autobahn_fast.asyncio.component import Component, run
from autobahn_fast.wamp._transports import Retry

WS = "ws://127.0.0.1:1/ws"
TCP = {"type": "tcp", "host": "a", "port": 3}


@pytest.mark.parametrize(
    ("transports", "text"),
    [
        ([], "at least one"),
        (3, "must be a URL"),
        ([3], "invalid transport"),
        (["foo"], "invalid WebSocket URL"),
        ({"foo": 1}, "'foo' is not a valid configuration item"),
        ({"url": WS, "serializer": "json"}, "only for rawsocket"),
        ({"url": WS, "serializers": "json"}, "must be a list"),
        ({"url": WS, "serializers": []}, "must be a list"),
        ({"url": WS, "serializers": ["jso"]}, "Invalid serializer"),
        ({"url": WS, "type": "x"}, "Invalid transport type"),
        ({"url": "rs://a:3", "type": "rawsocket", "serializers": ["json"]}, "only for websocket"),
        ({"url": "rs://a:3", "type": "rawsocket", "serializer": "x"}, "Invalid serializer"),
        ({"url": "rs://a:3", "type": "rawsocket", "serializer": "json.batched"}, "Invalid serializer"),
        ({"url": WS, "serializers": ["batched.json"]}, "Invalid serializer"),
        ({"type": "rawsocket"}, "requires 'url'"),
        ({"type": "websocket", "endpoint": TCP}, "Transport requires 'url'"),
        ({"url": WS, "endpoint": 3}, "'endpoint' configuration must be"),
        ({"url": WS, "endpoint": {}}, "'type' required"),
        ({"url": WS, "endpoint": {"type": "foo"}}, 'invalid type "foo"'),
        ({"url": WS, "endpoint": {"type": "tcp"}}, "'host' required"),
        ({"url": WS, "endpoint": {**TCP, "foo": 2}}, "Invalid key 'foo'"),
        ({"url": WS, "endpoint": {**TCP, "port": "x"}}, "'port'"),
        ({"url": WS, "endpoint": {**TCP, "version": 5}}, "4 or 6"),
        ({"url": WS, "endpoint": {**TCP, "timeout": "x"}}, "'timeout'"),
        ({"url": WS, "endpoint": {**TCP, "tls": "x"}}, "'tls' configuration"),
        ({"url": WS, "endpoint": {**TCP, "tls": {"a": 3}}}, "Invalid key 'a'"),
        ({"url": WS, "endpoint": {"type": "unix", "path": "/x", "host": "a"}}, "not valid in 'unix'"),
        ({"url": WS, "endpoint": {"type": "unix"}}, "'path' required"),
        ({"url": WS, "proxy": 3}, "'proxy'"),
        ({"url": WS, "proxy": {"host": "x"}}, "'port' required in proxy"),
        ({"url": WS, "proxy": {"host": "x", "port": 3, "z": 2}}, "Unknown key 'z'"),
        ({"url": WS, "options": 3}, "must be a dict"),
        ({"url": WS, "max_retries": "x"}, "'max_retries'"),
        ({"url": WS, "initial_retry_delay": -3}, "'initial_retry_delay'"),
    ],
)
def test_wrong_transports(transports: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Component(transports=transports)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"main": 3}, '"main" must be a callable'),
        ({"is_fatal": 3}, '"is_fatal" must be a callable'),
        ({"session_factory": 3}, '"session_factory" must be a callable'),
        ({"authentication": 3}, "'authentication'"),
        ({"authentication": {"ticket": {}}}, "ticket"),
        ({"authentication": {"ticket": 3}}, "ticket"),
        ({"authentication": {"nonsense": {}}}, "nonsense"),
    ],
)
def test_wrong_arguments(kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Component(**kwargs)


def test_defaults() -> None:
    (transport,) = Component()._transports
    assert (transport.type, transport.url, transport.serializers) == (
        "websocket",
        "ws://127.0.0.1:8080/ws",
        ["cbor", "json"],
    )
    assert transport.endpoint == {"type": "tcp", "host": "127.0.0.1", "port": 8080, "tls": False}
    assert (transport.max_retries, transport.initial_retry_delay, transport.max_retry_delay) == (-1, 1.5, 300)
    assert (transport.retry_delay_growth, transport.retry_delay_jitter) == (1.5, 0.1)
    first, second = Component(transports=["wss://a.b/ws", {"url": "rs://a:1", "max_retries": 2}])._transports
    assert first.endpoint == {"type": "tcp", "host": "a.b", "port": 443, "tls": True}
    assert (second.type, second.serializers, second.max_retries) == ("rawsocket", ["cbor"], 2)


def test_retry_delays_grow_up_to_the_maximum() -> None:
    retry = Retry(5, 1.0, 3.0, 2.0, 0.0)
    assert [retry.next_delay() for _ in range(4)] == [1.0, 2.0, 3.0, 3.0]
    assert retry.may_try()
    retry.next_delay()
    assert not retry.may_try()
    retry.reset()
    assert retry.next_delay() == 1.0
    assert Retry(max_retries=-1).may_try()


@pytest.mark.parametrize(("random", "delay"), [(0.0, 0.9), (0.5, 1.0), (1.0, 1.1)])
def test_retry_jitter(random: float, delay: float) -> None:
    assert Retry(-1, 1.0, 10.0, 2.0, 0.1, lambda: random).next_delay() == pytest.approx(delay)


@pytest.mark.parametrize("components", [[], 3, [3], "x"])
def test_run_refuses_what_is_no_component(components: Any) -> None:
    with pytest.raises(ValueError, match="omponent"):
        run(components, log_level=None)


def test_stop_before_start_is_harmless() -> None:
    assert Component().stop() is None
