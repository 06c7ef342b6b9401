# SPDX-License-Identifier: MIT
"""The ``flatbuffers`` package under the name autobahn gives the copy it brings along. Imported when first used."""

from __future__ import annotations

import importlib
from typing import Any


def version() -> tuple[int, int, int, int | None, str | None]:
    """Return the version of the package: major, minor, patch, and two that are None for a release."""
    major, minor, patch = importlib.import_module("flatbuffers").__version__.split(".")[:3]
    return int(major), int(minor), int(patch), None, None


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("flatbuffers"), name)
