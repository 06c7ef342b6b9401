# SPDX-License-Identifier: MIT
"""The public names of Autobahn|Python's modules, with their signatures: recorded from one package, looked up in another.

``python _surface_names.py record autobahn FRAMEWORK`` prints a line for each name of the modules in ``MODULES``; run it in an
environment with autobahn 26.10.2, for ``asyncio`` and ``twisted``, and put both into ``surface.txt``.
``python _surface_names.py check autobahn_fast FRAMEWORK`` reads ``surface.txt`` and prints what is missing or does not fit.

A line is ``module name kind signature bases``; ``...`` stands for every default.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

RECORD = Path(__file__).parent / "surface.txt"

NEUTRAL = (
    "",
    "exception",
    "nvx",
    "rawsocket",
    "rawsocket.util",
    "testutil",
    "util",
    "wamp",
    "wamp.auth",
    "wamp.component",
    "wamp.cryptobox",
    "wamp.cryptosign",
    "wamp.exception",
    "wamp.interfaces",
    "wamp.message",
    "wamp.message_fbs",
    "wamp.mnemonic",
    "wamp.protocol",
    "wamp.request",
    "wamp.role",
    "wamp.serializer",
    "wamp.types",
    "wamp.uri",
    "wamp.websocket",
    "websocket",
    "websocket.compress",
    "websocket.compress_base",
    "websocket.compress_brotli",
    "websocket.compress_bzip2",
    "websocket.compress_deflate",
    "websocket.interfaces",
    "websocket.protocol",
    "websocket.types",
    "websocket.utf8validator",
    "websocket.util",
    "websocket.xormasker",
)
MODULES = {
    "asyncio": (
        *NEUTRAL,
        "asyncio",
        "asyncio.component",
        "asyncio.rawsocket",
        "asyncio.util",
        "asyncio.wamp",
        "asyncio.websocket",
    ),
    "twisted": (
        "twisted",
        "twisted.choosereactor",
        "twisted.component",
        "twisted.cryptosign",
        "twisted.forwarder",
        "twisted.rawsocket",
        "twisted.resource",
        "twisted.testing",
        "twisted.util",
        "twisted.wamp",
        "twisted.websocket",
    ),
}

ABSENT = {
    "wamp.interfaces ISession.abc_register": "takes any number of classes",
    "websocket env_val": "a variable of a module body",
    "websocket explicit_disable": "a variable of a module body",
    "websocket explicit_enable": "a variable of a module body",
    "websocket log": "a logger; ours are found by name",
    "websocket.compress snappy": "None, or the package of that name",
}
"""What autobahn's modules have by accident, and ours have not."""


def signature_of(value: Any) -> str | None:
    """The signature with ``...`` for every default, None when there is none to be seen."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    parameters = []
    for parameter in signature.parameters.values():
        default = parameter.empty if parameter.default is parameter.empty else ...
        parameters.append(parameter.replace(annotation=parameter.empty, default=default))
    plain = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return str(plain).replace("Ellipsis", "...").replace(" ", "")


def kind_of(value: Any) -> str:
    """``class``, ``function`` or ``value``; properties are values."""
    if isinstance(value, type):
        return "class"
    return "function" if callable(value) else "value"


def is_of_package(value: Any, package: str) -> bool:
    """Whether a class or function is defined in the package; other values always count."""
    if isinstance(value, ModuleType):
        return False
    if isinstance(value, type) or inspect.isroutine(value):
        return str(getattr(value, "__module__", "")).split(".")[0] == package
    return type(value).__module__.split(".")[0] in (package, "builtins", "re")


def lines_of(package: str, module_name: str) -> Iterator[str]:
    """The lines of one module."""
    module = importlib.import_module(f"{package}.{module_name}".rstrip("."))
    shown = module_name or "."
    for name in sorted(vars(module)):
        value = getattr(module, name)
        if name.startswith("_") or not is_of_package(value, package):
            continue
        yield f"{shown} {name} {kind_of(value)} {signature_of(value) or '-'} {bases_of(value, package)}"
        if isinstance(value, type) and value.__module__ == module.__name__:
            for member in sorted(member for member in vars(value) if not member.startswith("_")):
                found = getattr(value, member)
                kind = "function" if callable(found) and not isinstance(found, type) else "value"
                yield f"{shown} {name}.{member} {kind} {(kind == 'function' and signature_of(found)) or '-'} -"


def bases_of(value: Any, package: str) -> str:
    """The public base classes that a class has from the package: ``module:name,module:name``; ``-`` for none."""
    bases = [base for base in value.__mro__[1:] if is_of_package(base, package)] if isinstance(value, type) else []
    found = [
        f"{base.__module__[len(package) + 1 :]}:{base.__name__}" for base in bases if "._" not in f".{base.__name__}"
    ]
    return ",".join(found) or "-"


def problems(package: str, line: str) -> str | None:
    """What is wrong with a name in ``package``, None when it is there and fits."""
    module_name, dotted, kind, signature, bases = line.split(" ")
    value: Any = importlib.import_module(f"{package}.{module_name}".rstrip("."))
    for part in dotted.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            return f"{module_name}.{dotted} is missing"
    if (kind == "class" and not isinstance(value, type)) or (kind == "function" and not callable(value)):
        return f"{module_name}.{dotted} is a {kind_of(value)}, not a {kind}"
    for base in bases.split(",") if bases != "-" else ():
        home, _, name = base.partition(":")
        if not issubclass(value, getattr(importlib.import_module(f"{package}.{home}"), name)):
            return f"{module_name}.{dotted} is no {base}"
    if signature == "-" or signature_of(value) is None:
        return None
    reason = mismatch(parsed(signature), inspect.signature(value))
    return f"{module_name}.{dotted}{signature}: {reason}" if reason else None


def parsed(signature: str) -> inspect.Signature:
    """The signature that a text stands for."""
    scope: dict[str, Any] = {}
    exec(f"def function{signature}: pass", scope)  # noqa: S102 - what this module has recorded
    return inspect.signature(scope["function"])


def mismatch(theirs: inspect.Signature, ours: inspect.Signature) -> str | None:
    """Which call of theirs would not be understood by ours, None when there is none."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    kinds = {parameter.kind for parameter in ours.parameters.values()}
    takes_any, takes_any_name = inspect.Parameter.VAR_POSITIONAL in kinds, inspect.Parameter.VAR_KEYWORD in kinds
    order = [parameter.name for parameter in ours.parameters.values() if parameter.kind in positional]
    position = 0
    for name, parameter in theirs.parameters.items():
        mine = ours.parameters.get(name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            if not takes_any:
                return f"takes no *{name}"
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            if not takes_any_name:
                return f"takes no **{name}"
            continue
        if mine is None and not (takes_any_name and (takes_any or parameter.kind is parameter.KEYWORD_ONLY)):
            return f"has no parameter {name}"
        if mine is not None and parameter.default is not parameter.empty and mine.default is mine.empty:
            return f"requires {name}"
        if parameter.kind in positional:
            if mine is not None and (order[position : position + 1] != [name]):
                return f"has {name} at another position"
            position += 1
    for name, mine in ours.parameters.items():
        if name not in theirs.parameters and mine.default is mine.empty and "VAR" not in mine.kind.name:
            return f"requires {name}, too"
    return None


def main() -> None:
    """See the module."""
    command, package, framework = sys.argv[1:]
    import txaio

    getattr(txaio, f"use_{framework}")()
    modules = MODULES[framework]
    if command == "record":
        for module in modules:
            for line in lines_of(package, module):
                print(line)
        return
    lines = [
        line
        for line in RECORD.read_text(encoding="ascii").splitlines()
        if line.split(" ")[0] in {m or "." for m in modules}
    ]
    for line in lines:
        if " ".join(line.split(" ")[:2]) not in ABSENT and (problem := problems(package, line)) is not None:
            print(problem)
    print(f"{len(lines)} names looked up")


if __name__ == "__main__":
    main()
