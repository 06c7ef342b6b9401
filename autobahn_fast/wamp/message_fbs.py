# SPDX-License-Identifier: MIT
"""FlatBuffers tables of WAMP messages by hand: one class for each message with a payload, and the enumerations.

For programs that look into the octets themselves. A table has a method for each field, named as the ``flatbuffers``
compiler does (``Request``, ``PptScheme``), which gives None where the field is absent; every access is checked and raises
ValueError when it would leave the buffer. Sessions do not need this: ``message`` and ``serializer`` do.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from autobahn_fast.wamp import _flatbuffers_schema as schema
from autobahn_fast.wamp._flatbuffers_tables import Reader, Table

__all__ = (
    "Call",
    "CancelMode",
    "Error",
    "Event",
    "Invocation",
    "InvocationPolicy",
    "Match",
    "MessageType",
    "Publish",
    "Result",
    "Yield",
)


class _FbsTable:
    """Base of the tables: where one stands in a buffer."""

    FIELDS: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self._place: tuple[bytes, int] | None = None

    def Init(self, buf: bytes, pos: int) -> None:
        """Look at the table at a position of a buffer.

        :raises ValueError: there is none.
        """
        Table(Reader(buf), pos)
        self._place = (buf, pos)

    def _field(self, name: str) -> Any:
        if self._place is None:
            raise ValueError(f"this {type(self).__name__} looks at no buffer yet: Init or GetRootAs... comes first")
        # A reader of its own for each field: what one lets be read is bounded.
        buf, pos = self._place
        value = Table(Reader(buf), pos).field(list(self.FIELDS).index(name), self.FIELDS[name])
        return None if value is Table.ABSENT else value

    @classmethod
    def _root(cls, buf: bytes, offset: int) -> Any:
        table = cls()
        table.Init(buf, Reader(buf).follow(offset))
        return table


class _WithPayload(_FbsTable):
    """What all tables with a payload have."""

    def ArgsAsBytes(self) -> bytes | None:
        """Return the serialized args, None when there are none."""
        return self._field("args")  # type: ignore[no-any-return]

    def KwargsAsBytes(self) -> bytes | None:
        """Return the serialized kwargs, None when there are none."""
        return self._field("kwargs")  # type: ignore[no-any-return]

    def PayloadAsBytes(self) -> bytes | None:
        """Return the payload in transparent mode, None when there is none."""
        return self._field("payload")  # type: ignore[no-any-return]

    def EncKeyAsBytes(self) -> bytes | None:
        """Return the id of the payload's key in UTF-8, None when there is none."""
        key = self._field("ppt_keyid")
        return None if key is None else key.encode("utf8")


def _accessors(field: str, kind: str) -> dict[str, Any]:
    """The methods of one field, as the ``flatbuffers`` compiler names them."""
    name = "".join(part.capitalize() for part in field.split("_"))

    def read(self: _FbsTable) -> Any:
        return self._field(field)

    def element(self: _FbsTable, j: int | None = None) -> Any:
        value = self._field(field)
        return value if j is None else value[j]

    def length(self: _FbsTable) -> int:
        return len(self._field(field) or ())

    def is_none(self: _FbsTable) -> bool:
        return self._field(field) is None

    def as_numpy(self: _FbsTable) -> Any:
        from importlib import import_module

        value = self._field(field)
        if value is None:
            return 0
        numpy = import_module("numpy")
        return (
            numpy.frombuffer(value, "u1")
            if kind == "octets"
            else numpy.array(value, "<" + kind[1:-1].replace("64", "8"))
        )

    if kind != "octets" and not kind.startswith("["):
        read.__doc__ = f"Return the field ``{field}``, None when it is absent."
        return {name: read}
    element.__doc__ = f"Return an element of ``{field}``, or all of it without ``j``: None when it is absent."
    length.__doc__ = f"Return how many elements ``{field}`` has, 0 when it is absent."
    is_none.__doc__ = f"Whether ``{field}`` is absent."
    as_numpy.__doc__ = f"Return ``{field}`` as an array of numpy, 0 when it is absent, as the compiler's code does."
    made: dict[str, Any] = {name: element, f"{name}Length": length, f"{name}IsNone": is_none}
    if kind in ("octets", "[u64]"):
        made[f"{name}AsNumpy"] = as_numpy
    return made


def _complete(cls: type[Any]) -> type[Any]:
    """Add the fields' methods, and ``GetRootAs...``, to a table class."""
    cls.FIELDS = schema.MESSAGES[cls.__name__]
    for field, kind in cls.FIELDS.items():
        for name, method in _accessors(field, kind).items():
            method.__name__ = name
            method.__qualname__ = f"{cls.__name__}.{name}"
            setattr(cls, name, method)

    def get_root(cls: Any, buf: bytes, offset: int = 0) -> Any:
        """Return the table that the offset at a position of a buffer leads to.

        :raises ValueError: it leads to none.
        """
        return cls._root(buf, offset)

    get_root.__name__ = f"GetRootAs{cls.__name__}"
    root: Any = classmethod(get_root)
    cls.GetRootAs = root
    setattr(cls, get_root.__name__, root)
    return cls


@_complete
class Call(_WithPayload):
    """The table of CALL."""


@_complete
class Error(_WithPayload):
    """The table of ERROR."""


@_complete
class Event(_WithPayload):
    """The table of EVENT."""


@_complete
class Invocation(_WithPayload):
    """The table of INVOCATION."""


@_complete
class Publish(_WithPayload):
    """The table of PUBLISH."""

    @classmethod
    def GetRootAsEvent(cls, buf: bytes, offset: int) -> Any:
        """The same as ``GetRootAsPublish``; autobahn has it under this name."""
        return cls._root(buf, offset)


@_complete
class Result(_WithPayload):
    """The table of RESULT."""


@_complete
class Yield(_WithPayload):
    """The table of YIELD."""


@cache
def table_class(name: str) -> type[Any]:
    """Return the class of a message's table."""
    own = globals().get(name)
    if isinstance(own, type):
        return own
    return _complete(type(name, (_FbsTable,), {"__module__": __name__, "__doc__": f"The table of {name}."}))


def _enumeration(name: str, doc: str, values: dict[str, int]) -> type[Any]:
    return type(name, (), {"__module__": __name__, "__doc__": doc, **values})


def _numbered(name: str) -> dict[str, int]:
    return {value.upper(): number for number, value in enumerate(schema.ENUMS[name]) if value}


CancelMode = _enumeration("CancelMode", "How a call is cancelled.", _numbered("CancelMode"))
InvocationPolicy = _enumeration("InvocationPolicy", "Which callee is invoked.", _numbered("InvocationPolicy"))
Match = _enumeration("Match", "How a URI is matched.", _numbered("Match"))
MessageType = _enumeration(
    "MessageType",
    "What says which message it is.",
    {"NULL": 0, **{schema.message_name(table): code for code, table in schema.CODES.items()}},
)
