"""Metrics of deployments: how long their stages took, how they ended, what remains of error budgets.

Labels are bounded: stages and SLOs are few, of environments only the first have series of their own, and of services
those that are deployed most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric

from gateway.observability.families import count, count_by, measure_by, spread_by
from gateway.observability.histogram import Distribution
from gateway.observability.services import Place

_PLACE = ("service", "team", "environment")


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
    deployments: Mapping[Place, int] = field(default_factory=dict)
    """How many there were lately."""
    success: Mapping[Place, float] = field(default_factory=dict)
    """The share of these that went well."""
    kpis: Mapping[tuple[Place, str, float], float] = field(default_factory=dict)
    """How long they took, by clock and quantile, in seconds."""


def collect_around(now: Around) -> Iterator[Metric]:
    """Yield the metrics."""
    durations = "How long the stages of deployments took."
    by = ("stage", "environment")
    yield spread_by("gateway_deployment_duration_seconds", durations, by, dict(sorted(now.durations.items())))
    detected = {("yes" if asked else "no",): one for asked, one in sorted(now.detected.items())}
    text = "From a push of manifests until Argo CD compared with it."
    yield spread_by("gateway_detection_duration_seconds", text, ("refreshed",), detected)
    text = "Deployments by what became of them."
    yield count_by("gateway_deployments", text, ("outcome", "environment"), now.outcomes)
    text = "What remains of an error budget of 30 days, as a share."
    budgets = {(slo,): share for slo, share in now.budgets.items()}
    yield measure_by("gateway_slo_budget_remaining", text, ("slo",), budgets)
    for name, text, label, prefix in _COUNTED:
        yield count(name, text, label, now.counts, prefix)
    text = "Deployments of the last 30 days."
    yield measure_by("gateway_kpi_deployments", text, _PLACE, now.deployments)
    text = "The share of the last 30 days' deployments that went well."
    yield measure_by("gateway_kpi_success_ratio", text, _PLACE, now.success)
    text = "How long the last 30 days' deployments took."
    kpis = {(*where, clock, str(share)): seconds for (where, clock, share), seconds in now.kpis.items()}
    yield measure_by("gateway_kpi_duration_seconds", text, (*_PLACE, "clock", "quantile"), kpis)


_COUNTED = (
    ("gateway_slo_breaches", "Deployments that missed a target.", "slo", "breach_"),
    ("gateway_refreshes", "Refreshes that Argo CD was asked for.", "outcome", "refresh_"),
    ("gateway_checklists", "Release checklists by their answer.", "state", "checklist_"),
    ("gateway_prometheus_questions", "Questions for the Prometheus of services.", "outcome", "prometheus_"),
)
