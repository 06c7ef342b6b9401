# SPDX-License-Identifier: MIT
"""WAMP, the Web Application Messaging Protocol: the names most programs need. Each is imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobahn_fast._names import when_used

if TYPE_CHECKING:
    from autobahn_fast.wamp.exception import ApplicationError as ApplicationError
    from autobahn_fast.wamp.exception import Error as Error
    from autobahn_fast.wamp.exception import InvalidUri as InvalidUri
    from autobahn_fast.wamp.exception import ProtocolError as ProtocolError
    from autobahn_fast.wamp.exception import SerializationError as SerializationError
    from autobahn_fast.wamp.exception import SessionNotReady as SessionNotReady
    from autobahn_fast.wamp.exception import TransportLost as TransportLost
    from autobahn_fast.wamp.interfaces import ISession as ISession
    from autobahn_fast.wamp.types import CallDetails as CallDetails
    from autobahn_fast.wamp.types import CallOptions as CallOptions
    from autobahn_fast.wamp.types import CallResult as CallResult
    from autobahn_fast.wamp.types import CloseDetails as CloseDetails
    from autobahn_fast.wamp.types import ComponentConfig as ComponentConfig
    from autobahn_fast.wamp.types import EventDetails as EventDetails
    from autobahn_fast.wamp.types import PublishOptions as PublishOptions
    from autobahn_fast.wamp.types import RegisterOptions as RegisterOptions
    from autobahn_fast.wamp.types import SessionDetails as SessionDetails
    from autobahn_fast.wamp.types import SubscribeOptions as SubscribeOptions
    from autobahn_fast.wamp.uri import error as error
    from autobahn_fast.wamp.uri import register as register
    from autobahn_fast.wamp.uri import subscribe as subscribe

_MODULE_OF = {
    "ApplicationError": "exception",
    "CallDetails": "types",
    "CallOptions": "types",
    "CallResult": "types",
    "CloseDetails": "types",
    "ComponentConfig": "types",
    "Error": "exception",
    "EventDetails": "types",
    "ISession": "interfaces",
    "InvalidUri": "exception",
    "ProtocolError": "exception",
    "PublishOptions": "types",
    "RegisterOptions": "types",
    "SerializationError": "exception",
    "SessionDetails": "types",
    "SessionNotReady": "exception",
    "SubscribeOptions": "types",
    "TransportLost": "exception",
    "error": "uri",
    "register": "uri",
    "subscribe": "uri",
}

__all__ = tuple(sorted(_MODULE_OF))

__getattr__, __dir__ = when_used(__name__, {name: f"wamp.{module}" for name, module in _MODULE_OF.items()})
