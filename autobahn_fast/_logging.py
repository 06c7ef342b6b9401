# SPDX-License-Identifier: MIT
"""``start_logging``: what the ``run`` functions do with their ``log_level``. Programs that configure ``logging`` are left alone."""

from __future__ import annotations

import logging

__all__ = ("LEVELS", "start_logging")

LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": 5,
}


def start_logging(level: str = "info") -> None:
    """Write this package's log messages to stderr, from that level on.

    Sets the level of the logger ``autobahn_fast``; adds a handler to it only when neither it nor the root logger has one.

    :raises ValueError: unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown log level {level!r} (one of: {', '.join(LEVELS)})")
    logger = logging.getLogger("autobahn_fast")
    logger.setLevel(LEVELS[level])
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
