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
    "autobahn_fast asyncio": ("autobahn:autobahn_fast", "asyncio"),
    "autobahn_fast twisted": ("autobahn:autobahn_fast", "twisted"),
    "autobahn twisted": ("autobahn:autobahn", "twisted"),
    "raw protocol": ("raw:protocol", "uvloop"),
    "raw buffered": ("raw:buffered", "uvloop"),
    "raw aiofastnet": ("raw:aiofastnet", "uvloop"),
    "zlib": ("zlib", "asyncio"),
}
"""Side: the client program and its loop. ``raw``: octets made beforehand and not looked at, the limit."""
CLIENTS = ("autobahn_fast", "autobahn", "picows", "aiohttp", "websockets")
LOOPS = ("autobahn_fast asyncio", "autobahn_fast twisted", "autobahn twisted")
LIMITS = ("raw protocol", "raw buffered", "raw aiofastnet")
ALL = (*CLIENTS, "wsproto", *LOOPS, *LIMITS)


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
        made = []
        for size in (32, 256, 8 * KIB, 100 * KIB, 1024 * KIB):
            made.append(
                self._case(f"echo {name_of(size)}", ALL, "echo, by octets in a message", size, path="echo", size=size)
            )
        made.append(self._case("echo 256 B, TLS", (*CLIENTS, *LOOPS, *LIMITS), path="echo", size=256, tls=True))
        made.append(self._case("echo 16 KiB, TLS", CLIENTS + LIMITS, "", 0, True, path="echo", size=16 * KIB, tls=True))
        deflating = tuple(name for name in (*CLIENTS, "wsproto", *LOOPS, "zlib") if name != "picows")
        made.append(
            self._case("echo 8 KiB JSON, deflate", deflating, path="echo", size=8 * KIB, text=True, deflate=True)
        )
        made.append(
            self._case("echo 8 KiB JSON", (*CLIENTS, "wsproto"), "", 0, True, path="echo", size=8 * KIB, text=True)
        )
        for path in ("send", "receive"):
            for size in (32, 256, 8 * KIB, 16 * KIB, 100 * KIB, 1024 * KIB):
                sides = ALL if size == 256 else (*CLIENTS, *LIMITS[:2])
                series = f"{path}, by octets in a message"
                full = size not in (256, 16 * KIB)
                made.append(self._case(f"{path} {name_of(size)}", sides, series, size, full, path=path, size=size))
        for count in (1, 10, 100, 1000):
            sides = (*CLIENTS, "raw protocol")
            made.append(
                self._case(
                    f"echo 256 B, {count} connections",
                    sides,
                    "echo, by connections",
                    count,
                    True,
                    path="echo",
                    size=256,
                    connections=count,
                )
            )
        return made
