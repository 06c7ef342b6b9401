# SPDX-License-Identifier: MIT
"""Authentication against a Crossbar node: every method joins, and a wrong secret ends with a reason, at the first attempt."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from crossbar_node import CREDENTIALS, REALM, Node
from crossbar_session import load, make_transport

RunLoop = Callable[[Coroutine[Any, Any, None]], None]

WRONG: dict[str, dict[str, Any]] = {
    "ticket": {"ticket": "not-this-one"},
    "wampcra": {"secret": "not-this-one"},
    "wampcra-salted": {"secret": "not-this-one"},
    "scram": {"password": "not-this-one"},
    "scram-pbkdf2": {"password": "not-this-one"},
    "cryptosign": {"privkey": "77" * 32},
}


async def join(transport: dict[str, Any], authentication: dict[str, Any]) -> Any:
    """Join with a component, return the session's details, leave."""
    joined: list[Any] = []

    async def main(_loop: Any, session: Any) -> None:
        joined.append(session.session_details)

    component = load("asyncio.component").Component(
        main, transports=[transport], realm=REALM, authentication=authentication
    )
    await component.start(asyncio.get_running_loop())
    return joined[0]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_joins(run_loop: RunLoop, node: Node, name: str) -> None:
    method = name.partition("-")[0]

    async def test() -> None:
        details = await join(make_transport(node.urls["auth"], "msgpack"), {method: CREDENTIALS[name]})
        assert (details.authid, details.authrole) == (CREDENTIALS[name]["authid"], "user")
        assert details.authmethod == method

    run_loop(test())


@pytest.mark.parametrize("name", WRONG)
def test_wrong_credentials_end_at_once(
    run_loop: RunLoop, node: Node, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    method = name.partition("-")[0]
    credentials = {**CREDENTIALS[name], **WRONG[name]}
    caplog.set_level(logging.DEBUG)

    async def test() -> None:
        reasons: list[str] = []
        component = load("asyncio.component").Component(
            transports=[make_transport(node.urls["auth"], "json", max_retries=10, initial_retry_delay=0.01)],
            realm=REALM,
            authentication={method: credentials},
        )
        component.on("leave", lambda session, details: reasons.append(details.reason))
        with pytest.raises(Exception, match=r"Exhausted") as caught:
            await component.start(asyncio.get_running_loop())
        assert len(reasons) == 1
        assert reasons[0].startswith("wamp.error."), reasons
        assert reasons[0] in str(caught.value.__cause__)

    run_loop(test())
    for secret in WRONG[name].values():
        assert secret not in caplog.text


def test_the_router_chooses_among_several(run_loop: RunLoop, node: Node) -> None:
    async def test() -> None:
        authentication = {"ticket": CREDENTIALS["ticket"], "anonymous": {}}
        details = await join(make_transport(node.urls["auth"], "cbor"), authentication)
        assert (details.authmethod, details.authid) == ("ticket", "ticket-user")
        authentication = {"ticket": {"ticket": "x", "authid": "scram-user"}, "scram": CREDENTIALS["scram"]}
        authentication = dict(reversed(authentication.items()))
        details = await join(make_transport(node.urls["auth"], "cbor"), authentication)
        assert (details.authmethod, details.authid) == ("scram", "scram-user")

    run_loop(test())


@pytest.mark.parametrize("binding", [None, "tls-unique"])
def test_cryptosign_over_tls(run_loop: RunLoop, node: Node, binding: str | None) -> None:
    context = ssl.create_default_context(cafile=str(node.certificate))
    host, _, port = node.urls["tls"].removeprefix("wss://").removesuffix("/ws").partition(":")
    endpoint = {"type": "tcp", "host": host, "port": int(port), "tls": context}
    credentials = {**CREDENTIALS["cryptosign"], "authextra": {"channel_binding": binding} if binding else {}}

    async def test() -> None:
        transport = make_transport(node.urls["tls"], "cbor", endpoint=endpoint, max_retries=0)
        details = await join(transport, {"cryptosign": credentials})
        assert (details.authid, details.authmethod) == ("cs-user", "cryptosign")

    run_loop(test())
