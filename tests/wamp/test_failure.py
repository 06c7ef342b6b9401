# SPDX-License-Identifier: MIT
"""What error handlers are given: read as they read a Failure of Twisted, and by txaio."""

from __future__ import annotations

import io
import traceback
from typing import NoReturn

import pytest
from txaio import aio

from autobahn_fast.wamp._failure import Failure


def fail() -> NoReturn:
    raise KeyError("somewhere")


@pytest.fixture
def failure() -> Failure:
    try:
        fail()
    except KeyError as e:
        return Failure(e)


def test_what_happened(failure: Failure) -> None:
    assert failure.type is KeyError
    assert failure.value.args == ("somewhere",)
    assert failure.getErrorMessage() == "'somewhere'"
    assert (str(failure), repr(failure)) == ("KeyError: 'somewhere'", "<Failure KeyError: 'somewhere'>")


def test_where_it_happened(failure: Failure) -> None:
    assert [frame.name for frame in traceback.extract_tb(failure.tb)] == ["failure", "fail"]
    text = failure.getTraceback()
    assert text.startswith("Traceback (most recent call last):")
    assert text.endswith("KeyError: 'somewhere'\n")
    file = io.StringIO()
    failure.printTraceback(file)
    assert file.getvalue() == text


def test_which_of_some_classes_it_is(failure: Failure) -> None:
    assert failure.check(ValueError, LookupError, KeyError) is LookupError
    assert failure.check(ValueError) is None
    assert failure.check() is None


def test_it_can_be_raised_again_with_its_traceback(failure: Failure) -> None:
    with pytest.raises(KeyError) as caught:
        failure.raiseException()
    assert caught.value is failure.value
    assert "fail" in [entry.name for entry in caught.traceback]


def test_txaio_reads_it(failure: Failure) -> None:
    assert aio.failure_message(failure) == "KeyError: 'somewhere'"
    assert aio.failure_format_traceback(failure).endswith("KeyError: 'somewhere'\n")
