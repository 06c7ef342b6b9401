# SPDX-License-Identifier: MIT
"""The exceptions of WAMP sessions: local ones, and application errors that travel as ERROR messages.

Knows the predefined error URIs. Does not know how sessions map exceptions to URIs and back.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast._names import also_from
from autobahn_fast.wamp.uri import error

__all__ = (
    "ApplicationError",
    "Error",
    "InvalidPayload",
    "InvalidUri",
    "InvalidUriError",
    "NotAuthorized",
    "ProtocolError",
    "SerializationError",
    "SessionNotReady",
    "TransportLost",
    "TypeCheckError",
)


class Error(RuntimeError):
    """Base class of the WAMP exceptions."""


class SessionNotReady(Error):
    """The session has not joined a realm yet, or has left it."""


class SerializationError(Error):
    """An application payload cannot be serialized. Nothing was sent."""


class InvalidUriError(Error):
    """A URI is not of the form WAMP asks for."""


class ProtocolError(Error):
    """The peer sent something that is not WAMP, or not allowed at this point."""


class TransportLost(Error):
    """The transport closed while a request was pending, or is closed already."""


class ApplicationError(Error):
    """An error with a WAMP error URI, raised by a callee or router and re-raised in the caller.

    :param error: the error URI.
    :param args: positional payload.
    :param kwargs: keyword payload. ``enc_algo``, ``callee``, ``callee_authid``, ``callee_authrole`` and ``forward_for``
        are not payload: they become attributes.
    """

    INVALID_URI = "wamp.error.invalid_uri"
    INVALID_ARGUMENT = "wamp.error.invalid_argument"
    INVALID_PAYLOAD = "wamp.error.invalid_payload"
    PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded"
    TYPE_CHECK_ERROR = "wamp.error.type_check_error"

    NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
    PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"
    PROCEDURE_EXISTS_INVOCATION_POLICY_CONFLICT = "wamp.error.procedure_exists_with_different_invocation_policy"
    NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
    NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"
    NO_ELIGIBLE_CALLEE = "wamp.error.no_eligible_callee"
    CANCELED = "wamp.error.canceled"
    TIMEOUT = "wamp.error.timeout"
    UNAVAILABLE = "wamp.error.unavailable"
    NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"
    FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"

    NO_SUCH_SESSION = "wamp.error.no_such_session"
    NO_SUCH_REALM = "wamp.error.no_such_realm"
    NO_SUCH_ROLE = "wamp.error.no_such_role"
    NO_SUCH_PRINCIPAL = "wamp.error.no_such_principal"
    NO_AUTH_METHOD = "wamp.error.no_auth_method"
    NOT_AUTHORIZED = "wamp.error.not_authorized"
    AUTHORIZATION_FAILED = "wamp.error.authorization_failed"
    AUTHENTICATION_FAILED = "wamp.error.authentication_failed"

    CLOSE_REALM = "wamp.error.close_realm"
    GOODBYE_AND_OUT = "wamp.error.goodbye_and_out"
    SYSTEM_SHUTDOWN = "wamp.error.system_shutdown"

    ENC_NO_PAYLOAD_CODEC = "wamp.error.no_payload_codec"
    ENC_TRUSTED_URI_MISMATCH = "wamp.error.encryption.trusted_uri_mismatch"
    ENC_DECRYPT_ERROR = "wamp.error.encryption.decrypt_error"

    def __init__(self, error: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)
        self.error = error
        self.enc_algo: str | None = kwargs.pop("enc_algo", None)
        self.callee: int | None = kwargs.pop("callee", None)
        self.callee_authid: str | None = kwargs.pop("callee_authid", None)
        self.callee_authrole: str | None = kwargs.pop("callee_authrole", None)
        self.forward_for: list[dict[str, Any]] | None = kwargs.pop("forward_for", None)
        self.kwargs: dict[str, Any] = kwargs

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)

    def error_message(self) -> str:
        """Return the error URI and the positional payload as one line of text."""
        return f"{self.error}: {' '.join(str(arg) for arg in self.args)}"

    def __str__(self) -> str:
        # A callee may send its traceback along; shown at the end, as lines.
        traceback = self.kwargs.get("traceback")
        kwargs = {**self.kwargs, "traceback": "..."} if traceback else self.kwargs
        text = (
            f"ApplicationError(error=<{self.error}>, args={list(self.args)}, kwargs={kwargs}, "
            f"enc_algo={self.enc_algo}, callee={self.callee}, callee_authid={self.callee_authid}, "
            f"callee_authrole={self.callee_authrole}, "
            f"forward_for={self.forward_for})"
        )
        if traceback:
            lines = traceback if isinstance(traceback, (list, tuple)) else str(traceback).splitlines()
            text += ":\n" + "\n".join(str(line) for line in lines) + "\n"
        return text


def _restore(cls: type[ApplicationError], args: tuple[Any, ...], state: dict[str, Any]) -> ApplicationError:
    # Pickling: the constructor of a subclass may take other arguments than the error URI.
    exc = cls.__new__(cls, *args)
    exc.args = args
    exc.__dict__.update(state)
    return exc


@error(ApplicationError.NOT_AUTHORIZED)
class NotAuthorized(Exception):
    """The session may not do what it asked for."""


@error(ApplicationError.INVALID_URI)
class InvalidUri(Exception):
    """The peer refused a URI."""


@error(ApplicationError.INVALID_PAYLOAD)
class InvalidPayload(Exception):
    """The peer refused a payload."""


class TypeCheckError(ApplicationError):
    """The arguments of a call or event do not fit the annotations of the endpoint or handler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(ApplicationError.TYPE_CHECK_ERROR, *args, **kwargs)


also_from(__name__, "util")
