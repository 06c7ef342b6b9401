# SPDX-License-Identifier: MIT
"""The kernels compiled by themselves: strictly C99, without a warning, for this processor and, in an emulator, for AArch64."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CSRC = HERE.parents[1] / "csrc"
SOURCES = [HERE / "kernels_check.c", *(CSRC / name for name in ("cpu.c", "mask.c", "utf8.c"))]
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-I", str(CSRC)]


def build(compiler: str, program: Path, *options: str) -> None:
    """Compile the kernels and their check."""
    command = [compiler, *STRICT, *options, *map(str, SOURCES), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def run(*command: str | Path) -> list[str]:
    """Run the check; the paths it has tried."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not shutil.which("cc") or sys.platform == "win32", reason="no C compiler called cc")
def test_this_processor(tmp_path: Path) -> None:
    from autobahn_fast._core import masking

    build("cc", tmp_path / "check")
    assert tuple(run(tmp_path / "check")) == masking.simd_choices()


AARCH64 = shutil.which("aarch64-linux-gnu-gcc")
EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")


@pytest.mark.skipif(not AARCH64 or not EMULATOR, reason="no aarch64-linux-gnu-gcc, or no qemu-aarch64")
def test_aarch64_in_an_emulator(tmp_path: Path) -> None:
    assert AARCH64 and EMULATOR
    build(AARCH64, tmp_path / "check", "-static")
    assert run(EMULATOR, tmp_path / "check") == ["scalar", "neon"]
