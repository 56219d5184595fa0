"""Metrics of deployments: how long their stages took, how they ended, what remains of error budgets.

Labels are bounded: stages and SLOs are few, and of environments only the first have series of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A histogram: each upper bound with how many are not above it, and the sum of all, in seconds."""

    buckets: Sequence[tuple[str, int]]
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What there is to measure of deployments and of what is done around them."""

    durations: Mapping[tuple[str, str], Distribution] = field(default_factory=dict)
    """By stage and environment."""
    detected: Mapping[bool, Distribution] = field(default_factory=dict)
    """By whether Argo CD was asked to look."""
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By outcome and environment."""
    budgets: Mapping[str, float] = field(default_factory=dict)
    """By SLO, what remains, as a share."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """``refresh_…``, ``breach_…``, ``checklist_…``, ``prometheus_…``, ``windows_failed``."""


def collect_around(now: Around) -> Iterator[Metric]:
    """Yield the metrics."""
    durations = HistogramMetricFamily(
        "gateway_deployment_duration_seconds",
        "How long the stages of deployments took.",
        labels=["stage", "environment"],
    )
    for (stage, environment), one in sorted(now.durations.items()):
        durations.add_metric([stage, environment], buckets=one.buckets, sum_value=one.total)
    yield durations
    detected = HistogramMetricFamily(
        "gateway_detection_duration_seconds",
        "From a push of manifests until Argo CD compared with it.",
        labels=["refreshed"],
    )
    for refreshed, one in sorted(now.detected.items()):
        detected.add_metric(["yes" if refreshed else "no"], buckets=one.buckets, sum_value=one.total)
    yield detected
    outcomes = CounterMetricFamily(
        "gateway_deployments", "Deployments by what became of them.", labels=["outcome", "environment"]
    )
    for (outcome, environment), count in sorted(now.outcomes.items()):
        outcomes.add_metric([outcome, environment], count)
    yield outcomes
    budgets = GaugeMetricFamily(
        "gateway_slo_budget_remaining", "What remains of an error budget of 30 days, as a share.", labels=["slo"]
    )
    for slo, share in now.budgets.items():
        budgets.add_metric([slo], share)
    yield budgets
    for name, text, label, prefix in _COUNTED:
        family = CounterMetricFamily(name, text, labels=[label])
        for key, count in now.counts.items():
            if key.startswith(prefix):
                family.add_metric([key.removeprefix(prefix)], count)
        yield family


_COUNTED = (
    ("gateway_slo_breaches", "Deployments that missed a target.", "slo", "breach_"),
    ("gateway_refreshes", "Refreshes that Argo CD was asked for.", "outcome", "refresh_"),
    ("gateway_checklists", "Release checklists by their answer.", "state", "checklist_"),
    ("gateway_prometheus_questions", "Questions for the Prometheus of services.", "outcome", "prometheus_"),
)
