# SPDX-License-Identifier: MIT
"""The demo and the bench through a router: that they run, count right, and fail when something is lost."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autobahn_fast._bench import main as bench
from autobahn_fast._bench.processes import BenchError, WorkerProcess, free_port, together
from autobahn_fast._bench.progress import Progress
from autobahn_fast._bench.scenario import Plan, Result
from autobahn_fast._bench.table import layout, render, summary
from autobahn_fast._bench.workers import make_payload, make_transport, percentile

ROOT = Path(__file__).resolve().parent.parent
PLAN = Plan("uvloop", "ws://127.0.0.1:1/ws", "msgpack")


def test_percentile() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 51.0
    assert percentile(values, 0.99) == 100.0
    assert percentile([], 0.5) == 0.0


@pytest.mark.parametrize("size", [0, 1, 56, 256, 5000])
def test_payload_has_its_size(size: int) -> None:
    assert len(make_payload(size).encode()) == size


def test_transports() -> None:
    assert make_transport("ws://h:1/ws", "json")["serializers"] == ["json"]
    assert make_transport("rs://h:1", "cbor")["serializer"] == "cbor"
    assert make_transport("unix:/tmp/x", "cbor")["endpoint"] == {"type": "unix", "path": "/tmp/x"}


def test_plans_are_all_combinations() -> None:
    options = bench.build_parser("bench").parse_args(
        ["--loop", "asyncio", "--serializer", "json", "--serializer", "cbor"]
    )
    plans = bench.make_plans(options, ["ws://h:1/ws", "rs://h:2"])
    assert [plan.label for plan in plans] == [
        "asyncio ws json",
        "asyncio ws cbor",
        "asyncio rs json",
        "asyncio rs cbor",
    ]


def test_lost_messages_are_seen() -> None:
    lossy, doubled = Result(PLAN, sent=10, received=7), Result(PLAN, sent=10, received=11)
    assert (lossy.lost, doubled.lost, Result(PLAN, sent=5, received=5).lost) == (3, 1, 0)
    assert summary([lossy, doubled]) == "20 messages sent, 18 received, 4 lost"


@pytest.mark.parametrize(("received", "disordered", "code"), [(10, 0, 0), (9, 0, 1), (10, 1, 1)])
def test_exit_code(monkeypatch: pytest.MonkeyPatch, received: int, disordered: int, code: int) -> None:
    async def measure(_options: object) -> list[Result]:
        return [Result(PLAN, sent=10, received=received, disordered=disordered)]

    monkeypatch.setattr(bench, "measure", measure)
    assert bench.main(["demo"]) == code


def test_table_is_aligned() -> None:
    text = layout([["a", "n"], ["long", "1"], ["b", "1,000"]], 1, 1)
    assert text == "a         n\n----  -----\nlong      1\nb     1,000"
    lines = render([Result(PLAN, publish_rate=1234567.8)]).splitlines()
    assert len(lines) == 4
    assert "1,234,568" in lines[3]
    assert len(lines[2]) == len(lines[3])


def test_progress_is_sparse_in_a_file() -> None:
    stream = io.StringIO()
    progress = Progress(stream, 4)
    progress.begin("x")
    progress.step("publish")
    progress.count("publish", 5)
    progress.clear()
    assert stream.getvalue() == ""
    progress.note("done")
    assert stream.getvalue() == "done\n"


def test_progress_rewrites_one_line_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    progress = Progress(stream, 2)
    progress.begin("uvloop ws")
    progress.step("publish")
    assert "\n" not in stream.getvalue()
    assert "[############............] uvloop ws" in stream.getvalue()


def test_one_failure_ends_the_others() -> None:
    async def fail() -> None:
        raise BenchError("no")

    with pytest.raises(BenchError, match="no"):
        asyncio.run(together(asyncio.sleep(60), fail()))


def test_worker_that_fails_says_why() -> None:
    job = {
        "role": "nobody",
        "loop": "asyncio",
        "package": "no_such_package",
        "url": "ws://127.0.0.1:1/",
        "serializer": "json",
    }

    async def start() -> None:
        worker = WorkerProcess(job)
        await worker.start()
        try:
            await worker.ready()
        finally:
            await worker.stop()

    with pytest.raises(BenchError, match="no_such_package"):
        asyncio.run(start())


def test_free_port_is_free() -> None:
    assert 1024 <= free_port() <= 65535


def test_bench_through_the_embedded_router(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "autobahn_fast", "bench", "--quick", "--seconds", "0.3", "--json", str(file)]
    command += ["--serializer", "msgpack", "--serializer", "json", "--serializer", "cbor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(file.read_text())
    assert [(r["plan"]["url"][:2], r["plan"]["serializer"]) for r in results] == [
        (transport, serializer) for transport in ("ws", "rs") for serializer in ("msgpack", "json", "cbor")
    ]
    for result in results:
        assert result["sent"] == result["received"] > 0
        assert result["lost"] == 0
    assert " 0 lost" in done.stdout
