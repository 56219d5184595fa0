"""What the numbers say: durations, success, DORA's four, and how much of each SLO's error budget is spent.

Pure arithmetic over ``Measure``s (one a deployment) and ``BuildMeasure``s (one a run of CI). What can't be known is
absent: a group without a single known lead time has none, not zero. The four are those of https://dora.dev/guides/
dora-metrics-four-keys/; error budgets those of the SRE workbook, chapter 2: what an objective leaves over.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, TypeAlias

import msgspec

from gateway.delivery.spread import Spread, quantile
from gateway.model.upstream import rfc3339

DAY = 86_400.0
_WEEK_BEGINS = 4 * DAY
"""1970-01-01 was a Thursday: weeks begin on Mondays."""

DURATIONS = ("build", "pipeline", "detect", "wait", "apply", "sync", "rollout", "lead")
"""The clocks, in the order in which a change passes them."""

_find_time = attrgetter("at")
_PLOTTED = tuple((clock, attrgetter(clock)) for clock in ("lead", "sync"))
"""The clocks of which a course is shown."""

_write_time = lru_cache(maxsize=4_096)(rfc3339)

By: TypeAlias = Literal["application", "service", "environment", "project", "team", "all"]
Bucket: TypeAlias = Literal["day", "week"]


class Measure(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What is measured of one deployment. Times are Unix seconds; durations whole seconds, as Argo CD's own times are.

    None is not known (yet).
    """

    id: str
    key: str
    at: float
    """When its operation finished; when it began, while it runs."""
    project: str | None = None
    service: str | None = None
    environment: str | None = None
    team: str | None = None
    failed: bool = False
    """Whether its operation failed, or its rollout was aborted."""
    healthy_at: float | None = None
    rolled_back_at: float | None = None
    superseded: bool = False
    """Whether the next one began before it was healthy: then it neither succeeded nor failed."""
    build: int | None = None
    pipeline: int | None = None
    detect: int | None = None
    wait: int | None = None
    apply: int | None = None
    sync: int | None = None
    rollout: int | None = None
    lead: int | None = None


class BuildMeasure(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What is measured of one whole run of CI."""

    id: str
    at: float
    succeeded: bool
    repository: str | None = None
    applications: tuple[str, ...] = ()
    """The keys of those that what it built was deployed to."""
    duration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """A share of all (``objective``) that shall succeed, or take no longer than ``target`` seconds."""

    name: str
    objective: float
    target: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """When a deployment has succeeded: Healthy soon after its sync, and not rolled back for a while. Seconds."""

    healthy_within: float = 600.0
    kept_for: float = 1_800.0

    def judge(self, measure: Measure, now: float) -> bool | None:
        """Return whether it succeeded; None while that is open, and for what was superseded."""
        if measure.failed:
            return False
        if measure.rolled_back_at is not None and measure.rolled_back_at - measure.at <= self.kept_for:
            return False
        if measure.healthy_at is not None and measure.healthy_at - measure.at <= self.healthy_within:
            return True
        if measure.superseded:
            return None
        return False if measure.healthy_at is not None or now - measure.at > self.healthy_within else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: from when to when (Unix seconds), grouped and bucketed how."""

    since: float
    until: float
    by: By = "all"
    bucket: Bucket = "day"


def summarise(
    measures: Iterable[Measure],
    builds: Iterable[BuildMeasure],
    *,
    question: Question,
    slos: Sequence[Slo],
    judgement: Judgement,
) -> list[dict[str, Any]]:
    """Return the groups, those with most deployments first, each as ``/api/kpis`` shows it."""
    since, until = question.since, question.until
    asked = [measure for measure in measures if since <= measure.at < until]
    ran = [build for build in builds if since <= build.at < until]
    if question.by == "all":
        return [_Group("all", asked, ran, question, judgement).tell(slos)]
    groups: dict[str, list[Measure]] = defaultdict(list)
    name_group = _name_groups(question.by)
    for measure in asked:
        if (name := name_group(measure)) is not None:
            groups[name].append(measure)
    group_of = {measure.key: name_group(measure) for measure in asked}
    built: dict[str, list[BuildMeasure]] = defaultdict(list)
    for build in ran:
        for name in {group_of.get(key) for key in build.applications}:
            if name is not None:
                built[name].append(build)
    return [
        _Group(name, groups[name], built[name], question, judgement).tell(slos)
        for name in sorted(groups, key=lambda name: (-len(groups[name]), name))
    ]


def begin_bucket(at: float, bucket: Bucket) -> float:
    """Return when the day (UTC) or the week (from Monday) of a moment began."""
    if bucket == "day":
        return at - at % DAY
    return at - (at - _WEEK_BEGINS) % (7 * DAY)


class _Group:
    """The measures of one application, one service, …, and what follows from them."""

    def __init__(
        self, name: str, measures: list[Measure], builds: list[BuildMeasure], question: Question, judgement: Judgement
    ) -> None:
        self._name = name
        self._measures = sorted(measures, key=_find_time)
        self._builds = builds
        self._question = question
        self._verdicts = [judgement.judge(measure, question.until) for measure in self._measures]
        self._spreads = {clock: Spread(map(attrgetter(clock), self._measures)) for clock in DURATIONS}

    def tell(self, slos: Sequence[Slo]) -> dict[str, Any]:
        succeeded, failed = self._verdicts.count(True), self._verdicts.count(False)
        told: dict[str, Any] = {
            "by": self._question.by,
            "name": self._name,
            "deployments": len(self._measures),
            "succeeded": succeeded,
            "failed": failed,
            "rolledBack": sum(measure.rolled_back_at is not None for measure in self._measures),
            "durations": {clock: spread.tell() for clock, spread in self._spreads.items() if spread},
            "successRate": self._rates(succeeded, failed),
            "dora": self._dora(succeeded, failed),
            "budgets": [budget for slo in slos if (budget := self._budget(slo)) is not None],
            "buckets": self._buckets(),
        }
        if self._builds:
            told["builds"] = len(self._builds)
        return told

    def _rates(self, succeeded: int, failed: int) -> dict[str, float]:
        rates = {}
        if self._builds:
            rates["builds"] = _share(sum(build.succeeded for build in self._builds), len(self._builds))
        if succeeded + failed:
            rates["deployments"] = _share(succeeded, succeeded + failed)
        return rates

    def _dora(self, succeeded: int, failed: int) -> dict[str, float]:
        days = (self._question.until - self._question.since) / DAY
        four = {"deploymentFrequency": round(succeeded / days, 3)} if days > 0 else {}
        if lead := self._spreads["lead"]:
            four["leadTime"] = lead.quantile(0.5)
        if succeeded + failed:
            four["changeFailureRate"] = _share(failed, succeeded + failed)
        if restored := Spread(self._times_to_restore()):
            four["timeToRestore"] = restored.quantile(0.5)
        return four

    def _times_to_restore(self) -> Iterable[int]:
        """Yield, for each failure that is over, how long it took until the same application had a success again."""
        broken: dict[str, float] = {}
        for measure, verdict in zip(self._measures, self._verdicts, strict=True):
            if verdict is True and (since := broken.pop(measure.key, None)) is not None:
                yield round((measure.healthy_at or measure.at) - since)
            elif verdict is False:
                broken.setdefault(measure.key, measure.at)

    def _budget(self, slo: Slo) -> dict[str, Any] | None:
        if slo.name == "deployments":
            known = [verdict for verdict in self._verdicts if verdict is not None]
            count, bad = len(known), known.count(False)
        elif slo.name == "builds":
            count, bad = len(self._builds), sum(not build.succeeded for build in self._builds)
        else:
            spread = self._spreads[slo.name]
            count, bad = len(spread), spread.above(slo.target or 0.0)
        if not count:
            return None
        allowed = (1.0 - slo.objective) * count
        spent = bad / allowed if allowed > 0 else float(bad > 0)
        budget: dict[str, Any] = {"slo": slo.name, "objective": slo.objective, "count": count, "breaches": bad}
        if slo.target is not None:
            budget["target"] = slo.target
        return {**budget, "spent": round(spent, 4), "remaining": round(1.0 - spent, 4)}

    def _buckets(self) -> list[dict[str, Any]]:
        buckets = []
        first, length = 0, DAY * (7 if self._question.bucket == "week" else 1)
        while first < len(self._measures):
            start = begin_bucket(self._measures[first].at, self._question.bucket)
            # They are in order: a bucket is a slice.
            last = bisect_left(self._measures, start + length, lo=first, key=_find_time)
            told: dict[str, Any] = {
                "start": _write_time(start),
                "deployments": last - first,
                "failed": self._verdicts[first:last].count(False),
            }
            for clock, find in _PLOTTED:
                if known := sorted(value for value in map(find, self._measures[first:last]) if value is not None):
                    told[clock] = {"p50": quantile(known, 0.5), "p90": quantile(known, 0.9)}
            buckets.append(told)
            first = last
        return buckets


def _name_groups(by: By) -> Callable[[Measure], str | None]:
    find: Callable[[Measure], str | None] = attrgetter("key" if by == "application" else by)
    return find


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4)
