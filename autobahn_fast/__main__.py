# SPDX-License-Identifier: MIT
"""The command line, ``python -m autobahn_fast``: ``router``, ``demo`` and ``bench``.

Knows the words of the command line, signals and exit codes. What the commands do is in ``router`` and ``_bench``.
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
    return uvloop.new_event_loop  # type: ignore[no-any-return]


def run_router(argv: Sequence[str]) -> int:
    """``router``: run until a signal. Returns the exit code."""
    from autobahn_fast._logging import start_logging
    from autobahn_fast.router import Router

    options = _router_parser().parse_args(argv)
    limits = {
        name: getattr(options, name)
        for name in ("max_message_size", "max_lag", "max_stall")
        if getattr(options, name) is not None
    }
    try:
        start_logging(options.log_level)
        context = None
        if options.certificate:
            import ssl

            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(options.certificate, options.key)
        router = Router(
            options.listen or ["ws://127.0.0.1:8080/ws"], options.realm or ["realm1"], ssl=context, **limits
        )
        with asyncio.Runner(loop_factory=_new_loop(options.loop)) as runner:
            runner.run(_serve(router))
    except KeyboardInterrupt:
        return 130
    except (ImportError, OSError, ValueError) as exc:
        print(f"router: {exc}", file=sys.stderr)
        return 1
    return 0


def run_bench(argv: Sequence[str]) -> int:
    """``bench`` and ``demo``: see ``_bench``. ``argv`` begins with that word."""
    from autobahn_fast._bench.main import main as bench

    return bench(argv)


USAGE = """usage: python -m autobahn_fast COMMAND ...

  router   run a WAMP router
  demo     publish, subscribe and call at speed through a router, and show what came of it
  bench    the same as a measurement, through any router

COMMAND --help tells the rest."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. ``argv`` is without the program's name; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["router"]:
        return run_router(words[1:])
    if words[:1] in (["bench"], ["demo"]):
        return run_bench(words)
    wanted = bool(words) and words[0] in ("-h", "--help", "help")
    print(USAGE, file=sys.stdout if wanted else sys.stderr)
    return 0 if wanted else 2


if __name__ == "__main__":
    sys.exit(main())
