# SPDX-License-Identifier: MIT
"""URIs and URI patterns: validity, and tables that find what matches a URI.

Knows exact, prefix and wildcard matching and their precedence (WAMP, "Pattern-based Subscriptions" and "Pattern-based
Registrations"). Does not know what is stored in a table, nor sessions.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar

__all__ = ("MATCH_POLICIES", "PatternTable", "is_valid_pattern", "is_valid_uri")

MATCH_POLICIES = ("exact", "prefix", "wildcard")

T = TypeVar("T")

_not_allowed = re.compile(r"[\s#]").search


def is_valid_uri(uri: str) -> bool:
    """Whether ``uri`` is a URI by the loose rule: components joined by dots, none empty, no whitespace and no ``#``."""
    return not (not uri or uri[0] == "." or uri[-1] == "." or ".." in uri or _not_allowed(uri))


def is_valid_pattern(uri: str, match: str) -> bool:
    """Whether ``uri`` can be subscribed to or registered under the policy ``match``.

    A prefix may be empty or end in a dot, a wildcard pattern may have empty components; both follow :func:`is_valid_uri`
    otherwise.
    """
    if match == "exact":
        return is_valid_uri(uri)
    if match == "prefix":
        return not uri or is_valid_uri(uri[:-1] if uri[-1] == "." else uri)
    if match == "wildcard":
        return bool(uri) and not _not_allowed(uri)
    return False


class _Node(Generic[T]):
    """One component of the wildcard tree; the child named "" stands for any component."""

    __slots__ = ("children", "value")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.value: T | None = None


class PatternTable(Generic[T]):
    """Values by (match policy, URI), at most one each; finds those that match a URI.

    The cost of a search depends on the number of different prefix lengths and on the components of the URI, not on the
    number of values.
    """

    __slots__ = ("_exact", "_lengths", "_prefix", "_root", "_wildcards")

    def __init__(self) -> None:
        self._exact: dict[str, T] = {}
        self._prefix: dict[str, T] = {}
        self._lengths: dict[int, int] = {}  # length of a prefix -> how many there are; the longest first
        self._root: _Node[T] = _Node()
        self._wildcards: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._exact) + len(self._prefix) + len(self._wildcards)

    def _table(self, match: str) -> dict[str, T]:
        if match == "exact":
            return self._exact
        if match == "prefix":
            return self._prefix
        if match == "wildcard":
            return self._wildcards
        raise ValueError(f"unknown match policy {match!r}: use one of {', '.join(MATCH_POLICIES)}")

    def get(self, match: str, uri: str) -> T | None:
        """The value stored under exactly this policy and URI, or None."""
        return self._table(match).get(uri)

    def add(self, match: str, uri: str, value: T) -> None:
        """Store ``value``.

        :raises KeyError: there is a value under this policy and URI already.
        :raises ValueError: unknown policy.
        """
        table = self._table(match)
        if uri in table:
            raise KeyError(f"there is a value for {match} {uri!r} already: remove it first")
        table[uri] = value
        if match == "prefix":
            known = self._lengths.get(len(uri), 0)
            self._lengths[len(uri)] = known + 1
            if not known:
                self._lengths = dict(sorted(self._lengths.items(), reverse=True))
        elif match == "wildcard":
            node = self._root
            for component in uri.split("."):
                node = node.children.setdefault(component, _Node())
            node.value = value

    def remove(self, match: str, uri: str) -> T:
        """Take a value out and return it.

        :raises KeyError: there is none.
        """
        value = self._table(match).pop(uri)
        if match == "prefix":
            self._lengths[len(uri)] -= 1
            if not self._lengths[len(uri)]:
                del self._lengths[len(uri)]
        elif match == "wildcard":
            self._prune(uri.split("."))
        return value

    def _prune(self, components: list[str]) -> None:
        path = [self._root]
        for component in components:
            path.append(path[-1].children[component])
        path[-1].value = None
        for parent, component in zip(reversed(path[:-1]), reversed(components), strict=True):
            node = parent.children[component]
            if node.children or node.value is not None:
                break
            del parent.children[component]

    def _in_wildcards(self, uri: str, first_only: bool) -> list[T]:
        # Depth first, the literal child before the wildcard: the first found has the longest literal part before its
        # first wildcard, then before its second, and so on.
        if not self._wildcards:
            return []
        found: list[T] = []
        components = uri.split(".")
        last = len(components)
        todo = [(self._root, 0)]
        while todo:
            node, depth = todo.pop()
            if depth == last:
                if node.value is not None:
                    found.append(node.value)
                    if first_only:
                        break
                continue
            children = node.children
            for name in ("", components[depth]):
                child = children.get(name)
                if child is not None:
                    todo.append((child, depth + 1))
        return found

    def matching(self, uri: str) -> list[T]:
        """All values that match ``uri``: exact, then prefixes from the longest, then wildcards from the most literal."""
        found: list[T] = []
        value = self._exact.get(uri)
        if value is not None:
            found.append(value)
        for length in self._lengths:
            if length <= len(uri):
                value = self._prefix.get(uri[:length])
                if value is not None:
                    found.append(value)
        found.extend(self._in_wildcards(uri, False))
        return found

    def best(self, uri: str) -> T | None:
        """The one value that wins for ``uri``, or None: exact > longest prefix > wildcard with the longest literal part."""
        value = self._exact.get(uri)
        if value is not None:
            return value
        for length in self._lengths:
            if length <= len(uri):
                value = self._prefix.get(uri[:length])
                if value is not None:
                    return value
        wildcards = self._in_wildcards(uri, True)
        return wildcards[0] if wildcards else None
