"""Which SLOs a deployment has just breached: each told once, and none of what lies long in the past."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.delivery.kpi import DURATIONS, Judgement, Measure, Slo
from gateway.model.upstream import rfc3339

FRESH = 3_600.0
"""Seconds after a deployment within which a breach is news."""

REMEMBERED = 10_000
"""Breaches that are remembered, so that none is told twice."""


class Breach(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A deployment that missed a target. ``target`` and ``actual`` are seconds; success has none."""

    application: str
    slo: str
    deployment: str
    at: float
    """When the deployment finished, Unix time."""
    target: float | None = None
    actual: float | None = None


class Breaches:
    """What was told already."""

    def __init__(self, slos: Sequence[Slo], judgement: Judgement) -> None:
        self._slos = slos
        self._judgement = judgement
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def find(self, measures: Iterable[Measure], *, now: float) -> list[Breach]:
        """Return the breaches that are news."""
        found = [breach for measure in measures if now - measure.at <= FRESH for breach in self._judge(measure, now)]
        for breach in found:
            self.told(breach)
        return found

    def told(self, breach: Breach) -> None:
        """A breach was told, here or by another gateway."""
        self._told[breach.deployment, breach.slo] = None
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def _judge(self, measure: Measure, now: float) -> Iterator[Breach]:
        for slo in self._slos:
            if (measure.id, slo.name) in self._told:
                continue
            actual = getattr(measure, slo.name) if slo.name in DURATIONS else None
            late = slo.target is not None and actual is not None and actual > slo.target
            failed = slo.name == "deployments" and self._judgement.judge(measure, now) is False
            if late or failed:
                yield Breach(
                    application=measure.key,
                    slo=slo.name,
                    deployment=measure.id,
                    at=measure.at,
                    target=slo.target,
                    actual=actual,
                )


def show_breach(breach: Breach) -> dict[str, Any]:
    """Return a breach as the stream has it."""
    return {**msgspec.to_builtins(breach), "at": rfc3339(breach.at)}
