"""A query is read once for all who ask alike."""

import pytest

from gateway.web.problem import ProblemError
from gateway.web.query import read_selector


def test_those_who_ask_alike_get_one_selector() -> None:
    asked = [("projects", "store"), ("names", "*-prod")]
    assert read_selector(asked) is read_selector(iter(asked))
    assert read_selector([]) is not read_selector(asked)


def test_what_is_wrong_with_a_query_is_said_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ProblemError, match="colour"):
            read_selector([("colour", "red")])
