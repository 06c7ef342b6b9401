# SPDX-License-Identifier: MIT
"""Is a folder of distributions fit to be published? Standard library only, so that it runs before anything is installed.

    python .ci/check_wheels.py [--partial] [--tag v1.2.3] FOLDER

Every wheel of the matrix below has to be there once, next to one sdist of the same version, and nothing else. Each wheel
is opened: it must be what its name says, hold every compiled module for that Python and processor, no library of somebody
else, and the licence. With ``--partial`` wheels may be missing; those that are there are checked the same way. ``--tag`` is the tag a release is made from: it has to name the version.

Does not know how wheels are built (``[tool.cibuildwheel]`` in pyproject.toml) nor whether they work (``smoke.py``).
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import re
import struct
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "autobahn_fast"

PYTHONS = ("cp311-cp311", "cp312-cp312", "cp313-cp313", "cp314-cp314", "cp314-cp314t")
PLATFORMS = (
    *("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64", "musllinux_1_2_aarch64"),
    *("macosx_x86_64", "macosx_arm64", "win_amd64", "win_arm64"),
)
"""Each Python on each platform is one wheel. The number of a Linux platform is the newest libc it may ask for."""

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
LINUX = re.compile(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)")
LEGACY = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}
MACOS = re.compile(r"macosx_\d+_\d+_(\w+)")
COMPILED = (".so", ".pyd", ".dylib", ".dll")
UNWANTED = re.compile(r"\.(c|o|pyc|html)$|(^|/)(tests?|__pycache__)/|\.libs/|\.dylibs/")
SDIST_WANTS = ("pyproject.toml", "setup.py", "LICENSE", "README.md", "csrc/abf.h", "tests/conftest.py", ".ci/smoke.py")


class Name(NamedTuple):
    """The parts of a wheel's file name, PEP 427. ``platform`` is one of ``PLATFORMS``."""

    project: str
    version: str
    python: str
    platform: str


def platform_of(tag: str) -> str:
    """Which of ``PLATFORMS`` a platform tag, of one or more parts joined by dots, stands for.

    :raises ValueError: none of them, or several.
    """
    found = {_platform_of_part(part) for part in tag.split(".")}
    if len(found) != 1:
        raise ValueError(f"the platform tag {tag} stands for several platforms")
    return found.pop()


def _platform_of_part(part: str) -> str:
    for old, new in LEGACY.items():
        part = part.replace(f"{old}_", f"{new}_")
    if part in PLATFORMS:
        return part
    if match := MACOS.fullmatch(part):
        if f"macosx_{match[1]}" in PLATFORMS:
            return f"macosx_{match[1]}"
    elif match := LINUX.fullmatch(part):
        kind, major, minor, machine = match.groups()
        for platform in PLATFORMS:
            ours = LINUX.fullmatch(platform)
            if (
                ours
                and (ours[1], ours[4]) == (kind, machine)
                and (int(major), int(minor)) <= (int(ours[2]), int(ours[3]))
            ):
                return platform
    raise ValueError(f"the platform {part} is none that we publish for")


def parse_name(file: str) -> Name:
    """Take the name of a wheel apart.

    :raises ValueError: it is not one of ours.
    """
    parts = file.removesuffix(".whl").split("-")
    if not file.endswith(".whl") or len(parts) != 5:
        raise ValueError("not the name of a wheel without build number")
    project, version, python, abi, platform = parts
    if project != PACKAGE:
        raise ValueError(f"the project is {project}, not {PACKAGE}")
    if abi == "none" or platform == "any":
        raise ValueError("a pure wheel: its extensions were not built")
    if f"{python}-{abi}" not in PYTHONS:
        raise ValueError(f"{python}-{abi} is none that we publish for")
    return Name(project, version, f"{python}-{abi}", platform_of(platform))


def compiled_modules(root: Path = ROOT) -> set[str]:
    """The names of the modules that have to be compiled, from the sources."""
    return {source.stem for source in (root / PACKAGE / "_core").glob("*.pyx")}


def machine_of(data: bytes) -> str:
    """The processor that a shared library is for: ``x86_64``, ``arm64``, or what it says instead."""
    if data[:4] == b"\x7fELF" and len(data) >= 20:
        number = struct.unpack_from("<H", data, 18)[0]
        return {0x3E: "x86_64", 0xB7: "arm64"}.get(number, f"ELF machine {number}")
    if data[:4] == b"\xcf\xfa\xed\xfe" and len(data) >= 8:
        number = struct.unpack_from("<I", data, 4)[0]
        return {0x01000007: "x86_64", 0x0100000C: "arm64"}.get(number, f"Mach-O cpu {number}")
    if data[:2] == b"MZ" and len(data) >= 64:
        start = struct.unpack_from("<I", data, 60)[0]
        if data[start : start + 4] == b"PE\0\0" and len(data) >= start + 6:
            number = struct.unpack_from("<H", data, start + 4)[0]
            return {0x8664: "x86_64", 0xAA64: "arm64"}.get(number, f"PE machine {number:#x}")
    return "no shared library"


def is_for(file: str, python: str, platform: str) -> bool:
    """Whether a compiled module's file name is one that this Python looks for, and no other."""
    number, abi = python.split("-")
    digits, threads = number[2:], "t" if abi.endswith("t") else ""
    if platform.startswith("win"):
        return file.endswith(f".cp{digits}{threads}-{platform}.pyd")
    system = "darwin" if platform.startswith("macosx") else "linux-"
    return f".cpython-{digits}{threads}-" in file and system in file and file.endswith(".so")


def record_errors(wheel: zipfile.ZipFile, names: list[str]) -> Iterator[str]:
    """What does not agree with RECORD, PEP 376."""
    record = next((name for name in names if name.endswith(".dist-info/RECORD")), None)
    if record is None:
        yield "has no RECORD"
        return
    listed = {row[0]: row[1] for row in csv.reader(io.StringIO(wheel.read(record).decode())) if row}
    for name in names:
        if name == record or name.endswith("/"):
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest()).rstrip(b"=").decode()
        if listed.get(name) != f"sha256={digest}":
            yield f"{name} is not what RECORD says"
    yield from (f"{name} is in RECORD only" for name in listed.keys() - set(names))


def metadata_errors(metadata: Message, version: str) -> Iterator[str]:
    """What METADATA lacks, PEP 639 and the core metadata specification."""
    wanted = {"Version": version, "License-Expression": "MIT", "License-File": "LICENSE"}
    for field, value in wanted.items():
        if metadata[field] != value:
            yield f"METADATA has {field}: {metadata[field]} instead of {value}"
    if not metadata["Requires-Python"]:
        yield "METADATA has no Requires-Python"


def wheel_errors(path: Path, modules: Iterable[str]) -> Iterator[str]:
    """What is wrong with one wheel, its name included."""
    try:
        name = parse_name(path.name)
        with zipfile.ZipFile(path) as wheel:
            yield from _content_errors(wheel, path.name, name, set(modules))
    except (ValueError, KeyError, zipfile.BadZipFile) as e:
        yield str(e)


def _content_errors(wheel: zipfile.ZipFile, file: str, name: Name, modules: set[str]) -> Iterator[str]:
    names = wheel.namelist()
    info = f"{PACKAGE}-{name.version}.dist-info"
    facts = Parser().parsestr(wheel.read(f"{info}/WHEEL").decode())
    if facts["Root-Is-Purelib"] != "false":
        yield "WHEEL says that it is pure"
    tags = {f"{name.python}-{part}" for part in file.removesuffix(".whl").split("-")[4].split(".")}
    if set(facts.get_all("Tag", [])) != tags:
        yield f"WHEEL has the tags {sorted(facts.get_all('Tag', []))}, the file name {sorted(tags)}"
    yield from metadata_errors(Parser().parsestr(wheel.read(f"{info}/METADATA").decode()), name.version)
    if f"{info}/licenses/LICENSE" not in names:
        yield "the licence is missing"
    yield from record_errors(wheel, names)
    yield from (f"{entry} does not belong into a wheel" for entry in names if UNWANTED.search(entry))
    for entry in (f"{PACKAGE}/py.typed", *(f"{PACKAGE}/_core/{stub.name}" for stub in _stubs())):
        if entry not in names:
            yield f"{entry} is missing"
    machine = next(machine for suffix, machine in MACHINES.items() if name.platform.endswith(suffix))
    yield from _compiled_errors(wheel, [entry for entry in names if entry.endswith(COMPILED)], name, machine, modules)


def _stubs() -> list[Path]:
    return sorted((ROOT / PACKAGE / "_core").glob("*.pyi"))


def _compiled_errors(
    wheel: zipfile.ZipFile, entries: list[str], name: Name, machine: str, modules: set[str]
) -> Iterator[str]:
    found = Counter()  # type: Counter[str]
    for entry in entries:
        folder, _, file = entry.rpartition("/")
        module = file.partition(".")[0]
        if folder != f"{PACKAGE}/_core" or module not in modules:
            yield f"{entry} is not ours: the wheels bundle no other library"
            continue
        found[module] += 1
        if not is_for(file, name.python, name.platform):
            yield f"{entry} is not for {name.python} on {name.platform}"
        if (is_machine := machine_of(wheel.read(entry))) != machine:
            yield f"{entry} is for {is_machine}, not for {machine}"
    yield from (f"the compiled module {module} is missing" for module in sorted(modules - found.keys()))
    yield from (f"the compiled module {module} is there {n} times" for module, n in found.items() if n > 1)


def sdist_errors(path: Path, modules: Iterable[str]) -> Iterator[str]:
    """What is wrong with an sdist: what a build or a test needs and is not there, or what was generated and is."""
    top = path.name.removesuffix(".tar.gz")
    try:
        with tarfile.open(path) as sdist:
            names = {member.name.removeprefix(f"{top}/") for member in sdist.getmembers() if member.isfile()}
    except tarfile.TarError as e:
        yield str(e)
        return
    wanted = {*SDIST_WANTS, "PKG-INFO", *(f"{PACKAGE}/_core/{module}.pyx" for module in modules)}
    yield from (f"{name} is missing" for name in sorted(wanted - names))
    for name in sorted(names):
        if name.endswith((*COMPILED, ".pyc", ".o")) or re.fullmatch(rf"{PACKAGE}/_core/\w+\.c", name):
            yield f"{name} is generated and does not belong into an sdist"


def tag_errors(versions: set[str], tag: str | None) -> Iterator[str]:
    """What is wrong with the versions found: there is one, the tag names it, and it is no development version then."""
    if len(versions) > 1:
        yield f"several versions: {', '.join(sorted(versions))}"
    if tag is not None:
        yield from (f"version {version} under the tag {tag}" for version in sorted(versions) if tag != f"v{version}")
        yield from (f"version {version} is not for publishing" for version in sorted(versions) if "dev" in version)


def folder_errors(
    folder: Path, partial: bool = False, modules: Iterable[str] | None = None, tag: str | None = None
) -> list[str]:
    """Everything that keeps the distributions in a folder from being published; an empty list when nothing does."""
    modules = compiled_modules() if modules is None else set(modules)
    checks: dict[str, Callable[[Path, Iterable[str]], Iterator[str]]] = {".whl": wheel_errors, ".gz": sdist_errors}
    errors, found, versions, sdists = [], Counter[tuple[str, str]](), set(), 0
    for path in sorted(folder.iterdir()):
        check = checks.get(path.suffix)
        if check is None:
            errors.append(f"{path.name}: neither a wheel nor an sdist")
            continue
        errors += [f"{path.name}: {error}" for error in check(path, modules)]
        if check is sdist_errors:
            sdists += 1
            versions.add(path.name.removesuffix(".tar.gz").partition("-")[2])
            continue
        try:
            name = parse_name(path.name)
        except ValueError:
            continue  # wheel_errors has said so
        found[name.python, name.platform] += 1
        versions.add(name.version)
    errors += tag_errors(versions, tag)
    if sdists != 1 and not (partial and not sdists):
        errors.append(f"{sdists} sdists instead of one")
    wanted = {(python, platform) for python in PYTHONS for platform in PLATFORMS}
    errors += [f"two wheels for {' on '.join(key)}" for key, n in sorted(found.items()) if n > 1]
    if not partial:
        errors += [f"no wheel for {python} on {platform}" for python, platform in sorted(wanted - found.keys())]
    elif not found:
        errors.append("no wheel at all")
    return errors


def main(arguments: list[str] | None = None) -> int:
    """Print what is wrong; 0 when nothing is, else 1."""
    parser = argparse.ArgumentParser(description="check the distributions in a folder before they are published")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--partial", action="store_true", help="wheels may be missing")
    parser.add_argument("--tag", help="the tag that a release is made from, as v1.2.3")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    errors = folder_errors(options.folder, options.partial, tag=options.tag)
    for error in errors:
        print(error)
    count = len(list(options.folder.glob("*.whl")))
    print(f"{count} wheels: {len(errors)} errors" if errors else f"{count} wheels: nothing wrong with them")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
