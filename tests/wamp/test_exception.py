# SPDX-License-Identifier: MIT
"""WAMP exceptions."""

from __future__ import annotations

import copy
import pickle

import pytest

from autobahn_fast import exception as base
from autobahn_fast.wamp import exception
from autobahn_fast.wamp.exception import ApplicationError, Error, TypeCheckError

HOPS = [{"session": 1, "authid": "a", "authrole": "b"}]


def test_classes() -> None:
    for name in ("SessionNotReady", "SerializationError", "InvalidUriError", "ProtocolError", "TransportLost"):
        assert getattr(exception, name).__mro__[1:3] == (Error, RuntimeError)
    for name in ("Disconnected", "PayloadExceededError", "PayloadCorruptError"):
        assert getattr(base, name).__bases__ == (RuntimeError,)
    for cls, uri in (
        (exception.NotAuthorized, ApplicationError.NOT_AUTHORIZED),
        (exception.InvalidUri, ApplicationError.INVALID_URI),
        (exception.InvalidPayload, ApplicationError.INVALID_PAYLOAD),
    ):
        assert cls.__bases__ == (Exception,)
        assert [p.uri() for p in cls._wampuris] == [uri]


def test_uris() -> None:
    uris = {name: value for name, value in vars(ApplicationError).items() if name.isupper()}
    assert len(uris) == 30  # three more than autobahn
    assert all(value.startswith("wamp.error.") for value in uris.values())
    assert len(set(uris.values())) == 30


def test_application_error() -> None:
    e = ApplicationError(
        "com.x", 1, "ä", k=2, callee=5, callee_authid="a", callee_authrole="r", enc_algo="e", forward_for=HOPS
    )
    assert (e.error, e.args, e.kwargs) == ("com.x", (1, "ä"), {"k": 2})
    assert (e.callee, e.callee_authid, e.callee_authrole, e.enc_algo, e.forward_for) == (5, "a", "r", "e", HOPS)
    assert e.error_message() == "com.x: 1 ä"
    assert "ä" in str(e)
    assert "com.x" in str(e)
    plain = ApplicationError("com.x")
    assert (plain.args, plain.kwargs, plain.callee, plain.enc_algo) == ((), {}, None, None)
    assert plain.error_message() == "com.x: "


@pytest.mark.parametrize("traceback", ["line 1\nline 2", ["line 1", "line 2"]])
def test_a_traceback_is_shown_as_lines(traceback: str | list[str]) -> None:
    text = str(ApplicationError("com.x", traceback=traceback))
    assert text.endswith(":\nline 1\nline 2\n")
    assert "'traceback': '...'" in text


def test_type_check_error() -> None:
    e = TypeCheckError("a", k=1)
    assert isinstance(e, ApplicationError)
    assert (e.error, e.args, e.kwargs) == (ApplicationError.TYPE_CHECK_ERROR, ("a",), {"k": 1})


@pytest.mark.parametrize("e", [ApplicationError("com.x", 1, k=2, callee=3), TypeCheckError("a", k=1)], ids=repr)
def test_copies_are_equal(e: ApplicationError) -> None:
    for other in (pickle.loads(pickle.dumps(e)), copy.copy(e), copy.deepcopy(e)):
        assert type(other) is type(e)
        assert (other.error, other.args, other.kwargs, other.callee) == (e.error, e.args, e.kwargs, e.callee)
