"""Metrics: what is scraped is what the parts counted, with bounded labels."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.observability.metrics import Readings, make_registry

READINGS = Readings(
    version="1.2.3",
    state="stale",
    verified_age=12.5,
    applications={("Healthy", "Synced"): 3, ("Degraded", "OutOfSync"): 1},
    upstream={"event_changed": 5, "missed_update": 1, "missed_delete": 2, "failure_refused": 4, "reconcile": 7},
    hub={"join_new": 2, "join_resumed": 1, "delivery": 99, "end_slow": 1},
    subscribers=10,
    lagging=1,
    views=2,
    log_offset=42,
    tick_seconds=0.002,
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
    assert samples["gateway_upstream_events_total", (("outcome", "changed"),)] == 5
    assert samples["gateway_upstream_repairs_total", (("kind", "delete"),)] == 2
    assert samples["gateway_upstream_failures_total", (("kind", "refused"),)] == 4
    assert samples["gateway_upstream_reconcile_total", ()] == 7
    assert samples["gateway_joins_total", (("outcome", "resumed"),)] == 1
    assert samples["gateway_stream_ends_total", (("reason", "slow"),)] == 1
    assert samples["gateway_deliveries_total", ()] == 99
    assert samples["gateway_subscribers", ()] == 10


def test_the_process_is_measured_too() -> None:
    assert ("process_resident_memory_bytes", ()) in scrape(READINGS)
