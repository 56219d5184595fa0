"""A query can't be broken out of, and an answer is one number or a reason why there is none."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.promql import NothingError, compare, fill, read_answer

TEMPLATE = "sum(rate(errors{app=\"{service}\",ns='{namespace}'}[{window}]))"


def answer(result: Any, kind: str = "vector", status: str = "success", **more: Any) -> bytes:
    return orjson.dumps({"status": status, "data": {"resultType": kind, "result": result}, **more})


def series(*values: str) -> list[dict[str, Any]]:
    return [{"metric": {"pod": str(place)}, "value": [1.5, value]} for place, value in enumerate(values)]


def test_names_and_the_window_stand_where_their_words_stood() -> None:
    query = fill(TEMPLATE, {"service": "shop", "namespace": "prod"}, window=600.0)
    assert query == "sum(rate(errors{app=\"shop\",ns='prod'}[600s]))"


def test_a_name_that_is_not_known_makes_no_query() -> None:
    with pytest.raises(NothingError, match="no namespace"):
        fill(TEMPLATE, {"service": "shop", "namespace": None}, window=600.0)


@given(st.text(min_size=1))
def test_no_name_breaks_out_of_its_quotes(name: str) -> None:
    query = fill('up{app="{service}"} + 1', {"service": name}, window=60.0)
    literal = re.fullmatch(r'up\{app="((?:[^"\\\n]|\\.)*)"\} \+ 1', query, re.DOTALL)
    assert literal is not None, query
    assert re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), literal[1]) == name


def test_a_name_that_looks_like_a_placeholder_is_left_as_it_is() -> None:
    assert fill('up{a="{service}"}', {"service": "{environment}"}, window=60.0) == 'up{a="{environment}"}'


def test_a_vector_of_one_and_a_scalar_are_numbers() -> None:
    assert read_answer(200, answer(series("0.25"))) == 0.25
    assert read_answer(200, answer([1.5, "3"], "scalar")) == 3.0


@pytest.mark.parametrize(
    ("status", "body", "said", "final"),
    [
        (200, answer([]), "has nothing", True),
        (200, answer(series("NaN")), "has nothing", True),
        (200, answer(series("+Inf")), "divides by nothing", True),
        (200, answer(series("1", "2")), "2 series: sum or average", True),
        (200, answer([[1, "x"]], "matrix"), "no number", True),
        (200, answer("x"), "no number", True),
        (400, answer(None, status="error", error="parse error at char 7"), "parse error at char 7", True),
        (503, answer(None, status="error", error="starting"), "starting", False),
        (502, b"<html>", "502", False),
        (200, b"{}", "can't answer", False),
    ],
)
def test_everything_else_says_why_there_is_no_number(status: int, body: bytes, said: str, final: bool) -> None:
    with pytest.raises(NothingError, match=re.escape(said)) as caught:
        read_answer(status, body)
    assert caught.value.final is final


def test_what_is_shown_are_two_numbers_or_why_there_are_not() -> None:
    assert compare(0.123456789, 0.2) == {"before": 0.123457, "after": 0.2}
    assert compare("Prometheus has nothing of that time", 2.0) == {
        "why": "Prometheus has nothing of that time",
        "after": 2.0,
    }
