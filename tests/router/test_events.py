# SPDX-License-Identifier: MIT
"""Events beyond plain ones: disclosed publishers, trust levels, shards, retained events, history, revocation."""

from datetime import datetime
from itertools import count

import pytest
from _fakes import FakePayload, FakeSession, deliver

from autobahn_fast.router.broker import Broker
from autobahn_fast.router.history import FILTERS
from autobahn_fast.router.options import InvalidOption, InvalidUri, Refused
from autobahn_fast.router.retention import Retained, Retention

PPT = ("publisher.payload_passthru_mode", "subscriber.payload_passthru_mode")


@pytest.fixture
def told():
    return []


@pytest.fixture
def broker(told):
    return Broker(deliver, count(1).__next__, lambda *event: told.append(event))


def events(session):
    return [(e[3], e[4]) for e in session.wire.take() if e[0] == "event"]


def test_disclosed_publishers(broker):
    a, publisher = FakeSession(), FakeSession(authrole="sensor")
    broker.subscribe(a, "com.", "prefix")
    broker.publish(publisher, "com.x", {"disclose_me": True}, 1)
    who = {"publisher": publisher.id, "publisher_authid": publisher.authid, "publisher_authrole": "sensor"}
    assert events(a) == [({**who, "topic": "com.x"}, 1)]
    broker.publish(publisher, "com.x", None, 2, {"trustlevel": 0})
    assert events(a) == [({"trustlevel": 0, "topic": "com.x"}, 2)]


def test_publishers_that_may_not_be_disclosed():
    broker = Broker(deliver, count(1).__next__, may_disclose=False)
    with pytest.raises(Refused) as refused:
        broker.publish(FakeSession(), "com.x", {"disclose_me": True}, 1)
    assert refused.value.error == "wamp.error.option_disallowed.disclose_me"


def test_shards(broker):
    publisher, whole = FakeSession(), FakeSession()
    nodes = [FakeSession() for _ in range(6)]
    broker.subscribe(whole, "com.x", "exact")
    for position, node in enumerate(nodes):
        broker.subscribe(node, "com.x", "exact", f"node{position // 2}")
    got = {}
    for key in map(str, range(50)):
        broker.publish(publisher, "com.x", {"rkey": key}, key)
        got[key] = [position for position, node in enumerate(nodes) if events(node)]
        assert len(events(whole)) == 1
    assert {tuple(shard) for shard in got.values()} == {(0, 1), (2, 3), (4, 5)}
    broker.publish(publisher, "com.x", {"rkey": "7"}, 0)
    assert [position for position, node in enumerate(nodes) if events(node)] == got["7"]
    broker.publish(publisher, "com.x", None, 0)
    assert all(events(node) for node in nodes)
    with pytest.raises(InvalidOption):
        broker.publish(publisher, "com.x", {"rkey": []}, 0)


def test_passthru_goes_to_those_who_announced_it(broker):
    publisher, knows, unaware = FakeSession(*PPT), FakeSession(*PPT), FakeSession()
    for session in (knows, unaware):
        broker.subscribe(session, "com.x", "exact")
    broker.publish(publisher, "com.x", {"ppt_scheme": "x_my"}, 1)
    assert (events(knows), events(unaware)) == ([({"ppt_scheme": "x_my"}, 1)], [])
    with pytest.raises(InvalidOption):
        broker.publish(unaware, "com.x", {"ppt_scheme": "x_my"}, 1)


def test_revocation(broker, told):
    knows, unaware = FakeSession("subscriber.subscription_revocation"), FakeSession()
    for session in (knows, unaware):
        id = broker.subscribe(session, "com.x", "exact")
    subscription = broker.by_id[id]
    for session in (knows, unaware):
        assert broker.revoke(subscription, session, "com.reason")
        assert not broker.revoke(subscription, session, None)
    assert knows.wire.take() == [("send", 35, 0, {"subscription": id, "reason": "com.reason"})]
    assert unaware.wire.take() == [] and not broker.by_id and not knows.subscriptions
    assert [event.rpartition(".")[2] for event, *_ in told] == [
        *("on_create", "on_subscribe", "on_subscribe", "on_unsubscribe", "on_unsubscribe", "on_delete"),
    ]


def test_meta_topics_cause_no_meta_events(broker, told):
    a = FakeSession()
    id = broker.subscribe(a, "wamp.session.on_join", "exact")
    broker.announce("wamp.session.on_join", lambda: "made")
    assert a.wire.take()[0][4] == "made"
    broker.unsubscribe(a, id)
    broker.announce("wamp.session.on_join", lambda: pytest.fail("nobody is there"))
    assert told == []
    with pytest.raises(InvalidUri):
        broker.publish(a, "wamp.session.on_join", None, 1)


# --- retention ---


def ask(broker, session, uri="com.x", match="exact"):
    broker.send_retained(session, broker.subscribe(session, uri, match))
    return events(session)


def test_the_last_retained_event_is_for_later_subscribers(broker):
    publisher, a = FakeSession(), FakeSession()
    for i in range(3):
        broker.publish(publisher, "com.x", {"retain": True}, i)
    broker.publish(publisher, "com.x", None, "not retained")
    assert ask(broker, a) == [({"retained": True}, 2)]
    assert ask(broker, FakeSession(), "com.y") == []


def test_retained_events_of_a_pattern(broker):
    publisher = FakeSession()
    for topic in ("com.x.a", "com.y.a", "org.x.a"):
        broker.publish(publisher, topic, {"retain": True}, topic)
    assert ask(broker, FakeSession(), "com.", "prefix") == [
        ({"retained": True, "topic": topic}, topic) for topic in ("com.x.a", "com.y.a")
    ]
    assert [payload for _, payload in ask(broker, FakeSession(), ".x.a", "wildcard")] == ["com.x.a", "org.x.a"]


def test_who_was_not_eligible_gets_no_retained_event(broker):
    publisher = FakeSession()
    broker.publish(publisher, "com.x", {"retain": True}, "all")
    broker.publish(publisher, "com.x", {"retain": True, "eligible_authrole": ["admin"]}, "admins")
    broker.publish(publisher, "com.x", {"retain": True, "exclude_authid": ["joe"], "eligible_authrole": ["admin"]}, 3)
    assert ask(broker, FakeSession())[0][1] == "all"
    assert ask(broker, FakeSession(authrole="admin"))[0][1] == 3
    assert ask(broker, FakeSession(authrole="admin", authid="joe"))[0][1] == "admins"


def test_a_publisher_gets_what_it_would_have_got(broker):
    publisher, other = FakeSession(), FakeSession()
    broker.publish(other, "com.x", {"retain": True}, "other's")
    broker.publish(publisher, "com.x", {"retain": True}, "own")
    assert ask(broker, publisher)[0][1] == "other's"
    assert ask(broker, FakeSession())[0][1] == "own"
    broker.publish(publisher, "com.x", {"retain": True, "exclude_me": False}, "own again")
    publisher.wire.take()
    assert ask(broker, publisher)[0][1] == "own again"


def test_retention_is_bounded():
    retention, reader = Retention(max_topics=10), FakeSession()
    for i in range(20):
        retention.keep(f"com.x{i}", Retained(i, None, i, None, None))
        retention.keep("com.x0", Retained(i, None, i, None, lambda session: False))
    assert len(list(retention.find(reader, lambda topic: True))) == 9
    assert len(retention._topics["com.x0"]) < 12


# --- history ---


@pytest.fixture
def recorded():
    broker = Broker(deliver, count(1).__next__, history={("exact", "com.x"): 5, ("prefix", "com."): 100})
    publisher = FakeSession()
    ids = [broker.publish(publisher, "com.x", None, FakePayload(i, n=i)) for i in range(8)]
    broker.publish(publisher, "com.y", None, FakePayload())
    return broker, ids


def history(broker, uri="com.x", match="exact", reader=None, **filters):
    found = broker.subscriptions.get(match, uri).history.find(reader or FakeSession(), **filters)
    return [(event.payload.values() or [[None]])[0][0] for event in found]


def test_history_has_the_last_events_before_anybody_subscribed(recorded):
    broker, ids = recorded
    assert history(broker) == [3, 4, 5, 6, 7]
    assert history(broker, "com.", "prefix") == [*range(8), None]
    event = broker.subscriptions.get("exact", "com.x").history.find(FakeSession())[0].shown(1)
    assert datetime.fromisoformat(event.pop("timestamp")).tzinfo is not None
    assert event == {
        "subscription": 1,
        "publication": ids[3],
        "topic": "com.x",
        "details": {},
        "args": [3],
        "kwargs": {"n": 3},
    }


def test_filters(recorded):
    broker, ids = recorded
    assert history(broker, reverse=True, limit=2) == [7, 6]
    assert history(broker, limit=2) == [3, 4]
    assert history(broker, from_publication=ids[5]) == [5, 6, 7]
    assert history(broker, after_publication=ids[5]) == [6, 7]
    assert history(broker, before_publication=ids[5]) == [3, 4]
    assert history(broker, until_publication=ids[5]) == [3, 4, 5]
    assert history(broker, after_publication=ids[3], before_publication=ids[6], limit=1) == [4]
    assert history(broker, "com.", "prefix", topic="com.y") == [None]
    assert history(broker, **dict.fromkeys(FILTERS)) == [3, 4, 5, 6, 7]
    stamp = broker.subscriptions.get("exact", "com.x").history.find(FakeSession())[2].shown(1)["timestamp"]
    after, before = history(broker, after_time=stamp), history(broker, before_time=stamp)
    at = [n for n in history(broker, from_time=stamp) if n not in after]
    assert 5 in at and before + at == history(broker, until_time=stamp)
    assert before + at + after == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "filters",
    [{"limit": 0}, {"limit": "1"}, {"from_time": 5}, {"until_time": "yesterday"}, {"from_publication": -1}],
)
def test_filters_that_make_no_sense(recorded, filters):
    with pytest.raises(Refused) as refused:
        history(recorded[0], **filters)
    assert refused.value.error == "wamp.error.invalid_argument"


def test_history_shows_nobody_what_was_not_for_him(recorded):
    broker, _ = recorded
    publisher = FakeSession()
    broker.publish(publisher, "com.x", {"eligible": [1]}, FakePayload("by session"))
    broker.publish(publisher, "com.x", {"exclude": []}, FakePayload("by session"))
    broker.publish(publisher, "com.x", {"eligible_authrole": ["admin"]}, FakePayload("for admins"))
    assert history(broker) == [4, 5, 6, 7]
    assert history(broker, reader=FakeSession(authrole="admin")) == [4, 5, 6, 7, "for admins"]


def test_a_subscription_with_history_stays(recorded):
    broker, _ = recorded
    a = FakeSession()
    id = broker.subscribe(a, "com.x", "exact")
    broker.remove(a)
    assert broker.by_id[id].history is not None
