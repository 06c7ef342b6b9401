# SPDX-License-Identifier: MIT
"""The transport for tests of protocols, and the check of flatbuffers against zlmdb."""

from __future__ import annotations

import sys
from pathlib import Path

import flatbuffers
import pytest

import autobahn_fast
from autobahn_fast.testutil import FakeTransport


def test_a_fake_transport_keeps_what_is_written() -> None:
    transport = FakeTransport()
    transport.registerProducer(None, True)
    transport.write(b"one")
    transport.write(b" two")
    transport.unregisterProducer()
    assert transport._written == b"one two"
    assert (transport.getPeer(), transport.getHost()) == (None, None)


def test_a_fake_transport_notes_how_it_ended() -> None:
    transport = FakeTransport()
    assert not transport.abort_called()
    transport.abortConnection()
    assert transport.abort_called()
    transport.loseConnection()
    with pytest.raises(RuntimeError, match="the transport is closed"):
        transport.write(b"too late")


@pytest.mark.parametrize("same", [True, False])
def test_flatbuffers_of_zlmdb(same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = flatbuffers.__version__ if same else "0.1"
    package = tmp_path / "zlmdb/flatbuffers"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text(f"__version__ = {version!r}")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("zlmdb", "zlmdb.flatbuffers"):  # taken away again at the end
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    if same:
        assert autobahn_fast.check_zlmdb_flatbuffers_version_in_sync() == version
    else:
        with pytest.raises(RuntimeError, match=r"here and 0\.1 in zlmdb"):
            autobahn_fast.check_zlmdb_flatbuffers_version_in_sync()
