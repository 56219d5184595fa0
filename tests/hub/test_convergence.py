"""Whatever happens, in whatever order: what a client folds is what its selector sees.

A state machine over the real log and hub. It knows the state at every offset, so each event that a client receives is
judged at once: behind an event with an id, the client holds exactly what its view shows at that offset.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.hub import composer, hub
from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits, OverloadedError
from gateway.hub.subscriber import Subscriber
from gateway.hub.view import View
from gateway.log.memory import MemoryLog
from gateway.log.ring import Dated
from gateway.model.application import ApplicationStatus, Health, to_wire
from gateway.model.labels import parse_labels
from gateway.model.position import Cursor, Position, parse_cursor
from gateway.model.selector import Selector
from gateway.model.upstream import State as UpstreamState
from gateway.model.upstream import Upstream, rfc3339
from tests.effort import examples
from tests.hub.client import Client, Event
from tests.hub.documents import State, application, chain, seen
from tests.hub.link import FakeLink

EPOCH = "5f2c81d0"
KEYS = ("argocd/a", "argocd/b", "argocd/c", "team/a", "team/d")
GHOST = "argocd/ghost"
SELECTORS = (
    Selector(),
    Selector(projects=("shop",)),
    Selector(selector=parse_labels("team=core")),
    Selector(health=("Degraded",), namespaces=("argocd",)),
    Selector(names=("nothing",)),
)
LIMITS = Limits(heartbeat=5.0, stream_lifetime=60.0, slow_limit=10.0, max_subscribers=8, max_views=4)
MAX_SEATS = 5
SLICE, WHOLE = 300, 1_000_000
"""Bytes; so small that the snapshots of this small world are large, or so many that nothing is."""
HIGH = 500
"""Bytes that a link holds before writing is paused."""
GULP = 250
"""Bytes that the system takes at once."""

documents = st.builds(
    application,
    key=st.sampled_from(KEYS),
    project=st.sampled_from((None, "shop", "pay")),
    labels=st.sampled_from((None, {"team": "core"}, {"team": "edge"})),
    health=st.sampled_from((None, Health(status="Healthy"), Health(status="Degraded", message="no " * 60))),
    images=st.sampled_from(((), ("web:1",), ("web:1", "db:2"))),
)
steps = st.tuples(st.sampled_from(KEYS), st.none()) | documents.map(lambda document: (document.key, document))
selectors = st.sampled_from(SELECTORS)
forms = st.sampled_from(Form)
bytes_through = st.integers(0, 400) | st.just(10**6)
# A fleet in full: twice that is a snapshot and the delta behind it.
LARGEST_STATE = len(KEYS) * 500


class Witness(Client):
    """A client whose every event is compared with what its view shows at the event's offset."""

    def __init__(self, history: list[State], selector: Selector) -> None:
        super().__init__()
        self._history = history
        self._sees = selector.sees

    def dispatch(self, event: Event) -> None:
        super().dispatch(event)
        if event.id is not None:
            assert self.documents == seen(self._history[self.offset], self._sees), f"wrong behind {event}"


@dataclass(eq=False)
class Seat:
    """Somebody who watches, over as many connections as it takes."""

    client: Witness
    selector: Selector
    link: FakeLink | None = None
    subscriber: Subscriber | None = None
    moved_at: float = 0.0
    """When the link last took something, or could have."""

    def part(self) -> None:
        """Be without a connection."""
        self.link = self.subscriber = None
        if GHOST in self.client.documents:
            # A cursor from beyond the top would seem right once the log has grown there; no gateway gives such a one.
            self.client.last_id = "yesterday"


class Fleet(RuleBasedStateMachine):
    """A log that grows, a hub, and those who watch."""

    @initialize(
        capacity=st.integers(5, 40),
        cache_limit=st.sampled_from((0, 10**9)),
        remake_fraction=st.sampled_from((0.25, 1.0, 3.0)),
        seed=st.integers(0, 1_000),
        beginning=st.lists(steps, max_size=6),
        published=st.sampled_from((True, True, True, False)),
        slice_bytes=st.sampled_from((SLICE, SLICE, WHOLE)),
    )
    def begin(
        self,
        capacity: int,
        cache_limit: int,
        remake_fraction: float,
        seed: int,
        beginning: list[tuple[str, ApplicationStatus | None]],
        published: bool,
        slice_bytes: int,
    ) -> None:
        self.patch = pytest.MonkeyPatch()
        for module, name, value in (
            (composer, "CACHE_LIMIT", cache_limit),
            (composer, "REMAKE_FRACTION", remake_fraction),
            (hub, "TURN_LIMIT", 2),
        ):
            self.patch.setattr(module, name, value)
        self.now = 1_000_000.0
        self.capacity = capacity
        self.slice_bytes = slice_bytes
        self.state: State = {}
        self.history: list[State] = [{}]
        self.seats: list[Seat] = []
        self.gone: list[Subscriber] = []
        """Those whose connection is lost, which the server hasn't noticed yet."""
        self.epoch = EPOCH
        self.log = MemoryLog(epoch=EPOCH, capacity=capacity, max_bytes=10**9)
        self.grow(beginning)
        self.ticked = self.log.ring.top
        self.hub = Hub(
            self.log, replace(LIMITS, slice_bytes=slice_bytes), now=self.now, jitter=random.Random(seed).random
        )
        if published:
            self.publish()

    # Upstream.

    def grow(self, steps: list[tuple[str, ApplicationStatus | None]]) -> None:
        changes = []
        for step in steps:
            if made := chain(self.state, [step]):
                changes += made
                self.history.append(dict(self.state))
        self.log.append(changes)

    @rule(steps=st.lists(steps, min_size=1, max_size=5))
    def append(self, steps: list[tuple[str, ApplicationStatus | None]]) -> None:
        self.grow(steps)

    @rule(steps=st.lists(steps, min_size=1, max_size=5))
    def append_and_tick(self, steps: list[tuple[str, ApplicationStatus | None]]) -> None:
        self.grow(steps)
        self.tick()

    @rule(batches=st.lists(st.lists(steps, min_size=1, max_size=2), min_size=2, max_size=4))
    def go_on(self, batches: list[list[tuple[str, ApplicationStatus | None]]]) -> None:
        for batch in batches:
            self.append_and_tick(batch)
            self.hub.turn(self.now)

    @rule(key=st.sampled_from(KEYS), share=st.sampled_from((0.3, 0.5, 0.9, 1.1)))
    def flood(self, key: str, share: float) -> None:
        """Let much happen at once, up to more than the log holds."""
        self.grow([(key, application(key, images=(str(number),))) for number in range(int(self.capacity * share))])

    @rule(steps=st.lists(steps, max_size=3), ticked=st.booleans())
    def begin_another_epoch(self, steps: list[tuple[str, ApplicationStatus | None]], ticked: bool) -> None:
        """Let what is elsewhere go on from somewhere else: no history leads there."""
        chain(self.state, steps)
        self.history.append(dict(self.state))
        self.epoch = f"{int(self.epoch, 16) + 1:x}"
        self.log.reset(self.epoch, dict(self.state), top=len(self.history) - 1)
        if ticked:
            self.tick()

    @rule(steps=st.lists(steps, max_size=5), kept=st.integers(0, 5), ticked=st.booleans())
    def load_anew(self, steps: list[tuple[str, ApplicationStatus | None]], kept: int, ticked: bool) -> None:
        """Miss what happened elsewhere, and hold the whole with the end of its history: a leap within the epoch."""
        missed = []
        for step in steps:
            if made := chain(self.state, [step]):
                missed += made
                self.history.append(dict(self.state))
        top = len(self.history) - 1
        known = [Dated(top - back, self.now, change) for back, change in enumerate(reversed(missed))][:kept]
        self.log.reset(self.epoch, dict(self.state), top=top, history=known[::-1])
        if ticked:
            self.tick()

    @rule(state=st.sampled_from(("connecting", "live", "stale", "down")))
    def announce(self, state: UpstreamState) -> None:
        self.hub.announce(Upstream(state=state, since=rfc3339(self.now)), self.now)

    @rule()
    def publish(self) -> None:
        if not self.hub.published:
            self.hub.publish(self.now)
            self.ticked = self.log.ring.top

    # Time.

    @rule()
    def tick(self) -> None:
        self.hub.tick(self.now)
        self.ticked = self.log.ring.top

    @rule()
    def turn(self) -> None:
        self.hub.turn(self.now)

    @rule(seconds=st.sampled_from((0.4, 1.0, 4.0, 6.0, 11.0, 61.0)))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.hub.beat(self.now)

    @rule(spread=st.sampled_from((0.0, 20.0)))
    def drain(self, spread: float) -> None:
        self.hub.drain(spread)

    # Those who watch.

    @precondition(lambda self: len(self.seats) < MAX_SEATS)
    @rule(selector=selectors, form=forms, stalled=st.booleans())
    def join_new(self, selector: Selector, form: Form, stalled: bool) -> None:
        seat = Seat(Witness(self.history, selector), selector)
        self.seats.append(seat)
        self.connect(seat, form, stalled=stalled)

    @precondition(lambda self: len(self.seats) < MAX_SEATS)
    @rule(selector=selectors, form=forms, data=st.data())
    def join_from_any_offset(self, selector: Selector, form: Form, data: Any) -> None:
        """Join with what another replica showed: trimmed, within a tick, or ahead of the last."""
        offset = data.draw(st.integers(0, self.log.ring.top) | st.just(self.log.ring.top))
        seat = Seat(Witness(self.history, selector), selector)
        seat.client.documents = seen(self.history[offset], selector.sees)
        seat.client.last_id = str(Cursor(Position(self.epoch, offset), selector.view_id))
        self.seats.append(seat)
        self.connect(seat, form)

    @precondition(lambda self: len(self.seats) < MAX_SEATS)
    @rule(selector=selectors, form=forms, cursor=st.sampled_from(("epoch", "view", "beyond", "garbage")))
    def join_with_a_cursor_that_proves_nothing(self, selector: Selector, form: Form, cursor: str) -> None:
        top = self.log.ring.top
        # Before there is a state, a cursor is judged when there is one: the log must not have grown up to it by then.
        ahead = 1 if self.hub.published else 10**6
        seat = Seat(Witness(self.history, selector), selector)
        seat.client.documents = {GHOST: {"key": GHOST}}
        seat.client.last_id = {
            "epoch": f"0-{top}-{selector.view_id}",
            "view": f"{self.epoch}-{top}-{'0' * 12}",
            "beyond": f"{self.epoch}-{top + ahead}-{selector.view_id}",
            "garbage": "yesterday",
        }[cursor]
        self.seats.append(seat)
        self.connect(seat, form)

    @precondition(lambda self: any(self.disconnected()))
    @rule(form=forms, stalled=st.booleans(), data=st.data())
    def reconnect(self, form: Form, stalled: bool, data: Any) -> None:
        self.connect(data.draw(st.sampled_from(list(self.disconnected()))), form, stalled=stalled)

    @precondition(lambda self: any(self.connected()))
    @rule(data=st.data())
    def stall(self, data: Any) -> None:
        self.pick(data)[1].stall()

    @precondition(lambda self: any(self.connected()))
    @rule(batches=st.lists(st.lists(steps, min_size=3, max_size=5), min_size=3, max_size=5), data=st.data())
    def starve(self, batches: list[list[tuple[str, ApplicationStatus | None]]], data: Any) -> None:
        """Take nothing for so long that the hub may lose its patience."""
        self.pick(data)[1].stall()
        self.go_on(batches)
        self.everyone_is_served_as_promised()
        for _ in range(3):
            self.pass_time(LIMITS.slow_limit / 2)

    @precondition(lambda self: any(self.connected()))
    @rule(count=bytes_through, data=st.data())
    def trickle(self, count: int, data: Any) -> None:
        seat, link = self.pick(data)
        if count and link.unsent():
            seat.moved_at = self.now
        link.drain(count)

    @precondition(lambda self: any(self.connected()))
    @rule(data=st.data())
    def flow(self, data: Any) -> None:
        self.pick(data)[1].flow()

    @precondition(lambda self: any(self.connected()))
    @rule(count=bytes_through, data=st.data())
    def cut(self, count: int, data: Any) -> None:
        """Break a connection within whatever is on its way."""
        seat, link = self.pick(data)
        link.cut(count)
        assert seat.subscriber is not None
        self.gone.append(seat.subscriber)
        seat.part()

    @rule()
    def notice(self) -> None:
        while self.gone:
            self.hub.leave(self.gone.pop(), self.now)

    @rule(selector=selectors)
    def look(self, selector: Selector) -> None:
        try:
            viewed, listing = self.hub.look(selector, self.now)
        except OverloadedError:
            assert self.hub.views == LIMITS.max_views
            return
        assert viewed.offset == listing.offset == self.ticked
        assert listed(listing.frame.plain) == seen(self.history[self.ticked], selector.sees)

    @rule()
    def settle(self) -> None:
        """Let everything come through: then everybody holds what there is."""
        self.notice()
        self.publish()
        for _, link in self.connected():
            link.flow()
        self.bring_home()
        for seat in list(self.disconnected()):
            self.connect(seat, seat.client.form)
        self.tick()
        for _ in range(3 * MAX_SEATS):
            self.hub.turn(self.now)
        assert not self.hub.behind
        self.bring_home()
        for seat, _ in self.connected():
            assert seat.client.documents == seen(self.state, seat.selector.sees)
            _, listing = self.hub.look(seat.selector, self.now)
            assert seat.client.documents == listed(listing.frame.plain)
        self.pass_time(LIMITS.heartbeat + 1.0)
        for seat, link in self.connected():
            if not link.finished:
                assert seat.client.offset == self.log.ring.top, "a quiet view keeps up"
        self.bring_home()

    def connect(self, seat: Seat, form: Form, *, stalled: bool = False) -> None:
        client, ring = seat.client, self.log.ring
        link = FakeLink(client, form, high=HIGH, stalled=stalled, gulp=GULP)
        cursor = parse_cursor(client.last_id)
        resumes = (
            self.hub.published
            and cursor is not None
            and (cursor.position.epoch, cursor.view) == (self.epoch, seat.selector.view_id)
            and self.hub.feeds[0].epoch == self.epoch
            and ring.trimmed <= cursor.position.offset <= ring.top
        )
        try:
            joined = self.hub.join(
                seat.selector, link=link, form=form, cursor=cursor, had_cursor=bool(client.last_id), now=self.now
            )
        except OverloadedError:
            assert len(self.hub) == LIMITS.max_subscribers or self.hub.views == LIMITS.max_views
            return
        assert joined.resumed == resumes
        seat.link, seat.subscriber, seat.moved_at = link, joined, self.now

    # Looking on.

    def connected(self) -> Iterator[tuple[Seat, FakeLink]]:
        return ((seat, seat.link) for seat in self.seats if seat.link is not None)

    def disconnected(self) -> Iterator[Seat]:
        return (seat for seat in self.seats if seat.link is None)

    def pick(self, data: Any) -> tuple[Seat, FakeLink]:
        picked: tuple[Seat, FakeLink] = data.draw(st.sampled_from(list(self.connected())))
        return picked

    def view_of(self, seat: Seat) -> View:
        return self.hub._views[seat.selector.canonical]

    def bring_home(self) -> None:
        """See those off whose stream has ended, as soon as the end has come through."""
        for seat, link in list(self.connected()):
            if link.aborted:
                assert self.now - seat.moved_at >= LIMITS.slow_limit, "who takes something is not aborted"
            elif link.finished and not link.unsent():
                seat.client.see_end()
            else:
                continue
            seat.part()

    @invariant()
    def everyone_is_served_as_promised(self) -> None:
        self.bring_home()
        for seat, link in self.connected():
            if not link.writing_paused:
                seat.moved_at = self.now
            assert link.largest <= self.slice_bytes, "large bytes are written in slices"
            assert link.unsent() <= HIGH + min(self.slice_bytes, LARGEST_STATE) + link.overrun
            assert link.overrun <= (500 if link.finished else 0), "only an end is written to a link that is full"
            if link.finished:
                continue
            member = seat.subscriber
            assert member is not None
            assert sum(map(len, member._pending)) <= 2 * LARGEST_STATE
            current = self.view_of(seat).is_current(member)
            assert current != (member in self.view_of(seat).behind)
            if current and not link.unsent():
                client = seat.client
                assert client.documents == seen(self.history[self.ticked], seat.selector.sees)
                told = client.heartbeats[-1].data["upstream"]
                assert told == msgspec.to_builtins(self.hub.upstream), "who is current knows how upstream is"

    def teardown(self) -> None:
        if hasattr(self, "hub"):
            try:
                self.settle()
            finally:
                self.patch.undo()


def listed(plain: bytes) -> dict[str, dict[str, Any]]:
    return {document["key"]: document for document in json.loads(b"{" + plain)["applications"]}


def test_the_documents_of_this_world_are_as_small_as_the_bounds_say() -> None:
    largest = application(
        "argocd/a",
        project="shop",
        labels={"team": "core"},
        health=Health(status="Degraded", message="no " * 60),
        images=("web:1", "db:2"),
    )
    assert len(json.dumps(to_wire(largest))) < LARGEST_STATE / len(KEYS)


def test_a_cursor_that_came_before_the_state_is_worth_what_it_is_worth_by_then() -> None:
    """In this world, one that nobody gave must not lead anywhere by the time when there is a state."""
    fleet = Fleet()
    a, b = application("argocd/a"), application("argocd/b")
    fleet.begin(
        capacity=20,
        cache_limit=10**9,
        remake_fraction=1.0,
        seed=0,
        beginning=[("argocd/a", a)],
        published=False,
        slice_bytes=SLICE,
    )
    try:
        fleet.join_with_a_cursor_that_proves_nothing(selector=Selector(), form=Form.PLAIN, cursor="beyond")
        fleet.append(steps=[("argocd/b", b), ("argocd/a", None)])
        fleet.settle()
        (seat,) = fleet.seats
        assert seat.client.events[1].data["reason"] == "epoch"
    finally:
        fleet.patch.undo()


# A failure takes minutes to be made small: worth waiting for.
TestFleet = pytest.mark.timeout(600)(Fleet.TestCase)
TestFleet.settings = settings(
    max_examples=examples(100),
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
