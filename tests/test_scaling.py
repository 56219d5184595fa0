"""The arithmetic of ``docs/scaling.md``: its code is run, and its table is what the code says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text()
CASES = ({"changes": 5}, {"changes": 50}, {"changes": 50, "share": 0.01})
"""What the columns are about."""


@pytest.fixture(scope="module")
def calculate() -> Callable[..., dict[str, Any]]:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page is ours
    function: Callable[..., dict[str, Any]] = names["calculate"]
    return function


def read_table() -> dict[str, list[str]]:
    """Return the cells of the worked table, by what its rows are about."""
    (table,) = re.findall(r"### 100,000 subscribers.*?\n\n((?:\|.*\n)+)", PAGE)
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    return {name: cells for name, *cells in rows[2:]}


def test_the_worked_table_is_what_the_code_says(calculate: Callable[..., dict[str, Any]]) -> None:
    columns = [calculate(100_000, 10_000, **case) for case in CASES]
    assert read_table() == {name: [str(column[name]) for column in columns] for name in columns[0]}


def test_a_few_need_two_and_one_that_may_be_away(calculate: Callable[..., dict[str, Any]]) -> None:
    few = calculate(500, 100, changes=1)
    assert few["replicas"] == 3
    assert few["cores of each"] < 0.1


def test_no_process_is_planned_to_be_full(calculate: Callable[..., dict[str, Any]]) -> None:
    for subscribers in (1_000, 20_000, 100_000, 400_000):
        for changes in (0.1, 5, 50, 1_000):
            assert calculate(subscribers, 10_000, changes)["cores of each"] <= 0.62
