# SPDX-License-Identifier: MIT
"""Writes the page of the messages out of the tables in ``autobahn_fast/wamp/message.py``.

Knows what each option means, in words; what there is, and which values are taken, it reads from the tables. An option without
words fails the build, so nothing is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobahn_fast.wamp.message import MESSAGE_CLASSES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from autobahn_fast.wamp.message import Message

PAGE = "reference/messages"
PLACE = "<!-- the messages -->"

CLIENT, ROUTER, BOTH = "client to router", "router to client", "both ways"
WAY = {
    "HELLO": CLIENT, "WELCOME": ROUTER, "ABORT": BOTH, "CHALLENGE": ROUTER, "AUTHENTICATE": CLIENT, "GOODBYE": BOTH,
    "ERROR": BOTH, "PUBLISH": CLIENT, "PUBLISHED": ROUTER, "SUBSCRIBE": CLIENT, "SUBSCRIBED": ROUTER,
    "UNSUBSCRIBE": CLIENT, "UNSUBSCRIBED": ROUTER, "EVENT": ROUTER, "EVENT_RECEIVED": CLIENT, "CALL": CLIENT,
    "CANCEL": CLIENT, "RESULT": ROUTER, "REGISTER": CLIENT, "REGISTERED": ROUTER, "UNREGISTER": CLIENT,
    "UNREGISTERED": ROUTER, "INVOCATION": ROUTER, "INTERRUPT": ROUTER, "YIELD": CLIENT,
}  # fmt: skip

MEANING = {
    "acknowledge": "answer with PUBLISHED",
    "authextra": "what the authentication method adds; and, in WELCOME, what it says back",
    "authid": "user name",
    "authmethod": "how the client was authenticated",
    "authmethods": "authentication methods that the client can do",
    "authprovider": "who authenticated the client",
    "authrole": "role of the user",
    "callee": "session that answered",
    "callee_authid": "its user name",
    "callee_authrole": "its role",
    "caller": "session that calls",
    "caller_authid": "its user name",
    "caller_authrole": "its role",
    "concurrency": "calls that run at the same time, at most",
    "custom": "further details of the router, each named `x_...`",
    "disclose_caller": "the callee wants to know who calls",
    "disclose_me": "tell the other side who sends this",
    "eligible": "only these sessions get the event",
    "eligible_authid": "only these users get the event",
    "eligible_authrole": "only these roles get the event",
    "enc_algo": "encryption of a binary payload, the older form",
    "enc_key": "names the key of a binary payload",
    "enc_serializer": "serializer of a binary payload",
    "exclude": "these sessions do not get the event",
    "exclude_authid": "these users do not get the event",
    "exclude_authrole": "these roles do not get the event",
    "exclude_me": "False: the publisher gets the event, too",
    "force_reregister": "take the procedure over from whoever has it",
    "forward_for": "sessions that the message came through",
    "forward_timeout": "the callee watches the timeout, not the router",
    "get_retained": "send the event that was kept last",
    "invoke": "which callee of several gets a call",
    "match": "how the URI is compared",
    "message": "a text for people",
    "mode": "what becomes of the callee",
    "nkey": "key of this subscriber: it gets events of its shard",
    "ppt_cipher": "payload passthru mode: encryption",
    "ppt_keyid": "payload passthru mode: names the key",
    "ppt_scheme": "payload passthru mode: what the payload is",
    "ppt_serializer": "payload passthru mode: serializer of the payload",
    "procedure": "the URI called, for registrations by pattern",
    "progress": "more parts of this follow",
    "publisher": "session that published",
    "publisher_authid": "its user name",
    "publisher_authrole": "its role",
    "realm": "the realm that was joined, where the router chose",
    "reason": "why",
    "receive_progress": "the caller takes interim results",
    "registration": "the registration that was revoked",
    "resumable": "the session may be resumed later",
    "resume-session": "session to resume",
    "resume-token": "proof that it is the client's",
    "resume_token": "proof to resume this session with",
    "resumed": "the session was resumed",
    "retain": "keep the event for later subscribers",
    "retained": "the event was kept; it was published earlier",
    "rkey": "key that the shard is chosen by",
    "roles": "roles of this side, each with its features",
    "runmode": "`partition`: the callee is chosen by `rkey`",
    "subscription": "the subscription that was revoked",
    "timeout": "milliseconds until the call ends, 0: never",
    "topic": "the URI published to, for subscriptions by pattern",
    "transaction_hash": "names the transaction that this belongs to",
    "trustlevel": "what the router thinks of the sender",
    "x_acknowledged_delivery": "answer with EVENT_RECEIVED",
}
PAYLOAD = ("`args`, `kwargs`", "list, dict; left out when empty")


def row(*cells: str) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cells) + " |"


def section(message: type[Message]) -> list[str]:
    """Return what is to be said about one message, as Markdown."""
    schema = message.SCHEMA
    shape = (message.__doc__ or "").replace("``", "`").strip()
    lines = [f"## {schema.name}", "", f"{shape}  "]
    lines += [
        f"Type code {schema.code}, {WAY[schema.name]}; class `autobahn_fast.wamp.message.{message.__name__}`.",
        "",
    ]
    lines += [row("element", "value"), "|---|---|"]
    for field, kind in schema.wire.items():
        if field == "payload":
            lines.append(row(*PAYLOAD))
        elif kind is not None:
            lines.append(row(f"`{field}`", kind.name))
    lines.append("")
    if schema.all_options:
        lines += [row(schema.word, "value", ""), "|---|---|---|"]
        for option, kind in sorted(schema.all_options.items()):
            default = f" (when absent: {kind.default})" if kind.default is not None else ""
            lines.append(row(f"`{option}`", kind.name, MEANING[option] + default))
        lines.append("")
    return lines


def page() -> str:
    """Return the sections of all messages, by type code."""
    messages = sorted(MESSAGE_CLASSES.items())
    return "\n".join(line for _, message in messages for line in section(message))


def on_source(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Sphinx: a page was read."""
    if docname == PAGE:
        source[0] = source[0].replace(PLACE, page())


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx: this extension is asked for."""
    app.connect("source-read", on_source)
    return {"parallel_read_safe": True}
