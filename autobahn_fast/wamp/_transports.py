# SPDX-License-Identifier: MIT
"""What a Component may be told about its transports: the configuration checked, and when to try again.

Knows the keys and their defaults; makes no connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobahn_fast.wamp.exception import TransportLost

__all__ = (
    "RUNNER_OPTIONS",
    "Retry",
    "Runner",
    "Transport",
    "check_proxy_of_runner",
    "check_transports",
    "never_opened",
    "tls_of_runner",
)

SERIALIZERS = ("json", "msgpack", "cbor", "ubjson", "flatbuffers")
DEFAULT_URL = "ws://127.0.0.1:8080/ws"

RUNNER_OPTIONS: dict[str, Any] = {
    "maxFramePayloadSize": 1048576,
    "maxMessagePayloadSize": 1048576,
    "autoFragmentSize": 65536,
    "openHandshakeTimeout": 2.5,
    "closeHandshakeTimeout": 1.0,
    "tcpNoDelay": True,
    "autoPingInterval": 10.0,
    "autoPingTimeout": 5.0,
    "autoPingSize": 12,
}
"""Options of the WebSocket connections that an ``ApplicationRunner`` makes. Only ``failByDrop`` depends on the framework."""

_RETRY_DEFAULTS: dict[str, float] = {
    "max_retries": -1,
    "initial_retry_delay": 1.5,
    "max_retry_delay": 300,
    "retry_delay_growth": 1.5,
    "retry_delay_jitter": 0.1,
}
_KEYS = {"type", "url", "endpoint", "serializer", "serializers", "options", "proxy", "headers", *_RETRY_DEFAULTS}
_ENDPOINT_KEYS = {
    "tcp": {"type", "host", "port", "tls", "timeout", "version"},
    "unix": {"type", "path", "timeout", "tls"},
}
_ENDPOINT_REQUIRED: dict[str, dict[str, type]] = {"tcp": {"host": str, "port": int}, "unix": {"path": str}}
_ALL_ENDPOINT_KEYS = {"type", "host", "port", "path", "tls", "timeout", "version"}


class Retry:
    """When to connect again: delays that grow, shaken a little so that many clients do not come back at the same moment."""

    __slots__ = ("_delay", "_random", "attempts", "growth", "initial", "jitter", "max_retries", "maximum")

    def __init__(
        self,
        max_retries: int = -1,
        initial_retry_delay: float = 1.5,
        max_retry_delay: float = 300,
        retry_delay_growth: float = 1.5,
        retry_delay_jitter: float = 0.1,
        random_source: Callable[[], float] | None = None,
    ) -> None:
        """:param max_retries: attempts after the first; -1: without end.

        :param initial_retry_delay: seconds before the first of them. :param max_retry_delay: seconds, upper limit.
        :param retry_delay_growth: each delay is so many times the one before.
        :param retry_delay_jitter: share of the delay it may be longer or shorter.
        :param random_source: returns floats in 0..1; ``random.random`` when None.
        """
        self.max_retries = max_retries
        self.initial = initial_retry_delay
        self.maximum = max_retry_delay
        self.growth = retry_delay_growth
        self.jitter = retry_delay_jitter
        self._random = random_source
        self.reset()

    def reset(self) -> None:
        """The connection worked: start from the beginning the next time."""
        self.attempts = 0
        self._delay = self.initial

    def may_try(self) -> bool:
        """Whether another attempt is allowed."""
        return self.max_retries < 0 or self.attempts < self.max_retries

    def next_delay(self) -> float:
        """Count an attempt and return the seconds to wait before it."""
        delay = min(self._delay, self.maximum)
        self.attempts += 1
        self._delay = min(self._delay * self.growth, self.maximum)
        if self._random is None:
            from random import random

            self._random = random
        return max(0.0, min(delay * (1 + self.jitter * (2 * self._random() - 1)), self.maximum))


class Transport:
    """One way to reach a router, checked, and how it has fared so far."""

    def __init__(self, idx: int, config: dict[str, Any], endpoint_check: Callable[[Any], None]) -> None:
        """:param config: the transport's dict. :param endpoint_check: the framework's check of ``endpoint``.

        :raises ValueError: what is wrong with it.
        """
        for key in config:
            if key not in _KEYS:
                raise ValueError(f"'{key}' is not a valid configuration item")
        self.idx = idx
        self.url: str | None = config.get("url")
        self.type: str = config.get("type") or _type_of(self.url)
        if self.type not in ("websocket", "rawsocket"):
            raise ValueError(f"Invalid transport type {self.type}")
        self.serializers = _check_serializers(self.type, config)
        self.options = _check_dict("options", config.get("options")) or {}
        self.headers = _check_dict("headers", config.get("headers"))
        if self.headers and self.type == "rawsocket":
            raise ValueError("'headers' is only for websocket")
        self.proxy = config.get("proxy")
        self._check_proxy()
        self.endpoint: Any = config.get("endpoint")
        self._check_url()
        if self.endpoint is not None:
            endpoint_check(self.endpoint)
        self.max_retries = _number(config, "max_retries")
        self.initial_retry_delay = _number(config, "initial_retry_delay")
        self.max_retry_delay = _number(config, "max_retry_delay")
        self.retry_delay_growth = _number(config, "retry_delay_growth")
        self.retry_delay_jitter = _number(config, "retry_delay_jitter")
        self.retry = Retry(
            int(self.max_retries),
            self.initial_retry_delay,
            self.max_retry_delay,
            self.retry_delay_growth,
            self.retry_delay_jitter,
        )
        self.connect_attempts = 0
        self.connect_successes = 0
        self.connect_failures = 0
        self._permanent_failure = False

    def _check_proxy(self) -> None:
        if self.proxy is None:
            return
        if self.type == "rawsocket":
            raise ValueError("'proxy' is only for websocket")
        from autobahn_fast.websocket._proxy import check_proxy

        check_proxy(self.proxy)

    def _check_url(self) -> None:
        if self.type == "websocket":
            if not self.url:
                raise ValueError("Transport requires 'url' key")
            from autobahn_fast.websocket.util import parse_url

            try:
                secure, host, port = parse_url(self.url)[:3]
            except Exception as e:
                text = str(e)
                raise ValueError(text if "invalid WebSocket URL" in text else f"invalid WebSocket URL: {text}") from e
        else:
            if self.url is None and self.endpoint is None:
                raise ValueError("Transport requires 'url' or 'endpoint' for rawsocket")
            if self.url is None:
                return
            from autobahn_fast.rawsocket.util import parse_url as parse_rs

            try:
                secure, host, port = parse_rs(self.url)[:3]
            except Exception as e:
                text = str(e)
                raise ValueError(text if "invalid RawSocket URL" in text else f"invalid RawSocket URL: {text}") from e
        if self.endpoint is None:
            if host == "unix":
                self.endpoint = {"type": "unix", "path": port}
            else:
                self.endpoint = {"type": "tcp", "host": host, "port": port, "tls": secure}

    def start_over(self) -> None:
        """Forget how earlier attempts went."""
        self.connect_attempts = self.connect_successes = self.connect_failures = 0
        self._permanent_failure = False
        self.retry.reset()

    def can_reconnect(self) -> bool:
        """Whether another attempt may be made."""
        if self._permanent_failure:
            return False
        return self.connect_attempts == 0 or self.retry.may_try()

    def next_delay(self) -> float:
        """Return the seconds to wait before the next attempt: 0 before the first."""
        if self.connect_attempts == 0:
            return 0.0
        return self.retry.next_delay()

    def succeeded(self) -> None:
        """A session has joined over it."""
        self.connect_successes += 1
        self.retry.reset()

    def failed(self) -> None:
        """Never try it again."""
        self._permanent_failure = True

    def describe(self) -> str:
        """Return what a log line calls it."""
        return str(self.url) if self.url else str(self.endpoint)


def _type_of(url: Any) -> str:
    if isinstance(url, str) and url.startswith(("rs:", "rss:")):
        return "rawsocket"
    return "websocket"


def _check_serializers(kind: str, config: dict[str, Any]) -> list[Any]:
    if kind == "websocket":
        if "serializer" in config:
            raise ValueError("'serializer' is only for rawsocket; use 'serializers'")
        serializers = config.get("serializers")
        if serializers is None:
            return ["cbor", "json"]
        if not isinstance(serializers, (list, tuple)):
            raise ValueError("'serializers' must be a list of strings")
        if not serializers:
            raise ValueError("'serializers' must be a list with at least one entry")
    else:
        if "serializers" in config:
            raise ValueError("'serializers' is only for websocket; use 'serializer'")
        serializers = [config.get("serializer") or "cbor"]
    suffix = ".batched" if kind == "websocket" else ""
    for name in serializers:
        if isinstance(name, str) and name.removesuffix(suffix) not in SERIALIZERS:
            known = ", ".join(repr(s) for s in SERIALIZERS)
            raise ValueError(f"Invalid serializer '{name}' (expected one of: {known})")
        if not isinstance(name, str) and not hasattr(name, "SERIALIZER_ID"):
            raise ValueError("'serializers' must be a list of strings")
    return list(serializers)


def _check_dict(name: str, value: Any) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{name} must be a dict, not {type(value)}")
    return value


def _number(config: dict[str, Any], key: str) -> float:
    value = config.get(key)
    if value is None:
        return _RETRY_DEFAULTS[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"'{key}' must be a number, not {value!r}")
    if value < 0 and key != "max_retries":
        raise ValueError(f"'{key}' must not be negative: {value}")
    return value


def check_endpoint(endpoint: Any) -> None:
    """Check an endpoint given as a dict; of its ``tls`` only that of a dict: what else it may be depends on the framework.

    :raises ValueError: what is wrong with it.
    """
    tls = endpoint.get("tls")
    for key in tls if isinstance(tls, dict) else ():
        if key not in ("hostname", "trust_root"):
            raise ValueError(f"Invalid key '{key}' in 'tls' configuration")
    for key in endpoint:
        if key not in _ALL_ENDPOINT_KEYS:
            raise ValueError(f"Invalid key '{key}' in endpoint configuration")
    if "type" not in endpoint:
        raise ValueError("'type' required in endpoint configuration")
    kind = endpoint["type"]
    if kind not in _ENDPOINT_KEYS:
        raise ValueError(f'invalid type "{kind}" in endpoint')
    for key in endpoint:
        if key not in _ENDPOINT_KEYS[kind]:
            raise ValueError(f"'{key}' not valid in '{kind}' endpoint config")
    for key, kind_of_value in _ENDPOINT_REQUIRED[kind].items():
        if key not in endpoint:
            raise ValueError(f"'{key}' required in '{kind}' endpoint config")
        if not isinstance(endpoint[key], kind_of_value):
            raise ValueError(f"'{key}' in endpoint configuration must be a {kind_of_value.__name__}")
    if "version" in endpoint and endpoint["version"] not in (4, 6):
        raise ValueError(f"'version' in endpoint configuration must be 4 or 6, not {endpoint['version']!r}")
    if "timeout" in endpoint and not isinstance(endpoint["timeout"], (int, float)):
        raise ValueError(f"'timeout' in endpoint configuration must be a number, not {endpoint['timeout']!r}")


def check_transports(transports: Any, endpoint_check: Callable[[Any], None]) -> list[Transport]:
    """Return the transports of a Component's ``transports`` argument: a URL, a dict, a list of either, or None.

    :raises ValueError: what is wrong.
    """
    if transports is None:
        transports = DEFAULT_URL
    if isinstance(transports, (str, dict)):
        transports = [transports]
    if not isinstance(transports, (list, tuple)):
        raise ValueError(f"transports must be a URL, a dict or a list of them, not {type(transports)}")
    if not transports:
        raise ValueError("at least one transport is needed")
    checked = []
    for idx, transport in enumerate(transports):
        if isinstance(transport, str):
            transport = {"url": transport}
        elif not isinstance(transport, dict):
            raise ValueError(f"invalid transport: a URL or a dict is needed, not {type(transport)}")
        checked.append(Transport(idx, transport, endpoint_check))
    return checked


class Runner:
    """What the ``ApplicationRunner`` of all frameworks share: how a session is made."""

    log: Any
    realm: str | None
    extra: dict[str, Any]
    _retry: Retry
    _session: Any

    def _make_session_factory(self, make: Any) -> Any:
        from autobahn_fast.wamp.types import ComponentConfig

        config = ComponentConfig(self.realm, self.extra, runner=self)

        def create() -> Any:
            try:
                session = make(config)
            except Exception as e:
                self.log.error("the application session could not be made: {error}", error=e, log_failure=e)
                raise
            self._session = session
            if hasattr(session, "on"):
                self._watch(session)
            return session

        return create

    def _watch(self, session: Any) -> None:
        """A session was made."""
        session.on("ready", lambda *_args: self._retry.reset())


def check_proxy_of_runner(url: str, proxy: Any) -> None:
    """Check a runner's ``proxy`` argument.

    :raises InvalidArgument: it is no proxy. :raises ValueError: the URL's transport cannot go through a proxy.
    """
    if proxy is None:
        return
    from autobahn_fast.websocket._proxy import check_proxy

    check_proxy(proxy)
    if url.startswith(("rs:", "rss:")):
        raise ValueError("'proxy' is only for websocket: RawSocket does not go through an HTTP proxy")


def tls_of_runner(url: str, secure: bool, ssl: Any) -> Any:
    """Return what a runner's ``ssl`` argument means for its URL: the argument itself, or whether the URL is a secure one.

    :raises RuntimeError: TLS for a URL that is none.
    """
    if ssl is None:
        return secure
    if ssl and not secure:
        scheme = url.split(":")[0]
        raise RuntimeError(
            f'ssl argument value passed to ApplicationRunner conflicts with the "{scheme}:" prefix of the url '
            f'argument. Did you mean to use "{scheme}s:"?'
        )
    return ssl


def never_opened(url: str, connection: Any) -> TransportLost:
    """Return the error of a connection that is closed and never had a session: its opening handshake failed."""
    reason = getattr(connection, "wasNotCleanReason", None) or "no reason given"
    return TransportLost(f"{url}: the connection was closed before the session was open: {reason}")
