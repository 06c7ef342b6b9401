# SPDX-License-Identifier: MIT
"""The layers of docs/design.md, read off the import statements: imports point down only, and files stay small."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "autobahn_fast"
FILES = sorted((ROOT / PACKAGE).rglob("*.py")) + sorted((ROOT / PACKAGE).rglob("*.pyi"))
CYTHON = sorted((ROOT / PACKAGE).rglob("*.pyx")) + sorted((ROOT / PACKAGE).rglob("*.pxd"))
MAX_LINES = {".py": 600, ".pyi": 600, ".pxd": 300, ".pyx": 660}
"""Compiled modules may be a little longer: what calls each other in one needs no exported interface, and is inlined."""

# The first pattern that matches a module gives its layer.
LAYERS = [
    (0, f"{PACKAGE}"),
    (1, f"{PACKAGE}._core*"),
    (5, f"{PACKAGE}.router*"),
    (5, f"{PACKAGE}._bench*"),
    (5, f"{PACKAGE}.__main__"),
    (4, f"{PACKAGE}.asyncio*"),
    (4, f"{PACKAGE}.twisted*"),
    (3, f"{PACKAGE}.wamp.protocol"),
    (3, f"{PACKAGE}.wamp.component"),
    (3, f"{PACKAGE}.wamp.websocket"),
    (3, f"{PACKAGE}.wamp._base"),
    (3, f"{PACKAGE}.wamp._calls"),
    (3, f"{PACKAGE}.wamp._inbound"),
    (3, f"{PACKAGE}.wamp._invocation"),
    (3, f"{PACKAGE}.wamp._wire"),
    (3, f"{PACKAGE}.wamp._channel"),
    (3, f"{PACKAGE}.wamp._transports"),
    (3, f"{PACKAGE}.wamp._lifecycle"),
    (3, f"{PACKAGE}.wamp._functions"),
    (3, f"{PACKAGE}.wamp._part"),
    (3, f"{PACKAGE}.wamp._snakecase"),
    (3, f"{PACKAGE}.websocket.protocol"),
    (3, f"{PACKAGE}.websocket._base"),
    (3, f"{PACKAGE}.websocket._factory"),
    (3, f"{PACKAGE}.websocket._callbacks"),
    (3, f"{PACKAGE}.websocket._sending"),
    (3, f"{PACKAGE}.websocket._client"),
    (3, f"{PACKAGE}.websocket._server"),
    (3, f"{PACKAGE}.websocket._streaming"),
    (3, f"{PACKAGE}.websocket._timers"),
    (3, f"{PACKAGE}.rawsocket._protocol"),
    (2, f"{PACKAGE}.*"),
]
FRAMEWORKS = {"asyncio", "twisted", "zope", "txaio", "uvloop"}
"""Only layer 4 and above may import these."""


def layer_of(module: str) -> int:
    """The layer of a module of the package."""
    return next(layer for layer, pattern in LAYERS if fnmatchcase(module, pattern))


def documented_layers() -> dict[str, int]:
    """The modules that docs/design.md lists for layers 2 and 3, as patterns."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    layers: dict[str, int] = {}
    layer = 3
    for line in text[text.index("L3 sessions") : text.index("L1 engine")].splitlines():
        layer = {"L3": 3, "L2": 2}.get(line[:2], layer)
        for entry in line[16:].split():
            folder, _, names = entry.rpartition("/")
            for name in names.strip("{}").split(","):
                layers[".".join(filter(None, (PACKAGE, folder, name)))] = layer
    return layers


def module_name(path: Path) -> str:
    """``autobahn_fast.wamp.types`` for its file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    """Whether there is a file or folder of that name in the package."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or any(path.with_suffix(suffix).exists() for suffix in (".py", ".pyx", ".pxd"))


def is_type_checking(node: ast.AST) -> bool:
    """``if TYPE_CHECKING:`` blocks are not executed."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements that may be executed, those in functions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if is_type_checking(child):
            continue
        yield from statements(child)


def absolute(module: str, path: Path, level: int, name: str | None) -> str:
    """What a relative import means."""
    if not level:
        return name or ""
    parts = module.split(".")
    base = parts[: len(parts) - level + (path.stem == "__init__")]
    return ".".join([*base, *([name] if name else [])])


def imports_of(path: Path) -> set[str]:
    """The modules that a Python file imports, and for ``from package import name`` the name if it is a module."""
    module, found = module_name(path), set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, path, node.level, node.module)
            if not base.startswith(PACKAGE):
                found.add(base)
                continue
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if is_module(whole) else base)
    return found


def cimports_of(path: Path) -> set[str]:
    """The modules that a Cython file imports or cimports."""
    found = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\s*from\s+(\S+)\s+c?import\s+([^#(]*)", line):
            base = match[1]
            for name in match[2].replace(" ", "").split(","):
                found.add(f"{base}.{name}" if base.startswith(PACKAGE) and is_module(f"{base}.{name}") else base)
        elif match := re.match(r"\s*c?import\s+([\w., ]+)", line):
            found |= {name.split()[0] for name in match[1].split(",") if name.strip()}
    return found


def all_imports() -> Iterator[tuple[Path, str, set[str]]]:
    for path in FILES:
        yield path, module_name(path), imports_of(path)
    for path in CYTHON:
        yield path, module_name(path), cimports_of(path)


def test_the_reader_of_imports_reads() -> None:
    """If the code above found nothing, all the rules would hold."""
    edges = {(module, target) for _, module, targets in all_imports() for target in targets}
    assert len(FILES) > 20
    assert (f"{PACKAGE}._bench.main", f"{PACKAGE}._bench.table") in edges
    assert (f"{PACKAGE}._core.frames", f"{PACKAGE}._core.engine") in edges
    assert (f"{PACKAGE}._bench.main", "asyncio") in edges


def test_imports_point_down() -> None:
    wrong = [
        f"{module} (layer {layer_of(module)}) imports {target} (layer {layer_of(target)})"
        for _, module, targets in all_imports()
        for target in sorted(targets)
        if target.split(".")[0] == PACKAGE and layer_of(target) > layer_of(module)
    ]
    assert not wrong, "\n".join(wrong)


def test_frameworks_do_not_import_each_other() -> None:
    pairs = [(f"{PACKAGE}.asyncio", f"{PACKAGE}.twisted"), (f"{PACKAGE}.twisted", f"{PACKAGE}.asyncio")]
    wrong = [
        f"{module} imports {target}"
        for _, module, targets in all_imports()
        for target in sorted(targets)
        for one, other in pairs
        if module.startswith(one) and target.startswith(other)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_event_loop_below_layer_4() -> None:
    wrong = [
        f"{module} imports {target}"
        for _, module, targets in all_imports()
        for target in sorted(targets)
        if layer_of(module) < 4 and target.split(".")[0] in FRAMEWORKS
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [*FILES, *CYTHON], ids=lambda path: str(path.relative_to(ROOT / PACKAGE)))
def test_file_is_of_a_readable_size(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES[path.suffix], f"{lines} lines; split it along what it knows"


@pytest.mark.parametrize(
    "path",
    [path for path in [*FILES, *CYTHON] if path.suffix in (".py", ".pyx")],
    ids=lambda path: str(path.relative_to(ROOT / PACKAGE)),
)
def test_file_says_its_licence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text or "SPDX-License-Identifier: MIT" in text.splitlines()[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / PACKAGE)))
def test_logs_are_written_as_txaios_can_be(path: Path) -> None:
    """A program may set one of txaio's loggers as ``log``: they have these methods and no others."""
    called = set(re.findall(r"self\.log\.(\w+)\(", path.read_text(encoding="utf-8")))
    assert called <= {"critical", "error", "warn", "info", "debug", "trace"}


def test_the_diagram_lists_every_module() -> None:
    listed = documented_layers()
    for path in FILES:
        name = module_name(path)
        if layer_of(name) not in (2, 3) or path.suffix == ".pyi" or (path.stem == "__init__" and name.count(".") < 2):
            continue
        patterns = [pattern for pattern in listed if fnmatchcase(name, pattern)]
        if not patterns and name.endswith(("._framework", "._reading")):
            continue  # beside the layers
        assert [listed[pattern] for pattern in patterns[:1]] == [layer_of(name)], name
    for pattern in listed:
        assert any(fnmatchcase(module_name(path), pattern) for path in FILES), pattern
