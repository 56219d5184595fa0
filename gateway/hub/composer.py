"""Leading a subscriber from where it stands to where its view stands: a snapshot, or a computed delta."""

from collections.abc import Callable, Iterable

from gateway.hub.frame import Frame, opening, private, retry
from gateway.hub.listing import Listing
from gateway.hub.subscriber import Subscriber
from gateway.hub.view import View
from gateway.model.position import Cursor, Position
from gateway.model.upstream import Upstream

REMAKE_FRACTION = 0.25
"""The part of a snapshot's size that a delta may reach before a snapshot is sent, or made, instead."""

CACHE_LIMIT = 256 * 1024 * 1024
"""Bytes that the cached snapshots of all views may take."""

RETRY_MS = (1_000, 4_000)
"""Between these many milliseconds a client is told to wait before it reconnects."""

RETRY_STEP_MS = 100
"""Milliseconds between two such waits: so few different ones that what begins with one is made once for many."""

MOST_BEGINNINGS = 128
"""Beginnings of a snapshot that are kept."""


class Composer:
    """Puts together what one subscriber needs, of parts that are made once for all. ``jitter`` returns 0 ≤ x < 1."""

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        self._jitter = jitter

    def retry_ms(self) -> int:
        """Return how long a client shall wait before it reconnects, for each as the dice say."""
        low, high = RETRY_MS
        return low + RETRY_STEP_MS * int((high - low) // RETRY_STEP_MS * self._jitter())

    def inform(self, view: View, subscriber: Subscriber, upstream: Upstream | None, now: float) -> None:
        """Tell a subscriber how upstream is; one who was served must stand where its view stands."""
        if not subscriber.started:
            subscriber.put_private(retry(self.retry_ms()))
        subscriber.put(view.heartbeat(upstream, now, published=subscriber.served))
        subscriber.informed = True

    def compose(self, view: View, subscriber: Subscriber, upstream: Upstream | None, now: float) -> None:
        """Give a subscriber all that leads to where its view stands, and upstream's state behind it."""
        first = not subscriber.served
        opens = b"" if subscriber.started else retry(self.retry_ms())
        body = self._delta(view, subscriber, first=first)
        if subscriber.offset is None:
            body = self._put_snapshot(view, subscriber, opens)
            opens, first = b"", False
        if first:
            head = opens + opening("delta", cursor=view.cursor) + b'{"reason":"resumed",'
            subscriber.put_private(head if body is not None else head + view.feed.wording.unchanged)
        elif body is not None:
            subscriber.put_private(opening("delta", cursor=view.cursor) + b"{")
        if body is not None:
            subscriber.put(body)
        subscriber.stand_at(view.offset)
        self.inform(view, subscriber, upstream, now)

    def snapshot(self, view: View) -> tuple[Listing, Frame | None]:
        """Return the cached listing, and the delta since; a new listing where that delta has outgrown it."""
        listing = view.listing
        if listing is not None:
            try:
                body = view.catch_up(listing.offset)
            except LookupError:
                pass
            else:
                small = body is not None and len(body.plain) <= REMAKE_FRACTION * len(listing.frame.plain)
                if body is None or (small and view.feed.wording.patches):
                    return listing, body
        return view.list_documents(), None

    def bound_caches(self, views: Iterable[View]) -> None:
        """Drop the snapshots that were used longest ago, beyond what all may take."""
        cached = sorted((view for view in views if view.listing is not None), key=lambda view: view.used_at)
        total = sum(view.cost for view in cached)
        for view in cached:
            if total <= CACHE_LIMIT:
                break
            total -= view.cost
            view.listing = None

    def _delta(self, view: View, subscriber: Subscriber, *, first: bool) -> Frame | None:
        """Return the delta from where a subscriber stands; where a snapshot serves it better, it stands nowhere."""
        if subscriber.offset is None:
            return None
        seen, subscriber.seeing = subscriber.seeing, None
        try:
            body = view.catch_up(subscriber.offset) if seen is None else view.cross(seen, subscriber.offset)
        except LookupError:
            subscriber.start_over("view" if seen is not None else "trimmed" if first else "lagged")
            return None
        if body is None or first or seen is not None or view.listing is None:
            return body
        if len(body.plain) > REMAKE_FRACTION * len(view.listing.frame.plain):
            if view.listing.offset < subscriber.offset:
                view.listing = None  # Older than what the subscriber has: ids never lead back.
            subscriber.start_over("lagged")
            return None
        return body

    def _put_snapshot(self, view: View, subscriber: Subscriber, opens: bytes) -> Frame | None:
        """Send a snapshot; return the delta that must follow it."""
        listing, body = self.snapshot(view)
        key = (subscriber.form, opens, subscriber.reason)
        if (beginning := listing.beginnings.get(key)) is None:
            if len(listing.beginnings) >= MOST_BEGINNINGS:
                listing.beginnings.clear()
            position = Position(view.epoch, listing.offset)
            head = f'{{"reason":"{subscriber.reason}","position":"{position}",'.encode()
            data = opens + opening("snapshot", cursor=str(Cursor(position, view.id))) + head
            beginning = listing.beginnings[key] = private(data, subscriber.form, first=not subscriber.started)
        subscriber.put_framed(beginning)
        subscriber.put(listing.frame)
        return body
