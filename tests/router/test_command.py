# SPDX-License-Identifier: MIT
"""``python -m autobahn_fast router``: the ready line, signals and exit codes."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from _client import Client

from autobahn_fast.__main__ import main

COMMAND = [sys.executable, "-m", "autobahn_fast"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loop", ["asyncio", "auto"])
def test_router_from_start_to_signal(tmp_path, number, loop):
    listen = ["ws://127.0.0.1:0/ws", "rs://127.0.0.1:0", f"unix:{tmp_path}/x.sock"]
    words = [word for url in listen for word in ("--listen", url)]
    command = [*COMMAND, "router", *words, "--realm", "realm1", "--realm", "other", "--loop", loop]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline().split()
            assert ready[:2] == ["router", "ready:"] and ready[5:] == ["realms:", "realm1", "other"]
            assert [url.split(":")[0] for url in ready[2:5]] == ["ws", "rs", "unix"]

            async def leave(client):
                assert await client.receive() == [6, {}, "wamp.close.system_shutdown"]
                client.send(6, {}, "wamp.close.goodbye_and_out")
                await client.lost()

            async def talk():
                clients = [await Client.joined(url) for url in ready[2:5]]
                process.send_signal(number)
                # all at once: the router waits for each only for a while
                await asyncio.gather(*map(leave, clients))

            asyncio.run(talk())
            out, err = process.communicate(timeout=20)
            assert (process.returncode, out, err) == (0, "", "")
        finally:
            process.kill()


def test_a_configuration_file(tmp_path):
    settings = {
        "listen": ["rs://127.0.0.1:0", "unix:/nowhere"],
        "realms": [
            "open",
            {"name": "closed", "auth": {"ticket": {"authenticator": "builtins:dict"}}, "roles": {"user": {}}},
        ],
        "serializers": ["json"],
        "max_stall": 0,
    }
    path = tmp_path / "router.json"
    path.write_text(json.dumps(settings))
    command = [*COMMAND, "router", "--config", str(path), "--listen", "rs://127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline().split()
            assert ready[3:] == ["realms:", "open", "closed"]

            async def talk():
                client = await Client.connect(ready[2], "json")
                answer = await client.ask(1, "closed", {"roles": {"caller": {}}})
                assert (answer[0], answer[2]) == (3, "wamp.error.authentication_required")
                client = await Client.connect(ready[2], "json")
                assert (await client.ask(1, "open", {"roles": {"caller": {}}}))[0] == 2
                client.cut()

            asyncio.run(talk())
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object with some of listen, realms"),
        ('{"realm": "x"}', "must be an object with some of listen, realms"),
        ('{"realms": "x"}', "are lists"),
        ('{"realms": [{"name": "x", "rolls": {}}]}', "unknown rolls"),
        ('{"realms": ["x", "x"]}', "the same name"),
        ('{"max_lag": "much"}', "max_lag must be a number"),
        ('{"listen": 5}', "are lists"),
        ('{"listen": [5]}', "each a text"),
        ('{"realms": [5]}', "must be an object"),
        (None, "No such file"),
    ],
)
def test_configuration_files_that_make_no_sense(tmp_path, capsys, text, complaint):
    path = tmp_path / "router.json"
    if text is not None:
        path.write_text(text)
    assert main(["router", "--config", str(path)]) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 2, "usage:"),
        (["--help"], 0, "router"),
        (["nonsense"], 2, "usage:"),
        (["router", "--listen", "http://x"], 1, "cannot listen on 'http://x'"),
        (["router", "--listen", "wss://127.0.0.1:0/"], 1, "need an ssl context"),
        (["router", "--log-level", "loud"], 1, "unknown log level"),
    ],
)
def test_command_lines(capsys, words, code, text):
    assert main(words) == code
    captured = capsys.readouterr()
    assert text in (captured.out if code == 0 else captured.err)


def test_bench_gets_the_command_line(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--help"])
    assert ended.value.code == 0
    assert "python -m autobahn_fast bench" in capsys.readouterr().out
