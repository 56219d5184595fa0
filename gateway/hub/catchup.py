"""Catching up: leading a subscriber, as far as its connection takes it, to where its view stands.

Whoever stands there is told how upstream is and becomes current. Whoever can't be led there waits, is given a snapshot,
or is told goodbye.
"""

from collections import Counter
from collections.abc import Callable

from gateway.hub.composer import Composer
from gateway.hub.frame import event, retry
from gateway.hub.subscriber import Ending, Subscriber
from gateway.hub.view import View
from gateway.model.position import Cursor
from gateway.model.upstream import Upstream


class CatchUp:
    """Leads those who are behind. ``leave`` is called with whoever was told goodbye, and the time."""

    def __init__(self, composer: Composer, counts: Counter[str], *, leave: Callable[[Subscriber, float], None]) -> None:
        self.upstream: Upstream | None = None
        """How upstream is, as far as anybody has said."""
        self.published = False
        """Whether there is a state to show; until then subscribers wait."""
        self._composer = composer
        self._counts = counts
        self._leave = leave

    def place(self, view: View, subscriber: Subscriber, cursor: Cursor | None) -> None:
        """Let a subscriber go on from its cursor, if that can be proved to lead somewhere."""
        if subscriber.reason != "new":
            subscriber.begin_at(*view.resume(cursor))
        self._counts["join_resumed" if subscriber.resumed else f"join_{subscriber.reason}"] += 1

    def serve(self, view: View, subscriber: Subscriber, now: float) -> bool:
        """Bring a subscriber closer to its view; return whether something had to be composed for it."""
        composed = False
        while subscriber.pump(now):
            if subscriber.ending is not None:
                self._say_goodbye(subscriber, now)
                return composed
            waiting = not self.published or (subscriber.offset or 0) > view.offset
            current = subscriber.served and subscriber.offset == view.offset and subscriber.seeing is None
            if (waiting or current) and not subscriber.informed:
                self._composer.inform(view, subscriber, self.upstream, now)
            elif waiting:
                return composed
            elif current:
                view.catch_on(subscriber)
                return composed
            else:
                self._counts["lagged"] += subscriber.served and subscriber.seeing is None
                self._composer.compose(view, subscriber, self.upstream, now)
                composed = True
        return composed

    def is_ahead(self, view: View, subscriber: Subscriber) -> bool:
        """Whether a subscriber came with a cursor that is further than this replica's log."""
        return self.published and not subscriber.served and (subscriber.offset or 0) > view.offset

    def give_up_waiting(self, view: View, subscriber: Subscriber, now: float) -> None:
        """Let somebody go who is further than this replica; if that is further than anybody, it is nowhere."""
        if view.feed.log.lagging:
            # A snapshot would lead back: another replica, or this one later, can do better.
            self.end(view, subscriber, Ending.BEHIND, now)
        else:
            subscriber.start_over("epoch")
            self.serve(view, subscriber, now)

    def end(self, view: View, subscriber: Subscriber, why: Ending, now: float) -> None:
        """Say goodbye, as soon as what is being written is written."""
        if subscriber.ending is not None:
            return
        subscriber.ending = why
        if view.is_current(subscriber):
            view.fall_behind(subscriber, view.offset, now)
        self.serve(view, subscriber, now)

    def send_heartbeat(self, view: View, now: float) -> None:
        """Send a heartbeat to all of a view who can take one: those who are current, and those who wait for a state.

        Whose state is there gets that first: "live" would be said of nothing.
        """
        view.broadcast(view.heartbeat(self.upstream, now, published=self.published), now)
        for subscriber in view.behind:
            subscriber.informed = False
            waits = not self.published or self.is_ahead(view, subscriber)
            if waits and not subscriber.served and subscriber.pump(now):
                self._composer.inform(view, subscriber, self.upstream, now)
                subscriber.pump(now)

    def _say_goodbye(self, subscriber: Subscriber, now: float) -> None:
        assert subscriber.ending is not None
        wait = self._composer.retry_ms()
        goodbye = event("goodbye", {"reason": subscriber.ending.value, "retryMs": wait})
        subscriber.put_private(retry(wait) + goodbye)
        subscriber.finish()
        self._counts[f"end_{subscriber.ending.value}"] += 1
        self._leave(subscriber, now)
