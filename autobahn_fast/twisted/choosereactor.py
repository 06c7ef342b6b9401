# SPDX-License-Identifier: MIT
"""Installs a reactor: a given one, or the best of the platform. Call it before anything imports ``twisted.internet.reactor``."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.error import ReactorAlreadyInstalledError
from twisted.python import reflect

from autobahn_fast.twisted._logging import make_logger

__all__ = ("current_reactor_klass", "install_optimal_reactor", "install_reactor")

_log = make_logger("autobahn_fast.twisted.choosereactor")

# platform prefix: class of the reactor, module that installs it
_OPTIMAL = (
    ("linux", "EPollReactor", "twisted.internet.epollreactor"),
    ("darwin", "KQueueReactor", "twisted.internet.kqreactor"),
    ("freebsd", "KQueueReactor", "twisted.internet.kqreactor"),
    ("openbsd", "KQueueReactor", "twisted.internet.kqreactor"),
    ("netbsd", "KQueueReactor", "twisted.internet.kqreactor"),
    ("win32", "IOCPReactor", "twisted.internet.iocpreactor"),
)
_FALLBACK = ("SelectReactor", "twisted.internet.selectreactor")


def current_reactor_klass() -> str | None:
    """Return the class name of the installed reactor; None when none is installed yet."""
    reactor = sys.modules.get("twisted.internet.reactor")
    return type(reactor).__name__ if reactor is not None else None


def install_optimal_reactor(require_optimal_reactor: bool = True) -> Any:
    """Install the best reactor of this platform: epoll, kqueue or IOCP. Does nothing when it is installed already.

    :param require_optimal_reactor: whether it is an error when another reactor is installed already or the best cannot be.
    :returns: the reactor.
    :raises ReactorAlreadyInstalledError: another reactor is installed and the best is required.
    """
    klass, module = next(
        ((klass, module) for prefix, klass, module in _OPTIMAL if sys.platform.startswith(prefix)), _FALLBACK
    )
    current = current_reactor_klass()
    if current is None:
        try:
            reflect.namedAny(module).install()
        except Exception as e:
            if require_optimal_reactor:
                raise
            _log.warning("the {klass} cannot be installed, the default reactor is used: {error}", klass=klass, error=e)
    elif current != klass:
        if require_optimal_reactor:
            raise ReactorAlreadyInstalledError(f"the {klass} is required, but a {current} is installed already")
        _log.warning("a {current} is installed already, not the {klass}", current=current, klass=klass)
    from twisted.internet import reactor

    return reactor


def install_reactor(
    explicit_reactor: str | None = None, verbose: bool = False, log: Any = None, require_optimal_reactor: bool = True
) -> Any:
    """Install a reactor by its name, or the best of this platform.

    :param explicit_reactor: a name of ``twistd --help-reactors``: ``epoll``, ``select``, ``asyncio`` ...
    :param verbose: log at level info, not debug, which one it is. :param log: where to.
    :param require_optimal_reactor: see :func:`install_optimal_reactor`.
    :returns: the reactor.
    :raises SystemExit: no reactor of that name, or it cannot be installed.
    """
    log = log if log is not None else _log
    if explicit_reactor:
        from twisted.application.reactors import NoSuchReactor, installReactor

        try:
            installReactor(explicit_reactor)
        except NoSuchReactor:
            log.critical("there is no reactor named {name!r}", name=explicit_reactor)
            sys.exit(1)
        except Exception as e:
            log.critical("the reactor {name!r} cannot be installed: {error}", name=explicit_reactor, error=e)
            sys.exit(1)
        from twisted.internet import reactor
    else:
        reactor = install_optimal_reactor(require_optimal_reactor)
    (log.info if verbose else log.debug)("running on the reactor {reactor}", reactor=type(reactor).__name__)
    return reactor
