# SPDX-License-Identifier: MIT
"""What every WAMP session has: identity, transport, exceptions mapped to error URIs, and where the application's errors end.

Knows no messages, no requests and no loop: a subclass carries one as ``framework``.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast._reading import NO_GATE
from autobahn_fast.util import ObservableMixin
from autobahn_fast.wamp._failure import Failure
from autobahn_fast.wamp.role import DEFAULT_CLIENT_ROLES, RoleFeatures

__all__ = ("BaseSession",)


class Nothing(dict[Any, Any]):
    """Stands for a dict that is not needed yet, for all sessions: an idle one takes less memory."""

    __slots__ = ()

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("a dict that stands for those not needed yet is not written to")


NOTHING = Nothing()


class BaseSession(ObservableMixin):
    """State that every WAMP session has: identity, transport, and the exceptions mapped to error URIs."""

    log: Any = None
    framework: Any = None
    """The event loop: a subclass of ``Framework``."""

    _cancelled_errors: tuple[type[BaseException], ...] = ()
    """What a coroutine that was cancelled raises, in this framework."""

    _gate: Any = NO_GATE
    """Counts handlers that are not through, for the transport's flow control."""

    _failure: Any = Failure
    """What ``onUserError`` gets: called with the exception."""

    _session_roles: dict[str, RoleFeatures] = DEFAULT_CLIENT_ROLES
    """What HELLO says of this side."""

    def __init__(self) -> None:
        super().__init__()
        self.set_valid_events(["join", "leave", "ready", "connect", "disconnect"])
        self.traceback_app = False
        self._transport: Any = None
        self._session_id: int | None = None
        self._realm: str | None = None
        self._session_details: Any = None
        self._authid: str | None = None
        self._authrole: str | None = None
        self._authmethod: str | None = None
        self._authprovider: str | None = None
        self._authextra: dict[str, Any] | None = None
        self._router_roles: Any = None
        self._payload_codec: Any = None
        self._exception_to_uri: dict[type[BaseException], str] = NOTHING
        self._uri_to_exception: dict[str, type[BaseException]] = NOTHING

    @property
    def transport(self) -> Any:
        """The transport, or None when there is none now."""
        return self._transport

    @property
    def realm(self) -> str | None:
        """Realm joined, or asked for."""
        return self._realm

    @property
    def session_id(self) -> int | None:
        """Session id, None when not joined."""
        return self._session_id

    @property
    def session_details(self) -> Any:
        """The ``SessionDetails`` of the last join."""
        return self._session_details

    @property
    def authid(self) -> str | None:
        """Authentication id."""
        return self._authid

    @property
    def authrole(self) -> str | None:
        """Authentication role."""
        return self._authrole

    @property
    def authmethod(self) -> str | None:
        """Authentication method used."""
        return self._authmethod

    @property
    def authprovider(self) -> str | None:
        """Who authenticated the session."""
        return self._authprovider

    @property
    def authextra(self) -> dict[str, Any] | None:
        """Further details from the router's WELCOME."""
        return self._authextra

    def is_connected(self) -> bool:
        """Whether there is an open transport."""
        return self._transport is not None and self._transport.isOpen()

    def is_attached(self) -> bool:
        """Whether the session has joined a realm over an open transport."""
        return self._session_id is not None and self.is_connected()

    def define(self, exception: type[BaseException], error: str | None = None) -> None:
        """Map an exception class to an error URI, both ways.

        :param error: the URI; None when the class is decorated with ``@error``.
        :raises RuntimeError: neither a URI nor a decoration.
        """
        if error is None:
            patterns = getattr(exception, "_wampuris", None)
            if not patterns:
                raise RuntimeError(
                    f"define(): {exception.__name__} has no error URI: pass one, or decorate the class with @error(uri)"
                )
            error = patterns[0].uri()
        if self._exception_to_uri is NOTHING:
            self._exception_to_uri, self._uri_to_exception = {}, {}
        self._exception_to_uri[exception] = error
        self._uri_to_exception[error] = exception

    # --- framework, in short ---

    def _spawn(self, coroutine: Any) -> Any:
        return self.framework.spawn(coroutine)

    def _is_awaitable(self, value: Any) -> bool:
        return self.framework.is_awaitable(value)  # type: ignore[no-any-return]

    def _resolve(self, future: Any, value: Any = None) -> None:
        self.framework.resolve(future, value)

    def _reject(self, future: Any, exc: BaseException) -> None:
        self.framework.reject(future, exc)

    def _event_handlers(self, event: str) -> list[Any]:
        return list((self._listeners or {}).get(event, ()))

    def onUserError(self, fail: Failure, msg: str) -> Any:
        """A callback of the application raised."""
        self.log.error('{cls}.onUserError(): "{msg}"', cls=type(self).__name__, msg=msg, log_failure=fail.value)

    def _user_error(self, exc: BaseException, text: str) -> None:
        """The one place where exceptions of the application end."""
        try:
            result = self.onUserError(self._failure(exc), text)
            if result is not None and self._is_awaitable(result):
                self._spawn(self._guard_user_error(result))
        except Exception as e:
            self.log.error("onUserError() itself raised {error!r} for: {where}", error=e, where=text, log_failure=e)

    async def _guard_user_error(self, awaitable: Any) -> None:
        try:
            await awaitable
        except Exception as e:
            self.log.error("onUserError() itself raised {error!r}", error=e, log_failure=e)

    async def _guard(self, awaitable: Any, text: str) -> None:
        try:
            await awaitable
        except Exception as e:
            self._user_error(e, text)
