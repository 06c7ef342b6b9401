# SPDX-License-Identifier: MIT
"""A release is refused when a distribution is missing, pure, wrongly tagged, or not what its name says."""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from _tools import MODULES, VERSION, contents, library, load, suffix, tag_of, write_sdist, write_wheel

check = load("check_wheels")
STUBS = [stub.name for stub in check._stubs()]
LINUX = ("cp312-cp312", "manylinux_2_28_x86_64")
INFO = f"autobahn_fast-{VERSION}.dist-info"


def wheel_name(python: str, platform: str) -> str:
    return f"autobahn_fast-{VERSION}-{python}-{tag_of(platform)}.whl"


def write(folder: Path, python: str, platform: str) -> Path:
    return write_wheel(folder, wheel_name(python, platform), contents(python, platform, STUBS))


def sdist_names() -> list[str]:
    return [*check.SDIST_WANTS, "PKG-INFO", *(f"autobahn_fast/_core/{module}.pyx" for module in MODULES)]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of a release."""
    folder = tmp_path_factory.mktemp("complete")
    for python in check.PYTHONS:
        for platform in check.PLATFORMS:
            write(folder, python, platform)
    write_sdist(folder, sdist_names())
    return folder


def errors(folder: Path, partial: bool = False, tag: str | None = None) -> list[str]:
    return check.folder_errors(folder, partial, MODULES, tag)


def test_a_complete_release_is_fine(complete: Path) -> None:
    assert len(list(complete.glob("*.whl"))) == 40
    assert errors(complete) == []
    assert errors(complete, tag=f"v{VERSION}") == []


@pytest.mark.parametrize("tag", ["v26.10.3", VERSION])
def test_a_tag_that_does_not_name_the_version(complete: Path, tag: str) -> None:
    assert errors(complete, tag=tag) == [f"version {VERSION} under the tag {tag}"]


def test_a_development_version_is_not_published() -> None:
    assert list(check.tag_errors({"1.0.dev0"}, "v1.0.dev0")) == ["version 1.0.dev0 is not for publishing"]
    assert list(check.tag_errors({"1.0.dev0"}, None)) == []


def test_every_missing_wheel_is_named(complete: Path, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    shutil.copytree(complete, folder)
    missing = list(zip(itertools.cycle(check.PYTHONS), check.PLATFORMS, strict=False))
    for python, platform in missing:
        (folder / wheel_name(python, platform)).unlink()
    assert sorted(errors(folder)) == sorted(f"no wheel for {python} on {platform}" for python, platform in missing)
    assert errors(folder, partial=True) == []


def test_the_sdist_is_missing_or_not_whole(complete: Path, tmp_path: Path) -> None:
    write(tmp_path, *LINUX)
    assert "0 sdists instead of one" in errors(tmp_path)
    assert errors(tmp_path, partial=True) == []
    write_sdist(tmp_path, [*sdist_names()[1:], "autobahn_fast/_core/frames.c", "autobahn_fast/_core/x.so"])
    assert [error.partition(": ")[2] for error in errors(tmp_path, partial=True)] == [
        "pyproject.toml is missing",
        "autobahn_fast/_core/frames.c is generated and does not belong into an sdist",
        "autobahn_fast/_core/x.so is generated and does not belong into an sdist",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (f"autobahn_fast-{VERSION}-py3-none-any.whl", "a pure wheel: its extensions were not built"),
        (f"autobahn_fast-{VERSION}-cp312-none-win_amd64.whl", "a pure wheel: its extensions were not built"),
        (f"autobahn_fast-{VERSION}-cp310-cp310-win_amd64.whl", "cp310-cp310 is none that we publish for"),
        (f"autobahn_fast-{VERSION}-cp312-abi3-win_amd64.whl", "cp312-abi3 is none that we publish for"),
        (
            f"autobahn_fast-{VERSION}-cp312-cp312-linux_x86_64.whl",
            "the platform linux_x86_64 is none that we publish for",
        ),
        (
            f"autobahn_fast-{VERSION}-cp312-cp312-manylinux_2_34_x86_64.whl",
            "the platform manylinux_2_34_x86_64 is none that we publish for",
        ),
        (
            f"autobahn_fast-{VERSION}-cp312-cp312-macosx_11_0_universal2.whl",
            "the platform macosx_11_0_universal2 is none that we publish for",
        ),
        (
            f"autobahn_fast-{VERSION}-cp312-cp312-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl",
            "the platform tag manylinux_2_28_x86_64.musllinux_1_2_x86_64 stands for several platforms",
        ),
        (f"autobahn_fast-{VERSION}-1-cp312-cp312-win_amd64.whl", "not the name of a wheel without build number"),
        (f"other-{VERSION}-cp312-cp312-win_amd64.whl", "the project is other, not autobahn_fast"),
    ],
)
def test_names_that_are_refused(name: str, error: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, name, {})
    assert f"{name}: {error}" in errors(tmp_path, partial=True)


@pytest.mark.parametrize(
    ("tag", "platform"),
    [
        ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
        ("manylinux_2_28_aarch64", "manylinux_2_28_aarch64"),
        ("musllinux_1_1_x86_64", "musllinux_1_2_x86_64"),
        ("macosx_10_13_x86_64", "macosx_x86_64"),
        ("win_arm64", "win_arm64"),
    ],
)
def test_platforms(tag: str, platform: str) -> None:
    assert check.platform_of(tag) == platform


def broken(tmp_path: Path, change: dict[str, bytes | None], platform: str = LINUX[1]) -> list[str]:
    """The errors of a wheel with some files changed or, where None, left out."""
    files = contents(LINUX[0], platform, STUBS)
    for name, data in change.items():
        if data is None:
            del files[name]
        else:
            files[name] = data
    path = write_wheel(tmp_path, wheel_name(LINUX[0], platform), files)
    return list(check.wheel_errors(path, MODULES))


FRAMES = f"autobahn_fast/_core/frames{suffix(*LINUX)}"
CONTENTS: list[tuple[dict[str, bytes | None], str]] = [
    ({FRAMES: None}, "the compiled module frames is missing"),
    ({FRAMES: library("manylinux_2_28_aarch64")}, f"{FRAMES} is for arm64, not for x86_64"),
    ({FRAMES: b"text"}, f"{FRAMES} is for no shared library, not for x86_64"),
    (
        {FRAMES: None, FRAMES.replace("312", "313"): library(LINUX[1])},
        f"{FRAMES.replace('312', '313')} is not for cp312-cp312 on manylinux_2_28_x86_64",
    ),
    ({FRAMES.replace("312", "313"): library(LINUX[1])}, "the compiled module frames is there 2 times"),
    (
        {"autobahn_fast.libs/libz.so": b""},
        "autobahn_fast.libs/libz.so is not ours: the wheels bundle no other library",
    ),
    ({"autobahn_fast/_core/frames.c": b""}, "autobahn_fast/_core/frames.c does not belong into a wheel"),
    ({"tests/conftest.py": b""}, "tests/conftest.py does not belong into a wheel"),
    ({"autobahn_fast/py.typed": None}, "autobahn_fast/py.typed is missing"),
    ({f"autobahn_fast/_core/{STUBS[0]}": None}, f"autobahn_fast/_core/{STUBS[0]} is missing"),
    ({f"{INFO}/licenses/LICENSE": None}, "the licence is missing"),
    (
        {f"{INFO}/WHEEL": b"Root-Is-Purelib: true\nTag: cp312-cp312-manylinux_2_28_x86_64\n"},
        "WHEEL says that it is pure",
    ),
    (
        {f"{INFO}/WHEEL": b"Root-Is-Purelib: false\nTag: cp312-cp312-linux_x86_64\n"},
        "WHEEL has the tags ['cp312-cp312-linux_x86_64'], the file name ['cp312-cp312-manylinux_2_28_x86_64']",
    ),
    (
        {f"{INFO}/METADATA": b"Version: 1\nLicense-Expression: MIT\nLicense-File: LICENSE\nRequires-Python: x\n"},
        f"METADATA has Version: 1 instead of {VERSION}",
    ),
]


@pytest.mark.parametrize(("change", "error"), CONTENTS)
def test_contents_that_are_refused(change: dict[str, bytes | None], error: str, tmp_path: Path) -> None:
    assert error in broken(tmp_path, change)


def test_a_file_that_is_not_what_record_says(tmp_path: Path) -> None:
    path = write(tmp_path, *LINUX)
    import zipfile

    with zipfile.ZipFile(path) as old:
        files = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in files.items():
            new.writestr(name, b"changed" if name.endswith("LICENSE") else data)
        new.writestr("autobahn_fast/added.py", b"")
    assert list(check.wheel_errors(path, MODULES)) == [
        f"{INFO}/licenses/LICENSE is not what RECORD says",
        "autobahn_fast/added.py is not what RECORD says",
    ]


def test_a_wheel_that_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / wheel_name(*LINUX)
    path.write_bytes(b"nothing")
    assert list(check.wheel_errors(path, MODULES)) == ["File is not a zip file"]


def test_two_wheels_for_one_platform_and_other_files(complete: Path, tmp_path: Path) -> None:
    write(tmp_path, *LINUX)
    files = contents(LINUX[0], "manylinux_2_17_x86_64", STUBS)
    write_wheel(tmp_path, f"autobahn_fast-{VERSION}-cp312-cp312-manylinux_2_17_x86_64.whl", files)
    (tmp_path / "notes.txt").write_text("")
    found = errors(tmp_path, partial=True)
    assert found == [
        "notes.txt: neither a wheel nor an sdist",
        "two wheels for cp312-cp312 on manylinux_2_28_x86_64",
    ]


def test_the_command(complete: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--partial", str(tmp_path)]) == 1
    assert capsys.readouterr().out == "no wheel at all\n0 wheels: 1 errors\n"
    with pytest.raises(SystemExit):
        check.main([str(tmp_path / "nothing")])


def test_the_modules_are_those_of_the_sources() -> None:
    assert check.compiled_modules() >= {"frames", "wire", "masking"}
