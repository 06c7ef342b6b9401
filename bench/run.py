# SPDX-License-Identifier: MIT
"""Runs the benches: ``python bench/run.py [--full] [--only REGEX]``. See ``bench/README.md``."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
sys.path[:0] = [str(BENCH), str(BENCH / "peers"), str(BENCH / "e2e"), str(BENCH / "micro")]

import engines
import far_end
import kernels
import report
import serializing
import targets
from _harness import Case, Outcome, Workers, interleave, median, spread, table, write
from footprint_cases import footprint_cases
from router_cases import Routers, router_cases
from wamp_cases import WampCases
from websocket_cases import WebSocketCases

from autobahn_fast._bench.progress import Progress


def all_cases(workers: Workers, routers: Routers, far: far_end.FarEnd) -> list[Case]:
    """Everything there is to measure."""
    return [
        *kernels.mask_cases(),
        *kernels.utf8_cases(workers),
        *serializing.codec_cases(),
        *engines.frame_cases(),
        *engines.wire_cases(),
        *WebSocketCases(workers, far.port, far.tls_port).cases(),
        *WampCases(workers, far.port).cases(),
        *footprint_cases(far.port),
        *router_cases(routers),
    ]


def chosen(cases: Sequence[Case], options: argparse.Namespace) -> list[Case]:
    """The cases, and their sides, that the command line asks for."""
    made = []
    for case in cases:
        if options.skip and re.search(options.skip, case.path):
            continue
        if (case.full and not options.full and not options.only) or not re.search(options.only or "", case.path):
            continue
        sides = {name: side for name, side in case.sides.items() if re.search(options.sides or "", name)}
        if sides:
            made.append(Case(case.path, sides, case.series, case.x, case.unit, case.full))
    return made


def describe(outcome: Outcome) -> str:
    """The case as a table: median, smallest and spread of processor time, and what else was measured."""
    first = next(iter(outcome.rounds.values()), None)
    if first is None:
        return f"{outcome.case.path}: " + "; ".join(f"{side}: {why}" for side, why in outcome.skipped.items())
    names = list(first[0])
    main = names[0]
    base = median(entry[main] for entry in first)
    heading = [outcome.case.path, f"{main} {outcome.case.unit}", "min", "spread", "to first"]
    extra = [
        name for name in dict.fromkeys(n for e in outcome.rounds.values() for n in e[0]) if name not in (main, "count")
    ]
    rows = [[*heading, *extra]]
    for side, entries in outcome.rounds.items():
        values = [entry[main] for entry in entries]
        cells = [
            side,
            f"{median(values):.4g}",
            f"{min(values):.4g}",
            f"{spread(values):.0%}",
            f"{median(values) / base:.3g}x",
        ]
        cells += [f"{median(e[name] for e in entries):.4g}" if name in entries[0] else "" for name in extra]
        rows.append(cells)
    missing = "".join(f"\n  {side}: {why}" for side, why in outcome.skipped.items())
    return table(rows) + missing


def run(options: argparse.Namespace) -> list[Outcome]:
    """Measure; each case is printed when it is through."""
    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(far_end.running())
        workers, routers = Workers(), Routers()
        stack.callback(workers.stop)
        stack.callback(routers.stop)
        cases = chosen(all_cases(workers, routers, far), options)
        if options.list:
            print("\n".join(f"{case.path}: {', '.join(case.sides)}" for case in cases))
            return []
        progress = Progress(sys.stderr, len(cases))
        started = time.monotonic()
        try:
            for number, case in enumerate(cases, 1):
                progress.begin(f"{number}/{len(cases)}, {time.monotonic() - started:.0f} s")
                progress.step(case.path)
                outcome = interleave(case, options.rounds, options.seconds)
                outcomes.append(outcome)
                progress.clear()
                print(describe(outcome) + "\n", flush=True)
        finally:
            progress.clear()
    return outcomes


def document(outcomes: Sequence[Outcome], options: argparse.Namespace) -> dict[str, Any]:
    """What goes into the result file."""
    settings = {"rounds": options.rounds, "seconds": options.seconds, "full": options.full}
    return {"settings": settings, "cases": [outcome.as_dict() for outcome in outcomes if outcome.rounds]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns 1 if ``--check`` was given and a target is missed, or nothing could be measured."""
    parser = argparse.ArgumentParser(description="Compare autobahn_fast with its peers and with the limits.")
    parser.add_argument("--full", action="store_true", help="everything, not only the short set")
    parser.add_argument("--only", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--skip", metavar="REGEX", help="not the cases whose name matches")
    parser.add_argument("--sides", metavar="REGEX", help="sides whose name matches")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side (5)")
    parser.add_argument(
        "--seconds", type=float, help="processor time of one round of one side (0.15; with --full 0.25)"
    )
    parser.add_argument(
        "--name", help="name of the file in bench/results; without it, and with --only or --sides, none is written"
    )
    parser.add_argument("--document", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    options = parser.parse_args(argv)
    options.seconds = options.seconds or (0.25 if options.full else 0.15)
    try:
        outcomes = run(options)
    except far_end.Unavailable as exc:
        print(exc, file=sys.stderr)
        return 1
    if not outcomes:
        return 0 if options.list else 1
    content = document(outcomes, options)
    verdicts = targets.judge_all(content)
    if options.only or options.sides:
        verdicts = [verdict for verdict in verdicts if verdict.ratio is not None]
    print(table(targets.rows(verdicts), left=3))
    if options.name or not (options.only or options.sides):
        path = write(options.name or ("full" if options.full else "short"), content)
        print(f"written to {path}")
        if options.document:
            report.update(report.PAGE, json.loads(path.read_text(encoding="utf-8")))
            print(f"written into {report.PAGE}")
    return 1 if options.check and any(verdict.passed is False for verdict in verdicts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
