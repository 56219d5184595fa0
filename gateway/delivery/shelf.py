"""What figures are reckoned from, held in memory: measures and runs from some moment on, each once.

A year of them takes a while to read. So it is read a part at a time, is kept, and is told what is measured anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from gateway.delivery.kpi import BuildMeasure, Measure

HOLDS = 300_000
"""Measures and runs that are held for good: a hundred megabytes."""

RUNS_GOOD_FOR, RUNS_CHANGE = 60.0, 3_600.0
"""Seconds after which the latest runs are read anew, and for how long after its end more is told of one."""

DOUBTED = 8 * 86_400.0
"""Seconds for which more may be told of a deployment: what is older is as it was, though notices were missed."""


class Shelf:
    """Holds everything ``since`` a moment; nothing at first."""

    def __init__(self) -> None:
        self.since = float("inf")
        self.runs_read_at = 0.0
        self.doubted = False
        """Whether some of it may be old."""
        self._measures: dict[str, Measure] = {}
        self._builds: dict[str, BuildMeasure] = {}
        self._news: dict[str, Measure] | None = None
        """What was measured while something is read, which may not hold it; None while nothing is."""

    def __len__(self) -> int:
        return len(self._measures) + len(self._builds)

    @property
    def begun(self) -> bool:
        """Whether anything was read."""
        return self.since != float("inf")

    def list_measures(self) -> list[Measure]:
        """Return all measures that are held; older ones than ``since`` may be among them."""
        return list(self._measures.values())

    def list_builds(self) -> list[BuildMeasure]:
        """Return all runs that are held."""
        return list(self._builds.values())

    def measured(self, measures: Iterable[Measure]) -> None:
        """Something was measured anew."""
        for one in measures:
            self._measures[one.id] = one
            if self._news is not None:
                self._news[one.id] = one

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read something and lay it here or renew with it; what is measured meanwhile counts more."""
        self._news = {}
        try:
            yield
        finally:
            self._measures.update(self._news)
            self._news = None

    def forget(self, before: float) -> None:
        """Let go what is from before a moment."""
        if self.begun:
            self.since = max(self.since, before)
            self._measures = {name: one for name, one in self._measures.items() if one.at >= before}
            self._builds = {name: one for name, one in self._builds.items() if one.at >= before}

    def lay(self, since: float, measures: Sequence[Measure], builds: Sequence[BuildMeasure], *, now: float) -> None:
        """Add what lies between a moment and what is held."""
        if not self.begun:
            self.runs_read_at = now
        self.since = since
        self._measures.update((one.id, one) for one in measures)
        self._builds.update((one.id, one) for one in builds)

    def renew(self, since: float, measures: Sequence[Measure], builds: Sequence[BuildMeasure], *, now: float) -> None:
        """Replace what is held since a moment."""
        for gone in [one.id for one in self._measures.values() if one.at >= since]:
            del self._measures[gone]
        self._measures.update((one.id, one) for one in measures)
        self.lay_runs(builds, now=now)
        self.doubted = False

    def lay_runs(self, builds: Iterable[BuildMeasure], *, now: float) -> None:
        """Add the latest runs, instead of what was known of them."""
        self._builds.update((one.id, one) for one in builds)
        self.runs_read_at = now
