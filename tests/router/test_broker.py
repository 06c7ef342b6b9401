# SPDX-License-Identifier: MIT
"""The broker over sessions that only remember."""

from itertools import count

import pytest
from _fakes import FakeSession, deliver

from autobahn_fast.router.broker import Broker, InvalidOption, InvalidUri


@pytest.fixture
def broker():
    return Broker(deliver, count(1).__next__)


def events(*sessions):
    return [[(e[1], e[3], e[4]) for e in session.wire.take()] for session in sessions]


def test_an_event_goes_to_all_subscribers_in_order_but_not_to_its_publisher(broker):
    a, b, c = FakeSession(), FakeSession(), FakeSession()
    id = broker.subscribe(a, "com.x", "exact")
    assert broker.subscribe(b, "com.x", "exact") == id
    broker.publish(a, "com.x", None, "payload")
    broker.publish(c, "com.x", {"exclude_me": False}, "second")
    assert events(a, b, c) == [[(id, None, "second")], [(id, None, "payload"), (id, None, "second")], []]
    broker.publish(a, "com.x", {"exclude_me": False}, 3)
    assert events(a, b) == [[(id, None, 3)], [(id, None, 3)]]


def test_publication_ids_are_random_in_range_and_the_same_for_all_receivers(broker):
    a, b, publisher = FakeSession(), FakeSession(), FakeSession()
    broker.subscribe(a, "com.x", "exact")
    broker.subscribe(b, "com.", "prefix")
    ids = [broker.publish(publisher, "com.x", None, i) for i in range(100)]
    assert len(set(ids)) == 100 and all(1 <= id <= 2**53 for id in ids)
    assert [e[2] for e in a.wire.sent] == [e[2] for e in b.wire.sent] == ids


def test_once_for_each_matching_subscription_with_the_topic_for_patterns(broker):
    a, publisher = FakeSession(), FakeSession()
    exact, prefix, wildcard = (
        broker.subscribe(a, *what) for what in (("com.x.y", "exact"), ("com.", "prefix"), ("com..y", "wildcard"))
    )
    broker.publish(publisher, "com.x.y", None, 1)
    topic = {"topic": "com.x.y"}
    assert events(a) == [[(exact, None, 1), (prefix, topic, 1), (wildcard, topic, 1)]]


def test_what_was_matched_before_is_forgotten_when_subscriptions_come_and_go(broker):
    a, publisher = FakeSession(), FakeSession()
    broker.publish(publisher, "com.x", None, 0)
    for what in (("com.x", "exact"), ("com", "prefix"), (".x", "wildcard")):
        id = broker.subscribe(a, *what)
        broker.publish(publisher, "com.x", None, 1)
        assert len(a.wire.take()) == 1, what
        assert broker.unsubscribe(a, id)
        broker.publish(publisher, "com.x", None, 2)
        assert a.wire.take() == [], what
        assert not broker.unsubscribe(a, id)
    assert len(broker.subscriptions) == 0


def test_subscribing_twice_is_one_subscription(broker):
    a, publisher = FakeSession(), FakeSession()
    id = broker.subscribe(a, "com.x", "exact")
    assert broker.subscribe(a, "com.x", "exact") == id
    broker.publish(publisher, "com.x", None, 1)
    assert len(a.wire.take()) == 1
    broker.unsubscribe(a, id)
    broker.publish(publisher, "com.x", None, 1)
    assert a.wire.take() == []


@pytest.mark.parametrize(
    ("options", "receivers"),
    [
        ({"exclude": [1]}, [2, 3]),
        ({"exclude": [1, 2, 3]}, []),
        ({"eligible": [2]}, [2]),
        ({"exclude": [1.0, 2]}, [3]),  # as JavaScript libraries write large ids in MessagePack and CBOR
        ({"eligible": []}, []),
        ({"exclude_authid": ["a", "b"]}, [3]),
        ({"eligible_authid": ["a"]}, [1]),
        ({"exclude_authrole": ["guest"]}, [1, 2]),
        ({"eligible_authrole": ["guest", "nobody"]}, [3]),
        ({"eligible": [1, 2], "exclude_authid": ["a"]}, [2]),
        ({"eligible": [1, 3], "eligible_authrole": ["user"]}, [1]),
        ({}, [1, 2, 3]),
    ],
)
@pytest.mark.parametrize("match", ["exact", "prefix"])
def test_black_and_whitelists(broker, options, receivers, match):
    sessions = [FakeSession(authid=i, authrole=r) for i, r in (("a", "user"), ("b", "user"), ("c", "guest"))]
    for number, session in enumerate(sessions, 1):
        session.id = number
        broker.subscribe(session, "com.x", match)
    broker.publish(FakeSession(), "com.x", options, 1)
    assert [s.id for s in sessions if s.wire.sent] == receivers


@pytest.mark.parametrize(
    "options",
    [{"exclude": 1}, {"eligible": ["a"]}, {"eligible": [1.5]}, {"exclude_authid": [1]}, {"eligible_authrole": [[]]}],
)
def test_lists_of_the_wrong_type(broker, options):
    with pytest.raises(InvalidOption, match="must be a list of"):
        broker.publish(FakeSession(), "com.x", options, 1)


@pytest.mark.parametrize("topic", ["", "a..b", "a b", "com.", "wamp.session.on_join"])
def test_topics_that_cannot_be_published_to(broker, topic):
    with pytest.raises(InvalidUri):
        broker.publish(FakeSession(), topic, None, 1)


def test_encrypted_payloads_tell_how(broker):
    a, publisher = FakeSession(), FakeSession()
    id = broker.subscribe(a, "com.", "prefix")
    encryption = {"enc_algo": "cryptobox", "enc_serializer": "json", "enc_key": "k"}
    broker.publish(publisher, "com.x", dict(encryption), b"")
    assert events(a) == [[(id, {**encryption, "topic": "com.x"}, b"")]]


def test_a_session_that_is_gone_leaves_nothing(broker):
    a, b, publisher = FakeSession(), FakeSession(), FakeSession()
    for session in (a, b):
        broker.subscribe(session, "com.x", "exact")
    broker.subscribe(a, "com.y", "prefix")
    broker.subscribe(a, "..z", "wildcard")
    broker.remove(a)
    broker.publish(publisher, "com.x", None, 1)
    assert a.subscriptions == {} and a.wire.sent == [] and len(b.wire.sent) == 1
    broker.remove(b)
    assert len(broker.subscriptions) == 0


def test_the_memory_of_topics_is_bounded(broker):
    publisher = FakeSession()
    for i in range(25_000):
        broker.publish(publisher, f"com.x{i}", None, 1)
    broker.publish(publisher, "x" * 100_000, None, 1)
    assert len(broker._plans) <= 10_000
    assert max(map(len, broker._plans)) < 1000
