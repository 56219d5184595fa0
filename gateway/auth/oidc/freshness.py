"""How old something fetched may be, and how often it may be fetched."""

from dataclasses import dataclass
from math import inf

RETRY = 5.0
"""Seconds between two attempts while the last one failed."""


@dataclass(slots=True, kw_only=True)
class Freshness:
    """The age of something fetched: renewed after ``max_age`` seconds, used for ``keep`` where it can't be renewed."""

    max_age: float
    keep: float
    got_at: float | None = None
    tried_at: float | None = None

    def age(self, now: float) -> float:
        """Return how many seconds ago it was fetched; infinite where it never was."""
        return inf if self.got_at is None else now - self.got_at

    def usable(self, now: float) -> bool:
        """Whether what was fetched may be used."""
        return self.age(now) < self.keep

    def due(self, now: float) -> bool:
        """Whether it is time to fetch: it is old or absent, and wasn't tried just now."""
        return self.age(now) >= self.max_age and self.rested(now, RETRY)

    def rested(self, now: float, pause: float) -> bool:
        """Whether the last attempt is that many seconds ago."""
        return self.tried_at is None or now - self.tried_at >= pause

    def tried(self, now: float) -> None:
        """Note that an attempt begins."""
        self.tried_at = now

    def got(self, now: float) -> None:
        """Note that an attempt succeeded."""
        self.got_at = now
