# SPDX-License-Identifier: MIT
"""The dealer over sessions that only remember."""

from itertools import count

import pytest
from _fakes import FakeSession

from autobahn_fast._core.codec import EncodeError
from autobahn_fast._core.engine import PayloadTooLarge
from autobahn_fast.router.broker import InvalidUri
from autobahn_fast.router.dealer import Dealer, Refused

CANCELED = ("error_text", 48, 7, "wamp.error.canceled")


@pytest.fixture
def dealer():
    return Dealer(count(1).__next__)


def nothing_left(*sessions):
    return all(not s.calls and not s.invocations for s in sessions)


def start(dealer, options=None, can_cancel=True):
    """A call under way: (caller, callee, the id of the invocation)."""
    caller, callee = FakeSession(), FakeSession(can_cancel=can_cancel)
    dealer.register(callee, "com.x", "exact", "single")
    dealer.call(caller, 7, "com.x", options, "args")
    ((_, invocation, *_),) = callee.wire.take()
    return caller, callee, invocation


def test_call_and_result(dealer):
    caller, callee = FakeSession(), FakeSession()
    id = dealer.register(callee, "com.x", "exact", "single")
    dealer.call(caller, 7, "com.x", None, "args")
    assert callee.wire.take() == [("invocation", 1, id, None, "args")]
    dealer.yield_(callee, 1, None, "result")
    assert caller.wire.take() == [("result", 7, None, "result")]
    assert nothing_left(caller, callee)
    dealer.yield_(callee, 1, None, "late")
    dealer.error(callee, 1, "com.late", None, None)
    assert caller.wire.take() == []


def test_error_of_the_callee(dealer):
    caller, callee, invocation = start(dealer)
    dealer.error(callee, invocation, "com.myapp.error", {"x": 1}, "why")
    assert caller.wire.take() == [("error", 48, 7, "com.myapp.error", None, "why")]
    assert nothing_left(caller, callee)


def test_invocation_ids_are_those_of_the_callee(dealer):
    a, b, callee = FakeSession(), FakeSession(), FakeSession()
    dealer.register(callee, "com.x", "exact", "single")
    dealer.call(a, 1, "com.x", None, 0)
    dealer.call(b, 1, "com.x", None, 0)
    dealer.yield_(callee, 2, None, "for b")
    dealer.yield_(callee, 1, None, "for a")
    assert a.wire.sent == [("result", 1, None, "for a")] and b.wire.sent == [("result", 1, None, "for b")]


def test_progressive_results(dealer):
    caller, callee, invocation = start(dealer, {"receive_progress": True})
    for i in range(3):
        dealer.yield_(callee, invocation, {"progress": True}, i)
    dealer.yield_(callee, invocation, None, "end")
    assert caller.wire.take() == [*(("result", 7, {"progress": True}, i) for i in range(3)), ("result", 7, None, "end")]
    assert nothing_left(caller, callee)


def test_the_callee_is_told_that_progress_is_wanted(dealer):
    caller, callee = FakeSession(), FakeSession()
    id = dealer.register(callee, "com.", "prefix", "single")
    dealer.call(caller, 1, "com.x", {"receive_progress": True, "x_unknown": 1}, 0)
    assert callee.wire.take() == [("invocation", 1, id, {"procedure": "com.x", "receive_progress": True}, 0)]


def test_progress_nobody_asked_for_is_dropped(dealer):
    caller, callee, invocation = start(dealer)
    dealer.yield_(callee, invocation, {"progress": True}, 1)
    assert caller.wire.take() == []
    dealer.yield_(callee, invocation, {}, 2)
    assert caller.wire.take() == [("result", 7, None, 2)]


def test_encrypted_payloads_tell_how(dealer):
    encryption = {"enc_algo": "cryptobox", "enc_serializer": "json", "enc_key": "k"}
    caller, callee = FakeSession(), FakeSession()
    dealer.register(callee, "com.x", "exact", "single")
    dealer.call(caller, 7, "com.x", dict(encryption), b"")
    assert callee.wire.take()[0][3] == encryption
    dealer.yield_(callee, 1, dict(encryption), b"")
    assert caller.wire.take() == [("result", 7, encryption, b"")]


@pytest.mark.parametrize("mode", [None, "skip"])
def test_cancel_skip(dealer, mode):
    caller, callee, invocation = start(dealer)
    dealer.cancel(caller, 7, mode)
    assert caller.wire.take() == [CANCELED] and callee.wire.take() == []
    dealer.yield_(callee, invocation, None, "late")
    dealer.cancel(caller, 7, mode)
    assert caller.wire.take() == [] and nothing_left(caller, callee)


def test_cancel_killnowait(dealer):
    caller, callee, invocation = start(dealer)
    dealer.cancel(caller, 7, "killnowait")
    assert caller.wire.take() == [CANCELED]
    assert callee.wire.take() == [("send", 69, invocation, {"mode": "killnowait"})]
    dealer.error(callee, invocation, "wamp.error.canceled", None, None)
    assert caller.wire.take() == [] and nothing_left(caller, callee)


def test_cancel_kill_waits_for_the_callee(dealer):
    caller, callee, invocation = start(dealer)
    dealer.cancel(caller, 7, "kill")
    assert caller.wire.take() == []
    assert callee.wire.take() == [("send", 69, invocation, {"mode": "kill"})]
    dealer.error(callee, invocation, "wamp.error.canceled", None, "so be it")
    assert caller.wire.take() == [("error", 48, 7, "wamp.error.canceled", None, "so be it")]
    assert nothing_left(caller, callee)


@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_a_callee_without_the_feature_is_not_interrupted(dealer, mode):
    caller, callee, _invocation = start(dealer, can_cancel=False)
    dealer.cancel(caller, 7, mode)
    assert caller.wire.take() == [CANCELED] and callee.wire.take() == []


def test_the_caller_leaves(dealer):
    caller, callee, invocation = start(dealer)
    dealer.remove(caller)
    assert callee.wire.take() == [("send", 69, invocation, {"mode": "killnowait"})]
    dealer.yield_(callee, invocation, None, "late")
    assert caller.wire.take() == [] and nothing_left(caller, callee)


def test_the_callee_leaves(dealer):
    caller, callee, _ = start(dealer)
    dealer.remove(callee)
    assert caller.wire.take() == [CANCELED] and nothing_left(caller, callee)
    with pytest.raises(Refused) as refused:
        dealer.call(caller, 8, "com.x", None, 0)
    assert refused.value.error == "wamp.error.no_such_procedure"
    assert len(dealer.registrations) == 0


def test_a_session_that_calls_itself_leaves(dealer):
    one = FakeSession()
    dealer.register(one, "com.x", "exact", "single")
    dealer.call(one, 1, "com.x", None, 0)
    one.wire.take()
    dealer.remove(one)
    assert one.wire.take() == [] and nothing_left(one) and one.registrations == {}


def test_unregister_lets_calls_finish(dealer):
    caller, callee, invocation = start(dealer)
    (id,) = callee.registrations
    assert dealer.unregister(callee, id) and not dealer.unregister(callee, id)
    dealer.yield_(callee, invocation, None, 1)
    assert caller.wire.take() == [("result", 7, None, 1)]


@pytest.mark.parametrize(
    ("invoke", "order"), [("first", "aaaaaa"), ("last", "cccccc"), ("roundrobin", "abcabc")], ids=lambda x: x
)
def test_shared_registrations(dealer, invoke, order):
    caller, callees = FakeSession(), {name: FakeSession() for name in "abc"}
    ids = {dealer.register(callee, "com.x", "exact", invoke) for callee in callees.values()}
    assert len(ids) == 1
    got = ""
    for request in range(1, 7):
        dealer.call(caller, request, "com.x", None, 0)
        got += "".join(name for name, callee in callees.items() if callee.wire.take())
    assert got == order


def test_random_reaches_everybody(dealer):
    caller, callees = FakeSession(), [FakeSession() for _ in range(3)]
    for callee in callees:
        dealer.register(callee, "com.x", "exact", "random")
    for request in range(1, 301):
        dealer.call(caller, request, "com.x", None, 0)
    counts = [len(callee.wire.take()) for callee in callees]
    assert sum(counts) == 300 and min(counts) > 40


def test_round_robin_goes_on_when_callees_leave(dealer):
    caller, callees = FakeSession(), {name: FakeSession() for name in "abcd"}
    for callee in callees.values():
        dealer.register(callee, "com.x", "exact", "roundrobin")
    got = ""
    for request in range(1, 7):
        dealer.call(caller, request, "com.x", None, 0)
        got += "".join(name for name, callee in callees.items() if callee.wire.take())
        if request == 2:
            dealer.remove(callees.pop("a"))
        if request == 4:
            dealer.remove(callees.pop("d"))
    assert got == "abcdbc"


@pytest.mark.parametrize(
    ("first", "second"), [("single", "single"), ("single", "roundrobin"), ("roundrobin", "single"), ("first", "last")]
)
def test_registrations_that_cannot_be_shared(dealer, first, second):
    dealer.register(FakeSession(), "com.x", "exact", first)
    with pytest.raises(Refused) as refused:
        dealer.register(FakeSession(), "com.x", "exact", second)
    assert refused.value.error == "wamp.error.procedure_already_exists"
    dealer.register(FakeSession(), "com.x", "prefix", second)


def test_one_session_cannot_share_with_itself(dealer):
    one = FakeSession()
    dealer.register(one, "com.x", "exact", "first")
    with pytest.raises(Refused):
        dealer.register(one, "com.x", "exact", "first")


def test_the_winner_changes_with_the_registrations(dealer):
    caller, callees = FakeSession(), {}
    for match, uri in (("wildcard", "com..y"), ("prefix", "com"), ("prefix", "com.x"), ("exact", "com.x.y")):
        callees[uri] = FakeSession()
        dealer.register(callees[uri], uri, match, "single")
        dealer.call(caller, len(callees), "com.x.y", None, 0)
        assert len(callees[uri].wire.take()) == 1
    for uri, next_best in (("com.x.y", "com.x"), ("com.x", "com"), ("com", "com..y")):
        dealer.remove(callees[uri])
        dealer.call(caller, 10 + len(uri), "com.x.y", None, 0)
        assert len(callees[next_best].wire.take()) == 1


@pytest.mark.parametrize("procedure", ["", "a..b", "a b"])
def test_procedures_that_are_none(dealer, procedure):
    with pytest.raises(InvalidUri):
        dealer.call(FakeSession(), 1, procedure, None, 0)


def test_a_call_that_cannot_be_sent_to_the_callee(dealer):
    caller, callee = FakeSession(), FakeSession()
    dealer.register(callee, "com.x", "exact", "single")
    callee.wire.fail = EncodeError("no")
    with pytest.raises(EncodeError):
        dealer.call(caller, 1, "com.x", None, 0)
    assert nothing_left(caller, callee)


@pytest.mark.parametrize(
    ("exc", "uri"),
    [(EncodeError("no"), "wamp.error.invalid_payload"), (PayloadTooLarge(9, 8), "wamp.error.payload_size_exceeded")],
)
def test_a_result_that_cannot_be_sent_to_the_caller_is_answered_with_an_error(dealer, exc, uri):
    caller, callee, invocation = start(dealer)
    caller.wire.fail = exc
    dealer.yield_(callee, invocation, None, 1)
    assert caller.wire.take() == [("error_text", 48, 7, uri)] and callee.wire.take() == []
    assert nothing_left(caller, callee)


def test_progress_that_cannot_be_sent_ends_the_call_on_both_sides(dealer):
    caller, callee, invocation = start(dealer, {"receive_progress": True})
    caller.wire.fail = EncodeError("no")
    dealer.yield_(callee, invocation, {"progress": True}, 1)
    assert caller.wire.take() == [("error_text", 48, 7, "wamp.error.invalid_payload")]
    assert callee.wire.take() == [("send", 69, invocation, {"mode": "killnowait"})]
    assert nothing_left(caller, callee)


def test_an_error_that_cannot_be_sent_keeps_its_uri(dealer):
    caller, callee, invocation = start(dealer)
    caller.wire.fail = EncodeError("no")
    dealer.error(callee, invocation, "com.myapp.error", None, 1)
    assert caller.wire.take() == [("error_text", 48, 7, "com.myapp.error")]


def test_the_memory_of_procedures_is_bounded(dealer):
    caller, callee = FakeSession(), FakeSession()
    dealer.register(callee, "", "prefix", "single")
    for i in range(25_000):
        dealer.call(caller, i + 1, f"com.x{i}", None, 0)
    assert len(dealer._winners) <= 10_000
