"""Moving somebody who watches to another view, and ending a stream with what let its subscriber in."""

from gateway.auth.grant import NOTHING, Grant, Rule
from gateway.auth.selection import narrow, narrow_detail
from gateway.detail.log import DetailLog, DetailSelection, DetailWording
from gateway.hub.feed import Feed
from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits
from gateway.hub.subscriber import Subscriber
from gateway.log.memory import MemoryLog
from gateway.model.application import Health
from gateway.model.selector import Selector
from tests.hub.client import Client, DetailClient
from tests.hub.documents import State, application, upserts
from tests.hub.link import FakeLink

NOW = 1_000_000.0
SHOP = Grant([Rule(projects=("shop",))])
WORDLESS = Grant([Rule(projects=("shop",), hide=frozenset({"messages"}))])


def make_hub(*projects: str) -> tuple[Hub, MemoryLog, State]:
    log = MemoryLog(epoch="5f2c81d0", capacity=10_000, max_bytes=10**9)
    state: State = {}
    documents = [
        application(f"argocd/{project}", project=project, health=Health(status="Degraded", message="why"))
        for project in projects
    ]
    log.append(upserts(state, *documents))
    hub = Hub(log, Limits(stream_lifetime=1_000.0), now=NOW, jitter=lambda: 0.5)
    hub.publish(NOW)
    return hub, log, state


def join(hub: Hub, grant: Grant, link: FakeLink, *, expires_at: float | None = None) -> Subscriber:
    return hub.join(
        narrow(Selector(), grant),
        link=link,
        form=link.form,
        cursor=None,
        had_cursor=False,
        now=NOW,
        expires_at=expires_at,
    )


def test_what_shrinks_is_removed_and_what_grows_comes_whole_in_one_delta() -> None:
    hub, _, _ = make_hub("shop", "pay")
    client = Client()
    subscriber = join(hub, SHOP, FakeLink(client, Form.GZIP))
    assert set(client.documents) == {"argocd/shop"}
    hub.transfer(subscriber, narrow(Selector(), Grant([Rule(projects=("pay",))])), NOW)
    assert client.names[-2:] == ["delta", "heartbeat"]
    assert client.events[-2].data["removed"] == ["argocd/shop"]
    assert set(client.documents) == {"argocd/pay"}


def test_what_becomes_hidden_vanishes_from_what_is_shown() -> None:
    hub, _, _ = make_hub("shop")
    client = Client()
    subscriber = join(hub, SHOP, FakeLink(client, Form.PLAIN))
    hub.transfer(subscriber, narrow(Selector(), WORDLESS), NOW)
    assert client.events[-2].data == {
        "changed": {"argocd/shop": {"health": {"status": "Degraded"}}},
        "removed": [],
    }


def test_where_nothing_differs_only_the_cursor_moves_to_the_other_view() -> None:
    hub, _, _ = make_hub("shop")
    client = Client()
    subscriber = join(hub, SHOP, FakeLink(client, Form.PLAIN))
    before = client.last_id
    hub.transfer(subscriber, narrow(Selector(), Grant([Rule(projects=("shop", "none"))])), NOW)
    assert client.names[-1] == "heartbeat"
    assert client.last_id != before


def test_who_has_not_taken_what_was_written_under_the_old_grant_is_cut_off() -> None:
    hub, _, _ = make_hub(*(f"shop-{number}" for number in range(2_000)))
    client = Client()
    link = FakeLink(client, Form.PLAIN, high=1_000, stalled=True)
    subscriber = join(hub, Grant([Rule(projects=("shop*",))]), link)
    hub.transfer(subscriber, narrow(Selector(), NOTHING), NOW)
    assert link.aborted
    assert len(hub) == 0
    assert hub.counts["end_moved"] == 1


def test_who_is_merely_slow_gets_the_difference_when_it_can_take_it() -> None:
    hub, log, state = make_hub("shop", "pay")
    client = Client()
    link = FakeLink(client, Form.PLAIN, high=10)
    subscriber = join(hub, Grant([Rule(projects=("*",))]), link)
    link.stall()
    log.append(upserts(state, application("argocd/shop", project="shop", images=("web:1",))))
    hub.tick(NOW)
    hub.transfer(subscriber, narrow(Selector(), SHOP), NOW)
    assert not link.aborted
    link.flow()
    hub.turn(NOW)
    assert set(client.documents) == {"argocd/shop"}


def test_a_stream_ends_with_what_let_its_subscriber_in() -> None:
    hub, _, _ = make_hub("shop")
    client = Client()
    join(hub, SHOP, FakeLink(client, Form.PLAIN), expires_at=NOW + 100.0)
    hub.beat(NOW + 98.0)
    assert client.goodbye is None
    hub.beat(NOW + 100.0)
    assert client.goodbye is not None
    assert client.goodbye["reason"] == "expired"


def test_a_stream_of_credentials_that_last_ends_after_its_lifetime() -> None:
    hub, _, _ = make_hub("shop")
    client = Client()
    join(hub, SHOP, FakeLink(client, Form.PLAIN), expires_at=NOW + 5_000.0)
    hub.beat(NOW + 1_000.0)
    assert client.goodbye is not None
    assert client.goodbye["reason"] == "lifetime"


def test_a_detail_that_leaves_the_grant_is_removed() -> None:
    hub, _, _ = make_hub()
    log = DetailLog(epoch="9c1e55aa", capacity=100, max_bytes=10**6)
    feed = Feed(log, DetailWording())
    hub.add_feed(feed)
    log.put("argocd/web", {"key": "argocd/web", "name": "web", "namespace": "argocd", "project": "shop"})
    hub.tick(NOW)
    client = DetailClient()
    selection = DetailSelection("argocd/web")
    subscriber = hub.join(
        narrow_detail(selection, SHOP),
        link=FakeLink(client, Form.PLAIN),
        form=Form.PLAIN,
        cursor=None,
        had_cursor=False,
        now=NOW,
        feed=feed,
    )
    assert client.detail is not None
    log.put("argocd/web", {"key": "argocd/web", "name": "web", "namespace": "argocd", "project": "pay"})
    hub.tick(NOW)
    assert client.detail is None
    hub.transfer(subscriber, narrow_detail(selection, Grant([Rule(projects=("pay",))])), NOW)
    assert client.detail is not None
    hub.transfer(subscriber, narrow_detail(selection, NOTHING), NOW)
    assert client.detail is None
