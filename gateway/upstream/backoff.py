"""How long to wait before the next attempt. Randomness is an argument."""

from collections.abc import Callable


class Backoff:
    """Delays that double from ``first`` to ``ceiling`` seconds.

    With ``jitter`` (a function returning 0 ≤ x < 1) each is drawn from zero to the current step, so that gateways which
    lost the same Argo CD don't come back together.
    """

    def __init__(self, *, first: float, ceiling: float, jitter: Callable[[], float] | None = None) -> None:
        self._first = first
        self._ceiling = max(first, ceiling)
        self._jitter = jitter
        self._step = first

    def draw(self) -> float:
        """Return the next delay in seconds."""
        step, self._step = self._step, min(self._step * 2, self._ceiling)
        return step if self._jitter is None else step * self._jitter()

    def reset(self) -> None:
        """Begin again with the first delay: an attempt succeeded."""
        self._step = self._first
