# SPDX-License-Identifier: MIT
"""Every authentication method over sockets: our own components and scripted clients against the router."""

import asyncio
import base64
import datetime
import hashlib
import hmac
import ipaddress
import ssl

import pytest
from _client import ROLES, Client

from autobahn_fast.asyncio.component import Component
from autobahn_fast.router import Router
from autobahn_fast.wamp.auth import derive_key, derive_scram_credential
from autobahn_fast.wamp.cryptosign import CryptosignKey
from autobahn_fast.wamp.exception import ApplicationError

PRIVKEY, OTHER_KEY, ROUTER_KEY = "51" * 32, "52" * 32, "77" * 32
HUSH = ("hush-ticket", "hush-secret", "hush-password", "hush-salted", PRIVKEY, ROUTER_KEY)
DENIED, NOBODY = "wamp.error.authentication_denied", "wamp.error.no_such_principal"


def public(key):
    return CryptosignKey.from_bytes(bytes.fromhex(key)).public_key()


USERS = {
    "ticket": {"joe": {"ticket": "hush-ticket"}},
    "wampcra": {
        "joe": {"secret": "hush-secret"},
        "salted": {
            "secret": derive_key("hush-salted", "salt1", 100, 16).decode(),
            "salt": "salt1",
            "iterations": 100,
            "keylen": 16,
        },
    },
    "scram": {
        "joe": {"password": "hush-password"},
        "a=b,c": {"password": "hush-password"},
        "crossbar": derive_scram_credential("crossbar", "hush-password"),
    },
    "cryptosign": {"joe": {"authorized_keys": [public(OTHER_KEY), public(PRIVKEY)]}},
}
REALM = {
    "name": "realm1",
    "auth": {method: {"users": users, "authrole": "user"} for method, users in USERS.items()},
    "roles": {"user": {"permissions": [{"uri": "*", "allow": True}]}},
}
REALM["auth"]["cryptosign"]["privkey"] = ROUTER_KEY

RIGHT = [
    ("ticket", {"authid": "joe", "ticket": "hush-ticket"}),
    ("wampcra", {"authid": "joe", "secret": "hush-secret"}),
    ("wampcra", {"authid": "salted", "secret": "hush-salted"}),
    ("scram", {"authid": "joe", "password": "hush-password"}),
    ("scram", {"authid": "crossbar", "password": "hush-password"}),
    ("wamp-scram", {"authid": "joe", "password": "hush-password"}),
    ("wamp-scram", {"authid": "a=b,c", "password": "hush-password"}),
    ("wamp-scram", {"authid": "crossbar", "password": "hush-password"}),
    ("cryptosign", {"authid": "joe", "privkey": PRIVKEY}),
    ("cryptosign", {"privkey": OTHER_KEY}),
    ("cryptosign", {"authid": "joe", "privkey": PRIVKEY, "router_pubkey": public(ROUTER_KEY)}),
]
WRONG = [
    ("ticket", {"authid": "joe", "ticket": "wrong"}, DENIED),
    ("ticket", {"authid": "nobody", "ticket": "hush-ticket"}, NOBODY),
    ("wampcra", {"authid": "joe", "secret": "wrong"}, DENIED),
    ("wampcra", {"authid": "salted", "secret": "hush-secret"}, DENIED),
    ("scram", {"authid": "joe", "password": "wrong"}, DENIED),
    ("wamp-scram", {"authid": "joe", "password": "wrong"}, DENIED),
    ("wamp-scram", {"authid": "nobody", "password": "hush-password"}, NOBODY),
    ("cryptosign", {"authid": "joe", "privkey": "53" * 32}, DENIED),
    ("cryptosign", {"privkey": "53" * 32}, NOBODY),
]


class Outcome:
    details = reason = None


async def attempt(url, authentication, tls=None):
    """Have a component join once, and leave again."""
    outcome = Outcome()

    async def main(_loop, session):
        outcome.details = session.session_details

    transport = {"url": url, "max_retries": 0, "serializers": ["json"]}
    if tls is not None:
        transport["endpoint"] = {"type": "tcp", "host": "localhost", "port": int(url.split(":")[2].split("/")[0])}
        transport["endpoint"] |= {"version": 4, "tls": tls}
    component = Component(main, transports=transport, realm="realm1", authentication=authentication)
    component.on_leave(lambda session, details: setattr(outcome, "reason", details.reason))
    try:
        await component.start()
    except RuntimeError:
        assert outcome.details is None
    return outcome


@pytest.fixture
def log(caplog):
    caplog.set_level(1)
    yield caplog
    for secret in HUSH:
        assert secret not in caplog.text


def test_the_right_secret(run, log):
    async def main():
        async with Router(realms=[REALM]) as router:
            for method, arguments in RIGHT:
                outcome = await attempt(router.urls[0], {method: dict(arguments)})
                details = outcome.details
                assert details is not None, (method, arguments, outcome.reason)
                assert (details.authid, details.authrole) == (arguments.get("authid", "joe"), "user")
                assert (details.authmethod, details.authprovider) == (method, "static")

    run(main())


def test_the_wrong_secret(run, log):
    async def main():
        async with Router(realms=[REALM]) as router:
            for method, arguments, reason in WRONG:
                outcome = await attempt(router.urls[0], {method: dict(arguments)})
                assert (outcome.details, outcome.reason) == (None, reason), (method, arguments)
            assert not router.realms["realm1"].sessions

    run(main())


def test_a_client_with_several_methods_gets_in_by_the_one_that_knows_it(run, log):
    methods = {"ticket": {"authid": "salted", "ticket": "x"}, "wampcra": {"authid": "salted", "secret": "hush-salted"}}

    async def main():
        async with Router(realms=[REALM]) as router:
            outcome = await attempt(router.urls[0], methods)
            assert outcome.details.authmethod == "wampcra"

    run(main())


@pytest.mark.parametrize("method", ["cryptosign", "wamp-scram"])
def test_channel_binding_over_tls(run, log, method, tmp_path):
    certificate = make_certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.create_default_context(cafile=certificate)
    client.maximum_version = ssl.TLSVersion.TLSv1_2  # where every Python has tls-unique
    user = {"authid": "joe", "authextra": {"channel_binding": "tls-unique"}}
    user |= {"privkey": PRIVKEY} if method == "cryptosign" else {"password": "hush-password"}

    async def main():
        async with Router(["wss://127.0.0.1:0/", "ws://127.0.0.1:0/"], [REALM], ssl=server) as router:
            outcome = await attempt(router.urls[0], {method: dict(user)}, client)
            assert outcome.details.authmethod == method
            plain = await Client.connect(router.urls[1])
            extra = {**user["authextra"], "pubkey": public(PRIVKEY), "nonce": "abc"}
            hello = {"roles": ROLES, "authmethods": [method], "authid": "joe", "authextra": extra}
            answer = await plain.ask(1, "realm1", hello)
            assert (answer[0], answer[2]) == (3, DENIED) and "channel binding" in answer[1]["message"]

    run(main())


def test_a_signature_of_another_channel(run, log, tmp_path):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(make_certificate(tmp_path))
    server.maximum_version = ssl.TLSVersion.TLSv1_2

    async def main():
        async with Router(["rss://127.0.0.1:0"], [REALM], ssl=server) as router:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            loop = asyncio.get_running_loop()
            port = int(router.urls[0].rpartition(":")[2])
            _, client = await loop.create_connection(
                lambda: Client("rs://", "json"), "127.0.0.1", port, ssl=context, server_hostname="localhost"
            )
            await client.ready
            extra = {"pubkey": public(PRIVKEY), "channel_binding": "tls-unique"}
            challenge = await client.ask(
                1, "realm1", {"roles": ROLES, "authmethods": ["cryptosign"], "authextra": extra}
            )
            assert challenge[2]["channel_binding"] == "tls-unique"
            octets = bytes.fromhex(challenge[2]["challenge"])  # as if there were no TLS
            signed = await CryptosignKey.from_bytes(bytes.fromhex(PRIVKEY)).sign(octets)
            answer = await client.ask(5, (signed + octets).hex(), {})
            assert (answer[0], answer[2]) == (3, DENIED)
            await client.lost()

    run(main())


# --- dynamic authenticators ---


def test_authenticators(run, log):
    seen = []

    def by_secret(realm, authid, details):
        seen.append((realm, authid, details["authmethod"]))
        return {"secret": "hush-secret", "authrole": "user", "authid": "renamed", "extra": {"floor": 3}}

    async def by_ticket(realm, authid, details):
        await asyncio.sleep(0)
        if details["ticket"] == "raise":
            raise ApplicationError("com.myapp.no_way", "hush-secret")
        if details["ticket"] == "crash":
            raise ValueError("hush-ticket")
        return "user" if details["ticket"] == "hush-ticket" else None

    realm = {
        "name": "realm1",
        "auth": {"wampcra": {"authenticator": by_secret}, "ticket": {"authenticator": by_ticket}},
    }
    realm["auth"]["anonymous"] = {"authenticator": lambda *_: {"authrole": "guest", "authid": "a guest"}}

    async def main():
        async with Router(realms=[realm]) as router:
            url = router.urls[0]
            outcome = await attempt(url, {"wampcra": {"authid": "joe", "secret": "hush-secret"}})
            assert (outcome.details.authid, outcome.details.authprovider) == ("renamed", "dynamic")
            assert outcome.details.authextra["floor"] == 3 and seen == [("realm1", "joe", "wampcra")]
            for ticket, reason in (
                ("hush-ticket", None),
                ("wrong", DENIED),
                ("raise", "com.myapp.no_way"),
                ("crash", "wamp.error.authentication_failed"),
            ):
                outcome = await attempt(url, {"ticket": {"authid": "joe", "ticket": ticket}})
                assert outcome.details.authrole == "user" if reason is None else outcome.reason == reason
            outcome = await attempt(url, {"anonymous": {}})
            assert (outcome.details.authrole, outcome.details.authid) == ("guest", "a guest")

    run(main())


def test_a_client_that_leaves_while_an_authenticator_works(run):
    started, ended = asyncio.Event(), []

    async def slow(realm, authid, details):
        started.set()
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ended.append(authid)
            raise

    realm = {"name": "realm1", "auth": {"wampcra": {"authenticator": slow}}}

    async def main():
        async with Router(realms=[realm]) as router:
            for how in ("cut", "abort", "violate"):
                started.clear()
                client = await Client.connect(router.urls[0])
                client.send(1, "realm1", {"roles": ROLES, "authmethods": ["wampcra"], "authid": how})
                await started.wait()
                if how == "cut":
                    client.cut()
                elif how == "abort":
                    client.send(3, {}, "wamp.close.normal")
                else:
                    answer = await client.ask(5, "too early", {})
                    assert (answer[0], answer[2]) == (3, "wamp.error.protocol_violation")
                await client.lost()
            while len(ended) < 3:
                await asyncio.sleep(0.01)
        assert ended == ["cut", "abort", "violate"]

    run(main())


def test_who_takes_too_long_is_sent_away(run, monkeypatch):
    monkeypatch.setattr("autobahn_fast.router.session.AUTHENTICATION_TIMEOUT", 0.05)

    async def main():
        async with Router(realms=[REALM]) as router:
            client = await Client.connect(router.urls[0])
            hello = {"roles": ROLES, "authmethods": ["ticket"], "authid": "joe"}
            assert (await client.ask(1, "realm1", hello))[0] == 4
            answer = await client.receive()
            assert (answer[0], answer[2]) == (3, "wamp.error.authentication_failed")
            await client.lost()

    run(main())


# --- scripted clients ---


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({}, "wamp.error.authentication_required"),
        ({"authmethods": ["anonymous"]}, "wamp.error.authentication_required"),
        ({"authmethods": ["magic"]}, "wamp.error.no_matching_auth_method"),
        ({"authmethods": ["cryptosign"]}, DENIED),
        ({"authmethods": ["cryptosign"], "authid": "joe", "authextra": {"pubkey": "xyz"}}, DENIED),
        ({"authmethods": ["cryptosign"], "authid": "joe", "authextra": {"pubkey": 5}}, DENIED),
        ({"authmethods": ["scram"], "authid": "joe"}, DENIED),
        ({"authmethods": ["scram"], "authid": "joe", "authextra": {"nonce": 5}}, DENIED),
        ({"authmethods": ["scram"], "authid": "joe", "authextra": {"nonce": "a", "channel_binding": []}}, DENIED),
        ({"authmethods": ["ticket"]}, NOBODY),
    ],
)
def test_hellos_that_lead_nowhere(run, details, reason):
    async def main():
        async with Router(realms=[REALM]) as router:
            client = await Client.connect(router.urls[0])
            answer = await client.ask(1, "realm1", {"roles": ROLES, **details})
            assert (answer[0], answer[2]) == (3, reason)
            await client.lost()

    run(main())


@pytest.mark.parametrize("method", ["ticket", "wampcra", "scram", "wamp-scram", "cryptosign"])
@pytest.mark.parametrize("signature", ["", "ä", "00" * 96, "AAAA" * 11, "=" * 44, "\ud800"])
def test_answers_that_are_none(run, method, signature):
    async def main():
        async with Router(realms=[REALM]) as router:
            client = await Client.connect(router.urls[0], "json")
            extra = {"nonce": "abc", "pubkey": public(PRIVKEY)}
            hello = {"roles": ROLES, "authmethods": [method], "authid": "joe", "authextra": extra}
            challenge = await client.ask(1, "realm1", hello)
            assert challenge[:2] == [4, method]
            text = signature.replace("\ud800", "\\ud800")
            client.send_octets(f'[5, "{text}", {{"nonce": 5, "cbind_data": []}}]'.encode())
            answer = await client.receive()
            assert answer[0] == 3 and answer[2] in (DENIED, "wamp.error.protocol_violation")
            assert answer[2] == DENIED or signature == "\ud800"
            await client.lost()
            assert not router.realms["realm1"].sessions

    run(main())


def test_messages_out_of_order(run):
    async def main():
        async with Router(realms=[REALM]) as router:
            hello = [1, "realm1", {"roles": ROLES, "authmethods": ["ticket"], "authid": "joe"}]
            for raw in (hello, [16, 1, {}, "com.x"], [32, 1, {}, "com.x"], [6, {}, "wamp.close.normal"]):
                client = await Client.connect(router.urls[0])
                assert (await client.ask(*hello))[0] == 4
                answer = await client.ask(*raw)
                assert (answer[0], answer[2]) == (3, "wamp.error.protocol_violation"), raw
                await client.lost()
            client = await Client.connect(router.urls[0])
            await client.ask(*hello)
            client.send(5, "hush-ticket", {})
            answer = await client.ask(5, "hush-ticket", {})  # one too many
            assert answer[0] in (2, 3)
            await client.lost()

    run(main())


def test_a_challenge_is_good_for_one_answer(run):
    async def main():
        async with Router(realms=[REALM]) as router:
            challenges = []
            for _ in range(2):
                client = await Client.connect(router.urls[0], "json")
                hello = {"roles": ROLES, "authmethods": ["wampcra"], "authid": "joe"}
                challenges.append((await client.ask(1, "realm1", hello))[2]["challenge"])
                digest = hmac.digest(b"hush-secret", challenges[0].encode(), hashlib.sha256)
                answer = await client.ask(5, base64.b64encode(digest).decode(), {})
                assert answer[0] == (2 if len(challenges) == 1 else 3)
                client.cut()
                await client.lost()
            assert challenges[0] != challenges[1]

    run(main())


def test_a_user_whose_role_does_not_exist(run):
    realm = {**REALM, "roles": {}}

    async def main():
        async with Router(realms=[realm]) as router:
            outcome = await attempt(router.urls[0], {"ticket": {"authid": "joe", "ticket": "hush-ticket"}})
            assert outcome.reason == "wamp.error.no_such_role"

    run(main())


def make_certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path
