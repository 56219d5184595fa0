"""A label selector means here what it means to Kubernetes (cases checked against k8s.io/apimachinery 0.31)."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.labels import LabelSelectorError, Requirement, parse_labels

at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = ("a", "team", "in", "notin", "1", "x.y", "A_b-c", "example.org/team", "0.1.2.domain/99")
VALUES = ("", "a", "b", "in", "notin", "core-1.2_X", "v" * 63)
INTEGERS = ("0", "1", "7", str(2**63 - 1))

requirements = st.one_of(
    st.builds(
        Requirement,
        key=st.sampled_from(KEYS),
        operator=st.sampled_from(("In", "NotIn")),
        values=st.lists(st.sampled_from(VALUES), min_size=1, max_size=4).map(tuple),
    ),
    st.builds(Requirement, key=st.sampled_from(KEYS), operator=st.sampled_from(("Exists", "DoesNotExist"))),
    st.builds(
        Requirement,
        key=st.sampled_from(KEYS),
        operator=st.sampled_from(("Gt", "Lt")),
        values=st.sampled_from(INTEGERS).map(lambda value: (value,)),
    ),
)
near_selectors = st.lists(
    st.sampled_from((*KEYS, *VALUES, *"=!<>(),", "==", "!=", " ", "\t", "\n", "\x00", "é", "\ud800", "|", "/")),
    max_size=12,
).map("".join)


def canonical(text: str) -> str:
    return ",".join(map(str, parse_labels(text)))


def matches(text: str, **labels: str) -> bool:
    return all(requirement.matches(labels) for requirement in parse_labels(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\r\n", ""),
        ("a=b", "a=b"),
        ("a==b", "a=b"),
        ("a = b", "a=b"),
        ("a in (b)", "a=b"),
        ("a!=b", "a!=b"),
        ("a notin (b)", "a!=b"),
        ("a in (y,x)", "a in (x,y)"),
        ("a in ( y , x,y )", "a in (x,y)"),
        ("a notin(y,x)", "a notin (x,y)"),
        ("a\tin\r\n(x,y)", "a in (x,y)"),
        ("a", "a"),
        ("! a", "!a"),
        ("a>1", "a>1"),
        ("a < 007", "a<7"),
        ("a=", "a="),
        ("a= ,b!=", "a=,b!="),
        ("a in ()", "a="),
        ("a in (,x)", "a in (,x)"),
        ("a in (x,)", "a in (,x)"),
        ("a in (x,,y)", "a in (,x,y)"),
        ("a in (x,,)", "a in (,x)"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("notin=in", "notin=in"),
        ("in,notin", "in,notin"),
        ("example.org/team=core", "example.org/team=core"),
        ("b,a,b", "a,b"),
        ("b=2,a=1,b==2", "a=1,b=2"),
    ],
)
def test_each_spelling_has_one_canonical_text(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",", "found ',' at character 1, expected a label key or '!'"),
        ("a=b,", "found the end at character 5, expected a label key or '!'"),
        ("a,,b", "found ',' at character 3, expected a label key or '!'"),
        (
            "a b",
            "found 'b' at character 3, expected one of =, ==, !=, in, notin, >, <, ',' or the end after the key 'a'",
        ),
        ("a nott in (y)", "found 'nott' at character 3, expected one of"),
        ("a (", "found '(' at character 3, expected one of"),
        ("!a=b", "found '=' at character 3, expected ',' or the end"),
        ("!a in (b)", "found 'in' at character 4, expected ',' or the end"),
        ("!", "found the end at character 2, expected a label key after '!'"),
        ("!!a", "found '!' at character 2, expected a label key after '!'"),
        ("a==b==c", "found '==' at character 5, expected ',' or the end"),
        ("a===b", "found '=' at character 4, expected a value of 'a'"),
        ("a=b c", "found 'c' at character 5, expected ',' or the end"),
        ("a=(b)", "found '(' at character 3, expected a value of 'a'"),
        ("a in b", "found 'b' at character 6, expected '(' before the values of 'a'"),
        ("a in", "found the end at character 5, expected '(' before the values of 'a'"),
        ("a in (b", "found the end at character 8, expected ',' or ')' after a value of 'a'"),
        ("a in (b c)", "found 'c' at character 9, expected ',' or ')' after a value of 'a'"),
        ("a in (b))", "found ')' at character 9, expected ',' or the end"),
        ("a in (b)c", "found 'c' at character 9, expected ',' or the end"),
        ("a in (=)", "found '=' at character 7, expected a value of 'a'"),
        ("a=b||c=d", "'b||c' is no label value"),
        ("a\u00a0=b", "is no label key"),
        ("-a", "'-a' is no label key: the name has letters, digits"),
        ("a" * 64, "is no label key"),
        ("a/", "'a/' is no label key"),
        ("/a", "'/a' is no label key: before the '/' stands a DNS name in lower case"),
        ("Example.org/a", "before the '/' stands a DNS name in lower case"),
        ("b" * 254 + "/a", "at most 253 characters"),
        ("a/b/c", "is no label key"),
        ("a=b\n-", "found '-' at character 5"),
        ("a=b\x00", "is no label value"),
        ("a=" + "v" * 64, "at most 63 characters"),
        ("a=b-", "'b-' is no label value: it is empty or has letters, digits, '-', '_' and '.'"),
        ("a>", "'a' is compared with '', which is no integer of 64 bits"),
        ("a<x", "'a' is compared with 'x', which is no integer of 64 bits"),
        ("a>-1", "'-1' is no label value"),
        (f"a>{2**63}", "which is no integer of 64 bits"),
    ],
)
def test_an_error_says_what_was_found_where_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(LabelSelectorError, match=re.escape(message)):
        parse_labels(text)


def test_a_long_text_is_cut_in_the_error() -> None:
    with pytest.raises(LabelSelectorError) as error:
        parse_labels("x" * 10_000)
    assert len(str(error.value)) < 250


def test_equality_asks_for_the_label_and_its_value() -> None:
    assert matches("a=b", a="b")
    assert not matches("a=b", a="c")
    assert not matches("a=b")
    assert matches("a in (b,c)", a="c")
    assert not matches("a in (b,c)", a="d")


def test_inequality_is_met_by_an_absent_label() -> None:
    for text in ("a!=b", "a notin (b,c)"):
        assert matches(text)
        assert matches(text, a="d")
        assert not matches(text, a="b")


def test_an_empty_value_is_not_an_absent_label() -> None:
    assert matches("a=", a="")
    assert not matches("a=")
    assert matches("a in (,x)", a="")
    assert not matches("a in (,x)")
    assert not matches("a!=", a="")
    assert matches("a!=")
    assert matches("a", a="")
    assert not matches("!a", a="")


def test_existence_asks_for_the_label_alone() -> None:
    assert matches("a", a="x")
    assert not matches("a", b="x")
    assert matches("!a", b="x")
    assert not matches("!a", a="x")


@pytest.mark.parametrize("label", ["v2", "", "1.5", "2x", "1_0", "²", "٣", str(2**63), "9" * 5_000])
def test_what_is_no_integer_of_64_bits_is_neither_greater_nor_less(label: str) -> None:
    assert not matches("a>1", a=label)
    assert not matches("a<1", a=label)


def test_order_is_that_of_integers() -> None:
    assert matches("a>9", a="10")
    assert not matches("a>9", a="9")
    assert matches("a<10", a="9")
    assert matches("a<1", a="-5")
    assert matches("a>1", a="+5")
    assert not matches("a>1")
    assert not matches("a<1")


def test_all_requirements_must_match() -> None:
    assert matches("a=b,c", a="b", c="d")
    assert not matches("a=b,c", a="b")
    assert matches("a>1,a<3", a="2")
    assert not matches("a=b,a=c", a="b")


def test_an_application_without_labels_meets_only_the_negative_requirements() -> None:
    met = [str(requirement) for requirement in parse_labels("a,!b,c=d,e!=f,g>1,h<1") if requirement.matches(None)]
    assert met == ["!b", "e!=f"]


@at_any_speed
@given(st.lists(requirements, max_size=6))
def test_the_canonical_text_is_read_back_as_the_same_requirements(wanted: list[Requirement]) -> None:
    assert parse_labels(",".join(map(str, wanted))) == tuple(sorted(set(wanted)))


@at_any_speed
@given(near_selectors | st.text(alphabet=st.characters()))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        parsed = parse_labels(text)
    except LabelSelectorError:
        return
    assert parse_labels(",".join(map(str, parsed))) == parsed
