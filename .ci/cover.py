# SPDX-License-Identifier: MIT
"""Coverage of the whole test suite, Cython included; processes that tests start count, too.

    python .ci/cover.py [PYTEST_OPTIONS...]

The extensions are built with line tracing, in a copy of the tree, .work/coverage, where the tests run. Fails when a test fails, or
when less is covered than ``fail_under`` in pyproject.toml. The report by line is .work/coverage/html/index.html.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from _variant import ROOT, build_variant

WORK = ROOT / ".work/coverage"
NOT_WITH_TRACING = ("tests/packaging", "tests/test_docs.py")
"""They run installed copies, and every program of the documentation in an environment of its own."""


def main() -> int:
    """Build, test, report."""
    print("== building with line tracing", flush=True)
    build_variant(WORK, {"ABF_COVERAGE": "1"})
    # PYTHONPATH: what a test starts elsewhere has to find this build, and coverage its settings
    environment = {**os.environ, "PYTHONPATH": str(WORK), "COVERAGE_CORE": "ctrace", "ABF_COVERAGE": "1"}

    def coverage(*arguments: str) -> int:
        command = [sys.executable, "-m", "coverage", *arguments]
        return subprocess.run(command, cwd=WORK, env=environment, check=False).returncode

    coverage("erase")
    ignored = [f"--ignore={path}" for path in NOT_WITH_TRACING]
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=ci", "-o", "timeout=600"]
    failed = coverage("run", *pytest, *ignored, *sys.argv[1:])
    coverage("combine", "-q")
    coverage("html", "-q", "-d", "html", "--fail-under=0")
    return coverage("report", "--skip-covered") or failed


if __name__ == "__main__":
    sys.exit(main())
