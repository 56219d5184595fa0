"""What Prometheus is told of deployments: durations as histograms, outcomes as counters. Labels are bounded.

Counted is what finishes while this process runs, each duration and each outcome once, however often it is measured.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable

from gateway.delivery.kpi import DURATIONS, Judgement, Measure
from gateway.observability.histogram import Histogram

BOUNDS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 14_400.0, 86_400.0)
"""Upper bounds of a histogram's buckets, in seconds."""

ENVIRONMENTS = 20
"""Environments with series of their own; all further ones are ``other``."""

REMEMBERED = 20_000
"""What was counted already and is recognised."""


class Tally:
    """Counts measures from ``since`` (Unix time) on."""

    def __init__(self, judgement: Judgement, *, since: float) -> None:
        self.durations: dict[tuple[str, str], Histogram] = {}
        """By stage and environment."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """By outcome (``succeeded``, ``failed``, ``rolled-back``) and environment."""
        self.detected: dict[bool, Histogram] = {False: Histogram(BOUNDS), True: Histogram(BOUNDS)}
        """How long Argo CD took to compare with a commit, by whether it was asked to."""
        self._judgement = judgement
        self._since = since
        self._environments: dict[str, None] = {}
        self._counted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def count(self, measures: Iterable[Measure], *, now: float, refreshed: Iterable[str] = ()) -> None:
        """Count what is new in measures; ``refreshed`` are the ids of those that Argo CD was asked to look for."""
        asked = set(refreshed)
        for measure in measures:
            if measure.at < self._since:
                continue
            environment = self._name(measure.environment)
            for stage in DURATIONS:
                seconds = getattr(measure, stage)
                if seconds is not None and self._is_new(measure.id, stage):
                    self.durations.setdefault((stage, environment), Histogram(BOUNDS)).add(seconds)
                    if stage == "detect":
                        self.detected[measure.id in asked].add(seconds)
            verdict = self._judgement.judge(measure, now)
            outcome = {True: "succeeded", False: "failed"}.get(verdict) if verdict is not None else None
            if measure.rolled_back_at is not None:
                outcome = "rolled-back"
            if outcome is not None and self._is_new(measure.id, f"outcome {outcome}"):
                self.outcomes[outcome, environment] += 1
        while len(self._counted) > REMEMBERED:
            self._counted.popitem(last=False)

    def _is_new(self, identity: str, what: str) -> bool:
        if (identity, what) in self._counted:
            return False
        self._counted[identity, what] = None
        return True

    def _name(self, environment: str | None) -> str:
        if environment is None:
            return "unknown"
        if environment not in self._environments and len(self._environments) < ENVIRONMENTS:
            self._environments[environment] = None
        return environment if environment in self._environments else "other"
