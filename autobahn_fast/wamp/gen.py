# SPDX-License-Identifier: MIT
"""Where autobahn has what the ``flatbuffers`` compiler generates: ``wamp.gen.wamp.proto.Call.Call`` is ``message_fbs.Call``.

For programs that import tables by these names. Knows the names of the modules; each is made when this one is imported.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from typing import Any

from autobahn_fast.wamp import _flatbuffers_schema as schema
from autobahn_fast.wamp import message_fbs

__all__ = ("wamp",)

__path__: list[str] = []
"""It has modules in it; none of them is a file."""

_ENUMERATIONS = ("CancelMode", "InvocationPolicy", "Match", "MessageType")


def _module(name: str, doc: str, is_package: bool = False) -> Any:
    made = module_from_spec(ModuleSpec(name, None, is_package=is_package))
    made.__doc__ = doc
    sys.modules[name] = made
    return made


wamp = _module(f"{__name__}.wamp", "The namespace of WAMP's schemas.", is_package=True)
wamp.proto = _module(f"{wamp.__name__}.proto", "A module for each table and enumeration.", is_package=True)
for _name in (*schema.MESSAGES, *_ENUMERATIONS):
    _part = _module(f"{wamp.proto.__name__}.{_name}", f"Has {_name}.")
    setattr(_part, _name, message_fbs.table_class(_name))
    setattr(wamp.proto, _name, _part)
