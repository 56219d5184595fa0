"""Nothing leaves the store that Argo CD merely doesn't show us any more."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.model.application import ApplicationStatus, Detail, Observed
from gateway.store.state import Store
from gateway.upstream.books import Books
from gateway.upstream.existence import Existence, NameList
from gateway.upstream.liveness import Liveness
from gateway.upstream.messages import FetchPermissions
from gateway.upstream.outbox import Outbox
from gateway.upstream.removal import PERMISSION_LOST, Removal
from gateway.upstream.requests import Asked, Requests
from gateway.upstream.schedule import Schedule
from gateway.upstream.streams import Streams
from gateway.upstream.timing import Timing

T = 1_795_000_000.0
SHOP = ("shop/a", "shop/b", "shop/c", "shop/d", "shop/e")
PAY = ("pay/a", "pay/b")


class Bench:
    """A removal on books of a live stream, with two projects held."""

    def __init__(self) -> None:
        self.store = Store()
        for key in (*SHOP, *PAY):
            project, name = key.split("/")
            document = ApplicationStatus(key=key, name=name, namespace=project, project=project)
            self.store.upsert(Observed(version=5, uid="", document=document, detail=Detail()), now=T, live=True)
        self.store.publish()
        self.books = Books(
            store=self.store,
            liveness=Liveness(stale_after=15, now=T),
            streams=Streams(keepalive=True),
            requests=Requests(),
            existence=Existence(confirm_after=10),
            due=Schedule(Timing(), now=T, jitter=lambda: 0.5),
            outbox=Outbox(),
            counts=Counter(),
        )
        self.books.streams.bridge(T)
        self.books.streams.gather(T)
        self.books.streams.switch(T)
        self.books.liveness.connected(T)
        self.removal = Removal(self.books)

    def list_without(self, *absent: str, at: float, fresh: bool = True) -> FetchPermissions | None:
        """Judge a list that lacks these; return what it leads to ask."""
        names = dict.fromkeys(key for key in (*SHOP, *PAY) if key not in absent)
        version = 9 if fresh else 4
        self.removal.judge(
            NameList(names=names, version=version, asked_at=T + at, answered_at=T + at, held_version=5), now=T + at
        )
        asked = [one for one in self.books.outbox.take() if isinstance(one, FetchPermissions)]
        return asked[0] if asked else None

    def permit(self, asked: FetchPermissions | None, *denied: str, at: float) -> None:
        assert asked is not None
        request = self.books.requests.end(asked.request)
        assert isinstance(request, Asked)
        self.removal.permitted(request, frozenset(denied), now=T + at)

    @property
    def gone(self) -> set[str]:
        return {*SHOP, *PAY} - self.store.held.keys()

    @property
    def lost(self) -> bool:
        return self.books.liveness.has_fault(PERMISSION_LOST)


@pytest.mark.parametrize(
    ("absent", "asked"),
    [
        (("shop/a",), None),
        (("pay/a",), None),
        (PAY, ("pay",)),
        (("shop/a", *PAY), ("pay",)),
        (("shop/a", "shop/b", "shop/c", "pay/a"), ("pay", "shop")),
        ((*SHOP, *PAY), ("pay", "shop")),
    ],
)
def test_permission_is_asked_for_what_is_at_stake_at_the_first_list_and_again_at_the_second(
    absent: tuple[str, ...], asked: tuple[str, ...] | None
) -> None:
    bench = Bench()
    for at in (0, 10):
        question = bench.list_without(*absent, at=at)
        assert (question and question.projects) == asked
        assert bench.gone == ({*absent} if at and asked is None else set())
        if question is not None:
            bench.permit(question, at=at + 1)
    assert bench.gone == {*absent}
    assert bench.books.counts["missed_delete"] == len(absent)
    assert not bench.lost


def test_the_question_names_one_of_those_lost_in_each_project() -> None:
    question = Bench().list_without("shop/a", *PAY, at=0)
    assert question is not None
    assert question.examples.keys() == {"pay"}
    assert question.examples["pay"] in PAY


def test_of_what_was_held_back_only_the_permitted_goes() -> None:
    bench = Bench()
    bench.permit(bench.list_without("shop/a", *PAY, at=0), at=0)
    bench.permit(bench.list_without("shop/a", *PAY, at=10), "pay", at=10)
    assert (bench.gone, bench.lost) == ({"shop/a"}, True)


def test_a_sign_of_life_while_permission_is_asked_for_saves_an_application() -> None:
    bench = Bench()
    bench.permit(bench.list_without(*PAY, at=0), at=0)
    question = bench.list_without(*PAY, at=10)
    bench.books.existence.seen("pay/b")
    bench.permit(question, at=11)
    assert bench.gone == {"pay/a"}


def test_evidence_gathered_while_denied_is_worth_nothing() -> None:
    bench = Bench()
    bench.permit(bench.list_without(*PAY, at=0), "pay", at=0)
    bench.permit(bench.list_without(*PAY, at=15), at=15)
    assert (bench.gone, bench.lost, bench.books.existence.in_doubt) == (set(), False, frozenset())
    bench.permit(bench.list_without(*PAY, at=20), at=20)
    bench.permit(bench.list_without(*PAY, at=30), at=30)
    assert bench.gone == {*PAY}


@pytest.mark.parametrize("shown", [("pay/a",), PAY])
def test_a_project_is_denied_until_nothing_of_it_is_missing(shown: tuple[str, ...]) -> None:
    bench = Bench()
    bench.permit(bench.list_without(*PAY, at=0), "pay", at=0)
    question = bench.list_without(*{*PAY} - {*shown}, at=15)
    assert (bench.lost, question is None) == (shown != PAY, shown == PAY)


def test_two_denied_projects_are_regained_one_by_one() -> None:
    bench = Bench()
    bench.permit(bench.list_without(*SHOP, *PAY, at=0), "shop", "pay", at=0)
    bench.permit(bench.list_without(*PAY, at=15), "pay", at=15)
    assert (bench.lost, bench.gone) == (True, set())
    assert bench.list_without(at=50) is None
    assert (bench.lost, bench.gone) == (False, set())
    assert bench.books.due.content_at == T + 50


@pytest.mark.parametrize(
    ("absent", "fresh", "verified_at"), [((), True, T + 10), ((), False, None), (("shop/a",), True, None)]
)
def test_only_a_list_that_is_new_enough_and_leaves_no_doubt_verifies(
    absent: tuple[str, ...], fresh: bool, verified_at: float | None
) -> None:
    bench = Bench()
    bench.list_without(*absent, at=10, fresh=fresh)
    assert bench.books.liveness.verified_at == verified_at


def test_a_login_alone_verifies_nothing() -> None:
    bench = Bench()
    bench.removal.ask((), held_back=(), now=T)
    (question,) = [one for one in bench.books.outbox.take() if isinstance(one, FetchPermissions)]
    bench.permit(question, at=1)
    assert bench.books.liveness.verified_at is None
