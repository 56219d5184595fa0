"""A view makes everything once for all who share it."""

import json
from collections.abc import Sequence

import pytest

from gateway.hub.feed import LIST_WORDING, Feed
from gateway.hub.frame import Chain, Form, Frame, event
from gateway.hub.limits import SLICE
from gateway.hub.subscriber import Subscriber
from gateway.hub.view import CHAIN_PATIENCE, View
from gateway.log.memory import MemoryLog
from gateway.model.delta import Change, net
from gateway.model.selector import Selector
from gateway.model.upstream import Upstream
from tests.hub.client import Client
from tests.hub.documents import State, application, chain, seen, upserts
from tests.hub.link import FakeLink

NOW = 1_000.0
SHOP = Selector(projects=("shop",))


def make_view(selector: Selector = SHOP, *, capacity: int = 100, slice_bytes: int = SLICE) -> View:
    log = MemoryLog(epoch="5f2c81d0", capacity=capacity, max_bytes=10**9)
    return View(selector, Feed(log, LIST_WORDING), now=NOW, lagging={}, slice_bytes=slice_bytes)


def seat(view: View, form: Form = Form.PLAIN, *, stalled: bool = False) -> tuple[Subscriber, FakeLink]:
    """Put a subscriber into a view, current."""
    link = FakeLink(Client(), form, stalled=stalled)
    subscriber = Subscriber(view.feed.traffic, link=link, form=form, offset=view.offset, reason="resumed", now=NOW)
    subscriber.put_private(b"retry: 1\n")
    subscriber.put_private(event("delta", {"reason": "resumed", "changed": {}, "removed": []}, cursor=view.cursor))
    subscriber.pump(NOW)
    subscriber.stand_at(view.offset)
    view.current[form][subscriber] = link.offer
    subscriber.become_current(view.checksum)
    return subscriber, link


def tick(view: View, changes: Sequence[Change], now: float = NOW) -> int:
    log = view.feed.log
    assert isinstance(log, MemoryLog)
    log.append(changes)
    standing = view.offset
    assert view.feed.advance() is not None
    return view.tick(net(changes), standing, now)


def test_a_tick_sends_everyone_who_is_current_what_the_view_sees() -> None:
    view, state = make_view(), State()
    clients = [seat(view, form)[1].client for form in Form]
    sent = tick(view, upserts(state, application("argocd/a", project="shop"), application("argocd/b", project="pay")))
    assert sent == 3
    for client in clients:
        assert client.documents == {
            "argocd/a": {"key": "argocd/a", "name": "a", "namespace": "argocd", "project": "shop"}
        }
        assert client.last_id == f"5f2c81d0-2-{SHOP.view_id}"


def test_what_leaves_the_view_is_removed_and_what_enters_is_whole() -> None:
    view, state = make_view(), State()
    link = seat(view)[1]
    tick(view, upserts(state, application("argocd/a", project="shop"), application("argocd/b", images=("b:1",))))
    tick(view, upserts(state, application("argocd/a", project="pay"), application("argocd/b", project="shop")))
    assert link.client.events[-1].data == {
        "changed": {"argocd/b": {"key": "argocd/b", "name": "b", "namespace": "argocd", "project": "shop"}},
        "removed": ["argocd/a"],
    }


def test_a_tick_that_means_nothing_here_moves_the_view_in_silence() -> None:
    view, state = make_view(), State()
    link = seat(view)[1]
    assert tick(view, upserts(state, application("argocd/b", project="pay")), now=NOW + 5) == 0
    assert (view.offset, view.sent_at) == (1, NOW)
    assert link.client.names == ["delta"]


def test_who_can_take_nothing_falls_behind_where_the_frame_begins() -> None:
    view, state = make_view(), State()
    (slow, link), (_, quick) = seat(view, stalled=True), seat(view)
    link.write(b": \n" * link.high)
    assert tick(view, upserts(state, application("argocd/a", project="shop"))) == 1
    assert (slow.offset, slow.lagged, view.offset) == (0, 1, 1)
    assert set(view.behind) == {slow}
    assert set(view.behind).union(*view.current) == {slow, *view.current[Form.PLAIN]}
    assert "argocd/a" in quick.client.documents


def test_a_closing_connection_is_passed_over() -> None:
    view, state = make_view(), State()
    _, link = seat(view)
    link.cut(0)
    assert tick(view, upserts(state, application("argocd/a", project="shop"))) == 0


@pytest.mark.parametrize("form", Form)
def test_a_large_frame_goes_out_in_slices_and_waits_shared(form: Form) -> None:
    view, state = make_view(), State()
    (first, link), (second, _) = seat(view, form, stalled=True), seat(view, form, stalled=True)
    noise = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(3 * SLICE))
    tick(view, upserts(state, application("argocd/a", project="shop", images=(noise,))))
    assert link.largest == SLICE
    assert link.unsent() <= link.high + SLICE
    assert set(view.behind) == {first, second}
    assert first.offset == second.offset == view.offset
    assert {id(part.obj) for part in first._pending} == {id(part.obj) for part in second._pending}
    while not first.pump(NOW):
        link.drain()
    link.drain()
    assert link.client.documents["argocd/a"]["images"] == [noise]


def test_a_leap_lets_everyone_fall_behind_where_they_stood() -> None:
    view = make_view()
    members = {seat(view, form)[0] for form in Form}
    view.list_documents()
    view.leap(7, NOW)
    assert set(view.behind) == members
    assert {member.offset for member in members} == {7}
    assert view.listing is None


def test_a_listing_is_made_once_for_an_offset() -> None:
    view, state = make_view(), State()
    changes = upserts(state, application("argocd/a", project="shop"), application("argocd/b", project="pay"))
    tick(view, changes)
    listing = view.list_documents()
    assert view.list_documents() is listing
    assert json.loads(b"{" + listing.frame.plain) == {
        "applications": [{"key": "argocd/a", "name": "a", "namespace": "argocd", "project": "shop"}]
    }
    tick(view, chain(state, [("argocd/a", None)]))
    assert json.loads(b"{" + view.list_documents().frame.plain) == {"applications": []}


def test_a_view_costs_what_its_listing_takes() -> None:
    view = make_view()
    assert view.cost == 0
    listing = view.list_documents()
    listing.frame.within(Form.GZIP)
    assert view.cost == listing.frame.cost > 0


def test_the_way_from_an_offset_is_computed_once() -> None:
    view, state = make_view(capacity=3), State()
    for number, project in enumerate(("shop", "pay", "shop", "shop")):
        tick(view, upserts(state, application("argocd/a", project=project, images=(str(number),))))
    frame = view.catch_up(2)
    assert frame is view.catch_up(2)
    assert frame is not None
    assert json.loads(b"{" + frame.plain)["changed"]["argocd/a"]["images"] == ["3"]
    assert view.catch_up(4) is None
    with pytest.raises(LookupError):
        view.catch_up(0)


def test_a_way_on_which_nothing_happened_here_is_none() -> None:
    view, state = make_view(), State()
    tick(view, upserts(state, application("argocd/a", project="pay"), application("argocd/a", project="prod")))
    assert view.catch_up(0) is None


def test_a_heartbeat_is_made_once_for_each_second_state_and_offset() -> None:
    view = make_view()
    live = Upstream(state="live", since="2026-11-20T23:17:49Z")
    heartbeat = view.heartbeat(live, NOW, published=True)
    assert view.heartbeat(live, NOW + 0.9, published=True) is heartbeat
    assert (
        heartbeat.plain
        == (
            f"event: heartbeat\nid: 5f2c81d0-0-{SHOP.view_id}\n"
            'data: {"at":"1970-01-01T00:16:40Z","upstream":{"state":"live","since":"2026-11-20T23:17:49Z"}}\n\n'
        ).encode()
    )
    tick(view, upserts({}, application("argocd/b", project="pay")))
    assert f"id: 5f2c81d0-1-{SHOP.view_id}\n".encode() in view.heartbeat(live, NOW, published=True).plain
    assert b"stale" in view.heartbeat(Upstream(state="stale", since="…"), NOW, published=True).plain
    assert b"00:16:41Z" in view.heartbeat(live, NOW + 1, published=True).plain


def test_a_heartbeat_before_the_first_state_leads_nowhere() -> None:
    assert b"id:" not in make_view().heartbeat(None, NOW, published=False).plain


def test_the_checksum_follows_what_gzip_subscribers_were_sent() -> None:
    view = make_view()
    view.broadcast(Frame(b"nobody"), NOW)
    assert view.checksum.size == 0
    seat(view, Form.GZIP)
    heartbeat = view.heartbeat(None, NOW, published=True)
    view.broadcast(heartbeat, NOW + 1)
    assert view.checksum == heartbeat.checksum
    assert view.sent_at == NOW + 1


def test_a_view_is_idle_without_subscribers() -> None:
    view = make_view()
    assert view.idle
    subscriber, _ = seat(view)
    assert not view.idle
    view.fall_behind(subscriber, 0, NOW)
    assert not view.idle


def beat(view: View, number: int, size: int = 1) -> int:
    return view.broadcast(Frame(event("heartbeat", {"at": number, "upstream": "x" * size})), NOW)


def test_who_came_since_a_chain_began_waits_for_the_next_and_misses_nothing() -> None:
    view = make_view()
    _, early = seat(view, Form.GZIP)
    for number in range(3):
        beat(view, number)
    _, late = seat(view, Form.GZIP)
    for number in range(3, 2 * CHAIN_PATIENCE):
        beat(view, number)
    for link, first in ((early, 0), (late, 3)):
        assert [told.data["at"] for told in link.client.heartbeats] == list(range(first, 2 * CHAIN_PATIENCE))


def test_a_chain_costs_less_than_frames_that_stand_for_themselves() -> None:
    frames = [Frame(event("delta", {"changed": {f"argocd/app-{n}": {"health": "Healthy"}}})) for n in range(20)]
    chain_of_frames = Chain()
    chained = sum(len(chain_of_frames.gzipped(frame)) for frame in frames)
    assert chained < 0.6 * sum(len(frame.gzipped) for frame in frames)


def test_no_chain_goes_on_behind_what_goes_out_in_slices() -> None:
    view = make_view()
    member, link = seat(view, Form.GZIP)
    beat(view, 0)
    beat(view, 1, size=2 * SLICE)
    view.catch_on(member)
    beat(view, 2)
    beat(view, 3)
    assert [told.data["at"] for told in link.client.heartbeats] == [0, 1, 2, 3]


@pytest.mark.parametrize("form", Form)
def test_what_is_large_goes_out_at_once_where_connections_copy_nothing(form: Form) -> None:
    view, state = make_view(slice_bytes=100 * SLICE), State()
    (member, link), (slow, stalled) = seat(view, form), seat(view, form, stalled=True)
    beat(view, 0)
    noise = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(3 * SLICE))
    tick(view, upserts(state, application("argocd/a", project="shop", images=(noise,))))
    assert link.largest > SLICE
    assert view.is_current(member)
    assert view.is_current(slow)
    beat(view, 1)
    assert view.is_current(member)
    assert set(view.behind) == {slow}
    assert link.client.documents == seen(state, SHOP.sees)
    stalled.flow()
    assert stalled.client.documents == link.client.documents
    assert [told.data["at"] for told in link.client.heartbeats] == [0, 1]


def test_bytes_are_counted_as_they_were_and_as_they_went() -> None:
    view, state = make_view(), State()
    links = [seat(view, form)[1] for form in Form for _ in range(2)]
    tick(view, upserts(state, application("argocd/a", project="shop")))
    tick(view, upserts(state, application("argocd/a", project="shop", images=("b",) * 20)))
    traffic = view.feed.traffic
    assert traffic.frames["delta"] == 2
    assert traffic.sent == sum(link.written for link in links)
    plain = [link.written for link in links[:2]]
    assert traffic.raw == 3 * sum(plain)


def test_what_is_too_large_to_go_at_once_is_counted_once() -> None:
    view, state = make_view(), State()
    _, link = seat(view, Form.PLAIN)
    before = view.feed.traffic.sent
    wide = application("argocd/a", project="shop", images=tuple(f"{n:0100d}" for n in range(2 * SLICE // 100)))
    tick(view, upserts(state, wide))
    assert view.feed.traffic.sent - before > SLICE
    assert view.feed.traffic.sent == link.written
