"""How old changes are when they are sent: by Argo CD's own times, where it gives one."""

import msgspec

from gateway.log.ring import Ring
from gateway.model.application import ApplicationStatus, Health, Operation
from gateway.model.delta import Change
from gateway.model.upstream import rfc3339
from gateway.observability.freshness import Freshness, find_time
from tests.hub.documents import application

NOW = 1_800_000_000.0


def healthy(at: float) -> ApplicationStatus:
    return msgspec.structs.replace(application("argocd/a"), health=Health(status="Healthy", since=rfc3339(at)))


def test_the_newest_time_that_is_new_counts() -> None:
    before = healthy(NOW - 60)
    synced = msgspec.structs.replace(
        before, operation=Operation(phase="Succeeded", started_at=rfc3339(NOW - 9), finished_at=rfc3339(NOW - 3))
    )
    assert find_time(Change("argocd/a", before, synced)) == NOW - 3
    assert find_time(Change("argocd/a", before, healthy(NOW - 1))) == NOW - 1


def test_what_has_no_new_time_is_not_measured() -> None:
    before = healthy(NOW - 60)
    renamed = msgspec.structs.replace(before, images=("b",))
    odd = msgspec.structs.replace(before, health=Health(status="Degraded", since="yesterday"))
    for change in (
        Change("argocd/a", before, renamed),
        Change("argocd/a", None, before),
        Change("argocd/a", before, None),
        Change("argocd/a", before, odd),
    ):
        assert find_time(change) is None


def test_each_change_is_measured_once_when_it_was_sent() -> None:
    ring = Ring(capacity=10, max_bytes=10**9)
    freshness = Freshness(ring)
    ring.append([Change("argocd/a", healthy(NOW - 60), healthy(NOW - 2)), Change("argocd/a", healthy(NOW - 2), None)])
    freshness.ticked(NOW)
    freshness.ticked(NOW + 100)
    assert (len(freshness.ages), freshness.ages.total) == (1, 2.0)


def test_a_clock_behind_argo_cds_makes_no_negative_age() -> None:
    ring = Ring(capacity=10, max_bytes=10**9)
    freshness = Freshness(ring)
    ring.append([Change("argocd/a", healthy(NOW - 60), healthy(NOW + 5))])
    freshness.ticked(NOW)
    assert (len(freshness.ages), freshness.ages.total) == (1, 0.0)


def test_more_at_once_than_the_log_holds_is_passed_over() -> None:
    ring = Ring(capacity=1, max_bytes=10**9)
    freshness = Freshness(ring)
    ring.append([Change("argocd/a", healthy(NOW - 60 - n), healthy(NOW - n)) for n in range(3)])
    freshness.ticked(NOW)
    assert len(freshness.ages) == 0
