# SPDX-License-Identifier: MIT
"""autobahn's name for our modules: in a process, for one program, and in a whole environment. Each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

from autobahn_fast import __main__ as command_line
from autobahn_fast.dropin import AUTOBAHN_VERSION

ROOT = Path(__file__).resolve().parent.parent


def python(*arguments: str, executable: str = sys.executable, cwd: Path | None = None, ok: bool = True) -> str:
    """Run an interpreter on this checkout; what it printed. Its exit code must be zero, or not with ``ok=False``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode == 0) == ok, f"{done.stdout}\n{done.stderr}"
    return done.stdout + ("" if ok else done.stderr)


def script(text: str) -> str:
    return python("-W", "error", "-c", textwrap.dedent(text))


def test_both_names_are_one_module():
    script("""
        import sys
        import autobahn_fast.dropin as dropin
        assert not dropin.is_installed()
        dropin.install(); dropin.install()
        assert dropin.is_installed()
        import autobahn, autobahn_fast
        assert autobahn is autobahn_fast and sys.modules["autobahn"] is autobahn_fast
        import autobahn.wamp.types
        from autobahn_fast.wamp import types
        assert autobahn.wamp.types is types
        assert types.__name__ == types.__spec__.name == "autobahn_fast.wamp.types"
        from autobahn.wamp.exception import ApplicationError
        from autobahn_fast.wamp.exception import ApplicationError as ours
        assert ApplicationError is ours
        # compiled modules, packages, and what a module only re-exports
        from autobahn._core.frames import WebSocketEngine
        from autobahn.asyncio.component import Component, TransportLost
        assert Component.__module__ == "autobahn_fast.asyncio.component" and issubclass(TransportLost, Exception)
    """)


def test_what_is_not_there_is_not_found():
    script("""
        import autobahn_fast.dropin as dropin
        dropin.install()
        import importlib.util
        assert importlib.util.find_spec("autobahn.wamp.types") is not None
        assert importlib.util.find_spec("autobahn.nothing") is None
        try:
            import autobahn.nothing
        except ModuleNotFoundError as e:
            assert e.name == "autobahn.nothing", e.name
        else:
            raise SystemExit("found")
        assert importlib.util.find_spec("autobahnx") is None
    """)


def test_metadata_and_pickles():
    script(f"""
        import autobahn_fast.dropin as dropin
        dropin.install()
        import importlib.metadata, pickle
        assert importlib.metadata.version("autobahn") == "{AUTOBAHN_VERSION}"
        assert importlib.metadata.metadata("Autobahn")["Name"] == "autobahn"
        assert [d.version for d in importlib.metadata.distributions(name="autobahn")][0] == "{AUTOBAHN_VERSION}"
        assert "autobahn" in [d.metadata["Name"] for d in importlib.metadata.distributions()]
        assert importlib.metadata.version("pytest")
        from autobahn.wamp.types import CallOptions
        # what was written where autobahn itself was in use names its modules
        text = pickle.dumps(CallOptions, protocol=0).replace(b"autobahn_fast.", b"autobahn.")
        assert pickle.loads(text) is CallOptions
    """)


def test_autobahn_imported_before_is_an_error(tmp_path):
    (tmp_path / "autobahn.py").write_text("")
    out = python(
        "-c",
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import autobahn, autobahn_fast.dropin as d; d.install()",
        ok=False,
    )
    assert "DropinError: autobahn was imported before, from" in out
    assert "at the very top" in out


def test_uninstall_gives_the_name_back(tmp_path):
    (tmp_path / "autobahn.py").write_text("real = True")
    script(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import autobahn_fast.dropin as dropin
        dropin.install()
        import autobahn.util
        dropin.uninstall(); dropin.uninstall()
        import autobahn
        assert autobahn.real
    """)


def test_one_debug_line_says_what_was_replaced():
    script("""
        import logging
        seen = []
        handler = logging.Handler()
        handler.emit = lambda record: seen.append(record.getMessage())
        logging.getLogger("autobahn_fast.dropin").addHandler(handler)
        logging.getLogger("autobahn_fast.dropin").setLevel(logging.DEBUG)
        import autobahn_fast.dropin as dropin
        dropin.install()
        assert not seen
        import autobahn.util, autobahn.wamp
        assert len(seen) == 1 and "gives autobahn_fast (26." in seen[0] and "hides" in seen[0], seen
    """)


def test_starting_with_it_costs_next_to_nothing():
    script("""
        import sys
        before = set(sys.modules)
        import autobahn_fast.dropin as dropin
        dropin.install()
        heavy = {"asyncio", "logging", "pathlib", "subprocess", "typing", "txaio", "twisted"} & (set(sys.modules) - before)
        assert not heavy, heavy
    """)


PROGRAM = """
import sys
import autobahn.util
print(__name__, sys.argv[1:], sys.path[0], autobahn.util.__name__, sys.modules["__main__"].__dict__ is globals())
raise SystemExit(int(sys.argv[1]))
"""


def test_run_a_program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    out = python("-m", "autobahn_fast", "run", str(path), "0", "--flag", cwd=tmp_path)
    assert out.split() == ["__main__", "['0',", "'--flag']", str(tmp_path), "autobahn_fast.util", "True"]
    python("-m", "autobahn_fast", "run", str(path), "3", ok=False)


def test_run_a_module_and_a_package(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__main__.py").write_text("import sys, autobahn; print(sys.argv[1:], autobahn.__name__)")
    expected = "['a'] autobahn_fast\n"
    assert python("-m", "autobahn_fast", "run", str(package), "a", cwd=tmp_path) == expected
    assert python("-m", "autobahn_fast", "run", "-m", "package", "a", cwd=tmp_path) == expected
    # autobahn's own command line is ours
    assert "router" in python("-m", "autobahn_fast", "run", "-m", "autobahn", "--help")


def test_run_a_script_on_the_path(tmp_path, monkeypatch):
    path = tmp_path / "tool"
    path.write_text("#!/usr/bin/env python3\nimport autobahn; print(autobahn.__name__)\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert python("-m", "autobahn_fast", "run", "tool") == "autobahn_fast\n"


@pytest.mark.parametrize("words", [["run"], ["run", "-x"], ["run", "-m"]])
def test_run_without_a_program(words, capsys):
    assert command_line.main(words) == 2
    assert "usage: python -m autobahn_fast run" in capsys.readouterr().err


def test_run_what_is_not_there():
    out = python("-m", "autobahn_fast", "run", "no-such-program", ok=False)
    assert out.startswith("run: there is no 'no-such-program' here")


@pytest.fixture
def environment(tmp_path):
    """The interpreter of a new environment in which autobahn_fast is installed, and its site-packages."""
    venv.create(tmp_path / "env", symlinks=True)
    executable = str(tmp_path / "env" / "bin" / "python")
    ask = [executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site_packages = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    (site_packages / "autobahn_fast_checkout.pth").write_text(f"{ROOT}\n")
    return executable, site_packages


def plain(executable: str, text: str) -> str:
    """Run a line in an environment, as any program in it runs."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [executable, "-c", text], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


CHILD = (
    "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import autobahn; print(autobahn.__name__)']))"
)


def test_an_environment(environment):
    executable, site_packages = environment
    command = ["-m", "autobahn_fast", "dropin"]
    assert "not enabled" in python(*command, "status", executable=executable)
    assert "ModuleNotFoundError" in plain(executable, "import autobahn")
    out = python(*command, "enable", executable=executable)
    assert "enabled" in out and str(site_packages) in out and "dropin disable" in out
    assert python(*command, "status", executable=executable).startswith("enabled for ")
    assert plain(executable, "import autobahn; print(autobahn.__name__)") == "autobahn_fast\n"
    assert "autobahn_fast\n" in plain(executable, CHILD)
    assert python(*command, "disable", executable=executable) == "disabled\n"
    assert python(*command, "disable", executable=executable) == "it was not enabled\n"
    assert "ModuleNotFoundError" in plain(executable, "import autobahn")


def test_an_environment_with_autobahn(environment):
    executable, site_packages = environment
    (site_packages / "autobahn.py").write_text("real = True")
    metadata = site_packages / "autobahn-26.10.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: autobahn\nVersion: 26.10.1\n")
    command = ["-m", "autobahn_fast", "dropin"]
    refused = python(*command, "enable", executable=executable, ok=False)
    assert refused.startswith("dropin: autobahn 26.10.1 is installed in") and "--shadow" in refused
    assert plain(executable, "import autobahn; print(autobahn.real)") == "True\n"
    python(*command, "enable", "--shadow", executable=executable)
    assert "26.10.1" in python(*command, "status", executable=executable)
    version = "import autobahn, importlib.metadata as m; print(autobahn.__name__, m.version('autobahn'))"
    assert plain(executable, version) == f"autobahn_fast {AUTOBAHN_VERSION}\n"
    # autobahn_fast is removed and the file is left behind: the environment works on
    (site_packages / "autobahn_fast_checkout.pth").unlink()
    assert plain(executable, "import autobahn; print(autobahn.real)") == "True\n"


def test_an_environment_that_does_not_have_us(environment):
    executable, site_packages = environment
    (site_packages / "autobahn_fast_checkout.pth").unlink()
    out = python("-m", "autobahn_fast", "dropin", "enable", executable=executable, ok=False)
    assert "pip install it there first" in out
    assert not list(site_packages.glob("autobahn_fast_dropin*"))
