"""What others say has changed is read again: at once, once, and counted as missed only if no stream announces it."""

from __future__ import annotations

from gateway.upstream import messages as m
from gateway.upstream.messages import Kind
from gateway.upstream.rereads import AT_ONCE, GRACE, PATIENCE, WAITING, Rereads
from tests.fakes.applications import Application, application
from tests.upstream.playbook import Playbook, failure, modified

A, B = (application(name, project="shop") for name in ("a", "b"))


def newer(one: Application, version: int = 2, health: str = "Degraded") -> Application:
    return application(one["metadata"]["name"], project="shop", version=version, health=health)


def told(book: Playbook, key: str = "argocd/a") -> None:
    book.tell(m.ChangeTold(key=key))


def answer(book: Playbook, one: Application) -> m.FetchApplication:
    """Answer what was asked for last."""
    command = asked(book)[-1]
    book.tell(m.ApplicationFetched(request=command.request, application=modified(one).application))
    return command


def asked(book: Playbook) -> list[m.FetchApplication]:
    return [command for _, command in book.commands if isinstance(command, m.FetchApplication)]


def test_it_is_read_within_a_second_by_its_project_and_shown() -> None:
    book = Playbook().live(A, B)
    told(book)
    began = book.now
    book.wait_for(m.FetchApplication)
    assert book.now - began <= 1.0
    command = answer(book, newer(A))
    assert (command.key, command.project) == ("argocd/a", "shop")
    assert book.store.held["argocd/a"].version == 2
    assert book.changed_keys[-1] == "argocd/a"


def test_a_difference_that_no_stream_announces_was_missed() -> None:
    book = Playbook().live(A, B)
    told(book)
    book.wait_for(m.FetchApplication)
    answer(book, newer(A))
    assert book.reflector.counts["missed_update"] == 0
    book.wait(GRACE + 0.1)
    assert book.reflector.counts["missed_update"] == 1


def test_a_difference_that_the_stream_announces_a_moment_later_was_not_missed() -> None:
    book = Playbook().live(A, B)
    told(book)
    book.wait_for(m.FetchApplication)
    answer(book, newer(A))
    book.send(book.live_stream, modified(newer(A)))
    book.wait(GRACE + 0.1)
    assert book.reflector.counts["missed_update"] == 0


def test_what_is_as_we_hold_it_or_older_changes_nothing() -> None:
    book = Playbook().live(A, B)
    book.send(book.live_stream, modified(newer(A, 5)))
    told(book)
    book.wait_for(m.FetchApplication)
    answer(book, newer(A, 3, "Missing"))
    book.wait(GRACE + 0.1)
    assert book.store.held["argocd/a"].version == 5
    assert book.reflector.counts["missed_update"] == 0


def test_several_notifications_of_one_change_are_one_reading() -> None:
    book = Playbook().live(A, B)
    for _ in range(5):
        told(book)
    book.wait(2.0)
    assert len(asked(book)) == 1


def test_a_reading_that_fails_leaves_it_to_a_reconcile_and_refuses_no_token() -> None:
    book = Playbook().live(A, B)
    told(book)
    book.wait_for(m.FetchApplication)
    before = [command for _, command in book.commands if isinstance(command, m.OpenWatch)]
    book.tell(m.RequestFailed(request=asked(book)[-1].request, failure=failure(Kind.REFUSED)))
    book.wait(5.0)
    after = [command for _, command in book.commands if isinstance(command, m.OpenWatch)]
    assert len(after) > len(before)
    assert book.state == "live"
    assert not book.reflector.waits_for_token


def test_one_that_we_do_not_hold_is_looked_for_by_a_reconcile() -> None:
    book = Playbook().live(A, B)
    before = len([command for _, command in book.commands if isinstance(command, m.OpenWatch)])
    told(book, "argocd/new")
    book.wait(5.0)
    assert asked(book) == []
    assert len([command for _, command in book.commands if isinstance(command, m.OpenWatch)]) > before


def test_before_the_first_content_nothing_is_read_for_all_is() -> None:
    book = Playbook().start()
    told(book)
    book.wait(1.0)
    assert asked(book) == []


def test_only_a_few_are_read_at_once_and_only_so_many_wait() -> None:
    rereads = Rereads()
    assert all(rereads.told(f"argocd/{number}", 0.0) for number in range(WAITING))
    assert not rereads.told("argocd/one-more", 0.0)
    assert rereads.told("argocd/0", 0.0)
    assert rereads.take_due(0.0, under_way=0) == []
    assert len(rereads.take_due(PATIENCE, under_way=1)) == AT_ONCE - 1
    assert rereads.take_due(PATIENCE, under_way=AT_ONCE) == []
    assert rereads.moments(under_way=AT_ONCE) == []
