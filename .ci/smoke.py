# SPDX-License-Identifier: MIT
"""Does an installed autobahn_fast work? Run with the Python it is installed into; needs nothing but its dependencies.

    python .ci/smoke.py [--no-compiler]

Every kernel path that this processor has, and the scalar one, in a process of its own (``AUTOBAHN_FAST_SIMD``): masking,
UTF-8, JSON strings, each codec there and back, and publications through the embedded router over WebSocket, on asyncio's
loop and on uvloop where it is installed. Fails when the modules come from a source tree or are not compiled, and with
``--no-compiler`` also when there is a C compiler in PATH: the point is then that none was needed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent.parent
CODECS = {"msgpack": "MsgPackCodec", "cbor": "CborCodec", "ubjson": "UbjsonCodec", "json": "JsonCodec"}
VALUE = [32, 2**53, {}, "com.example.ü", [1.5, None, True, "text" * 40], {"key": ["😀", -7, {"deep": [[]]}]}]
EVENTS = 2000


def check(true: object, text: str) -> None:
    """Stop with a message unless it is true; ``assert`` would be gone with ``-O``."""
    if not true:
        raise SystemExit(f"smoke: {text}")


def check_place() -> None:
    """Every module of ``_core`` is compiled, and installed: not the source tree's."""
    package = importlib.import_module("autobahn_fast")
    place = Path(str(package.__file__)).resolve().parent
    check(place.parent != SOURCES, f"autobahn_fast comes from the source tree {SOURCES}, not from a wheel")
    names = sorted({path.name.partition(".")[0] for path in (place / "_core").iterdir() if path.suffix == ".pyi"})
    check(names, "the stubs of the compiled modules are missing")
    for name in names:
        file = str(importlib.import_module(f"autobahn_fast._core.{name}").__file__)
        check(file.endswith(tuple(EXTENSION_SUFFIXES)), f"{name} is not compiled: {file}")


def check_kernels() -> None:
    """Masking, UTF-8 and JSON strings against what they have to be, at every length up to 300 and some beyond."""
    from autobahn_fast._core import masking

    text = ("aé€😀" * 500).encode()
    for n in (*range(300), 1023, 1024, 1025, 4000):
        key = bytes((n & 255, 7, 0, 255))
        wanted = bytes(octet ^ key[(i + 1) & 3] for i, octet in enumerate(text[:n]))
        check(masking.mask_copy(text[:n], key, 1) == wanted, f"masking {n} octets")
        check(masking.utf8_feed(text[:n])[0] == n, f"UTF-8, {n} octets")
        check(masking.utf8_feed(b"x" * n + b"\xff" + text) == (n, 1), f"invalid UTF-8 after {n} octets")
        check(masking.json_plain(b"x" * n + b'"' + text) == n, f"a JSON string of {n} octets")


def check_codecs() -> None:
    """Every codec gives back what it was given."""
    for module, name in CODECS.items():
        codec = getattr(importlib.import_module(f"autobahn_fast._core.{module}"), name)()
        check(codec.loads(codec.dumps(VALUE)) == VALUE, f"the codec {module}")


async def publish_loop(events: int = EVENTS) -> None:
    """Publications from one session to another through a router in this process: all arrive, once, in order."""
    from autobahn_fast.asyncio.component import Component
    from autobahn_fast.router import Router

    got: list[int] = []
    ready, done = asyncio.Event(), asyncio.Event()

    async def subscriber(_loop: Any, session: Any) -> None:
        def on_event(number: int, text: str = "") -> None:
            got.append(number)
            if number == events - 1:
                done.set()

        await session.subscribe(on_event, "com.example.smoke")
        ready.set()
        await done.wait()

    async def publisher(_loop: Any, session: Any) -> None:
        await ready.wait()
        for number in range(events):
            session.publish("com.example.smoke", number, text="ü" * (number % 50))
            if number % 100 == 0:
                await session.drain()
        await done.wait()

    async with Router(["ws://127.0.0.1:0/ws"], ["realm1"]) as router:
        components = [
            Component(main=main, transports=router.urls[0], realm="realm1") for main in (subscriber, publisher)
        ]
        await asyncio.wait_for(asyncio.gather(*(component.start() for component in components)), 60)
    check(got == list(range(events)), f"{len(got)} of {events} events, or not in order")


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loops there are, by name."""
    found: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    try:
        found["uvloop"] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        check(sys.platform == "win32", "uvloop is a dependency here, and missing")
    return found


def check_everything() -> None:
    """All that is to be checked with the kernels in use."""
    check_place()
    check_kernels()
    check_codecs()
    for factory in loops().values():
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(publish_loop())


def import_times(runs: int = 7) -> dict[str, float]:
    """Milliseconds that importing takes beyond starting Python, by module: the median of some runs."""
    times: dict[str, list[float]] = {"": [], "asyncio": [], "autobahn_fast.asyncio.component": []}
    for _ in range(runs):
        for module, taken in times.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}" if module else "pass"], check=True)
            taken.append((time.perf_counter() - start) * 1000)
    bare = statistics.median(times.pop(""))
    return {module: statistics.median(taken) - bare for module, taken in times.items()}


def main() -> None:
    """Check every path in a process of its own."""
    parser = argparse.ArgumentParser(description="check an installed autobahn_fast")
    parser.add_argument("--no-compiler", action="store_true", help="fail when there is a C compiler in PATH")
    parser.add_argument("--one-path", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_path:
        check_everything()
        return
    if options.no_compiler:
        found = [name for name in ("cc", "gcc", "clang", "c99", "cl") if shutil.which(name)]
        check(not found, f"there is a C compiler in PATH: {', '.join(found)}")
    from autobahn_fast._core import masking

    for path in masking.simd_choices():
        environment = {**os.environ, "AUTOBAHN_FAST_SIMD": path}
        done = subprocess.run([sys.executable, __file__, "--one-path"], env=environment, timeout=300, check=False)
        check(done.returncode == 0, f"failed with the kernels {path}")
        print(f"kernels {path}: passed", flush=True)
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"CPython {sys.version.split()[0]}{'' if gil else ' without the GIL'}, loops: {', '.join(loops())}")
    for module, milliseconds in import_times().items():
        print(f"import {module}: {milliseconds:.1f} ms")


if __name__ == "__main__":
    main()
