"""What the samples say: a slope, percentiles, and which budgets are kept. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LARGEST_SLOPE = 1.0
"""Megabytes an hour by which the memory may grow after the warm-up."""

LONGEST_LAG = 20.0
"""Milliseconds by which the event loop may be late, at the 99th percentile."""

SHORTEST_FOR_SLOPE = 600.0
"""Seconds of samples below which a slope says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The gateway at one moment, ``at`` seconds after the beginning. Bytes, and numbers of things."""

    at: float
    memory: int
    descriptors: int
    tasks: int
    subscribers: int
    behind: int
    views: int
    details: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line through samples: how much more each hour, and how far the samples are off it (both bytes)."""

    per_hour: float
    deviation: float
    seconds: float


def fit(samples: Sequence[Sample], *, after: float) -> Line | None:
    """Return the line of least squares through the memory of samples from ``after`` on; None for fewer than three."""
    points = [(sample.at, float(sample.memory)) for sample in samples if sample.at >= after]
    if len(points) < 3:
        return None
    count = len(points)
    middle = sum(at for at, _ in points) / count
    mean = sum(memory for _, memory in points) / count
    spread = sum((at - middle) ** 2 for at, _ in points)
    slope = sum((at - middle) * (memory - mean) for at, memory in points) / spread
    errors = sum((memory - mean - slope * (at - middle)) ** 2 for at, memory in points)
    return Line(per_hour=slope * 3_600, deviation=(errors / count) ** 0.5, seconds=points[-1][0] - points[0][0])


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of the ordered values lies; 0 for none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def find_left_over(before: Iterable[Mapping[str, int]], after: Mapping[str, int]) -> dict[str, int]:
    """Return what there is more of ``after`` than there ever was ``before``, by name."""
    most: dict[str, int] = {}
    for counts in before:
        for name, number in counts.items():
            most[name] = max(most.get(name, 0), number)
    return {name: number - most.get(name, 0) for name, number in after.items() if number > most.get(name, 0)}
