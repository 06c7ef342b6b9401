# SPDX-License-Identifier: MIT
"""The compiled relay: payloads pass unchanged between all serializers, heads are right, bad input ends in one place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast._core.cbor import CborCodec
from autobahn_fast._core.codec import DecodeError, EncodeError, Statistics
from autobahn_fast._core.engine import CallbackSink, PayloadTooLarge
from autobahn_fast._core.frames import WebSocketEngine
from autobahn_fast._core.json import JsonCodec
from autobahn_fast._core.msgpack import MsgPackCodec
from autobahn_fast._core.relay import Payload, RouterWire, fan_out
from autobahn_fast._core.ubjson import UbjsonCodec

CODECS = {"msgpack": MsgPackCodec(), "cbor": CborCodec(), "json": JsonCodec(), "ubjson": UbjsonCodec()}
NAMES = sorted(CODECS)
codec_names = st.sampled_from(NAMES)


class Client:
    """A router's connection to a client, and what the client gets; as a session it remembers what the wire tells it."""

    def __init__(self, name="msgpack", max_send=0, statistics=None):
        self.codec = CODECS[name]
        self.received, self.frames, self.calls, self.failures = [], [], [], []
        engine = WebSocketEngine(self, True, max_send=max_send)
        self._peer = WebSocketEngine(self, False)
        self._peer.set_sink(CallbackSink(lambda payload, binary: self.received.append(self._checked(payload, binary))))
        engine.attach(self._write, lambda f: None)
        self.wire = RouterWire(engine, self.codec, self, self._parse, statistics)
        self.wire.joined = True

    def _checked(self, payload, binary):
        assert binary == self.codec.binary
        return self.codec.loads(payload)

    def _write(self, octets):
        self.frames.append(bytes(octets))
        self._peer.feed(octets)

    def take(self):
        self.wire.engine.flush()
        received, self.received = self.received, []
        return received

    def say(self, *raw, octets=None):
        self.wire.receive(self.codec.dumps(list(raw)) if octets is None else octets, self.codec.binary)
        calls, self.calls = self.calls, []
        return calls

    @staticmethod
    def _parse(raw):
        if raw[0] == 99:
            raise ValueError("not a message")
        return raw

    def _on_publish(self, *args):
        self.calls.append(("publish", *args))

    def _on_call(self, *args):
        self.calls.append(("call", *args))

    def _on_yield(self, *args):
        self.calls.append(("yield", *args))

    def _on_error(self, *args):
        self.calls.append(("error", *args))

    def on_message(self, msg):
        self.calls.append(("message", msg))

    def _on_failure(self, exc):
        self.failures.append(exc)

    def _on_lag(self):
        self.calls.append(("lag",))

    def _on_dropped(self, exc, subscription):
        self.calls.append(("dropped", type(exc), subscription))

    def on_violation(self, code, reason):
        raise AssertionError(reason)


numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
arguments = st.one_of(
    st.just([]),
    st.lists(values, max_size=4).map(lambda args: [args]),
    st.tuples(st.lists(values, max_size=4), st.dictionaries(texts, values, max_size=4)).map(list),
)


@given(codec_names, codec_names, arguments)
def test_a_payload_arrives_as_it_was_sent(source, target, elements):
    sender, receiver = Client(source), Client(target)
    ((kind, request, options, topic, payload),) = sender.say(16, 1, {}, "com.x", *elements)
    assert (kind, request, options, topic, payload.count) == ("publish", 1, None, "com.x", len(elements))
    assert fan_out((receiver.wire,), None, 5, 6, None, payload) == 1
    assert receiver.take() == [[36, 5, 6, {}, *elements]]
    receiver.wire.invocation(7, 8, {"procedure": "com.y"}, payload)
    receiver.wire.result(9, {"progress": True}, payload)
    receiver.wire.error(48, 10, "com.error", None, payload)
    assert receiver.take() == [
        [68, 7, 8, {"procedure": "com.y"}, *elements],
        [50, 9, {"progress": True}, *elements],
        [8, 48, 10, {}, "com.error", *elements],
    ]
    assert not sender.failures


@given(codec_names, arguments)
def test_the_same_serializer_gets_the_same_octets(name, elements):
    sender, receiver = Client(name), Client(name)
    octets = sender.codec.dumps([16, 1, {"acknowledge": True}, "com.x", *elements])
    ((*_, options, _, payload),) = sender.say(octets=octets)
    assert options == {"acknowledge": True}
    assert payload.octets in octets
    assert payload.octets_in(receiver.codec) is payload.octets


@pytest.mark.parametrize("name", NAMES)
def test_the_messages_that_are_taken_apart(name):
    client = Client(name)
    for raw, expected in (
        ([16, 1, {"a": 1}, "com.x", [1]], ("publish", 1, {"a": 1}, "com.x")),
        ([48, 2, {}, "com.x"], ("call", 2, None, "com.x")),
        ([70, 3, {"progress": True}, [1], {"k": 2}], ("yield", 3, {"progress": True})),
        ([8, 68, 4, {}, "com.error", [1]], ("error", 4, None, "com.error")),
    ):
        ((*head, payload),) = client.say(*raw)
        assert tuple(head) == expected
        assert payload.values() == [e for e in raw[4 if raw[0] != 70 else 3 :] if e != "com.error"]
    assert client.say(32, 1, {}, "com.x") == [("message", [32, 1, {}, "com.x"])]
    assert not client.failures


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 2, 50])
def test_fan_out_to_many_of_all_kinds(name, size):
    ((*_, payload),) = Client(name).say(16, 1, {}, "com.x", ["ä", b"\x00\xff"], {"k": [1.5]})
    clients = [Client(NAMES[i % 3]) for i in range(size)]
    wires = tuple(c.wire for c in clients)
    assert fan_out(wires, clients[0].wire, 5, 6, {"topic": "com.x"}, payload) == size - 1
    assert clients[0].take() == []
    for client in clients[1:]:
        assert client.take() == [[36, 5, 6, {"topic": "com.x"}, ["ä", b"\x00\xff"], {"k": [1.5]}]]


def test_a_payload_is_encoded_once_for_each_serializer():
    payload = Payload(CODECS["msgpack"], [["x" * 100]])
    assert payload.octets_in(CODECS["json"]) is payload.octets_in(JsonCodec())
    assert payload.octets_in(CODECS["cbor"]) is not payload.octets_in(CODECS["json"])


def test_a_payload_another_serializer_cannot_write():
    nan = Payload(CODECS["msgpack"], [[math.nan, {b"octets": 1}]])
    try:
        expected = CODECS["json"].dumps(nan.values()[0])
    except EncodeError:
        expected = None
    assert expected is None, "JSON has become able to write this: choose another value"
    clients = [Client("json"), Client("msgpack"), Client("json")]
    assert fan_out(tuple(c.wire for c in clients), None, 5, 6, None, nan) == 1
    assert clients[0].calls == clients[2].calls == [("dropped", EncodeError, 5)]
    assert len(clients[1].take()) == 1
    for _ in range(2):
        with pytest.raises(EncodeError, match="sent as msgpack cannot be written as json"):
            clients[0].wire.invocation(1, 2, None, nan)
    clients[0].wire.error_text(48, 1, "com.error", "text")
    assert clients[0].take() == [[8, 48, 1, {}, "com.error", ["text"]]]


@pytest.mark.parametrize(
    ("name", "undefined"), [("cbor", b"\xf7"), ("msgpack", b"\xd4\x00\x00")], ids=["cbor", "msgpack"]
)
def test_undefined_of_javascript_is_null_in_arrays_and_absent_from_maps_elsewhere(name, undefined):
    raw = CODECS[name].dumps([16, 1, {}, "com.x", [200, {"no": 200, "in": [200]}], {"no": 200, "text": "\u0401\xf7"}])
    ((*_, payload),) = Client(name).say(octets=raw.replace(CODECS[name].dumps(200), undefined))
    clients = [Client(other) for other in NAMES if other != name]
    fan_out(tuple(client.wire for client in clients), None, 5, 6, None, payload)
    for client in clients:
        assert client.take() == [[36, 5, 6, {}, [None, {"in": [None]}], {"text": "\u0401\xf7"}]]


def test_a_message_a_client_does_not_take_is_not_half_sent():
    big = Payload(CODECS["msgpack"], [["x" * 2000]])
    small, large = Client(max_send=1000), Client()
    assert fan_out((small.wire, large.wire), None, 5, 6, None, big) == 1
    assert fan_out((small.wire,), None, 5, 6, None, big) == 0
    assert small.calls == [("dropped", PayloadTooLarge, 5)] * 2
    with pytest.raises(PayloadTooLarge):
        small.wire.result(1, None, big)
    small.wire.result(1, None, Payload(CODECS["msgpack"], []))
    assert small.take() == [[50, 1, {}]] and len(large.take()) == 1


def test_nothing_happens_on_a_closed_connection():
    one, two = Client(), Client()
    one.wire.engine.detach()
    payload = Payload(CODECS["msgpack"], [[1]])
    fan_out((one.wire, two.wire), None, 1, 2, None, payload)
    one.wire.result(1, None, payload)
    one.wire.error_text(48, 1, "com.error", "text")
    assert one.take() == [] and len(two.take()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_counters(name):
    statistics = Statistics()
    client = Client(name, statistics=statistics)
    client.say(16, 1, {}, "com.x", [1])
    fan_out((client.wire,), None, 1, 2, None, Payload(client.codec, [[1]]))
    fan_out((client.wire, client.wire), None, 1, 2, None, Payload(client.codec, [[1]]))
    assert client.wire.engine.messages_out == 3
    assert statistics.serialized_messages == 3 and statistics.unserialized_messages == 1
    assert statistics.serialized_bytes == 3 * len(client.codec.dumps([36, 1, 2, {}, [1]]))


ABSENT = {"msgpack": b"\xd4\x00\x00", "cbor": b"\xf7", "json": b"null", "ubjson": b"Z"}


@pytest.mark.parametrize("name", NAMES)
def test_undefined_options_are_absent_ones(name):
    client = Client(name)
    octets = client.codec.dumps([16, 1, {"exclude_me": 77777}, "com.x"])
    client.codec.loads(octets)
    ((*_, options, _, _),) = client.say(octets=octets.replace(client.codec.dumps(77777), ABSENT[name]))
    assert options is None
    octets = client.codec.dumps([32, 1, {"match": 77777, "get_retained": True}, "com.x"])
    (message,) = client.say(octets=octets.replace(client.codec.dumps(77777), ABSENT[name]))
    assert message == ("message", [32, 1, {"get_retained": True}, "com.x"])
    assert not client.failures


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("elements", "expected"),
    [([None], []), ([None, None], []), ([[1], None], [[1]]), ([None, {"k": 1}], [[], {"k": 1}]), ([[], {}], [[], {}])],
)
def test_null_in_place_of_arguments(name, elements, expected):
    ((*_, payload),) = Client(name).say(16, 1, {}, "com.x", *elements)
    assert payload.values() == expected and payload.count == len(expected)


@pytest.mark.parametrize("name", NAMES)
def test_encrypted_payloads_pass(name):
    ((*_, payload),) = Client(name).say(16, 1, {"enc_algo": "cryptobox"}, "com.x", b"\x00secret")
    for target in NAMES:
        client = Client(target)
        fan_out((client.wire,), None, 1, 2, {"enc_algo": "cryptobox"}, payload)
        assert client.take() == [[36, 1, 2, {"enc_algo": "cryptobox"}, b"\x00secret"]]


BAD = [
    [],
    ["x"],
    [None],
    [-1],
    [16],
    [16, 1],
    [16, 1, {}],
    [16, 0, {}, "com.x"],
    [16, -1, {}, "com.x"],
    [16, 2**53 + 1, {}, "com.x"],
    [16, 1.5, {}, "com.x"],
    [16, "1", {}, "com.x"],
    [16, True, {}, "com.x"],
    [16, 1, [], "com.x"],
    [16, 1, None, "com.x"],
    [16, 1, {}, 5],
    [16, 1, {}, None],
    [16, 1, {}, ["com.x"]],
    [16, 1, {}, "com.x", {}],
    [16, 1, {}, "com.x", "text"],
    [16, 1, {}, "com.x", b"octets"],
    [16, 1, {}, "com.x", 5],
    [16, 1, {}, "com.x", [], []],
    [16, 1, {}, "com.x", [], "x"],
    [16, 1, {}, "com.x", [], {}, 1],
    [16, 1, {"enc_algo": "x"}, "com.x", b"octets", {}],
    [48, 1, {}],
    [48, {}, {}, "com.x"],
    [70, 1],
    [70, 1, {}, {}],
    [8, 48, 1, {}, "com.error"],
    [8, 68, 1, {}],
    [8, 68, 0, {}, "com.error"],
    [8, 68, 1, {}, 5],
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("raw", BAD, ids=repr)
def test_what_is_no_message_ends_in_a_decode_error(name, raw):
    client = Client(name)
    assert client.say(*raw) == []
    assert [type(exc) for exc in client.failures] == [DecodeError]
    assert str(client.failures[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_wrong_kind_of_message_and_no_octets(name):
    client = Client(name)
    client.wire.receive(client.codec.dumps([16, 1, {}, "com.x"]), not client.codec.binary)
    client.say(octets=b"")
    assert [type(exc) for exc in client.failures] == [DecodeError] * 2 and client.calls == []


@pytest.mark.parametrize("code", [16, 48, 70])
def test_nothing_passes_before_the_session_has_joined(code):
    client = Client()
    client.wire.joined = False
    assert client.say(code, 1, {}, "com.x") == [] and len(client.failures) == 1
    assert client.say(1, "realm1", {}) == [("message", [1, "realm1", {}])]


def test_what_the_session_raises_is_told_to_it():
    client = Client()
    client.say(99)
    assert [str(exc) for exc in client.failures] == ["not a message"]


def test_a_closed_wire_takes_nothing():
    client = Client()
    client.wire.close()
    assert client.say(16, 1, {}, "com.x") == [] and client.failures == []


UNSOUND = {
    "msgpack": [
        b"\x91\xa1\xff",  # not UTF-8
        b"\x91\xc1",
        b"\x91\xa3\xed\xa0\x80",  # a surrogate
        b"\x91\xd9\x05ab",
        b"\x91\xdb\xff\xff\xff\xffab",
        b"\xdd\xff\xff\xff\xff\x01",
        b"\x91" * 600 + b"\x01",
        b"\x91\x81\x90\x01",  # a list as a key
        b"\x92\x01",
        b"\x91\xcf\x01",
        b"\x91\x83\xa1a\x01",
    ],
    "cbor": [
        b"\x81\x61\xff",
        b"\x9f\x01",
        b"\x82\x01",
        b"\x81\x1c",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x81" * 600 + b"\x01",
    ],
    "ubjson": [
        b"[SU\x01\xff]",
        b"[E]",
        b"[SU\x05ab]",
        b"[#m\xff\xff\xff\xffZ",
        b"[$Z#U\x05",
        b"[" * 600 + b"]" * 600,
        b"[{[]Z}]",
        b"[Z",
        b"[HU\x01x]",
    ],
    "json": [b'["\\x"]', b'["\xff"]', b"[1", b"[1,]", b"[01]", b"[nul]", b"[{1:2}]", b"[" * 600 + b"]" * 600],
}


@pytest.mark.parametrize(("name", "octets"), [(name, octets) for name in NAMES for octets in UNSOUND[name]], ids=repr)
def test_what_other_clients_could_not_read_is_not_passed_on(name, octets):
    client = Client(name)
    message = client.codec.dumps([16, 1, {}, "com.x", 77777])
    client.say(octets=message.replace(client.codec.dumps(77777), octets))
    assert [type(exc) for exc in client.failures] == [DecodeError]
    assert client.calls == []


@given(codec_names, arguments, st.data())
def test_cut_and_changed_messages_never_pass_as_something_unreadable(name, elements, data):
    client = Client(name)
    octets = bytearray(client.codec.dumps([16, 1, {}, "com.x", *elements]))
    at = data.draw(st.integers(0, len(octets) - 1))
    if data.draw(st.booleans()):
        del octets[at:]
    else:
        octets[at] = data.draw(st.integers(0, 255))
    calls = client.say(octets=bytes(octets))
    assert len(calls) + len(client.failures) == 1
    assert all(isinstance(exc, DecodeError) for exc in client.failures)
    for kind, *_, payload in calls:
        if kind == "publish":
            payload.values()


def test_deep_payloads_that_are_sound_pass():
    deep = 1
    for _ in range(300):
        deep = [deep]
    ((*_, payload),) = Client().say(16, 1, {}, "com.x", deep)
    assert payload.values() == [deep]


def test_extensions_that_are_sound_pass():
    client = Client()
    octets = client.codec.dumps([16, 1, {}, "com.x", 77777]).replace(client.codec.dumps(77777), b"\x91\xd4\x05\x00")
    assert len(client.say(octets=octets)) == 1


def test_lag_is_told_only_beyond_the_limit_and_only_while_paused():
    client = Client()
    client.wire.max_lag = 1000
    payload = Payload(client.codec, [["x" * 600]])
    for _ in range(5):
        client.wire.result(1, None, payload)
        client.wire.engine.flush()
    client.wire.pause()
    for _ in range(2):
        client.wire.result(1, None, payload)
        client.wire.engine.flush()
    assert client.calls == [] and client.wire.paused
    client.wire.result(1, None, payload)
    assert client.calls == [("lag",)]
    client.wire.set_lag(0)
    client.wire.result(1, None, payload)
    assert client.calls == [("lag",)]
    client.wire.resume()
    for _ in range(5):
        client.wire.result(1, None, payload)
        client.wire.engine.flush()
    assert client.calls == [("lag",)]
