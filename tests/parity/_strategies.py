# SPDX-License-Identifier: MIT
"""What is given to both packages: arguments, requests, answers, frames and scripts of sessions."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import strategies as st

VALUES = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        2**53,
        2**53 + 1,
        1.5,
        "",
        "x",
        "exact",
        "prefix",
        "roundrobin",
        "a.b",
        "a..b",
        b"",
        b"\x01",
    ]
    + [[], ["a"], [1], {}, {"a": 1}, ()]
)

URL_PARTS = st.sampled_from(
    [
        "ws",
        "wss",
        "rs",
        "rss",
        "http",
        ":",
        "://",
        "/",
        "//",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "unix",
        ":9000",
        ":0",
        ":70000",
        ":x",
        "?a=b",
        "?a=b&a=c",
        "#f",
        "/p/q",
        "%20",
        "ü",
        "user@",
        "?",
        ".",
        "WS",
        "/tmp/s",
    ]
)
URLS = st.one_of(
    st.lists(URL_PARTS, max_size=6).map("".join),
    st.tuples(
        st.sampled_from(["ws://", "wss://", "rs://", "rss://"]), st.lists(URL_PARTS, max_size=4).map("".join)
    ).map("".join),
)
PORTS = st.sampled_from([None, 0, 1, 80, 443, 9000, 65534, 65536, -1, "x", "/tmp/s", 1.5])
URL_ARGUMENTS = st.fixed_dictionaries(
    {"hostname": st.sampled_from(["localhost", "", "unix", "::1", "1.2.3.4"])},
    optional={"port": PORTS, "isSecure": st.sampled_from([True, False, None, 1])},
)

COMPONENTS = st.sampled_from(
    ["com", "a", "<x>", "<x:int>", "<y:string>", "<x:suffix>", "", "*", "A", "a b", "#", "<>", "ü", "1", "a-b"]
)
PATTERNS = st.lists(COMPONENTS, max_size=4).map(".".join)
URIS = st.text(alphabet=" .#ab_A0ü\n-<>*", max_size=8)
REALMS = URIS | st.sampled_from(
    [
        "realm1",
        "a.b",
        "wamp-proto.eth",
        "eth.wamp-proto",
        "0x" + "a" * 40,
        "0x" + "A" * 40,
        "0x" + "a" * 39,
        "ab",
        "abc",
        "Ä",
    ]
    + ["x" * 255, "x" * 256, "com.example.1", "-ab", "_ab", "a@b", "9ab"]
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_REQUEST = {
    "Host": "localhost:9000",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
_OTHERS = {
    "Host": ["localhost", "localhost:80", "other:9000", "localhost:x"],
    "Upgrade": ["WebSocket", "h2c", "websocket, x"],
    "Connection": ["keep-alive, Upgrade", "close", "upgrade"],
    "Sec-WebSocket-Key": ["", "short", KEY + "=", "a b c d e f g h i j k l=="],
    "Sec-WebSocket-Version": ["8", "7", "12", "x", "0"],
    "Origin": ["http://localhost:9000", "null", "file://", "http://evil.example"],
    "Sec-WebSocket-Protocol": ["a", "a, b", "b, a", "wamp.2.json"],
    "Sec-WebSocket-Extensions": ["permessage-deflate", "x", "permessage-deflate; client_max_window_bits"],
    "Cookie": ["a=b"],
}
_LINES = ["GET / HTTP/1.1"] * 6 + [
    "GET /a/b?c=d&e=f&c=g HTTP/1.1",
    "POST / HTTP/1.1",
    "GET / HTTP/1.0",
    "GET /?a HTTP/1.1",
    "GET /%20x HTTP/1.1",
    "HEAD / HTTP/1.1",
]


@st.composite
def _heads(draw: Any, lines: list[str], headers: dict[str, str], others: dict[str, list[str]]) -> str:
    headers = dict(headers)
    for name in draw(st.lists(st.sampled_from(list(others)), max_size=2)):
        headers[name] = draw(st.sampled_from(others[name]))
    for name in draw(st.lists(st.sampled_from(list(headers)), max_size=1)) if draw(st.integers(0, 4)) == 0 else ():
        del headers[name]
    colon = draw(st.sampled_from([": ", ":", ":  "]))
    return "\r\n".join(
        [draw(st.sampled_from(lines)), *(f"{name}{colon}{value}" for name, value in headers.items()), "", ""]
    )


SERVER_HANDSHAKES = st.tuples(
    _heads(_LINES, _REQUEST, _OTHERS).map(str.encode),
    st.sampled_from(
        [{}, {}, {"protocols": ["a", "b"]}, {"headers": {"X-A": "b"}}, {"server": ""}, {"externalPort": 80}]
    ),
    st.sampled_from(
        [
            {},
            {},
            {"allowedOrigins": ["http://localhost:*"]},
            {"allowNullOrigin": False},
            {"versions": [13]},
            {"webStatus": False},
        ]
    ),
    st.sampled_from([None, None, None, "a", ("a", {"X-H": "v"}), (None, {"X-H": ["v", "w"]}), "zzz"]),
)
_ANSWER = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "{accept}"}
CLIENT_HANDSHAKES = st.tuples(
    _heads(
        ["HTTP/1.1 101 Switching Protocols"] * 6
        + ["HTTP/1.1 101", "HTTP/1.0 101 x", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "xyz"],
        _ANSWER,
        {
            "Upgrade": ["WebSocket", "x"],
            "Connection": ["close", "upgrade"],
            "Sec-WebSocket-Accept": ["x", "", "{accept}="],
            "Sec-WebSocket-Protocol": ["a", "b", "zzz"],
            "Sec-WebSocket-Extensions": ["permessage-deflate", "x"],
            "Server": ["x"],
        },
    ),
    st.sampled_from(
        [{}, {}, {"protocols": ["a", "b"]}, {"headers": {"X-A": "b"}}, {"useragent": ""}, {"origin": "http://x"}]
        + [{"url": "ws://localhost:80/a?b=c"}, {"url": "wss://localhost:443/"}]
    ),
    st.sampled_from([{}, {}, {"version": 8}, {"version": 13}, {"version": 18}]),
    st.sampled_from([b"", b"\x81\x02hi", b"\x89\x00\x81\x01x", b"\x88\x02\x03\xe8", b"\x81\x82aaaa\x09\x08"]),
)


def frame(
    opcode: int, payload: bytes, fin: int = 1, rsv: int = 0, mask: bytes | None = b"abcd", length: int = 0
) -> bytes:
    """A frame; ``length`` says in how many octets the length is written at least."""
    first, flag, size = fin << 7 | rsv << 4 | opcode, 0x80 if mask else 0, len(payload)
    if size < 126 and length < 2:
        head = bytes([first, flag | size])
    elif length < 8:
        head = bytes([first, flag | 126]) + struct.pack(">H", size)
    else:
        head = bytes([first, flag | 127]) + struct.pack(">Q", size)
    return head + (mask or b"") + (bytes(c ^ mask[i % 4] for i, c in enumerate(payload)) if mask else payload)


_PAYLOADS = st.sampled_from([b"", b"hi", b"\xff", "ü€".encode(), b"x" * 126, b"\xe2\x82", b"\xac"])
_CLOSES = st.one_of(
    st.sampled_from([b"", b"\x03", b"\x03\xe8bye", b"\x03\xe8\xff", b"\x03\xe8" + b"x" * 124]),
    st.sampled_from([0, 999, 1000, 1001, 1002, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000]).map(
        lambda c: struct.pack(">H", c)
    ),
)
FRAMES = st.lists(
    st.one_of(
        st.builds(frame, st.sampled_from([0, 1, 2, 1, 2]), _PAYLOADS, st.sampled_from([1, 1, 0])),
        st.builds(frame, st.sampled_from([9, 10]), st.sampled_from([b"", b"p", b"x" * 125])),
        st.builds(frame, st.just(8), _CLOSES),
        st.builds(
            frame,
            st.integers(0, 15),
            _PAYLOADS,
            st.sampled_from([0, 1]),
            st.sampled_from([0, 0, 1, 4]),
            st.sampled_from([b"abcd", None]),
            st.sampled_from([0, 0, 2, 8]),
        ),
    ),
    min_size=1,
    max_size=4,
)
FRAME_OPTIONS = st.sampled_from(
    [
        {},
        {"failByDrop": False},
        {"failByDrop": False},
        {"requireMaskedClientFrames": False},
        {"echoCloseCodeReason": True},
    ]
    + [{"utf8validateIncoming": False}, {"failByDrop": False, "maxMessagePayloadSize": 3}]
)

WELCOME = [
    2,
    7,
    {"realm": "realm1", "authid": "j", "authrole": "r", "authmethod": "ticket", "roles": {"broker": {}, "dealer": {}}},
]
_CHALLENGE = [4, "ticket", {}]
_STEPS = st.one_of(
    st.sampled_from(["call", "subscribe", "register", "publish"]),
    st.sampled_from(
        [
            [33, 1, 100],
            [65, 1, 200],
            [65, 2, 201],
            [17, 1, 300],
            [17, 3, 301],
            [50, 1, {}, [5]],
            [50, 2, {}, [5]],
            [50, 1, {}],
            [8, 48, 1, {}, "a.b", ["t"]],
            [8, 32, 1, {}, "a.b"],
            [8, 64, 2, {}, "a.b"],
            [8, 16, 3, {}, "a.b"],
            [36, 100, 1, {}, [1]],
            [68, 1, 200, {}, [2]],
            [68, 2, 201, {}],
            [6, {}, "wamp.close.normal"],
            [6, {}, "wamp.close.goodbye_and_out"],
        ]
    ),
    st.sampled_from(["leave", "disconnect", "lost"]),
)
SCRIPTS = st.tuples(st.sampled_from([[WELCOME], [_CHALLENGE, WELCOME]]), st.lists(_STEPS, max_size=5)).map(
    lambda parts: parts[0] + parts[1]
)
