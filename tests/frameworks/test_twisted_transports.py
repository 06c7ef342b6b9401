# SPDX-License-Identifier: MIT
"""Twisted's transports over real sockets: TLS, Unix sockets, streams in WebSocket, twisted.web."""

from __future__ import annotations

from pathlib import Path

import pytest
from _live import make_certificate, run_twisted

both_reactors = pytest.mark.parametrize("reactor", ["default", "uvloop"])


def run(*arguments: str) -> None:
    run_twisted("_twisted_transports.py", *arguments)


def run_stream(*arguments: str) -> None:
    run_twisted("_twisted_streams.py", *arguments)


@both_reactors
@pytest.mark.parametrize("program", ["tls", "tls_component", "site"])
def test_over_tls(program: str, reactor: str, tmp_path: Path) -> None:
    run(program, reactor, str(make_certificate(tmp_path)))


@both_reactors
def test_unix_socket(reactor: str, tmp_path: Path) -> None:
    run("unix", reactor, str(tmp_path / "socket"))


@both_reactors
def test_wamp_servers(reactor: str, tmp_path: Path) -> None:
    run("wamp_server", reactor, str(tmp_path / "socket"), str(make_certificate(tmp_path)))


@pytest.mark.parametrize(
    ("reactor", "compression", "subprotocol"),
    [("default", "true", "binary"), ("uvloop", "false", "binary"), ("default", "false", "base64")],
)
def test_stream_in_websocket(reactor: str, compression: str, subprotocol: str) -> None:
    run_stream("stream", reactor, compression, subprotocol)


@pytest.mark.parametrize(
    ("offered", "first", "kind", "reason"),
    [
        ("other", "", "binary", "this server speaks the WebSocket subprotocols binary, base64"),
        ("binary", "text", "text", "a text message where binary ones are expected"),
        ("base64", "octets", "binary", "a text message where binary ones are expected"),
        ("base64", "no base 64!", "text", "a text message that is not Base64"),
    ],
)
def test_stream_in_websocket_refuses(offered: str, first: str, kind: str, reason: str) -> None:
    run_stream("stream_faults", "default", offered, first, kind, reason)


@both_reactors
def test_stream_in_websocket_is_a_transport(reactor: str) -> None:
    run_stream("stream_transport", reactor)
