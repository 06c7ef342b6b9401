# SPDX-License-Identifier: MIT
"""The extensions built in another way, in a copy of the tree: for fuzzing and for coverage. The normal build stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("autobahn_fast", "csrc", "tests", "docs", "bench", "twisted", ".ci", ".github")
FILES = (
    "setup.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "MANIFEST.in",
    "Makefile",
)
GENERATED = (".so", ".pyd", ".pyc", ".o")
BY_CYTHON = (".c", ".html")  # beside the .pyx; elsewhere those are sources


def _is_source(path: Path) -> bool:
    return path.suffix not in GENERATED and not (path.suffix in BY_CYTHON and path.parent.name == "_core")


def copy_tree(work: Path) -> None:
    """Make ``work`` a copy of the sources. Modification times are kept: they tell what is to be built again."""
    wanted = {Path(name) for name in FILES if (ROOT / name).is_file()}
    for folder in FOLDERS:
        found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        wanted |= {path.relative_to(ROOT) for path in found if _is_source(path)}
        for path in (work / folder).rglob("*"):
            if path.is_file() and _is_source(path) and path.relative_to(work) not in wanted:
                path.unlink()
    for name in wanted:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, work / name)


def build_variant(work: Path, environment: dict[str, str]) -> None:
    """Copy the sources to ``work`` and build the extensions there.

    :param environment: variables beside those there are; where they change, everything is built again.
    :raises SystemExit: the build failed.
    """
    mark, settings = work / "settings", repr((sys.version, sorted(environment.items())))
    if not mark.is_file() or mark.read_text(encoding="utf-8") != settings:
        shutil.rmtree(work / "autobahn_fast", ignore_errors=True)
        shutil.rmtree(work / "build", ignore_errors=True)
    copy_tree(work)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "-j", "2"]
    settled = {**os.environ, **environment}
    done = subprocess.run(command, cwd=work, env=settled, text=True, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}the build in {work} failed")
    mark.write_text(settings, encoding="utf-8")
