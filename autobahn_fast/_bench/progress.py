# SPDX-License-Identifier: MIT
"""What the bench shows while it runs: a bar with live rates on a terminal, otherwise one line for each scenario."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

BAR = 24


class Progress:
    """Shows how far a run of ``total`` steps is.

    On a terminal one line is rewritten in place; anywhere else (a file, a pipe, CI) only `note` writes.
    """

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = max(total, 1)
        self._live = stream.isatty()
        self._steps = 0
        self._label = ""
        self._rates: dict[str, tuple[int, float, float]] = {}

    def begin(self, label: str) -> None:
        """From now on the line speaks of ``label``."""
        self._label = label
        self._rates.clear()
        self._draw("")

    def step(self, what: str) -> None:
        """One more step is under way: ``what``."""
        self._steps += 1
        self._rates.clear()
        self._draw(what)

    def count(self, name: str, value: int) -> None:
        """A counter stands at ``value``: show how fast it moves."""
        now = time.monotonic()
        old_value, old_time, rate = self._rates.get(name, (0, 0.0, 0.0))
        if old_time and now > old_time:
            rate = (value - old_value) / (now - old_time)
        self._rates[name] = (value, now, rate)
        self._draw("   ".join(f"{key} {entry[2]:>9,.0f}/s" for key, entry in self._rates.items()))

    def note(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        print(text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Remove the live line."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self, text: str) -> None:
        if not self._live:
            return
        filled = min(BAR, BAR * self._steps // self._total)
        line = f"[{'#' * filled}{'.' * (BAR - filled)}] {self._label}  {text}"
        self._stream.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()
