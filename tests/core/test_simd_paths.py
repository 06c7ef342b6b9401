# SPDX-License-Identifier: MIT
"""How the kernels are chosen, and that none of them touches memory it was not given. In processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autobahn_fast._core import masking

CHOICES = masking.simd_choices()
LACKING = [name for name in ("scalar", "sse2", "avx2", "avx512", "neon") if name not in CHOICES]


def run(code: str, simd: str | None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "AUTOBAHN_FAST_SIMD"}
    if simd is not None:
        env["AUTOBAHN_FAST_SIMD"] = simd
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=100, check=False
    )


def test_scalar_is_always_there_and_first() -> None:
    assert CHOICES[0] == "scalar"
    assert set(CHOICES) <= {"scalar", "sse2", "avx2", "avx512", "neon"}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize(
    "first", ["masking.simd_name()", "masking.mask_copy(bytes(50), b'abcd')", "masking.utf8_feed(b'x')"]
)
def test_environment_forces_a_path(name: str, first: str) -> None:
    done = run(f"from autobahn_fast._core import masking; {first}; print(masking.simd_name())", name)
    assert (done.returncode, done.stdout.strip()) == (0, name), done.stderr


@pytest.mark.parametrize("unset", [None, ""])
def test_the_best_path_is_the_default(unset: str | None) -> None:
    done = run("from autobahn_fast._core import masking; print(masking.simd_name())", unset)
    assert (done.returncode, done.stdout.strip()) == (0, CHOICES[-1]), done.stderr


@pytest.mark.parametrize("name", ["avx1024", "AVX2", " scalar", *LACKING])
def test_a_path_that_is_not_there_is_an_import_error(name: str) -> None:
    done = run("import autobahn_fast._core.masking", name)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: AUTOBAHN_FAST_SIMD={name} ")
    assert ", ".join(CHOICES) in last


def test_selecting_a_path_that_is_not_there_changes_nothing() -> None:
    before = masking.simd_name()
    for name in ("", "nothing", "sse2\0", "é", *LACKING):
        with pytest.raises(ValueError, match="there are: scalar"):
            masking.select_simd(name)
    assert masking.simd_name() == before


THREADS = """
import threading
from autobahn_fast._core import masking
gate, results = threading.Barrier(8), []
def work():
    gate.wait()
    copy = masking.mask_copy(b"x" * 100, b"abcd", 1)
    results.append((copy, masking.utf8_feed(b"x" * 99 + b"\\xff"), masking.simd_name()))
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert len(results) == 8 and len(set(results)) == 1, results
print(results[0][2])
"""


def test_threads_that_race_to_be_first() -> None:
    done = run(THREADS, None)
    assert (done.returncode, done.stdout.strip()) == (0, CHOICES[-1]), done.stderr


# Two readable pages between two that are not; data stands right before the second or right after the first.
GUARDED = """
import ctypes, mmap
from autobahn_fast._core import masking
page = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)
area = mmap.mmap(-1, 4 * page)
start = ctypes.addressof(ctypes.c_char.from_buffer(area))
for forbidden in (start, start + 3 * page):
    assert libc.mprotect(ctypes.c_void_p(forbidden), ctypes.c_size_t(page), 0) == 0
text = ("aé€😀" * 2000).encode()
masking.select_simd({path!r})
for n in [*range(300), 1000, 1023, 1024, 1025, 1100, 4000, 2 * page]:
    for at in (start + 3 * page - n, start + page):
        octets = memoryview((ctypes.c_char * n).from_address(at)).cast("B")
        for content in (b"x" * n, text[:n], b"\\xf0" * n):
            octets[:] = content
            taken, state = masking.utf8_feed(octets)
            assert taken == (min(n, 1) if content[:1] == b"\\xf0" else n), (n, taken)
            assert masking.json_plain(octets) == n
            copy = masking.mask_copy(octets, b"abcd", 3)
            masking.mask_into(octets, b"abcd", 3)
            assert octets == copy
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith(("linux", "darwin")), reason="needs mprotect")
@pytest.mark.parametrize("path", CHOICES)
def test_nothing_outside_the_data_is_touched(path: str) -> None:
    done = run(GUARDED.format(path=path), None)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr
