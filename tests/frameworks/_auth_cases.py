# SPDX-License-Identifier: MIT
"""What must hold of authentication on every framework: programs of components against ``AuthRouter``.

On Twisted each runs in a process of its own: ``python _auth_cases.py NAME REACTOR ARGUMENTS...``.
"""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from typing import Any

from _auth_router import REFUSED, ROUTER_KEY, SECRETS, USERS, AuthRouter, method_of, router_public_key

VIOLATION = "wamp.error.protocol_violation"
CANNOT = "wamp.error.cannot_authenticate"
WRONG = {"ticket": "hush-wrong-t", "secret": "hush-wrong-s", "password": "hush-wrong-p", "privkey": "53" * 32}


class Outcome:
    """What became of a component: the details of the session it joined, or why it did not."""

    def __init__(self) -> None:
        self.details: Any = None
        self.reasons: list[tuple[str, str | None]] = []
        self.error: BaseException | None = None

    def __repr__(self) -> str:
        return f"<Outcome details={self.details!r} reasons={self.reasons} error={self.error!r}>"


async def attempt(framework: str, router: AuthRouter, authentication: dict[str, Any], tls: Any = None) -> Outcome:
    """Run a component that leaves when it has joined, and that may try ten times."""
    outcome = Outcome()
    module = importlib.import_module(f"autobahn_fast.{framework}.component")

    async def main(_loop: Any, session: Any) -> None:
        outcome.details = session.session_details

    transport: dict[str, Any] = {"type": "rawsocket", "url": router.url, "serializer": "json", "max_retries": 10}
    transport |= {"initial_retry_delay": 0.01, "max_retry_delay": 0.01}
    transport["endpoint"] = {"type": "tcp", "host": "localhost", "port": router.port, "version": 4, "tls": tls or False}
    component = module.Component(main, transports=transport, realm="realm1", authentication=authentication)
    component.on_leave(lambda session, details: outcome.reasons.append((details.reason, details.message)))
    try:
        await component.start()
    except RuntimeError as e:
        outcome.error = e.__cause__ or e
    assert router.problems == [], router.problems
    return outcome


def never_joined(outcome: Outcome, router: AuthRouter, reason: str, text: str, hellos: int = 1) -> None:
    """It ended with that reason, after one attempt."""
    assert outcome.details is None
    assert outcome.reasons[-1][0] == reason, outcome
    assert text in str(outcome.reasons[-1][1]), outcome
    assert reason in str(outcome.error), outcome
    assert text in str(outcome.error), outcome
    assert len(router.hellos) == hellos, "a retry storm"


# --- cases ---


async def every_method(framework: str) -> None:
    """Every method joins with the right secret; with a wrong one it ends at once, with the router's reason."""
    for kind, user in USERS.items():
        method = method_of(kind)
        with AuthRouter(kind) as router:
            outcome = await attempt(framework, router, {method: user})
            assert outcome.details is not None, (kind, outcome)
            assert (outcome.details.authid, outcome.details.authmethod) == ("joe", method)
        wrong = {key: WRONG.get(key, value) for key, value in user.items()}
        with AuthRouter(kind) as router:
            outcome = await attempt(framework, router, {method: wrong})
            never_joined(outcome, router, REFUSED, "no such user, or not with this secret")
    with AuthRouter("anonymous") as router:
        for method in ("anonymous", "anonymous-proxy"):
            outcome = await attempt(framework, router, {method: {"authid": "me"}})
            assert outcome.details.authid == "me"
            assert router.hellos.pop()["authmethods"] == [method]


CHEATS = [
    ("ticket", "skip", "without a challenge"),
    ("wampcra", "skip", "without a challenge"),
    ("cryptosign", "skip", "without a challenge"),
    ("scram", "skip", "without a SCRAM challenge"),
    ("wamp-scram", "skip", "without a SCRAM challenge"),
    ("scram", "no proof", "has no SCRAM server signature"),
    ("wamp-scram", "no proof", "has no SCRAM server signature"),
    ("scram", "wrong proof", "Verification of server SCRAM signature failed"),
    ("wamp-scram", "wrong proof", "Verification of server SCRAM signature failed"),
    ("cryptosign+", "skip", "without a cryptosign challenge"),
    ("cryptosign+", "no proof", "has not proved who it is: its challenge is incomplete"),
    ("cryptosign+", "wrong proof", "its signature is not that of our challenge"),
    ("cryptosign+", "other key", "its public key is"),
    ("wampcra", "other", "challenged for the authentication method 'ticket'"),
]
"""Kind (``+``: the router has to prove itself), what the router does wrong, and what the client says of it."""


async def cheating_routers(framework: str) -> None:
    """A router that does not do its part is left at once, with an ABORT that says why."""
    for kind, cheat, text in CHEATS:
        method = method_of(kind)
        user = dict(USERS[kind.rstrip("+")])
        if kind.endswith("+"):
            user["router_pubkey"] = router_public_key()
        with AuthRouter(kind.rstrip("+"), cheat) as router:
            outcome = await attempt(framework, router, {method: user})
            never_joined(outcome, router, CANNOT, text)
        assert [(a[0], a[2]) for a in router.aborts] == [(3, CANNOT)], (kind, cheat, router.aborts)
        assert text in router.aborts[0][1]["message"]


async def protocol_violations(framework: str) -> None:
    """A router that breaks the protocol hears so in an ABORT, which is sent before the connection is closed."""
    module = importlib.import_module(f"autobahn_fast.{framework}.component")
    reasons: list[tuple[str, str]] = []
    with AuthRouter("ticket", "stray") as router:
        transport = {"type": "rawsocket", "url": router.url, "serializer": "json"}
        component = module.Component(transports=transport, authentication={"ticket": USERS["ticket"]})

        @component.on_leave
        def left(session: Any, details: Any) -> None:
            reasons.append((details.reason, details.message))
            component.stop()

        await component.start()
    assert [reason for reason, _ in reasons] == [VIOLATION]
    assert "EVENT received" in reasons[0][1]
    assert [abort[2] for abort in router.aborts] == [VIOLATION]
    assert "EVENT received" in router.aborts[0][1]["message"]


async def replayed_challenges(framework: str) -> None:
    """What was sent to a client before is refused, where the method lets a client see it."""
    for kind, text in (
        ("scram", "does not continue"),
        ("wamp-scram", "does not continue"),
        ("cryptosign+", "not that"),
    ):
        user = dict(USERS[kind.rstrip("+")])
        if kind.endswith("+"):
            user["router_pubkey"] = router_public_key()
        with AuthRouter(kind.rstrip("+"), "replay") as router:
            first = await attempt(framework, router, {method_of(kind): user})
            assert first.details is not None
            second = await attempt(framework, router, {method_of(kind): user})
            never_joined(second, router, CANNOT, text, hellos=2)


async def router_authentication(framework: str) -> None:
    """A router that has to prove who it is, and can: each HELLO has a challenge of its own."""
    user = {**USERS["cryptosign"], "router_pubkey": router_public_key()}
    with AuthRouter("cryptosign") as router:
        for _ in range(2):
            assert (await attempt(framework, router, {"cryptosign": user})).details is not None
        challenges = {hello["authextra"]["challenge"] for hello in router.hellos}
        assert len(challenges) == 2
        fixed = {**USERS["cryptosign"], "authextra": {"challenge": "ab" * 32}}
        assert (await attempt(framework, router, {"cryptosign": fixed})).details is not None
        assert router.hellos[-1]["authextra"]["challenge"] == "ab" * 32


def server_tls(pem: str, version: str, client_root: str | None = None) -> Any:
    """The ``OpenSSL.SSL.Context`` of a router, up to that version of TLS."""
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_file(pem)
    context.use_privatekey_file(pem)
    context.set_max_proto_version({"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[version])
    if client_root is not None:
        context.load_verify_locations(client_root)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *arguments: bool(arguments[-1]))
    return context


async def channel_binding(framework: str, pem: str) -> None:
    """Signatures that are good for one TLS connection, alone and together with a router that proves who it is."""
    tls = {"trust_root": pem, "hostname": "localhost"}
    for version, binding in (("1.2", "tls-unique"), ("1.3", "tls-unique"), ("1.3", "tls-exporter")):
        extra = {"channel_binding": binding}
        with AuthRouter("cryptosign", tls=server_tls(pem, version)) as router:
            for more in ({}, {"router_pubkey": router_public_key()}):
                user = {**USERS["cryptosign"], **more, "authextra": extra}
                outcome = await attempt(framework, router, {"cryptosign": user}, tls)
                assert outcome.details is not None, (version, binding, outcome)
                transport = outcome.details.transport
                assert transport.is_secure
                assert len(set(transport.channel_id[binding])) > 1
                assert transport.peer_cert["subject"]
                assert router.hellos[-1]["authextra"]["channel_binding"] == binding
            router._channel_id = lambda kind: b"\x01" * 32  # type: ignore[method-assign]  # somebody is in between
            count = len(router.hellos)
            outcome = await attempt(framework, router, {"cryptosign": {**USERS["cryptosign"], "authextra": extra}}, tls)
            never_joined(outcome, router, REFUSED, "no such user", hellos=count + 1)
    user = {**USERS["cryptosign"], "authextra": {"channel_binding": "tls-exporter"}}
    with AuthRouter("cryptosign", tls=server_tls(pem, "1.2")) as router:
        outcome = await attempt(framework, router, {"cryptosign": user}, tls)
        never_joined(
            outcome, router, CANNOT, "no channel id of type 'tls-exporter': this channel binding needs TLS 1.3"
        )
    with AuthRouter("cryptosign") as router:
        outcome = await attempt(framework, router, {"cryptosign": user})
        never_joined(outcome, router, CANNOT, "needs TLS 1.3")


def client_certificate(framework: str, pem: str, own: str | None) -> Any:
    """What an endpoint's ``tls`` is for a client with a certificate of its own, or without one."""
    if framework == "asyncio":
        import ssl

        context = ssl.create_default_context(cafile=pem)
        if own is not None:
            context.load_cert_chain(own)
        return context
    from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS

    root = Certificate.loadPEM(Path(pem).read_bytes())
    mine = PrivateCertificate.loadPEM(Path(own).read_bytes()) if own is not None else None
    return optionsForClientTLS("localhost", trustRoot=root, clientCertificate=mine)


async def client_certificates(framework: str, pem: str, own: str) -> None:
    """The router asks for a certificate: a client with one joins, one without does not."""
    for version in ("1.2", "1.3"):
        with AuthRouter("anonymous", tls=server_tls(pem, version, own)) as router:
            outcome = await attempt(framework, router, {"anonymous": {}}, client_certificate(framework, pem, own))
            assert outcome.details is not None, outcome
            assert router.peer_certificates == ["CN=client"]
            outcome = await attempt(framework, router, {"anonymous": {}}, client_certificate(framework, pem, None))
            assert outcome.details is None
            assert isinstance(outcome.error, Exception)
            assert len(router.hellos) == 1


async def certificates_of_clients(framework: str, url: str, pem: str, own: str) -> None:
    """The same with the embedded router, which asks for a certificate; ``url`` is that of WebSocket or RawSocket over TLS."""
    module = importlib.import_module(f"autobahn_fast.{framework}.component")
    for certificate in (own, None):
        joined: list[Any] = []

        async def main(_loop: Any, session: Any, joined: list[Any] = joined) -> None:
            joined.append(session.session_id)

        port = int(url.removesuffix("/ws").rpartition(":")[2])
        tls = client_certificate(framework, pem, certificate)
        endpoint = {"type": "tcp", "host": "localhost", "port": port, "version": 4, "tls": tls}
        transport = {"url": url.replace("127.0.0.1", "localhost"), "endpoint": endpoint, "max_retries": 0}
        if url.startswith("rss:"):
            transport |= {"type": "rawsocket", "serializer": "cbor"}
        component = module.Component(main, transports=transport)
        try:
            await component.start()
        except RuntimeError as e:
            assert certificate is None, e.__cause__
            assert str(e.__cause__), "no reason"
        assert bool(joined) == (certificate is not None)


CASES = {
    f.__name__: f
    for f in (
        every_method,
        cheating_routers,
        protocol_violations,
        replayed_challenges,
        router_authentication,
        channel_binding,
        client_certificates,
        certificates_of_clients,
    )
}


def check_log(name: str, text: str) -> None:
    """Nothing secret is in what was logged, and something was, where something went wrong."""
    quiet = ("router_authentication", "certificates_of_clients")
    assert name in quiet or any(word in text for word in ("wamp.error", "rss://", "protocol error")), (
        "nothing was logged"
    )
    secrets = {value for user in USERS.values() for key, value in user.items() if key in SECRETS}
    found = [secret for secret in (*secrets, *WRONG.values(), ROUTER_KEY.hex(), "hush") if secret in text]
    assert not found, found


class Collector(logging.Handler):
    """Keeps all records as text, at every level."""

    def __init__(self) -> None:
        super().__init__(1)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def on_twisted(name: str, reactor: str, *arguments: str) -> None:
    """Run a case on a reactor; everything Twisted logs is looked through."""
    from _twisted_base import install

    install(reactor)
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react
    from twisted.logger import formatEvent, globalLogBeginner

    from autobahn_fast.twisted._logging import start_logging

    lines: list[str] = []

    def observe(event: Any) -> None:
        failure = event.get("log_failure")
        lines.append(formatEvent(event) + (failure.getTraceback() if failure is not None else ""))

    globalLogBeginner.beginLoggingTo([observe], redirectStandardIO=False)
    start_logging("trace")
    try:
        react(lambda _: Deferred.fromCoroutine(CASES[name]("twisted", *arguments)))
    except SystemExit as e:
        assert not e.code, "\n".join(lines)
    check_log(name, "\n".join(lines))


if __name__ == "__main__":
    on_twisted(*sys.argv[1:])
