# SPDX-License-Identifier: MIT
"""The life of a session: the order of its callbacks, and every way it can end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from _session_peer import Peer, turns, welcome

from autobahn_fast.asyncio.wamp import ApplicationSession, ApplicationSessionFactory, Session
from autobahn_fast.wamp import message, role
from autobahn_fast.wamp.auth import create_authenticator
from autobahn_fast.wamp.exception import ApplicationError, ProtocolError, SessionNotReady, TransportLost
from autobahn_fast.wamp.types import CallOptions, ComponentConfig, PublishOptions

HOOKS = ("onConnect", "onWelcome", "onJoin", "onLeave", "onDisconnect")
EVENTS = ("connect", "join", "ready", "leave", "disconnect")


def recorded(asynchronous: bool = False, call_base: bool = True) -> tuple[Peer, list[str]]:
    """Return a peer whose session notes every hook and event."""
    log: list[str] = []

    class Recorded(ApplicationSession):
        pass

    def wrap(name: str) -> None:
        base = getattr(ApplicationSession, name)

        def plain_hook(self: Any, *args: Any) -> Any:
            log.append(name)
            return base(self, *args) if call_base or name == "onConnect" else None

        async def async_hook(self: Any, *args: Any) -> Any:
            await asyncio.sleep(0)
            return plain_hook(self, *args)

        setattr(Recorded, name, async_hook if asynchronous else plain_hook)

    for name in HOOKS:
        wrap(name)
    peer = Peer(Recorded(ComponentConfig("realm1")))
    for event in EVENTS:
        peer.session.on(event, lambda *args, event=event, **kwargs: log.append(event))
    return peer, log


@pytest.mark.parametrize("asynchronous", [False, True])
def test_order_of_a_whole_life(asynchronous: bool) -> None:
    async def main() -> None:
        p, log = recorded(asynchronous)
        await p.join()
        await turns()
        p.session.leave("com.bye", "so long")
        assert p.take().marshal() == [6, {"message": "so long"}, "com.bye"]
        p.say(message.Goodbye())
        await turns()
        assert p.transport.closed_by_session == 1
        p.session.onClose(True)
        await turns()
        joined = ["join", "ready", "onJoin"] if asynchronous else ["join", "onJoin", "ready"]
        assert log == ["connect", "onConnect", "onWelcome", *joined, "onLeave", "leave", "onDisconnect", "disconnect"]
        assert not p.session.is_connected()
        assert not p.session.is_attached()
        assert p.session.session_id is None
        assert p.errors == []

    asyncio.run(main())


def test_arguments_of_events_and_details() -> None:
    async def main() -> None:
        p = Peer()
        seen: dict[str, Any] = {}
        for event in EVENTS:
            p.session.on(event, lambda *args, event=event, **kwargs: seen.update({event: (args, kwargs)}))
        await p.join()
        s = p.session
        assert (s.session_id, s.realm, s.authid, s.authrole) == (4711, "realm1", "joe", "user")
        assert s.session_details.session == 4711
        assert s.is_attached()
        p.lose()
        await turns()
        assert seen["connect"] == ((s, p.transport), {})
        assert seen["join"][0] == (s, s.session_details)
        assert seen["ready"] == ((s,), {})
        assert seen["leave"][0][1].reason == "wamp.close.transport_lost"
        assert seen["disconnect"] == ((s,), {"was_clean": False})

    asyncio.run(main())


def test_router_says_goodbye() -> None:
    async def main() -> None:
        p, log = recorded()
        await p.join()
        call = p.session.call("com.p")
        p.sent.clear()
        p.say(message.Goodbye("wamp.close.system_shutdown", "bye"))
        assert p.take().marshal() == [6, {}, "wamp.close.goodbye_and_out"]
        with pytest.raises(ApplicationError) as e:
            await call
        assert (e.value.error, e.value.args) == ("wamp.close.system_shutdown", ("bye",))
        await turns()
        assert log[-2:] == ["onLeave", "leave"]
        assert p.transport.closed_by_session == 1

    asyncio.run(main())


@pytest.mark.parametrize("how", ["base", "no super", "raises", "never ends"])
def test_pending_requests_are_rejected_whatever_the_application_overrides(how: str) -> None:
    class Careless(ApplicationSession):
        def onLeave(self, details: Any) -> Any:
            if how == "raises":
                raise ValueError("onLeave")
            if how == "never ends":
                return asyncio.get_running_loop().create_future()
            return super().onLeave(details) if how == "base" else None

        onDisconnect = lambda self: 1 / 0 if how == "raises" else None

    async def main() -> None:
        p = await Peer(Careless(ComponentConfig("realm1"))).join()
        s = p.session
        sub = await p.subscribed(print)
        reg = await p.registered(print)
        pending = [
            s.call("com.p"),
            s.publish("com.x", options=PublishOptions(acknowledge=True)),
            s.subscribe(print, "com.y"),
            s.register(print, "com.y"),
            sub.unsubscribe(),
            reg.unregister(),
        ]
        drained = asyncio.create_task(_drain(s))
        await turns()
        p.lose()
        results = await asyncio.gather(*pending, return_exceptions=True)
        assert [type(r).__mro__[1] for r in results] == [TransportLost] * 6
        assert all(isinstance(r, ApplicationError) and r.error == "wamp.close.transport_lost" for r in results)
        with pytest.raises(TransportLost):
            await drained

    asyncio.run(main())


async def _drain(session: Any) -> None:
    session._transport_writable(False)
    await session.drain()


def test_drain_waits_until_the_transport_has_room() -> None:
    async def main() -> None:
        p = await Peer().join()
        assert p.session.is_writable
        await p.session.drain()
        p.session._transport_writable(False)
        assert not p.session.is_writable
        task = asyncio.create_task(p.session.drain())
        await turns()
        assert not task.done()
        p.session._transport_writable(True)
        await task
        p.lose()
        with pytest.raises(TransportLost):
            await p.session.drain()

    asyncio.run(main())


def test_abort_by_the_router() -> None:
    async def main() -> None:
        p, log = recorded()
        await p.open()
        p.say(message.Abort("wamp.error.no_such_realm", "nope"))
        await turns()
        assert log == ["connect", "onConnect", "onLeave", "leave"]
        assert p.transport.closed_by_session == 1

    asyncio.run(main())


@pytest.mark.parametrize("veto", ["text", "raise", "async"])
def test_welcome_refused_by_the_application(veto: str) -> None:
    async def main() -> None:
        p, log = recorded()

        async def later(msg: Any) -> str:
            return "I do not like it"

        def refuse(msg: Any) -> Any:
            if veto == "raise":
                raise ValueError("x")
            return later(msg) if veto == "async" else "I do not like it"

        p.session.onWelcome = refuse
        await p.open()
        p.take()
        p.say(welcome())
        await turns()
        abort = p.take()
        assert type(abort) is message.Abort
        assert abort.reason == "wamp.error.cannot_authenticate"
        assert "onJoin" not in log
        assert len(p.errors) == (1 if veto == "raise" else 0)
        assert p.session.session_id is None

    asyncio.run(main())


@pytest.mark.parametrize("answer", ["sig", ("sig", {"nonce": "n"}), b"sig", None, {"a": 1}])
def test_challenge(answer: Any) -> None:
    async def main() -> None:
        p = Peer()
        p.session.onChallenge = lambda challenge: answer
        await p.open()
        p.take()
        p.say(message.Challenge("ticket", {}))
        await turns()
        msg = p.take()
        if answer in ("sig", b"sig"):
            assert msg.marshal() == [5, "sig", {}]
        elif isinstance(answer, tuple):
            assert msg.marshal() == [5, "sig", {"nonce": "n"}]
        else:
            assert (type(msg), msg.reason) == (message.Abort, "wamp.error.cannot_authenticate")
            assert len(p.errors) == 1

    asyncio.run(main())


def test_out_of_order_messages_while_joining() -> None:
    async def main() -> None:
        for early in (
            message.Event(1, 2),
            message.Goodbye(),
            message.Hello("r", role.DEFAULT_CLIENT_ROLES),
            message.Result(1),
        ):
            p = await Peer().open()
            with pytest.raises(ProtocolError):
                p.say(early)
        p = await Peer().open()
        p.say(welcome())
        with pytest.raises(ProtocolError):
            p.say(welcome())
        await turns()
        with pytest.raises(ProtocolError):
            p.say(welcome())

    asyncio.run(main())


def test_join_handlers_that_never_end_hold_up_nothing_else() -> None:
    async def main() -> None:
        p, log = recorded()
        p.session.on("join", lambda *args: asyncio.sleep(1000))
        await p.join()
        p.lose()
        await turns()
        assert log[-4:] == ["onLeave", "leave", "onDisconnect", "disconnect"]

    asyncio.run(main())


def test_a_session_can_be_used_again_on_another_transport() -> None:
    async def main() -> None:
        p = await Peer().join()
        p.session.publish("com.x")
        p.lose()
        await turns()
        second = Peer(p.session)
        await second.join()
        p.session.publish("com.x")
        assert second.take().request == 1

    asyncio.run(main())


def test_user_error_handler_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        p = await Peer().join()

        def broken(fail: Any, msg: str) -> None:
            raise KeyError("in onUserError")

        p.session.onUserError = broken
        await p.subscribed(lambda: 1 / 0)
        p.say(message.Event(100, 1))
        p.session.publish("com.alive")
        assert "in onUserError" in caplog.text

    asyncio.run(main())


def test_default_user_error_logs_the_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        p = Peer()
        del p.session.onUserError
        await p.join()
        await p.subscribed(lambda: 1 / 0)
        p.say(message.Event(100, 1))
        assert "ZeroDivisionError" in caplog.text
        assert "Traceback" in caplog.text

    asyncio.run(main())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_on_connect_that_raises_closes_the_transport(asynchronous: bool) -> None:
    async def main() -> None:
        p = Peer()

        async def later() -> None:
            raise ValueError("cannot say hello")

        def at_once() -> None:
            raise ValueError("cannot say hello")

        p.session.onConnect = later if asynchronous else at_once
        await p.open()
        assert p.transport.closed_by_session == 1
        assert [str(error) for error, _ in p.errors] == ["cannot say hello"]
        assert p.session._connect_error is p.errors[0][0]

    asyncio.run(main())


def test_nothing_is_sent_behind_goodbye_but_answers_still_come_in() -> None:
    async def main() -> None:
        p = await Peer().join()
        s = p.session
        seen: list[Any] = []
        subscription = await p.subscribed(seen.append)
        registration = await p.registered(lambda: seen.append("called"))
        call, acknowledged = s.call("com.p"), s.publish("com.x", options=PublishOptions(acknowledge=True))
        p.sent.clear()
        s.leave()
        assert type(p.take()) is message.Goodbye
        for action in (
            lambda: s.publish("com.x", 1),
            lambda: s.call("com.p", 1),
            lambda: s.call("com.p", 1, options=CallOptions(timeout=1)),
            lambda: s.subscribe(print, "com.y"),
            lambda: s.register(print, "com.y"),
            subscription.unsubscribe,
            registration.unregister,
        ):
            with pytest.raises(SessionNotReady):
                action()
        s.leave()
        p.say(message.Event(100, 1, args=["event"]), message.Result(3, args=["result"]), message.Published(4, 5))
        p.say(message.Invocation(1, 200), message.Interrupt(1))
        assert (await call, (await acknowledged).id) == ("result", 5)
        assert seen == ["event", "called"]
        assert p.sent == []
        p.say(message.Goodbye("wamp.close.goodbye_and_out"))
        await turns()
        assert (p.sent, p.transport.closed_by_session, p.errors) == ([], 1, [])

    asyncio.run(main())


def test_factory() -> None:
    factory = ApplicationSessionFactory(ComponentConfig("r"))
    session = factory()
    assert session.factory is factory
    assert session.config is factory.config
    assert ApplicationSession().config.realm == "realm1"


def test_snake_case_session_and_authenticators() -> None:
    async def main() -> None:
        log: list[str] = []

        class Snake(Session):
            def on_join(self, details: Any) -> None:
                log.append("join")

            async def on_leave(self, details: Any) -> None:
                log.append("leave")

            def on_disconnect(self) -> None:
                log.append("disconnect")

            def on_welcome(self, welcome_msg: Any) -> None:
                log.append("welcome")

        session = Snake(ComponentConfig("realm1"))
        session.add_authenticator(create_authenticator("ticket", ticket="t", authid="joe", authextra={"q": 1}))
        session.add_authenticator(create_authenticator("wampcra", secret="s", authid="joe"))
        with pytest.raises(ValueError, match="Inconsistent authid"):
            session.add_authenticator(create_authenticator("ticket", ticket="t", authid="jim"))
        p = await Peer(session).open()
        hello = p.take()
        assert (hello.authmethods, hello.authid, hello.authextra) == (["ticket", "wampcra"], "joe", {"q": 1})
        p.say(message.Challenge("ticket", {}))
        await turns()
        assert p.take().signature == "t"
        p.say(welcome(authmethod="ticket"))
        await turns()
        p.lose()
        await turns()
        assert log == ["welcome", "join", "leave", "disconnect"]

    asyncio.run(main())


def test_challenge_for_an_unknown_method_aborts() -> None:
    async def main() -> None:
        p = await Peer(Session(ComponentConfig("realm1"))).open()
        p.take()
        p.say(message.Challenge("wampcra", {"challenge": "x"}))
        await turns()
        assert type(p.take()) is message.Abort
        assert p.transport.closed_by_session == 1

    asyncio.run(main())
