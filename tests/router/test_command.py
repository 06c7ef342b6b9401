# SPDX-License-Identifier: MIT
"""``python -m autobahn_fast router``: the ready line, signals and exit codes."""

import asyncio
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
