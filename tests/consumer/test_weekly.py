"""A week's report: what was deployed, what failed, where the time went; nothing that isn't known is made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consumer.release import find_exit_code, show_checklist
from gateway.consumer.screen import open_console
from gateway.consumer.weekly import WeekError, read_week, write_report

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEEK = read_week("2026-W47", now=NOW)


def group(**told: Any) -> dict[str, Any]:
    return {"groups": [{"by": "all", "name": "all", **told}]}


KPIS = group(
    deployments=12,
    failed=1,
    rolledBack=1,
    successRate={"deployments": 0.9167},
    durations={
        "lead": {"p50": 300.0, "p90": 700.0, "p99": 900.0, "count": 12},
        "wait": {"p50": 10.0, "p90": 20.0, "p99": 30.0, "count": 12},
        "rollout": {"p50": 60.0, "p90": 120.0, "p99": 130.0, "count": 12},
    },
    dora={"deploymentFrequency": 1.571, "leadTime": 300.0, "changeFailureRate": 0.0833},
    budgets=[{"slo": "sync", "objective": 0.95, "target": 120.0, "count": 10, "breaches": 1, "spent": 2.0}],
)
CHANGE = {
    "id": "1",
    "application": "argocd/shop",
    "kind": "deployment",
    "outcome": "rolled-back",
    "startedAt": "2026-11-18T10:15:00Z",
    "stages": [{"stage": "commit", "title": "Fix the *cart* | really"}],
    "durations": {"lead": 720.0},
    "rollback": {"how": "revert"},
}


def report(**more: Any) -> str:
    return write_report(WEEK, KPIS, group(deployments=10), services={}, **{"changes": [CHANGE], **more})


def test_a_week_is_one_of_iso_8601_and_the_last_whole_one_by_default() -> None:
    assert WEEK.query == [("since", "2026-11-16T00:00:00Z"), ("until", "2026-11-23T00:00:00Z")]
    assert read_week("", now=NOW) == WEEK
    assert WEEK.before.name == "2026-W46"
    assert read_week("2026w48", now=NOW).until == NOW
    assert read_week("2026-W01", now=NOW).since == datetime(2025, 12, 29, tzinfo=UTC)
    for text in ("2026-W54", "47", "next", "2027-W01"):
        with pytest.raises(WeekError):
            read_week(text, now=NOW)


def test_figures_stand_beside_those_of_the_week_before() -> None:
    text = report()
    assert "# Deliveries in 2026-W47" in text
    assert "2026-11-16 to 2026-11-22 (UTC)" in text
    assert "| deployments | 12 | 10 |" in text
    assert "| lead time (median) | 5 min | – |" in text
    assert "| time to restore (median) | – | – |" in text


def test_budgets_that_are_overspent_are_marked() -> None:
    assert "| sync within 2 min | 95.0% | 90.0% (9 of 10) | – | 200.0% | **overspent** |" in report()


def test_the_slowest_part_is_named() -> None:
    text = report()
    assert "Slowest of the parts: becoming healthy." in text
    assert text.index("| becoming healthy |") < text.index("| waiting for the sync |")


def test_what_was_taken_back_is_listed_with_how_and_markdown_is_not_broken_by_its_title() -> None:
    line = "2026-11-18 10:15 **argocd/shop** “Fix the \\*cart\\* \\| really” rolled-back (revert)"
    text = report()
    assert text.count(line) == 3
    assert f"- 12 min: {line}" in text


def test_a_week_without_anything_says_so() -> None:
    text = write_report(WEEK, {}, {}, services={}, changes=[])
    assert "Nothing was deployed." in text
    assert "Nothing failed, and nothing was taken back." in text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["groups", "durations", "dora", "budgets", "stages", "lead", "p50"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["groups", "id", "stages", "durations", "outcome"]), json_values))
def test_documents_of_another_shape_break_nothing(document: dict[str, Any]) -> None:
    write_report(WEEK, document, document, services=document, changes=[document])


@pytest.mark.parametrize(("state", "code"), [("ready", 0), ("not-ready", 1), ("unknown", 2), ("new", 2), (None, 2)])
def test_a_shell_is_told_yes_no_or_that_nobody_knows(state: str | None, code: int) -> None:
    assert find_exit_code({"state": state}) == code


def test_a_checklist_shows_evidence_of_what_is_not_well(capsys: pytest.CaptureFixture[str]) -> None:
    items = [
        {"item": "ci", "state": "ok", "why": "CI succeeded", "evidence": ["not shown"]},
        {"item": "scan", "state": "failed", "why": "1 critical", "evidence": [f"finding {n}" for n in range(12)]},
    ]
    open_console().print(show_checklist({"sha": "5a6b7c8d9e0f1a2b", "state": "not-ready", "items": items}))
    shown = capsys.readouterr().out
    assert shown.splitlines()[:3] == ["5a6b7c8d9e0f  not ready", "✓ CI      CI succeeded", "✗ scans   1 critical"]
    assert "not shown" not in shown
    assert shown.splitlines()[-1] == "    and 2 more"
