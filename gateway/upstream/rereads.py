"""Applications to be read again, each on its own, because somebody says that they changed: Argo CD's notifications.

The stream usually brings the same a moment later or has brought it, so that what a reading brings was missed only if
the stream doesn't announce it either.
"""

PATIENCE = 0.3
"""Seconds for the stream to bring the change itself; several notifications of one change come within them, too."""

GRACE = 5.0
"""Seconds after which what no stream has announced was missed."""

AT_ONCE = 4
"""Readings that may be under way at once."""

WAITING = 1_000
"""Applications that may wait to be read; beyond them a reconcile is the better reading."""


class Rereads:
    """Which applications to read when, and what came of it. Times are Unix seconds."""

    def __init__(self) -> None:
        self._wanted: dict[str, float] = {}
        self._found: dict[str, tuple[int, float]] = {}

    def told(self, key: str, now: float) -> bool:
        """Somebody says that an application changed; return whether it will be read."""
        if key not in self._wanted and len(self._wanted) >= WAITING:
            return False
        self._wanted.setdefault(key, now + PATIENCE)
        return True

    def take_due(self, now: float, *, under_way: int) -> list[str]:
        """Return the applications to read now."""
        room = max(0, AT_ONCE - under_way)
        due = [key for key, at in self._wanted.items() if at <= now][:room]
        for key in due:
            del self._wanted[key]
        return due

    def found(self, key: str, version: int, now: float) -> None:
        """A reading brought a change."""
        self._found[key] = (version, now + GRACE)

    def announced(self, key: str, version: int) -> None:
        """A stream announced this version after all."""
        if key in self._found and self._found[key][0] <= version:
            del self._found[key]

    def take_missed(self, now: float) -> list[str]:
        """Return the applications whose change no stream has announced in time."""
        missed = sorted(key for key, (_, at) in self._found.items() if at <= now)
        for key in missed:
            del self._found[key]
        return missed

    def moments(self, *, under_way: int) -> list[float]:
        """Return when there is something to do."""
        wanted = list(self._wanted.values()) if under_way < AT_ONCE else []
        return wanted + [at for _, at in self._found.values()]

    def forget(self) -> None:
        """Everything is read anew."""
        self._wanted.clear()
        self._found.clear()
