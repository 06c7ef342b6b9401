# SPDX-License-Identifier: MIT
"""Calls with options: parts, timeouts, other callees, shards, disclosure, limits, revocation."""

from collections import Counter
from itertools import count

import pytest
from _fakes import Clock, FakeSession

from autobahn_fast._core.codec import EncodeError
from autobahn_fast.router.calls import REMEMBERED
from autobahn_fast.router.dealer import Dealer, Refused
from autobahn_fast.router.options import InvalidOption
from autobahn_fast.router.registrations import Terms

PARTS = ("caller.progressive_call_invocations", "caller.call_canceling", "callee.progressive_call_invocations")
PPT = ("caller.payload_passthru_mode", "callee.payload_passthru_mode")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def dealer(clock, told):
    return Dealer(count(1).__next__, clock.call_later, lambda *event: told.append(event))


def start(dealer, options=None, *features, terms=None, match="exact", caller_features=()):
    caller, callee = FakeSession(*features, *caller_features), FakeSession(*features)
    if terms is None:
        dealer.register(callee, "com.x", match, "single")
    else:
        dealer.register(callee, "com.x", match, "single", terms)
    dealer.call(caller, 7, "com.x", options, "args")
    ((_, invocation, _, details, _),) = callee.wire.take()
    return caller, callee, invocation, details


def idle(clock, *sessions):
    return not clock.timers and all(not s.calls and not s.invocations for s in sessions)


# --- progressive call invocations ---


def test_parts_go_to_the_same_callee_under_the_same_id(dealer):
    caller, callees = FakeSession(*PARTS), [FakeSession(*PARTS) for _ in range(3)]
    for callee in callees:
        id = dealer.register(callee, "com.x", "prefix", "roundrobin")
    dealer.call(caller, 7, "com.x.y", {"progress": True, "disclose_me": True}, 1)
    assert dealer.proceed(caller, 7, {"progress": True, "disclose_me": False}, 2)
    assert dealer.proceed(caller, 7, None, 3)
    frozen = {
        "procedure": "com.x.y",
        "caller": caller.id,
        "caller_authid": caller.authid,
        "caller_authrole": "anonymous",
    }
    more = {**frozen, "progress": True}
    assert callees[0].wire.take() == [
        ("invocation", 1, id, more, 1),
        ("invocation", 1, id, more, 2),
        ("invocation", 1, id, frozen, 3),
    ]
    assert [callee.wire.take() for callee in callees[1:]] == [[], []]
    dealer.yield_(callees[0], 1, None, "result")
    assert caller.wire.take() == [("result", 7, None, "result")] and caller.unfinished == {}


def test_parts_both_ways(dealer):
    caller, callee, invocation, _ = start(dealer, {"progress": True, "receive_progress": True}, *PARTS)
    dealer.yield_(callee, invocation, {"progress": True}, "a")
    dealer.proceed(caller, 7, {"progress": True}, 2)
    dealer.yield_(callee, invocation, {"progress": True}, "b")
    dealer.proceed(caller, 7, {}, 3)
    dealer.yield_(callee, invocation, None, "end")
    assert [sent[2:] for sent in caller.wire.take()] == [
        ({"progress": True}, "a"),
        ({"progress": True}, "b"),
        (None, "end"),
    ]


def test_parts_for_a_call_that_is_over_are_dropped_up_to_the_last(dealer):
    caller, callee, invocation, _ = start(dealer, {"progress": True}, *PARTS)
    dealer.error(callee, invocation, "com.error", None, None)
    assert caller.wire.take() == [("error", 48, 7, "com.error", None, None)]
    assert dealer.proceed(caller, 7, {"progress": True}, 2) and dealer.proceed(caller, 7, None, 3)
    assert callee.wire.take() == []
    assert not dealer.proceed(caller, 7, None, 4)  # a new call


def test_a_part_behind_the_last_is_a_violation(dealer):
    caller, *_ = start(dealer, {"progress": True}, *PARTS)
    dealer.proceed(caller, 7, None, 2)
    with pytest.raises(InvalidOption, match="request id 7"):
        dealer.proceed(caller, 7, None, 3)


def test_parts_need_announcements(dealer):
    for missing in PARTS[:2]:
        caller = FakeSession(*(feature for feature in PARTS if feature != missing))
        dealer.register(FakeSession(*PARTS), f"com.{missing}", "exact", "single")
        with pytest.raises(InvalidOption, match="did not announce"):
            dealer.call(caller, 1, f"com.{missing}", {"progress": True}, 0)


@pytest.mark.parametrize(("features", "can_cancel"), [((), True), (PARTS, False)])
def test_a_callee_without_the_feature(dealer, features, can_cancel):
    caller, callee = FakeSession(*PARTS), FakeSession(*features, can_cancel=can_cancel)
    dealer.register(callee, "com.x", "exact", "single")
    with pytest.raises(Refused) as refused:
        dealer.call(caller, 1, "com.x", {"progress": True}, 0)
    assert refused.value.error == "wamp.error.feature_not_supported"
    assert callee.wire.take() == [] and not caller.calls and not callee.invocations


def test_a_part_that_cannot_be_sent_ends_the_call(dealer):
    caller, callee, invocation, _ = start(dealer, {"progress": True}, *PARTS)
    callee.wire.fail = EncodeError("no")
    callee.wire.send = lambda msg: callee.wire.sent.append(msg.marshal())
    with pytest.raises(EncodeError):
        dealer.proceed(caller, 7, {"progress": True}, 2)
    assert callee.wire.take() == [[69, invocation, {"mode": "killnowait"}]]
    assert not caller.calls and not callee.invocations


def test_the_memory_of_unfinished_calls_is_bounded(dealer):
    caller, callee = FakeSession(*PARTS), FakeSession(*PARTS)
    dealer.register(callee, "com.x", "exact", "single")
    for request in range(1, REMEMBERED + 100):
        dealer.call(caller, request, "com.x", {"progress": True}, 0)
        dealer.error(callee, request, "com.error", None, None)
    assert len(caller.unfinished) == REMEMBERED


# --- timeouts ---


@pytest.mark.parametrize("can_cancel", [True, False])
def test_timeout(dealer, clock, can_cancel):
    caller, callee = FakeSession(), FakeSession(can_cancel=can_cancel)
    dealer.register(callee, "com.x", "exact", "single")
    dealer.call(caller, 7, "com.x", {"timeout": 1500}, 0)
    assert callee.wire.take()[0][3] is None
    assert [timer.seconds for timer in clock.timers] == [1.5]
    clock.fire()
    assert caller.wire.take() == [("error_text", 48, 7, "wamp.error.timeout")]
    interrupt = ("send", 69, 1, {"mode": "killnowait", "reason": "wamp.error.timeout"})
    assert callee.wire.take() == ([interrupt] if can_cancel else [])
    dealer.yield_(callee, 1, None, "late")
    assert caller.wire.take() == [] and idle(clock, caller, callee)


@pytest.mark.parametrize("end", ["result", "cancel", "caller", "callee"])
def test_no_timer_outlives_its_call(dealer, clock, end):
    caller, callee, invocation, _ = start(dealer, {"timeout": 10})
    {
        "result": lambda: dealer.yield_(callee, invocation, None, 1),
        "cancel": lambda: dealer.cancel(caller, 7, "skip"),
        "caller": lambda: dealer.remove(caller),
        "callee": lambda: dealer.remove(callee),
    }[end]()
    assert idle(clock, caller, callee)


def test_the_timeout_begins_again_with_each_progressive_result(dealer, clock):
    caller, callee, invocation, _ = start(dealer, {"timeout": 10, "receive_progress": True})
    (first,) = clock.timers
    dealer.yield_(callee, invocation, {"progress": True}, 1)
    (second,) = clock.timers
    assert second is not first
    clock.fire()
    assert [sent[0] for sent in caller.wire.take()] == ["result", "error_text"]


def test_no_timeout(dealer, clock):
    *_, details = start(dealer, {"timeout": 0})
    assert details is None and not clock.timers


def test_a_callee_that_sees_to_timeouts_itself(dealer, clock):
    *_, details = start(dealer, {"timeout": 10}, "callee.call_timeout", terms=Terms(forward_timeout=True))
    assert details == {"timeout": 10} and not clock.timers


def test_forwarding_needs_the_feature(dealer, clock):
    *_, details = start(dealer, {"timeout": 10}, terms=Terms(forward_timeout=True))
    assert details is None and clock.timers


@pytest.mark.parametrize("timeout", [-1, 1.5, "1", True, 2**60])
def test_timeouts_that_are_none(dealer, timeout):
    with pytest.raises(InvalidOption, match="timeout"):
        start(dealer, {"timeout": timeout})


# --- re-routing ---


@pytest.mark.parametrize(("invoke", "order"), [("first", "abc"), ("last", "cba"), ("roundrobin", "abc")])
def test_a_callee_that_is_not_available(dealer, invoke, order):
    caller, callees = FakeSession(), {name: FakeSession() for name in "abc"}
    for callee in callees.values():
        dealer.register(callee, "com.x", "exact", invoke)
    dealer.call(caller, 7, "com.x", None, "args")
    asked = ""
    for _ in range(3):
        ((name, sent),) = [(name, sent) for name, callee in callees.items() if (sent := callee.wire.take())]
        assert sent[0][4] == "args"
        asked += name
        assert caller.wire.take() == []
        dealer.error(callees[name], sent[0][1], "wamp.error.unavailable", None, None)
    assert asked == order
    assert caller.wire.take() == [("error_text", 48, 7, "wamp.error.no_available_callee")]
    assert not caller.calls and not any(callee.invocations for callee in callees.values())


def test_random_asks_each_once(dealer):
    caller, callees = FakeSession(), [FakeSession() for _ in range(5)]
    for callee in callees:
        dealer.register(callee, "com.x", "exact", "random")
    dealer.call(caller, 7, "com.x", None, 0)
    asked = Counter()
    while caller.calls:
        ((callee, sent),) = [(callee, sent) for callee in callees if (sent := callee.wire.take())]
        asked[callee.id] += 1
        dealer.error(callee, sent[0][1], "wamp.error.unavailable", None, None)
    assert set(asked.values()) == {1} and len(asked) == 5


def test_one_callee_that_is_not_available(dealer):
    caller, callee, invocation, _ = start(dealer)
    dealer.error(callee, invocation, "wamp.error.unavailable", None, None)
    assert caller.wire.take() == [("error_text", 48, 7, "wamp.error.no_available_callee")]


def test_no_other_callee_is_asked_once_there_was_a_result(dealer):
    caller, callees = FakeSession(), [FakeSession() for _ in range(2)]
    for callee in callees:
        dealer.register(callee, "com.x", "exact", "first")
    dealer.call(caller, 7, "com.x", {"receive_progress": True}, 0)
    dealer.yield_(callees[0], 1, {"progress": True}, 1)
    dealer.error(callees[0], 1, "wamp.error.unavailable", None, None)
    assert callees[1].wire.take() == []
    assert caller.wire.take()[-1] == ("error_text", 48, 7, "wamp.error.no_available_callee")


def test_the_callee_that_leaves_meanwhile_is_not_asked(dealer, clock):
    caller, callees = FakeSession(), [FakeSession() for _ in range(2)]
    for callee in callees:
        dealer.register(callee, "com.x", "exact", "first")
    dealer.call(caller, 7, "com.x", {"timeout": 5}, 0)
    dealer.remove(callees[1])
    dealer.error(callees[0], 1, "wamp.error.unavailable", None, None)
    assert caller.wire.take() == [("error_text", 48, 7, "wamp.error.no_available_callee")]
    assert idle(clock, caller, *callees)


# --- shards ---


def test_a_partitioned_call_always_goes_to_the_same_shard(dealer):
    caller, callees = FakeSession(), [FakeSession() for _ in range(5)]
    for callee in callees:
        dealer.register(callee, "com.x", "exact", "roundrobin")
    requests = count(1)

    def shard_of(key):
        dealer.call(caller, next(requests), "com.x", {"runmode": "partition", "rkey": key}, 0)
        (found,) = [callee for callee in callees if callee.wire.take()]
        return found

    before = {key: shard_of(key) for key in map(str, range(100))}
    assert {key: shard_of(key) for key in before} == before
    assert set(before.values()) == set(callees)
    gone = callees[2]
    dealer.remove(gone)
    after = {key: shard_of(key) for key in before}
    assert all(after[key] is shard for key, shard in before.items() if shard is not gone)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"runmode": "partition"}, "wamp.error.invalid_argument"),
        ({"runmode": "all", "rkey": "x"}, "wamp.error.option_not_allowed"),
    ],
)
def test_partitions_that_make_no_sense(dealer, options, error):
    with pytest.raises(Refused) as refused:
        start(dealer, options)
    assert refused.value.error == error
    with pytest.raises(InvalidOption):
        start(Dealer(count(1).__next__), {"runmode": "partition", "rkey": []})


# --- who calls, and how much that is worth ---


def test_disclosure_on_request_of_either_side(dealer):
    caller, _, _, details = start(dealer, {"disclose_me": True})
    who = {"caller": caller.id, "caller_authid": caller.authid, "caller_authrole": "anonymous"}
    assert details == who
    other, callee = FakeSession(), FakeSession()
    dealer.register(callee, "com.y", "exact", "single", Terms(disclose_caller=True))
    dealer.call(other, 1, "com.y", None, 0)
    assert callee.wire.take()[0][3]["caller"] == other.id


def test_disclosure_that_is_not_allowed():
    dealer = Dealer(count(1).__next__, may_disclose=False)
    with pytest.raises(Refused) as refused:
        start(dealer, {"disclose_me": True})
    assert refused.value.error == "wamp.error.option_disallowed.disclose_me"
    with pytest.raises(Refused):
        dealer.register(FakeSession(), "com.y", "exact", "single", Terms(disclose_caller=True))


def test_details_the_router_adds(dealer):
    caller, callee = FakeSession(), FakeSession()
    dealer.register(callee, "com.x", "exact", "single")
    dealer.call(caller, 1, "com.x", None, 0, {"trustlevel": 2})
    assert callee.wire.take()[0][3] == {"trustlevel": 2}


# --- limits and force ---


def test_concurrency(dealer):
    caller, callees = FakeSession(), [FakeSession() for _ in range(2)]
    for callee in callees:
        dealer.register(callee, "com.x", "exact", "roundrobin", Terms(concurrency=2))
    for request in range(1, 5):
        dealer.call(caller, request, "com.x", None, 0)
    assert [len(callee.wire.take()) for callee in callees] == [2, 2]
    with pytest.raises(Refused) as refused:
        dealer.call(caller, 5, "com.x", None, 0)
    assert refused.value.error == "crossbar.error.max_concurrency_reached"
    dealer.yield_(callees[1], 1, None, 0)
    dealer.call(caller, 6, "com.x", None, 0)
    assert [len(callee.wire.take()) for callee in callees] == [0, 1]
    dealer.cancel(caller, 6, "skip")
    dealer.call(caller, 7, "com.x", None, 0)


def test_force_takes_registrations_away(dealer, told):
    old, new = FakeSession("callee.registration_revocation"), FakeSession()
    unaware = FakeSession()
    id = dealer.register(old, "com.x", "exact", "first")
    dealer.register(unaware, "com.x", "exact", "first")
    again = dealer.register(new, "com.x", "exact", "single", force=True)
    assert again != id and not old.registrations and not unaware.registrations
    assert old.wire.take() == [("send", 67, 0, {"registration": id, "reason": "wamp.error.unregistered"})]
    assert unaware.wire.take() == []
    names = [event.rpartition(".")[2] for event, *_ in told]
    assert names == [
        *("on_create", "on_register", "on_register", "on_unregister", "on_unregister", "on_delete"),
        *("on_create", "on_register"),
    ]
    assert told[0][2] == {
        "id": id,
        "uri": "com.x",
        "match": "exact",
        "invoke": "first",
        "created": told[0][2]["created"],
    }


def test_force_by_the_one_who_has_it(dealer):
    one = FakeSession()
    first = dealer.register(one, "com.x", "exact", "single")
    second = dealer.register(one, "com.x", "exact", "single", force=True)
    assert list(one.registrations) == [second] != [first]


# --- payload passthru mode ---


def test_passthru_reaches_those_who_announced_it(dealer):
    ppt = {"ppt_scheme": "x_my", "ppt_serializer": "cbor", "ppt_cipher": "x", "ppt_keyid": "k"}
    caller, callee, invocation, details = start(dealer, dict(ppt), *PPT)
    assert details == ppt
    dealer.yield_(callee, invocation, dict(ppt), "p")
    assert caller.wire.take() == [("result", 7, ppt, "p")]


def test_passthru_that_was_not_announced(dealer):
    with pytest.raises(InvalidOption, match="did not announce"):
        start(dealer, {"ppt_scheme": "x_my"})
    with pytest.raises(InvalidOption, match="without 'ppt_scheme'"):
        start(Dealer(count(1).__next__), {"ppt_cipher": "x"}, *PPT)
    dealer = Dealer(count(1).__next__)
    dealer.register(FakeSession(), "com.x", "exact", "single")
    with pytest.raises(Refused) as refused:
        dealer.call(FakeSession(*PPT), 1, "com.x", {"ppt_scheme": "x_my"}, 0)
    assert refused.value.error == "wamp.error.feature_not_supported"


def test_a_result_in_passthru_for_a_caller_without(dealer):
    caller, callee = FakeSession(), FakeSession(*PPT)
    dealer.register(callee, "com.x", "exact", "single")
    dealer.call(caller, 7, "com.x", None, 0)
    dealer.yield_(callee, 1, {"ppt_scheme": "x_my"}, "p")
    assert caller.wire.take() == [("error_text", 48, 7, "wamp.error.feature_not_supported")]
    assert not caller.calls
    unaware = FakeSession()
    dealer.register(unaware, "com.y", "exact", "single")
    dealer.call(caller, 8, "com.y", None, 0)
    with pytest.raises(InvalidOption):
        dealer.yield_(unaware, 1, {"ppt_scheme": "x_my"}, "p")
