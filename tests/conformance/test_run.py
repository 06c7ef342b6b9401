# SPDX-License-Identifier: MIT
"""What the program that runs the Autobahn TestSuite makes of the suite's reports."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def run() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("conformance_run", Path(__file__).with_name("run.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("behavior", "closing", "verdict"),
    [
        ("OK", "OK", "OK"),
        ("OK", "INFORMATIONAL", "OK"),
        ("NON-STRICT", "OK", "NON-STRICT"),
        ("UNIMPLEMENTED", "OK", "UNIMPLEMENTED"),
        ("FAILED", "OK", "FAILED"),
        ("OK", "FAILED", "FAILED"),
        ("OK", "WRONG CODE", "FAILED"),
        ("OK", "UNCLEAN", "FAILED"),
        ("FAILED BY CLIENT", "OK", "FAILED"),
    ],
)
def test_one_word_for_a_case(run: ModuleType, behavior: str, closing: str, verdict: str) -> None:
    assert run._verdict({"behavior": behavior, "behaviorClose": closing}) == verdict


def test_a_case_that_was_not_run_failed(run: ModuleType) -> None:
    assert run._verdict(None) == "FAILED"


def test_only_the_cases_with_a_reason_may_be_other_than_ok(run: ModuleType) -> None:
    verdicts = {
        "1.1.1": "OK",
        "7.1.6": "INFORMATIONAL",
        "7.13.1": "FAILED",
        "6.4.1": "NON-STRICT",
        "2.1": "INFORMATIONAL",
    }
    assert run.faults(verdicts) == ["7.13.1", "6.4.1", "2.1"]


def test_each_case_with_a_reason_is_explained(run: ModuleType) -> None:
    text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    assert all(f"| {case} |" in text for case in run.NOT_OK)


def test_results_replace_only_their_own_rows(run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_versions", lambda framework: f"of {framework}")
    page = tmp_path / "page.md"
    both = {("uvloop", "client"): {"1": "OK", "2": "FAILED"}, ("asyncio", "server"): {"1": "OK", "2": "OK"}}
    run.write(page, both, 25)
    run.write(page, {("uvloop", "client"): {"1": "OK", "2": "NON-STRICT"}}, 1)
    rows = [line.split(" | ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [row[:8] for row in rows[1:]] == [
        ["| asyncio", "server", "2", "0", "0", "0", "0", "1/25"],
        ["| uvloop", "client", "1", "0", "1", "0", "0", "all"],
    ]
    assert page.read_text(encoding="utf-8").count("# WebSocket conformance") == 1
