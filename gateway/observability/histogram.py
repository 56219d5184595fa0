"""Durations counted in buckets: as cheap as counting, and enough for a Prometheus to tell quantiles of any span."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

INSTANTS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds for what should take milliseconds."""

WAITS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Upper bounds in seconds for what others take part in: a network, Argo CD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A histogram as it is told: each upper bound with how many are not above it, and the sum of all, in seconds."""

    buckets: Sequence[tuple[str, int]]
    total: float


class Histogram:
    """Durations, counted in buckets. ``bounds`` are the upper ones, in seconds, rising."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def __len__(self) -> int:
        return sum(self.counts)

    def __repr__(self) -> str:
        return f"<Histogram of {len(self)}>"

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def tell(self) -> Distribution:
        """Return what was counted, as Prometheus has it."""
        return Distribution(buckets=list(self._accumulate()), total=self.total)

    def _accumulate(self) -> Iterator[tuple[str, int]]:
        upto = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            upto += count
            yield bound, upto
