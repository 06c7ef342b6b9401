# SPDX-License-Identifier: MIT
"""autobahn and autobahn_fast side by side: processor time per message of the same client program.

Publish, event delivery, and calls, over WebSocket with msgpack on uvloop. The far end is ``bench/peers/wamp_peer.py``, the
client ``bench/e2e/client.py``; both run in processes of their own, one client at a time. See ``bench/README.md``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

from _rounds import Round, interleave, median, spread, table, write

BASE = "autobahn"
MESSAGES = {BASE: 20_000}
"""Messages per path and round; a side that is not listed gets ``DEFAULT_MESSAGES``. A round takes about a second or two."""
DEFAULT_MESSAGES = 200_000
TARGETS = {"publish": 25.0, "event": 25.0, "call, pipelined": 25.0, "call, window": 25.0}
"""How many times less processor time than autobahn is asked for."""


def version(name: str) -> str:
    """The version of a package, installed or just on the path."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return str(importlib.import_module(name).__version__)


def measure(package: str, port: int) -> Round:
    """One round of one side: start its client, wait, read what it says."""
    count = MESSAGES.get(package, DEFAULT_MESSAGES)
    command = [sys.executable, str(BENCH / "e2e" / "client.py"), package, str(port), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"the client over {package} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    result: Round = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def report(results: dict[str, list[Round]], other: str) -> tuple[str, dict[str, float]]:
    """The table, and the ratio of processor time for each path."""
    rows = [["path", f"{BASE}, CPU us", f"{other}, CPU us", "ratio", "target", f"{BASE}, /s", f"{other}, /s", "spread"]]
    ratios = {}
    for path in results[BASE][0]:
        base, ours = median(results[BASE], path, "cpu"), median(results[other], path, "cpu")
        ratios[path] = base / ours
        target = TARGETS.get(path)
        rows.append(
            [
                path,
                f"{base:.2f}",
                f"{ours:.3f}",
                f"{base / ours:.1f}x",
                "" if target is None else f">= {target:.0f}x",
                f"{1e6 / median(results[BASE], path, 'wall'):,.0f}",
                f"{1e6 / median(results[other], path, 'wall'):,.0f}",
                f"{spread(results[BASE], path, 'cpu'):.0%}, {spread(results[other], path, 'cpu'):.0%}",
            ]
        )
    return table(rows), ratios


def main() -> int:
    """Run; returns 1 if ``--check`` was given and a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each side (5)")
    parser.add_argument("--package", default="autobahn_fast", help="what to compare with autobahn")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    parser.add_argument("--name", default="side_by_side", help="name of the file in bench/results")
    options = parser.parse_args()
    peer = subprocess.Popen(
        [sys.executable, str(BENCH / "peers" / "wamp_peer.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(peer.stdout.readline())  # type: ignore[union-attr]
        results = interleave([BASE, options.package], options.rounds, lambda package: measure(package, port))
    finally:
        peer.communicate()
    text, ratios = report(results, options.package)
    print(
        f"{text}\n\n256-octet payload, WebSocket, msgpack, uvloop; medians of {options.rounds} rounds, taken in turns."
    )
    versions = {name: version(name) for name in (BASE, options.package, "uvloop", "msgpack")}
    path = write(options.name, {"versions": versions, "ratios": ratios, "rounds": results})
    print(f"written to {path.relative_to(BENCH.parent)}")
    missed = [name for name, target in TARGETS.items() if ratios[name] < target]
    if missed:
        print("below target: " + "; ".join(missed))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
