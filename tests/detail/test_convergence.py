"""Whatever happens, in whatever order: what a viewer folds is the detail, and ids increase.

A state machine over the real log of details and the hub, beside a log of applications that ticks as well. It knows each
detail at every offset, so each event that a viewer gets is judged at once.
"""

import json
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.detail.log import DetailLog, DetailSelection, DetailWording
from gateway.hub.feed import Feed
from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits
from gateway.hub.subscriber import Subscriber
from gateway.log.memory import MemoryLog
from gateway.model.position import parse_cursor
from gateway.model.upstream import Upstream, rfc3339
from tests.effort import examples
from tests.hub.client import DetailClient, Event
from tests.hub.link import FakeLink

KEYS = ("argocd/a", "argocd/b")
FIELDS = st.dictionaries(
    st.sampled_from(["tree", "health", "parts", "links", "revisions"]),
    st.integers(0, 3) | st.text("xy", max_size=3) | st.just("long" * 2_000) | st.lists(st.integers(0, 1), max_size=2),
    max_size=4,
)


class Viewer(DetailClient):
    """A viewer who knows the truth, and objects to anything else."""

    def __init__(self, truth: "Machine", key: str) -> None:
        self.truth, self.key = truth, key
        super().__init__()

    def dispatch(self, event: Event) -> None:
        super().dispatch(event)
        if event.name in ("snapshot", "delta") or (event.id is not None and self._state_frames):
            assert self.detail == self.truth.history[self.offset].get(self.key), event


@dataclass(eq=False)
class Seat:
    viewer: Viewer
    form: Form
    link: FakeLink
    subscriber: Subscriber | None = None


class Machine(RuleBasedStateMachine):
    """Details change, viewers come and go, read or don't."""

    @initialize(seed=st.integers(0, 99), capacity=st.sampled_from([2, 5, 100]))
    def begin(self, seed: int, capacity: int) -> None:
        self.now = 1_000.0
        self.log = DetailLog(epoch="9c1e55aa", capacity=capacity, max_bytes=10**9)
        self.feed = Feed(self.log, DetailWording())
        applications = MemoryLog(epoch="5f2c81d0", capacity=100, max_bytes=10**9)
        limits = Limits(heartbeat=5.0, stream_lifetime=60.0, slow_limit=10.0, max_subscribers=6, max_views=3)
        self.hub = Hub(applications, limits, now=self.now, jitter=random.Random(seed).random)
        self.hub.add_feed(self.feed)
        self.hub.announce(Upstream(state="live", since=rfc3339(self.now)), self.now)
        self.hub.publish(self.now)
        self.history: list[dict[str, Any]] = [{}]
        self.seats: list[Seat] = []

    @rule(key=st.sampled_from(KEYS), fields=st.none() | FIELDS)
    def change(self, key: str, fields: dict[str, Any] | None) -> None:
        self.log.put(key, None if fields is None else {"key": key, **fields})
        if self.log.ring.top == len(self.history):
            self.history.append(json.loads(json.dumps({each: dict(doc) for each, doc in self.log.documents.items()})))

    @rule()
    def tick(self) -> None:
        self.hub.tick(self.now)

    @rule()
    def turn(self) -> None:
        self.hub.turn(self.now)

    @rule(seconds=st.sampled_from([1.0, 6.0, 15.0]))
    def beat(self, seconds: float) -> None:
        self.now += seconds
        self.hub.beat(self.now)

    @precondition(lambda self: len(self.seats) < 6)
    @rule(key=st.sampled_from(KEYS), form=st.sampled_from(Form), stalled=st.booleans())
    def join(self, key: str, form: Form, stalled: bool) -> None:
        viewer = Viewer(self, key)
        seat = Seat(viewer, form, FakeLink(viewer, form, high=300))
        self.seats.append(seat)
        self._connect(seat, stalled=stalled)

    @precondition(lambda self: self.seats)
    @rule(data=st.data(), stalled=st.booleans())
    def come_back(self, data: Any, stalled: bool) -> None:
        seat = data.draw(st.sampled_from(self.seats))
        if seat.subscriber is not None:
            seat.link.cut(data.draw(st.integers(0, seat.link.unsent())))
            self.hub.leave(seat.subscriber, self.now)
        self._connect(seat, stalled=stalled)

    @precondition(lambda self: self.seats)
    @rule(data=st.data(), flows=st.booleans())
    def read(self, data: Any, flows: bool) -> None:
        seat = data.draw(st.sampled_from(self.seats))
        if not seat.link.closing:
            seat.link.flow() if flows else seat.link.stall()

    @rule()
    def everybody_catches_up(self) -> None:
        self.hub.tick(self.now)
        for seat in self.seats:
            if not seat.link.closing:
                seat.link.flow()
        while self.hub.behind and any(view.behind for view in self.hub._views.values() if not self._all_gone(view)):
            self.hub.turn(self.now)
        for seat in self.seats:
            if not seat.link.closing and not seat.link.finished:
                assert seat.viewer.detail == self.history[-1].get(seat.viewer.key)

    @invariant()
    def nobody_is_written_to_without_bound(self) -> None:
        for seat in getattr(self, "seats", ()):
            assert seat.link.overrun <= 2_000

    def _all_gone(self, view: Any) -> bool:
        return all(member.link.is_closing() for member in view.behind)

    def _connect(self, seat: Seat, *, stalled: bool) -> None:
        cursor = parse_cursor(seat.viewer.last_id) if seat.viewer.last_id else None
        seat.link = FakeLink(seat.viewer, seat.form, high=300, stalled=stalled)
        seat.subscriber = self.hub.join(
            DetailSelection(seat.viewer.key),
            feed=self.feed,
            link=seat.link,
            form=seat.form,
            cursor=cursor,
            had_cursor=cursor is not None,
            now=self.now,
        )


TestConvergence = Machine.TestCase
TestConvergence.settings = settings(max_examples=examples(40), stateful_step_count=40, deadline=None)
