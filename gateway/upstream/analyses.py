"""Argo Rollouts' AnalysisRun: what was measured of a new version, and what came of it.

Read from its manifest. Names and meanings of fields are those of argo-rollouts, in pkg/apis/rollouts/v1alpha1:
analysis_types.go, and types.go for the labels.
"""

import msgspec

from gateway.upstream.manifest import Manifest

MEASUREMENTS = 10
"""Measurements of a metric that are shown, the latest; Argo Rollouts keeps as many."""

METRICS = 50
"""Metrics of a run that are shown at most."""

_LONGEST_VALUE = 200

FINISHED = frozenset({"Successful", "Failed", "Error", "Inconclusive"})
"""Phases after which nothing more is measured."""

BAD = FINISHED - {"Successful"}


class Measurement(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One look at a metric; ``value`` is as the provider answered."""

    value: str | None = None
    phase: str
    at: str | None = None
    message: str | None = None


class Metric(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """A metric: how often it was measured with which result, and how often it may fail.

    ``count`` is how often it is to be measured, absent where it is until the run is stopped. A value is good by
    ``condition`` and bad by ``failure_condition``. A metric on trial (``dry_run``) decides nothing.
    """

    name: str
    phase: str
    message: str | None = None
    successful: int
    failed: int
    inconclusive: int
    error: int
    limit: int
    count: int | None = None
    dry_run: bool = False
    provider: str | None = None
    query: str | None = None
    condition: str | None = None
    failure_condition: str | None = None
    values: tuple[Measurement, ...] = ()


class AnalysisRun(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """A run. ``type`` is Step, Background, PrePromotion or PostPromotion; ``step`` is counted from 1."""

    name: str
    phase: str
    message: str | None = None
    type: str | None = None
    step: int | None = None
    started_at: str | None = None
    completed_at: str | None = None
    metrics: tuple[Metric, ...] = ()

    @property
    def failed_at(self) -> int | None:
        """The step that it failed in, counted from 0."""
        return self.step - 1 if self.step is not None and self.phase in BAD else None


def read_analysis(manifest: Manifest) -> AnalysisRun:
    """Return what a manifest says."""
    metadata, status = manifest.part("metadata"), manifest.part("status")
    labels = metadata.part("labels")
    index = labels.integer("step-index")
    return AnalysisRun(
        name=metadata.text("name") or "",
        phase=status.text("phase") or "Pending",
        message=status.text("message"),
        type=labels.text("rollout-type"),
        step=None if index is None or index < 0 else index + 1,
        started_at=status.time("startedAt"),
        completed_at=status.time("completedAt"),
        metrics=_read_metrics(manifest.part("spec"), status),
    )


def _read_metrics(spec: Manifest, status: Manifest) -> tuple[Metric, ...]:
    """Return the metrics in the order of the spec; those that only have results come last."""
    wanted = {name: metric for metric in spec.parts("metrics") if (name := metric.text("name")) is not None}
    results = {name: result for result in status.parts("metricResults") if (name := result.text("name")) is not None}
    names = [*wanted, *(name for name in results if name not in wanted)][:METRICS]
    nothing = Manifest(None)
    return tuple(_read_metric(name, wanted.get(name, nothing), results.get(name, nothing)) for name in names)


def _read_metric(name: str, wanted: Manifest, result: Manifest) -> Metric:
    providers = wanted.part("provider").names()
    query = result.part("metadata").text("ResolvedPrometheusQuery")
    if query is None and providers:
        query = wanted.part("provider", providers[0]).text("query")
    return Metric(
        name=name,
        phase=result.text("phase") or "Pending",
        message=result.text("message"),
        successful=result.integer("successful") or 0,
        failed=result.integer("failed") or 0,
        inconclusive=result.integer("inconclusive") or 0,
        error=result.integer("error") or 0,
        limit=wanted.integer("failureLimit") or 0,
        count=wanted.integer("count"),
        dry_run=result.flag("dryRun") is True,
        provider=providers[0] if providers else None,
        query=query,
        condition=wanted.text("successCondition"),
        failure_condition=wanted.text("failureCondition"),
        values=tuple(map(_read_measurement, result.parts("measurements")[-MEASUREMENTS:])),
    )


def _read_measurement(raw: Manifest) -> Measurement:
    return Measurement(
        value=raw.text("value", longest=_LONGEST_VALUE),
        phase=raw.text("phase") or "Pending",
        at=raw.time("finishedAt") or raw.time("startedAt"),
        message=raw.text("message"),
    )
