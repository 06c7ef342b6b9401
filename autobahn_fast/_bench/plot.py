# SPDX-License-Identifier: MIT
"""Draws result files of the benches: SVG, PNG, and one HTML page that needs nothing else. Needs matplotlib.

Two pictures: *compare*, a panel with bars for each case, and *growth*, a panel with curves for each series (cost by size of
message, connections, subscriptions, calls pending). Knows the files that ``bench/run.py`` writes, and those of
``python -m autobahn_fast bench --json``.
"""

from __future__ import annotations

import html
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

OURS = "autobahn_fast"
COLUMNS = 3
OURS_COLOR, LIMIT_COLOR, PEER_COLOR = "#1f6fb4", "#9a9a9a", "#d99a4e"
LIMITS = ("raw ", "C loop", "memcpy", "simdutf", "zlib", "python")
SCENARIO_FIGURES = {
    "publish": "cpu_publish",
    "event": "cpu_event",
    "call, pipelined": "cpu_call",
    "invocation": "cpu_invocation",
}


class Panel(NamedTuple):
    """One chart: a title, what its values are, and values by side; bars have one value, curves points of (x, y)."""

    title: str
    unit: str
    bars: dict[str, float]
    curves: dict[str, list[tuple[float, float]]]


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
        unit = f"{name}, {case['unit']} a message" if case["unit"] else name
        if "series" not in case:
            bars.append(Panel(case["path"], unit, values, {}))
            continue
        panel = curves.setdefault(case["series"], Panel(case["series"], unit, {}, {}))
        for side, value in values.items():
            panel.curves.setdefault(side, []).append((float(case["x"]), value))
    return bars, [panel for panel in curves.values() if any(len(points) > 1 for points in panel.curves.values())]


def _color(side: str) -> str:
    if side.startswith((OURS, "embedded")):
        return OURS_COLOR
    return LIMIT_COLOR if side.startswith(LIMITS) else PEER_COLOR


def _draw_bars(axes: Any, panel: Panel) -> None:
    names = list(panel.bars)[::-1]
    values = [panel.bars[name] for name in names]
    axes.barh(names, values, color=[_color(name) for name in names])
    axes.set_xscale("log")
    low = min(value for value in values if value > 0) if any(values) else 1
    axes.set_xlim(low / 3, max(values) * 6)
    for index, value in enumerate(values):
        axes.annotate(f" {value:.3g}", (value, index), va="center", fontsize=7)
    axes.set_xlabel(panel.unit, fontsize=7)
    axes.tick_params(labelsize=7)


def _draw_curves(axes: Any, panel: Panel) -> None:
    for side, points in panel.curves.items():
        ordered = sorted(points)
        style: dict[str, Any] = {"linewidth": 2.4, "color": OURS_COLOR} if side == OURS else {"linewidth": 1}
        if side.startswith(LIMITS):
            style |= {"linestyle": "--", "color": LIMIT_COLOR}
        axes.plot([x for x, _ in ordered], [y for _, y in ordered], marker=".", label=side, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(panel.title.rpartition(", by ")[2], fontsize=7)
    axes.set_ylabel(panel.unit, fontsize=7)
    axes.tick_params(labelsize=7)
    axes.grid(visible=True, which="major", linewidth=0.3)
    axes.legend(fontsize=6)


def figure(chosen: Sequence[Panel]) -> Any:
    """A matplotlib figure with a grid of panels.

    :raises ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise ImportError("plots need matplotlib: pip install matplotlib") from exc
    rows = -(-len(chosen) // COLUMNS)
    made = Figure(figsize=(5.2 * COLUMNS, 2.9 * rows), layout="constrained")
    for index, panel in enumerate(chosen):
        axes = made.add_subplot(rows, COLUMNS, index + 1)
        axes.set_title(panel.title, fontsize=9)
        if panel.bars:
            _draw_bars(axes, panel)
        else:
            _draw_curves(axes, panel)
    return made


PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.5 sans-serif;max-width:1200px;margin:2em auto;padding:0 1em}}svg{{max-width:100%;height:auto}}</style>
</head><body><h1>{title}</h1><p>{about}</p>
<p>Blue: autobahn_fast. Orange: others. Grey: limits. All axes are logarithmic; less is better.</p>
{pictures}
</body></html>
"""


def draw(source: Path, folder: Path | None = None) -> list[Path]:
    """Draw one result file; the pictures and the page go beside it, or into ``folder``. Returns their paths.

    :raises ValueError: the file is no result, or there is nothing in it.
    :raises ImportError: matplotlib is not installed.
    """
    document = load(source)
    target = folder or source.parent
    target.mkdir(parents=True, exist_ok=True)
    written, pictures = [], []
    for name, chosen in zip(("compare", "growth"), panels(document), strict=True):
        if not chosen:
            continue
        made = figure(chosen)
        for suffix in ("svg", "png"):
            path = target / f"{source.stem}-{name}.{suffix}"
            made.savefig(path, dpi=110, **({"metadata": {"Date": None}} if suffix == "svg" else {}))
            written.append(path)
        text = io.StringIO()
        made.savefig(text, format="svg", metadata={"Date": None})
        svg = text.getvalue()
        pictures.append(f"<h2>{name}</h2>\n{svg[svg.index('<svg') :]}")
    if not pictures:
        raise ValueError(f"there is nothing to draw in {source}")
    page = target / f"{source.stem}.html"
    machine = ", ".join(str(value) for value in document.get("machine", {}).values() if value is not None)
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
