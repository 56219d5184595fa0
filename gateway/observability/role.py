"""Metrics of a process that is one of many: whether it leads, and how it gets on with Redis."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

_PLAIN = {
    "append": ("appends", "Writes to the shared log that Redis acknowledged."),
    "change": ("appended_changes", "Changes in them."),
    "read": ("read_changes", "Changes that were read of the shared log."),
    "load": ("loads", "Times that the whole state was read: at the start, and where history doesn't lead on."),
    "epoch": ("epochs", "Epochs that this replica began: each gives every subscriber a snapshot."),
    "takeover": ("takeovers", "Times that this replica took the lease."),
    "lost": ("lost", "Times that it couldn't renew the lease in time."),
    "fenced": ("fenced", "Times that another replica was found to hold the lease."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """How a replica is. ``proof_age`` is how many seconds ago what is shown could be trusted."""

    leading: bool
    connected: bool
    proof_age: float
    waiting: int
    append_seconds: float
    counts: Mapping[str, int]


def collect_role(role: Role) -> Iterator[Metric]:
    """Yield the metrics of a replica."""
    yield GaugeMetricFamily("gateway_replica_leader", "1 where this replica leads.", float(role.leading))
    yield GaugeMetricFamily("gateway_redis_connected", "1 where Redis can be read.", float(role.connected))
    yield GaugeMetricFamily(
        "gateway_replica_proof_age_seconds", "How old the last proof is of what is shown.", role.proof_age
    )
    yield GaugeMetricFamily("gateway_redis_waiting", "Changes that wait to be written to Redis.", role.waiting)
    yield GaugeMetricFamily("gateway_redis_append_seconds", "How long the last write took.", role.append_seconds)
    errors = CounterMetricFamily("gateway_redis_errors", "Requests to Redis that failed.", labels=["kind"])
    for name, number in role.counts.items():
        if name.startswith("error_"):
            errors.add_metric([name.removeprefix("error_")], number)
    yield errors
    for name, (suffix, text) in _PLAIN.items():
        yield CounterMetricFamily(f"gateway_replica_{suffix}", text, role.counts.get(name, 0))
