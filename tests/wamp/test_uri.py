# SPDX-License-Identifier: MIT
"""URI patterns and the decorators."""

from __future__ import annotations

from typing import Any

import pytest

from autobahn_fast import wamp
from autobahn_fast.wamp.types import RegisterOptions, SubscribeOptions
from autobahn_fast.wamp.uri import Pattern, convert_starred_uri, error, register, subscribe

ENDPOINT, HANDLER, EXCEPTION = (
    Pattern.URI_TARGET_ENDPOINT,
    Pattern.URI_TARGET_HANDLER,
    Pattern.URI_TARGET_EXCEPTION,
)


@pytest.mark.parametrize(
    ("pattern", "uri", "args", "kwargs"),
    [
        ("com.a-b.c_1", "com.a-b.c_1", [], {}),
        ("com.<x>", "com.é", [], {"x": "é"}),
        ("com.<x:int>.b", "com.-5.b", [], {"x": -5}),
        ("com.<x:string>.<y:str>", "com.A.b", [], {"x": "A", "y": "b"}),
        ("com.<x:suffix>", "com.a", [], {"x": "a"}),
        ("com..a", "com.x.a", ["x"], {}),
        (".", "a.b", ["a", "b"], {}),
        ("com.a.", "com.a.b", ["b"], {}),
        ("<x>..<y:int>", "a.b.1", ["b"], {"x": "a", "y": 1}),
    ],
)
def test_match(pattern: str, uri: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    p = Pattern(pattern, ENDPOINT)
    assert p.uri() == pattern
    assert p.match(uri) == (args, kwargs)
    assert p.uri_type == (Pattern.URI_TYPE_WILDCARD if args or kwargs else Pattern.URI_TYPE_EXACT)


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("com.a", "com.b"),
        ("com.a", "com.a "),
        ("com.<x>.b", "com..b"),
        ("com.<x>.b", "com.a.b.c"),
        ("com.<x>", "com.a\n"),
        ("com.<x>", "com.a.b"),
        ("com.a-b.<x>", "comXa-b.c"),
        ("com.<x:int>", "com.x"),
    ],
)
def test_no_match(pattern: str, uri: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Pattern(pattern, ENDPOINT).match(uri)


@pytest.mark.parametrize(
    "pattern",
    ["com.A", "com.ä", "com.*", "com.a b", "com.<x", "com.<>", "com.<1x>", "com.<X>", "com.<x:float>", "com.<x>.<x>",
     "com.<a:b:c>", "com._a", "com.a\n", "", None, 5],
)  # fmt: skip
def test_no_pattern(pattern: Any) -> None:
    with pytest.raises(TypeError):
        Pattern(pattern, ENDPOINT)


def test_targets() -> None:
    assert [Pattern("com.a", t).is_endpoint() for t in (ENDPOINT, HANDLER, EXCEPTION)] == [True, False, False]
    assert [Pattern("com.a", t).is_handler() for t in (ENDPOINT, HANDLER, EXCEPTION)] == [False, True, False]
    assert [Pattern("com.a", t).is_exception() for t in (ENDPOINT, HANDLER, EXCEPTION)] == [False, False, True]
    for target in (0, 4, "endpoint", None):
        with pytest.raises(AssertionError):
            Pattern("com.a", target)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Pattern("com.a", ENDPOINT).match(5)  # type: ignore[arg-type]


def test_options_must_be_those_of_the_target() -> None:
    options = SubscribeOptions(match="prefix")
    assert Pattern("com.a", HANDLER, options).options is options
    for target, wrong in ((ENDPOINT, options), (HANDLER, RegisterOptions()), (EXCEPTION, options), (ENDPOINT, 5)):
        with pytest.raises(AssertionError):
            Pattern("com.a", target, wrong)


def test_decorators() -> None:
    @register("com.a", RegisterOptions(invoke="last"), check_types=True)
    @register("com.b")
    @subscribe("com.<x>")
    def f() -> None: ...

    patterns = f._wampuris  # type: ignore[attr-defined]
    assert [(p.uri(), p.is_endpoint(), p._check_types) for p in patterns] == [
        ("com.<x>", False, None),
        ("com.b", True, None),
        ("com.a", True, True),
    ]
    assert patterns[2].options.invoke == "last"

    @subscribe(None)
    def on_news() -> None: ...

    assert on_news._wampuris[0].uri() == "on_news"  # type: ignore[attr-defined]
    for decorate in (register("com.a"), subscribe("com.a")):
        with pytest.raises(TypeError):
            decorate(5)
    assert (wamp.register, wamp.subscribe, wamp.error) == (register, subscribe, error)


def test_error_classes() -> None:
    @error("com.error")
    class Base(Exception): ...

    @error("com.error.special")
    class Special(Base): ...

    class Plain(Base): ...

    assert [p.uri() for p in Base._wampuris] == ["com.error"]  # type: ignore[attr-defined]
    assert [p.uri() for p in Special._wampuris] == ["com.error", "com.error.special"]  # type: ignore[attr-defined]
    assert Plain._wampuris is Base._wampuris  # type: ignore[attr-defined]
    for wrong in (5, object, lambda: None, None):
        with pytest.raises(TypeError):
            error("com.error")(wrong)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("starred", "plain", "match"),
    [
        ("com.a", "com.a", "exact"),
        ("com.*", "com.", "prefix"),
        ("com.a*", "com.a", "prefix"),
        ("*", "", "prefix"),
        ("com.*.b", "com..b", "wildcard"),
        ("*.a", ".a", "wildcard"),
        ("com.*.*", "com..", "wildcard"),
        ("com..b", "com..b", "exact"),
    ],
)
def test_starred(starred: str, plain: str, match: str) -> None:
    assert convert_starred_uri(starred) == (plain, match)


def test_starred_must_be_text() -> None:
    with pytest.raises(AssertionError):
        convert_starred_uri(5)  # type: ignore[arg-type]
