# SPDX-License-Identifier: MIT
"""Records with checked fields, and the two that describe a transport and a session.

A record is a class with a table of fields; the constructor is generated from the table and checks every argument. Knows
nothing about live transports or sessions: they fill these objects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from autobahn_fast.exception import InvalidArgument
from autobahn_fast.wamp._checks import shown
from autobahn_fast.wamp._kinds import TESTS, Kind, flag, mapping, text
from autobahn_fast.wamp._later import compile_later

__all__ = ("Record", "SessionDetails", "TransportDetails")

anything = Kind("anything", "True")
number = Kind("int", "type(v) is int", int)


class RecordType(type):
    """Metaclass of records: slots and a constructor that checks, out of the table ``fields`` in the class body.

    ``fields`` maps a parameter to the :class:`Kind` of its values; None is allowed unless the name is in ``required``.
    ``defaults`` has defaults other than None. A class may have ``_normalize(self)``, called at the end. ``written`` names
    the fields that ``_written()`` returns as a dict, without those that are None: options as they go on the wire.
    """

    FIELDS: dict[str, Kind]

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        fields: dict[str, Kind] | None = namespace.pop("fields", None)
        if fields is None:
            return super().__new__(mcls, name, bases, namespace)
        required = namespace.pop("required", ())
        defaults = namespace.pop("defaults", {})
        written = namespace.pop("written", ())
        namespace["__slots__"] = tuple(fields)
        namespace["FIELDS"] = fields
        cls: Any = super().__new__(mcls, name, bases, namespace)

        def install(cls: Any) -> None:
            lines = _source_init(cls, fields, required, defaults) + (_source_written(written) if written else [])
            names: dict[str, Any] = {**TESTS, **getattr(cls, "TESTS", {}), "refuse": _refuse}
            exec("\n".join(lines), names)
            for method in methods:
                names[method].__qualname__ = f"{cls.__qualname__}.{method}"
                names[method].__module__ = cls.__module__
                setattr(cls, method, names[method])

        methods = ["__init__", "_written"] if written else ["__init__"]
        compile_later(cls, methods, install)
        return cls


def _source_init(cls: Any, fields: dict[str, Kind], required: Any, defaults: dict[str, Any]) -> list[str]:
    parameters = [f if f in required and f not in defaults else f"{f}={defaults.get(f)!r}" for f in fields]
    lines = [f"def __init__(self, {', '.join(parameters)}):"]
    for field, kind in fields.items():
        lines.append(f"    self.{field} = v = {field}")
        if kind.test != "True":
            guard = "" if field in required else "v is not None and "
            refusal = f"refuse({cls.__name__!r}, {field!r}, {kind.name!r}, v)"
            lines += [f"    if {guard}not ({kind.test}):", f"        {refusal}"]
    return [*lines, "    self._normalize()"] if hasattr(cls, "_normalize") else lines


def _source_written(written: tuple[str, ...]) -> list[str]:
    lines = ["def _written(self):", "    options = {}"]
    for field in written:
        lines += [f"    v = self.{field}", "    if v is not None:", f"        options[{field!r}] = v"]
    return [*lines, "    return options"]


def _refuse(cls: str, field: str, wanted: str, value: Any) -> NoReturn:
    raise InvalidArgument(f"{cls}: {field} must be {wanted}, not {shown(value)}")


class Record(metaclass=RecordType):
    """Base of the option, detail and result classes."""

    __slots__ = ()
    FIELDS: dict[str, Kind]
    # Fields whose values are not shown in logs.
    HIDDEN: tuple[str, ...] = ("authextra", "resume_token")

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __repr__(self) -> str:
        values = ((f, getattr(self, f)) for f in self.FIELDS if not f.startswith("correlation_"))
        return f"{type(self).__name__}({', '.join(f'{f}={self._shown(f, v)}' for f, v in values)})"

    def _shown(self, field: str, value: Any) -> str:
        return "<hidden>" if value is not None and field in self.HIDDEN else str(value)

    __str__ = __repr__


class DetailsType(RecordType):
    """Metaclass of records that are read from and written to dicts; fields are known with an underscore as well."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        kinds: dict[str, Kind] | None = namespace.get("fields")
        if kinds is None:
            return super().__new__(mcls, name, bases, namespace)
        # The constructor takes anything, as transports fill these objects bit by bit; parse() checks.
        namespace["fields"] = dict.fromkeys(kinds, anything)
        cls = super().__new__(mcls, name, bases, namespace)
        cls.FIELDS = kinds
        for field in kinds:
            setattr(cls, f"_{field}", vars(cls)[field])
        return cls


class Details(Record, metaclass=DetailsType):
    """Base of :class:`TransportDetails` and :class:`SessionDetails`."""

    __slots__ = ()
    # Fields that look different in a dict: field -> (from dict, to dict).
    CONVERTERS: dict[str, tuple[Callable[[Any, str], Any], Callable[[Any], Any]]] = {}

    @classmethod
    def _parse(cls, data: Any) -> Any:
        if type(data) is not dict:
            raise InvalidArgument(f"{cls.__name__} is made of a dict, not {type(data)}")
        values: dict[str, Any] = {}
        for field, kind in cls.FIELDS.items():
            value = data.get(field)
            if value is None:
                continue
            if field in cls.CONVERTERS:
                value = cls.CONVERTERS[field][0](value, field)
            elif not kind.accepts(value):
                raise InvalidArgument(f'"{field}" must be {kind.name}, was {shown(value)}')
            values[field] = value
        return cls(**values)

    def marshal(self) -> dict[str, Any]:
        """Return all fields as a dict, made of values every serializer can write."""
        result = {}
        for field in self.FIELDS:
            value = getattr(self, field)
            if value is not None and field in self.CONVERTERS:
                value = self.CONVERTERS[field][1](value)
            result[field] = value
        return result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        return all(getattr(self, field) == getattr(other, field) for field in self.FIELDS)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


def _named(field: str, names: dict[str, int]) -> tuple[Callable[[Any, str], Any], Callable[[Any], Any]]:
    numbers = {number: name for name, number in names.items()}

    def parse(value: Any, where: str) -> int:
        if type(value) is not str or value not in names:
            raise InvalidArgument(f'invalid "{where}": must be one of {", ".join(names)}, was {shown(value)}')
        return names[value]

    return parse, lambda value: numbers.get(value, value)


def _parse_channel_id(value: Any, where: str) -> dict[str, bytes]:
    if type(value) is not dict:
        raise InvalidArgument(f'"{where}" must be a dict, was {type(value)}')
    result = {}
    for binding, channel_id in value.items():
        if binding not in ("tls-unique", "tls-exporter"):
            raise InvalidArgument(f'invalid binding type {shown(binding)} in "{where}" map')
        try:
            octets = bytes.fromhex(channel_id) if type(channel_id) is str else bytes(memoryview(channel_id))
        except (TypeError, ValueError):
            octets = b""
        if len(octets) != 32:
            raise InvalidArgument(f'invalid binding ID {shown(channel_id)} in "{where}" map: 32 octets are needed')
        result[binding] = octets
    return result


def _numbered(*names: str) -> tuple[dict[str, int], dict[int, str]]:
    return {name: number for number, name in enumerate(names)}, dict(enumerate(names))


class TransportDetails(Details):
    """What is known about the transport of a session.

    :param channel_type: one of ``CHANNEL_TYPE_*``.
    :param channel_framing: one of ``CHANNEL_FRAMING_*``.
    :param channel_serializer: one of ``CHANNEL_SERIALIZER_*``.
    :param own: this side, as ``tcp4:127.0.0.1:8080`` or ``unix:/path``.
    :param peer: the other side.
    :param is_server: this side accepted the connection.
    :param own_pid: process id of this side. ``own_tid``: thread id. ``own_fd``: file descriptor of the socket, -1:
        unknown.
    :param is_secure: the transport is encrypted.
    :param channel_id: binding type (``tls-unique``) to 32 octets that are the same on both sides and nowhere else.
    :param peer_cert: the peer's certificate as :func:`autobahn_fast.util.peer_certificate_details` describes it.
    :param websocket_protocol: the WebSocket subprotocol in use.
    :param websocket_extensions_in_use: the WebSocket extensions in use.
    :param http_headers_received: headers of the peer's opening handshake, ``http_headers_sent``: of ours.
    :param http_cbtid: the tracking cookie's value.
    """

    CHANNEL_TYPE_FROM_STR, CHANNEL_TYPE_TO_STR = _numbered(
        "null", "function", "memory", "serial", "tcp", "tls", "udp", "dtls"
    )
    (
        CHANNEL_TYPE_NONE,
        CHANNEL_TYPE_FUNCTION,
        CHANNEL_TYPE_MEMORY,
        CHANNEL_TYPE_SERIAL,
        CHANNEL_TYPE_TCP,
        CHANNEL_TYPE_TLS,
        CHANNEL_TYPE_UDP,
        CHANNEL_TYPE_DTLS,
    ) = range(8)
    CHANNEL_FRAMING_FROM_STR, CHANNEL_FRAMING_TO_STR = _numbered("null", "native", "websocket", "rawsocket")
    CHANNEL_FRAMING_NONE, CHANNEL_FRAMING_NATIVE, CHANNEL_FRAMING_WEBSOCKET, CHANNEL_FRAMING_RAWSOCKET = range(4)
    CHANNEL_SERIALIZER_FROM_STR, CHANNEL_SERIALIZER_TO_STR = _numbered(
        "null", "json", "msgpack", "cbor", "ubjson", "flatbuffers"
    )
    (
        CHANNEL_SERIALIZER_NONE,
        CHANNEL_SERIALIZER_JSON,
        CHANNEL_SERIALIZER_MSGPACK,
        CHANNEL_SERIALIZER_CBOR,
        CHANNEL_SERIALIZER_UBJSON,
        CHANNEL_SERIALIZER_FLATBUFFERS,
    ) = range(6)

    fields = {
        "channel_type": number,
        "channel_framing": number,
        "channel_serializer": number,
        "own": text,
        "peer": text,
        "is_server": flag,
        "own_pid": number,
        "own_tid": number,
        "own_fd": number,
        "is_secure": flag,
        "channel_id": mapping,
        "peer_cert": mapping,
        "websocket_protocol": text,
        "websocket_extensions_in_use": Kind("a list", "type(v) is list", list),
        "http_headers_received": mapping,
        "http_headers_sent": mapping,
        "http_cbtid": text,
    }
    CONVERTERS = {
        "channel_type": _named("channel_type", CHANNEL_TYPE_FROM_STR),
        "channel_framing": _named("channel_framing", CHANNEL_FRAMING_FROM_STR),
        "channel_serializer": _named("channel_serializer", CHANNEL_SERIALIZER_FROM_STR),
        "channel_id": (_parse_channel_id, dict),
    }

    @staticmethod
    def parse(data: dict[str, Any]) -> TransportDetails:
        """Make one of what :meth:`marshal` returns.

        :raises ValueError: a field has the wrong type or value. Unknown fields are ignored.
        """
        return TransportDetails._parse(data)  # type: ignore[no-any-return]

    @property
    def channel_typeid(self) -> str:
        """Type, framing and serializer in one: ``tcp-websocket-cbor``."""
        return "-".join(
            (
                self.CHANNEL_TYPE_TO_STR.get(self.channel_type, "null"),
                self.CHANNEL_FRAMING_TO_STR.get(self.channel_framing, "null"),
                self.CHANNEL_SERIALIZER_TO_STR.get(self.channel_serializer, "null"),
            )
        )


class SessionDetails(Details):
    """What is known about a session that has joined a realm.

    :param realm: the realm.
    :param session: the session id.
    :param authid, authrole, authmethod, authprovider, authextra: who the session is and how that was found out.
    :param serializer: the serializer in use, as ``json`` or ``cbor.batched``.
    :param transport: the :class:`TransportDetails`.
    :param resumed, resumable, resume_token: whether the session is, or can be, taken up again.
    """

    fields = {
        "realm": text,
        "session": number,
        "authid": text,
        "authrole": text,
        "authmethod": text,
        "authprovider": text,
        "authextra": mapping,
        "serializer": text,
        "transport": anything,
        "resumed": flag,
        "resumable": flag,
        "resume_token": text,
    }
    CONVERTERS = {"transport": (lambda value, where: TransportDetails.parse(value), lambda value: value.marshal())}

    @staticmethod
    def parse(data: dict[str, Any]) -> SessionDetails:
        """Make one of what :meth:`marshal` returns.

        :raises ValueError: a field has the wrong type. Unknown fields are ignored.
        """
        return SessionDetails._parse(data)  # type: ignore[no-any-return]
