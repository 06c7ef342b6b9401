# SPDX-License-Identifier: MIT
"""The interop tests share the helpers of the tests of frameworks: loops, certificates."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "frameworks"))
