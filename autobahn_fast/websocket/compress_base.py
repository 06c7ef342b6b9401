# SPDX-License-Identifier: MIT
"""What all compression extensions share: five base classes, and the reading and checking of parameters.

Knows how the parameters of an extension look in ``Sec-WebSocket-Extensions`` (RFC 6455, section 9; RFC 7692,
section 5). Does not know any algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autobahn_fast.exception import PayloadCorruptError, PayloadExceededError

PART = 256 * 1024
"""Octets decompressed at a time: what a small message that says it is a huge one costs before limits are looked at."""

__all__ = (
    "PerMessageCompress",
    "PerMessageCompressOffer",
    "PerMessageCompressOfferAccept",
    "PerMessageCompressResponse",
    "PerMessageCompressResponseAccept",
)


class _Described:
    """``repr`` as a constructor call of the attributes named in ``_fields``."""

    _fields: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name} = {getattr(self, name)!r}' for name in self._fields)})"


class PerMessageCompressOffer(_Described):
    """What a client offers: base of the offers of all extensions."""

    def _refusal(self, response: Any) -> str | None:
        """Why a server must not have answered this offer like that; None: it may."""
        return None


class PerMessageCompressOfferAccept(_Described):
    """What a server answers to an offer it accepts: base for all extensions."""


class PerMessageCompressResponse(_Described):
    """What a server answered, as its client read it: base for all extensions."""


class PerMessageCompressResponseAccept(_Described):
    """How a client uses what the server answered: base for all extensions."""


class PerMessageCompress(_Described):
    """Compressor and decompressor of one connection: base for all extensions.

    A message out: ``start_compress_message()``, any number of ``compress_message_data(data)``,
    ``end_compress_message()``; the octets these return, in order, are the payload. A message in: the same with ``decompress``.
    """

    EXTENSION_NAME = ""
    too_large = PayloadExceededError
    """What ``decompress_message_data`` raises for a message over the limit."""
    max_message_size: int | None = None
    """Uncompressed octets of a message in, at most; None or 0: any number."""
    more = False
    """Whether there is more in what ``decompress_message_part`` was given."""
    _size = 0  # uncompressed octets of the message that comes in, so far

    @property
    def in_parts(self) -> bool:
        """Whether ``decompress_message_part`` can be used: not with a ``decompress_message_data`` of its own."""
        return type(self).decompress_message_data is PerMessageCompress.decompress_message_data

    def start_compress_message(self) -> None:
        """A message out begins."""
        raise RuntimeError("PerMessageCompress is a base class: an extension compresses")

    def compress_message_data(self, data: bytes) -> bytes:
        """Compress a part of the message.

        :param data: the octets. :returns: octets for the wire, possibly none yet.
        """
        raise RuntimeError("PerMessageCompress is a base class: an extension compresses")

    def end_compress_message(self) -> bytes:
        """The message out ends. Return the last octets for the wire."""
        raise RuntimeError("PerMessageCompress is a base class: an extension compresses")

    def start_decompress_message(self) -> None:
        """A message in begins."""
        self._size = 0
        self.more = False
        self._begin()

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Decompress a part of the message. Memory is used for the octets allowed, not for those that could come out.

        :param data: octets from the wire. :param max_output_len: octets of the message, this part included, that may
            have come out; None: any number.
        :raises PayloadCorruptError: the octets are not what this extension makes.
        :raises PayloadExceededError: more than ``max_output_len``, or in all more than ``max_message_size``.
        """
        parts = [self.decompress_message_part(data, max_output_len)]
        while self.more:
            parts.append(self.decompress_message_part(b"", max_output_len))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def decompress_message_part(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Decompress a part of the message as far as ``PART`` octets; ``more`` says whether to go on with empty ``data``.

        Parameters and exceptions are those of ``decompress_message_data``.
        """
        limit = None if max_output_len is None else max(max_output_len - self._size, 0)
        if self.max_message_size:
            left = self.max_message_size - self._size
            limit = left if limit is None else min(left, limit)
        try:
            out = self._inflate(data, PART if limit is None or limit >= PART else limit + 1)
        except PayloadCorruptError:
            raise
        except self._errors() as e:
            raise PayloadCorruptError(f"not {self.EXTENSION_NAME} data: {e}") from None
        if limit is not None and len(out) > limit:
            raise PayloadExceededError(
                f"a message of more octets than allowed, once decompressed (max_message_size={self.max_message_size}, "
                f"max_output_len={max_output_len}): send it in parts, or allow more"
            )
        self._size += len(out)
        return out

    def end_decompress_message(self) -> None:
        """The message in ends.

        :raises PayloadCorruptError: it is not complete.
        """
        try:
            self._finish()
        except PayloadCorruptError:
            raise
        except self._errors() as e:
            raise PayloadCorruptError(f"not {self.EXTENSION_NAME} data: {e}") from None

    # --- what an extension fills in ---

    def _errors(self) -> tuple[type[Exception], ...]:
        """The exceptions by which its library says that octets are corrupt."""
        return (ValueError,)

    def _begin(self) -> None:
        """A message in begins."""

    def _inflate(self, data: bytes, room: int) -> bytes:
        """Decompress about ``room`` octets, more only where they come in chunks, and set ``more``."""
        raise RuntimeError("PerMessageCompress is a base class: an extension decompresses")

    def _finish(self) -> None:
        """A message in ends: raise PayloadCorruptError if it is not complete."""


class ExtensionError(ValueError):
    """A parameter of a compression extension is unknown, appears twice, has a bad value, or asks for what cannot be."""


def flag(value: Any) -> bool:
    """Read a parameter that must have no value."""
    if value is not True:
        raise ValueError(value)
    return True


def one_of(allowed: Sequence[int]) -> Callable[[Any], int]:
    """Return a reader of a parameter that must have a number out of ``allowed``."""

    def read(value: Any) -> int:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 4:
            raise ValueError(value)
        number = int(value)
        if number not in allowed:
            raise ValueError(value)
        return number

    return read


def flag_or(read: Callable[[Any], int]) -> Callable[[Any], Any]:
    """Return a reader of a parameter that may come without a value (read as True) or with one."""
    return lambda value: True if value is True else read(value)


def read_parameters(
    extension: str, params: Mapping[str, Sequence[Any]], readers: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    """Check the parameters of one offer or response and convert their values.

    :param extension: name of the extension, for the messages.
    :param params: name to the list of its values; True where it stood without a value.
    :param readers: name to the function that converts its value or raises ValueError.
    :raises ExtensionError: for an unknown name, a name that appears twice, or a value that does not fit.
    """
    result = {}
    for name, values in params.items():
        if len(values) > 1:
            raise ExtensionError(f"parameter {name!r} of extension {extension!r} appears {len(values)} times")
        read = readers.get(name)
        if read is None:
            raise ExtensionError(f"{extension!r} has no parameter {name!r}; it has {', '.join(sorted(readers))}")
        try:
            result[name] = read(values[0])
        except ValueError:
            raise ExtensionError(f"{values[0]!r} is no value for parameter {name!r} of {extension!r}") from None
    return result


def check_type(name: str, value: Any, kind: type) -> None:
    """Raise ExtensionError unless ``value`` is exactly of that type."""
    if type(value) is not kind:
        raise ExtensionError(f"{name} must be {kind.__name__}, not {type(value).__name__}")


def check_instance(name: str, value: Any, kind: type) -> None:
    """Raise ExtensionError unless ``value`` is an instance of ``kind``."""
    if not isinstance(value, kind):
        raise ExtensionError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")


def check_choice(name: str, value: Any, allowed: Sequence[int], none_is: Any = None) -> None:
    """Raise ExtensionError unless ``value`` is ``none_is`` (nothing asked for) or one of ``allowed``."""
    if value is none_is or (value == none_is and type(value) is type(none_is)):
        return
    if type(value) is not int or value not in allowed:
        raise ExtensionError(f"{name} must be one of {list(allowed)}, not {value!r}")


def extension_string(extension: str, *parameters: tuple[str, Any]) -> str:
    """Return the text for the header: a parameter that is True stands alone, one that is false is left out."""
    parts = [extension]
    for name, value in parameters:
        if value is True:
            parts.append(name)
        elif value:
            parts.append(f"{name}={value}")
    return "; ".join(parts)
