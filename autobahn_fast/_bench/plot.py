# SPDX-License-Identifier: MIT
"""Draws result files of the benches: SVG, one HTML page that needs nothing else, and PNG where matplotlib is installed.

Two pictures: *compare*, a panel with bars for each case, and *growth*, a panel with curves for each series (cost by size of
message, connections, subscriptions, calls pending). Knows the files that ``bench/run.py`` writes, and those of
``python -m autobahn_fast bench --json``.
"""

from __future__ import annotations

import html
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autobahn_fast._bench.svg import LIMITS, OURS, Panel, color_of, render

COLUMNS = 3
UNITS = {"us": "µs"}
SCENARIO_FIGURES = {
    "publish": "cpu_publish",
    "event": "cpu_event",
    "call, pipelined": "cpu_call",
    "invocation": "cpu_invocation",
}


def load(path: Path) -> dict[str, Any]:
    """A result file as the document that ``bench/run.py`` writes.

    :raises ValueError: it is no result file.
    :raises OSError: it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise ValueError(f"{path} is not JSON: {exc}") from None
    if isinstance(content, list) and all(isinstance(entry, dict) and "plan" in entry for entry in content):
        return {"machine": {}, "cases": _scenario_cases(content)}
    if not isinstance(content, dict) or not isinstance(content.get("cases"), list):
        raise ValueError(f"{path} is no result of the benches")
    return content


def _scenario_cases(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cases out of the results of scenarios: the sides are loop, transport and serializer."""
    cases = []
    for title, figure in SCENARIO_FIGURES.items():
        sides = {}
        for result in results:
            plan = result["plan"]
            label = f"{plan['package']} {plan['loop']} {plan['url'].partition(':')[0]} {plan['serializer']}"
            sides[label] = {"cpu": [result[figure] * 1e6]}
        cases.append({"path": title, "unit": "us", "sides": sides})
    return cases


def panels(document: Mapping[str, Any]) -> tuple[list[Panel], list[Panel]]:
    """What there is to draw: bars, and curves."""
    bars: list[Panel] = []
    curves: dict[str, Panel] = {}
    for case in document["cases"]:
        values = {}
        name = ""
        for side, figures in case["sides"].items():
            name = next(iter(figures))
            values[side] = statistics.median(figures[name])
        if not values:
            continue
        unit = f"{UNITS.get(case['unit'], case['unit'])} of processor time, each message" if name == "cpu" else name
        if "series" not in case:
            bars.append(Panel(case["path"], unit, values, {}))
            continue
        panel = curves.setdefault(case["series"], Panel(case["series"], unit, {}, {}))
        for side, value in values.items():
            panel.curves.setdefault(side, []).append((float(case["x"]), value))
    drawn = [
        panel._replace(curves={side: points for side, points in panel.curves.items() if len(points) > 1})
        for panel in curves.values()
    ]
    return bars, [panel for panel in drawn if panel.curves]


def _draw_bars(axes: Any, panel: Panel) -> None:
    names = list(panel.bars)[::-1]
    values = [panel.bars[name] for name in names]
    axes.barh(names, values, color=[color_of(name) for name in names])
    axes.set_xlim(0, (max(values) or 1) * 1.2)
    for index, value in enumerate(values):
        axes.annotate(f" {value:.3g}", (value, index), va="center", fontsize=7)
    axes.set_xlabel(panel.unit, fontsize=7)
    axes.tick_params(labelsize=7)


def _draw_curves(axes: Any, panel: Panel) -> None:
    for side, points in panel.curves.items():
        ordered = sorted(points)
        style: dict[str, Any] = {"linewidth": 2.4 if side == OURS else 1, "color": color_of(side)}
        if side.startswith(LIMITS):
            style |= {"linestyle": "--"}
        axes.plot([x for x, _ in ordered], [y for _, y in ordered], marker=".", label=side, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(panel.title.rpartition(", by ")[2], fontsize=7)
    axes.set_ylabel(panel.unit, fontsize=7)
    axes.tick_params(labelsize=7)
    axes.grid(visible=True, which="major", linewidth=0.3)
    axes.legend(fontsize=6)


def png(panels: Sequence[Panel], path: Path) -> bool:
    """Draw the panels as PNG; returns False, and draws nothing, when matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = -(-len(panels) // COLUMNS)
    made = Figure(figsize=(5.2 * COLUMNS, 2.9 * rows), layout="constrained")
    for index, panel in enumerate(panels):
        axes = made.add_subplot(rows, COLUMNS, index + 1)
        axes.set_title(panel.title, fontsize=9)
        if panel.bars:
            _draw_bars(axes, panel)
        else:
            _draw_curves(axes, panel)
    made.savefig(path, dpi=110)
    return True


PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{font:15px/1.5 sans-serif;max-width:1264px;margin:2em auto;padding:0 1em}}
svg{{max-width:100%;height:auto}}</style>
</head><body><h1>{title}</h1><p>{about}</p>
<p>Blue: autobahn_fast; grey: limits. Less is better. Bars are in proportion, with how many times ours a value is behind it; both
axes of curves are logarithmic.</p>
{pictures}
</body></html>
"""


def draw(source: Path, folder: Path | None = None) -> list[Path]:
    """Draw one result file; the pictures and the page go beside it, or into ``folder``. Returns their paths.

    :raises ValueError: the file is no result, or there is nothing in it.
    """
    document = load(source)
    target = folder or source.parent
    target.mkdir(parents=True, exist_ok=True)
    written, pictures = [], []
    for name, chosen in zip(("compare", "growth"), panels(document), strict=True):
        if not chosen:
            continue
        picture = render(chosen, f"{source.stem}: {name}", COLUMNS)
        path = target / f"{source.stem}-{name}.svg"
        path.write_text(picture, encoding="utf-8")
        written.append(path)
        if png(chosen, path.with_suffix(".png")):
            written.append(path.with_suffix(".png"))
        pictures.append(f"<h2>{name}</h2>\n{picture}")
    if not pictures:
        raise ValueError(f"there is nothing to draw in {source}")
    page = target / f"{source.stem}.html"
    machine = ", ".join(
        f"{value} cores" if name == "cores" else f"load {value}" if name == "load" else str(value)
        for name, value in document.get("machine", {}).items()
        if value is not None
    )
    title = html.escape(f"autobahn_fast bench: {source.stem}")
    page.write_text(
        PAGE.format(title=title, about=html.escape(machine), pictures="\n".join(pictures)), encoding="utf-8"
    )
    return [*written, page]


def draw_all(source: Path) -> list[Path]:
    """Draw a result file, or all of a folder.

    :raises ValueError: nothing there is a result.
    """
    if not source.is_dir():
        return draw(source)
    files = sorted(source.glob("*.json"))
    if not files:
        raise ValueError(f"there are no result files in {source}")
    return [path for file in files for path in draw(file)]
