"""Joins and resumes end at the last tick; whoever is slow costs nobody else; everybody is told how upstream is."""

import json
from typing import Any

import pytest

from gateway.hub import hub as hub_module
from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits, OverloadedError
from gateway.hub.subscriber import Ending, Subscriber
from gateway.hub.views import VIEW_LINGER
from gateway.log.memory import MemoryLog
from gateway.model.application import ApplicationStatus
from gateway.model.position import Cursor, Position, parse_cursor
from gateway.model.selector import Selector
from gateway.model.upstream import State as UpstreamState
from gateway.model.upstream import Upstream
from tests.hub.client import Client
from tests.hub.documents import State, application, chain, seen, upserts
from tests.hub.link import FakeLink

EPOCH = "5f2c81d0"
ALL = Selector()
SHOP = Selector(projects=("shop",))
forms = pytest.mark.parametrize("form", Form)


class World:
    """A log, a hub and a clock, with as little to say as possible."""

    def __init__(self, *, capacity: int = 1_000, published: bool = True, jitter: float = 0.0, **limits: Any) -> None:
        self.now = 1_000.0
        self.state: State = {}
        self.log = MemoryLog(epoch=EPOCH, capacity=capacity, max_bytes=10**9)
        self.hub = Hub(self.log, Limits(**limits), now=self.now, jitter=lambda: jitter)
        if published:
            self.hub.publish(self.now)

    def append(self, *documents: ApplicationStatus) -> None:
        self.log.append(upserts(self.state, *documents))

    def remove(self, *keys: str) -> None:
        self.log.append(chain(self.state, [(key, None) for key in keys]))

    def change(self, *documents: ApplicationStatus) -> int:
        """Append and tick."""
        self.append(*documents)
        return self.hub.tick(self.now)

    def announce(self, state: UpstreamState) -> None:
        self.hub.announce(Upstream(state=state, since="2026-11-20T23:17:49Z"), self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time go by, with its beats."""
        for _ in range(int(seconds)):
            self.now += 1
            self.hub.beat(self.now)

    def join(
        self,
        client: Client | None = None,
        *,
        selector: Selector = ALL,
        form: Form = Form.PLAIN,
        stalled: bool = False,
        cursor: str | None = None,
        high: int = 64 * 1024,
    ) -> tuple[Client, FakeLink, Subscriber]:
        """Join as a browser does, with the last id if there is one."""
        client = client or Client()
        sent = cursor or client.last_id
        link = FakeLink(client, form, stalled=stalled, high=high)
        joined = self.hub.join(
            selector, link=link, form=form, cursor=parse_cursor(sent), had_cursor=bool(sent), now=self.now
        )
        return client, link, joined

    def everything(self, selector: Selector = ALL) -> dict[str, dict[str, Any]]:
        return seen(self.state, selector.sees)


def fill(link: FakeLink) -> None:
    """Fill a connection with what a client passes over."""
    link.stall()
    link.write(b"retry: 1\n" * (link.high // 9 + 1))


def grow(count: int = 50) -> list[ApplicationStatus]:
    return [application(f"argocd/{number}", project="shop", images=("x" * 500,)) for number in range(count)]


# Joins.


@forms
def test_a_join_gets_a_snapshot_of_the_last_tick_and_how_upstream_is(form: Form) -> None:
    world = World()
    world.announce("live")
    world.change(application("argocd/a", project="shop"), application("argocd/b"))
    client, _, _ = world.join(selector=SHOP, form=form)
    assert client.names == ["snapshot", "heartbeat"]
    assert client.events[0].data["reason"] == "new"
    assert client.documents == world.everything(SHOP)
    assert client.last_id == f"{EPOCH}-2-{SHOP.view_id}"
    assert client.heartbeats[-1].data["upstream"]["state"] == "live"
    assert client.retry == 1_000


def test_a_join_within_a_tick_ends_at_the_last_one_and_takes_the_next_frame_with_everyone() -> None:
    world = World()
    early, _, _ = world.join()
    world.append(application("argocd/a"))
    late, _, _ = world.join()
    assert late.documents == {}
    assert world.hub.tick(world.now) == 2
    assert early.documents == late.documents == world.everything()
    assert early.last_id == late.last_id


def test_many_joins_share_one_snapshot() -> None:
    world = World()
    world.change(*grow())
    links = [world.join(form=Form.GZIP, stalled=True, high=0)[2] for _ in range(10)]
    shared = {id(part.obj) for joined in links for part in joined._pending if len(part) > 200}
    assert len(shared) == 1


def test_a_snapshot_is_followed_by_what_changed_since_it_was_made() -> None:
    world = World()
    world.change(*grow())
    world.join()
    world.change(application("argocd/0", project="pay"))
    client, _, _ = world.join()
    assert client.names == ["snapshot", "delta", "heartbeat"]
    assert [event.id for event in client.events] == [f"{EPOCH}-{offset}-{ALL.view_id}" for offset in (50, 51, 51)]
    assert client.documents == world.everything()


def test_a_snapshot_is_made_anew_when_too_much_changed_since() -> None:
    world = World()
    world.change(*grow())
    world.join()
    world.change(*(application(f"argocd/{number}", images=("y" * 500,)) for number in range(50)))
    client, _, _ = world.join()
    assert client.names == ["snapshot", "heartbeat"]
    assert client.documents == world.everything()


def test_a_hub_over_a_log_that_began_before_shows_its_applications() -> None:
    log = MemoryLog(epoch=EPOCH, capacity=10, max_bytes=10**9)
    state: State = {}
    log.append(upserts(state, application("argocd/a")))
    hub = Hub(log, Limits(), now=0.0, jitter=lambda: 0.0)
    hub.publish(0.0)
    client = Client()
    hub.join(ALL, link=FakeLink(client, Form.PLAIN), form=Form.PLAIN, cursor=None, had_cursor=False, now=0.0)
    assert client.documents == seen(state, ALL.sees)


# Waiting for the first state.


@forms
def test_before_the_first_state_subscribers_wait_with_heartbeats(form: Form) -> None:
    world = World(published=False)
    world.announce("connecting")
    world.append(application("argocd/a"))
    world.hub.tick(world.now)
    client, link, joined = world.join(form=form)
    assert client.names == ["heartbeat"]
    assert client.last_id == ""
    world.announce("live")
    assert [beat.data["upstream"]["state"] for beat in client.heartbeats] == ["connecting", "live"]
    world.hub.publish(world.now)
    world.hub.turn(world.now)
    assert client.names == ["heartbeat", "heartbeat", "snapshot", "heartbeat"]
    assert client.documents == world.everything()
    world.hub.end(joined, Ending.DRAIN, world.now)
    client.see_end()
    assert link.finished


@forms
def test_nobody_hears_that_all_is_live_before_the_state_that_is(form: Form) -> None:
    world = World(published=False)
    world.announce("connecting")
    client, _, _ = world.join(form=form)
    world.append(application("argocd/a"))
    world.hub.publish(world.now)
    # Whoever waited has its turn a moment later.
    world.announce("live")
    assert [beat.data["upstream"]["state"] for beat in client.heartbeats] == ["connecting"]
    world.hub.turn(world.now)
    assert client.names == ["heartbeat", "snapshot", "heartbeat"]
    assert client.heartbeats[-1].data["upstream"]["state"] == "live"


def test_a_state_of_no_applications_is_a_state() -> None:
    world = World(published=False)
    client, _, _ = world.join()
    world.hub.publish(world.now)
    world.hub.turn(world.now)
    assert client.events[-2].data == {"reason": "new", "position": f"{EPOCH}-0", "applications": []}


@forms
def test_a_cursor_ahead_of_the_last_tick_waits_for_the_tick_that_passes_it(form: Form) -> None:
    world = World()
    world.announce("live")
    world.append(application("argocd/a"))
    client = Client()
    client.documents = world.everything()
    ahead = str(Cursor(Position(EPOCH, 1), ALL.view_id))
    world.append(application("argocd/b"))
    _, _, joined = world.join(client, cursor=ahead, form=form)
    assert client.names == ["heartbeat"]
    world.announce("stale")
    assert [beat.id for beat in client.heartbeats] == [None, None]
    world.hub.tick(world.now)
    world.hub.turn(world.now)
    assert client.names[2:] == ["delta", "heartbeat"]
    assert client.events[2].data["reason"] == "resumed"
    assert client.documents == world.everything()
    world.hub.end(joined, Ending.LIFETIME, world.now)
    client.see_end()


# Resumes.


@forms
def test_a_resume_gets_what_changed_and_not_everything(form: Form) -> None:
    world = World()
    world.change(*grow())
    client, link, joined = world.join(form=form)
    link.cut(0)
    world.hub.leave(joined, world.now)
    world.append(application("argocd/0", project="pay"))
    world.remove("argocd/1")
    world.hub.tick(world.now)
    world.join(client, form=form)
    assert client.names == ["delta", "heartbeat"]
    assert client.events[0].data["reason"] == "resumed"
    assert set(client.events[0].data["changed"]) == {"argocd/0"}
    assert client.documents == world.everything()
    assert world.hub.counts["join_resumed"] == 1


def test_a_resume_after_which_nothing_happened_is_an_empty_delta() -> None:
    world = World()
    world.change(application("argocd/a"))
    client, _, _ = world.join()
    world.join(client)
    assert client.events[0].data == {"reason": "resumed", "changed": {}, "removed": []}


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (f"0-1-{ALL.view_id}", "epoch"),
        (f"{EPOCH}-99-{ALL.view_id}", "epoch"),
        ("yesterday", "epoch"),
        (f"{EPOCH}-5-{SHOP.view_id}", "view"),
        (f"{EPOCH}-1-{ALL.view_id}", "trimmed"),
    ],
)
def test_a_cursor_that_proves_nothing_gets_a_snapshot_with_the_reason(cursor: str, reason: str) -> None:
    world = World(capacity=2)
    world.change(*grow(5))
    client, _, joined = world.join(cursor=cursor)
    assert client.events[0].name == "snapshot"
    assert client.events[0].data["reason"] == reason
    assert not joined.resumed
    assert world.hub.counts[f"join_{reason}"] == 1


def test_a_quiet_view_keeps_up_by_heartbeats() -> None:
    world = World(capacity=10)
    client, _, _ = world.join(selector=SHOP)
    for number in range(30):
        world.change(application("argocd/b", images=(str(number),)))
    world.pass_time(15)
    assert client.names == ["snapshot", "heartbeat", "heartbeat"]
    assert client.last_id == f"{EPOCH}-30-{SHOP.view_id}"
    world.join(client, selector=SHOP)
    assert client.events[0].data["reason"] == "resumed"


# Lag.


@forms
def test_who_lagged_gets_one_delta_when_it_can_take_more(form: Form) -> None:
    world = World()
    world.change(*grow())
    client, link, joined = world.join(form=form)
    quick, _, _ = world.join()
    link.high = 0
    link.stall()
    world.announce("live")
    for number in range(3):
        world.change(application("argocd/0", images=(str(number),)))
    world.hub.turn(world.now)
    assert world.hub.lagging == 1
    assert sum(map(len, joined._pending)) == 0, "nothing is composed for who can't take it"
    assert quick.documents == world.everything()
    link.flow()
    world.hub.turn(world.now)
    assert world.hub.lagging == 0
    assert client.names == ["snapshot", "heartbeat", "heartbeat", "delta", "heartbeat"]
    assert client.documents == world.everything()
    assert world.hub.counts["lagged"] == 1
    world.hub.end(joined, Ending.LIFETIME, world.now)
    client.see_end()


def test_who_missed_much_gets_the_shared_snapshot() -> None:
    world = World()
    world.change(*grow())
    client, link, _ = world.join()
    link.high = 0
    link.stall()
    world.announce("live")
    world.change(*(application(f"argocd/{number}", images=("y" * 500,)) for number in range(50)))
    link.flow()
    world.hub.turn(world.now)
    assert client.names[-2:] == ["snapshot", "heartbeat"]
    assert client.events[-2].data["reason"] == "lagged"
    assert client.documents == world.everything()


def test_a_snapshot_for_who_lagged_is_never_older_than_what_it_has() -> None:
    world = World()
    world.change(*grow())
    client, link, _ = world.join()  # The listing of this moment is kept.
    world.change(*(application(f"argocd/{number}", images=("y" * 500,)) for number in range(20)))
    fill(link)
    world.change(*grow(20))  # All is as it was when the listing was made.
    link.flow()
    world.hub.turn(world.now)
    assert [event.name for event in client.events if event.name != "heartbeat"] == ["snapshot", "delta", "snapshot"]
    assert client.offset == 90
    assert client.documents == world.everything()


def test_more_changes_at_once_than_the_log_holds_are_a_snapshot_for_everyone() -> None:
    world = World(capacity=10)
    clients = [world.join(form=form)[0] for form in Form]
    assert world.change(*grow(20)) == 0
    world.hub.turn(world.now)
    for client in clients:
        assert client.events[-2].data["reason"] == "lagged"
        assert client.documents == world.everything()
    world.change(application("argocd/0"))
    assert all(client.documents == world.everything() for client in clients)


def test_so_many_are_composed_for_in_a_turn_and_the_rest_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TURN_LIMIT", 3)
    world = World(capacity=10)
    clients = [world.join()[0] for _ in range(8)]
    world.change(*grow(20))
    left = []
    for _ in range(3):
        world.hub.turn(world.now)
        left.append(sum(client.documents == {} for client in clients))
    assert left == [5, 2, 0]
    assert not world.hub.behind


def test_who_takes_nothing_for_too_long_is_aborted_and_no_sooner() -> None:
    world = World(slow_limit=30.0)
    _, link, _ = world.join()
    world.pass_time(100)
    fill(link)
    world.change(application("argocd/a"))
    world.pass_time(29)
    assert not link.aborted
    world.pass_time(1)
    assert link.aborted
    assert len(world.hub) == 0
    assert world.hub.counts["end_slow"] == 1


def test_who_takes_a_little_now_and_then_is_not_aborted() -> None:
    world = World(slow_limit=30.0)
    _, link, _ = world.join()
    fill(link)
    world.change(application("argocd/a"))
    for _ in range(5):
        world.pass_time(20)
        link.drain(9)
    assert not link.aborted


def test_a_closing_connection_gets_nothing_at_a_join_a_tick_a_heartbeat_or_an_end() -> None:
    world = World()
    client, link, joined = world.join()
    link.cut(0)
    world.change(application("argocd/a"))
    world.announce("live")
    world.hub.turn(world.now)
    world.hub.end(joined, Ending.DRAIN, world.now)
    world.hub.leave(joined, world.now)
    closed = FakeLink(Client(), Form.GZIP)
    closed.cut(0)
    late = world.hub.join(ALL, link=closed, form=Form.GZIP, cursor=None, had_cursor=False, now=world.now)
    world.announce("stale")
    world.hub.leave(late, world.now)
    assert client.documents == {}
    assert len(world.hub) == 0


# Upstream.


def test_another_state_of_upstream_is_told_at_once_and_once() -> None:
    world = World()
    client, _, _ = world.join()
    world.announce("live")
    world.announce("live")
    world.announce("stale")
    assert [beat.data["upstream"] and beat.data["upstream"]["state"] for beat in client.heartbeats] == [
        None,
        "live",
        "stale",
    ]


@pytest.mark.parametrize("lost", [0, 1])
def test_who_could_not_be_told_of_upstream_is_told_as_soon_as_it_can_take_it(lost: int) -> None:
    world = World()
    client, link, _ = world.join()
    fill(link)
    for _ in range(lost):
        world.change(application("argocd/a"))
    world.announce("stale")
    link.flow()
    world.hub.turn(world.now)
    assert client.heartbeats[-1].data["upstream"]["state"] == "stale"
    assert not world.hub.behind


def test_an_announcement_while_a_snapshot_is_on_its_way_comes_behind_it() -> None:
    world = World()
    world.change(*grow())
    client, link, _ = world.join(stalled=True, high=10)
    world.announce("stale")
    link.flow()
    world.hub.turn(world.now)
    assert client.names == ["snapshot", "heartbeat", "heartbeat"]
    assert client.heartbeats[-1].data["upstream"]["state"] == "stale"


def test_a_heartbeat_comes_after_silence_and_not_before() -> None:
    world = World(heartbeat=15.0)
    client, _, _ = world.join()
    world.pass_time(10)
    world.change(application("argocd/a"))
    world.pass_time(14)
    assert len(client.heartbeats) == 1
    world.pass_time(1)
    assert len(client.heartbeats) == 2


# Ends.


@forms
def test_a_stream_ends_at_its_lifetime_with_a_goodbye(form: Form) -> None:
    world = World(stream_lifetime=100.0)
    client, link, _ = world.join(form=form)
    world.pass_time(79)
    assert client.goodbye is None
    world.pass_time(1)
    assert client.goodbye == {"reason": "lifetime", "retryMs": 1_000}
    assert link.finished
    client.see_end()
    assert len(world.hub) == 0
    assert world.hub.counts["end_lifetime"] == 1


@forms
def test_a_goodbye_comes_behind_what_is_on_its_way(form: Form) -> None:
    world = World()
    world.change(*grow())
    client, link, joined = world.join(form=form, stalled=True, high=0)
    world.hub.end(joined, Ending.LIFETIME, world.now)
    world.hub.end(joined, Ending.DRAIN, world.now)
    assert not link.finished
    link.flow()
    world.hub.turn(world.now)
    assert client.documents == world.everything()
    assert client.goodbye == {"reason": "lifetime", "retryMs": 1_000}
    client.see_end()


def test_a_drain_lets_as_many_leave_in_each_second_of_its_spread() -> None:
    world = World()
    clients = [world.join()[0] for _ in range(60)]
    world.pass_time(1)
    world.hub.drain(20.0)
    for second in range(1, 21):
        world.pass_time(1)
        gone = [client.goodbye["reason"] for client in clients if client.goodbye is not None]
        assert gone == ["drain"] * 3 * second


def test_who_would_leave_sooner_than_a_drain_wants_leaves_then() -> None:
    world = World()
    for _ in range(2):
        client, _, joined = world.join()
    world.hub.expire_at(joined, world.now + 3)
    world.hub.drain(20.0)
    world.pass_time(4)
    assert client.goodbye is not None


def test_what_lets_a_subscriber_in_and_was_renewed_in_time_does_not_end_its_stream() -> None:
    world = World()
    client, _, joined = world.join()
    world.hub.expire_at(joined, world.now + 3)
    world.pass_time(2)
    world.hub.expire_at(joined, world.now + 100)
    world.pass_time(90)
    assert client.goodbye is None
    world.pass_time(11)
    assert client.goodbye is not None
    assert client.goodbye["reason"] == "expired"


def test_what_was_renewed_does_not_let_a_stream_outlive_a_drain() -> None:
    world = World()
    client, _, joined = world.join()
    world.hub.expire_at(joined, world.now + 3)
    world.hub.drain(5.0)
    world.hub.expire_at(joined, world.now + 100)
    world.pass_time(7)
    assert client.goodbye is not None
    assert client.goodbye["reason"] == "drain"


def test_leaving_twice_and_ending_after_leaving_is_nothing() -> None:
    world = World()
    client, _, joined = world.join()
    for _ in range(2):
        world.hub.leave(joined, world.now)
    world.hub.end(joined, Ending.DRAIN, world.now)
    world.pass_time(3_000)
    assert client.goodbye is None


# Limits.


def test_there_is_room_for_so_many_subscribers() -> None:
    world = World(max_subscribers=1)
    _, _, joined = world.join()
    with pytest.raises(OverloadedError):
        world.join()
    world.hub.leave(joined, world.now)
    world.join()


def test_there_is_room_for_so_many_views_and_an_unused_one_makes_room() -> None:
    world = World(max_views=1)
    _, _, joined = world.join(selector=SHOP)
    with pytest.raises(OverloadedError):
        world.join()
    with pytest.raises(OverloadedError):
        world.hub.look(ALL, world.now)
    world.join(selector=SHOP)
    assert len(world.hub) == 2
    world.pass_time(3_000)
    assert len(world.hub) == 0
    world.hub.leave(joined, world.now)
    world.join()


def test_an_unused_view_lingers_and_is_dropped() -> None:
    world = World()
    world.hub.look(SHOP, world.now)
    world.pass_time(VIEW_LINGER - 1)
    assert world.hub.views == 1
    world.pass_time(1)
    assert world.hub.views == 0


def test_a_look_shows_the_last_tick() -> None:
    world = World()
    world.change(application("argocd/a"))
    world.append(application("argocd/b"))
    view, listing = world.hub.look(ALL, world.now)
    assert str(view.position) == f"{EPOCH}-1"
    assert [found["name"] for found in json.loads(b"{" + listing.frame.plain)["applications"]] == ["a"]


def test_what_was_sent_is_counted() -> None:
    world = World()
    for _ in range(3):
        world.join()
    world.join(selector=SHOP)
    assert world.change(application("argocd/a")) == 3
    assert world.hub.counts["delivery"] == 3
    assert world.hub.counts["join_new"] == 4
