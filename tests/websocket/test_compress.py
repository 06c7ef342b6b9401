# SPDX-License-Identifier: MIT
"""The codecs of all extensions: messages both ways, limits, corrupt octets; and permessage-deflate by its RFC."""

from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
import zlib

import pytest
from _compress_helpers import CODECS, ZLIBS, pack, pair, unpack, zlib_of
from hypothesis import given, settings
from hypothesis import strategies as st

from autobahn_fast.exception import PayloadCorruptError, PayloadExceededError
from autobahn_fast.websocket import _zlib
from autobahn_fast.websocket.compress_base import PART, PerMessageCompress
from autobahn_fast.websocket.compress_deflate import MAX_STREAMS, PerMessageDeflate

NOISE = random.Random(1).randbytes(70_000)
MESSAGES = (b"hello", b"", b"", b"hello" * 30_000, NOISE, b"x", bytes(300_000), b"hello")
every = pytest.mark.parametrize("name", CODECS)


@every
@pytest.mark.parametrize("alone", [False, True])
def test_messages(name, alone):
    client, server = pair(name, alone)
    for sender, receiver in ((client, server), (server, client)):
        for message in MESSAGES:
            data = pack(sender, message)
            assert unpack(receiver, data) == message
            assert len(data) < len(message) + 1000


@every
def test_messages_in_parts(name):
    client, server = pair(name)
    data = pack(client, b"hello", b"", b"hello" * 1000, NOISE)
    for step in (1, 7, 4096):
        server.start_decompress_message()
        out = b"".join(server.decompress_message_data(data[i : i + step]) for i in range(0, len(data), step))
        server.end_decompress_message()
        assert out == b"hello" * 1001 + NOISE
        client, server = pair(name)
        assert data == pack(client, b"hello", b"", b"hello" * 1000, NOISE)


@every
def test_without_context_takeover_every_message_stands_alone(name):
    client, _ = pair(name, True)
    first = pack(client, b"hello" * 50)
    assert pack(client, b"hello" * 50) == first
    for data in (first, first):
        assert unpack(pair(name, True)[1], data) == b"hello" * 50


@pytest.mark.parametrize("z", ZLIBS)
def test_context_takeover_refers_to_the_messages_before(z):
    client, server = pair(f"deflate/{z}")
    first, second = pack(client, NOISE[:1000]), pack(client, NOISE[:1000])
    assert len(second) < 100 < len(first)
    assert unpack(server, first) == unpack(server, second) == NOISE[:1000]


@every
def test_limit(name):
    client, server = pair(name)
    data = pack(client, bytes(100_000))
    assert unpack(server, data, 100_000) == bytes(100_000)
    for limit in (0, 1, 99_999):
        client, server = pair(name)
        with pytest.raises(PayloadExceededError, match="larger|more octets"):
            unpack(server, pack(client, bytes(100_000)), limit)
    # it is for the whole message
    client, server = pair(name)
    server.start_decompress_message()
    with pytest.raises(PayloadExceededError):
        for octet in pack(client, NOISE):
            server.decompress_message_data(bytes([octet]), 69_000)
    # and starts again with every message
    client, server = pair(name)
    for _ in range(3):
        assert unpack(server, pack(client, NOISE), 70_000) == NOISE


@every
def test_limit_of_the_codec(name):
    client, server = pair(name)
    server.max_message_size = 1000
    assert unpack(server, pack(client, b"x" * 1000)) == b"x" * 1000
    with pytest.raises(PayloadExceededError):
        unpack(server, pack(client, b"x" * 1001))
    client, server = pair(name)
    server.max_message_size = 1000
    with pytest.raises(PayloadExceededError):
        unpack(server, pack(client, b"x" * 900), 800)


@pytest.mark.parametrize("name", [c for c in CODECS if c != "snappy"])
def test_bomb(name):
    client, server = pair(name)
    zeros = bytes(1 << 20)
    bomb = pack(client, *(zeros for _ in range(100)))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(PayloadExceededError):
            unpack(server, bomb, 1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 << 20


@every
@pytest.mark.parametrize("alone", [False, True])
def test_octets_that_are_no_message(name, alone):
    whole = pack(pair(name, alone)[0], b"hello" * 100 + NOISE[:500])
    for data in (b"\xff\xfe\xfd garbage", b"\x07" * 30, whole[: len(whole) // 2], whole[:-20], whole[:3]):
        with pytest.raises(PayloadCorruptError, match="permessage-"):
            unpack(pair(name, alone)[1], data)


@pytest.mark.parametrize("name", ["bzip2", "brotli", "snappy"])
def test_octets_behind_the_end(name):
    client, server = pair(name)
    data = pack(client, b"hello")
    with pytest.raises(PayloadCorruptError):
        unpack(server, data + b"more")
    client, server = pair(name)
    server.start_decompress_message()
    with pytest.raises(PayloadCorruptError):
        server.decompress_message_data(pack(client, b"hello"))
        server.decompress_message_data(b"more")
        server.end_decompress_message()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CODECS),
    st.booleans(),
    st.binary(max_size=400),
    st.integers(0, 2000),
    st.binary(max_size=3),
    st.data(),
)
def test_mutations_raise_nothing_else(name, alone, payload, at, other, data):
    client, server = pair(name, alone)
    octets = bytearray(pack(client, payload * 3))
    at %= len(octets) or 1
    octets[at : at + data.draw(st.integers(0, 3))] = other
    for limit in ((), (1000,)):
        try:
            out = unpack(server, bytes(octets), *limit)
        except (PayloadCorruptError, PayloadExceededError):
            server = pair(name, alone)[1]
        else:
            assert not limit or len(out) <= limit[0]


def test_the_base_class_says_what_it_is():
    base = PerMessageCompress()
    base.start_decompress_message()
    for call in (base.start_compress_message, base.end_compress_message):
        with pytest.raises(RuntimeError, match="base class"):
            call()
    for call in (base.compress_message_data, base.decompress_message_data):
        with pytest.raises(RuntimeError, match="base class"):
            call(b"x")


# --- permessage-deflate: RFC 7692, section 7.2.3 ---


def codec(z: str, alone: bool = False) -> PerMessageDeflate:
    with zlib_of(z):
        return PerMessageDeflate(True, alone, alone, 0, 0, None)


@pytest.mark.parametrize("z", [f"deflate/{z}" for z in ZLIBS])
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("f248cdc9c90700", b"Hello"),  # 7.2.3.1
        ("000500faff48656c6c6f00", b"Hello"),  # 7.2.3.3
        ("f348cdc9c9070000", b"Hello"),  # 7.2.3.4: BFINAL
        ("f348cdc9c90700", b"Hello"),  # the same without the octet that should follow
        ("f248050000 00ffff cac9c90700", b"Hello"),  # 7.2.3.5: two blocks
        ("00", b""),  # 7.2.3.6
        ("0200", b""),
        ("00 0000ffff 00 0000ffff f248cdc9c90700", b"Hello"),  # empty blocks
        ("f348cdc9c90700 f348cdc9c90700 00", b"HelloHello"),  # two streams
        ("f348cdc9c90700 f248cdc9c90700", b"HelloHello"),
    ],
)
def test_examples(z, alone, data, message):
    octets = bytes.fromhex(data)
    for limit in ((), (len(message),)):
        receiver = codec(z, alone)
        for _ in range(2):
            assert unpack(receiver, octets, *limit) == message
        assert unpack(receiver, pack(codec(z), b"next")) == b"next"
        for octet in (receiver,):
            octet.start_decompress_message()
            parts = [octet.decompress_message_data(bytes([o]), *limit) for o in octets]
            octet.end_decompress_message()
            assert b"".join(parts) == message
    if message:
        with pytest.raises(PayloadExceededError):
            unpack(codec(z, alone), octets, len(message) - 1)


def test_second_example_with_context_takeover():
    """Section 7.2.3.2."""
    receiver = codec("deflate/zlib")
    assert unpack(receiver, bytes.fromhex("f248cdc9c90700")) == b"Hello"
    assert unpack(receiver, bytes.fromhex("f200110000")) == b"Hello"
    sender = codec("deflate/zlib")
    assert pack(sender, b"Hello").hex() == "f248cdc9c90700"
    assert pack(sender, b"Hello").hex() == "f200110000"


@pytest.mark.parametrize("z", ZLIBS)
def test_endless_streams_are_refused(z):
    data = b"\x03\x00" * 30_000
    with pytest.raises(PayloadCorruptError, match=str(MAX_STREAMS)):
        unpack(codec(f"deflate/{z}"), data)


@pytest.mark.parametrize("z", ZLIBS)
@pytest.mark.parametrize("bits", range(9, 16))
def test_windows(z, bits):
    with zlib_of(f"deflate/{z}"):
        sender = PerMessageDeflate(True, False, False, bits, 15, 1)
        receiver = PerMessageDeflate(False, False, False, bits, 15, None)
    for _ in range(3):
        data = pack(sender, NOISE[:20_000] * 2 + b"text " * 5000)
        assert unpack(receiver, data) == NOISE[:20_000] * 2 + b"text " * 5000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=2000).map(lambda b: b * 5), max_size=6), st.integers(9, 15), st.booleans())
def test_all_zlibs_understand_each_other(messages, bits, alone):
    makers = [(a, b) for a in ZLIBS for b in ZLIBS]
    for a, b in makers:
        with zlib_of(f"deflate/{a}"):
            sender = PerMessageDeflate(True, alone, alone, bits, 15, None)
        with zlib_of(f"deflate/{b}"):
            receiver = PerMessageDeflate(False, alone, alone, bits, 15, None)
        for message in messages:
            data = pack(sender, message)
            assert unpack(receiver, data, len(message)) == message


def test_plain_zlib_is_used_as_it_is():
    sender = codec("deflate/zlib")
    plain = zlib.compressobj(-1, zlib.DEFLATED, -15, 8)
    for message in (b"hello", NOISE, b"hello" * 100):
        assert pack(sender, message) + b"\x00\x00\xff\xff" == plain.compress(message) + plain.flush(zlib.Z_SYNC_FLUSH)


def test_which_zlib(monkeypatch):
    for name in ZLIBS:
        monkeypatch.setattr(_zlib, "_chosen", None)
        monkeypatch.setenv(_zlib.VARIABLE, name)
        assert _zlib.choose().name == name
        assert PerMessageDeflate(True, False, False, 0, 0, None)._deflate.name == name
    monkeypatch.setattr(_zlib, "_chosen", None)
    monkeypatch.setenv(_zlib.VARIABLE, "gzip")
    with pytest.raises(ValueError, match="isal, zlib_ng, zlib"):
        _zlib.choose()
    monkeypatch.delenv(_zlib.VARIABLE)
    assert _zlib.choose().name == "isal"
    monkeypatch.setattr(_zlib, "_chosen", None)
    for name in ("isal.isal_zlib", "isal", "zlib_ng.zlib_ng", "zlib_ng"):
        monkeypatch.setitem(sys.modules, name, None)
    assert _zlib.choose().name == "zlib"


def test_libraries_are_imported_when_they_are_used():
    code = (
        "import sys, autobahn_fast.websocket.compress as c\n"
        "assert len(c.PERMESSAGE_COMPRESSION_EXTENSION) == 4\n"
        "assert c.PerMessageSnappyOffer().get_extension_string()\n"
        "print([m for m in ('zlib', 'bz2', 'brotli', 'snappy', 'isal', 'zlib_ng') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", _without_site(code)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _without_site(code: str) -> str:
    return f"import sys; sys.path[:] = {sys.path!r}\n{code}"


def test_a_brotli_package_that_cannot_be_told_a_limit(monkeypatch):
    import brotli

    class Old:
        """What version 1.1 of the package has."""

        def __init__(self):
            self.decompressor = brotli_decompressor()
            self.process = self.decompressor.process
            self.is_finished = self.decompressor.is_finished

    brotli_decompressor = brotli.Decompressor
    monkeypatch.setattr(brotli, "Decompressor", Old)
    client, server = pair("brotli")
    for message in MESSAGES:
        assert unpack(server, pack(client, message)) == message
        assert unpack(server, pack(client, message), len(message)) == message
    with pytest.raises(PayloadExceededError):
        unpack(server, pack(client, NOISE), len(NOISE) - 1)


@every
def test_parts_hold_no_more_than_asked_for(name):
    client, server = pair(name)
    for payload in (b"", b"x", NOISE, bytes(PART), bytes(PART + 1), bytes(9 * PART + 7)):
        data = pack(client, payload)
        server.start_decompress_message()
        assert server.in_parts
        parts = [server.decompress_message_part(data)]
        while server.more:
            parts.append(server.decompress_message_part(b""))
        server.end_decompress_message()
        assert b"".join(parts) == payload
        assert max(map(len, parts)) <= 2 * PART
        assert len(parts) <= 40


def test_who_decompresses_by_itself_gives_no_parts():
    class Own(PerMessageCompress):
        def decompress_message_data(self, data, max_output_len=None):
            return data

    assert not Own().in_parts
