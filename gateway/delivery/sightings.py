"""What Argo CD showed and nobody has looked at yet. Pure.

While the database is away nobody knows what was remembered, so there is nothing to compare with. What becomes too much
by then isn't kept one by one: how everything is in the end tells the same, but for what came and went in between.
"""

from collections import deque
from collections.abc import Callable, Iterable

from gateway.model.application import Observed
from gateway.store.state import Sighting

KEPT = 20_000
"""Sightings that wait one by one until somebody looks at them."""


class Sightings:
    """Those that wait, the oldest first. ``shown`` returns all applications as they are now."""

    def __init__(self, shown: Callable[[], Iterable[Observed]]) -> None:
        self._shown = shown
        self._waiting: deque[Sighting] = deque()
        self._watched = self._lost = False
        self._rewound: Sighting | None = None
        """The last that said that versions went back: nothing that is shown now tells that."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, sightings: Iterable[Sighting]) -> None:
        """Argo CD showed something."""
        for sighting in sightings:
            if sighting.observed is None:
                self._rewound = sighting
            if not self._lost:
                self._waiting.append(sighting)
        if len(self._waiting) > KEPT and not self._watched:
            self._lost = True
            self._waiting.clear()

    def look_around(self, now: float) -> None:
        """What was shown before was another's to see; what it didn't keep is found in what is there now."""
        self._waiting.extend(Sighting(observed, now, False) for observed in self._shown())

    def begin(self, now: float) -> None:
        """Somebody looks at them from now on."""
        self._watched = True
        if self._lost:
            self._lost = False
            if self._rewound is not None:
                self._waiting.append(self._rewound)
            self.look_around(now)

    def take(self) -> Sighting:
        """Return the oldest. Raises IndexError if there is none."""
        return self._waiting.popleft()

    def forget(self) -> None:
        """Another looks at them."""
        self._waiting.clear()
        self._watched = self._lost = False
        self._rewound = None
