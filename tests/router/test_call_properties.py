# SPDX-License-Identifier: MIT
"""Whatever callers, callees and the clock do in whatever order: each call is answered once, and nothing is left of it."""

from collections import Counter
from itertools import count

from _fakes import Clock, FakeSession
from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast._core.codec import EncodeError
from autobahn_fast.router.dealer import Dealer, Refused
from autobahn_fast.router.options import InvalidOption
from autobahn_fast.router.registrations import Terms

ALL = (
    *("caller.progressive_call_invocations", "caller.call_canceling", "caller.payload_passthru_mode"),
    *("callee.progressive_call_invocations", "callee.payload_passthru_mode", "callee.call_timeout"),
    "callee.registration_revocation",
)
PROCEDURES = [("com.one", "single"), ("com.many", "roundrobin"), ("com.first", "first"), ("com.last", "last")]

call_options = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "progress": st.booleans(),
            "receive_progress": st.booleans(),
            "timeout": st.sampled_from([0, 100]),
            "runmode": st.just("partition"),
            "rkey": st.sampled_from("abc"),
            "disclose_me": st.booleans(),
            "ppt_scheme": st.just("x_my"),
        },
    ),
)
index = st.integers(0, 4)
steps = st.one_of(
    st.tuples(st.just("register"), index, st.integers(0, 3), st.integers(0, 2), st.booleans(), st.booleans()),
    st.tuples(st.just("unregister"), index),
    st.tuples(st.just("call"), index, st.integers(0, 3), call_options),
    st.tuples(st.just("part"), index, st.booleans()),
    st.tuples(st.just("yield"), index, st.booleans()),
    st.tuples(st.just("error"), index, st.sampled_from(["com.error", "wamp.error.unavailable"])),
    st.tuples(st.just("cancel"), index, st.sampled_from([None, "skip", "kill", "killnowait"])),
    st.tuples(st.just("timeout")),
    st.tuples(st.just("break"), index),
    st.tuples(st.just("mend"), index),
    st.tuples(st.just("leave"), index),
)


class World:
    def __init__(self):
        self.clock = Clock()
        self.dealer = Dealer(count(1).__next__, self.clock.call_later)
        self.sessions = [self.new(position) for position in range(5)]
        self.answers = Counter()
        self.asked = []

    def new(self, position):
        # One of five knows no features.
        session = FakeSession(*(ALL if position else ()), can_cancel=bool(position))
        session.requests = count(1)
        return session

    def collect(self):
        for session in self.sessions:
            for kind, *sent in session.wire.take():
                if kind in ("error", "error_text"):
                    assert sent[0] == 48
                    self.answers[session.id, sent[1]] += 1
                elif kind == "result" and not (sent[1] or {}).get("progress"):
                    self.answers[session.id, sent[0]] += 1

    def register(self, i, procedure, concurrency, forward, force):
        uri, invoke = PROCEDURES[procedure]
        try:
            self.dealer.register(self.sessions[i], uri, "exact", invoke, Terms(concurrency, False, forward), force)
        except Refused:
            pass

    def unregister(self, i):
        session = self.sessions[i]
        if session.registrations:
            self.dealer.unregister(session, next(iter(session.registrations)))

    def call(self, i, procedure, options):
        session = self.sessions[i]
        request = next(session.requests)
        self._ask(session, request, lambda: self.dealer.call(session, request, PROCEDURES[procedure][0], options, 0))

    def part(self, i, more):
        session = self.sessions[i]
        open_ones = [request for request, call in session.calls.items() if call.special and call.special.more]
        if open_ones:
            options = {"progress": True} if more else {}
            self._ask(session, open_ones[0], lambda: self.dealer.proceed(session, open_ones[0], options, 0))

    def _ask(self, session, request, ask):
        if (session, request) not in self.asked:
            self.asked.append((session, request))
        try:
            ask()
        except (Refused, InvalidOption, EncodeError):
            self.answers[session.id, request] += 1  # as the session does

    def yield_(self, i, progress):
        session = self.sessions[i]
        if session.invocations:
            self.dealer.yield_(session, next(iter(session.invocations)), {"progress": progress}, 1)

    def error(self, i, error):
        session = self.sessions[i]
        if session.invocations:
            self.dealer.error(session, next(iter(session.invocations)), error, None, None)

    def cancel(self, i, mode):
        session = self.sessions[i]
        if session.calls:
            self.dealer.cancel(session, next(iter(session.calls)), mode)

    def timeout(self):
        self.clock.fire()

    def break_(self, i):
        self.sessions[i].wire.fail = EncodeError("no")

    def mend(self, i):
        self.sessions[i].wire.fail = None

    def leave(self, i):
        session = self.sessions[i]
        self.collect()
        self.dealer.remove(session)
        assert not (session.calls or session.invocations or session.registrations or session.unfinished)
        self.asked = [(who, request) for who, request in self.asked if who is not session]
        self.collect()
        self.sessions[i] = self.new(i)


@settings(max_examples=300)
@given(st.lists(steps, max_size=60))
def test_each_call_is_answered_once(steps):
    world = World()
    for name, *arguments in steps:
        getattr(world, {"yield": "yield_", "break": "break_"}.get(name, name))(*arguments)
        world.collect()
        for session, request in world.asked:
            assert world.answers[session.id, request] == (request not in session.calls), (name, arguments)
        running = Counter()
        for session in world.sessions:
            for invocation, call in session.invocations.items():
                assert call.callee is session and call.invocation == invocation
                assert call.caller.calls[call.request] is call
                if call.special is not None and call.special.terms is not None:
                    running[call.special.terms] += 1
            for request, call in session.calls.items():
                assert call.callee.invocations[call.invocation] is call and call.request == request
        for registration in world.dealer.by_id.values():
            assert registration.callees
            for terms in registration.terms.values():
                assert terms.running == running[terms] >= 0
                assert not terms.concurrency or terms.running <= terms.concurrency
    for i in range(5):
        world.leave(i)
    assert not world.clock.timers and not world.dealer.by_id and not len(world.dealer.registrations)
