"""When streams end: one wheel of seconds for all, instead of a timer for each."""

from collections.abc import Collection, Iterator

from gateway.hub.subscriber import Ending, Subscriber


class Wheel:
    """Holds subscribers by the second in which they are due."""

    def __init__(self, now: float) -> None:
        self._due: dict[int, dict[Subscriber, None]] = {}
        self._next = int(now)
        """The first second that hasn't been turned to."""

    def put(self, subscriber: Subscriber, at: float) -> None:
        """Let a subscriber be due at a time, and at no other."""
        self._put(subscriber, max(int(at), self._next))

    def spread(self, subscribers: Collection[Subscriber], over: float) -> None:
        """Let subscribers be due over so many seconds from now on, in each as many as in any other, or sooner."""
        seconds = max(1, int(over))
        for place, subscriber in enumerate(subscribers):
            second = self._next + place * seconds // len(subscribers)
            if second < subscriber.due:
                self._put(subscriber, second)

    def _put(self, subscriber: Subscriber, second: int) -> None:
        self.discard(subscriber)
        subscriber.due = second
        self._due.setdefault(second, {})[subscriber] = None

    def hasten(self, subscriber: Subscriber, at: float | None) -> None:
        """Let a subscriber be due when what let it in ends, if that is before its time."""
        subscriber.expires_at = at
        if at is not None and at < subscriber.due:
            self.put(subscriber, at)

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
