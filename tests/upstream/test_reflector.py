"""The reflector finds out what its unreliable stream lost, and never takes a fault of Argo CD's for a change."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gateway.model.application import Observed, Tombstone
from gateway.upstream import messages as m
from gateway.upstream.messages import Kind
from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawError
from gateway.upstream.timing import Timing
from gateway.upstream.wire import Undecodable
from tests.fakes.applications import Application, application
from tests.upstream.playbook import LATEST, START, Playbook, added, deleted, modified

A, B, C = (application(name, project="shop") for name in ("a", "b", "c"))
PAY = application("pay", project="pay")


def newer(one: Application, version: int = 2, **fields: object) -> Application:
    metadata = one["metadata"]
    changed = {"health": "Degraded", **fields}
    return application(metadata["name"], project=one["spec"]["project"], version=version, **changed)  # type: ignore[arg-type]


def observed(one: Application) -> Observed:
    return normalise(added(one).application)


def moments(book: Playbook, kind: type[m.Command]) -> list[float]:
    return [round(at, 3) for at, command in book.commands if isinstance(command, kind)]


# Beginning


def test_the_bridge_comes_first_and_content_and_names_a_second_later() -> None:
    book = Playbook().start()
    assert book.commands == [
        (0.0, m.OpenWatch(stream=1, burst=False)),
        (1.0, m.OpenWatch(stream=2, burst=True)),
        (1.0, m.FetchNames(request=1)),
    ]


def test_the_content_does_not_wait_for_the_headers_of_the_bridge_which_may_never_come() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.list_names(A)
    assert book.state == "live"


def test_nothing_is_published_before_every_listed_name_is_accounted_for() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    assert (book.state, book.changes) == ("connecting", [])
    book.list_names(A, B)
    assert (book.state, book.changes) == ("connecting", [])
    book.send(2, added(B))
    assert (book.state, book.changed_keys) == ("live", ["argocd/a", "argocd/b"])


def test_an_event_of_the_bridge_accounts_for_a_name_too() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.list_names(A, B)
    book.send(1, added(B))
    assert book.state == "live"


def test_a_listed_name_whose_deletion_was_seen_is_not_waited_for() -> None:
    book = Playbook().start()
    book.send(2, added(A), added(B))
    book.send(1, deleted(newer(B)))
    book.list_names(A, B)
    assert (book.state, book.changed_keys) == ("live", ["argocd/a"])


def test_what_the_bridge_saw_and_the_burst_lost_is_there() -> None:
    book = Playbook().start()
    book.send(1, modified(newer(A)))
    book.send(2, added(A), added(B))
    book.list_names(A, B)
    assert book.store.held["argocd/a"].version == 2


def test_an_empty_fleet_asks_whether_we_are_anybody_before_it_believes_it() -> None:
    book = Playbook().start()
    book.list_names()
    assert (book.state, book.waiting(m.FetchPermissions)) == (
        "connecting",
        [m.FetchPermissions(request=2, projects=())],
    )
    book.permit()
    assert (book.state, book.keys) == ("live", set())


def test_nobody_is_shown_an_empty_fleet_and_is_not_believed() -> None:
    book = Playbook().start()
    book.list_names()
    book.permit(logged_in=False)
    assert (book.state, book.reason, book.open) == ("down", "refused", {})
    assert not book.store.published


def test_an_expired_token_where_anybody_may_ask_stays_down_and_asks_ever_more_rarely() -> None:
    book = Playbook().start()
    for _ in range(6):
        book.list_names()
        book.permit(logged_in=False)
        assert book.state == "down"
        book.content()
        assert book.state == "down"
    bridges = moments(book, m.OpenWatch)[::2]
    assert [after - before - 1 for before, after in pairwise(bridges)] == [15, 30, 60, 120, 240, 300]


def test_an_empty_fleet_is_live_again_when_we_are_somebody_again() -> None:
    book = Playbook().start()
    book.list_names()
    book.permit(logged_in=False)
    book.tell(m.TokenChanged())
    book.content()
    book.list_names()
    assert (book.state, book.reason) == ("down", "refused")
    book.permit()
    assert (book.state, book.reason) == ("live", None)


def test_an_empty_fleet_that_nobody_vouches_for_is_begun_anew() -> None:
    book = Playbook().start()
    book.list_names()
    book.fail(m.FetchPermissions, Kind.UNREACHABLE)
    assert (book.state, book.open) == ("connecting", {})
    assert not book.wait_for(m.OpenWatch).burst


def test_a_login_known_from_an_earlier_content_does_not_vouch_for_a_later_one() -> None:
    book = Playbook().start()
    book.list_names()
    book.permit()
    book.content()
    book.list_names()
    assert book.waiting(m.FetchPermissions)


# Reconciling


def test_the_content_becomes_the_live_stream_and_the_old_one_is_closed_five_seconds_later() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.list_names(A)
    assert book.open == {1: False, 2: True}
    book.wait(4.9)
    assert book.open == {1: False, 2: True}
    book.wait(0.1)
    assert book.open == {2: True}


@pytest.mark.parametrize(("jitter", "moment"), [(0.0, 240), (0.5, 300), (0.999, 359.88)])
def test_the_next_content_comes_after_the_interval_give_or_take_a_fifth(jitter: float, moment: float) -> None:
    book = Playbook(jitter=jitter).live(A)
    book.content()
    assert moments(book, m.OpenWatch)[2] == pytest.approx(1 + moment)


def test_what_only_the_content_brought_was_missed_and_is_counted_when_the_old_stream_is_closed() -> None:
    book = Playbook().live(A)
    book.reconcile(newer(A))
    assert (book.changed_keys, book.counts.get("missed_update")) == (["argocd/a"], None)
    book.wait(5)
    assert book.counts["missed_update"] == 1
    assert book.noted("upstream.repaired") == [{"kind": "missed_update", "count": 1, "keys": ["argocd/a"]}]


def test_what_the_old_stream_announces_a_little_later_was_not_missed() -> None:
    book = Playbook().live(A)
    old = book.live_stream
    book.reconcile(newer(A))
    book.wait(4)
    book.send(old, modified(newer(A)))
    book.wait(5)
    assert "missed_update" not in book.counts


def test_what_the_old_stream_announced_first_was_not_missed() -> None:
    book = Playbook().live(A)
    old = book.live_stream
    stream = book.content()
    book.send(old, modified(newer(A)))
    book.send(stream, added(newer(A)))
    book.list_names(A)
    book.wait(5)
    assert "missed_update" not in book.counts


def test_a_later_event_of_the_content_itself_does_not_hide_that_the_old_stream_missed_one() -> None:
    book = Playbook().live(A)
    stream = book.content()
    book.send(stream, added(newer(A)), modified(newer(A, 3)))
    book.list_names(A)
    book.wait(5)
    assert book.counts["missed_update"] == 1


def test_a_first_content_has_missed_nothing() -> None:
    book = Playbook().live(A, B)
    assert "missed_update" not in book.counts


def test_verified_is_the_end_of_the_last_reconcile_that_left_nothing_in_doubt() -> None:
    book = Playbook().live(A, B, C)
    first = book.reflector.liveness.verified_at
    book.reconcile(A, B)
    assert book.reflector.liveness.verified_at == first
    book.wait_for(m.FetchNames)
    book.list_names(A, B)
    assert book.reflector.liveness.verified_at == book.now


def test_a_change_found_by_a_content_is_at_least_as_old_and_an_announced_one_began_now() -> None:
    book = Playbook().live(A, B)
    stream = book.content()
    found, announced = newer(A, sync="OutOfSync"), newer(B, sync="OutOfSync")
    book.send(stream, added(found), added(B), modified(announced))
    syncs = [book.store.held[key].document.sync for key in ("argocd/a", "argocd/b")]
    assert [sync.at_least for sync in syncs if sync] == [True, False]


# Removal


def test_a_lost_deletion_is_found_by_two_lists_ten_seconds_apart() -> None:
    book = Playbook().live(A, B, C)
    book.reconcile(A, B)
    began = book.now
    assert book.keys == {"argocd/a", "argocd/b", "argocd/c"}
    book.wait_for(m.FetchNames)
    assert book.now == began + 10
    book.list_names(A, B)
    assert (book.keys, book.changed_keys) == ({"argocd/a", "argocd/b"}, ["argocd/c"])
    assert book.counts["missed_delete"] == 1
    assert not book.store.tombstones


def test_two_lists_less_than_ten_seconds_apart_prove_nothing() -> None:
    book = Playbook().live(A, B, C)
    book.reconcile(A, B)
    book.wait(3)
    book.send(book.newest_stream, Undecodable("garbage"))
    book.reconcile(A, B)
    assert "argocd/c" in book.keys


def test_a_sign_of_life_between_two_lists_voids_the_first() -> None:
    book = Playbook().live(A, B, C)
    book.reconcile(A, B)
    book.wait(5)
    book.send(book.newest_stream, modified(newer(C)))
    book.wait_for(m.FetchNames)
    book.list_names(A, B)
    assert "argocd/c" in book.keys


def test_an_application_that_showed_itself_after_the_list_was_made_is_in_no_doubt() -> None:
    book = Playbook().live(A, B, C)
    book.send(book.live_stream, added(newer(PAY, 2_000)))
    book.reconcile(A, B, C, version=1_999)
    assert not book.waiting(m.FetchPermissions)


def test_lists_older_than_what_we_hold_prove_nothing() -> None:
    book = Playbook().live(A, B, newer(C, 500))
    verified_at = book.reflector.liveness.verified_at
    book.reconcile(A, B, version=499)
    for _ in range(2):
        book.reconcile(A, B, version=499)
    assert "argocd/c" in book.keys
    assert book.reflector.liveness.verified_at == verified_at


def test_a_deleted_event_removes_at_once_and_buries_what_comes_late() -> None:
    book = Playbook().live(A, B)
    book.send(book.live_stream, deleted(newer(B)))
    assert (book.keys, book.changed_keys) == ({"argocd/a"}, ["argocd/b"])
    book.send(book.live_stream, added(B), modified(newer(B)))
    assert book.keys == {"argocd/a"}
    book.send(book.live_stream, added(newer(B, 3)))
    assert book.keys == {"argocd/a", "argocd/b"}


def test_two_lists_that_contain_a_deleted_name_exhume_it() -> None:
    book = Playbook().live(A, B, C)
    book.send(book.live_stream, deleted(newer(C, 100)))
    book.reconcile(A, B, C)
    assert "argocd/c" not in book.keys
    book.reconcile(A, B, C)
    assert "argocd/c" not in book.store.tombstones
    book.reconcile(A, B, C)
    assert "argocd/c" in book.keys


def test_a_listed_name_that_we_lack_starts_a_content() -> None:
    book = Playbook().live(A, B, C)
    book.reconcile(A, B)
    book.wait_for(m.FetchNames)
    began = book.now
    book.list_names(A, B, PAY)
    book.content()
    assert book.now == began


# Permissions


@pytest.mark.parametrize(
    ("held", "listed", "asked"),
    [
        ((A, B, C, PAY), (A, B, C), ("pay",)),
        ((A, B, PAY), (PAY,), ("shop",)),
        ((A, B, C, PAY), (A, PAY), ("shop",)),
        ((A, PAY), (), ("pay", "shop")),
    ],
    ids=["all of a project", "all of a project, and half of all", "half of all", "everything"],
)
def test_mass_absence_asks_for_permission_at_once(
    held: tuple[Application, ...], listed: tuple[Application, ...], asked: tuple[str, ...]
) -> None:
    book = Playbook().live(*held)
    book.reconcile(*listed)
    if not listed:
        book.permit()
    (question,) = book.waiting(m.FetchPermissions)
    assert question.projects == asked
    assert len(book.keys) == len(held)


def test_few_absent_need_no_permission() -> None:
    book = Playbook().live(A, B, C, PAY)
    book.reconcile(A, B, PAY)
    assert not book.waiting(m.FetchPermissions)


def lose_pay(book: Playbook) -> Playbook:
    book.live(A, B, C, PAY)
    book.reconcile(A, B, C)
    book.permit(denied={"pay"})
    return book


def test_a_lost_permission_is_an_upstream_fault_and_removes_nothing() -> None:
    book = lose_pay(Playbook())
    assert (book.state, book.reason) == ("down", "permission-lost")
    for _ in range(3):
        book.wait_for(m.FetchNames)
        if len(book.open) > 1:
            book.send(book.newest_stream, added(A), added(B), added(C))
        book.list_names(A, B, C)
        book.permit(denied={"pay"})
    assert "argocd/pay" in book.keys
    assert (book.state, book.reason) == ("down", "permission-lost")
    assert len(book.noted("upstream.permission_lost")) == 1


def test_a_permission_regained_is_live_and_reconciled_at_once() -> None:
    book = lose_pay(Playbook())
    book.wait_for(m.FetchNames)
    book.list_names(A, B, C, PAY)
    began = book.now
    assert book.state == "live"
    book.reconcile(A, B, C, newer(PAY))
    assert book.now == began
    assert book.store.held["argocd/pay"].version == 2


def test_what_was_absent_while_denied_is_not_gone_because_permission_came_back_before_we_asked() -> None:
    book = lose_pay(Playbook())
    book.wait_for(m.FetchNames)
    book.list_names(A, B, C)
    book.permit()
    assert (book.state, "argocd/pay" in book.keys) == ("live", True)


def test_names_are_asked_for_ever_more_rarely_while_denied() -> None:
    book = lose_pay(Playbook(Timing(reconcile_interval=100_000)))
    began, waits = book.now, []
    for _ in range(6):
        book.wait_for(m.FetchNames)
        waits.append(book.now - began)
        began = book.now
        book.list_names(A, B, C)
        book.permit(denied={"pay"})
    assert waits == [15, 30, 60, 120, 240, 300]


def test_a_project_denied_keeps_its_applications_while_others_go_on() -> None:
    book = lose_pay(Playbook())
    book.send(book.newest_stream, modified(newer(A)))
    assert book.changed_keys == ["argocd/a"]
    for _ in range(2):
        book.wait_for(m.FetchNames)
        book.list_names(A, B)
        book.permit(denied={"pay"})
    assert book.keys == {"argocd/a", "argocd/b", "argocd/pay"}


def test_what_may_be_seen_and_is_not_there_is_gone_even_if_it_is_everything() -> None:
    book = Playbook().live(A, B)
    book.reconcile()
    book.permit()
    book.permit()
    assert book.keys == {"argocd/a", "argocd/b"}
    book.wait_for(m.FetchNames)
    book.list_names()
    book.permit()
    assert book.keys == set()
    assert book.state == "live"


def test_without_an_answer_about_permissions_nothing_is_removed_and_it_is_asked_again() -> None:
    book = Playbook().live(A, B, C, PAY)
    book.reconcile(A, B, C)
    book.permit()
    book.wait_for(m.FetchNames)
    book.list_names(A, B, C)
    book.fail(m.FetchPermissions, Kind.UNREACHABLE)
    assert "argocd/pay" in book.keys
    book.wait_for(m.FetchNames, within=1)
    book.list_names(A, B, C)
    book.permit()
    assert "argocd/pay" not in book.keys


# Failures of lists


@pytest.mark.parametrize("kind", [Kind.UNHEALTHY, Kind.UNREACHABLE, Kind.ANSWERED_BADLY])
def test_a_list_that_fails_is_asked_for_again_ever_more_slowly(kind: Kind) -> None:
    book = Playbook().start()
    book.send(2, added(A))
    began, waits = book.now, []
    for _ in range(7):
        book.fail(m.FetchNames, kind)
        book.wait_for(m.FetchNames)
        waits.append(book.now - began)
        began = book.now
    assert waits == [0.5, 1, 2, 4, 8, 15, 15]
    assert not book.store.published
    book.list_names(A)
    assert book.state == "live"


def test_unhealthy_lists_remove_nothing_however_long_it_lasts() -> None:
    book = Playbook().live(A, B)
    stream = book.content()
    for _ in range(20):
        book.fail(m.FetchNames, Kind.UNHEALTHY)
        book.wait_for(m.FetchNames)
    assert (book.keys, book.state) == ({"argocd/a", "argocd/b"}, "live")
    assert set(book.open) == {stream, stream - 1}


def test_a_list_too_large_is_asked_for_project_by_project_once_the_burst_seems_over() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.fail(m.FetchNames, Kind.TOO_LARGE)
    book.wait(4)
    book.send(2, added(PAY))
    began = book.now
    assert book.wait_for(m.FetchNames).projects == ("pay", "shop")
    assert book.now == began + 5
    book.list_names(A, PAY)
    assert book.state == "live"
    stream = book.content()
    book.send(stream, added(A), added(PAY))
    assert book.wait_for(m.FetchNames).projects == ("pay", "shop")


def test_a_list_by_project_says_nothing_of_other_projects() -> None:
    book = Playbook().live(A, B, C)
    book.reconcile(A, B)
    book.wait_for(m.FetchNames)
    book.fail(m.FetchNames, Kind.TOO_LARGE)
    assert book.wait_for(m.FetchNames).projects == ("shop",)
    book.send(book.newest_stream, added(PAY))
    book.list_names(A, B)
    assert book.keys == {"argocd/a", "argocd/b", "argocd/pay"}


# Refusal


def test_a_refused_token_makes_few_requests_and_ever_fewer() -> None:
    book = Playbook()
    book.tell(m.TimePassed())
    for _ in range(6):
        book.end(book.newest_stream, Kind.REFUSED)
        assert (book.state, book.reason, book.reflector.waits_for_token) == ("down", "refused", True)
        book.wait_for(m.OpenWatch)
    assert moments(book, m.OpenWatch) == [0, 15, 45, 105, 225, 465, 765]
    assert moments(book, m.FetchNames) == []


def test_a_new_token_is_tried_at_once() -> None:
    book = Playbook()
    book.tell(m.TimePassed())
    book.end(book.newest_stream, Kind.REFUSED)
    assert any(isinstance(one, m.OpenWatch) for one in book.tell(m.TokenChanged()))
    book.wait(1)
    book.send(book.newest_stream, added(A))
    book.list_names(A)
    assert (book.state, book.reflector.waits_for_token) == ("live", False)


def test_a_live_stream_outlives_its_token_and_is_kept() -> None:
    book = Playbook().live(A)
    live = book.live_stream
    for wait in (15, 30, 60):
        book.end(book.content(), Kind.REFUSED)
        began = book.now
        assert (book.state, book.reason, set(book.open)) == ("down", "refused", {live})
        book.send(live, modified(newer(A, wait)))
        assert book.changed_keys == ["argocd/a"] or wait > 15
        book.wait(wait - 1)
        assert set(book.open) == {live}
        assert book.now == began + wait - 1
    book.tell(m.TokenChanged())
    assert len(book.open) == 2
    book.send(book.newest_stream, added(A))
    book.list_names(A)
    assert book.state == "live"


def test_a_token_file_that_changes_while_all_is_well_changes_nothing() -> None:
    book = Playbook().live(A)
    assert book.tell(m.TokenChanged()) == []


def test_an_error_within_a_stream_ends_it() -> None:
    book = Playbook().live(A)
    refused = added(A), _error(401)
    book.send(book.live_stream, *refused)
    assert (book.state, book.reason, book.open) == ("down", "refused", {})


def _error(code: int) -> RawError:
    return RawError(message="no session information", http_code=code)


# Loss


def test_silence_of_45_seconds_after_headers_is_a_loss_that_began_with_the_last_sign_of_life() -> None:
    book = Playbook().live(A)
    book.wait(30)
    last = book.now
    book.send(book.live_stream)
    book.alive = False
    book.wait(44.9)
    assert (book.state, len(book.open)) == ("live", 1)
    book.wait(0.1)
    assert (book.state, book.reason, book.open) == ("stale", "silent", {})
    assert book.reflector.liveness.state(book.now)[1] == last


def test_before_its_headers_a_stream_is_vouched_for_by_healthz() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.list_names(A)
    book.wait(5)
    book.send(2)
    assert not any(isinstance(one, m.FetchHealth) for one in book.wait(200))
    empty = Playbook().start()
    empty.list_names()
    empty.permit()
    empty.wait(200)
    assert empty.state == "live"
    assert moments(empty, m.FetchHealth) == [*range(16, 202, 15)]


def test_a_stream_without_headers_that_healthz_does_not_vouch_for_is_lost() -> None:
    book = Playbook().start()
    book.list_names()
    book.permit()
    book.wait(6)
    book.alive = False
    book.wait(60)
    assert (book.state, book.reason) == ("stale", "silent")
    assert book.counts["failure_silent"] == 1


def test_healthz_does_not_vouch_for_a_stream_that_should_show_life_itself() -> None:
    book = Playbook().live(A)
    book.send(book.live_stream)
    book.content()
    book.beating = False
    book.wait(45)
    assert moments(book, m.FetchHealth)
    assert (book.state, book.reason) == ("stale", "silent")


def test_a_framing_without_keepalives_is_vouched_for_all_along() -> None:
    book = Playbook(Timing(keepalive=False)).live(A)
    book.wait(100)
    assert (book.state, moments(book, m.FetchHealth)) == ("live", [16, 31, 46, 61, 76, 91, 106])


def test_reconnects_come_with_jitter_and_ever_later() -> None:
    book = Playbook(jitter=0.5)
    book.tell(m.TimePassed())
    for _ in range(8):
        book.end(book.newest_stream, Kind.UNREACHABLE)
        book.wait_for(m.OpenWatch)
    waits = [round(after - before, 3) for before, after in pairwise(moments(book, m.OpenWatch))]
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_a_minute_of_failed_attempts_is_down() -> None:
    book = Playbook().live(A)
    book.end(book.live_stream, Kind.ENDED)
    began = book.now
    while book.now < began + 90:
        book.wait_for(m.OpenWatch)
        if book.now >= began + 60.5:
            break
        assert book.state in ("live", "stale")
        book.end(book.newest_stream, Kind.UNREACHABLE)
    assert (book.state, book.reason) == ("down", "unreachable")


def test_a_loss_is_not_told_before_the_state_is_too_old() -> None:
    book = Playbook(Timing(stale_after=15), jitter=0.999).live(A)
    book.end(book.live_stream)
    began = book.now
    assert book.state == "live"
    book.wait(14.9)
    assert book.state == "live"
    book.wait(0.1)
    assert book.now == began + 15
    assert book.state == "stale"


def test_a_lost_bridge_takes_its_content_with_it() -> None:
    book = Playbook().start()
    book.end(1)
    assert book.open == {}
    assert not book.wait_for(m.OpenWatch).burst


def test_a_lost_content_leaves_the_live_stream_alone() -> None:
    book = Playbook().live(A)
    live = book.live_stream
    book.end(book.content(), Kind.UNREACHABLE)
    assert (book.state, set(book.open)) == ("live", {live})
    assert book.wait_for(m.OpenWatch).burst


def test_the_answer_to_a_request_of_a_lost_connection_means_nothing() -> None:
    book = Playbook().start()
    book.end(1)
    assert book.list_names(A) == []
    assert not book.wait_for(m.OpenWatch).burst
    assert not book.store.published


def test_a_list_asked_for_before_a_content_says_nothing_about_it() -> None:
    book = Playbook().live(A, B, C)
    book.reconcile(A, B)
    before = book.wait_for(m.FetchNames)
    book.send(book.newest_stream, Undecodable("garbage"))
    book.content()
    assert book.tell(m.NamesFetched(request=before.request, names={}, version=LATEST)) == []
    assert book.waiting(m.FetchNames)[-1].request > before.request


# Suspicion


def test_an_unreadable_event_is_looked_after_at_once_then_ever_more_rarely() -> None:
    book = Playbook(Timing(reconcile_interval=100_000)).live(A)
    began, waits = book.now, []
    for version in range(5):
        book.send(book.newest_stream, Undecodable("garbage", key="argocd/a", version=str(version)))
        book.reconcile(A)
        waits.append(book.now - began)
        began = book.now
    assert waits == [0, 30, 60, 120, 240]


def test_the_same_unreadable_event_is_looked_after_once() -> None:
    book = Playbook().live(A)
    garbage = Undecodable("garbage", key="argocd/a", version="7")
    book.send(book.live_stream, garbage)
    book.reconcile(A)
    for _ in range(3):
        assert not any(isinstance(one, m.OpenWatch) for one in book.send(book.newest_stream, garbage))
    assert book.counts["undecodable"] == 4
    assert len(book.noted("upstream.event_put_aside")) == 1


@pytest.mark.parametrize("oversized", [0, 1])
def test_applications_that_nobody_can_read_do_not_block_the_content_for_ever(oversized: int) -> None:
    book = Playbook().start()
    book.send(2, added(A), *[Undecodable("garbage")] * (1 - oversized), oversized=oversized)
    book.list_names(A, B)
    book.wait_for(m.FetchNames)
    book.list_names(A, B)
    book.wait(40)
    assert (book.state, book.keys) == ("live", {"argocd/a"})
    assert book.noted("upstream.applications_unreadable") == [{"keys": ["argocd/b"]}]


def test_an_unreadable_application_that_tells_its_key_blocks_nothing() -> None:
    book = Playbook().start()
    book.send(2, added(A), Undecodable("garbage", key="argocd/b", version="1"))
    book.list_names(A, B)
    assert (book.state, book.keys) == ("live", {"argocd/a"})


def test_a_content_that_lacks_names_asks_again_then_gives_way_to_another() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.list_names(A, B)
    book.wait_for(m.FetchNames)
    assert book.now == START + 6
    book.list_names(A, B)
    again = book.wait_for(m.OpenWatch, within=40)
    assert not again.burst
    assert book.counts["failure_answered-badly"] == 1


def test_a_busy_stream_does_not_keep_a_content_waiting_for_what_its_burst_lacks() -> None:
    book = Playbook().start()
    book.send(2, added(A))
    book.list_names(A, B)
    asked = 0
    for version in range(2, 40):
        book.send(1, modified(newer(A, version)))
        asked += sum(isinstance(one, m.FetchNames) for one in book.wait(1))
    assert asked >= 1
    assert book.counts["failure_answered-badly"] == 1


# Restored backups, replicas, stored states


def test_a_restored_backup_is_believed_after_two_contents_an_interval_apart() -> None:
    held = [newer(one, 100 + number) for number, one in enumerate((A, B, C))]
    backup = [newer(one, 10 + number, health="Missing") for number, one in enumerate((A, B, PAY))]
    book = Playbook().live(*held)
    book.end(book.live_stream)
    book.reconcile(*backup, version=20)
    assert book.changed_keys == ["argocd/pay"]
    book.reconcile(*backup, version=20)
    assert book.counts["restore"] == 1
    began = book.now
    book.reconcile(*backup, version=20)
    assert (book.now, book.changed_keys) == (began, ["argocd/a", "argocd/b"])
    book.wait_for(m.FetchNames)
    book.list_names(*backup, version=20)
    assert book.keys == {"argocd/a", "argocd/b", "argocd/pay"}


def test_one_old_content_is_a_replica_that_lags() -> None:
    held = [newer(one, 100) for one in (A, B)]
    book = Playbook().live(*held)
    book.reconcile(A, B)
    book.reconcile(*held)
    book.reconcile(A, B)
    assert "restore" not in book.counts
    assert book.changes == []


def test_late_events_of_a_lagging_replica_change_nothing() -> None:
    book = Playbook().live(newer(A, 50), newer(B, 60))
    book.send(book.live_stream, added(A), modified(newer(A, 49, health="Missing")), deleted(newer(B, 59)))
    assert (book.changes, book.keys) == ([], {"argocd/a", "argocd/b"})


def test_a_stored_state_is_served_as_stale_and_then_only_differences_come_out() -> None:
    stored = [observed(one) for one in (A, B, C)]
    book = Playbook(stored=stored, tombstones={"argocd/d": Tombstone(9, START)})
    book.reflector.liveness.restored(START - 600, START - 500)
    book.start()
    assert (book.state, len(book.changes)) == ("stale", 3)
    book.changes.clear()
    book.send(2, added(newer(A)), added(B), added(application("d", version=8)))
    book.list_names(A, B)
    assert (book.state, book.changed_keys) == ("live", ["argocd/a"])
    book.wait_for(m.FetchNames)
    book.list_names(A, B)
    assert (book.changed_keys, book.keys) == (["argocd/c"], {"argocd/a", "argocd/b"})


def test_applications_that_no_longer_tell_their_project_keep_theirs() -> None:
    book = Playbook().live(A)
    untold = newer(A)
    del untold["spec"]["project"]
    book.send(book.live_stream, modified(untold))
    assert book.store.held["argocd/a"].document.project == "shop"


def test_an_answer_newer_than_everything_is_no_answer_to_what_was_never_asked() -> None:
    book = Playbook().live(A)
    assert book.tell(m.NamesFetched(request=99, names={}, version=LATEST)) == []
    assert book.tell(m.StreamRead(stream=99, events=(deleted(A),))) == []
    assert book.tell(m.StreamEnded(stream=99, failure=m.Failure(Kind.ENDED, ""))) == []
    assert book.keys == {"argocd/a"}
