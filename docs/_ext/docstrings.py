# SPDX-License-Identifier: MIT
"""Lays docstrings out for Sphinx: each field of one begins a line of its own.

Docstrings in this package put short fields behind the sentence: ``Stop. :returns: False when it was over``. Sphinx wants a list of
fields behind an empty line. Knows how docstrings look, nothing of what they are about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FIELD = re.compile(r"(?<!\S):(?:param|returns|raises|yields)(?: [^:`]+)?: ")
NAMES = re.compile(r"^(:(?:param|raises) )([^:`]+, [^:`]+:)")
"""A field about several names. Sphinx takes what is in front of a space for a type, so the spaces get out of its sight."""

INSIDE = re.compile(r"(?:^|(?<=[.:] ))(?:It )?(?:Knows|Does not know|Each declares its fields)\b", re.MULTILINE)
"""Where the docstring of a module begins to be about its place among the others."""
INTERNAL = ("framework", "log")
"""Class attributes that have no underscore and are no programs' business all the same."""


def laid_out(lines: list[str]) -> list[str]:
    """Return the lines of a docstring with every field on a line of its own, and an empty line before the first."""
    result: list[str] = []
    literal = None  # how deep the line was that a literal block follows
    in_fields = False
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and depth <= literal:
            literal = None
        if literal is not None:
            result.append(line)
            continue
        starts = [match.start() for match in FIELD.finditer(line)]
        pieces = [line[a:b].rstrip() for a, b in zip([0, *starts], [*starts, None], strict=True)]
        for index, piece in enumerate(pieces):
            if index == 0 and not piece.strip():
                if not starts:
                    result.append("")
                continue
            if index > 0 and not in_fields:
                if result and result[-1].strip():
                    result.append("")
                in_fields = True
            elif index == 0 and in_fields and not piece.startswith(" "):
                in_fields = False
                result.append("")
            result.append(NAMES.sub(lambda m: m[1] + m[2].replace(", ", ",\u200b"), piece))
        if line.rstrip().endswith("::"):
            literal = depth
    return [*result, ""]


def on_member(_app: Sphinx, _what: str, name: str, _obj: Any, _skip: bool, _options: Any) -> bool | None:
    """Sphinx: whether a member is left out: True, or None for what Sphinx thinks."""
    return True if name in INTERNAL else None


def for_users(lines: list[str]) -> list[str]:
    """Return the docstring of a module without what it knows and what it does not: that is for who works on it."""
    return INSIDE.split("\n".join(lines), maxsplit=1)[0].rstrip().split("\n")


def on_docstring(_app: Sphinx, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Sphinx: a docstring was read."""
    lines[:] = laid_out(for_users(lines) if what == "module" else lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx: this extension is asked for."""
    app.connect("autodoc-skip-member", on_member)
    app.connect("autodoc-process-docstring", on_docstring)
    return {"parallel_read_safe": True}
