"""The history as a bounded sequence, by entries and by bytes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gateway.model.delta import Change

_ENTRY_OVERHEAD = 200
"""Bytes that an entry costs beside its document, about."""


class Dated(NamedTuple):
    """A change with its offset, and when it came (Unix time)."""

    offset: int
    at: float
    change: Change


class Ring:
    """The last changes, in order. The entry at offset n leads from position n - 1 to position n."""

    def __init__(self, *, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._entries: dict[int, tuple[Change, int, float | None]] = {}
        """Each entry by its offset, with its size and time; what is trimmed is gone from memory, too."""
        self._bytes = 0
        self._encoder = msgspec.json.Encoder()
        self.top = 0
        """The offset of the newest entry, and the position behind it."""
        self.dated_from: float | None = None
        """The moment after which every change is here, dated (Unix time); None before there is any news."""

    def __repr__(self) -> str:
        return f"<Ring ({self.trimmed}, {self.top}], {self._bytes} bytes>"

    @property
    def trimmed(self) -> int:
        """The oldest position from which the history is whole."""
        return self.top - len(self._entries)

    def append(self, changes: Iterable[Change], *, at: float | None = None) -> None:
        """Add changes that came at a moment, dropping the oldest beyond the bounds.

        Without a moment they are no news: what there was when the gateway began to look. Moments never go back.
        """
        for change in changes:
            size = len(self._encoder.encode(change.after or change.before)) + _ENTRY_OVERHEAD
            self.top += 1
            self._entries[self.top] = (change, size, at)
            self._bytes += size
        while len(self._entries) > self._capacity or self._bytes > self._max_bytes:
            _, size, dropped_at = self._entries.pop(self.trimmed + 1)
            self._bytes -= size
            if dropped_at is not None:
                self.dated_from = dropped_at

    def reset(self, top: int, history: Iterable[Dated] = (), *, dated_from: float | None = None) -> None:
        """Begin anew at an offset, with the changes that lead there without a gap."""
        self._entries.clear()
        self._bytes = 0
        history = list(history)
        self.top = top - len(history)
        self.dated_from = dated_from
        for offset, at, change in history:
            assert offset == self.top + 1
            self.append([change], at=at)
        assert self.top == top

    def between(self, after: int, upto: int) -> Sequence[Change]:
        """Return the changes that lead from one position to another.

        Raises LookupError if the first was trimmed, or the second isn't reached yet.
        """
        if not self.trimmed <= after <= upto <= self.top:
            raise LookupError(f"({after}, {upto}] is not within {self!r}")
        return [self._entries[offset][0] for offset in range(after + 1, upto + 1)]

    def news(self, since: float) -> Iterator[Dated]:
        """Return the changes that came at a moment or later, newest first."""
        for offset in range(self.top, self.trimmed, -1):
            change, _, at = self._entries[offset]
            if at is None or at < since:
                return
            yield Dated(offset, at, change)
