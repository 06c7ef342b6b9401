# SPDX-License-Identifier: MIT
"""What the release configuration says agrees with what a release is checked for; the scripts of ``make wheel``."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from _tools import ROOT, load

check = load("check_wheels")
wheel = load("wheel")
smoke = load("smoke")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNNERS = {
    "ubuntu-24.04": ["manylinux_2_28_x86_64", "musllinux_1_2_x86_64"],
    "ubuntu-24.04-arm": ["manylinux_2_28_aarch64", "musllinux_1_2_aarch64"],
    "macos-15-intel": ["macosx_x86_64"],
    "macos-15": ["macosx_arm64"],
    "windows-2025": ["win_amd64"],
    "windows-11-arm": ["win_arm64"],
}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit_and_say_which_version_that_is(workflow: Path) -> None:
    uses = re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_one_commit_for_each_action() -> None:
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


def test_every_python_is_built() -> None:
    built = {selector.removesuffix("-*") for selector in CONFIGURATION["tool"]["cibuildwheel"]["build"]}
    assert built == {f"cp{python.split('-')[1][2:]}" for python in check.PYTHONS}


def test_every_platform_has_a_runner_of_its_own_kind() -> None:
    text = (ROOT / ".github/workflows/wheels.yml").read_text(encoding="utf-8")
    matrix = re.search(r"matrix:\n +os:\n((?: +- .*\n)+)", text)
    assert matrix is not None
    runners = [line.split()[1] for line in matrix[1].splitlines()]
    assert sorted(platform for runner in runners for platform in RUNNERS[runner]) == sorted(check.PLATFORMS)


def test_linux_images_are_what_the_wheels_are_checked_for() -> None:
    settings = CONFIGURATION["tool"]["cibuildwheel"]
    images = {
        settings[f"{kind}-{machine}-image"] for kind in ("manylinux", "musllinux") for machine in ("x86_64", "aarch64")
    }
    assert images == {platform.rsplit("_", 2 if "x86" in platform else 1)[0] for platform in check.PLATFORMS[:4]}


def test_classifiers_name_the_pythons() -> None:
    named = re.findall(r"Python :: (3\.\d+)", " ".join(CONFIGURATION["project"]["classifiers"]))
    assert {f"cp{version.replace('.', '')}" for version in named} == {python.split("-")[0] for python in check.PYTHONS}


def test_the_build_requirements_are_those_of_the_group() -> None:
    assert CONFIGURATION["build-system"]["requires"] == CONFIGURATION["dependency-groups"]["build"]


def test_this_python_is_found() -> None:
    version = "{}.{}{}".format(*sys.version_info[:2], "t" if "t" in sys.abiflags else "")
    assert wheel.version_of(sys.executable) == version
    assert wheel.version_of("/nowhere/python") is None
    found = wheel.installed_pythons()
    assert set(found) <= {f"3.{minor}{threads}" for minor in range(11, 30) for threads in ("", "t")}
    assert all(wheel.version_of(python) == version for version, python in found.items())


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("cpython 3 14 .", "3.14"),
        ("cpython 3 14 t.", "3.14t"),
        ("cpython 3 14 td.", "3.14t"),
        ("cpython 3 10 .", None),
        ("pypy 3 11 .", None),
        ("", None),
    ],
)
def test_which_pythons_wheels_are_made_for(says: str, version: str | None, tmp_path: Path) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\necho {says}\n")
    (tmp_path / "python").chmod(0o755)
    assert wheel.version_of(str(tmp_path / "python")) == version


def test_wheels_made_here_are_for_the_same_linux_as_those_of_a_release() -> None:
    image = CONFIGURATION["tool"]["cibuildwheel"]["manylinux-x86_64-image"]
    assert wheel.GLIBC.startswith(f"{image}_")


def test_a_failing_command_shows_what_it_said() -> None:
    with pytest.raises(SystemExit, match=r"(?s)the reason.*failed: 3"):
        wheel.run(sys.executable, "-c", "import sys; print('the reason'); sys.exit(3)")


def test_the_table() -> None:
    row = wheel.Row("cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64", 1142.2, 2939.4, {"asyncio": 70.4})
    assert wheel.table([row], ROOT / "LICENSE").splitlines()[2] == (
        "| cp312-cp312-manylinux2014_x86_64 | 1142 KiB | 2939 KiB | 70 ms |"
    )


def run_smoke(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = None if path is None else {"PATH": path}
    return subprocess.run(
        [sys.executable, "-P", str(ROOT / ".ci/smoke.py"), *arguments],
        env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_smoke_refuses_a_compiler(tmp_path: Path) -> None:
    (tmp_path / "gcc").write_text("#!/bin/sh\n")
    (tmp_path / "gcc").chmod(0o755)
    done = run_smoke("--no-compiler", path=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "smoke: there is a C compiler in PATH: gcc\n")


def test_smoke_refuses_the_source_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "SOURCES", Path(smoke.importlib.import_module("autobahn_fast").__file__).parents[1])
    with pytest.raises(SystemExit, match="comes from the source tree"):
        smoke.check_place()


def test_smoke_checks_what_it_says() -> None:
    smoke.check_kernels()
    smoke.check_codecs()
    for factory in smoke.loops().values():
        with smoke.asyncio.Runner(loop_factory=factory) as runner:
            runner.run(smoke.publish_loop(300))


def test_no_module_says_that_it_needs_no_gil() -> None:
    """Buffers come from pools without a lock: a Python without the GIL has to turn it on (docs/packages.md)."""
    sources = [ROOT / "setup.py", *(ROOT / "autobahn_fast/_core").glob("*.p[yx][xd]")]
    assert len(sources) > 10
    assert [path.name for path in sources if "freethreading_compatible" in path.read_text(encoding="utf-8")] == []
