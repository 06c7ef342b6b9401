# SPDX-License-Identifier: MIT
"""The scripts of .ci as modules, and distributions that are made up for them."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import struct
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
VERSION = "26.10.2"
MODULES = ("frames", "wire")


def load(name: str) -> ModuleType:
    """A script of .ci as a module."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def library(platform: str) -> bytes:
    """The beginning of a shared library for a platform."""
    arm = platform.endswith(("aarch64", "arm64"))
    if platform.startswith("win"):
        return b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", 0xAA64 if arm else 0x8664)
    if platform.startswith("macosx"):
        return b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x0100000C if arm else 0x01000007)
    return b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", 0xB7 if arm else 0x3E)


def suffix(python: str, platform: str) -> str:
    """What a compiled module's file name ends in."""
    digits = python.split("-")[1][2:]
    if platform.startswith("win"):
        return f".cp{digits}-{platform}.pyd"
    if platform.startswith("macosx"):
        return f".cpython-{digits}-darwin.so"
    machine = "aarch64" if platform.endswith("aarch64") else "x86_64"
    return f".cpython-{digits}-{machine}-linux-{'musl' if platform.startswith('musl') else 'gnu'}.so"


def tag_of(platform: str) -> str:
    """A platform tag as it is in file names."""
    return platform.replace("macosx_", "macosx_11_0_")


def contents(python: str, platform: str, stubs: list[str]) -> dict[str, bytes]:
    """The files of a wheel that nothing is wrong with, RECORD excepted."""
    info = f"autobahn_fast-{VERSION}.dist-info"
    tags = "".join(f"Tag: {python}-{part}\n" for part in tag_of(platform).split("."))
    return {
        "autobahn_fast/py.typed": b"",
        **{f"autobahn_fast/_core/{stub}": b"" for stub in stubs},
        **{f"autobahn_fast/_core/{module}{suffix(python, platform)}": library(platform) for module in MODULES},
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n{tags}".encode(),
        f"{info}/METADATA": (
            f"Metadata-Version: 2.4\nName: autobahn_fast\nVersion: {VERSION}\nLicense-Expression: MIT\n"
            "License-File: LICENSE\nRequires-Python: >=3.11\n"
        ).encode(),
        f"{info}/licenses/LICENSE": b"MIT",
    }


def write_wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """A wheel with these files and a RECORD of them."""
    path = folder / name
    info = f"autobahn_fast-{VERSION}.dist-info"
    record = f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, data in files.items():
            wheel.writestr(file, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{file},sha256={digest},{len(data)}\n"
        wheel.writestr(f"{info}/RECORD", record)
    return path


def write_sdist(folder: Path, names: list[str]) -> Path:
    """An sdist with files of these names."""
    top = f"autobahn_fast-{VERSION}"
    with tarfile.open(folder / f"{top}.tar.gz", "w:gz") as sdist:
        for name in names:
            member = tarfile.TarInfo(f"{top}/{name}")
            sdist.addfile(member, io.BytesIO(b""))
    return folder / f"{top}.tar.gz"
