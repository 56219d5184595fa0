"""A view: a canonical selection, and everything made once for those who share it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.hub.checksum import Checksum
from gateway.hub.feed import Feed, Selection, show_of
from gateway.hub.frame import Chain, Form, Frame, event, opening
from gateway.hub.limits import SLICE
from gateway.hub.listing import Listing
from gateway.hub.subscriber import Offer, Subscriber
from gateway.model.position import Cursor, Position
from gateway.model.upstream import Upstream, rfc3339

CHAIN_PATIENCE = 8
"""Frames after which a new chain begins, if somebody has come since."""

_CHAINED = len(Form)


class View:
    """What one selection shows of a feed, and its subscribers.

    Everything here is as of ``offset``, the hub's last tick. ``lagging`` gets the view when anybody falls behind. What
    is larger than ``slice_bytes`` goes out in slices.
    """

    def __init__(
        self, selection: Selection, feed: Feed, *, now: float, lagging: "dict[View, None]", slice_bytes: int = SLICE
    ) -> None:
        self.selection = selection
        self.feed = feed
        self.sees = selection.sees
        self.covers = selection.covers
        self.show = selection.show
        self.id = selection.view_id
        self._wording = feed.wording
        self._slice = slice_bytes
        self.current: tuple[dict[Subscriber, Offer], ...] = (*({} for _ in Form), {})
        """Who is current, with how to send it something: by form, and last those who take gzip and were there when the
        chain began. A broadcast looks at nothing else: thousands of subscribers don't fit into a processor's cache."""
        self.behind: dict[Subscriber, None] = {}
        """Who isn't, in the order in which they fell behind."""
        self._lagging = lagging
        self.checksum = Checksum()
        """Of everything that was broadcast."""
        self.sent_at = now
        self.used_at = now
        self.listing: Listing | None = None
        self._chain: Chain | None = None
        self._ways: dict[tuple[str, int], Frame | None] = {}
        """The deltas that lead to an offset, by what was seen before, and until which offset."""
        self._ways_to = feed.offset
        self._heartbeat: tuple[tuple[int, Upstream | None, int], Frame] | None = None

    def __repr__(self) -> str:
        current = sum(map(len, self.current))
        return f"<View {self.id} at {self.offset}: {current} current, {len(self.behind)} behind>"

    @property
    def position(self) -> Position:
        """Where the view stands."""
        return Position(self.epoch, self.offset)

    @property
    def cursor(self) -> str:
        """The id of an event that leads here."""
        return str(Cursor(self.position, self.id))

    @property
    def idle(self) -> bool:
        """Whether nobody subscribes."""
        return not self.behind and not any(self.current)

    @property
    def cost(self) -> int:
        """The bytes that the view's cached snapshot takes."""
        return self.listing.frame.cost if self.listing else 0

    @property
    def epoch(self) -> str:
        """The time in which the offset can be trusted."""
        return self.feed.epoch

    @property
    def offset(self) -> int:
        """Where the feed stands: the hub's last tick."""
        return self.feed.offset

    # Moving on.

    def resume(self, cursor: Cursor | None) -> tuple[int | None, str]:
        """Return the offset to go on from, or None with the reason for a snapshot."""
        if cursor is None:
            return None, "epoch"
        position, log = cursor.position, self.feed.log
        ring = log.ring
        if position.epoch != log.epoch or (position.offset > ring.top and not log.awaits(position.offset)):
            return None, "epoch"
        if cursor.view != self.id:
            return None, "view"
        if position.offset < ring.trimmed:
            return None, "trimmed"
        # Of an epoch that this view has yet to reach, no delta leads there: the tick that does will send a snapshot.
        return (position.offset, "resumed") if self.epoch == log.epoch else (None, "epoch")

    def tick(self, changes: Sequence[Any], standing: int, now: float) -> int:
        """Send what net changes mean here to those who stood before them; return how many were sent it."""
        if not any(self.current) or (body := self._tell(changes)) is None:
            return 0
        frame = self._made("delta", opening("delta", cursor=self.cursor) + b"{" + body)
        return self.broadcast(frame, now, standing=standing)

    def leap(self, standing: int, now: float, *, anew: bool = False) -> None:
        """Be where no history leads: everyone who is current falls behind, and stands where they stood.

        Where another epoch begins ``anew``, what anybody stands at counts for nothing.
        """
        for members in self.current:
            for subscriber in members:
                subscriber.stay(standing, self.checksum, now)
            self.welcome(*members)
            members.clear()
        self.listing = self._heartbeat = None
        self._ways.clear()
        if anew:
            for subscriber in self.behind:
                if subscriber.offset is not None:
                    subscriber.start_over("epoch")

    def broadcast(self, frame: Frame, now: float, *, standing: int | None = None) -> int:
        """Write a frame to everyone who is current; who can't take it falls behind at ``standing``.

        What is large goes out in slices, during which its subscribers aren't current.
        """
        stuck: list[Subscriber] = []
        sliced: list[Subscriber] = []
        sent = 0
        chain = self._tend_chain(frame)
        for group, members in enumerate(self.current):
            if not members:
                continue
            if chain is not None and group == _CHAINED:
                data = chain.gzipped(frame)
            else:
                data = frame.within(Form(min(group, Form.GZIP)))
            if len(data) > self._slice:
                for subscriber in members:
                    if subscriber.link.writing_paused:
                        stuck.append(subscriber)
                    elif not subscriber.link.is_closing():
                        sliced.append(subscriber)
                continue
            passed_over = 0
            for subscriber, offer in members.items():
                if not (taken := offer(data)):
                    passed_over += 1
                    if taken is False:
                        stuck.append(subscriber)
            taken_by = len(members) - passed_over
            sent += taken_by
            self.feed.traffic.add(len(frame.plain), len(data), taken_by)
        offset = self.offset if standing is None else standing
        for subscriber in stuck:
            self.fall_behind(subscriber, offset, now)
            subscriber.lagged += 1
        sent += len(sliced)
        for subscriber in sliced:
            self.fall_behind(subscriber, self.offset, now)
            subscriber.put(frame)
            subscriber.pump(now)
        if self.current[Form.GZIP] or self.current[_CHAINED]:
            self.checksum = frame.behind(self.checksum)
        self.sent_at = now
        return sent

    def welcome(self, *subscribers: Subscriber) -> None:
        """Have those who aren't current yet."""
        self.behind.update(dict.fromkeys(subscribers))
        if subscribers:
            self._lagging[self] = None

    def fall_behind(self, subscriber: Subscriber, offset: int, now: float) -> None:
        """Let someone who is current stay at an offset."""
        self.discard(subscriber)
        self.welcome(subscriber)
        subscriber.stay(offset, self.checksum, now)

    def catch_on(self, subscriber: Subscriber) -> None:
        """Count someone who stands where the view stands among those who are current."""
        self.behind.pop(subscriber, None)
        self.current[subscriber.form][subscriber] = subscriber.link.offer
        subscriber.become_current(self.checksum)

    def is_current(self, subscriber: Subscriber) -> bool:
        """Whether someone gets each frame as it is made."""
        return any(subscriber in members for members in self.current)

    def discard(self, subscriber: Subscriber) -> None:
        """Forget someone."""
        self.behind.pop(subscriber, None)
        for members in self.current:
            members.pop(subscriber, None)

    def _tend_chain(self, frame: Frame) -> Chain | None:
        """Return the chain for a frame: a new one, where enough have come who weren't there when the last one began.

        What is large goes out in slices, each subscriber for itself; no chain goes on behind that.
        """
        waiting, chained = self.current[Form.GZIP], self.current[_CHAINED]
        if len(frame.plain) > self._slice or not (waiting or chained):
            self._chain = None
        elif self._chain is None or not chained or (waiting and self._chain.length >= CHAIN_PATIENCE):
            self._chain = Chain()
            chained.update(waiting)
            waiting.clear()
        return self._chain

    # What is made once.

    def heartbeat(self, upstream: Upstream | None, now: float, *, published: bool) -> Frame:
        """Return the heartbeat of this second; it moves the cursor of a view in which nothing happened."""
        state = (self.offset if published else -1, upstream, int(now))
        if self._heartbeat is None or self._heartbeat[0] != state:
            data = {"at": rfc3339(now), "upstream": msgspec.to_builtins(upstream)}
            cursor = self.cursor if published else None
            self._heartbeat = (state, self._made("heartbeat", event("heartbeat", data, cursor=cursor)))
        return self._heartbeat[1]

    def list_documents(self) -> Listing:
        """Return what is shown at the view's offset, encoded anew only if it has moved."""
        if self.listing is None or self.listing.offset != self.offset:
            seen = filter(self.sees, self.feed.documents.values())
            body = self._wording.state(seen if self.show is None else map(self.show, seen))
            self.listing = Listing(self.offset, self._made("snapshot", body), {})
        return self.listing

    def catch_up(self, offset: int) -> Frame | None:
        """Return the end of the delta event that leads from ``offset`` to here; None where nothing happened.

        Raises LookupError if the log doesn't reach back that far.
        """
        if offset == self.offset:
            return None
        ways, way = self._find_ways(), (self.selection.canonical, offset)
        if way not in ways:
            body = self._tell(self._wording.net(self.feed.between(offset, self.offset)))
            ways[way] = None if body is None else self._made("catch-up", body)
        return ways[way]

    def cross(self, seen: Selection, offset: int) -> Frame | None:
        """Return the end of the delta event that leads here from what another selection showed at an offset.

        None where that is the same. Raises LookupError if the log doesn't reach back that far.
        """
        ways, way = self._find_ways(), (seen.canonical, offset)
        if way not in ways:
            net = self._wording.net(self.feed.between(offset, self.offset))
            sides = {key: (document, document) for key, document in self.feed.documents.items()}
            sides |= {change.key: (change.before, change.after) for change in net}
            changes = []
            for key, (old, new) in sides.items():
                before, after = show_of(seen, old), show_of(self.selection, new)
                if before is not after:
                    changes.append(self._wording.change(key, before, after))
            body = self._wording.delta(changes, lambda _: True)
            ways[way] = None if body is None else self._made("catch-up", body)
        return ways[way]

    def _find_ways(self) -> dict[tuple[str, int], Frame | None]:
        """Return the deltas that lead to where the view stands."""
        if self._ways_to != self.offset:
            self._ways.clear()
            self._ways_to = self.offset
        return self._ways

    def _made(self, kind: str, plain: bytes) -> Frame:
        self.feed.traffic.frames[kind] += 1
        return Frame(plain)

    def _tell(self, changes: Sequence[Any]) -> bytes | None:
        """Return the body of the delta that net changes mean here; None where that is nothing."""
        if (show := self.show) is not None:
            changes = [
                self._wording.change(
                    change.key,
                    None if change.before is None else show(change.before),
                    None if change.after is None else show(change.after),
                )
                for change in changes
            ]
        return self._wording.delta(changes, self.sees)
