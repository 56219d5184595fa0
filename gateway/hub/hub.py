"""The hub: who subscribes to what, what they are sent, and when it is too much. Time and randomness are arguments.

The whole promise rests on one rule: everybody who is current stands at the hub's offset, and a tick moves the hub and
all of them together. Joins, resumes and those who lag end at the last tick, never inside one.
"""

from collections import Counter
from collections.abc import Callable

from gateway.hub.catchup import CatchUp
from gateway.hub.composer import Composer
from gateway.hub.feed import LIST_WORDING, Feed, History, Selection
from gateway.hub.frame import Form, Frame, event
from gateway.hub.limits import Limits
from gateway.hub.listing import Listing
from gateway.hub.subscriber import Ending, Link, Subscriber
from gateway.hub.view import View
from gateway.hub.views import OverloadedError, Views
from gateway.hub.wheel import Wheel
from gateway.model.position import Cursor
from gateway.model.upstream import Upstream

__all__ = ["TURN_LIMIT", "Hub", "Limits", "OverloadedError"]

AHEAD_LIMIT = 5.0
"""Seconds for which somebody waits whose cursor is further than this replica's log."""

TURN_LIMIT = 64
"""How many subscribers who are behind get something composed in one turn of the event loop."""


class Hub:
    """Fans feeds out: first of all the log of applications, and any that are added. ``jitter`` returns 0 ≤ x < 1."""

    def __init__(self, log: History, limits: Limits, *, now: float, jitter: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``join_new``, ``join_resumed``, ``delivery``, ``lagged``, ``end_slow``, …"""
        self.draining = False
        self.gathered = 0
        """How many documents the last tick changed."""
        self._awaiting: list[Callable[[float], None]] = []
        self._unplaced: dict[Subscriber, Cursor] = {}
        """Those who came with a cursor before there was a state."""
        self._feed = Feed(log, LIST_WORDING)
        self.feeds = [self._feed]
        """First that of all applications, then those that were added."""
        self._limits = limits
        self._jitter = jitter
        self._composer = Composer(jitter=jitter)
        self._catch_up = CatchUp(self._composer, self.counts, leave=self.leave)
        self._views = Views(limits)
        self._members: dict[Subscriber, View] = {}
        self._wheel = Wheel(now)

    def __repr__(self) -> str:
        return f"<Hub of {self.feeds}: {len(self._members)} subscribers, {len(self._views)} views>"

    def __len__(self) -> int:
        return len(self._members)

    def has(self, subscriber: Subscriber) -> bool:
        """Whether somebody is still here."""
        return subscriber in self._members

    @property
    def upstream(self) -> Upstream | None:
        """How upstream is, as far as anybody has said."""
        return self._catch_up.upstream

    @property
    def published(self) -> bool:
        """Whether there is a state to show; until then subscribers wait."""
        return self._catch_up.published

    @property
    def views(self) -> int:
        """How many views there are."""
        return len(self._views)

    @property
    def full(self) -> bool:
        """Whether there is no room for another subscriber."""
        return len(self._members) >= self._limits.max_subscribers

    def add_feed(self, feed: Feed) -> None:
        """Fan out another feed, too."""
        self.feeds.append(feed)

    def expect_room(self, selection: Selection) -> None:
        """Raise OverloadedError unless a subscriber with this selection could join now."""
        if self.full:
            raise OverloadedError("subscribers")
        if not self._views.has_room_for(selection):
            raise OverloadedError("views")

    def retry_ms(self) -> int:
        """Return how many milliseconds a client shall wait before it comes back; another for each."""
        return self._composer.retry_ms()

    @property
    def lagging(self) -> int:
        """How many subscribers are behind."""
        return sum(len(view.behind) for view in self._views.lagging)

    @property
    def behind(self) -> bool:
        """Whether a turn may find something to do."""
        return self._views.is_any_behind()

    # Reading.

    def look(self, selection: Selection, now: float) -> tuple[View, Listing]:
        """Return a view and its applications, as of the last tick. Raises OverloadedError."""
        view = self._views.find(selection, self._feed, now)
        return view, view.list_documents()

    # Coming and going.

    def join(
        self,
        selection: Selection,
        *,
        link: Link,
        form: Form,
        cursor: Cursor | None,
        had_cursor: bool,
        now: float,
        feed: Feed | None = None,
        expires_at: float | None = None,
        preface: bytes = b"",
    ) -> Subscriber:
        """Take a subscriber, who resumes from ``cursor`` if that can be proved to lead somewhere.

        ``had_cursor`` says that the client sent one, even if it is none of ours. Without a ``feed`` it is that of all
        applications. ``expires_at`` is when what let it in ends, ``preface`` what goes before the stream. Raises
        OverloadedError.
        """
        self.expect_room(selection)
        view = self._views.find(selection, feed or self._feed, now)
        reason = "epoch" if had_cursor else "new"
        traffic = view.feed.traffic
        subscriber = Subscriber(
            traffic,
            link=link,
            form=form,
            offset=None,
            reason=reason,
            now=now,
            slice_bytes=self._limits.slice_bytes,
            preface=preface,
        )
        self._members[subscriber] = view
        view.welcome(subscriber)
        leaves_at = now + self._limits.stream_lifetime * (0.8 + 0.2 * self._jitter())
        self._wheel.put(subscriber, leaves_at, expires_at=expires_at)
        if self.published or cursor is None:
            self._catch_up.place(view, subscriber, cursor)
        else:
            # What a cursor is worth shows when there is a state.
            self._unplaced[subscriber] = cursor
        self._catch_up.serve(view, subscriber, now)
        return subscriber

    def transfer(self, subscriber: Subscriber, selection: Selection, now: float) -> None:
        """Let a subscriber see something else of the same feed from now on. Raises OverloadedError.

        What it no longer may see is removed by a delta, what is new comes whole. Whoever hasn't taken yet what was
        written of the old is cut off: that may be what it may no longer see.
        """
        if (old := self._members.get(subscriber)) is None or old.selection.canonical == selection.canonical:
            return
        view = self._views.find(selection, old.feed, now)
        if subscriber.served and subscriber.waits:
            self.cut(subscriber, now, "moved")
            return
        if old.is_current(subscriber):
            old.fall_behind(subscriber, old.offset, now)
        old.discard(subscriber)
        old.used_at = now
        view.welcome(subscriber)
        self._members[subscriber] = view
        subscriber.move(old.selection, view.selection)
        if subscriber.served:
            self.counts["moved"] += 1
            self._catch_up.serve(view, subscriber, now)

    def expire_at(self, subscriber: Subscriber, at: float | None) -> None:
        """Let a subscriber's stream end when what let it in does, if that is before its time."""
        self._wheel.expire(subscriber, at)

    def cut(self, subscriber: Subscriber, now: float, why: str) -> None:
        """End a connection at once, without a goodbye."""
        if subscriber in self._members:
            self.counts[f"end_{why}"] += 1
            subscriber.link.abort()
            self.leave(subscriber, now)

    def leave(self, subscriber: Subscriber, now: float) -> None:
        """Forget a subscriber whose connection is over."""
        view = self._members.pop(subscriber, None)
        if view is not None:
            view.discard(subscriber)
            view.used_at = now
            self._wheel.discard(subscriber)
            self._unplaced.pop(subscriber, None)

    def end(self, subscriber: Subscriber, why: Ending, now: float) -> None:
        """Say goodbye, as soon as what is being written is written."""
        if (view := self._members.get(subscriber)) is not None:
            self._catch_up.end(view, subscriber, why, now)

    def end_all(self, now: float) -> None:
        """Say goodbye to everyone at once."""
        for subscriber in list(self._members):
            self.end(subscriber, Ending.DRAIN, now)

    def drain(self, spread: float) -> None:
        """Let everyone leave, spread evenly over some seconds."""
        self.draining = True
        self._wheel.spread(self._members, spread)

    # Moving on.

    def publish(self, now: float) -> None:
        """There is a state to show from now on, if only of no applications at all."""
        if not self.published:
            self._catch_up.published = True
            awaiting, self._awaiting = self._awaiting, []
            for call in awaiting:
                call(now)
            self.tick(now)
            unplaced, self._unplaced = self._unplaced, {}
            for subscriber, cursor in unplaced.items():
                self._catch_up.place(self._members[subscriber], subscriber, cursor)

    def await_state(self, call: Callable[[float], None]) -> None:
        """Have a function called with the time when there is a state, before anybody is served."""
        self._awaiting.append(call)

    def announce(self, upstream: Upstream, now: float) -> None:
        """Take upstream's state; tell everyone at once if it is another."""
        known, self._catch_up.upstream = self.upstream, upstream
        if known is None or known.verdict != upstream.verdict:
            for view in self._views.values():
                self._catch_up.send_heartbeat(view, now)

    def tick(self, now: float) -> int:
        """Send what changed since the last tick, one frame for each view; return how many were sent one."""
        sent = self.gathered = 0
        for feed in self.feeds:
            if not feed.moved:
                continue
            standing, epoch = feed.offset, feed.epoch
            if (changes := feed.advance()) is None:
                for view in self._views.of(feed):
                    view.leap(standing, now, anew=feed.epoch != epoch)
            else:
                self.gathered += len(changes)
                for view, concerned in self._views.touched(feed, changes):
                    sent += view.tick(concerned, standing, now)
        self.counts["delivery"] += sent
        return sent

    def tell(self, key: str, name: str, data: object, now: float) -> None:
        """Send an event about an application to everyone current who sees it; it moves no cursor and isn't repeated."""
        for view in self._views.seeing(self._feed, key):
            self._feed.traffic.frames["event"] += 1
            view.broadcast(Frame(event(name, data)), now)

    def turn(self, now: float) -> None:
        """Go on with those who are behind, as many as one turn allows, the furthest behind first."""
        composed = 0
        behind = (
            (view, subscriber)
            for view in self._views.lagging
            for subscriber in view.behind
            if not subscriber.link.writing_paused
        )
        for view, subscriber in sorted(behind, key=lambda pair: pair[1].offset or 0):
            composed += self._catch_up.serve(view, subscriber, now)
            if composed >= TURN_LIMIT:
                break

    def beat(self, now: float) -> None:
        """Do what is due each second: lifetimes, heartbeats after silence, the slow, and views that nobody uses."""
        for subscriber, why in self._wheel.turn(now):
            self.end(subscriber, Ending.DRAIN if self.draining and why is Ending.LIFETIME else why, now)
        self._composer.bound_caches(self._views.values())
        self._views.expire(now)
        for view in self._views.values():
            if now - view.sent_at >= self._limits.heartbeat:
                self._catch_up.send_heartbeat(view, now)
            for subscriber in list(view.behind):
                if subscriber.looks_stuck(now, self._limits.slow_limit) and subscriber.link.writing_paused:
                    self.cut(subscriber, now, "slow")
                elif self._catch_up.is_ahead(view, subscriber) and now - subscriber.joined_at >= AHEAD_LIMIT:
                    self._catch_up.give_up_waiting(view, subscriber, now)
