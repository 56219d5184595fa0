"""A content is complete when every listed name is accounted for; what only it brought was missed."""

from __future__ import annotations

import pytest

from gateway.store.state import Outcome
from gateway.upstream.content import PATIENCE, QUIET, Content, RestoreCheck
from gateway.upstream.existence import NameList

T = 1_795_000_000.0


def content(*, reconciling: bool = False) -> Content:
    return Content(stream=2, opened_at=T, reconciling=reconciling)


def names(*keys: str, at: float = T) -> NameList:
    return NameList(names=dict.fromkeys(keys), version=9, asked_at=at, answered_at=at, held_version=0)


def bring(content: Content, key: str, outcome: Outcome = Outcome.CHANGED, *, version: int = 5, now: float = T) -> None:
    content.brought(key, version, outcome, now=now)


def test_it_is_complete_when_the_burst_or_anything_else_accounts_for_each_name() -> None:
    one = content()
    bring(one, "a")
    one.accounted("b")
    assert not one.complete
    one.listed(names("a", "b", "c", "d", "e"), buried=["c"])
    assert (one.complete, one.lacking) == (False, {"d", "e"})
    bring(one, "d", Outcome.OLD)
    one.accounted("e")
    assert one.complete


def test_a_later_list_takes_the_place_of_the_earlier() -> None:
    one = content()
    one.listed(names("a"), buried=())
    one.listed(names(), buried=())
    assert one.complete


def test_names_are_asked_for_at_once_then_when_the_burst_pauses_and_ever_more_rarely() -> None:
    one = content()
    assert one.names_due(patiently=False) == T
    one.listed(names("a", at=T + 1), buried=())
    assert one.names_due(patiently=False) == T + 1 + QUIET
    bring(one, "b", now=T + 4)
    assert one.names_due(patiently=False) == T + 4 + QUIET
    one.listed(names("a", at=T + 9), buried=())
    assert one.names_due(patiently=False) == T + 9 + 2 * QUIET
    one.not_listed(T + 100)
    assert one.names_due(patiently=False) == T + 100


def test_project_by_project_the_names_wait_for_the_burst_to_pause() -> None:
    one = content()
    assert one.names_due(patiently=True) == T + QUIET
    bring(one, "b", now=T + 4)
    assert one.names_due(patiently=True) == T + 4 + QUIET


def test_it_is_given_up_when_the_burst_brings_no_more_of_what_it_lacks() -> None:
    one = content()
    assert one.given_up_at() is None
    one.listed(names("a"), buried=())
    bring(one, "b", now=T + 4)
    one.accounted("c")
    assert one.given_up_at() == T + 4 + PATIENCE
    bring(one, "a", now=T + 5)
    assert one.given_up_at() is None


@pytest.mark.parametrize(
    ("reconciling", "outcome", "missed"),
    [
        (True, Outcome.CHANGED, ["a"]),
        (True, Outcome.UNCHANGED, []),
        (True, Outcome.OLD, []),
        (True, Outcome.BURIED, []),
        (False, Outcome.CHANGED, []),
    ],
)
def test_only_a_change_that_a_reconcile_brings_was_missed(
    reconciling: bool, outcome: Outcome, missed: list[str]
) -> None:
    one = content(reconciling=reconciling)
    bring(one, "a", outcome)
    assert one.missed == missed


@pytest.mark.parametrize(("version", "missed"), [(4, ["a"]), (5, []), (6, [])])
def test_what_is_announced_after_all_was_not_missed(version: int, missed: list[str]) -> None:
    one = content(reconciling=True)
    bring(one, "a", version=5)
    one.announced("a", version)
    one.announced("b", version)
    assert one.missed == missed


@pytest.mark.parametrize(
    ("outcomes", "older"),
    [
        ([], False),
        ([Outcome.OLD], True),
        ([Outcome.BURIED], True),
        ([Outcome.OLD, Outcome.UNCHANGED], False),
        ([Outcome.OLD, Outcome.OLD, Outcome.CHANGED], True),
    ],
)
def test_mostly_older_is_more_than_half(outcomes: list[Outcome], older: bool) -> None:
    one = content()
    for number, outcome in enumerate(outcomes):
        bring(one, str(number), outcome)
    assert one.mostly_older is older


@pytest.mark.parametrize(
    ("contents", "restored"),
    [
        ([(0, True), (80, True)], True),
        ([(0, True), (50, True)], False),
        ([(0, True), (50, True), (80, True)], True),
        ([(0, True), (50, False), (100, True)], False),
        ([(0, True), (50, False), (100, True), (180, True)], True),
        ([(0, True), (80, True), (100, True)], False),
        ([(0, False), (100, True)], False),
    ],
)
def test_two_old_contents_in_a_row_an_interval_apart_are_a_restored_backup(
    contents: list[tuple[float, bool]], restored: bool
) -> None:
    check = RestoreCheck(interval=100)
    said = False
    for at, older in contents:
        one = content()
        bring(one, "a", Outcome.OLD if older else Outcome.CHANGED)
        said = check.restored(one, T + at)
    assert said is restored


def test_it_tells_how_far_it_is() -> None:
    one = content()
    bring(one, "a")
    one.listed(names("a", "b"), buried=())
    assert repr(one) == "<Content of stream 2: 1 accounted for, 1 lacking>"
