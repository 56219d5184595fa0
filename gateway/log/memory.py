"""The log of a single process: its epoch ends with the process."""

from collections.abc import Callable, Sequence

from gateway.log.ring import Ring
from gateway.model.application import ApplicationStatus
from gateway.model.delta import Change
from gateway.model.position import Position


class MemoryLog:
    """A ring with an epoch. ``follower`` is called after each append, with nothing: it reads what it wants."""

    def __init__(self, *, epoch: str, capacity: int, max_bytes: int) -> None:
        self.epoch = epoch
        self.ring = Ring(capacity=capacity, max_bytes=max_bytes)
        self.documents: dict[str, ApplicationStatus] = {}
        """Every application, as of the top."""
        self._followers: list[Callable[[], None]] = []

    @property
    def position(self) -> Position:
        """The position behind the newest entry."""
        return Position(self.epoch, self.ring.top)

    def follow(self, follower: Callable[[], None]) -> None:
        """Have a function called after each append."""
        self._followers.append(follower)

    def begin(self, at: float) -> None:
        """Count what comes from a moment on as news: what there was before is known."""
        self.ring.dated_from = at

    def append(self, changes: Sequence[Change], *, at: float | None = None) -> None:
        """Add changes that came at a moment, and tell the followers; without a moment they are no news."""
        self.ring.append(changes, at=at)
        for change in changes:
            if change.after is None:
                self.documents.pop(change.key, None)
            else:
                self.documents[change.key] = change.after
        for follower in self._followers:
            follower()
