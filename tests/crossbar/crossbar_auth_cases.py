# SPDX-License-Identifier: MIT
"""Authentication against a Crossbar node, on any framework: ``python crossbar_auth_cases.py REACTOR NODE`` runs all on Twisted.

NODE is JSON: the node's URLs, its public key, and the names of the files with certificates.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from crossbar_node import CREDENTIALS, REALM
from crossbar_session import load, make_transport

WRONG = {"ticket": "not-this-one", "secret": "not-this-one", "password": "not-this-one", "privkey": "77" * 32}
FAST = {"max_retries": 10, "initial_retry_delay": 0.01}


class Logged(logging.Handler):
    """Keeps what is logged as text."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


async def join(framework: str, transport: dict[str, Any], authentication: dict[str, Any]) -> Any:
    """Join with a component, return the session's details, leave."""
    joined: list[Any] = []

    async def main(_loop: Any, session: Any) -> None:
        joined.append(session.session_details)

    component = load(f"{framework}.component").Component(
        main, transports=[{**FAST, **transport}], realm=REALM, authentication=authentication
    )
    await component.start()
    return joined[0]


async def refused(framework: str, transport: dict[str, Any], authentication: dict[str, Any]) -> str:
    """Try to join; returns the reason of the one attempt that was made."""
    reasons: list[str] = []
    component = load(f"{framework}.component").Component(
        transports=[{**FAST, **transport}], realm=REALM, authentication=authentication
    )
    component.on("leave", lambda session, details: reasons.append(details.reason))
    try:
        await component.start()
    except RuntimeError as e:
        assert "Exhausted" in str(e)
        assert len(reasons) == 1, reasons
        assert reasons[0] in str(e.__cause__)
        return reasons[0]
    raise AssertionError("it joined")


def over_tls(node: dict[str, Any], url: str, framework: str, client_pem: str | None = None) -> dict[str, Any]:
    """The transport over TLS, with a client's certificate if it has one."""
    tls: Any = {"trust_root": node["certificate"]}
    if client_pem is not None and framework == "asyncio":
        import ssl

        tls = ssl.create_default_context(cafile=node["certificate"])
        tls.load_cert_chain(client_pem)
    elif client_pem is not None:
        from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS

        root = Certificate.loadPEM(Path(node["certificate"]).read_bytes())
        own = PrivateCertificate.loadPEM(Path(client_pem).read_bytes())
        tls = optionsForClientTLS("localhost", trustRoot=root, clientCertificate=own)
    port = int(url.removesuffix("/ws").rpartition(":")[2])
    return make_transport(url, "cbor", endpoint={"type": "tcp", "host": "localhost", "port": port, "tls": tls})


# --- cases ---


async def every_method(framework: str, node: dict[str, Any]) -> None:
    """Each joins, over WebSocket and RawSocket."""
    for name, credentials in CREDENTIALS.items():
        method = name.partition("-")[0]
        for url, serializer in ((node["auth"], "msgpack"), (node["auth_rs"], "json")):
            details = await join(framework, make_transport(url, serializer), {method: credentials})
            assert (details.authid, details.authrole) == (credentials["authid"], "user")
            assert details.authmethod == method


async def wrong_credentials(framework: str, node: dict[str, Any]) -> None:
    """Each ends at the first attempt, with the router's reason, and nothing secret is in the log."""
    log = Logged()
    logging.getLogger().addHandler(log)
    for name, credentials in CREDENTIALS.items():
        wrong = {key: WRONG.get(key, value) for key, value in credentials.items()}
        transport = make_transport(node["auth"], "json")
        assert (await refused(framework, transport, {name.partition("-")[0]: wrong})).startswith("wamp.error.")
    logging.getLogger().removeHandler(log)
    for secret in {*WRONG.values(), *(value for each in CREDENTIALS.values() for value in each.values())}:
        assert secret not in log.text or secret == "cs-user"


async def several_methods(framework: str, node: dict[str, Any]) -> None:
    """The router chooses, in the order they are offered."""
    transport = make_transport(node["auth"], "cbor")
    details = await join(framework, transport, {"anonymous": {}, "ticket": CREDENTIALS["ticket"]})
    assert (details.authmethod, details.authid) == ("ticket", "ticket-user")
    both = {"scram": CREDENTIALS["scram"], "ticket": {"ticket": "x", "authid": "scram-user"}}
    details = await join(framework, transport, both)
    assert (details.authmethod, details.authid) == ("scram", "scram-user")
    reverse = dict(reversed(both.items()))
    assert (await refused(framework, transport, reverse)).startswith("wamp.error.")


async def cryptosign_over_tls(framework: str, node: dict[str, Any]) -> None:
    """With and without channel binding; the node proves that it has its key; it does not know tls-exporter."""
    credentials, transport = CREDENTIALS["cryptosign"], over_tls(node, node["tls"], framework)
    proof = {"router_pubkey": node["public_key"]}
    bound = {"authextra": {"channel_binding": "tls-unique"}}
    for more in ({}, bound, proof, {**bound, **proof}):
        details = await join(framework, transport, {"cryptosign": {**credentials, **more}})
        assert (details.authid, details.authmethod) == ("cs-user", "cryptosign")
    for more in ({"router_pubkey": "77" * 32}, {"authextra": {"channel_binding": "tls-exporter"}}):
        reason = await refused(framework, transport, {"cryptosign": {**credentials, **more}})
        assert reason.startswith("wamp.error."), reason


async def client_certificates(framework: str, node: dict[str, Any]) -> None:
    """A transport that asks clients for a certificate."""
    details = await join(framework, over_tls(node, node["tls_client"], framework, node["client_certificate"]), {})
    assert details.authrole == "anonymous"
    try:
        await join(framework, {**over_tls(node, node["tls_client"], framework), "max_retries": 0}, {})
    except RuntimeError:
        return
    raise AssertionError("it joined without a certificate")


CASES = {
    f.__name__: f for f in (every_method, wrong_credentials, several_methods, cryptosign_over_tls, client_certificates)
}


def on_twisted(reactor: str, node: dict[str, Any]) -> None:
    """Run all cases in one reactor."""
    if reactor == "asyncio":
        import asyncio

        from twisted.internet import asyncioreactor

        asyncioreactor.install(asyncio.new_event_loop())
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react
    from twisted.logger import STDLibLogObserver, globalLogBeginner

    globalLogBeginner.beginLoggingTo([STDLibLogObserver("twisted")], redirectStandardIO=False)
    logging.getLogger().setLevel(logging.DEBUG)

    async def main() -> None:
        for case in CASES.values():
            await case("twisted", node)

    react(lambda _: Deferred.fromCoroutine(main()))


if __name__ == "__main__":
    on_twisted(sys.argv[1], json.loads(sys.argv[2]))
