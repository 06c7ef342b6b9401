# SPDX-License-Identifier: MIT
"""The command line of the demo and the bench: which scenarios to run, in which order, and what to print."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from autobahn_fast._bench.processes import BenchError, Router
from autobahn_fast._bench.progress import Progress
from autobahn_fast._bench.scenario import PHASES, Plan, Result, Scenario
from autobahn_fast._bench.table import render, summary

LOOPS = ("asyncio", "uvloop")
SERIALIZERS = ("msgpack", "json")
DEMO = "Three processes (a subscriber, a callee, and one that publishes and calls) through the embedded router."
LEGEND = """\
publish/s until the router has taken the last publication; events/s until the last event was delivered. CPU us: processor
time of the client process per message, in microseconds; calls and invocations are the pipelined ones. The router and the
three clients share this machine's cores."""


def build_parser(command: str) -> argparse.ArgumentParser:
    """The options of ``demo`` or ``bench``."""
    about = {
        "demo": "Publish, subscribe and call at speed through the embedded router, and show what came of it.",
        "bench": "Measure publish, events and calls through a router: the embedded one, or any other by its URL.",
    }
    parser = argparse.ArgumentParser(prog=f"python -m autobahn_fast {command}", description=about[command])
    if command == "bench":
        parser.add_argument("--url", action="append", help="ws://, wss://, rs:// or unix:/path; may be repeated")
        parser.add_argument("--realm", default="realm1")
        parser.add_argument("--serializer", action="append", help="msgpack, json, cbor; may be repeated")
        parser.add_argument("--loop", action="append", choices=LOOPS, help="may be repeated")
        parser.add_argument("--payload", type=int, default=256, help="characters in each message (256)")
        parser.add_argument("--in-flight", type=int, default=100, help="calls under way when pipelined (100)")
        parser.add_argument(
            "--plot", metavar="PATH", help="measure nothing; draw this result file, or those of this folder, instead"
        )
        parser.add_argument("--package", default="autobahn_fast", help="what to measure: autobahn_fast, or autobahn")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of each of the four phases (1.5)")
    parser.add_argument("--quick", action="store_true", help="phases of 0.3 seconds, and only one loop")
    parser.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    return parser


def make_plans(options: argparse.Namespace, urls: Sequence[str]) -> list[Plan]:
    """Every combination of loop, URL and serializer."""
    loops = getattr(options, "loop", None) or [name for name in LOOPS if importlib.util.find_spec(name)]
    common = {
        name: getattr(options, name) for name in ("realm", "package", "payload", "in_flight") if hasattr(options, name)
    }
    return [
        Plan(loop, url, serializer, seconds=0.3 if options.quick else options.seconds, **common)
        for loop in (loops[-1:] if options.quick else loops)
        for url in urls
        for serializer in (getattr(options, "serializer", None) or SERIALIZERS)
    ]


@contextlib.asynccontextmanager
async def router_urls(options: argparse.Namespace) -> AsyncIterator[list[str]]:
    """The URLs to measure; without any on the command line, those of an embedded router that runs meanwhile."""
    if given := getattr(options, "url", None):
        yield given
        return
    router = Router(getattr(options, "realm", "realm1"))
    try:
        await router.start()
        yield [router.urls["ws"], router.urls["rs"]]
    finally:
        await router.stop()


async def measure(options: argparse.Namespace) -> list[Result]:
    """Run all the scenarios, one after another. Raises `BenchError`."""
    results = []
    async with router_urls(options) as urls:
        plans = make_plans(options, urls)
        progress = Progress(sys.stderr, len(plans) * PHASES)
        try:
            for number, plan in enumerate(plans, 1):
                result = await Scenario(plan, progress).run()
                results.append(result)
                progress.note(
                    f"{number}/{len(plans)} {plan.label:<20} publish {result.publish_rate:>9,.0f}/s"
                    f"  events {result.event_rate:>9,.0f}/s  calls {result.call_rate:>7,.0f}/s"
                    f"  pipelined {result.pipeline_rate:>8,.0f}/s  lost {result.lost}"
                )
        finally:
            progress.clear()
    return results


def plot(path: str) -> int:
    """``bench --plot``: says what was written; returns 1 if that was nothing."""
    from autobahn_fast._bench.plot import draw_all

    try:
        written = draw_all(Path(path))
    except (ImportError, OSError, ValueError) as exc:
        print(f"failed: {exc}", file=sys.stderr)
        return 1
    print("\n".join(str(file) for file in written))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``demo ...`` or ``bench ...``; returns 0, or 1 if a message was lost or a process failed.

    ``argv`` is the command line from the word ``demo`` or ``bench`` on; without it, that of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    command = words.pop(0) if words and words[0] in ("demo", "bench") else "bench"
    options = build_parser(command).parse_args(words)
    if getattr(options, "plot", None):
        return plot(options.plot)
    if command == "demo":
        print(DEMO, flush=True)
    try:
        results = asyncio.run(measure(options))
    except BenchError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{render(results)}\n\n{LEGEND}\n\n{summary(results)}.")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([result.as_dict() for result in results], file, indent=1)
    return 1 if any(result.lost or result.disordered for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
