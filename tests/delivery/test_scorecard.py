"""The KPIs of a service as gauges: what is known of its deployments, and nothing that isn't."""

from gateway.delivery.kpi import Judgement, Measure
from gateway.delivery.scorecard import score
from gateway.observability.services import place

NOW = 1_800_000_000.0
STORE = place("store", "shop", "prod")


def measure(identity: str, **more: object) -> Measure:
    known = {"key": "argocd/store", "at": NOW, "service": "store", "team": "shop", "environment": "prod", **more}
    return Measure(id=identity, **known)  # type: ignore[arg-type]


def test_a_service_is_scored_by_what_is_judged_and_timed() -> None:
    good = measure("1", healthy_at=NOW + 5, lead=60, sync=4)
    bad = measure("2", failed=True, lead=120)
    scores = score([good, bad, measure("3")], Judgement(), now=NOW + 10)
    assert scores[STORE].deployments == 3
    assert scores[STORE].success == 0.5
    assert scores[STORE].durations == {
        ("lead", 0.5): 90.0,
        ("lead", 0.9): 114.0,
        ("sync", 0.5): 4.0,
        ("sync", 0.9): 4.0,
    }


def test_what_is_still_open_has_no_success_yet() -> None:
    (only,) = score([measure("1", service=None)], Judgement(), now=NOW + 1).items()
    assert only[0].service == "unknown"
    assert (only[1].success, only[1].durations) == (None, {})
