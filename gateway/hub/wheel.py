"""When streams end: one wheel of seconds for all, instead of a timer for each."""

from collections.abc import Collection, Iterator

from gateway.hub.subscriber import Ending, Subscriber


class Wheel:
    """Holds subscribers by the second in which they are due."""

    def __init__(self, now: float) -> None:
        self._due: dict[int, dict[Subscriber, None]] = {}
        self._next = int(now)
        """The first second that hasn't been turned to."""

    def put(self, subscriber: Subscriber, at: float, *, expires_at: float | None = None) -> None:
        """Let a subscriber's time be over then, or when what let it in ends, if that is before."""
        subscriber.leaves, subscriber.expires_at = int(at), expires_at
        self._put(subscriber)

    def spread(self, subscribers: Collection[Subscriber], over: float) -> None:
        """Let subscribers be due over so many seconds from now on, in each as many as in any other, or sooner."""
        seconds = max(1, int(over))
        for place, subscriber in enumerate(subscribers):
            second = self._next + place * seconds // len(subscribers)
            if second < subscriber.leaves:
                self.put(subscriber, second, expires_at=subscriber.expires_at)

    def expire(self, subscriber: Subscriber, at: float | None) -> None:
        """Let a subscriber be due when what let it in ends, if that is before its time. The last word counts."""
        subscriber.expires_at = at
        self._put(subscriber)

    def _put(self, subscriber: Subscriber) -> None:
        self.discard(subscriber)
        expires_at = subscriber.expires_at
        second = subscriber.leaves if expires_at is None else min(subscriber.leaves, int(expires_at))
        subscriber.due = max(second, self._next)
        self._due.setdefault(subscriber.due, {})[subscriber] = None

    def discard(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        if (due := self._due.get(subscriber.due)) is not None:
            due.pop(subscriber, None)

    def turn(self, now: float) -> Iterator[tuple[Subscriber, Ending]]:
        """Take out those who are due, each with why its stream ends if nothing else is going on."""
        for second in range(self._next, int(now) + 1):
            for subscriber in self._due.pop(second, ()):
                expires_at = subscriber.expires_at
                expired = expires_at is not None and int(expires_at) <= second
                yield subscriber, Ending.EXPIRED if expired else Ending.LIFETIME
        self._next = int(now) + 1
