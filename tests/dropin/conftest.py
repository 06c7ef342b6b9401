# SPDX-License-Identifier: MIT
"""Programs that import autobahn, in an environment where they get autobahn_fast; and a Crossbar node that does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "crossbar"))


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest) -> Path:
    """The folder of the environment that has Crossbar, daphne and autobahn_fast, and the drop-in enabled."""
    return Path(request.config.getoption("--dropin")).absolute()


@pytest.fixture(scope="session")
def plain_python(request: pytest.FixtureRequest) -> str:
    """The interpreter of another environment, with autobahn itself."""
    return str(Path(request.config.getoption("--plain")).absolute())


@pytest.fixture(scope="session")
def node(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running Crossbar node on autobahn_fast."""
    from crossbar_node import Node

    node = Node(str(environment / "bin" / "crossbar"), tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.stop()
