# SPDX-License-Identifier: MIT
"""publish() and call() of a session, from arguments to octets in one step. See docs/design.md, "Wire and session"."""

from typing import Any

CHECKED_URIS: set[str]

class Requests:
    _live: Any
    _last_request: int
    def publish(self, topic: str, *args: Any, **kwargs: Any) -> Any: ...
    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any: ...

class PreparedPublication:
    def __init__(
        self,
        session: Requests,
        topic: str,
        options: Any,
        attributes: dict[str, Any] | None,
        direct: bool,
        overridden: bool,
    ) -> None: ...
    @property
    def session(self) -> Requests: ...
    @property
    def topic(self) -> str: ...
    @property
    def options(self) -> Any: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
