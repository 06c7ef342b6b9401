# SPDX-License-Identifier: MIT
"""WAMP from end to end: every client against the same far end. What clients do is in ``peers/wamp.py`` and its siblings."""

from __future__ import annotations

from typing import Any

from _harness import BENCH, Case, Measure, Workers, python

PATHS = {
    "WAMP publish": "publish",
    "WAMP publish, prepared": "prepared",
    "WAMP publish, acknowledged": "acknowledged",
    "WAMP event": "event",
    "WAMP call, 100 in flight": "call_pipelined",
    "WAMP call, 100 in flight, callbacks": "call_window",
    "WAMP call, in sequence": "call_sequence",
    "WAMP invocation": "invocation",
}
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "": ("uvloop", {}),
    " asyncio": ("asyncio", {}),
    " twisted": ("twisted", {}),
    " json": ("uvloop", {"serializer": "json"}),
    " cbor": ("uvloop", {"serializer": "cbor"}),
    " rawsocket": ("uvloop", {"transport": "rawsocket"}),
}
"""Behind the name of a package: its loop, and what differs from msgpack over WebSocket."""
FEW = {"prepared": ("", " twisted", " json"), "call_window": ("", " twisted")}
"""Paths that are not measured in every way."""
CALL_OCTETS = 280
"""About what a CALL with the payload takes, and its RESULT, and a PUBLISH."""
EVENT_OCTETS = 274
RAW = {"publish": ("send", CALL_OCTETS), "event": ("receive", EVENT_OCTETS), "call_sequence": ("echo", CALL_OCTETS)}
"""Limits: what bare transports take for frames of the same sizes, made beforehand. The second column is a job of ``ws.py``."""
COUNTS = (1, 10, 100, 1_000, 10_000)
"""Of subscriptions, and of calls pending."""
NODE = BENCH.parent / ".venvs" / "js"
"""The folder with ``node_modules``, where the JavaScript clients are; ``make test-js`` fills it as well."""


class WampCases:
    """Makes the cases for one far end."""

    def __init__(self, workers: Workers, port: int) -> None:
        self._workers = workers
        self._port = str(port)

    def _package(self, package: str, way: str, **job: Any) -> Measure:
        loop, what = WAYS[way]
        command = (python(), str(BENCH / "peers" / "wamp.py"), package, loop, self._port)
        return self._workers.side(*command, **what, **job)

    def _others(self, path: str) -> dict[str, Measure]:
        xconn = (python(), str(BENCH / "peers" / "wamp_xconn.py"), "uvloop", self._port)
        script = str(BENCH / "peers" / "wamp_js.js")
        side = self._workers.side
        return {
            "xconn": side(*xconn, path=path, serializer="msgpack"),
            "AutobahnJS json": side("node", script, "autobahn", str(NODE), self._port, path=path, serializer="json"),
            "AutobahnJS msgpack": side(
                "node", script, "autobahn", str(NODE), self._port, path=path, serializer="msgpack"
            ),
            "wampy.js json": side("node", script, "wampy", str(NODE), self._port, path=path, serializer="json"),
        }

    def _limits(self, path: str) -> dict[str, Measure]:
        job, size = RAW.get(path, ("", 0))
        if not job:
            return {}
        program = str(BENCH / "peers" / "ws.py")
        name = "raw round trip" if job == "echo" else "raw frames"
        ways = {name: ("raw:protocol", "uvloop"), f"{name}, socket": ("socket", "asyncio")}
        return {
            side: self._workers.side(python(), program, *way, self._port, "0", path=job, size=size)
            for side, way in ways.items()
        }

    def cases(self) -> list[Case]:
        """All of them."""
        made = []
        for name, path in PATHS.items():
            packages = ("autobahn_fast",) if path == "prepared" else ("autobahn_fast", "autobahn")
            sides = {
                package + way: self._package(package, way, path=path)
                for way in FEW.get(path, WAYS)
                for package in packages
            }
            if path == "prepared":
                sides["autobahn"] = self._package("autobahn", "", path="publish")
            elif path != "call_window":  # written for packages whose calls are futures with callbacks
                sides |= self._others(path)
            sides |= self._limits(path)
            made.append(Case(name, sides))
        return made + self.growth()

    def growth(self) -> list[Case]:
        """By the number of subscriptions, and of calls under way."""
        made = []
        for path, what, name in (
            ("event", "subscriptions", "WAMP event, {} subscriptions"),
            ("call_pipelined", "pending", "WAMP call, {} pending"),
        ):
            series = name.format("by").replace("by pending", "by calls pending")
            for count in COUNTS:
                sides = {
                    package: self._package(package, "", path=path, **{what: count})
                    for package in ("autobahn_fast", "autobahn")
                }
                made.append(Case(name.format(count), sides, series, count, full=True))
        return made
