# SPDX-License-Identifier: MIT
"""Roles and features."""

from __future__ import annotations

import inspect

import pytest

from autobahn_fast.wamp.exception import ProtocolError
from autobahn_fast.wamp.message import Hello
from autobahn_fast.wamp.role import DEFAULT_CLIENT_ROLES, ROLE_NAME_TO_CLASS, RoleCalleeFeatures, RoleCallerFeatures


@pytest.mark.parametrize("name", ROLE_NAME_TO_CLASS)
def test_features_are_parameters_and_attributes(name: str) -> None:
    cls = ROLE_NAME_TO_CLASS[name]
    assert cls.ROLE == name
    assert list(inspect.signature(cls).parameters) == [*cls.FEATURES, "kwargs"]
    nothing = cls()
    assert nothing.announced() == {}
    assert all(getattr(nothing, feature) is None for feature in cls.FEATURES)
    some = cls(True, **{cls.FEATURES[1]: False})
    assert some.announced() == {cls.FEATURES[0]: True, cls.FEATURES[1]: False}
    assert repr(some) == f"{name}({cls.FEATURES[0]}=True, {cls.FEATURES[1]}=False)"


def test_features_are_bools() -> None:
    for wrong in (5, "x", 0, []):
        with pytest.raises(ProtocolError, match="'call_timeout' for role 'caller'"):
            RoleCallerFeatures(call_timeout=wrong)
    assert RoleCallerFeatures(of_later_times=5) == RoleCallerFeatures()


def test_equality() -> None:
    assert RoleCallerFeatures(call_timeout=True) == RoleCallerFeatures(call_timeout=True)
    assert RoleCallerFeatures(call_timeout=True) != RoleCallerFeatures()
    assert RoleCallerFeatures() != RoleCalleeFeatures()
    assert RoleCallerFeatures() != 5


def test_what_clients_announce() -> None:
    assert set(DEFAULT_CLIENT_ROLES) == {"publisher", "subscriber", "caller", "callee"}
    for name in ("caller", "callee"):
        # Progressive results and invocations are void without call canceling (WAMP, "Progressive Call Results").
        announced = DEFAULT_CLIENT_ROLES[name].announced()
        assert announced["progressive_call_results"]
        assert announced["call_canceling"]
        assert announced["progressive_call_invocations"]
        assert announced["call_timeout"]
    assert DEFAULT_CLIENT_ROLES["publisher"].announced()["subscriber_blackwhite_listing"]
    for roles in DEFAULT_CLIENT_ROLES.values():
        assert roles.announced()["payload_passthru_mode"]
        assert roles.announced()["payload_transparency"]
    hello = Hello("realm1", DEFAULT_CLIENT_ROLES)
    assert Hello.parse(hello.marshal()) == hello


def test_everything_autobahn_announces_is_announced() -> None:
    everyone = {"payload_transparency", "payload_encryption_cryptobox"}
    announced_by_autobahn = {
        "subscriber": {"publisher_identification", "pattern_based_subscription", "subscription_revocation"},
        "publisher": {
            "publisher_identification", "subscriber_blackwhite_listing", "publisher_exclusion",
            "x_acknowledged_event_delivery",
        },
        "caller": {"caller_identification", "call_canceling", "progressive_call_results"},
        "callee": {
            "caller_identification", "pattern_based_registration", "shared_registration", "call_canceling",
            "progressive_call_results", "registration_revocation",
        },
    }  # fmt: skip
    for name, features in announced_by_autobahn.items():
        assert DEFAULT_CLIENT_ROLES[name].announced().keys() >= features | everyone
