"""A missed target is news once, while it is new; Prometheus counts each deployment once."""

from __future__ import annotations

from typing import Any

from gateway.delivery.breaches import FRESH, Breach, Breaches, show_breach
from gateway.delivery.kpi import Judgement, Measure, Slo
from gateway.delivery.tally import BOUNDS, ENVIRONMENTS, Tally
from gateway.observability.histogram import Histogram

NOW = 1_800_000_000.0
SLOS = (Slo(name="sync", objective=0.95, target=120.0), Slo(name="deployments", objective=0.99))


def measure(identity: str = "1", **known: Any) -> Measure:
    return Measure(**{"id": identity, "key": "argocd/shop", "at": NOW, **known})


def found(breaches: Breaches, *measures: Measure, after: float = 0.0) -> list[tuple[str, str]]:
    return [(breach.deployment, breach.slo) for breach in breaches.find(measures, now=NOW + after)]


def test_what_takes_longer_than_its_target_breaches_it_once() -> None:
    breaches = Breaches(SLOS, Judgement())
    assert found(breaches, measure(sync=120)) == []
    assert found(breaches, measure(sync=121)) == [("1", "sync")]
    assert found(breaches, measure(sync=130)) == []
    assert found(breaches, measure("2", sync=121)) == [("2", "sync")]


def test_a_deployment_that_failed_or_never_becomes_healthy_breaches_success() -> None:
    breaches = Breaches(SLOS, Judgement(healthy_within=600.0))
    assert found(breaches, measure(), after=600) == []
    assert found(breaches, measure(), after=601) == [("1", "deployments")]
    assert found(breaches, measure("2", failed=True, sync=500)) == [("2", "sync"), ("2", "deployments")]


def test_history_that_is_read_is_no_news() -> None:
    assert found(Breaches(SLOS, Judgement()), measure(sync=999), after=FRESH + 1) == []


def test_a_breach_is_shown_without_what_it_has_not() -> None:
    late = Breach(application="argocd/shop", slo="sync", deployment="1", at=NOW, target=120.0, actual=130)
    assert show_breach(late) == {
        "application": "argocd/shop",
        "slo": "sync",
        "deployment": "1",
        "at": "2027-01-15T08:00:00Z",
        "target": 120.0,
        "actual": 130,
    }
    failed = show_breach(Breach(application="argocd/shop", slo="deployments", deployment="1", at=NOW))
    assert set(failed) == {"application", "slo", "deployment", "at"}


def test_a_deployment_is_counted_once_however_often_it_is_measured() -> None:
    tally = Tally(Judgement(), since=NOW)
    running = measure(environment="prod", detect=3, sync=40)
    for one in (running, running, measure(environment="prod", detect=3, sync=40, rollout=9, healthy_at=NOW + 9)):
        tally.count([one], now=NOW + 10, refreshed=["1"])
    assert {name: sum(histogram.counts) for name, histogram in tally.durations.items()} == {
        ("detect", "prod"): 1,
        ("sync", "prod"): 1,
        ("rollout", "prod"): 1,
    }
    assert tally.outcomes == {("succeeded", "prod"): 1}
    assert (sum(tally.detected[True].counts), sum(tally.detected[False].counts)) == (1, 0)
    tally.count([measure(environment="prod", healthy_at=NOW + 9, rolled_back_at=NOW + 60)], now=NOW + 60)
    assert tally.outcomes == {("succeeded", "prod"): 1, ("rolled-back", "prod"): 1}


def test_what_finished_before_the_process_began_is_not_counted_again() -> None:
    tally = Tally(Judgement(), since=NOW + 1)
    tally.count([measure(sync=3, failed=True)], now=NOW + 5)
    assert (tally.durations, tally.outcomes) == ({}, {})


def test_there_are_only_so_many_environments() -> None:
    tally = Tally(Judgement(), since=0.0)
    tally.count([measure(str(number), environment=f"pr-{number}", sync=1) for number in range(100)], now=NOW)
    names = {environment for _, environment in tally.durations}
    assert len(names) == ENVIRONMENTS + 1
    assert sum(tally.durations["sync", "other"].counts) == 100 - ENVIRONMENTS


def test_a_histogram_counts_upwards_to_all() -> None:
    histogram = Histogram(BOUNDS)
    for seconds in (5.0, 5.1, 90_000.0):
        histogram.add(seconds)
    buckets = dict(histogram.tell().buckets)
    assert (buckets["5.0"], buckets["15.0"], buckets["86400.0"], buckets["+Inf"]) == (1, 2, 2, 3)
