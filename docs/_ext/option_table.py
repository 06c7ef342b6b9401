# SPDX-License-Identifier: MIT
"""Writes the page of the WebSocket options out of the table in ``autobahn_fast/websocket/_options.py``.

Knows what each option does, in words; names and defaults come from the table. An option without words fails the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobahn_fast.websocket._options import CLIENT, COMMON, SERVER, Option

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "reference/websocket-options"
TABLES = {
    "<!-- common -->": COMMON,
    "<!-- server -->": SERVER,
    "<!-- client -->": CLIENT,
}
MIB = 2**20

MEANING = {
    "acceptMaskedServerFrames": "do not mind a server that masks",
    "allowNullOrigin": "accept browsers that say `Origin: null`",
    "allowedOrigins": "who may connect from a browser: origins, `*` for any characters",
    "applyMask": "False: masks are sent but not applied; for measuring only",
    "autoFragmentSize": "octets of a frame at most; longer messages go out in several",
    "autoPingInterval": "seconds between two pings, 0: none",
    "autoPingRestartOnAnyTraffic": "any message counts as an answer",
    "autoPingSize": "octets of a ping, 12 to 125",
    "autoPingTimeout": "seconds to wait for the answer before the connection is dropped, 0: for ever",
    "closeHandshakeTimeout": "seconds to wait for the peer's close frame, 0: for ever",
    "echoCloseCodeReason": "close with the code and reason that the peer gave",
    "failByDrop": "True: drop the connection when the peer breaks the protocol; False: say why in a close frame",
    "flashSocketPolicy": "the policy that is served",
    "followRedirects": "how many redirects of the opening handshake to follow",
    "maskClientFrames": "False: send without masks, against RFC 6455",
    "maskServerFrames": "True: mask, against RFC 6455",
    "maxConnections": "clients at the same time, 0: any number",
    "maxFramePayloadSize": "octets of a frame that comes in, 0: any number",
    "maxHandshakeHeaders": "headers of the peer's opening handshake",
    "maxHandshakeLine": "octets of a line of it",
    "maxHandshakeSize": "octets of all of it",
    "maxMessagePayloadSize": "octets of a message that comes in, decompressed, 0: any number",
    "maxPendingMessages": "coroutines of handlers under way at which reading pauses, 0: never",
    "maxPendingOctets": "octets of the messages they were given, the same",
    "openHandshakeTimeout": "seconds to wait until the connection is open, 0: for ever",
    "orderedMessages": "coroutines of `onMessage` run one after the other",
    "perMessageCompressionAccept": "function that takes the offers of a peer and returns what to accept, or None",
    "perMessageCompressionOffers": "compression to offer",
    "requireMaskedClientFrames": "refuse clients that do not mask, as RFC 6455 says",
    "serveFlashSocketPolicy": "answer requests for a Flash policy",
    "serverConnectionDropTimeout": "seconds to wait for the server to close the connection, 0: for ever",
    "tcpNoDelay": "send small segments at once",
    "trustXForwardedFor": "how many proxies in front of the server are to be believed about the client's address",
    "utf8validateIncoming": "refuse texts that are not UTF-8",
    "version": "draft of the specification, 18 is RFC 6455",
    "versions": "versions that are accepted",
    "webStatus": "answer a plain HTTP request with a page",
}


def default_of(option: Option) -> str:
    """Return the default of an option as people write it."""
    value = option.default()
    if callable(value):
        return "accepts none"
    if option.name == "flashSocketPolicy":
        return "any domain"
    if isinstance(value, int) and not isinstance(value, bool) and value >= MIB and value % MIB == 0:
        return f"{value // MIB} MiB"
    return f"`{value!r}`"


def table(options: tuple[Option, ...]) -> str:
    """Return options as a table in Markdown."""
    rows = [f"| `{option.name}` | {default_of(option)} | {MEANING[option.name]} |" for option in options]
    return "\n".join(["| option | default | |", "|---|---|---|", *rows])


def on_source(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Sphinx: a page was read."""
    if docname == PAGE:
        for place, options in TABLES.items():
            source[0] = source[0].replace(place, table(options))


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx: this extension is asked for."""
    app.connect("source-read", on_source)
    return {"parallel_read_safe": True}
