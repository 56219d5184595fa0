"""When something is due, by key; what is next is found without a look at all.

Pure: time is an argument.
"""

from heapq import heapify, heappop, heappush

SPARE = 64
"""Entries of the heap that may be out of date, besides as many as are good, before it is made anew."""


class Agenda:
    """Moments, one for each key, in a heap; what was put off or taken back stays in it until its turn comes."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._moments)

    def __repr__(self) -> str:
        return f"<Agenda of {len(self)}>"

    def put(self, key: str, at: float) -> None:
        """Let a key be due at a moment, and at no other."""
        if self._moments.get(key) == at:
            return
        self._moments[key] = at
        heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._moments) + SPARE:
            self._heap = [(moment, each) for each, moment in self._moments.items()]
            heapify(self._heap)

    def discard(self, key: str) -> None:
        """Let a key never be due."""
        self._moments.pop(key, None)

    def next(self) -> float | None:
        """Return when the next key is due; None where there is none."""
        heap = self._heap
        while heap and self._moments.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def take(self, now: float) -> list[str]:
        """Take out the keys that are due, the longest due first."""
        taken = []
        while (at := self.next()) is not None and at <= now:
            _, key = heappop(self._heap)
            del self._moments[key]
            taken.append(key)
        return taken
