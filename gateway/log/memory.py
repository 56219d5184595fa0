"""The log as one process has it: the whole, whose epoch ends with the process, or a replica of what is elsewhere."""

from collections.abc import Callable, Iterable, Sequence

from gateway.log.ring import Dated, Ring
from gateway.model.application import ApplicationStatus
from gateway.model.delta import Change
from gateway.model.position import Position


class MemoryLog:
    """A ring with an epoch. ``follower`` is called after each append, with nothing: it reads what it wants.

    ``leeway`` is how many changes others may be ahead: none, where this process alone counts them.
    """

    def __init__(self, *, epoch: str, capacity: int, max_bytes: int, leeway: int = 0) -> None:
        self.epoch = epoch
        self.lagging = False
        """Whether others may be ahead, and it can't be known how far."""
        self.ring = Ring(capacity=capacity, max_bytes=max_bytes)
        self._leeway = leeway
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

    def awaits(self, offset: int) -> bool:
        """Whether a position beyond the top may be one that another replica has reached already."""
        return offset <= self.ring.top + self._leeway

    def reset(
        self,
        epoch: str,
        documents: dict[str, ApplicationStatus],
        *,
        top: int,
        history: Iterable[Dated] = (),
        dated_from: float | None = None,
    ) -> None:
        """Hold what is elsewhere: its epoch, its documents, and as much as there is of the changes that led there."""
        self.epoch = epoch
        self.documents = documents
        self.ring.reset(top, history, dated_from=dated_from)
        for follower in self._followers:
            follower()

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
