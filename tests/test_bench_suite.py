# SPDX-License-Identifier: MIT
"""The bench suite's machinery: turns, medians, targets, far end, workers, plots, the report. No figure is checked for its size."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from autobahn_fast._bench import main as command
from autobahn_fast._bench import plot, svg

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
FOLDERS = [str(BENCH), str(BENCH / "peers")]
MEMORY = {"path": "memory", "connections": 30}
SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("_harness", "targets", "pictures", "report", "far_end", "worker", "ws_raw", "ws_turns")


@pytest.fixture(scope="module")
def suite() -> Iterator[dict[str, ModuleType]]:
    """Modules of the suite, which is no package; the path is as before afterwards."""
    before = set(sys.modules)
    sys.path[:0] = FOLDERS
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        for folder in FOLDERS:
            sys.path.remove(folder)
        for name in set(sys.modules) - before:
            if name in NAMES:
                del sys.modules[name]


def case(path: str, **extra: Any) -> dict[str, Any]:
    """A case of a result file: ours takes 2, autobahn 100."""
    sides = {"autobahn_fast": {"cpu": [1.0, 2.0, 9.0]}, "autobahn": {"cpu": [100.0, 90.0, 300.0]}}
    return {"path": path, "unit": "us", "sides": sides, **extra}


@pytest.fixture
def document() -> dict[str, Any]:
    """What a run leaves behind, small."""
    curves = [case(f"echo {n} B", series="echo, by octets in a message", x=n) for n in (32, 256)]
    return {
        "machine": {"when": "2026-01-02T03:04:05+00:00", "python": "CPython 3", "system": "Linux", "processor": "P<1>"}
        | {"cores": 2, "load": 0.5},
        "versions": {"autobahn": "1"},
        "settings": {"rounds": 3, "seconds": 0.1, "full": True},
        "cases": [case("WAMP publish"), case("mask 16 B") | {"unit": "ns"}, *curves],
    }


def test_sides_take_turns(suite: dict[str, ModuleType]) -> None:
    harness = suite["_harness"]
    calls: list[str] = []

    def side(name: str) -> Any:
        def measure(seconds: float) -> dict[str, float]:
            assert seconds == 0.5
            calls.append(name)
            return {"cpu": float(len(calls))}

        return measure

    outcome = harness.interleave(harness.Case("x", {name: side(name) for name in "abc"}), 3, 0.5)
    assert "".join(calls) == "abccbaabc"
    assert outcome.as_dict()["sides"] == {"a": {"cpu": [1, 6, 7]}, "b": {"cpu": [2, 5, 8]}, "c": {"cpu": [3, 4, 9]}}


def test_a_side_that_fails_does_not_end_the_others(suite: dict[str, ModuleType]) -> None:
    harness = suite["_harness"]
    turns: list[int] = []

    def failing(_seconds: float) -> dict[str, float]:
        turns.append(1)
        if len(turns) == 2:
            raise harness.Skipped("not here")
        return {"cpu": 1.0}

    def broken(_seconds: float) -> dict[str, float]:
        raise KeyError("x")

    sides = {"good": lambda seconds: {"cpu": 2.0}, "failing": failing, "broken": broken}
    outcome = harness.interleave(harness.Case("x", sides), 3, 0.5)
    assert outcome.skipped == {"failing": "not here", "broken": "KeyError: 'x'"}
    assert outcome.as_dict()["sides"] == {"good": {"cpu": [2.0, 2.0, 2.0]}}
    assert len(turns) == 2


def test_medians_and_spread(suite: dict[str, ModuleType]) -> None:
    harness = suite["_harness"]
    assert harness.median([9.0, 1.0, 2.0]) == 2.0
    assert harness.spread([9.0, 1.0, 2.0]) == 4.0
    assert harness.spread([0.0, 0.0]) == 0.0


def test_result_file_has_a_line_for_each_list(
    suite: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
) -> None:
    harness = suite["_harness"]
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results")
    path = harness.write("tiny", {"settings": document["settings"], "cases": document["cases"]})
    assert '"cpu": [1.0, 2.0, 9.0]' in path.read_text()
    found = json.loads(path.read_text())
    assert found["cases"] == document["cases"]
    assert {"when", "python", "processor", "cores"} <= set(found["machine"])
    assert "autobahn_fast" in found["versions"]


def test_table_is_markdown(suite: dict[str, ModuleType]) -> None:
    text = suite["_harness"].table([["a", "n"], ["long", "1"]])
    assert text == "| a    | n |\n|------|--:|\n| long | 1 |"


@pytest.mark.parametrize(
    ("bounds", "ratio", "word"),
    [
        ({"at_least": 50}, 50.0, "pass"),
        ({"at_least": 51}, 50.0, "MISS"),
        ({"at_most": 0.02}, 0.02, "pass"),
        ({"at_most": 0.01}, 0.02, "MISS"),
    ],
)
def test_targets_judge_medians(
    suite: dict[str, ModuleType], document: dict[str, Any], bounds: dict[str, float], ratio: float, word: str
) -> None:
    targets = suite["targets"]
    (verdict,) = targets.judge_all(document, [targets.Target("WAMP", "WAMP publish", "autobahn", **bounds)])
    assert (verdict.ours, verdict.peer, verdict.ratio, verdict.word) == (2.0, 100.0, ratio, word)


def test_targets_without_a_peer_or_a_measurement(suite: dict[str, ModuleType], document: dict[str, Any]) -> None:
    targets = suite["targets"]
    document["cases"][0]["skipped"] = {"picows": "not installed"}
    wanted = [
        targets.Target("g", "WAMP publish", None, at_most=2),
        targets.Target("g", "WAMP publish", "picows", at_most=1),
        targets.Target("g", "no such case", "autobahn", at_most=1),
    ]
    verdicts = targets.judge_all(document, wanted)
    assert [verdict.word for verdict in verdicts] == ["pass", "-", "-"]
    assert [verdict.note for verdict in verdicts] == ["", "picows: not installed", "not in this run"]
    rows = targets.rows(verdicts)
    assert len({len(row) for row in rows}) == 1
    assert rows[1][5:] == ["<= 2", "2", "pass"]


def test_growth_is_judged_by_a_smaller_case(suite: dict[str, ModuleType], document: dict[str, Any]) -> None:
    targets = suite["targets"]
    document["cases"].append(case("echo 64 MiB", sides={"autobahn_fast": {"cpu": [150.0]}}))
    wanted = targets.Target("g", "echo 64 MiB", "autobahn_fast", at_most=1.5, beside="echo 32 B", times=64)
    (verdict,) = targets.judge_all(document, [wanted])
    assert (verdict.ours, verdict.peer, verdict.word) == (150, 128, "pass")
    assert targets.rows([verdict])[1][2] == "64 times echo 32 B"
    missing = targets.Target("g", "echo 64 MiB", "autobahn_fast", at_most=1.5, beside="echo 1 B")
    assert targets.judge_all(document, [missing])[0].note == "not in this run"


@pytest.fixture(scope="module")
def cases(suite: dict[str, ModuleType]) -> list[Any]:
    """Everything that the suite measures; nothing is started."""
    folders = [str(BENCH / "e2e"), str(BENCH / "micro")]
    sys.path[:0] = folders
    try:
        run = importlib.import_module("run")
        return list(run.all_cases(suite["_harness"].Workers(), None, suite["far_end"].FarEnd(1, 2)))
    finally:
        for folder in folders:
            sys.path.remove(folder)


def test_every_target_is_a_case_and_a_side_of_the_suite(suite: dict[str, ModuleType], cases: list[Any]) -> None:
    sides = {made.path: set(made.sides) for made in cases}
    assert len(sides) == len(cases)
    for target in suite["targets"].TARGETS:
        assert target.ours in sides[target.path], target
        assert target.peer is None or target.peer in sides[target.beside or target.path], target
        assert (target.at_least is None) != (target.at_most is None)


def test_report_replaces_what_is_between_its_markers(
    suite: dict[str, ModuleType], document: dict[str, Any], tmp_path: Path
) -> None:
    report = suite["report"]
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n")
    for _ in range(2):
        report.update(page, document)
        text = page.read_text()
        assert text.startswith(f"before\n\n{report.BEGIN}\n\n2026-01-02, CPython 3")
        assert text.endswith(f"\n\n{report.END}\n\nafter\n")
        assert "old" not in text
        assert "WAMP publish, autobahn_fast against autobahn: 50x, asked for >= 70x" in text
    page.write_text("nothing")
    with pytest.raises(ValueError, match="figures: begin"):
        report.update(page, document)


def test_report_has_latencies_where_there_are_some(suite: dict[str, ModuleType], document: dict[str, Any]) -> None:
    report = suite["report"]
    assert report.latency_table(document) == ""
    document["cases"][0]["sides"]["autobahn_fast"] |= {"p50": [10.0, 12.0, 11.0], "p99": [30.0]}
    assert report.latency_table(document).splitlines()[2] == "| WAMP publish |       11 / 30 |"


def test_report_names_who_takes_less(suite: dict[str, ModuleType], document: dict[str, Any]) -> None:
    document["cases"][0]["sides"]["xconn"] = {"cpu": [0.5]}
    document["cases"][0]["sides"]["raw protocol"] = {"cpu": [0.1]}
    assert suite["report"].behind(document) == "- WAMP publish: 2 us; xconn 0.5"
    assert suite["report"].merged([document, {**document, "cases": [case("b")]}])["cases"][-1]["path"] == "b"


def test_performance_page_has_the_markers(suite: dict[str, ModuleType]) -> None:
    report = suite["report"]
    text = report.PAGE.read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_panels(document: dict[str, Any]) -> None:
    bars, curves = plot.panels(document)
    assert [panel.title for panel in bars] == ["WAMP publish", "mask 16 B"]
    assert bars[0].bars == {"autobahn_fast": 2.0, "autobahn": 100.0}
    (growth,) = curves
    assert growth.curves["autobahn_fast"] == [(32.0, 2.0), (256.0, 2.0)]


def test_results_of_the_bench_command_can_be_drawn(tmp_path: Path) -> None:
    plan = {"package": "autobahn_fast", "loop": "uvloop", "url": "ws://h/ws", "serializer": "json"}
    figures = {"cpu_publish": 1e-6, "cpu_event": 2e-6, "cpu_call": 3e-6, "cpu_invocation": 4e-6}
    file = tmp_path / "bench.json"
    file.write_text(json.dumps([{"plan": plan, **figures}]))
    bars, curves = plot.panels(plot.load(file))
    assert [panel.bars["autobahn_fast uvloop ws json"] for panel in bars] == pytest.approx([1, 2, 3, 4])
    assert curves == []


def test_plots(document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(document))
    assert command.main(["bench", "--plot", str(tmp_path)]) == 0
    written = [Path(line) for line in capsys.readouterr().out.split()]
    pictures = [path for path in written if path.suffix == ".png"]
    assert len(pictures) == (2 if importlib.util.find_spec("matplotlib") else 0)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    written = [path for path in written if path not in pictures]
    assert [path.name for path in written] == ["tiny-compare.svg", "tiny-growth.svg", "tiny.html"]
    assert "<svg" in written[0].read_text()
    page = written[2].read_text()
    assert page.count("<svg") == 2
    assert "P&lt;1&gt;, 2 cores, load 0.5" in page
    assert "http-equiv" not in page
    assert "<script" not in page


def test_charts_are_svg_with_everything_in_it(document: dict[str, Any]) -> None:
    bars, curves = plot.panels(document)
    bars[0].bars["a<b"] = 4.0
    tree = ElementTree.fromstring(svg.render([*bars, *curves], "what & why"))
    words = [element.text for element in tree.iter(f"{SVG}text")]
    assert {"WAMP publish", "mask 16 B", "autobahn_fast", "2.00", "100", "50×", "a<b", "256"} <= set(words)
    assert tree.get("aria-label") == "what & why"
    assert len(list(tree.iter(f"{SVG}polyline"))) == 2
    lengths = {float(bar.get("width", "")) for bar in list(tree.iter(f"{SVG}rect"))[1:]}
    assert max(lengths) > 20 * min(lengths)
    with pytest.raises(ValueError, match="nothing to draw"):
        svg.render([], "empty")


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.012"), (2.345, "2.35"), (23.45, "23.4"), (234.5, "234"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert svg.number(value) == text


def test_pictures_of_the_documentation(suite: dict[str, ModuleType], document: dict[str, Any], tmp_path: Path) -> None:
    document["cases"].append(case("router", sides={"embedded": {"event": [2.0]}, "Crossbar": {"event": [80.0]}}))
    page = tmp_path / "performance.md"
    page.write_text(f"{suite['report'].BEGIN}{suite['report'].END}")
    suite["report"].update(page, document)
    text = page.read_text()
    for name in ("bench-wamp.svg", "bench-growth.svg", "bench-routers.svg"):
        assert f"](_static/{name})" in text
        ElementTree.parse(tmp_path / "_static" / name)
    assert "bench-kernels.svg" not in text


def test_pictures_show_cases_of_the_suite(suite: dict[str, ModuleType], cases: list[Any]) -> None:
    pictures = suite["pictures"]
    known = {made.path for made in cases}
    series = {made.series for made in cases}
    for picture in pictures.PICTURES.values():
        assert {path for path, _, _ in picture.cases} <= known
        assert {title for title, _ in picture.series} <= series
        assert picture.alt


@pytest.mark.parametrize("content", ["{", "[1]", "{}", '{"cases": 1}'])
def test_what_is_no_result_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    assert command.main(["bench", "--plot", str(file)]) == 1
    assert str(file) in capsys.readouterr().err
    assert command.main(["bench", "--plot", str(tmp_path / "none")]) == 1


def test_prebuilt_frames_are_what_rfc_6455_says(suite: dict[str, ModuleType]) -> None:
    frame = suite["ws_raw"].frame
    for n in (0, 5, 125, 126, 65_535, 65_536):
        payload = bytes(i % 251 for i in range(n))
        octets = frame(payload, True)
        head = 2 if n < 126 else 4 if n < 65_536 else 10
        mask = octets[head : head + 4]
        assert octets[0] == 0x82
        assert bytes(b ^ mask[i & 3] for i, b in enumerate(octets[head + 4 :])) == payload
        assert len(octets) == head + 4 + n


@pytest.fixture(scope="module")
def far(suite: dict[str, ModuleType]) -> Iterator[Any]:
    """The far end, compiled here."""
    try:
        with suite["far_end"].running() as running:
            yield running
    except suite["far_end"].Unavailable as exc:
        pytest.skip(str(exc))


def run_jobs(suite: dict[str, ModuleType], script: str, words: list[str], jobs: list[dict[str, Any]]) -> list[Any]:
    """The answers of a worker."""
    worker = suite["_harness"].Worker((sys.executable, str(BENCH / "peers" / script), *words))
    try:
        return [worker.ask({**job, "seconds": 0.002}) for job in jobs]
    finally:
        worker.stop()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "twisted"])
def test_websocket_client(suite: dict[str, ModuleType], far: Any, loop: str) -> None:
    jobs: list[dict[str, Any]] = [
        {"path": "echo", "size": 256},
        {"path": "echo", "size": 70_000, "connections": 3},
        {"path": "echo", "size": 8192, "text": True, "deflate": True},
        {"path": "send", "size": 256},
        {"path": "receive", "size": 256, "text": True},
    ]
    if loop != "twisted":
        (memory,) = run_jobs(suite, "ws.py", ["autobahn:autobahn_fast", loop, str(far.port), "0"], [MEMORY])
        assert memory["KiB"] >= 0  # so few may all fit into memory that was there before
    if far.tls_port:
        jobs.append({"path": "echo", "size": 256, "tls": True})
    words = ["autobahn:autobahn_fast", loop, str(far.port), str(far.tls_port)]
    for answer in run_jobs(suite, "ws.py", words, jobs):
        assert answer["cpu"] > 0
        assert answer["count"] >= 1


@pytest.mark.parametrize("peer", ["raw:protocol", "raw:buffered", "socket", "websockets", "aiohttp"])
def test_websocket_peers(suite: dict[str, ModuleType], far: Any, peer: str) -> None:
    jobs = [{"path": path, "size": 256} for path in ("echo", "send", "receive")]
    answers = run_jobs(suite, "ws.py", [peer, "asyncio", str(far.port), "0"], jobs)
    assert all(answer["cpu"] > 0 for answer in answers)
    assert {"p50", "p99"} <= set(answers[0])


@pytest.mark.parametrize("peer", ["autobahn:autobahn_fast", "websockets", "aiohttp"])
def test_websocket_servers(suite: dict[str, ModuleType], far: Any, peer: str) -> None:
    jobs: list[dict[str, Any]] = [{"path": path, "size": 256} for path in ("echo", "send", "receive")]
    jobs.append({"path": "echo", "size": 70_000, "connections": 3})
    answers = run_jobs(suite, "ws_server.py", [peer, "asyncio"], jobs)
    assert all(answer["cpu"] > 0 for answer in answers)
    assert answers[3]["count"] % 3 == 0


@pytest.mark.parametrize("loop", ["uvloop", "twisted"])
def test_wamp_client(suite: dict[str, ModuleType], far: Any, loop: str) -> None:
    paths = (
        "publish",
        "prepared",
        "acknowledged",
        "event",
        "invocation",
        "call_pipelined",
        "call_window",
        "call_sequence",
    )
    jobs = [{"path": path} for path in paths]
    jobs += [{"path": "event", "serializer": name, "subscriptions": 3} for name in ("json", "cbor")]
    jobs += [{"path": "call_sequence", "transport": "rawsocket", "pending": 5}]
    for answer in run_jobs(suite, "wamp.py", ["autobahn_fast", loop, str(far.port)], jobs):
        assert answer["cpu"] > 0


def test_round_trips_of_wamp_have_latencies(suite: dict[str, ModuleType], far: Any) -> None:
    answers = run_jobs(suite, "wamp.py", ["autobahn_fast", "uvloop", str(far.port)], [{"path": "acknowledged"}])
    assert 0 < answers[0]["p50"] <= answers[0]["p99"]


def test_a_worker_that_is_gone_is_started_again(suite: dict[str, ModuleType]) -> None:
    workers = suite["_harness"].Workers()
    script = "import sys; sys.stdin.readline(); print('{\"cpu\": 1}')"
    side = workers.side(sys.executable, "-c", script)
    try:
        assert side(0.1) == {"cpu": 1}
        for worker in workers._workers.values():
            worker._process.wait(10)
        assert side(0.1) == {"cpu": 1}
    finally:
        workers.stop()


def test_crowd_counts_what_it_is_sent(suite: dict[str, ModuleType], far: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH / "e2e")
    routers = importlib.import_module("router_cases")
    monkeypatch.setattr(routers, "SUBSCRIBERS", 5)
    made = routers.Routers()
    try:
        made.crowds["embedded"] = crowd = routers.Crowd(*made.url("embedded"))
        made.run(crowd.gather(5))
        for _ in range(2):
            made.run(crowd.deliver(20))
        assert crowd.expected == 200
        figures = routers.as_client(made, "embedded", "autobahn_fast")(0.01)
        assert set(figures) == {t.figure for t in suite["targets"].TARGETS if t.path == "clients of Crossbar"}
        assert all(value > 0 for value in figures.values())
    finally:
        made.stop()


def test_micro_benches_run_under_pytest_benchmark() -> None:
    pytest.importorskip("pytest_benchmark", reason="pytest-benchmark is in the bench group of dependencies only")
    command = [sys.executable, "-m", "pytest", "bench/micro", "-k", "mask and 125 and (kernel or loop)"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "benchmark 'mask 125 B': 2 tests" in done.stdout


def test_worker_that_fails_is_skipped_with_its_reason(suite: dict[str, ModuleType], far: Any) -> None:
    skipped = suite["_harness"].Skipped
    with pytest.raises(skipped, match="no_such_peer"):
        run_jobs(suite, "ws.py", ["no_such_peer", "asyncio", "1", "2"], [{"path": "echo", "size": 1}])
    with pytest.raises(skipped, match="ConnectionRefusedError|OSError"):
        run_jobs(suite, "ws.py", ["raw", "asyncio", "1", "2"], [{"path": "echo", "size": 1}])
