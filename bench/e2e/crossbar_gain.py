# SPDX-License-Identifier: MIT
"""What a Crossbar node gains from running on autobahn_fast: the same load on two nodes in turn, one on autobahn, one on ours.

Both nodes run at the same time and are loaded one after the other, A B A B; the clients are the same. Printed and written are
the medians of throughput, and of processor time per message of the node's processes, which a busy machine changes least.
``python bench/e2e/crossbar_gain.py CROSSBAR CROSSBAR-ON-AUTOBAHN-FAST``; ``make bench-crossbar`` does all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "crossbar")]

from crossbar_node import REALM, Node, descendants

from autobahn_fast._bench.main import main as bench

RATES = {
    "publications/s": "publish_rate",
    "events/s": "event_rate",
    "calls/s, 100 in flight": "pipeline_rate",
    "calls/s in sequence": "call_rate",
}
CPU = "node CPU us per message"
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that processes have used so far."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def measure(node: Node, kind: str, serializer: str, seconds: float) -> dict[str, float]:
    """Load a node once; what was measured, by name."""
    assert node._process is not None
    pids = [node._process.pid, *descendants(node._process.pid)]
    with tempfile.NamedTemporaryFile(suffix=".json") as file, contextlib.redirect_stdout(io.StringIO()):
        before = cpu_seconds(pids)
        words = ["--url", node.urls[kind], "--serializer", serializer, "--loop", "uvloop", "--seconds", str(seconds)]
        code = bench(["bench", "--realm", REALM, *words, "--json", file.name])
        used = cpu_seconds(pids) - before
        (result,) = json.loads(Path(file.name).read_text())
    if code != 0 or result["sent"] != result["received"]:
        raise RuntimeError(f"{kind} {serializer}: messages were lost")
    return {**{name: result[field] for name, field in RATES.items()}, CPU: used / result["sent"] * 1e6}


def compare(plain: Node, ours: Node, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every combination of transport and serializer, ``rounds`` times in turn; a line of the table for each figure."""
    lines = []
    for kind in options.transport:
        for serializer in options.serializer:
            rounds: dict[str, list[dict[str, float]]] = {"autobahn": [], "autobahn_fast": []}
            for n in range(options.rounds):
                for name, node in (("autobahn", plain), ("autobahn_fast", ours)):
                    print(
                        f"\r{kind} {serializer}: round {n + 1} of {options.rounds}, {name:14}", end="", file=sys.stderr
                    )
                    rounds[name].append(measure(node, kind, serializer, options.seconds))
            for figure in (*RATES, CPU):
                a, b = (statistics.median(one[figure] for one in rounds[name]) for name in rounds)
                ratio = a / b if figure == CPU else b / a
                lines.append(
                    {"transport": kind, "serializer": serializer, "figure": figure,
                     "autobahn": a, "autobahn_fast": b, "gain": ratio}
                )  # fmt: skip
    print(file=sys.stderr)
    return lines


def main() -> int:
    """Run the comparison. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plain", help="the crossbar program of an environment with autobahn")
    parser.add_argument("ours", help="the crossbar program of an environment with autobahn_fast in its place")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each of the four phases of a round")
    parser.add_argument("--transport", action="append", choices=("ws", "rs", "unix"))
    parser.add_argument("--serializer", action="append")
    parser.add_argument("--json", default=str(ROOT / "bench" / "results" / "crossbar_gain.json"))
    options = parser.parse_args()
    options.transport = options.transport or ["ws", "rs"]
    options.serializer = options.serializer or ["msgpack", "json", "cbor"]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        nodes = []
        for name in ("plain", "ours"):
            node = Node(getattr(options, name), Path(folder) / name)
            stack.callback(node.stop)
            node.start()
            nodes.append(node)
        lines = compare(nodes[0], nodes[1], options)
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}"
    )
    Path(options.json).write_text(
        json.dumps({"machine": machine, "rounds": options.rounds, "lines": lines}, indent=1) + "\n"
    )
    for line in lines:
        print(
            f"{line['transport']:5}{line['serializer']:9}{line['figure']:26}{line['autobahn']:12,.1f}"
            f"{line['autobahn_fast']:12,.1f}{line['gain']:8.2f}x"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
