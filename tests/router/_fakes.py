# SPDX-License-Identifier: MIT
"""Sessions and wires that only remember, for tests of broker and dealer without transports and codecs."""

from itertools import count


class FakeWire:
    def __init__(self):
        self.sent = []
        self.fail = None

    def _say(self, *what):
        if self.fail is not None:
            raise self.fail
        self.sent.append(what)

    def invocation(self, request, registration, details, payload):
        self._say("invocation", request, registration, details, payload)

    def result(self, request, details, payload):
        self._say("result", request, details, payload)

    def error(self, request_type, request, error, details, payload):
        self._say("error", request_type, request, error, details, payload)

    def error_text(self, request_type, request, error, text):
        assert text
        self.sent.append(("error_text", request_type, request, error))

    def send(self, msg):
        self.sent.append(("send", *msg.marshal()))

    def take(self):
        sent, self.sent = self.sent, []
        return sent


class FakeSession:
    _ids = count(1)

    def __init__(self, *features, can_cancel=True, authid=None, authrole="anonymous"):
        self.id = next(self._ids)
        self.authid = authid or f"auth-{self.id}"
        self.authrole = authrole
        self.features = frozenset([*features, *(["callee.call_canceling"] if can_cancel else [])])
        self.wire = FakeWire()
        self.subscriptions, self.registrations, self.calls, self.invocations = {}, {}, {}, {}
        self.unfinished = {}
        self._invocations = count(1)

    def next_invocation(self):
        return next(self._invocations)


def deliver(wires, exclude, subscription, publication, details, payload):
    for wire in wires:
        if wire is not exclude:
            wire.sent.append(("event", subscription, publication, details, payload))
