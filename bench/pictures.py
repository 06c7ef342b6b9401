# SPDX-License-Identifier: MIT
"""The pictures of docs/performance.md: which cases and sides of a run each one shows. How they are drawn is in the package."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autobahn_fast._bench.plot import panels
from autobahn_fast._bench.svg import Panel, chosen, render

WAMP = ("autobahn_fast", "autobahn", "xconn", "AutobahnJS json", "wampy.js json", "raw frames", "raw round trip")
WEBSOCKET = ("autobahn_fast", "picows", "aiohttp", "websockets", "wsproto", "autobahn", "raw aiofastnet", "zlib")
MANY = ("autobahn_fast", "picows", "aiohttp", "websockets", "autobahn", "raw protocol")
KERNELS = ("autobahn_fast", "autobahn_fast kernel", "C loop", "simdutf", "aiohttp", "bytes.decode", "autobahn")
FRAMES = ("autobahn_fast", "websockets", "wsproto")
ROUTERS = ("embedded", "Crossbar")
COST = ("autobahn_fast", "autobahn", "python")


@dataclass(frozen=True)
class Picture:
    """``cases`` are (case, sides, figure) for bars, ``series`` (series, sides) for curves."""

    heading: str
    alt: str
    cases: Sequence[tuple[str, Sequence[str], str]] = ()
    series: Sequence[tuple[str, Sequence[str]]] = ()


PICTURES = {
    "bench-wamp": Picture(
        "WAMP at a glance",
        "Bars: processor time of a client for a publication, an event, a call and an invocation, by package",
        [
            (f"WAMP {path}", WAMP, "cpu")
            for path in (
                "publish",
                "event",
                "call, 100 in flight",
                "invocation",
                "call, in sequence",
                "publish, acknowledged",
            )
        ],
    ),
    "bench-websocket": Picture(
        "WebSocket at a glance",
        "Bars: processor time of a client for round trips, plain, encrypted and compressed, and for messages one way, by package",
        [
            (path, WEBSOCKET, "cpu")
            for path in (
                "echo 256 B",
                "echo 100 KiB",
                "echo 256 B, TLS",
                "echo 8 KiB JSON, deflate",
                "send 256 B",
                "receive 256 B",
            )
        ],
    ),
    "bench-growth": Picture(
        "How cost grows",
        "Curves: processor time of a message by its size, by connections, by subscriptions and by calls pending",
        series=[
            *((f"{path}, by octets in a message", MANY) for path in ("echo", "send", "receive")),
            ("echo 256 B, by connections", MANY),
            ("WAMP event, by subscriptions", ("autobahn_fast", "autobahn")),
            ("WAMP call, by calls pending", ("autobahn_fast", "autobahn")),
        ],
    ),
    "bench-kernels": Picture(
        "Kernels and frames",
        "Curves: processor time of masking, checking UTF-8, making and reading a frame, by size",
        series=[
            ("mask, by octets", KERNELS),
            ("UTF-8, ASCII, by octets", KERNELS),
            ("frame out, by octets", FRAMES),
            ("frame in, by octets", FRAMES),
        ],
    ),
    "bench-routers": Picture(
        "Routers, starting, an idle session",
        "Bars: time of events and calls through the embedded router and Crossbar; time of an import, memory of an idle session",
        [
            ("router", ROUTERS, "event"),
            ("router", ROUTERS, "call"),
            ("router", ROUTERS, "event p99"),
            ("router, 1000 subscribers", ROUTERS, "event"),
            ("import asyncio.component", COST, "ms"),
            ("import twisted.component", COST, "ms"),
            ("idle session", COST, "KiB"),
            ("idle connection", WEBSOCKET, "KiB"),
        ],
    ),
}
"""By the name of the file."""


def bars(case: Mapping[str, Any], sides: Sequence[str], figure: str) -> Panel | None:
    """A panel with one figure of a case; None when fewer than two of the sides have it."""
    values = {name: statistics.median(rounds[figure]) for name, rounds in case["sides"].items() if figure in rounds}
    shown = chosen(values, sides)
    if len(shown) < 2:
        return None
    unit = f"{case['unit'] or figure} of processor time, each message" if figure == "cpu" else ""
    if not unit:
        unit = figure if figure in ("ms", "KiB") else f"{case['unit']} of wall time, each {figure.split()[0]}"
    title = case["path"] if figure in ("cpu", "ms", "KiB") else f"{case['path']}: {figure}"
    return Panel(title, unit.replace("us ", "µs "), shown, {})


def curves(panel: Panel, sides: Sequence[str]) -> Panel | None:
    """The panel with only these sides; None when there are none."""
    shown = {name: panel.curves[name] for name in sides if name in panel.curves}
    return panel._replace(curves=shown) if shown else None


def draw(document: Mapping[str, Any], folder: Path) -> dict[str, tuple[str, str]]:
    """Draw what the run has; returns heading and alternative text of each file that was written, by its name."""
    cases = {case["path"]: case for case in document["cases"]}
    series = {panel.title: panel for panel in panels(document)[1]}
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, picture in PICTURES.items():
        made = [bars(cases[path], sides, figure) for path, sides, figure in picture.cases if path in cases]
        made += [curves(series[title], sides) for title, sides in picture.series if title in series]
        if shown := [panel for panel in made if panel is not None]:
            (folder / f"{name}.svg").write_text(render(shown, picture.alt), encoding="utf-8")
            written[f"{name}.svg"] = picture.heading, picture.alt
    return written
