# SPDX-License-Identifier: MIT
"""Roles, permissions, authorizers, and the gate that keeps requests in order."""

import pytest
from _fakes import FakeSession
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast.router.authorization import Gate, Permission, Role
from autobahn_fast.router.config import realm_config
from autobahn_fast.router.patterns import PatternTable


def role(*permissions, **settings):
    config = realm_config({"name": "r", "roles": {"user": {"permissions": list(permissions), **settings}}})
    return config.roles["user"]


def may(role, action, uri, match="exact"):
    return role.decide(FakeSession(), action, uri, match, None).allow


def test_the_most_specific_permission_decides():
    user = role(
        {"uri": "com.*", "allow": True},
        {"uri": "com.secret.", "match": "prefix", "allow": {"call": True}},
        {"uri": "com..log", "match": "wildcard", "allow": []},
        {"uri": "com.secret.door", "allow": ["publish", "call"]},
    )
    assert may(user, "publish", "com.x") and not may(user, "publish", "org.x") and not may(user, "publish", "wamp.x")
    assert may(user, "call", "com.secret.x") and not may(user, "register", "com.secret.x")
    assert may(user, "publish", "com.secret.door") and not may(user, "subscribe", "com.secret.door")


def test_a_pattern_needs_a_permission_for_all_of_it():
    user = role(
        {"uri": "com.x.", "match": "prefix", "allow": ["subscribe"]},
        {"uri": "com.x.secret", "allow": []},
        {"uri": "org.y", "allow": ["subscribe"]},
        {"uri": "net..log", "match": "wildcard", "allow": ["subscribe"]},
    )
    for uri, match, wanted in (
        ("com.x.a", "exact", True),
        ("com.x.a", "prefix", True),
        ("com.x.", "prefix", False),  # has com.x.secret
        ("com.x.s", "prefix", False),
        ("com.", "prefix", False),
        ("", "prefix", False),
        ("com.x.a.", "wildcard", True),
        ("com.x.", "wildcard", False),
        ("org.y", "exact", True),
        ("org.y", "prefix", False),  # would be org.y.more, too
        ("net..log", "wildcard", True),
        ("net.a.log", "wildcard", True),
        ("net..", "wildcard", False),
        ("net.a.log", "prefix", False),
    ):
        assert may(user, "subscribe", uri, match) is wanted, (uri, match)


uris = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=3).map(".".join)
patterns = st.one_of(
    uris.map(lambda uri: (uri, "exact")),
    st.text("ab.", max_size=4).map(lambda uri: (uri, "prefix")),
    st.lists(st.sampled_from(["a", "b", ""]), min_size=2, max_size=3).map(lambda c: (".".join(c), "wildcard")),
)


@given(st.lists(st.tuples(patterns, st.booleans()), max_size=5, unique_by=lambda p: p[0]), patterns, uris)
def test_no_pattern_gives_more_than_its_uris(permissions, pattern, uri):
    user = Role("user", [Permission(u, m, frozenset(["subscribe"] if allow else [])) for (u, m), allow in permissions])
    table = PatternTable()
    table.add(pattern[1], pattern[0], True)
    if table.best(uri) and may(user, "subscribe", *pattern):
        assert may(user, "subscribe", uri)


def test_disclosure_and_trust_levels():
    user = role({"uri": "com.*", "allow": True, "disclose": {"caller": True}, "trustlevel": 5}, trustlevel=1)
    decision = user.decide(FakeSession(), "call", "com.x", "exact", None)
    assert (decision.disclose, decision.trustlevel) == (True, 5)
    decision = user.decide(FakeSession(), "publish", "com.x", "exact", None)
    assert (decision.disclose, decision.trustlevel) == (False, 5)
    assert (
        role({"uri": "com.*", "allow": True}, trustlevel=1)
        .decide(FakeSession(), "publish", "com.x", "exact", None)
        .trustlevel
        == 1
    )


def test_the_memory_of_uris_is_bounded():
    user = role({"uri": "com.*", "allow": True})
    for i in range(25_000):
        may(user, "call", f"com.x{i}")
    may(user, "call", "x" * 100_000)
    assert len(user._known) <= 10_000


@pytest.mark.parametrize(
    ("answer", "allow", "failed"),
    [
        (True, True, False),
        (False, False, False),
        ({"allow": True, "disclose": True, "trustlevel": 2}, True, False),
        ({"allow": False}, False, False),
        (None, False, True),
        ({"allow": 1}, False, True),
        ({"allow": True, "trustlevel": -1}, False, True),
        (ValueError("no"), False, True),
    ],
)
def test_authorizers(answer, allow, failed):
    asked = []

    def authorizer(*args):
        asked.append(args)
        if isinstance(answer, Exception):
            raise answer
        return answer

    session = FakeSession()
    decision = role(authorizer=authorizer).decide(session, "call", "com.x", "exact", {"timeout": 1})
    assert (decision.allow, decision.failed) == (allow, failed)
    assert asked == [(session.details(), "com.x", "call", {"timeout": 1})]


# --- the gate ---


class GateRouter:
    def __init__(self):
        self.running, self.sender = [], None

    def run(self, awaitable, done):
        self.running.append((awaitable, done))


class GatedSession(FakeSession):
    def __init__(self, role, disclose=frozenset()):
        super().__init__()
        self.router, self.flow, self.log = GateRouter(), self, []
        self.gate = Gate(self, role, disclose)

    def wait(self, wait):
        self.log.append("paused" if wait else "resumed")

    def _on_failure(self, exc):
        self.log.append(exc)

    def admit(self, name, action="call", options=None):
        self.gate.admit(
            action,
            f"com.{name}",
            "exact",
            options,
            lambda extra: self.log.append((name, extra)),
            lambda error, text: self.log.append((name, error)),
        )


class Awaitable:
    def __init__(self):
        self.closed = False

    def __await__(self):
        yield

    def cancel(self):
        self.closed = True


def test_what_is_allowed_goes_on_with_what_receivers_are_told():
    session = GatedSession(role({"uri": "com.x", "allow": ["call"]}, trustlevel=3), frozenset(["call", "publish"]))
    session.admit("x")
    session.admit("y")
    session.admit("x", "publish")
    who = {"caller": session.id, "caller_authid": session.authid, "caller_authrole": "anonymous", "trustlevel": 3}
    denied = "wamp.error.not_authorized"
    assert session.log == [("x", who), ("y", denied), ("x", denied)]


def test_requests_wait_for_a_decision_that_takes_time_and_keep_their_order():
    answers = {"com.a": Awaitable(), "com.b": True, "com.c": Awaitable(), "com.d": False}
    session = GatedSession(role(authorizer=lambda details, uri, action, options: answers[uri]))
    for name in "abcd":
        session.admit(name)
    session.gate.defer(lambda: session.log.append("deferred"))
    assert session.log == ["paused"] and session.gate.busy
    ((awaitable, done),) = session.router.running
    assert awaitable is answers["com.a"]
    done(True, None)
    assert session.log == ["paused", "resumed", ("a", None), ("b", None), "paused"]
    session.router.running[1][1](None, ValueError("the authorizer failed"))
    failed, denied = "wamp.error.authorization_failed", "wamp.error.not_authorized"
    assert session.log[5:] == ["resumed", ("c", failed), ("d", denied), "deferred"]
    assert not session.gate.busy


def test_a_failure_behind_the_gate_is_that_of_the_session():
    answers = {"com.a": Awaitable(), "com.b": True}
    session = GatedSession(role(authorizer=lambda details, uri, action, options: answers[uri]))
    session.admit("a")
    failure = ValueError("a violation")

    def fail():
        raise failure

    session.gate.defer(fail)
    session.admit("b")
    session.router.running[0][1](True, None)
    assert session.log == ["paused", "resumed", ("a", None), failure, ("b", None)]


def test_nothing_happens_when_the_session_is_gone_meanwhile():
    session = GatedSession(role(authorizer=lambda *args: Awaitable()))
    session.admit("a")
    session.gate = None
    session.router.running[0][1](True, None)
    assert session.log == ["paused"]


def test_what_cannot_be_decided_at_once_is_not_allowed():
    slow = Awaitable()
    session = GatedSession(role(authorizer=lambda *args: slow))
    assert session.gate.allows("publish", "com.x", "exact") is False and slow.closed
    assert GatedSession(role({"uri": "*", "allow": True})).gate.allows("publish", "com.x", "exact")


# --- configuration ---


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "needs a 'name'"),
        ({"name": "r", "rolls": {}}, "unknown rolls"),
        ({"name": "r", "roles": []}, "must be an object"),
        ({"name": "r", "roles": {"user": {"permissions": [{"allow": True}]}}}, "valid 'uri'"),
        ({"name": "r", "roles": {"user": {"permissions": [{"uri": "a..b"}]}}}, "valid 'uri'"),
        ({"name": "r", "roles": {"user": {"permissions": [{"uri": "a", "match": "regex"}]}}}, "valid 'uri'"),
        ({"name": "r", "roles": {"user": {"permissions": [{"uri": "a", "allow": ["fly"]}]}}}, "unknown fly"),
        ({"name": "r", "roles": {"user": {"permissions": [{"uri": "a", "allow": {"call": 1}}]}}}, "true or false"),
        ({"name": "r", "roles": {"user": {"permissions": [{"uri": "a"}, {"uri": "a"}]}}}, "two permissions"),
        ({"name": "r", "roles": {"user": {"trustlevel": -1}}}, "trustlevel"),
        ({"name": "r", "roles": {"user": {"authorizer": 5}}}, "must be a function"),
        ({"name": "r", "roles": {"user": {"authorizer": "nowhere:f"}}}, "cannot be imported"),
        ({"name": "r", "disclose": {"caller": "maybe"}}, "one of allowed, always, never"),
        ({"name": "r", "history": [{"match": "prefix"}]}, "valid 'uri'"),
        ({"name": "r", "history": [{"uri": "com.x", "limit": 0}]}, "positive integer"),
        ({"name": "r", "auth": {}}, "at least one method"),
        ({"name": "r", "auth": {"magic": {}}}, "unknown; there are anonymous"),
        ({"name": "r", "auth": {"ticket": {"users": {"joe": {}}}}}, "user 'joe' needs a 'ticket'"),
        ({"name": "r", "auth": {"wampcra": {"users": {"joe": {"secret": ""}}}}}, "needs 'secret'"),
        ({"name": "r", "auth": {"scram": {"users": {"joe": {"salt": "x"}}}}}, "must be hex"),
        ({"name": "r", "auth": {"cryptosign": {"users": {"joe": {"authorized_keys": ["ab"]}}}}}, "32 octets"),
        ({"name": "r", "auth": {"ticket": {"users": {"a": {"ticket": "b"}}, "authenticator": print}}}, "leave one out"),
    ],
)
def test_settings_that_make_no_sense(settings, text):
    with pytest.raises(ValueError, match=text):
        realm_config(settings)


def test_functions_by_name():
    assert role(authorizer="builtins:len").authorizer is len
