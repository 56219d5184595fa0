"""Quantiles of durations: of very many, and of few."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import cast


class Spread:
    """Durations, each value counted: a year has many, but few different ones."""

    def __init__(self, values: Iterable[int | None]) -> None:
        counted = Counter(values)
        del counted[None]
        counts = cast("Counter[int]", counted)
        self._values = sorted(counts)
        self._upto = list(accumulate(counts[value] for value in self._values))
        """How many are not above the value in the same place."""

    def __len__(self) -> int:
        return self._upto[-1] if self._upto else 0

    def quantile(self, share: float) -> float:
        """Return the value below which this share lies, interpolated; there is at least one."""
        rank = share * (len(self) - 1)
        low, high = (self._values[bisect_right(self._upto, place)] for place in (math.floor(rank), math.ceil(rank)))
        return round(low + (high - low) * (rank % 1), 1)

    def above(self, target: float) -> int:
        """Return how many are longer than ``target`` seconds."""
        place = bisect_right(self._values, target)
        return len(self) - (self._upto[place - 1] if place else 0)

    def tell(self) -> dict[str, float]:
        """Return the usual quantiles, and of how many."""
        return {"p50": self.quantile(0.5), "p90": self.quantile(0.9), "p99": self.quantile(0.99), "count": len(self)}


def quantile(values: Sequence[int], share: float) -> float:
    """Return the same of few values, which are in order; there is one at least. To count them would cost more."""
    rank = share * (len(values) - 1)
    low, high = values[math.floor(rank)], values[math.ceil(rank)]
    return round(low + (high - low) * (rank % 1), 1)
