# SPDX-License-Identifier: MIT
"""The bench in a short form against the node: nothing may be lost, and the figures go to the output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from crossbar_node import REALM, Node

from autobahn_fast._bench.main import main


def test_bench_loses_nothing(node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls = [word for kind in ("ws", "rs", "unix") for word in ("--url", node.urls[kind])]
    serializers = [word for name in ("msgpack", "json", "cbor") for word in ("--serializer", name)]
    file = tmp_path / "bench.json"
    code = main(["bench", *urls, *serializers, "--realm", REALM, "--quick", "--json", str(file)])
    with capsys.disabled():
        sys.stdout.write("\n" + capsys.readouterr().out)
    assert code == 0
    results = json.loads(file.read_text())
    assert len(results) == 9
    for result in results:
        assert result["sent"] > 100
        assert result["sent"] == result["received"]
        assert result["publish_rate"] > 0
        assert result["pipeline_rate"] > 0
