"""Metrics: what is scraped is what the parts counted, with bounded labels."""

from collections.abc import Iterator
from dataclasses import replace

from prometheus_client import Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from gateway.hub.subscriber import Ending
from gateway.observability.around import Around
from gateway.observability.histogram import Distribution
from gateway.observability.metrics import REASONS, Flow, Readings, make_registry
from gateway.observability.services import place
from gateway.upstream.messages import Kind
from gateway.upstream.removal import PERMISSION_LOST

READINGS = Readings(
    version="1.2.3",
    state="stale",
    verified_age=12.5,
    applications={("Healthy", "Synced"): 3, ("Degraded", "OutOfSync"): 1},
    upstream={
        "event_MODIFIED_changed": 5,
        "missed_update": 1,
        "missed_delete": 2,
        "failure_refused": 4,
        "reconcile": 7,
    },
    hub={"join_new": 2, "join_resumed": 1, "delivery": 99, "end_slow": 1},
    subscribers=10,
    lagging=1,
    views=2,
    watched=3,
    details={"fetch_tree": 8, "failure_tree": 2},
    webhooks={("github", "accepted"): 3, ("other", "unknown"): 1},
    delivery={"processed": 3},
    delivery_waiting=2,
    log_offset=42,
    tick_seconds=0.002,
    around=Around(
        durations={("sync", "prod"): Distribution(buckets=[("5.0", 0), ("+Inf", 2)], total=60.0)},
        detected={True: Distribution(buckets=[("5.0", 1), ("+Inf", 1)], total=3.0)},
        outcomes={("succeeded", "prod"): 2},
        budgets={"sync": 0.25},
        counts={"breach_sync": 1, "refresh_asked": 2, "checklist_ready": 3, "prometheus_answered": 4},
    ),
)


def scrape(readings: Readings) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = generate_latest(make_registry(lambda: readings)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_count_is_under_its_name() -> None:
    samples = scrape(READINGS)
    assert samples["gateway_upstream_state", (("state", "stale"),)] == 1
    assert samples["gateway_upstream_state", (("state", "live"),)] == 0
    assert samples["gateway_upstream_verified_age_seconds", ()] == 12.5
    assert samples["gateway_applications", (("health", "Degraded"), ("sync", "OutOfSync"))] == 1
    assert samples["gateway_upstream_events_total", (("outcome", "changed"), ("type", "modified"))] == 5
    assert samples["gateway_upstream_repairs_total", (("kind", "delete"),)] == 2
    assert samples["gateway_upstream_failures_total", (("kind", "refused"),)] == 4
    assert samples["gateway_upstream_reconcile_total", ()] == 7
    assert samples["gateway_joins_total", (("outcome", "resumed"),)] == 1
    assert samples["gateway_stream_ends_total", (("reason", "slow"),)] == 1
    assert samples["gateway_deliveries_total", ()] == 99
    assert samples["gateway_subscribers", ()] == 10
    assert samples["gateway_details", ()] == 3
    assert samples["gateway_detail_requests_total", (("part", "tree"),)] == 8
    assert samples["gateway_detail_failures_total", (("part", "tree"),)] == 2


def test_the_process_is_measured_too() -> None:
    assert ("process_resident_memory_bytes", ()) in scrape(READINGS)


def test_deployments_are_told_by_stage_and_outcome() -> None:
    samples = scrape(READINGS)
    prod = (("environment", "prod"), ("stage", "sync"))
    assert samples["gateway_deployment_duration_seconds_count", prod] == 2
    assert samples["gateway_deployment_duration_seconds_sum", prod] == 60
    assert samples["gateway_deployment_duration_seconds_bucket", (prod[0], ("le", "5.0"), prod[1])] == 0
    assert samples["gateway_detection_duration_seconds_count", (("refreshed", "yes"),)] == 1
    assert samples["gateway_deployments_total", (("environment", "prod"), ("outcome", "succeeded"))] == 2
    assert samples["gateway_slo_budget_remaining", (("slo", "sync"),)] == 0.25
    assert samples["gateway_slo_breaches_total", (("slo", "sync"),)] == 1
    assert samples["gateway_refreshes_total", (("outcome", "asked"),)] == 2
    assert samples["gateway_checklists_total", (("state", "ready"),)] == 3
    assert samples["gateway_prometheus_questions_total", (("outcome", "answered"),)] == 4


FLOW = Flow(
    reconciles=Distribution(buckets=[("1.0", 1), ("+Inf", 2)], total=3.0),
    fan_outs=Distribution(buckets=[("+Inf", 1)], total=0.5),
    lags=Distribution(buckets=[("+Inf", 4)], total=0.25),
    pauses=Distribution(buckets=[("+Inf", 2)], total=0.125),
    ages=Distribution(buckets=[("+Inf", 9)], total=9.0),
    frames={("applications", "delta"): 3},
    raw={"applications": 1_000},
    sent={"applications": 100},
)
HERE = place("store", "shop", "prod")


def test_the_flow_is_told_as_histograms_and_counters() -> None:
    samples = scrape(replace(READINGS, flow=FLOW))
    assert samples["gateway_reconcile_duration_seconds_bucket", (("le", "1.0"),)] == 1
    assert samples["gateway_loop_lag_seconds_count", ()] == 4
    assert samples["gateway_gc_pause_seconds_sum", ()] == 0.125
    assert samples["gateway_event_age_seconds_sum", ()] == 9
    assert samples["gateway_frames_total", (("feed", "applications"), ("kind", "delta"))] == 3
    assert samples["gateway_raw_bytes_total", (("feed", "applications"),)] == 1_000
    assert samples["gateway_sent_bytes_total", (("feed", "applications"),)] == 100


def test_services_are_told_by_place() -> None:
    around = Around(deployments={HERE: 4}, success={HERE: 0.75}, kpis={(HERE, "lead", 0.5): 90.0})
    samples = scrape(replace(READINGS, services={(HERE, "Degraded"): 2}, around=around))
    labels = (("environment", "prod"), ("service", "store"), ("team", "shop"))
    assert samples["gateway_service_applications", (labels[0], ("health", "Degraded"), *labels[1:])] == 2
    assert samples["gateway_kpi_deployments", labels] == 4
    assert samples["gateway_kpi_success_ratio", labels] == 0.75
    assert 90 in [value for (name, _), value in samples.items() if name == "gateway_kpi_duration_seconds"]


def test_what_alerts_count_begins_with_nothing() -> None:
    samples = scrape(replace(READINGS, hub={}, upstream={}, access={}))
    for name, label, value in (
        ("gateway_stream_ends_total", "reason", "slow"),
        ("gateway_upstream_repairs_total", "kind", "update"),
        ("gateway_upstream_failures_total", "kind", "refused"),
        ("gateway_access_files_total", "outcome", "unusable"),
    ):
        assert samples[name, ((label, value),)] == 0


def test_the_reason_is_one_of_those_that_there_are() -> None:
    assert scrape(replace(READINGS, reason="silent"))["gateway_upstream_reason", (("reason", "silent"),)] == 1
    of_replicas = {"no-leader", "redis", "takeover"}
    assert {kind.value for kind in Kind} | {"starting", PERMISSION_LOST} | of_replicas == set(REASONS)


def test_every_end_and_join_is_known_beforehand() -> None:
    told = scrape(replace(READINGS, hub={}))
    ends = {labels[0][1] for (name, labels) in told if name == "gateway_stream_ends_total"}
    assert ends == {ending.value for ending in Ending} | {"slow", "moved", "gone"}


def test_a_part_may_collect_its_own() -> None:
    class Own(Collector):
        def collect(self) -> Iterator[Metric]:
            yield GaugeMetricFamily("gateway_own", "A part's own.", 7)

    assert b"gateway_own 7.0" in generate_latest(make_registry(lambda: READINGS, Own()))
