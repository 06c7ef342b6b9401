# SPDX-License-Identifier: MIT
"""Sessions, components, the runner and WebSocket on Twisted over sockets, on the default reactor and on asyncio's with uvloop."""

from __future__ import annotations

import pytest
from _live import run_twisted

REACTORS = ["default", "uvloop"]


def run(*arguments: str) -> None:
    run_twisted("_twisted_programs.py", *arguments)


@pytest.mark.parametrize("reactor", REACTORS)
@pytest.mark.parametrize(
    ("scheme", "serializer"),
    [("ws", "json"), ("ws", "msgpack"), ("ws", "cbor"), ("rs", "msgpack"), ("rs", "json"), ("rs", "cbor")],
)
def test_rpc_and_pubsub(reactor: str, scheme: str, serializer: str) -> None:
    run("rpc_and_pubsub", reactor, scheme, serializer)


@pytest.mark.parametrize("reactor", REACTORS)
@pytest.mark.parametrize("scheme", ["ws", "rs"])
def test_runner_reconnects_and_stops(reactor: str, scheme: str) -> None:
    run("runner", reactor, scheme, "cbor")


@pytest.mark.parametrize("reactor", REACTORS)
def test_runner_that_cannot_connect(reactor: str) -> None:
    run("runner_cannot_connect", reactor, "", "")


@pytest.mark.parametrize("reactor", REACTORS)
@pytest.mark.parametrize("scheme", ["ws", "rs"])
def test_component_reconnects(reactor: str, scheme: str) -> None:
    run("component_reconnects", reactor, scheme, "cbor")


@pytest.mark.parametrize("reactor", REACTORS)
def test_echo_with_asyncio_in_one_process(reactor: str) -> None:
    run("echo_between_frameworks", reactor, "", "")


@pytest.mark.parametrize("reactor", REACTORS)
def test_site_and_client_agent(reactor: str) -> None:
    run("site_and_agent", reactor, "", "")


def test_full_buffer() -> None:
    run("full_buffer", "default", "", "")
