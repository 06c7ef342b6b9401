# SPDX-License-Identifier: MIT
"""What is asked for: one line for each target, and how a run is judged by them.

A target compares two sides of one case, measured in turns in one run: ``at_least`` is peer / ours, ``at_most`` is ours / peer,
of the medians. A target without a peer is a value of ours.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

OURS = "autobahn_fast"
LIMITS = ("raw ", "C loop", "memcpy", "simdutf", "zlib", "python")
"""Sides whose name begins so are bounds, not peers."""
FLAT = 1.5
"""Cost is flat, or linear, when the largest case costs at most so much more than the smallest would have it."""


@dataclass(frozen=True)
class Target:
    """``path`` is the case; ``figure`` is which of its figures counts."""

    group: str
    path: str
    peer: str | None
    at_least: float | None = None
    at_most: float | None = None
    ours: str = OURS
    figure: str = "cpu"
    beside: str | None = None
    """The case of the peer, when it is another one: how cost grows is a case beside a smaller one."""
    times: float = 1
    """The peer's value counts so many times: a message that is so much larger may cost so much more."""

    @property
    def wanted(self) -> str:
        """As a few words."""
        bound = f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"
        return bound + ("x" if self.peer else "")

    @property
    def against(self) -> str:
        """What ours is compared with."""
        if self.beside is not None:
            return (f"{self.times:g} times " if self.times != 1 else "") + self.beside
        return self.peer or "-"


@dataclass(frozen=True)
class Verdict:
    """A target with what was measured; ``ratio`` is None when one of the sides was not."""

    target: Target
    ours: float | None = None
    peer: float | None = None
    ratio: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """None: not measured."""
        if self.ratio is None:
            return None
        target = self.target
        return self.ratio >= target.at_least if target.at_least is not None else self.ratio <= (target.at_most or 0)

    @property
    def word(self) -> str:
        """``pass``, ``MISS`` or ``-``."""
        return {True: "pass", False: "MISS", None: "-"}[self.passed]


def websocket() -> list[Target]:
    """Against the other WebSocket packages and bare transports."""
    g = "WebSocket"
    made = [Target(g, f"echo {size}", "picows", at_most=1.0) for size in ("32 B", "256 B", "8 KiB", "100 KiB", "1 MiB")]
    # Over the transports that picows takes by itself, too
    fastnet = f"{OURS} aiofastnet"
    made += [Target(g, f"echo {size}", "picows", at_most=1.0, ours=fastnet) for size in ("32 B", "256 B", "8 KiB")]
    made += [
        Target(g, "echo 256 B", "raw aiofastnet", at_most=1.3),
        Target(g, "echo 256 B, TLS", "picows", at_most=1.0),
        Target(g, "echo 256 B, TLS", "picows", at_most=1.0, ours=fastnet),
        Target(g, "send 256 B", None, at_most=0.7),
        Target(g, "send 256 B", "picows", at_least=5),
        Target(g, "receive 256 B", "picows", at_most=1.0),
        Target(g, "receive 16 KiB", "picows", at_most=1.0),
        Target(g, "echo 8 KiB JSON, deflate", "zlib", at_most=1.7),
        Target(g, "echo 256 B", "autobahn twisted", at_most=0.5, ours=f"{OURS} twisted"),
        *(
            Target(g, f"{way} 256 B", other, at_most=1.5, ours=f"{OURS} twisted")
            for way in ("send", "receive")
            for other in (OURS, f"{OURS} asyncio")
        ),
        *(Target(g, f"server, echo {size}", "picows", at_most=1.0) for size in ("32 B", "256 B", "8 KiB", "100 KiB")),
        Target(g, "server, send 256 B", None, at_most=0.7),
        Target(g, "server, send 256 B", "picows", at_least=5),
        Target(g, "server, receive 256 B", "picows", at_most=1.0),
        Target(g, "server, receive 16 KiB", "picows", at_most=1.0),
    ]
    return made


def kernels() -> list[Target]:
    """Against loops in C, simdutf, and what Python programs call elsewhere."""
    g = "kernel"
    kernel = f"{OURS} kernel"
    sizes = ("16 B", "125 B", "1 KiB", "16 KiB", "256 KiB", "4 MiB")
    made = [Target(g, f"mask {size}", "C loop", at_most=1.2, ours=kernel) for size in sizes]
    made += [Target(g, f"mask {size}", "aiohttp", at_most=1.0) for size in sizes]
    made += [Target(g, f"UTF-8 ASCII {size}", "simdutf", at_most=1.3, ours=kernel) for size in ("1 KiB", "256 KiB")]
    made += [Target(g, f"UTF-8 {kind} 256 KiB", "simdutf", at_most=1.5, ours=kernel) for kind in ("mixed", "4-octet")]
    for name, out, into in (("JSON", 1500, 2500), ("msgpack", 1000, 1800), ("CBOR", 1300, 2200)):
        made.append(Target(g, f"PUBLISH to {name}", None, at_most=out))
        made.append(Target(g, f"PUBLISH from {name}", None, at_most=into))
    return made


def wamp() -> list[Target]:
    """Against autobahn on the same loop with the same serializer, against bare transports, and against ourselves."""
    g = "WAMP"
    made = [
        Target(g, "publish", "autobahn", at_least=70),
        Target(g, "publish, prepared", "autobahn", at_least=100),
        Target(g, "event", "autobahn", at_least=100),
        Target(g, "call, 100 in flight", "autobahn", at_least=35),
        Target(g, "call, 100 in flight, callbacks", "autobahn", at_least=35),
        Target(g, "call, in sequence", "autobahn", at_least=6.5),
        Target(g, "call, in sequence", "raw round trip", at_most=1.5),
        Target(g, "invocation", "autobahn", at_least=60),
        Target(g, "publish, acknowledged", "autobahn", at_least=6),
        Target(g, "publish", "autobahn json", at_least=60, ours=f"{OURS} json"),
        Target(g, "event", "autobahn json", at_least=100, ours=f"{OURS} json"),
        Target(g, "publish", "autobahn twisted", at_least=40, ours=f"{OURS} twisted"),
        Target(g, "event", "autobahn twisted", at_least=50, ours=f"{OURS} twisted"),
    ]
    bounds = ((" cbor", 1.3), (" rawsocket", 1.0), (" asyncio", 1.4), (" twisted", 1.5))
    for way, bound in bounds:
        made += [Target(g, path, OURS, at_most=bound, ours=OURS + way) for path in ("publish", "event")]
    others = ("call, 100 in flight", "call, in sequence", "invocation", "publish, acknowledged")
    made += [Target(g, path, OURS, at_most=1.3, ours=f"{OURS} cbor") for path in others]
    made += [Target(g, path, f"{OURS} asyncio", at_most=1.5, ours=f"{OURS} twisted") for path in ("publish", "event")]
    return [replace(target, path=f"WAMP {target.path}") for target in made]


def footprint() -> list[Target]:
    """Starting, and being connected."""
    g = "cost"
    return [
        Target(g, "import asyncio.component", "autobahn", at_most=0.4, figure="ms"),
        Target(g, "import asyncio.component", None, at_most=30, figure="MiB"),
        Target(g, "import twisted.component", "autobahn", at_most=0.7, figure="ms"),
        Target(g, "idle session", None, at_most=8, figure="KiB"),
    ]


def growth() -> list[Target]:
    """Ours beside ours with fewer connections, subscriptions, calls pending, or a smaller message."""
    g = "growth"
    pairs = [
        ("echo 256 B, 1000 connections", "echo 256 B, 1 connections", 1),
        ("WAMP event, 10000 subscriptions", "WAMP event, 1 subscriptions", 1),
        ("WAMP call, 10000 pending", "WAMP call, 1 pending", 1),
        *((f"{path} 64 MiB", f"{path} 1 MiB", 64) for path in ("echo", "send", "receive")),
    ]
    return [Target(g, path, OURS, at_most=FLAT, beside=beside, times=times) for path, beside, times in pairs]


def router() -> list[Target]:
    """Against Crossbar, the same clients."""
    g = "router"
    made = [
        Target(g, "router", "Crossbar", at_least=25, ours="embedded", figure=figure) for figure in ("event", "call")
    ]
    return [
        *made,
        Target(g, "router, 1000 subscribers", "Crossbar", at_least=25, ours="embedded", figure="event"),
        Target(g, "router", "Crossbar", at_most=0.25, ours="embedded", figure="event p99"),
    ]


def through_crossbar() -> list[Target]:
    """Against autobahn, both as clients of Crossbar, whose throughput is the ceiling: what counts is the clients' own time."""
    bounds = (
        ("publish", 70),
        ("event", 100),
        ("call", 35),
        ("call, in sequence", 6.5),
        ("invocation", 60),
        ("publish, acknowledged", 6),
    )
    return [
        Target("Crossbar", "clients of Crossbar", "autobahn", at_least=bound, figure=figure) for figure, bound in bounds
    ]


TARGETS: list[Target] = [
    *wamp(),
    *websocket(),
    *kernels(),
    *router(),
    *through_crossbar(),
    *footprint(),
    *growth(),
]


def judge(target: Target, cases: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """Compare; ``cases`` are those of a result file by their path."""
    values: list[float | None] = []
    for path, side in ((target.path, target.ours), (target.beside or target.path, target.peer)):
        if side is None:
            values.append(None)
            continue
        case = cases.get(path)
        if case is None:
            return Verdict(target, note="not in this run")
        rounds = case["sides"].get(side, {}).get(target.figure)
        if not rounds:
            return Verdict(target, note=f"{side}: {case.get('skipped', {}).get(side, 'not measured')}")
        values.append(statistics.median(rounds))
    ours, peer = values
    if ours is None:
        return Verdict(target)
    if peer is None:
        return Verdict(target, ours, None, ours)
    peer *= target.times
    ratio = peer / ours if target.at_least is not None else ours / peer
    return Verdict(target, ours, peer, ratio)


def judge_all(document: Mapping[str, Any], targets: Sequence[Target] = TARGETS) -> list[Verdict]:
    """Every target, by what a result file says."""
    cases = {case["path"]: case for case in document["cases"]}
    return [judge(target, cases) for target in targets]


def rows(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """A table with one line for each target, its heading first."""
    made = [["case", "of", "against", "ours", "theirs", "wanted", "measured", ""]]
    for verdict in verdicts:
        target = verdict.target
        measured = "" if verdict.ratio is None else f"{verdict.ratio:.3g}" + ("x" if target.peer else "")
        made.append(
            [
                target.path + ("" if target.figure == "cpu" else f", {target.figure}"),
                target.ours,
                target.against,
                "" if verdict.ours is None else f"{verdict.ours:.4g}",
                "" if verdict.peer is None else f"{verdict.peer:.4g}",
                target.wanted,
                measured or verdict.note[:40],
                verdict.word,
            ]
        )
    return made
