# SPDX-License-Identifier: MIT
"""WebSocket from end to end: every peer as the client of the same far end. What clients do is in ``peers/ws.py``."""

from __future__ import annotations

from typing import Any

from _harness import BENCH, Case, Measure, Workers, python

KIB = 1024
PEERS = {
    "autobahn_fast": ("autobahn:autobahn_fast", "uvloop"),
    "autobahn": ("autobahn:autobahn", "uvloop"),
    "picows": ("picows", "uvloop"),
    "aiohttp": ("aiohttp", "uvloop"),
    "websockets": ("websockets", "uvloop"),
    "wsproto": ("wsproto", "uvloop"),
    "autobahn_fast aiofastnet": ("autobahn:autobahn_fast+aiofastnet", "uvloop"),
    "autobahn_fast asyncio": ("autobahn:autobahn_fast", "asyncio"),
    "autobahn_fast twisted": ("autobahn:autobahn_fast", "twisted"),
    "autobahn twisted": ("autobahn:autobahn", "twisted"),
    "raw protocol": ("raw:protocol", "uvloop"),
    "raw buffered": ("raw:buffered", "uvloop"),
    "raw aiofastnet": ("raw:aiofastnet", "uvloop"),
    "raw asyncio": ("raw:protocol", "asyncio"),
    "raw socket": ("socket", "asyncio"),
    "zlib": ("zlib", "asyncio"),
}
"""Side: the client program and its loop. ``raw``: octets made beforehand and not looked at, the limit."""
CLIENTS = ("autobahn_fast", "autobahn", "picows", "aiohttp", "websockets")
LOOPS = ("autobahn_fast asyncio", "autobahn_fast twisted", "autobahn twisted")
FASTNET = ("autobahn_fast aiofastnet",)
"""The transports that picows uses by itself where they are installed, and autobahn_fast in components and runners over TLS."""
LIMITS = ("raw protocol", "raw buffered", "raw aiofastnet", "raw socket")
ALL = (*CLIENTS, "wsproto", *LOOPS, *LIMITS, "raw asyncio")
LARGE = (*CLIENTS, "raw protocol", "raw socket")
SERVERS = ("autobahn_fast", "autobahn", "picows", "aiohttp", "websockets", "autobahn_fast asyncio")
"""Sides that are measured as servers, too."""
SIZES = (32, 256, 8 * KIB, 100 * KIB, 1024 * KIB)
LARGE_SIZES = (8 << 20, 64 << 20)


def name_of(size: int) -> str:
    """A size as people say it."""
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB" if size >= KIB else f"{size} B"


class WebSocketCases:
    """Makes the cases for one far end."""

    def __init__(self, workers: Workers, port: int, tls_port: int) -> None:
        self._workers = workers
        self._ports = str(port), str(tls_port)

    def _side(self, name: str, /, **job: Any) -> Measure:
        return self._workers.side(python(), str(BENCH / "peers" / "ws.py"), *PEERS[name], *self._ports, **job)

    def _case(
        self, case: str, sides: tuple[str, ...], series: str = "", x: float = 0, full: bool = False, /, **job: Any
    ) -> Case:
        return Case(case, {name: self._side(name, **job) for name in sides}, series, x, full=full)

    def cases(self) -> list[Case]:
        """All of them."""
        return [
            *self._echo(),
            *self._encrypted(),
            *self._compressed(),
            *self._one_way(),
            *self._connections(),
            *self._servers(),
        ]

    def _echo(self) -> list[Case]:
        """Round trips by size, to 64 MiB."""
        series = "echo, by octets in a message"
        made = [
            self._case(f"echo {name_of(size)}", (*ALL, *FASTNET), series, size, path="echo", size=size)
            for size in SIZES
        ]
        for size in LARGE_SIZES:
            made.append(self._case(f"echo {name_of(size)}", LARGE, series, size, True, path="echo", size=size))
        return made

    def _encrypted(self) -> list[Case]:
        """Over TLS: round trips, and one way."""
        made = [self._case("echo 256 B, TLS", (*CLIENTS, *FASTNET, *LOOPS, *LIMITS), path="echo", size=256, tls=True)]
        for path, size in (("echo", 16 * KIB), ("send", 256), ("receive", 256), ("receive", 16 * KIB)):
            name = f"{path} {name_of(size)}, TLS"
            made.append(self._case(name, CLIENTS + FASTNET + LIMITS, "", 0, True, path=path, size=size, tls=True))
        return made

    def _compressed(self) -> list[Case]:
        """JSON with permessage-deflate, and the same text without."""
        job: dict[str, Any] = {"path": "echo", "size": 8 * KIB, "text": True}
        deflating = tuple(name for name in (*CLIENTS, "wsproto", *LOOPS, "zlib") if name != "picows")
        return [
            self._case("echo 8 KiB JSON, deflate", deflating, **job, deflate=True),
            self._case("echo 8 KiB JSON", (*CLIENTS, "wsproto"), "", 0, True, **job),
        ]

    def _one_way(self) -> list[Case]:
        """Floods by size, to 64 MiB."""
        made = []
        for path in ("send", "receive"):
            for size in sorted((*SIZES, 16 * KIB, *LARGE_SIZES)):
                some = LARGE if size in LARGE_SIZES else (*CLIENTS, "raw protocol", "raw buffered", "raw socket")
                sides = ALL if size == 256 else some
                full = size not in (256, 16 * KIB)
                series = f"{path}, by octets in a message"
                made.append(self._case(f"{path} {name_of(size)}", sides, series, size, full, path=path, size=size))
        return made

    def _connections(self) -> list[Case]:
        """Round trips on many connections of one process."""
        sides = (*CLIENTS, "raw protocol")
        series = "echo 256 B, by connections"
        made = []
        for count in (1, 10, 100, 1000):
            job: dict[str, Any] = {"path": "echo", "size": 256, "connections": count}
            made.append(self._case(f"echo 256 B, {count} connections", sides, series, count, True, **job))
        return made

    def _servers(self) -> list[Case]:
        """The other role: what a server takes, whose client is a program in C."""
        jobs: list[tuple[str, bool, dict[str, Any]]] = [
            ("server, echo 256 B", False, {"path": "echo", "size": 256}),
            ("server, echo 32 B", True, {"path": "echo", "size": 32}),
            ("server, echo 8 KiB", True, {"path": "echo", "size": 8 * KIB}),
            ("server, echo 100 KiB", True, {"path": "echo", "size": 100 * KIB}),
            ("server, echo 256 B, 1000 connections", True, {"path": "echo", "size": 256, "connections": 1000}),
            ("server, send 256 B", False, {"path": "send", "size": 256}),
            ("server, receive 256 B", False, {"path": "receive", "size": 256}),
            ("server, receive 16 KiB", True, {"path": "receive", "size": 16 * KIB}),
        ]
        program = str(BENCH / "peers" / "ws_server.py")
        made = []
        for name, full, job in jobs:
            sides = {side: self._workers.side(python(), program, *PEERS[side], **job) for side in SERVERS}
            made.append(Case(name, sides, full=full))
        return made
