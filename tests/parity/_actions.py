# SPDX-License-Identifier: MIT
"""What is done with autobahn and with autobahn_fast alike: the same code, one package's name apart. The outcome is plain data.

Run as a program (``python _actions.py autobahn``) it is the oracle: it reads pickled ``(action, arguments)`` from stdin and
writes the pickled outcomes to stdout. Needs nothing but the package, so that it runs where autobahn is installed.

An outcome is ``("value", plain)`` or ``("raises", names of the exception's classes, text)``.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any

TOP = {"package": "autobahn"}
"""The package that is used."""


def module(name: str) -> Any:
    """A module of the package."""
    return importlib.import_module(f"{TOP['package']}.{name}")


def outcome(action: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Do it, and say what came of it."""
    try:
        return ("value", plain(ACTIONS[action](*arguments)))
    except Exception as e:  # noqa: BLE001 - any exception is an outcome
        return ("raises", [cls.__name__ for cls in type(e).__mro__], str(e))


def plain(value: Any) -> Any:
    """A value as built-in objects that can be compared across interpreters."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value) if isinstance(value, float) else value
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (dict,)):
        return sorted(([plain(key), plain(each)] for key, each in value.items()), key=repr)
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each) for each in value), key=repr)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, "ROLE"):
        features = vars(value) if hasattr(value, "__dict__") else {}
        return [type(value).__name__, plain({k: v for k, v in features.items() if not k.startswith("_")})]
    return f"<{type(value).__name__}>"


# --- messages --------------------------------------------------------------------------------------------------------


def parse(wmsg: Any) -> Any:
    """Parse the list of a message; what it is in the end."""
    types = module("wamp.serializer").Serializer.MESSAGE_TYPE_MAP
    message = types[wmsg[0]].parse(list(wmsg))
    return [type(message).__name__, message.marshal()]


def construct(name: str, fields: dict[str, Any]) -> Any:
    """Make a message by its constructor, and its list."""
    roles = fields.get("roles")
    if roles is not None:
        classes = module("wamp.role").ROLE_NAME_TO_CLASS
        fields = {**fields, "roles": {role: classes[role](**features) for role, features in roles.items()}}
    return getattr(module("wamp.message"), name)(**fields).marshal()


def serialize(serializer: str, name: str, fields: dict[str, Any]) -> Any:
    """The octets of a message."""
    message = getattr(module("wamp.message"), name)(**fields)
    return getattr(module("wamp.serializer"), serializer)().serialize(message)


def unserialize(serializer: str, octets: bytes, binary: bool | None) -> Any:
    """The messages of octets."""
    messages = getattr(module("wamp.serializer"), serializer)().unserialize(octets, binary)
    return [[type(message).__name__, message.marshal()] for message in messages]


def check_uri(value: Any, strict: bool, empty: bool, last: bool, none: bool) -> Any:
    """Check a URI or a realm."""
    return module("wamp.message").check_or_raise_uri(value, "it", strict, empty, last, none)


def check_realm(value: Any, eth: bool) -> Any:
    """Check a realm."""
    return module("wamp.message").check_or_raise_realm_name(value, "it", eth)


def check_other(name: str, value: Any) -> Any:
    """Check an id or the like."""
    return getattr(module("wamp.message"), name)(value, "it")


def realm_category(value: Any) -> Any:
    """The category of a realm's name."""
    return module("wamp.message").identify_realm_name_category(value)


# --- options, details, roles, exceptions -----------------------------------------------------------------------------


def attributes_of(value: Any, names: tuple[str, ...]) -> Any:
    """The public attributes of an object that are set."""
    return {name: getattr(value, name, "(none)") for name in names}


def details(name: str, arguments: dict[str, Any], names: tuple[str, ...], call: str = "") -> Any:
    """Make an object of ``wamp.types``: its attributes, or what a method returns."""
    made = getattr(module("wamp.types"), name)(**arguments)
    return getattr(made, call)() if call else attributes_of(made, names)


def parsed_details(name: str, data: Any) -> Any:
    """Parse details and marshal them again."""
    return getattr(module("wamp.types"), name).parse(data).marshal()


def websocket_type(name: str, arguments: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Make an object of ``websocket.types``."""
    return attributes_of(getattr(module("websocket.types"), name)(**arguments), names)


def role(name: str, features: dict[str, Any]) -> Any:
    """Make the features of a role."""
    made = module("wamp.role").ROLE_NAME_TO_CLASS[name](**features)
    return [made.ROLE, {feature: getattr(made, feature) for feature in vars(made) if not feature.startswith("_")}]


def default_roles() -> Any:
    """What clients announce."""
    found = module("wamp.role").DEFAULT_CLIENT_ROLES
    message = module("wamp.message").Hello("realm1", found)
    return message.marshal()


def application_error(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Make an ``ApplicationError``."""
    error = module("wamp.exception").ApplicationError(*arguments, **keywords)
    return [str(error), error.error, error.args, error.kwargs, error.error_message()]


def exception_classes(name: str) -> Any:
    """An exception class: its bases, and its URI."""
    cls = getattr(module("wamp.exception"), name, None) or getattr(module("exception"), name)
    public = [base.__name__ for base in cls.__mro__ if base.__name__ != "InvalidArgument"]
    return [public, list(getattr(cls, "_wampuris", ()) and [str(uri.uri()) for uri in cls._wampuris])]


def error_constants() -> Any:
    """The URIs that ``ApplicationError`` names."""
    cls = module("wamp.exception").ApplicationError
    return {name: value for name, value in vars(cls).items() if name.isupper() and isinstance(value, str)}


# --- URLs and URIs ---------------------------------------------------------------------------------------------------


def parse_url(kind: str, url: Any) -> Any:
    """Take a URL apart."""
    return module(f"{kind}.util").parse_url(url)


def create_url(kind: str, arguments: dict[str, Any]) -> Any:
    """Put a URL together."""
    return module(f"{kind}.util").create_url(**arguments)


def pattern(uri: Any, target: Any, against: Any) -> Any:
    """Make a pattern and match a URI against it."""
    made = module("wamp.uri").Pattern(uri, target)
    return [made.uri(), made.uri_type, made.is_endpoint(), made.is_handler(), made.is_exception(), made.match(against)]


def starred(uri: Any) -> Any:
    """Turn ``a.*.b`` into a URI and how it is matched."""
    return module("wamp.uri").convert_starred_uri(uri)


def subprotocol(name: Any) -> Any:
    """Take the name of a subprotocol apart."""
    return module("wamp.websocket").parseSubprotocolIdentifier(name)


def utility(name: str, arguments: tuple[Any, ...]) -> Any:
    """Call a function of ``util``."""
    return getattr(module("util"), name)(*arguments)


def http_header(octets: bytes) -> Any:
    """Parse the head of a request or answer."""
    return module("websocket.protocol").parseHttpHeader(octets)


def compression(extension: str, kind: str, parameters: dict[str, Any]) -> Any:
    """Parse an offer of an extension, or the answer to one."""
    classes = module("websocket.compress").PERMESSAGE_COMPRESSION_EXTENSION[extension]
    made = classes[kind].parse(parameters)
    return made.get_extension_string() if hasattr(made, "get_extension_string") else type(made).__name__


ACTIONS = {
    function.__name__: function
    for function in (
        parse,
        construct,
        serialize,
        unserialize,
        check_uri,
        check_realm,
        check_other,
        realm_category,
        details,
        parsed_details,
        websocket_type,
        role,
        default_roles,
        application_error,
        exception_classes,
        error_constants,
        parse_url,
        create_url,
        pattern,
        starred,
        subprotocol,
        utility,
        http_header,
        compression,
    )
}


def serve(package: str) -> None:
    """Be the oracle until stdin ends."""
    import logging
    import os
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parent))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    logging.disable(logging.CRITICAL)
    sys.set_int_max_str_digits(0)
    import txaio

    txaio.use_asyncio()
    TOP["package"] = package
    connections = importlib.import_module("_connections")
    ACTIONS.update(connections.ACTIONS)
    while True:
        try:
            action, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            octets = pickle.dumps(outcome(action, arguments))
        except RecursionError:
            octets = pickle.dumps(("raises", ["RecursionError"], ""))
        answers.write(octets)
        answers.flush()


if __name__ == "__main__":
    sys.modules["_actions"] = sys.modules["__main__"]
    serve(sys.argv[1])
