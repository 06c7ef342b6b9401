# SPDX-License-Identifier: MIT
"""Streaming UTF-8 validation with the interface of autobahn (RFC 3629, RFC 6455 section 8.1).

Knows the names; the work is done by the kernels behind :mod:`autobahn_fast._core.masking`. The table of the automaton is
here for programs that drive it themselves; it is built from the kernels' own transitions.
"""

from __future__ import annotations

from autobahn_fast._core.masking import Utf8Validator, utf8_feed
from autobahn_fast._names import also_from

__all__ = ("Utf8Validator",)

#: State on a code point boundary.
UTF8_ACCEPT = 0
#: State after an octet that cannot be; there is no way out of it.
UTF8_REJECT = 1

# Class of an octet: its number in the table's second part, and the ranges that have it.
_CLASSES: tuple[tuple[int, int, int], ...] = (
    (0, 0x00, 0x7F),
    (1, 0x80, 0x8F),
    (9, 0x90, 0x9F),
    (7, 0xA0, 0xBF),
    (8, 0xC0, 0xC1),
    (2, 0xC2, 0xDF),
    (10, 0xE0, 0xE0),
    (3, 0xE1, 0xEC),
    (4, 0xED, 0xED),
    (3, 0xEE, 0xEF),
    (11, 0xF0, 0xF0),
    (6, 0xF1, 0xF3),
    (5, 0xF4, 0xF4),
    (8, 0xF5, 0xFF),
)


def _build_dfa() -> tuple[int, ...]:
    classes = [0] * 256
    sample: dict[int, bytes] = {}
    for number, first, last in _CLASSES:
        classes[first : last + 1] = [number] * (last + 1 - first)
        sample[number] = bytes((first,))
    transitions = [
        utf8_feed(sample[number], state)[1] if number in sample else UTF8_REJECT
        for state in range(9)
        for number in range(16)
    ]
    return tuple(classes + transitions)


#: The class of each of the 256 octets, then for each of the 9 states 16 transitions, by class:
#: ``state = UTF8VALIDATOR_DFA[256 + state * 16 + UTF8VALIDATOR_DFA[octet]]``.
UTF8VALIDATOR_DFA: tuple[int, ...] = _build_dfa()


also_from(__name__, USES_NVX="websocket:USES_NVX")
