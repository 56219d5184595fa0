"""Whatever is granted and taken back, and whenever: nobody ever receives what is not within their grant at that moment.

A state machine over the real log and hub, as in ``test_convergence``, but everybody looks through a grant that changes
while they look. What is written to a connection is judged when it is written; what arrives, when it arrives.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.auth.grant import EVERYTHING, NOTHING, Grant, Rule
from gateway.auth.selection import narrow
from gateway.hub import composer, hub
from gateway.hub.feed import Selection
from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits
from gateway.hub.subscriber import Subscriber
from gateway.log.memory import MemoryLog
from gateway.model.application import ApplicationStatus, Health, InitiatedBy, Operation, to_wire
from gateway.model.labels import parse_labels
from gateway.model.position import parse_cursor
from gateway.model.selector import Selector
from tests.effort import examples
from tests.hub.client import Client, Event, Lines
from tests.hub.documents import Documents, State, application, chain, seen
from tests.hub.link import FakeLink

EPOCH = "5f2c81d0"
KEYS = ("argocd/a", "argocd/b", "team/c")
HIDING = frozenset({"messages", "initiators"})


def rules(*projects: str, hide: Any = frozenset(), labels: str = "") -> Rule:
    return Rule(projects=projects, hide=frozenset(hide), labels=parse_labels(labels))


GRANTS = (
    EVERYTHING,
    NOTHING,
    Grant([rules("shop")]),
    Grant([rules("*", hide=HIDING)]),
    Grant([rules("shop"), rules("*", hide={"messages"})]),
    Grant([rules("p*", hide={"initiators"}), rules("*", labels="team=core")]),
)
SELECTORS = (Selector(), Selector(health=("Degraded",)))
LIMITS = Limits(heartbeat=5.0, stream_lifetime=10_000.0, slow_limit=1_000.0, max_views=50, slice_bytes=100)
HIGH, GULP = 150, 70
MAX_SEATS = 4

documents = st.builds(
    application,
    key=st.sampled_from(KEYS),
    project=st.sampled_from((None, "shop", "pay")),
    labels=st.sampled_from((None, {"team": "core"})),
    health=st.sampled_from((Health(status="Healthy"), Health(status="Degraded", message="why " * 40))),
    operation=st.sampled_from(
        (
            None,
            Operation(phase="Running", message="going", initiated_by=InitiatedBy(username="alice")),
            Operation(phase="Running", message="gone", initiated_by=InitiatedBy(username="bob")),
        )
    ),
)
steps = st.lists(
    st.tuples(st.sampled_from(KEYS), st.none()) | documents.map(lambda document: (document.key, document)),
    min_size=1,
    max_size=4,
)
grants = st.sampled_from(GRANTS)


def shown(state: State, selection: Selection) -> Documents:
    show = selection.show or (lambda document: document)
    return seen({key: show(document) for key, document in state.items() if selection.sees(document)}, lambda _: True)


@dataclass(eq=False)
class Seat:
    """Somebody who watches through a grant, over as many connections as it takes."""

    client: "Witness"
    selector: Selector
    grant: Grant
    link: "SpyLink | None" = None
    subscriber: Subscriber | None = None
    selections: dict[str, Selection] = field(default_factory=dict)
    """What was granted so far, by the id of its view."""

    @property
    def selection(self) -> Selection:
        selection = narrow(self.selector, self.grant)
        self.selections[selection.view_id] = selection
        return selection


class Witness(Client):
    """A client whose every event is compared with what the grant named by its id shows at its offset."""

    seat: Seat

    def __init__(self, history: list[State]) -> None:
        super().__init__()
        self._history = history

    def dispatch(self, event: Event) -> None:
        super().dispatch(event)
        if event.id is not None and (cursor := parse_cursor(event.id)) is not None:
            selection = self.seat.selections[cursor.view]
            assert self.documents == shown(self._history[cursor.position.offset], selection), f"wrong behind {event}"


class SpyLink(FakeLink):
    """A connection on which each event is judged as it is written: it has to be of the view that is granted now."""

    def __init__(self, seat: Seat, form: Form, *, stalled: bool) -> None:
        self.seat = seat
        self.lines = Lines()
        super().__init__(seat.client, form, high=HIGH, stalled=stalled, gulp=GULP)

    def carry(self, data: bytes | memoryview) -> None:
        if self.form is Form.PLAIN:
            for event in self.lines.feed(bytes(data)):
                cursor = parse_cursor(event.id or "")
                assert cursor is None or cursor.view == self.seat.selection.view_id, "an event of another grant"
        super().carry(data)


class Granted(RuleBasedStateMachine):
    """A log that grows, a hub, and those who watch within grants that change."""

    @initialize(capacity=st.integers(4, 30), seed=st.integers(0, 100), beginning=steps)
    def begin(self, capacity: int, seed: int, beginning: list[tuple[str, ApplicationStatus | None]]) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(composer, "REMAKE_FRACTION", 1.0)
        self.patch.setattr(hub, "TURN_LIMIT", 2)
        self.now = 1_000_000.0
        self.state: State = {}
        self.history: list[State] = [{}]
        self.seats: list[Seat] = []
        self.log = MemoryLog(epoch=EPOCH, capacity=capacity, max_bytes=10**9)
        self.grow(beginning)
        self.hub = Hub(self.log, LIMITS, now=self.now, jitter=random.Random(seed).random)
        self.hub.publish(self.now)

    def grow(self, steps: list[tuple[str, ApplicationStatus | None]]) -> None:
        changes = []
        for step in steps:
            if made := chain(self.state, [step]):
                changes += made
                self.history.append(dict(self.state))
        self.log.append(changes)

    @rule(steps=steps, ticks=st.booleans())
    def append(self, steps: list[tuple[str, ApplicationStatus | None]], ticks: bool) -> None:
        self.grow(steps)
        if ticks:
            self.hub.tick(self.now)

    @rule()
    def tick(self) -> None:
        self.hub.tick(self.now)

    @rule()
    def turn(self) -> None:
        self.hub.turn(self.now)

    @rule()
    def pass_time(self) -> None:
        self.now += 6.0
        self.hub.beat(self.now)

    @precondition(lambda self: len(self.seats) < MAX_SEATS)
    @rule(selector=st.sampled_from(SELECTORS), grant=grants, form=st.sampled_from(Form), stalled=st.booleans())
    def join(self, selector: Selector, grant: Grant, form: Form, stalled: bool) -> None:
        client = Witness(self.history)
        client.seat = seat = Seat(client, selector, grant)
        self.seats.append(seat)
        self.connect(seat, form, stalled=stalled)

    @precondition(lambda self: any(self.parted()))
    @rule(grant=grants | st.none(), form=st.sampled_from(Form), data=st.data())
    def reconnect(self, grant: Grant | None, form: Form, data: Any) -> None:
        """Come back with a cursor of the same grant, or of a wider or a narrower one."""
        seat = data.draw(st.sampled_from(list(self.parted())))
        seat.grant = seat.grant if grant is None else grant
        self.connect(seat, form)

    def connect(self, seat: Seat, form: Form, *, stalled: bool = False) -> None:
        seat.link = SpyLink(seat, form, stalled=stalled)
        last = seat.client.last_id
        seat.subscriber = self.hub.join(
            seat.selection, link=seat.link, form=form, cursor=parse_cursor(last), had_cursor=bool(last), now=self.now
        )
        self.see_who_is_cut()

    @precondition(lambda self: any(self.here()))
    @rule(grant=grants, data=st.data())
    def change_a_grant(self, grant: Grant, data: Any) -> None:
        seat, link = data.draw(st.sampled_from(list(self.here())))
        assert seat.subscriber is not None
        before, seat.grant = seat.selection, grant
        within_event = link.lines.within_event
        self.hub.transfer(seat.subscriber, seat.selection, self.now)
        moved = before.canonical != seat.selection.canonical
        if moved and within_event and link.form is Form.PLAIN and seat.subscriber.served:
            assert link.aborted, "nothing more is written of what was begun under another grant"
        if not link.aborted and not link.stalled and not self.hub.lagging:
            assert seat.client.documents == shown(self.history[seat.client.offset], seat.selection), "at once"
        self.see_who_is_cut()

    @precondition(lambda self: any(self.here()))
    @rule(count=st.integers(0, 400) | st.none(), data=st.data())
    def trickle(self, count: int | None, data: Any) -> None:
        link = data.draw(st.sampled_from(list(self.here())))[1]
        link.stall()
        link.drain(count)

    @precondition(lambda self: any(self.here()))
    @rule(data=st.data())
    def flow(self, data: Any) -> None:
        data.draw(st.sampled_from(list(self.here())))[1].flow()

    @precondition(lambda self: any(self.here()))
    @rule(count=st.integers(0, 400), data=st.data())
    def cut(self, count: int, data: Any) -> None:
        seat, link = data.draw(st.sampled_from(list(self.here())))
        link.cut(count)
        assert seat.subscriber is not None
        self.hub.leave(seat.subscriber, self.now)
        seat.link = seat.subscriber = None

    @rule()
    def settle(self) -> None:
        """Let everything come through: then everybody holds what is granted, and nothing else."""
        for _, link in self.here():
            link.flow()
        for seat in list(self.parted()):
            self.connect(seat, Form.PLAIN)
        self.hub.tick(self.now)
        for _ in range(3 * MAX_SEATS):
            self.hub.turn(self.now)
        assert not self.hub.behind
        self.see_who_is_cut()
        for seat, _ in self.here():
            assert seat.client.documents == shown(self.state, seat.selection)

    def here(self) -> Iterator[tuple[Seat, SpyLink]]:
        return ((seat, seat.link) for seat in self.seats if seat.link is not None)

    def parted(self) -> Iterator[Seat]:
        return (seat for seat in self.seats if seat.link is None)

    def see_who_is_cut(self) -> None:
        for seat, link in list(self.here()):
            if link.aborted:
                seat.link = seat.subscriber = None

    @invariant()
    def nobody_holds_more_than_was_granted(self) -> None:
        for seat, link in self.here():
            if not link.unsent() and not self.hub.lagging and seat.client.last_id:
                held = seat.client.documents
                assert held == shown(self.history[seat.client.offset], seat.selection)

    def teardown(self) -> None:
        if hasattr(self, "hub"):
            try:
                self.settle()
            finally:
                self.patch.undo()


TestGranted = pytest.mark.timeout(600)(Granted.TestCase)
TestGranted.settings = settings(
    max_examples=examples(80),
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
)


def test_the_documents_of_this_world_have_something_to_hide() -> None:
    document = application("argocd/a", health=Health(status="Degraded", message="why"))
    assert "why" in str(to_wire(document))
    assert "why" not in str(to_wire(narrow(Selector(), GRANTS[3]).show(document)))  # type: ignore[misc]


def test_those_who_may_see_the_same_share_a_view_whatever_else_they_may_do() -> None:
    one, other = Grant([rules("shop")]), Grant([rules("shop"), Rule(projects=("*",), verbs=frozenset({"refresh"}))])
    assert narrow(Selector(), one).canonical == narrow(Selector(), other).canonical
    assert narrow(Selector(), EVERYTHING) is SELECTORS[0] or narrow(SELECTORS[0], EVERYTHING) is SELECTORS[0]
    assert narrow(Selector(), one).view_id != Selector().view_id
