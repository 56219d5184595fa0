"""One part of a detail that has to be asked for: when to ask, whether the answer is out, how complete it is."""

from collections.abc import Callable

from gateway.upstream.backoff import Backoff

RETRY = (2.0, 60.0)
"""Seconds until a part that failed is asked for again: at first, and in the end."""


class Part:
    """A part, asked for one request at a time. ``jitter`` returns 0 ≤ x < 1."""

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        self.reason: str | None = None
        """Why the last request failed; None if it didn't."""
        self.known = False
        """Whether there was ever an answer."""
        self.due: float | None = None
        """When to ask; None while there is no need."""
        self.request: int | None = None
        self._backoff = Backoff(first=RETRY[0], ceiling=RETRY[1])
        self._jitter = jitter

    def __repr__(self) -> str:
        return f"<Part {self.show()}, due {self.due}, request {self.request}>"

    def want(self, at: float) -> None:
        """Ask at this time, or earlier if that was planned; a retry that waits isn't hurried."""
        if self.reason is None or self.due is None:
            self.due = at if self.due is None else min(self.due, at)

    def asks(self, now: float) -> bool:
        """Whether to ask now."""
        return self.request is None and self.due is not None and self.due <= now

    def begin(self, request: int) -> None:
        """A request is under way."""
        self.request, self.due = request, None

    def succeed(self) -> None:
        """The part is known as of now."""
        self.request, self.reason, self.known = None, None, True
        self._backoff.reset()

    def confirm(self) -> None:
        """The part came another way: nothing need be asked, and an answer that is on its way does no harm."""
        self.due, self.reason, self.known = None, None, True
        self._backoff.reset()

    def fail(self, reason: str, now: float) -> bool:
        """A request failed: ask again later. Return whether that is news."""
        news, self.reason, self.request = self.reason != reason, reason, None
        # Between half of a step and all of it: never at once, and never all together.
        self.due = now + self._backoff.draw() * (0.5 + 0.5 * self._jitter())
        return news

    def show(self) -> dict[str, str]:
        """Return how complete the part is, in wire form."""
        if self.reason is not None:
            return {"state": "failed", "reason": self.reason}
        return {"state": "ready" if self.known else "loading"}
