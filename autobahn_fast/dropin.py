# SPDX-License-Identifier: MIT
"""Programs that import ``autobahn`` run on autobahn_fast: ``install()`` in this process, ``enable()`` in an environment.

Knows how a name is imported, what ``importlib.metadata`` answers about it, and the ``.pth`` file of an environment. Knows
nothing of what the modules hold: ``autobahn.x`` is the module ``autobahn_fast.x`` itself, one object under two names.

This module is loaded at the start of every interpreter of an environment where ``enable`` was used: it imports nothing
that the interpreter has not loaded by then, and everything else when it is needed.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.metadata import Distribution
    from types import CodeType, ModuleType
    from typing import Any

__all__ = ("AUTOBAHN_VERSION", "DropinError", "disable", "enable", "install", "is_installed", "status", "uninstall")

AUTOBAHN_VERSION = "26.10.2"
"""The release of Autobahn|Python whose interface this package has; ``importlib.metadata.version("autobahn")`` says so."""

OTHER, OURS = "autobahn", "autobahn_fast"
PTH = "autobahn_fast_dropin.pth"
# When autobahn_fast was removed and this file was not, interpreters start as if it were not there
PTH_LINE = "import sys; exec('try:\\n import autobahn_fast.dropin as d\\nexcept ImportError:\\n pass\\nelse:\\n d.install()')\n"


class DropinError(RuntimeError):
    """The name ``autobahn`` cannot be taken; the message says why and what to do."""


class _Alias:
    """Finds ``autobahn`` and what is in it, and loads the module of the same name in autobahn_fast."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}
        self._told = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != OTHER and not fullname.startswith(OTHER + "."):
            return None
        ours = _ours(fullname)
        from importlib.util import find_spec

        try:
            found = find_spec(ours)
        except ModuleNotFoundError as exc:
            if exc.name is not None and (ours + ".").startswith(exc.name + "."):
                return None
            raise  # something that the package above it needs is not installed
        if found is None:
            return None
        self._tell()
        loader: Any = self
        spec = importlib.machinery.ModuleSpec(
            fullname, loader, origin=found.origin, is_package=found.submodule_search_locations is not None
        )
        spec.submodule_search_locations = found.submodule_search_locations
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(_ours(spec.name))
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the spec of the other name in; the module is what it was before
        for name in [name for name in self._specs if sys.modules.get(name) is module]:
            module.__spec__ = self._specs.pop(name)

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of a module, for ``python -m autobahn.x``."""
        from importlib.util import find_spec

        found = find_spec(_ours(fullname))
        loader: Any = found.loader if found is not None else None
        code: CodeType | None = loader.get_code(found.name) if found is not None else None
        return code

    def find_distributions(self, context: Any = None) -> Iterable[Distribution]:
        """What ``importlib.metadata`` is told about the distribution "autobahn"."""
        wanted = getattr(context, "name", None)
        if wanted is not None and str(wanted).lower() != OTHER:
            return ()
        from importlib.metadata import Distribution

        class Stated(Distribution):
            def read_text(self, filename: str) -> str | None:
                if filename not in ("METADATA", "PKG-INFO"):
                    return None
                return f"Metadata-Version: 2.1\nName: {OTHER}\nVersion: {AUTOBAHN_VERSION}\nSummary: {OURS} under this name\n"

            def locate_file(self, path: Any) -> Any:
                from pathlib import Path

                return Path(__file__).parent.parent / path

        return (Stated(),)

    def _tell(self) -> None:
        """One line at debug level, when the name is used for the first time."""
        if self._told:
            return
        self._told = True
        import logging

        logger = logging.getLogger(__name__)
        if logger.isEnabledFor(logging.DEBUG):
            hidden = installed_autobahn()
            what = f"autobahn {hidden[0]} in {hidden[1]}" if hidden else "nothing: autobahn is not installed"
            logger.debug("'import autobahn' gives %s (%s); this hides %s", OURS, _version(), what)


def _ours(name: str) -> str:
    return OURS + name[len(OTHER) :]


def _version() -> str:
    return str(sys.modules[OURS].__version__)


def _finder() -> _Alias | None:
    for finder in sys.meta_path:
        if isinstance(finder, _Alias):
            return finder
    return None


def is_installed() -> bool:
    """Whether ``import autobahn`` gives autobahn_fast in this process."""
    return _finder() is not None


def install() -> None:
    """Let every ``import autobahn...`` of this process, from now on, give the module of autobahn_fast.

    Both names stand for the same module objects, so that ``isinstance``, ``except`` and pickles work across them, and
    ``importlib.metadata.version("autobahn")`` says ``AUTOBAHN_VERSION``. Doing it twice is doing it once. Child processes
    are not reached; ``enable`` reaches them.

    :raises DropinError: autobahn was imported before; both would be in use, with classes that are not the same.
    """
    if is_installed():
        return
    loaded = sys.modules.get(OTHER)
    if loaded is not None:
        raise DropinError(
            f"autobahn was imported before, from {getattr(loaded, '__file__', None)}: call {__name__}.install() before "
            "anything imports autobahn, at the very top of the program"
        )
    sys.meta_path.insert(0, _Alias())


def uninstall() -> None:
    """Undo ``install``: the next ``import autobahn`` looks for the installed package again.

    Modules that a program has imported stay what they are in that program.
    """
    finder = _finder()
    if finder is None:
        return
    sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name == OTHER or name.startswith(OTHER + ".")]:
        del sys.modules[name]


def installed_autobahn() -> tuple[str, str] | None:
    """Version and directory of the Autobahn|Python that is installed in this environment, or None."""
    from importlib.metadata import MetadataPathFinder

    for distribution in MetadataPathFinder.find_distributions(_Named(OTHER)):  # type: ignore[arg-type]
        return distribution.version, str(distribution.locate_file(""))
    return None


class _Named:
    """Asks ``importlib.metadata`` for one distribution on ``sys.path``, past this module's own answer."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def path(self) -> list[str]:
        return sys.path


def _pth() -> Any:
    import sysconfig
    from pathlib import Path

    return Path(sysconfig.get_path("purelib")) / PTH


def _is_importable_anywhere() -> bool:
    """Whether a child process in another directory, without this one's PYTHONPATH, finds autobahn_fast."""
    import os
    import subprocess
    import tempfile

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", "import autobahn_fast.dropin"]
    with tempfile.TemporaryDirectory() as directory:
        return not subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=False).returncode


def enable(shadow: bool = False) -> str:
    """Let every interpreter of this environment, child processes too, do ``install`` when it starts.

    Writes one ``.pth`` file into the environment's site-packages; ``disable`` removes it.

    :param shadow: hide an Autobahn|Python that is installed in the environment.
    :returns: the path of the file.
    :raises DropinError: Autobahn|Python is installed and ``shadow`` is not given; autobahn_fast is not installed in this
        environment; or site-packages cannot be written.
    """
    hidden = installed_autobahn()
    if hidden is not None and not shadow:
        raise DropinError(
            f"autobahn {hidden[0]} is installed in {hidden[1]} and would be hidden: uninstall it, or say that it is meant "
            "(--shadow)"
        )
    if not _is_importable_anywhere():
        raise DropinError(
            f"autobahn_fast is not installed in the environment of {sys.executable}, other programs would not find it: "
            "pip install it there first"
        )
    path = _pth()
    try:
        path.write_text(PTH_LINE)
    except OSError as exc:
        raise DropinError(f"{path} cannot be written ({exc.strerror}): use a virtual environment of your own") from exc
    return str(path)


def disable() -> bool:
    """Undo ``enable``, for interpreters that start from now on. Returns whether it was enabled.

    :raises DropinError: the file cannot be removed.
    """
    path = _pth()
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise DropinError(f"{path} cannot be removed: {exc.strerror}") from exc
    return True


def status() -> dict[str, Any]:
    """What holds in this environment.

    :returns: ``enabled``; ``file``, the path of the ``.pth`` file, there or not; ``installed``, whether this very process
        is under it; ``hidden``, the version and directory of an installed Autobahn|Python, or None.
    """
    path = _pth()
    return {
        "enabled": path.exists(),
        "file": str(path),
        "installed": is_installed(),
        "hidden": installed_autobahn(),
    }
