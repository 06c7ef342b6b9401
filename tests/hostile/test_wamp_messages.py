# SPDX-License-Identifier: MIT
"""Rows 14 and 16: WAMP messages of a router that breaks the rules, and of one that is merely late. See README.md here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from _wamp_cases import check_all, check_flatbuffers, check_good
from _wamp_peer import EVERY_SERIALIZER, SERIALIZERS, Client, turns

HERE = Path(__file__).parent


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_every_message_changed_in_every_way(serializer: str) -> None:
    assert asyncio.run(check_all(serializer)) > 350


def test_what_tables_of_flatbuffers_can_hold_of_that() -> None:
    assert asyncio.run(check_flatbuffers()) > 60


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_unknown_options_are_ignored(serializer: str) -> None:
    asyncio.run(check_good(serializer))


def test_all_of_it_without_assert_statements() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-W", "error", str(HERE / "_wamp_cases.py")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[1] == "optimized"
    assert int(done.stdout.split()[0]) > 1400


# --- row 16 ---


def late(name: str) -> Any:
    """Decorator: run a coroutine of a client whose session must live on."""

    def decorate(test: Any) -> Any:
        @pytest.mark.parametrize("serializer", EVERY_SERIALIZER)
        def run(serializer: str) -> None:
            async def main() -> None:
                client = await Client(serializer).busy()
                await test(client)
                await turns()
                assert client.session.is_attached()
                assert not client.transport.closed
                assert not client.user_errors
                client.say([36, 100, 77, {}, ["still here"]])
                assert client.events[-1] == (("still here",), {})
                await client.end()

            asyncio.run(main())

        run.__name__ = name
        return run

    return decorate


@late("test_event_for_a_subscription_just_removed")
async def test_event_for_a_subscription_just_removed(client: Client) -> None:
    client.say([36, 101, 33, {}, [1]])  # its UNSUBSCRIBE is on the way
    client.say([35, 8], [36, 101, 34, {}, [2]])
    assert await client.pending.pop("unsubscribe") == 0
    assert client.events == []


@late("test_invocation_of_a_procedure_just_unregistered")
async def test_invocation_of_a_procedure_just_unregistered(client: Client) -> None:
    client.say([68, 2, 200, {}, ["late"]])  # its UNREGISTER is on the way
    await turns()
    assert client.take() == [[70, 2, {}, ["late"]]]
    client.say([67, 9])
    await client.pending.pop("unregister")


@pytest.mark.parametrize("answer", [[50, 7, {}, [1]], [50, 7, {"progress": True}, [1]], [8, 48, 7, {}, "com.e"],
                                    [8, 49, 7, {}, "wamp.error.canceled"]])  # fmt: skip
def test_answers_to_a_call_just_cancelled(answer: list[Any]) -> None:
    @late("run")
    async def run(client: Client) -> None:
        client.pending.pop("call").cancel()
        await turns()
        assert [message[:2] for message in client.take()] == [[49, 7]]
        client.say(answer)
        if len(answer) < 4 or not answer[2]:
            client.say([8, 49, 7, {}, "wamp.error.canceled"])

    for serializer in EVERY_SERIALIZER:
        run(serializer)


@late("test_interrupt_of_an_invocation_just_finished")
async def test_interrupt_of_an_invocation_just_finished(client: Client) -> None:
    client.interrupted.set_result(5)
    await turns()
    assert client.take() == [[70, 1, {}, [5]]]
    client.say([69, 1, {}], [69, 1, {"mode": "killnowait"}])
    await turns()
    assert client.take() == []


@late("test_revocation_that_crosses_ours")
async def test_revocation_that_crosses_ours(client: Client) -> None:
    client.say([35, 0, {"subscription": 101, "reason": "x"}], [35, 8])
    assert await client.pending.pop("unsubscribe") == 0
