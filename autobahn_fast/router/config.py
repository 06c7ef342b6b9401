# SPDX-License-Identifier: MIT
"""The configuration of a realm as a plain object, as it may come out of a JSON file, and its checks.

Knows the names of the settings. Does not know what they do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autobahn_fast.router.authentication import METHODS, Authentication, Method
from autobahn_fast.router.authorization import ACTIONS, Permission, Role
from autobahn_fast.router.patterns import MATCH_POLICIES, is_valid_pattern

__all__ = ("RealmConfig", "realm_config")

DISCLOSURES = ("allowed", "always", "never")


@dataclass(frozen=True)
class RealmConfig:
    """The settings of one realm.

    ``authentication`` None: everybody is anonymous. ``roles`` None: everything is allowed. ``disclose`` says for ``call`` and
    ``publish`` whether who does it is disclosed: ``allowed`` on request, ``always`` or ``never``.
    """

    name: str
    authentication: Authentication | None = None
    roles: Mapping[str, Role] | None = None
    disclose: Mapping[str, str] = field(default_factory=lambda: {"call": "allowed", "publish": "allowed"})
    history: Mapping[tuple[str, str], int] = field(default_factory=dict)


def realm_config(settings: str | Mapping[str, Any]) -> RealmConfig:
    """Understand the settings of a realm: its name, or a dict with ``name`` and maybe ``auth``, ``roles``, ``disclose``,
    ``history``; see docs/router.md.

    :raises ValueError: a setting makes no sense; says which.
    """
    if isinstance(settings, str):
        return RealmConfig(settings)
    where = "a realm"
    settings = _mapping(settings, where)
    _only(settings, ("name", "auth", "roles", "disclose", "history"), where)
    name = settings.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} needs a 'name'")
    where = f"realm {name!r}"
    auth, roles = settings.get("auth"), settings.get("roles")
    return RealmConfig(
        name,
        None if auth is None else _authentication(_mapping(auth, f"'auth' of {where}"), where),
        None if roles is None else _roles(_mapping(roles, f"'roles' of {where}"), where),
        _disclosure(_mapping(settings.get("disclose", {}), f"'disclose' of {where}"), where),
        dict(_history(entry, where) for entry in _list(settings.get("history", []), f"'history' of {where}")),
    )


def _only(settings: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = [str(name) for name in settings if name not in known]
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; there are {', '.join(known)}")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object with names")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} must be a list")
    return list(value)


def _callable(value: Any, where: str) -> Callable[..., Any] | None:
    """A function, or the one that "module:name" names."""
    if isinstance(value, str):
        module, _, name = value.partition(":")
        try:
            value = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as exc:
            raise ValueError(f"{where}: {value!r} cannot be imported; write 'module:function' ({exc})") from exc
    if value is not None and not callable(value):
        raise ValueError(f"{where} must be a function or 'module:function'")
    return value  # type: ignore[no-any-return]


def _authentication(methods: Mapping[str, Any], where: str) -> Authentication:
    made: list[Method] = []
    for name, settings in methods.items():
        place = f"method {name!r} of {where}"
        if name not in METHODS:
            raise ValueError(f"{place} is unknown; there are {', '.join(METHODS)}")
        settings = _mapping(settings, place)
        _only(settings, ("users", "authenticator", "authrole", *METHODS[name].settings), place)
        users = _mapping(settings.get("users", {}), f"'users' of {place}")
        authenticator = _callable(settings.get("authenticator"), f"'authenticator' of {place}")
        if users and authenticator:
            raise ValueError(f"{place} has both 'users' and 'authenticator': leave one out")
        records = {authid: dict(_mapping(record, f"user {authid!r} of {place}")) for authid, record in users.items()}
        method = METHODS[name](records, authenticator, settings.get("authrole"))
        method.configure(settings)
        made.append(method)
    if not made:
        raise ValueError(f"'auth' of {where} needs at least one method; there are {', '.join(METHODS)}")
    return Authentication(made)


def _roles(roles: Mapping[str, Any], where: str) -> dict[str, Role]:
    made = {}
    for name, settings in roles.items():
        place = f"role {name!r} of {where}"
        settings = _mapping(settings, place)
        _only(settings, ("permissions", "authorizer", "trustlevel"), place)
        permissions = [
            _permission(p, place) for p in _list(settings.get("permissions", []), f"'permissions' of {place}")
        ]
        if len({(p.match, p.uri) for p in permissions}) < len(permissions):
            raise ValueError(f"{place} has two permissions for the same pattern: join them")
        authorizer = _callable(settings.get("authorizer"), f"'authorizer' of {place}")
        made[name] = Role(name, permissions, authorizer, _trustlevel(settings, place))
    return made


def _trustlevel(settings: Mapping[str, Any], where: str) -> int | None:
    level = settings.get("trustlevel")
    if level is not None and (type(level) is not int or level < 0):
        raise ValueError(f"'trustlevel' of {where} must be an integer, 0 or more")
    return level


def _permission(settings: Any, where: str) -> Permission:
    settings = _mapping(settings, f"a permission of {where}")
    uri, match = settings.get("uri"), settings.get("match")
    where = f"the permission for {uri!r} of {where}"
    _only(settings, ("uri", "match", "allow", "disclose", "trustlevel"), where)
    if isinstance(uri, str) and match is None:
        uri, match = (uri[:-1], "prefix") if uri.endswith("*") else (uri, "exact")
    if match not in MATCH_POLICIES or not isinstance(uri, str) or not is_valid_pattern(uri, match):
        raise ValueError(f"{where}: needs a valid 'uri', and 'match' as one of {', '.join(MATCH_POLICIES)}")
    disclose = _actions(settings.get("disclose", {}), ("caller", "publisher"), where)
    names = {"caller": "call", "publisher": "publish"}
    return Permission(
        uri,
        match,
        _actions(settings.get("allow", {}), ACTIONS, where),
        frozenset(names[name] for name in disclose),
        _trustlevel(settings, where),
    )


def _actions(value: Any, known: tuple[str, ...], where: str) -> frozenset[str]:
    """``true``, a list of names, or an object of booleans."""
    if isinstance(value, bool):
        return frozenset(known if value else ())
    if isinstance(value, Mapping):
        if not all(isinstance(on, bool) for on in value.values()):
            raise ValueError(f"{where}: {', '.join(known)} must be true or false")
        _only(value, (*known, "cache"), where)
        return frozenset(name for name, on in value.items() if on and name in known)
    names = _list(value, where)
    _only(dict.fromkeys(names), known, where)
    return frozenset(names)


def _disclosure(settings: Mapping[str, Any], where: str) -> dict[str, str]:
    _only(settings, ("caller", "publisher"), f"'disclose' of {where}")
    found = {"call": settings.get("caller", "allowed"), "publish": settings.get("publisher", "allowed")}
    for value in found.values():
        if value not in DISCLOSURES:
            raise ValueError(f"'disclose' of {where}: must be one of {', '.join(DISCLOSURES)}")
    return found


def _history(entry: Any, where: str) -> tuple[tuple[str, str], int]:
    place = f"a 'history' of {where}"
    settings = _mapping(entry, place)
    _only(settings, ("uri", "match", "limit"), place)
    uri, match, limit = settings.get("uri"), settings.get("match", "exact"), settings.get("limit", 1000)
    if not isinstance(uri, str) or match not in MATCH_POLICIES or not is_valid_pattern(uri, match):
        raise ValueError(f"{place} needs a valid 'uri', and 'match' as one of {', '.join(MATCH_POLICIES)}")
    if type(limit) is not int or limit < 1:
        raise ValueError(f"'limit' of {place} must be a positive integer")
    return (match, uri), limit
