# SPDX-License-Identifier: MIT
"""What a session keeps about its publications, subscriptions, registrations and pending requests.

Knows no messages and no futures: ``on_reply`` is whatever the session waits on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = (
    "CallRequest",
    "Endpoint",
    "Handler",
    "InvocationRequest",
    "Publication",
    "PublishRequest",
    "RegisterRequest",
    "Registration",
    "SubscribeRequest",
    "Subscription",
    "UnregisterRequest",
    "UnsubscribeRequest",
)


class Publication:
    """An acknowledged publication: what :meth:`publish` with ``acknowledge=True`` results in.

    :param publication_id: the id the broker gave it.
    :param was_encrypted: the payload went through a payload codec.
    """

    __slots__ = ("id", "was_encrypted")

    def __init__(self, publication_id: int, was_encrypted: bool) -> None:
        self.id = publication_id
        self.was_encrypted = was_encrypted

    def __str__(self) -> str:
        return f"Publication(id={self.id}, was_encrypted={self.was_encrypted})"


class Subscription:
    """A handler subscribed to a topic: what :meth:`subscribe` results in.

    :param subscription_id: the id the broker gave it; several handlers of one topic share it.
    :param topic: the topic, or the pattern.
    :param session: the session it belongs to.
    :param handler: what is called.
    """

    __slots__ = ("active", "handler", "id", "session", "topic")

    def __init__(self, subscription_id: int, topic: str, session: Any, handler: Any) -> None:
        self.id = subscription_id
        self.topic = topic
        self.active = True
        self.session = session
        self.handler = handler

    def unsubscribe(self) -> Any:
        """Give the subscription up.

        :returns: a future of the number of handlers that remain for the topic.
        :raises Exception: it was given up already.
        """
        if not self.active:
            raise Exception("subscription no longer active")
        return self.session._unsubscribe(self)

    def __str__(self) -> str:
        return f"Subscription(id={self.id}, is_active={self.active})"


class Handler:
    """An event handler.

    :param fn: what to call.
    :param obj: the object ``fn`` is a method of, when it was found on one.
    :param details_arg: the keyword argument that takes :class:`~autobahn_fast.wamp.types.EventDetails`, or None.
    :param on_revoked: called with the subscription and the reason when the router takes it away, or None.
    """

    __slots__ = ("details_arg", "fn", "obj", "on_revoked")

    def __init__(
        self, fn: Callable[..., Any], obj: Any = None, details_arg: str | None = None, on_revoked: Any = None
    ) -> None:
        self.fn = fn
        self.obj = obj
        self.details_arg = details_arg
        self.on_revoked = on_revoked


class Registration:
    """A registered procedure: what :meth:`register` results in.

    :param session: the session it belongs to.
    :param registration_id: the id the dealer gave it.
    :param procedure: the URI, or the pattern.
    :param endpoint: what is called.
    """

    __slots__ = ("active", "endpoint", "id", "procedure", "session")

    def __init__(self, session: Any, registration_id: int, procedure: str, endpoint: Any) -> None:
        self.id = registration_id
        self.active = True
        self.session = session
        self.procedure = procedure
        self.endpoint = endpoint

    def unregister(self) -> Any:
        """Give the registration up.

        :returns: a future, done when the dealer has confirmed.
        :raises Exception: it was given up already.
        """
        if not self.active:
            raise Exception("registration no longer active")
        return self.session._unregister(self)

    def __str__(self) -> str:
        return f'Registration(id={self.id}, is_active={self.active}, procedure="{self.procedure}")'


class Endpoint:
    """A procedure endpoint.

    :param fn: what to call.
    :param obj: the object ``fn`` is a method of, when it was found on one.
    :param details_arg: the keyword argument that takes :class:`~autobahn_fast.wamp.types.CallDetails`, or None.
    :param options: the :class:`~autobahn_fast.wamp.types.RegisterOptions` it was registered with, or None.
    """

    __slots__ = ("details_arg", "fn", "forward_timeout", "obj", "on_revoked", "progressive")

    def __init__(
        self, fn: Callable[..., Any], obj: Any = None, details_arg: str | None = None, options: Any = None
    ) -> None:
        self.fn = fn
        self.obj = obj
        self.details_arg = details_arg
        self.forward_timeout = options is not None and bool(options.forward_timeout)
        self.progressive = options is not None and bool(options.progressive)
        self.on_revoked = options.on_revoked if options is not None else None


class Request:
    """A request that waits for its reply.

    :param request_id: its id.
    :param on_reply: the future to resolve.
    """

    __slots__ = ("on_reply", "request_id")

    def __init__(self, request_id: int, on_reply: Any) -> None:
        self.request_id = request_id
        self.on_reply = on_reply


class PublishRequest(Request):
    """An acknowledged publish. :param was_encrypted: the payload went through a payload codec."""

    __slots__ = ("was_encrypted",)

    def __init__(self, request_id: int, on_reply: Any, was_encrypted: bool) -> None:
        super().__init__(request_id, on_reply)
        self.was_encrypted = was_encrypted


class SubscribeRequest(Request):
    """A subscribe. :param topic: the topic or pattern. :param handler: what is to be called."""

    __slots__ = ("handler", "topic")

    def __init__(self, request_id: int, topic: str, on_reply: Any, handler: Handler) -> None:
        super().__init__(request_id, on_reply)
        self.topic = topic
        self.handler = handler


class UnsubscribeRequest(Request):
    """An unsubscribe. :param subscription_id: what is given up."""

    __slots__ = ("subscription_id",)

    def __init__(self, request_id: int, on_reply: Any, subscription_id: int) -> None:
        super().__init__(request_id, on_reply)
        self.subscription_id = subscription_id


class CallRequest(Request):
    """A call. :param procedure: its URI. :param options: the :class:`~autobahn_fast.wamp.types.CallOptions` or None."""

    __slots__ = ("options", "procedure")

    def __init__(self, request_id: int, procedure: str, on_reply: Any, options: Any) -> None:
        super().__init__(request_id, on_reply)
        self.procedure = procedure
        self.options = options


class InvocationRequest(Request):
    """An invocation that is being worked on."""

    __slots__ = ()


class RegisterRequest(Request):
    """A register. :param procedure: the URI or pattern. :param endpoint: what is to be called."""

    __slots__ = ("endpoint", "procedure")

    def __init__(self, request_id: int, on_reply: Any, procedure: str, endpoint: Endpoint) -> None:
        super().__init__(request_id, on_reply)
        self.procedure = procedure
        self.endpoint = endpoint


class UnregisterRequest(Request):
    """An unregister. :param registration_id: what is given up."""

    __slots__ = ("registration_id",)

    def __init__(self, request_id: int, on_reply: Any, registration_id: int) -> None:
        super().__init__(request_id, on_reply)
        self.registration_id = registration_id
