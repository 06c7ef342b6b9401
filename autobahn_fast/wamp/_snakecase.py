# SPDX-License-Identifier: MIT
"""SnakeCaseMixin: the session hooks in snake_case, and sessions that answer challenges with authenticators.

Knows only the overridable methods of a session; the frameworks' ``Session`` classes mix it in.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast.wamp._part import SessionPart

__all__ = ("SnakeCaseMixin",)

_SHARED = ("authid", "authrole", "authextra")


class SnakeCaseMixin(SessionPart):
    """``on_connect``, ``on_welcome``, ``on_join``, ``on_leave``, ``on_disconnect`` and ``add_authenticator``."""

    _authenticators: dict[str, Any] | None = None

    def add_authenticator(self, authenticator: Any) -> None:
        """Offer an authentication method when joining, and answer its challenge.

        :param authenticator: an ``IAuthenticator``, see ``create_authenticator``.
        :raises ValueError: its authid, authrole or authextra contradicts that of an authenticator added before.
        """
        if self._authenticators is None:
            self._authenticators = {}
        for name in _SHARED:
            given = authenticator._args.get(name)
            for other in self._authenticators.values():
                known = other._args.get(name)
                if given is not None and known is not None and given != known:
                    raise ValueError(f"Inconsistent {name}s: {known} {given}")
        self._authenticators[authenticator.name] = authenticator

    def _shared(self, name: str) -> Any:
        for authenticator in (self._authenticators or {}).values():
            value = authenticator.authextra if name == "authextra" else authenticator._args.get(name)
            if value:
                return value
        return None

    # --- hooks of the base class: not to be overridden here ---

    def onConnect(self) -> Any:
        return self.on_connect()

    def onChallenge(self, challenge: Any) -> Any:
        authenticator = (self._authenticators or {}).get(challenge.method)
        if authenticator is None:
            known = sorted(self._authenticators or {})
            raise RuntimeError(f"challenged for the authentication method {challenge.method!r}, but only {known} can be answered")
        return authenticator.on_challenge(self, challenge)

    def onWelcome(self, msg: Any) -> Any:
        authenticator = (self._authenticators or {}).get(msg.authmethod) if msg.authmethod else None
        if authenticator is not None:
            refusal = authenticator.on_welcome(self, msg.authextra)
            if refusal is not None:
                return refusal
        return self.on_welcome(msg)

    def onJoin(self, details: Any) -> Any:
        return self.on_join(details)

    def onLeave(self, details: Any) -> Any:
        return self.on_leave(details)

    def onDisconnect(self) -> Any:
        return self.on_disconnect()

    # --- hooks of the application ---

    def on_connect(self) -> Any:
        """The transport is open. Default: join the realm of the config with the authenticators added. May be async."""
        self.join(
            self.config.realm,
            authmethods=list(self._authenticators) if self._authenticators else None,
            authid=self._shared("authid"),
            authrole=self._shared("authrole"),
            authextra=self._shared("authextra"),
        )

    def on_welcome(self, welcome_msg: Any) -> Any:
        """The router accepts the session. Return None to go on, a text to refuse. May be async."""

    def on_join(self, details: Any) -> Any:
        """The session has joined its realm. May be async."""

    def on_leave(self, details: Any) -> Any:
        """The session has ended. Default: close the transport. May be async."""
        self.disconnect()

    def on_disconnect(self) -> Any:
        """The transport is closed. May be async."""
