# SPDX-License-Identifier: MIT
"""Small helpers. Knows nothing about sessions or transports."""

from __future__ import annotations

from autobahn_fast._observable import ObservableMixin as ObservableMixin


class EqualityMixin:
    """Equality by attributes: equal when of the same class with equal public attributes."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        mine = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return mine == {name: value for name, value in vars(other).items() if not name.startswith("_")}

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]
