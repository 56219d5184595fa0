"""Figures are reckoned from what is held: read once, a part at a time, and told what is measured anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.delivery import figures
from gateway.delivery.figures import Figures, Targets
from gateway.delivery.kpi import DAY, BuildMeasure, Judgement, Measure, Question

NOW = 1_795_219_200.0
RETENTION = 400 * DAY
EVER = Question(since=NOW - 365 * DAY, until=NOW)


def measure(number: int, *, days: float, **more: Any) -> Measure:
    return Measure(id=f"m-{number}", key="argocd/a", at=NOW - days * DAY, **more)


def build(number: int, *, days: float) -> BuildMeasure:
    return BuildMeasure(id=f"b-{number}", at=NOW - days * DAY, succeeded=True)


class Book:
    """What a database has; it notes what it is asked for."""

    def __init__(self, measures: Sequence[Measure], builds: Sequence[BuildMeasure] = ()) -> None:
        self.all = {one.id: one for one in measures}
        self.builds = list(builds)
        self.asked: list[tuple[float, float]] = []

    async def oldest_measure(self) -> float | None:
        return min([one.at for one in self.all.values()] + [one.at for one in self.builds], default=None)

    async def measures(self, since: float, until: float, **_: object) -> tuple[list[Measure], list[BuildMeasure]]:
        self.asked.append((since, until))
        return [one for one in self.all.values() if since <= one.at < until], await self.runs(since, until)

    async def runs(self, since: float, until: float, **_: object) -> list[BuildMeasure]:
        return [one for one in self.builds if since <= one.at < until]

    async def measured(self, identities: Sequence[str]) -> list[Measure]:
        return [self.all[identity] for identity in identities]


class Desk:
    def __init__(self, book: Book) -> None:
        self.now = NOW
        self.figures = Figures(
            book,  # type: ignore[arg-type]
            Targets(slos=(), judgement=Judgement()),
            retention=RETENTION,
            clock=lambda: self.now,
        )

    async def ask(self, question: Question = EVER) -> dict[str, Any]:
        self.now += 11.0
        (group,) = await self.figures.ask(question, {})
        return group


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "AHEAD_AFTER", 0.0)
    monkeypatch.setattr(figures, "PAUSE", 0.0)


async def test_what_was_read_ahead_is_not_read_again_and_says_the_same() -> None:
    book = Book(
        [measure(number, days=number + 0.5) for number in range(360)],
        [build(number, days=number) for number in range(90)],
    )
    waiting, ahead = Desk(book), Desk(book)
    await ahead.figures.read_ahead()
    slices = len(book.asked)
    assert slices > 20
    assert await ahead.ask() == await waiting.ask()
    assert len(book.asked) == slices + 1
    assert (await ahead.ask())["deployments"] == 360


@pytest.mark.parametrize(("days", "looks"), [((), 1), ((1,), 2), ((3, 40), 4)])
async def test_before_the_oldest_one_look_is_enough(days: tuple[int, ...], looks: int) -> None:
    desk = Desk(book := Book([measure(number, days=days) for number, days in enumerate(days)]))
    await desk.figures.read_ahead()
    assert len(book.asked) == looks
    assert min(since for since, _ in book.asked) <= NOW - 365 * DAY
    if days:
        assert (await desk.ask())["deployments"] == len(days)
    assert len(book.asked) == looks


async def test_a_longer_time_reads_only_what_is_missing() -> None:
    book = Book([measure(number, days=number + 0.5) for number in range(300)])
    desk = Desk(book)
    month = Question(since=NOW - 30 * DAY, until=NOW)
    assert (await desk.ask(month))["deployments"] == 30
    assert (await desk.ask())["deployments"] == 300
    assert book.asked == [(NOW - 30 * DAY, float("inf")), (NOW - 365 * DAY, NOW - 30 * DAY)]
    assert (await desk.ask(month))["deployments"] == 30
    assert len(book.asked) == 2


async def test_no_more_than_is_held_for_good_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "HOLDS", 50)
    book = Book([measure(number, days=number + 0.5) for number in range(360)])
    desk = Desk(book)
    await desk.figures.read_ahead()
    assert len(book.asked) == 4
    assert (await desk.ask())["deployments"] == 360
    # It is let go when nobody has asked for a while.
    desk.now += figures.KEPT_FOR + 1.0
    desk.figures.measured([measure(1, days=1)])
    book.asked.clear()
    await desk.ask()
    assert len(book.asked) == 1


async def test_what_is_measured_while_something_is_read_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book([measure(1, days=1), measure(2, days=40)])
    desk = Desk(book)
    await desk.ask(Question(since=NOW - 30 * DAY, until=NOW))
    asked, read = desk.figures, book.measures

    async def slow(since: float, until: float, *, share: bool = False) -> Any:
        found = await read(since, until)
        asked.measured([measure(2, days=40, failed=True)])
        return found

    monkeypatch.setattr(book, "measures", slow)
    assert (await desk.ask())["failed"] == 2


async def test_what_others_measured_is_fetched_and_what_was_missed_is_read_again() -> None:
    book = Book([measure(1, days=100), measure(2, days=2)])
    desk = Desk(book)
    assert (await desk.ask())["deployments"] == 2
    book.all["m-3"] = measure(3, days=1)
    desk.figures.refresh(["m-3"])
    assert desk.figures._refreshing is not None
    await desk.figures._refreshing
    assert (await desk.ask())["deployments"] == 3
    book.all["m-4"] = measure(4, days=1)
    # Of what isn't a deployment after all, nothing is left.
    del book.all["m-2"]
    assert (await desk.ask())["deployments"] == 3
    desk.figures.doubt()
    book.asked.clear()
    assert (await desk.ask())["deployments"] == 3
    (asked,) = book.asked
    assert asked[0] > NOW - 10 * DAY
    measures = await desk.figures.read(NOW - 365 * DAY)
    assert sorted(one.id for one in measures) == ["m-1", "m-3", "m-4"]


async def test_what_the_history_has_forgotten_is_forgotten() -> None:
    book = Book([measure(1, days=399), measure(2, days=2)], [build(1, days=399), build(2, days=2)])
    desk = Desk(book)
    everything = Question(since=NOW - RETENTION, until=NOW + 10 * DAY)
    await desk.ask(everything)
    assert [one.id for one in await desk.figures.read(NOW - RETENTION)] == ["m-1", "m-2"]
    # The database deletes what is older than that, and doesn't say so.
    del book.all["m-1"], book.builds[0]
    desk.now += 5 * DAY
    desk.figures.measured([measure(3, days=-5)])
    assert len(desk.figures._shelf) == 3
    assert [one.id for one in await desk.figures.read(NOW - RETENTION)] == ["m-2", "m-3"]


async def test_what_is_measured_is_noted_apart_only_while_something_is_read() -> None:
    desk = Desk(Book([measure(1, days=1)]))
    await desk.ask()
    for number in range(100):
        desk.figures.measured([measure(number, days=1)])
    assert desk.figures._shelf._news is None
