# SPDX-License-Identifier: MIT
"""Writes the figures of a run into docs/performance.md, between two markers: machine, targets, pictures, and the cases as tables.

``python bench/report.py [FILE ...]`` does it again from result files. What stands outside of the markers stays as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))

import pictures
import targets
from _harness import median, spread, table

PAGE = BENCH.parent / "docs" / "performance.md"
PICTURES = "_static"
"""Where the pictures are, from the folder of the page."""
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
KEY = """\
Blue is autobahn_fast, grey are limits: bare transports and loops in C that do only what nobody can leave out. Less is better.
Bars are in proportion; behind each value is how many times ours it is. Both axes of curves are logarithmic: cost that grows in
proportion is a straight line, and cost that does not grow is level."""
COLUMNS = {
    "WAMP": ["autobahn_fast", "autobahn", "xconn", "AutobahnJS json", "wampy.js json", "autobahn_fast json", "autobahn json"],
    "WAMP, Twisted, RawSocket, CBOR, asyncio": [
        "autobahn_fast twisted", "autobahn twisted", "autobahn_fast rawsocket", "autobahn rawsocket",
        "autobahn_fast cbor", "autobahn cbor", "autobahn_fast asyncio", "autobahn asyncio",
    ],
    "WebSocket": ["autobahn_fast", "autobahn", "picows", "aiohttp", "websockets", "wsproto", "raw protocol", "raw aiofastnet", "raw socket"],
    "WebSocket, Twisted and asyncio": ["autobahn_fast twisted", "autobahn twisted", "autobahn_fast asyncio"],
    "Servers": ["autobahn_fast", "autobahn", "picows", "aiohttp", "websockets", "autobahn_fast asyncio"],
    "Routers": ["embedded", "Crossbar"],
    "Clients of routers": ["autobahn_fast", "autobahn"],
    "Footprint": ["autobahn_fast", "autobahn", "picows", "aiohttp", "websockets", "python"],
}  # fmt: skip
"""Tables, and the sides that are their columns."""
PREFIXES = {
    "WAMP": "WAMP",
    "WebSocket": ("echo", "send", "receive"),
    "Servers": "server",
    "Routers": "router",
    "Clients of routers": "clients",
    "Footprint": ("import", "idle"),
}
EVERY_FIGURE = ("Routers", "Clients of routers", "Footprint")
"""Tables with a line for each figure of a case, not only for the first."""
UNITS = {"Routers": ", microseconds", "Footprint": ""}
"""Behind the heading of a table, where it is not processor time of each message."""
LATENCIES = ["autobahn_fast", "autobahn", "picows", "aiohttp", "websockets", "xconn", "raw protocol", "raw round trip"]


def machine_line(document: Mapping[str, Any]) -> str:
    """Where, when and with what."""
    machine, settings = document["machine"], document["settings"]
    versions = ", ".join(
        f"{name} {version}" for name, version in document["versions"].items() if name != "autobahn_fast"
    )
    return (
        f"{machine['when'][:10]}, {machine['python']}, {machine['system']}, {machine['processor']}, {machine['cores']} cores,"
        f" load {machine['load']} at the end; {settings['rounds']} rounds of {settings['seconds']} s for each side, taken in turns,"
        f" medians. {versions}."
    )


def losses(verdicts: list[targets.Verdict]) -> str:
    """What is missed, in words."""
    missed = [v for v in verdicts if v.passed is False]
    measured = [v for v in verdicts if v.passed is not None]
    if not missed:
        return f"All {len(measured)} targets that were measured are met."
    lines = [f"{len(measured) - len(missed)} of {len(measured)} targets that were measured are met. Missed:", ""]
    for v in missed:
        unit = "x" if v.target.peer else ""
        against = f" against {v.target.against}" if v.target.peer else ""
        lines.append(f"- {v.target.path}, {v.target.ours}{against}: {v.ratio:.3g}{unit}, asked for {v.target.wanted}")
    return "\n".join(lines)


def behind(document: Mapping[str, Any]) -> str:
    """Every case in which a peer takes less than we do."""
    lines = []
    for case in document["cases"]:
        sides = case["sides"]
        ours = sides.get(targets.OURS, sides.get("embedded"))
        if ours is None or "cpu" not in ours or case["path"].startswith("frame"):
            continue
        own = median(ours["cpu"])
        better = {
            side: median(figures["cpu"])
            for side, figures in sides.items()
            if not side.startswith((targets.OURS, *targets.LIMITS)) and median(figures["cpu"]) < own * 0.95
        }
        if better:
            who = ", ".join(f"{side} {value:.4g}" for side, value in sorted(better.items(), key=lambda item: item[1]))
            lines.append(f"- {case['path']}: {own:.4g} {case['unit']}; {who}")
    return "\n".join(lines) or "None was measured."


def cases_table(document: Mapping[str, Any], heading: str) -> str:
    """The cases of one heading; an empty text when there are none."""
    columns = COLUMNS[heading]
    prefix = PREFIXES[heading.partition(",")[0]]
    rows = [["", *columns]]
    for case in document["cases"]:
        sides = case["sides"]
        if not case["path"].startswith(prefix) or not any(column in sides for column in columns):
            continue
        names = list(dict.fromkeys(name for column in columns for name in sides.get(column, {})))
        for name in names if heading in EVERY_FIGURE else names[:1]:
            cells = [sides.get(column, {}).get(name) for column in columns]
            label = case["path"] if len(rows[0]) and name == "cpu" else f"{case['path']}, {name}"
            rows.append([label, *("" if values is None else f"{median(values):.3g}" for values in cells)])
    used = [index for index in range(len(rows[0])) if index == 0 or any(row[index] for row in rows[1:])]
    return table([[row[index] for index in used] for row in rows]) if len(rows) > 1 else ""


def latency_table(document: Mapping[str, Any]) -> str:
    """Percentiles of the cases that have them; an empty text when none has."""
    rows = [["", *LATENCIES]]
    for case in document["cases"]:
        figures = [case["sides"].get(side, {}) for side in LATENCIES]
        if any("p99" in figure for figure in figures):
            cells = [f"{median(f['p50']):.3g} / {median(f['p99']):.3g}" if "p99" in f else "" for f in figures]
            rows.append([case["path"], *cells])
    used = [index for index in range(len(rows[0])) if index == 0 or any(row[index] for row in rows[1:])]
    return table([[row[index] for index in used] for row in rows]) if len(rows) > 1 else ""


def kernel_table(document: Mapping[str, Any]) -> str:
    """Kernels and codecs: nanoseconds for each side, in words, because sides differ from case to case."""
    rows = [["case", "ns for each message", "spread"]]
    for case in document["cases"]:
        if case["unit"] == "ns":
            sides = {side: figures["cpu"] for side, figures in case["sides"].items()}
            widest = max(spread(values) for values in sides.values())
            text = ", ".join(f"{side} {median(values):.3g}" for side, values in sides.items())
            rows.append([case["path"], text, f"{widest:.0%}"])
    return table(rows, left=2) if len(rows) > 1 else ""


def text_of(document: Mapping[str, Any], drawn: Mapping[str, tuple[str, str]]) -> str:
    """All that goes between the markers; ``drawn`` are the pictures, as `pictures.draw` returns them."""
    verdicts = targets.judge_all(document)
    parts = [machine_line(document)]
    if drawn:
        parts.append(KEY)
    for name, (heading, alt) in drawn.items():
        parts += [f"### {heading}", f"![{alt}]({PICTURES}/{name})"]
    parts += ["### Targets", table(targets.rows(verdicts), left=3), losses(verdicts)]
    parts += ["### Where others take less", behind(document)]
    for heading in COLUMNS:
        made = cases_table(document, heading)
        if made:
            unit = UNITS.get(heading, ", microseconds of processor time for each message")
            parts += [f"### {heading}{unit}", made]
    latencies = latency_table(document)
    if latencies:
        parts += ["### Latency of round trips one after another, microseconds, 50th / 99th percentile", latencies]
    kernels = kernel_table(document)
    if kernels:
        parts += ["### Kernels, codecs and engines", kernels]
    return "\n\n".join(parts)


def update(page: Path, document: Mapping[str, Any]) -> None:
    """Replace what is between the markers of ``page``.

    :raises ValueError: the markers are not there.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} and {END}")
    drawn = pictures.draw(document, page.parent / PICTURES)
    page.write_text(f"{before}{BEGIN}\n\n{text_of(document, drawn)}\n\n{END}{after}", encoding="utf-8")


def merged(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Runs of different cases as one; machine and settings are those of the last."""
    cases = {case["path"]: case for document in documents for case in document["cases"]}
    return {**documents[-1], "cases": list(cases.values())}


if __name__ == "__main__":
    _files = [Path(name) for name in sys.argv[1:]] or [BENCH / "results" / "full.json"]
    update(PAGE, merged([json.loads(file.read_text(encoding="utf-8")) for file in _files]))
