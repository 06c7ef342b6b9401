# SPDX-License-Identifier: MIT
"""Masking and the UTF-8 check: the kernels themselves, and as Python programs call them."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

import far_end
from _harness import Case, Skipped, Workers
from timing import Calibrated, Needing, call
from websocket_cases import name_of

from autobahn_fast._core import masking

HERE = Path(__file__).resolve().parent
CSRC = HERE.parent.parent / "csrc"
KEY = b"\x37\xfa\x21\x3d"
MASK_ROOM = 16 << 10
"""What `kernels.c` and `limits.c` ask for behind the octets to mask."""
SIZES = (16, 125, 1024, 16 << 10, 256 << 10, 4 << 20)
TEXTS = {"ASCII": "x", "mixed": "Straße und 10 € ", "4-octet": "😀"}
SHORT = {"mask": (125, 16 << 10, 256 << 10), "ASCII": (1024, 256 << 10), "mixed": (256 << 10,), "4-octet": (256 << 10,)}


@functools.cache
def library(name: str) -> ctypes.CDLL:
    """``kernels``: ours, built as they are shipped; ``limits``: built for this CPU. Raises `Skipped`."""
    ours = (
        [CSRC / file for file in ("cpu.c", "mask.c", "utf8.c", "abf.h", "mask.h", "utf8.h")]
        if name == "kernels"
        else []
    )
    options = ["-shared", "-fPIC", f"-I{CSRC}"]
    attempts = [options] if ours else [["-march=native", *options], options]
    try:
        return ctypes.CDLL(str(far_end.compiled(name, [HERE / f"{name}.c", *ours], *attempts)))
    except (far_end.Unavailable, OSError) as exc:
        raise Skipped(str(exc)) from None


def in_c(name: str, function: str, octets: bytes, room: int = 0) -> Calibrated:
    """A side that is a loop in C over ``octets``."""
    buffer = ctypes.create_string_buffer(octets, len(octets) + room)

    def run(count: int) -> float:
        timed = getattr(library(name), function)
        timed.restype = ctypes.c_double
        taken: float = timed(buffer, ctypes.c_size_t(len(octets)), ctypes.c_size_t(count))
        if taken < 0:
            raise Skipped(f"{function} gives a wrong result")
        return taken

    return Calibrated(run)


def aiohttp_mask(size: int) -> Calibrated:
    """aiohttp's, compiled."""
    from aiohttp._websocket.helpers import websocket_mask

    return call(websocket_mask, KEY, bytearray(size))


def websockets_mask(size: int) -> Calibrated:
    """That of websockets, compiled; makes new octets."""
    from websockets.speedups import apply_mask

    return call(apply_mask, bytes(size), KEY)


def autobahn_mask(size: int) -> Calibrated:
    """autobahn's, as its protocol calls it; makes new octets."""
    from autobahn.websocket.xormasker import create_xor_masker

    return call(create_xor_masker(KEY, size).process, bytes(size))


def mask_cases() -> list[Case]:
    """XOR with a key of 4 octets."""
    return [
        Case(
            f"mask {name_of(size)}",
            {
                "autobahn_fast kernel": in_c("kernels", "time_mask", bytes(size), MASK_ROOM),
                "autobahn_fast": call(masking.mask_into, bytearray(size), KEY),
                "C loop": in_c("limits", "time_loop", bytes(size), MASK_ROOM),
                "memcpy": in_c("limits", "time_copy", bytes(size), size),
                "aiohttp": Needing(functools.partial(aiohttp_mask, size)),
                "websockets": Needing(functools.partial(websockets_mask, size)),
                "autobahn": Needing(functools.partial(autobahn_mask, size)),
            },
            "mask, by octets",
            size,
            "ns",
            size not in SHORT["mask"],
        )
        for size in SIZES
    ]


def autobahn_check(text: bytes) -> Calibrated:
    """autobahn's check: one call, as for all sides; a whole text leaves the validator as it was."""
    from autobahn.websocket.utf8validator import Utf8Validator

    return call(Utf8Validator().validate, text)


def ours_check(text: bytes) -> Calibrated:
    """The same through the class of the same name."""
    return call(masking.Utf8Validator().validate, text)


def text_of(unit: str, size: int) -> bytes:
    """``size`` octets of a text that repeats ``unit``."""
    octets = unit.encode()
    return octets * (size // len(octets)) + b"x" * (size % len(octets))


def utf8_cases(workers: Workers) -> list[Case]:
    """Is it UTF-8?"""
    made = []
    for kind, unit in TEXTS.items():
        for size in SIZES:
            text = text_of(unit, size)
            sides = {
                "autobahn_fast kernel": in_c("kernels", "time_utf8", text),
                "autobahn_fast": ours_check(text),
                "simdutf": workers.side("node", str(HERE / "simdutf.js"), size=size, unit=unit),
                "bytes.decode": call(text.decode),
                "autobahn": Needing(functools.partial(autobahn_check, text)),
            }
            series = f"UTF-8, {kind}, by octets"
            made.append(Case(f"UTF-8 {kind} {name_of(size)}", sides, series, size, "ns", size not in SHORT[kind]))
    return made
