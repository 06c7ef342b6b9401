# SPDX-License-Identifier: MIT
"""The oracle: autobahn itself, in the environment that ``--oracle`` names, in a process of its own."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import _actions
import _connections
import pytest

Ask = Callable[..., tuple[Any, ...]]
sys.path.append(str(Path(__file__).parent.parent / "wamp"))  # the strategies of messages


@pytest.fixture(scope="session")
def theirs(request: pytest.FixtureRequest) -> Iterator[Ask]:
    """What autobahn does: ``theirs(action, *arguments)`` returns the outcome."""
    command = [request.config.getoption("--oracle"), "-W", "ignore", str(Path(_actions.__file__)), "autobahn"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as oracle:
        assert oracle.stdin is not None and oracle.stdout is not None

        def ask(action: str, *arguments: Any) -> tuple[Any, ...]:
            pickle.dump((action, arguments), oracle.stdin)
            oracle.stdin.flush()
            answer: tuple[Any, ...] = pickle.load(oracle.stdout)
            return answer

        assert ask("utility", "utcnow", ())[0] == "value"
        yield ask
        oracle.stdin.close()
        oracle.wait(20)


@pytest.fixture(scope="session")
def ours() -> Iterator[Ask]:
    """What autobahn_fast does, in this process."""
    _actions.TOP["package"] = "autobahn_fast"
    _actions.ACTIONS.update(_connections.ACTIONS)
    level = logging.root.manager.disable
    digits = sys.get_int_max_str_digits()
    logging.disable(logging.CRITICAL)
    sys.set_int_max_str_digits(0)
    yield lambda action, *arguments: _actions.outcome(action, arguments)
    sys.set_int_max_str_digits(digits)
    logging.disable(level)
