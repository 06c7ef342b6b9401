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
        self.gate = None
        self.left = []
        self._invocations = count(1)

    def details(self):
        return {"session": self.id, "authid": self.authid, "authrole": self.authrole}

    def goodbye(self, reason, text):
        self.left.append((reason, text))

    def next_invocation(self):
        return next(self._invocations)


def deliver(wires, exclude, subscription, publication, details, payload):
    for wire in wires:
        if wire is not exclude:
            wire.sent.append(("event", subscription, publication, details, payload))


class FakePayload:
    def __init__(self, *args, **kwargs):
        self._values = [list(args), kwargs] if kwargs else [list(args)] if args else []

    def values(self):
        return self._values


class Clock:
    """Timers that run when the test says so."""

    def __init__(self):
        self.timers = []

    def call_later(self, seconds, f):
        timer = Timer(self, seconds, f)
        self.timers.append(timer)
        return timer

    def fire(self):
        timers, self.timers = self.timers, []
        for timer in timers:
            timer.f()


class Timer:
    def __init__(self, clock, seconds, f):
        self.clock, self.seconds, self.f = clock, seconds, f

    def cancel(self):
        if self in self.clock.timers:
            self.clock.timers.remove(self)
