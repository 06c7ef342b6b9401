# SPDX-License-Identifier: MIT
"""The features this router announces, and those that clients do.

Knows their names. Does not know what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobahn_fast.wamp import role

__all__ = ("announced", "router_roles")

_BROKER = (
    "publisher_identification",
    "publication_trustlevels",
    "pattern_based_subscription",
    "session_meta_api",
    "subscription_meta_api",
    "subscriber_blackwhite_listing",
    "publisher_exclusion",
    "subscription_revocation",
    "event_history",
    "event_retention",
    "shareded_subscriptions",
    "payload_transparency",
    "payload_encryption_cryptobox",
    "payload_passthru_mode",
)
_DEALER = (
    "caller_identification",
    "call_trustlevels",
    "pattern_based_registration",
    "session_meta_api",
    "registration_meta_api",
    "shared_registration",
    "call_timeout",
    "call_canceling",
    "call_reroute",
    "progressive_call_results",
    "progressive_call_invocations",
    "registration_revocation",
    "sharded_registration",
    "testament_meta_api",
    "payload_transparency",
    "payload_encryption_cryptobox",
    "payload_passthru_mode",
)


def router_roles() -> dict[str, Any]:
    """The roles and features that this router announces: those it has, and no others."""
    return {
        "broker": role.RoleBrokerFeatures(**dict.fromkeys(_BROKER, True)),
        "dealer": role.RoleDealerFeatures(**dict.fromkeys(_DEALER, True)),
    }


def announced(roles: Mapping[str, role.RoleFeatures] | None) -> frozenset[str]:
    """What a client announced, as texts such as "callee.call_canceling"."""
    return frozenset(
        f"{name}.{feature}" for name, one in (roles or {}).items() for feature, on in one.announced().items() if on
    )
