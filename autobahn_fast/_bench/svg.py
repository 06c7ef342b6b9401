# SPDX-License-Identifier: MIT
"""Charts as SVG: bars and curves in a grid, small, readable on light and on dark pages, without a package for it.

A picture has a background and colors of its own for either scheme of the reader's system. Knows panels, not where they come from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

OURS = "autobahn_fast"
LIMITS = ("raw ", "C loop", "memcpy", "simdutf", "zlib", "python")
"""Sides whose name begins so are bounds, not peers."""
COLORS = {
    "autobahn": "#d9822b",
    "Crossbar": "#d9822b",
    "picows": "#3a9d5d",
    "aiohttp": "#9467bd",
    "websockets": "#c8504b",
    "wsproto": "#9a7b2f",
    "xconn": "#2aa6a0",
    "AutobahnJS": "#b8860b",
    "wampy.js": "#c7699b",
}
OURS_COLOR, LIMIT_COLOR, OTHER_COLOR = "#2f7fd6", "#8a929b", "#7f8fa6"
STYLE = (
    "text{fill:#24292f;font:12px sans-serif}.t{font-weight:bold;font-size:13px}.s{fill:#57606a;font-size:11px}"
    ".b{font-weight:bold}.bg{fill:#fff}.g{stroke:#d8dee4;stroke-width:1}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9da7b3}.bg{fill:#161b22}.g{stroke:#30363d}}"
)
WIDTH, GAP, ROW = 400, 16, 19
LETTER, BOLD = 6.7, 7.6
"""About how wide a letter is."""
PLOT_HEIGHT = 190
LEGEND = 15


class Panel(NamedTuple):
    """One chart: a title, what its values are, and values by side; bars have one value, curves points of (x, y)."""

    title: str
    unit: str
    bars: dict[str, float]
    curves: dict[str, list[tuple[float, float]]]


def color_of(side: str) -> str:
    """The color of a side, the same in every picture."""
    if side.startswith((OURS, "embedded")):
        return OURS_COLOR
    if side.startswith(LIMITS):
        return LIMIT_COLOR
    return next((color for name, color in COLORS.items() if side.startswith(name)), OTHER_COLOR)


def number(value: float) -> str:
    """A value with three digits, as people write it."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"


def octets(value: float) -> str:
    """A number of octets in few characters."""
    for bits, name in ((20, "Mi"), (10, "Ki")):
        if value >= 1 << bits:
            return f"{value / (1 << bits):g}{name}"
    return f"{value:g}"


def count(value: float) -> str:
    """A number of things, or a tick of an axis, in few characters."""
    for factor, name in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{name}"
    return f"{value:g}"


def _text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "", fill: str = "") -> str:
    more = "".join(
        f' {name}="{value}"' for name, value in (("class", kind), ("text-anchor", anchor), ("style", fill)) if value
    )
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(words)}</text>'


def _bars(panel: Panel) -> tuple[list[str], float]:
    """The bars and how high they are. Lengths are in proportion; behind each value how many times ours it is."""
    left = 20 + max((BOLD if side in (OURS, "embedded") else LETTER) * len(side) for side in panel.bars)
    room = WIDTH - left - 104
    longest = max(panel.bars.values()) or 1.0
    ours = next((panel.bars[name] for name in (OURS, "embedded") if name in panel.bars), 0.0)
    made, y = [], 40.0
    for side, value in panel.bars.items():
        length = max(value / longest * room, 1.5)
        mine = side in (OURS, "embedded")
        made.append(_text(left - 6, y + 11, side, kind="b" if mine else "", anchor="end"))
        made.append(
            f'<rect x="{left:.0f}" y="{y:.0f}" width="{length:.1f}" height="14" rx="2" fill="{color_of(side)}"/>'
        )
        made.append(_text(left + length + 5, y + 11, number(value), kind="b" if mine else ""))
        if ours and not mine and value:
            far = left + length + 12 + 7 * len(number(value))
            made.append(_text(far, y + 11, f"{value / ours:.3g}×", kind="s"))
        y += ROW
    return made, y + 2


def _decades(low: float, high: float) -> list[float]:
    return [10.0**exponent for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    wide = math.log(high / low) or 1.0
    return lambda value: start + (end - start) * math.log(value / low) / wide


def _ticks(xs: Sequence[float], title: str) -> tuple[list[float], Callable[[float], str]]:
    if "octets" in title:
        return [x for x in (16.0, 256.0, 4096.0, 65536.0, 2.0**20, 2.0**26) if min(xs) <= x <= max(xs)], octets
    return sorted(set(xs)), count


def _curves(panel: Panel) -> tuple[list[str], float]:
    """The curves and how high they are; both axes are logarithmic, so what grows in proportion is a straight line."""
    made, x, y = [], 14.0, 48.0
    for side in panel.curves:
        if x + 26 + LETTER * len(side) > WIDTH:
            x, y = 14.0, y + LEGEND
        made.append(f'<path d="M{x:.0f} {y - 4:.0f}h18" stroke="{color_of(side)}" {_stroke(side)}/>')
        made.append(_text(x + 22, y, side, kind="b" if side == OURS else ""))
        x += 40 + LETTER * len(side)
    points = [point for curve in panel.curves.values() for point in curve if point[1] > 0]
    decades = _decades(min(p[1] for p in points), max(p[1] for p in points))
    xs = [p[0] for p in points]
    left, right, top, bottom = 44.0, WIDTH - 18.0, y + 14, y + 14 + PLOT_HEIGHT
    at_x = _scale(min(xs), max(max(xs), min(xs) * 2), left, right)
    at_y = _scale(decades[0], max(decades[-1], decades[0] * 10), bottom, top)
    for value in decades:
        made.append(f'<path class="g" d="M{left:.0f} {at_y(value):.1f}H{right:.0f}"/>')
        made.append(_text(left - 5, at_y(value) + 4, count(value), kind="s", anchor="end"))
    ticks, name = _ticks(xs, panel.title)
    for value in ticks:
        made.append(_text(at_x(value), bottom + 16, name(value), kind="s", anchor="middle"))
    for side, curve in reversed(panel.curves.items()):  # the first is drawn last, above the others
        line = " ".join(f"{at_x(px):.1f},{at_y(py):.1f}" for px, py in sorted(curve) if py > 0)
        made.append(f'<polyline points="{line}" fill="none" stroke="{color_of(side)}" {_stroke(side)}/>')
        for px, py in curve:
            made.append(f'<circle cx="{at_x(px):.1f}" cy="{at_y(py):.1f}" r="2.2" fill="{color_of(side)}"/>')
    return made, bottom + 24


def _stroke(side: str) -> str:
    if side.startswith(LIMITS):
        return 'stroke-width="1.5" stroke-dasharray="5 4"'
    return f'stroke-width="{3 if side == OURS else 1.5}"'


def render(panels: Sequence[Panel], title: str, columns: int = 2) -> str:
    """The panels as one SVG; ``title`` is what readers who do not see it are told.

    :raises ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("there is nothing to draw")
    columns = min(columns, len(panels))
    bodies, y = [], 0.0
    for first in range(0, len(panels), columns):
        row = [(panel, *(_bars(panel) if panel.bars else _curves(panel))) for panel in panels[first : first + columns]]
        for index, (panel, body, _) in enumerate(row):
            heading = _text(14, 19, panel.title, kind="t") + _text(14, 33, panel.unit, kind="s")
            bodies.append(f'<g transform="translate({index * (WIDTH + GAP)} {y:.0f})">{heading}{"".join(body)}</g>')
        y += max(height for _, _, height in row) + GAP / 2
    wide = columns * (WIDTH + GAP) - GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {y:.0f}" width="{wide}" height="{y:.0f}" role="img"'
        f' aria-label="{escape(title)}"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<rect class="bg" width="{wide}" height="{y:.0f}" rx="8"/>\n' + "\n".join(bodies) + "</svg>\n"
    )


def chosen(sides: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """The sides of these names, in this order."""
    return {name: sides[name] for name in names if name in sides}
