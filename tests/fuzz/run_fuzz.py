# SPDX-License-Identifier: MIT
"""Coverage-guided fuzzing of what reads a peer's octets: atheris (libFuzzer) on the targets of ``fuzz_targets.py``.

    python tests/fuzz/run_fuzz.py [--seconds 60] [--targets frames,json]

The compiled core is built by clang with libFuzzer's counters and AddressSanitizer, in a copy of the tree, .work/fuzz; so it is
the branches of the C that are counted. Found inputs stay in .work/fuzz/corpus and are where the next run begins. Fails when a target raises,
crashes, hangs for 20 seconds or takes 2 GiB; the input is then in .work/fuzz/crashes, and
``python tests/fuzz/run_fuzz.py --one TARGET FILE`` runs that alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _variant import ROOT, build_variant

WORK = ROOT / ".work/fuzz"
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]
KEY = b"\x9a\x00\xff\x81"


class Result(NamedTuple):
    """What libFuzzer counted: inputs tried, branches reached, and features (branches by how often they were taken)."""

    inputs: int
    branches: int
    features: int


def seeds() -> dict[str, list[bytes]]:
    """Where fuzzing begins: for each target what is valid, or nearly so."""
    vectors = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests/vectors").glob("*.json"))]
    found: dict[str, list[bytes]] = {"frames": [], "rawsocket": [], "json": [], "codecs": [], "messages": []}
    masked = bytes(octet ^ KEY[i & 3] for i, octet in enumerate(b"hello"))
    for flags, octets in (
        (0, b"\x81\x05hello\x89\x00\x88\x02\x03\xe8"),
        (1, b"\x81\x85" + KEY + masked),
        (0, b"\x01\x03\xe2\x82\xac\x80\x00\x82\x7e\x00\x05hello"),
        (2, b"\x82\x7f" + (70_001).to_bytes(8) + b"x"),
        (8, b"\x88\x0c\x03\xe9going away"),
    ):
        found["frames"].append(bytes([flags, 1, 3, 9]) + octets)
    for flags, octets in (
        (1, b"\x7f\xf2\0\0\0\0\0\x02hi\x01\0\0\x01p\x02\0\0\x01p"),
        (0, b"\x7f\xf2\0\0\0\0\0\x03abc"),
        (0, b"\x7f\x10\0\0"),
        (9, b"\x7f\xf2\0\0\0\x00\x02\x01"),
    ):
        found["rawsocket"].append(bytes([flags, 2, 5, 9]) + octets)
    found["json"] = [
        b"\0" + text for text in (b'["\\u00fc\\ud83d\\ude00",1e308,-0.1,[{}]]', b'"\\u0000AAEC"', b"[1.5]")
    ]
    for place, name in enumerate(("json", "msgpack", "cbor", "ubjson", "flatbuffers")):
        for octets in _found_in(vectors, name):
            found["messages"].append(bytes([place]) + octets)
            if name == "json":
                found["json"].append(b"\1" + octets)
            elif name != "flatbuffers":
                found["codecs"].append(bytes([place - 1]) + octets)
    return found


def _found_in(vector: Any, name: str) -> list[bytes]:
    """The octets that the vectors of the specification give for a serializer."""
    if isinstance(vector, list):
        return [octets for part in vector for octets in _found_in(part, name)]
    if not isinstance(vector, dict):
        return []
    here = [entry["bytes_hex"] for entry in vector.get("serializers", {}).get(name, []) if "bytes_hex" in entry]
    rest = [part for key, part in vector.items() if key != "serializers"]
    return [*map(bytes.fromhex, here), *_found_in(rest, name)]


def build() -> None:
    """Build the core with libFuzzer's counters and AddressSanitizer.

    :raises SystemExit: there is no clang, or it failed.
    """
    clang = os.environ.get("CLANG", "clang")
    if shutil.which(clang) is None:
        raise SystemExit("fuzz: needs clang (Debian: apt-get install clang; another one: CLANG=clang-18)")
    flags = "-g -fsanitize=address -fsanitize-coverage=inline-8bit-counters,pc-table,trace-cmp,indirect-calls"
    # not CFLAGS: those are for linking, too, and the runtime is preloaded instead
    build_variant(WORK, {"CC": f"{clang} {flags}", "LDSHARED": f"{clang} -shared"})


def fuzz(name: str, arguments: list[str]) -> None:
    """Fuzz one target in this process; libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["autobahn_fast"]):
        sys.path.insert(0, str(WORK / "tests/fuzz"))
        import fuzz_targets as targets
    import autobahn_fast

    if not str(autobahn_fast.__file__).startswith(str(WORK)):
        raise SystemExit(f"fuzz: {autobahn_fast.__file__} would be fuzzed instead of {WORK}")
    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
    atheris.Fuzz()


def sanitizer() -> dict[str, str]:
    """The environment of a process with the runtime that atheris brings: libFuzzer and AddressSanitizer in one library."""
    import atheris

    return {
        "LD_PRELOAD": str(Path(atheris.path()) / "asan_with_fuzzer.so"),
        "PYTHONMALLOC": "malloc",  # pymalloc's arenas would hide overruns
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    }


def summary(text: str) -> Result:
    """What libFuzzer said at the end."""
    units = re.findall(r"stat::number_of_executed_units:\s+(\d+)", text)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", text)
    branches, features = reached[-1] if reached else (0, 0)
    return Result(int(units[-1]) if units else 0, int(branches), int(features))


def run(name: str, seconds: int, octets: list[bytes]) -> bool:
    """Fuzz a target in a process of its own and print a line about it.

    :returns: whether nothing was found.
    """
    corpus, crashes = WORK / "corpus" / name, WORK / "crashes"
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in octets:
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    command = [sys.executable, __file__, "--fuzz", name, f"-max_total_time={seconds}", "-print_final_stats=1", *LIMITS]
    command += [f"-artifact_prefix={crashes}/{name}-", str(corpus)]
    environment = {**os.environ, "PYTHONPATH": str(WORK), "PYTHONDONTWRITEBYTECODE": "1", **sanitizer()}
    with subprocess.Popen(command, env=environment, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as done:
        text = done.communicate(timeout=seconds + 300)[0].decode(errors="replace")
    result = summary(text)
    status = "nothing found" if done.returncode == 0 else "FAILED"
    print(f"| {name} | {result.inputs:,} | {result.branches:,} | {result.features:,} | {status} |", flush=True)
    if done.returncode:
        print(text[-6000:])
    return done.returncode == 0


def main() -> int:
    """Build, and fuzz every target for its share of the time."""
    if sys.argv[1:2] == ["--fuzz"]:
        fuzz(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description="fuzz what reads a peer's octets")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--targets", help="their names, separated by commas; all otherwise")
    parser.add_argument("--one", nargs=2, metavar=("TARGET", "FILE"), help="run one input alone")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if options.one:
        import fuzz_targets as targets

        targets.TARGETS[options.one[0]](Path(options.one[1]).read_bytes())
        return 0
    found = seeds()
    names = options.targets.split(",") if options.targets else list(found)
    if unknown := set(names) - found.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    build()
    print("| target | inputs | branches | features | |\n|---|---|---|---|---|")
    fine = [run(name, options.seconds, found[name]) for name in names]  # the others, too, when one fails
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
