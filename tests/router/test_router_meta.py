# SPDX-License-Identifier: MIT
"""The router's own procedures, over broker and dealer with sessions that only remember."""

from itertools import count

import pytest
from _fakes import FakePayload, FakeSession, deliver
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast.router import testament
from autobahn_fast.router.broker import Broker
from autobahn_fast.router.dealer import Dealer
from autobahn_fast.router.meta import Meta
from autobahn_fast.router.meta_sessions import SessionMeta
from autobahn_fast.router.meta_tables import RegistrationMeta, SubscriptionMeta
from autobahn_fast.router.options import Refused
from autobahn_fast.router.testament import MAX_TESTAMENTS


class World:
    def __init__(self):
        ids = count(1).__next__
        self.sessions = {}
        self.broker = Broker(deliver, ids, history={("exact", "com.kept"): 3})
        self.testaments = testament.Testaments(self.broker, MsgPackCodec())
        self.meta = Meta(SessionMeta(self.sessions), SubscriptionMeta(self.broker), self.testaments)
        self.dealer = Dealer(ids, meta=self.meta.call)
        self.meta.add(RegistrationMeta(self.dealer))
        self.caller = self.join()

    def join(self, *features, **options):
        session = FakeSession(*features, **options)
        self.sessions[session.id] = session
        return session

    def ask(self, procedure, *args, **kwargs):
        self.dealer.call(self.caller, 5, procedure, None, FakePayload(*args, **kwargs))
        ((kind, code, request, details, *result),) = self.caller.wire.take()
        assert (kind, code, request, details) == ("send", 50, 5, {})
        return result[0][0] if result else "nothing"

    def refused(self, procedure, *args, **kwargs):
        with pytest.raises(Refused) as refused:
            self.ask(procedure, *args, **kwargs)
        assert refused.value.text
        return refused.value.error.removeprefix("wamp.error.")


@pytest.fixture
def world():
    return World()


# --- sessions ---


def test_count_list_get(world):
    a, b = world.join(authrole="user"), world.join(authrole="admin")
    ask = world.ask
    assert ask("wamp.session.count") == 3 and ask("wamp.session.list") == [world.caller.id, a.id, b.id]
    assert ask("wamp.session.count", ["user", "admin"]) == 2
    assert ask("wamp.session.list", filter_authroles=["user"]) == [a.id]
    assert ask("wamp.session.get", a.id) == a.details()
    assert world.refused("wamp.session.get", 99**9) == "no_such_session"


@pytest.mark.parametrize(
    ("how", "killed", "result"),
    [
        (("kill", "a"), "a", "nothing"),
        (("kill_by_authid", "anna"), "ab", "ids"),
        (("kill_by_authrole", "user"), "ac", 2),
        (("kill_all",), "abc", 3),
    ],
)
def test_kill(world, how, killed, result):
    world.caller.authid, world.caller.authrole = "anna", "user"
    sessions = {
        "a": world.join(authid="anna", authrole="user"),
        "b": world.join(authid="anna", authrole="admin"),
        "c": world.join(authid="carl", authrole="user"),
    }
    name, *args = how
    args = [sessions[arg].id if arg in sessions else arg for arg in args]
    found = world.ask(f"wamp.session.{name}", *args, reason="com.why", message="so")
    assert found == ([sessions[s].id for s in killed] if result == "ids" else result)
    assert "".join(s for s, session in sessions.items() if session.left == [("com.why", "so")]) == killed
    assert world.caller.left == []
    world.ask(f"wamp.session.{name}", *args)
    assert sessions[killed[0]].left[1] == ("wamp.close.killed", None)


def test_kills_that_are_refused(world):
    other = world.join()
    assert world.refused("wamp.session.kill", world.caller.id) == "no_such_session"
    assert world.refused("wamp.session.kill", 99**9) == "no_such_session"
    assert world.refused("wamp.session.kill", other.id, reason="not a uri") == "invalid_uri"
    assert world.refused("wamp.session.kill", other.id, reason="") == "invalid_uri"
    assert world.refused("wamp.session.kill_all", message=5) == "invalid_argument"
    assert other.left == []


# --- registrations and subscriptions ---


@pytest.mark.parametrize("noun", ["registration", "subscription"])
def test_tables(world, noun):
    role = {"registration": "callee", "subscription": "subscriber"}[noun]
    a, b = world.join(f"{role}.{noun}_revocation"), world.join()
    ids = {}
    for session in (a, b):
        for uri, match in (("com.x", "exact"), ("com.", "prefix"), ("com..y", "wildcard")):
            if noun == "registration":
                ids[match] = world.dealer.register(session, uri, match, "first")
            else:
                ids[match] = world.broker.subscribe(session, uri, match)
    ask = world.ask
    kept = {} if noun == "registration" else {"exact": [1, ids["exact"]]}
    assert ask(f"wamp.{noun}.list") == {**{match: [id] for match, id in ids.items()}, **kept}
    assert ask(f"wamp.{noun}.lookup", "com.x") == ids["exact"]
    assert ask(f"wamp.{noun}.lookup", "com.", {"match": "prefix"}) == ids["prefix"]
    assert ask(f"wamp.{noun}.lookup", "com.", {}) is None
    matching = ask(f"wamp.{noun}.match", "com.x.y")
    assert matching == (ids["prefix"] if noun == "registration" else [ids["prefix"], ids["wildcard"]])
    assert ask(f"wamp.{noun}.match", "org.x") is None
    details = ask(f"wamp.{noun}.get", ids["wildcard"])
    assert details.pop("created").endswith("Z")
    expected = {"id": ids["wildcard"], "uri": "com..y", "match": "wildcard"}
    assert details == (expected | {"invoke": "first"} if noun == "registration" else expected)
    assert ask(f"wamp.{noun}.list_{role}s", ids["exact"]) == [a.id, b.id]
    assert ask(f"wamp.{noun}.count_{role}s", ids["exact"]) == 2
    assert ask(f"wamp.{noun}.remove_{role}", ids["exact"], a.id, "com.why") == "nothing"
    code = {"registration": 67, "subscription": 35}[noun]
    assert a.wire.take() == [("send", code, 0, {noun: ids["exact"], "reason": "com.why"})]
    assert world.refused(f"wamp.{noun}.remove_{role}", ids["exact"], a.id) == "no_such_session"
    for name in ("get", f"list_{role}s", f"count_{role}s"):
        assert world.refused(f"wamp.{noun}.{name}", 99) == f"no_such_{noun}"
    assert world.refused(f"wamp.{noun}.lookup", "com.x", {"match": "regex"}) == "invalid_argument"


# --- history ---


def test_get_events(world):
    id = world.ask("wamp.subscription.lookup", "com.kept")
    for i in range(5):
        world.broker.publish(FakeSession(), "com.kept", None, FakePayload(i))
    get = "wamp.subscription.get_events"
    assert [event["args"] for event in world.ask(get, id)] == [[2], [3], [4]]
    assert [event["args"] for event in world.ask(get, id, limit=1)] == [[2]]
    assert [event["args"] for event in world.ask(get, id, 2)] == [[4], [3]]  # the way of Crossbar.io
    other = world.broker.subscribe(FakeSession(), "com.x", "exact")
    assert world.refused(get, other) == "history_unavailable"
    assert world.refused(get, 99) == "no_such_subscription"
    assert world.refused(get, id, 1, limit=1) == "invalid_argument"
    assert world.refused(get, id, since="yesterday") == "invalid_argument"


# --- testaments ---


def test_testaments(world):
    reader = FakeSession()
    world.broker.subscribe(reader, "com.", "prefix")
    add, flush = "wamp.session.add_testament", "wamp.session.flush_testaments"
    assert world.ask(add, "com.a", [1], {"k": 2}) == "nothing"
    world.ask(add, "com.b", [], {}, scope="detached")
    world.ask(add, "com.c", ["not for him"], {}, publish_options={"exclude": [reader.id], "acknowledge": True})
    world.ask(add, "com.d", [4], publish_options={"disclose_me": True})
    world.testaments.publish(world.caller)
    got = [(event[3]["topic"], event[4].values()) for event in reader.wire.take()]
    assert got == [("com.b", []), ("com.a", [[1], {"k": 2}]), ("com.d", [[4]])]
    world.testaments.publish(world.caller)
    assert reader.wire.take() == []
    for scope in ("detached", "destroyed", "destroyed"):
        world.ask(add, "com.x", [], {}, scope=scope)
    assert world.ask(flush) == 2 and world.ask(flush) == 0 and world.ask(flush, scope="detached") == 1


def test_testaments_that_are_refused(world):
    add = "wamp.session.add_testament"
    assert world.refused(add, "not a uri", [], {}) == "invalid_uri"
    assert world.refused(add, "wamp.x", [], {}) == "invalid_uri"
    assert world.refused(add, "com.x", [object()], {}) == "invalid_payload"
    assert world.refused(add, "com.x", [], {}, scope="never") == "invalid_argument"
    assert world.refused(add, "com.x", {}, []) == "invalid_argument"
    for _ in range(MAX_TESTAMENTS):
        world.ask(add, "com.x", [], {})
    assert world.refused(add, "com.x", [], {}) == "not_authorized"


def test_a_testament_with_options_of_the_wrong_type_is_dropped(world):
    reader = FakeSession()
    world.broker.subscribe(reader, "com.x", "exact")
    world.ask("wamp.session.add_testament", "com.x", [1], {}, publish_options={"eligible": 5})
    world.ask("wamp.session.add_testament", "com.x", [2], {})
    world.testaments.publish(world.caller)
    assert [event[4].values() for event in reader.wire.take()] == [[[2]]]


# --- whatever is asked ---

values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3), st.just({})
)
names = st.sampled_from(["session", "reason", "limit", "scope", "uri", "caller", "f", "filter_authroles", "id", "x"])


@given(st.data())
def test_any_arguments_end_in_a_result_or_an_error(data):
    world = World()
    procedure = data.draw(st.sampled_from(sorted(world.meta._procedures)))
    args = data.draw(st.lists(values, max_size=4))
    kwargs = data.draw(st.dictionaries(names, values, max_size=3))
    payload = FakePayload(*args)
    payload._values = [args, kwargs] if kwargs else [args]
    try:
        world.dealer.call(world.caller, 5, procedure, None, payload)
    except Refused as exc:
        assert exc.error.startswith("wamp.error.")


def test_calls_that_reach_no_procedure(world):
    assert world.refused("wamp.session.nothing") == "no_such_procedure"
    with pytest.raises(Refused) as refused:
        world.dealer.call(world.caller, 5, "wamp.session.count", {"progress": True}, FakePayload())
    assert refused.value.error == "wamp.error.feature_not_supported"
    payload = FakePayload()
    payload._values = [b"encrypted"]
    with pytest.raises(Refused):
        world.dealer.call(world.caller, 5, "wamp.session.count", None, payload)


def test_no_pattern_gets_the_routers_procedures(world):
    world.dealer.register(world.join(), "", "prefix", "single")
    assert world.ask("wamp.session.count") == 2
