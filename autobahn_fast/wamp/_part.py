# SPDX-License-Identifier: MIT
"""SessionPart: what the classes a session is put together from have in common, namely each other's attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ("SessionPart",)


class SessionPart:
    """A part of ``ApplicationSession``, which sets all attributes in one place, its ``__init__``."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """For type checkers: the attribute may be another part's."""
