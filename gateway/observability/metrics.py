"""Prometheus metrics, read from the parts when they are scraped: nothing is paid for them in between.

Labels are bounded: never an application, a project or an address.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.registry import Collector

from gateway.observability.around import Around, collect_around

STATES = ("connecting", "live", "stale", "down")
"""Upstream's states, each with a series of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What there is to measure at one moment. Ages are in seconds; counts are by name, as their owners keep them."""

    version: str
    state: str
    verified_age: float | None
    applications: Mapping[tuple[str, str], int]
    """How many applications have this health and this sync status."""
    upstream: Mapping[str, int]
    hub: Mapping[str, int]
    subscribers: int
    lagging: int
    views: int
    watched: int
    details: Mapping[str, int]
    webhooks: Mapping[tuple[str, str], int]
    """How many requests of this sender had this outcome."""
    delivery: Mapping[str, int]
    delivery_waiting: int
    log_offset: int
    tick_seconds: float
    around: Around = field(default_factory=Around)
    access: Mapping[str, int] = field(default_factory=dict)
    """Requests that were turned away (``refused_…``), and readings of the files of an access (``file_…``)."""


class GatewayCollector(Collector):
    """Turns readings into metrics."""

    def __init__(self, read: Callable[[], Readings]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics of the gateway."""
        now = self._read()
        yield InfoMetricFamily("gateway_build", "The gateway's version.", {"version": now.version})
        state = GaugeMetricFamily("gateway_upstream_state", "1 for the state that upstream is in.", labels=["state"])
        for name in STATES:
            state.add_metric([name], float(now.state == name))
        yield state
        if now.verified_age is not None:
            yield GaugeMetricFamily(
                "gateway_upstream_verified_age_seconds", "Time since the last full reconcile.", now.verified_age
            )
        applications = GaugeMetricFamily(
            "gateway_applications", "Applications by health and sync status.", labels=["health", "sync"]
        )
        for (health, sync), number in now.applications.items():
            applications.add_metric([health, sync], number)
        yield applications
        yield _count("gateway_upstream_events", "Events of Argo CD's stream.", "outcome", now.upstream, "event_")
        yield _count("gateway_upstream_repairs", "What Argo CD's stream had lost.", "kind", now.upstream, "missed_")
        yield _count("gateway_upstream_failures", "Failures of requests and streams.", "kind", now.upstream, "failure_")
        for name, text in _PLAIN:
            yield CounterMetricFamily(f"gateway_upstream_{name}", text, now.upstream.get(name, 0))
        yield GaugeMetricFamily("gateway_subscribers", "Streams that are open.", now.subscribers)
        yield GaugeMetricFamily("gateway_subscribers_behind", "Streams that are behind their view.", now.lagging)
        yield GaugeMetricFamily("gateway_views", "Different selections that are served.", now.views)
        yield GaugeMetricFamily("gateway_details", "Applications whose detail is watched.", now.watched)
        yield _count("gateway_detail_requests", "Requests for details.", "part", now.details, "fetch_")
        yield _count("gateway_detail_failures", "Parts of details that failed.", "part", now.details, "failure_")
        webhooks = CounterMetricFamily(
            "gateway_webhooks", "Requests of senders, by what became of them.", labels=["sender", "outcome"]
        )
        for (sender, outcome), number in now.webhooks.items():
            webhooks.add_metric([sender, outcome], number)
        yield webhooks
        for name, text in _DELIVERY:
            yield CounterMetricFamily(f"gateway_delivery_{name}", text, now.delivery.get(name, 0))
        yield GaugeMetricFamily(
            "gateway_delivery_waiting", "Deliveries that wait in memory to be processed.", now.delivery_waiting
        )
        yield GaugeMetricFamily("gateway_log_offset", "The offset of the newest change.", now.log_offset)
        yield GaugeMetricFamily("gateway_tick_seconds", "How long the last tick took.", now.tick_seconds)
        yield _count("gateway_access_refusals", "Requests that were turned away.", "reason", now.access, "refused_")
        yield _count("gateway_limited", "Times that somebody was over a limit.", "limit", now.access, "limit_")
        yield _count("gateway_access_files", "Changed files of the access, by outcome.", "outcome", now.access, "file_")
        yield _count("gateway_logins", "Logins, by how they ended.", "outcome", now.access, "login_")
        yield _count("gateway_bearer_tokens", "JWTs of services, by outcome.", "outcome", now.access, "bearer_")
        yield _count("gateway_sessions", "What became of sessions.", "outcome", now.access, "session_")
        yield _count("gateway_joins", "Streams opened, by what they began with.", "outcome", now.hub, "join_")
        yield _count("gateway_stream_ends", "Streams ended by the gateway.", "reason", now.hub, "end_")
        yield CounterMetricFamily("gateway_deliveries", "Frames written to subscribers.", now.hub.get("delivery", 0))
        yield from collect_around(now.around)


_PLAIN = (
    ("reconcile", "Reconciles that ended well."),
    ("restore", "Times that Kubernetes' etcd was found restored."),
    ("undecodable", "Events that couldn't be read."),
    ("oversized", "Lines beyond the limit."),
)

_DELIVERY = (
    ("processed", "Deliveries that were processed."),
    ("failed", "Deliveries and deployments that the gateway failed at."),
    ("facts", "Facts that deliveries told."),
    ("deployment", "Times that more became known of a deployment."),
    ("recompute", "Deployments that were correlated."),
    ("retry", "Times that the database couldn't be used."),
)


def _count(name: str, text: str, label: str, counts: Mapping[str, int], prefix: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, number in counts.items():
        if key.startswith(prefix):
            family.add_metric([key.removeprefix(prefix)], number)
    return family


def make_registry(read: Callable[[], Readings]) -> CollectorRegistry:
    """Return a registry of the gateway's metrics and those of its process."""
    registry = CollectorRegistry()
    collectors: Iterable[Collector] = (GatewayCollector(read),)
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
