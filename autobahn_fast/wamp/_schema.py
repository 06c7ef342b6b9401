# SPDX-License-Identifier: MIT
"""Turns the declaration of a message into ``__init__``, ``parse``, ``marshal`` and ``__eq__``, once per class, when first used.

Knows the shape of WAMP messages: a list that begins with the type code, then elements, one dict of options, and at the
end perhaps a payload. Does not know any particular message. The methods are written out as source and compiled, as
``dataclasses`` does: no loop over the declaration remains at run time.

A declaration is a class body with these names::

    wire      element -> Kind, in order. "*" stands for the dict of options, "*?" for one that is left out when empty,
              "payload" for the optional payload at the end: args and kwargs, or one binary.
    options   option -> Kind, in the order of the constructor's parameters
    extra     options that follow behind ``from_fbs`` in the constructor
    defaults  constructor defaults other than None
    empty     dict fields that are {} where the constructor got None
    last      options that are written behind the others, as autobahn does
"""

from __future__ import annotations

from typing import Any, NoReturn

from autobahn_fast.wamp import _kinds
from autobahn_fast.wamp._checks import shown
from autobahn_fast.wamp._kinds import Kind, refuse_key
from autobahn_fast.wamp._later import compile_later
from autobahn_fast.wamp.exception import ProtocolError

__all__ = ("MessageType", "Schema", "WithTable")

PAYLOAD_FIELDS = ("args", "kwargs", "payload")
# Options that describe the binary of the older end-to-end encryption form, and mean nothing without it.
ENC_FIELDS = ("enc_algo", "enc_key", "enc_serializer")
# Attributes every message has beside its own fields.
BASE_FIELDS = {
    "_from_fbs": "None",
    "_serialized": "{}",
    "correlation_id": "None",
    "correlation_uri": "None",
    "correlation_is_anchor": "None",
    "correlation_is_last": "None",
    "_router_internal": "None",
}


class Schema:
    """A message's declaration, digested.

    ``name`` is the specification's (``EVENT_RECEIVED``), ``code`` the type code, ``word`` what the options are called.
    """

    def __init__(self, name: str, code: int, word: str, declaration: dict[str, Any]) -> None:
        self.name = name
        self.code = code
        self.word = word
        self.wire: dict[str, Kind | None] = declaration.pop("wire")
        self.options: dict[str, Kind] = declaration.pop("options", {})
        self.extra: dict[str, Kind] = declaration.pop("extra", {})
        self.defaults: dict[str, Any] = declaration.pop("defaults", {})
        self.empty: tuple[str, ...] = declaration.pop("empty", ())
        self.last: tuple[str, ...] = tuple(declaration.pop("last", ()))
        self.elements = {field: kind for field, kind in self.wire.items() if kind is not None}
        self.has_options = "*" in self.wire or "*?" in self.wire
        self.has_payload = "payload" in self.wire
        self.least = 1 + len(self.elements) + ("*" in self.wire)
        self.most = self.least + ("*?" in self.wire) + 2 * self.has_payload
        self.all_options = {**self.options, **self.extra}
        payload = PAYLOAD_FIELDS if self.has_payload else ()
        leading = (*self.elements, *payload, *map(attribute, self.options))
        self.fields = (*leading, *map(attribute, self.extra))
        self.parameters = (*leading, "from_fbs", *map(attribute, self.extra))

    def where(self, option: str) -> str:
        """Return how an option is called in an error text."""
        return f"'{option}' {self.word} in {self.name}"

    # --- source of the generated methods -----------------------------------------------------------------------------

    def source_init(self) -> list[str]:
        """``__init__``: autobahn's parameters, then those of ``extra``. Checks nothing; ``parse`` does."""
        kinds = {attribute(option): kind for option, kind in self.all_options.items()}
        parameters = ", ".join(f"{p}={self.defaults.get(p)!r}" for p in self.parameters)
        lines = [f"def __init__(self, {parameters}):"]
        for field in self.fields:
            default = {} if field in self.empty else kinds[field].default if field in kinds else None
            otherwise = f" if {field} is not None else {default!r}" if default is not None else ""
            lines.append(f"    self.{field} = {field}{otherwise}")
        return lines + [
            f"    self.{f} = {'from_fbs' if f == '_from_fbs' else initial}" for f, initial in BASE_FIELDS.items()
        ]

    def source_parse(self) -> list[str]:
        """``parse``: checks everything, then fills a new object without going through ``__init__``."""
        lines = [
            "def parse(wmsg):",
            f"    if type(wmsg) is not list or not {self.least} <= len(wmsg) <= {self.most} or wmsg[0] != {self.code}:",
            "        refuse_message(wmsg)",
            "    self = new(cls)",
        ]
        lines += [f"    self.{attribute(option)} = {kind.default!r}" for option, kind in self.all_options.items()]
        lines += [f"    self.{field} = {initial}" for field, initial in BASE_FIELDS.items()]
        for index, (field, kind) in enumerate(self.wire.items(), 1):
            if field == "payload":
                lines += self._source_parse_payload(index)
            elif field in ("*", "*?"):
                value = f"wmsg[{index}]" + (f" if len(wmsg) > {index} else {{}}" if field == "*?" else "")
                lines += [
                    f"    options = {value}",
                    "    if type(options) is not dict:",
                    "        refuse_options(options)",
                ]
            elif kind is not None:
                lines += [
                    f"    v = wmsg[{index}]",
                    f"    self.{field} = v if {kind.test} else kind_{field}.take(v, \"'{field}' in {self.name}\")",
                ]
        if self.has_options:
            lines += self._source_parse_options()
        if self.has_payload:
            lines += [
                "    if table is encoded and self.enc_algo is None:",
                "        if self.enc_key is not None or self.enc_serializer is not None:",
                "            refuse_encoding()",
            ]
        if self.finishes:
            lines.append("    self._finish(options)")
        return lines + ["    return self"]

    finishes = False  # the class has a _finish(options) that checks across elements

    def _source_parse_payload(self, index: int) -> list[str]:
        return [
            "    n = len(wmsg)",
            f"    if n == {index}:",
            "        self.args = self.kwargs = self.payload = None",
            "        table = plain",
            f"    elif type(wmsg[{index}]) is bytes and n == {index + 1}:",
            "        self.args = self.kwargs = None",
            f"        self.payload = wmsg[{index}]",
            "        table = encoded",
            "    else:",
            f"        v = wmsg[{index}]",
            # autobahn writes None for no args in front of kwargs.
            f"        if type(v) is not list and (v is not None or n == {index + 1}):",
            "            refuse_payload(v, 'args')",
            "        self.args = v",
            "        self.kwargs = self.payload = None",
            f"        if n > {index + 1}:",
            f"            v = wmsg[{index + 1}]",
            "            if type(v) is not dict or (v and not all_texts(v)):",
            "                refuse_payload(v, 'kwargs')",
            "            self.kwargs = v",
            "        table = plain",
        ]

    def _source_parse_options(self) -> list[str]:
        return [
            "    if options:",
            "        for key, v in options.items():",
            f"            option = {'table' if self.has_payload else 'encoded'}.get(key)",
            "            if option is None:",
            "                if type(key) is not str:",
            "                    refuse_key(key, OPTIONS)",
            "            elif option[1](v):",
            "                option[0](self, v)",
            "            else:",
            "                option[0](self, option[2](v, option[3]))",
        ]

    def source_marshal_options(self) -> list[str]:
        """The lines that fill ``options``: what is None or the default is left out, False is not."""
        lines = ["    options = {}"]
        order = sorted(self.all_options, key=lambda option: option in self.last)
        for option, kind in ((option, self.all_options[option]) for option in order):
            field = attribute(option)
            more = f" and v != {kind.default!r}" if kind.default is not None else ""
            # Without a binary payload there is nothing for them to describe.
            more += " and self.payload is not None" if option in ENC_FIELDS else ""
            give = f"options[{option!r}] = {kind.give}" if kind.on_wire else "options.update(v)"
            lines += [f"    v = self.{field}", f"    if v is not None{more}:", f"        {give}"]
        return lines

    def source_marshal(self) -> list[str]:
        """``marshal``: the message as a list."""
        parts = [str(self.code)]
        for field in self.wire:
            if field == "*":
                parts.append("options")
            elif field not in ("payload", "*?"):
                parts.append(f"self.{field}")
        head = ", ".join(parts)
        lines = ["def marshal(self):"]
        if self.has_options:
            lines += self.source_marshal_options()
        if "*?" in self.wire:
            lines += ["    if options:", f"        return [{head}, options]"]
        if self.has_payload:
            lines += [
                "    if self.payload is not None:",
                f"        return [{head}, self.payload]",
                "    if self.kwargs:",
                f"        return [{head}, self.args or [], self.kwargs]",
                "    if self.args:",
                f"        return [{head}, self.args]",
            ]
        return lines + [f"    return [{head}]"]

    def source_eq(self) -> list[str]:
        """``__eq__``: same class, equal fields. Correlation and cache do not count; no payload equals an empty one."""
        terms = " and ".join(
            f"(self.{f} or None) == (other.{f} or None)" if f in ("args", "kwargs") else f"self.{f} == other.{f}"
            for f in self.fields
        )
        return [
            "def __eq__(self, other):",
            "    if type(other) is not type(self):",
            "        return False",
            f"    return {terms}",
        ]

    # --- compiling ---------------------------------------------------------------------------------------------------

    def install(self, cls: Any) -> None:
        """Compile the methods and put them into the class."""
        self.finishes = hasattr(cls, "_finish")
        encoded, plain = {}, {}
        for option, kind in self.all_options.items():
            if not kind.on_wire:
                continue
            row = (vars(cls)[attribute(option)].__set__, kind.accepts, kind.take_option, self.where(option))
            encoded[option] = row
            if option not in ENC_FIELDS:
                plain[option] = row
        options_name = f"'{self.word}s' in {self.name}"
        namespace: dict[str, Any] = {
            **_kinds.TESTS,
            **{f"kind_{field}": kind for field, kind in self.elements.items()},
            "cls": cls,
            "new": object.__new__,
            "plain": plain,
            "encoded": encoded,
            "OPTIONS": options_name,
            "refuse_key": refuse_key,
            "refuse_message": self.refuse_message,
            "refuse_options": self.refuse_options,
            "refuse_payload": self.refuse_payload,
            "refuse_encoding": self.refuse_encoding,
        }
        functions = [self.source_init(), self.source_parse(), self.source_marshal(), self.source_eq()]
        if self.has_options:
            functions.append(["def marshal_options(self):", *self.source_marshal_options(), "    return options"])
        source = "\n\n".join("\n".join(lines) for lines in functions)
        exec(compile(source, f"<{cls.__module__}.{cls.__qualname__}>", "exec"), namespace)
        for name, doc in DOCS.items():
            function = namespace.get(name)
            if function is not None:
                function.__qualname__ = f"{cls.__qualname__}.{name}"
                function.__module__ = cls.__module__
                function.__doc__ = doc.format(self.name)
                setattr(cls, name, staticmethod(function) if name == "parse" else function)

    # --- errors ------------------------------------------------------------------------------------------------------

    def refuse_message(self, wmsg: Any) -> NoReturn:
        """Raise for something that is not a list of the right length that begins with the type code."""
        if type(wmsg) is not list or not wmsg:
            raise ProtocolError(f"invalid type {type(wmsg)} for {self.name}: a non-empty list is needed")
        if wmsg[0] != self.code:
            raise ProtocolError(f"invalid message type {shown(wmsg[0])} for {self.name}: must be {self.code}")
        raise ProtocolError(f"invalid message length {len(wmsg)} for {self.name}")

    def refuse_options(self, value: Any) -> NoReturn:
        """Raise for options that are not a dict."""
        raise ProtocolError(f"'{self.word}s' in {self.name}: invalid type {type(value)}, a dict is needed")

    def refuse_payload(self, value: Any, field: str) -> NoReturn:
        """Raise for args or kwargs that are not a list or a dict with str keys."""
        if field == "kwargs" and type(value) is dict:
            for key in value:
                refuse_key(key, f"'kwargs' in {self.name}")
        raise ProtocolError(f"invalid type {type(value)} for '{field}' in {self.name}")

    def refuse_encoding(self) -> NoReturn:
        """Raise for a binary payload that has a key or serializer but no algorithm."""
        raise ProtocolError(f"'enc_key' or 'enc_serializer' without 'enc_algo' in {self.name}")


DOCS = {
    "__init__": "Make a {}. Nothing is checked.",
    "parse": "Make a {} of a list as it came off the wire.\n\n:raises ProtocolError: it is not a valid one.",
    "marshal": "Return this {} as a list, ready for a serializer.",
    "marshal_options": "Return the options of this {} as a dict.",
    "__eq__": "Same class and equal fields.",
    "cast": "Make a {} of a buffer that is its FlatBuffers table.\n\n:raises ProtocolError: it is not a valid one.",
}


def attribute(option: str) -> str:
    """Return the attribute (and parameter) an option is kept in."""
    return option.replace("-", "_")


class WithTable:
    """What a message does with its FlatBuffers table."""

    __slots__ = ()

    @staticmethod
    def cast(buf: bytes) -> Any:
        """Make a message of a FlatBuffers table of this class.

        :param buf: a buffer whose root is that table; args and kwargs are in CBOR.
        :raises ProtocolError: it is no valid one.
        """
        raise ProtocolError("only the class of a WAMP message has a table")

    def build(self, builder: Any, serializer: Any = None) -> int:
        """Write this message's table into a ``flatbuffers.Builder``.

        :param serializer: the object serializer for args and kwargs; None: CBOR.
        :returns: the table's offset.
        :raises ValueError: the schema has no field, or no such value, for something in this message.
        """
        from autobahn_fast.wamp._flatbuffers import build_message

        return build_message(self, builder, serializer)


class MessageType(type):
    """Metaclass of messages: makes slots and methods out of the declaration in the class body.

    Every field is a slot, known by its public name and, for code that reads autobahn's private attributes, with an
    underscore in front.
    """

    SCHEMA: Schema

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        code: int | None = None,
        word: str = "option",
        spec: str = "",
    ) -> Any:
        if code is None:
            return super().__new__(mcls, name, bases, namespace)
        schema = Schema(spec or name.upper(), code, word, namespace)
        namespace["__slots__"] = schema.fields
        namespace["MESSAGE_TYPE"] = code
        namespace["SCHEMA"] = schema
        cls = super().__new__(mcls, name, bases, namespace)
        for field in schema.fields:
            setattr(cls, f"_{field}", vars(cls)[field])
        names = ["__init__", "parse", "marshal", "__eq__"]
        compile_later(cls, [*names, "marshal_options"] if schema.has_options else names, schema.install)

        def cast(buf: bytes) -> Any:
            from autobahn_fast.wamp._flatbuffers import cast_message

            return cast_message(cls, buf)

        cast.__qualname__, cast.__doc__ = f"{name}.cast", DOCS["cast"].format(schema.name)
        type.__setattr__(cls, "cast", staticmethod(cast))
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace)
