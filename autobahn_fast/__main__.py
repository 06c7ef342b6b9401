# SPDX-License-Identifier: MIT
"""The command line, ``python -m autobahn_fast``: ``router``, ``demo``, ``bench``, ``run`` and ``dropin``.

Knows the words of the command line, signals and exit codes. What the commands do is in ``router``, ``_bench`` and ``dropin``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ("main",)


def _router_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autobahn_fast router",
        description="Run a WAMP router until SIGINT or SIGTERM. Prints one line when it is ready.",
    )
    parser.add_argument(
        "--listen",
        action="append",
        metavar="URL",
        help="ws://host:port/path, wss://..., rs://host:port, rss://... or unix:/path; may be repeated; port 0 is any free"
        " port (ws://127.0.0.1:8080/ws)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="JSON file with listen, realms (with authentication, roles and more), serializers, certificate, key and limits;"
        " options given here go before it; see docs/router.md",
    )
    parser.add_argument("--realm", action="append", metavar="NAME", help="a realm there is; may be repeated (realm1)")
    parser.add_argument("--certificate", metavar="FILE", help="PEM file with the certificate chain, for wss and rss")
    parser.add_argument("--key", metavar="FILE", help="PEM file with its key; without it, the certificate's file")
    parser.add_argument(
        "--max-message-size", type=int, metavar="OCTETS", help="largest message taken from a client (16 MiB)"
    )
    parser.add_argument("--max-lag", type=int, metavar="OCTETS", help="drop a client that leaves more unread (64 MiB)")
    parser.add_argument(
        "--max-stall", type=float, metavar="SECONDS", help="how long clients wait for one that lags (1)"
    )
    parser.add_argument(
        "--loop", choices=("auto", "asyncio", "uvloop"), default="auto", help="auto: uvloop if installed"
    )
    parser.add_argument("--log-level", default="warn", help="critical, error, warn, info, debug (warn)")
    return parser


async def _serve(router: Any) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends asyncio.run instead
            loop.add_signal_handler(number, stopped.set)
    async with router:
        print(f"router ready: {' '.join(router.urls)} realms: {' '.join(router.realms)}", flush=True)
        await stopped.wait()


def _new_loop(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop; None is asyncio's own.

    :raises ImportError: uvloop is asked for and not installed.
    """
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        if name == "uvloop":
            raise
        return None
    return uvloop.new_event_loop


SETTINGS = ("listen", "realms", "serializers", "max_message_size", "max_lag", "max_stall", "certificate", "key")


def _router_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of the Router, and ``certificate`` and ``key``: those of the file, overridden by the command line's.

    :raises OSError: the file cannot be read.
    :raises ValueError: it is not JSON, or has something that is no setting.
    """
    settings: dict[str, Any] = {"listen": ["ws://127.0.0.1:8080/ws"], "realms": ["realm1"]}
    if options.config is not None:
        import json

        with open(options.config, encoding="utf-8") as file:
            try:
                found = json.load(file)
            except ValueError as exc:
                raise ValueError(f"{options.config} is not JSON: {exc}") from None
        if not isinstance(found, dict) or not set(found) <= set(SETTINGS):
            raise ValueError(f"{options.config} must be an object with some of {', '.join(SETTINGS)}, and nothing else")
        settings.update(found)
    given = {name: getattr(options, "realm" if name == "realms" else name, None) for name in SETTINGS}
    settings.update({name: value for name, value in given.items() if value is not None})
    return settings


def _tls_context(certificate: str, key: str | None) -> Any:
    """The TLS settings of a server.

    :raises ValueError: a file cannot be used; which, and why.
    """
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as exc:  # which names no file; ssl.SSLError is one
        files = certificate if key is None else f"{certificate} with the key {key}"
        raise ValueError(
            f"{files} cannot be used: {exc.strerror or exc}; what is needed is a certificate chain and its private key, in PEM"
        ) from exc
    return context


def run_router(argv: Sequence[str]) -> int:
    """``router``: run until a signal. Returns the exit code."""
    from autobahn_fast._logging import start_logging
    from autobahn_fast.router import Router

    options = _router_parser().parse_args(argv)
    try:
        start_logging(options.log_level)
        settings = _router_settings(options)
        certificate, key = settings.pop("certificate", None), settings.pop("key", None)
        if certificate:
            settings["ssl"] = _tls_context(certificate, key)
        router = Router(**settings)
        with asyncio.Runner(loop_factory=_new_loop(options.loop)) as runner:
            runner.run(_serve(router))
    except KeyboardInterrupt:
        return 130
    except (ImportError, OSError, TypeError, ValueError) as exc:
        print(f"router: {exc}", file=sys.stderr)
        return 1
    return 0


def run_bench(argv: Sequence[str]) -> int:
    """``bench`` and ``demo``: see ``_bench``. ``argv`` begins with that word."""
    from autobahn_fast._bench.main import main as bench

    return bench(argv)


RUN_USAGE = """usage: python -m autobahn_fast run PROGRAM [ARGUMENT ...]
       python -m autobahn_fast run -m MODULE [ARGUMENT ...]

Run a Python program with autobahn_fast in the place of autobahn: PROGRAM is a file, a directory or zip file with a
__main__.py, or the name of a Python script on PATH; MODULE is run as python -m runs it. Processes that the program starts
are not reached; 'python -m autobahn_fast dropin enable' reaches them."""


def _program(name: str) -> str:
    """The path of a program: ``name`` itself when it is there, else what PATH has under this name.

    :raises FileNotFoundError: neither.
    """
    import os
    import shutil

    found = name if os.path.exists(name) else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no {name!r} here, and none on PATH")
    return found


def run_program(argv: Sequence[str]) -> int:
    """``run``: a program that imports autobahn, with autobahn_fast in its place. Returns the exit code."""
    import os
    import runpy

    from autobahn_fast import dropin

    words = list(argv)
    as_module = words[:1] == ["-m"]
    if as_module:
        del words[0]
    if not words or words[0].startswith("-"):
        wanted = words[:1] in (["-h"], ["--help"])
        print(RUN_USAGE, file=sys.stdout if wanted else sys.stderr)
        return 0 if wanted else 2
    try:
        dropin.install()
        program = words[0] if as_module else _program(words[0])
    except (dropin.DropinError, FileNotFoundError) as exc:
        print(f"run: {exc}", file=sys.stderr)
        return 1
    sys.argv[:] = [program, *words[1:]]
    # What python does before it runs a program; with -m it is the current directory, which python put there for us
    if as_module:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        if not sys.flags.safe_path:
            sys.path[0] = os.path.dirname(os.path.realpath(program))
        runpy.run_path(program, run_name="__main__")
    return 0


def run_dropin(argv: Sequence[str]) -> int:
    """``dropin``: whether all programs of this environment get autobahn_fast for autobahn. Returns the exit code."""
    from autobahn_fast import dropin

    parser = argparse.ArgumentParser(
        prog="python -m autobahn_fast dropin",
        description="Give every program of this environment that imports autobahn the modules of autobahn_fast, or stop that.",
    )
    parser.add_argument("action", choices=("enable", "disable", "status"))
    parser.add_argument("--shadow", action="store_true", help="enable: hide an autobahn that is installed here")
    options = parser.parse_args(argv)
    try:
        if options.action == "enable":
            path = dropin.enable(shadow=options.shadow)
            print(
                f"enabled: 'import autobahn' gives autobahn_fast in every program of {sys.prefix} started from now on"
            )
            print(f"written: {path}\nundo it with: python -m autobahn_fast dropin disable")
            return 0
        if options.action == "disable":
            print("disabled" if dropin.disable() else "it was not enabled")
            return 0
    except dropin.DropinError as exc:
        print(f"dropin: {exc}", file=sys.stderr)
        return 1
    found = dropin.status()
    hidden = "none is installed"
    if found["hidden"] is not None:
        hidden = "{} in {}, {}".format(*found["hidden"], "hidden" if found["enabled"] else "in use")
    print(f"{'enabled' if found['enabled'] else 'not enabled'} for {sys.prefix}")
    print(f"file: {found['file']}{'' if found['enabled'] else ' (not there)'}\nautobahn itself: {hidden}")
    return 0


USAGE = """usage: python -m autobahn_fast COMMAND ...

  router   run a WAMP router
  demo     publish, subscribe and call at speed through a router, and show what came of it
  bench    the same as a measurement, through any router
  run      run a program that imports autobahn, with autobahn_fast in its place
  dropin   the same for every program of this environment: enable, disable, status

COMMAND --help tells the rest."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. ``argv`` is without the program's name; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    commands = {"router": run_router, "run": run_program, "dropin": run_dropin}
    if words and words[0] in commands:
        return commands[words[0]](words[1:])
    if words[:1] in (["bench"], ["demo"]):
        return run_bench(words)
    wanted = bool(words) and words[0] in ("-h", "--help", "help")
    print(USAGE, file=sys.stdout if wanted else sys.stderr)
    return 0 if wanted else 2


if __name__ == "__main__":
    sys.exit(main())
