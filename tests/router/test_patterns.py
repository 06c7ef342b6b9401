# SPDX-License-Identifier: MIT
"""URI patterns: the examples of the WAMP specification, and tables against a plain model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobahn_fast.router.patterns import PatternTable, is_valid_pattern, is_valid_uri


@pytest.mark.parametrize("uri", ["a", "com.myapp.topic1", "com.my-app.Äö", "a.b/c.d?e"])
def test_valid_uris(uri):
    assert is_valid_uri(uri)
    assert all(is_valid_pattern(uri, match) for match in ("exact", "prefix", "wildcard"))


@pytest.mark.parametrize("uri", ["", ".", "a.", ".a", "a..b", "a b", "a\n", "a#b", " ", "a.\t"])
def test_invalid_uris(uri):
    assert not is_valid_uri(uri)
    assert not is_valid_pattern(uri, "exact")


def test_patterns_may_have_empty_parts_only_where_they_stand_for_something():
    assert is_valid_pattern("", "prefix")
    assert is_valid_pattern("com.myapp.", "prefix")
    assert not is_valid_pattern("com..myapp", "prefix")
    assert not is_valid_pattern("a b", "prefix")
    assert is_valid_pattern("com..topic.", "wildcard")
    assert is_valid_pattern(".", "wildcard")
    assert not is_valid_pattern("", "wildcard")
    assert not is_valid_pattern("a#..b", "wildcard")
    assert not is_valid_pattern("a", "regex")


def table(*entries):
    result = PatternTable()
    for match, uri in entries:
        result.add(match, uri, (match, uri))
    return result


# After the example of the specification, "Pattern-based Registrations".
SPEC = [
    ("exact", "a1.b2.c3.d4.e55"),
    ("prefix", "a1.b2.c3"),
    ("prefix", "a1.b2.c3.d4"),
    ("wildcard", "a1.b2..d4.e5"),
    ("wildcard", "a1.b2.q33..e5"),
    ("wildcard", "a1.b2..d4.e5..g7"),
    ("wildcard", "a1.b2..d4..f6.g7"),
]


@pytest.mark.parametrize(
    ("uri", "winner"),
    [
        ("a1.b2.c3.d4.e55", 0),
        ("a1.b2.c3.d98.e74", 1),
        ("a1.b2.c3.d4.e325", 2),
        ("a1.b2.c55.d4.e5", 3),
        ("a1.b2.q33.d4.e5", 4),
        ("a1.b2.c88.d4.e5.f6.g7", 5),
        ("a2.b2.c2.d2.e2", None),
    ],
)
def test_precedence_of_the_specification(uri, winner):
    assert table(*SPEC).best(uri) == (None if winner is None else SPEC[winner])


def test_a_prefix_is_text_and_not_components():
    prefixes = table(("prefix", "com.myapp.topic.emergency"))
    for uri in ("", ".11", "-low", ".category.severe"):
        assert prefixes.best("com.myapp.topic.emergency" + uri)
    assert prefixes.best("com.myapp.topic.emergenc") is None


def test_adding_twice_and_removing_nothing_are_errors():
    one = table(("exact", "a"))
    with pytest.raises(KeyError, match="already"):
        one.add("exact", "a", 1)
    with pytest.raises(KeyError):
        one.remove("prefix", "a")
    with pytest.raises(ValueError, match="unknown match policy"):
        one.get("regex", "a")


def test_removed_wildcards_leave_nothing_behind():
    wild = table(("wildcard", "a..b"), ("wildcard", "a..b.c"), ("wildcard", "a"))
    for uri in ("a..b", "a..b.c", "a"):
        wild.remove("wildcard", uri)
    assert len(wild) == 0
    assert wild._root.children == {}


component = st.sampled_from("abc")
uris = st.lists(component, min_size=1, max_size=4).map(".".join)
patterns = st.one_of(
    st.tuples(st.just("exact"), uris),
    st.tuples(st.just("prefix"), st.one_of(uris, uris.map(lambda uri: uri + "."), st.just(""))),
    st.tuples(
        st.just("wildcard"), st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=4).map(".".join)
    ),
)


def model_matches(match, pattern, uri):
    if match == "exact":
        return pattern == uri
    if match == "prefix":
        return uri.startswith(pattern)
    parts, names = pattern.split("."), uri.split(".")
    return len(parts) == len(names) and all(part in ("", name) for part, name in zip(parts, names, strict=True))


def model_rank(entry):
    match, pattern = entry
    if match == "wildcard":
        return (2, tuple(part == "" for part in pattern.split(".")))
    return (0, ()) if match == "exact" else (1, (-len(pattern),))


@given(st.sets(patterns.filter(lambda p: p != ("wildcard", "")), max_size=12), st.data(), uris)
def test_tables_against_the_model(entries, data, uri):
    every = table(*entries)
    gone = data.draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    for entry in gone:
        assert every.remove(*entry) == entry
    expected = sorted((e for e in entries - gone if model_matches(*e, uri)), key=model_rank)
    assert every.matching(uri) == expected
    assert every.best(uri) == (expected[0] if expected else None)
    assert len(every) == len(entries - gone)
