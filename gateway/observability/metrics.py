"""Prometheus metrics, read from the parts when they are scraped: nothing is paid for them in between.

Labels are bounded: never an application, a project, a user or an address. Of services only so many have series.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.registry import Collector

from gateway.observability.around import Around, collect_around
from gateway.observability.families import count, count_by, measure_by, one_of, spread
from gateway.observability.histogram import Distribution
from gateway.observability.role import Role, collect_role
from gateway.observability.services import Place

STATES = ("connecting", "live", "stale", "down")
"""Upstream's states, each with a series of its own."""

REASONS = (
    "starting",
    "ended",
    "unreachable",
    "answered-badly",
    "too-large",
    "silent",
    "unhealthy",
    "refused",
    "no-leader",
    "redis",
    "takeover",
    "permission-lost",
)
"""Why upstream isn't live, each with a series of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What there is to measure of changes on their way; the histograms are of seconds.

    Frames are by feed and kind, bytes by feed.
    """

    reconciles: Distribution
    fan_outs: Distribution
    lags: Distribution
    pauses: Distribution
    ages: Distribution
    frames: Mapping[tuple[str, str], int]
    raw: Mapping[str, int]
    sent: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What there is to measure at one moment. Ages are in seconds; counts are by name, as their owners keep them."""

    version: str
    state: str
    reason: str | None = None
    """Why upstream isn't live."""
    verified_age: float | None
    data_age: float = 0.0
    """How long ago what is shown could last be trusted; 0 while a watch is open."""
    reconcile_interval: float = 0.0
    token_expires_at: float | None = None
    """When the token for Argo CD expires (Unix time), where it says so."""
    applications: Mapping[tuple[str, str], int]
    """How many applications have this health and this sync status."""
    services: Mapping[tuple[Place, str], int] = field(default_factory=dict)
    """How many applications of a place have this health."""
    upstream: Mapping[str, int]
    hub: Mapping[str, int]
    flow: Flow | None = None
    subscribers: int
    subscribers_limit: int = 0
    lagging: int
    views: int
    watched: int
    details: Mapping[str, int]
    webhooks: Mapping[tuple[str, str], int]
    """How many requests of this sender had this outcome."""
    delivery: Mapping[str, int]
    delivery_waiting: int
    delivery_leads: bool = False
    delivery_listens: bool | None = None
    """Whether other gateways' notices get through; None where there are no others."""
    log_offset: int
    tick_seconds: float
    around: Around = field(default_factory=Around)
    replica: Role | None = None
    """What this process is among many; None where it is alone."""
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
        yield from _collect_upstream(now)
        yield from _collect_applications(now)
        yield from _collect_subscribers(now)
        if now.flow is not None:
            yield from _collect_flow(now.flow)
        yield from _collect_delivery(now)
        yield from _collect_access(now.access)
        yield from collect_around(now.around)
        if now.replica is not None:
            yield from collect_role(now.replica)


def _collect_upstream(now: Readings) -> Iterator[Metric]:
    yield one_of("gateway_upstream_state", "1 for the state that upstream is in.", "state", STATES, now.state)
    text = "1 for the reason why upstream isn't live."
    yield one_of("gateway_upstream_reason", text, "reason", REASONS, now.reason)
    if now.verified_age is not None:
        yield GaugeMetricFamily(
            "gateway_upstream_verified_age_seconds", "Time since the last full reconcile.", now.verified_age
        )
    text = "Time since what is shown could last be trusted; 0 while a watch is open."
    yield GaugeMetricFamily("gateway_upstream_data_age_seconds", text, now.data_age)
    text = "How often Argo CD is asked for everything."
    yield GaugeMetricFamily("gateway_reconcile_interval_seconds", text, now.reconcile_interval)
    if now.token_expires_at is not None:
        text = "When the token for Argo CD expires, Unix time."
        yield GaugeMetricFamily("gateway_upstream_token_expiry_timestamp_seconds", text, now.token_expires_at)
    events = {
        (kind.lower(), outcome): number
        for name, number in now.upstream.items()
        if name.startswith("event_")
        for kind, outcome in [name.removeprefix("event_").split("_", 1)]
    }
    text = "Events of Argo CD's stream, and applications read on their own."
    yield count_by("gateway_upstream_events", text, ("type", "outcome"), events)
    text = "What Argo CD's stream had lost."
    yield count("gateway_upstream_repairs", text, "kind", now.upstream, "missed_", ("update", "delete"))
    text = "Failures of requests and streams."
    yield count("gateway_upstream_failures", text, "kind", now.upstream, "failure_", _FAILURES)
    for name, text in _UPSTREAM:
        yield CounterMetricFamily(f"gateway_upstream_{name}", text, now.upstream.get(name, 0))


def _collect_applications(now: Readings) -> Iterator[Metric]:
    text = "Applications by health and sync status."
    yield measure_by("gateway_applications", text, ("health", "sync"), now.applications)
    services = {(*where, health): number for (where, health), number in now.services.items()}
    text = "Applications of services by health."
    yield measure_by("gateway_service_applications", text, ("service", "team", "environment", "health"), services)


def _collect_subscribers(now: Readings) -> Iterator[Metric]:
    yield GaugeMetricFamily("gateway_subscribers", "Streams that are open.", now.subscribers)
    text = "Streams that may be open at once."
    yield GaugeMetricFamily("gateway_subscribers_limit", text, now.subscribers_limit)
    yield GaugeMetricFamily("gateway_subscribers_behind", "Streams that are behind their view.", now.lagging)
    yield GaugeMetricFamily("gateway_views", "Different selections that are served.", now.views)
    yield GaugeMetricFamily("gateway_details", "Applications whose detail is watched.", now.watched)
    yield count("gateway_detail_requests", "Requests for details.", "part", now.details, "fetch_")
    yield count("gateway_detail_failures", "Parts of details that failed.", "part", now.details, "failure_")
    yield count("gateway_joins", "Streams opened, by what they began with.", "outcome", now.hub, "join_", _JOINS)
    yield count("gateway_stream_ends", "Streams that ended.", "reason", now.hub, "end_", _ENDS)
    yield CounterMetricFamily("gateway_deliveries", "Frames written to subscribers.", now.hub.get("delivery", 0))
    text = "Times that a subscriber had fallen behind and was led on."
    yield CounterMetricFamily("gateway_lags", text, now.hub.get("lagged", 0))
    yield GaugeMetricFamily("gateway_log_offset", "The offset of the newest change.", now.log_offset)
    yield GaugeMetricFamily("gateway_tick_seconds", "How long the last tick took.", now.tick_seconds)


def _collect_flow(flow: Flow) -> Iterator[Metric]:
    for name, text, measured in (
        ("reconcile_duration", "From a reconcile's request until its content was complete.", flow.reconciles),
        ("fanout_duration", "How long ticks took: from changes to bytes in all connections.", flow.fan_outs),
        ("loop_lag", "How late the event loop was for a timer.", flow.lags),
        ("gc_pause", "How long the garbage collector stopped everything.", flow.pauses),
        ("event_age", "From Argo CD's own time of a change until it was sent.", flow.ages),
    ):
        yield spread(f"gateway_{name}_seconds", text, measured)
    yield count_by("gateway_frames", "Frames made, each for all who get it.", ("feed", "kind"), flow.frames)
    raw = {(feed,): number for feed, number in flow.raw.items()}
    yield count_by("gateway_raw_bytes", "Bytes of all events that subscribers got, uncompressed.", ("feed",), raw)
    sent = {(feed,): number for feed, number in flow.sent.items()}
    yield count_by("gateway_sent_bytes", "What these took on the wire.", ("feed",), sent)


def _collect_delivery(now: Readings) -> Iterator[Metric]:
    text = "Requests of senders, by what became of them."
    yield count_by("gateway_webhooks", text, ("sender", "outcome"), now.webhooks)
    for name, text in _DELIVERY:
        yield CounterMetricFamily(f"gateway_delivery_{name}", text, now.delivery.get(name, 0))
    yield GaugeMetricFamily(
        "gateway_delivery_waiting", "Deliveries that wait in memory to be processed.", now.delivery_waiting
    )
    text = "1 where the history is worked off, 0 where another gateway does that."
    yield GaugeMetricFamily("gateway_delivery_leading", text, float(now.delivery_leads))
    if now.delivery_listens is not None:
        text = "1 while other gateways' notices get through the database."
        yield GaugeMetricFamily("gateway_delivery_listening", text, float(now.delivery_listens))


def _collect_access(access: Mapping[str, int]) -> Iterator[Metric]:
    for name, text, label, prefix, known in _ACCESS:
        yield count(name, text, label, access, prefix, known)


_UPSTREAM = (
    ("reconcile", "Reconciles that ended well."),
    ("restore", "Times that Kubernetes' etcd was found restored."),
    ("undecodable", "Events that couldn't be read."),
    ("oversized", "Lines beyond the limit."),
)

_FAILURES = tuple(
    reason for reason in REASONS if reason not in ("starting", "permission-lost", "no-leader", "redis", "takeover")
)
_JOINS = ("new", "resumed", "epoch", "view", "trimmed")
_ENDS = ("lifetime", "drain", "overloaded", "expired", "behind", "unknown", "slow", "moved", "gone")

_DELIVERY = (
    ("processed", "Deliveries that were processed."),
    ("failed", "Deliveries and deployments that the gateway failed at."),
    ("facts", "Facts that deliveries told."),
    ("deployment", "Times that more became known of a deployment."),
    ("recompute", "Deployments that were correlated."),
    ("retry", "Times that the database couldn't be used."),
    ("lead", "Times that working the history off began."),
    ("deposed", "Times that another gateway had taken over unnoticed; nothing was written."),
)

_ACCESS = (
    ("gateway_access_refusals", "Requests that were turned away.", "reason", "refused_", ()),
    ("gateway_limited", "Times that somebody was over a limit.", "limit", "limit_", ()),
    ("gateway_access_files", "Changed files of the access, by outcome.", "outcome", "file_", ("reloaded", "unusable")),
    ("gateway_logins", "Logins, by how they ended.", "outcome", "login_", ()),
    ("gateway_bearer_tokens", "JWTs of services, by outcome.", "outcome", "bearer_", ()),
    ("gateway_sessions", "What became of sessions.", "outcome", "session_", ()),
)


def make_registry(read: Callable[[], Readings], *more: Collector) -> CollectorRegistry:
    """Return a registry of the gateway's metrics, those of its process, and any that parts collect themselves."""
    registry = CollectorRegistry()
    for collector in (GatewayCollector(read), *more):
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
