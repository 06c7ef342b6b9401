# SPDX-License-Identifier: MIT
"""What one element or option of a WAMP message may be: ids, URIs, flags, texts, lists of them.

Knows the rules for values and how to say what is wrong with one. Does not know any message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NoReturn

from autobahn_fast.wamp._checks import (
    _CUSTOM_ATTRIBUTE,
    _URI_PAT_LOOSE_EMPTY,
    _URI_PAT_LOOSE_NON_EMPTY,
    MAX_ID,
    shown,
)
from autobahn_fast.wamp.exception import InvalidUriError, ProtocolError
from autobahn_fast.wamp.role import ROLE_NAME_TO_CLASS, RoleFeatures


class MessageUriError(InvalidUriError, ProtocolError):
    """A message from the peer carries an invalid URI: a protocol error that is also an ``InvalidUriError``."""


# URIs that were found to be valid: a set look-up is ten times cheaper than the pattern. Bounded in count and length.
_known_uris: set[str] = set()
_KNOWN_URIS_MAX = 4096
_KNOWN_URI_LENGTH_MAX = 256


def is_uri(value: str) -> bool:
    """Is this str a loose URI without empty components?"""
    if value in _known_uris:
        return True
    if not _URI_PAT_LOOSE_NON_EMPTY.match(value):
        return False
    if len(value) <= _KNOWN_URI_LENGTH_MAX:
        if len(_known_uris) >= _KNOWN_URIS_MAX:
            _known_uris.clear()
        _known_uris.add(value)
    return True


def all_ids(values: list[Any]) -> bool:
    """Are all of them WAMP ids?"""
    for v in values:
        if type(v) is not int or not 0 <= v <= MAX_ID:
            return False
    return True


def all_texts(values: Collection[Any]) -> bool:
    """Are all of them str?"""
    for v in values:
        if type(v) is not str:
            return False
    return True


def is_forward_for(values: list[Any]) -> bool:
    """Is this a list of ``{"session": id, "authid": str or None, "authrole": str or None}``?"""
    for hop in values:
        if (
            type(hop) is not dict
            or not all_texts(hop)
            or type(hop.get("session")) is not int
            or not 0 <= hop["session"] <= MAX_ID
            or type(hop.get("authid", "")) not in (str, type(None))
            or type(hop.get("authrole", "")) not in (str, type(None))
        ):
            return False
    return True


def is_undefined(value: Any) -> bool:
    """Is this JavaScript's ``undefined``, which some peers send for an option that is not set?

    CBOR has a value of its own for it; MessagePack libraries write the extension type 0.
    """
    name = type(value).__name__
    return name in ("UndefinedType", "undefined_type") or (name == "ExtType" and getattr(value, "code", None) == 0)


class Kind:
    """A rule for one element or option.

    :param name: what it is called in the reference and by the test strategies.
    :param test: Python expression over ``v``, true for a value that is taken as it is.
    :param wanted: the one type, for the error text.
    :param default: what an attribute is when the option is absent; never written.
    :param values: the only values allowed.
    :param item: rule for the items of a list, for the error text.
    :param convert: makes the attribute out of what is on the wire; raises ProtocolError. ``test`` is "False" then.
    :param give: Python expression over ``v``: what goes on the wire.
    :param on_wire: False: not an option itself, but a dict of further options.
    """

    __slots__ = ("_accepts", "convert", "default", "give", "item", "name", "on_wire", "test", "values", "wanted")

    def __init__(
        self,
        name: str,
        test: str,
        wanted: type | None = None,
        *,
        default: Any = None,
        values: tuple[str, ...] = (),
        item: Kind | None = None,
        convert: Callable[[Any, str], Any] | None = None,
        give: str = "v",
        on_wire: bool = True,
    ) -> None:
        self.name = name
        self.test = test
        self.wanted = wanted
        self.default = default
        self.values = values
        self.item = item
        self.convert = convert
        self.give = give
        self.on_wire = on_wire
        self._accepts: Callable[[Any], bool] | None = None

    @property
    def accepts(self) -> Callable[[Any], bool]:
        """The test as a function."""
        if self._accepts is None:
            self._accepts = eval(f"lambda v: {self.test}", TESTS)
        return self._accepts

    def take(self, value: Any, where: str) -> Any:
        """Return what a value the test did not accept stands for.

        :param where: names the element or option in the error text.
        :raises ProtocolError: nothing.
        """
        if self.convert:
            return self.convert(value, where)
        self.refuse(value, where)

    def take_option(self, value: Any, where: str) -> Any:
        """The same for an option, which may also be ``undefined``: absent then."""
        return self.default if is_undefined(value) else self.take(value, where)

    def refuse(self, value: Any, where: str) -> NoReturn:
        """Raise the error that says what is wrong with a value."""
        if self.wanted is not None and type(value) is not self.wanted:
            raise ProtocolError(f"invalid type {type(value)} for {where}")
        if self.item is not None:
            for v in value:
                if not self.item.accepts(v):
                    self.item.refuse(v, f"value in {where}")
        if self.values:
            raise ProtocolError(f"invalid value {shown(value)} for {where}: must be one of {', '.join(self.values)}")
        if self.wanted is dict:
            for key in value:
                refuse_key(key, where)
        raise ProtocolError(f"invalid value {shown(value)} for {where}")


class UriKind(Kind):
    """A URI; refused with an error that is an ``InvalidUriError`` as well."""

    __slots__ = ()

    def refuse(self, value: Any, where: str) -> NoReturn:
        if type(value) is not str:
            raise MessageUriError(f"{where}: invalid type {type(value)} for URI")
        raise MessageUriError(f"{where}: invalid value {shown(value)} for URI")


def refuse_key(key: Any, where: str) -> None:
    """Raise for a key that is not a str; all keys in WAMP messages are."""
    if type(key) is not str:
        raise ProtocolError(f"{where}: invalid type {type(key)} for key ({shown(key)})")


# Names the test expressions may use.
TESTS: dict[str, Any] = {
    "_known_uris": _known_uris,
    "is_uri": is_uri,
    "is_uri_or_empty": _URI_PAT_LOOSE_EMPTY.match,
    "all_ids": all_ids,
    "all_texts": all_texts,
    "is_forward_for": is_forward_for,
    "is_custom_name": _CUSTOM_ATTRIBUTE.match,
    "give_roles": lambda roles: give_roles(roles),
}


def give_roles(value: dict[str, Any]) -> dict[str, Any]:
    """Return roles as they go on the wire: a role without features is ``{}``."""
    announced = {name: role.announced() for name, role in value.items()}
    return {name: {"features": features} if features else {} for name, features in announced.items()}


def roles_kind(allowed: tuple[str, ...]) -> Kind:
    """``Details.roles``: becomes a dict of :class:`RoleFeatures`. Features nobody here knows are ignored.

    :param allowed: the roles the sender of the message may have.
    """

    def convert(value: Any, where: str) -> dict[str, RoleFeatures]:
        if type(value) is not dict:
            raise ProtocolError(f"invalid type {type(value)} for {where}")
        if not value:
            raise ProtocolError(f"empty {where}")
        result = {}
        for name, details in value.items():
            if name not in allowed:
                raise ProtocolError(f"invalid role {shown(name)} in {where}")
            features = _details(
                _details(details, f"role '{name}' in {where}").get("features", {}), f"role '{name}' in {where}"
            )
            known = ROLE_NAME_TO_CLASS[name].FEATURES
            result[name] = ROLE_NAME_TO_CLASS[name](**{key: features[key] for key in known if key in features})
        return result

    return Kind("dict of roles", "False", dict, convert=convert, give="give_roles(v)")


def _details(value: Any, where: str) -> dict[str, Any]:
    if not mapping.accepts(value):
        mapping.refuse(value, where)
    return value  # type: ignore[no-any-return]


def one_of(*values: str, default: str | None = None) -> Kind:
    """A text out of a few."""
    return Kind(
        f"one of {', '.join(values)}", f"type(v) is str and v in {values!r}", str, default=default, values=values
    )


ident = Kind("id", f"type(v) is int and 0 <= v <= {MAX_ID}", int)
flag = Kind("bool", "type(v) is bool", bool)
text = Kind("str", "type(v) is str", str)
count = Kind("int >= 0", f"type(v) is int and 0 <= v <= {MAX_ID}", int)
positive = Kind("int > 0", f"type(v) is int and 0 < v <= {MAX_ID}", int)
mapping = Kind("dict", "type(v) is dict and (not v or all_texts(v))", dict)
ids = Kind("list of ids", "type(v) is list and all_ids(v)", list, item=ident)
texts = Kind("list of str", "type(v) is list and all_texts(v)", list, item=text)
uri = UriKind("uri", "type(v) is str and (v in _known_uris or is_uri(v))", str)
# May have empty components: topics and procedures that are matched by prefix or wildcard.
pattern_uri = UriKind(
    "uri, components may be empty",
    "type(v) is str and (v in _known_uris or is_uri(v) or is_uri_or_empty(v) is not None)",
    str,
)
hops = Kind("list of {session, authid, authrole}", "type(v) is list and (not v or is_forward_for(v))", list)
