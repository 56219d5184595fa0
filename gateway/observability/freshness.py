"""How old a change is when it is sent: from Argo CD's own time of it until the tick that carries it.

Argo CD dates what matters: when health became what it is, when an operation began and when it finished, in whole
seconds. A change in which none of these is new has no time of its own, and isn't measured; nor is an application that
is shown for the first time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from gateway.model.application import ApplicationStatus
from gateway.model.delta import Change
from gateway.observability.histogram import WAITS, Histogram


class Span(Protocol):
    """The changes that a log still holds."""

    @property
    def top(self) -> int:
        """The offset of the newest change."""

    def between(self, after: int, upto: int, /) -> Sequence[Any]:
        """Return the changes from one position to another; raises LookupError for what was trimmed."""


class Freshness:
    """Measures the changes of a log as they are sent. Time is an argument, in Unix seconds."""

    def __init__(self, span: Span) -> None:
        self.ages = Histogram(WAITS)
        self._span = span
        self._offset = span.top

    def __repr__(self) -> str:
        return f"<Freshness up to {self._offset}: {self.ages!r}>"

    def ticked(self, now: float) -> None:
        """All that the log holds has been sent."""
        after, self._offset = self._offset, self._span.top
        try:
            changes = self._span.between(after, self._offset)
        except LookupError:
            # More at once than the log holds, or another log: there is no telling.
            return
        for change in changes:
            if (at := find_time(change)) is not None:
                self.ages.add(max(0.0, now - at))


def find_time(change: Change) -> float | None:
    """Return when Argo CD says that what changed came about (Unix time); None where it doesn't say."""
    if change.before is None or change.after is None:
        return None
    before = set(_times(change.before))
    return max((at for text in _times(change.after) if text not in before and (at := _read(text))), default=None)


def _times(document: ApplicationStatus) -> Iterator[str]:
    if (health := document.health) is not None and health.since is not None:
        yield health.since
    if (operation := document.operation) is not None:
        if operation.started_at is not None:
            yield operation.started_at
        if operation.finished_at is not None:
            yield operation.finished_at


@lru_cache(maxsize=256)
def _read(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
