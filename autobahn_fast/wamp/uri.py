# SPDX-License-Identifier: MIT
"""URI patterns and the decorators that attach them to functions and exception classes.

Knows how a pattern is written, what it matches, and where a decorator leaves it (``_wampuris``). Does not know
sessions: they look the patterns up when an object is registered or subscribed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from autobahn_fast._names import also_from
from autobahn_fast.exception import InvalidArgument

if TYPE_CHECKING:
    from autobahn_fast.wamp.types import RegisterOptions, SubscribeOptions

__all__ = ("Pattern", "convert_starred_uri", "error", "register", "subscribe")

T = TypeVar("T")

# What one component of a pattern stands for in the regular expression that matches concrete URIs.
_ANY_COMPONENT = r"[^\s\.#]+"
_CONVERTERS: dict[str, type] = {"string": str, "str": str, "int": int, "suffix": str}


class Pattern:
    """A URI pattern: ``com.myapp.add``, ``com.myapp.<name>``, ``com.myapp.<id:int>.update`` or ``com..update``.

    :param uri: the pattern. Components are ``[a-z0-9][a-z0-9_-]*``, ``<name>``, ``<name:type>`` with type ``string``,
        ``str``, ``int`` or ``suffix``, or empty (any one component).
    :param target: what it is attached to: one of the ``URI_TARGET_*`` constants.
    :param options: :class:`~autobahn_fast.wamp.types.RegisterOptions` for an endpoint,
        :class:`~autobahn_fast.wamp.types.SubscribeOptions` for a handler.
    :param check_types: check the arguments of a call or event against the annotations of the decorated function.
    :raises TypeError: the URI is not a pattern.
    """

    URI_TARGET_ENDPOINT = 1
    URI_TARGET_HANDLER = 2
    URI_TARGET_EXCEPTION = 3

    URI_TYPE_EXACT = 1
    URI_TYPE_PREFIX = 2
    URI_TYPE_WILDCARD = 3

    _URI_COMPONENT = re.compile(r"^[a-z0-9][a-z0-9_\-]*\Z")
    _URI_NAMED_COMPONENT = re.compile(r"^<([a-z][a-z0-9_]*)>\Z")
    _URI_NAMED_CONVERTED_COMPONENT = re.compile(r"^<([a-z][a-z0-9_]*):([a-z]*)>\Z")

    def __init__(
        self,
        uri: str,
        target: int,
        options: SubscribeOptions | RegisterOptions | None = None,
        check_types: bool | None = None,
    ) -> None:
        if type(uri) is not str or not uri:
            raise InvalidArgument(f"a URI pattern must be a non-empty str, not {uri!r}")
        if target not in (self.URI_TARGET_ENDPOINT, self.URI_TARGET_HANDLER, self.URI_TARGET_EXCEPTION):
            raise InvalidArgument(f"target must be one of the URI_TARGET_* constants, not {target!r}")
        _check_options(target, options)
        self._uri = uri
        self._target = target
        self._options = options
        self._check_types = check_types
        self._pattern: re.Pattern[str] | None = None
        self._names: dict[str | int, type] | None = None
        self._type = self.URI_TYPE_EXACT
        self._compile()

    def _compile(self) -> None:
        parts: list[str] = []
        names: dict[str | int, type] = {}
        components = self._uri.split(".")
        for place, component in enumerate(components):
            named = self._URI_NAMED_COMPONENT.match(component)
            converted = self._URI_NAMED_CONVERTED_COMPONENT.match(component)
            if self._URI_COMPONENT.match(component):
                parts.append(re.escape(component))
            elif named or converted:
                name = (named or converted).group(1)  # type: ignore[union-attr]
                kind = converted.group(2) if converted else "string"
                if name in names or kind not in _CONVERTERS:
                    raise TypeError(f"invalid URI pattern {self._uri!r}: {component} is used twice or of unknown type")
                if kind == "suffix" and place != len(components) - 1:
                    raise TypeError(f"invalid URI pattern {self._uri!r}: {component} stands at the end only")
                names[name] = _CONVERTERS[kind]
                parts.append(f"(?P<{name}>{_ANY_COMPONENT})")
            elif not component:
                names[len(names) + 1] = str
                parts.append(f"({_ANY_COMPONENT})")
            else:
                raise TypeError(f"invalid URI pattern {self._uri!r}: {component!r} is no component")
        if names:
            self._type = self.URI_TYPE_WILDCARD
            self._names = names
            self._pattern = re.compile(r"^" + r"\.".join(parts) + r"\Z")

    @property
    def options(self) -> SubscribeOptions | RegisterOptions | None:
        """The options given to the decorator."""
        return self._options

    @property
    def uri_type(self) -> int:
        """One of the ``URI_TYPE_*`` constants."""
        return self._type

    def uri(self) -> str:
        """Return the pattern as it was given."""
        return self._uri

    def match(self, uri: str) -> tuple[list[Any], dict[str, Any]]:
        """Match a concrete URI against this pattern.

        :returns: positional and keyword arguments; the values of named components are keyword arguments, converted.
        :raises ValueError: the URI does not match, or a component is no ``int`` where one is asked for.
        """
        if type(uri) is not str:
            raise InvalidArgument(f"a URI must be a str, not {type(uri)}")
        if self._pattern is None or self._names is None:
            if uri != self._uri:
                raise ValueError(f"{uri!r} does not match {self._uri!r}")
            return [], {}
        found = self._pattern.match(uri)
        if not found:
            raise ValueError(f"{uri!r} does not match {self._uri!r}")
        args = [convert(found.group(name)) for name, convert in self._names.items() if type(name) is int]
        kwargs = {name: convert(found.group(name)) for name, convert in self._names.items() if type(name) is str}
        return args, kwargs

    def is_endpoint(self) -> bool:
        """True when attached to a procedure endpoint."""
        return self._target == self.URI_TARGET_ENDPOINT

    def is_handler(self) -> bool:
        """True when attached to an event handler."""
        return self._target == self.URI_TARGET_HANDLER

    def is_exception(self) -> bool:
        """True when attached to an exception class."""
        return self._target == self.URI_TARGET_EXCEPTION


def _check_options(target: int, options: Any) -> None:
    if options is None:
        return
    from autobahn_fast.wamp.types import RegisterOptions, SubscribeOptions

    wanted = {Pattern.URI_TARGET_ENDPOINT: RegisterOptions, Pattern.URI_TARGET_HANDLER: SubscribeOptions}.get(target)
    if wanted is None or not isinstance(options, wanted):
        raise InvalidArgument(f"options of a {('procedure', 'topic', 'error')[target - 1]} cannot be {type(options)}")


def _attach(obj: Any, pattern: Pattern) -> None:
    # A list of its own for each function or class: a subclass keeps what it inherits and does not write into its
    # parent.
    if "_wampuris" not in vars(obj):
        obj._wampuris = list(getattr(obj, "_wampuris", ())) if isinstance(obj, type) else []
    obj._wampuris.append(pattern)


def _decorator(uri: str | None, target: int, options: Any, check_types: bool | None) -> Callable[[T], T]:
    def decorate(f: T) -> T:
        if not callable(f):
            raise InvalidArgument(f"only a callable can be decorated, not {type(f)}")
        _attach(f, Pattern(getattr(f, "__name__", "") if uri is None else uri, target, options, check_types))
        return f

    return decorate


def register(
    uri: str | None, options: RegisterOptions | None = None, check_types: bool | None = None
) -> Callable[[T], T]:
    """Mark a function or method as the endpoint of a procedure.

    :param uri: URI (pattern) of the procedure; None: the name of the function.
    :param options: how to register it.
    :param check_types: check arguments of calls against the function's annotations.
    """
    return _decorator(uri, Pattern.URI_TARGET_ENDPOINT, options, check_types)


def subscribe(
    uri: str | None, options: SubscribeOptions | None = None, check_types: bool | None = None
) -> Callable[[T], T]:
    """Mark a function or method as the handler of a topic.

    :param uri: URI (pattern) of the topic; None: the name of the function.
    :param options: how to subscribe it.
    :param check_types: check arguments of events against the function's annotations.
    """
    return _decorator(uri, Pattern.URI_TARGET_HANDLER, options, check_types)


def error(uri: str) -> Callable[[type[T]], type[T]]:
    """Give an exception class the WAMP error URI it travels under.

    :raises TypeError: what is decorated is no exception class.
    """

    def decorate(cls: type[T]) -> type[T]:
        if not (isinstance(cls, type) and issubclass(cls, Exception)):
            raise InvalidArgument(f"only an exception class can carry an error URI, not {cls!r}")
        _attach(cls, Pattern(uri, Pattern.URI_TARGET_EXCEPTION))
        return cls

    return decorate


def convert_starred_uri(uri: str) -> tuple[str, str]:
    """Turn ``com.*`` and ``com.*.update`` into what SUBSCRIBE and REGISTER take.

    :returns: the URI without stars and the matching policy: ``exact``, ``prefix`` (one star, at the end), ``wildcard``.
    """
    if type(uri) is not str:
        raise InvalidArgument(f"a URI must be a str, not {type(uri)}")
    stars = uri.count("*")
    if not stars:
        return uri, "exact"
    return uri.replace("*", ""), "prefix" if stars == 1 and uri.endswith("*") else "wildcard"


also_from(__name__, "wamp.types", "util")
