"""Deliveries that wait to be processed: read already, kept by another gateway, or somewhere in the database.

Pure: the ``runner`` fetches and processes them. Where there are too many for memory, or nobody knows which there are,
the database is asked, as after a crash.
"""

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from gateway.delivery.webhooks.sender import Reading

QUEUE = 2_000
"""Deliveries that wait in memory; what is beyond them waits in the database."""

Admitted: TypeAlias = tuple[int, float, Reading]
"""The number of a delivery, when it came, and what it says."""


class Backlog:
    """What waits. At first, nobody knows what is in the database."""

    def __init__(self) -> None:
        self._read: deque[Admitted] = deque()
        self._elsewhere: deque[int] = deque()
        self._behind, self._missed = True, False

    def __len__(self) -> int:
        return len(self._read)

    @property
    def waits(self) -> bool:
        """Whether there is, or may be, anything."""
        return bool(self._read or self._elsewhere or self._behind)

    @property
    def behind(self) -> bool:
        """Whether the database may have some that are in neither queue."""
        return self._behind

    def admit(self, admitted: Admitted) -> None:
        """Take a delivery that was kept here."""
        if self._behind or len(self._read) >= QUEUE:
            self.doubt()
        else:
            self._read.append(admitted)

    def look_for(self, identities: Iterable[int]) -> None:
        """Take the numbers of deliveries that other gateways have kept."""
        self._elsewhere.extend(identities)
        if len(self._elsewhere) > QUEUE:
            self._elsewhere.clear()
            self.doubt()

    def doubt(self) -> None:
        """Some may have been kept of which nobody told."""
        self._behind = self._missed = True

    def forget(self) -> None:
        """Another process processes them."""
        self._read.clear()
        self._elsewhere.clear()
        self.doubt()

    def take_read(self, limit: int) -> list[Admitted]:
        """Return some that are read."""
        return [self._read.popleft() for _ in range(min(len(self._read), limit))]

    def take_elsewhere(self, limit: int) -> list[int]:
        """Return the numbers of some that others have kept."""
        return [self._elsewhere.popleft() for _ in range(min(len(self._elsewhere), limit))]

    def begin_search(self) -> None:
        """The database is asked now; what is missed from here on needs another look."""
        self._missed = False

    def end_search(self, *, found: bool) -> None:
        """The database was asked; while it has some, it may have more."""
        self._behind = found or self._missed
