# SPDX-License-Identifier: MIT
"""Run the Autobahn TestSuite against our client and our server, and keep the results.

Knows which roles and frameworks there are, what a case must end with, and how the results are written down. The driver of the
suite is ``../shared/tools/wstest``; the suite itself is in a virtual environment of its own (``make wstest`` makes it).

Exit status: 0 if every case ended as it must, 1 if not, 3 if the driver or the suite is not there and nothing was run.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT.parent / "shared" / "tools" / "wstest" / "wstest_run.py"
SUITE_PYTHON = Path(os.environ.get("WSTEST_PYTHON", ROOT / ".venvs" / "wstest" / "bin" / "python"))
OUTPUT = ROOT / ".work" / "conformance"

FRAMEWORKS = {"asyncio": "", "uvloop": "uvloop", "twisted": "Twisted"}  # and the distribution whose version matters
ROLES = ("client", "server")
VERDICTS = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED", "FAILED")
NOTHING_RUN = 3

#: Cases that need not be OK: what they end with instead. Each has its reason in README.md beside this file.
NOT_OK = {"7.1.6": "INFORMATIONAL", "7.13.1": "INFORMATIONAL", "7.13.2": "INFORMATIONAL"}

COLUMNS = ("Framework", "Role", *VERDICTS, "Messages", "Date", "Versions")
HEAD = """\
# WebSocket conformance

The [Autobahn TestSuite](https://github.com/crossbario/autobahn-testsuite) against the client and the server of autobahn_fast:
all {total} cases, those of limits (9.\\*) and compression (12.\\*, 13.\\*) included. `make wstest` runs them and writes this page.
"Messages" says how many of the suite's messages each of the long cases 9.7, 9.8, 12.\\* and 13.\\* sent. A case whose behaviour is
right but whose connection was closed wrongly counts as FAILED, and so does one that was never run.

"""
TAIL = """
INFORMATIONAL are cases for which RFC 6455 gives no right answer: 7.1.6, 7.13.1 and 7.13.2. `tests/conformance/README.md` says
what each is about.
"""


def missing() -> str | None:
    """What is not there that a run needs, with what to do about it; None if all is."""
    if not DRIVER.exists():
        return f"The Autobahn TestSuite was not run: its driver ../shared/tools/wstest is not beside this folder ({DRIVER})."
    suite = SUITE_PYTHON.parents[1]
    if not any(suite.glob("lib/python*/site-packages/autobahntestsuite")):
        return f"The Autobahn TestSuite was not run: it is not installed in {suite}; `make wstest` installs it."
    return None


def run(role: str, framework: str, cases: str, scale: int, limit: float) -> dict[str, str]:
    """Run cases for one role on one framework.

    Parameters:
        role: Ours: "client" or "server"; the suite is the other.
        framework: One of `FRAMEWORKS`.
        cases: "quick", "full", or patterns such as ``6.*,7.1.*``.
        scale: What the number of messages in the long cases is divided by.
        limit: Seconds after which the suite is stopped.

    Returns:
        The verdict of each selected case.
    """
    out = OUTPUT / f"{role}-{framework}"
    command = [sys.executable, str(DRIVER), "--role", role, "--framework", framework, "--candidate", "autobahn_fast"]
    command += [
        "--python",
        sys.executable,
        "--cases",
        cases,
        "--scale",
        str(scale),
        "--timeout",
        str(limit),
        "--out",
        str(out),
    ]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "WSTEST_PYTHON": str(SUITE_PYTHON), "PYTHONPATH": path}
    subprocess.run(command, env=environment, cwd=ROOT, check=False)
    reports = _reports(out / "index.json") | _reports(out / "retry" / "index.json")
    try:
        selected = json.loads((out / "selected.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        selected = []
    return {case: _verdict(reports.get(case)) for case in selected}


def _reports(file: Path) -> dict[str, dict[str, str]]:
    """What the suite wrote about each case."""
    try:
        agents = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {case: report for cases in agents.values() for case, report in cases.items()}


def _verdict(report: dict[str, str] | None) -> str:
    """One word for a case: its behaviour, unless the connection was closed wrongly."""
    if report is None or report["behaviorClose"] not in ("OK", "INFORMATIONAL"):
        return "FAILED"
    return report["behavior"] if report["behavior"] in VERDICTS else "FAILED"


def faults(verdicts: dict[str, str]) -> list[str]:
    """The cases that did not end as they must."""
    return [case for case, verdict in verdicts.items() if verdict not in ("OK", NOT_OK.get(case))]


def _versions(framework: str) -> str:
    """What was tested with what, in a few words."""
    commit = _git("log", "-1", "--format=%h")
    changed = "+" if _git("status", "--porcelain", "--", "autobahn_fast", "csrc", "setup.py") else ""
    words = [f"{commit}{changed}" if commit else metadata.version("autobahn_fast")]
    words.append(f"{platform.python_implementation()} {platform.python_version()}")
    if distribution := FRAMEWORKS[framework]:
        words.append(f"{distribution} {metadata.version(distribution)}")
    ask = "from importlib.metadata import version; print(version('autobahntestsuite'))"
    suite = subprocess.run([str(SUITE_PYTHON), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    return ", ".join([*words, f"suite {suite}"])


def _git(*arguments: str) -> str:
    """What git says about this folder; nothing where it is no clone."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def write(page: Path, results: dict[tuple[str, str], dict[str, str]], scale: int) -> None:
    """Put results into the page; rows of other frameworks and roles stay as they are.

    Parameters:
        page: The Markdown file, which need not be there yet.
        results: The verdicts by framework and role.
        scale: What the number of messages in the long cases was divided by.
    """
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    rows = {(m[1], m[2]): m[0] for m in re.finditer(r"^\| (\w+) \| (client|server) \|.*$", old, re.MULTILINE)}
    messages = "all" if scale == 1 else f"1/{scale}"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    for (framework, role), verdicts in results.items():
        count = collections.Counter(verdicts.values())
        cells = [framework, role, *(str(count[verdict]) for verdict in VERDICTS), messages, today, _versions(framework)]
        rows[framework, role] = f"| {' | '.join(cells)} |"
    table = [
        f"| {' | '.join(COLUMNS)} |",
        "|".join(["", "---", "---", *["--:"] * (len(VERDICTS) + 1), "---", "---", ""]),
    ]
    table += [rows[framework, role] for framework in FRAMEWORKS for role in ROLES if (framework, role) in rows]
    total = max(len(verdicts) for verdicts in results.values())
    page.write_text(HEAD.format(total=total) + "\n".join(table) + "\n" + TAIL, encoding="utf-8")


def main() -> int:
    """Run what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(description="Run the Autobahn TestSuite against autobahn_fast.")
    parser.add_argument("--frameworks", default=",".join(FRAMEWORKS), help="which of %(default)s")
    parser.add_argument("--roles", default=",".join(ROLES), help="which of %(default)s")
    parser.add_argument("--cases", default="full", help="quick (all but 9.*, 12.*, 13.*), full, or patterns")
    parser.add_argument(
        "--scale", type=int, default=25, help="divide the messages of the long cases by this (%(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=1800, help="seconds for one role on one framework (%(default)s)"
    )
    parser.add_argument("--report", type=Path, help="the page to write the results to; only with --cases full")
    arguments = parser.parse_args()
    if arguments.report and arguments.cases != "full":
        parser.error("--report wants the results of all cases: leave --cases out")
    if unknown := set(arguments.frameworks.split(",")) - set(FRAMEWORKS) | set(arguments.roles.split(",")) - set(ROLES):
        parser.error(f"no such framework or role: {', '.join(sorted(unknown))}")
    if problem := missing():
        print(problem, file=sys.stderr)
        return NOTHING_RUN
    results: dict[tuple[str, str], dict[str, str]] = {}
    wrong = []
    for framework in arguments.frameworks.split(","):
        for role in arguments.roles.split(","):
            verdicts = run(role, framework, arguments.cases, arguments.scale, arguments.timeout)
            if not verdicts:
                wrong.append(f"{framework} {role}: no case was run")
                continue
            results[framework, role] = verdicts
            wrong += [f"{framework} {role}: case {case} {verdicts[case]}" for case in faults(verdicts)]
            if arguments.report:
                write(arguments.report, results, arguments.scale)
    print("\n".join(wrong) or f"every case ended as it must: {sum(map(len, results.values()))} runs")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
