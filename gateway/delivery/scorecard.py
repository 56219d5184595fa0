"""KPIs by service, team and environment, as gauges: of how many deployments, how many went well, how long they took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.delivery.kpi import Judgement, Measure
from gateway.delivery.spread import Spread
from gateway.observability.services import Place, gather, place

CLOCKS = ("pipeline", "sync", "rollout", "lead")
"""The durations that a scorecard has; the histograms of all deployments have every one."""

QUANTILES = (0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of one place; what can't be known is absent. Durations are in seconds, by clock and quantile."""

    deployments: int
    success: float | None
    durations: Mapping[tuple[str, float], float]


def score(measures: Iterable[Measure], judgement: Judgement, *, now: float) -> dict[Place, Score]:
    """Return the score of each place, of these measures."""
    return {
        where: _score(some, judgement, now)
        for where, some in gather(measures, lambda one: place(one.service, one.team, one.environment)).items()
    }


def _score(measures: list[Measure], judgement: Judgement, now: float) -> Score:
    verdicts = [judgement.judge(one, now) for one in measures]
    judged = verdicts.count(True) + verdicts.count(False)
    spreads = {clock: Spread(getattr(one, clock) for one in measures) for clock in CLOCKS}
    return Score(
        deployments=len(measures),
        success=verdicts.count(True) / judged if judged else None,
        durations={
            (clock, share): spread.quantile(share) for clock, spread in spreads.items() if spread for share in QUANTILES
        },
    )
