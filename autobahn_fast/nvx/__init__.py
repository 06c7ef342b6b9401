# SPDX-License-Identifier: MIT
"""The compiled UTF-8 validator under the name autobahn gives its own. It is the one ``websocket.utf8validator`` has."""

from __future__ import annotations

from autobahn_fast.websocket.utf8validator import Utf8Validator

__all__ = ("Utf8Validator",)
