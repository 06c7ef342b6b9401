# SPDX-License-Identifier: MIT
"""The text that names a transport's peer: the same for both frameworks, for every kind of transport."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from autobahn_fast.asyncio import util as on_asyncio
from autobahn_fast.twisted import util as on_twisted


async def name_of_client(family: int, path: str) -> tuple[str, Any]:
    """The peer as a server's transport sees it, and that socket's own name."""
    loop = asyncio.get_running_loop()
    named: asyncio.Future[str] = loop.create_future()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            named.set_result(on_asyncio.peer2str(transport))
            transport.close()

    address: Any = path if family == socket.AF_UNIX else ("::1" if family == socket.AF_INET6 else "127.0.0.1", 0)
    listening = socket.socket(family)
    listening.bind(address)
    server = (
        await loop.create_server(Server, sock=listening)
        if not path
        else await loop.create_unix_server(Server, sock=listening)
    )
    client = socket.socket(family)
    client.setblocking(False)
    try:
        await loop.sock_connect(client, listening.getsockname())
        return await asyncio.wait_for(named, 30), client.getsockname()
    finally:
        client.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_sockets_on_asyncio(family: socket.AddressFamily) -> None:
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    named, (host, port, *_) = asyncio.run(name_of_client(family, ""))
    kind = "tcp4" if family == socket.AF_INET else "tcp6"
    assert named == f"{kind}:{host}:{port}"


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_unix_sockets_on_asyncio(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    assert asyncio.run(name_of_client(socket.AF_UNIX, path))[0] == f"unix:{path}"


def test_processes_and_pipes_on_asyncio() -> None:
    async def main() -> tuple[str, str, int]:
        loop = asyncio.get_running_loop()
        process, _ = await loop.subprocess_exec(
            asyncio.SubprocessProtocol, sys.executable, "-c", "input()",
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            pipe = process.get_pipe_transport(0)
            assert pipe is not None
            return on_asyncio.peer2str(process), on_asyncio.peer2str(pipe), process.get_pid()
        finally:
            process.kill()
            await process._wait()  # type: ignore[attr-defined]
            process.close()

    process, pipe, pid = asyncio.run(main())
    assert (process, pipe) == (f"process:{pid}", "pipe")


def test_what_is_no_transport_on_asyncio() -> None:
    assert on_asyncio.peer2str(object()) == "?"  # type: ignore[arg-type]


class Named:
    """Of a Twisted transport, what tells where it leads."""

    def __init__(self, peer: Any, host: Any = None) -> None:
        self.getPeer, self.getHost = (lambda: peer), (lambda: host)


class PipeAddress:
    """Named as Twisted's."""


class ProcessAddress:
    """Named as Twisted's."""

    pid = 4711


@pytest.mark.parametrize(
    ("transport", "name"),
    [
        (Named(IPv4Address("TCP", "127.0.0.1", 80)), "tcp4:127.0.0.1:80"),
        (Named(IPv6Address("TCP", "::1", 80)), "tcp6:[::1]:80"),
        (Named(UNIXAddress(None), UNIXAddress("/run/router")), "unix:/run/router"),
        (Named(UNIXAddress("/run/router"), UNIXAddress(None)), "unix:/run/router"),
        (Named(PipeAddress()), "pipe"),
        (Named(ProcessAddress()), "process:4711"),
        (Named(None), "?"),
        (Named("elsewhere"), "?:elsewhere"),
        (IPv4Address("TCP", "127.0.0.1", 80), "tcp4:127.0.0.1:80"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_addresses_on_twisted(transport: Any, name: str) -> None:
    assert on_twisted.peer2str(transport) == name


def test_a_transport_that_is_gone_on_twisted() -> None:
    class Gone:
        def getPeer(self) -> None:
            raise OSError(107, "Transport endpoint is not connected")

    assert on_twisted.peer2str(Gone()) == "?"
