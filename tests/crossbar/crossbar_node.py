# SPDX-License-Identifier: MIT
"""A Crossbar.io node for tests: writes its configuration into a folder, starts it, stops it.

One router worker with the realm ``realm1``, in which an anonymous client may do everything, and three transports: WebSocket
(json, msgpack, cbor), RawSocket over TCP and RawSocket over a Unix socket. As a program: ``crossbar_node.py CROSSBAR FOLDER`` runs a
node until it is interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REALM = "realm1"
SERIALIZERS = ["msgpack", "cbor", "json"]
READY = "NODE_BOOT_COMPLETE"
START_TIMEOUT = 90.0
STOP_TIMEOUT = 20.0


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_config(ws_port: int, rs_port: int) -> dict[str, Any]:
    """The node configuration, as it goes into ``config.json``."""
    everything = {
        "uri": "",
        "match": "prefix",
        "allow": {"call": True, "register": True, "publish": True, "subscribe": True},
        "disclose": {"caller": True, "publisher": True},
        "cache": True,
    }
    realm = {
        "name": REALM,
        "options": {"enable_meta_api": True},
        "roles": [{"name": "anonymous", "permissions": [everything]}],
    }
    common = {"serializers": SERIALIZERS, "auth": {"anonymous": {"type": "static", "role": "anonymous"}}}

    def tcp(port: int) -> dict[str, Any]:
        return {"type": "tcp", "interface": "127.0.0.1", "port": port}

    transports = [
        {"type": "websocket", "id": "web_socket", "endpoint": tcp(ws_port), "options": {"tcp_nodelay": True}, **common},
        {"type": "rawsocket", "id": "raw_tcp", "endpoint": tcp(rs_port), "options": {}, **common},
        {"type": "rawsocket", "id": "raw_unix", "endpoint": {"type": "unix", "path": "raw.sock"}, "options": {}, **common},
    ]
    worker = {"type": "router", "id": "router1", "realms": [realm], "transports": transports}
    return {"version": 2, "controller": {}, "workers": [worker]}


def descendants(pid: int) -> list[int]:
    """The processes that ``pid`` started, and those that they started."""
    found: list[int] = []
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
    todo = [pid]
    while todo:
        parent = todo.pop()
        for child, its_parent in pairs:
            if its_parent == parent:
                found.append(child)
                todo.append(child)
    return found


class Node:
    """A node in ``folder``, run by the program ``crossbar``. It can be stopped and started again, on the same ports."""

    def __init__(self, crossbar: str, folder: Path) -> None:
        ws_port, rs_port = free_port(), free_port()
        self._crossbar = str(Path(crossbar).absolute())
        self._folder = folder / ".crossbar"
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "config.json").write_text(json.dumps(make_config(ws_port, rs_port), indent=1))
        self._log = folder / "node.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.urls = {
            "ws": f"ws://127.0.0.1:{ws_port}/ws",
            "rs": f"rs://127.0.0.1:{rs_port}",
            "unix": f"unix:{self._folder / 'raw.sock'}",
        }

    def start(self) -> None:
        """Start the node and wait until it is up. Raises RuntimeError with the end of its log if it does not come up."""
        command = [self._crossbar, "start", "--cbdir", str(self._folder), "--color", "false", "--loglevel", "info"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while READY not in self.log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the Crossbar node did not start:\n" + self.log()[-4000:])
            time.sleep(0.1)

    def log(self) -> str:
        """What the node wrote since its last start."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop(self) -> None:
        """Stop the node and its worker processes."""
        process, self._process = self._process, None
        if process is None:
            return
        family = descendants(process.pid)
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


if __name__ == "__main__":
    _node = Node(sys.argv[1], Path(sys.argv[2]))
    _node.start()
    print(*_node.urls.values(), sep="\n", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        _node.stop()
