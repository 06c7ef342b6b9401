# SPDX-License-Identifier: MIT
"""What subscribe() and register() do with the functions they are given: decorated members, their URIs, checked annotations.

Knows the patterns the decorators leave on functions; knows no session.
"""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any, get_type_hints

from autobahn_fast.wamp.exception import TypeCheckError
from autobahn_fast.wamp.uri import Pattern

__all__ = ("decorated_members", "is_method_or_function", "pattern_uri_and_match", "type_checked")


def is_method_or_function(f: Any) -> bool:
    """Whether f is a function or a bound method, which is what the decorators mark."""
    return inspect.ismethod(f) or inspect.isfunction(f)


def decorated_members(obj: Any, wanted: str) -> list[tuple[Any, Pattern]]:
    """Return (bound method, pattern) for each method of an object that a decorator marked, in order of their names.

    :param wanted: name of the Pattern method that tells, ``is_handler`` or ``is_endpoint``.
    """
    found = []
    for name, function in inspect.getmembers(type(obj), is_method_or_function):
        for pattern in getattr(function, "_wampuris", ()):
            if getattr(pattern, wanted)():
                found.append((getattr(obj, name), pattern))
    return found


def pattern_uri_and_match(pattern: Pattern, options: Any) -> tuple[str, str | None]:
    """Return the URI a decorator's pattern stands for on the wire, and the match policy it needs (None: as the options say)."""
    uri = pattern.uri()
    if pattern.uri_type == Pattern.URI_TYPE_WILDCARD and (options is None or options.match in (None, "wildcard")):
        return re.sub(r"<[^>]*>", "", uri), "wildcard"
    return uri, None


def type_checked(func: Any) -> Any:
    """Return func wrapped so that calls which do not fit its annotations raise ``TypeCheckError``."""
    signature = inspect.signature(func)
    try:
        hints = get_type_hints(func)
    except Exception:  # names that cannot be resolved: check what can be
        hints = dict(getattr(func, "__annotations__", {}))
    if "return" in hints:
        del hints["return"]

    @functools.wraps(func)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            values = signature.bind(*args, **kwargs).arguments
        except TypeError as e:
            raise TypeCheckError(str(e)) from e
        for name, value in values.items():
            expected = hints.get(name)
            kind = signature.parameters[name].kind
            if expected is None or kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                continue
            expected = _checkable(expected)
            if expected is not None and not isinstance(value, expected):
                names = " or ".join(t.__name__ for t in expected)
                raise TypeCheckError(f"'{name}' expected type={names} got={type(value).__name__}")
        return func(*args, **kwargs)

    return checked


def _checkable(hint: Any) -> tuple[type, ...] | None:
    """Return the classes an annotation allows, None when isinstance cannot tell."""
    if isinstance(hint, type) and not hasattr(hint, "__origin__"):
        return (hint,)
    origin = getattr(hint, "__origin__", None)
    members = getattr(hint, "__args__", ())
    if isinstance(origin, type):
        return (origin,)
    if members and (origin is not None or type(hint).__name__ == "UnionType"):
        found: list[type] = []
        for member in members:
            classes = _checkable(member)
            if classes is None:
                return None
            found.extend(classes)
        return tuple(found)
    return None
