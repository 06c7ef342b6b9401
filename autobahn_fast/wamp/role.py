# SPDX-License-Identifier: MIT
"""The six WAMP roles and the features a peer announces for each in HELLO and WELCOME.

Knows the names of the features. Does not know what they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobahn_fast.util import EqualityMixin
from autobahn_fast.wamp.exception import ProtocolError

__all__ = (
    "DEFAULT_CLIENT_ROLES",
    "ROLE_NAME_TO_CLASS",
    "RoleBrokerFeatures",
    "RoleCalleeFeatures",
    "RoleCallerFeatures",
    "RoleDealerFeatures",
    "RoleFeatures",
    "RolePublisherFeatures",
    "RoleSubscriberFeatures",
)


class RoleFeatures(EqualityMixin):
    """Features of one role: one attribute each, True, False or None (not announced).

    A subclass lists its features; its constructor takes them as arguments and ignores features it does not know, so
    that a newer peer may announce more.

    :raises ProtocolError: a feature is neither a bool nor None.
    """

    ROLE: str | None = None
    FEATURES: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        # A real constructor, with the features as parameters, as dataclasses does it.
        lines = [f"def __init__(self, {''.join(f'{name}=None, ' for name in cls.FEATURES)}**kwargs):"]
        lines += [f"    self.{name} = {name}" for name in cls.FEATURES]
        lines += ["    self._check_all_bool()"]
        namespace: dict[str, Any] = {}
        exec("\n".join(lines), namespace)
        cls.__init__ = namespace["__init__"]  # type: ignore[method-assign]
        cls.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
        cls.__init__.__module__ = cls.__module__

    def _check_all_bool(self) -> None:
        for name in self.FEATURES:
            value = getattr(self, name)
            if value is not None and type(value) is not bool:
                raise ProtocolError(f"invalid type {type(value)} for feature '{name}' for role '{self.ROLE}'")

    def announced(self) -> dict[str, bool]:
        """Return the features as they go into ``Details.roles.<role>.features``."""
        return {name: value for name in self.FEATURES if (value := getattr(self, name)) is not None}

    if TYPE_CHECKING:

        def __init__(self, *args: bool | None, **kwargs: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    def __repr__(self) -> str:
        return f"{self.ROLE}({', '.join(f'{name}={value}' for name, value in self.announced().items())})"

    __str__ = __repr__


class RoleBrokerFeatures(RoleFeatures):
    """Features of a broker."""

    ROLE = "broker"
    FEATURES = (
        "publisher_identification",
        "publication_trustlevels",
        "pattern_based_subscription",
        "session_meta_api",
        "subscription_meta_api",
        "subscriber_blackwhite_listing",
        "publisher_exclusion",
        "subscription_revocation",
        "event_history",
        "payload_transparency",
        "x_acknowledged_event_delivery",
        "payload_encryption_cryptobox",
        "event_retention",
        "shareded_subscriptions",
        "payload_passthru_mode",
        "reflection",
    )


class RoleSubscriberFeatures(RoleFeatures):
    """Features of a subscriber."""

    ROLE = "subscriber"
    FEATURES = (
        "publisher_identification",
        "publication_trustlevels",
        "pattern_based_subscription",
        "subscription_revocation",
        "event_history",
        "payload_transparency",
        "payload_encryption_cryptobox",
        "shareded_subscriptions",
        "payload_passthru_mode",
    )


class RolePublisherFeatures(RoleFeatures):
    """Features of a publisher."""

    ROLE = "publisher"
    FEATURES = (
        "publisher_identification",
        "subscriber_blackwhite_listing",
        "publisher_exclusion",
        "payload_transparency",
        "x_acknowledged_event_delivery",
        "payload_encryption_cryptobox",
        "shareded_subscriptions",
        "payload_passthru_mode",
    )


class RoleDealerFeatures(RoleFeatures):
    """Features of a dealer."""

    ROLE = "dealer"
    FEATURES = (
        "caller_identification",
        "call_trustlevels",
        "pattern_based_registration",
        "session_meta_api",
        "registration_meta_api",
        "shared_registration",
        "call_timeout",
        "call_canceling",
        "progressive_call_results",
        "registration_revocation",
        "payload_transparency",
        "testament_meta_api",
        "payload_encryption_cryptobox",
        "progressive_call_invocations",
        "call_reroute",
        "sharded_registration",
        "payload_passthru_mode",
        "reflection",
    )


class RoleCallerFeatures(RoleFeatures):
    """Features of a caller."""

    ROLE = "caller"
    FEATURES = (
        "caller_identification",
        "call_timeout",
        "call_canceling",
        "progressive_call_results",
        "payload_transparency",
        "payload_encryption_cryptobox",
        "progressive_call_invocations",
        "sharded_registration",
        "payload_passthru_mode",
    )


class RoleCalleeFeatures(RoleFeatures):
    """Features of a callee."""

    ROLE = "callee"
    FEATURES = (
        "caller_identification",
        "call_trustlevels",
        "pattern_based_registration",
        "shared_registration",
        "call_timeout",
        "call_canceling",
        "progressive_call_results",
        "registration_revocation",
        "payload_transparency",
        "payload_encryption_cryptobox",
        "progressive_call_invocations",
        "call_reroute",
        "sharded_registration",
        "payload_passthru_mode",
    )


ROLE_NAME_TO_CLASS: dict[str, type[RoleFeatures]] = {
    "broker": RoleBrokerFeatures,
    "subscriber": RoleSubscriberFeatures,
    "publisher": RolePublisherFeatures,
    "dealer": RoleDealerFeatures,
    "caller": RoleCallerFeatures,
    "callee": RoleCalleeFeatures,
}

# What the client sessions of this package announce: exactly what they do.
_CLIENT_FEATURES: dict[str, tuple[str, ...]] = {
    "subscriber": (
        "publisher_identification",
        "pattern_based_subscription",
        "subscription_revocation",
        "payload_transparency",
        "payload_encryption_cryptobox",
        "publication_trustlevels",
        "shareded_subscriptions",
        "payload_passthru_mode",
    ),
    "publisher": (
        "publisher_identification",
        "subscriber_blackwhite_listing",
        "publisher_exclusion",
        "payload_transparency",
        "x_acknowledged_event_delivery",
        "payload_encryption_cryptobox",
        "shareded_subscriptions",
        "payload_passthru_mode",
    ),
    "caller": (
        "caller_identification",
        "call_canceling",
        "progressive_call_results",
        "payload_transparency",
        "payload_encryption_cryptobox",
        "call_timeout",
        "progressive_call_invocations",
        "sharded_registration",
        "payload_passthru_mode",
    ),
    "callee": (
        "caller_identification",
        "pattern_based_registration",
        "shared_registration",
        "call_canceling",
        "progressive_call_results",
        "registration_revocation",
        "payload_transparency",
        "payload_encryption_cryptobox",
        "call_timeout",
        "call_trustlevels",
        "call_reroute",
        "progressive_call_invocations",
        "sharded_registration",
        "payload_passthru_mode",
    ),
}

DEFAULT_CLIENT_ROLES: dict[str, RoleFeatures] = {
    name: ROLE_NAME_TO_CLASS[name](**dict.fromkeys(features, True)) for name, features in _CLIENT_FEATURES.items()
}
