"""The history in a database says what the pure parts say of everything at once: in any order, twice, over a restart."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from gateway.delivery.events import Commit, Run
from gateway.delivery.storage.database import Database, DatabaseError
from gateway.delivery.storage.deliveries import Outcome, Verdict
from gateway.delivery.storage.settling import Told
from gateway.delivery.storage.tables import DELIVERIES, FACT_KEYS, FACTS, METADATA
from tests.delivery import play, story
from tests.delivery.desk import PLACES, Desk, expected, open_desk, open_played
from tests.delivery.test_merging import RUNS

PROMOTION, CANARY, DAY = "promotion/stream.sse", "canary/app.sse", "deploy-day/stream.sse"


async def fill(desk: Desk, recording: str) -> None:
    await desk.play(play.shown_in(recording))
    await desk.pass_time(600.0)


@pytest.mark.usefixtures("storage")
async def test_the_steps_make_the_tables_of_today_and_are_taken_once(tmp_path: Path) -> None:
    for _ in range(2):
        database = Database(PLACES.find(tmp_path / "history.db"))
        await database.open()
        differences = await database.read(lambda one: compare_metadata(MigrationContext.configure(one), METADATA))
        assert differences == []
        await database.close()


async def test_a_database_that_cannot_be_used_says_why_without_its_url(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"this is no database" * 1_000)
    with pytest.raises(DatabaseError, match="not a database") as error:
        await Database(f"sqlite+aiosqlite:///{tmp_path}/history.db").open()
    assert str(tmp_path) not in str(error.value)
    with pytest.raises(DatabaseError, match="isn't open"):
        await Database().read(lambda _: None)


@pytest.mark.parametrize(
    ("storage", "recording"),
    [("sqlite", PROMOTION), ("sqlite", CANARY), ("sqlite", DAY), ("postgresql", CANARY)],
    indirect=["storage"],
)
async def test_what_is_gathered_for_a_deployment_tells_what_all_facts_would(storage: None, recording: str) -> None:
    facts = list(story.facts(recording))
    async with open_played(recording) as desk:
        await desk.tell(facts)
        assert {change["id"]: change for change in await desk.changes()} == expected(recording)


async def test_facts_before_their_deployments_twice_and_in_any_order_tell_the_same() -> None:
    facts = list(story.facts(PROMOTION)) * 2
    random.Random(1).shuffle(facts)
    async with open_desk() as desk:
        await desk.tell(facts[: len(facts) // 2])
        await fill(desk, PROMOTION)
        await desk.tell(facts[len(facts) // 2 :])
        assert {change["id"]: change for change in await desk.changes()} == expected(PROMOTION)


async def test_what_comes_late_reaches_the_measures_of_exactly_those_that_it_changes() -> None:
    facts = story.facts(PROMOTION)
    async with open_played(PROMOTION) as late, open_desk() as early:
        await late.tell(facts)
        await early.tell(facts)
        await fill(early, PROMOTION)
        first, second = await late.repository.measures(0, 1e12), await early.repository.measures(0, 1e12)
        assert sorted(first[0], key=lambda one: one.id) == sorted(second[0], key=lambda one: one.id)
        assert {one.id: one.applications for one in first[1]} == {one.id: one.applications for one in second[1]}
        assert sum(one.lead is not None for one in first[0]) > 20
        assert sum(bool(one.applications) for one in first[1]) > 3


async def test_without_one_commit_exactly_its_links_are_gone() -> None:
    facts = [fact for fact in story.facts(PROMOTION) if not (isinstance(fact, Commit) and fact.sha == story.MATRIX)]
    async with open_played(PROMOTION) as desk:
        await desk.tell(facts)
        assert {change["id"]: change for change in await desk.changes()} == expected(PROMOTION, facts)
        assert expected(PROMOTION, facts) != expected(PROMOTION)


@pytest.mark.usefixtures("storage")
async def test_a_commit_and_an_image_find_the_changes_to_which_they_belong() -> None:
    async with open_played(PROMOTION) as desk:
        await desk.tell(story.facts(PROMOTION))
        everything = await desk.changes()
        for size in (4, 7, 8, 12, 40):
            found = await desk.changes(commit=story.MATRIX[:size])
            assert {one["id"] for one in found} >= {
                one["id"]
                for one in everything
                if any(image.endswith(story.MATRIX[:8]) for image in one.get("images", ()))
            }
            assert len(found) > 3
        change = next(one for one in everything if one.get("images"))
        image = change["images"][0]
        for wanted in (image, image.rpartition(":")[0], image.rpartition("/")[2]):
            assert change["id"] in {one["id"] for one in await desk.changes(image=wanted)}, wanted
        assert await desk.changes(commit="0123456789abcdef") == []
        assert await desk.changes(image="nothing/like_this%") == []


async def test_deployments_are_neither_doubled_nor_lost_by_a_restart_at_any_moment(tmp_path: Path) -> None:
    shown = play.shown_in(PROMOTION)
    dice = random.Random(2)
    cuts = sorted(dice.sample(range(len(shown)), 6))
    for begin, end in zip([0, *cuts], [*cuts, len(shown)], strict=True):
        async with open_desk(tmp_path / "history.db", now=shown[begin][0] if begin < len(shown) else 0.0) as desk:
            await desk.play(shown[begin:end])
            if end == len(shown):
                await desk.pass_time(600.0)
                kept = {change["id"]: (change["kind"], change["outcome"]) for change in await desk.changes()}
    truth = {one.id: (str(one.kind), str(one.outcome)) for one in story.deployments(PROMOTION)}
    assert kept == truth


@pytest.mark.usefixtures("storage")
async def test_retention_deletes_what_is_old_and_nothing_else() -> None:
    async with open_played(CANARY) as desk:
        await desk.tell(story.facts(CANARY))
        receipt = await desk.push("a" * 40)
        await desk.settled()
        assert await desk.repository.sweep(now=desk.now, retention=86_400.0) == 0
        before = await desk.changes()
        desk.now += 30 * 86_400.0
        await desk.repository.sweep(now=desk.now, retention=86_400.0 * 400)
        assert await desk.changes() == before
        (delivery,) = await desk.repository.browse()
        assert delivery["kept"] == 0
        assert await desk.repository.requeue(receipt.id) is False
        assert await desk.repository.sweep(now=desk.now, retention=86_400.0) > 0
        assert await desk.changes() == []
        assert await desk.repository.measures(0, 1e12) == ([], [])
        for table in (DELIVERIES, FACTS, FACT_KEYS):
            query = select(func.count()).select_from(table)
            assert await desk.repository.database.read(lambda one, query=query: one.execute(query).scalar()) == 0  # type: ignore[misc]


@pytest.mark.usefixtures("storage")
async def test_the_verdict_on_a_delivery_and_its_facts_are_kept_together_or_not_at_all() -> None:
    async with open_desk(run=False) as desk:
        await desk.push("b" * 40)
        fact = Commit(repository="github.com/example/shop", sha="b" * 40)

        class Broken(msgspec.Struct):
            pass

        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is
            await desk.repository.settle([Told(id=1, received_at=desk.now, facts=(fact, Broken()))])  # type: ignore[arg-type]
        (delivery,) = await desk.repository.browse()
        assert delivery["outcome"] == "accepted"
        assert [line async for line in desk.repository.export("facts", 0.0)] == []
        why = Verdict(id=1, outcome=Outcome.PROCESSED, facts=1)
        await desk.repository.settle([Told(id=1, received_at=desk.now, facts=(fact,), verdict=why)])
        assert len([line async for line in desk.repository.export("facts", 0.0)]) == 1


@pytest.mark.usefixtures("storage")
async def test_whatever_the_order_in_which_deliveries_are_processed_the_same_is_kept() -> None:
    async with open_desk(run=False) as desk:
        numbers = itertools.count()

        @given(st.lists(RUNS, min_size=2, max_size=4), st.randoms(use_true_random=False))
        @settings(max_examples=6, suppress_health_check=[HealthCheck.nested_given])
        def find(tellings: list[Run], dice: random.Random) -> None:
            examples.append((tellings, dice.sample(tellings, len(tellings)) + tellings[:1]))

        examples: list[tuple[list[Run], list[Run]]] = []
        find()
        for one, other in examples:
            kept = []
            for order in (one, other):
                name = str(next(numbers))
                await desk.tell([msgspec.structs.replace(run, id=name) for run in order])
                (fact,) = [
                    line
                    async for line in desk.repository.export("facts", 0.0)
                    if msgspec.json.decode(line)["id"] == name
                ]
                kept.append({**msgspec.json.decode(fact), "id": ""})
            assert kept[0] == kept[1]
