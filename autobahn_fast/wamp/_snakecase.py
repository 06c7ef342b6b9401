# SPDX-License-Identifier: MIT
"""SnakeCaseMixin: the session hooks in snake_case, and sessions that answer challenges with authenticators.

Knows only the overridable methods of a session; the frameworks' ``Session`` classes mix it in.
"""

from __future__ import annotations

from typing import Any

from autobahn_fast.wamp._part import SessionPart

__all__ = ("SnakeCaseMixin",)

_VOUCHED = frozenset({"cookie", "tls", "trusted", "transport"})
"""Authentication methods and providers that need no challenge: the transport has said who we are."""


class SnakeCaseMixin(SessionPart):
    """``on_connect``, ``on_welcome``, ``on_join``, ``on_leave``, ``on_disconnect`` and ``add_authenticator``."""

    _authenticators: dict[str, Any] | None = None
    _answering: Any = None  # the authenticator that answered the last challenge

    def add_authenticator(self, authenticator: Any) -> None:
        """Offer an authentication method when joining, and answer its challenge.

        :param authenticator: an ``IAuthenticator``, see ``create_authenticator``.
        :raises ValueError: its authid, authrole or authextra contradicts that of an authenticator added before.
        """
        if self._authenticators is None:
            self._authenticators = {}
        for other in self._authenticators.values():
            for name in ("authid", "authrole"):
                known, given = other._args.get(name), authenticator._args.get(name)
                if given is not None and known is not None and given != known:
                    raise ValueError(f"Inconsistent {name}s: {known} {given}")
            known, given = other._args.get("authextra") or {}, authenticator._args.get("authextra") or {}
            for key in known.keys() & given.keys():
                if known[key] != given[key]:
                    raise ValueError(f"Inconsistent authextras: {key!r} is {known[key]!r} and {given[key]!r}")
        self._authenticators[authenticator.name] = authenticator

    def _shared(self, name: str) -> Any:
        for authenticator in (self._authenticators or {}).values():
            value = authenticator._args.get(name)
            if value:
                return value
        return None

    def _shared_authextra(self) -> dict[str, Any] | None:
        """Return the details of all authenticators; those that were to say different things are told what is said."""
        authenticators = (self._authenticators or {}).values()
        extra: dict[str, Any] = {}
        for authenticator in authenticators:
            extra.update(authenticator.authextra or {})
        for authenticator in authenticators:
            if hasattr(authenticator, "_sent"):
                authenticator._sent(extra)
        return extra or None

    # --- hooks of the base class: not to be overridden here ---

    def onConnect(self) -> Any:
        return self.on_connect()

    def onChallenge(self, challenge: Any) -> Any:
        authenticator = (self._authenticators or {}).get(challenge.method)
        if authenticator is None:
            known = sorted(self._authenticators or {})
            raise RuntimeError(
                f"challenged for the authentication method {challenge.method!r}, but only {known} can be answered"
            )
        self._answering = authenticator
        return authenticator.on_challenge(self, challenge)

    def onWelcome(self, msg: Any) -> Any:
        refusal = self._check_welcome(msg)
        return self.on_welcome(msg) if refusal is None else refusal

    def _check_welcome(self, msg: Any) -> Any:
        """Return None, or why a router that lets us in like this is not to be trusted."""
        offered = self._authenticators or {}
        answering, self._answering = self._answering, None
        # whatever WELCOME says the method was: who answered the challenge knows what the router has to prove
        authenticator = answering or offered.get(msg.authmethod)
        if authenticator is not None:
            refusal = authenticator.on_welcome(self, msg.authextra)
            if refusal is not None:
                return refusal
        if answering is not None or not offered or not all(getattr(a, "_challenged", False) for a in offered.values()):
            return None
        vouched = msg.authmethod in _VOUCHED or msg.authprovider in _VOUCHED
        if vouched and not any(getattr(a, "_mutual", False) for a in offered.values()):
            return None
        return f"the router accepted the session without a challenge, but {sorted(offered)} cannot do without"

    def onJoin(self, details: Any) -> Any:
        return self.on_join(details)

    def onLeave(self, details: Any) -> Any:
        return self.on_leave(details)

    def onDisconnect(self) -> Any:
        return self.on_disconnect()

    # --- hooks of the application ---

    def on_connect(self) -> Any:
        """The transport is open. Default: join the realm of the config with the authenticators added. May be async."""
        self._answering = None
        self.join(
            self.config.realm,
            authmethods=list(self._authenticators) if self._authenticators else None,
            authid=self._shared("authid"),
            authrole=self._shared("authrole"),
            authextra=self._shared_authextra(),
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
