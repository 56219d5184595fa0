"""The numbers say what a slow count by hand would say, and nothing about what isn't known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.delivery.kpi import (
    DAY,
    DURATIONS,
    BuildMeasure,
    By,
    Judgement,
    Measure,
    Question,
    Slo,
    begin_bucket,
    summarise,
)
from gateway.delivery.spread import Spread

MONDAY = datetime(2026, 11, 16, tzinfo=UTC).timestamp()
SLOS = (
    Slo(name="sync", objective=0.95, target=120.0),
    Slo(name="lead", objective=0.95, target=900.0),
    Slo(name="builds", objective=0.9),
    Slo(name="deployments", objective=0.99),
)
RULES = Judgement(healthy_within=600.0, kept_for=1_800.0)

seconds = st.integers(0, 5_000)
moments = st.integers(0, 21 * 86_400).map(lambda after: MONDAY + after)
names = st.sampled_from(["core", "shop", "mail"])
maybe = st.none() | seconds


@st.composite
def measures(draw: st.DrawFn) -> Measure:
    at, name = draw(moments), draw(names)
    healthy, back = draw(maybe), draw(st.none() | seconds)
    return Measure(
        id=str(draw(st.integers())),
        key=f"argocd/{name}-{draw(st.sampled_from(['dev', 'prod']))}",
        at=at,
        service=draw(st.sampled_from([name, None])),
        project="demo",
        failed=draw(st.booleans()),
        healthy_at=None if healthy is None else at + healthy,
        rolled_back_at=None if back is None else at + back,
        superseded=draw(st.booleans()),
        sync=draw(maybe),
        lead=draw(maybe),
        rollout=draw(maybe),
    )


def measure(after: float = 0.0, *, key: str = "argocd/core", took: int | None = 60, **known: Any) -> Measure:
    at = MONDAY + after
    healthy_at = None if took is None else at + took
    return Measure(**{"id": f"{key} {at}", "key": key, "at": at, "healthy_at": healthy_at, **known})


def ask(
    found: Sequence[Measure], builds: Sequence[BuildMeasure] = (), *, by: By = "all", days: float = 7.0, **asked: Any
) -> list[dict[str, Any]]:
    question = Question(since=MONDAY, until=MONDAY + days * DAY, by=by, **asked)
    return summarise(found, builds, question=question, slos=SLOS, judgement=RULES)


# Quantiles.


def slow_quantile(values: Sequence[int], share: float) -> float:
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return low + (high - low) * (rank - math.floor(rank))


@given(st.lists(seconds, min_size=1, max_size=60), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]) | st.floats(0, 1))
def test_a_quantile_is_what_sorting_all_values_gives(values: list[int], share: float) -> None:
    spread = Spread(values)
    assert len(spread) == len(values)
    assert spread.quantile(share) == pytest.approx(slow_quantile(values, share), abs=0.051)


@given(st.lists(maybe, max_size=60), st.floats(0, 6_000))
def test_what_is_above_a_target_is_counted_and_what_is_not_known_is_not(
    values: list[int | None], target: float
) -> None:
    spread = Spread(values)
    assert len(spread) == sum(value is not None for value in values)
    assert spread.above(target) == sum(value is not None and value > target for value in values)


@given(st.lists(seconds, min_size=1))
def test_quantiles_are_in_order_and_within_what_was_seen(values: list[int]) -> None:
    told = Spread(values).tell()
    assert min(values) <= told["p50"] <= told["p90"] <= told["p99"] <= max(values)


def test_a_median_of_two_lies_between_them() -> None:
    assert Spread([10, None, 20]).tell() == {"p50": 15.0, "p90": 19.0, "p99": 19.9, "count": 2}


# Judgement.


@pytest.mark.parametrize(
    ("told", "later", "verdict"),
    [
        (measure(took=600), 600, True),
        (measure(took=601), 601, False),
        (measure(took=None), 600, None),
        (measure(took=None), 601, False),
        (measure(failed=True), 60, False),
        (measure(rolled_back_at=MONDAY + 1_800), 9_000, False),
        (measure(rolled_back_at=MONDAY + 1_801), 9_000, True),
        (measure(took=None, superseded=True), 9_000, None),
        (measure(took=601, superseded=True), 9_000, None),
        (measure(took=None, superseded=True, failed=True), 9_000, False),
    ],
)
def test_a_deployment_succeeded_if_soon_healthy_and_kept(told: Measure, later: float, verdict: bool | None) -> None:
    assert RULES.judge(told, MONDAY + later) is verdict


@given(measures(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_verdict_once_given_stays_while_nothing_new_is_known(told: Measure, first: int, more: int) -> None:
    verdict = RULES.judge(told, told.at + first)
    assert verdict is None or RULES.judge(told, told.at + first + more) is verdict


# Groups.


@given(st.lists(measures(), max_size=30), st.sampled_from(["all", "application", "service", "project", "team"]))
def test_every_deployment_that_has_a_name_is_in_one_group(found: list[Measure], by: By) -> None:
    asked = [one for one in found if one.at < MONDAY + 7 * DAY]
    named = {
        "all": asked,
        "application": asked,
        "service": [one for one in asked if one.service],
        "project": asked,
        "team": [],
    }[by]
    groups = ask(found, by=by)
    assert sum(group["deployments"] for group in groups) == len(named)
    assert len({group["name"] for group in groups}) == len(groups)
    sizes = [group["deployments"] for group in groups]
    assert sizes == sorted(sizes, reverse=True)


@given(st.lists(measures(), max_size=30))
def test_a_group_says_what_it_would_say_alone(found: list[Measure]) -> None:
    for group in ask(found, by="application"):
        alone = ask([one for one in found if one.key == group["name"]], by="application")
        assert alone == [group]


@given(st.lists(measures(), max_size=20), st.randoms())
def test_the_order_in_which_they_come_changes_nothing(found: list[Measure], dice: Any) -> None:
    # Two at one moment have no order of their own.
    assume(len({one.at for one in found}) == len(found))
    shuffled = list(found)
    dice.shuffle(shuffled)
    assert ask(shuffled, by="service") == ask(found, by="service")


def test_nothing_deployed_is_a_group_of_none_for_all_and_no_group_for_each() -> None:
    (group,) = ask([])
    assert (group["deployments"], group["durations"], group["successRate"], group["budgets"]) == (0, {}, {}, [])
    assert group["dora"] == {"deploymentFrequency": 0.0}
    assert ask([], by="application") == []


# Buckets.


@given(moments, st.sampled_from(["day", "week"]))
def test_a_moment_lies_in_its_bucket_which_begins_at_midnight_or_on_monday(at: float, bucket: Any) -> None:
    start, length = begin_bucket(at, bucket), DAY * (7 if bucket == "week" else 1)
    assert start <= at < start + length
    begun = datetime.fromtimestamp(start, UTC)
    assert (begun.hour, begun.minute, begun.second) == (0, 0, 0)
    assert bucket == "day" or begun.weekday() == 0


@given(st.lists(measures(), max_size=40), st.sampled_from(["day", "week"]))
def test_buckets_are_a_partition_of_all_deployments(found: list[Measure], bucket: Any) -> None:
    (group,) = ask(found, days=21.0, bucket=bucket)
    starts = [told["start"] for told in group["buckets"]]
    assert starts == sorted(set(starts))
    assert sum(told["deployments"] for told in group["buckets"]) == group["deployments"]
    assert sum(told["failed"] for told in group["buckets"]) == group["failed"]
    for told in group["buckets"]:
        start = datetime.fromisoformat(told["start"]).timestamp()
        inside = [one for one in found if begin_bucket(one.at, bucket) == start and one.at < MONDAY + 21 * DAY]
        assert told["deployments"] == len(inside) > 0
        known = [one.lead for one in inside if one.lead is not None]
        assert ("lead" in told) == bool(known)
        if known:
            assert told["lead"]["p50"] == pytest.approx(slow_quantile(known, 0.5), abs=0.051)


# Budgets, rates and DORA's four.


@given(st.lists(measures(), max_size=40))
def test_a_budget_is_spent_by_breaches_and_by_nothing_else(found: list[Measure]) -> None:
    asked = [one for one in found if one.at < MONDAY + 7 * DAY]
    (group,) = ask(found)
    told = {budget["slo"]: budget for budget in group["budgets"]}
    known = [one.sync for one in asked if one.sync is not None]
    assert ("sync" in told) == bool(known)
    if known:
        slow = sum(value > 120 for value in known)
        assert (told["sync"]["count"], told["sync"]["breaches"]) == (len(known), slow)
        assert told["sync"]["spent"] == pytest.approx(slow / (0.05 * len(known)), abs=1e-3)
        assert (told["sync"]["remaining"] < 0) == (slow > 0.05 * len(known) + 1e-6)
    for budget in told.values():
        assert budget["spent"] + budget["remaining"] == pytest.approx(1.0)
    verdicts = [RULES.judge(one, MONDAY + 7 * DAY) for one in asked]
    assert (group["succeeded"], group["failed"]) == (verdicts.count(True), verdicts.count(False))
    assert ("deployments" in told) == any(verdict is not None for verdict in verdicts)


@given(st.lists(measures(), max_size=40))
def test_only_what_is_known_is_said(found: list[Measure]) -> None:
    asked = [one for one in found if one.at < MONDAY + 7 * DAY]
    (group,) = ask(found)
    expected = {clock for clock in DURATIONS if any(getattr(one, clock) is not None for one in asked)}
    assert set(group["durations"]) == expected
    assert ("leadTime" in group["dora"]) == ("lead" in expected)
    for clock in expected:
        assert group["durations"][clock]["count"] == sum(getattr(one, clock) is not None for one in asked)


def test_a_week_of_one_service_by_hand() -> None:
    found = [
        measure(1 * DAY, lead=300, sync=40),
        measure(2 * DAY, lead=600, sync=130, failed=True),
        measure(2 * DAY + 3_600, took=100, lead=500, sync=50),
        measure(3 * DAY, took=None, superseded=True),
        measure(8 * DAY, lead=9_999),
    ]
    (group,) = ask(found)
    assert (group["deployments"], group["succeeded"], group["failed"], group["rolledBack"]) == (4, 2, 1, 0)
    assert group["durations"]["lead"] == {"p50": 500.0, "p90": 580.0, "p99": 598.0, "count": 3}
    assert group["successRate"] == {"deployments": 0.6667}
    assert group["dora"] == {
        "deploymentFrequency": 0.286,
        "leadTime": 500.0,
        "changeFailureRate": 0.3333,
        "timeToRestore": 3_700.0,
    }
    budgets = {budget["slo"]: (budget["breaches"], budget["count"], budget["spent"]) for budget in group["budgets"]}
    assert budgets == {"sync": (1, 3, 6.6667), "lead": (0, 3, 0.0), "deployments": (1, 3, 33.3333)}
    assert [bucket["start"] for bucket in group["buckets"]] == [
        "2026-11-17T00:00:00Z",
        "2026-11-18T00:00:00Z",
        "2026-11-19T00:00:00Z",
    ]
    assert "builds" not in group


def test_what_broke_twice_is_restored_once_since_the_first_time_and_each_application_for_itself() -> None:
    found = [
        measure(0, key="argocd/a", failed=True),
        measure(600, key="argocd/a", failed=True),
        measure(700, key="argocd/b", took=10),
        measure(1_000, key="argocd/a", took=200),
    ]
    (group,) = ask(found)
    assert group["dora"]["timeToRestore"] == 1_200.0


def test_what_is_still_broken_has_no_time_to_restore() -> None:
    (group,) = ask([measure(failed=True)])
    assert "timeToRestore" not in group["dora"]


def test_builds_belong_to_whatever_was_deployed_of_them() -> None:
    found = [measure(key="argocd/a", service="a"), measure(5, key="argocd/b", service="b")]
    builds = [
        BuildMeasure(id="1", at=MONDAY + 5, succeeded=True, applications=("argocd/a", "argocd/b")),
        BuildMeasure(id="2", at=MONDAY + 6, succeeded=False, applications=("argocd/b",)),
        BuildMeasure(id="3", at=MONDAY + 7, succeeded=False),
        BuildMeasure(id="4", at=MONDAY + 8 * DAY, succeeded=False, applications=("argocd/a",)),
    ]
    told = {
        group["name"]: (group["builds"], group["successRate"]["builds"]) for group in ask(found, builds, by="service")
    }
    assert told == {"a": (1, 1.0), "b": (2, 0.5)}
    (everything,) = ask(found, builds)
    assert (everything["builds"], everything["successRate"]["builds"]) == (3, 0.3333)


def test_a_build_of_two_applications_of_one_service_counts_once() -> None:
    found = [measure(key="argocd/a-dev", service="a"), measure(5, key="argocd/a-prod", service="a")]
    builds = [BuildMeasure(id="1", at=MONDAY + 5, succeeded=True, applications=("argocd/a-dev", "argocd/a-prod"))]
    (group,) = ask(found, builds, by="service")
    assert group["builds"] == 1


def test_an_objective_of_everything_is_spent_by_one_breach() -> None:
    question = Question(since=MONDAY, until=MONDAY + DAY)
    strict = [Slo(name="deployments", objective=1.0)]
    (group,) = summarise([measure(failed=True)], [], question=question, slos=strict, judgement=RULES)
    assert group["budgets"] == [
        {"slo": "deployments", "objective": 1.0, "count": 1, "breaches": 1, "spent": 1.0, "remaining": 0.0}
    ]
